"""The whole path in a few seconds: load, trace, schedule, compile, run, on every kind of step."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from models import FLOAT, INT64, assert_close, info, model, node, random, session
from onnx import helper

import jitrt


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def test_a_classifier() -> None:
    """Two layers with activations, softmax, ArgMax; any batch; fused or not, on one thread or two."""
    w1, b1, w2, b2 = random(20, 32), random(32), random(32, 5), random(5)
    nodes = [
        node("Gemm", ["x", "w1", "b1"], ["h"]),
        node("Relu", ["h"], ["r"]),
        node("MatMul", ["r", "w2"], ["m"]),
        node("Add", ["m", "b2"], ["logits"]),
        node("Softmax", ["logits"], ["p"], axis=-1),
        node("ArgMax", ["p"], ["label"], axis=-1, keepdims=0),
    ]
    source = model(nodes, {"x": ["batch", 20]}, ["p", "label"], {"w1": w1, "b1": b1, "w2": w2, "b2": b2})
    for fused, threads in [(True, 1), (True, 2), (False, 2)]:
        s = session(source, fused=fused, threads=threads)
        for batch in (1, 2, 7, 300):
            x = random(batch, 20)
            p, label = s.run(None, {"x": x})
            assert_close(p, softmax(np.maximum(x @ w1 + b1, 0) @ w2 + b2), 1e-5)
            np.testing.assert_array_equal(label, p.argmax(-1))


def test_a_convolution() -> None:
    w, b = random(8, 3, 3, 3), random(8)
    nodes = [
        node("Conv", ["x", "w", "b"], ["c"], pads=[1, 1, 1, 1]),
        node("Relu", ["c"], ["r"]),
        node("MaxPool", ["r"], ["y"], kernel_shape=[2, 2], strides=[2, 2]),
    ]
    x = random(2, 3, 8, 10)
    y = session(model(nodes, {"x": ["n", 3, "h", "w"]}, ["y"], {"w": w, "b": b})).run(None, {"x": x})[0]
    padded = np.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (2, 3))
    convolved = np.maximum(np.einsum("nchwij,ocij->nohw", windows, w) + b[:, None, None], 0)
    assert_close(y, convolved.reshape(2, 8, 4, 2, 5, 2).max((3, 5)))


def test_views_and_shape_arithmetic() -> None:
    """Split into heads and back, with sizes taken from the input."""
    nodes = [
        node("Shape", ["x"], ["s"]),
        node("Gather", ["s", "first"], ["n"]),
        node("Unsqueeze", ["n", "axis"], ["n1"]),
        node("Concat", ["n1", "rest"], ["target"], axis=0),
        node("Reshape", ["x", "target"], ["r"]),
        node("Transpose", ["r"], ["t"], perm=[0, 2, 1, 3]),
        node("Slice", ["t", "starts", "ends", "axes", "steps"], ["y"]),
    ]
    constants = {"first": np.array(0), "axis": np.array([0]), "rest": np.array([-1, 4, 2])}
    constants |= {
        "starts": np.array([-1]),
        "ends": np.array([-100]),
        "axes": np.array([2]),
        "steps": np.array([-2]),
    }
    s = session(model(nodes, {"x": ["n", "t", 8]}, ["y"], constants))
    for n, t in [(2, 5), (1, 1), (3, 4)]:
        x = random(n, t, 8)
        wanted = x.reshape(n, -1, 4, 2).transpose(0, 2, 1, 3)[:, :, ::-2]
        np.testing.assert_array_equal(s.run(None, {"x": x})[0], wanted)


def test_control_flow_and_sizes_that_data_decides() -> None:
    body = helper.make_graph(
        [node("Add", ["v", "x"], ["v2"]), node("Identity", ["c"], ["go"])],
        "body",
        [info("i", INT64, []), info("c", 9, []), info("v", FLOAT, ["n"])],
        [info("go", 9, []), info("v2", FLOAT, ["n"])],
    )
    nodes = [
        node("Loop", ["trips", "", "x"], ["sum"], body=body),
        node("NonZero", ["sum"], ["places"]),
        node("Shape", ["places"], ["y"]),
    ]
    s = session(model(nodes, {"x": ["n"], "trips": (INT64, [])}, ["sum", "y"]))
    for trips in (3, 0, 1):
        x = np.float32([1, 0, 2])
        total, shape = s.run(None, {"x": x, "trips": np.array(trips)})
        np.testing.assert_array_equal(total, x * (trips + 1))
        assert shape.tolist() == [1, 2]


def test_one_operator() -> None:
    x = random(3, 4)
    np.testing.assert_allclose(
        jitrt.call("Gelu", x, approximate="tanh"),
        x * 0.5 * (1 + np.tanh(0.7978845608 * (x + 0.044715 * x**3))),
        rtol=1e-5,
        atol=1e-6,
    )


def test_without_avx512() -> None:
    """The same tests, in a process that generates code as if the machine had AVX2 only."""
    tests = Path(__file__)
    names = [n for n in globals() if n.startswith("test_") and n != "test_without_avx512"]
    code = "\n".join(["import test_tiny", *(f"test_tiny.{name}()" for name in names)])
    environment = {
        **os.environ,
        "JITRT_TARGET": "avx2",
        "PYTHONPATH": os.pathsep.join([str(tests.parent), *sys.path]),
    }
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
