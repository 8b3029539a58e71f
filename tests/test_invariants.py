"""What follows from constants alone: computed once, and left to runs where it fails or differs each time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import helper, numpy_helper

import jitrt


def session(nodes: list[Any], **constants: Any) -> jitrt.InferenceSession:
    """A model of x, float[n, 3], to y."""
    infos = [helper.make_tensor_value_info(name, 1, shape) for name, shape in (("x", ["n", 3]), ("y", None))]
    weights = [numpy_helper.from_array(np.asarray(v), name) for name, v in constants.items()]
    graph = helper.make_graph(nodes, "g", infos[:1], infos[1:], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    return jitrt.InferenceSession(model.SerializeToString())


def labels(made: jitrt.InferenceSession) -> list[str]:
    """The steps of the latest run."""
    (program,) = made._programs.values()
    return [step.label for step in program.variants[-1].recipe.steps]


SCATTER = helper.make_node("ScatterElements", ["table", "places", "updates"], ["t"], axis=1)


@pytest.mark.parametrize("rows", [1, 4])
def test_they_are_constants(rows: int) -> None:
    rng = np.random.default_rng(0)
    table, updates = (rng.standard_normal((2, n)).astype(np.float32) for n in (3, 2))
    places = np.int64([[2, 0], [1, 2]])
    nodes = [
        SCATTER,
        helper.make_node("Mul", ["t", "t"], ["squares"]),
        helper.make_node("ReduceSum", ["squares", "axes"], ["total"], keepdims=0),
        helper.make_node("Add", ["x", "total"], ["y"]),
    ]
    made = session(nodes, table=table, places=places, updates=updates, axes=np.int64([0]))
    x = rng.standard_normal((rows, 3)).astype(np.float32)
    np.put_along_axis(table, places, updates, 1)
    want = x + (table.astype(np.float64) ** 2).sum(0)
    for _ in range(2):
        np.testing.assert_allclose(made.run(None, {"x": x})[0], want, rtol=1e-6)
    assert labels(made) == ["Add"]


def test_an_output_can_be_one() -> None:
    table, updates = np.zeros((2, 3), np.float32), np.ones((2, 1), np.float32)
    nodes = [SCATTER, helper.make_node("Shape", ["x"], ["s"]), helper.make_node("Transpose", ["t"], ["y"])]
    made = session(nodes, table=table, places=np.int64([[1], [2]]), updates=updates)
    for _ in range(2):
        (y,) = made.run(None, {"x": np.zeros((1, 3), np.float32)})
        np.testing.assert_array_equal(y, [[0, 0], [1, 0], [0, 1]])
        y[:] = 7  # an output is the caller's own


def test_an_error_is_raised_by_the_run() -> None:
    table, updates = np.zeros((2, 3), np.float32), np.ones((2, 1), np.float32)
    nodes = [SCATTER, helper.make_node("Add", ["x", "t"], ["y"])]
    made = session(nodes, table=table, places=np.int64([[1], [3]]), updates=updates)
    for _ in range(2):
        with pytest.raises(jitrt.errors.InvalidArgument, match="ScatterElements"):
            made.run(None, {"x": np.zeros((2, 3), np.float32)})


def test_random_numbers_are_none() -> None:
    nodes = [
        helper.make_node("RandomNormalLike", ["table"], ["r"]),
        helper.make_node("CumSum", ["r", "axis"], ["c"]),
        helper.make_node("Add", ["x", "c"], ["y"]),
    ]
    made = session(nodes, table=np.zeros((2, 3), np.float32), axis=np.int64(0))
    x = np.zeros((2, 3), np.float32)
    assert not np.array_equal(made.run(None, {"x": x})[0], made.run(None, {"x": x})[0])
