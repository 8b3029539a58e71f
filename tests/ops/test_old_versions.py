"""What operators did in their first versions: limited broadcasting, hints, other attributes."""

from functools import partial

import numpy as np
import pytest
from oracle import Case, integers, normal, table
from test_normalize import batch_norm, instance_norm
from test_recurrent import gru, lstm, rnn

import jitrt

A = normal(2, 3, 4, 5) + 3
FLAGS = {"consumed_inputs": [0, 0]}


def broadcasting(function):
    """B lined up with dimensions of A from `axis` on."""

    def expected(a, b, axis=None, broadcast=0, consumed_inputs=None):
        if axis is not None and b.size > 1:
            b = b.reshape([*b.shape, *[1] * (a.ndim - axis % a.ndim - b.ndim)])
        return function(a, b.reshape(()) if b.size == 1 else b)

    return expected


BINARY = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Div": np.divide,
    "Pow": np.power,
    "And": np.logical_and,
    "Or": np.logical_or,
    "Xor": np.logical_xor,
    "Equal": np.equal,
    "Greater": np.greater,
    "Less": np.less,
}
ARITHMETIC = ("Add", "Sub", "Mul", "Div")
LOGIC = ("And", "Or", "Xor")
SHAPES = [  # of B beside A [2, 3, 4, 5]: those in the specification, and exporters'
    ((2, 3, 4, 5), {}),
    ((), {"broadcast": 1}),
    ((1, 1), {"broadcast": 1}),
    ((5,), {"broadcast": 1}),
    ((4, 5), {"broadcast": 1}),
    ((3, 4), {"broadcast": 1, "axis": 1}),
    ((2,), {"broadcast": 1, "axis": 0}),
    ((4,), {"broadcast": 1, "axis": -2}),
    ((3, 1), {"broadcast": 1, "axis": 1}),
]


def operands(op, shape):
    if op in LOGIC:
        return [A > 3, normal(*shape, seed=1) > 0]
    if op == "Equal":
        return [integers(2, 3, 4, 5, low=0, high=2), integers(*shape, low=0, high=2, seed=1)]
    return [np.abs(A), normal(*shape, seed=1) + 3]


BROADCASTS = [
    Case(op, operands(op, shape), attributes, broadcasting(function), version=version, tolerance=4)
    for op, function in BINARY.items()
    for version in ((1, 6) if op in ARITHMETIC else (1,))
    for shape, attributes in SHAPES
] + [
    Case(op, operands(op, (3,)), {"broadcast": 1, "axis": 1, **FLAGS}, broadcasting(BINARY[op]), version=1)
    for op in ARITHMETIC
]

UNARY = {
    "Abs": np.abs,
    "Ceil": np.ceil,
    "Exp": np.exp,
    "Floor": np.floor,
    "Log": np.log,
    "Neg": np.negative,
    "Reciprocal": np.reciprocal,
    "Relu": lambda x: np.maximum(x, 0),
    "Sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "Sqrt": np.sqrt,
    "Tanh": np.tanh,
    "Elu": lambda x, alpha=1.0: np.where(x < 0, alpha * np.expm1(x), x),
    "Selu": lambda x, alpha=1.6732, gamma=1.0507: gamma * np.where(x > 0, x, alpha * np.expm1(x)),
    "LeakyRelu": lambda x, alpha=0.01: np.where(x < 0, alpha * x, x),
    "HardSigmoid": lambda x, alpha=0.2, beta=0.5: np.clip(alpha * x + beta, 0, 1),
    "Clip": lambda x, min=-np.inf, max=np.inf: np.clip(x, min, max),
}


def hinted(function):
    return lambda *inputs, consumed_inputs=None, **attributes: function(*inputs, **attributes)


OPTIONS = {"Elu": {"alpha": 2.0}, "Clip": {"min": -0.5}, "HardSigmoid": {"alpha": 0.3, "beta": 0.4}}
ELEMENTWISE = [
    Case(op, [np.abs(A) if op in ("Log", "Sqrt") else A - 3], attributes, hinted(function), version=1)
    for op, function in UNARY.items()
    for attributes in ({}, {"consumed_inputs": [0], **OPTIONS.get(op, {})})
]
SEVERAL = [
    Case(op, [normal(3, 4, seed=s) for s in range(count)], attributes, hinted(function), version=version)
    for op, function in (
        ("Max", lambda *x: np.max(x, 0)),
        ("Min", lambda *x: np.min(x, 0)),
        ("Sum", lambda *x: np.sum(x, 0)),
        ("Mean", lambda *x: np.mean(x, 0)),
    )
    for count in (1, 3)
    for version, attributes in ((1, FLAGS), (1, {}), (6, {}))
]


def prelu(x, slope, consumed_inputs=None):
    if slope.ndim == 1 and slope.size > 1:
        slope = slope.reshape(-1, *[1] * (x.ndim - 2))
    return np.where(x < 0, slope * x, x)


PRELU = [
    Case("PRelu", [normal(*shape), normal(*slope, seed=1)], attributes, prelu, version=version)
    for shape, slope in (
        ((2, 3, 4, 4), (3,)),
        ((2, 4), (4,)),
        ((2, 3, 4), (1,)),
        ((5,), (5,)),
        ((2, 3), (2, 3)),
    )
    for version, attributes in ((1, FLAGS), (6, {}))
]


def trained_batch_norm(x, scale, bias, mean, var, *, outputs=5, epsilon=1e-5, momentum=0.9, spatial=1, **_):
    axes = tuple(a for a in range(x.ndim) if a != 1) if spatial else 0
    now, spread = x.mean(axes), x.var(axes)
    y = batch_norm(x, scale, bias, now, spread, epsilon)
    running = mean * momentum + now * (1 - momentum), var * momentum + spread * (1 - momentum)
    return [y, *running, now, spread][:outputs]


def statistics(*shape):
    return [
        normal(*shape, seed=1),
        normal(*shape, seed=2),
        normal(*shape, seed=3),
        normal(*shape, seed=4) ** 2,
    ]


IMAGE, ROWS = [normal(4, 3, 5, 5), *statistics(3)], [normal(8, 6), *statistics(6)]
CONSUMED = {"consumed_inputs": [0, 0, 0, 1, 1]}
NORMS = [
    Case("BatchNormalization", x, {"is_test": 1, **more}, batch_norm, version=version)
    for x in (IMAGE, ROWS)
    for version, more in ((1, CONSUMED), (6, {}))
]
NORMS += [
    Case(
        "BatchNormalization",
        x,
        more,
        partial(trained_batch_norm, outputs=n),
        version=v,
        outputs=n,
        tolerance=4,
    )
    for x in (IMAGE, ROWS)
    for v, n, more in (
        (1, 5, CONSUMED),
        (6, 5, {"momentum": 0.5}),
        (6, 1, {}),
        (7, 5, {}),
        (9, 5, {}),
        (9, 3, {}),
    )
]
EACH = [normal(6, 2, 3, 3), *statistics(2, 3, 3)]
NORMS += [
    Case("BatchNormalization", EACH, {"spatial": 0}, batch_norm, version=7),
    Case("BatchNormalization", EACH, {"spatial": 0}, trained_batch_norm, version=7, outputs=5, tolerance=4),
    Case("InstanceNormalization", IMAGE[:3], {"consumed_inputs": [0]}, hinted(instance_norm), version=1),
]


def gemm(a, b, c, alpha=1.0, beta=1.0, transA=0, transB=0, broadcast=0):
    return alpha * (a.T if transA else a) @ (b.T if transB else b) + beta * c


M = normal(4, 6), normal(6, 5)
PRODUCTS = [
    Case("Gemm", [*M, normal(4, 5)], {"alpha": 0.5, "beta": 2.0}, gemm, version=1),
    Case("Gemm", [*M, normal(5)], {"broadcast": 1}, gemm, version=6),
    Case("Gemm", [*M, normal(1)], {"broadcast": 1}, gemm, version=1),
    Case("Gemm", [M[0].T.copy(), M[1].T.copy(), normal(4, 5)], {"transA": 1, "transB": 1}, gemm, version=6),
]

SHAPED = [
    Case("Cast", [normal(3, 4) * 9], {"to": "INT32"}, lambda x, to: np.trunc(x).astype(np.int32), version=1),
    Case("Cast", [integers(5)], {"to": "FLOAT"}, lambda x, to: x.astype(np.float32), version=1),
    Case("Cast", [integers(5)], {"to": "BOOL"}, lambda x, to: x != 0, version=1),
    Case("Concat", [normal(2, 3), normal(2, 4)], {}, lambda *x: np.concatenate(x, 1), version=1),
    Case(
        "Concat",
        [normal(2, 3), normal(4, 3)],
        {"axis": 0},
        lambda *x, axis: np.concatenate(x, axis),
        version=1,
    ),
    Case(
        "Pad",
        [normal(3, 2)],
        {"paddings": [0, 2, 1, 0], "value": 1.5},
        lambda x, paddings, value: np.pad(x, [(0, 1), (2, 0)], constant_values=value),
        version=1,
    ),
    Case(
        "Pad",
        [normal(3, 4)],
        {"paddings": [1, 2, 1, 0], "mode": "reflect"},
        lambda x, paddings, mode: np.pad(x, [(1, 1), (2, 0)], mode),
        version=1,
    ),
    Case("Reshape", [A], {"shape": [0, -1, 10]}, lambda x, shape: x.reshape(2, 6, 10), version=1),
    Case("Reshape", [normal(1)], {"shape": [], **FLAGS}, lambda x, **_: x.reshape(()), version=1),
    Case(
        "Tile", [A, np.float32(3), np.float32(1)], {}, lambda x, n, axis: np.tile(x, [1, 3, 1, 1]), version=1
    ),
]
SPLITS = [
    Case("Split", [normal(6, 4)], {}, lambda x: np.split(x, 3), version=1, outputs=3),
    Case(
        "Split",
        [normal(6, 4)],
        {"axis": 1, "split": [1, 3]},
        lambda x, axis, split: np.split(x, [1], 1),
        version=1,
        outputs=2,
    ),
    Case(
        "Split",
        [normal(6, 4), np.array([4, 2], np.float32)],
        {},
        lambda x, lengths: np.split(x, [4]),
        version=1,
        outputs=2,
    ),
]


def weights(gates, directions=1):
    width = gates * 4
    return [
        normal(5, 2, 3),
        normal(directions, width, 3),
        normal(directions, width, 4),
        normal(directions, 2 * width),
    ]


def sequence(function):
    return lambda *inputs, output_sequence=0, **attributes: function(*inputs, **attributes)


RECURRENT = [
    Case(
        op,
        weights(gates, directions),
        attributes,
        sequence(function),
        version=version,
        outputs=n,
        tolerance=8,
    )
    for op, gates, function, n, versions in (
        ("LSTM", 4, lstm, 3, (1,)),
        ("GRU", 3, gru, 2, (1, 3)),
        ("RNN", 1, rnn, 2, (1,)),
    )
    for version in versions
    for directions, attributes in (
        (1, {"output_sequence": 1}),
        (1, {"direction": "reverse", "hidden_size": 4}),
        (2, {"direction": "bidirectional"}),
    )
] + [
    Case("GRU", weights(3), {"linear_before_reset": 1}, sequence(gru), version=3, outputs=2, tolerance=8),
]


@table(BROADCASTS, ELEMENTWISE, SEVERAL, PRELU, NORMS, PRODUCTS, SHAPED, SPLITS, RECURRENT)
def test_old_versions(case):
    case.check()


@pytest.mark.parametrize(
    ("op", "version", "shapes", "attributes", "message"),
    [
        ("Add", 6, [(2, 3), (3,)], {}, "shapes differ, and broadcast is 0"),
        ("Add", 6, [(2, 3), (2,)], {"broadcast": 1}, "does not match dimensions of A"),
        ("Mul", 1, [(2, 3), (2,)], {"broadcast": 1, "axis": 1}, "does not match dimensions of A"),
        ("Sub", 6, [(3,), (2, 3)], {"broadcast": 1}, "does not match dimensions of A"),
        ("Max", 6, [(2, 3), (3,)], {}, "this version does not broadcast"),
        ("Gemm", 6, [(2, 3), (3, 4), (4,)], {}, r"C must be \[2, 4\] as broadcast is 0"),
    ],
)
def test_what_old_versions_do_not_take(op, version, shapes, attributes, message):
    with pytest.raises(jitrt.errors.Fail, match=message):
        jitrt.call(op, *(normal(*shape) for shape in shapes), version=version, **attributes)


def test_cast_to_no_type():
    with pytest.raises(jitrt.errors.Fail, match="'FLAOT' is no element type"):
        jitrt.call("Cast", normal(2), version=1, to="FLAOT")


@pytest.mark.parametrize("axis", [1, None])
def test_one_program_for_all_sizes(axis):
    """The rule of old broadcasting decides on ranks, not on sizes."""
    for channels, width in ((3, 4), (5, 2), (6, 9)):
        a = normal(2, channels, width)
        b = normal(channels if axis else width, seed=1)
        options = {"broadcast": 1} if axis is None else {"broadcast": 1, "axis": axis}
        expected = a + (b[:, None] if axis else b)
        np.testing.assert_allclose(jitrt.call("Add", a, b, version=6, **options), expected, rtol=1e-6)
