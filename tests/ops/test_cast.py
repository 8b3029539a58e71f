"""Conversions between every pair of element types."""

import ml_dtypes
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


SMALL_FLOATS = [
    np.dtype(getattr(ml_dtypes, f"float{name}"))
    for name in ("8_e4m3fn", "8_e4m3fnuz", "8_e5m2", "8_e5m2fnuz", "4_e2m1fn")
]
SMALL_INTEGERS = [np.dtype(getattr(ml_dtypes, name)) for name in ("int4", "uint4", "int2", "uint2")]
SCALE = np.dtype(ml_dtypes.float8_e8m0fnu)


@pytest.mark.parametrize("target", [np.float32, np.float16, np.float64], ids=lambda t: np.dtype(t).name)
@pytest.mark.parametrize("source", [*SMALL_FLOATS, *SMALL_INTEGERS, SCALE], ids=str)
def test_every_code_of_a_small_type(source, target):
    bits = (ml_dtypes.iinfo if source in SMALL_INTEGERS else ml_dtypes.finfo)(source).bits
    x = np.arange(2**bits, dtype=np.uint8).view(source)
    got = jitrt.call("Cast", x, to=to_onnx(np.dtype(target)))
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(got, x.astype(np.float32).astype(target))


@pytest.mark.parametrize("target", SMALL_FLOATS, ids=str)
def test_small_floats_round_to_nearest_even(target):
    largest = float(ml_dtypes.finfo(target).max)
    exact = np.arange(2 ** ml_dtypes.finfo(target).bits, dtype=np.uint8).view(target).astype(np.float32)
    exact = np.sort(exact[np.isfinite(exact)])
    between = (exact[1:] + exact[:-1]) / 2
    x = np.concatenate([exact, between, np.nextafter(between, np.inf), np.nextafter(between, -np.inf)])
    expected = x.astype(target)
    for saturate in (0, 1):
        got = jitrt.call("Cast", x, to=to_onnx(target), saturate=saturate)
        np.testing.assert_array_equal(got.view(np.uint8), expected.view(np.uint8))
    beyond = np.array([np.inf, -np.inf, 1e6, np.nan], np.float32)
    saturated = jitrt.call("Cast", beyond, to=to_onnx(target)).astype(np.float32)
    assert saturated[:3].tolist() == [largest, -largest, largest]
    if target.name.startswith("float8"):
        assert np.isnan(saturated[3])
        strict = jitrt.call("Cast", beyond, to=to_onnx(target), saturate=0)
        np.testing.assert_array_equal(strict.astype(np.float32), beyond.astype(target).astype(np.float32))


@pytest.mark.parametrize("target", SMALL_INTEGERS, ids=str)
@pytest.mark.parametrize("source", [np.int32, np.uint8, np.float32], ids=lambda t: np.dtype(t).name)
def test_small_integers_keep_their_low_bits(source, target):
    x = np.array([0, 1, 2, 3, 7, 9, 15, 17, 100]).astype(source)
    got = jitrt.call("Cast", x, to=to_onnx(target))
    np.testing.assert_array_equal(got.astype(np.int32), x.astype(np.int32).astype(target).astype(np.int32))


@pytest.mark.parametrize(
    ("mode", "saturate", "expected"),
    [
        ("up", 1, [0, 0, 1, 127, 128, 128, 254, 254, 255]),
        ("down", 1, [0, 0, 0, 127, 127, 127, 254, 254, 255]),
    ],
)
def test_scales_round_to_a_power_of_two(mode, saturate, expected):
    x = np.array([0, 2.0**-127, 2.0**-126.5, 1, 1.25, 1.5, 3e38, np.inf, np.nan], np.float32)
    got = jitrt.call("Cast", x, to=to_onnx(SCALE), round_mode=mode, saturate=saturate)
    assert got.view(np.uint8).tolist() == expected
