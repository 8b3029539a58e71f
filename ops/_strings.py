"""String tensors, which are object arrays of `str`, and numbers as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jitrt.types import is_float

SPECIAL_FLOATS = {"inf": "INF", "-inf": "-INF", "nan": "NaN"}


def as_strings(texts: Sequence[str], shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """A string tensor of that shape."""
    return np.fromiter(texts, object, len(texts)).reshape(shape)


def format_numbers(x: np.ndarray[Any, Any]) -> list[str]:
    """The numbers as onnxruntime writes them: `1`, `-0`, `0.1`, `1e-07`, `INF`, `NaN`; a bool as 1 or 0.

    They have eight significant digits, and more where their type needs them to be read back as the same.
    """
    if not is_float(x.dtype):
        return list(map(str, x.ravel().astype(np.int64 if x.dtype.itemsize == 1 else x.dtype).tolist()))
    numbers = x.ravel().astype(np.float64)
    texts = as_strings([f"{v:.8g}" for v in numbers.tolist()], numbers.shape)
    for digits in (9, 15, 16, 17):
        with np.errstate(over="ignore"):
            (differ,) = np.nonzero(np.array(list(map(float, texts))).astype(x.dtype) != x.ravel())
        for i in differ.tolist():
            texts[i] = f"{numbers[i]:.{digits}g}"
    for i in np.flatnonzero(~np.isfinite(numbers)).tolist():
        texts[i] = SPECIAL_FLOATS[texts[i]]
    return texts.tolist()


def parse_integer(text: str) -> int:
    """The integer that the text names; a fraction is cut off."""
    try:
        return int(text)
    except ValueError:
        return int(float(text))
