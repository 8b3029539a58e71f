"""Arithmetic against NumPy in float64, for every type, with broadcasting and special values."""

import numpy as np
import pytest
from oracle import BF16, FLOATS, SIGNED, UNSIGNED, Case, integers, normal, table

import jitrt

SPECIAL = np.array([0.0, -0.0, 1.5, -2.5, 0.5, np.inf, -np.inf, np.nan, 1e-40, -7.0, 3e38], np.float32)
INTEGERS = (*SIGNED, *UNSIGNED)


def truncated(a, b):
    """C's integer division, 0 for a divisor of 0."""
    safe = np.where(b == 0, 1, b)
    quotient = np.sign(a) * np.sign(safe) * (np.abs(a) // np.abs(safe)) if a.dtype.kind != "u" else a // safe
    return np.where(b == 0, 0, quotient)


BINARY = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply}
FLOAT_BINARY = [
    Case(op, [normal(3, 1, 37, dtype=t), normal(5, 1, dtype=t, seed=1)], expected=f)
    for op, f in {**BINARY, "Div": np.divide}.items()
    for t in FLOATS
]
INTEGER_BINARY = [
    Case(op, [integers(4, 33, dtype=t), integers(33, dtype=t, seed=1)], expected=f)
    for op, f in {
        **BINARY,
        "Div": truncated,
        "Mod": lambda a, b: np.where(b == 0, 0, np.mod(a, np.where(b, b, 1))),
    }.items()
    for t in INTEGERS
]
WRAPPING = [
    Case("Add", [np.array([127], np.int8), np.array([1], np.int8)], expected=lambda a, b: np.array([-128])),
    Case(
        "Mul", [np.array([2**31], np.uint32), np.array([2], np.uint32)], expected=lambda a, b: np.array([0])
    ),
    Case("Neg", [np.array([-128], np.int8)], expected=lambda x: x),
]
UNARY = {
    **{"Neg": np.negative, "Abs": np.abs, "Sqrt": np.sqrt, "Reciprocal": np.reciprocal, "Sign": np.sign},
    **{"Floor": np.floor, "Ceil": np.ceil, "Round": np.rint, "Exp": np.exp, "Log": np.log},
    **{"Erf": np.vectorize(lambda x: float("nan") if x != x else __import__("math").erf(x))},
}
FLOAT_UNARY = [
    Case(op, [x], expected=f, tolerance=2)
    for op, f in UNARY.items()
    for x in (
        normal(41),
        normal(41, dtype=np.float64),
        normal(41, dtype=np.float16),
        normal(41, dtype=BF16),
        SPECIAL,
    )
]
INTEGER_UNARY = [
    Case(op, [integers(19, dtype=t)], expected=f)
    for op, f in (("Abs", np.abs), ("Sign", np.sign))
    for t in INTEGERS
]
REMAINDERS = [
    Case(
        "Mod",
        [normal(50, dtype=t) * 4, normal(50, dtype=t, seed=1)],
        {"fmod": 1},
        lambda a, b, fmod: np.fmod(a, b),
    )
    for t in (np.float32, np.float64)
] + [Case("Mod", [integers(50), integers(50, seed=1) | 1], {"fmod": 1}, lambda a, b, fmod: np.fmod(a, b))]
POWERS = [
    Case("Pow", [np.abs(normal(40)), normal(40, seed=1)], expected=np.power, tolerance=4),
    *(Case("Pow", [normal(3, 9), np.float32(e)], expected=np.power, tolerance=4) for e in (2, 3, -1, 1, 0)),
    Case("Pow", [normal(7), integers(7, low=0, high=4)], expected=np.power, tolerance=4),
    Case("Pow", [integers(9), integers(9, low=0, high=4, seed=1)], expected=np.power),
    Case(
        "Pow", [integers(9, low=0, dtype=np.int32), np.float32(1.5)], expected=lambda x, y: np.trunc(x**1.5)
    ),
    Case("Pow", [np.float32(2), normal(4)], expected=np.power, tolerance=4),
]
VARIADIC = (
    [
        Case(op, [normal(3, 1, seed=i) if i else normal(5, dtype=np.float32) for i in range(n)], expected=f)
        for op, f in {
            "Max": lambda *x: np.maximum.reduce(np.broadcast_arrays(*x)),
            "Min": lambda *x: np.minimum.reduce(np.broadcast_arrays(*x)),
            "Sum": lambda *x: sum(np.broadcast_arrays(*x)),
            "Mean": lambda *x: sum(np.broadcast_arrays(*x)) / len(x),
        }.items()
        for n in (1, 2, 4)
    ]
    + [
        Case(op, [integers(20, dtype=t), integers(20, dtype=t, seed=1)], expected=f)
        for op, f in (("Max", np.maximum), ("Min", np.minimum))
        for t in INTEGERS
    ]
    + [
        Case(op, [SPECIAL, SPECIAL[::-1].copy()], expected=f)
        for op, f in (("Max", np.maximum), ("Min", np.minimum))
    ]
)


def clip(x, low=None, high=None):
    return np.minimum(np.maximum(x, -np.inf if low is None else low), np.inf if high is None else high)


CLIPS = [
    Case("Clip", [normal(30), np.float32(-0.5), np.float32(0.7)], expected=clip),
    Case("Clip", [normal(30), None, np.float32(0.7)], expected=clip),
    Case("Clip", [normal(30), np.float32(0.1)], expected=clip),
    Case("Clip", [SPECIAL, np.float32(-3), np.float32(3)], expected=clip),
    Case("Clip", [normal(5), np.float32(2), np.float32(-2)], expected=clip),
    Case("Clip", [integers(9, dtype=np.uint8), np.uint8(2), np.uint8(5)], expected=np.clip),
    Case("Clip", [normal(30)], {"min": -0.5, "max": 0.7}, lambda x, min, max: clip(x, min, max), version=6),
    Case("Clip", [normal(30, dtype=np.float16)], {"max": 0.5}, lambda x, max: clip(x, None, max), version=6),
]
CLASSES = [
    Case("IsNaN", [SPECIAL], expected=np.isnan),
    Case("IsInf", [SPECIAL], expected=np.isinf),
    Case("IsInf", [SPECIAL], {"detect_negative": 0}, lambda x, detect_negative: x == np.inf),
    Case("IsInf", [SPECIAL], {"detect_positive": 0}, lambda x, detect_positive: x == -np.inf),
    Case(
        "IsInf",
        [SPECIAL],
        {"detect_positive": 0, "detect_negative": 0},
        lambda x, **_: np.zeros(x.shape, bool),
    ),
]


@table(FLOAT_BINARY, INTEGER_BINARY, WRAPPING, FLOAT_UNARY, INTEGER_UNARY)
def test_arithmetic(case):
    case.check()


@table(REMAINDERS, POWERS, VARIADIC, CLIPS, CLASSES)
def test_functions(case):
    case.check()


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1,), (7, 13)])
def test_shapes(shape):
    x = normal(*shape)
    np.testing.assert_array_equal(jitrt.call("Add", x, x), x + x)


def test_shapes_that_do_not_broadcast_name_the_node():
    with pytest.raises(jitrt.errors.Fail, match="Add"):
        jitrt.call("Add", normal(3), normal(4))
