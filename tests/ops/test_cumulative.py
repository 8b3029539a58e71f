"""Running sums and products, and reversed sequences, against NumPy."""

import numpy as np
import pytest
from oracle import BF16, FLOATS, SIGNED, UNSIGNED, Case, int64s, integers, normal, table

import jitrt


def running(combine, first, x, axis, exclusive=0, reverse=0):
    axis = int(np.ravel(axis)[0])
    x = np.flip(x, axis) if reverse else x
    if exclusive:
        start = np.full_like(np.take(x, [0], axis), first)
        x = np.concatenate([start, np.delete(x, -1, axis)], axis)
    y = combine(x, axis=axis, dtype=x.dtype)
    return np.flip(y, axis) if reverse else y


def cum_sum(*inputs, **options):
    return running(np.cumsum, 0, *inputs, **options)


def cum_prod(*inputs, **options):
    return running(np.cumprod, 1, *inputs, **options)


def reverse_sequence(x, lengths, batch_axis=1, time_axis=0):
    y = x.copy()
    for b, length in enumerate(lengths):
        np.moveaxis(y, batch_axis, 0)[b][:length] = np.moveaxis(x, batch_axis, 0)[b][:length][::-1]
    return y


FORMS = [{"exclusive": e, "reverse": r} for e in (0, 1) for r in (0, 1)]
PAIRS = (("CumSum", cum_sum), ("CumProd", cum_prod))
RUNNING = [
    Case(op, [normal(3, 5, 4), np.array(axis, np.int32)], options, expected, version=26, tolerance=4)
    for op, expected in PAIRS
    for axis in (0, 1, -1)
    for options in FORMS
] + [
    Case(op, [x, np.array(0)], {}, expected, version=26, tolerance=4)
    for op, expected in PAIRS
    for x in (
        *(normal(6, dtype=t) for t in FLOATS),
        *(integers(9, 2, dtype=t, low=-90, high=90) for t in (np.int32, np.int64, np.uint32, np.uint64)),
    )
]
REVERSED = [
    Case("ReverseSequence", [normal(4, 3, 5), int64s(4, 0, 2)], {}, reverse_sequence),
    Case("ReverseSequence", [normal(4, 3), int64s(1, 3, 4)], {}, reverse_sequence),
    Case(
        "ReverseSequence",
        [normal(3, 4, 2, 2), int64s(1, 3, 4)],
        {"batch_axis": 0, "time_axis": 1},
        reverse_sequence,
    ),
    *(
        Case("ReverseSequence", [integers(4, 3, dtype=t), int64s(4, 3, 2)], {}, reverse_sequence, version=28)
        for t in (*SIGNED, *UNSIGNED, np.bool_, np.float16, np.float64, BF16, np.complex64, np.complex128)
    ),
]


@table(RUNNING, REVERSED)
def test_along_an_axis(case):
    case.check()


def test_reversed_strings():
    x = np.array([["a", "b"], ["c", "d"], ["e", "f"]], object)
    got = jitrt.call("ReverseSequence", x, int64s(3, 1))
    assert got.tolist() == [["e", "b"], ["c", "d"], ["a", "f"]]


@pytest.mark.parametrize("length", [4, -1])
def test_bad_lengths(length):
    message = rf"Invalid sequence length: {length}. Value must be in range \[0,3\]"
    for x in (normal(3, 2), np.full((3, 2), "s", object)):
        with pytest.raises(jitrt.errors.InvalidArgument, match=message):
            jitrt.call("ReverseSequence", x, int64s(1, length))


def test_bad_axes():
    with pytest.raises(
        jitrt.errors.Fail, match="must be 0 and 1 of at least two dimensions, got 1 and 1 of 2"
    ):
        jitrt.call("ReverseSequence", normal(3, 2), int64s(1, 1), time_axis=1)
    with pytest.raises(jitrt.errors.Fail, match=r"sequence_lens must be \[batch_size\]"):
        jitrt.call("ReverseSequence", normal(3, 2), int64s(1, 1, 1))
    with pytest.raises(jitrt.errors.Fail, match=r"axis 2 is not in \[-2, 1\]"):
        jitrt.call("CumProd", normal(3, 2), np.array(2))
