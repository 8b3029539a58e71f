"""Linear quantisation against NumPy, for every pair of types, granularity and special value."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import BF16, normal
from test_quantized_graphs import Graph

import jitrt
from jitrt.types import to_onnx

INTEGERS = [
    np.dtype(t)
    for t in (np.uint8, np.int8, np.uint16, np.int16, *(getattr(ml_dtypes, n) for n in ("uint4", "int4")))
] + [np.dtype(ml_dtypes.uint2), np.dtype(ml_dtypes.int2)]
FLOATS = [
    np.dtype(getattr(ml_dtypes, name))
    for name in ("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float4_e2m1fn")
] + [np.dtype(ml_dtypes.float6_e2m3fn), np.dtype(ml_dtypes.float6_e3m2fn)]
SCALE = np.dtype(ml_dtypes.float8_e8m0fnu)
by_name = pytest.mark.parametrize("target", INTEGERS, ids=str)


def limits(dtype: Any) -> tuple[int, int]:
    info = ml_dtypes.iinfo(dtype)
    return int(info.min), int(info.max)


def quantized(x: Any, scale: Any, zero: Any, dtype: Any) -> Any:
    """Rounded half to even, then moved by the zero point, then saturated."""
    low, high = limits(dtype)
    whole = np.rint(x.astype(np.float32) / np.asarray(scale, np.float32)).astype(np.float64)
    return np.clip(whole + np.asarray(zero).astype(np.float64), low, high).astype(np.int64)


def check(got: Any, wanted: Any, dtype: Any) -> None:
    assert got.dtype == dtype
    assert got.shape == wanted.shape
    np.testing.assert_array_equal(got.astype(np.int64), wanted)


@by_name
def test_integers_round_half_to_even_then_saturate(target: Any) -> None:
    low, high = limits(target)
    x = np.array([0, 0.25, 0.75, -0.25, -0.75, 1.25, 2.3 * high, -1e9, 1e9, np.inf, -np.inf], np.float32)
    for zero in (0, 1):
        point = np.array(zero).astype(target)
        check(
            jitrt.call("QuantizeLinear", x, np.float32(0.5), point), quantized(x, 0.5, zero, target), target
        )
    nan = jitrt.call("QuantizeLinear", np.array([np.nan], np.float32), np.float32(1), point)
    assert int(nan[0]) == low


@pytest.mark.parametrize("source", [np.float32, np.float16, BF16, np.int32], ids=lambda t: np.dtype(t).name)
def test_every_source_type(source: Any) -> None:
    x = (normal(4, 5) * 90).astype(source)
    scale = np.float32(0.75) if source is np.int32 else np.asarray(0.75, source)
    wanted = quantized(x.astype(np.float32), 0.75, 3, np.int8)
    check(jitrt.call("QuantizeLinear", x, scale, np.int8(3)), wanted, np.int8)


@pytest.mark.parametrize(("shape", "axis"), [((3, 4, 5), 1), ((3, 4, 5), -1), ((6,), 0), ((3, 1, 2), 1)])
def test_per_axis(shape: tuple[int, ...], axis: int) -> None:
    count = shape[axis]
    x, scale = normal(*shape), np.linspace(0.01, 0.1, count).astype(np.float32)
    zero = np.arange(count).astype(np.uint8) + np.uint8(100)
    along = [1] * len(shape)
    along[axis] = count
    wanted = quantized(x, scale.reshape(along), zero.reshape(along), np.uint8)
    got = jitrt.call("QuantizeLinear", x, scale, zero, axis=axis)
    check(got, wanted, np.uint8)
    back = jitrt.call("DequantizeLinear", got, scale, zero, axis=axis)
    exact = (wanted - zero.reshape(along).astype(np.int64)) * scale.reshape(along)
    np.testing.assert_allclose(back, exact.astype(np.float32), rtol=1e-7)


@pytest.mark.parametrize("size", [8, 7, 3])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_blocks(size: int, axis: int) -> None:
    block = 4
    shape = [3, 2, 5]
    shape[axis] = size
    count = -(-size // block)
    coarse = [*shape]
    coarse[axis] = count
    x = normal(*shape)
    scale = (np.random.default_rng(1).random(coarse) + 0.01).astype(np.float32)
    zero = np.random.default_rng(2).integers(-5, 5, coarse).astype(np.int16)
    fine = [np.repeat(p, block, axis).take(range(size), axis) for p in (scale, zero)]
    wanted = quantized(x, *fine, np.int16)
    got = jitrt.call("QuantizeLinear", x, scale, zero, axis=axis, block_size=block)
    check(got, wanted, np.int16)
    back = jitrt.call("DequantizeLinear", got, scale, zero, axis=axis, block_size=block)
    np.testing.assert_allclose(back, ((wanted - fine[1]) * fine[0]).astype(np.float32), rtol=1e-6)


def test_blocks_that_do_not_fit_are_named() -> None:
    with pytest.raises(jitrt.errors.Fail, match="3 blocks of 4 do not make up axis 1"):
        jitrt.call("QuantizeLinear", normal(2, 8), np.ones((2, 3), np.float32), axis=1, block_size=4)


def test_the_type_comes_from_the_zero_point_or_the_attribute() -> None:
    x = np.array([-200.0, 3, 300], np.float32)
    assert jitrt.call("QuantizeLinear", x, np.float32(1)).tolist() == [0, 3, 255]
    sixteen = jitrt.call("QuantizeLinear", x, np.float32(1), output_dtype=to_onnx(np.dtype(np.int16)))
    check(sixteen, np.array([-200, 3, 300]), np.int16)
    with pytest.raises(jitrt.errors.Fail, match="output_dtype is int16 but y_zero_point is int8"):
        jitrt.call("QuantizeLinear", x, np.float32(1), np.int8(0), output_dtype=to_onnx(np.dtype(np.int16)))


def test_the_precision_of_the_quotient() -> None:
    """1029 has more bits than bfloat16."""
    zero = np.uint16(0)
    x = np.array([1029.0], np.float32)
    for precision, wanted in ((np.float32, 1029), (np.float16, 1029), (BF16, 1032)):
        code = to_onnx(np.dtype(precision))
        assert jitrt.call("QuantizeLinear", x, np.float32(1), zero, precision=code).tolist() == [wanted]


@pytest.mark.parametrize("target", FLOATS, ids=str)
@pytest.mark.parametrize("saturate", [0, 1])
def test_small_floats(target: Any, saturate: int) -> None:
    largest = float(ml_dtypes.finfo(target).max)
    x = np.array([0, 0.3, -0.3, 1.7, largest, -largest, 40 * largest], np.float32)
    got = jitrt.call("QuantizeLinear", x, np.float32(0.5), np.zeros((), target), saturate=saturate)
    assert got.dtype == target
    expected = (x / np.float32(0.5)).astype(target)
    saturates = saturate or not target.name.startswith("float8")
    if saturates:
        expected = np.clip(x / np.float32(0.5), -largest, largest).astype(target)
    np.testing.assert_array_equal(got.astype(np.float32), expected.astype(np.float32))


@pytest.mark.parametrize("scale_type", [np.float32, np.float16, BF16, SCALE], ids=lambda t: np.dtype(t).name)
@pytest.mark.parametrize("source", [*INTEGERS, *FLOATS, np.dtype(np.int32)], ids=str)
def test_dequantize(source: Any, scale_type: Any) -> None:
    codes = np.arange(1 << (2 if source.name.endswith("int2") else 4), dtype=np.uint8)
    x = codes.view(source) if source.itemsize == 1 else codes.astype(source)
    scale = np.asarray(0.5).astype(scale_type)
    got = jitrt.call("DequantizeLinear", x, scale)
    assert got.dtype == (np.float32 if scale_type is SCALE else scale_type)
    np.testing.assert_array_equal(got.astype(np.float32), x.astype(np.float32) * 0.5)
    other = jitrt.call("DequantizeLinear", x, scale, np.zeros((), source), output_dtype=to_onnx(BF16))
    np.testing.assert_array_equal(other, (x.astype(np.float32) * 0.5).astype(BF16))


def test_scales_of_eight_bits() -> None:
    x, scale = normal(3, 4) * 50, np.array([0.25, 0.5, 2, 1]).astype(SCALE)
    wanted = quantized(x, scale.astype(np.float32), 0, np.int8)
    got = jitrt.call("QuantizeLinear", x, scale, np.zeros(4, np.int8), axis=1)
    check(got, wanted, np.int8)


def test_float16_is_rounded_once() -> None:
    x = np.arange(256, dtype=np.uint8)
    scale, zero = np.float16(0.0123), np.uint8(7)
    exact = (x.astype(np.float64) - 7) * np.float64(scale)
    np.testing.assert_array_equal(jitrt.call("DequantizeLinear", x, scale, zero), exact.astype(np.float16))


@pytest.mark.parametrize("shape", [(), (0, 3), (1,)], ids=str)
def test_scalars_and_empty_tensors(shape: tuple[int, ...]) -> None:
    x = np.full(shape, 2.6, np.float32)
    got = jitrt.call("QuantizeLinear", x, np.float32(0.5), np.int8(1))
    check(got, np.full(shape, 6), np.int8)
    assert jitrt.call("DequantizeLinear", got, np.float32(0.5), np.int8(1)).shape == shape


def dynamic(x: Any) -> tuple[Any, float, int]:
    low, high = np.float32(min(x.min(initial=0), 0)), np.float32(max(x.max(initial=0), 0))
    scale = np.float32((high - low) / np.float32(255)) if high > low else np.float32(1)
    zero = int(np.rint(np.clip(-low / scale, 0, 255)))
    return quantized(x, scale, zero, np.uint8), scale, zero


@pytest.mark.parametrize(
    "x",
    [
        normal(4, 23, 60),
        np.abs(normal(3, 5)) + 1,
        -np.abs(normal(7)) - 1,
        np.zeros((2, 3), np.float32),
        np.float32(-3.5),
        np.zeros((0, 4), np.float32),
        np.array([0.5, 1.5, 2.5, 255], np.float32),
    ],
    ids=lambda x: str(x.shape),
)
def test_dynamic(x: Any) -> None:
    y, scale, zero = jitrt.call("DynamicQuantizeLinear", x, outputs=3)
    wanted, wanted_scale, wanted_zero = dynamic(np.asarray(x))
    check(y, wanted, np.uint8)
    assert (scale.shape, zero.shape, zero.dtype) == ((), (), np.uint8)
    assert (scale, zero) == (wanted_scale, wanted_zero)


@pytest.mark.parametrize("exponent", [-143, -131, -100, -66, -63, 0, 40, 110])
def test_dynamic_codes_are_those_of_a_division(exponent: int) -> None:
    """Of any magnitude, and halfway between two codes."""
    rng = np.random.default_rng(0)
    halves = rng.integers(-255, 256, (50, 40)) / 2
    halves.flat[:2] = -127.5, 127.5
    for x in (rng.normal(size=(50, 40)) * 9, halves):
        x = np.ldexp(x, exponent).astype(np.float32)
        y, scale, zero = jitrt.call("DynamicQuantizeLinear", x, outputs=3)
        np.testing.assert_array_equal(y, np.clip(np.rint(x / scale) + zero.astype(np.float32), 0, 255))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 6), min_size=3, max_size=3), st.integers(-3, 2), st.integers(0, 99))
def test_a_round_trip_is_off_by_half_a_scale_at_most(shape: list[int], axis: int, seed: int) -> None:
    x = normal(*shape, seed=seed)
    count = shape[axis]
    scale = np.linspace(0.05, 0.1, count).astype(np.float32)
    zero = np.arange(count).astype(np.int8)
    y = jitrt.call("QuantizeLinear", x, scale, zero, axis=axis)
    back = jitrt.call("DequantizeLinear", y, scale, zero, axis=axis)
    along = [1] * 3
    along[axis] = count
    assert (np.abs(back - x) <= scale.reshape(along) * 0.5001).all()


@pytest.mark.parametrize("target", [np.uint8, np.int16])
@pytest.mark.parametrize("scale", [0.1, 1 / 3, 0.75, 3.14159e-4, 127.5])
def test_quotients_by_known_scales_round_as_divisions_do(scale: float, target: Any) -> None:
    """At the floats around each tie, beyond the range, and for numbers that are none."""
    step, zero = np.float32(scale), np.asarray(3, target)
    ties = (np.arange(-300, 300) + 0.5) * np.float64(step)
    x = ties.astype(np.float32)
    near = [x, *(np.nextafter(x, np.float32(end)) for end in (-np.inf, np.inf))]
    x = np.concatenate([*near, np.array([np.inf, -np.inf, 3e34, -3e34, 1e-44, 0], np.float32)])
    graph = Graph(x)
    graph.quantized("x", step, zero)
    got, _ = graph.run(target)
    check(got, quantized(x, step, zero, target), np.dtype(target))
