"""TopK by a heap, by sorting rows, and by selection; operators whose output's size depends on the data."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import BF16, SIGNED, UNSIGNED, Case, int64s, integers, normal, table

import jitrt
from jitrt.config import settings as settings_of_run
from jitrt.eager import _programs


def top_k(x, k, axis=-1, largest=1, sorted=1):
    k = int(np.ravel(k)[0])
    order = np.argsort(-x if largest else x, axis, kind="stable")
    places = np.take(order, range(k), axis)
    return np.take_along_axis(x, places, axis), places


TOP = (
    [
        Case("TopK", [normal(3, 40, 5), int64s(k)], {"axis": axis, "largest": largest}, top_k, outputs=2)
        for axis, k in ((0, 2), (1, 1), (1, 40), (-1, 3))
        for largest in (0, 1)
    ]
    + [
        Case(
            "TopK",
            [integers(4, 50, dtype=t, low=-3, high=3), int64s(20)],
            {},
            lambda x, k: top_k(x.astype(np.int64), k),
            outputs=2,
        )
        for t in (np.int32, np.int64, np.uint8)
    ]
    + [
        Case("TopK", [normal(4, 30, dtype=t), int64s(7)], {}, top_k, outputs=2)
        for t in (np.float64, np.float16, BF16)
    ]
    + [
        Case("TopK", [normal(9), int64s(4)], {}, top_k, outputs=2, version=10),
        Case("TopK", [normal(9)], {"k": 4}, top_k, outputs=2, version=1),
        Case("TopK", [normal(9), int64s(0)], {}, top_k, outputs=2),
    ]
)


def unique(x, axis=None, sorted=1):
    y, first, inverse, counts = np.unique(x, True, True, True, axis)
    if not sorted:
        order = np.argsort(first)
        y, first, counts = np.take(y, order, axis or 0), first[order], counts[order]
        inverse = np.array([list(order).index(i) for i in inverse.ravel()])
    return y, first, inverse.ravel(), counts


SIZED = [
    Case("NonZero", [integers(3, 4, low=0, high=1)], {}, lambda x: np.array(np.nonzero(x))),
    Case("NonZero", [normal(5) > 0], {}, lambda x: np.array(np.nonzero(x))),
    Case("NonZero", [np.float32(2)], {}, lambda x: np.zeros((1, 1))),
    Case(
        "Compress",
        [normal(3, 4), np.array([True, False, True])],
        {"axis": 1},
        lambda x, c, axis: np.compress(c, x, axis),
    ),
    Case("Compress", [normal(3, 4), np.array([False, True])], {}, lambda x, c: np.compress(c, x)),
    Case("Unique", [integers(20, low=0, high=5)], {}, unique, outputs=4),
    Case("Unique", [integers(20, low=0, high=5)], {"sorted": 0}, unique, outputs=4),
    Case("Unique", [integers(8, 2, low=0, high=1)], {"axis": 0}, unique, outputs=4),
    Case(
        "Unique",
        [integers(2, 8, low=0, high=1)],
        {"axis": 1, "sorted": 0},
        lambda x, axis, sorted: unique(x, axis, sorted)[0],
    ),
]


@table(TOP, SIZED)
def test_select(case):
    case.check()


def test_nan_is_the_largest():
    x = np.array([1.0, np.nan, 3.0, np.nan], np.float32)
    assert jitrt.call("TopK", x, int64s(3), outputs=2)[1].tolist() == [1, 3, 2]
    assert jitrt.call("TopK", x, int64s(3), outputs=2, largest=0)[1].tolist() == [0, 2, 1]


def test_k_beyond_the_axis():
    with pytest.raises(jitrt.errors.Fail, match=r"k argument \[4\] should not be greater than .* \[3\]"):
        jitrt.call("TopK", normal(3), int64s(4))


def places_of_best(x, k, largest):
    """NaN is the largest; of equal elements the first is the better one."""
    sign = -1 if largest else 1

    def rank(v):
        return (sign, 0) if v != v else (0, sign * v)

    return [sorted(range(len(row)), key=lambda i, row=row: rank(row[i]))[:k] for row in x.tolist()]


@settings(deadline=None, max_examples=60)
@given(
    rows=st.integers(1, 3),
    n=st.sampled_from([1, 7, 40, 41, 200, 1030, 4100]),
    share=st.sampled_from([0.003, 0.01, 0.1, 0.5, 0.9, 1.0]),
    largest=st.integers(0, 1),
    dtype=st.sampled_from([np.float32, np.float64, np.int64, np.uint8]),
    levels=st.sampled_from([2, 50, 10_000]),
    seed=st.integers(0, 99),
)
def test_every_way_to_the_best(rows, n, share, largest, dtype, levels, seed):
    x = np.random.default_rng(seed).integers(-levels if np.dtype(dtype).kind != "u" else 0, levels, (rows, n))
    x = (x % 256 if dtype == np.uint8 else x).astype(dtype)
    if x.dtype.kind == "f":
        x[:, seed % n] = np.nan if seed % 2 else -0.0
    k = max(1, int(share * n))
    values, places = jitrt.call("TopK", x, int64s(k), largest=largest, outputs=2)
    np.testing.assert_array_equal(places, places_of_best(x, k, largest))
    np.testing.assert_array_equal(values, np.take_along_axis(x, places, -1))


@pytest.mark.parametrize("k", [3, 100])
@pytest.mark.parametrize("largest", [0, 1])
def test_rows_that_are_searched_in_parts(largest, k):
    x = np.random.default_rng(k).integers(0, 5000, (2, 70_001)).astype(np.float32)
    x[0, 65_000:] = np.nan
    values, places = jitrt.call("TopK", x, int64s(k), largest=largest, outputs=2)
    np.testing.assert_array_equal(places, places_of_best(x, k, largest))
    np.testing.assert_array_equal(values, np.take_along_axis(x, places, -1))


@pytest.mark.parametrize("dtype", [*SIGNED, *UNSIGNED, np.float16, BF16], ids=lambda t: np.dtype(t).name)
@pytest.mark.parametrize(("rows", "n", "k"), [(3, 60, 2), (3, 60, 30), (1, 60, 60), (2, 5000, 900)])
def test_every_type(dtype, rows, n, k):
    x = integers(rows, n, low=-100, high=100, dtype=dtype)
    values, places = jitrt.call("TopK", x, int64s(k), outputs=2)
    np.testing.assert_array_equal(places, places_of_best(x.astype(np.int64), k, 1))
    np.testing.assert_array_equal(values, np.take_along_axis(x, places, -1))


@pytest.mark.skipif(bool(settings_of_run.check), reason="every call is traced anew when it is checked")
def test_no_retrace_for_other_sizes():
    """A schedule serves every size: only new numbers are bound, in both segments."""

    def variants(program):
        below = [v.rest for v in program.variants if v.rest is not None]
        return len(program.variants) + sum(map(variants, below))

    _programs.clear()
    jitrt.call("NonZero", np.ones((4, 5), np.int16))
    (program,) = _programs.values()
    before = variants(program)
    for shape in ((3, 7), (6, 2), (9, 9)):
        x = np.arange(shape[0] * shape[1]).reshape(shape).astype(np.int16) % 3
        np.testing.assert_array_equal(jitrt.call("NonZero", x), np.array(np.nonzero(x)))
    assert variants(program) == before


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.uint8])
@pytest.mark.parametrize("k", [1, 7, 40, 300])
@pytest.mark.parametrize("largest", [0, 1])
def test_top_k_of_rows_in_many_orders(dtype, k, largest):
    n = 10_000
    scattered = integers(n, low=0, high=255)
    rows = np.stack([scattered, np.sort(scattered), np.sort(scattered)[::-1], np.full(n, 9), scattered // 64])
    wanted = top_k(rows.astype(np.int64), k, -1, largest)
    got = jitrt.call("TopK", rows.astype(dtype), int64s(k), largest=largest, outputs=2)
    np.testing.assert_array_equal(got[0], wanted[0])
    np.testing.assert_array_equal(got[1], wanted[1])


@pytest.mark.parametrize("largest", [0, 1])
def test_top_k_of_rows_with_nan(largest):
    x = normal(3, 5000)
    x[0, ::7] = np.nan
    x[1, 4321] = np.nan
    x[2, :40] = np.nan
    places = np.stack([np.lexsort((row, np.isnan(row))) for row in x])
    if largest:
        places = np.stack([np.lexsort((-row, ~np.isnan(row))) for row in x])
    values, got = jitrt.call("TopK", x, int64s(20), largest=largest, outputs=2)
    np.testing.assert_array_equal(got, places[:, :20])
    np.testing.assert_array_equal(values, np.take_along_axis(x, got, 1))
