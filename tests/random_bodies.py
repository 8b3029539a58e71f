"""The moves of random graphs that run bodies, some of them as often as a size or the data say."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper
from random_graph import RandomGraph, Shape, move
from random_moves import need


@move()
def recurrent(g: RandomGraph, x: str, shape: Shape) -> None:
    need(len(shape) == 3)
    need(isinstance(shape[-1], int))
    kind, gates = g.pick([("LSTM", 4), ("GRU", 3), ("RNN", 1)])
    width, size, direction = (
        int(shape[-1]),
        g.pick([4, 16, 20]),
        g.pick(["forward", "reverse", "bidirectional"]),
    )
    ways = 2 if direction == "bidirectional" else 1
    parts = [(gates * size, width), (gates * size, size), (2 * gates * size,)]
    weights = [g.weight(ways, *part, scale=0.3) for part in parts]
    shapes = [(shape[0], ways, shape[1], size), (ways, shape[1], size)]
    g.add(kind, [x, *weights], *shapes, hidden_size=size, direction=direction)


@move()
def branches(g: RandomGraph, x: str, shape: Shape) -> None:
    mean = g.add("ReduceMean", [x], (), keepdims=0)
    (condition,) = g.raw("Greater", [mean, g.constant(np.float32(0.05))])
    bodies = {
        f"{name}_branch": graph(
            [helper.make_node(op_type, inputs, [f"{name}{g.count}"])], [], [f"{name}{g.count}"]
        )
        for name, op_type, inputs in (("then", "Tanh", [x]), ("else", "Mul", [x, x]))
    }
    g.add("If", [condition], shape, **bodies)


@move()
def loop(g: RandomGraph, x: str, shape: Shape) -> None:
    number = g.count
    turns = g.constant(np.int64(g.rng.integers(5)))
    if shape and g.chance(0.5):
        (turns,) = g.raw("Gather", [*g.raw("Shape", [x]), g.constant(np.int64(g.axis(shape)))])
    names = [f"{part}{number}" for part in ("turn", "on", "state", "on_", "sum", "state_")]
    turn, on, state, still_on, total, after = names
    nodes = [
        helper.make_node("Identity", [on], [still_on]),
        helper.make_node("Add", [state, x], [total]),
        helper.make_node("Tanh", [total], [after]),
    ]
    kinds = {turn: TensorProto.INT64, on: TensorProto.BOOL, still_on: TensorProto.BOOL}
    g.add("Loop", [turns, "", x], shape, body=graph(nodes, [turn, on, state], [still_on, after], kinds))


def graph(
    nodes: list[onnx.NodeProto], inputs: list[str], outputs: list[str], scalars: dict[str, int] | None = None
) -> onnx.GraphProto:
    """A body; what is no scalar of a given type is float32 of any shape."""
    given = scalars or {}

    def described(name: str) -> onnx.ValueInfoProto:
        shape = [] if name in given else None
        return helper.make_tensor_value_info(name, given.get(name, TensorProto.FLOAT), shape)

    return helper.make_graph(nodes, "body", [*map(described, inputs)], [*map(described, outputs)])
