"""What `run` raises: classes and messages, beside onnxruntime's where it is installed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from models import INT64, STRING, model, node, random, reference, session

import jitrt
from jitrt import errors
from jitrt.feeds import as_fed

X, B = np.ones((2, 4), np.float32), np.zeros(3, np.float32)
GEMM = model(
    [node("MatMul", ["x", "w"], ["m"], "mm"), node("Add", ["m", "b"], ["y"])],
    {"x": ["batch", 4], "b": [3]},
    ["y"],
    {"w": np.ones((4, 3), np.float32)},
)


def outcome(run: Callable[[], Any]) -> tuple[str, str]:
    """Class and message of what a call raises."""
    try:
        run()
    except Exception as error:
        return type(error).__name__, str(error)
    return "no error", ""


# name -> (output names, feed)
CALLS: dict[str, tuple[Any, Any]] = {
    "another input name": (None, {"xx": X, "b": B}),
    "an input is missing": (None, {"x": X}),
    "an input too many": (None, {"x": X, "b": B, "zz": X}),
    "an unknown output": (["nope"], {"x": X, "b": B}),
    "an unknown output beside a known one": (["y", "nope"], {"x": X, "b": B}),
    "another rank": (None, {"x": X[0], "b": B}),
    "another dimension": (None, {"x": np.ones((2, 5), np.float32), "b": B}),
    "another dimension in another input": (None, {"x": X, "b": np.zeros(4, np.float32)}),
    "double": (None, {"x": X.astype(np.float64), "b": B}),
    "int64": (None, {"x": X.astype(np.int64), "b": B}),
    "bool": (None, {"x": X.astype(bool), "b": B}),
    "half": (None, {"x": X.astype(np.float16), "b": B}),
    "objects": (None, {"x": X.astype(object), "b": B}),
    "strings": (None, {"x": X.astype(str), "b": B}),
    "complex": (None, {"x": X.astype(np.complex128), "b": B}),
    "dates": (None, {"x": X.astype("datetime64[s]"), "b": B}),
    "a NumPy scalar": (None, {"x": np.float32(1), "b": B}),
    "a float": (None, {"x": 1.0, "b": B}),
    "no dictionary": (None, [X, B]),
    "no feed": (None, None),
}


@pytest.mark.parametrize("warm", [False, True], ids=["first call", "later call"])
@pytest.mark.parametrize("name", CALLS)
def test_calls_that_are_refused(name: str, warm: bool) -> None:
    pytest.importorskip("onnxruntime")
    ours, theirs = session(GEMM), reference(GEMM)
    if warm:
        ours.run(None, {"x": X, "b": B})
    names, feed = CALLS[name]
    result = outcome(lambda: ours.run(names, feed))
    assert result == outcome(lambda: theirs.run(names, feed))
    assert result[0] != "no error"
    np.testing.assert_array_equal(ours.run(None, {"x": X, "b": B})[0], np.full((2, 3), 4, np.float32))


def test_output_names_are_no_string() -> None:
    with pytest.raises(TypeError, match="output_names"):
        session(GEMM).run("y", {"x": X, "b": B})


def test_none_is_no_tensor() -> None:
    with pytest.raises(errors.Fail, match="Missing Input: x"):
        session(GEMM).run(None, {"x": None, "b": B})


def test_an_object_with_only_an_array_method_is_refused() -> None:
    class Convertible:
        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            return X

    with pytest.raises(RuntimeError, match=r"Unable to handle object of type <class '.*Convertible'>"):
        session(GEMM).run(None, {"x": Convertible(), "b": B})


def test_a_tensor_is_no_sequence() -> None:
    with pytest.raises(errors.InvalidArgument, match="'x' expected to be of type: 3 but received a tensor"):
        as_fed("x", X, "seq(tensor(float))")
    assert as_fed("x", [X], "seq(tensor(float))")[0] is X


# name -> (nodes, inputs, feed): shapes or values that only a call brings together
RUNTIME = {
    "matrix product": (
        [node("MatMul", ["a", "b"], ["y"], "mm")],
        {"a": ["i", "k"], "b": ["l", "j"]},
        {"a": random(2, 3), "b": random(4, 5)},
    ),
    "broadcast": (
        [node("Add", ["a", "b"], ["y"], "ad")],
        {"a": ["i"], "b": ["j"]},
        {"a": random(2), "b": random(3)},
    ),
    "concatenation": (
        [node("Concat", ["a", "b"], ["y"], "ct", axis=1)],
        {"a": ["n", 2], "b": ["n", 2]},
        {"a": random(2, 2), "b": random(3, 2)},
    ),
    "indices": (
        [node("Gather", ["a", "i"], ["y"], "ga")],
        {"a": ["n", 2], "i": (INT64, ["m"])},
        {"a": random(2, 2), "i": np.array([0, 5])},
    ),
    "reshape": (
        [node("Reshape", ["a", "s"], ["y"], "rs")],
        {"a": ["n"], "s": (INT64, [2])},
        {"a": random(6), "s": np.array([4, -1])},
    ),
}


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("name", RUNTIME)
def test_nodes_that_fail(name: str, fused: bool) -> None:
    pytest.importorskip("onnxruntime")
    nodes, inputs, feed = RUNTIME[name]
    source = model(nodes, inputs, ["y"])
    ours, theirs = session(source, fused=fused), reference(source)
    for _ in range(2):
        (kind, message), (wanted, text) = (outcome(lambda s=s: s.run(None, feed)) for s in (ours, theirs))
        assert kind == wanted
        operator, label = nodes[0].op_type, nodes[0].name
        start = (
            f"Non-zero status code returned while running {operator} node. Name:'{label}' Status Message: "
        )
        assert start in message
        assert start in text
        assert message.partition(":")[0] == text.partition(":")[0]


def test_the_message_of_an_index_out_of_bounds() -> None:
    nodes, inputs, feed = RUNTIME["indices"]
    with pytest.raises(errors.InvalidArgument) as caught:
        session(model(nodes, inputs, ["y"])).run(None, feed)
    assert str(caught.value) == (
        "[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : Non-zero status code returned while running Gather "
        "node. Name:'ga' Status Message: indices element out of data bounds, idx=5 must be within the "
        "inclusive range [-2,1]"
    )


def test_after_an_error_everything_goes_on() -> None:
    nodes, inputs, feed = RUNTIME["indices"]
    gather, other = session(model(nodes, inputs, ["y"]), threads=2), session(GEMM, threads=2)
    good = {**feed, "i": np.array([1, 0])}
    for _ in range(3):
        with pytest.raises(errors.InvalidArgument):
            gather.run(None, feed)
        np.testing.assert_array_equal(gather.run(None, good)[0], feed["a"][[1, 0]])
        np.testing.assert_array_equal(other.run(None, {"x": X, "b": B})[0], np.full((2, 3), 4, np.float32))


def test_a_provider_that_is_not_there() -> None:
    with pytest.raises(errors.EPFail, match="CUDAExecutionProvider not available"):
        jitrt.InferenceSession(GEMM, providers=["CUDAExecutionProvider"])
    with pytest.warns(UserWarning, match="CUDAExecutionProvider not available; the session runs on CPU"):
        both = jitrt.InferenceSession(GEMM, providers=["CUDAExecutionProvider", "CPUExecutionProvider"])
    assert both.get_providers() == ["CPUExecutionProvider"]


def test_strings_are_not_numbers() -> None:
    source = model([node("Identity", ["x"], ["y"])], {"x": (STRING, ["n"])}, ["y"])
    with pytest.raises(
        errors.InvalidArgument, match=r"Actual: \(tensor\(float\)\) , expected: \(tensor\(string\)\)"
    ):
        session(source).run(None, {"x": random(3)})


KERNEL = {"w": random(8, 4, 5)}
# name -> (node, constants, a length of x that is long enough, lengths that are not)
SHORT: dict[str, tuple[Any, dict[str, Any], int, list[int]]] = {
    "Conv": (node("Conv", ["x", "w"], ["y"], "it", strides=[3]), KERNEL, 5, [4, 1, 0]),
    "padded Conv": (node("Conv", ["x", "w"], ["y"], "it", pads=[1, 1]), KERNEL, 3, [2, 1]),
    "ConvTranspose": (
        node("ConvTranspose", ["x", "w"], ["y"], "it", pads=[3, 3]),
        {"w": random(4, 2, 3)},
        5,
        [4, 1],
    ),
    "MaxPool": (node("MaxPool", ["x"], ["y"], "it", kernel_shape=[5]), {}, 4, [3, 1]),
    "AveragePool": (node("AveragePool", ["x"], ["y"], "it", kernel_shape=[5]), {}, 4, [3, 1]),
    "Pad": (node("Pad", ["x", "pads"], ["y"], "it"), {"pads": np.array([0, 0, -3, 0, 0, -3])}, 6, [5, 1]),
}


@pytest.mark.parametrize("first", [False, True], ids=["later call", "first call"])
@pytest.mark.parametrize("name", SHORT)
def test_inputs_that_are_too_short(name: str, first: bool) -> None:
    """The errors are onnxruntime's, but for messages that are a place in its source; then all goes on."""
    pytest.importorskip("onnxruntime")
    step, constants, enough, short = SHORT[name]
    after = node("CumSum", ["y", "axis"], ["z"])
    source = model([step, after], {"x": [1, 4, "n"]}, ["z"], {**constants, "axis": np.int64(2)})
    ours, theirs = session(source), reference(source)
    long = {"x": random(1, 4, enough)}
    for n in short:
        if not first:
            np.testing.assert_allclose(
                ours.run(None, long)[0], theirs.run(None, long)[0], rtol=2e-5, atol=1e-5
            )
        feed = {"x": random(1, 4, n)}
        got, wanted = outcome(partial(ours.run, None, feed)), outcome(partial(theirs.run, None, feed))
        if "/onnxruntime_src/" in wanted[1]:
            where = "Non-zero status code returned while running"
            assert (got[0], got[1].partition(where)[0]) == (wanted[0], wanted[1].partition(where)[0])
            assert name == "Pad" or f"{where} {name} node. Name:'it' Status Message: windows" in got[1]
        else:
            assert got == wanted
    np.testing.assert_allclose(ours.run(None, long)[0], theirs.run(None, long)[0], rtol=2e-5, atol=1e-5)
