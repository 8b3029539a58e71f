"""TopK, and operators whose output's size depends on the data."""

import numpy as np
import pytest
from oracle import BF16, Case, int64s, integers, normal, table

import jitrt


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
