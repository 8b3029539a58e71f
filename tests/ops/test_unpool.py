"""Unpooling, cropping and padding against NumPy."""

import numpy as np
import pytest
from oracle import FLOATS, SIGNED, UNSIGNED, Case, int64s, integers, normal, table

import jitrt


def unpool(x, places, output_shape=None, kernel_shape=(), strides=None, pads=None):
    rank = len(kernel_shape)
    strides, pads = strides or [1] * rank, pads or [0] * 2 * rank
    spatial = [
        (x.shape[a + 2] - 1) * strides[a] - pads[a] - pads[a + rank] + kernel_shape[a] for a in range(rank)
    ]
    y = np.zeros((*x.shape[:2], *spatial))
    y.ravel()[places.ravel()] = x.ravel()
    if output_shape is None:
        return y
    larger = np.zeros(output_shape)
    larger[tuple(map(slice, y.shape))] = y
    return larger


def places(*shape, of):
    """Distinct places in a tensor of shape `of` for each plane."""
    rng, planes, size = np.random.default_rng(3), int(np.prod(of[:2])), int(np.prod(of[2:]))
    rows = [rng.permutation(size)[: int(np.prod(shape[2:]))] + p * size for p in range(planes)]
    return np.array(rows, np.int64).reshape(shape)


HALVES = {"kernel_shape": [2, 2], "strides": [2, 2]}
UNPOOLS = [
    Case("MaxUnpool", [normal(2, 3, 4, 5, dtype=t), places(2, 3, 4, 5, of=(2, 3, 8, 10))], HALVES, unpool)
    for t in FLOATS
] + [
    Case(
        "MaxUnpool",
        [normal(2, 3, 4), places(2, 3, 4, of=(2, 3, 12))],
        {"kernel_shape": [3], "strides": [3]},
        unpool,
    ),
    Case(
        "MaxUnpool",
        [normal(1, 2, 2, 3, 2), places(1, 2, 2, 3, 2, of=(1, 2, 4, 6, 4))],
        {"kernel_shape": [2, 2, 2], "strides": [2, 2, 2]},
        unpool,
    ),
    Case(
        "MaxUnpool",
        [normal(1, 2, 4, 4), places(1, 2, 4, 4, of=(1, 2, 7, 7))],
        {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]},
        unpool,
    ),
    Case(
        "MaxUnpool",
        [normal(2, 2, 2, 2), places(2, 2, 2, 2, of=(2, 2, 4, 4)), int64s(2, 2, 4, 4)],
        HALVES,
        unpool,
    ),
    Case(
        "MaxUnpool",
        [normal(2, 2, 2, 2), places(2, 2, 2, 2, of=(2, 2, 4, 4)), int64s(2, 2, 5, 7)],
        HALVES,
        unpool,
    ),
    Case(
        "MaxUnpool",
        [normal(2, 2, 2, 2), np.random.default_rng(4).permutation(64)[:16].reshape(2, 2, 2, 2)],
        HALVES,
        unpool,
        version=9,
    ),
]


def center_crop_pad(x, shape, axes=None):
    for axis, wanted in zip(axes if axes is not None else range(x.ndim), shape, strict=True):
        size = x.shape[axis]
        if wanted <= size:
            x = np.take(x, range((size - wanted) // 2, (size - wanted) // 2 + wanted), axis)
        else:
            around = [(0, 0)] * x.ndim
            around[axis] = ((wanted - size) // 2, wanted - size - (wanted - size) // 2)
            x = np.pad(x, around)
    return x


CROPS = [
    Case("CenterCropPad", [normal(5, 6, 7), int64s(*shape)], {}, center_crop_pad)
    for shape in ((5, 6, 7), (4, 3, 2), (8, 9, 10), (2, 9, 7), (0, 6, 7))
]
CROPS += [
    Case("CenterCropPad", [normal(5, 6, 7), np.array([9, 2], np.int32)], {"axes": axes}, center_crop_pad)
    for axes in ([0, 1], [2, 0], [-1, -3])
]
CROPS += [Case("CenterCropPad", [normal(3, 4, dtype=t), int64s(2, 7)], {}, center_crop_pad) for t in FLOATS]
CROPS += [
    Case("CenterCropPad", [integers(3, 4, dtype=t), int64s(2, 7)], {}, center_crop_pad)
    for t in (*SIGNED, *UNSIGNED, np.bool_)
]


@table(UNPOOLS, CROPS)
def test_unpool(case):
    case.check()


def test_unpooling_undoes_pooling():
    x = normal(2, 3, 8, 6)
    y, where = jitrt.call("MaxPool", x, outputs=2, **HALVES)
    back = jitrt.call("MaxUnpool", y, where, **HALVES)
    np.testing.assert_array_equal(
        jitrt.call("MaxPool", np.where(back == 0, -np.inf, back).astype(np.float32), **HALVES), y
    )
    np.testing.assert_array_equal(back[back != 0], x[back != 0])


@pytest.mark.parametrize("place", [-1, 16])
def test_places_outside(place):
    x, where = normal(1, 1, 2, 2), int64s(0, 3, place, 5).reshape(1, 1, 2, 2)
    with pytest.raises(jitrt.errors.InvalidArgument, match="an index of MaxUnpool is not in its output"):
        jitrt.call("MaxUnpool", x, where, **HALVES)


def test_strings_and_complex_numbers():
    words = np.array([["a", "b", "c"]], object)
    assert jitrt.call("CenterCropPad", words, int64s(2, 2)).tolist() == [["a", "b"], ["", ""]]
    z = np.array([1 + 2j, 3 - 1j], np.complex64)
    assert jitrt.call("CenterCropPad", z, int64s(4)).tolist() == [0, 1 + 2j, 3 - 1j, 0]
