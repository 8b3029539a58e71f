"""Loop and Scan, in models that onnx.reference runs too."""

import numpy as np
import pytest
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

import jitrt

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
info, node = helper.make_tensor_value_info, helper.make_node


def check(nodes, inputs, outputs, feed, opset=16):
    graph = helper.make_graph(nodes, "g", inputs, [info(n, t, None) for n, t in outputs])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    expected = ReferenceEvaluator(model).run(None, feed)
    got = jitrt.InferenceSession(model.SerializeToString()).run(None, feed)
    for mine, theirs in zip(got, expected, strict=True):
        assert mine.dtype == np.asarray(theirs).dtype
        np.testing.assert_allclose(mine, theirs, rtol=1e-6)


def counting_body():
    """state <- state * 2 + outer; goes on while its sum is below 100; scans the state."""
    return helper.make_graph(
        [
            node("Add", ["state", "state"], ["doubled"]),
            node("Add", ["doubled", "outer"], ["next"]),
            node("ReduceSum", ["next"], ["total"], keepdims=0),
            node("Constant", [], ["limit"], value_float=100.0),
            node("Less", ["total", "limit"], ["again"]),
            node("Identity", ["next"], ["scanned"]),
        ],
        "body",
        [info("i", INT64, []), info("going", BOOL, []), info("state", FLOAT, [2])],
        [info("again", BOOL, []), info("next", FLOAT, [2]), info("scanned", FLOAT, [2])],
    )


@pytest.mark.parametrize("trips", [1, 3, 50])
def test_loop(trips):
    feed = {
        "m": np.array(trips),
        "c": np.array(True),
        "x": np.array([1, 2], np.float32),
        "outer": np.array([0.5, 1], np.float32),
    }
    inputs = [info("m", INT64, []), info("c", BOOL, []), info("x", FLOAT, [2]), info("outer", FLOAT, [2])]
    loop = node("Loop", ["m", "c", "x"], ["last", "all"], body=counting_body())
    check([loop, node("Neg", ["all"], ["y"])], inputs, [("last", FLOAT), ("y", FLOAT)], feed)


def test_loop_without_a_trip_count():
    feed = {"c": np.array(True), "x": np.array([1, 2], np.float32), "outer": np.array([0.5, 1], np.float32)}
    inputs = [info("c", BOOL, []), info("x", FLOAT, [2]), info("outer", FLOAT, [2])]
    check(
        [node("Loop", ["", "c", "x"], ["last", "all"], body=counting_body())],
        inputs,
        [("last", FLOAT), ("all", FLOAT)],
        feed,
    )


def test_loop_that_does_not_start_keeps_its_state():
    loop = node("Loop", ["m", "", "x"], ["last", "all"], body=counting_body())
    inputs = [info("m", INT64, []), info("x", FLOAT, [2]), info("outer", FLOAT, [2])]
    graph = helper.make_graph([loop], "g", inputs, [info("last", FLOAT, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)
    x = np.array([3, 4], np.float32)
    session = jitrt.InferenceSession(model.SerializeToString())
    np.testing.assert_array_equal(session.run(None, {"m": np.array(0), "x": x, "outer": x})[0], x)


def scan_body():
    """sum <- sum + a * b; scans the product."""
    return helper.make_graph(
        [node("Mul", ["a", "b"], ["product"]), node("Add", ["sum", "product"], ["next"])],
        "body",
        [info("sum", FLOAT, [2]), info("a", FLOAT, [2]), info("b", FLOAT, [2])],
        [info("next", FLOAT, [2]), info("product", FLOAT, [2])],
    )


@pytest.mark.parametrize("directions", [[0, 0], [1, 0]])
@pytest.mark.parametrize("backward", [0, 1])
def test_scan(directions, backward):
    rng = np.random.default_rng(0)
    feed = {
        "s": np.zeros(2, np.float32),
        "a": rng.standard_normal((5, 2)).astype(np.float32),
        "b": rng.standard_normal((5, 2)).astype(np.float32),
    }
    inputs = [info("s", FLOAT, [2]), info("a", FLOAT, [5, 2]), info("b", FLOAT, [5, 2])]
    scan = node(
        "Scan",
        ["s", "a", "b"],
        ["last", "all"],
        body=scan_body(),
        num_scan_inputs=2,
        scan_input_directions=directions,
        scan_output_directions=[backward],
    )
    graph = helper.make_graph([scan], "g", inputs, [info("last", FLOAT, None), info("all", FLOAT, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)
    last, products = jitrt.InferenceSession(model.SerializeToString()).run(None, feed)
    a = feed["a"][::-1] if directions[0] else feed["a"]
    expected = a * feed["b"]
    np.testing.assert_allclose(last, expected.sum(0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(products, expected[::-1] if backward else expected, rtol=1e-6)


def test_scan_along_other_axes():
    feed = {
        "s": np.zeros(2, np.float32),
        "a": np.arange(8, dtype=np.float32).reshape(2, 4),
        "b": np.ones((4, 2), np.float32),
    }
    inputs = [info("s", FLOAT, [2]), info("a", FLOAT, [2, 4]), info("b", FLOAT, [4, 2])]
    scan = node(
        "Scan",
        ["s", "a", "b"],
        ["last", "all"],
        body=scan_body(),
        num_scan_inputs=2,
        scan_input_axes=[1, 0],
        scan_output_axes=[1],
    )
    graph = helper.make_graph([scan], "g", inputs, [info("last", FLOAT, None), info("all", FLOAT, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)
    last, products = jitrt.InferenceSession(model.SerializeToString()).run(None, feed)
    np.testing.assert_array_equal(last, feed["a"].sum(1))
    np.testing.assert_array_equal(products, feed["a"])


def test_scan_8_over_a_batch():
    feed = {
        "lengths": np.array([3, 1]),
        "s": np.zeros((2, 2), np.float32),
        "a": np.arange(12, dtype=np.float32).reshape(2, 3, 2),
        "b": np.ones((2, 3, 2), np.float32),
    }
    inputs = [
        info("lengths", INT64, [2]),
        info("s", FLOAT, [2, 2]),
        info("a", FLOAT, [2, 3, 2]),
        info("b", FLOAT, [2, 3, 2]),
    ]
    scan = node("Scan", ["lengths", "s", "a", "b"], ["last", "all"], body=scan_body(), num_scan_inputs=2)
    graph = helper.make_graph([scan], "g", inputs, [info("last", FLOAT, None), info("all", FLOAT, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 8)], ir_version=8)
    last, products = jitrt.InferenceSession(model.SerializeToString()).run(None, feed)
    np.testing.assert_array_equal(last, [feed["a"][0].sum(0), feed["a"][1, 0]])
    np.testing.assert_array_equal(products[1], [[6, 7], [0, 0], [0, 0]])
