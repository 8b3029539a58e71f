"""Gradient nodes against differences in float64, and every form that their specification describes."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import jitrt

TRAINING = "ai.onnx.preview.training"
node = helper.make_node


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def positive(*shape, seed=0):
    return np.abs(normal(*shape, seed=seed)) + 0.5


def gradient(xs, y, outputs, zs=(), at=None):
    options = {"zs": list(zs)} if zs else {}
    return node("Gradient", at or [*xs, *zs], outputs, domain=TRAINING, xs=list(xs), y=y, **options)


def session(nodes, inputs, outputs, constants=()):
    """The model of the nodes; float64 and int64 inputs by name."""
    info = helper.make_tensor_value_info
    kinds = {n: helper.np_dtype_to_tensor_dtype(x.dtype) for n, x in inputs.items()}
    graph = helper.make_graph(
        nodes,
        "g",
        [info(n, kinds[n], [None] * x.ndim) for n, x in inputs.items()],
        [info(n, TensorProto.DOUBLE, None) for n in outputs],
        [numpy_helper.from_array(x, n) for n, x in dict(constants).items()],
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid(TRAINING, 1)]
    return jitrt.InferenceSession(
        helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString()
    )


def differences(run, x, seed=1e-6):
    """The derivative of the sum of run(x) by x."""
    result = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[place] = seed
        after, before = (run(np.asarray(x + s)) for s in (step, -step))
        result[place] = (after - before).sum() / (2 * seed)
    return result


def check(op, inputs, attributes, constants=()):
    """All derivatives of the output, weighted so that each element matters, by the float64 inputs."""
    values = {f"x{i}": x for i, x in enumerate(inputs)}
    fixed = {f"x{i}": values.pop(f"x{i}") for i in constants}
    names = [f"x{i}" for i in range(len(inputs))]
    xs = [n for n in values if values[n].dtype == np.float64]
    forward = session([node(op, names, ["y"], **attributes)], values, ["y"], fixed)
    weights = normal(*forward.run(None, values)[0].shape, seed=99)
    zs = [n for n in names if n not in xs]
    back = session(
        [
            node(op, names, ["y"], **attributes),
            node("Mul", ["y", "w"], ["z"]),
            gradient(xs, "z", [f"d{n}" for n in xs], zs),
        ],
        values,
        [f"d{n}" for n in xs],
        {**fixed, "w": weights},
    )
    for name, got in zip(xs, back.run(None, values), strict=True):
        run = lambda x, name=name: forward.run(None, {**values, name: x})[0] * weights  # noqa: E731
        np.testing.assert_allclose(got, differences(run, values[name]), rtol=1e-5, atol=1e-6)


def ints(*values):
    return np.array(values, np.int64)


X = normal(3, 4)
UNARY = [
    ("Neg", X), ("Abs", X), ("Exp", X), ("Sigmoid", X), ("Tanh", X), ("Relu", X), ("Erf", X), ("Sin", X),
    ("Cos", X), ("Tan", X / 4), ("Asin", X / 4), ("Acos", X / 4), ("Atan", X), ("Sinh", X), ("Cosh", X),
    ("Asinh", X), ("Acosh", positive(3) + 1), ("Atanh", X / 4), ("Softplus", X), ("Elu", X), ("Selu", X),
    ("Mish", X), ("LeakyRelu", X), ("HardSigmoid", X), ("HardSwish", X), ("Gelu", X),
    ("Sqrt", positive(3, 4)), ("Log", positive(3, 4)), ("Reciprocal", positive(3, 4)), ("Floor", X),
    ("Softmax", X), ("LogSoftmax", X), ("ReduceLogSumExp", X), ("ReduceMax", X), ("ReduceMin", X),
    ("ReduceL2", X), ("ReduceL1", X), ("ReduceSumSquare", X), ("ReduceProd", X), ("ReduceMean", X),
    ("Transpose", X), ("Identity", X), ("Flatten", normal(2, 3, 2)),
    ("GlobalAveragePool", normal(1, 2, 3, 3)),
]  # fmt: skip
OTHERS = [
    ("Add", [normal(3, 4), normal(4, seed=1)], {}, ()),
    ("Sub", [normal(3, 1), normal(4, seed=1)], {}, ()),
    ("Mul", [normal(3, 4), normal(3, 1, seed=1)], {}, ()),
    ("Div", [normal(3, 4), positive(2, 1, 4, seed=1)], {}, ()),
    ("Pow", [positive(3, 4), normal(4, seed=1)], {}, ()),
    ("Pow", [normal(3, 4), np.array(3.0)], {}, (1,)),
    ("Max", [normal(3, 4), normal(4, seed=1), normal(3, 4, seed=2)], {}, ()),
    ("Min", [normal(3, 4), normal(4, seed=1)], {}, ()),
    ("Clip", [normal(3, 4), np.array(-0.5), np.array(0.5)], {}, ()),
    ("PRelu", [normal(3, 4), normal(4, seed=1)], {}, ()),
    ("MatMul", [normal(3, 4), normal(4, 5, seed=1)], {}, ()),
    ("MatMul", [normal(2, 3, 4), normal(4, 5, seed=1)], {}, ()),
    ("MatMul", [normal(2, 3, 4), normal(4, 5, seed=1)], {}, (1,)),
    ("MatMul", [normal(3, 4), normal(2, 4, 5, seed=1)], {}, ()),
    ("MatMul", [normal(4), normal(4, 5, seed=1)], {}, ()),
    ("Gemm", [normal(4, 3), normal(5, 4, seed=1), normal(5)], {"transA": 1, "transB": 1, "alpha": 0.5}, ()),
    ("Gemm", [normal(3, 4), normal(4, 5, seed=1), normal(5)], {}, (1,)),
    ("Einsum", [normal(2, 3, 4), normal(2, 4, 5)], {"equation": "bij,bjk->bki"}, ()),
    ("Einsum", [normal(4, 4)], {"equation": "ii->i"}, ()),
    ("Conv", [normal(1, 2, 5, 5), normal(3, 2, 3, 3), normal(3)], {"pads": [1] * 4, "strides": [2, 2]}, ()),
    ("Conv", [normal(1, 4, 5), normal(4, 2, 3), normal(4)], {"group": 2}, ()),
    ("LayerNormalization", [normal(3, 4), normal(4, seed=1), normal(4, seed=2)], {}, ()),
    ("InstanceNormalization", [normal(2, 3, 4), normal(3, seed=1), normal(3, seed=2)], {}, ()),
    ("Concat", [normal(2, 3), normal(2, 1, seed=1), normal(2, 3, seed=2)], {"axis": 1}, ()),
    ("Slice", [normal(7, 3), ints(1), ints(6), ints(0), ints(2)], {}, (1, 2, 3, 4)),
    ("Slice", [normal(7, 3), ints(-1), ints(0), ints(0), ints(-3)], {}, (1, 2, 3, 4)),
    ("Reshape", [normal(2, 6), ints(3, -1)], {}, ()),
    ("Expand", [normal(3, 1), ints(2, 3, 4)], {}, (1,)),
    ("Pad", [normal(2, 3), ints(1, 0, 0, 2)], {}, (1,)),
    ("Tile", [normal(2, 3), ints(2, 2)], {}, (1,)),
    ("Where", [np.array([[True, False, True]]), normal(2, 3), normal(2, 1, seed=1)], {}, (0,)),
    ("ReduceSum", [normal(2, 3, 4), ints(1)], {"keepdims": 0}, (1,)),
    ("ReduceProd", [np.array([[0.0, 2, 3], [0, 0, 3], [1, 2, 3]]), ints(1)], {}, (1,)),
    ("Squeeze", [normal(2, 1, 3), ints(1)], {}, (1,)),
    ("Gather", [normal(5, 3), np.array([[0, -1], [4, 0]])], {}, ()),
    ("Gather", [normal(2, 5, 3), ints(3, 3, 0)], {"axis": 1}, ()),
    ("NegativeLogLikelihoodLoss", [normal(3, 4), ints(0, 3, 1), positive(4)], {}, ()),
    ("SoftmaxCrossEntropyLoss", [normal(3, 4), ints(0, 3, 1)], {}, ()),
    ("SoftmaxCrossEntropyLoss", [normal(3, 4), ints(0, 3, 1), positive(4)], {"ignore_index": 3}, (1, 2)),
    ("SimplifiedLayerNormalization", [normal(3, 4), normal(4, seed=1)], {}, ()),
]  # fmt: skip


@pytest.mark.parametrize(("op", "x"), UNARY, ids=[op for op, _ in UNARY])
def test_unary(op, x):
    check(op, [x], {})


@pytest.mark.parametrize(
    ("op", "inputs", "attributes", "constants"), OTHERS, ids=[f"{i}-{c[0]}" for i, c in enumerate(OTHERS)]
)
def test_operators(op, inputs, attributes, constants):
    check(op, inputs, attributes, constants)


def test_equal_extrema_share():
    x = np.array([[1.0, 3, 3]])
    back = session([node("ReduceMax", ["x"], ["y"]), gradient(["x"], "y", ["dx"])], {"x": x}, ["dx"])
    np.testing.assert_array_equal(back.run(None, {"x": x})[0], [[0, 0.5, 0.5]])


LINEAR = [node("MatMul", ["X", "W"], ["H"]), node("Tanh", ["H"], ["T"]), node("Mul", ["T", "Z"], ["Y"])]


def linear_inputs(rows=3):
    return {"X": normal(rows, 4), "W": normal(4, 2, seed=1), "Z": normal(rows, 2, seed=2)}


def test_by_weights_that_are_initializers_at_any_batch():
    inputs = linear_inputs()
    w = inputs.pop("W")
    run = session(
        [*LINEAR, gradient(["W", "Z"], "Y", ["dW", "dZ"], ["X"])], inputs, ["dW", "dZ", "Y"], {"W": w}
    )
    for rows in (3, 5, 1):
        inputs = linear_inputs(rows)
        dw, dz, y = run.run(None, {"X": inputs["X"], "Z": inputs["Z"]})
        t = np.tanh(inputs["X"] @ w)
        np.testing.assert_allclose(dw, inputs["X"].T @ (inputs["Z"] * (1 - t * t)), rtol=1e-9)
        np.testing.assert_allclose(dz, t, rtol=1e-9)
        np.testing.assert_allclose(y, t * inputs["Z"], rtol=1e-9)


def test_by_an_intermediate_value_and_an_absent_output():
    inputs = linear_inputs()
    run = session([gradient(["H", "Z"], "Y", ["dH", ""]), *LINEAR], inputs, ["dH"])
    t = np.tanh(inputs["X"] @ inputs["W"])
    np.testing.assert_allclose(run.run(None, inputs)[0], inputs["Z"] * (1 - t * t), rtol=1e-9)


def test_at_other_values():
    inputs = {**linear_inputs(), "H1": normal(3, 2, seed=5), "Z1": normal(3, 2, seed=6)}
    nodes = [*LINEAR, gradient(["H", "Z"], "Y", ["dH", "dZ"], at=["H1", "Z1"])]
    dh, dz, y = session(nodes, inputs, ["dH", "dZ", "Y"]).run(None, inputs)
    t = np.tanh(inputs["H1"])
    np.testing.assert_allclose(dh, inputs["Z1"] * (1 - t * t), rtol=1e-9)
    np.testing.assert_allclose(dz, t, rtol=1e-9)
    np.testing.assert_allclose(y, np.tanh(inputs["X"] @ inputs["W"]) * inputs["Z"], rtol=1e-9)


def test_second_order():
    x = normal(5)
    nodes = [
        gradient(["x"], "dx", ["ddx"]),
        gradient(["x"], "y", ["dx"]),
        node("Mul", ["s", "x"], ["y"]),
        node("Sin", ["x"], ["s"]),
    ]
    dx, ddx = session(nodes, {"x": x}, ["dx", "ddx"]).run(None, {"x": x})
    np.testing.assert_allclose(dx, np.sin(x) + x * np.cos(x), rtol=1e-9)
    np.testing.assert_allclose(ddx, 2 * np.cos(x) - x * np.sin(x), rtol=1e-9)


def test_zero_for_what_y_does_not_follow_from():
    inputs = linear_inputs()
    nodes = [*LINEAR, node("Neg", ["X"], ["N"]), gradient(["Z", "X"], "N", ["dZ", "dX"])]
    dz, dx = session(nodes, inputs, ["dZ", "dX"]).run(None, inputs)
    np.testing.assert_array_equal(dz, np.zeros((3, 2)))
    np.testing.assert_array_equal(dx, -np.ones((3, 4)))


def test_training_a_layer():
    x, w = normal(32, 4), normal(4, 1, seed=1)
    target = x @ np.array([[1.0], [-2], [0.5], [3]])
    nodes = [
        node("MatMul", ["x", "w"], ["p"]),
        node("Sub", ["p", "t"], ["e"]),
        node("ReduceSumSquare", ["e"], ["loss"]),
        gradient(["w"], "loss", ["dw"], ["x", "t"]),
        node(
            "Momentum", ["r", "step", "w", "dw", "v"], ["w2", "v2"],
            domain=TRAINING, alpha=0.5, beta=1.0, mode="standard", norm_coefficient=0.0,
        ),
    ]  # fmt: skip
    state = {"x": x, "w": w, "t": target, "v": np.zeros((4, 1)), "r": np.array(0.005), "step": np.array(1)}
    run = session(nodes, state, ["w2", "v2", "loss"])
    losses = []
    for _ in range(60):
        state["w"], state["v"], loss = run.run(None, state)
        losses.append(loss.item())
    assert losses[-1] < 1e-6 * losses[0]


@pytest.mark.parametrize(
    ("nodes", "error", "message"),
    [
        (
            [gradient(["x"], "x", ["dx"])],
            jitrt.errors.InvalidGraph,
            "expected y to be computed in the same graph",
        ),
        (
            [node("Neg", ["x"], ["y"]), gradient(["x"], "y", ["dx"], at=["x", "x"])],
            jitrt.errors.InvalidGraph,
            "expected an input for each of xs",
        ),
        (
            [node("Neg", ["dx"], ["y"]), gradient(["x"], "y", ["dx"])],
            jitrt.errors.InvalidGraph,
            "y follows from the node's own outputs",
        ),
        (
            [node("CumSum", ["x", "zero"], ["y"]), gradient(["x"], "y", ["dx"])],
            jitrt.errors.NotImplemented,
            "the gradient of the kernel running_total",
        ),
    ],
)
def test_errors(nodes, error, message):
    with pytest.raises(error, match=message):
        session(nodes, {"x": normal(3)}, ["dx"], {"zero": np.array(0)}).run(None, {"x": normal(3)})


def test_without_a_graph():
    with pytest.raises(jitrt.errors.NotImplemented, match="needs the graph that computes 'y'"):
        jitrt.call("Gradient", normal(3), domain=TRAINING, version=1, xs=["x"], y="y")
