"""Functions built on the exponential.

exp(x) = 2**n * exp(r) with n = round(x / ln 2) and r = x - n ln 2, |r| <= ln(2) / 2, where ln 2 is subtracted
in two parts so that the first is exact (Cody and Waite, Software Manual for the Elementary Functions, 1980).
"""

from __future__ import annotations

from dataclasses import dataclass

from jitrt.codegen.math_common import LN2, LOG2_E, copysign, polynomial, round_product, scale
from jitrt.expr import Dtype, Expr, absolute, const, fma, maximum, minimum, where
from jitrt.types import F32, F64


@dataclass(frozen=True)
class _Exponential:
    """Constants for one type. `exp` and `expm1` are of (exp(r) - 1 - r) / r**2, `exp2` of (2**r - 1) / r."""

    lowest: float  # exp is 0 below
    highest: float  # exp overflows above
    unit: float  # half the distance from 1 to the next number
    exp: tuple[float, ...]
    expm1: tuple[float, ...]
    exp2: tuple[float, ...]


_SINGLE = _Exponential(
    lowest=-104.0,
    highest=89.0,
    unit=2.0**-24,
    exp=(0.4999999338433, 0.1666652043123, 0.0416683869996, 0.00836875021918, 0.001381526043089),
    expm1=(0.5, 0.166666656732559, 0.0416663587093353, 0.00833338499069, 0.0013940737117, 0.000198487789),
    exp2=(0.69314718246, 0.24022647739, 0.055503319949, 0.0096184313297, 0.00133990973700, 0.000153557863086),
)
_DOUBLE = _Exponential(
    lowest=-746.0,
    highest=710.0,
    unit=2.0**-53,
    exp=(
        *(0.5000000000000011, 0.1666666666666641, 0.041666666666529725, 0.008333333333494982),
        *(0.0013888888943760032, 0.00019841269505763961, 2.4801492949555733e-05, 2.755758681307995e-06),
        *(2.7630306279588735e-07, 2.5000015822943595e-08),
    ),
    expm1=(
        *(0.5, 0.16666666666666677, 0.04166666666666652, 0.0083333333333216, 0.0013888888888958183),
        *(0.00019841269886228727, 2.480158718232618e-05, 2.755724408103939e-06, 2.755739301688815e-07),
        *(2.5109090164299278e-08, 2.087868484852998e-09),
    ),
    exp2=(
        *(0.6931471805599453, 0.24022650695910133, 0.0555041086648201, 0.009618129107593668),
        *(0.001333355814676917, 0.0001540353045774204, 1.5252733500648253e-05, 1.3215434942940623e-06),
        *(1.0178195539090418e-07, 7.073845394437061e-09, 4.435507432838938e-10),
    ),
)


SHORT_EXP = (  # e**x
    *(1.0, 1.000000037716214, 0.5000000047117757, 0.16666415514653277),
    *(0.04166635289677516, 0.008375126398153335, 0.0013941108433972674),
)


def _constants(dtype: Dtype) -> _Exponential:
    return {F32: _SINGLE, F64: _DOUBLE}[dtype]


def _split(x: Expr) -> tuple[Expr, Expr]:
    """(n, r) with x = n ln 2 + r; n is integral, of x's type."""
    high, low = LN2[x.dtype]
    n = round_product(x, LOG2_E)
    return n, fma(n, -low, fma(n, -high, x))


def exp(x: Expr) -> Expr:
    """e**x. At most 1 ulp off.

    What underflows to 0 is not computed: processors take a hundred cycles for a result so small, and the
    softmax of masked scores has many.
    """
    c = _constants(x.dtype)
    lasts = ~(x < c.lowest)  # NaN does; zeros elsewhere are a mask on the instruction before
    n, r = _split(where(lasts, minimum(x, c.highest), 0))
    return where(lasts, scale(polynomial(r, (1.0, 1.0, *c.exp)), n), 0)


def short_exp(x: Expr) -> Expr:
    """e**x in float64 to 28 bits: what a result in float32 needs on the way."""
    n, r = _split(maximum(minimum(x, _DOUBLE.highest), _DOUBLE.lowest))
    return scale(polynomial(r, SHORT_EXP), n)


def exp2(x: Expr) -> Expr:
    """2**x. At most 1 ulp off."""
    c = _constants(x.dtype)
    x = maximum(minimum(x, c.highest * LOG2_E), c.lowest * LOG2_E)
    n = round_product(x, 1.0)
    return scale(polynomial(x - n, (1.0, *c.exp2)), n)


def _expm1_parts(x: Expr) -> tuple[Expr, Expr]:
    """(n, exp(r) - 1) with exp(x) = 2**n exp(r)."""
    n, r = _split(x)
    return n, fma(r * r, polynomial(r, _constants(x.dtype).expm1), r)


def expm1(x: Expr) -> Expr:
    """e**x - 1 = 2 (2**(n-1) (e**r - 1) + 2**(n-1) - 1/2), which overflows no sooner than it must."""
    c = _constants(x.dtype)
    n, p = _expm1_parts(maximum(minimum(x, c.highest), -45.0))
    half = scale(const(0.5, x.dtype), n)
    value = 2 * fma(half, p, half - 0.5)
    return where(absolute(x) < c.unit, x, value)


def tanh(x: Expr) -> Expr:
    """y = E / (E + 2) with E = e**(2|x|) - 1, which keeps its relative accuracy down to 0; 1 beyond |x| = 22.

    One Newton step makes up for the rounding of E + 2, because 1 / (E + 2) = (1 - y) / 2; near 1, where
    that rounding does not matter and 1 - y is not accurate, it fades out.
    """
    n, p = _expm1_parts(2 * minimum(absolute(x), 22.0))
    power = scale(const(1.0, x.dtype), n)
    e = fma(power, p, power - 1)
    y = e / (e + 2)
    residual = fma(-y, e, fma(y, -2, e))
    slope = maximum(fma(y, -0.5, 0.496), 0)
    return copysign(fma(residual, slope, y), x)


def _half_exp(x: Expr) -> Expr:
    """e**x / 2 without an early overflow, for x >= 0."""
    c = _constants(x.dtype)
    n, r = _split(minimum(x, c.highest + 1))
    return scale(polynomial(r, (1.0, 1.0, *c.exp)), n - 1)


def sinh(x: Expr) -> Expr:
    """(e**x - e**-x) / 2; below 1, where that cancels, a polynomial."""
    a = absolute(x)
    half = _half_exp(a)
    z = x * x
    series = (0.16666667163372, 0.008333349600434, 0.00019836159481, 2.816951337e-06)
    near = fma(x * z, polynomial(z, series), x)
    return where(a < 1.0, near, copysign(half - 0.25 / half, x))


def cosh(x: Expr) -> Expr:
    """(e**x + e**-x) / 2."""
    half = _half_exp(absolute(x))
    return half + 0.25 / half


ERF = (  # erf(x) / x - 1 in x**2, up to 0.9
    *(0.128379225730896, -0.376126348972321, 0.112837150692940, -0.026860509067774),
    *(0.005203859414905, -0.000817564025056, 8.513106877217069e-05),
)
LOG2_ERFC = (  # log2(1 - erf(x)), from 0.9 to 3.95
    *(-0.000240154971834, -1.627067446708679, -0.918962419033051, -0.150204107165337),
    *(0.032193951308727, -0.004422540776432, 0.000285967544187),
)


def erf(x: Expr) -> Expr:
    """A polynomial up to 0.9; beyond, 1 - 2**log2(erfc(|x|)), which needs few bits of the second term."""
    a = absolute(x)
    near = fma(x, polynomial(x * x, ERF), x)
    t = polynomial(minimum(a, 3.95), LOG2_ERFC)
    n = round_product(t, 1.0)
    far = 1 - scale(polynomial(t - n, (1.0, *_SINGLE.exp2)), n)
    return where(a > 0.9, copysign(far, x), near)
