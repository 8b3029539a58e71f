"""Pooling of regions against the spec, one bin at a time, in float64."""

import numpy as np
import pytest
from oracle import FLOATS, Case, int64s, normal, table

import jitrt


def corners(image, y, x):
    """The products of the four pixels around a point and their weights [4, C], zeros outside."""
    h, w = image.shape[1:]
    if not (-1 <= y <= h and -1 <= x <= w):
        return np.zeros((4, image.shape[0]))
    y, x = min(max(y, 0), h - 1), min(max(x, 0), w - 1)
    top, left = int(y), int(x)
    bottom, right = min(top + 1, h - 1), min(left + 1, w - 1)
    v, u = y - top, x - left
    return np.stack(
        [
            (1 - v) * (1 - u) * image[:, top, left],
            (1 - v) * u * image[:, top, right],
            v * (1 - u) * image[:, bottom, left],
            v * u * image[:, bottom, right],
        ]
    )


def roi_align(
    x,
    rois,
    indices,
    mode="avg",
    output_height=1,
    output_width=1,
    sampling_ratio=0,
    spatial_scale=1.0,
    coordinate_transformation_mode="half_pixel",
):
    half = coordinate_transformation_mode == "half_pixel"
    y = np.zeros((len(rois), x.shape[1], output_height, output_width))
    for r, roi in enumerate(rois):
        left, top, right, bottom = roi * spatial_scale - (0.5 if half else 0)
        height, width = bottom - top, right - left
        if not half:
            height, width = max(height, 1), max(width, 1)
        high, wide = height / output_height, width / output_width
        rows, columns = (sampling_ratio or max(int(np.ceil(size)), 0) for size in (high, wide))
        for i, j in np.ndindex(output_height, output_width):
            samples = [
                corners(
                    x[indices[r]],
                    top + (i + (p + 0.5) / rows) * high,
                    left + (j + (q + 0.5) / columns) * wide,
                )
                for p in range(rows)
                for q in range(columns)
            ]
            if samples:
                y[r, :, i, j] = (
                    np.sum(samples, (0, 1)) / len(samples) if mode == "avg" else np.max(samples, (0, 1))
                )
    return y


def roi_align_10(*inputs, **attributes):
    return roi_align(*inputs, coordinate_transformation_mode="output_half_pixel", **attributes)


def max_roi_pool(x, rois, pooled_shape, spatial_scale=1.0):
    y = np.zeros((len(rois), x.shape[1], *pooled_shape))
    for r, (n, *roi) in enumerate(rois):
        left, top, right, bottom = (int(np.copysign(np.floor(abs(v) * spatial_scale + 0.5), v)) for v in roi)
        high, wide = max(bottom - top + 1, 1) / pooled_shape[0], max(right - left + 1, 1) / pooled_shape[1]
        for i, j in np.ndindex(*pooled_shape):
            rows = slice(max(int(np.floor(i * high)) + top, 0), max(int(np.ceil((i + 1) * high)) + top, 0))
            columns = slice(
                max(int(np.floor(j * wide)) + left, 0), max(int(np.ceil((j + 1) * wide)) + left, 0)
            )
            part = x[int(n), :, rows, columns]
            if part.size:
                y[r, :, i, j] = part.max((1, 2))
    return y


IMAGE = normal(2, 5, 9, 8)
ROIS = np.array(
    [[1, 2, 6, 7], [0.3, 0.2, 15.1, 13.7], [-6, -5, 4, 3], [9, 9, 9, 9], [12, 14, 2, 3], [30, 30, 40, 40]],
    np.float32,
)
WHICH = int64s(0, 1, 1, 0, 0, 1)
ALIGNED = [
    Case(
        "RoiAlign",
        [IMAGE, ROIS, WHICH],
        {
            "mode": mode,
            "sampling_ratio": ratio,
            "output_height": 3,
            "output_width": 2,
            "spatial_scale": 0.5,
            "coordinate_transformation_mode": how,
        },
        roi_align,
        tolerance=8,
    )
    for mode in ("avg", "max")
    for ratio in (0, 1, 2)
    for how in ("half_pixel", "output_half_pixel")
]
OTHERS = [
    Case("RoiAlign", [IMAGE.astype(t), ROIS.astype(t), WHICH], {"sampling_ratio": 2}, roi_align, tolerance=8)
    for t in FLOATS
] + [
    Case("RoiAlign", [IMAGE, ROIS, WHICH], {"output_height": 2}, roi_align_10, version=10, tolerance=8),
    Case("RoiAlign", [IMAGE, ROIS[:0], WHICH[:0]], {}, roi_align),
]
REGIONS = np.concatenate([np.array([[0], [1], [0], [1], [0], [1]]), ROIS], 1).astype(np.float32)
MAXIMA = [
    Case(
        "MaxRoiPool",
        [IMAGE.astype(t), REGIONS.astype(t)],
        {"pooled_shape": [3, 2], "spatial_scale": 0.5},
        max_roi_pool,
    )
    for t in FLOATS
] + [Case("MaxRoiPool", [IMAGE, REGIONS[:0]], {"pooled_shape": [2, 2]}, max_roi_pool)]


@table(ALIGNED, OTHERS, MAXIMA)
def test_roi(case):
    case.check()


def test_other_numbers_of_regions():
    for count in (1, 4, 6):
        got = jitrt.call("RoiAlign", IMAGE, ROIS[:count], WHICH[:count], output_height=2, output_width=2)
        wanted = roi_align(IMAGE, ROIS[:count], WHICH[:count], output_height=2, output_width=2)
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)


def test_regions_that_are_no_numbers_read_no_memory():
    rois = np.array([[np.nan, 0, 3, 3], [0, -np.inf, 3, np.inf], [1e30, 0, 2e30, 5]], np.float32)
    y = jitrt.call("RoiAlign", np.ones((1, 1, 4, 4), np.float32), rois, int64s(0, 0, 0), output_height=2)
    assert set(y.ravel()) == {0.0}


@pytest.mark.parametrize("image", [-1, 2])
def test_images_that_are_not_there(image):
    with pytest.raises(jitrt.errors.InvalidArgument, match="roi 1 is of an image that is not in the batch"):
        jitrt.call("RoiAlign", IMAGE, ROIS[:2], int64s(0, image))
    wrong = REGIONS[:2].copy()
    wrong[1, 0] = image
    with pytest.raises(jitrt.errors.InvalidArgument, match="roi 1 is of an image that is not in the batch"):
        jitrt.call("MaxRoiPool", IMAGE, wrong, pooled_shape=[1, 1])
