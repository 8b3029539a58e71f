"""Recurrent layers, stacked as PyTorch's exporter writes them."""

from __future__ import annotations

from typing import Any

from bench.models.graph import Built, GraphBuilder, builder, normal

GATES = {"LSTM": 4, "GRU": 3}


def layer(
    graph: GraphBuilder, x: str, op_type: str, inner: int, hidden: int, directions: int, **spec: Any
) -> str:
    """x[sequence, batch, inner] to [sequence, batch, directions * hidden]."""
    gates = GATES[op_type]
    kernel = graph.weight(directions, gates * hidden, inner, fan_in=inner)
    recurrence = graph.weight(directions, gates * hidden, hidden, fan_in=hidden)
    bias = graph.weight(directions, 2 * gates * hidden, fan_in=hidden)
    direction = "bidirectional" if directions == 2 else "forward"
    y = graph.op(op_type, x, kernel, recurrence, bias, hidden_size=hidden, direction=direction, **spec)
    if directions == 1:
        return graph.op("Squeeze", y, graph.constant([1]))
    return graph.reshape(graph.op("Transpose", y, perm=[0, 2, 1, 3]), 0, 0, -1)


@builder
def lstm() -> Built:
    """Two stacked LSTM layers, the second bidirectional, averaged over steps."""
    inner, hidden = 64, 128
    graph = GraphBuilder("lstm")
    x = layer(graph, graph.input("x", ["sequence", "batch", inner]), "LSTM", inner, hidden, 1)
    x = layer(graph, x, "LSTM", hidden, hidden, 2)
    mean = graph.op("ReduceMean", x, graph.constant([0]), keepdims=0)
    y = graph.op("Gemm", mean, graph.weight(2 * hidden, 8), graph.weight(8))
    graph.output(y, ["batch", 8])
    shapes = ((50, 1), (20, 4), (7, 2))
    return Built(graph.model(), [{"x": normal(1, *shape, inner)} for shape in shapes])


@builder
def gru() -> Built:
    """Two bidirectional GRU layers, a result for every step."""
    inner, hidden = 80, 192
    graph = GraphBuilder("gru")
    x, width = graph.input("x", ["sequence", "batch", inner]), inner
    for _ in range(2):
        x, width = layer(graph, x, "GRU", width, hidden, 2, linear_before_reset=1), 2 * hidden
    graph.output(graph.op("LogSoftmax", graph.dense(x, width, 32)), ["sequence", "batch", 32])
    shapes = ((100, 4), (60, 1), (8, 2))
    return Built(graph.model(), [{"x": normal(1, *shape, inner)} for shape in shapes])
