"""Networks with weights of 8 and 16 bits: quantised convolutions and products, float16."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from bench.models.graph import Built, GraphBuilder, builder, normal
from bench.models.images import classifier, residual_stages
from bench.models.language import token_feeds, write_encoder


def quantized_weight(graph: GraphBuilder, values: np.ndarray) -> tuple[str, np.ndarray]:
    """Dequantised int8 weights with a scale a row, and the scales."""
    scales = (np.abs(values).reshape(len(values), -1).max(axis=1) / 127).astype(np.float32)
    levels = np.round(values / scales.reshape(-1, *[1] * (values.ndim - 1)))
    zero_points = np.zeros(len(scales), np.int8)
    terms = [graph.constant(levels, np.int8), graph.constant(scales), graph.constant(zero_points)]
    return graph.op("DequantizeLinear", *terms, axis=0), scales


def requantize(graph: GraphBuilder, x: str, scale: float, zero_point: int) -> str:
    """x rounded to uint8 and back to float32."""
    terms = graph.constant(scale, np.float32), graph.constant(zero_point, np.uint8)
    return graph.op("DequantizeLinear", graph.op("QuantizeLinear", x, *terms), *terms)


@builder
def int8_cnn() -> Built:
    """Bottleneck blocks in QDQ form at 192 x 192 pixels: uint8 activations, int8 weights a channel."""
    graph = GraphBuilder("int8-cnn")
    signed, positive = (6 / 127, 128), (6 / 255, 0)

    def conv(x: str, x_scale: float, inner: int, outer: int, size: int, stride: int = 1) -> str:
        shape = (outer, inner, size, size)
        values = graph.random.standard_normal(shape, np.float32) * (2 / (inner * size**2)) ** 0.5
        weight, scales = quantized_weight(graph, values)
        bias_scale = graph.constant(scales * np.float32(x_scale))
        levels = graph.constant(np.round(0.1 * normal(1, outer) / scales / x_scale), np.int32)
        bias = graph.op("DequantizeLinear", levels, bias_scale, axis=0)
        return graph.op("Conv", x, weight, bias, strides=[stride] * 2, pads=[size // 2] * 4)

    def activated(x: str) -> str:
        return requantize(graph, graph.op("Relu", x), *positive)

    x = requantize(graph, graph.input("x", ["batch", 3, 192, 192]), *signed)
    x = activated(conv(x, signed[0], 3, 64, 7, stride=2))
    x = graph.op("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    x, channels = requantize(graph, x, *positive), 64
    for middle, outer, stride in ((64, 256, 1), (64, 256, 1), (128, 512, 2), (128, 512, 1), (256, 1024, 2)):
        y = activated(conv(x, positive[0], channels, middle, 1))
        y = activated(conv(y, positive[0], middle, middle, 3, stride))
        y = requantize(graph, conv(y, positive[0], middle, outer, 1), *signed)
        if channels != outer:
            x = requantize(graph, conv(x, positive[0], channels, outer, 1, stride), *signed)
        half = graph.constant(0.5, np.float32)
        x, channels = activated(graph.op("Mul", graph.op("Add", x, y), half)), outer
    classifier(graph, x, channels)
    return Built(graph.model(), [{"x": normal(1, n, 3, 192, 192)} for n in (1, 2, 3)], tolerance=0.03)


@builder
def int8_encoder() -> Built:
    """Two layers of an encoder of width 384, its products dynamically quantised."""
    graph = GraphBuilder("int8-encoder")

    def dense(x: str, inner: int, outer: int) -> str:
        values = graph.random.standard_normal((inner, outer), np.float32) * inner**-0.5
        scale = np.float32(np.abs(values).max() / 127)
        weight, zero_point = graph.constant(np.round(values / scale), np.int8), graph.constant(0, np.int8)
        x = graph.op("DynamicQuantizeLinear", x, outputs=3)
        sums = graph.op("MatMulInteger", x, weight, f"{x}_2", zero_point)
        scale_of_sums = graph.op("Mul", f"{x}_1", graph.constant(scale))
        product = graph.op("Mul", graph.op("Cast", sums, to=TensorProto.FLOAT), scale_of_sums)
        return graph.op("Add", product, graph.weight(outer))

    write_encoder(graph, 384, 12, dense)
    return Built(graph.model(), token_feeds((1, 128), (4, 37), (1, 9)), tolerance=0.03)


@builder
def fp16_cnn() -> Built:
    """ResNet-18 in float16 between float32 inputs and outputs, at 128 x 128 pixels."""
    graph = GraphBuilder("fp16-cnn", dtype=np.float16)
    x = graph.input("x", ["batch", 3, 128, 128])
    x = graph.op("Cast", x, to=TensorProto.FLOAT16)
    x = residual_stages(graph, x, [64, 128, 256, 512], [1, 2, 2, 2])
    x = graph.op("Flatten", graph.op("GlobalAveragePool", x))
    y = graph.op("Gemm", x, graph.weight(512, 100), graph.weight(100))
    graph.output(graph.op("Cast", y, to=TensorProto.FLOAT), ["batch", 100])
    return Built(graph.model(), [{"x": normal(1, n, 3, 128, 128)} for n in (1, 2, 3)], tolerance=0.01)
