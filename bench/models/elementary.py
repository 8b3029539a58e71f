"""Networks without structure: dense layers, a chain of elementwise operators, branches and loops."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from bench.models.graph import Built, GraphBuilder, builder, normal


@builder
def tiny_mlp() -> Built:
    """One hidden layer, microseconds a run: what a call costs."""
    graph = GraphBuilder("tiny-mlp")
    x = graph.input("x", ["batch", 16])
    hidden = graph.op("Relu", graph.op("Gemm", x, graph.weight(16, 32), graph.weight(32)))
    y = graph.op("Softmax", graph.op("Gemm", hidden, graph.weight(32, 4), graph.weight(4)))
    graph.output(y, ["batch", 4])
    return Built(graph.model(), [{"x": normal(1, n, 16)} for n in (1, 8, 5)])


@builder
def mlp() -> Built:
    """Three dense layers with ReLU, for 64 rows and for one."""
    graph = GraphBuilder("mlp")
    x = graph.input("x", ["batch", 256])
    for inner, outer in ((256, 512), (512, 512)):
        x = graph.op("Relu", graph.op("Gemm", x, graph.weight(inner, outer), graph.weight(outer)))
    y = graph.op("Gemm", x, graph.weight(512, 10), graph.weight(10))
    graph.output(y, ["batch", 10])
    return Built(graph.model(), [{"x": normal(1, n, 256)} for n in (64, 1, 33)])


@builder
def elementwise() -> Built:
    """Broadcast arithmetic, SiLU and tanh over half a million elements: memory traffic and fusion."""
    graph = GraphBuilder("elementwise")
    x, y = graph.input("x", ["n", 1024]), graph.input("y", ["n", 1024])
    z = graph.op("Mul", graph.op("Mul", x, graph.op("Sigmoid", x)), y)
    z = graph.op("Add", graph.op("Mul", z, graph.weight(1024, fan_in=1)), graph.weight(1024))
    z = graph.op("Sub", graph.op("Tanh", z), graph.op("Exp", graph.op("Neg", graph.op("Abs", y))))
    z = graph.op("Where", graph.op("Less", x, y), z, graph.op("Sqrt", graph.op("Abs", z)))
    graph.output(z, ["n", 1024])
    inputs = [{"x": normal(1, n, 1024), "y": normal(2, n, 1024)} for n in (512, 1, 100)]
    return Built(graph.model(), inputs)


@builder
def control_flow() -> Built:
    """A Loop as long as an input says; an If in its body picks one of two dense layers."""
    width = 256
    graph = GraphBuilder("control-flow")
    x, steps = graph.input("x", ["batch", width]), graph.input("steps", [], TensorProto.INT64)
    weights = [graph.weight(width, width) for _ in range(2)]

    body = GraphBuilder("body", prefix="body_")
    number = body.input("number", [], TensorProto.INT64)
    going = body.input("going", [], TensorProto.BOOL)
    state = body.input("state", ["batch", width])
    branches = {}
    for key, weight in zip(("then_branch", "else_branch"), weights, strict=True):
        branch = GraphBuilder(key, prefix=f"{key}_")
        branch.output(branch.op("Tanh", branch.op("MatMul", state, weight)), ["batch", width])
        branches[key] = branch.graph()
    even = body.op("Equal", body.op("Mod", number, body.constant(2)), body.constant(0))
    body.output(body.op("Identity", going), [], TensorProto.BOOL)
    state = body.op("If", even, **branches)
    body.output(state, ["batch", width])
    body.output(body.op("ReduceMean", state, body.constant([1]), keepdims=0), ["batch"])

    last = graph.op("Loop", steps, graph.constant(np.True_), x, outputs=2, body=body.graph())
    graph.output(last, ["batch", width])
    graph.output(f"{last}_1", ["steps", "batch"])
    sizes = ((16, 64), (1, 64), (5, 8))
    inputs = [{"x": normal(1, n, width), "steps": np.array(steps)} for n, steps in sizes]
    return Built(graph.model(), inputs)
