"""Trigonometric functions and their inverses, in float32."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from math import pi

from jitrt.codegen.math_common import bits, copysign, polynomial, round_product
from jitrt.expr import Expr, absolute, bitcast, cast, fma, maximum, ne, sqrt, where
from jitrt.types import F32, F64

TWO_OVER_PI = Fraction(0xA2F9836E4E441529FC2757D1F534DDC0DB6295993C439041FE5163ABDEBBC561B7246E, 1 << 280)

# (sin(r) - r) / r**3 and (cos(r) - 1 + r**2 / 2) / r**4 in r**2, up to pi / 4
SINE = (-0.166666671633720, 0.008333329111338, -0.000198393085157, 2.718084033404e-06)
COSINE = (0.0416666455566883, -0.0013887312961743, 2.44327857217286e-05)

# (atan(x) - x) / x**3 in x**2, up to 1, and (asin(x) - x) / x**3 in x**2, up to 1/2
ARCTANGENT = (
    *(-0.33333298563957, 0.19998548924923, -0.14264242351055, 0.10952185839415, -0.0840345025062561),
    *(0.0579575896263123, -0.0311778411269188, 0.0109146032482386, -0.0017936211079359),
)
ARCSINE = (0.16666752099991, 0.07495288550854, 0.04547161608934, 0.02417291700840, 0.04217828437686)


@cache
def _two_over_pi() -> tuple[tuple[float, ...], tuple[float, ...]]:
    """For floats that are multiples of 2**i, 2/pi less a multiple of 4 / 2**i, in two float64 parts."""
    whole = [TWO_OVER_PI * 2**i for i in range(106)]
    parts = [(value - 4 * (value // 4)) / 2**i for i, value in enumerate(whole)]
    high = tuple(float(part) for part in parts)
    return high, tuple(float(part - Fraction(h)) for part, h in zip(parts, high, strict=True))


def _table(index: Expr, values: tuple[float, ...]) -> Expr:
    """values[index]: an operation of lowered expressions only."""
    return Expr("table", (index,), F64, values)


def _quadrant(x: Expr) -> tuple[Expr, Expr]:
    """(n, r) with x = n pi/2 + r, n an int32 right modulo 4, |r| <= pi/4.

    x times 2/pi without the multiples of 4 that x would only turn into whole circles, so that every
    float32 is reduced exactly enough (Payne and Hanek, Radian reduction for trigonometric functions, 1983).
    """
    high, low = _two_over_pi()
    y = cast(x, F64)
    i = maximum(((bits(x) >> 23) & 0xFF) - 150, 0)
    turns = y * _table(i, high)
    n = round_product(turns, 1.0)
    fraction = (turns - n) + fma(y, _table(i, low), fma(y, _table(i, high), -turns))
    return cast(n, bits(x).dtype), cast(fraction * (pi / 2), F32)


def _sine(r: Expr) -> Expr:
    z = r * r
    return fma(r * z, polynomial(z, SINE), r)


def _cosine(r: Expr) -> Expr:
    z = r * r
    return fma(z * z, polynomial(z, COSINE), fma(z, -0.5, 1))


def _sine_in_quadrant(n: Expr, r: Expr) -> Expr:
    value = where(ne(n & 1, 0), _cosine(r), _sine(r))
    return bitcast(bits(value) ^ ((n & 2) << 30), F32)


def sin(x: Expr) -> Expr:
    """The sine, right for every finite x."""
    n, r = _quadrant(x)
    return where(absolute(x) < 2.0**-12, x, _sine_in_quadrant(n, r))


def cos(x: Expr) -> Expr:
    """The cosine, right for every finite x."""
    n, r = _quadrant(x)
    return _sine_in_quadrant(n + 1, r)


def tan(x: Expr) -> Expr:
    """sin / cos."""
    n, r = _quadrant(x)
    odd = ne(n & 1, 0)
    s, c = _sine(r), _cosine(r)
    value = where(odd, -c, s) / where(odd, s, c)
    return where(absolute(x) < 2.0**-12, x, value)


def atan(x: Expr) -> Expr:
    """A polynomial up to 1; beyond, pi/2 - atan(1 / x)."""
    a = absolute(x)
    inverted = a > 1
    t = where(inverted, 1 / a, a)
    z = t * t
    p = fma(t * z, polynomial(z, ARCTANGENT), t)
    return copysign(where(inverted, pi / 2 - p, p), x)


def _arcsine(x: Expr) -> tuple[Expr, Expr]:
    """(whether |x| > 1/2, asin(|x|) up to 1/2, beyond asin(sqrt((1 - |x|) / 2)))."""
    a = absolute(x)
    far = a > 0.5
    z = where(far, 0.5 * (1 - a), a * a)
    t = where(far, sqrt(z), a)
    return far, fma(t * z, polynomial(z, ARCSINE), t)


def asin(x: Expr) -> Expr:
    """A polynomial up to 1/2; beyond, pi/2 - 2 asin(sqrt((1 - x) / 2))."""
    far, p = _arcsine(x)
    return copysign(where(far, pi / 2 - 2 * p, p), x)


def acos(x: Expr) -> Expr:
    """pi/2 - asin(x) up to |x| = 1/2; beyond, 2 asin(sqrt((1 - |x|) / 2)) or pi less it."""
    far, p = _arcsine(x)
    beyond = where(x < 0, pi - 2 * p, 2 * p)
    return where(far, beyond, pi / 2 - copysign(p, x))
