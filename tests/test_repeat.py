"""Calls like the one before, made natively: they give what calls made in the usual way give."""

from __future__ import annotations

import gc
import pickle
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models import FLOAT, INT64, info, model, node, random, session
from onnx import helper

import jitrt
from jitrt import errors, repeat

ADD = model([node("Add", ["a", "b"], ["y"])], {"a": ["n", 3], "b": ["n", 3]}, ["y"])
PICK = model([node("Gather", ["x", "i"], ["y"])], {"x": ["n"], "i": (INT64, ["m"])}, ["y"])
LARGE = model(
    [node("Exp", ["x"], ["e"]), node("CumSum", ["e", "axis"], ["y"])],
    {"x": ["n"]},
    ["y"],
    {"axis": np.int64(0)},
)


def repeated(
    source: bytes, feed: dict[str, Any], names: Any = None, **options: Any
) -> jitrt.InferenceSession:
    """A session that makes this call natively from now on."""
    made = session(source, **options)
    for _ in range(3):
        made.run(names, feed)
    assert is_native(made, feed, names)
    return made


def is_native(made: jitrt.InferenceSession, feed: dict[str, Any], names: Any = None) -> bool:
    return made._repeats.run(names, feed) is not None


def pair(n: int = 4) -> dict[str, Any]:
    return {"a": random(n, 3), "b": random(n, 3)}


def test_new_values_give_new_arrays() -> None:
    made, outputs = repeated(ADD, pair()), []
    for _ in range(5):
        feed = pair()
        outputs.append((made.run(None, feed), feed["a"] + feed["b"]))
        assert is_native(made, feed)
    for (got,), wanted in outputs:
        np.testing.assert_array_equal(got, wanted)
        assert got.flags.owndata
        assert got.flags.writeable


@pytest.mark.parametrize("names", [None, [], ["y"], ("y",), ["y", "y"], ["m"], ["y", "m"]])
def test_outputs_by_name(names: Any) -> None:
    source = model([node("Exp", ["x"], ["m"]), node("Neg", ["m"], ["y"])], {"x": [2]}, ["y"])
    made, x = session(source), random(2)
    for _ in range(5):
        results = dict(zip(names or ["y"], made.run(names, {"x": x}), strict=True))
        for name, got in results.items():
            np.testing.assert_allclose(got, {"m": np.exp(x), "y": -np.exp(x)}[name], rtol=1e-6)


def test_names_of_other_outputs_are_another_call() -> None:
    source = model([node("Exp", ["x"], ["a"]), node("Neg", ["x"], ["b"])], {"x": [2]}, ["a", "b"])
    x = random(2)
    made = repeated(source, {"x": x})
    assert is_native(made, {"x": x}, ["a", "b"])
    (b,) = made.run(["b"], {"x": x})
    b2, a = made.run(["b", "a"], {"x": x})
    np.testing.assert_array_equal(b, -x)
    np.testing.assert_array_equal(b2, -x)
    np.testing.assert_allclose(a, np.exp(x), rtol=1e-6)


def test_other_shapes_and_back() -> None:
    made = repeated(ADD, pair())
    for n in (1, 1000, 4, 4, 4, 7, 7, 7, 0, 0, 0, 4):
        feed = pair(n)
        np.testing.assert_array_equal(made.run(None, feed)[0], feed["a"] + feed["b"])


class Subclass(np.ndarray):
    """An array of a type of its own."""


@pytest.mark.parametrize(
    "change",
    [
        lambda a: np.asfortranarray(a),
        lambda a: np.repeat(a, 2, axis=0)[::2],
        lambda a: a.tolist(),
        lambda a: a.view(Subclass),
        lambda a: a.astype(a.dtype.newbyteorder()),
        lambda a: np.frombuffer(b"?" + a.tobytes(), np.uint8)[1:].view(np.float32).reshape(a.shape),
        lambda a: pickle.loads(pickle.dumps(a)),
        lambda a: jitrt.OrtValue.ortvalue_from_numpy(a),
    ],
    ids=["fortran", "strided", "list", "subclass", "byte order", "unaligned", "unpickled", "OrtValue"],
)
def test_other_forms_of_an_input(change: Any) -> None:
    feed = pair()
    made = repeated(ADD, feed)
    for _ in range(4):
        (got,) = made.run(None, {**feed, "a": change(feed["a"])})
        np.testing.assert_array_equal(got, feed["a"] + feed["b"])


@pytest.mark.parametrize(
    ("names", "change", "error", "message"),
    [
        (None, {"a": np.zeros((4, 3))}, errors.InvalidArgument, "Unexpected input data type"),
        (None, {"a": np.zeros((4, 2), np.float32)}, errors.InvalidArgument, "Got invalid dimensions"),
        (None, {"a": np.zeros(12, np.float32)}, errors.InvalidArgument, "Invalid rank"),
        (None, {"c": np.zeros(3, np.float32)}, errors.InvalidArgument, "Invalid input name: c"),
        (["z"], {}, errors.InvalidArgument, "Invalid output name:z"),
        ("y", {}, TypeError, "output_names is a list"),
        ([1], {}, TypeError, "list of names"),
        (np.zeros(2), {}, TypeError, "list of names"),
    ],
)
def test_a_wrong_call_gets_its_error(names: Any, change: Any, error: Any, message: str) -> None:
    feed = pair()
    made = repeated(ADD, feed)
    for _ in range(3):
        with pytest.raises(error, match=message):
            made.run(names, {**feed, **change})
    with pytest.raises(ValueError, match=r"Required inputs \(\['b'\]\) are missing"):
        made.run(None, {"a": feed["a"]})
    assert is_native(made, feed)


def test_a_step_that_fails() -> None:
    x, good, bad = random(5), np.array([1, 4]), np.array([1, 5])
    made = repeated(PICK, {"x": x, "i": good})
    for _ in range(3):
        with pytest.raises(errors.JitrtError, match="Gather"):
            made.run(None, {"x": x, "i": bad})
        np.testing.assert_array_equal(made.run(None, {"x": x, "i": good})[0], x[good])
    assert is_native(made, {"x": x, "i": good})


def test_an_input_whose_value_decides() -> None:
    def branch(name: str, operator: str) -> Any:
        return helper.make_graph([node(operator, ["x"], [name])], name, [], [info(name, FLOAT, None)])

    rate = node("Equal", ["rate", "sixteen"], ["is_sixteen"])
    choice = node("If", ["is_sixteen"], ["y"], then_branch=branch("p", "Neg"), else_branch=branch("q", "Abs"))
    source = model([rate, choice], {"x": [4], "rate": (INT64, [])}, ["y"], {"sixteen": np.int64(16)})
    x = random(4)
    made = repeated(source, {"x": x, "rate": np.array(16)})
    for given in (8, 16, 8, 8, 8, 16):
        (got,) = made.run(None, {"x": x, "rate": np.array(given)})
        np.testing.assert_array_equal(got, -x if given == 16 else np.abs(x))


def test_what_follows_in_python() -> None:
    zipped = node("ZipMap", ["s"], ["z"], domain="ai.onnx.ml", classlabels_int64s=[3, 5])
    maps = helper.make_value_info(
        "z",
        helper.make_sequence_type_proto(
            helper.make_map_type_proto(INT64, helper.make_tensor_type_proto(FLOAT, []))
        ),
    )
    graph = helper.make_graph(
        [node("Neg", ["x"], ["s"]), zipped],
        "g",
        [info("x", FLOAT, ["n", "k"])],
        [info("s", FLOAT, None), maps],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    source = helper.make_model(graph, ir_version=8, opset_imports=opsets).SerializeToString()
    made = repeated(source, {"x": random(2, 2)})
    for _ in range(3):
        x = random(2, 2)
        scores, rows = made.run(None, {"x": x})
        np.testing.assert_array_equal(scores, -x)
        assert rows == [{3: a, 5: b} for a, b in (-x).tolist()]
    for _ in range(4):
        with pytest.raises(errors.Fail, match="classlabels"):
            made.run(None, {"x": random(2, 3)})


def test_larger_memory_takes_the_place_of_smaller() -> None:
    made = session(LARGE)
    for n in (10, 100_000, 10, 100_000, 1_000_000):
        x = random(n) / 8
        for _ in range(4):
            (got,) = made.run(None, {"x": x})
        np.testing.assert_allclose(got, np.cumsum(np.exp(x.astype(np.float64))), rtol=1e-3)
        assert is_native(made, {"x": x})


def test_memory_is_let_go() -> None:
    x = random(1000)
    made = repeated(LARGE, {"x": x})
    arena = weakref.ref(made._repeats._arena)
    assert arena() is not None
    options = jitrt.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    made.run(None, {"x": x}, options)
    assert arena() is None
    for _ in range(3):
        made.run(None, {"x": x})
    arena = weakref.ref(made._repeats._arena)
    gc.disable()
    try:
        del made
        assert arena() is None
    finally:
        gc.enable()


def test_nothing_is_counted_twice() -> None:
    feed = pair()
    made = repeated(ADD, feed)
    counted = [*feed.values(), *feed, feed["a"].dtype, None, made._context.arenas]
    before = [sys.getrefcount(value) for value in counted]
    for _ in range(1000):
        made.run(None, feed)
        made._repeats.run(None, {})
        made._repeats.run(["z"], feed)
    after = [sys.getrefcount(value) for value in counted]
    np.testing.assert_allclose(after, before, atol=50)  # None belongs to everybody
    assert len(made._context.arenas) == 1


@pytest.mark.parametrize("source", [ADD, LARGE], ids=["brief", "long"])
def test_threads_at_once(source: bytes) -> None:
    def compute(number: int) -> None:
        rng = np.random.default_rng(number)
        for _ in range(100):
            shape = (4, 3) if source is ADD else (30_000,)
            feed = {name: rng.normal(size=shape).astype(np.float32) for name in names}
            (got,) = made.run(None, feed)
            wanted = (
                feed["a"] + feed["b"] if source is ADD else np.cumsum(np.exp(feed["x"].astype(np.float64)))
            )
            np.testing.assert_allclose(got, wanted, rtol=1e-3)

    made = session(source)
    names = [i.name for i in made.get_inputs()]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(compute, range(8)))


def test_what_watches_each_run_still_does(tmp_path: Path) -> None:
    options = jitrt.SessionOptions()
    options.enable_profiling, options.profile_file_prefix = True, str(tmp_path / "p")
    made, feed = jitrt.InferenceSession(ADD, options), pair()
    for _ in range(5):
        made.run(None, feed)
    assert not is_native(made, feed)
    assert Path(made.end_profiling()).read_text().count("model_run") == 5


def test_at_first_no_call_is_native() -> None:
    made = session(ADD)
    assert made._repeats.run is repeat._none
