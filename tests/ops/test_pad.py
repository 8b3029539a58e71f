"""Padding against numpy.pad."""

import numpy as np
import pytest
from oracle import BF16, Case, int64s, integers, normal, table

import jitrt


def pad(x, pads, value=0, axes=None, mode="constant"):
    axes = range(x.ndim) if axes is None else axes
    widths = [(0, 0)] * x.ndim
    for i, a in enumerate(axes):
        widths[a] = int(pads[i]), int(pads[i + len(pads) // 2])
    x = x[tuple(slice(max(-b, 0), s - max(-a, 0)) for (b, a), s in zip(widths, x.shape, strict=True))]
    positive = [(max(b, 0), max(a, 0)) for b, a in widths]
    return np.pad(x, positive, mode, **({"constant_values": value} if mode == "constant" else {}))


MODES = ("constant", "reflect", "edge", "wrap")
PADS = {
    (7,): ((2, 3), (0, 0), (-1, 2), (9, 0)),
    (3, 5): ((1, 2, 0, 1), (0, 2, 0, 2), (1, -2, 1, 3)),
    (2, 3, 4): ((1, 1, 1, 1, 1, 2), (0, 2, 0, 0, 1, 0)),
    (2, 3, 4, 5): ((0, 0, 1, 1, 0, 0, 1, 1), (1, 2, 0, 0, 1, 0, 2, 0), (0, 0, 2, 1, 0, 0, -1, 3)),
    (2, 2, 2, 3, 2): ((1, 0, 1, 1, 1, 1, 1, 0, 1, 0),),
}
EVERYWHERE = [
    Case("Pad", [normal(*shape), int64s(*pads)], {"mode": mode}, pad)
    for shape, choices in PADS.items()
    for pads in choices
    for mode in MODES
]
VALUES = (
    [
        Case("Pad", [normal(3, 4, dtype=t), int64s(1, 0, 0, 2), np.array(2.5, t)], {}, pad)
        for t in (np.float32, np.float64, np.float16, BF16)
    ]
    + [
        Case("Pad", [integers(3, 4, dtype=t), int64s(1, 0, 0, 2), np.array(1, t)], {}, pad)
        for t in (np.int8, np.int64, np.bool_)
    ]
    + [
        Case("Pad", [normal(2, 3, 4), int64s(1, 2), np.float32(3), int64s(-1)], {}, pad),
        Case("Pad", [normal(2, 3, 4), int64s(1, 0, 2, 3), None, int64s(2, 0)], {"mode": "edge"}, pad),
        Case(
            "Pad",
            [normal(2, 3)],
            {"pads": [0, 1, 1, 0], "value": 1.5},
            lambda x, pads, value: pad(x, pads, value),
            version=2,
        ),
    ]
)


@table(EVERYWHERE, VALUES)
def test_pad(case):
    case.check()


@pytest.mark.parametrize("size", [4, 9, 17])
def test_one_schedule_serves_other_sizes(size):
    x = normal(1, 2, size, size)
    np.testing.assert_array_equal(
        jitrt.call("Pad", x, int64s(0, 0, 1, 2, 0, 0, 3, 1)), np.pad(x, [(0, 0), (0, 0), (1, 3), (2, 1)])
    )
