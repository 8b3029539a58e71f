"""`jitrt.batch_invariant`: a sample's result has the same bits in a batch of any size."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from models import FLOAT, info, model, node, random, session
from onnx import helper, numpy_helper
from test_models import convolutional_network, transformer_block

import jitrt
from jitrt.codegen.microkernel import Tile, tile_shape
from jitrt.codegen.target import Target
from jitrt.types import F32

SAMPLES = 7


def perceptron(element: int = onnx.TensorProto.FLOAT, dtype: Any = np.float32) -> bytes:
    nodes = [
        node("Gemm", ["x", "w", "b"], ["h"]),
        node("Relu", ["h"], ["r"]),
        node("MatMul", ["r", "v"], ["o"]),
        node("Softmax", ["o"], ["y"], axis=-1),
    ]
    weights = {
        "w": random(150, 70, dtype=dtype),
        "b": random(70, dtype=dtype),
        "v": random(70, 11, dtype=dtype),
    }
    return model(nodes, {"x": (element, ["n", 150])}, ["y"], weights)


def invariant(source: bytes, threads: int = 1) -> jitrt.InferenceSession:
    options = jitrt.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("jitrt.batch_invariant", "1")
    return jitrt.InferenceSession(source, options)


def differing(s: jitrt.InferenceSession, feed: dict[str, Any], batched: str) -> list[tuple[int, int]]:
    """The (start, size) of batches whose results are not those of the whole batch."""
    whole = s.run(None, feed)
    found = []
    for size in range(1, SAMPLES + 1):
        for start in range(0, SAMPLES - size + 1, 2):
            part = slice(start, start + size)
            results = s.run(None, {**feed, batched: feed[batched][part]})
            if any(w[part].tobytes() != r.tobytes() for w, r in zip(whole, results, strict=True)):
                found.append((start, size))
    return found


def test_rows_that_do_not_fill_a_vector() -> None:
    """Short rows are computed side by side, however few or many there are."""
    source = model([node("Softmax", ["x"], ["y"], axis=-1)], {"x": (FLOAT, ["n", 5])}, ["y"], {})
    s, x = invariant(source), random(300, 5)
    parts = [s.run(None, {"x": part})[0] for part in np.split(x, [1, 8, 70])]
    assert np.concatenate(parts).tobytes() == s.run(None, {"x": x})[0].tobytes()


@pytest.mark.parametrize("threads", [1, 2])
def test_perceptron(threads: int) -> None:
    feed = {"x": random(SAMPLES, 150)}
    assert differing(invariant(perceptron(), threads), feed, "x") == []


def test_the_option_is_what_does_it() -> None:
    """Without it, low batches of a wide product are summed up in several parts."""
    assert differing(session(perceptron()), {"x": random(SAMPLES, 150)}, "x")


@pytest.mark.parametrize(
    ("element", "dtype"),
    [(onnx.TensorProto.DOUBLE, np.float64), (onnx.TensorProto.FLOAT16, np.float16)],
)
def test_other_types(element: int, dtype: Any) -> None:
    feed = {"x": random(SAMPLES, 150, dtype=dtype)}
    assert differing(invariant(perceptron(element, dtype)), feed, "x") == []


def test_convolutional_network() -> None:
    source, (feed, *_) = convolutional_network()
    shape = feed["image"].shape[1:]
    assert differing(invariant(source), {"image": random(SAMPLES, *shape)}, "image") == []


@pytest.mark.parametrize("length", [1, 2, 7])
def test_transformer_block(length: int) -> None:
    source, (feed, *_) = transformer_block()
    mask = np.ones((1, 1, 1, length), feed["mask"].dtype)
    feed = {"x": random(SAMPLES, length, 32), "mask": mask}
    assert differing(invariant(source), feed, "x") == []


def test_weights_of_few_bits() -> None:
    weights = np.random.default_rng(0).integers(0, 256, (24, 2, 16), np.uint8)
    attributes = {"K": 64, "N": 24, "bits": 4, "block_size": 32}
    graph = helper.make_graph(
        [node("MatMulNBits", ["x", "w", "s"], ["y"], domain="com.microsoft", **attributes)],
        "g",
        [info("x", FLOAT, ["n", 64])],
        [info("y", FLOAT, ["n", 24])],
        [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(np.abs(random(48)), "s")],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)]
    source = helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString()
    assert differing(session(source), {"x": random(SAMPLES, 64)}, "x")
    assert differing(invariant(source), {"x": random(SAMPLES, 64)}, "x") == []


def test_sums_of_a_tile(target: Target) -> None:
    shape = tile_shape(F32, target)
    assert {Tile(shape, h, 1, target, True).sets for h in range(1, shape.rows + 1)} == {1}
    assert Tile(shape, 1, 1, target).sets > 1
