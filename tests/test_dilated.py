"""Dilated convolutions, done as plain ones of every d-th row and column."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper, numpy_helper
from test_conv import oracle, window

import jitrt


@pytest.mark.parametrize(
    ("dilations", "pads"), [((2, 2), (2, 2)), ((3, 2), (3, 4)), ((1, 2), (1, 0))], ids=str
)
def test_dilated(dilations: tuple[int, int], pads: tuple[int, int]) -> None:
    """One schedule for sizes that the dilations divide, or not; with a map after it."""
    rng = np.random.default_rng(0)
    weights = rng.standard_normal((64, 64, 3, 3)).astype(np.float32)
    bias = rng.standard_normal(64).astype(np.float32)
    geometry = {"pads": [*pads, *pads], "dilations": list(dilations)}
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], **geometry),
        helper.make_node("Relu", ["c"], ["y"]),
    ]
    infos = [helper.make_tensor_value_info("x", 1, ["n", 64, "h", "w"])]
    constants = [numpy_helper.from_array(v, name) for name, v in (("w", weights), ("b", bias))]
    output = helper.make_tensor_value_info("y", 1, None)
    graph = helper.make_graph(nodes, "g", infos, [output], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = jitrt.InferenceSession(model.SerializeToString())
    for batch, height, width in ((1, 24, 24), (2, 25, 19), (1, 30, 16)):
        x = rng.standard_normal((batch, 64, height, width)).astype(np.float32)
        where = window((3, 3), dilations=dilations, pads=pads)
        want = np.maximum(oracle(x, weights, where, 1, pads) + bias[:, None, None], 0)
        (got,) = session.run(None, {"x": x})
        np.testing.assert_allclose(got, want, atol=1e-5 * want.max(), rtol=0)
