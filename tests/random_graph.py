"""Models made at random: operators that change layouts, shapes and sizes meet in any order.

A move, of `random_moves.py`, adds an operator or a few to values there are. Sizes are numbers or names: two
dimensions of one name are equal in every run, whatever sizes of `SIZES` the inputs have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Size = int | str
Shape = tuple[Size, ...]
SIZES = [
    {"b": 2, "s": 5, "h": 8, "w": 9},
    {"b": 1, "s": 5, "h": 8, "w": 9},
    {"b": 3, "s": 8, "h": 10, "w": 6},
    {"b": 1, "s": 1, "h": 7, "w": 7},
    {"b": 2, "s": 17, "h": 8, "w": 8},
]
MOST_OPERATORS = 26
MOVES: list[Move] = []


class UnfitError(Exception):
    """The move does not go with the value."""


def move(weight: int = 1) -> Callable[[Move], Move]:
    """Let a function be drawn, `weight` times as often as others."""

    def note(function: Move) -> Move:
        MOVES.extend([function] * weight)
        return function

    return note


class RandomGraph:
    """A graph as it grows; `shapes` are of the float32 values there are."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.shapes: dict[str, Shape] = {}
        self.count = 0
        kind = self.pick(["sequence", "image", "both", "vectors"])
        if kind in ("sequence", "both"):
            self.shapes["x"] = ("b", "s", self.pick([8, 12, 16]))
        if kind in ("image", "both"):
            self.shapes["i"] = ("b", self.pick([3, 4, 8]), self.pick([8, "h"]), self.pick([8, 9, "w"]))
        if kind == "vectors":
            self.shapes["x"] = self.shapes["y"] = ("b", self.pick([6, 16, 32]))
        self.inputs = dict(self.shapes)

    # drawing

    def pick(self, choices: Sequence[Any]) -> Any:
        return choices[int(self.rng.integers(len(choices)))]

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def axis(self, shape: Shape, known: bool = False) -> int:
        """Of a shape, or of its sizes that are numbers."""
        axes = [i for i, size in enumerate(shape) if not known or isinstance(size, int)]
        if not axes:
            raise UnfitError
        return int(self.pick(axes))

    # adding

    def constant(self, value: Any) -> str:
        self.weights.append(numpy_helper.from_array(np.asarray(value), f"c{len(self.weights)}"))
        return self.weights[-1].name

    def integers(self, *values: int) -> str:
        return self.constant(np.int64(values))

    def weight(self, *shape: int, scale: float = 0.0) -> str:
        spread = scale or float(np.prod(shape[1:])) ** -0.5
        return self.constant((self.rng.standard_normal(shape) * spread).astype(np.float32))

    def raw(self, op_type: str, inputs: Sequence[str], outputs: int = 1, **attributes: Any) -> list[str]:
        """Add a node; names of its outputs, which may be no floats."""
        self.count += 1
        names = [f"v{self.count}" + "_" * i for i in range(outputs)]
        self.nodes.append(helper.make_node(op_type, inputs, names, **attributes))
        return names

    def add(self, op_type: str, inputs: Sequence[str], *shapes: Sequence[Size], **attributes: Any) -> str:
        """Add a node with outputs of such shapes; the first one's name."""
        names = self.raw(op_type, inputs, len(shapes), **attributes)
        self.shapes.update(zip(names, map(tuple, shapes), strict=True))
        return names[0]

    def grow(self) -> None:
        """Make a move from a value that was made of late, if that goes."""
        names = list(self.shapes)
        x = names[-1 - int(min(self.rng.exponential(3), len(names) - 1))]
        self.pick(MOVES)(self, x, self.shapes[x])

    def model(self) -> onnx.ModelProto:
        """The model; what no node reads is an output, and some of the rest."""
        read = {name for node in self.nodes for name in node.input}
        made = [name for name in self.shapes if name not in self.inputs]
        outputs = [name for name in made if name not in read or self.chance(0.1)]
        floats = TensorProto.FLOAT
        graph = helper.make_graph(
            self.nodes,
            "random",
            [helper.make_tensor_value_info(n, floats, s) for n, s in self.inputs.items()],
            [helper.make_tensor_value_info(n, floats, None) for n in outputs],
            self.weights,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)

    def feeds(self, sizes: dict[str, int]) -> dict[str, np.ndarray[Any, Any]]:
        """Random inputs."""
        return {
            name: self.rng.standard_normal([sizes.get(str(s), s) for s in shape]).astype(np.float32)
            for name, shape in self.inputs.items()
        }


Move = Callable[[RandomGraph, str, Shape], object]


def random_graph(seed: int) -> RandomGraph:
    """The graph of this number."""
    graph = RandomGraph(seed)
    operators = int(graph.rng.integers(4, MOST_OPERATORS))
    while len(graph.nodes) < operators:
        try:
            graph.grow()
        except UnfitError:
            continue
    return graph
