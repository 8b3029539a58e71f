"""Small models for the tests of the loader."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from jitrt.graph import Graph
from jitrt.load import load

FLOAT = TensorProto.FLOAT
node = helper.make_node
info = helper.make_tensor_value_info
X = np.array([-1, 2, -3], np.float32)


def model(
    nodes, inputs=None, outputs=None, initializers=(), *, opset=17, ir=8, functions=(), domains=(), **more
):
    """A model of x, float[3], to y."""
    inputs = [info("x", FLOAT, [3])] if inputs is None else inputs
    outputs = [info("y", FLOAT, None)] if outputs is None else outputs
    graph = helper.make_graph(nodes, "g", inputs, outputs, list(initializers), **more)
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(d, 1) for d in domains)]
    return helper.make_model(graph, ir_version=ir, opset_imports=opsets, functions=list(functions))


def body(nodes, output="t", **more):
    """A body without inputs."""
    return helper.make_graph(nodes, "body", [], [info(output, FLOAT, None)], **more)


def conditional(then, otherwise, extra=(), output="y"):
    """A model that runs `then` where the sum of x is positive."""
    zero, axes = tensor("zero", np.float32(0)), tensor("axes", np.int64([0]))
    test = [node("ReduceSum", ["x", "axes"], ["sum"], keepdims=0), node("Greater", ["sum", "zero"], ["c"])]
    branch = node("If", ["c"], [output], then_branch=then, else_branch=otherwise)
    return model([*test, branch, *extra], initializers=[zero, axes])


def function(name, inputs, outputs, nodes, attributes=(), defaults=(), opset=17, domains=()):
    """A function of the domain `my`."""
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(d, 1) for d in domains)]
    return helper.make_function(
        "my", name, inputs, outputs, nodes, opsets, list(attributes), attribute_protos=list(defaults)
    )


def tensor(name, value):
    """An array as TensorProto."""
    return numpy_helper.from_array(np.asarray(value), name)


def loaded(proto):
    """The model, loaded from bytes."""
    return load(proto.SerializeToString())


def to_proto(graph):
    """A loaded graph as GraphProto, its types left out."""
    nodes = []
    for n in graph.nodes:
        attributes = {k: to_attribute(v) for k, v in n.attributes.items()}
        nodes.append(node(n.op_type, n.inputs, n.outputs, n.name, domain=n.domain, **attributes))
    inputs, outputs = (
        [helper.make_empty_tensor_value_info(name) for name in names]
        for names in (graph.inputs, graph.outputs)
    )
    constants = [numpy_helper.from_array(array, name) for name, array in graph.constants.items()]
    return helper.make_graph(nodes, "g", inputs, outputs, constants)


def to_attribute(value):
    if isinstance(value, Graph):
        return to_proto(value)
    return numpy_helper.from_array(value) if isinstance(value, np.ndarray) else value


def evaluate(graph, x, opset=17):
    """A loaded graph's outputs for x, by onnx.reference."""
    proto = helper.make_model(to_proto(graph), opset_imports=[helper.make_opsetid("", opset)])
    return ReferenceEvaluator(proto).run(None, {"x": x})


def assert_same(proto, x):
    """The loaded graph gives the outputs that the file gives."""
    results, expected = evaluate(loaded(proto).graph, x), ReferenceEvaluator(proto).run(None, {"x": x})
    for result, wanted in zip(results, expected, strict=True):
        np.testing.assert_array_equal(result, wanted)
    return results


def defined_names(graph):
    """Every name that a graph and its bodies define, as often as they do."""
    names = [*graph.inputs, *graph.constants]
    for n in graph.nodes:
        names += [o for o in n.outputs if o]
        for value in n.attributes.values():
            if isinstance(value, Graph):
                names += defined_names(value)
    return names
