"""An object detector up to its selected boxes, whose number depends on the image."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from bench.models.graph import Built, GraphBuilder, builder, normal
from bench.models.images import conv, conv_relu, residual_stages

SIZE, CLASSES = 320, 4


def decode(graph: GraphBuilder, x: str, stride: int) -> tuple[str, str]:
    """Boxes [n, cells, 4] as corners and scores [n, classes, cells] from a head's x[n, 4 + classes, h, w]."""
    cells = SIZE // stride
    x = graph.reshape(x, 0, 4 + CLASSES, -1)
    x = graph.op("Split", x, graph.constant([2, 2, CLASSES]), axis=1, outputs=3)
    grid = np.stack(np.meshgrid(np.arange(cells), np.arange(cells), indexing="ij")).reshape(1, 2, -1)
    offset = graph.op("Add", graph.op("Sigmoid", x), graph.constant(grid, np.float32))
    center = graph.op("Mul", offset, graph.constant(stride, np.float32))
    half = graph.op("Mul", graph.op("Exp", f"{x}_1"), graph.constant(stride, np.float32))
    corners = graph.op("Concat", graph.op("Sub", center, half), graph.op("Add", center, half), axis=1)
    return graph.op("Transpose", corners, perm=[0, 2, 1]), graph.op("Sigmoid", f"{x}_2")


@builder
def detector() -> Built:
    """A residual backbone, heads at two strides without anchors, NonMaxSuppression, gathered boxes."""
    graph = GraphBuilder("detector")
    x = graph.input("x", ["batch", 3, SIZE, SIZE])
    x = residual_stages(graph, x, [32, 64, 128], [1, 2, 2])
    levels = [(x, 128, 16), (conv_relu(graph, x, 128, 256, 3, strides=[2, 2]), 256, 32)]
    boxes, scores = [], []
    for level, channels, stride in levels:
        head = conv_relu(graph, level, channels, 64, 3)
        head_boxes, head_scores = decode(graph, conv(graph, head, 64, 4 + CLASSES, 1), stride)
        boxes.append(head_boxes)
        scores.append(head_scores)
    all_boxes, all_scores = graph.op("Concat", *boxes, axis=1), graph.op("Concat", *scores, axis=2)
    thresholds = [graph.constant(value, np.float32) for value in (0.5, 0.4)]
    selected = graph.op("NonMaxSuppression", all_boxes, all_scores, graph.constant([20]), *thresholds)
    image_and_box = graph.op("Gather", selected, graph.constant([0, 2]), axis=1)
    graph.output(graph.op("GatherND", all_boxes, image_and_box), ["selected", 4])
    graph.output(graph.op("GatherND", all_scores, selected), ["selected"])
    graph.output(selected, ["selected", 3], TensorProto.INT64)
    return Built(graph.model(), [{"x": normal(1, n, 3, SIZE, SIZE)} for n in (1, 2, 3)])
