"""String tensors: object arrays of `str`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def as_strings(texts: Sequence[str], shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """A string tensor of that shape."""
    array = np.empty(len(texts), object)
    array[:] = texts
    return array.reshape(shape)
