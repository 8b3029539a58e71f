"""String tensors, which are object arrays of `str`, and numbers as text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np


def as_strings(texts: Sequence[str], shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """A string tensor of that shape."""
    array = np.empty(len(texts), object)
    array[:] = texts
    return array.reshape(shape)


def format_number(x: Any, dtype: np.dtype[Any]) -> str:
    """The number as onnxruntime writes it: `1`, `-0`, `0.1`, `1e-07`, `INF`, `NaN`; a bool as 1 or 0.

    It has eight significant digits, and more where `dtype` needs them to be read back as the same number.
    """
    if not isinstance(x, float):
        return str(int(x))
    if math.isnan(x):
        return "NaN"
    if math.isinf(x):
        return "INF" if x > 0 else "-INF"
    for digits in (8, 9, 15, 16):
        text = f"{x:.{digits}g}"
        if np.float64(text).astype(dtype) == x:
            return text
    return f"{x:.17g}"


def parse_integer(text: str) -> int:
    """The integer that the text names; a fraction is cut off."""
    try:
        return int(text)
    except ValueError:
        return int(float(text))
