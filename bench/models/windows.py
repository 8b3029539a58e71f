"""A transformer over windows of an image: rolls, reshapes and transposes around the products."""

from __future__ import annotations

import numpy as np

from bench.models.graph import Built, GraphBuilder, builder, normal
from bench.models.language import scaled

WINDOW, SHIFT = 7, 3


def roll(graph: GraphBuilder, x: str, shift: int) -> str:
    """x[n, h, w, c] rolled by -shift along h and w, as torch.roll is exported."""
    for axis in (1, 2):
        at, axes = graph.constant([shift]), graph.constant([axis])
        last = graph.op("Slice", x, at, graph.constant([2**62]), axes)
        first = graph.op("Slice", x, graph.constant([0]), at, axes)
        x = graph.op("Concat", last, first, axis=axis)
    return x


def shifted_mask(size: int) -> np.ndarray:
    """-100 between positions of a rolled window that are not neighbours: [windows, 1, 49, 49]."""
    edges = np.digitize(np.arange(size), [size - WINDOW, size - SHIFT])
    regions = 3 * edges[:, None] + edges
    count = size // WINDOW
    regions = regions.reshape(count, WINDOW, count, WINDOW).swapaxes(1, 2).reshape(-1, 1, WINDOW**2)
    return np.where(regions != regions.swapaxes(1, 2), -100, 0)[:, None]


def swap(graph: GraphBuilder, x: str, *shape: int) -> str:
    """x in the given shape of six axes, the third and fourth exchanged: into windows, or back."""
    return graph.op("Transpose", graph.reshape(x, *shape), perm=[0, 1, 3, 2, 4, 5])


def attention(graph: GraphBuilder, x: str, size: int, width: int, heads: int, shift: int) -> str:
    """Attention within windows of 7 x 7 positions of x[n, size, size, width]."""
    count, area = size // WINDOW, WINDOW**2
    x = roll(graph, x, shift) if shift else x
    x = swap(graph, x, -1, count, WINDOW, count, WINDOW, width)
    qkv = graph.dense(graph.reshape(x, -1, area, width), width, 3 * width)
    qkv = graph.op("Transpose", graph.reshape(qkv, -1, area, 3, heads, width // heads), perm=[2, 0, 3, 1, 4])
    q, k, v = (graph.op("Gather", qkv, graph.constant(i)) for i in range(3))
    k = graph.op("Transpose", k, perm=[0, 1, 3, 2])
    scores = graph.op("MatMul", scaled(graph, q, (width // heads) ** -0.5), k)
    scores = graph.op("Add", scores, graph.weight(1, heads, area, area, fan_in=area))
    if shift:
        scores = graph.reshape(scores, -1, count**2, heads, area, area)
        scores = graph.op("Add", scores, graph.constant(shifted_mask(size), np.float32))
        scores = graph.reshape(scores, -1, heads, area, area)
    mixed = graph.op("Transpose", graph.op("MatMul", graph.op("Softmax", scores), v), perm=[0, 2, 1, 3])
    x = graph.dense(graph.reshape(mixed, -1, area, width), width, width)
    x = swap(graph, x, -1, count, count, WINDOW, WINDOW, width)
    x = graph.reshape(x, -1, size, size, width)
    return roll(graph, x, size - shift) if shift else x


def merge_patches(graph: GraphBuilder, x: str, width: int) -> str:
    """x[n, h, w, width] to half of h and w and twice the width: strided slices, joined."""
    ends, axes, steps = graph.constant([2**62] * 2), graph.constant([1, 2]), graph.constant([2, 2])
    corners = [graph.constant([i, j]) for j in (0, 1) for i in (0, 1)]
    x = graph.op("Concat", *(graph.op("Slice", x, c, ends, axes, steps) for c in corners), axis=3)
    return graph.op("MatMul", graph.layer_norm(x, 4 * width), graph.weight(4 * width, 2 * width))


@builder
def windows() -> Built:
    """The first two stages of Swin's tiny size, at 224 x 224 pixels. https://arxiv.org/abs/2103.14030"""
    graph = GraphBuilder("windows")
    x = graph.input("x", ["batch", 3, 224, 224])
    x = graph.op("Conv", x, graph.weight(96, 3, 4, 4, fan_in=48), graph.weight(96), strides=[4, 4])
    x = graph.op("Transpose", x, perm=[0, 2, 3, 1])
    for size, width, heads in ((56, 96, 3), (28, 192, 6)):
        x = merge_patches(graph, x, 96) if size == 28 else x
        for shift in (0, SHIFT):
            y = attention(graph, graph.layer_norm(x, width), size, width, heads, shift)
            x = graph.op("Add", x, y)
            hidden = graph.op("Gelu", graph.dense(graph.layer_norm(x, width), width, 4 * width))
            x = graph.op("Add", x, graph.dense(hidden, 4 * width, width))
    mean = graph.op("ReduceMean", graph.layer_norm(x, 192), graph.constant([1, 2]), keepdims=0)
    graph.output(graph.dense(mean, 192, 100), ["batch", 100])
    return Built(graph.model(), [{"x": normal(1, n, 3, 224, 224)} for n in (1, 2, 3)])
