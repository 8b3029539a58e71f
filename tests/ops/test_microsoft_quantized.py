"""Quantised elementwise, pooling and product operators of com.microsoft against NumPy and onnxruntime."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from oracle import Case, integers, normal, table
from quantized_peer import onnxruntime_outputs

import jitrt

DOMAIN = "com.microsoft"
BYTES = (np.uint8, np.int8)


def numbers(*shape, dtype=np.uint8, seed=0):
    """Integers over the whole range of the type."""
    limits = ml_dtypes.iinfo(dtype)
    rng = np.random.default_rng(seed)
    return rng.integers(limits.min, limits.max, shape, endpoint=True).astype(dtype)


def positive(*shape, seed=1):
    """Scales."""
    return np.abs(normal(*shape, seed=seed)) * np.float32(0.05) + np.float32(0.01)


def real(x, scale, zero=None):
    whole = np.asarray(x).astype(np.int64) - (0 if zero is None else np.asarray(zero).astype(np.int64))
    return whole * np.float64(np.float32(scale)) if np.ndim(scale) == 0 else whole * scale.astype(np.float64)


def quantized(y, scale, zero, dtype):
    """In float32 from the quotient on, whose halves then lie where the operators see them."""
    limits = ml_dtypes.iinfo(dtype)
    whole = np.rint(np.float32(y) / np.float32(scale)) + (0 if zero is None else np.float32(zero))
    return np.clip(whole, limits.min, limits.max).astype(dtype)


def case(op, inputs, expected, **attributes):
    return Case(op, inputs, attributes, expected, domain=DOMAIN, version=1, tolerance=10)


def add(a, sa, za, b, sb, zb, sc, zc=None):
    return quantized(real(a, sa, za) + real(b, sb, zb), sc, zc, a.dtype)


def multiply(a, sa, za, b, sb, zb, sc, zc=None):
    return quantized(real(a, sa, za) * real(b, sb, zb), sc, zc, a.dtype)


def sigmoid(x, sx, zx, sy, zy=None):
    return quantized(1 / (1 + np.exp(-real(x, sx, zx))), sy, zy, x.dtype)


def leaky_relu(x, sx, zx, sy, zy=None, *, alpha=0.01):
    y = real(x, sx, zx)
    return quantized(np.where(y < 0, alpha * y, y), sy, zy, x.dtype)


def concat(scale, zero, *parts, axis):
    triples = zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    return np.concatenate([quantized(real(*t), scale, zero, zero.dtype) for t in triples], axis)


def softmax(x, sx, zx, sy, zy, *, opset, axis=-1):
    axes = (axis,) if opset >= 13 else tuple(range(axis % x.ndim, x.ndim))
    y = real(x, sx, zx)
    e = np.exp(y - y.max(axes, keepdims=True))
    return quantized(e / e.sum(axes, keepdims=True), sy, zy, x.dtype)


def f32(value):
    return np.float32(value)


def elementwise_cases():
    for t in BYTES:
        a, b = numbers(5, 4, 33, dtype=t), numbers(4, 1, dtype=t, seed=1)
        z = [t(v) for v in (3, 5, 7)]
        scales = [f32(v) for v in (0.0113, 0.0211, 0.0319)]
        for op, expected in (("QLinearAdd", add), ("QLinearMul", multiply)):
            yield case(op, [a, scales[0], z[0], b, scales[1], z[1], scales[2], z[2]], expected)
            yield case(op, [a, scales[0], None, b, scales[1], None, scales[2]], expected)
            yield case(op, [b[0, 0], scales[0], z[0], a, scales[1], z[1], scales[2], z[2]], expected)
        for op, expected in (("QLinearSigmoid", sigmoid), ("QLinearLeakyRelu", leaky_relu)):
            yield case(op, [a, scales[1], z[0], f32(1 / 200), z[1]], expected)
            yield case(op, [a, scales[1], None, f32(1 / 200)], expected)
        yield case("QLinearLeakyRelu", [a, scales[1], z[0], scales[0], z[1]], leaky_relu, alpha=0.3)
        parts = [a, scales[0], z[0], a[:, :2], scales[2], z[2]]
        yield case("QLinearConcat", [scales[2], z[2], *parts], concat, axis=1)
        yield case("QLinearConcat", [scales[2], z[2], *parts[:3], *parts[:3]], concat, axis=-1)
        for opset, axis in ((13, -1), (13, 0), (12, 1), (11, 2)):
            inputs = [a, scales[2], z[0], f32(1 / 300), t(0)]
            yield case("QLinearSoftmax", inputs, softmax, opset=opset, axis=axis)


def global_average(x, sx, zx, sy, zy, *, channels_last=0):
    axes = tuple(range(1, x.ndim - 1) if channels_last else range(2, x.ndim))
    return quantized(real(x, sx, zx).mean(axes, keepdims=True), sy, zy, x.dtype)


def windows(x, kernel_shape, pads=None, strides=None, dilations=None, ceil_mode=0):
    """The elements of each window along the last axis of [n, c, positions...], NaN where it is padding."""
    rank = x.ndim - 2
    pads, strides, dilations = pads or [0] * 2 * rank, strides or [1] * rank, dilations or [1] * rank
    edges = [(p, q + s) for p, q, s in zip(pads[:rank], pads[rank:], strides, strict=True)]
    padded = np.pad(x.astype(np.float64), [(0, 0), (0, 0), *edges], constant_values=np.nan)
    reach = [(k - 1) * d + 1 for k, d in zip(kernel_shape, dilations, strict=True)]
    counts = []
    for a in range(rank):
        span = x.shape[a + 2] + pads[a] + pads[a + rank] - reach[a]
        count = span // strides[a] + 1 + int(bool(ceil_mode) and span % strides[a] != 0)
        counts.append(count - ((count - 1) * strides[a] >= x.shape[a + 2] + pads[a]))
    taps = []
    for tap in np.ndindex(*kernel_shape):
        starts = [k * d for k, d in zip(tap, dilations, strict=True)]
        picks = [slice(b, b + (c - 1) * s + 1, s) for b, c, s in zip(starts, counts, strides, strict=True)]
        taps.append(padded[(slice(None), slice(None), *picks)])
    return np.stack(taps, -1)


def average(x, sx, zx, sy, zy=None, *, channels_last=0, count_include_pad=0, **options):
    y = np.moveaxis(real(x, sx, zx), -1, 1) if channels_last else real(x, sx, zx)
    taps = windows(y, **options)
    mean = np.nan_to_num(taps).mean(-1) if count_include_pad else np.nanmean(taps, -1)
    return quantized(np.moveaxis(mean, 1, -1) if channels_last else mean, sy, zy, x.dtype)


def nhwc_max(x, **options):
    return np.moveaxis(np.nanmax(windows(np.moveaxis(x, -1, 1), **options), -1), 1, -1).astype(x.dtype)


WINDOWS = (
    {"kernel_shape": [3, 2]},
    {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 0, 1, 1]},
    {"kernel_shape": [2, 2], "strides": [3, 2], "ceil_mode": 1},
)


def pool_cases():
    for t in BYTES:
        x, z = numbers(2, 5, 9, 6, dtype=t), [t(3), t(6)]
        for last in (0, 1):
            inputs = [x, f32(0.0311), z[0], f32(0.0073), z[1]]
            yield case("QLinearGlobalAveragePool", inputs, global_average, channels_last=last)
            for options in WINDOWS:
                more = {"channels_last": last, **options}
                yield case("QLinearAveragePool", inputs, average, **more)
            inputs = [x, f32(0.0311), None, f32(0.0173)]
            yield case("QLinearAveragePool", inputs, average, count_include_pad=1, **WINDOWS[1])
        for options in (*WINDOWS, {"kernel_shape": [3, 2], "dilations": [2, 3]}):
            yield case("NhwcMaxPool", [x], nhwc_max, **options)
        line = numbers(2, 3, 17, dtype=t)
        inputs = [line, f32(0.0311), z[0], f32(0.0173), z[1]]
        yield case("QLinearAveragePool", inputs, average, kernel_shape=[4], strides=[3])


def gemm(a, sa, za, b, sb, zb, c=None, sy=None, zy=None, *, alpha=1.0, transA=0, transB=0):
    whole_a = np.asarray(a).astype(np.int64) - int(za)
    whole_b = np.asarray(b).astype(np.int64) - (zb[:, None] if np.ndim(zb) and transB else zb).astype(
        np.int64
    )
    y = (whole_a.T if transA else whole_a) @ (whole_b.T if transB else whole_b)
    y = (y + (0 if c is None else c)) * (alpha * sa * sb)
    return y if sy is None else quantized(y, sy, zy, np.asarray(zy).dtype)


def to_float(a, b, sa, sb, za=None, zb=None, bias=None):
    return real(a, sa, za) @ real(b, sb, zb) + (0 if bias is None else bias)


def dynamic(a, b, sb, zb=None, bias=None):
    high, low = np.float32(max(a.max(), 0)), np.float32(min(a.min(), 0))
    scale = np.float32(1) if high == low else (high - low) / np.float32(255)
    zero = np.rint(-low / scale)
    whole = np.clip(np.rint(np.float32(a) / scale) + zero, 0, 255) - zero
    return whole * np.float64(scale) @ real(b, sb, zb) + (0 if bias is None else bias)


def product_cases():
    column = positive(7)
    for ta, tb in ((np.uint8, np.int8), (np.int8, np.int8), (np.uint8, np.uint8), (np.int8, np.uint8)):
        a, b, c = numbers(5, 32, dtype=ta), numbers(32, 7, dtype=tb), integers(5, 7, dtype=np.int32) * 99
        first, second = (f32(0.0213), ta(3)), (f32(0.0317), tb(5))
        zeros = numbers(7, dtype=tb, seed=3)
        yield case("QGemm", [a, *first, b, *second, c, f32(0.73), ta(7)], gemm, alpha=0.5)
        yield case("QGemm", [a, *first, b, column, zeros, c[0], f32(1.91), ta(7)], gemm)
        yield case("QGemm", [a, *first, b, column, zeros], gemm, alpha=1.5)
        swapped = [np.ascontiguousarray(m.T) for m in (a, b)]
        yield case("QGemm", [swapped[0], *first, swapped[1], *second, c], gemm, transA=1, transB=1)
        batch, bias = numbers(2, 3, 5, 32, dtype=ta), normal(7)
        scales = [first[0], second[0]]
        yield case("MatMulIntegerToFloat", [batch, b, *scales, ta(3), tb(4), bias], to_float)
        yield case("MatMulIntegerToFloat", [batch, b, first[0], column, None, zeros], to_float)
        yield case(
            "MatMulIntegerToFloat", [batch, b, positive(32), f32(0.03), numbers(32, dtype=ta)], to_float
        )
    for tb in BYTES:
        x, b = normal(2, 5, 32), numbers(32, 7, dtype=tb)
        yield case("DynamicQuantizeMatMul", [x, b, f32(0.0317), tb(3), normal(7)], dynamic)
        yield case("DynamicQuantizeMatMul", [x, b, column, numbers(7, dtype=tb)], dynamic)
        yield case("DynamicQuantizeMatMul", [x * 0, b, f32(0.0317)], dynamic)


def linear_cases():
    for kind in (np.float32, np.float16):
        x = (normal(4, 6, 5) * 40).astype(kind)
        for t in (*BYTES, np.int16, np.uint16, ml_dtypes.int4, ml_dtypes.uint4):
            zero, zeros = np.array(3).astype(t), numbers(6, dtype=t)
            scales = positive(6).astype(kind)
            whole = numbers(4, 6, 5, dtype=t)
            yield case("QuantizeLinear", [x, kind(0.3), zero], to_linear)
            yield case("QuantizeLinear", [x, scales * 10, zeros], to_linear, axis=1)
            yield case("DequantizeLinear", [whole, kind(0.3), zero], from_linear)
            yield case("DequantizeLinear", [whole, scales, zeros], from_linear, axis=1)
            yield case("DequantizeLinear", [whole, kind(0.3)], from_linear)
        yield case("QuantizeLinear", [x, kind(0.3)], to_linear)
        whole = numbers(4, 6, 5, dtype=np.int32)
        yield case("DequantizeLinear", [whole, kind(1e-7)], from_linear)


def along(parameter, axis):
    return parameter if np.ndim(parameter) == 0 else np.reshape(parameter, (1, -1, 1))


def to_linear(x, scale, zero=None, *, axis=1):
    kind = np.dtype(np.uint8) if zero is None else zero.dtype
    whole = None if zero is None else along(zero, axis).astype(np.int64)
    return quantized(x, along(scale, axis), whole, kind)


def from_linear(x, scale, zero=None, *, axis=1):
    offset = 0 if zero is None else along(zero, axis).astype(np.int64)
    return (x.astype(np.int64) - offset) * along(scale, axis)


GROUPS = (elementwise_cases, pool_cases, product_cases, linear_cases)
CASES = [c for group in GROUPS for c in group()]


@table(CASES)
def test_against_numpy(case):
    case.check()


def onnxruntime_serves(case):
    """Products of int8 A and uint8 B and scales for parts of A it lacks; some absent inputs make it crash."""
    matrices = [x.dtype for x in case.inputs if np.ndim(x) >= 2]
    if case.op in ("QGemm", "MatMulIntegerToFloat"):
        return matrices[:2] != [np.int8, np.uint8] and np.ndim(case.inputs[2]) == 0
    return None not in [x if x is None else 0 for x in case.inputs]


@table([c for c in CASES if onnxruntime_serves(c)])
def test_against_onnxruntime(case):
    constants = range(1, 5) if case.op == "QLinearSoftmax" else ()
    (wanted,) = onnxruntime_outputs(case.op, case.inputs, constants=constants, **case.attributes)
    got = jitrt.call(case.op, *case.inputs, domain=DOMAIN, **case.attributes)
    if got.dtype == np.float32:
        np.testing.assert_allclose(got, wanted, rtol=2e-6, atol=2e-6)
    else:
        np.testing.assert_array_equal(got.astype(wanted.dtype), wanted)


@pytest.mark.parametrize("op", ["QLinearAdd", "QLinearMul"])
@pytest.mark.parametrize("dtype", BYTES)
def test_halves_round_as_in_onnxruntime(op, dtype):
    """Halves are rounded to even after the zero point is added, unlike those of QuantizeLinear."""
    a, b = numbers(64, 50, dtype=dtype), numbers(50, dtype=dtype, seed=1)
    inputs = [a, f32(0.01), dtype(3), b, f32(0.02), dtype(5), f32(0.04), dtype(7)]
    (wanted,) = onnxruntime_outputs(op, inputs)
    np.testing.assert_array_equal(jitrt.call(op, *inputs, domain=DOMAIN), wanted)


def test_other_sizes_run_by_the_same_program():
    for rows in (3, 8, 1):
        a, b = numbers(rows, 16), numbers(16, 4, dtype=np.int8)
        inputs = [a, b, f32(0.02), f32(0.03), np.uint8(3), np.int8(4)]
        got = jitrt.call("MatMulIntegerToFloat", *inputs, domain=DOMAIN)
        np.testing.assert_allclose(got, to_float(*inputs), rtol=1e-6)


def test_empty_tensors():
    none = np.zeros((0, 4), np.uint8)
    assert jitrt.call("QLinearSigmoid", none, f32(1), np.uint8(0), f32(1), domain=DOMAIN).shape == (0, 4)


def test_concat_asks_for_scales_and_zero_points():
    with pytest.raises(jitrt.errors.Fail, match="a scale and a zero point for each tensor"):
        jitrt.call("QLinearConcat", f32(1), np.uint8(0), numbers(2, 2), domain=DOMAIN, axis=0)
