"""Convolutional networks over images and volumes."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.models.graph import Built, GraphBuilder, builder, normal


def conv(
    graph: GraphBuilder, x: str, inner: int, outer: int, size: int, rank: int = 2, group: int = 1, **spec: Any
) -> str:
    """A convolution that keeps the size where `strides` and `dilations` are 1, with a bias."""
    reach = spec.get("dilations", [1])[0] * (size // 2)
    shape = [outer, inner // group, *[size] * rank]
    weight = graph.weight(*shape, fan_in=inner // group * size**rank)
    return graph.op("Conv", x, weight, graph.weight(outer), group=group, pads=[reach] * 2 * rank, **spec)


def batch_norm(graph: GraphBuilder, x: str, channels: int) -> str:
    """Batch normalisation with the statistics of a trained network."""
    mean, variance = graph.weight(channels), graph.scale(channels)
    return graph.op("BatchNormalization", x, graph.scale(channels), graph.weight(channels), mean, variance)


def conv_relu(graph: GraphBuilder, x: str, inner: int, outer: int, size: int, **spec: Any) -> str:
    """Convolution, batch normalisation, ReLU."""
    return graph.op("Relu", batch_norm(graph, conv(graph, x, inner, outer, size, **spec), outer))


def classifier(graph: GraphBuilder, x: str, channels: int, classes: int = 100) -> None:
    """Mean over positions and a dense layer, as the graph's output."""
    x = graph.op("Flatten", graph.op("GlobalAveragePool", x))
    y = graph.op("Gemm", x, graph.weight(channels, classes), graph.weight(classes))
    graph.output(y, ["batch", classes])


def residual_stages(graph: GraphBuilder, x: str, widths: list[int], strides: list[int]) -> str:
    """A stem that quarters the size, then two residual blocks of 3 x 3 convolutions for each width."""
    x = conv_relu(graph, x, 3, widths[0], 7, strides=[2, 2])
    x = graph.op("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    inner = widths[0]
    for outer, stride in zip(widths, strides, strict=True):
        for step in (stride, 1):
            y = conv_relu(graph, x, inner, outer, 3, strides=[step] * 2)
            y = batch_norm(graph, conv(graph, y, outer, outer, 3), outer)
            if step != 1 or inner != outer:
                x = batch_norm(graph, conv(graph, x, inner, outer, 1, strides=[step] * 2), outer)
            x = graph.op("Relu", graph.op("Add", x, y))
            inner = outer
    return x


@builder
def cnn() -> Built:
    """A stem, inverted residual blocks with depthwise convolution, and a classifier, at 96 x 96 pixels."""
    graph = GraphBuilder("cnn")
    x = graph.input("x", ["batch", 3, 96, 96])
    x = conv_relu(graph, x, 3, 32, 3, strides=[2, 2])
    channels = 32
    for outer, stride in ((32, 1), (64, 2), (64, 1), (128, 2), (128, 1)):
        wide = 3 * channels
        y = conv_relu(graph, x, channels, wide, 1)
        y = conv_relu(graph, y, wide, wide, 3, strides=[stride] * 2, group=wide)
        y = batch_norm(graph, conv(graph, y, wide, outer, 1), outer)
        x = graph.op("Add", x, y) if stride == 1 else y
        channels = outer
    classifier(graph, x, channels)
    return Built(graph.model(), [{"x": normal(1, n, 3, 96, 96)} for n in (1, 2, 3)])


@builder
def resnet() -> Built:
    """ResNet-18 at 128 x 128 pixels. https://arxiv.org/abs/1512.03385"""
    graph = GraphBuilder("resnet")
    x = graph.input("x", ["batch", 3, "height", "width"])
    classifier(graph, residual_stages(graph, x, [64, 128, 256, 512], [1, 2, 2, 2]), 512)
    shapes = ((1, 128, 128), (4, 96, 128), (1, 64, 64))
    return Built(graph.model(), [{"x": normal(1, n, 3, h, w)} for n, h, w in shapes])


@builder
def grouped() -> Built:
    """Bottlenecks with 32 groups of 4 to 16 channels. https://arxiv.org/abs/1611.05431"""
    graph = GraphBuilder("grouped")
    x = conv_relu(graph, graph.input("x", ["batch", 3, "height", "width"]), 3, 64, 7, strides=[2, 2])
    x = graph.op("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    inner = 64
    for width, stride in ((128, 1), (256, 2), (512, 2)):
        y = conv_relu(graph, x, inner, width, 1)
        y = conv_relu(graph, y, width, width, 3, group=32, strides=[stride] * 2)
        y = batch_norm(graph, conv(graph, y, width, 2 * width, 1), 2 * width)
        x = batch_norm(graph, conv(graph, x, inner, 2 * width, 1, strides=[stride] * 2), 2 * width)
        x, inner = graph.op("Relu", graph.op("Add", x, y)), 2 * width
    classifier(graph, x, inner)
    shapes = ((1, 128, 128), (4, 96, 128), (1, 64, 64))
    return Built(graph.model(), [{"x": normal(1, n, 3, h, w)} for n, h, w in shapes])


@builder
def super_resolution() -> Built:
    """Residual blocks, channels that become pixels, RGB at last. https://arxiv.org/abs/1707.02921"""
    graph = GraphBuilder("super-resolution")
    x = first = conv(graph, graph.input("x", ["batch", 3, "height", "width"]), 3, 32, 3)
    for _ in range(3):
        y = graph.op("Relu", conv(graph, x, 32, 32, 3))
        x = graph.op("Add", x, conv(graph, y, 32, 32, 3))
    x = conv(graph, graph.op("Add", x, first), 32, 128, 3)
    x = graph.op("DepthToSpace", x, blocksize=2, mode="CRD")
    graph.output(conv(graph, x, 32, 3, 3), ["batch", 3, "rows", "columns"])
    shapes = ((1, 64, 64), (2, 48, 64), (1, 32, 33))
    return Built(graph.model(), [{"x": normal(1, n, 3, h, w)} for n, h, w in shapes])


@builder
def dilated() -> Built:
    """Segmentation with an atrous spatial pyramid, resized to the input. https://arxiv.org/abs/1706.05587"""
    graph = GraphBuilder("dilated")
    image = graph.input("x", ["batch", 3, "height", "width"])
    x = residual_stages(graph, image, [32, 64, 128], [1, 2, 1])
    x = conv_relu(graph, x, 128, 128, 3, dilations=[2, 2])
    branches = [conv_relu(graph, x, 128, 64, 1)]
    branches += [conv_relu(graph, x, 128, 64, 3, dilations=[d] * 2) for d in (3, 6, 9)]
    mean = conv_relu(graph, graph.op("GlobalAveragePool", x), 128, 64, 1)
    branches.append(graph.op("Expand", mean, graph.op("Shape", branches[0])))
    x = conv_relu(graph, graph.op("Concat", *branches, axis=1), 5 * 64, 64, 1)
    x = conv(graph, x, 64, 21, 1)
    sizes = graph.op("Concat", graph.op("Shape", x, end=2), graph.op("Shape", image, start=2), axis=0)
    y = graph.op(
        "Resize", x, "", "", sizes, mode="linear", coordinate_transformation_mode="pytorch_half_pixel"
    )
    graph.output(y, ["batch", 21, "height", "width"])
    shapes = ((1, 192, 192), (2, 128, 192), (1, 96, 96))
    return Built(graph.model(), [{"x": normal(1, n, 3, h, w)} for n, h, w in shapes])


@builder
def transposed() -> Built:
    """A generator of 64 x 64 pixels by transposed convolutions. https://arxiv.org/abs/1511.06434"""
    graph = GraphBuilder("transposed")
    x = graph.input("x", ["batch", 100])
    x = graph.reshape(graph.op("MatMul", x, graph.weight(100, 256 * 16)), -1, 256, 4, 4)
    channels = 256
    for outer in (256, 128, 64):
        weight = graph.weight(channels, outer, 4, 4, fan_in=4 * channels)
        x = graph.op("ConvTranspose", x, weight, strides=[2, 2], pads=[1] * 4)
        x = graph.op("Relu", batch_norm(graph, x, outer))
        channels = outer
    weight = graph.weight(channels, 3, 4, 4, fan_in=4 * channels)
    y = graph.op("Tanh", graph.op("ConvTranspose", x, weight, strides=[2, 2], pads=[1] * 4))
    graph.output(y, ["batch", 3, 64, 64])
    return Built(graph.model(), [{"x": normal(1, n, 100)} for n in (4, 1, 2)])


@builder
def unet() -> Built:
    """A diffusion model's U-Net without attention: group normalisation, SiLU, skips joined by Concat."""
    graph = GraphBuilder("unet")

    def block(x: str, inner: int, outer: int) -> str:
        for channels in (inner, outer):
            scale, bias = graph.scale(channels), graph.weight(channels)
            x = graph.op("GroupNormalization", x, scale, bias, num_groups=8)
            x = conv(graph, graph.op("Mul", x, graph.op("Sigmoid", x)), channels, outer, 3)
        return x

    x = conv(graph, graph.input("x", ["batch", 4, "height", "width"]), 4, 32, 3)
    skips = []
    for inner, outer in ((32, 64), (64, 128)):
        skips.append((block(x, inner, outer), outer))
        x = conv(graph, skips[-1][0], outer, outer, 3, strides=[2, 2])
    x, channels = block(x, 128, 128), 128
    twice = graph.constant([1, 1, 2, 2], np.float32)
    for skip, outer in reversed(skips):
        x = graph.op(
            "Resize", x, "", twice, nearest_mode="floor", coordinate_transformation_mode="asymmetric"
        )
        x = block(graph.op("Concat", x, skip, axis=1), channels + outer, outer)
        channels = outer
    graph.output(conv(graph, x, channels, 4, 3), ["batch", 4, "height", "width"])
    shapes = ((1, 64, 64), (2, 48, 64), (1, 32, 32))
    return Built(graph.model(), [{"x": normal(1, n, 4, h, w)} for n, h, w in shapes])


@builder
def volume() -> Built:
    """3-D convolutions and pooling, as over video or a scan. https://arxiv.org/abs/1412.0767"""
    graph = GraphBuilder("volume")
    x = graph.input("x", ["batch", 1, "depth", "height", "width"])
    channels = 1
    for outer in (16, 32, 64, 64):
        x = conv_relu(graph, x, channels, outer, 3, rank=3)
        x = graph.op("MaxPool", x, kernel_shape=[2] * 3, strides=[2] * 3)
        channels = outer
    classifier(graph, conv_relu(graph, x, channels, 128, 3, rank=3), 128)
    shapes = ((1, 16, 64, 64), (2, 16, 48, 48), (1, 16, 32, 32))
    return Built(graph.model(), [{"x": normal(1, n, 1, d, h, w)} for n, d, h, w in shapes])
