"""What the networks are written with: nodes and weights collected into a model, and a table of builders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import GraphProto, ModelProto, TensorProto, helper, numpy_helper

from bench.engines import Feeds

OPSETS = {"": 21, "ai.onnx.ml": 3}
IR_VERSION = 10
Shape = Sequence[int | str]


@dataclass
class GraphBuilder:
    """Collects nodes and weights, the weights in `dtype`; names are `prefix` and a number, in order."""

    name: str
    prefix: str = ""
    dtype: Any = np.float32
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    nodes: list[Any] = field(default_factory=list)
    inputs: list[Any] = field(default_factory=list)
    outputs: list[Any] = field(default_factory=list)
    initializers: list[Any] = field(default_factory=list)

    def input(self, name: str, shape: Shape, dtype: int = TensorProto.FLOAT) -> str:
        """Declare a graph input; a string is a dynamic dimension."""
        self.inputs.append(helper.make_tensor_value_info(self.prefix + name, dtype, shape))
        return self.prefix + name

    def output(self, name: str, shape: Shape, dtype: int = TensorProto.FLOAT) -> None:
        """Declare a value to be a graph output."""
        self.outputs.append(helper.make_tensor_value_info(name, dtype, shape))

    def constant(self, array: Any, dtype: Any = None) -> str:
        """Add an initializer."""
        name = f"{self.prefix}w{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.asarray(array, dtype), name))
        return name

    def weight(self, *shape: int, fan_in: int | None = None) -> str:
        """Normal weights that keep a signal's variance; `fan_in` defaults to the first dimension."""
        scale = np.float32((fan_in or shape[0]) ** -0.5)
        return self.constant(self.random.standard_normal(shape, np.float32) * scale, self.dtype)

    def op(self, op_type: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        """Add a node and return the name of its first output; the others end in _1, _2."""
        name = f"{self.prefix}{op_type.lower()}{len(self.nodes)}"
        names = [name, *(f"{name}_{i}" for i in range(1, outputs))]
        self.nodes.append(helper.make_node(op_type, inputs, names, name=name, **attributes))
        return name

    def dense(self, x: str, inner: int, outer: int) -> str:
        """x[..., inner] times a matrix plus a bias."""
        return self.op("Add", self.op("MatMul", x, self.weight(inner, outer)), self.weight(outer))

    def layer_norm(self, x: str, width: int) -> str:
        """Normalisation over the last axis, with a scale and a bias near those of a trained network."""
        return self.op("LayerNormalization", x, self.scale(width), self.weight(width))

    def scale(self, width: int) -> str:
        """Positive factors around one."""
        return self.constant(self.random.uniform(0.5, 1.5, width), self.dtype)

    def reshape(self, x: str, *shape: int) -> str:
        """x in another shape; 0 copies a dimension, -1 takes what is left."""
        return self.op("Reshape", x, self.constant(shape, np.int64))

    def graph(self) -> GraphProto:
        """The graph, as the body of If or Loop."""
        return helper.make_graph(self.nodes, self.name, self.inputs, self.outputs, self.initializers)

    def model(self) -> ModelProto:
        """The finished model."""
        opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
        return helper.make_model(self.graph(), opset_imports=opsets, ir_version=IR_VERSION)


@dataclass(frozen=True)
class Built:
    """A model and its inputs: the first two to be timed, the second and third as new shapes too.

    `tolerance` is how far engines may differ, relative to the largest output: rounding to 8 or 16 bits
    may go one way or the other.
    """

    model: ModelProto
    inputs: list[Feeds]
    tolerance: float = 1e-4


BUILDERS: dict[str, Callable[[], Built]] = {}


def builder(function: Callable[[], Built]) -> Callable[[], Built]:
    """Register a function under its name, hyphenated."""
    BUILDERS[function.__name__.replace("_", "-")] = function
    return function


def normal(seed: int, *shape: int) -> np.ndarray[Any, Any]:
    """Standard normal float32 values."""
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


def integers(seed: int, high: int, *shape: int) -> np.ndarray[Any, Any]:
    """Integers from 0 to `high - 1`, int64."""
    return np.random.default_rng(seed).integers(0, high, shape)
