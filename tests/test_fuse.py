"""Fusion: random graphs against NumPy, fused and not, and what is computed together."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import assert_close, assert_like_onnxruntime, model, node, random, session

UNARY: dict[str, Callable[..., Any]] = {
    "Neg": np.negative,
    "Abs": np.abs,
    "Relu": lambda x: np.maximum(x, 0),
    "Tanh": np.tanh,
    "Sigmoid": lambda x: 0.5 + 0.5 * np.tanh(0.5 * x),
}
BINARY: dict[str, Callable[..., Any]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Max": np.maximum,
    "Min": np.minimum,
}
REDUCTIONS: dict[str, Callable[..., Any]] = {"ReduceSum": np.sum, "ReduceMax": np.max, "ReduceMean": np.mean}


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[tuple[int, ...]], list[tuple[str, list[int], Any]], list[int]]:
    """Input shapes that broadcast, operators on values by number, and the numbers of the outputs."""
    full = tuple(draw(st.lists(st.integers(1, 6), min_size=1, max_size=3)))
    inputs = []
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(full)))
        inputs.append(tuple(draw(st.sampled_from([1, n])) for n in full[start:]))
    inputs[0] = full
    operators: list[tuple[str, list[int], Any]] = []
    shapes = list(inputs)
    for _ in range(draw(st.integers(1, 10))):
        number = st.integers(0, len(shapes) - 1)
        kind = draw(st.sampled_from(["unary", "binary", "binary", "reduce"]))
        if kind == "reduce":
            candidates = [i for i, s in enumerate(shapes) if len(s) == len(full)]
            axes = tuple(sorted(draw(st.sets(st.integers(0, len(full) - 1), min_size=1))))
            operand = draw(st.sampled_from(candidates))
            operators.append((draw(st.sampled_from(sorted(REDUCTIONS))), [operand], axes))
            shapes.append(tuple(1 if i in axes else n for i, n in enumerate(shapes[operand])))
        elif kind == "unary":
            operand = draw(number)
            operators.append((draw(st.sampled_from(sorted(UNARY))), [operand], None))
            shapes.append(shapes[operand])
        else:
            pair = [draw(number), draw(number)]
            operators.append((draw(st.sampled_from(sorted(BINARY))), pair, None))
            shapes.append(np.broadcast_shapes(*(shapes[i] for i in pair)))
    outputs = draw(st.sets(st.integers(len(inputs), len(shapes) - 1), min_size=1, max_size=4))
    return inputs, operators, sorted(outputs | {len(shapes) - 1})


def graph_model(graph: Any, dynamic: bool = False) -> bytes:
    """The graph as a model whose values are called v0, v1..."""
    shapes, operators, outputs = graph
    nodes, constants = [], {}
    for i, (name, operands, axes) in enumerate(operators, len(shapes)):
        names = [f"v{j}" for j in operands]
        if axes is not None:
            constants[f"a{i}"] = np.array(axes)
            names.append(f"a{i}")
        nodes.append(node(name, names, [f"v{i}"]))
    kinds = {f"v{i}": [f"d{i}_{a}" if dynamic else n for a, n in enumerate(s)] for i, s in enumerate(shapes)}
    return model(nodes, kinds, [f"v{i}" for i in outputs], constants)


def compute(arrays: list[np.ndarray], operators: list[tuple[str, list[int], Any]]) -> list[np.ndarray]:
    """Every value, in double precision."""
    values = [a.astype(np.float64) for a in arrays]
    for name, operands, axes in operators:
        chosen = [values[i] for i in operands]
        if name in REDUCTIONS:
            values.append(REDUCTIONS[name](chosen[0], axis=axes, keepdims=True))
        else:
            values.append({**UNARY, **BINARY}[name](*chosen))
    return values


@pytest.mark.parametrize("dynamic", [False, True], ids=["static", "dynamic"])
@settings(max_examples=50, deadline=None)
@given(graphs(), st.lists(st.integers(1, 9), min_size=3, max_size=3))
def test_random_graphs(dynamic: bool, graph: Any, other_sizes: list[int]) -> None:
    """Where dimensions are dynamic, the sessions also run on other sizes, and on one of everything."""
    shapes, operators, outputs = graph
    source = graph_model(graph, dynamic)
    others = [tuple(n if n == 1 else other_sizes[-i] for i, n in enumerate(s[::-1], 1))[::-1] for s in shapes]
    calls = [shapes, others, [(1,) * len(s) for s in shapes], shapes] if dynamic else [shapes]
    sessions = [session(source, fused=fused) for fused in (True, False)]
    for seed, (s, call) in enumerate(itertools.product(sessions, calls)):
        arrays = [np.asarray(random(*shape, seed=seed + i)) for i, shape in enumerate(call)]
        values = compute(arrays, operators)
        tolerance = 1e-5 * max(1, *(np.abs(v).max() for v in values))
        results = s.run(None, {f"v{i}": a for i, a in enumerate(arrays)})
        for result, number in zip(results, outputs, strict=True):
            wanted = values[number]
            assert (result.dtype, result.shape) == (np.float32, wanted.shape)
            np.testing.assert_allclose(result, wanted, rtol=0, atol=tolerance)


def steps_of(source: bytes, **feed: np.ndarray) -> list[str]:
    """The labels of a model's steps for a feed; the results are checked on the way."""
    pytest.importorskip("onnxruntime")
    assert_like_onnxruntime(source, feed)
    s = session(source)
    s.run(None, feed)
    (program,) = s._programs.values()
    return [step.label for step in program.variants[-1].recipe.steps]


def test_a_chain_is_one_step() -> None:
    nodes = [
        node("Mul", ["x", "x"], ["a"]),
        node("Add", ["a", "b"], ["c"]),
        node("Sigmoid", ["c"], ["d"]),
        node("Mul", ["c", "d"], ["y"]),
    ]
    source = model(nodes, {"x": ["n", 8], "b": [8]}, ["y"])
    assert steps_of(source, x=random(3, 8), b=random(8)) == ["Mul+Add+Sigmoid"]


@pytest.mark.parametrize("spelt_out", [False, True])
def test_softmax_is_one_step(spelt_out: bool) -> None:
    nodes = [node("Softmax", ["s"], ["y"], axis=-1)]
    if spelt_out:
        nodes = [
            node("ReduceMax", ["s", "axes"], ["m"]),
            node("Sub", ["s", "m"], ["d"]),
            node("Exp", ["d"], ["e"]),
            node("ReduceSum", ["e", "axes"], ["t"]),
            node("Div", ["e", "t"], ["y"]),
        ]
    nodes.insert(0, node("Mul", ["x", "half"], ["s"]))
    constants = {"half": np.float32(0.5), "axes": np.array([-1])}
    source = model(nodes, {"x": ["n", 40]}, ["y"], constants if spelt_out else {"half": np.float32(0.5)})
    assert len(steps_of(source, x=random(3, 40))) == 1


@pytest.mark.parametrize("sizes", [[2, 3, 40], ["n", "m", "k"]], ids=str)
def test_what_follows_a_reduction_alone_is_one_step_with_it(sizes: list[Any]) -> None:
    nodes = [node("ReduceMean", ["x", "axes"], ["mean"]), node("Sqrt", ["mean"], ["y"])]
    s = session(model(nodes, {"x": sizes}, ["y"], {"axes": np.array([1, 2])}))
    x = np.abs(random(2, 3, 40))
    (y,) = s.run(None, {"x": x})
    assert_close(y, np.float32(np.sqrt(x.astype(np.float64).mean((1, 2), keepdims=True))))
    (program,) = s._programs.values()
    assert len(program.variants[0].recipe.steps) == 1


def test_bias_residual_and_activation_ride_on_a_matrix_product() -> None:
    nodes = [
        node("MatMul", ["x", "w"], ["m"]),
        node("Add", ["m", "b"], ["a"]),
        node("Add", ["a", "x"], ["r"]),
        node("Relu", ["r"], ["y"]),
    ]
    source = model(nodes, {"x": ["n", 16]}, ["y"], {"w": random(16, 16), "b": random(16)})
    assert steps_of(source, x=random(5, 16)) == ["MatMul+Add+Relu"]


def test_the_head_transposition_rides_on_a_matrix_product() -> None:
    nodes = [
        node("MatMul", ["x", "w"], ["m"]),
        node("Add", ["m", "b"], ["a"]),
        node("Reshape", ["a", "heads"], ["h"]),
        node("Transpose", ["h"], ["y"], perm=[0, 2, 1, 3]),
    ]
    constants = {"w": random(16, 16), "b": random(16), "heads": np.array([0, 0, 4, 4])}
    steps = steps_of(model(nodes, {"x": ["n", "t", 16]}, ["y"], constants), x=random(2, 5, 16))
    assert steps[0].startswith("MatMul")
    assert len(steps) <= 2


def test_a_value_that_is_also_an_output_is_computed_once() -> None:
    nodes = [node("Exp", ["x"], ["e"]), node("Neg", ["e"], ["y"])]
    assert steps_of(model(nodes, {"x": [9]}, ["e", "y"]), x=random(9)) == ["Exp", "Neg"]


def test_branches_that_meet_again() -> None:
    """One operand reaches the result over a reduction and beside it, and over another group."""
    nodes = [
        node("Exp", ["x"], ["e"]),
        node("ReduceSum", ["e", "axes"], ["s"]),
        node("Div", ["e", "s"], ["p"]),
        node("ReduceMax", ["e", "other"], ["m"]),
        node("Mul", ["p", "m"], ["q"]),
        node("Add", ["q", "e"], ["y"]),
    ]
    constants = {"axes": np.array([1]), "other": np.array([0])}
    steps_of(model(nodes, {"x": ["a", "b"]}, ["y"], constants), x=random(4, 5))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_concatenation_needs_no_copy(axis: int) -> None:
    nodes = [
        node("Exp", ["x"], ["a"]),
        node("Neg", ["z"], ["b"]),
        node("Concat", ["a", "b"], ["c"], axis=axis),
        node("ReduceSum", ["c"], ["y"]),
    ]
    shape = [3, 4, 5]
    labels = steps_of(
        model(nodes, {"x": shape, "z": shape}, ["c", "y"]), x=random(*shape), z=random(*shape, seed=1)
    )
    assert not any("copy" in label for label in labels)


@pytest.mark.parametrize("axis", [1, 2])
def test_images_are_written_into_a_concatenation(axis: int) -> None:
    nodes = [
        node("Conv", ["x", "w"], ["a"], pads=[1, 1, 1, 1]),
        node("MaxPool", ["a"], ["b"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        node("Conv", ["a", "w2"], ["c"], pads=[1, 1, 1, 1]),
        node("Concat", ["b", "c"], ["f"], axis=axis),
        node("Conv", ["f", "w3"], ["y"]),
    ]
    joined = 32 if axis == 1 else 16
    constants = {"w": random(16, 9, 3, 3), "w2": random(16, 16, 3, 3), "w3": random(4, joined, 1, 1)}
    source = model(nodes, {"x": ["n", 9, 8, 11]}, ["y"], constants)
    assert_like_onnxruntime(source, {"x": random(2, 9, 8, 11)}, {"x": random(1, 9, 8, 11)})
    labels = steps_of(source, x=random(2, 9, 8, 11))
    assert [label for label in labels if label != "copy"] == ["Conv", "MaxPool", "Conv", "Conv"]
    assert labels.count("copy") == 2  # of x and y


def test_concatenations_of_everything() -> None:
    """Inputs, constants, one value twice, concatenations in concatenations, an operand that is an output."""
    nodes = [
        node("Exp", ["x"], ["e"]),
        node("Relu", ["x"], ["r"]),
        node("Concat", ["x", "e", "k", "e"], ["c1"], axis=0),
        node("Concat", ["r", "c1", "x"], ["c2"], axis=0),
        node("Transpose", ["c2"], ["t"], perm=[1, 0]),
        node("Concat", ["t", "t"], ["c3"], axis=1),
        node("Mul", ["c3", "c3"], ["y"]),
    ]
    source = model(nodes, {"x": ["n", 3]}, ["y", "c1", "r", "c2"], {"k": random(2, 3)})
    assert_like_onnxruntime(source, {"x": random(4, 3)}, {"x": random(1, 3)}, {"x": random(7, 3)})


def test_split_reads_parts_in_place() -> None:
    nodes = [node("Split", ["x"], ["a", "b"], axis=1, num_outputs=2), node("Mul", ["a", "b"], ["y"])]
    labels = steps_of(model(nodes, {"x": ["n", 8]}, ["y"]), x=random(3, 8))
    assert labels == ["Mul"]


def test_many_operands() -> None:
    names = [f"x{i}" for i in range(40)]
    source = model([node("Sum", names, ["y"])], {n: [5] for n in names}, ["y"])
    feeds = {n: random(5, seed=i) for i, n in enumerate(names)}
    assert_close(session(source).run(None, feeds)[0], sum(feeds.values()))
