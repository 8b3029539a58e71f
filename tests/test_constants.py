"""Weights as kernels get them."""

from __future__ import annotations

import numpy as np
import pytest
from models import model, node

import jitrt
from jitrt.constants import CHUNK, without_subnormals

SUBNORMAL = np.float32([1e-39, -1e-45, 1.1754942e-38])


def test_subnormal_weights_beside_ordinary_ones_count_as_zero():
    weights = np.zeros((3, CHUNK), np.float32)
    weights[0, :4] = [1, np.inf, -np.finfo(np.float32).tiny, -0.0]
    weights[2, -3:] = SUBNORMAL
    found = without_subnormals(weights)
    np.testing.assert_array_equal(found[0], weights[0])
    assert not found[2].any()
    np.testing.assert_array_equal(weights[2, -3:], SUBNORMAL)


@pytest.mark.parametrize("other", [np.float32(0), np.float32(1e-30), np.float32(np.nan)])
def test_weights_that_are_all_small_are_kept(other):
    weights = np.append(SUBNORMAL, other)
    assert without_subnormals(weights) is weights


def test_weights_without_subnormals_are_not_copied():
    weights = np.linspace(-1, 1, 2 * CHUNK + 1, dtype=np.float32)
    assert without_subnormals(weights) is weights


@pytest.mark.parametrize("largest", [0, 1], ids=["alone", "beside 1"])
def test_products_with_subnormal_weights(largest):
    weights = np.append(SUBNORMAL, np.float32(largest))[:, None] * np.float32([[1, -1]])
    bytes_ = model([node("MatMul", ["x", "w"], ["y"])], {"x": ["n", 4]}, ["y"], {"w": weights})
    x = np.float32([[1, 2, 4, 8], [1, 0, 0, 0]])
    (found,) = jitrt.InferenceSession(bytes_).run(None, {"x": x})
    expected = x.astype(np.float64) @ weights.astype(np.float64)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-38 if largest else 0)
