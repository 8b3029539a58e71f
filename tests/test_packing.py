"""Packed matrices of every layout against NumPy's view of the same."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from jitrt.codegen import packing
from jitrt.codegen.dot import dot_of
from jitrt.codegen.microkernel import tile_shape
from jitrt.codegen.nbits import BlockProduct, pack_weights
from jitrt.codegen.split import SHAPE
from jitrt.codegen.weights import pack_groups, pack_matrix, pack_split, pack_winograd_weights
from jitrt.codegen.winograd_transform import F2, F2_STRIDED, F4
from jitrt.types import BF16, F16, F32, F64, I32

CHUNK = 32  # numbers of a split row that belong together
SIZES = pytest.mark.parametrize(("k", "n"), [(1, 1), (7, 16), (16, 33), (40, 100), (33, 5), (0, 3), (3, 0)])
LAYOUTS = pytest.mark.parametrize("layout", ["rows", "columns", "apart", "reversed"])


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def laid_out(matrix, layout):
    """The matrix [..., k, n] in memory with adjacent rows or columns, with gaps, or backwards."""
    if layout == "columns":
        return np.ascontiguousarray(matrix.swapaxes(-1, -2)).swapaxes(-1, -2)
    if layout == "apart":
        gaps = np.empty((*matrix.shape[:-2], 2 * matrix.shape[-2], 3 * matrix.shape[-1]), matrix.dtype)
        gaps[..., ::2, 1::3] = matrix
        return gaps[..., ::2, 1::3]
    if layout == "reversed":
        return np.ascontiguousarray(matrix[..., ::-1, ::-1])[..., ::-1, ::-1]
    return matrix


def panels(rows, lanes, columns):
    """Rows [k, n] by panels of columns, the last of whole vectors."""
    width = -(-rows.shape[1] // lanes) * lanes
    wide = np.zeros((len(rows), width), rows.dtype)
    wide[:, : rows.shape[1]] = rows
    parts = [wide[:, first : first + columns].ravel() for first in range(0, width, columns)]
    return np.concatenate([np.zeros(0, rows.dtype), *parts])


@SIZES
@LAYOUTS
@pytest.mark.parametrize("dtype", [F32, F16, BF16, F64, I32], ids=str)
def test_matrices(dtype, layout, k, n, target, rng):
    matrix = laid_out((100 * rng.standard_normal((2, k, n))).astype(dtype), layout)
    packed = pack_matrix(matrix, target)
    shape = tile_shape(packed.dtype, target)
    assert packed.dtype == (F32 if dtype in (F16, BF16) else dtype)
    for own, rows in zip(packed, matrix.astype(packed.dtype), strict=True):
        np.testing.assert_array_equal(own, panels(rows, shape.lanes, shape.columns))


@LAYOUTS
def test_rows_in_another_order(layout, target, rng):
    matrix = laid_out(rng.standard_normal((40 * 9, 50), np.float32), layout)
    ordered = matrix.reshape(40, 9, 50).transpose(1, 0, 2).reshape(-1, 50)
    np.testing.assert_array_equal(pack_matrix(matrix, target, inner=9), pack_matrix(ordered, target))


@pytest.mark.parametrize("batch", [1, 3])
def test_threads_that_share_a_matrix(batch, monkeypatch, rng):
    matrix = rng.standard_normal((batch, 50, 300), np.float32)
    expected = pack_matrix(matrix)
    monkeypatch.setattr(packing, "SHARE", 64)
    monkeypatch.setattr(packing, "allowed", lambda: range(5))
    np.testing.assert_array_equal(pack_matrix(matrix), expected)


def nearest_parts(numbers, parts):
    """The bfloat16 numbers nearest to what is left of float32 ones, as u32 with lower halves of zeros."""
    for _ in range(parts):
        rounded = (numbers.view(np.uint32) + np.uint32(0x8000)) & np.uint32(0xFFFF0000)
        yield rounded
        numbers = numbers - rounded.view(np.float32)


@SIZES
@LAYOUTS
@pytest.mark.parametrize(("dtype", "parts"), [(F32, 3), (F32, 1), (F16, 2), (BF16, 1)], ids=str)
def test_parts(dtype, parts, layout, k, n, rng):
    matrix = laid_out(rng.standard_normal((3, k, n)).astype(dtype), layout)
    chunks = -(-k // CHUNK)
    rows = np.zeros((3, chunks * CHUNK, n), np.float32)
    rows[:, :k] = matrix
    split = np.stack([*nearest_parts(rows, parts)])
    pairs = (split[:, :, 0::2] >> np.uint32(16)) | split[:, :, 1::2]
    lines = pairs.reshape(parts, 3, chunks, CHUNK // 2, n).transpose(1, 2, 0, 3, 4)
    found = pack_split(matrix, parts)
    np.testing.assert_array_equal(
        found.view(np.uint32),
        panels(lines.reshape(3 * chunks * parts * CHUNK // 2, n), SHAPE.lanes, SHAPE.columns),
    )


@SIZES
@LAYOUTS
@pytest.mark.parametrize("inner", [1, 4])
def test_groups_of_bytes(layout, k, n, inner, target, rng):
    matrix = laid_out(rng.integers(-128, 128, (2, k * inner, n)).astype(np.int8), layout)
    dot = dot_of(target)
    depth = int(dot.groups(k)) * dot.size
    rows = np.zeros((2, depth, inner, n), dot.column)
    rows[:, :k] = matrix.reshape(2, k, inner, n)
    grouped = rows.reshape(2, depth // dot.size, dot.size, inner, n).transpose(0, 3, 1, 4, 2)
    lines = np.ascontiguousarray(grouped).view(np.int32).reshape(2, depth // dot.size * inner, n)
    shape = tile_shape(I32, target)
    for own, expected in zip(pack_groups(matrix, dot, target, inner), lines, strict=True):
        np.testing.assert_array_equal(own, panels(expected, shape.lanes, shape.columns))


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("n", [1, 31, 64, 65])
def test_numbers_of_few_bits(bits, n, target, rng):
    numbers = rng.integers(0, 1 << bits, (n, 6 * 32 // bits)).astype(np.uint8)
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    weights = np.bitwise_or.reduce(numbers.reshape(n, -1, 8 // bits) << shifts, 2)
    product = BlockProduct(bits, True, None, False, target)
    lines = np.bitwise_or.reduce(numbers.reshape(n, 6, 8 // bits, 4) << shifts[:, None], 2)
    expected = np.zeros((-(-n // product.columns) * product.columns, 6, 4), np.uint8)
    expected[:n] = lines
    expected = expected.reshape(-1, product.columns, 6, 4).transpose(0, 2, 1, 3)
    np.testing.assert_array_equal(pack_weights(weights, product), expected)


@pytest.mark.parametrize("transform", [F2, F4, F2_STRIDED], ids=["F2", "F4", "F2 of stride 2"])
@pytest.mark.parametrize("dtype", [F32, F64], ids=str)
@pytest.mark.parametrize("taps", [(), (2,)], ids=["image", "volume"])
def test_transformed_kernels(transform, dtype, taps, target, rng):
    weights = rng.standard_normal((40, 5, *taps, 3, 3)).astype(dtype)
    G = transform.factors.reshape(transform.kernels, transform.kernels, 3, 3)
    slices = weights.reshape(40, 5, -1, 3, 3).astype(np.float64)
    lines = np.einsum("ijab,mctab->ijtcm", G, slices).reshape(-1, 40)
    shape = tile_shape(dtype, target)
    expected = panels(lines.astype(dtype), shape.lanes, shape.columns)
    found = pack_winograd_weights(weights, transform, target)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-15)


@pytest.mark.parametrize("layout", ["rows", "columns"])
@pytest.mark.parametrize("largest", [0, 1], ids=["alone", "beside 1"])
def test_subnormal_numbers(layout, largest, target):
    matrix = np.zeros((4, 20), np.float32)
    matrix[1, :5] = [1e-39, -1e-45, 1.1754942e-38, -0.0, largest]
    ordinary = np.where(np.abs(matrix) < 2.0**-126, 0, matrix) if largest else matrix
    shape = tile_shape(F32, target)
    found = pack_matrix(laid_out(matrix, layout), target)
    np.testing.assert_array_equal(found, panels(ordinary, shape.lanes, shape.columns))


def test_subnormal_results_of_a_transform():
    weights = np.full((1, 1, 3, 3), 1e-39, np.float32)
    assert pack_winograd_weights(weights, F2).any()
    weights = np.repeat(weights, 2, axis=0)
    weights[1] = 1
    packed = pack_winograd_weights(weights, F2).reshape(16, -1)
    assert not packed[:, 0].any()
    assert packed[:, 1].any()


def test_float16_weights_lose_nothing(target):
    matrix = np.array([[6e-8, 65504, -0.5]], ml_dtypes.bfloat16).astype(np.float16)
    np.testing.assert_array_equal(pack_matrix(matrix, target)[:3], matrix[0].astype(np.float32))
