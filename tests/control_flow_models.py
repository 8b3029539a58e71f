"""Models with loops and branches, and what their sessions compute held against onnxruntime."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import jitrt

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
info, node = helper.make_tensor_value_info, helper.make_node


def body(nodes, inputs, outputs, constants=()):
    stored = [numpy_helper.from_array(np.asarray(value), name) for name, value in dict(constants).items()]
    return helper.make_graph(
        nodes, "body", [info(*i) for i in inputs], [info(*o) for o in outputs], initializer=stored
    )


def model_of(nodes, inputs, outputs, constants=()):
    stored = [numpy_helper.from_array(np.asarray(value), name) for name, value in dict(constants).items()]
    graph = helper.make_graph(
        nodes, "g", [info(*i) for i in inputs], [info(n, t, None) for n, t in outputs], initializer=stored
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def session_of(model):
    return jitrt.InferenceSession(model.SerializeToString())


def agree(model, *feeds, session=None):
    """Run the feeds in one session, and compare."""
    onnxruntime = pytest.importorskip("onnxruntime")
    session = session or session_of(model)
    peer = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    for feed in feeds:
        expected = peer.run(None, feed)
        for got, want in zip(session.run(None, feed), expected, strict=True):
            want = np.asarray(want)
            assert (got.dtype, got.shape) == (want.dtype, want.shape)
            np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)
    return session


def is_native(session):
    """Whether what ran is one table a call: nothing happens in Python between the steps, or after them."""
    programs = session._programs.values()
    return all(v.segment.stop is None for p in programs for v in p.variants)


def halves():
    """x is halved, or becomes 3 x + added, by the iteration's number; gathers the sums."""
    then = body([node("Mul", ["x", "half"], ["t"])], [], [("t", FLOAT, [None])], {"half": np.float32(0.5)})
    other = body(
        [node("Mul", ["x", "three"], ["o3"]), node("Add", ["o3", "added"], ["o"])],
        [],
        [("o", FLOAT, [None])],
        {"three": np.float32(3)},
    )
    loop = body(
        [
            node("Mod", ["i", "two"], ["odd"]),
            node("Cast", ["odd"], ["is_odd"], to=BOOL),
            node("If", ["is_odd"], ["y"], then_branch=then, else_branch=other),
            node("ReduceSum", ["y"], ["total"], keepdims=0),
            node("Identity", ["going"], ["again"]),
        ],
        [("i", INT64, []), ("going", BOOL, []), ("x", FLOAT, [None])],
        [("again", BOOL, []), ("y", FLOAT, [None]), ("total", FLOAT, [])],
        {"two": np.int64(2)},
    )
    return model_of(
        [node("Loop", ["m", "", "x0"], ["last", "sums"], body=loop), node("Neg", ["sums"], ["negative"])],
        [("m", INT64, []), ("x0", FLOAT, ["n"]), ("added", FLOAT, ["n"])],
        [("last", FLOAT), ("negative", FLOAT), ("sums", FLOAT)],
    )
