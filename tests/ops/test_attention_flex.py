"""FlexAttention: attention with graphs between its stages, against float64 NumPy."""

import numpy as np
import pytest
from attention_oracle import attend, inside
from onnx import TensorProto, helper, numpy_helper
from oracle import BF16, compare, normal

import jitrt

KINDS = {np.dtype(np.float32): 1, np.dtype(np.float16): 10, np.dtype(np.float64): 11, BF16: 16}


def graph(function, kind=TensorProto.FLOAT, **constants):
    """A body y = function(x), written as nodes over "x" and constants, that ends in "y"."""
    values = [numpy_helper.from_array(np.asarray(v), n) for n, v in constants.items()]
    rank4 = [helper.make_tensor_value_info(n, kind, ["b", "h", "s", "t"]) for n in ("x", "y")]
    return helper.make_graph(function, "body", rank4[:1], rank4[1:], initializer=values)


def node(inputs, output, **attributes):
    return helper.make_node("FlexAttention", inputs, [output], domain="ai.onnx.preview", **attributes)


def session(nodes, dtype, inputs=("Q", "K", "V"), outputs=("Y",)):
    kind = KINDS[np.dtype(dtype)]
    values = [
        [helper.make_tensor_value_info(n, kind, [None] * 4) for n in names] for names in (inputs, outputs)
    ]
    opsets = [helper.make_opsetid("", 24), helper.make_opsetid("ai.onnx.preview", 1)]
    model = helper.make_model(helper.make_graph(nodes, "g", *values), opset_imports=opsets)
    return jitrt.InferenceSession(model.SerializeToString())


def qkv(s=4, t=6, heads=4, groups=2, dtype=np.float32, seed=0):
    shapes = [(2, heads, s, 8), (2, groups, t, 8), (2, groups, t, 5)]
    return [normal(*shape, dtype=dtype, seed=seed + i) for i, shape in enumerate(shapes)]


def run(session, q, k, v):
    (y,) = session.run(None, {"Q": q, "K": k, "V": v})
    return y


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, BF16])
def test_types(dtype):
    q, k, v = qkv(dtype=dtype)
    y = run(session([node(["Q", "K", "V"], "Y")], dtype), q, k, v)
    assert y.dtype == dtype
    compare(y, attend(q, k, v)[0], 1 if np.dtype(dtype).itemsize == 2 else 10)


@pytest.mark.parametrize("precision", [1, 10, 11, 16])
def test_softmax_precision_is_the_type_of_the_bodies(precision):
    body = graph([helper.make_node("Add", ["x", "x"], ["y"])], precision)
    flex = node(["Q", "K", "V"], "Y", score_mod=body, softmax_precision=precision, scale=0.2)
    q, k, v = qkv()
    y = run(session([flex], np.float32), q, k, v)
    compare(y, attend(q, k, v, scale=0.4)[0], 5 if precision in (1, 11) else 20_000)


def test_both_bodies_on_several_shapes():
    causal = [
        helper.make_node("Shape", ["x"], ["s"], start=2, end=3),
        helper.make_node("Shape", ["x"], ["t"], start=3),
        helper.make_node("Concat", ["s", "t"], ["both"], axis=0),
        helper.make_node("Expand", ["lowest", "both"], ["masked"]),
        helper.make_node("Trilu", ["masked", "one"], ["upper"], upper=1),
        helper.make_node("Add", ["x", "upper"], ["y"]),
    ]
    score_mod = graph(causal, lowest=np.float32([[-1e30]]), one=np.int64(1))
    prob_mod = graph([helper.make_node("Mul", ["x", "half"], ["y"])], half=np.float32(0.5))
    flex = session([node(["Q", "K", "V"], "Y", score_mod=score_mod, prob_mod=prob_mod)], np.float32)
    for s, t in ((4, 6), (1, 1), (7, 7), (3, 9)):
        q, k, v = qkv(s, t)
        wanted = attend(q, k, v, inside=inside(s, t, causal=True))[0] / 2
        compare(run(flex, q, k, v), wanted, 5)


def test_two_in_a_model_with_bodies_of_the_same_names_that_read_a_value_outside():
    outer = helper.make_node("Identity", ["factor"], ["outer"])
    bodies = [graph([helper.make_node(op, ["x", "outer"], ["y"])]) for op in ("Mul", "Add")]
    nodes = [
        outer,
        node(["Q", "K", "V"], "Y1", score_mod=bodies[0]),
        node(["Q", "K", "V"], "Y2", prob_mod=bodies[1]),
        helper.make_node("Sub", ["Y1", "Y2"], ["Y"]),
    ]
    flex = session(nodes, np.float32, ("Q", "K", "V", "factor"))
    (q, k, v), factor = qkv(), np.full((1, 1, 1, 1), 0.25, np.float32)
    (y,) = flex.run(None, {"Q": q, "K": k, "V": v, "factor": factor})
    plain = attend(q, k, v)
    shifted = (plain[4] + 0.25) @ np.repeat(v.astype(np.float64), 2, 1)
    compare(y, attend(q, k, v, scale=0.25 * 8**-0.5)[0] - shifted, 10)


def test_what_does_not_fit_is_named():
    flex = session([node(["Q", "K", "V"], "Y")], np.float32)
    q, k, v = qkv()
    with pytest.raises(Exception, match="no multiple"):
        run(flex, q[:, :3], k, v)
    with pytest.raises(Exception, match="sequence lengths differ"):
        run(flex, q, k, v[:, :, :3])
    compare(run(flex, q, k, v), attend(q, k, v)[0], 5)
