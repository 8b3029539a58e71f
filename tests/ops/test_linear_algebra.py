"""Determinants, inverses, triangles and distances against NumPy in float64."""

import numpy as np
import pytest
from fused_peer import outputs_of_peer
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import BF16, FLOATS, SIGNED, UNSIGNED, Case, integers, normal, table

import jitrt

MICROSOFT = {"domain": "com.microsoft", "version": 1}


def matrices(*shape, dtype=np.float32, seed=0):
    """Matrices whose inverses are not much larger than themselves."""
    n = shape[-1]
    return (normal(*shape, seed=seed) / np.sqrt(max(n, 1)) + 2 * np.eye(n)).astype(dtype)


def trilu(x, k=None, upper=1):
    return (np.triu if upper else np.tril)(x, 0 if k is None else int(k))


SHAPES = ((1, 1), (3, 3), (5, 4, 4), (2, 3, 7, 7), (0, 0), (0, 3, 3), (2, 33, 33), (100, 100))
DET = [
    Case("Det", [matrices(*shape, dtype=np.float64)], {}, np.linalg.det, tolerance=100) for shape in SHAPES
] + [Case("Det", [matrices(3, 5, 5, dtype=t)], {}, np.linalg.det, tolerance=10) for t in FLOATS]
INVERSE = [
    Case("Inverse", [matrices(*shape, dtype=np.float64)], {}, np.linalg.inv, tolerance=10, **MICROSOFT)
    for shape in SHAPES
] + [
    Case("Inverse", [matrices(3, 5, 5, dtype=t)], {}, np.linalg.inv, tolerance=4, **MICROSOFT)
    for t in (np.float32, np.float16)
]
TRILU = [
    Case("Trilu", [normal(2, 3, 4), *k], {"upper": upper}, trilu, **MICROSOFT)
    for k in ([], [np.array(1)], [np.array(-1)])
    for upper in (0, 1)
] + [
    Case("Trilu", [x], {}, trilu, **MICROSOFT)
    for t in (*SIGNED, *UNSIGNED, np.float16, np.float64, BF16, np.bool_)
    for x in (integers(3, 3, dtype=t),)
]


def cdist(a, b, metric="sqeuclidean"):
    squares = ((a[:, None] - b[None]) ** 2).sum(2)
    return squares if metric == "sqeuclidean" else np.sqrt(squares)


DISTANCES = [
    Case("CDist", [normal(m, k, dtype=t), normal(n, k, seed=1, dtype=t)], metric, cdist, **MICROSOFT)
    for m, n, k in ((1, 1, 1), (5, 7, 3), (40, 33, 65), (0, 3, 4), (3, 0, 4), (2, 3, 0))
    for t in (np.float32, np.float64)
    for metric in ({}, {"metric": "euclidean"})
]


@table(DET, INVERSE, TRILU, DISTANCES)
def test_linear_algebra(case):
    case.check()


def test_rows_are_swapped_for_small_pivots():
    swapped = np.array([[0, 2, 0], [0, 0, 3], [5, 0, 0]], np.float32)
    assert jitrt.call("Det", swapped) == 30
    np.testing.assert_array_equal(jitrt.call("Det", swapped[[1, 0, 2]]), np.float32(-30))
    tiny = np.array([[1e-20, 1], [1, 1]], np.float32)
    np.testing.assert_allclose(jitrt.call("Inverse", tiny, **MICROSOFT), [[-1, 1], [1, 0]], atol=1e-6)


def test_singular_matrices():
    ones = np.ones((2, 2), np.float32)
    assert jitrt.call("Det", ones) == 0
    assert not np.isfinite(jitrt.call("Inverse", ones, **MICROSOFT)).any()
    assert np.isnan(jitrt.call("Det", np.full((3, 3), np.nan, np.float32)))


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 70), st.integers(1, 3))
def test_inverses_of_all_sizes(n, batch):
    x = matrices(batch, n, n, dtype=np.float64, seed=n)
    np.testing.assert_allclose(jitrt.call("Inverse", x, **MICROSOFT) @ x, [np.eye(n)] * batch, atol=1e-10)
    np.testing.assert_allclose(jitrt.call("Det", x), np.linalg.det(x), rtol=1e-9)


@pytest.mark.parametrize("shape", [(2, 3), (4,)])
def test_matrices_must_be_square(shape):
    with pytest.raises(jitrt.errors.Fail, match=r"expected square matrices \[..., n, n\], got f32"):
        jitrt.call("Det", normal(*shape))
    assert jitrt.call("Det", np.eye(2, dtype=np.float32)) == 1


def test_inverse_as_onnxruntime():
    x = matrices(4, 6, 6)
    (wanted,) = outputs_of_peer("Inverse", [x])
    np.testing.assert_allclose(jitrt.call("Inverse", x, **MICROSOFT), wanted, rtol=1e-4, atol=1e-5)


def test_distances_as_onnxruntime():
    a, b = normal(6, 9), normal(4, 9, seed=1)
    (wanted,) = outputs_of_peer("CDist", [a, b], metric="euclidean")
    np.testing.assert_allclose(jitrt.call("CDist", a, b, metric="euclidean", **MICROSOFT), wanted, rtol=1e-5)


def test_distances_need_rows_of_one_length_and_a_metric():
    with pytest.raises(jitrt.errors.Fail, match=r"rows of one length, A \[M, K\] and B \[N, K\]"):
        jitrt.call("CDist", normal(2, 3), normal(2, 4), **MICROSOFT)
    with pytest.raises(jitrt.errors.Fail, match=r"expected metric euclidean or sqeuclidean, got 'cosine'"):
        jitrt.call("CDist", normal(2, 3), normal(2, 3), metric="cosine", **MICROSOFT)
