"""Python dictionaries of arrays' elements, strings above all: natively, an array at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jitrt.execute.pool import shared_runtime

Array = np.ndarray[Any, Any]


def find(values: Array, table: dict[Any, int]) -> Array:
    """The number of each element, int64 [values.size]; -1 for one that the table does not have.

    Raises TypeError for an element that has no hash.
    """
    if values.dtype.kind != "O" or not values.flags.c_contiguous:
        values = np.ascontiguousarray(values, object)
    found: Array = shared_runtime().find(table, values, np.empty(values.size, np.int64))
    return found


def zipper(keys: Sequence[Any]) -> Callable[[Array], list[dict[Any, float]] | None]:
    """A function of float32 rows [n, k] to n dictionaries, by the k keys.

    It gives None for an array of other sizes, or that is not C-contiguous.
    """
    return shared_runtime().zipper(tuple(keys), dict.fromkeys(keys))
