"""Convolutions of every geometry against sums over kernel positions in float64."""

from __future__ import annotations

from math import prod

import numpy as np
import pytest
from steps import TARGETS, assert_close, ref, run_twice

from jitrt.codegen.conv import Image, Window, channels_first_order, conv_step
from jitrt.codegen.conv_transpose import conv_transpose_steps, pack_transpose_weights
from jitrt.codegen.depthwise import depthwise_step
from jitrt.codegen.epilogue import Epilogue
from jitrt.codegen.loop import Operand
from jitrt.codegen.product import Matrix
from jitrt.codegen.weights import pack_conv_weights, pack_depthwise_weights
from jitrt.expr import load, maximum
from jitrt.types import BF16, F16, F32, F64

pytestmark = pytest.mark.parametrize("target", TARGETS, ids=lambda t: f"{t.vector_bytes * 8}bit")


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def window(kernel, strides=None, dilations=None, pads=None):
    ones = (1,) * len(kernel)
    return Window(kernel, strides or ones, dilations or ones, pads or (0,) * len(kernel))


def input_image(x, layout, gap=0):
    """An image of values [batch, channels, *spatial] whose channels lie "first", or "last" with a `gap`."""
    if layout == "first":
        memory = np.ascontiguousarray(x)
        return Image.channels_first(ref(memory), x.dtype, *x.shape[:2], x.shape[2:])
    wide = np.full((x.shape[0], *x.shape[2:], x.shape[1] + gap), np.nan, x.dtype)
    wide[..., : x.shape[1]] = np.moveaxis(x, 1, -1)
    return Image.channels_last(ref(wide), x.dtype, x.shape[0], x.shape[2:], x.shape[1], x.shape[1] + gap)


def output_image(batch, spatial, channels, dtype=F32):
    """A channels-last image to write, and its array as [batch, channels, *spatial]."""
    memory = np.zeros((batch, *spatial, channels), dtype)
    return Image.channels_last(ref(memory), memory.dtype, batch, spatial, channels), memory


def oracle(x, weights, geometry, groups, after):
    """The convolution in float64; `after` are the pads at the ends."""
    x = np.pad(x.astype(np.float64), [(0, 0), (0, 0), *zip(geometry.pads, after, strict=True)])
    outs = [
        (size - d * (k - 1) - 1) // s + 1
        for size, k, s, d in zip(
            x.shape[2:], geometry.kernel, geometry.strides, geometry.dilations, strict=True
        )
    ]
    x = x.reshape(x.shape[0], groups, -1, *x.shape[2:])
    w = weights.astype(np.float64).reshape(groups, -1, *weights.shape[1:])
    y = np.zeros((x.shape[0], groups, w.shape[1], *outs))
    for position in np.ndindex(*geometry.kernel):
        pixels = tuple(
            slice(p * d, p * d + s * (n - 1) + 1, s)
            for p, d, s, n in zip(position, geometry.dilations, geometry.strides, outs, strict=True)
        )
        y += np.einsum("ngc...,gmc->ngm...", x[(..., *pixels)], w[(..., *position)])
    return y.reshape(y.shape[0], -1, *outs)


def transposed_oracle(x, weights, geometry, groups, spatial):
    """The transposed convolution in float64, cut to outputs of size `spatial`."""
    axes = list(
        zip(
            x.shape[2:],
            geometry.kernel,
            geometry.strides,
            geometry.dilations,
            geometry.pads,
            spatial,
            strict=True,
        )
    )
    whole = [(n - 1) * s + (k - 1) * d + 1 + p + size for n, k, s, d, p, size in axes]
    x = x.astype(np.float64).reshape(x.shape[0], groups, -1, *x.shape[2:])
    w = weights.astype(np.float64).reshape(groups, x.shape[2], *weights.shape[1:])
    y = np.zeros((x.shape[0], groups, w.shape[2], *whole))
    for position in np.ndindex(*geometry.kernel):
        pixels = tuple(
            slice(p * d, p * d + (n - 1) * s + 1, s)
            for p, (n, _, s, d, _, _) in zip(position, axes, strict=True)
        )
        y[(..., *pixels)] += np.einsum("ngc...,gcm->ngm...", x, w[(..., *position)])
    cut = tuple(slice(p, p + size) for *_, p, size in axes)
    return y[(..., *cut)].reshape(y.shape[0], -1, *spatial)


def check_conv(
    rng, target, batch, channels, outputs, spatial, geometry, after, groups=1, layout="last", gap=0, dtype=F32
):
    x = rng.standard_normal((batch, channels, *spatial)).astype(dtype)
    weights = rng.standard_normal((outputs, channels // groups, *geometry.kernel)).astype(dtype)
    accumulated = F64 if dtype == F64 else F32
    bias = rng.standard_normal(outputs).astype(accumulated)
    expected = oracle(x, weights, geometry, groups, after) + bias.reshape(-1, *(1,) * len(spatial))
    image, (out, y) = (
        input_image(x, layout, gap),
        output_image(batch, expected.shape[2:], outputs, accumulated),
    )
    packed = pack_conv_weights(weights, groups, channels_first_order(image), target)
    step = conv_step(image, ref(packed), out, geometry, groups=groups, bias=ref(bias), target=target)
    run_twice(step, target, y)
    assert_close(np.moveaxis(y, -1, 1), expected)


@pytest.mark.parametrize(
    ("channels", "outputs", "spatial", "geometry", "after", "groups"),
    [
        (9, 5, (14, 14), window((1, 1)), (0, 0), 1),
        (24, 36, (7, 9), window((1, 1), (2, 2)), (0, 0), 3),
        (8, 32, (5, 5), window((3, 3), pads=(1, 1)), (1, 1), 1),
        (16, 40, (7, 9), window((3, 3), (2, 1), (1, 2), (1, 2)), (0, 1), 1),
        (20, 17, (7, 7), window((2, 4), pads=(2, 0)), (3, 5), 1),
        (32, 16, (6, 6), window((3, 3), pads=(1, 1)), (1, 1), 2),
        (20, 17, (50,), window((5,), (2,), pads=(2,)), (2,), 1),
        (10, 12, (5, 6, 7), window((3, 2, 3), (1, 2, 1), (1, 1, 2), (1, 0, 2)), (1, 1, 2), 1),
    ],
)
def test_channels_last(channels, outputs, spatial, geometry, after, groups, target, rng):
    check_conv(rng, target, 2, channels, outputs, spatial, geometry, after, groups, gap=3)


@pytest.mark.parametrize("layout", ["first", "last"])
@pytest.mark.parametrize(
    ("channels", "spatial", "geometry", "after", "groups"),
    [
        (3, (21, 19), window((7, 7), (2, 2), pads=(3, 3)), (3, 3), 1),
        (3, (21, 19), window((3, 3), (1, 2), (2, 2), (1, 0)), (2, 3), 1),
        (4, (9, 40), window((3, 20), pads=(1, 10)), (1, 10), 1),
        (6, (9, 8), window((3, 3), pads=(1, 1)), (1, 1), 3),
        (1, (50,), window((5,), (2,), pads=(2,)), (2,), 1),
        (2, (5, 6, 7), window((3, 2, 3), (1, 2, 1), (1, 1, 2), (1, 0, 2)), (1, 1, 2), 1),
        (18, (6, 5), window((3, 3), pads=(1, 1)), (1, 1), 1),
    ],
)
def test_gathered_rows(channels, spatial, geometry, after, groups, layout, target, rng):
    check_conv(rng, target, 2, channels, 21, spatial, geometry, after, groups, layout)


@pytest.mark.parametrize("dtype", [F16, BF16, F64])
@pytest.mark.parametrize("kernel", [(1, 1), (3, 3)])
def test_float_types(dtype, kernel, target, rng):
    pads = tuple(k // 2 for k in kernel)
    check_conv(rng, target, 1, 20, 12, (9, 9), window(kernel, pads=pads), pads, dtype=dtype)


@pytest.mark.parametrize("channels", [1, 7, 24, 40, 96])
@pytest.mark.parametrize(
    ("spatial", "geometry", "after"),
    [
        ((9, 7), window((3, 3), pads=(1, 1)), (1, 1)),
        ((19, 17), window((5, 5), (2, 2), pads=(1, 2)), (2, 1)),
        ((30,), window((4,), dilations=(3,), pads=(3,)), (6,)),
        ((4, 5, 6), window((3, 3, 3), pads=(1, 1, 1)), (1, 1, 1)),
    ],
)
def test_depthwise(channels, spatial, geometry, after, target, rng):
    x = rng.standard_normal((2, channels, *spatial), np.float32)
    weights = rng.standard_normal((channels, 1, *geometry.kernel), np.float32)
    bias = rng.standard_normal(channels, np.float32)
    expected = oracle(x, weights, geometry, channels, after) + bias.reshape(-1, *(1,) * len(spatial))
    out, y = output_image(2, expected.shape[2:], channels)
    step = depthwise_step(
        input_image(x, "last"),
        ref(pack_depthwise_weights(weights, target)),
        out,
        geometry,
        bias=ref(bias),
        target=target,
    )
    run_twice(step, target, y)
    assert_close(np.moveaxis(y, -1, 1), expected)


@pytest.mark.parametrize("layout", ["first", "last"])
@pytest.mark.parametrize(
    ("channels", "outputs", "spatial", "geometry", "out", "groups"),
    [
        (16, 24, (5, 6), window((3, 3), (2, 2), pads=(1, 1)), (10, 12), 1),
        (16, 24, (5, 6), window((2, 2), (2, 2)), (10, 12), 1),
        (16, 9, (5, 6), window((4, 4), (2, 2), pads=(1, 1)), (10, 12), 1),
        (16, 24, (5, 6), window((1, 1), (2, 3)), (10, 18), 1),
        (3, 7, (5, 6), window((3, 3), pads=(1, 1)), (5, 6), 1),
        (3, 7, (5, 6), window((3, 3), (2, 1), (1, 2), (1, 1)), (9, 8), 1),
        (20, 7, (11,), window((5,), (3,), (2,), (1,)), (37,), 1),
        (12, 6, (5, 6), window((3, 3), (2, 2), pads=(1, 1)), (10, 12), 3),
        (9, 10, (3, 4, 5), window((3, 3, 3), (2, 2, 2), pads=(1, 1, 1)), (6, 8, 9), 1),
    ],
)
def test_transposed(channels, outputs, spatial, geometry, out, groups, layout, target, rng):
    check_transposed(rng, target, channels, outputs, spatial, geometry, out, groups, layout)


def test_transposed_depthwise(target, rng):
    check_transposed(rng, target, 12, 12, (5, 6), window((4, 4), (2, 2), pads=(1, 1)), (10, 12), 12, "last")


def check_transposed(rng, target, channels, outputs, spatial, geometry, sizes, groups, layout):
    x = rng.standard_normal((2, channels, *spatial), np.float32)
    weights = rng.standard_normal((channels, outputs // groups, *geometry.kernel), np.float32)
    bias = rng.standard_normal(outputs, np.float32)
    residual = rng.standard_normal((2, *sizes, outputs), np.float32)
    epilogue = Epilogue(load(0, F32) + load(1, F32), (Operand(F32, (None, None, 1)),))
    image, (out, y) = input_image(x, layout), output_image(2, sizes, outputs)
    steps = conv_transpose_steps(
        image,
        ref(pack_transpose_weights(weights, geometry, groups, channels_first_order(image), target)),
        out,
        geometry,
        groups=groups,
        bias=ref(bias),
        epilogue=epilogue,
        operands=[Matrix(ref(residual), F32, outputs, 1, (prod(sizes) * outputs, 0))],
        target=target,
    )
    for step in steps:
        run_twice(step, target, y)
    expected = transposed_oracle(x, weights, geometry, groups, sizes) + bias.reshape(-1, *(1,) * len(spatial))
    assert_close(np.moveaxis(y, -1, 1), expected + np.moveaxis(residual, -1, 1))


def test_epilogue_of_groups(target, rng):
    """A residual, and a gate for each image and channel, by group."""
    x = rng.standard_normal((2, 16, 6, 5), np.float32)
    weights = rng.standard_normal((24, 8, 3, 3), np.float32)
    gate, residual = rng.standard_normal((2, 24), np.float32), rng.standard_normal((2, 6, 5, 24), np.float32)
    geometry, (out, y) = window((3, 3), pads=(1, 1)), output_image(2, (6, 5), 24)
    epilogue = Epilogue(
        maximum(load(0, F32) * load(1, F32) + load(2, F32), 0),
        (Operand(F32, (None, 0, 1)), Operand(F32, (None, None, 1))),
    )
    operands = [Matrix(ref(gate), F32, 0, 1, (24, 12)), Matrix(ref(residual), F32, 24, 1, (720, 12))]
    step = conv_step(
        input_image(x, "last"),
        ref(pack_conv_weights(weights, 2, target=target)),
        out,
        geometry,
        groups=2,
        epilogue=epilogue,
        operands=operands,
        target=target,
    )
    run_twice(step, target, y)
    expected = oracle(x, weights, geometry, 2, (1, 1)) * gate[:, :, None, None] + np.moveaxis(residual, -1, 1)
    assert_close(np.moveaxis(y, -1, 1), np.maximum(expected, 0))


def test_wide_channel_slice_is_not_touched(target, rng):
    """The output may be a slice of the channels of a wider buffer, as concatenation wants it."""
    x = rng.standard_normal((1, 16, 4, 4), np.float32)
    weights = rng.standard_normal((20, 16, 1, 1), np.float32)
    memory = np.full((1, 4, 4, 50), 7, np.float32)
    out = Image.channels_last(ref(memory[..., 10:]), F32, 1, (4, 4), 20, 50)
    step = conv_step(
        input_image(x, "last"),
        ref(pack_conv_weights(weights, target=target)),
        out,
        window((1, 1)),
        target=target,
    )
    run_twice(step, target, memory[..., 10:30])
    assert_close(np.moveaxis(memory[..., 10:30], -1, 1), oracle(x, weights, window((1, 1)), 1, (0, 0)))
    assert (memory[..., :10] == 7).all()
    assert (memory[..., 30:] == 7).all()
