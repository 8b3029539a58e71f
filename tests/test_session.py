"""The session as its users find it."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from models import (
    FLOAT,
    INT64,
    STRING,
    assert_close,
    assert_like_onnxruntime,
    info,
    model,
    node,
    random,
    reference,
    session,
)
from onnx import helper, numpy_helper

import jitrt
from jitrt import building, errors
from jitrt.codegen import compile as compiler


class Subclass(np.ndarray):
    """An array of a type of its own."""


RELU = model([node("Relu", ["x"], ["y"])], {"x": ["n", 3]}, ["y"])


def test_from_path_and_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a model.onnx"
    path.write_bytes(RELU)
    x = random(2, 3)
    for source in (str(path), path, RELU):
        np.testing.assert_array_equal(jitrt.InferenceSession(source).run(None, {"x": x})[0], np.maximum(x, 0))


def test_inputs_and_outputs_are_described() -> None:
    source = model(
        [node("Cast", ["x"], ["y"], to=INT64), node("Identity", ["s"], ["t"])],
        {"x": [2, None, "n"], "s": (STRING, [])},
        ["y", "t"],
    )
    ours, theirs = session(source), reference(source)
    for mine, other in ((ours.get_inputs(), theirs.get_inputs()), (ours.get_outputs(), theirs.get_outputs())):
        assert [(a.name, a.type) for a in mine] == [(a.name, a.type) for a in other]
    assert [a.shape for a in ours.get_inputs()] == [[2, None, "n"], []]
    assert ours.get_providers() == ["CPUExecutionProvider"]


def test_some_outputs_in_any_order() -> None:
    nodes = [node("Relu", ["x"], ["r"]), node("Neg", ["x"], ["n"]), node("Exp", ["x"], ["e"])]
    s, x = session(model(nodes, {"x": [3]}, ["r", "n", "e"])), random(3)
    wanted = {"r": np.maximum(x, 0), "n": -x, "e": np.exp(x)}
    for names in (None, [], ["e"], ["n", "r"], ("r", "n"), ["n", "n"], ["e", "n", "r"]):
        results = s.run(names, {"x": x})
        for name, result in zip(names or ["r", "n", "e"], results, strict=True):
            assert_close(result, wanted[name])
    first, second = s.run(["n", "n"], {"x": x})
    assert not np.shares_memory(first, second)


def test_feeds_of_any_kind_and_layout() -> None:
    s, x = session(RELU), random(2, 3)
    wanted = np.maximum(x, 0)
    unaligned = np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(np.float32).reshape(2, 3)
    feeds = [
        x,
        x.tolist(),
        tuple(x),
        np.asfortranarray(x),
        np.ascontiguousarray(x[::-1, ::-1])[::-1, ::-1],
        np.repeat(x, 2, axis=1)[:, ::2],
        unaligned,
        x.astype(">f4"),
        x.view(Subclass),
        memoryview_of(x),
    ]
    for feed in feeds:
        np.testing.assert_array_equal(s.run(None, {"x": feed})[0], wanted)
    read_only = x.copy()
    read_only.flags.writeable = False
    np.testing.assert_array_equal(s.run(None, {"x": read_only})[0], wanted)


def test_unpickled_arrays_take_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    s, x = session(RELU), pickle.loads(pickle.dumps(random(2, 3)))
    assert x.dtype is not np.dtype(np.float32)
    (wanted,) = s.run(None, {"x": x})
    monkeypatch.setattr(s, "prepare", None)
    np.testing.assert_array_equal(s.run(None, {"x": x})[0], wanted)


def memoryview_of(x: np.ndarray) -> object:
    """An object that only speaks DLPack."""

    class Tensor:
        def __dlpack__(self, **options: object) -> object:
            return x.__dlpack__(**options)

        def __dlpack_device__(self) -> tuple[int, int]:
            return x.__dlpack_device__()

    return Tensor()


@pytest.mark.parametrize("shape", [(0, 3), (1, 3), (5, 3), (70_001, 3)])
def test_any_batch(shape: tuple[int, int]) -> None:
    x = random(*shape)
    np.testing.assert_array_equal(session(RELU, threads=2).run(None, {"x": x})[0], np.maximum(x, 0))


@pytest.mark.parametrize("fused", [True, False])
def test_results_share_no_memory(fused: bool) -> None:
    nodes = [
        node("Identity", ["x"], ["same"]),
        node("Identity", ["x"], ["again"]),
        node("Reshape", ["x", "flat"], ["reshaped"]),
        node("Transpose", ["x"], ["transposed"]),
        node("Relu", ["x"], ["r"]),
        node("Identity", ["r"], ["r_again"]),
        node("Reshape", ["r", "flat"], ["r_flat"]),
        node("Identity", ["c"], ["constant"]),
    ]
    names = ["same", "again", "reshaped", "transposed", "r", "r_again", "r_flat", "constant", "x", "c"]
    constants = {"flat": np.array([-1]), "c": random(3)}
    s = session(model(nodes, {"x": [2, 3]}, names, constants), fused=fused)
    x = random(2, 3, seed=1)
    results = dict(zip(names, s.run(None, {"x": x}), strict=True))
    copies = {name: value.copy() for name, value in results.items()}
    arrays = [x, *results.values()]
    for i, a in enumerate(arrays):
        assert not any(np.shares_memory(a, b) for b in arrays[:i])
    for value in results.values():
        value[...] = 7  # may neither reach x nor a constant
    later = dict(zip(names, s.run(None, {"x": x}), strict=True))
    for name, value in later.items():
        np.testing.assert_array_equal(value, copies[name])
    np.testing.assert_array_equal(results["r"], np.full((2, 3), 7))


def test_results_stay_when_the_session_runs_again_and_goes() -> None:
    s, x = session(RELU), random(4, 3)
    first = s.run(None, {"x": x})[0]
    for seed in range(5):
        s.run(None, {"x": random(4, 3, seed=seed)})
    del s
    np.testing.assert_array_equal(first, np.maximum(x, 0))


def initializer_model(ir: int) -> bytes:
    """y = x + w, where w is an initializer that is listed as an input too."""
    graph = helper.make_graph(
        [node("Add", ["x", "w"], ["y"])],
        "g",
        [info("x", FLOAT, ["n"]), info("w", FLOAT, [1])],
        [info("y", FLOAT, ["n"])],
        [numpy_helper.from_array(np.float32([10]), "w")],
    )
    opset = helper.make_opsetid("", 8)
    return helper.make_model(graph, ir_version=ir, opset_imports=[opset]).SerializeToString()


def test_initializers_that_a_call_may_override() -> None:
    s, x = session(initializer_model(4)), np.float32([1, 2])
    assert [i.name for i in s.get_inputs()] == ["x"]
    assert [i.name for i in s.get_overridable_initializers()] == ["w"]
    for _ in range(2):
        np.testing.assert_array_equal(s.run(None, {"x": x})[0], x + 10)
        np.testing.assert_array_equal(s.run(None, {"x": x, "w": np.float32([5])})[0], x + 5)
        np.testing.assert_array_equal(s.run(None, {"w": np.float32([6]), "x": x})[0], x + 6)
    with pytest.raises(errors.InvalidArgument, match="Got invalid dimensions for input: w"):
        s.run(None, {"x": x, "w": x})


def test_initializers_of_ir_version_3() -> None:
    source, x = initializer_model(3), np.float32([1, 2])
    s, theirs = session(source), reference(source)
    assert [i.name for i in s.get_inputs()] == [i.name for i in theirs.get_inputs()] == ["x"]
    np.testing.assert_array_equal(s.run(None, {"x": x})[0], x + 10)
    for run in (s.run, theirs.run):
        with pytest.raises(Exception, match="Invalid input name: w"):
            run(None, {"x": x, "w": np.float32([5])})


@pytest.mark.parametrize("ir", [3, 4, 7, 8, 9, 10, 11, 12, 13, 14])
def test_every_ir_version(ir: int) -> None:
    source = model([node("Relu", ["x"], ["y"])], {"x": [3]}, ["y"], opset=8, ir=ir)
    np.testing.assert_array_equal(session(source).run(None, {"x": np.float32([-1, 0, 1])})[0], [0, 0, 1])


NAMES = [
    "a b",
    "a.b",
    "a/b:0",
    "1",
    "x'\"\\",
    "été",
    "名",
    "\n",
    "lambda",
    "s0",
    "__class__",
    "{}",
    "%s",
    "🂡",
]


def test_names_with_any_character() -> None:
    nodes = [node("Neg", [n], [f"-{n}"], n) for n in NAMES]
    nodes.append(node("Sum", [f"-{n}" for n in NAMES], ["total\t"]))
    s = session(model(nodes, {n: [f"size of {n}"] for n in NAMES}, ["total\t", "-名"]))
    feeds = {n: random(4, seed=i) for i, n in enumerate(NAMES)}
    total, one = s.run(None, feeds)
    assert_close(total, -sum(feeds.values()))
    assert_close(one, -feeds["名"])


def test_external_data(tmp_path: Path) -> None:
    w = random(300, 4)
    proto = onnx.load_from_string(
        model([node("MatMul", ["x", "w"], ["y"])], {"x": ["n", 300]}, ["y"], {"w": w})
    )
    path = tmp_path / "model.onnx"
    onnx.save_model(proto, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    assert (tmp_path / "weights.bin").stat().st_size >= w.nbytes
    x = random(2, 300)
    assert_close(jitrt.InferenceSession(path).run(None, {"x": x})[0], x @ w)


DYNAMIC = model(
    [
        node("MatMul", ["x", "w"], ["m"]),
        node("Add", ["m", "b"], ["a"]),
        node("Softmax", ["a"], ["p"], axis=-1),
        node("Shape", ["x"], ["shape"]),
        node("Gather", ["shape", "one"], ["length"]),
        node("Concat", ["minus", "length"], ["target"], axis=0),
        node("Transpose", ["p"], ["t"], perm=[0, 2, 1]),
        node("Reshape", ["t", "target"], ["y"]),
    ],
    {"x": ["batch", "length", 8]},
    ["y"],
    {"w": random(8, 5), "b": random(5), "one": np.array([1]), "minus": np.array([-1])},
)


def test_new_shapes_need_no_compilation(monkeypatch: pytest.MonkeyPatch) -> None:
    s, theirs = session(DYNAMIC), reference(DYNAMIC)
    s.run(None, {"x": random(2, 3, 8)})
    compiled, traced = [], []
    compile_kernels, trace = compiler.compile_kernels, building.trace

    def counted_trace(*args: Any, **options: Any) -> object:
        traced.append(args)
        return trace(*args, **options)

    def counted_compile(*args: object) -> object:
        compiled.append(args)
        return compile_kernels(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(building, "trace", counted_trace)
    monkeypatch.setattr("jitrt.plan.compile_kernels", counted_compile)
    for batch, length in [(3, 4), (7, 2), (2, 3), (64, 33), (5, 100)]:
        x = random(batch, length, 8)
        assert_close(s.run(None, {"x": x})[0], theirs.run(None, {"x": x})[0])
    assert not compiled
    assert not traced


def test_many_shapes() -> None:
    s = session(DYNAMIC)
    shapes = [(b, n) for b in (0, 1, 2, 3, 9) for n in (1, 2, 3, 5, 8, 13, 21, 34, 55, 89)]
    feeds = [{"x": random(b, n, 8)} for b, n in shapes]
    theirs = reference(DYNAMIC)
    for feed in feeds * 2:  # more than are kept
        if feed["x"].size:
            assert_close(s.run(None, feed)[0], theirs.run(None, feed)[0])
        else:
            assert s.run(None, feed)[0].size == 0


def test_strings_pass_through() -> None:
    nodes = [node("Identity", ["s"], ["t"]), node("Constant", [], ["c"], value_string="fixed")]
    s = session(model(nodes, {"s": (STRING, ["n"])}, ["t", "c"]))
    for fed in (
        np.array(["a", "bé"], object),
        np.array(["a", "bé"]),
        np.array([b"a", "bé".encode()]),
        ["a", "bé"],
    ):
        text, constant = s.run(None, {"s": fed})
        assert text.dtype == object
        assert text.tolist() == ["a", "bé"]
        assert text is not fed
        assert constant == "fixed"


def test_threads_option() -> None:
    assert session(RELU, threads=1)._context.threads == 1
    assert session(RELU, threads=-1)._context.threads == session(RELU, threads=0)._context.threads >= 1


def test_a_misspelt_option_is_an_error() -> None:
    with pytest.raises(AttributeError):
        jitrt.SessionOptions().intra_op_threads = 2  # type: ignore[attr-defined]


class Named(jitrt.InferenceSession):
    """A user's subclass with an attribute of its own."""

    def __init__(self, source: bytes | str, label: str) -> None:
        super().__init__(source)
        self.label = label


def test_sessions_pickle_and_copy(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(RELU)
    x = random(2, 3)
    original = Named(RELU, "first")
    (expected,) = original.run(None, {"x": x})
    for twin in (copy.copy(original), copy.deepcopy(original), pickle.loads(pickle.dumps(original))):
        assert isinstance(twin, Named)
        assert twin.label == "first"
        np.testing.assert_array_equal(twin.run(None, {"x": x})[0], expected)
    options = jitrt.SessionOptions()
    options.intra_op_num_threads = 1
    options.add_free_dimension_override_by_name("n", 2)
    from_file = pickle.loads(pickle.dumps(jitrt.InferenceSession(path, options)))
    assert from_file.get_session_options().intra_op_num_threads == 1
    assert from_file.get_inputs()[0].shape == [2, 3]
    np.testing.assert_array_equal(from_file.run(None, {"x": x})[0], expected)


def test_nothing_is_fused_when_optimisation_is_off() -> None:
    nodes = [
        node("MatMul", ["x", "w"], ["m"]),
        node("Add", ["m", "b"], ["a"]),
        node("Relu", ["a"], ["r"]),
        node("Mul", ["r", "r"], ["s"]),
        node("ReduceMean", ["s"], ["y"], axes=[1]),
    ]
    source = model(nodes, {"x": ["n", 4]}, ["y"], {"w": random(4, 8), "b": random(8)}, opset=13)
    labels = {}
    for fused in (True, False):
        s = session(source, fused=fused)
        assert_like_onnxruntime(source, {"x": random(5, 4)}, fused=fused)
        s.run(None, {"x": random(5, 4)})
        (program,) = s._programs.values()
        labels[fused] = [step.label for step in program.variants[0].recipe.steps]
    assert len(labels[True]) < len(labels[False])
    assert not any("+" in label for label in labels[False])
    assert {"MatMul", "Add", "Relu", "Mul", "ReduceMean"} <= set(labels[False])


def test_inputs_of_any_rank() -> None:
    """Of an input without a declared shape, and of a declared scalar, as onnxruntime has it."""
    for declared in (None, []):
        s = session(model([node("ReduceSum", ["x"], ["y"], keepdims=0)], {"x": declared}, ["y"]))
        for shape in ((3,), (3, 2), (3, 2, 4), (2,), (), (1,), (3, 2)):
            x = random(*shape)
            for _ in range(2):
                np.testing.assert_allclose(s.run(None, {"x": x})[0], x.sum(dtype=np.float64), rtol=1e-5)
