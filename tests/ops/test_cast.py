"""Conversions between every pair of element types."""

import numpy as np
import pytest
from oracle import BF16, FLOATS, SIGNED, UNSIGNED, Case, compare, integers, normal, table

import jitrt
from jitrt.types import to_onnx

TYPES = [np.dtype(t) for t in (*FLOATS, *SIGNED, *UNSIGNED, np.bool_)]
POSITIVE = np.array([0, 1, 2, 3, 100, 0, 7, 1, 5, 9, 64, 33, 2, 1, 0, 17, 120])


@pytest.mark.parametrize("target", TYPES, ids=str)
@pytest.mark.parametrize("source", TYPES, ids=str)
def test_cast(source, target):
    x = POSITIVE.astype(source)
    y = jitrt.call("Cast", x, to=to_onnx(target))
    assert y.dtype == target
    compare(y, x.astype(target))


def test_fractions_truncate_toward_zero():
    x = np.array([-2.7, -0.5, 0.5, 2.7], np.float32)
    np.testing.assert_array_equal(jitrt.call("Cast", x, to=to_onnx(np.dtype(np.int32))), [-2, 0, 0, 2])


def test_any_number_but_zero_is_true():
    x = np.array([0.0, -0.0, 0.1, np.nan, np.inf], np.float32)
    expected = [False, False, True, True, True]
    np.testing.assert_array_equal(jitrt.call("Cast", x, to=to_onnx(np.dtype(np.bool_))), expected)


def test_float_rounds_to_nearest_even():
    x = np.array([1 + 2**-9, 1 + 3 * 2**-9, 65519.0, 65520.0, 3e38, np.nan], np.float32)
    for target in (BF16, np.dtype(np.float16)):
        with np.errstate(over="ignore"):
            compare(jitrt.call("Cast", x, to=to_onnx(target)), x.astype(target))


LIKE = [
    Case(
        "CastLike",
        [normal(9), np.zeros(1, t)],
        expected=lambda x, like: x.astype(np.float32).astype(like.dtype),
    )
    for t in (np.float16, np.int32)
] + [Case("CastLike", [integers(9), np.zeros(1, np.bool_)], expected=lambda x, like: x != 0)]


@table(LIKE)
def test_cast_like(case):
    case.check()


def test_bit_cast():
    x = normal(9)
    np.testing.assert_array_equal(jitrt.call("BitCast", x, to=to_onnx(np.dtype(np.int32))), x.view(np.int32))
