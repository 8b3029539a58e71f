"""Weights of few bits, in products and in tables, against NumPy and onnxruntime."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from oracle import TOLERANCES, normal
from quantized_peer import one_operator, onnxruntime_outputs
from steps import ref, run_twice

import jitrt
from jitrt.codegen.nbits import (
    BlockProduct,
    Rows,
    block_product_step,
    pack_panels,
    pack_weights,
    takes_integers,
)
from jitrt.codegen.target import host

DOMAIN = "com.microsoft"
SIZES = [((1,), 64, 40, 32), ((2, 3), 80, 33, 16), ((3,), 70, 31, 32), ((19,), 128, 64, 128)]


def unpack(packed, bits):
    numbers = packed[..., None] >> np.arange(0, 8, bits) & (1 << bits) - 1
    return numbers.reshape(*packed.shape[:-1], -1).astype(np.float64)


def product(A, B, scales, zero_points=None, g_idx=None, bias=None, *, K, N, bits, block_size):
    blocks = scales.size // N
    zeros = np.full((N, blocks), 2.0 ** (bits - 1))
    if zero_points is not None:
        packed = zero_points.dtype == np.uint8
        zeros = unpack(zero_points, bits)[:, :blocks] if packed else zero_points.astype(np.float64)
    group = np.arange(K) // block_size if g_idx is None else g_idx
    numbers = unpack(B.reshape(N, -1), bits)[:, :K]
    weights = (numbers - zeros[:, group]) * scales.astype(np.float64)[:, group]
    y = A.astype(np.float64) @ weights.T
    return y if bias is None else y + bias.astype(np.float64)


def product_inputs(lead, K, N, bits, block_size, *, dtype=np.float32, zeros=None, groups=False, bias=False):
    rng = np.random.default_rng(K + N + bits)
    blocks = -(-K // block_size)
    points = None
    if zeros is not None:
        points = rng.integers(0, 256, (N, -(-blocks * bits // 8))).astype(np.uint8)
        points = points if zeros == "packed" else normal(N, blocks, dtype=dtype)
    return [
        normal(*lead, K, dtype=dtype),
        rng.integers(0, 256, (N, blocks, block_size * bits // 8)).astype(np.uint8),
        np.abs(normal(N, blocks, seed=1)).astype(dtype) / 10,
        points,
        rng.integers(0, blocks, K).astype(np.int32) if groups else None,
        normal(N, dtype=dtype) if bias else None,
    ]


def assert_close(got, wanted, tolerance=1.0):
    limit = TOLERANCES[got.dtype.name] * tolerance * np.abs(wanted).max()
    np.testing.assert_allclose(got.astype(np.float64), wanted, rtol=0, atol=limit)


def check_product(lead, K, N, block_size, bits, constants=(1, 2, 3, 4), **more):
    inputs = product_inputs(lead, K, N, bits, block_size, **more)
    attributes = {"K": K, "N": N, "bits": bits, "block_size": block_size}
    model, fed = one_operator("MatMulNBits", inputs, 1, constants, **attributes)
    (got,) = jitrt.InferenceSession(model).run(None, fed)
    assert got.dtype == inputs[0].dtype
    assert_close(got, product(*inputs, **attributes))


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("zeros", [None, "packed", "float"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_product(size, zeros, bits):
    check_product(*size, bits, zeros=zeros, bias=zeros == "packed")


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("zeros", [None, "packed", "float"])
def test_product_of_16_bit_floats(dtype, zeros):
    check_product(*SIZES[1], 4, dtype=dtype, zeros=zeros, bias=True)


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("zeros", [None, "packed", "float"])
def test_product_with_groups(bits, zeros):
    check_product(*SIZES[2], bits, zeros=zeros, groups=True)


@pytest.mark.parametrize("zeros", [None, "packed", "float"])
def test_product_of_weights_that_are_inputs(zeros):
    check_product(*SIZES[1], 4, constants=(), zeros=zeros, bias=True)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(
    ("bits", "zeros"), [(4, None), (4, "packed"), (4, "float"), (8, "packed"), (2, None)]
)
def test_product_against_onnxruntime(size, bits, zeros):
    """Products with groups are left out: it has few of them, and reads packed zero points of others."""
    lead, K, N, block_size = size
    inputs = product_inputs(lead, K, N, bits, block_size, zeros=zeros)
    attributes = {"K": K, "N": N, "bits": bits, "block_size": block_size}
    (wanted,) = onnxruntime_outputs("MatMulNBits", inputs, constants=(1, 2, 3), **attributes)
    model, fed = one_operator("MatMulNBits", inputs, 1, (1, 2, 3), **attributes)
    assert_close(jitrt.InferenceSession(model).run(None, fed)[0], wanted, 3)


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("zeros", [None, "packed", "float"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_product_of_int8(size, bits, zeros):
    """Each block of A may be rounded to multiples of a 127th of its largest element."""
    lead, K, N, block_size = size
    inputs = product_inputs(lead, K, N, bits, block_size, zeros=zeros, bias=True)
    attributes = {"K": K, "N": N, "bits": bits, "block_size": block_size}
    model, fed = one_operator("MatMulNBits", inputs, 1, (1, 2, 3), accuracy_level=4, **attributes)
    (got,) = jitrt.InferenceSession(model).run(None, fed)
    exact = product(*inputs, **attributes)
    blocks = np.pad(inputs[0], [(0, 0)] * len(lead) + [(0, -K % block_size)])
    blocks = blocks.reshape(*lead, -1, block_size)
    factors = np.abs(blocks).max(-1, keepdims=True) / np.float32(127)
    rounded = (np.rint(blocks / factors) * factors).reshape(*lead, -1)[..., :K]
    expected = product(rounded, *inputs[1:], **attributes) if takes_integers(host()) else exact
    assert_close(got, expected, 10)
    assert np.abs(got - exact).max() < 0.02 * np.abs(exact).max()


def test_rows_change_from_call_to_call():
    inputs = product_inputs((1,), 64, 40, 4, 32, zeros="packed")
    attributes = {"K": 64, "N": 40, "bits": 4, "block_size": 32}
    model, _ = one_operator("MatMulNBits", inputs, 1, (1, 2, 3), **attributes)
    session = jitrt.InferenceSession(model)
    for rows in (1, 2, 9, 30, 1, 0):
        a = normal(rows, 64, seed=rows)
        (got,) = session.run(None, {"x0": a})
        np.testing.assert_allclose(got, product(a, *inputs[1:], **attributes), atol=1e-4)


def test_omitted_weights_give_the_bias():
    none, bias = np.zeros((0, 2, 16), np.uint8), normal(5)
    attributes = {"K": 64, "N": 5, "block_size": 32}
    scales = np.zeros((0,), np.float32)
    got = jitrt.call(
        "MatMulNBits", normal(3, 64), none, scales, None, None, bias, domain=DOMAIN, **attributes
    )
    np.testing.assert_array_equal(got, np.broadcast_to(bias, (3, 5)))


def test_wrong_sizes_are_named():
    inputs = product_inputs((1,), 64, 40, 4, 32)[:3]
    attributes = {"K": 64, "N": 41, "bits": 4, "block_size": 32}
    with pytest.raises(jitrt.errors.Fail, match=r"B must have 41 x 32 elements"):
        jitrt.call("MatMulNBits", *inputs, domain=DOMAIN, **attributes)


@pytest.mark.parametrize("integer", [False, True])
@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("zeros", [None, "u8", "f32"])
@pytest.mark.parametrize("rows", [1, 3, 17])
def test_kernel_on_each_target(bits, zeros, rows, integer, target):
    if integer and not takes_integers(target):
        pytest.skip("no dot products of bytes")
    n, blocks, size = 41, 3, 32
    rng = np.random.default_rng(bits)
    weights = rng.integers(0, 256, (n, blocks * size * bits // 8)).astype(np.uint8)
    scales, bias = normal(n, blocks), normal(n, seed=2)
    points = {"u8": rng.integers(0, 256, (n, blocks)).astype(np.uint8), "f32": normal(n, blocks, seed=1)}
    a, factors = normal(rows, blocks * size), np.ones((rows, blocks), np.float32)
    if integer:
        a, factors = rng.integers(-127, 128, a.shape).astype(np.int8), np.abs(normal(rows, blocks))
    y, sums = np.zeros((rows, n), np.float32), a.reshape(rows, blocks, size).sum(2, dtype=np.float32)
    product = BlockProduct(bits, integer, zeros, True, target)
    packed = [ref(pack_weights(weights, product)), ref(pack_panels(scales, target))]
    if zeros:
        packed.append(ref(pack_panels(points[zeros], target)))
    given = Rows(ref(a), ref(sums), ref(factors) if integer else None)
    step = block_product_step(product, given, packed, ref(bias), ref(y), (rows, n), (blocks, size))
    run_twice(step, target, y)
    middle = points[zeros] if zeros else np.full((n, blocks), 2.0 ** (bits - 1))
    real = (unpack(weights, bits).reshape(n, blocks, size) - middle[..., None]) * scales[..., None]
    x = a.astype(np.float64) * np.repeat(factors, size, 1)
    assert_close(y, x @ real.reshape(n, -1).T + bias)


def gathered(data, indices, scales, zeros=None, *, bits=4, block_size=128, gather_axis=0, quantize_axis=1):
    numbers = data.astype(np.float64)
    if data.dtype == np.uint8:
        numbers, zeros = unpack(data, bits), 2 ** (bits - 1) if zeros is None else unpack(zeros, bits)
        zeros = np.broadcast_to(zeros, scales.shape) if np.ndim(zeros) == 0 else zeros[:, : scales.shape[1]]
    factors, points = scales.astype(np.float64), np.zeros(1) if zeros is None else zeros.astype(np.float64)
    size = block_size or numbers.shape[quantize_axis]
    keep = range(numbers.shape[quantize_axis])
    factors, points = (
        np.take(np.repeat(p, size, quantize_axis), keep, quantize_axis) if p.ndim > 1 else p
        for p in (factors, points)
    )
    table, n = (numbers - points) * factors, numbers.shape[gather_axis]
    valid = (indices >= -n) & (indices < n)
    y = np.take(table, np.where(valid, indices, 0), gather_axis)
    return y * valid.reshape([*valid.shape, *[1] * (table.ndim - gather_axis % table.ndim - 1)])


def gather_cases():
    rng = np.random.default_rng(0)
    for dtype in (np.float32, np.float16):
        for shape, kind in (((3,), np.int32), ((2, 2), np.int64), ((), np.int64)):
            indices = rng.integers(-6, 6, shape).astype(kind)
            for bits in (2, 4, 8):
                each = 8 // bits
                data = rng.integers(0, 256, (6, 96 // each)).astype(np.uint8)
                scales = np.abs(normal(6, 3, dtype=dtype))
                zeros = rng.integers(0, 256, (6, -(-3 // each))).astype(np.uint8)
                options = {"bits": bits, "block_size": 32}
                yield [data, indices, scales], options
                yield [data, indices, scales, zeros], options
        outside = np.array([0, 7, -9, 5])
        for four in (ml_dtypes.int4, ml_dtypes.uint4):
            data = rng.integers(0, 7, (6, 5, 40)).astype(four)
            for gather_axis, axis in ((0, 2), (-2, 2), (2, 0), (1, 1), (-1, 2)):
                shape = [6, 5, 40]
                shape[axis] = -(-shape[axis] // 16)
                scales = np.abs(normal(*shape, dtype=dtype))
                zeros = rng.integers(0, 7, shape).astype(four)
                options = {"block_size": 16, "gather_axis": gather_axis, "quantize_axis": axis}
                yield [data, outside, scales], options
                yield [data, outside, scales, zeros], options
        for small in (ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2, ml_dtypes.float4_e2m1fn):
            data = normal(6, 5, 40).astype(small)
            options = {"block_size": 16, "quantize_axis": 2}
            yield [data, outside, np.abs(normal(6, 5, 3, dtype=dtype))], options
            yield [data, outside, np.abs(normal(1, 1, 1, dtype=dtype))], {**options, "block_size": 0}


GATHERS = list(gather_cases())
names = [f"{i}-{inputs[0].dtype.name}-{inputs[2].dtype.name}" for i, (inputs, _) in enumerate(GATHERS)]


@pytest.mark.parametrize(("inputs", "options"), GATHERS, ids=names)
def test_gather(inputs, options):
    got = jitrt.call("GatherBlockQuantized", *inputs, domain=DOMAIN, **options)
    assert got.dtype == inputs[2].dtype
    wanted = gathered(*inputs, **options)
    assert got.shape == wanted.shape
    assert_close(got, wanted)


@pytest.mark.parametrize(("inputs", "options"), GATHERS, ids=names)
def test_gather_against_onnxruntime(inputs, options):
    got = jitrt.call("GatherBlockQuantized", *inputs, domain=DOMAIN, **options)
    (theirs,) = onnxruntime_outputs("GatherBlockQuantized", inputs, constants=(0, 2, 3), **options)
    np.testing.assert_array_equal(got, theirs)


def test_gather_refuses_other_axes_of_bytes():
    data, scales = np.zeros((4, 16), np.uint8), np.ones((4, 1), np.float32)
    with pytest.raises(jitrt.errors.Fail, match="gather_axis must be 0 for uint8 data, got 1"):
        jitrt.call("GatherBlockQuantized", data, np.array([0]), scales, domain=DOMAIN, gather_axis=1)
