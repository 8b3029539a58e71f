"""Activation functions against their definitions in float64."""

from math import erf

import numpy as np
import pytest
from oracle import BF16, FLOATS, Case, integers, normal, table

import jitrt

EXTREMES = np.array([-np.inf, -1e4, -88.0, -1.0, -1e-6, 0.0, 1e-6, 1.0, 88.0, 1e4, np.inf], np.float32)
DEFAULT_SLOPE, DEFAULT_LEAK = float(np.float32(0.2)), float(np.float32(0.01))
SELU_ALPHA, SELU_GAMMA = 1.6732631921768188, 1.0507010221481323  # float32 in the spec


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softplus(x):
    return np.logaddexp(0, x)


def softmax(x, axis=-1):
    powers = np.exp(x - x.max(axis, keepdims=True))
    return powers / powers.sum(axis, keepdims=True)


def log_softmax(x, axis=-1):
    shifted = x - x.max(axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))


def hardmax(x, axis=-1):
    return np.arange(x.shape[axis]).reshape(
        [-1 if a == axis % x.ndim else 1 for a in range(x.ndim)]
    ) == np.argmax(x, axis).reshape([1 if a == axis % x.ndim else s for a, s in enumerate(x.shape)])


def flattened(function):
    """The version before 13: over all dimensions from the axis on."""

    def apply(x, axis=1):
        axis = axis % x.ndim if axis < 0 else axis
        return function(x.reshape(int(np.prod(x.shape[:axis])), -1), -1).reshape(x.shape)

    return apply


DEFINITIONS = {
    "Relu": lambda x: np.maximum(x, 0),
    "Sigmoid": sigmoid,
    "HardSigmoid": lambda x, alpha=DEFAULT_SLOPE, beta=0.5: np.clip(alpha * x + beta, 0, 1),
    "HardSwish": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "Swish": lambda x, alpha=1.0: x * sigmoid(alpha * x),
    "LeakyRelu": lambda x, alpha=DEFAULT_LEAK: np.where(x < 0, alpha * x, x),
    "ThresholdedRelu": lambda x, alpha=1.0: np.where(x > alpha, x, 0),
    "Elu": lambda x, alpha=1.0: np.where(x < 0, alpha * np.expm1(x), x),
    "Selu": lambda x, alpha=SELU_ALPHA, gamma=SELU_GAMMA: gamma * np.where(x <= 0, alpha * np.expm1(x), x),
    "Celu": lambda x, alpha=1.0: np.maximum(x, 0) + np.minimum(alpha * np.expm1(x / alpha), 0),
    "Softplus": softplus,
    "Softsign": lambda x: x / (1 + np.abs(x)),
    "Mish": lambda x: x * np.tanh(softplus(x)),
    "Gelu": lambda x, approximate="none": (
        0.5
        * x
        * (
            1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))
            if approximate == "tanh"
            else 1 + np.vectorize(erf)(x / np.sqrt(2))
        )
    ),
    "Shrink": lambda x, bias=0.0, lambd=0.5: np.where(x < -lambd, x + bias, np.where(x > lambd, x - bias, 0)),
}
OPTIONS = {
    "HardSigmoid": {"alpha": 0.5, "beta": 0.25},
    "Swish": {"alpha": 2.0},
    "LeakyRelu": {"alpha": 0.25},
    "ThresholdedRelu": {"alpha": 0.25},
    "Elu": {"alpha": 2.0},
    "Selu": {"alpha": 2.0, "gamma": 3.0},
    "Celu": {"alpha": 2.0},
    "Gelu": {"approximate": "tanh"},
    "Shrink": {"bias": 0.25, "lambd": 1.0},
}
ELEMENTWISE = [
    Case(op, [3 * normal(7, 37, dtype=t)], expected=f, tolerance=2)
    for op, f in DEFINITIONS.items()
    for t in FLOATS
] + [Case(op, [3 * normal(50)], options, DEFINITIONS[op], tolerance=2) for op, options in OPTIONS.items()]
SLOPES = [
    Case("PRelu", [normal(2, 3, 5), normal(3, 1, seed=1)], expected=lambda x, s: np.where(x < 0, s * x, x)),
    Case(
        "PRelu",
        [integers(9, dtype=np.int32), integers(1)[:1].astype(np.int32)],
        expected=lambda x, s: np.where(x < 0, s * x, x),
    ),
    Case("Relu", [integers(9, dtype=np.int8)], expected=lambda x: np.maximum(x, 0)),
    Case(
        "Shrink",
        [integers(9, dtype=np.int32)],
        {"lambd": 2.0, "bias": 1.0},
        lambda x, **o: DEFINITIONS["Shrink"](x, **o),
    ),
]
EXTREME = [
    Case(op, [EXTREMES], expected=DEFINITIONS[op], tolerance=2)
    for op in ("Relu", "Sigmoid", "Softplus", "Elu")
]
FAMILY = {"Softmax": softmax, "LogSoftmax": log_softmax, "Hardmax": hardmax}
SOFTMAX = (
    [
        Case(op, [normal(3, 5, 7, dtype=t)], expected=f, tolerance=2)
        for op, f in FAMILY.items()
        for t in FLOATS
    ]
    + [
        Case(op, [normal(3, 5, 7)], {"axis": a}, f, tolerance=2)
        for op, f in FAMILY.items()
        for a in (0, 1, -2)
    ]
    + [
        Case(op, [normal(3, 5, 7)], {"axis": a}, flattened(f), version=11, tolerance=2)
        for op, f in FAMILY.items()
        for a in (0, 1, 2, -1)
    ]
    + [Case("Softmax", [np.array([[1e4, 1e4, -1e4], [-np.inf, 0, 0]], np.float32)], expected=softmax)]
    + [
        Case("Softmax", [normal(2, 1000)], expected=softmax),
        Case("Softmax", [normal(3, 1)], expected=softmax),
    ]
)


@table(ELEMENTWISE, SLOPES, EXTREME, SOFTMAX)
def test_activation(case):
    case.check()


@pytest.mark.parametrize("op", ["Relu", "Sigmoid", "Gelu", "Softplus", "Mish", "Elu", "HardSigmoid"])
def test_nan_stays_nan(op):
    assert np.isnan(jitrt.call(op, np.array([np.nan, 1.0], np.float32))).tolist() == [True, False]


def test_constants_keep_their_precision_in_16_bits():
    x = np.linspace(-4, 4, 1001).astype(BF16)
    exact = DEFINITIONS["Gelu"](x.astype(np.float64), "tanh").astype(BF16)
    assert (jitrt.call("Gelu", x, approximate="tanh") == exact).mean() > 0.95


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softmax_has_no_subnormal_numbers(dtype):
    """What is normal keeps its relative accuracy; what is not is 0."""
    least = np.finfo(dtype).smallest_normal
    x = np.concatenate([np.zeros(3), np.linspace(1.2, 0.8, 801) * np.log(least), [-np.inf]]).astype(dtype)
    with np.errstate(under="ignore"):
        expected = softmax(x.astype(np.longdouble))
    y = jitrt.call("Softmax", x)
    above, below = expected > 1.001 * least, expected < 0.999 * least
    np.testing.assert_allclose(y[above], expected[above].astype(np.float64), rtol=1e-5)
    np.testing.assert_array_equal(y[below], 0)
    assert above[3:].any()
