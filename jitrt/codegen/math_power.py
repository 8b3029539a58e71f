"""Powers."""

from __future__ import annotations

from math import inf, nan

from jitrt.codegen.math_common import copysign
from jitrt.codegen.math_exp import short_exp
from jitrt.codegen.math_log import short_log
from jitrt.expr import Expr, absolute, cast, const, eq, floor, ne, sqrt, where
from jitrt.types import F32, F64, is_float


def power(x: Expr, y: Expr) -> Expr | None:
    """x ** y, with the special values of C's `pow`; None for float64, which would need a longer logarithm."""
    if y.op == "const":
        simple = _constant_power(x, float(y.value))
        if simple is not None:
            return simple
    if not is_float(x.dtype):
        return _integer_power(x, y)
    return _float_power(x, y) if x.dtype == F32 else None


def _constant_power(x: Expr, exponent: float) -> Expr | None:
    """The exponents that need no logarithm."""
    square = x * x
    positive = {0.0: const(1, x.dtype), 1.0: x, 2.0: square, 3.0: square * x, 4.0: square * square}
    if exponent in positive or not is_float(x.dtype):
        return positive.get(exponent)
    if exponent in (0.5, -0.5):
        root = where(eq(x, -inf), const(inf, x.dtype), sqrt(x + 0.0))
        return root if exponent > 0 else 1 / root
    return {-1.0: 1 / x, -2.0: 1 / square}.get(exponent)


def _float_power(x: Expr, y: Expr) -> Expr:
    """exp(y log|x|) in float64, so that what the exponential makes of the logarithm's error is negligible."""
    size, exponent = cast(absolute(x), F64), cast(y, F64)
    value = cast(short_exp(exponent * short_log(size)), F32)
    whole = eq(floor(y), y)
    odd = whole & ne(floor(0.5 * y), 0.5 * y)
    signed = where(odd, copysign(value, x), value)
    finite_negative = (x < 0) & (x > -inf)
    real = where(finite_negative & ~whole, const(nan, F32), signed)
    one = eq(y, 0) | eq(x, 1) | (eq(x, -1) & eq(absolute(y), inf))
    return where(one, const(1, F32), real)


def _integer_power(x: Expr, y: Expr) -> Expr:
    """By squaring, wrapping around; a negative exponent gives the inverse truncated, 0 for an x of 0."""
    result, square = const(1, x.dtype), x
    for bit in range(8 * x.dtype.itemsize - 1):
        result = where(ne((y >> bit) & 1, 0), result * square, result)
        square = square * square
    if x.dtype.kind == "u":
        return result
    odd = ne(y & 1, 0)
    inverse = where(eq(x, 1) | (eq(x, -1) & ~odd), const(1, x.dtype), where(eq(x, -1), const(-1, x.dtype), 0))
    return where(y < 0, inverse, result)
