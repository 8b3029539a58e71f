"""What the vector math functions share."""

from __future__ import annotations

from collections.abc import Sequence

from jitrt.expr import Expr, bitcast, const, fma
from jitrt.types import F32, F64, I32, I64

LOG2_E = 1.4426950408889634
LN2 = {  # in two parts: the first is ln 2 rounded to the type
    F32: (0.693147182464599609375, -1.904654323148236017e-09),
    F64: (0.693147180559945286227, 2.319046813846299616e-17),
}


def polynomial(x: Expr, coefficients: Sequence[float]) -> Expr:
    """c0 + c1 x + c2 x**2 ..., by Horner's rule."""
    *rest, last = coefficients
    value = const(last, x.dtype)
    for coefficient in reversed(rest):
        value = fma(x, value, coefficient)
    return value


def bits(x: Expr) -> Expr:
    """The bits of a float as a signed integer."""
    return bitcast(x, I32 if x.dtype == F32 else I64)


def copysign(magnitude: Expr, x: Expr) -> Expr:
    """`magnitude`, which is not negative, with the sign of x."""
    sign = bits(x) & (-1 << 8 * x.dtype.itemsize - 1)
    return bitcast(bits(magnitude) | sign, x.dtype)


def round_product(x: Expr, factor: float) -> Expr:
    """x * factor rounded to the nearest integer, if that is below a quarter of 2**(significand bits).

    Adding 1.5 * 2**(bits - 1) leaves no room for a fraction; with the multiplication, that is two operations.
    """
    magic = 1.5 * 2.0 ** (23 if x.dtype == F32 else 52)
    return fma(x, factor, magic) - magic


def scale(x: Expr, n: Expr) -> Expr:
    """x * 2**n for an integral n of x's type."""
    return Expr("ldexp", (x, n), x.dtype)
