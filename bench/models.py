"""Small models built on the spot with random weights, one function a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

from bench.engines import Feeds

OPSET = 21
IR_VERSION = 10


@dataclass
class GraphBuilder:
    """Collects nodes and weights; names are numbered in the order they are made."""

    name: str
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    nodes: list[Any] = field(default_factory=list)
    inputs: list[Any] = field(default_factory=list)
    initializers: list[Any] = field(default_factory=list)

    def input(self, name: str, shape: Sequence[int | str], dtype: int = TensorProto.FLOAT) -> str:
        """Declare a graph input; a string is a dynamic dimension."""
        self.inputs.append(helper.make_tensor_value_info(name, dtype, shape))
        return name

    def constant(self, array: np.ndarray[Any, Any]) -> str:
        """Add an initializer."""
        name = f"w{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(array, name))
        return name

    def weight(self, *shape: int, fan_in: int | None = None) -> str:
        """Normal float32 weights that keep a signal's variance; `fan_in` defaults to the first dimension."""
        scale = (fan_in or shape[0]) ** -0.5
        return self.constant((self.random.standard_normal(shape) * scale).astype(np.float32))

    def op(self, op_type: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        """Add a node and return the name of its first output; the others end in _1, _2."""
        name = f"{op_type.lower()}{len(self.nodes)}"
        names = [name, *(f"{name}_{i}" for i in range(1, outputs))]
        self.nodes.append(helper.make_node(op_type, inputs, names, name=name, **attributes))
        return name

    def model(self, output: str, shape: Sequence[int | str]) -> ModelProto:
        """The finished model with its one output."""
        outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)]
        graph = helper.make_graph(self.nodes, self.name, self.inputs, outputs, self.initializers)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


@dataclass(frozen=True)
class Built:
    """A model and its inputs: the first to be timed, the others as second and third shape too."""

    model: ModelProto
    inputs: list[Feeds]


BUILDERS: dict[str, Callable[[], Built]] = {}


def builder(function: Callable[[], Built]) -> Callable[[], Built]:
    """Register a function under its name, hyphenated."""
    BUILDERS[function.__name__.replace("_", "-")] = function
    return function


def normal(seed: int, *shape: int) -> np.ndarray[Any, Any]:
    """Standard normal float32 values."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@builder
def tiny_mlp() -> Built:
    """One hidden layer, microseconds a run: what a call costs."""
    graph = GraphBuilder("tiny-mlp")
    x = graph.input("x", ["batch", 16])
    hidden = graph.op("Relu", graph.op("Gemm", x, graph.weight(16, 32), graph.weight(32)))
    y = graph.op("Softmax", graph.op("Gemm", hidden, graph.weight(32, 4), graph.weight(4)))
    return Built(graph.model(y, ["batch", 4]), [{"x": normal(1, n, 16)} for n in (1, 8, 5)])


@builder
def mlp() -> Built:
    """Three dense layers with ReLU, for 64 rows and for one."""
    graph = GraphBuilder("mlp")
    x = graph.input("x", ["batch", 256])
    for inner, outer in ((256, 512), (512, 512)):
        x = graph.op("Relu", graph.op("Gemm", x, graph.weight(inner, outer), graph.weight(outer)))
    y = graph.op("Gemm", x, graph.weight(512, 10), graph.weight(10))
    return Built(graph.model(y, ["batch", 10]), [{"x": normal(1, n, 256)} for n in (64, 1, 33)])


@builder
def cnn() -> Built:
    """A stem, inverted residual blocks with depthwise convolution, and a classifier, at 96 x 96 pixels."""
    graph = GraphBuilder("cnn")

    def conv(x: str, inner: int, outer: int, size: int, stride: int = 1, group: int = 1) -> str:
        weight = graph.weight(outer, inner // group, size, size, fan_in=inner // group * size * size)
        y = graph.op("Conv", x, weight, strides=[stride] * 2, pads=[size // 2] * 4, group=group)
        scale, mean = graph.weight(outer, fan_in=1), graph.weight(outer)
        variance = graph.constant(np.ones(outer, np.float32))
        return graph.op("BatchNormalization", y, scale, graph.weight(outer), mean, variance)

    x = graph.input("x", ["batch", 3, 96, 96])
    x = graph.op("Relu", conv(x, 3, 32, 3, stride=2))
    channels = 32
    for outer, stride in ((32, 1), (64, 2), (64, 1), (128, 2), (128, 1)):
        wide = 3 * channels
        y = graph.op("Relu", conv(x, channels, wide, 1))
        y = graph.op("Relu", conv(y, wide, wide, 3, stride=stride, group=wide))
        y = conv(y, wide, outer, 1)
        x = graph.op("Add", x, y) if stride == 1 else y
        channels = outer
    x = graph.op("Flatten", graph.op("GlobalAveragePool", x))
    y = graph.op("Gemm", x, graph.weight(channels, 100), graph.weight(100))
    return Built(graph.model(y, ["batch", 100]), [{"x": normal(1, n, 3, 96, 96)} for n in (1, 2, 3)])


@builder
def transformer_block() -> Built:
    """A pre-norm encoder block: four heads of 64, GELU, dynamic batch and sequence."""
    width, heads = 256, 4
    graph = GraphBuilder("transformer-block")

    def dense(x: str, inner: int, outer: int) -> str:
        return graph.op("Add", graph.op("MatMul", x, graph.weight(inner, outer)), graph.weight(outer))

    def norm(x: str) -> str:
        ones, zeros = np.ones(width, np.float32), np.zeros(width, np.float32)
        return graph.op("LayerNormalization", x, graph.constant(ones), graph.constant(zeros))

    split = graph.constant(np.array([0, 0, heads, width // heads]))
    merge = graph.constant(np.array([0, 0, width]))

    def per_head(x: str, *order: int) -> str:
        return graph.op("Transpose", graph.op("Reshape", dense(x, width, width), split), perm=order)

    x = graph.input("x", ["batch", "sequence", width])
    y = norm(x)
    q, k, v = per_head(y, 0, 2, 1, 3), per_head(y, 0, 2, 3, 1), per_head(y, 0, 2, 1, 3)
    scale = graph.constant(np.array((width // heads) ** -0.5, np.float32))
    scores = graph.op("Softmax", graph.op("Mul", graph.op("MatMul", q, k), scale))
    mixed = graph.op("Transpose", graph.op("MatMul", scores, v), perm=(0, 2, 1, 3))
    x = graph.op("Add", x, dense(graph.op("Reshape", mixed, merge), width, width))
    hidden = graph.op("Gelu", dense(norm(x), width, 4 * width))
    y = graph.op("Add", x, dense(hidden, 4 * width, width))
    shapes = ((1, 128), (4, 37), (1, 9))
    model = graph.model(y, ["batch", "sequence", width])
    return Built(model, [{"x": normal(1, *shape, width)} for shape in shapes])


@builder
def lstm() -> Built:
    """Two stacked LSTM layers, the second bidirectional, averaged over steps and directions."""
    inner, hidden = 64, 128
    graph = GraphBuilder("lstm")

    def layer(x: str, inner: int, directions: int) -> str:
        kernel = graph.weight(directions, 4 * hidden, inner, fan_in=inner)
        recurrence = graph.weight(directions, 4 * hidden, hidden, fan_in=hidden)
        bias = graph.weight(directions, 8 * hidden, fan_in=hidden)
        direction = "bidirectional" if directions == 2 else "forward"
        return graph.op("LSTM", x, kernel, recurrence, bias, hidden_size=hidden, direction=direction)

    x = graph.input("x", ["sequence", "batch", inner])
    one = graph.constant(np.array([1]))
    x = graph.op("Squeeze", layer(x, inner, 1), one)
    last = graph.op("ReduceMean", layer(x, hidden, 2), graph.constant(np.array([0, 1])), keepdims=0)
    y = graph.op("Gemm", last, graph.weight(hidden, 8), graph.weight(8))
    shapes = ((50, 1), (20, 4), (7, 2))
    return Built(graph.model(y, ["batch", 8]), [{"x": normal(1, *shape, inner)} for shape in shapes])


@builder
def elementwise() -> Built:
    """Broadcast arithmetic, SiLU and tanh over half a million elements: memory traffic and fusion."""
    graph = GraphBuilder("elementwise")
    x, y = graph.input("x", ["n", 1024]), graph.input("y", ["n", 1024])
    z = graph.op("Mul", graph.op("Mul", x, graph.op("Sigmoid", x)), y)
    z = graph.op("Add", graph.op("Mul", z, graph.weight(1024, fan_in=1)), graph.weight(1024))
    z = graph.op("Sub", graph.op("Tanh", z), graph.op("Exp", graph.op("Neg", graph.op("Abs", y))))
    z = graph.op("Where", graph.op("Less", x, y), z, graph.op("Sqrt", graph.op("Abs", z)))
    inputs = [{"x": normal(1, n, 1024), "y": normal(2, n, 1024)} for n in (512, 1, 100)]
    return Built(graph.model(z, ["n", 1024]), inputs)
