"""Samples of images at points between their pixels: weighted sums of the pixels near each.

Along every axis a point has 1, 2 or 4 taps: the pixels it is computed from, and their weights.
"""

from __future__ import annotations

from jitrt.calls import cast_tensor, launch, launch_move
from jitrt.dims import prod
from jitrt.expr import Expr, absolute, cast, floor, fmod, maximum, minimum, where
from jitrt.tensor import Tensor, map_indices, map_tensors, sizes
from jitrt.types import BF16, F16, F32, I64

TAPS = {"nearest": 1, "linear": 2, "cubic": 4}
OUTSIDE = -(2**48)  # so far below zero that no sum with other positions gets back above


def sample(
    X: Tensor,
    points: Tensor,
    *,
    mode: str = "linear",
    padding: str = "zeros",
    align_corners: int = 0,
    scale: Tensor | None = None,
) -> Tensor:
    """The image X [N, *spatial, groups, C] at points [rank, N, P, groups], as [N, P, groups, C].

    Coordinates are in pixels, axis by axis in the order of X. What lies outside is 0, the pixel at the
    border, or a reflection at the border, which goes through the centers of the outermost pixels if
    `align_corners`, else along their edges. Samples are multiplied by `scale` [N, P, groups].
    """
    if mode not in TAPS or padding not in ("zeros", "border", "reflection"):
        raise ValueError(f"expected mode linear, nearest or cubic and a padding, got {mode!r}, {padding!r}")
    batch, *spatial, groups, channels = X.shape
    rank, taps = len(spatial), TAPS[mode]
    count = prod(points.shape[1:])
    shape = (rank, taps, count)
    extents = sizes(spatial).reshape([rank, 1, 1])
    strides = sizes([prod(spatial[a + 1 :]) for a in range(rank)]).reshape([rank, 1, 1])
    x = map_tensors(
        lambda x, n: _inside(x, cast(n, x.dtype), padding, align_corners, mode),
        points.reshape([rank, 1, count]),
        extents,
    )

    def position(axis: Expr, k: Expr, point: Expr, x: Expr, n: Expr, stride: Expr) -> Expr:
        extent, tap = cast(n, x.dtype), _tap(x, k, taps)
        if padding == "reflection":
            tap = _reflect(tap, extent, align_corners)
        # no comparison with NaN holds: its position is 0 or OUTSIDE
        clipped = cast(where(tap > 0, minimum(tap, extent - 1), 0), I64) * stride
        return where((tap >= 0) & (tap < extent), clipped, OUTSIDE) if padding == "zeros" else clipped

    def weight(axis: Expr, k: Expr, point: Expr, x: Expr, *scale: Expr) -> Expr:
        d = absolute(_tap(x, k, taps) - x)
        w = keys_cubic(d, -0.75) if mode == "cubic" else 1 - d
        return where(axis < 1, w * scale[0], w) if scale else w

    pixels = X.reshape([batch, prod(spatial), groups, channels])
    positions = map_indices(position, shape, x, extents, strides)
    outputs = [(X.dtype, [count, channels])]
    if taps == 1 and scale is None:
        (y,) = launch_move(pick_pixels, pixels, positions, outputs=outputs, extent=count)
    else:
        scales = [] if scale is None else [cast_tensor(scale, x.dtype).reshape([1, 1, count])]
        weights = map_indices(weight, shape, x, *scales)
        (y,) = launch(
            sum_pixels,
            pixels,
            positions,
            cast_tensor(weights, F32 if X.dtype in (F16, BF16) else X.dtype),
            outputs=outputs,
            scalars=[taps // 2],
            extent=count,
            flops=2 * taps**rank * count * channels,
        )
    return y.reshape([*points.shape[1:], channels])


def keys_cubic(d: Expr, a: float) -> Expr:
    """The weight of a pixel at distance d >= 0 in cubic convolution. https://doi.org/10.1109/TASSP.1981.1163711"""
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return where(d <= 1, near, where(d < 2, far, 0))


def _tap(x: Expr, k: Expr, taps: int) -> Expr:
    """The coordinate of tap k of a point at x."""
    return floor(x) + cast(k - (taps - 1) // 2, x.dtype)


def _inside(x: Expr, n: Expr, padding: str, align_corners: int, mode: str) -> Expr:
    """The coordinate that stands for x in an image of n pixels."""
    if padding == "reflection":
        return _reflect(x, n, align_corners)
    if padding == "border" and mode != "cubic":  # PyTorch and onnxruntime move only the taps of cubic
        low = 0 if align_corners else -0.5
        return where((x < low) | (x > n - 1 - low), maximum(minimum(x, n - 1), 0), x)
    return x


def _reflect(x: Expr, n: Expr, align_corners: int) -> Expr:
    low = 0 if align_corners else -0.5
    span = n - 1 - 2 * low
    d = fmod(absolute(x - low), 2 * span)
    return where(span > 0, where(d > span, 2 * span - d, d) + low, 0)


def pick_pixels(Y, X, positions, begin, end):
    """Y[i] is the pixel of X [N, S, groups, C] at positions[:, 0, i], summed over axes, or 0 outside."""
    groups, channels = X.shape[2], X.shape[3]
    points = Y.shape[0] // X.shape[0]
    for i in range(begin, end):
        n, g = i // points, i % groups
        place = positions[0, 0, i]
        for axis in range(1, positions.shape[0]):
            place += positions[axis, 0, i]
        if place < 0:
            for c in range(channels):
                Y[i, c] = 0
        else:
            for c in range(channels):
                Y[i, c] = X[n, place, g, c]


def sum_pixels(Y, X, positions, weights, bits, begin, end):
    """Y[i] sums pixels of X [N, S, groups, C], one for each choice of a tap from every axis.

    A pixel's position is the sum over axes of positions[axis, tap, i], its weight the product of the weights.
    There are 2**bits taps; those of the last axis go in pairs.
    """
    groups, channels = X.shape[2], X.shape[3]
    points = Y.shape[0] // X.shape[0]
    last, mask = positions.shape[0] - 1, positions.shape[1] - 1
    for i in range(begin, end):
        n, g = i // points, i % groups
        for c in range(channels):
            Y[i, c] = 0
        for choice in range(0, 1 << (bits * (last + 1)), 2):
            tap, others = choice & mask, choice >> bits
            a, b = positions[last, tap, i], positions[last, tap + 1, i]
            u, v = weights[last, tap, i], weights[last, tap + 1, i]
            for axis in range(last):
                tap = others & mask
                others >>= bits
                a += positions[axis, tap, i]
                b += positions[axis, tap, i]
                u *= weights[axis, tap, i]
                v *= weights[axis, tap, i]
            if a >= 0 and b >= 0:
                for c in range(channels):
                    Y[i, c] += u * X[n, a, g, c] + v * X[n, b, g, c]
            elif a >= 0:
                for c in range(channels):
                    Y[i, c] += u * X[n, a, g, c]
            elif b >= 0:
                for c in range(channels):
                    Y[i, c] += v * X[n, b, g, c]
