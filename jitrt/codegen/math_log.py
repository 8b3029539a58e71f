"""Functions built on the logarithm.

log(x) = k ln 2 + log(m) with x = 2**k m, m between sqrt(1/2) and sqrt(2); k and m come from the bits of x.
"""

from __future__ import annotations

from math import inf, nan

from jitrt.codegen.math_common import LN2, bits, copysign, polynomial
from jitrt.expr import Expr, absolute, bitcast, cast, const, eq, fma, minimum, sqrt, where
from jitrt.types import F32, F64, I32

# sqrt(1/2) as bits, bits of the significand, exponent bias
FORMAT = {F32: (0x3F3504F3, 23, 127), F64: (0x3FE6A09E667F3BCD, 52, 1023)}

# (log(1 + f) - f + f**2 / 2) / f**3
SINGLE = (
    *(0.333333313465118, -0.250008225440979, 0.200012341141701, -0.16623300313949585),
    *(0.142015382647514, -0.131605491042137, 0.127634033560753, -0.076358258724213),
)
# (log(1 + f) - 2s) / s**3 as a polynomial in s**2, with s = f / (2 + f)
DOUBLE = (
    *(0.6666666666666735, 0.39999999999411084, 0.28571428743265076, 0.22222198475751412),
    *(0.1818356975106227, 0.15313902983936928, 0.1479751010631851),
)


# log(1 + f) / f to 36 bits, without a division
SHORT = (
    *(0.9999999999874651, -0.5000000003595171, 0.3333333424920659, -0.24999992728449305),
    *(0.19999888139973632, -0.16667024572009081, 0.1429081173942899, -0.12495435324992145),
    *(0.11006038270379548, -0.09945996186719662, 0.1004720511888933, -0.09804420067786203),
    0.05235888516923783,
)


def _split(x: Expr) -> tuple[Expr, Expr]:
    """(k, m) with x = 2**k m for a normal x > 0; k is an integer of x's width."""
    root_half, significand, _ = FORMAT[x.dtype]
    k = (bits(x) - root_half) >> significand
    return k, bitcast(bits(x) - (k << significand), x.dtype)


def _join(k: Expr, f: Expr) -> Expr:
    """k ln 2 + log(1 + f), for an integral k of f's type."""
    high, low = LN2[f.dtype]
    z = f * f
    if f.dtype == F32:
        rest = fma(f * z, polynomial(f, SINGLE), k * low)
        return fma(k, high, fma(z, -0.5, rest) + f)
    half, s = 0.5 * z, f / (2 + f)
    w = s * s
    rest = fma(s, fma(w, polynomial(w, DOUBLE), half), k * low)
    return fma(k, high, f - (half - rest))


def _with_limits(x: Expr, value: Expr) -> Expr:
    """`value` for a positive finite x; log(0) = -inf, log(inf) = inf, NaN below 0."""
    outside = where(eq(x, 0), const(-inf, x.dtype), nan)
    return where(x > 0, where(x < inf, value, x), outside)


def log(x: Expr) -> Expr:
    """The natural logarithm. A denormal is scaled to a normal number first."""
    _, significand, bias = FORMAT[x.dtype]
    tiny = x < 2.0 ** (1 - bias)
    k, m = _split(where(tiny, x * 2.0**significand, x))
    exponent = cast(cast(k, I32), x.dtype) - where(tiny, const(significand, x.dtype), 0)
    return _with_limits(x, _join(exponent, m - 1))


def short_log(x: Expr) -> Expr:
    """log(x) to 36 bits of a float64 x >= 0, no denormal: what a result in float32 needs on the way."""
    k, m = _split(x)
    f = m - 1
    high, _ = LN2[F64]
    value = fma(cast(cast(k, I32), F64), high, f * polynomial(f, SHORT))
    return where(x < inf, where(x > 0, value, const(-inf, F64)), x)


def log1p(x: Expr) -> Expr:
    """log(1 + x): what rounding u = 1 + x loses is added to the reduced argument of log(u)."""
    _, significand, bias = FORMAT[x.dtype]
    u = 1 + x
    back = u - 1
    lost = (1 - (u - back)) + (x - back)
    k, m = _split(u)
    inverse = bitcast((bias - minimum(k, bias - 1)) << significand, x.dtype)  # 2**-k
    value = _join(cast(cast(k, I32), x.dtype), fma(lost, inverse, m - 1))
    return where(absolute(x) < 2.0 ** (-significand - 2), x, _with_limits(u, value))


def asinh(x: Expr) -> Expr:
    """log(|x| + sqrt(x**2 + 1)) in float64, where it cancels for small |x| only: there a series."""
    a = absolute(cast(x, F64))
    far = short_log(a + sqrt(fma(a, a, 1)))
    near = a - a * a * a * (1 / 6)
    return copysign(cast(where(a < 2.0**-9, near, far), F32), x)


def acosh(x: Expr) -> Expr:
    """log(x + sqrt(x**2 - 1)) in float64."""
    y = cast(x, F64)
    return cast(where(y < 1, const(nan, F64), short_log(y + sqrt(fma(y, y, -1)))), F32)


def atanh(x: Expr) -> Expr:
    """log((1 + x) / (1 - x)) / 2 in float64, where it cancels for small |x| only: there a series.

    The inverse of 1 - x is that in float32 after a step of Newton's.
    """
    size = absolute(x)
    a, rough = cast(size, F64), cast(1 / (1 - size), F64)
    inverse = fma(fma(a - 1, rough, 1), rough, rough)
    far = 0.5 * short_log((1 + a) * inverse)
    near = fma(a * a * a, 1 / 3, a)
    inside = copysign(cast(where(a < 2.0**-9, near, far), F32), x)
    return where(size < 1, inside, where(eq(size, 1), x * inf, nan))
