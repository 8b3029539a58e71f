"""What is wrong with a model: classes and messages, those of onnxruntime where it is installed."""

import inspect
import re

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx_models import FLOAT, body, function, info, model, node, tensor
from onnxruntime_errors import assert_like_onnxruntime, onnxruntime_outcome, outcome

from jitrt import errors
from jitrt.load import load
from jitrt.load_operators import check_operators


def branches(branch):
    inputs = [info("x", FLOAT, [3]), info("c", TensorProto.BOOL, [])]
    return model([node("If", ["c"], ["y"], "if", then_branch=branch, else_branch=branch)], inputs)


def changed(proto, **fields):
    """The model with fields cleared (None) or set."""
    for name, value in fields.items():
        proto.ClearField(name)
        if value is not None:
            setattr(proto, name, value)
    return proto


def with_weight(**fields):
    weight = TensorProto(name="w", data_type=FLOAT, dims=[3], raw_data=np.ones(3, np.float32).tobytes())
    for name, value in fields.items():
        weight.ClearField(name)
        if isinstance(value, list):
            getattr(weight, name).extend(value)
        elif value is not None:
            setattr(weight, name, value)
    return model([node("Add", ["x", "w"], ["y"])], initializers=[weight])


def untyped(proto, what):
    getattr(proto.graph, what)[0].ClearField("type")
    return proto


def element_type(code):
    proto = model([node("Relu", ["x"], ["y"])])
    proto.graph.input[0].type.tensor_type.elem_type = code
    return proto


UNTYPED = onnx.AttributeProto(name="alpha", f=0.5)


def attribute_of_no_type():
    operator = node("LeakyRelu", ["x"], ["y"])
    operator.attribute.append(UNTYPED)
    return model([operator])


def attribute_twice():
    operator = node("LeakyRelu", ["x"], ["y"], alpha=1.0)
    operator.attribute.append(helper.make_attribute("alpha", 0.5))
    return model([operator])


RELU = node("Relu", ["x"], ["y"])
TWO = tensor("w", np.ones(3, np.float32))
SPARSE = helper.make_sparse_tensor(tensor("w", np.float32([5, 6])), tensor("", np.int64([0, 7])), [3])
CALL = node("F", ["x"], ["y"], "call", domain="my")
SELF = function("F", ["a"], ["b"], [node("F", ["a"], ["b"], domain="my")], domains=["my"])

# name -> (model, expected class)
CASES = {
    "no opset": (changed(model([RELU]), opset_import=None), "Fail"),
    "opset too new": (model([RELU], opset=99), "Fail"),
    "contrib opset": (model([RELU], domains=["com.microsoft"]), "no error"),
    "ir too new": (model([RELU], ir=99), "Fail"),
    "no ir version": (changed(model([RELU]), ir_version=None), "Fail"),
    "ir version 0": (model([RELU], ir=0), "no error"),
    "unknown operator": (model([node("Frobnicate", ["x", "", "x"], ["y", "z"], "n")]), "InvalidGraph"),
    "operator of a later opset": (model([node("Gelu", ["x"], ["y"], "n")]), "InvalidGraph"),
    "opset 0": (model([RELU], opset=0), "InvalidGraph"),
    "deprecated operator": (model([node("Upsample", ["x", "x"], ["y"])]), "InvalidGraph"),
    "unknown domain": (model([node("Foo", ["x"], ["y"], domain="my.dom")], domains=["my.dom"]), "Fail"),
    "domain without opset": (model([node("Foo", ["x"], ["y"], domain="my.dom")]), "InvalidGraph"),
    "unknown contrib operator": (model([node("Foo", ["x"], ["y"], domain="com.microsoft")]), "Fail"),
    "unnamed operator": (model([node("", ["x"], ["y"])]), "InvalidGraph"),
    "no kernel": (
        model(
            [node("Max", ["x"], ["y"], "mx")],
            [info("x", TensorProto.UINT16, [3])],
            [info("y", TensorProto.UINT16, None)],
        ),
        "NotImplemented",
    ),
    "missing attribute": (model([node("Concat", ["x", "x"], ["y"], "c")]), "InvalidGraph"),
    "unknown attribute": (model([node("Relu", ["x"], ["y"], "r", foo=1)]), "InvalidGraph"),
    "attribute of no type": (attribute_of_no_type(), "InvalidGraph"),
    "attribute twice": (attribute_twice(), "InvalidGraph"),
    "dangling input": (model([node("Add", ["x", "zzz"], ["y"])]), "InvalidArgument"),
    "cycle": (model([node("Add", ["x", "b"], ["y"]), node("Relu", ["y"], ["b"])]), "Fail"),
    "cycle of one": (model([node("Add", ["x", "y"], ["y"])]), "Fail"),
    "duplicate output": (model([RELU, node("Neg", ["x"], ["y"])]), "Fail"),
    "duplicate input": (model([RELU], [info("x", FLOAT, [3])] * 2), "Fail"),
    "duplicate node name": (
        model([node("Relu", ["x"], ["t"], "a"), node("Relu", ["t"], ["y"], "a")]),
        "Fail",
    ),
    "initializer and output": (
        model([node("Relu", ["x"], ["w"]), node("Add", ["x", "w"], ["y"])], initializers=[TWO]),
        "Fail",
    ),
    "input and output": (model([node("Relu", ["x"], ["x"]), RELU]), "Fail"),
    "output not produced": (model([node("Relu", ["x"], ["t"])]), "Fail"),
    "output is an input": (model([RELU], outputs=[info("x", FLOAT, [3])]), "no error"),
    "output is an initializer": (
        model([RELU], outputs=[info("w", FLOAT, [3])], initializers=[TWO]),
        "no error",
    ),
    "input of no type": (untyped(model([RELU]), "input"), "Fail"),
    "output of no type": (untyped(model([RELU]), "output"), "no error"),
    "input of type 0": (element_type(0), "InvalidArgument"),
    "input of type 77": (element_type(77), "InvalidArgument"),
    "initializer of type 0": (with_weight(data_type=0), "Fail"),
    "initializer of type 99": (with_weight(data_type=99), "Fail"),
    "negative dimension": (with_weight(dims=[-3]), "Fail"),
    "short data": (with_weight(raw_data=b"1234"), "Fail"),
    "long data": (with_weight(raw_data=b"1234" * 9), "Fail"),
    "no data": (with_weight(raw_data=None), "Fail"),
    "sparse index": (model([node("Add", ["x", "w"], ["y"])], sparse_initializer=[SPARSE]), "Fail"),
    "constant of no value": (model([node("Constant", [], ["y"], "k")]), "Fail"),
    "dangling in a body": (branches(body([node("Relu", ["nope"], ["t"], "inner")])), "InvalidGraph"),
    "dangling in a body in a body": (
        branches(
            body(
                [
                    node(
                        "If",
                        ["c"],
                        ["t"],
                        "mid",
                        then_branch=body([node("Relu", ["nope"], ["u"])], "u"),
                        else_branch=body([node("Relu", ["x"], ["u"])], "u"),
                    )
                ]
            )
        ),
        "InvalidGraph",
    ),
    "unknown operator in a body": (branches(body([node("Frobnicate", ["x"], ["t"])])), "InvalidGraph"),
    "body's output not produced": (branches(body([RELU], "nope")), "Fail"),
    "duplicate in a body": (branches(body([node("Relu", ["x"], ["t"]), node("Neg", ["x"], ["t"])])), "Fail"),
    "function without opset import": (
        model([CALL], functions=[function("F", ["a"], ["b"], [node("Neg", ["a"], ["b"])])]),
        "InvalidGraph",
    ),
    "recursive function": (model([CALL], functions=[SELF], domains=["my"]), "InvalidGraph"),
    "unknown operator in a function": (
        model(
            [CALL],
            functions=[function("F", ["a"], ["b"], [node("Frobnicate", ["a"], ["b"])])],
            domains=["my"],
        ),
        "InvalidGraph",
    ),
    "dangling in a function": (
        model(
            [CALL], functions=[function("F", ["a"], ["b"], [node("Mul", ["a", "zz"], ["b"])])], domains=["my"]
        ),
        "InvalidArgument",
    ),
    "function twice": (
        model(
            [CALL], functions=[function("F", ["a"], ["b"], [node("Neg", ["a"], ["b"])])] * 2, domains=["my"]
        ),
        "Fail",
    ),
}


def test_a_function_s_default_of_no_type():
    broken = function("F", ["a"], ["b"], [node("Neg", ["a"], ["b"])], defaults=[UNTYPED])
    proto = model([CALL], functions=[broken], domains=["my"])
    assert outcome(proto.SerializeToString())[0] == "InvalidGraph"


@pytest.mark.parametrize(("name", "value"), [("value", 1), ("value_float", "a"), ("value_ints", [0.5])])
def test_a_constant_of_the_wrong_type(name, value):
    proto = model([node("Constant", [], ["y"], "k", **{name: value})])
    assert outcome(proto.SerializeToString()) == ("Fail", "Constant node: k has no data attributes")


@pytest.mark.parametrize("name", CASES)
def test_error_classes(name):
    proto, expected = CASES[name]
    assert outcome(proto.SerializeToString())[0] == expected


@pytest.mark.parametrize("name", CASES)
def test_errors_of_bytes_are_those_of_onnxruntime(name):
    proto, expected = CASES[name]
    assert assert_like_onnxruntime(proto.SerializeToString()) == expected


@pytest.mark.parametrize("name", CASES)
def test_errors_of_files_are_those_of_onnxruntime(name, tmp_path):
    proto, expected = CASES[name]
    path = str(tmp_path / "m.onnx")
    onnx.save(proto, path)
    assert assert_like_onnxruntime(path) == expected


def test_the_place_in_the_file_is_named():
    kind, message = outcome(CASES["unknown operator"][0].SerializeToString())
    assert kind == "InvalidGraph"
    assert message == (
        'This is an invalid model. In Node, ("n", Frobnicate, "", -1) : '
        '("x": tensor(float),"","x": tensor(float),) -> ("y": tensor(float),"z",) , '
        "Error No Op registered for Frobnicate with domain_version of 17"
    )


def test_an_operator_without_a_kernel_says_where_it_belongs():
    message = outcome(CASES["no kernel"][0].SerializeToString())[1]
    assert message.startswith("Could not find an implementation for Max(13) node with name 'mx'")
    assert "ops/" in message


def test_an_operator_without_a_kernel_may_have_a_function_body():
    loaded = load(model([node("Celu", ["x"], ["y"])]).SerializeToString())
    check_operators(loaded, lambda operator: None)


def test_operators_of_other_domains_may_be_known():
    loaded = load(model([node("Foo", ["x"], ["y"], domain="my", a=1)], domains=["my"]).SerializeToString())
    check_operators(loaded, lambda operator: {"a": inspect.Parameter.empty})


@pytest.mark.parametrize(
    ("operator", "fault"),
    [
        (
            node("Relu", ["x", "x"], ["y"], "r"),
            "Node(r) with schema(::Relu:14) has input size 2 not in range [min=1, max=1].",
        ),
        (
            node("Add", ["x"], ["y"], "a"),
            "Node(a) with schema(::Add:14) has input size 1 not in range [min=2, max=2].",
        ),
        (
            node("Relu", ["x"], ["y", "z"], "r"),
            "Node(r) with schema(::Relu:14) has output size 2 not in range [min=1, max=1].",
        ),
        (
            node("Add", ["x", ""], ["y"], "a"),
            "Node (a)'s input 1 is marked single but has an empty string in the graph",
        ),
        (
            node("Concat", ["x"], ["y"], "c", axis=0.5),
            "Mismatched attribute type in 'c : axis'. Expected: 'INT', actual: 'FLOAT'",
        ),
    ],
)
def test_faults_that_only_the_schema_shows(operator, fault):
    proto = model([operator])
    with pytest.raises(errors.InvalidGraph, match=re.escape(fault)):
        check_operators(load(proto.SerializeToString()), lambda operator: None)
    assert fault in onnxruntime_outcome(proto.SerializeToString())[1]
