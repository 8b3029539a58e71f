"""What loading finds out about types and shapes: as onnxruntime, once, and no more than is certain."""

import itertools
import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx.backend.test.case.node import collect_testcases
from onnx_models import FLOAT, body, conditional, function, info, loaded, model, node, tensor

import jitrt
from jitrt.inference import merged
from jitrt.load import load
from jitrt.skeleton import LARGE, skeleton

CASES = [case for case in collect_testcases(None) if case.model is not None]


def described(module, source):
    """Name, type and shape of a session's inputs and outputs, or None where the module refuses the model."""
    try:
        session = module.InferenceSession(source.SerializeToString(), providers=["CPUExecutionProvider"])
    except Exception:
        return None
    return [
        (value.name, value.type, value.shape) for value in (*session.get_inputs(), *session.get_outputs())
    ]


@pytest.mark.parametrize("part", range(4))
def test_models_of_onnx_are_described_as_by_onnxruntime(part):
    """Every ninth of onnx's cases, also without the outputs' shapes, which inference then finds.

    onnxruntime finds more of them: it folds constants and inlines the functions of operators before.
    """
    onnxruntime = pytest.importorskip("onnxruntime")
    onnxruntime.set_default_logger_severity(4)
    compared = found = 0
    for case in CASES[part::36]:
        theirs = described(onnxruntime, case.model)
        if theirs is None:
            continue
        assert described(jitrt, case.model) == theirs, case.name
        source = onnx.ModelProto()
        source.CopyFrom(case.model)
        for value in source.graph.output:
            if value.type.HasField("tensor_type"):
                value.type.tensor_type.ClearField("shape")
        theirs, ours = described(onnxruntime, source), described(jitrt, source)
        assert [value[:2] for value in ours] == [value[:2] for value in theirs], case.name
        for (_, _, shape), (_, _, expected) in zip(ours, theirs, strict=True):
            same = [a == b for a, b in zip(shape, expected, strict=False)]
            assert all(a is None or equal for a, equal in zip(shape, same, strict=True)), case.name
        compared, found = compared + 1, found + (ours == theirs)
    assert compared > 25
    assert found > 0.7 * compared


@pytest.mark.parametrize(
    ("declared", "inferred", "expected"),
    [
        (None, (2, "n"), (2, "n")),
        ((2, "n"), None, (2, "n")),
        (("a", None), ("b", "c"), ("a", "c")),
        (("a", 3), (2, None), (2, 3)),
        ((5, "n"), (2, "n"), (None, "n")),
        ((5, "n"), (2, "m"), (None, None)),
        ((2,), (2, 3), None),
        ((), (), ()),
    ],
)
def test_shapes_that_are_merged(declared, inferred, expected):
    assert merged(declared, inferred) == expected


# what is not certain is no error


def test_operators_that_onnx_does_not_know():
    nodes = [node("FusedGelu", ["x"], ["h"], domain="com.microsoft"), node("Relu", ["h"], ["i"])]
    after = [node("Concat", ["i", "i"], ["y"], axis=0)]
    graph = loaded(model(nodes + after, domains=["com.microsoft"])).graph
    assert [n.op_type for n in graph.nodes] == ["FusedGelu", "Relu", "Concat"]


def test_values_that_are_declared_wrongly_in_bodies():
    wrong = [info("i", FLOAT, [7])]
    then = body([node("Relu", ["x"], ["i"]), node("Neg", ["i"], ["t"])], value_info=wrong)
    loaded(conditional(then, body([node("Neg", ["x"], ["t"])])))


def test_an_equation_that_onnx_never_ends_to_read():
    loaded(model([node("Einsum", ["x"], ["y"], equation="...:i ->...i")]))


def test_calls_of_functions_with_fewer_outputs():
    twice = function("Twice", ["a"], ["b", "c"], [node("Neg", ["a"], ["b"]), node("Neg", ["a"], ["c"])])
    loaded(model([node("Twice", ["x"], ["y"], domain="my")], functions=[twice], domains=["my"]))


def test_dimensions_that_the_caller_fixes():
    options = jitrt.SessionOptions()
    options.add_free_dimension_override_by_name("n", 4)
    source = model([node("Concat", ["x", "x"], ["y"], axis=0)], [info("x", FLOAT, ["n", 2])])
    for given, size in ((options, 8), (None, None)):
        session = jitrt.InferenceSession(source.SerializeToString(), given)
        assert session.get_outputs()[0].shape == [size, 2]


# once, and from what the graph is


def test_a_model_that_was_loaded_before_needs_no_onnx(tmp_path):
    path = tmp_path / "m.onnx"
    onnx.save(model([node("Concat", ["x", "x"], ["y"], axis=0)]), path)
    code = (
        f"import sys, jitrt; s = jitrt.InferenceSession({str(path)!r}); "
        "print('onnx' in sys.modules, s.get_outputs()[0].shape)"
    )
    environment = {"JITRT_CACHE_DIR": str(tmp_path / "cache"), "PATH": "", "PYTHONPATH": ":".join(sys.path)}
    shown = [
        subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True).stdout
        for _ in range(2)
    ]
    assert shown == ["True [6]\n", "False [6]\n"]


def test_a_skeleton_has_the_graph_and_no_weights():
    weight, shape = np.arange(100_000, dtype=np.float32), np.array([-1, 10])
    constant = node("Constant", [], ["c"], value=tensor("", weight))
    then = body([constant, node("Add", ["c", "w"], ["t"])])
    source = conditional(then, body([node("Identity", ["w"], ["t"])]))
    source.graph.initializer.extend([tensor("w", weight), tensor("s", shape)])
    source.graph.initializer.append(TensorProto(name="v", data_type=1, dims=[9000], float_data=[0.5] * 9000))
    kept = onnx.ModelProto.FromString(skeleton(source.SerializeToString()))
    assert len(skeleton(source.SerializeToString())) < LARGE
    assert [(t.name, list(t.dims)) for t in kept.graph.initializer] == [
        (t.name, list(t.dims)) for t in source.graph.initializer
    ]
    by_name = {t.name: t for t in kept.graph.initializer}
    assert onnx.numpy_helper.to_array(by_name["s"]).tolist() == shape.tolist()
    for tensors in (source.graph.initializer, kept.graph.initializer):
        for t in tensors:
            t.ClearField("raw_data")
            t.ClearField("float_data")
    for graph in (source.graph, kept.graph):
        for inner in (n for attribute in graph.node[2].attribute for n in attribute.g.node if n.attribute):
            inner.attribute[0].t.ClearField("raw_data")
    assert kept == source


def test_graphs_that_differ_have_other_skeletons():
    large = np.zeros(5000, np.float32)
    sources = [
        model([node(op, ["x", name], ["y"])], initializers=[tensor("w", value), tensor("v", large)])
        for op, name, value in itertools.product(
            ["Add", "Mul"], ["w", "v"], [large, large[:4500], large.astype(np.float64)]
        )
    ]
    skeletons = [skeleton(source.SerializeToString()) for source in sources]
    assert len(set(skeletons)) == len(sources)
    other = model([node("Add", ["x", "w"], ["y"])], initializers=[tensor("w", large + 1), tensor("v", large)])
    assert skeleton(other.SerializeToString()) == skeletons[0]


def test_attributes_of_many_numbers_stay():
    """Numbers of an attribute may be a field each."""
    attribute = helper.make_attribute("values", [0.5] * 500_000)
    source = model([node("Foo", ["x"], ["y"], domain="my")], domains=["my"])
    source.graph.node[0].attribute.append(attribute)
    content = source.SerializeToString()
    assert onnx.ModelProto.FromString(skeleton(content)) == source


def test_bytes_that_only_one_parser_reads(tmp_path):
    """A name that is not UTF-8: Google's parser refuses it, and nothing is inferred."""
    content = model([node("Relu", ["x"], ["y"], "name")]).SerializeToString()
    assert load(content.replace(b"name", b"\xff\xfeme")).graph.nodes[0].op_type == "Relu"


def test_what_onnx_does_not_know_is_no_fault():
    """Of GroupNormalization it has no type, and takes the Scan over its output to be wrong."""
    sums = helper.make_graph(
        [helper.make_node("Add", ["s", "e"], ["a"]), helper.make_node("Identity", ["a"], ["o"])],
        "body",
        [info("s", FLOAT, [2, 3]), info("e", FLOAT, [2, 3])],
        [info("a", FLOAT, [2, 3]), info("o", FLOAT, [2, 3])],
    )
    nodes = [
        helper.make_node("GroupNormalization", ["x", "one", "zero"], ["n"], num_groups=2),
        helper.make_node("Scan", ["start", "n"], ["last", "y"], body=sums, num_scan_inputs=1),
    ]
    weights = [tensor("one", np.ones(2, np.float32)), tensor("zero", np.zeros(2, np.float32))]
    inputs = [info("start", FLOAT, [2, 3]), info("x", FLOAT, ["n", 2, 3])]
    graph = helper.make_graph(nodes, "g", inputs, [info("y", FLOAT, None)], weights)
    source = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    x = np.arange(24, dtype=np.float32).reshape(4, 2, 3) ** 2
    feeds = {"start": np.zeros((2, 3), np.float32), "x": x}
    (found,) = jitrt.InferenceSession(source.SerializeToString()).run(None, feeds)
    centred = x.astype(np.float64) - x.mean(-1, keepdims=True, dtype=np.float64)
    expected = np.cumsum(centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5), 0)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
