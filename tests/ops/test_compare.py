"""Comparisons, logic and choice."""

import numpy as np
from oracle import FLOATS, SIGNED, UNSIGNED, Case, integers, normal, table

SPECIAL = np.array([0.0, -0.0, 1.0, np.inf, -np.inf, np.nan, np.nan], np.float32)
ORDER = {
    **{"Equal": np.equal, "Less": np.less, "LessOrEqual": np.less_equal},
    **{"Greater": np.greater, "GreaterOrEqual": np.greater_equal},
}
LOGIC = {"And": np.logical_and, "Or": np.logical_or, "Xor": np.logical_xor}
BITS = {"BitwiseAnd": np.bitwise_and, "BitwiseOr": np.bitwise_or, "BitwiseXor": np.bitwise_xor}
TRUTH = np.array([[True, False, True], [False, False, True]])

COMPARISONS = [
    Case(op, [make(3, 1, 7, dtype=t), make(5, 1, dtype=t, seed=1)], expected=f)
    for op, f in ORDER.items()
    for make, types in ((normal, FLOATS), (integers, (*SIGNED, *UNSIGNED)))
    for t in types
] + [Case(op, [SPECIAL, SPECIAL[::-1].copy()], expected=f) for op, f in ORDER.items()]
BOOLEANS = [Case(op, [TRUTH, TRUTH[:, ::-1].copy()], expected=f) for op, f in LOGIC.items()] + [
    Case("Not", [TRUTH], expected=np.logical_not),
    Case("Equal", [TRUTH, TRUTH[:1]], expected=np.equal),
]
BITWISE = [
    Case(op, [integers(21, dtype=t), integers(21, dtype=t, seed=1)], expected=f)
    for op, f in BITS.items()
    for t in (*SIGNED, *UNSIGNED)
] + [Case("BitwiseNot", [integers(9, dtype=t)], expected=np.invert) for t in (*SIGNED, *UNSIGNED)]
SHIFTS = [
    Case(
        "BitShift", [integers(9, dtype=t, high=99), integers(9, dtype=t, high=7, seed=1)], {"direction": d}, f
    )
    for t in UNSIGNED
    for d, f in (("LEFT", lambda x, y, direction: x << y), ("RIGHT", lambda x, y, direction: x >> y))
] + [
    Case(
        "BitShift",
        [np.array([255], np.uint8), np.array([8], np.uint8)],
        {"direction": "LEFT"},
        lambda x, y, direction: np.zeros(1),
    )
]
CHOICES = (
    [
        Case("Where", [TRUTH, normal(2, 3, dtype=t), normal(1, dtype=t, seed=1)], expected=np.where)
        for t in FLOATS
    ]
    + [
        Case(
            "Where",
            [TRUTH[:, :1].copy(), integers(3, dtype=t), integers(2, 3, dtype=t, seed=1)],
            expected=np.where,
        )
        for t in (np.int64, np.uint8)
    ]
    + [Case("Where", [TRUTH, ~TRUTH, TRUTH], expected=np.where)]
)


@table(COMPARISONS, BOOLEANS, BITWISE, SHIFTS, CHOICES)
def test_compare(case):
    case.check()
