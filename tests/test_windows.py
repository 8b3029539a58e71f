"""Kernels over sliding windows, against sums in float64 and NumPy's maxima."""

from __future__ import annotations

import numpy as np
import pytest
from steps import TARGETS, assert_close, ref, run_twice
from test_conv import input_image, oracle, output_image, window

from jitrt.codegen.conv import Image
from jitrt.codegen.depthwise import depthwise_step, has_narrow_groups
from jitrt.codegen.epilogue import Epilogue, plain
from jitrt.codegen.loop import Operand
from jitrt.codegen.product import Matrix
from jitrt.codegen.weights import pack_depthwise_weights
from jitrt.codegen.windows import windows_step
from jitrt.expr import cast, exp, load, maximum
from jitrt.types import F32, F64, I8, U8

pytestmark = pytest.mark.parametrize("target", TARGETS, ids=lambda t: f"{t.vector_bytes * 8}bit")


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@pytest.mark.parametrize("dtype", [F32, F64])
@pytest.mark.parametrize(
    ("channels", "spatial", "geometry", "after"),
    [
        (150, (21, 33), window((3, 3), (2, 2), pads=(1, 1)), (1, 1)),
        (16, (3, 70), window((1, 31), pads=(0, 30)), (0, 0)),
        (5, (12, 12), window((9, 9), pads=(4, 4)), (4, 4)),
        (33, (40,), window((3,), (3,), (4,), (5,)), (2,)),
        (8, (3, 1, 1), window((5, 3, 3), pads=(2, 1, 1)), (2, 1, 1)),
    ],
)
def test_depthwise(channels, spatial, geometry, after, dtype, target, rng):
    x = rng.standard_normal((2, channels, *spatial)).astype(dtype)
    weights = rng.standard_normal((channels, 1, *geometry.kernel)).astype(dtype)
    expected = oracle(x, weights, geometry, channels, after)
    out, y = output_image(2, expected.shape[2:], channels, dtype)
    packed = ref(pack_depthwise_weights(weights, target))
    run_twice(depthwise_step(input_image(x, "last", 3), packed, out, geometry, target=target), target, y)
    assert_close(np.moveaxis(y, -1, 1), expected)


@pytest.mark.parametrize(
    ("channels", "outputs", "groups", "dtype"),
    [
        (12, 12, 3, F32),
        (48, 48, 6, F32),
        (70, 140, 70, F32),
        (9, 72, 9, F32),
        (64, 64, 32, F64),
        (8, 16, 4, F64),
    ],
)
@pytest.mark.parametrize("geometry", [window((3, 3), pads=(1, 1)), window((2, 5), (2, 1), (1, 2), (0, 3))])
def test_narrow_groups(channels, outputs, groups, dtype, geometry, target, rng):
    """Vectors that are cut off, groups as wide as vectors, and as many outputs as a vector of one input."""
    if not has_narrow_groups(channels, outputs, groups, dtype, target):
        pytest.skip("a group is wider than a vector")
    x = rng.standard_normal((2, channels, 7, 25)).astype(dtype)
    weights = rng.standard_normal((outputs, channels // groups, *geometry.kernel)).astype(dtype)
    bias = rng.standard_normal(outputs).astype(dtype)
    expected = oracle(x, weights, geometry, groups, geometry.pads)
    out, y = output_image(2, expected.shape[2:], outputs, dtype)
    packed = ref(pack_depthwise_weights(weights, target))
    image = input_image(x, "last", 3)
    step = depthwise_step(image, packed, out, geometry, groups=groups, bias=ref(bias), target=target)
    run_twice(step, target, y)
    assert_close(np.moveaxis(y, -1, 1), expected + bias[:, None, None])


def rectified(x):
    return maximum(x, 0)


def logistic(x):
    return 1 / (1 + exp(-x)) + 1 / (1 + exp(x * x)) + x * x * x


AFTER = {  # an expression, and the same in NumPy
    "short": (rectified, lambda x: np.maximum(x, 0)),
    "long": (logistic, lambda x: 1 / (1 + np.exp(-x)) + 1 / (1 + np.exp(x * x)) + x * x * x),
}


@pytest.mark.parametrize("channels", [16, 37])
@pytest.mark.parametrize("length", AFTER)
def test_epilogue(length, channels, target, rng):
    """A residual, a mask of pixels, a gate for each image and channel, a scalar; short and long."""
    x = rng.standard_normal((2, channels, 9, 20)).astype(np.float32)
    weights = rng.standard_normal((channels, 1, 3, 3)).astype(np.float32)
    geometry, pixels = window((3, 3), pads=(1, 1)), 9 * 20
    expected = np.moveaxis(oracle(x, weights, geometry, channels, (1, 1)), 1, -1)
    residual = rng.standard_normal(expected.shape).astype(np.float32)
    mask = rng.standard_normal((2, 9, 20, 1))
    gate = rng.standard_normal((2, 1, 1, channels)).astype(np.float32)
    scalar = np.float32([0.5])
    value = load(0, F32) * load(3, F32) + load(1, F32) * load(4, F32)
    after, in_numpy = AFTER[length]
    root = after(value) * cast(load(2, F64), F32)
    kinds = [(F32, (None, None, 1)), (F64, (None, None, 0)), (F32, (None, 0, 1)), (F32, (0, 0, 0))]
    operands = [
        Matrix(ref(residual), F32, channels, 1, (pixels * channels, 0)),
        Matrix(ref(mask), F64, 1, 0, (pixels, 0)),
        Matrix(ref(gate), F32, 0, 1, (channels, 0)),
        Matrix(ref(scalar), F32, 0, 0, (0, 0)),
    ]
    out, y = output_image(2, (9, 20), channels)
    epilogue = Epilogue(root, tuple(Operand(*kind) for kind in kinds))
    step = depthwise_step(
        *(input_image(x, "last"), ref(pack_depthwise_weights(weights, target)), out, geometry),
        epilogue=epilogue,
        operands=operands,
        target=target,
    )
    run_twice(step, target, y)
    value = expected * gate + residual * scalar
    assert_close(y, in_numpy(value) * mask)


@pytest.mark.parametrize("channels", [16, 70])
@pytest.mark.parametrize("dtype", [F32, F64, U8, I8])
@pytest.mark.parametrize("combine", ["max", "add"])
def test_pooling(combine, dtype, channels, target, rng):
    """NaN stays, whatever it meets; windows of nothing have the lowest value."""
    x = rng.integers(0, 100, (2, channels, 5, 30)).astype(dtype)
    if dtype.kind == "f":
        x[0, :3, 2, 1:4] = np.nan
    lowest = -np.inf if dtype.kind == "f" else np.iinfo(dtype).min
    outside = lowest if combine == "max" else 0
    geometry = window((3, 2), (2, 1), (1, 3), (4, 2))
    padded = np.pad(x, [(0, 0), (0, 0), (4, 4), (2, 3)], constant_values=outside)
    out, y = output_image(2, (6, 32), channels, dtype)
    pick = np.maximum if combine == "max" else np.add
    expected = np.full((2, channels, 6, 32), outside, dtype)
    for h, w in np.ndindex(3, 2):
        expected = pick(expected, padded[:, :, h : h + 11 : 2, 3 * w : 3 * w + 32])
    epilogue = plain(dtype, dtype)
    image = input_image(x, "last") if dtype.kind == "f" else bytes_image(x)
    step = windows_step(combine, image, out, geometry, epilogue, (), "pool", target)
    run_twice(step, target, y)
    np.testing.assert_array_equal(np.moveaxis(y, -1, 1), expected)


def bytes_image(x):
    memory = np.ascontiguousarray(np.moveaxis(x, 1, -1))
    return Image.channels_last(ref(memory), x.dtype, x.shape[0], x.shape[2:], x.shape[1])
