"""Products of numbers split into bfloat16 parts, on tile registers, against float64."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper, numpy_helper
from steps import assert_close, ref, run_twice
from test_conv import input_image, oracle, output_image, window

import jitrt
from jitrt.codegen.conv import Image
from jitrt.codegen.epilogue import Epilogue
from jitrt.codegen.gemm import PackedMatrix
from jitrt.codegen.loop import Operand
from jitrt.codegen.product import Matrix
from jitrt.codegen.split import can_split, has_split_products, parts_of, split_matmul_step
from jitrt.codegen.split_conv import can_split_conv, split_conv_cost, split_conv_step
from jitrt.codegen.target import host
from jitrt.codegen.weights import pack_split, pack_split_weights
from jitrt.expr import load, maximum
from jitrt.types import BF16, F16, F32

tiles = pytest.mark.skipif(not has_split_products(), reason="this CPU has no tile registers for bfloat16")


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def test_parts_add_up(rng):
    numbers = rng.standard_normal((32, 32)) * np.exp2(rng.integers(-90, 120, (32, 32)))
    numbers = numbers.astype(np.float32)
    halves = pack_split(numbers[None], 3).view(np.uint16).reshape(3, 16, 32, 2).transpose(0, 1, 3, 2)
    parts = (halves.astype(np.uint32) << 16).view(np.float32).reshape(3, 32, 32)
    np.testing.assert_array_equal(sum(part.astype(np.float64) for part in parts), numbers)
    assert (np.abs(parts[1]) <= np.abs(numbers) * 2.0**-8).all()


def test_what_cannot_be_split():
    assert not can_split(np.array([[1, np.inf]], np.float32))
    assert not can_split(np.array([[1, np.nan]], np.float32))
    assert not can_split(np.array([[1, -3.4e38]], np.float32))
    assert not can_split(np.zeros((0, 4), np.float32))
    assert not can_split(np.ones((4, 4)))
    assert not can_split(np.ones((4, 4), np.float32), host().without_avx512())


def multiply(a, b, bias=None):
    (m, k), n = a.shape, b.shape[1]
    y = np.zeros((m, n), np.float32)
    packed = PackedMatrix(ref(pack_split(b[None], parts_of(a.dtype))))
    rows = Matrix(ref(a), a.dtype, a.strides[0] // a.itemsize)
    bias = None if bias is None else ref(bias)
    run_twice(split_matmul_step(rows, packed, Matrix(ref(y), F32, n), m=m, n=n, k=k, bias=bias), host(), y)
    return y


@tiles
@pytest.mark.parametrize(
    ("m", "n", "k"),
    [(1, 1, 1), (5, 7, 3), (16, 32, 32), (33, 40, 65), (300, 17, 512), (129, 100, 1), (40, 16, 4100)],
)
def test_matrices(m, n, k, rng):
    """No result is further from the exact one than float32 sums may be."""
    a, b = rng.standard_normal((m, k + 3), np.float32)[:, :k], rng.standard_normal((k, n), np.float32)
    bias = rng.standard_normal(n, np.float32)
    y = multiply(a, b, bias)
    magnitude = np.abs(a).astype(np.float64) @ np.abs(b) + np.abs(bias)
    assert (np.abs(y - (a.astype(np.float64) @ b + bias)) <= 3e-7 * magnitude).all()


@tiles
def test_error_is_below_that_of_float32_sums(rng):
    a, b = rng.standard_normal((64, 768), np.float32), rng.standard_normal((768, 64), np.float32)
    exact = a.astype(np.float64) @ b
    assert np.abs(multiply(a, b) - exact).mean() <= np.abs(a @ b - exact).mean()


@tiles
@pytest.mark.parametrize("dtype", [F16, BF16])
def test_16_bit_floats(dtype, rng):
    a, b = (rng.standard_normal(s, np.float32).astype(dtype) for s in ((50, 90), (90, 40)))
    expected = a.astype(np.float64) @ b.astype(np.float64)
    assert_close(multiply(a, b), expected, 1e-5)


@tiles
def test_infinities_and_nans(rng):
    """As in IEEE arithmetic, for factors whose further parts are zero and for those of either sign."""
    a, b = rng.standard_normal((20, 40), np.float32), rng.standard_normal((40, 20), np.float32)
    b[:, :4], b[3, 5] = 1, 0
    a[2, 3], a[5, 7], a[7, 1], a[9, 9], a[9, 10] = np.inf, -np.inf, np.nan, np.inf, -1e37
    with np.errstate(invalid="ignore"):
        expected = a.astype(np.float64) @ b.astype(np.float64)
    y = multiply(a, b)
    np.testing.assert_array_equal(np.isnan(y), np.isnan(expected))
    np.testing.assert_array_equal(np.isinf(y), np.isinf(expected))
    finite = np.isfinite(expected)
    assert_close(y[finite], expected[finite], 1e-6)


@tiles
def test_small_and_large_numbers(rng):
    scale = np.exp2(rng.integers(-60, 60, (30, 1))).astype(np.float32)
    a, b = rng.standard_normal((30, 70), np.float32) * scale, rng.standard_normal((70, 33), np.float32)
    assert_close(multiply(a, b) / scale, a.astype(np.float64) @ b / scale, 1e-6)


GEOMETRIES = [
    ((1, 16, 32), (8, 8), window((3, 3), pads=(1, 1)), (1, 1)),
    ((2, 20, 17), (7, 9), window((3, 3), pads=(1, 1)), (1, 1)),
    ((1, 64, 40), (9, 11), window((3, 3), strides=(2, 2), pads=(1, 1)), (1, 1)),
    ((2, 33, 33), (10, 7), window((1, 1), strides=(2, 2)), (0, 0)),
    ((1, 40, 24), (12, 13), window((5, 3), strides=(2, 1), dilations=(1, 2), pads=(2, 2)), (1, 0)),
    ((1, 24, 24), (20, 21), window((3, 3), strides=(3, 2), dilations=(2, 3), pads=(0, 3)), (2, 3)),
    ((2, 32, 48), (70,), window((9,), pads=(4,)), (4,)),
    ((1, 5, 3), (40,), window((4,), strides=(4,)), (0,)),
    ((3, 48, 70), (7, 7), window((1, 1)), (0, 0)),
    ((1, 96, 64), (60, 40), window((3, 3), pads=(1, 1)), (1, 1)),
    ((1, 8, 8), (1, 1), window((3, 3), pads=(1, 1)), (1, 1)),
    ((1, 1100, 40), (5, 6), window((1, 1), strides=(2, 2)), (0, 0)),
    ((2, 24, 33), (5, 6, 7), window((3, 3, 3), pads=(1, 1, 1)), (1, 1, 1)),
    ((1, 16, 20), (6, 9, 8), window((2, 3, 3), (2, 2, 1), (2, 1, 2), (1, 1, 2)), (0, 1, 2)),
]


@tiles
@pytest.mark.parametrize(("sizes", "spatial", "geometry", "after"), GEOMETRIES)
def test_convolutions(sizes, spatial, geometry, after, rng):
    batch, channels, outputs = sizes
    x = rng.standard_normal((batch, channels, *spatial), np.float32)
    weights = rng.standard_normal((outputs, channels, *geometry.kernel), np.float32)
    bias = rng.standard_normal(outputs, np.float32)
    expected = oracle(x, weights, geometry, 1, after) + bias.reshape(-1, *[1] * len(spatial))
    out, y = output_image(batch, expected.shape[2:], outputs)
    image = input_image(x, "last", gap=3)
    assert can_split_conv(image, out, geometry, 1)
    step = split_conv_step(image, ref(pack_split_weights(weights, 3)), out, geometry, bias=ref(bias))
    run_twice(step, host(), y)
    assert_close(np.moveaxis(y, -1, 1), expected, 1e-6)


@tiles
def test_volume_with_operands(rng):
    """A residual of every image, and one that all images share."""
    x, weights = (rng.standard_normal(s, np.float32) for s in ((2, 16, 4, 5, 6), (20, 16, 3, 3, 3)))
    residual, shared = (rng.standard_normal((*n, 4, 5, 6, 20), np.float32) for n in ((2,), ()))
    out, y = output_image(2, (4, 5, 6), 20)
    epilogue = Epilogue(
        load(0, F32) + load(1, F32) * load(2, F32),
        (Operand(F32, (None, None, 1)), Operand(F32, (0, None, 1))),
    )
    operands = [Matrix(ref(residual), F32, 20, 1, (2400, 0)), Matrix(ref(shared), F32, 20, 1, (0, 0))]
    geometry, packed = window((3, 3, 3), pads=(1, 1, 1)), ref(pack_split_weights(weights, 3))
    step = split_conv_step(
        input_image(x, "last"), packed, out, geometry, epilogue=epilogue, operands=operands
    )
    run_twice(step, host(), y)
    expected = np.moveaxis(oracle(x, weights, geometry, 1, (1, 1, 1)), 1, -1) + residual * shared
    assert_close(y, expected, 1e-6)


@tiles
@pytest.mark.parametrize(("precision", "error"), [("highest", 1e-6), ("high", 3e-5), ("medium", 1e-2)])
def test_precision(precision, error, rng):
    """Fewer parts are less exact, by about what the option's documentation says."""
    weights = rng.standard_normal((96, 80), np.float32)
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    x, y = (helper.make_tensor_value_info(n, 1, [100, s]) for n, s in (("x", 96), ("y", 80)))
    graph = helper.make_graph(nodes, "g", [x], [y], [numpy_helper.from_array(weights, "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = jitrt.SessionOptions()
    options.add_session_config_entry("jitrt.float32_precision", precision)
    rows = rng.standard_normal((100, 96), np.float32)
    (result,) = jitrt.InferenceSession(model.SerializeToString(), options).run(None, {"x": rows})
    expected = rows.astype(np.float64) @ weights
    worst = np.abs(result - expected).max() / np.abs(expected).max()
    assert error / 100 < worst < error or (precision == "highest" and worst < error)


def test_lines_longer_than_a_cache_are_not_split():
    short, long = (Image.channels_last(ref(np.zeros(1)), F32, 1, (size,), 64) for size in (400, 40_000))
    assert split_conv_cost(short, short, window((3,), pads=(1,))) is not None
    assert split_conv_cost(long, long, window((3,), pads=(1,))) is None
    assert split_conv_cost(long, long, window((1,))) is not None


@tiles
def test_epilogue(rng):
    """A residual, a gate for each image and channel, and an activation; into a slice of wider channels."""
    x, weights = (rng.standard_normal(s, np.float32) for s in ((2, 32, 9, 6), (40, 32, 3, 3)))
    gate, residual = rng.standard_normal((2, 40), np.float32), rng.standard_normal((2, 9, 6, 40), np.float32)
    memory = np.full((2, 9, 6, 60), 7, np.float32)
    out = Image.channels_last(ref(memory[..., 10:]), F32, 2, (9, 6), 40, 60)
    epilogue = Epilogue(
        maximum(load(0, F32) * load(1, F32) + load(2, F32), 0),
        (Operand(F32, (None, 0, 1)), Operand(F32, (None, None, 1))),
    )
    operands = [Matrix(ref(gate), F32, 0, 1, (40, 0)), Matrix(ref(residual), F32, 40, 1, (9 * 6 * 40, 0))]
    geometry, packed = window((3, 3), pads=(1, 1)), ref(pack_split_weights(weights, 3))
    image = input_image(x, "last")
    run_twice(
        split_conv_step(image, packed, out, geometry, epilogue=epilogue, operands=operands),
        host(),
        memory[..., 10:50],
    )
    expected = oracle(x, weights, geometry, 1, (1, 1)) * gate[:, :, None, None] + np.moveaxis(residual, -1, 1)
    assert_close(np.moveaxis(memory[..., 10:50], -1, 1), np.maximum(expected, 0), 1e-6)
    assert (memory[..., :10] == 7).all()
    assert (memory[..., 50:] == 7).all()
