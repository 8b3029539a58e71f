"""Every operation as vector code against NumPy, on the values where they tend to differ."""

from __future__ import annotations

import itertools

import ml_dtypes
import numpy as np
import pytest
from loop_runs import map_arrays

from jitrt import expr as ex
from jitrt.codegen.lower import lower
from jitrt.codegen.vector import Emitter
from jitrt.evaluate import evaluate
from jitrt.expr import Expr, cast, load
from jitrt.types import BF16, BOOL, F16, F32, F64, I8, I32, I64, U8, short_name

INTEGERS = [np.dtype(t) for t in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")]
FLOATS = [F16, BF16, F32, F64]
ALL = [*INTEGERS, *FLOATS, BOOL]


def interesting(dtype: np.dtype) -> np.ndarray:
    """Values at and around the type's edges."""
    if dtype == BOOL:
        return np.array([False, True])
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        near = [info.min, info.min + 1, info.max - 1, info.max, 100, 7]
        small = [v for v in (-9, -8, -2, -1, 0, 1, 2, 3, 31, 32, 63, 64) if info.min <= v <= info.max]
        return np.array([*near, *small], dtype)
    info = ml_dtypes.finfo(dtype)
    values = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.5, 7.25, -100.0, np.inf, -np.inf, np.nan]
    edges = [float(info.max), float(info.tiny), float(info.smallest_subnormal)]
    return np.array([*values, *edges], np.float64).astype(dtype)


def pairs(dtype: np.dtype) -> list[np.ndarray]:
    """All pairs of interesting values, as two arrays."""
    both = list(itertools.product(interesting(dtype), repeat=2))
    return [np.array([p[i] for p in both], dtype) for i in (0, 1)]


def assert_same(got: np.ndarray, expected: np.ndarray) -> None:
    """Equal values, NaN in the same places; the kind of NaN and the sign of zero are free."""
    if got.dtype == BF16:
        got, expected = got.astype(F32), expected.astype(F32)
    np.testing.assert_array_equal(got, expected)


def check(roots: list[Expr], inputs: list[np.ndarray], target) -> None:
    for got, expected in zip(map_arrays(roots, inputs, target), evaluate(roots, inputs), strict=True):
        assert_same(got, expected)


@pytest.mark.parametrize("dtype", ALL, ids=short_name)
def test_binary_operations(dtype, target):
    x, y = load(0, dtype), load(1, dtype)
    ops = ["add", "mul", "min", "max"]
    if dtype != BOOL:
        ops += ["sub"]
    if dtype not in (BOOL, BF16, F16):
        ops += ["div", "rem"]
    if dtype.kind in "iub" and dtype not in FLOATS:
        ops += ["and", "or", "xor"]
    check([Expr(op, (x, y), dtype) for op in ops], pairs(dtype), target)


@pytest.mark.parametrize("dtype", ALL, ids=short_name)
def test_comparisons(dtype, target):
    x, y = load(0, dtype), load(1, dtype)
    check([Expr(op, (x, y), BOOL) for op in ex.COMPARISONS], pairs(dtype), target)


@pytest.mark.parametrize("dtype", ALL, ids=short_name)
def test_unary_operations(dtype, target):
    x = load(0, dtype)
    if dtype == BOOL:
        roots = [~x]
    elif dtype in INTEGERS:
        roots = [-x, ~x, ex.absolute(x), ex.floor(x), ex.isnan(x), ex.isinf(x)]
    else:
        roots = [
            -x,
            ex.absolute(x),
            ex.floor(x),
            ex.ceil(x),
            ex.rint(x),
            ex.trunc(x),
            ex.isnan(x),
            ex.isinf(x),
        ]
    check(roots, [interesting(dtype)], target)


@pytest.mark.parametrize("source", ALL, ids=short_name)
def test_casts(source, target):
    """To every type; a float out of an integer type's range may become anything."""
    values = interesting(source)
    for dtype in ALL:
        chosen = values
        if dtype in INTEGERS and source in FLOATS:
            with np.errstate(all="ignore"):
                wide = values.astype(F64)
                info = np.iinfo(dtype)
                inside = (np.trunc(wide) >= float(info.min)) & (
                    np.trunc(wide) <= float(info.max) * (1 - 2**-53)
                )
            chosen = values[inside]
        check([cast(load(0, source), dtype)], [chosen], target)


def test_float_to_narrow_integer_wraps_as_on_x86(target):
    x = np.array([-1.0, 255.0, 256.0, 300.0, -129.0, 1e5], F32)
    [as_u8, as_i8] = map_arrays([cast(load(0, F32), U8), cast(load(0, F32), I8)], [x], target)
    np.testing.assert_array_equal(as_u8, [255, 255, 0, 44, 127, 160])
    np.testing.assert_array_equal(as_i8, [-1, -1, 0, 44, 127, -96])


@pytest.mark.parametrize("dtype", INTEGERS, ids=short_name)
def test_shifts(dtype, target):
    x, n = pairs(dtype)
    n = np.abs(n.astype(np.int64) % 70).astype(dtype)
    roots = [Expr(op, (load(0, dtype), load(1, dtype)), dtype) for op in ("shl", "shr")]
    roots += [load(0, dtype) << 3, load(0, dtype) >> 3]
    check(roots, [x, n], target)


@pytest.mark.parametrize("dtype", INTEGERS, ids=short_name)
@pytest.mark.parametrize("divisor", [0, 1, 3, 10])
def test_division_by_a_constant(dtype, divisor, target):
    x = load(0, dtype)
    check([x / divisor, ex.fmod(x, divisor), ex.remainder(x, divisor)], [interesting(dtype)], target)


@pytest.mark.parametrize("dtype", [F16, BF16], ids=short_name)
def test_sixteen_bit_floats_round_to_nearest_even(dtype, target):
    """A cast there and back rounds; every 16-bit value survives a load and a store."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2**32, 20_000, np.uint32).view(F32)
    with np.errstate(all="ignore"):
        check([cast(cast(load(0, F32), dtype), F32), cast(load(0, F32), dtype)], [x], target)
    every = np.arange(2**16, dtype=np.uint16).view(dtype)
    check([load(0, dtype)], [every], target)


def test_sixteen_bit_chain_is_computed_in_float32(target):
    """1 + 2**-11 is not a float16, so subtracting 1 again shows whether the sum was rounded."""
    x = np.full(5, 2.0**-11, F16)
    one = ex.const(1, F16)
    [kept, rounded] = map_arrays(
        [load(0, F16) + one - one, cast(cast(cast(load(0, F16) + one, F32), F16), F32) - 1.0], [x], target
    )
    assert (kept == x).all()
    assert (rounded == 0).all()


def test_select_fma_ldexp_bitcast(target):
    x = np.linspace(-3, 3, 37, dtype=F32)
    n = np.arange(-150, 150, 300 / 37).astype(I32)[:37]
    a, k = load(0, F32), load(1, I32)
    roots = [ex.where(a > 0, a, -1.0), ex.fma(a, a, a), ex.bitcast(a, I32), ex.bitcast(k, F32)]
    check(roots, [x, n], target)
    normal = np.where(np.abs(x) < 0.1, 1, x).astype(F32)
    check([ex.ldexp(a, k)], [normal, n], target)


def test_bitcast_of_a_sixteen_bit_float(target):
    x = np.array([1.5, -0.0, np.inf, 65504], F16)
    check([ex.bitcast(load(0, F16), np.dtype("i2"))], [x], target)
    check([ex.bitcast(load(0, np.dtype("i2")), F16)], [x.view("i2")], target)


def test_index_is_the_position(target):
    [got] = map_arrays([ex.index(0) + load(0, I64)], [np.zeros(100, I64)], target)
    np.testing.assert_array_equal(got, np.arange(100))


def test_lowering_shares_equal_nodes():
    x = load(0, F32)
    [root] = lower([(x + 1.0) * (load(0, F32) + 1.0)])
    assert root.args[0] is root.args[1]


def test_lowering_twice_changes_nothing():
    once = lower([ex.power(ex.tanh(load(0, F16)), load(1, F16))])
    assert ex.structure(lower(once)) == ex.structure(once)


def test_small_types_are_moved_and_not_computed_with(target):
    x = load(0, np.dtype(ml_dtypes.float8_e4m3fn))
    for root in (x + x, ex.cast(x, F32), ex.isnan(x)):
        with pytest.raises(NotImplementedError, match="f8e4m3fn"):
            Emitter(target).emit(root, lambda leaf: "%x", 4, {})
