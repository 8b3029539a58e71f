"""Products with one row or one column, as models write them, against NumPy in float64."""

from __future__ import annotations

import numpy as np
import pytest
from models import model, node, random, session
from onnx.helper import np_dtype_to_tensor_dtype
from steps import assert_close


def kernels(s):
    (program,) = s._programs.values()
    return [step.kernel.name.split()[0] for step in program.variants[-1].recipe.steps]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    ("a", "b"),
    [
        *[((300,), (300, 130)), ((300, 130), (130,)), ((70,), (70,)), ((40, 130), (130, 1))],
        *[
            ((3, 1, 20), (3, 20, 90)),
            ((2, 3, 50, 20), (20, 1)),
            ((2, 50, 20), (2, 20, 1)),
            ((1, 7), (5, 7, 1)),
        ],
    ],
)
def test_run_time_operands(a, b, threads):
    s = session(
        model([node("MatMul", ["a", "b"], ["y"])], {"a": list(a), "b": list(b)}, ["y"]), threads=threads
    )
    feeds = {"a": random(*a), "b": random(*b, seed=1)}
    (got,) = s.run(None, feeds)
    assert kernels(s) == ["matrix-vector"]
    assert_close(got, feeds["a"].astype(np.float64) @ feeds["b"], 2e-6)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_linear_layer_with_one_output(dtype):
    """A constant column, a bias, and an epilogue with a residual and a factor for each row."""
    nodes = [
        node("Gemm", ["x", "w", "c"], ["p"], transB=1),
        node("Sigmoid", ["p"], ["g"]),
        node("Mul", ["g", "residual"], ["h"]),
        node("Add", ["h", "one"], ["y"]),
    ]
    kind = np_dtype_to_tensor_dtype(np.dtype(dtype))
    w, c, one = random(1, 70, seed=2).astype(dtype), np.array([0.5], dtype), np.array([[1]], dtype)
    inputs = {"x": (kind, ["n", 70]), "residual": (kind, ["n", 1])}
    s = session(model(nodes, inputs, ["y"], {"w": w, "c": c, "one": one}))
    for n in (90, 1, 4):
        x, residual = random(n, 70).astype(dtype), random(n, 1, seed=3).astype(dtype)
        (y,) = s.run(None, {"x": x, "residual": residual})
        p = x.astype(np.float64) @ w.T.astype(np.float64) + c
        tolerance = 2e-3 if dtype == np.float16 else 2e-6
        assert_close(y, residual / (1 + np.exp(-p)) + 1, tolerance)
    assert "matrix-vector" in kernels(s)


def test_one_row_with_a_bias_known_at_run_time():
    inputs = {"x": [1, 70], "w": [130, 70], "c": [130]}
    s = session(model([node("Gemm", ["x", "w", "c"], ["y"], transB=1)], inputs, ["y"]))
    feeds = {name: random(*shape, seed=i) for i, (name, shape) in enumerate(inputs.items())}
    (got,) = s.run(None, feeds)
    assert kernels(s) == ["matrix-vector"]
    assert_close(got, feeds["x"].astype(np.float64) @ feeds["w"].T + feeds["c"], 2e-6)


def test_column_of_a_transposed_result():
    """The result [b, m, 1] is written where its reader wants [m, b]: rows that are not adjacent."""
    nodes = [
        node("MatMul", ["a", "b"], ["p"]),
        node("Squeeze", ["p", "last"], ["q"]),
        node("Transpose", ["q"], ["y"], perm=[1, 0]),
    ]
    s = session(model(nodes, {"a": [4, 30, 20], "b": [20, 1]}, ["y"], {"last": np.array([2])}))
    feeds = {"a": random(4, 30, 20), "b": random(20, 1, seed=1)}
    assert_close(s.run(None, feeds)[0], (feeds["a"].astype(np.float64) @ feeds["b"])[..., 0].T, 2e-6)
