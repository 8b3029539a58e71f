"""Convolutions with few outputs over images of any width."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper, numpy_helper
from test_conv import oracle, window

import jitrt


@pytest.mark.parametrize("outputs", [1, 3])
def test_widths_and_what_follows(outputs: int) -> None:
    """One schedule for widths that whole groups of pixels fill, or not; with a map and a sum after it."""
    rng = np.random.default_rng(0)
    weights = rng.standard_normal((outputs, 6, 3, 3)).astype(np.float32)
    bias = rng.standard_normal(outputs).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], pads=[1] * 4),
        helper.make_node("Tanh", ["c"], ["t"]),
        helper.make_node("Add", ["t", "r"], ["y"]),
    ]
    infos = [
        helper.make_tensor_value_info(name, 1, ["n", channels, "h", "w"])
        for name, channels in (("x", 6), ("r", outputs))
    ]
    constants = [numpy_helper.from_array(v, name) for name, v in (("w", weights), ("b", bias))]
    output = helper.make_tensor_value_info("y", 1, None)
    graph = helper.make_graph(nodes, "g", infos, [output], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = jitrt.InferenceSession(model.SerializeToString())
    for width in (40, 33, 5, 80):
        x = rng.standard_normal((2, 6, 7, width)).astype(np.float32)
        residual = rng.standard_normal((2, outputs, 7, width)).astype(np.float32)
        sums = oracle(x, weights, window((3, 3), pads=(1, 1)), 1, (1, 1)) + bias[:, None, None]
        (got,) = session.run(None, {"x": x, "r": residual})
        np.testing.assert_allclose(got, np.tanh(sums) + residual, rtol=1e-5, atol=1e-5)
