"""Graphs between DequantizeLinear and QuantizeLinear: right in float64, on integers where they can be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from onnx import helper, numpy_helper

import jitrt
from jitrt.types import to_onnx

node = helper.make_node


class Graph:
    """Nodes over a fed input x; constants are added as they are named."""

    def __init__(self, x: Any) -> None:
        self.x, self.nodes, self.constants = x, [], {}  # type: Any, list[Any], dict[str, Any]

    def constant(self, value: Any) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = np.asarray(value)
        return name

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(node(kind, inputs, [name], **attributes))
        return name

    def dequantized(self, codes: str, scale: Any, zero: Any, **attributes: Any) -> str:
        return self.op("DequantizeLinear", codes, self.constant(scale), self.constant(zero), **attributes)

    def quantized(self, x: str, scale: Any, zero: Any) -> str:
        return self.op("QuantizeLinear", x, self.constant(scale), self.constant(zero))

    def run(self, output: Any) -> tuple[Any, list[str]]:
        """The last node's output, and the labels of the steps that computed it."""
        infos = [helper.make_tensor_value_info("x", to_onnx(self.x.dtype), [None] * self.x.ndim)]
        last = helper.make_tensor_value_info(self.nodes[-1].output[0], to_onnx(np.dtype(output)), None)
        kept = [numpy_helper.from_array(v, n) for n, v in self.constants.items()]
        graph = helper.make_graph(self.nodes, "g", infos, [last], kept)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
        session = jitrt.InferenceSession(model.SerializeToString())
        (got,) = session.run(None, {"x": self.x})
        (program,) = session._programs.values()
        return got, [step.label for step in program.variants[0].recipe.steps]


def integers(dtype: Any, *shape: int, seed: int = 0) -> Any:
    limits = np.iinfo(dtype)
    return np.random.default_rng([seed, *shape]).integers(limits.min, limits.max, shape, dtype, endpoint=True)


def real(codes: Any, scale: Any, zero: Any) -> Any:
    return (codes.astype(np.float64) - np.asarray(zero).astype(np.float64)) * np.asarray(scale, np.float64)


def on_integers(labels: Sequence[str]) -> bool:
    return any(label.startswith(("MatMulInteger", "ConvInteger", "DepthwiseConv")) for label in labels)


@pytest.mark.parametrize("per_column", [False, True])
@pytest.mark.parametrize("types", [(np.uint8, np.int8), (np.int8, np.uint8)], ids=str)
def test_matmul_then_quantize_is_one_step(types: Any, per_column: bool) -> None:
    left, right = types
    k, n = 24, 40
    x, w = integers(left, 7, k), integers(right, k, n)
    scale = (np.linspace(0.01, 0.02, n) if per_column else np.asarray(0.01)).astype(np.float32)
    zero = np.zeros(scale.shape, right)
    graph = Graph(x)
    a = graph.dequantized("x", np.float32(0.05), left(9))
    b = graph.dequantized(graph.constant(w), scale, zero, axis=1)
    graph.quantized(graph.op("MatMul", a, b), np.float32(1.5), np.uint8(100))
    got, labels = graph.run(np.uint8)
    exact = real(x, 0.05, 9) @ real(w, scale, zero) / 1.5 + 100
    assert np.abs(got - np.clip(exact, 0, 255)).max() < 0.5 + 1e-4
    assert on_integers(labels)
    if types == (np.uint8, np.int8):
        assert len(labels) == 1


@pytest.mark.parametrize("output", [np.float32, np.float16, ml_dtypes.bfloat16], ids=lambda t: t.__name__)
def test_the_product_of_two_activations(output: Any) -> None:
    x = integers(np.uint8, 2, 5, 12)
    graph = Graph(x)
    a = graph.dequantized("x", np.asarray(0.05, output), np.uint8(9))
    graph.op("MatMul", a, graph.op("Transpose", a, perm=[0, 2, 1]))
    got, labels = graph.run(output)
    values = real(x, np.asarray(0.05, output).astype(np.float64), 9)
    exact = values @ values.transpose(0, 2, 1)
    limit = {np.float32: 1e-6, np.float16: 1e-3, ml_dtypes.bfloat16: 8e-3}[output]
    assert np.abs(got.astype(np.float64) - exact).max() <= limit * np.abs(exact).max()
    assert on_integers(labels)


@pytest.mark.parametrize("groups", [1, 2, 16])
def test_conv_with_a_bias(groups: int) -> None:
    x, w = integers(np.uint8, 2, 16, 6, 7), integers(np.int8, 16, 16 // groups, 3, 3)
    scale = np.linspace(0.01, 0.03, 16).astype(np.float32)
    bias = np.random.default_rng(0).standard_normal(16).astype(np.float32)
    graph = Graph(x)
    image = graph.dequantized("x", np.float32(0.05), np.uint8(131))
    kernel = graph.dequantized(graph.constant(w), scale, np.zeros(16, np.int8), axis=0)
    graph.op("Conv", image, kernel, graph.constant(bias), pads=[1, 1, 1, 1], group=groups)
    got, labels = graph.run(np.float32)
    each = scale.reshape(-1, 1, 1, 1).astype(np.float64)
    plain = Graph(real(x, 0.05, 131))
    plain.op(
        "Conv",
        "x",
        plain.constant(w * each),
        plain.constant(bias.astype(np.float64)),
        pads=[1, 1, 1, 1],
        group=groups,
    )
    exact, _ = plain.run(np.float64)
    assert np.abs(got - exact).max() <= 1e-6 * np.abs(exact).max()
    assert on_integers(labels)


def test_codes_that_only_move_are_not_computed_with() -> None:
    """Quantising again with the same parameters gives the codes back, through a transpose."""
    x, scale, zero = integers(np.int8, 5, 6), np.float32(0.37), np.int8(3)
    graph = Graph(x)
    graph.quantized(graph.op("Transpose", graph.dequantized("x", scale, zero)), scale, zero)
    got, labels = graph.run(np.int8)
    np.testing.assert_array_equal(got, x.T)
    assert labels == ["copy"]


@pytest.mark.parametrize("scale", [0.37, -0.37])
def test_maxima_are_those_of_the_codes(scale: float) -> None:
    """Unless a negative scale turns the order around."""
    x, step, zero = integers(np.uint8, 1, 3, 8, 8), np.float32(scale), np.uint8(3)
    graph = Graph(x)
    pooled = graph.op("MaxPool", graph.dequantized("x", step, zero), kernel_shape=[2, 2], strides=[2, 2])
    graph.quantized(pooled, step, zero)
    got, labels = graph.run(np.uint8)
    windows = x.reshape(1, 3, 4, 2, 4, 2)
    wanted = windows.max((3, 5)) if scale > 0 else windows.min((3, 5))
    np.testing.assert_array_equal(got, wanted)
    assert any("Quantize" in label for label in labels) == (scale < 0)


def test_other_parameters_quantise_again() -> None:
    x = integers(np.uint8, 5, 6)
    graph = Graph(x)
    y = graph.dequantized("x", np.float32(0.5), np.uint8(3))
    graph.quantized(y, np.float32(0.75), np.uint8(10))
    got, _ = graph.run(np.uint8)
    whole = np.rint((real(x, 0.5, 3) / 0.75).astype(np.float32)) + 10
    np.testing.assert_array_equal(got, np.clip(whole, 0, 255))


@pytest.mark.parametrize("axis", [0, 1])
def test_scales_along_the_inner_dimension_stay_in_float(axis: int) -> None:
    x, w = integers(np.uint8, 4, 6), integers(np.int8, 6, 6)
    scale = np.linspace(0.01, 0.02, 6).astype(np.float32)
    graph = Graph(x)
    a = graph.dequantized("x", np.float32(0.05), np.uint8(9))
    b = graph.dequantized(graph.constant(w), scale, np.zeros(6, np.int8), axis=axis)
    graph.op("MatMul", a, b)
    got, labels = graph.run(np.float32)
    exact = real(x, 0.05, 9) @ real(w, scale[:, None] if axis == 0 else scale, 0)
    assert np.abs(got - exact).max() <= 1e-6 * np.abs(exact).max()
    assert on_integers(labels) == (axis == 1)


def test_sums_that_int32_has_no_room_for_stay_in_float() -> None:
    k = 40_000
    x, w = np.full((1, k), 255, np.uint8), np.full((k, 1), 255, np.uint8)
    graph = Graph(x)
    a = graph.dequantized("x", np.float32(1), np.uint8(0))
    b = graph.dequantized(graph.constant(w), np.float32(1), np.uint8(0))
    graph.op("MatMul", a, b)
    got, labels = graph.run(np.float32)
    assert abs(got.item() / (k * 255 * 255) - 1) < 1e-4
    assert not on_integers(labels)


@pytest.mark.parametrize("interleaved", [False, True])
@pytest.mark.parametrize("point", [0, 117])
def test_a_residual_block_stays_in_bytes(point: int, interleaved: bool) -> None:
    """Every convolution writes bytes; the sum rides on the last of them, whatever the order of nodes."""
    x = integers(np.uint8, 2, 16, 5, 6)
    scales, zero = [np.linspace(0.001, 0.002, 16).astype(np.float32) * (i + 1) for i in range(2)], np.uint8(9)
    biases = [np.random.default_rng(i).standard_normal(16).astype(np.float32) for i in range(2)]
    weights = [integers(np.int8, 16, 16, 1, 1, seed=i) for i in range(2)]
    middle, last = (np.float32(0.15), np.uint8(point)), (np.float32(0.11), np.uint8(3))
    graph = Graph(x)
    image = graph.dequantized("x", np.float32(0.05), zero)

    def convolved(i: int) -> str:
        kernel = graph.dequantized(graph.constant(weights[i]), scales[i], np.zeros(16, np.int8), axis=0)
        return graph.op("Conv", image, kernel, graph.constant(biases[i]))

    def requantized(y: str) -> str:
        return graph.dequantized(graph.quantized(y, *middle), *middle)

    if interleaved:
        a, b = [requantized(y) for y in (convolved(0), convolved(1))]
    else:
        a, b = requantized(convolved(0)), requantized(convolved(1))
    total = graph.op("Mul", graph.op("Add", a, b), graph.constant(np.float32(0.5)))
    graph.quantized(graph.op("Relu", total), *last)
    got, labels = graph.run(np.uint8)
    assert len([label for label in labels if label != "copy"]) == 2
    values = []
    for i in range(2):
        sums = np.einsum("nchw,mc->nmhw", x.astype(np.int64) - 9, weights[i][:, :, 0, 0].astype(np.int64))
        each = (scales[i].astype(np.float64) * np.float32(0.05)).reshape(-1, 1, 1)
        codes = np.clip(np.rint((sums * each + biases[i].reshape(-1, 1, 1)) / middle[0]) + point, 0, 255)
        values.append((codes - point) * middle[0].astype(np.float64))
    exact = np.maximum(0.5 * (values[0] + values[1]), 0) / last[0] + 3
    assert np.abs(got - np.clip(exact, 0, 255)).max() < 0.5 + 1e-4


def test_limits_and_signs_of_what_is_quantised() -> None:
    """Clip, negation and a difference of two tensors, each once with limits out of the codes' range."""
    x = integers(np.uint8, 40, 7)
    value = real(x, 0.25, 100)
    for low, high in ((-5.0, 9.0), (300.0, 400.0), (-900.0, -800.0)):
        graph = Graph(x)
        y = graph.dequantized("x", np.float32(0.25), np.uint8(100))
        y = graph.op("Sub", graph.constant(np.float32(3)), y)
        y = graph.op("Add", y, graph.dequantized(graph.constant(x[::-1]), np.float32(0.25), np.uint8(100)))
        limits = graph.constant(np.float32(low)), graph.constant(np.float32(high))
        graph.quantized(graph.op("Clip", y, *limits), np.float32(0.125), np.int8(-7))
        got, _ = graph.run(np.int8)
        exact = np.clip(3 - value + value[::-1], low, high) / 0.125 - 7
        np.testing.assert_array_equal(got, np.clip(np.rint(exact), -128, 127))


TRANSPOSED = [  # kernel, strides, dilations, pads, output padding
    ((2, 2), (2, 2), (1, 1), (0, 0, 0, 0), (0, 0)),
    ((4, 4), (2, 2), (1, 1), (1, 1, 1, 1), (0, 0)),
    ((3, 3), (2, 2), (1, 1), (1, 1, 1, 1), (1, 1)),
    ((3, 2), (1, 3), (2, 1), (1, 0, 0, 1), (0, 1)),
    ((5,), (2,), (1,), (1, 2), (0,)),
    ((1, 1), (2, 2), (1, 1), (0, 0, 0, 0), (0, 0)),
]


@pytest.mark.parametrize("zero", [0, 131])
@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("case", TRANSPOSED, ids=str)
def test_a_transposed_convolution_is_one_of_integers(case: Any, per_channel: bool, zero: int) -> None:
    kernel, strides, dilations, pads, more = case
    x, w = integers(np.uint8, 2, 6, *(7, 5)[: len(kernel)]), integers(np.int8, 6, 10, *kernel)
    scale = np.linspace(0.01, 0.03, 10).astype(np.float32) if per_channel else np.float32(0.02)
    bias = np.random.default_rng(0).standard_normal(10).astype(np.float32)
    attributes = {"strides": strides, "dilations": dilations, "pads": pads, "output_padding": more}
    graph = Graph(x)
    image = graph.dequantized("x", np.float32(0.05), np.uint8(zero))
    weights = graph.dequantized(graph.constant(w), scale, np.zeros(np.shape(scale), np.int8), axis=1)
    y = graph.op("ConvTranspose", image, weights, graph.constant(bias), **attributes)
    graph.quantized(y, np.float32(0.7), np.uint8(120))
    got, labels = graph.run(np.uint8)
    each = np.broadcast_to(scale, 10).reshape(-1, *[1] * len(kernel)).astype(np.float64)
    plain = Graph(real(x, 0.05, zero))
    constants = map(plain.constant, (w * each, bias.astype(np.float64)))
    plain.op("ConvTranspose", "x", *constants, **attributes)
    exact, _ = plain.run(np.float64)
    assert got.shape == exact.shape
    assert np.abs(got - np.clip(exact / 0.7 + 120, 0, 255)).max() < 0.5 + 1e-3
    assert on_integers(labels) == (kernel != (1, 1))  # three quarters would be zeros


@pytest.mark.parametrize("zero", [0, 5])
@pytest.mark.parametrize("groups", [1, 2])
def test_a_transposed_convolution_that_is_not(zero: int, groups: int) -> None:
    """In groups, or of weights with a zero point, it is one of floats."""
    x, w = integers(np.uint8, 1, 4, 5, 5), integers(np.int8, 4, 6, 2, 2)
    graph = Graph(x)
    image = graph.dequantized("x", np.float32(0.05), np.uint8(7))
    weights = graph.dequantized(graph.constant(w), np.float32(0.02), np.int8(zero))
    graph.op("ConvTranspose", image, weights, strides=[2, 2], group=groups)
    got, labels = graph.run(np.float32)
    plain = Graph(real(x, 0.05, 7))
    plain.op("ConvTranspose", "x", plain.constant(real(w, 0.02, zero)), strides=[2, 2], group=groups)
    exact, _ = plain.run(np.float64)
    np.testing.assert_allclose(got, exact, rtol=0, atol=1e-5 * np.abs(exact).max())
    assert on_integers(labels) == (zero == 0 and groups == 1)


def test_what_is_joined_is_quantised_before() -> None:
    """Each part by itself: the codes of one that has the parameters are not touched."""
    x, scale, zero = integers(np.uint8, 1, 8, 6, 6), np.float32(0.05), np.uint8(131)
    w = integers(np.int8, 4, 8, 1, 1)
    graph = Graph(x)
    image = graph.dequantized("x", scale, zero)
    kernel = graph.dequantized(graph.constant(w), np.float32(0.02), np.int8(0))
    joined = graph.op("Concat", image, graph.op("Conv", image, kernel), axis=1)
    graph.quantized(graph.op("Transpose", joined, perm=[0, 2, 3, 1]), scale, zero)
    got, labels = graph.run(np.uint8)
    np.testing.assert_array_equal(got[..., :8], x.transpose(0, 2, 3, 1))
    products = np.einsum("nchw,mc->nhwm", real(x, 0.05, 131), real(w[..., 0, 0], 0.02, 0))
    assert np.abs(got[..., 8:] - np.clip(products / 0.05 + 131, 0, 255)).max() < 0.5 + 1e-4
    assert "DequantizeLinear" not in " ".join(labels)
    assert any(label.startswith("ConvInteger+") and "Quantize" in label for label in labels)
