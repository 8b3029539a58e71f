"""Unique, NonZero and Compress: every type and shape, against counts by dictionaries and NumPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import BF16, SIGNED, UNSIGNED, integers, normal

import jitrt


def key(row):
    """NaN equals NaN and comes last, -0 equals 0."""
    return tuple((x != x, 0 if x != x else x) for x in row)


def distinct(x, axis, ordered):
    """The places of first occurrences, where each element went, and counts, from a dictionary."""
    rows = x.reshape(-1, 1) if axis is None else np.moveaxis(x, axis, 0)
    rows = rows.reshape(len(rows), np.prod(rows.shape[1:], dtype=int))
    keys = [key(row) for row in rows.tolist()]
    first = {}
    for i, k in enumerate(keys):
        first.setdefault(k, i)
    order = sorted(first) if ordered else list(first)
    numbers = {k: n for n, k in enumerate(order)}
    counts = [sum(k == other for other in keys) for k in order]
    return [first[k] for k in order], [numbers[k] for k in keys], counts


def check(x, axis=None, ordered=1):
    attributes = {"sorted": ordered} | ({} if axis is None else {"axis": axis})
    y, first, inverse, counts = jitrt.call("Unique", x, outputs=4, **attributes)
    expected = distinct(x, axis, ordered)
    assert [first.tolist(), inverse.tolist(), counts.tolist()] == list(expected)
    assert {a.dtype for a in (first, inverse, counts)} == {np.dtype(np.int64)}
    values = np.take(x, expected[0], axis)
    assert y.dtype == x.dtype
    np.testing.assert_array_equal(y, values)
    np.testing.assert_array_equal(jitrt.call("Unique", x, **attributes), values)


TYPES = (np.float32, np.float64, np.float16, BF16, np.bool_, *SIGNED, *UNSIGNED)


@pytest.mark.parametrize("axis", [None, 0, -1])
@pytest.mark.parametrize("dtype", TYPES, ids=lambda t: np.dtype(t).name)
def test_every_type(dtype, axis):
    x = integers(40, 2, low=-5, high=3).astype(dtype)
    check(x, axis)


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint32, np.uint64])
def test_extremes_of_integers(dtype):
    info = np.iinfo(dtype)
    middle = info.max // 2 + 1
    x = np.array([info.max, 0, info.min, middle, 1, middle - 1, info.max - 1, info.min + 1, middle], dtype)
    check(x)
    check(x, 0, 0)


SPECIAL = [np.nan, 1, -np.inf, -0.0, np.inf, 0.0, np.nan, -1, 5e-324, -5e-324, 1]


@pytest.mark.parametrize("ordered", [0, 1])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_special_floats(dtype, ordered):
    x = np.array(SPECIAL).astype(dtype)
    check(x, None, ordered)
    check(np.stack([x, x[::-1]], 1), 0, ordered)


def test_all_nan_are_one():
    bits = np.array([0x7FC00000, 0xFFC00000, 0x7F800001, 0x3F800000], np.uint32)
    _, first, inverse, counts = jitrt.call("Unique", bits.view(np.float32), outputs=4)
    assert (first.tolist(), inverse.tolist(), counts.tolist()) == ([3, 0], [1, 1, 1, 0], [1, 3])


@pytest.mark.parametrize(
    ("shape", "axis"), [((0,), None), ((), None), ((0, 3), 0), ((0, 3), 1), ((3, 0), 0), ((1,), 0)]
)
@pytest.mark.parametrize("ordered", [0, 1])
def test_small_and_empty(shape, axis, ordered):
    check(np.zeros(shape, np.float32), axis, ordered)


@settings(deadline=None, max_examples=40)
@given(
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    axis=st.one_of(st.none(), st.integers(0, 3)),
    ordered=st.integers(0, 1),
    seed=st.integers(0, 999),
)
def test_any_shape(shape, axis, ordered, seed):
    x = integers(*shape, low=0, high=2, seed=seed)
    check(x, None if axis is None else axis % x.ndim, ordered)


@pytest.mark.parametrize("ordered", [0, 1])
def test_more_than_one_block(ordered):
    x = integers(70_000, low=-300, high=300)
    y, first, inverse, counts = jitrt.call("Unique", x, outputs=4, sorted=ordered)
    expected = np.unique(x, return_index=True, return_counts=True)
    order = np.arange(len(expected[0])) if ordered else np.argsort(expected[1])
    for mine, theirs in zip((y, first, counts), expected, strict=True):
        np.testing.assert_array_equal(mine, theirs[order])
    np.testing.assert_array_equal(y[inverse], x)
    np.testing.assert_array_equal(jitrt.call("Unique", x), expected[0])


def test_strings_and_complex_numbers():
    x = np.array([["b", "a"], ["", "b"], ["b", "a"]], object)
    y, first, inverse, counts = jitrt.call("Unique", x, outputs=4)
    assert y.tolist() == ["", "a", "b"]
    assert (first.tolist(), inverse.tolist(), counts.tolist()) == ([2, 1, 0], [2, 1, 0, 2, 2, 1], [1, 2, 3])
    y, first, inverse, counts = jitrt.call("Unique", x, outputs=4, axis=0, sorted=0)
    assert y.tolist() == [["b", "a"], ["", "b"]]
    assert (first.tolist(), inverse.tolist(), counts.tolist()) == ([0, 1], [0, 1, 0], [2, 1])
    assert jitrt.call("Unique", x[:0], axis=0).shape == (0, 2)
    z = np.array([1 + 2j, 1 - 2j, 1 + 2j, -3], np.complex64)
    y, first, _, counts = jitrt.call("Unique", z, outputs=4)
    assert y.dtype == np.complex64
    assert (y.tolist(), first.tolist(), counts.tolist()) == ([-3, 1 - 2j, 1 + 2j], [3, 1, 0], [1, 1, 2])


# NonZero and Compress


@settings(deadline=None, max_examples=40)
@given(
    shape=st.lists(st.integers(0, 6), max_size=4),
    share=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    seed=st.integers(0, 999),
)
def test_non_zero_of_any_shape(shape, share, seed):
    x = np.random.default_rng(seed).random(shape) < share
    expected = np.array(np.nonzero(np.atleast_1d(x)), np.int64)
    np.testing.assert_array_equal(jitrt.call("NonZero", x), expected, strict=True)


@pytest.mark.parametrize("dtype", TYPES, ids=lambda t: np.dtype(t).name)
def test_non_zero_of_any_type(dtype):
    x = integers(5, 7, low=0, high=2).astype(dtype)
    np.testing.assert_array_equal(jitrt.call("NonZero", x), np.array(np.nonzero(x)))


def test_what_is_zero():
    x = np.array([0.0, -0.0, np.nan, 1e-45, -np.inf], np.float32)
    assert jitrt.call("NonZero", x).tolist() == [[2, 3, 4]]


def test_non_zero_of_more_than_one_block():
    for share in (0.01, 0.9):
        x = (np.random.default_rng(0).random((3, 50, 111)) < share).astype(np.float32)
        np.testing.assert_array_equal(jitrt.call("NonZero", x), np.array(np.nonzero(x)))


@settings(deadline=None, max_examples=40)
@given(
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    axis=st.one_of(st.none(), st.integers(-4, 3)),
    length=st.integers(0, 9),
    seed=st.integers(0, 999),
)
def test_compress_of_any_shape(shape, axis, length, seed):
    x = integers(*shape, dtype=np.int32, seed=seed)
    if axis is not None:
        axis = axis % x.ndim - (x.ndim if axis < 0 else 0)
    condition = np.random.default_rng(seed).random(length) < 0.5
    n = x.size if axis is None else x.shape[axis]
    expected = np.compress(condition[:n], x, axis)
    got = jitrt.call("Compress", x, condition, **({} if axis is None else {"axis": axis}))
    np.testing.assert_array_equal(got, expected, strict=True)


@pytest.mark.parametrize("dtype", TYPES, ids=lambda t: np.dtype(t).name)
def test_compress_of_any_type(dtype):
    x, condition = integers(4, 9, low=0, high=1).astype(dtype), np.arange(9) % 3 > 0
    np.testing.assert_array_equal(jitrt.call("Compress", x, condition, axis=1), x[:, condition], strict=True)


def test_compress_of_more_than_one_block():
    x, condition = normal(3, 9000), np.random.default_rng(0).random(9000) < 0.3
    np.testing.assert_array_equal(jitrt.call("Compress", x, condition, axis=1), x[:, condition])
    np.testing.assert_array_equal(jitrt.call("Compress", x.T, condition, axis=0), x.T[condition])
