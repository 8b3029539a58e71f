"""Functions of a model, inlined."""

import numpy as np
import onnx
from onnx import helper
from onnx_models import (
    X,
    assert_same,
    body,
    conditional,
    defined_names,
    evaluate,
    function,
    loaded,
    model,
    node,
    tensor,
)

from jitrt.load import load


def referring(operator, name, reference, kind):
    """The node with an attribute that stands for the function's."""
    operator.attribute.append(onnx.AttributeProto(name=name, ref_attr_name=reference, type=kind))
    return operator


SCALE = function(
    "Scale",
    ["a", "b"],
    ["out", "neg"],
    [
        referring(node("Constant", [], ["k"]), "value_float", "factor", onnx.AttributeProto.FLOAT),
        node("Mul", ["a", "k"], ["scaled"]),
        node("Add", ["scaled", "b"], ["out"], "sum"),
        node("Neg", ["out"], ["neg"]),
    ],
    defaults=[helper.make_attribute("factor", 3.0)],
)


def call(name, inputs, outputs, label="", **attributes):
    return node(name, inputs, outputs, label, domain="my", **attributes)


def test_function_calls_are_inlined_with_attributes_and_defaults():
    nodes = [call("Scale", ["x", "x"], ["k"], factor=0.5), call("Scale", ["k", "x"], ["a", "y"], "call")]
    proto = model(nodes, functions=[SCALE], domains=["my"])
    graph = loaded(proto).graph
    assert [n.op_type for n in graph.nodes] == ["Mul", "Add", "Neg"] * 2
    assert graph.nodes[4].name == "call/sum"
    assert len(set(defined_names(graph))) == len(defined_names(graph))
    np.testing.assert_array_equal(evaluate(graph, X)[0], -(3 * (1.5 * X) + X))


def test_functions_call_functions_and_pass_attributes():
    outer = function(
        "Twice",
        ["a"],
        ["b"],
        [
            referring(call("Scale", ["a", "a"], ["t"]), "factor", "f", onnx.AttributeProto.FLOAT),
            referring(call("Scale", ["t", "a"], ["b"]), "factor", "f", onnx.AttributeProto.FLOAT),
        ],
        attributes=["f"],
        domains=["my"],
    )
    proto = model([call("Twice", ["x"], ["y"], f=2.0)], functions=[outer, SCALE], domains=["my"])
    np.testing.assert_array_equal(evaluate(loaded(proto).graph, X)[0], 2 * (2 * X + X) + X)


def test_an_attribute_that_the_call_leaves_out_is_left_out_inside():
    leaky = function(
        "L", ["a"], ["b"], [referring(node("LeakyRelu", ["a"], ["b"]), "alpha", "al", 1)], ["al"]
    )
    graph = loaded(model([call("L", ["x"], ["y"])], functions=[leaky], domains=["my"])).graph
    assert graph.nodes[0].attributes == {}
    graph = loaded(model([call("L", ["x"], ["y"], al=0.5)], functions=[leaky], domains=["my"])).graph
    assert graph.nodes[0].attributes == {"alpha": 0.5}


def test_functions_have_their_own_opsets():
    square = function("Sq", ["a"], ["b"], [node("Mul", ["a", "a"], ["b"])], opset=20)
    nodes = [call("Sq", ["x"], ["t"]), node("Relu", ["t"], ["y"])]
    graph = loaded(model(nodes, functions=[square], domains=["my"])).graph
    assert [(n.op_type, n.version) for n in graph.nodes] == [("Mul", 20), ("Relu", 17)]


def test_absent_arguments_and_unused_results():
    clip = function(
        "C",
        ["a", "lo", "hi"],
        ["b", "c"],
        [node("Clip", ["a", "lo", "hi"], ["b"]), node("Neg", ["b"], ["c"])],
    )
    proto = model(
        [call("C", ["x", "", "h"], ["", "y"])],
        initializers=[tensor("h", np.float32(1))],
        functions=[clip],
        domains=["my"],
    )
    graph = loaded(proto).graph
    assert graph.nodes[0].inputs == ["x", "", "h"]
    np.testing.assert_array_equal(evaluate(graph, X)[0], -np.minimum(X, 1))


def test_a_function_that_returns_its_input_or_one_value_twice():
    twice = function("T", ["a"], ["a", "b", "b"], [node("Neg", ["a"], ["b"])])
    nodes = [call("T", ["x"], ["p", "q", "r"]), node("Sum", ["p", "q", "r"], ["y"])]
    graph = loaded(model(nodes, functions=[twice], domains=["my"])).graph
    np.testing.assert_array_equal(evaluate(graph, X)[0], -X)


def test_bodies_in_functions_see_the_functions_names():
    then = body([node("Mul", ["a", "k"], ["t"])], "t")
    other = body([node("Neg", ["b"], ["t"])], "t")
    choose = function(
        "Choose",
        ["a", "b", "c"],
        ["out"],
        [
            node("Constant", [], ["k"], value_float=10.0),
            node("If", ["c"], ["out"], then_branch=then, else_branch=other),
        ],
    )
    nodes = [call("Choose", ["x", "x", "t"], ["k"]), call("Choose", ["k", "x", "f"], ["y"])]
    flags = [tensor("t", np.array(True)), tensor("f", np.array(False))]
    proto = model(nodes, initializers=flags, functions=[choose], domains=["my"])
    np.testing.assert_array_equal(assert_same(proto, X)[0], -X)


def test_function_calls_in_bodies():
    then = body([call("Scale", ["x", "sum"], ["t"])], "t")
    other = body([call("Scale", ["sum", "x"], ["t"], factor=1.0)], "t")
    proto = conditional(then, other)
    proto.functions.append(SCALE)
    proto.opset_import.append(helper.make_opsetid("my", 1))
    graph = loaded(proto).graph
    np.testing.assert_array_equal(evaluate(graph, -X)[0], 3 * -X + 2)
    np.testing.assert_array_equal(evaluate(graph, X)[0], X - 2)


def test_overloads_and_functions_with_a_kernel():
    one, two = (
        function("F", ["a"], ["b"], [node("Neg", ["a"], ["b"])]),
        function("F", ["a"], ["b"], [node("Abs", ["a"], ["b"])]),
    )
    two.overload = "second"
    calls = [call("F", ["x"], ["t"]), call("F", ["t"], ["y"])]
    calls[1].overload = "second"
    proto = model(calls, functions=[one, two], domains=["my"])
    assert [n.op_type for n in loaded(proto).graph.nodes] == ["Neg", "Abs"]
    kept = load(proto.SerializeToString(), implemented=lambda n: n.op_type == "F")
    assert [n.op_type for n in kept.graph.nodes] == ["F", "F"]
