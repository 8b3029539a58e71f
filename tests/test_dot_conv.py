"""Convolutions of 8-bit integers against a sum over kernel positions."""

from __future__ import annotations

import numpy as np
import pytest
from steps import ref, run_twice
from test_dot import each_way, integers

from jitrt.codegen.conv import Image, Window
from jitrt.codegen.dot import dot_of
from jitrt.codegen.dot_conv import depthwise_dot_step, dot_conv_step, weight_order
from jitrt.codegen.dot_strips import byte_strips_of, pack_strip_weights
from jitrt.codegen.weights import pack_depthwise_bytes, pack_dot_weights
from jitrt.types import I8, U8

written = pytest.mark.parametrize("output", [np.int32, np.uint8], ids=["int32", "the low byte"])

# batch, channels, outputs, groups, spatial, kernel, strides, dilations, pads
CASES = [
    (2, 3, 8, 1, (9, 11), (3, 3), (2, 1), (1, 2), (1, 0, 2, 1)),
    (1, 16, 20, 1, (7, 6), (1, 1), (1, 1), (1, 1), (0, 0, 0, 0)),
    (1, 6, 20, 1, (7, 6), (1, 1), (1, 1), (1, 1), (0, 0, 0, 0)),
    (2, 32, 40, 1, (6, 7), (3, 3), (1, 1), (1, 1), (1, 1, 1, 1)),
    (1, 64, 12, 2, (5, 5), (3, 3), (1, 2), (1, 1), (1, 1, 1, 1)),
    (1, 10, 6, 2, (5, 5), (3, 2), (1, 1), (1, 1), (1, 1, 0, 1)),
    (2, 20, 24, 1, (19,), (5,), (3,), (2,), (2, 3)),
    (1, 4, 5, 1, (4, 5, 6), (2, 3, 2), (1, 2, 1), (1, 1, 1), (1, 0, 1, 0, 1, 0)),
]
# batch, channels, outputs, spatial, kernel, strides, dilations, pads
STRIPS = [
    (2, 3, 64, (20, 75), (7, 7), (2, 2), (1, 1), (3, 3, 2, 4)),
    (1, 1, 20, (9, 37), (3, 5), (1, 1), (2, 1), (2, 0, 2, 9)),
    (1, 5, 70, (12, 100), (8, 3), (1, 3), (1, 1), (0, 0, 0, 0)),
    (1, 8, 33, (5, 9), (2, 2), (3, 1), (1, 1), (1, 1, 1, 1)),
]
DEPTHWISE = [
    (2, 8, (9, 7), (3, 3), (1, 1), (1, 1), (1, 1, 1, 1)),
    (1, 64, (6, 6), (5, 3), (2, 1), (1, 2), (2, 1, 2, 1)),
    (1, 50, (11,), (3,), (1,), (1,), (0, 2)),
]


def convolve(x, w, zero, groups, strides, dilations, pads):
    """x [n, *spatial, c], padded with the zero point, in int64."""
    rank = x.ndim - 2
    around = [(0, 0), *zip(pads[:rank], pads[rank:], strict=True), (0, 0)]
    padded = np.pad(x.astype(np.int64), around, constant_values=zero)
    kernel = w.shape[2:]
    spatial = [
        (n - d * (k - 1) - 1) // s + 1
        for n, k, s, d in zip(padded.shape[1:-1], kernel, strides, dilations, strict=True)
    ]
    y = np.zeros((x.shape[0], *spatial, groups, w.shape[0] // groups), np.int64)
    grouped = w.astype(np.int64).reshape(groups, -1, *w.shape[1:])
    for tap in np.ndindex(*kernel):
        picks = tuple(
            slice(t * d, t * d + (n - 1) * s + 1, s)
            for t, d, n, s in zip(tap, dilations, spatial, strides, strict=True)
        )
        pixels = padded[(slice(None), *picks)].reshape(x.shape[0], *spatial, groups, -1)
        y += np.einsum("...gc,gmc->...gm", pixels, grouped[(..., *tap)])
    return y.reshape(*y.shape[:-2], -1)


def images(x, y, channels_first):
    """Both as kernels see them: x as it is or in channels-first memory."""
    if channels_first:
        memory = np.ascontiguousarray(np.moveaxis(x, -1, 1))
        image = Image.channels_first(ref(memory), U8, x.shape[0], x.shape[-1], x.shape[1:-1])
    else:
        image = Image.channels_last(ref(x), U8, x.shape[0], x.shape[1:-1], x.shape[-1])
    return image, Image.channels_last(ref(y), y.dtype, y.shape[0], y.shape[1:-1], y.shape[-1])


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@each_way
@written
@pytest.mark.parametrize("channels_first", [False, True])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_conv(case, channels_first, output, target, rng):
    batch, channels, outputs, groups, spatial, kernel, strides, dilations, pads = case
    x = integers(rng, U8, batch, *spatial, channels)
    w, zero = integers(rng, I8, outputs, channels // groups, *kernel), np.array(77, U8)
    expected = convolve(x, w, 77, groups, strides, dilations, pads)
    y = np.zeros(expected.shape, output)
    image, out = images(x, y, channels_first)
    window = Window(kernel, strides, dilations, pads[: len(kernel)])
    packed = pack_dot_weights(w, weight_order(image, out, window, groups, target), groups, target)
    step = dot_conv_step(image, ref(packed), out, window, zero=ref(zero), groups=groups, target=target)
    run_twice(step, target, y)
    np.testing.assert_array_equal(y, expected.astype(output))


@each_way
@written
@pytest.mark.parametrize("case", STRIPS, ids=str)
def test_strips(case, output, target, rng):
    batch, channels, outputs, spatial, kernel, strides, dilations, pads = case
    x = integers(rng, U8, batch, *spatial, channels)
    w, zero = integers(rng, I8, outputs, channels, *kernel), np.array(77, U8)
    expected = convolve(x, w, 77, 1, strides, dilations, pads)
    y = np.zeros(expected.shape, output)
    image, out = images(x, y, channels_first=True)
    window = Window(kernel, strides, dilations, pads[:2])
    strips = byte_strips_of(image, out, window, 1, target=target)
    if strips is None:
        assert dot_of(target).row != U8
        return
    packed = pack_strip_weights(w, strips, target)
    more = {"zero": ref(zero), "strips": strips, "target": target}
    run_twice(dot_conv_step(image, ref(packed), out, window, **more), target, y)
    np.testing.assert_array_equal(y, expected.astype(output))


@each_way
@pytest.mark.parametrize("case", DEPTHWISE, ids=str)
def test_depthwise(case, target, rng):
    batch, channels, spatial, kernel, strides, dilations, pads = case
    x = integers(rng, U8, batch, *spatial, channels)
    w, zero = integers(rng, I8, channels, 1, *kernel), np.array(200, U8)
    expected = convolve(x, w, 200, channels, strides, dilations, pads)
    y = np.zeros(expected.shape, np.int32)
    image, out = images(x, y, channels_first=False)
    window = Window(kernel, strides, dilations, pads[: len(kernel)])
    packed = pack_depthwise_bytes(w, target)
    run_twice(depthwise_dot_step(image, ref(packed), out, window, zero=ref(zero), target=target), target, y)
    np.testing.assert_array_equal(y, expected)
