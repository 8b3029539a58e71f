"""The arithmetic of linear quantisation, on traced tensors."""

from __future__ import annotations

import ml_dtypes
import numpy as np

from jitrt.calls import cast_tensor
from jitrt.dims import Size, same
from jitrt.expr import Expr, cast, const, rint, where
from jitrt.quantized import Quantized
from jitrt.tensor import Dtype, Tensor, map_tensors
from jitrt.types import F32, F64, I32, is_integer

from ._small_types import SMALL_INTEGERS, decode, encode, is_small


def quantize_tensor(
    x: Tensor, scale: Tensor, zero: Tensor | None, dtype: Dtype, *, precision: Dtype = F32, saturate: int = 1
) -> Tensor:
    """`saturate(round(x / scale) + zero)` in `dtype`; scale and zero point broadcast against x.

    The quotient is computed in float32 (or float64) and rounded to `precision`. Halves round to even, NaN
    gives an integer type's lowest number.
    """
    wide = F64 if precision == F64 else F32
    quotient = map_tensors(
        lambda v, s: cast(cast(cast(v, wide) / cast(s, wide), precision), wide), widened(x), widened(scale)
    )
    offset = None if zero is None else cast_tensor(widened(zero), wide)
    if not is_integer(dtype):
        shifted = quotient if offset is None else map_tensors(lambda q, z: q + z, quotient, offset)
        return encode(shifted, dtype, saturate)
    low, high = integer_range(dtype)

    def place(q: Expr, z: Expr | None) -> Expr:
        return clamp(rint(q) if z is None else rint(q) + z, low, high)

    whole = map_tensors(place, quotient, offset)
    return encode(cast_tensor(whole, I32), dtype) if is_small(dtype) else cast_tensor(whole, dtype)


def dequantize_tensor(x: Tensor, scale: Tensor, zero: Tensor | None, dtype: Dtype) -> Tensor:
    """`(x - zero) * scale` in `dtype`, rounded once; scale and zero point broadcast against x."""
    kind = I32 if is_integer(x.dtype) else F32
    number = cast_tensor(widened(x), kind)
    if zero is not None:
        number = map_tensors(lambda v, z: v - z, number, cast_tensor(widened(zero), kind))
    return map_tensors(lambda v, s: cast(cast(v, F32) * cast(s, F32), dtype), number, widened(scale))


def dequantized_tensor(x: Tensor, scale: Tensor, zero: Tensor | None, dtype: Dtype) -> Tensor:
    """As `dequantize_tensor`, for bytes; products of the result find x again."""
    y = dequantize_tensor(x, scale, zero, dtype)
    y.quantized = Quantized(x, scale, zero)
    return y


def requantize_tensor(y: Tensor, scale: Tensor, zero: Tensor) -> Tensor:
    """`saturate(round(y * scale) + zero)` of int32 y, in the type of `zero`."""
    low, high = integer_range(zero.dtype)
    return map_tensors(
        lambda v, s, z: cast(clamp(rint(cast(v, F32) * s) + cast(z, F32), low, high), z.dtype), y, scale, zero
    )


def clamp(x: Expr, low: float, high: float) -> Expr:
    """x within the bounds; `low` for NaN."""
    above = where(x > low, x, const(low, x.dtype))
    return where(above < high, above, const(high, x.dtype))


def integer_range(dtype: Dtype) -> tuple[int, int]:
    """The least and the greatest number of an integer type."""
    limits = ml_dtypes.iinfo(dtype) if dtype in SMALL_INTEGERS else np.iinfo(dtype)
    return int(limits.min), int(limits.max)


def widened(x: Tensor) -> Tensor:
    """Numbers of eight bits and fewer in a type that has arithmetic."""
    return decode(x) if is_small(x.dtype) else x


def along_axis(parameter: Tensor, rank: int, axis: int) -> Tensor:
    """A vector of parameters along dimension `axis` of `rank`; one of a single parameter as a scalar."""
    if parameter.ndim != 1:
        return parameter
    if same(parameter.shape[0], 1):
        return parameter.reshape(())
    shape: list[Size] = [1] * rank
    shape[axis % rank] = parameter.shape[0]
    return parameter.reshape(shape)
