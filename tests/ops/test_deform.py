"""Deformable convolution and Col2Im against loops in float64."""

import itertools

import numpy as np
import pytest
from oracle import BF16, FLOATS, Case, int64s, integers, normal, table

import jitrt


def interpolate(image, at):
    """The channels of an image at a point, zeros around it."""
    total = np.zeros(image.shape[0])
    for corner in itertools.product((0, 1), repeat=len(at)):
        base = [int(np.floor(p)) + c for p, c in zip(at, corner, strict=True)]
        if all(0 <= i < n for i, n in zip(base, image.shape[1:], strict=True)):
            weights = [1 - abs(p - i) for p, i in zip(at, base, strict=True)]
            total += np.prod(weights) * image[(slice(None), *base)]
    return total


def deform_conv(
    x,
    w,
    offset,
    b=None,
    mask=None,
    group=1,
    offset_group=1,
    strides=None,
    pads=None,
    dilations=None,
    kernel_shape=None,
):
    kernel, output, rank = w.shape[2:], offset.shape[2:], x.ndim - 2
    strides, dilations, pads = strides or [1] * rank, dilations or [1] * rank, pads or [0] * 2 * rank
    n = x.shape[0]
    offset = offset.reshape(n, offset_group, *kernel, rank, *output)
    mask = (
        np.ones((n, offset_group, *kernel, *output))
        if mask is None
        else mask.reshape(n, offset_group, *kernel, *output)
    )
    y = np.zeros((n, w.shape[0], *output))
    for i, *at in np.ndindex(n, *output):
        for tap in np.ndindex(*kernel):
            pixels = []
            for g, part in enumerate(np.split(x[i], offset_group)):
                place = [
                    at[a] * strides[a] - pads[a] + tap[a] * dilations[a] + offset[(i, g, *tap, a, *at)]
                    for a in range(rank)
                ]
                pixels.append(interpolate(part, place) * mask[(i, g, *tap, *at)])
            pixels = np.concatenate(pixels).reshape(group, -1)
            weights = w[(slice(None), slice(None), *tap)].reshape(group, -1, w.shape[1])
            y[(i, slice(None), *at)] += np.einsum("goc,gc->go", weights, pixels).ravel()
    return y if b is None else y + b.reshape(-1, *[1] * rank)


def deformed(
    n=2, c=4, m=6, size=(5, 6), kernel=(3, 2), group=1, offset_group=1, extras=2, dtype=np.float32, **more
):
    rank, taps = len(size), int(np.prod(kernel))
    strides, dilations, pads = (
        more.get(key, default)
        for key, default in (("strides", [1] * rank), ("dilations", [1] * rank), ("pads", [0] * 2 * rank))
    )
    output = [
        (size[a] + pads[a] + pads[a + rank] - dilations[a] * (kernel[a] - 1) - 1) // strides[a] + 1
        for a in range(rank)
    ]
    inputs = [
        normal(n, c, *size, dtype=dtype),
        normal(m, c // group, *kernel, dtype=dtype, seed=1),
        normal(n, offset_group * taps * rank, *output, dtype=dtype, seed=2),
        normal(m, dtype=dtype, seed=3),
        normal(n, offset_group * taps, *output, dtype=dtype, seed=4),
    ]
    attributes = {"group": group, "offset_group": offset_group, **more}
    return Case("DeformConv", inputs[: 3 + extras], attributes, deform_conv, tolerance=32)


DEFORMED = [
    deformed(),
    deformed(extras=0),
    deformed(extras=1, pads=[1, 0, 2, 1]),
    deformed(strides=[2, 1], dilations=[1, 2], pads=[1, 1, 1, 1]),
    deformed(group=2),
    deformed(offset_group=2),
    deformed(c=6, group=3, offset_group=2, pads=[1, 1, 1, 1]),
    deformed(size=(7,), kernel=(3,), extras=1),
    deformed(n=1, size=(3, 4, 3), kernel=(2, 2, 2), m=2),
    *(deformed(n=1, dtype=t) for t in (np.float64, np.float16, BF16)),
]


def col2im(x, image_shape, block_shape, strides=None, pads=None, dilations=None):
    image, block = [int(v) for v in image_shape], [int(v) for v in block_shape]
    rank = len(image)
    strides, dilations, pads = strides or [1] * rank, dilations or [1] * rank, pads or [0] * 2 * rank
    counts = [
        (image[a] + pads[a] + pads[a + rank] - dilations[a] * (block[a] - 1) - 1) // strides[a] + 1
        for a in range(rank)
    ]
    x = x.reshape(x.shape[0], -1, *block, *counts)
    y = np.zeros((*x.shape[:2], *image), x.dtype)
    for k in np.ndindex(*block):
        for at in np.ndindex(*counts):
            place = [at[a] * strides[a] - pads[a] + k[a] * dilations[a] for a in range(rank)]
            if all(0 <= p < n for p, n in zip(place, image, strict=True)):
                y[(slice(None), slice(None), *place)] += x[(slice(None), slice(None), *k, *at)]
    return y


def columns(image, block, n=2, c=3, dtype=np.float32, make=normal, **more):
    rank = len(image)
    strides, dilations, pads = (
        more.get(key, default)
        for key, default in (("strides", [1] * rank), ("dilations", [1] * rank), ("pads", [0] * 2 * rank))
    )
    counts = [
        (image[a] + pads[a] + pads[a + rank] - dilations[a] * (block[a] - 1) - 1) // strides[a] + 1
        for a in range(rank)
    ]
    x = make(n, c * int(np.prod(block)), int(np.prod(counts)), dtype=dtype)
    return Case("Col2Im", [x, int64s(*image), int64s(*block)], more, col2im, tolerance=4)


COLUMNS = [
    columns((5, 6), (2, 3)),
    columns((5, 6), (1, 5)),
    columns((6, 7), (2, 2), strides=[2, 3], pads=[1, 0, 1, 2]),
    columns((7, 7), (3, 2), dilations=[2, 3], pads=[0, 2, 1, 2]),
    columns((9,), (4,), strides=[2], pads=[1, 1]),
    columns((3, 4, 5), (2, 2, 3), pads=[1, 0, 1, 0, 1, 1]),
    columns((2, 3, 2, 3), (1, 2, 2, 1)),
    *(columns((4, 4), (2, 2), dtype=t) for t in FLOATS),
    *(columns((4, 4), (2, 2), dtype=t, make=integers) for t in (np.int8, np.uint16, np.int64, np.bool_)),
]


@table(DEFORMED, COLUMNS)
def test_deform(case):
    case.check()


def test_offsets_that_are_no_numbers_read_no_memory():
    offset = np.array([np.nan, np.inf, -np.inf, 1e30], np.float32)
    offset = np.broadcast_to(offset.reshape(1, 1, 2, 2), (1, 2, 2, 2)).copy()
    y = jitrt.call("DeformConv", np.ones((1, 1, 2, 2), np.float32), np.ones((1, 1, 1, 1), np.float32), offset)
    assert set(np.nan_to_num(y).ravel()) == {0.0}


def test_other_sizes():
    for size in ((5, 6), (8, 3), (4, 9)):
        deformed(size=size).check()
        columns(size, (2, 2)).check()


def test_shapes_that_do_not_fit():
    case = deformed()
    with pytest.raises(jitrt.errors.Fail, match="expected 24 offsets a position"):
        jitrt.call("DeformConv", *case.inputs[:3], offset_group=2)
    with pytest.raises(jitrt.errors.Fail, match="expected offsets and 6 masks for"):
        jitrt.call("DeformConv", *case.inputs[:3], strides=[2, 1])
    with pytest.raises(jitrt.errors.Fail, match="blocks"):
        jitrt.call("Col2Im", normal(1, 4, 7), int64s(4, 4), int64s(2, 2))


def test_complex_numbers():
    case = columns((5, 6), (2, 3))
    x, *shapes = case.inputs
    got = jitrt.call("Col2Im", (x + 2j * x).astype(np.complex64), *shapes)
    np.testing.assert_allclose(got, (1 + 2j) * col2im(x, *shapes), rtol=1e-5, atol=1e-5)
