"""The accuracy of vector math, in units in the last place, over the whole range of the type."""

from __future__ import annotations

import math

import numpy as np
import pytest
from loop_runs import map_arrays

from jitrt import expr as ex
from jitrt.expr import load
from jitrt.types import F16, F32, F64, I32, I64

SPECIAL = np.array(
    [0.0, -0.0, np.inf, -np.inf, np.nan, 1, -1, 0.5, 2, 1e-45, -1e-45, 2**-126, 3.4028235e38], F32
)
STRIDE = 65_521  # a prime: 65,551 of all 2**32 floats

# highest error in ulp, rounded up from that over every 509th float32
LIMITS = {
    **{"exp": 0.9, "exp2": 0.95, "expm1": 1.5, "log": 0.9, "log1p": 1.5, "tanh": 1.7, "erf": 1.8},
    **{"sinh": 1.6, "cosh": 1.5, "asinh": 0.51, "acosh": 0.51, "atanh": 0.51},
    **{"sin": 1.7, "cos": 1.7, "tan": 3.7, "asin": 2.5, "acos": 1.5, "atan": 1.9},
}
ORACLES = {
    **{name: getattr(np, name) for name in ("exp", "exp2", "expm1", "log", "log1p", "tanh", "sinh", "cosh")},
    **{name: getattr(np, name) for name in ("sin", "cos", "tan")},
    **{name: getattr(np, name.replace("a", "arc", 1)) for name in ("asin", "acos", "atan")},
    **{name: getattr(np, name.replace("a", "arc", 1)) for name in ("asinh", "acosh", "atanh")},
    "erf": np.vectorize(math.erf, otypes=[F64]),
}


def every_so_often(stride: int) -> np.ndarray:
    """Each `stride`th float32, by its bits, and the special ones."""
    some = np.arange(0, 2**32, stride, dtype=np.uint64).astype(np.uint32).view(F32)
    return np.concatenate([some, SPECIAL])


def worst_ulp(got: np.ndarray, exact: np.ndarray) -> float:
    """The largest error in ulp of the exact value rounded; NaN and infinities must be in the same places."""
    with np.errstate(all="ignore"):
        rounded = exact.astype(got.dtype)
        finite = np.isfinite(rounded)
        np.testing.assert_array_equal(got[~finite], rounded[~finite])
        np.testing.assert_array_equal(np.isfinite(got), finite)
        ulp = np.spacing(np.abs(rounded[finite])).astype(exact.dtype)
        return float((np.abs(got[finite].astype(exact.dtype) - exact[finite]) / ulp).max())


@pytest.mark.parametrize("name", LIMITS)
def test_float32(name, target):
    x = every_so_often(STRIDE)
    [got] = map_arrays([getattr(ex, name)(load(0, F32))], [x], target)
    with np.errstate(all="ignore"):
        exact = ORACLES[name](x.astype(F64))
    assert worst_ulp(got, exact) <= LIMITS[name]
    zero = exact == 0
    np.testing.assert_array_equal(np.signbit(got[zero]), np.signbit(exact[zero]))


@pytest.mark.parametrize("name", LIMITS)
def test_float64(name, target):
    """Against NumPy's long double, where that is wider than float64."""
    rng = np.random.default_rng(0)
    wide = np.exp2(rng.uniform(-40, 10, 4000)) * rng.choice([-1, 1], 4000)
    x = np.concatenate([wide, rng.uniform(-3, 3, 4000), SPECIAL.astype(F64), [5e-324, 1e308, 709.7, -745]])
    if name == "erf":
        exact = ORACLES["erf"](x).astype(np.longdouble)
    else:
        with np.errstate(all="ignore"):
            exact = ORACLES[name](x.astype(np.longdouble))
    [got] = map_arrays([getattr(ex, name)(load(0, F64))], [x], target)
    assert worst_ulp(got, exact) <= 4


def test_power(target):
    rng = np.random.default_rng(0)
    x = np.exp2(rng.uniform(-20, 20, 20_000)).astype(F32)
    y = rng.uniform(-6, 6, 20_000).astype(F32)
    [got] = map_arrays([ex.power(load(0, F32), load(1, F32))], [x, y], target)
    assert worst_ulp(got, np.power(x.astype(F64), y.astype(F64))) <= 0.55


def test_power_of_special_values(target):
    values = np.array([0.0, -0.0, 1, -1, 2, -2, 0.5, -0.5, 3, -3, 1e30, -1e30, np.inf, -np.inf, np.nan], F32)
    x, y = (a.ravel() for a in np.meshgrid(values, values))
    for dtype in (F32, F64):
        [got] = map_arrays(
            [ex.power(load(0, dtype), load(1, dtype))], [x.astype(dtype), y.astype(dtype)], target
        )
        with np.errstate(all="ignore"):
            exact = np.power(x.astype(F64), y.astype(F64)).astype(dtype)
        np.testing.assert_array_equal(got, exact)
        np.testing.assert_array_equal(np.signbit(got[exact == 0]), np.signbit(exact[exact == 0]))


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, 4, 0.5, -0.5, -1, -2, 2.5, -3])
def test_constant_power(exponent, target):
    x = np.concatenate([SPECIAL[[0, 2, 3, 4, 5, 6, 7]], np.linspace(0.1, 9, 50, dtype=F32)])
    [got] = map_arrays([ex.power(load(0, F32), exponent)], [x], target)
    with np.errstate(all="ignore"):
        exact = np.power(x.astype(F64), np.full(x.shape, exponent, F64))
    assert worst_ulp(got, exact) <= 2


@pytest.mark.parametrize("dtype", [I32, I64, np.dtype("u1")], ids=str)
def test_integer_power(dtype, target):
    x = np.array([0, 1, 2, 3, 7, 10, 2, 3] + ([-1, -1, -2, -3] if dtype.kind == "i" else []), dtype)
    y = np.array([0, 5, 10, 7, 2, 1, 40, 50] + ([3, 4, 3, 5] if dtype.kind == "i" else []), dtype)
    [got] = map_arrays([ex.power(load(0, dtype), load(1, dtype))], [x, y], target)
    np.testing.assert_array_equal(got, np.power(x, y))


def test_integer_power_of_a_negative_exponent(target):
    x, y = np.array([1, -1, -1, 2, 0], I32), np.array([-2, -2, -3, -1, -1], I32)
    [got] = map_arrays([ex.power(load(0, I32), load(1, I32))], [x, y], target)
    np.testing.assert_array_equal(got, [1, 1, -1, 0, 0])


def test_float16_is_rounded_once(target):
    """Every finite float16: computed in float32, so the error in float16 is a rounding."""
    x = np.arange(2**16, dtype=np.uint16).view(F16)
    x = x[np.isfinite(x)]
    [got] = map_arrays([ex.tanh(load(0, F16))], [x], target)
    assert worst_ulp(got, np.tanh(x.astype(F64))) <= 0.51


def test_both_vector_widths_give_the_same_bits():
    from steps import TARGETS

    x = every_so_often(STRIDE)
    for name in LIMITS:
        results = [map_arrays([getattr(ex, name)(load(0, F32))], [x], target)[0] for target in TARGETS]
        for result in results:
            np.testing.assert_array_equal(result.view(I32), results[0].view(I32))
