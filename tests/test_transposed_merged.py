"""Transposed convolutions as one convolution for all outputs of a stride, against those by phases."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from jitrt.ops._transposed import merged_axes
from onnx import helper

import jitrt
from jitrt.convolutions import ConvAttributes


def model(weights, **attributes):
    rank = weights.ndim - 2
    nodes = [
        helper.make_node("ConvTranspose", ["x", "w", "b"], ["c"], **attributes),
        helper.make_node("Tanh", ["c"], ["y"]),
    ]
    spatial = [f"s{axis}" for axis in range(rank)]
    constants = {"w": weights, "b": np.arange(weights.shape[1], dtype=np.float32)}
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", 1, ["n", weights.shape[0], *spatial])],
        [helper.make_tensor_value_info("y", 1, None)],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


CASES = [
    ((4, 1, 2, 2), {"strides": [2, 2]}, (5, 6)),
    ((8, 3, 4, 4), {"strides": [2, 2], "pads": [1, 1, 1, 1]}, (5, 7)),
    ((5, 2, 3, 3), {"strides": [2, 3], "pads": [1, 0, 0, 2], "output_padding": [1, 0]}, (4, 6)),
    ((3, 1, 5), {"strides": [4], "dilations": [3]}, (9,)),
    ((3, 2, 2, 2, 2), {"strides": [2, 2, 2]}, (3, 4, 2)),
    ((6, 1, 9, 9), {"strides": [4, 4], "pads": [4, 4, 4, 4], "output_padding": [3, 3]}, (6, 5)),
]


@pytest.mark.parametrize(("shape", "attributes", "spatial"), CASES, ids=str)
def test_merged(shape, attributes, spatial, monkeypatch):
    """Two sizes with one schedule."""
    rng = np.random.default_rng(0)
    weights = rng.standard_normal(shape, np.float32) / 8
    serialized = model(weights, **attributes).SerializeToString()
    inputs = [
        rng.standard_normal((n, shape[0], *(s + more for s in spatial)), np.float32)
        for n, more in ((2, 0), (1, 3))
    ]
    merged = jitrt.InferenceSession(serialized)
    got = [merged.run(None, {"x": x})[0] for x in inputs]
    monkeypatch.setattr("jitrt.ops.conv.merged_axes", lambda *_: None)
    by_phases = jitrt.InferenceSession(serialized)
    for y, x in zip(got, inputs, strict=True):
        np.testing.assert_allclose(y, by_phases.run(None, {"x": x})[0], rtol=2e-5, atol=2e-6)


def test_choice():
    """Few channels and vectors with room; never groups, nor a stride of one."""

    def chosen(shape, strides=(2, 2), groups=1):
        kernel = shape[2:]
        geometry = ConvAttributes(kernel, strides, (1, 1), (0,) * 4, groups)
        return merged_axes(np.zeros(shape, np.float32), geometry) is not None

    assert chosen((24, 1, 2, 2))
    assert not chosen((24, 64, 4, 4))
    assert not chosen((24, 1, 2, 2), strides=(1, 1))
    assert not chosen((24, 1, 2, 2), groups=2)
