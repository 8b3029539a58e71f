"""Pooling of regions of interest. Kernels run on channels-last images [N, H, W, C]."""

from __future__ import annotations

from math import ceil, floor

from jitrt.calls import launch
from jitrt.errors import InvalidArgument
from jitrt.opdef import operator
from jitrt.tensor import Tensor

from ._windows import larger

LAST = (0, 2, 3, 1)
FIRST = (0, 3, 1, 2)


@operator("RoiAlign", since=16)
def roi_align(
    X: Tensor,
    rois: Tensor,
    batch_indices: Tensor,
    *,
    coordinate_transformation_mode: str = "half_pixel",
    mode: str = "avg",
    output_height: int = 1,
    output_width: int = 1,
    sampling_ratio: int = 0,
    spatial_scale: float = 1.0,
) -> Tensor:
    """Regions of an image, resampled. https://onnx.ai/onnx/operators/onnx__RoiAlign.html"""
    if rois.ndim != 2 or rois.shape[1] != 4 or batch_indices.ndim != 1:
        raise ValueError(f"expected rois [n, 4] and batch_indices [n], got {rois} and {batch_indices}")
    if mode not in ("avg", "max"):
        raise ValueError(f"expected mode avg or max, got {mode!r}")
    half_pixel = coordinate_transformation_mode == "half_pixel"
    shape = [rois.shape[0], output_height, output_width, X.shape[1]]
    (y,) = launch(
        max_of_samples if mode == "max" else mean_of_samples,
        X.permute(LAST),
        rois,
        batch_indices,
        outputs=[(X.dtype, shape)],
        scalars=[float(spatial_scale), sampling_ratio, int(half_pixel)],
        extent=shape[0] * output_height,
        error=_no_such_image,
        flops=32 * shape[0] * output_height * output_width * shape[3],
    )
    return y.permute(FIRST)


@operator("RoiAlign", since=10)
def roi_align_10(
    X: Tensor,
    rois: Tensor,
    batch_indices: Tensor,
    *,
    mode: str = "avg",
    output_height: int = 1,
    output_width: int = 1,
    sampling_ratio: int = 0,
    spatial_scale: float = 1.0,
) -> Tensor:
    """Regions of an image, resampled. https://onnx.ai/onnx/operators/onnx__RoiAlign.html"""
    return roi_align(
        X,
        rois,
        batch_indices,
        coordinate_transformation_mode="output_half_pixel",
        mode=mode,
        output_height=output_height,
        output_width=output_width,
        sampling_ratio=sampling_ratio,
        spatial_scale=spatial_scale,
    )


@operator("MaxRoiPool", since=1)
def max_roi_pool(X: Tensor, rois: Tensor, *, pooled_shape: list[int], spatial_scale: float = 1.0) -> Tensor:
    """The maxima of a grid of bins in each region. https://onnx.ai/onnx/operators/onnx__MaxRoiPool.html"""
    if rois.ndim != 2 or rois.shape[1] != 5:
        raise ValueError(f"expected rois [n, 5], got {rois}")
    shape = [rois.shape[0], *pooled_shape, X.shape[1]]
    (y,) = launch(
        max_of_bins,
        X.permute(LAST),
        rois,
        outputs=[(X.dtype, shape)],
        scalars=[float(spatial_scale)],
        extent=shape[0] * pooled_shape[0],
        error=_no_such_image,
    )
    return y.permute(FIRST)


def _no_such_image(status: int) -> Exception:
    return InvalidArgument(f"roi {status - 1} is of an image that is not in the batch")


def mean_of_samples(Y, X, rois, batch_indices, scale, ratio, half_pixel, begin, end):
    """Y [n, height, width, C] averages interpolated samples of each bin; a unit is a row of a roi's bins."""
    H, W, C = X.shape[1], X.shape[2], X.shape[3]
    for unit in range(begin, end):
        r, i = unit // Y.shape[1], unit % Y.shape[1]
        n = batch_indices[r]
        if n < 0 or n >= X.shape[0]:
            return r + 1
        top, left, high, wide, rows, columns = bins(rois, r, Y, scale, ratio, half_pixel)
        share = 1 / max(rows * columns, 1)
        for j in range(Y.shape[2]):
            for c in range(C):
                Y[r, i, j, c] = 0
            for p in range(rows):
                h0, h1, v, inside = neighbours(top + (i + (p + 0.5) / rows) * high, H)
                for q in range(columns if inside else 0):
                    w0, w1, u, inside = neighbours(left + (j + (q + 0.5) / columns) * wide, W)
                    if inside:
                        a, b = X.dtype.type((1 - v) * (1 - u) * share), X.dtype.type((1 - v) * u * share)
                        d, e = X.dtype.type(v * (1 - u) * share), X.dtype.type(v * u * share)
                        for c in range(C):
                            upper = a * X[n, h0, w0, c] + b * X[n, h0, w1, c]
                            lower = d * X[n, h1, w0, c] + e * X[n, h1, w1, c]
                            Y[r, i, j, c] += upper + lower
    return 0


def max_of_samples(Y, X, rois, batch_indices, scale, ratio, half_pixel, begin, end):
    """As `mean_of_samples` with the largest product of a pixel and its weight, 0 for a sample outside.

    That no interpolated value comes out is what ONNX's reference and its test suite define as the maximum.
    """
    H, W, C = X.shape[1], X.shape[2], X.shape[3]
    for unit in range(begin, end):
        r, i = unit // Y.shape[1], unit % Y.shape[1]
        n = batch_indices[r]
        if n < 0 or n >= X.shape[0]:
            return r + 1
        top, left, high, wide, rows, columns = bins(rois, r, Y, scale, ratio, half_pixel)
        for j in range(Y.shape[2]):
            for c in range(C):
                Y[r, i, j, c] = 0
            for p in range(rows):
                h0, h1, v, inside_rows = neighbours(top + (i + (p + 0.5) / rows) * high, H)
                for q in range(columns):
                    w0, w1, u, inside = neighbours(left + (j + (q + 0.5) / columns) * wide, W)
                    weight = 1.0 if inside_rows and inside else 0.0
                    a, b = X.dtype.type((1 - v) * (1 - u) * weight), X.dtype.type((1 - v) * u * weight)
                    d, e = X.dtype.type(v * (1 - u) * weight), X.dtype.type(v * u * weight)
                    first = p == 0 and q == 0
                    for c in range(C):
                        upper = larger(a * X[n, h0, w0, c], b * X[n, h0, w1, c])
                        lower = larger(d * X[n, h1, w0, c], e * X[n, h1, w1, c])
                        best = larger(upper, lower)
                        Y[r, i, j, c] = best if first else larger(best, Y[r, i, j, c])
    return 0


def bins(rois, r, Y, scale, ratio, half_pixel):
    """The top, left, height and width of the bins of a roi, in pixels, and samples down and across each."""
    offset = 0.5 if half_pixel else 0.0
    left, top = rois[r, 0] * scale - offset, rois[r, 1] * scale - offset
    width, height = rois[r, 2] * scale - offset - left, rois[r, 3] * scale - offset - top
    if not half_pixel:
        width, height = max(width, 1.0), max(height, 1.0)
    high, wide = height / Y.shape[1], width / Y.shape[2]
    return top, left, high, wide, samples(high, ratio), samples(wide, ratio)


def samples(size, ratio):
    """The number of samples along a bin: `ratio`, or one a pixel."""
    if ratio > 0:
        return ratio
    return ceil(size) if 0 < size < 2**31 else 0


def neighbours(x, size):
    """The two pixels around x on an axis, the weight of the second, and whether x is in the image at all."""
    if not (-1.0 <= x <= size):
        return 0, 0, 0.0, False
    x = max(x, 0.0)
    low = int(x)
    if low >= size - 1:
        return size - 1, size - 1, 0.0, True
    return low, low + 1, x - low, True


def max_of_bins(Y, X, rois, scale, begin, end):
    """Y [n, height, width, C] is the maximum of each bin's pixels, 0 of none; a unit is a row of bins."""
    H, W, C = X.shape[1], X.shape[2], X.shape[3]
    for unit in range(begin, end):
        r, i = unit // Y.shape[1], unit % Y.shape[1]
        n = int(rois[r, 0])
        if n < 0 or n >= X.shape[0]:
            return r + 1
        left, top = nearest(rois[r, 1] * scale), nearest(rois[r, 2] * scale)
        high = max(nearest(rois[r, 4] * scale) - top + 1, 1) / Y.shape[1]
        wide = max(nearest(rois[r, 3] * scale) - left + 1, 1) / Y.shape[2]
        h0, h1 = clipped(floor(i * high) + top, H), clipped(ceil((i + 1) * high) + top, H)
        for j in range(Y.shape[2]):
            w0, w1 = clipped(floor(j * wide) + left, W), clipped(ceil((j + 1) * wide) + left, W)
            for c in range(C):
                Y[r, i, j, c] = X[n, h0, w0, c] if h0 < h1 and w0 < w1 else 0
            for h in range(h0, h1):
                for w in range(w0, w1):
                    for c in range(C):
                        Y[r, i, j, c] = larger(X[n, h, w, c], Y[r, i, j, c])
    return 0


def nearest(x):
    """The nearest whole number, away from 0 where two are."""
    return floor(x + 0.5) if x >= 0 else ceil(x - 0.5)


def clipped(x, size):
    """A row or column in 0 to size."""
    return int(min(max(x, 0), size))
