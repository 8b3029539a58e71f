"""Arithmetic, comparisons, functions, reductions and norms, on shapes and numbers at their limits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from arrays import axes_of, broadcast_shapes, fill, is_float, seeds, shapes
from hypothesis import given, settings
from hypothesis import strategies as st

import jitrt

few = settings(deadline=None, max_examples=25)
F32, F64, F16, I32 = np.float32, np.float64, np.float16, np.int32


def same(got, wanted):
    """Equal bits, but for which NaN it is."""
    wanted = np.asarray(wanted)
    assert got.shape == wanted.shape
    assert got.dtype == wanted.dtype
    np.testing.assert_array_equal(got, wanted)
    if is_float(got.dtype):
        np.testing.assert_array_equal(np.signbit(got[got == 0]), np.signbit(wanted[got == 0]))


def close(got, wanted, ulps):
    """Within some units in the last place of what float64 gives, rounded to the type."""
    assert got.shape == np.shape(wanted)
    with np.errstate(all="ignore"):
        rounded = np.asarray(wanted).astype(got.dtype)
    finite = np.isfinite(rounded)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(rounded))
    space = np.spacing(np.maximum(np.abs(rounded[finite]), np.finfo(got.dtype).tiny)).astype(np.float64)
    off = np.abs(got[finite].astype(np.float64) - np.asarray(wanted, np.float64)[finite])
    assert (off <= ulps * space).all(), (got[finite][off > ulps * space], rounded[finite][off > ulps * space])
    infinite = np.isinf(rounded)
    np.testing.assert_array_equal(got[infinite], rounded[infinite])


def truncated_quotient(a, b):
    """Towards 0, wrapped around to the type."""
    quotients = [
        abs(int(x)) // abs(int(y)) * (1 if (x < 0) == (y < 0) else -1)
        for x, y in zip(a.flat, b.flat, strict=True)
    ]
    width = 8 * a.dtype.itemsize
    wrapped = [q & (2**width - 1) for q in quotients]
    return np.array(wrapped, f"u{a.dtype.itemsize}").astype(a.dtype).reshape(a.shape)


ARITHMETIC = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Max": np.maximum, "Min": np.minimum}
COMPARISONS = {
    **{"Equal": np.equal, "Less": np.less, "Greater": np.greater},
    **{"LessOrEqual": np.less_equal, "GreaterOrEqual": np.greater_equal},
}


@few
@given(broadcast_shapes(2), st.sampled_from([F32, F64, I32, np.int8, np.uint64]), seeds)
@pytest.mark.parametrize("op", [*ARITHMETIC, *COMPARISONS])
def test_binary(op, pair, dtype, seed):
    a, b = (fill(shape, dtype, seed + i) for i, shape in enumerate(pair))
    with np.errstate(all="ignore"):
        wanted = {**ARITHMETIC, **COMPARISONS}[op](a, b)
    if op in ("Max", "Min"):
        np.testing.assert_array_equal(jitrt.call(op, a, b), wanted)  # 0 and -0 are equals
    else:
        same(jitrt.call(op, a, b), wanted)


@few
@given(broadcast_shapes(2), st.sampled_from([F32, F64, I32, np.int8, np.uint8, np.int64]), seeds)
def test_division(pair, dtype, seed):
    a, b = (fill(shape, dtype, seed + i) for i, shape in enumerate(pair))
    if is_float(dtype):
        with np.errstate(all="ignore"):
            same(jitrt.call("Div", a, b), a / b)
        return
    b[b == 0] = 3
    x, y = np.broadcast_arrays(a, b)
    same(jitrt.call("Div", a, b), truncated_quotient(x, y))


@few
@given(
    broadcast_shapes(2), st.sampled_from([(F32, 1), (F64, 1), (I32, 0), (np.int8, 0), (np.uint8, 1)]), seeds
)
def test_modulo(pair, how, seed):
    dtype, fmod = how
    a, b = (fill(shape, dtype, seed + i) for i, shape in enumerate(pair))
    if not is_float(dtype):
        b[b == 0] = 3
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(jitrt.call("Mod", a, b, fmod=fmod), (np.fmod if fmod else np.mod)(a, b))


@few
@given(broadcast_shapes(3), st.sampled_from([F32, np.float16, np.int64, np.bool_]), seeds)
def test_where(triple, dtype, seed):
    types = (np.bool_, dtype, dtype)
    condition, a, b = (fill(triple[i], types[i], seed + i) for i in range(3))
    same(jitrt.call("Where", condition, a, b), np.where(condition, a, b))


@few
@given(broadcast_shapes(2), seeds)
def test_power(pair, seed):
    a, b = (fill(shape, F32, seed + i) for i, shape in enumerate(pair))
    with np.errstate(all="ignore"):
        close(jitrt.call("Pow", a, b), np.power(a.astype(F64), b.astype(F64)), 2)


@few
@given(broadcast_shapes(2), st.sampled_from([np.uint8, np.uint32, np.uint64]), seeds)
@pytest.mark.parametrize("direction", ["LEFT", "RIGHT"])
def test_shift(direction, pair, dtype, seed):
    a, b = fill(pair[0], dtype, seed), fill(pair[1], dtype, seed + 1) % np.array(8, dtype)
    wanted = np.left_shift(a, b) if direction == "LEFT" else np.right_shift(a, b)
    same(jitrt.call("BitShift", a, b, direction=direction), wanted)


FUNCTIONS = {
    **{"Exp": np.exp, "Log": np.log, "Sqrt": np.sqrt, "Tanh": np.tanh, "Sin": np.sin, "Cos": np.cos},
    **{"Tan": np.tan, "Atan": np.arctan, "Asin": np.arcsin, "Acos": np.arccos, "Sinh": np.sinh},
    **{"Cosh": np.cosh, "Asinh": np.arcsinh, "Acosh": np.arccosh, "Atanh": np.arctanh},
    **{"Floor": np.floor, "Ceil": np.ceil, "Round": np.rint, "Abs": np.abs, "Neg": np.negative},
    **{"Sign": np.sign, "Reciprocal": np.reciprocal, "Softplus": lambda x: np.logaddexp(x, 0)},
    "Sigmoid": lambda x: np.where(x < -700, 0, 1 / (1 + np.exp(-np.maximum(x, -700)))),
    "Erf": np.vectorize(math.erf, [F64]),
    "Relu": lambda x: np.where(x > 0, x, np.where(np.isnan(x), x, 0)),
}


@few
@given(shapes(), st.sampled_from([F32, F64, F16]), seeds)
@pytest.mark.parametrize("op", FUNCTIONS)
def test_function(op, shape, dtype, seed):
    x = fill(shape, dtype, seed)
    with np.errstate(all="ignore"):
        wanted = FUNCTIONS[op](x.astype(F64))
        close(jitrt.call(op, x), wanted, 1 if dtype == F16 else 8 if dtype == F64 else 4)


REDUCTIONS = {
    **{"ReduceSum": np.sum, "ReduceProd": np.prod, "ReduceMax": np.max, "ReduceMin": np.min},
    "ReduceL1": lambda x, **k: np.sum(np.abs(x), **k),
    "ReduceSumSquare": lambda x, **k: np.sum(x * x, **k),
}
reduced = shapes(1, 4).flatmap(lambda shape: st.tuples(st.just(shape), axes_of(len(shape))))


@few
@given(reduced, st.booleans(), seeds)
@pytest.mark.parametrize("op", REDUCTIONS)
def test_reduction_of_integers(op, where, keep, seed):
    """Sums and products wrap around; nothing has the type's least or greatest number as its extremum."""
    (shape, axes), limits = where, np.iinfo(I32)
    start = {"ReduceMax": {"initial": limits.min}, "ReduceMin": {"initial": limits.max}}
    x = fill(shape, I32, seed)
    with np.errstate(all="ignore"):
        wanted = REDUCTIONS[op](x, axis=axes or None, keepdims=keep, **start.get(op, {"dtype": I32}))
    same(jitrt.call(op, x, np.array(axes, np.int64), keepdims=int(keep)), np.asarray(wanted, I32))


@few
@given(reduced, st.booleans(), seeds)
@pytest.mark.parametrize("op", [*REDUCTIONS, "ReduceMean"])
def test_reduction_of_floats(op, where, keep, seed):
    """Extrema are NaN where an element is; sums are as near as their terms are large."""
    shape, axes = where
    extremum = op in ("ReduceMax", "ReduceMin")
    x = fill(shape, F32, seed, extreme=extremum)
    start = {"ReduceMax": {"initial": -np.inf}, "ReduceMin": {"initial": np.inf}}.get(op, {})
    compute = REDUCTIONS.get(op, np.mean)
    with np.errstate(all="ignore"):
        wanted, size = (
            compute(v, axis=axes or None, keepdims=keep, **start) for v in (x.astype(F64), abs(x))
        )
    got = jitrt.call(op, x, np.array(axes, np.int64), keepdims=int(keep))
    assert got.shape == np.shape(wanted)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(wanted))
    near = np.isclose(got, wanted, rtol=0 if extremum else 1e-6, atol=0, equal_nan=True)
    assert (near | (np.abs(got - wanted) <= 2e-6 * size)).all()


def test_a_schedule_serves_one_number_of_axes():
    x = fill((2, 3), F32, 0, extreme=False)
    for axes in ([0], [0, 1], [0]):
        got = jitrt.call("ReduceSum", x, np.array(axes, np.int64), keepdims=0)
        assert got.shape == x.sum(tuple(axes)).shape


@pytest.mark.parametrize("op", ["ReduceSum", "ReduceMax", "ReduceMean"])
def test_no_axes_and_no_reduction(op):
    x = fill((2, 3), F32, 0)
    same(jitrt.call(op, x, np.array([], np.int64), noop_with_empty_axes=1), x)


@few
@given(
    shapes(1, 3, (1, 2, 3, 17)),
    st.integers(-9, 9),
    st.booleans(),
    st.booleans(),
    st.sampled_from([F32, I32]),
    seeds,
)
@pytest.mark.parametrize("op", ["ArgMax", "ArgMin"])
def test_place_of_extremum(op, shape, axis, keep, last, dtype, seed):
    axis = axis % (2 * len(shape)) - len(shape)
    x = fill(shape, I32, seed, extreme=False).astype(dtype)
    find = np.argmax if op == "ArgMax" else np.argmin
    wanted = x.shape[axis] - 1 - find(np.flip(x, axis), axis) if last else find(x, axis)
    got = jitrt.call(op, x, axis=axis, keepdims=int(keep), select_last_index=int(last))
    same(got, np.expand_dims(wanted, axis) if keep else np.asarray(wanted))


@few
@given(shapes(1, 3), st.integers(-9, 9), st.booleans(), st.booleans(), st.sampled_from([F64, I32]), seeds)
def test_running_sum(shape, axis, exclusive, reverse, dtype, seed):
    axis = axis % (2 * len(shape)) - len(shape)
    x = fill(shape, I32, seed, extreme=dtype == I32).astype(dtype)
    y = np.flip(x, axis) if reverse else x
    with np.errstate(all="ignore"):
        y = np.cumsum(y, axis, dtype=dtype) - (y if exclusive else 0)
    got = jitrt.call("CumSum", x, np.array(axis), exclusive=int(exclusive), reverse=int(reverse))
    np.testing.assert_array_equal(got, np.flip(y, axis) if reverse else y)


@few
@given(shapes(1, 3), st.integers(-9, 9), st.sampled_from([F32, F64, F16]), seeds)
@pytest.mark.parametrize("op", ["Softmax", "LogSoftmax"])
def test_softmax(op, shape, axis, dtype, seed):
    axis = axis % (2 * len(shape)) - len(shape)
    x = fill(shape, dtype, seed)
    wide = x.astype(F64)
    with np.errstate(all="ignore"):
        top = wide.max(axis, keepdims=True, initial=-np.inf)
        shifted = wide - top if dtype == F64 else (wide - top).astype(F32).astype(F64)
        total = np.exp(shifted).sum(axis, keepdims=True)
        wanted = np.exp(shifted) / total if op == "Softmax" else shifted - np.log(total)
        wanted = wanted.astype(dtype)
    got = jitrt.call(op, x, axis=axis)
    rtol = {F32: 1e-5, F64: 1e-12, F16: 2e-3}[dtype]
    np.testing.assert_allclose(
        got.astype(F64), wanted.astype(F64), rtol=rtol, atol=1e-6 if dtype != F64 else 1e-13
    )


@few
@given(shapes(1, 3, (1, 2, 3, 17, 70)), st.integers(-9, 9), st.sampled_from([F32, F64]), seeds)
@pytest.mark.parametrize("op", ["LayerNormalization", "RMSNormalization"])
def test_norm(op, shape, axis, dtype, seed):
    axis = axis % (2 * len(shape)) - len(shape)
    x, scale = fill(shape, dtype, seed, extreme=False), fill(shape[axis:], dtype, seed + 1, extreme=False)
    over = tuple(range(axis % len(shape), len(shape)))
    wide = x.astype(F64)
    center = wide - wide.mean(over, keepdims=True) if op == "LayerNormalization" else wide
    wanted = center / np.sqrt((center * center).mean(over, keepdims=True) + 1e-3) * scale
    got = jitrt.call(op, x, scale, axis=axis, epsilon=1e-3)
    tolerance = 2e-5 if dtype == F32 else 1e-12
    np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)
