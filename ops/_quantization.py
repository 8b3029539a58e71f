"""The arithmetic of linear quantisation, on traced tensors."""

from __future__ import annotations

import ml_dtypes
import numpy as np

from jitrt.affine import Affine, affine_form, quantize_affine
from jitrt.calls import cast_tensor
from jitrt.dims import Size, same
from jitrt.expr import Expr, cast, const, fma, rint, where
from jitrt.quantized import Quantized
from jitrt.tensor import Dtype, Tensor, map_tensors
from jitrt.types import F32, F64, I8, I32, U8, is_integer

from ._small_types import SMALL_INTEGERS, decode, encode, is_small


def quantize_tensor(
    x: Tensor, scale: Tensor, zero: Tensor | None, dtype: Dtype, *, precision: Dtype = F32, saturate: int = 1
) -> Tensor:
    """`saturate(round(x / scale) + zero)` in `dtype`; scale and zero point broadcast against x.

    The quotient is computed in float32 (or float64) and rounded to `precision`. Halves round to even, NaN
    gives an integer type's lowest number.
    """
    step, point = _known_number(scale), 0 if zero is None else _known_number(zero)
    if step is not None and point is not None and precision == F32 and _divides_exactly(step, dtype):
        form = affine_form(x) if dtype in (I8, U8) else None
        if form is not None:
            return quantize_affine(form, step, int(point), dtype)
        codes = map_tensors(lambda v: _code(cast(v, F32), step, point, dtype), widened(x))
        return encode(cast_tensor(codes, I32), dtype) if is_small(dtype) else cast_tensor(codes, dtype)
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


def _known_number(parameter: Tensor) -> float | None:
    """The one known number of a tensor."""
    value = parameter.value
    return (
        float(value.ravel()[0]) if value is not None and not parameter.symbolic and value.size == 1 else None
    )


def _divides_exactly(scale: float, dtype: Dtype) -> bool:
    """Whether `_code` holds for this scale, in float32, and this type."""
    all_ones = float.hex(scale).partition("p")[0] == "0x1.fffffe0000000"
    return is_integer(dtype) and dtype.itemsize <= 2 and 1e-30 < scale < 1e30 and not all_ones


def _code(x: Expr, scale: float, zero: float, dtype: Dtype) -> Expr:
    """`saturate(round(x / scale) + zero)` of float32 x, without a division.

    The product with the reciprocal, corrected by its remainder, is rounded as the quotient is: a theorem of
    P. Markstein's. https://doi.org/10.1147/rd.341.0111
    """
    low, high = integer_range(dtype)
    step = np.float32(scale)
    x = clamp(x, (low - zero) * scale, (high - zero) * scale)
    inverse = const(1 / step, F32)
    q = x * inverse
    q = rint(fma(fma(q, const(-step, F32), x), inverse, q))
    return q + zero if zero else q


def code_in_range(x: Expr, scale: Expr, zero: Expr) -> Expr:
    """`round(x / scale) + zero` of float32 x as uint8, where no quotient is beyond 256, as `_code`.

    What follows from the scale alone is computed once a row; its reciprocal stays finite in units of 2**-64.
    """
    units = where(scale < 2.0**-64, const(2.0**64, F32), const(1.0, F32))
    step, x = scale * units, x * units
    inverse = 1 / step
    q = x * inverse
    whole = rint(fma(fma(-q, step, x), inverse, q))
    return cast(clamp(whole + cast(zero, F32), 0, 255), U8)


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
    point = _known_number(zero)
    if scale.value is not None and not scale.symbolic and point is not None and zero.dtype in (I8, U8):
        form = Affine(((y, scale.value.astype(np.float64)),), np.asarray(0.0))
        return quantize_affine(form, 1.0, int(point), zero.dtype)
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
