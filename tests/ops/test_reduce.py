"""Reductions against NumPy in float64: axes as attribute and as input, all types, empty sets, NaN."""

import numpy as np
import pytest
from oracle import FLOATS, Case, int64s, integers, normal, table

import jitrt

REDUCTIONS = {
    "ReduceSum": np.sum,
    "ReduceMean": np.mean,
    "ReduceProd": np.prod,
    "ReduceMax": np.max,
    "ReduceMin": np.min,
    "ReduceL1": lambda x, **o: np.abs(x).sum(**o),
    "ReduceL2": lambda x, **o: np.sqrt((x * x).sum(**o)),
    "ReduceSumSquare": lambda x, **o: (x * x).sum(**o),
    "ReduceLogSum": lambda x, **o: np.log(x.sum(**o)),
    "ReduceLogSumExp": lambda x, **o: np.log(np.exp(x).sum(**o)),
}


def with_input(function):
    def apply(x, axes=None, keepdims=1, noop_with_empty_axes=0):
        if axes is None or not len(axes):
            axes = () if noop_with_empty_axes else range(x.ndim)
        return function(x, axis=tuple(int(a) for a in axes), keepdims=bool(keepdims))

    return apply


def with_attribute(function):
    def apply(x, axes=None, keepdims=1):
        return function(x, axis=None if axes is None else tuple(axes), keepdims=bool(keepdims))

    return apply


def positive(*shape, dtype=np.float32):
    return (np.abs(normal(*shape, dtype=np.float64)) + 0.1).astype(dtype)


AXES = [
    Case(op, [positive(3, 4, 33), int64s(*axes)], {"keepdims": keep}, with_input(f), tolerance=8)
    for op, f in REDUCTIONS.items()
    for axes, keep in (((1,), 0), ((-1,), 1), ((0, 2), 1), ((), 0))
]
ATTRIBUTES = [
    Case(op, [positive(3, 4, 5)], {"axes": axes, "keepdims": 0}, with_attribute(f), version=11, tolerance=8)
    for op, f in REDUCTIONS.items()
    for axes in ([1], [0, 2])
] + [
    Case(op, [positive(3, 4, 5)], {}, with_attribute(f), version=8, tolerance=8)
    for op, f in REDUCTIONS.items()
]
TYPES = [
    Case(op, [positive(4, 50, dtype=t), int64s(1)], {}, with_input(f), tolerance=8)
    for op, f in REDUCTIONS.items()
    for t in FLOATS
    if op != "ReduceProd" or t in (np.float32, np.float64)
] + [
    Case(op, [integers(4, 7, dtype=t, low=1, high=5), int64s(1)], {}, with_input(f))
    for op, f in REDUCTIONS.items()
    for t in (np.int32, np.int64, np.uint32, np.uint64)
    if op not in ("ReduceLogSum", "ReduceLogSumExp")
]
NARROW = [
    Case(op, [integers(4, 7, dtype=t), int64s(0)], {}, with_input(REDUCTIONS[op]))
    for op in ("ReduceMax", "ReduceMin")
    for t in (np.int8, np.uint8, np.bool_)
]
SPECIAL = [
    Case("ReduceMax", [np.array([[1, np.nan, 3], [1, 2, 3]], np.float32), int64s(1)], {}, with_input(np.max)),
    Case(
        "ReduceLogSumExp",
        [np.array([[1e4, 1e4], [-np.inf, -np.inf]], np.float32), int64s(1)],
        {},
        lambda x, a: np.logaddexp.reduce(x, 1, keepdims=True),
    ),
    Case("ReduceSum", [normal(3, 4), int64s()], {"noop_with_empty_axes": 1}, lambda x, a, **_: x),
    Case("ReduceSumSquare", [normal(3, 4)], {"noop_with_empty_axes": 1}, lambda x, **_: x * x),
    Case("ReduceSum", [np.zeros((2, 0, 3), np.float32), int64s(1)], {}, with_input(np.sum)),
    Case("ReduceProd", [np.zeros((2, 0), np.float32), int64s(1)], {}, with_input(np.prod)),
    Case("ReduceMax", [np.zeros((2, 0), np.float32), int64s(1)], {}, lambda x, a: np.full((2, 1), -np.inf)),
    Case("ReduceMean", [normal(), int64s()], {}, lambda x, a: x),
    Case(
        "ReduceMean", [integers(3, 5, low=-9), int64s(1)], {}, lambda x, a: np.trunc(x.mean(1, keepdims=True))
    ),
    Case("ReduceSum", [normal(2, 3, 1, 1), int64s(2, 3)], {}, with_input(np.sum)),
]


@table(AXES, ATTRIBUTES, TYPES, NARROW, SPECIAL)
def test_reduce(case):
    case.check()


def test_float16_accumulates_in_float32():
    x = np.full((1, 5000), 0.1, np.float16)
    expected = np.float16(x.astype(np.float64).sum())
    np.testing.assert_allclose(jitrt.call("ReduceSum", x, int64s(1))[0, 0], expected, rtol=1e-3)


def test_an_axis_out_of_range():
    with pytest.raises(jitrt.errors.Fail, match="axis 3"):
        jitrt.call("ReduceSum", normal(2, 3), int64s(3))


TIES = np.array([[2, 1, 2, 0], [0, 0, -1, -1], [5, 5, 5, 5]])
PLACES = [
    Case(
        op,
        [TIES.astype(t)],
        {"axis": axis, "keepdims": 0, "select_last_index": last},
        lambda x, axis, keepdims, select_last_index, f=f: (
            f(x, axis) if not select_last_index else x.shape[axis] - 1 - f(np.flip(x, axis), axis)
        ),
    )
    for op, f in (("ArgMax", np.argmax), ("ArgMin", np.argmin))
    for t in (np.float32, np.float16, np.int8, np.int64)
    for axis in (0, 1)
    for last in (0, 1)
] + [
    Case("ArgMax", [normal(3, 4, 5)], {"axis": -2}, lambda x, axis: x.argmax(axis, keepdims=True)),
    Case("ArgMax", [np.array([1, np.nan, 3, np.nan], np.float32)], {}, lambda x: np.array([1])),
    Case("ArgMin", [normal(3, 4)], {"axis": 1}, lambda x, axis: x.argmin(axis, keepdims=True), version=7),
]


@table(PLACES)
def test_positions(case):
    case.check()


@pytest.mark.parametrize("columns", [2, 3, 8, 12, 17])
@pytest.mark.parametrize("lead", [(200,), (3, 70), (2, 65, 3)])
def test_short_rows(columns, lead):
    x = normal(*lead, columns)
    wide = x.astype(np.float64)
    shifted = np.exp(wide - wide.max(-1, keepdims=True))
    found = jitrt.call("Softmax", x, axis=-1)
    np.testing.assert_allclose(found, shifted / shifted.sum(-1, keepdims=True), rtol=1e-5)
    np.testing.assert_array_equal(jitrt.call("ArgMax", x, axis=-1, keepdims=0), x.argmax(-1))
    swapped = jitrt.call("ReduceMax", x, int64s(0, -1), keepdims=0)
    np.testing.assert_array_equal(swapped, x.max((0, -1)))
    np.testing.assert_allclose(
        jitrt.call("ReduceMean", x, int64s(-1)), wide.mean(-1, keepdims=True), rtol=1e-5, atol=1e-6
    )
