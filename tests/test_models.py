"""Whole models beside onnxruntime, its optimisations off: built here, and those in the folder JITRT_MODELS.

That folder holds a folder for each model, with `model.onnx` and feeds as `inputs*.npz`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from models import (
    BOOL,
    FLOAT,
    INT64,
    assert_close,
    assert_like_onnxruntime,
    info,
    model,
    node,
    random,
    reference,
    spread,
)
from onnx import helper, numpy_helper

import jitrt
from jitrt import errors

pytest.importorskip("onnxruntime")
TESTS = Path(__file__).parent

# networks


def convolutional_network() -> tuple[bytes, list[dict[str, np.ndarray]]]:
    """Convolutions of every kind, a residual, pooling, resizing, a classifier."""
    nodes = [
        node("Conv", ["image", "w1", "b1"], ["c1"], strides=[2, 2], pads=[1, 1, 1, 1]),
        node("BatchNormalization", ["c1", "scale", "shift", "mean", "variance"], ["n1"]),
        node("Clip", ["n1", "zero", "six"], ["r1"]),
        node("Conv", ["r1", "w2"], ["c2"], group=16, pads=[1, 1, 1, 1]),
        node("HardSwish", ["c2"], ["r2"]),
        node("Conv", ["r2", "w3", "b3"], ["c3"]),
        node("Add", ["c3", "r1"], ["residual"]),
        node("Conv", ["residual", "w4"], ["c4"], group=4, pads=[2, 2, 2, 2], dilations=[2, 2]),
        node("LeakyRelu", ["c4"], ["r4"], alpha=0.1),
        node("MaxPool", ["r4"], ["pooled"], kernel_shape=[2, 2], strides=[2, 2]),
        node("ConvTranspose", ["pooled", "w5", "b5"], ["up"], strides=[2, 2], output_padding=[1, 1]),
        node("Sigmoid", ["up"], ["mask"]),
        node("Resize", ["pooled", "", "scales"], ["large"], mode="linear"),
        node("GlobalAveragePool", ["large"], ["average"]),
        node("Flatten", ["average"], ["flat"]),
        node("Gemm", ["flat", "w6", "b6"], ["scores"], transB=1),
        node("Softmax", ["scores"], ["probabilities"], axis=1),
    ]
    constants = {
        "w1": random(16, 3, 3, 3) * 0.3,
        "b1": random(16),
        "scale": random(16),
        "shift": random(16),
        "mean": random(16),
        "variance": np.abs(random(16)) + 0.5,
        "zero": np.float32(0),
        "six": np.float32(6),
        "w2": random(16, 1, 3, 3),
        "w3": random(16, 16, 1, 1) * 0.3,
        "b3": random(16),
        "w4": random(24, 4, 3, 3) * 0.3,
        "w5": random(24, 3, 3, 3) * 0.3,
        "b5": random(3),
        "scales": np.float32([1, 1, 2, 2]),
        "w6": random(10, 24),
        "b6": random(10),
    }
    source = model(nodes, {"image": ["n", 3, "h", "w"]}, ["probabilities", "mask", "residual"], constants)
    sizes = [(1, 3, 32, 32), (2, 3, 20, 36), (3, 3, 17, 23)]
    return source, [{"image": random(*size)} for size in sizes]


def transformer_block(opset: int = 17) -> tuple[bytes, list[dict[str, np.ndarray]]]:
    """Layer normalisation spelt out, attention over four heads with a mask, and a GELU network."""
    width, heads = 32, 4
    nodes = [
        node("ReduceMean", ["x"], ["mean"], axes=[-1]),
        node("Sub", ["x", "mean"], ["centred"]),
        node("Pow", ["centred", "two"], ["squared"]),
        node("ReduceMean", ["squared"], ["variance"], axes=[-1]),
        node("Add", ["variance", "epsilon"], ["v1"]),
        node("Sqrt", ["v1"], ["deviation"]),
        node("Div", ["centred", "deviation"], ["d1"]),
        node("Mul", ["d1", "gain"], ["d2"]),
        node("Add", ["d2", "bias"], ["normal"]),
        node("MatMul", ["normal", "wqkv"], ["qkv0"]),
        node("Add", ["qkv0", "bqkv"], ["qkv"]),
        node("Split", ["qkv"], ["q0", "k0", "v0"], axis=-1),
        *[node("Reshape", [f"{t}0", "split"], [f"{t}1"]) for t in "qkv"],
        node("Transpose", ["q1"], ["q"], perm=[0, 2, 1, 3]),
        node("Transpose", ["k1"], ["k"], perm=[0, 2, 3, 1]),
        node("Transpose", ["v1_"], ["v"], perm=[0, 2, 1, 3]),
        node("MatMul", ["q", "k"], ["s0"]),
        node("Mul", ["s0", "factor"], ["s1"]),
        node("Where", ["mask", "s1", "least"], ["s2"]),
        node("Softmax", ["s2"], ["weights"], axis=-1),
        node("MatMul", ["weights", "v"], ["mixed"]),
        node("Transpose", ["mixed"], ["m1"], perm=[0, 2, 1, 3]),
        node("Reshape", ["m1", "join"], ["m2"]),
        node("MatMul", ["m2", "wo"], ["m3"]),
        node("Add", ["m3", "x"], ["h"]),
        node("LayerNormalization", ["h", "gain", "bias"], ["hn"], epsilon=1e-5),
        node("MatMul", ["hn", "w1"], ["g0"]),
        node("Div", ["g0", "root"], ["g1"]),
        node("Erf", ["g1"], ["g2"]),
        node("Add", ["g2", "one"], ["g3"]),
        node("Mul", ["g0", "g3"], ["g4"]),
        node("Mul", ["g4", "half"], ["gelu"]),
        node("MatMul", ["gelu", "w2"], ["f"]),
        node("Add", ["f", "h"], ["y"]),
    ]
    for n in nodes:  # "v1" is the variance
        for i, name in enumerate(n.output):
            if n.op_type == "Reshape" and name == "v1":
                n.output[i] = "v1_"
    constants = {
        "two": np.float32(2),
        "epsilon": np.float32(1e-5),
        "gain": random(width),
        "bias": random(width, seed=1),
        "wqkv": random(width, 3 * width) * 0.2,
        "bqkv": random(3 * width),
        "split": np.array([0, 0, heads, width // heads]),
        "join": np.array([0, 0, width]),
        "factor": np.float32((width // heads) ** -0.5),
        "least": np.float32(np.finfo(np.float32).min),
        "wo": random(width, width) * 0.2,
        "w1": random(width, 4 * width) * 0.2,
        "w2": random(4 * width, width) * 0.2,
        "root": np.float32(2**0.5),
        "one": np.float32(1),
        "half": np.float32(0.5),
    }
    inputs = {"x": ["batch", "length", width], "mask": (BOOL, ["batch", 1, 1, "length"])}
    feeds = []
    for batch, length in [(1, 7), (2, 16), (3, 1), (1, 65)]:
        mask = random(batch, 1, 1, length) > -1
        mask[..., 0] = True
        feeds.append({"x": random(batch, length, width), "mask": mask})
    return model(nodes, inputs, ["y", "weights"], constants, opset=opset), feeds


def recurrent_network() -> tuple[bytes, list[dict[str, np.ndarray]]]:
    """A bidirectional LSTM and a GRU."""
    nodes = [
        node("LSTM", ["x", "w", "r", "b"], ["h", "last", "cell"], hidden_size=8, direction="bidirectional"),
        node("Transpose", ["h"], ["t"], perm=[0, 2, 1, 3]),
        node("Reshape", ["t", "joined"], ["j"]),
        node("GRU", ["j", "gw", "gr"], ["", "g"], hidden_size=5, linear_before_reset=1),
    ]
    constants = {
        "w": random(2, 32, 6) * 0.5,
        "r": random(2, 32, 8) * 0.5,
        "b": random(2, 64),
        "joined": np.array([0, 0, -1]),
        "gw": random(1, 15, 16) * 0.5,
        "gr": random(1, 15, 5) * 0.5,
    }
    source = model(nodes, {"x": ["steps", "batch", 6]}, ["g", "last", "cell"], constants)
    return source, [{"x": random(steps, batch, 6)} for steps, batch in [(1, 1), (9, 2), (4, 5)]]


NETWORKS = {
    "convolutional": convolutional_network,
    "transformer": transformer_block,
    "recurrent": recurrent_network,
}


@pytest.mark.parametrize("fused", [True, False], ids=["fused", "unfused"])
@pytest.mark.parametrize("name", NETWORKS)
def test_networks(name: str, fused: bool) -> None:
    source, feeds = NETWORKS[name]()
    assert_like_onnxruntime(source, *feeds, tolerance=2e-5, fused=fused)


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_without_avx512(name: str) -> None:
    """In a process of its own, for which JITRT_TARGET turns AVX-512 off."""
    code = f"import test_models; test_models.test_networks({name!r}, True)"
    environment = {
        **os.environ,
        "JITRT_TARGET": "avx2",
        "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path]),
    }
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)


# control flow and sizes that depend on data


def branch(name: str, nodes: list, output: str, kind: int = FLOAT):
    return helper.make_graph(nodes, name, [], [info(output, kind, None)])


def nested_conditions() -> tuple[bytes, list[dict[str, np.ndarray]]]:
    inner = node(
        "If",
        ["outer_flag"],
        ["t"],
        then_branch=branch("a", [node("Mul", ["x", "x"], ["sq"])], "sq"),
        else_branch=branch("b", [node("Neg", ["x"], ["ng"])], "ng"),
    )
    nodes = [
        node("ReduceSum", ["x"], ["sum"], keepdims=0),
        node("Greater", ["sum", "zero"], ["positive"]),
        node(
            "If",
            ["positive"],
            ["y"],
            then_branch=branch("c", [inner, node("Add", ["t", "sum"], ["u"])], "u"),
            else_branch=branch("d", [node("Exp", ["x"], ["e"])], "e"),
        ),
        node("Add", ["y", "x"], ["z"]),
    ]
    source = model(nodes, {"x": ["n"], "outer_flag": (BOOL, [])}, ["z"], {"zero": np.float32(0)}, opset=17)
    x = np.abs(random(5))
    return source, [
        {"x": sign * x[:n], "outer_flag": np.array(flag)}
        for sign in (1, -1)
        for flag in (True, False)
        for n in (5, 3)
    ]


def loop_with_scan_outputs() -> tuple[bytes, list[dict[str, np.ndarray]]]:
    """A running product with a weight from outside, until it grows past a limit."""
    body = helper.make_graph(
        [
            node("MatMul", ["state", "w"], ["next"]),
            node("Add", ["next", "x"], ["state_out"]),
            node("ReduceMax", ["state_out"], ["largest"], keepdims=0),
            node("Less", ["largest", "limit"], ["go"]),
            node("Cast", ["i"], ["fi"], to=FLOAT),
            node("Mul", ["largest", "fi"], ["scanned"]),
        ],
        "body",
        [info("i", INT64, []), info("c", BOOL, []), info("state", FLOAT, ["n", 4])],
        [info("go", BOOL, []), info("state_out", FLOAT, ["n", 4]), info("scanned", FLOAT, [])],
    )
    nodes = [
        node("Loop", ["trips", "", "x"], ["final", "all"], body=body),
        node("ReduceSum", ["all"], ["y"], keepdims=0),
    ]
    inputs = {"x": ["n", 4], "trips": (INT64, [])}
    source = model(
        nodes, inputs, ["final", "all", "y"], {"w": np.abs(random(4, 4)), "limit": np.float32(1e4)}
    )
    return source, [{"x": np.abs(random(n, 4)), "trips": np.array(t)} for n, t in [(2, 3), (3, 1), (2, 50)]]


def scan() -> tuple[bytes, list[dict[str, np.ndarray]]]:
    body = helper.make_graph(
        [node("Add", ["s", "e"], ["s_out"]), node("Mul", ["s_out", "k"], ["o"])],
        "body",
        [info("s", FLOAT, [3]), info("e", FLOAT, [3])],
        [info("s_out", FLOAT, [3]), info("o", FLOAT, [3])],
    )
    nodes = [node("Scan", ["s0", "x"], ["end", "y"], body=body, num_scan_inputs=1)]
    source = model(nodes, {"s0": [3], "x": ["t", 3]}, ["end", "y"], {"k": np.float32([2, 3, 4])})
    return source, [{"s0": random(3), "x": random(t, 3)} for t in (1, 4, 7)]


def sizes_from_data() -> tuple[bytes, list[dict[str, np.ndarray]]]:
    nodes = [
        node("Greater", ["x", "zero"], ["positive"]),
        node("NonZero", ["positive"], ["places"]),
        node("Transpose", ["places"], ["rows"], perm=[1, 0]),
        node("GatherND", ["x", "rows"], ["picked"]),
        node("Exp", ["picked"], ["e"]),
        node("Compress", ["x", "keep"], ["kept"], axis=0),
        node("Relu", ["kept"], ["r"]),
        node("ReduceSum", ["r"], ["s"], keepdims=0),
        node("Shape", ["e"], ["count"]),
        node("Range", ["first", "last", "step"], ["range"]),
        node("Unsqueeze", ["last", "axis"], ["length"]),
        node("Concat", ["length", "minus"], ["target"], axis=0),
        node("Reshape", ["x", "target"], ["reshaped"]),
    ]
    inputs = {"x": ["n", "m"], "keep": (BOOL, ["n"]), "last": (INT64, [])}
    constants = {
        "zero": np.float32(0),
        "first": np.array(0),
        "step": np.array(1),
        "axis": np.array([0]),
        "minus": np.array([-1]),
    }
    source = model(nodes, inputs, ["e", "s", "count", "range", "reshaped"], constants)
    return source, [
        {"x": random(n, m, seed=seed), "keep": random(n, seed=seed) > 0, "last": np.array(length)}
        for seed, (n, m, length) in enumerate([(4, 6, 3), (4, 6, 8), (6, 4, 2), (2, 1, 1)])
    ]


def loop_without_iterations() -> tuple[bytes, list[dict[str, np.ndarray]]]:
    body = helper.make_graph(
        [
            node("Identity", ["c"], ["go"]),
            node("Add", ["s", "i"], ["s_out"]),
            node("Cast", ["s_out"], ["o"], to=INT64),
        ],
        "body",
        [info("i", INT64, []), info("c", BOOL, []), info("s", INT64, [2])],
        [info("go", BOOL, []), info("s_out", INT64, [2]), info("o", INT64, [2])],
    )
    nodes = [node("Loop", ["trips", "", "x"], ["final", "all"], body=body)]
    source = model(nodes, {"x": (INT64, [2]), "trips": (INT64, [])}, ["final", "all"])
    return source, [{"x": np.array([1, 2]), "trips": np.array(t)} for t in (0, 2, 0, 1)]


CONTROL = {
    "nested conditions": nested_conditions,
    "loop": loop_with_scan_outputs,
    "loop without iterations": loop_without_iterations,
    "scan": scan,
    "sizes from data": sizes_from_data,
}


@pytest.mark.parametrize("fused", [True, False], ids=["fused", "unfused"])
@pytest.mark.parametrize("name", CONTROL)
def test_control_flow(name: str, fused: bool) -> None:
    source, feeds = CONTROL[name]()
    assert_like_onnxruntime(source, *feeds, *feeds, fused=fused)


# models of others

# What rounding makes of the outputs. Dynamic quantisation turns a difference in the last bit at a tie into a
# code, which the layers after it grow: minilm has one such code of 202,752, and 4.5e-2 in the end.
TOLERANCES = {"fp16": 5e-3, "int8_dyn": 1e-1, "int8": 2e-3}
FOLDERS = sorted(p.parent for p in Path(os.environ.get("JITRT_MODELS", "/nowhere")).glob("*/model.onnx"))


@pytest.mark.skipif(not FOLDERS, reason="JITRT_MODELS names no folder with models")
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_models(folder: Path) -> None:
    path = str(folder / "model.onnx")
    theirs = reference(path)
    optimised = reference(path, optimised=True)
    least = next((t for part, t in TOLERANCES.items() if part in folder.name), 1e-4)
    try:
        ours = jitrt.InferenceSession(path)
        for feed in sorted(folder.glob("inputs*.npz")):
            with np.load(feed, allow_pickle=True) as arrays:
                feeds = dict(arrays)
            wanted = theirs.run(None, feeds)
            # onnxruntime's own optimisations are another order of rounding
            tolerance = max(least, 2 * spread(optimised.run(None, feeds), wanted))
            for mine, other in zip(ours.run(None, feeds), wanted, strict=True):
                assert_close(mine, other, tolerance)
    except errors.NotImplemented as missing:
        pytest.skip(missing.message)


def test_initializers_of_every_size_are_kept() -> None:
    """Weights that are used twice, once transposed, and scalars as constants of operators."""
    w = random(16, 16)
    nodes = [
        node("MatMul", ["x", "w"], ["a"]),
        node("Transpose", ["w"], ["t"], perm=[1, 0]),
        node("MatMul", ["a", "t"], ["b"]),
        node("Add", ["b", "w"], ["c"]),
        node("Mul", ["c", "k"], ["y"]),
    ]
    constants = {"w": w, "k": np.float32(0.5)}
    proto = model(nodes, {"x": [16, 16]}, ["y", "w"], constants)
    assert_like_onnxruntime(proto, {"x": random(16, 16, seed=1)}, {"x": random(16, 16, seed=2)})
    assert (
        numpy_helper.from_array(w).raw_data == jitrt.InferenceSession(proto).run(["w"], {"x": w})[0].tobytes()
    )
