"""Weights as kernels get them."""

from __future__ import annotations

import numpy as np
import pytest
from models import model, node

import jitrt
from jitrt.codegen.subnormals import CHUNK, without_subnormals
from jitrt.constants import make_packed, packed_constant

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


def test_subnormal_numbers_that_join_sums_count_as_zero_and_others_do_not():
    bias = np.append(SUBNORMAL, np.float32(1))
    nodes = [
        node("MatMul", ["x", "w"], ["p"]),
        node("Add", ["p", "b"], ["y"]),
        node("Add", ["x", "b"], ["z"]),
    ]
    weights = {"w": np.diag(np.float32([0, 1, 0, 1])), "b": bias}
    x = np.float32([[0, 3, -2, 5], [0, 0, 0, 0]])
    y, z = jitrt.InferenceSession(model(nodes, {"x": ["n", 4]}, ["y", "z"], weights)).run(None, {"x": x})
    np.testing.assert_array_equal(y, [[0, 3, 0, 6], [0, 0, 0, 1]])
    np.testing.assert_array_equal(z, x + bias)


def test_a_constant_is_packed_once_while_it_is_kept():
    made = []
    value = np.ones(3, np.float32)
    first, second = (packed_constant(value, "twice", lambda v: made.append(v) or v * 2) for _ in range(2))
    assert first is second
    assert first.buffer.data is None
    for _ in range(2):
        make_packed([first, second])
    assert len(made) == 1
    np.testing.assert_array_equal(first.buffer.data, [2, 2, 2])


def test_packing_that_fails_says_so_and_can_be_tried_again():
    outcomes = iter([MemoryError("no room"), None])

    def pack(value):
        failure = next(outcomes)
        if failure is not None:
            raise failure
        return value + 1

    constants = [
        *(packed_constant(np.zeros(2, np.float32), "failing", pack),),
        *(packed_constant(np.full(2, n, np.float32), "fine", np.negative) for n in range(4)),
    ]
    with pytest.raises(MemoryError, match="no room"):
        make_packed(constants)
    assert [c.buffer.data is None for c in constants] == [True, False, False, False, False]
    make_packed(constants)
    np.testing.assert_array_equal(constants[0].buffer.data, [1, 1])
