"""Function bodies of ONNX's schemas against onnx.reference on the operator itself."""

import numpy as np
import pytest
from onnx import defs, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from jitrt.functions import function_body
from jitrt.graph import Graph, Node
from jitrt.types import TensorType

F32 = np.dtype(np.float32)
X = np.linspace(-3, 3, 24, dtype=np.float32).reshape(2, 3, 4)


def run(nodes, feeds, outputs, opset):
    protos = []
    for n in nodes:
        values = n.attributes.items()
        attributes = {k: numpy_helper.from_array(v) if isinstance(v, np.ndarray) else v for k, v in values}
        protos.append(helper.make_node(n.op_type, n.inputs, n.outputs, domain=n.domain, **attributes))
    info = helper.make_empty_tensor_value_info
    graph = helper.make_graph(protos, "g", [info(name) for name in feeds], [info(name) for name in outputs])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    return ReferenceEvaluator(model).run(None, feeds)


@pytest.mark.parametrize(
    ("op_type", "version", "attributes", "inputs"),
    [
        ("Relu", 18, {}, [X]),
        ("Celu", 12, {"alpha": 2.0}, [X]),
        ("Elu", 20, {"alpha": 0.5}, [X]),
        ("Gelu", 20, {"approximate": "tanh"}, [X]),
        ("Softmax", 17, {"axis": 1}, [X]),
        ("LayerNormalization", 17, {"axis": -1, "epsilon": 1e-3}, [X, X[0, 0], X[0, 1]]),
        ("Clip", 13, {}, [X, None, np.float32(1)]),
        ("CastLike", 19, {}, [X, np.int64(0)]),
        ("MeanVarianceNormalization", 13, {"axes": [0, 2]}, [X]),
        ("ReduceLogSumExp", 18, {"keepdims": 0}, [X, np.int64([1])]),
        ("HammingWindow", 17, {"periodic": 0}, [np.int64(6)]),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_bodies_compute_the_operator(op_type, version, attributes, inputs):
    names = [f"in{i}" if a is not None else "" for i, a in enumerate(inputs)]
    node = Node(op_type, names, ["y"], attributes, version=version)
    body = function_body(node, [None if a is None else np.asarray(a).dtype for a in inputs])
    assert op_type not in {n.op_type for n in body}
    feeds = {n: np.asarray(a) for n, a in zip(names, inputs, strict=True) if n}
    opset = max(n.version for n in body)
    ours, expected = run(body, feeds, ["y"], opset), run([node], feeds, ["y"], version)
    np.testing.assert_allclose(ours[0], expected[0], rtol=1e-4, atol=1e-5)
    assert ours[0].dtype == expected[0].dtype


def test_names_come_from_the_node_s_outputs():
    bodies = [function_body(Node("Celu", ["x"], [y], version=17), [F32]) for y in ("p", "q")]
    names = [{o for n in body for o in n.outputs} for body in bodies]
    assert not names[0] & names[1]
    assert all(name.startswith("p") for name in names[0])


def test_an_unused_output_gets_a_name():
    body = function_body(Node("DynamicQuantizeLinear", ["x"], ["y", "", "zero"], version=17), [F32])
    assert {"y", "zero"} <= {o for n in body for o in n.outputs}
    assert all(o for n in body for o in n.outputs)


@pytest.mark.parametrize(
    "node",
    [
        Node("Conv", ["x", "w"], ["y"], version=17),
        Node("Frobnicate", ["x"], ["y"], version=17),
        Node("Relu", ["x"], ["y"], version=0),
        Node("Gelu", ["x"], ["y"], version=17),
        Node("Gelu", ["x"], ["y"], domain="com.microsoft"),
        Node("SequenceMap", ["x"], ["y"], {"body": Graph("b", [], [], [])}, version=17),
    ],
    ids=str,
)
def test_no_body(node):
    assert function_body(node, [F32] * len(node.inputs)) is None


# these take graphs, or need the inputs' shapes
SPECIAL = {"SequenceMap", "FlexAttention", "CausalConvWithState", "RotaryEmbedding"}


def test_a_body_that_needs_a_rank():
    node = Node("RotaryEmbedding", ["x", "cos", "sin"], ["y"], version=23)
    assert function_body(node, [F32] * 3) is None
    assert function_body(node, [TensorType(F32, (1, 2, 3, 4)), F32, F32])


def test_every_body_of_onnx_can_be_read():
    schemas = [s for s in defs.get_all_schemas_with_history() if s.name not in SPECIAL]
    schemas = [s for s in schemas if s.has_function or s.has_context_dependent_function]
    assert len(schemas) > 50
    for schema in schemas:
        inputs = [f"x{i}" for i in range(schema.min_input)]
        outputs = [f"y{i}" for i in range(schema.min_output)]
        node = Node(schema.name, inputs, outputs, version=schema.since_version)
        for name, attribute in schema.attributes.items():
            if attribute.required:
                node.attributes[name] = 1 if attribute.type == defs.OpSchema.AttrType.INT else "sum"
        body = function_body(node, [F32] * len(inputs))
        assert body, schema.name
        assert set(node.outputs) <= {o for n in body for o in n.outputs}, schema.name
