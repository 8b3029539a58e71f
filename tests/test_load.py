"""Loaded graphs: what they hold, and that they compute what onnx.reference computes on the file."""

import gc
from pathlib import PurePath

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_models import (
    FLOAT,
    X,
    assert_same,
    body,
    conditional,
    defined_names,
    evaluate,
    info,
    loaded,
    model,
    node,
    tensor,
)

from jitrt import load as load_module
from jitrt.load import load
from jitrt.types import TensorType, to_onnx

# sources


def test_path_string_and_bytes(tmp_path):
    proto = model([node("Relu", ["x"], ["y"])])
    path = tmp_path / "m.onnx"
    onnx.save(proto, path)
    for source, name in ((path, str(path)), (str(path), str(path)), (proto.SerializeToString(), "")):
        result = load(source)
        assert [str(n) for n in result.graph.nodes] == ['Relu "y"']
        assert result.path == name


@pytest.mark.parametrize(
    "source", [model([]), bytearray(b""), 3, None, b"".join], ids=lambda s: type(s).__name__
)
def test_other_sources_are_type_errors(source):
    with pytest.raises(TypeError, match="Unable to load from type"):
        load(source)


def test_weights_outlive_the_file(tmp_path):
    weight = np.arange(10000, dtype=np.float32)
    path = tmp_path / "m.onnx"
    onnx.save(model([node("Neg", ["w"], ["y"])], initializers=[tensor("w", weight)]), path)
    constants = load(path).graph.constants
    gc.collect()
    path.unlink()
    np.testing.assert_array_equal(constants["w"], weight)
    assert not constants["w"].flags.owndata


def test_limits_are_those_of_the_installed_onnx():
    assert load_module.NEWEST_IR_VERSION == onnx.IR_VERSION
    for domain, (_, newest) in onnx.defs.C.schema_version_map().items():
        assert load_module.NEWEST_OPSETS[domain] == newest


# metadata and types


def test_metadata():
    proto = model([node("Relu", ["x"], ["y"])])
    proto.producer_name, proto.producer_version, proto.domain = "p", "3", "d"
    proto.model_version, proto.doc_string, proto.graph.doc_string = 7, "model é", "graph"
    helper.set_model_props(proto, {"a": "1", "b": ""})
    assert loaded(proto).metadata == {
        "producer_name": "p",
        "producer_version": "3",
        "domain": "d",
        "description": "model é",
        "graph_name": "g",
        "graph_description": "graph",
        "version": 7,
        "custom_metadata_map": {"a": "1", "b": ""},
    }


def test_metadata_is_that_of_onnxruntime():
    onnxruntime = pytest.importorskip("onnxruntime")
    proto = model([node("Relu", ["x"], ["y"])])
    theirs = onnxruntime.InferenceSession(proto.SerializeToString()).get_modelmeta()
    ours = loaded(proto).metadata
    assert {k: ours[k] for k in dir(theirs) if k[0] != "_"} == {
        k: getattr(theirs, k) for k in dir(theirs) if k[0] != "_"
    }


def test_types_of_inputs_and_outputs():
    sequence, optional = helper.make_sequence_type_proto, helper.make_optional_type_proto
    number = helper.make_tensor_type_proto(FLOAT, [2, "n", None])
    unranked = helper.make_tensor_type_proto(TensorProto.STRING, None)
    mapping = helper.make_map_type_proto(TensorProto.INT64, helper.make_tensor_type_proto(FLOAT, []))
    negative = helper.make_tensor_type_proto(TensorProto.INT4, [-1, 0])
    kinds = {
        "number": (number, TensorType(np.dtype(np.float32), (2, "n", None))),
        "unranked": (unranked, TensorType(np.dtype(object), None)),
        "negative": (negative, TensorType(np.dtype("int4"), (None, 0))),
        "sequence": (sequence(number), "seq(tensor(float))"),
        "optional": (optional(sequence(number)), "optional(seq(tensor(float)))"),
        "maps": (sequence(mapping), "seq(map(int64,tensor(float)))"),
        "sparse": (helper.make_sparse_tensor_type_proto(FLOAT, [2]), "sparse_tensor(float)"),
    }
    inputs = [helper.make_value_info(name, proto) for name, (proto, _) in kinds.items()]
    graph = loaded(
        model([node("Identity", ["number"], ["y"])], inputs, [helper.make_empty_tensor_value_info("y")])
    ).graph
    declared = {name: kind for name, (_, kind) in kinds.items()}
    assert graph.types == {**declared, "y": declared["number"]}


# attributes and constants


def test_attributes_are_plain_values():
    kind = helper.make_sequence_type_proto(helper.make_tensor_type_proto(FLOAT, None))
    given = {
        "i": 3,
        "f": 0.1,
        "s": "é",
        "raw": b"\xff",
        "ints": [1, -2],
        "floats": [0.5],
        "strings": ["a", "b"],
        "none": helper.make_attribute("none", [], attr_type=onnx.AttributeProto.INTS),
        "t": tensor("", [1, 2]),
        "tensors": [tensor("", 1.0)],
        "type": kind,
        "types": [kind],
        "long": list(range(5000)),
    }
    none = given.pop("none")
    operator = node("Foo", ["x"], ["y"], **given)
    operator.attribute.append(none)
    values = loaded(model([operator])).graph.nodes[0].attributes
    assert values.pop("f") == np.float32(0.1)
    assert values.pop("t").tolist() == [1, 2]
    assert [t.tolist() for t in values.pop("tensors")] == [1.0]
    assert values.pop("long").tolist() == given["long"]
    expected = {k: given[k] for k in ("i", "s", "raw", "ints", "floats", "strings")}
    text = "seq(tensor(float))"
    assert values == {**expected, "none": [], "type": text, "types": [text]}


@pytest.mark.parametrize(
    ("form", "value", "expected"),
    [
        ("value", tensor("", np.int8([[1]])), np.int8([[1]])),
        ("value_float", 0.5, np.float32(0.5)),
        ("value_floats", [0.5, 1], np.float32([0.5, 1])),
        ("value_int", 3, np.int64(3)),
        ("value_ints", [], np.int64([])),
        ("value_ints", list(range(3000)), np.arange(3000)),
        ("value_string", "é", np.array("é", object)),
        ("value_strings", ["a", ""], np.array(["a", ""], object)),
        (
            "sparse_value",
            helper.make_sparse_tensor(tensor("", np.float32([5])), tensor("", np.int64([2])), [3]),
            np.float32([0, 0, 5]),
        ),
    ],
)
def test_constant_nodes_become_constants(form, value, expected):
    kind = onnx.AttributeProto.INTS if value == [] else None
    operator = node("Constant", [], ["y"])
    operator.attribute.append(helper.make_attribute(form, value, attr_type=kind))
    graph = loaded(model([operator])).graph
    assert not graph.nodes
    assert graph.constants["y"].dtype == expected.dtype
    assert graph.constants["y"].shape == expected.shape
    np.testing.assert_array_equal(graph.constants["y"], expected)


def test_sparse_initializers_are_dense_constants():
    entry = helper.make_sparse_tensor(tensor("w", np.float32([5, 6])), tensor("", np.int64([0, 2])), [3])
    graph = loaded(model([node("Add", ["x", "w"], ["y"])], sparse_initializer=[entry])).graph
    assert graph.constants["w"].tolist() == [5, 0, 6]


@pytest.mark.parametrize(("ir", "overridable"), [(3, []), (4, ["w"])])
def test_initializers_that_are_inputs_are_defaults_from_ir_version_4(ir, overridable):
    inputs = [info("x", FLOAT, [3]), info("w", FLOAT, [3])]
    result = loaded(model([node("Add", ["x", "w"], ["y"])], inputs, initializers=[tensor("w", X)], ir=ir))
    assert result.graph.inputs == ["x"]
    assert result.overridable == overridable
    assert result.graph.types["w"] == TensorType(np.dtype(np.float32), (3,))
    np.testing.assert_array_equal(result.graph.constants["w"], X)


# versions


def test_nodes_have_the_version_that_the_model_imports():
    nodes = [node("Relu", ["x"], ["a"], domain="ai.onnx"), node("Foo", ["a"], ["b"], domain="my")]
    nodes += [
        node("Scaler", ["b"], ["c"], domain="ai.onnx.ml"),
        node("Gelu", ["c"], ["y"], domain="com.microsoft"),
    ]
    graph = loaded(model(nodes, opset=11, domains=["my"])).graph
    assert [(n.domain, n.version) for n in graph.nodes] == [
        ("", 11),
        ("my", 1),
        ("ai.onnx.ml", load_module.NEWEST_OPSETS["ai.onnx.ml"]),
        ("com.microsoft", 1),
    ]


# order and names


def test_nodes_are_sorted_and_keep_their_order_otherwise():
    nodes = [
        node("Add", ["b", "c"], ["y"]),
        node("Relu", ["a"], ["c"]),
        node("Neg", ["x"], ["a"]),
        node("Abs", ["x"], ["b"]),
    ]
    assert [n.op_type for n in loaded(model(nodes)).graph.nodes] == ["Neg", "Relu", "Abs", "Add"]
    result = evaluate(loaded(model(nodes)).graph, X)
    np.testing.assert_array_equal(result[0], np.abs(X) + np.maximum(-X, 0))


def test_names_may_hold_any_character():
    names = ["a/b:0 é\n", '"quoted"', "漢字", "%#{}", "0"]
    steps = [node("Neg", [a], [b]) for a, b in zip(["x", *names], [*names, "y"], strict=False)]
    assert loaded(model(steps)).graph.nodes[-1].inputs == ["0"]
    assert_same(model(steps), X)


def test_absent_inputs_and_outputs_stay_empty():
    nodes = [node("Clip", ["x", "", "hi"], ["a"]), node("Dropout", ["a"], ["y", ""])]
    graph = loaded(model(nodes, initializers=[tensor("hi", np.float32(1))])).graph
    assert graph.nodes[0].inputs == ["x", "", "hi"]
    assert graph.nodes[1].outputs == ["y", ""]


# bodies


@pytest.mark.parametrize("sign", [1, -1])
def test_bodies_read_names_around_them_and_later_ones(sign):
    then = body([node("Add", ["x", "later"], ["t"])], "t")
    other = body([node("Sub", ["x", "w"], ["t"])], "t", initializer=[tensor("w", np.float32([1, 2, 3]))])
    proto = conditional(then, other, [node("Neg", ["x"], ["later"])])
    proto.graph.node.insert(0, proto.graph.node.pop())  # onnx.reference needs the order
    assert_same(proto, sign * X)
    proto.graph.node.append(proto.graph.node.pop(0))
    graph = loaded(proto).graph
    assert [n.op_type for n in graph.nodes].index("Neg") < [n.op_type for n in graph.nodes].index("If")
    assert [n.attributes["then_branch"].outer_names() for n in graph.nodes if n.op_type == "If"] == [
        {"x", "later"}
    ]


def test_no_name_is_defined_twice_in_a_model():
    def nested(depth):
        inner = [node("Neg", ["x"], ["x1"]), node("Abs", ["x1"], ["y"])]
        if depth:
            inner = [node("If", ["c"], ["y"], then_branch=nested(depth - 1), else_branch=nested(depth - 1))]
        return body([node("Constant", [], ["k"], value_float=1.0), *inner], "y")

    proto = conditional(nested(2), nested(1), [node("Neg", ["branch"], ["y"])], output="branch")
    graph = loaded(proto).graph
    names = defined_names(graph)
    assert len(names) == len(set(names))
    for sign in (1, -1):
        np.testing.assert_array_equal(evaluate(graph, sign * X)[0], -np.abs(X))


def test_a_body_may_hide_a_name():
    hide = body([node("Neg", ["sum"], ["x"]), node("Add", ["x", "x"], ["t"])], "t")
    graph = loaded(conditional(hide, hide)).graph
    np.testing.assert_array_equal(evaluate(graph, X)[0], np.float32(4))


def test_loops():
    proto = model(
        [node("Loop", ["n", "go", "x"], ["y", "all"], body=loop_body())],
        outputs=[info("y", FLOAT, None), info("all", FLOAT, None)],
        initializers=[
            tensor("n", np.int64(3)),
            tensor("go", np.array(True)),
            tensor("w", np.float32([1, 2, 3])),
        ],
    )
    result = assert_same(proto, X)
    np.testing.assert_array_equal(result[0], X + 3 * np.float32([1, 2, 3]))


def loop_body():
    inputs = [info("i", TensorProto.INT64, []), info("now", TensorProto.BOOL, []), info("x_in", FLOAT, None)]
    outputs = [info("again", TensorProto.BOOL, []), info("x_out", FLOAT, None), info("scan", FLOAT, None)]
    nodes = [
        node("Identity", ["now"], ["again"]),
        node("Add", ["x_in", "w"], ["x_out"]),
        node("Neg", ["x_out"], ["scan"]),
    ]
    return helper.make_graph(nodes, "body", inputs, outputs)


# real files


def corpus():
    """Models that onnx brings with its backend tests."""
    from onnx.backend.test.loader import load_model_tests

    return [case for kind in ("simple", "pytorch-operator") for case in load_model_tests(kind=kind)]


@pytest.mark.parametrize("case", corpus(), ids=lambda c: c.name)
def test_files_of_onnx(case):
    path = PurePath(case.model_dir) / "model.onnx"
    theirs = onnx.load(path)
    result = load(path)
    initializers = {t.name for t in theirs.graph.initializer}
    assert result.graph.inputs == [i.name for i in theirs.graph.input if i.name not in initializers]
    assert result.graph.outputs == [o.name for o in theirs.graph.output]
    for initializer in theirs.graph.initializer:
        np.testing.assert_array_equal(
            result.graph.constants[initializer.name], numpy_helper.to_array(initializer)
        )
    for value in (*theirs.graph.input, *theirs.graph.output):
        if value.type.HasField("tensor_type"):
            assert to_onnx(result.graph.types[value.name].dtype) == value.type.tensor_type.elem_type
