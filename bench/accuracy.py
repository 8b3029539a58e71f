"""How far one engine's outputs are from another's."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np


def max_error(outputs: list[Any], expected: list[Any]) -> float:
    """The largest difference of any output relative to that output's largest finite expected magnitude.

    Sequences and maps are compared element by element. Infinite where shapes, strings, keys or the places of
    NaN and infinity differ.
    """
    if len(outputs) != len(expected):
        return inf
    return max((_difference(a, b) for a, b in zip(outputs, expected, strict=True)), default=0.0)


def _difference(a: Any, b: Any) -> float:
    if isinstance(b, dict):
        same_keys = isinstance(a, dict) and a.keys() == b.keys()
        return _difference([a[k] for k in b], list(b.values())) if same_keys else inf
    if isinstance(b, list) and b and isinstance(b[0], dict | np.ndarray):
        return max_error(a, b)
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        return inf
    if b.dtype.kind in "OUS":
        return 0.0 if np.array_equal(a, b) else inf
    return _numeric_difference(a.astype(np.float64), b.astype(np.float64))


def _numeric_difference(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> float:
    unequal = ~((a == b) | (np.isnan(a) & np.isnan(b)))
    if not unequal.any():
        return 0.0
    finite = np.abs(b[np.isfinite(b)])
    scale = finite.max(initial=0.0) or 1.0
    difference = np.abs(a[unequal] - b[unequal]).max() / scale
    return inf if np.isnan(difference) else float(difference)
