"""Weights below 2**-126, which decayed in training: a product of one can take a hundred times as long.

What such a number adds to a sum lies far below the rounding of its other products, if any weight is of
ordinary size; then it counts as zero.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
ORDINARY = 1e-20  # with a weight of this size, sums round off what subnormal ones add
CHUNK = 1 << 16  # numbers looked at while they are in cache
FEW = 1 << 8  # numbers that are looked at so soon that NumPy does not let other threads run


def without_subnormals(weights: Array) -> Array:
    """Floats with zeros for those below 2**-126, if any is of ordinary size; otherwise as they are."""
    if weights.dtype != np.float32 or not weights.flags.c_contiguous:
        return weights
    flat = weights.reshape(-1)
    starts = [start for start in range(0, flat.size, CHUNK) if _subnormal(flat[start : start + CHUNK]).any()]
    if not starts or not is_ordinary(weights):
        return weights
    flat = flat.copy()
    for start in starts:
        part = flat[start : start + CHUNK]
        part[_subnormal(part)] = 0
    return flat.reshape(weights.shape)


def is_ordinary(weights: Array) -> bool:
    """Whether any number is of ordinary size: as a rule, one of the first is."""
    flat = weights.ravel("K")
    return any((np.abs(flat[start : start + FEW]) >= ORDINARY).any() for start in range(0, flat.size, FEW))


def _subnormal(part: Array) -> Array:
    return (part.view(np.uint32) << 1) - np.uint32(1) < np.uint32((1 << 24) - 1)  # zero wraps around
