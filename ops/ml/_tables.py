"""Look-up tables made of attributes, once for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any, TypeVar

import numpy as np

Array = np.ndarray[Any, Any]
Table = TypeVar("Table")
MAX_TABLES = 256
_tables: dict[tuple[Any, ...], tuple[tuple[Any, ...], Any]] = {}


def table_of(make: Callable[..., Table], *attributes: Any) -> Table:
    """`make(*attributes)`, made once for the same objects; comparing long lists would take too long."""
    identity = (make, *map(id, attributes))
    found = _tables.get(identity)
    if found is None:
        while len(_tables) >= MAX_TABLES:
            _tables.pop(next(iter(_tables)), None)
        found = _tables[identity] = attributes, make(*attributes)  # which keeps the identities theirs
    result: Table = found[1]
    return result


def positions(categories: Sequence[Any]) -> dict[Any, int]:
    """The position of each category, the last one of equals."""
    return dict(zip(categories, range(len(categories)), strict=True))


def find(values: Array, places: dict[Any, int]) -> Array:
    """The position of each element of `values`, flattened; -1 for one that is not there."""
    return np.fromiter(map(places.get, values.ravel().tolist(), repeat(-1)), np.int64, values.size)
