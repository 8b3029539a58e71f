"""What quantised operators of com.microsoft share."""

from __future__ import annotations

from typing import overload

from jitrt.expr import Expr, cast, rint
from jitrt.tensor import Dtype, Tensor
from jitrt.types import F32, I32

from .._quantization import clamp, integer_range

MICROSOFT = "com.microsoft"


@overload
def scalar(t: Tensor) -> Tensor: ...
@overload
def scalar(t: None) -> None: ...
def scalar(t: Tensor | None) -> Tensor | None:
    """A tensor of one element without dimensions."""
    return None if t is None else t.reshape(())


def centered(x: Expr, zero_point: Expr | None) -> Expr:
    """The distance of an 8-bit integer from its zero point, as a float32."""
    whole = cast(x, I32)
    return cast(whole if zero_point is None else whole - cast(zero_point, I32), F32)


def shifted(x: Expr, zero_point: Expr | None) -> Expr:
    """A float32 moved to the zero point, before it is rounded: as onnxruntime's sums and products are."""
    return x if zero_point is None else x + cast(zero_point, F32)


def saturated(x: Expr, dtype: Dtype) -> Expr:
    """A float32 rounded to even, or the nearest number of an integer type."""
    return cast(clamp(rint(x), *integer_range(dtype)), dtype)
