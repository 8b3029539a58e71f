"""Maps that ride on products, with operands that lie in memory otherwise than the product's result."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import helper, numpy_helper

import jitrt


def run(nodes: list[Any], feeds: dict[str, Any], weight: Any) -> tuple[Any, list[str]]:
    """The output y, and the labels of the steps that computed it."""
    infos = [helper.make_tensor_value_info(n, 1, v.shape) for n, v in feeds.items()]
    output = helper.make_tensor_value_info("y", 1, None)
    graph = helper.make_graph(nodes, "g", infos, [output], [numpy_helper.from_array(weight, "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = jitrt.InferenceSession(model.SerializeToString())
    (got,) = session.run(None, feeds)
    (program,) = session._programs.values()
    return got, [step.label for step in program.variants[0].recipe.steps]


def test_a_channels_first_residual_of_a_convolution() -> None:
    rng = np.random.default_rng(0)
    x, residual = rng.standard_normal((2, 2, 8, 5, 6)).astype(np.float32)
    w = rng.standard_normal((8, 8, 1, 1)).astype(np.float32)
    nodes = [helper.make_node("Conv", ["x", "w"], ["c"]), helper.make_node("Add", ["c", "r"], ["y"])]
    got, labels = run(nodes, {"x": x, "r": residual}, w)
    np.testing.assert_allclose(
        got, np.einsum("nchw,mc->nmhw", x, w[..., 0, 0]) + residual, rtol=1e-4, atol=1e-5
    )
    assert any(label.startswith("Conv+") for label in labels)


def test_a_transposed_residual_of_a_matrix_product() -> None:
    rng = np.random.default_rng(1)
    a, w, residual = (rng.standard_normal(s).astype(np.float32) for s in ((7, 8), (8, 9), (9, 7)))
    nodes = [
        helper.make_node("MatMul", ["a", "w"], ["c"]),
        helper.make_node("Transpose", ["r"], ["t"]),
        helper.make_node("Add", ["c", "t"], ["y"]),
    ]
    got, labels = run(nodes, {"a": a, "r": residual}, w)
    np.testing.assert_allclose(got, a @ w + residual.T, rtol=1e-4, atol=1e-5)
    assert any(label.startswith("MatMul+") for label in labels)


@pytest.mark.parametrize("b_shape", [(2, 3, 4, 6, 7), (2, 1, 4, 6, 7), (6, 7)])
def test_batches_in_orders_that_no_two_strides_reach(b_shape: tuple[int, ...]) -> None:
    """The first operand, the residual and the result each lie in an order of their own."""
    rng = np.random.default_rng(3)
    shapes = ((4, 3, 2, 5, 6), b_shape, (3, 4, 2, 5, 7))
    a, b, residual = (rng.standard_normal(s).astype(np.float32) for s in shapes)
    nodes = [
        helper.make_node("Transpose", ["a"], ["p"], perm=[2, 1, 0, 3, 4]),
        helper.make_node("MatMul", ["p", "b"], ["c"]),
        helper.make_node("Transpose", ["r"], ["t"], perm=[2, 0, 1, 3, 4]),
        helper.make_node("Add", ["c", "t"], ["d"]),
        helper.make_node("Transpose", ["d"], ["y"], perm=[2, 1, 0, 3, 4]),
    ]
    got, _ = run(nodes, {"a": a, "b": b, "r": residual}, np.zeros(1, np.float32))
    want = a.transpose(2, 1, 0, 3, 4).astype(np.float64) @ b + residual.transpose(2, 0, 1, 3, 4)
    np.testing.assert_allclose(got, want.transpose(2, 1, 0, 3, 4), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 30, 8), (2, 30, 8), (40, 3, 8)])
def test_rows_that_lie_transposed(shape: tuple[int, int, int]) -> None:
    """As in attention over [length, batch, width]."""
    rng = np.random.default_rng(4)
    x, w = (rng.standard_normal(s).astype(np.float32) for s in (shape, (8, 9)))
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"], perm=[1, 0, 2]),
        helper.make_node("MatMul", ["t", "w"], ["c"]),
        helper.make_node("Relu", ["c"], ["y"]),
    ]
    got, _ = run(nodes, {"x": x}, w)
    want = np.maximum(x.transpose(1, 0, 2).astype(np.float64) @ w, 0)
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("k_n", [(96, 400), (40, 24)], ids=str)
@pytest.mark.parametrize("restored", [False, True])
def test_rows_along_two_dimensions_that_do_not_join(k_n: tuple[int, int], restored: bool) -> None:
    """Sequences first, as multi-head attention is exported: by one session, whichever dimension is longer."""
    rng = np.random.default_rng(4)
    w = rng.standard_normal(k_n).astype(np.float32)
    nodes = [
        helper.make_node("Transpose", ["x"], ["p"], perm=[1, 0, 2]),
        helper.make_node("MatMul", ["p", "w"], ["c"]),
        helper.make_node("Transpose", ["c"], ["y"], perm=[1, 0, 2] if restored else [0, 1, 2]),
    ]
    x = helper.make_tensor_value_info("x", 1, ["b", "t", k_n[0]])
    y = helper.make_tensor_value_info("y", 1, None)
    graph = helper.make_graph(nodes, "g", [x], [y], [numpy_helper.from_array(w, "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = jitrt.InferenceSession(model.SerializeToString())
    for b, t in ((1, 100), (2, 49), (49, 2), (100, 1), (9, 9), (3, 130)):
        feed = rng.standard_normal((b, t, k_n[0])).astype(np.float32)
        (got,) = session.run(None, {"x": feed})
        want = feed.astype(np.float64) @ w
        np.testing.assert_allclose(got, want if restored else want.swapaxes(0, 1), rtol=1e-4, atol=2e-5)


def test_a_residual_that_is_read_elsewhere_is_not_overwritten() -> None:
    """Of three sums, one may take over its residual's memory; the others' residuals are read again."""
    rng = np.random.default_rng(2)
    x = rng.standard_normal((1, 8, 30, 30)).astype(np.float32)
    w = rng.standard_normal((8, 8, 1, 1)).astype(np.float32)
    nodes = [
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("Conv", ["a", "w"], ["c"]),
        helper.make_node("Add", ["c", "a"], ["b"]),  # the convolution reads its residual
        helper.make_node("Conv", ["b", "w"], ["d"]),
        helper.make_node("Add", ["d", "a"], ["e"]),  # so does the next
        helper.make_node("Conv", ["e", "w"], ["f"]),
        helper.make_node("Add", ["f", "b"], ["g"]),  # nobody reads b after this
        helper.make_node("Conv", ["g", "w"], ["h"]),
        helper.make_node("Add", ["h", "a"], ["y"]),
    ]
    got, _ = run(nodes, {"x": x}, w)

    def convolved(v: Any) -> Any:
        return np.einsum("nchw,mc->nmhw", v, w[..., 0, 0].astype(np.float64))

    a = np.maximum(x, 0)
    b = convolved(a) + a
    g = convolved(convolved(b) + a) + b
    expected = convolved(g) + a
    np.testing.assert_allclose(got, expected, atol=1e-5 * np.abs(expected).max())
