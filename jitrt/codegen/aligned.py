"""Memory for constants as kernels read them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

LINE = 64  # bytes of a cache line
_REGION = 1 << 25  # bytes taken from the system at once: large enough for huge pages
_region: list[Array] = []
_region_lock = threading.Lock()


def aligned_empty(shape: Sequence[int], dtype: np.dtype[Any]) -> Array:
    """An uninitialised array that starts at a cache line, next in memory to the one made before it.

    Weights packed in the order of execution are then read in the order of their addresses, on huge pages.
    """
    nbytes = prod(shape) * dtype.itemsize
    with _region_lock:
        if not _region or _region[0].nbytes < nbytes + LINE:
            _region[:] = [np.empty(max(_REGION, nbytes + LINE), np.uint8)]
        memory = _region[0]
        start = -memory.__array_interface__["data"][0] % LINE
        _region[0] = memory[start + nbytes :]
    return memory[start : start + nbytes].view(dtype).reshape(shape)
