"""Scalar functions that quantised operators of com.microsoft share. A scale and its zero point are scalars here."""

from __future__ import annotations

from typing import overload

import numpy as np

from jitrt.expr import Expr, cast, rint, where
from jitrt.tensor import Dtype, Tensor
from jitrt.types import F32, I32

MICROSOFT = "com.microsoft"


@overload
def scalar(t: Tensor) -> Tensor: ...
@overload
def scalar(t: None) -> None: ...
def scalar(t: Tensor | None) -> Tensor | None:
    """A tensor of one element without dimensions."""
    return None if t is None else t.reshape(())


def centered(x: Expr, zero_point: Expr | None) -> Expr:
    """The integer's distance from its zero point, in float32: exact for integers of 16 bits."""
    whole = cast(x, I32)
    return cast(whole if zero_point is None else whole - cast(zero_point, I32), F32)


def shifted(zero_point: Expr | None) -> Expr | float:
    """The zero point as a float32, to add before rounding as onnxruntime's sums and products do."""
    return 0.0 if zero_point is None else cast(zero_point, F32)


def quantized(x: Expr, zero_point: Expr | None, dtype: Dtype) -> Expr:
    """A float32 rounded to even, then moved to the zero point."""
    return saturated(rint(x) + shifted(zero_point), dtype)


def saturated(x: Expr, dtype: Dtype) -> Expr:
    """A float32 rounded to even, or the nearest number of an integer type."""
    limits = np.iinfo(dtype)
    x = where(x > limits.min, x, limits.min)  # NaN becomes the lowest number too
    return cast(rint(where(x < limits.max, x, limits.max)), dtype)
