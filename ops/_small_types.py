"""Conversions to and from the types of eight bits and fewer, each in its own byte.

8- and 4-bit floats are rounded in float32 to a multiple of the target's spacing at that size; the bits then
follow from float32's own. https://arxiv.org/abs/2209.05433
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import ml_dtypes
import numpy as np

from jitrt.calls import cast_tensor
from jitrt.expr import Expr, absolute, bitcast, cast, const, eq, isnan, ldexp, maximum, ne, rint, where
from jitrt.tensor import Dtype, Tensor, map_tensors
from jitrt.types import F32, I8, I32, U8, is_integer, is_small

__all__ = ["decode", "encode", "is_small"]

SMALL_INTEGERS = {
    np.dtype(ml_dtypes.int4): 4,
    np.dtype(ml_dtypes.uint4): 4,
    np.dtype(ml_dtypes.int2): 2,
    np.dtype(ml_dtypes.uint2): 2,
}
SCALE = np.dtype(ml_dtypes.float8_e8m0fnu)
F32_MANTISSA, F32_BIAS = 23, 127


@dataclass(frozen=True)
class Format:
    """A small float: bits of the mantissa, exponent of the smallest normal number, and special codes.

    `nan` and `infinity` are codes without the sign, None where there is none; `highest` is the largest finite
    one. With `unsigned_zero` the code of -0 is NaN.
    """

    mantissa: int
    lowest_exponent: int
    highest: int
    nan: int | None
    infinity: int | None
    sign: int
    unsigned_zero: bool


@cache
def _format(dtype: Dtype) -> Format | None:
    """The format of a small float type; None for any other type."""
    if not dtype.name.startswith(("float8", "float6", "float4")) or dtype == SCALE:
        return None
    info = ml_dtypes.finfo(dtype)
    sign = 1 << (info.bits - 1)
    values = np.array([np.nan, np.inf, info.max], np.float32).astype(dtype)
    nan, infinity, highest = values.view(np.uint8).tolist()
    return Format(
        int(info.nmant),
        int(info.minexp),
        highest,
        nan if np.isnan(values[0]) else None,
        infinity if np.isinf(values[1]) else None,
        sign,
        nan == sign and bool(np.isnan(values[0])),
    )


def decode(x: Tensor) -> Tensor:
    """Numbers of a small type as float32, int8 or uint8, exactly."""
    dtype = x.dtype
    bits = SMALL_INTEGERS.get(dtype)
    if bits is not None:
        return map_tensors(lambda b: _decode_integer(b, bits, dtype), x.reinterpret(U8))
    if dtype == SCALE:
        return map_tensors(_decode_scale, x.reinterpret(U8))
    form = _format(dtype)
    assert form is not None
    return map_tensors(lambda b: _decode_float(cast(b, I32), form), x.reinterpret(U8))


def encode(x: Tensor, dtype: Dtype, saturate: int = 1, round_mode: str = "up") -> Tensor:
    """Numbers as a small type; out of range the largest one, or if not `saturate` NaN or infinity."""
    bits = SMALL_INTEGERS.get(dtype)
    if bits is not None:
        whole = cast_tensor(x, x.dtype if is_integer(x.dtype) else I32)
        return map_tensors(lambda v: cast(v & (2**bits - 1), U8), whole).reinterpret(dtype)
    x = cast_tensor(x, F32)
    if dtype == SCALE:
        return map_tensors(lambda v: _encode_scale(v, saturate, round_mode), x).reinterpret(dtype)
    form = _format(dtype)
    assert form is not None
    return map_tensors(lambda v: cast(_encode_float(v, form, saturate), U8), x).reinterpret(dtype)


def _decode_integer(b: Expr, bits: int, dtype: Dtype) -> Expr:
    if dtype.name.startswith("u"):
        return b & (2**bits - 1)
    return bitcast(b << (8 - bits), I8) >> (8 - bits)


def _decode_float(code: Expr, form: Format) -> Expr:
    """The exponent and mantissa in float32's place, scaled by the difference of the biases."""
    magnitude = code & (form.sign - 1)
    bias = 1 - form.lowest_exponent
    x = bitcast(magnitude << (F32_MANTISSA - form.mantissa), F32) * 2.0 ** (F32_BIAS - bias)
    x = where(ne(code & form.sign, 0), -x, x)
    if form.unsigned_zero:
        return where(eq(code, form.sign), np.nan, x)
    if form.infinity is not None:
        x = where(
            eq(magnitude, form.infinity), where(ne(code & form.sign, 0), -np.inf, const(np.inf, F32)), x
        )
    if form.nan is not None:
        x = where(magnitude > (form.nan - 1 if form.infinity is None else form.infinity), np.nan, x)
    return x


def _encode_float(x: Expr, form: Format, saturate: int) -> Expr:
    size = absolute(x)
    exponent = maximum((bitcast(size, I32) >> F32_MANTISSA) - F32_BIAS, form.lowest_exponent)
    rounded = ldexp(rint(ldexp(size, form.mantissa - exponent)), exponent - form.mantissa)
    bias = 1 - form.lowest_exponent
    normal = (bitcast(rounded, I32) >> (F32_MANTISSA - form.mantissa)) - ((F32_BIAS - bias) << form.mantissa)
    tiny = cast(ldexp(rounded, const(form.mantissa - form.lowest_exponent, I32)), I32)
    code = where(rounded < 2.0**form.lowest_exponent, tiny, normal)
    beyond = form.nan if form.infinity is None else form.infinity
    code = where(rounded > _largest(form), form.highest if saturate or beyond is None else beyond, code)
    sign = where(bitcast(x, I32) < 0, const(form.sign, I32), 0)
    if form.unsigned_zero:
        sign = where(eq(code, 0) | eq(code, form.sign), 0, sign)
    return where(isnan(x), form.sign if form.nan is None else form.nan, code | sign)


def _largest(form: Format) -> float:
    """The largest finite number."""
    exponent, mantissa = divmod(form.highest, 1 << form.mantissa)
    return (1 + mantissa / (1 << form.mantissa)) * 2.0 ** (exponent - 1 + form.lowest_exponent)


def _decode_scale(b: Expr) -> Expr:
    """2**(code - 127); 255 is NaN."""
    power = bitcast(cast(b, I32) << F32_MANTISSA, F32)
    return where(eq(b, 255), np.nan, where(eq(b, 0), 2.0**-127, power))


def _encode_scale(x: Expr, saturate: int, round_mode: str) -> Expr:
    """The exponent, rounded `up`, `down` or to the `nearest` power of two; denormals give 0 or 1."""
    bits = bitcast(absolute(x), I32)
    exponent, fraction = bits >> F32_MANTISSA, bits & (2**F32_MANTISSA - 1)
    half = 2 ** (F32_MANTISSA - 1)
    if round_mode == "up":
        carry = fraction > where(eq(exponent, 0), const(half, I32), 0)
    elif round_mode == "down":
        carry = const(False, np.dtype(np.bool_))
    else:
        carry = fraction >= where(eq(exponent, 0), const(half + half // 2, I32), half)
    code = exponent + cast(carry, I32)
    code = where(code > 254, 254 if saturate else 255, code)
    if not saturate:
        code = where(bits < half, 255, code)
    return cast(where(isnan(x), 255, code), U8)
