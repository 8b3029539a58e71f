"""Images sampled at the points of a grid, and affine grids."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitrt.calls import cast_tensor, launch
from jitrt.dims import Size, prod
from jitrt.expr import Expr, cast, rint, where
from jitrt.opdef import operator
from jitrt.tensor import Tensor, known_sizes, map_indices, map_tensors, sizes
from jitrt.types import F32, F64, is_float

from ._parts import host_form_by_parts
from ._sampling import sample
from ._shared import size_tensor


@operator("GridSample", since=20)
def grid_sample(
    X: Tensor, grid: Tensor, *, align_corners: int = 0, mode: str = "linear", padding_mode: str = "zeros"
) -> Tensor:
    """An image at the points of a grid. https://onnx.ai/onnx/operators/onnx__GridSample.html"""
    rank = X.ndim - 2
    if grid.ndim != X.ndim or grid.shape[-1] != rank or grid.shape[0] != X.shape[0]:
        raise ValueError(f"expected a grid [N, *spatial, {rank}] for the image {X}, got {grid}")
    batch, *spatial, _ = grid.shape
    wide = F64 if F64 in (X.dtype, grid.dtype) else F32
    axes = grid.reshape([batch, prod(spatial), rank]).permute([2, 0, 1]).slice(0, rank - 1, rank, -1)
    extents = sizes(X.shape[2:]).reshape([rank, 1, 1])

    def pixel(x: Expr, n: Expr) -> Expr:
        n = cast(n, x.dtype)
        x = (x + 1) / 2 * (n - 1) if align_corners else ((x + 1) * n - 1) / 2
        return rint(x) if mode == "nearest" else x

    points = map_tensors(pixel, cast_tensor(axes, wide), extents).unsqueeze(3)
    image = X.permute([0, *range(2, X.ndim), 1]).unsqueeze(X.ndim - 1)
    if mode != "nearest" and not is_float(X.dtype):
        image = cast_tensor(image, F64)
    y = sample(image, points, mode=mode, padding=padding_mode, align_corners=align_corners)
    y = cast_tensor(y, X.dtype).reshape([batch, *spatial, X.shape[1]])
    return y.permute([0, rank + 1, *range(1, rank + 1)])


@operator("GridSample", since=16)
def grid_sample_16(
    X: Tensor, grid: Tensor, *, align_corners: int = 0, mode: str = "bilinear", padding_mode: str = "zeros"
) -> Tensor:
    """An image at the points of a grid. https://onnx.ai/onnx/operators/onnx__GridSample.html"""
    mode = {"bilinear": "linear", "bicubic": "cubic"}.get(mode, mode)
    return grid_sample(X, grid, align_corners=align_corners, mode=mode, padding_mode=padding_mode)


host_form_by_parts(grid_sample, grid_sample_16, picks=lambda mode, **_: mode == "nearest")


@operator("AffineGrid", since=20)
def affine_grid(theta: Tensor, size: Tensor, *, align_corners: int = 0) -> Tensor:
    """Positions in an image after an affine map. https://onnx.ai/onnx/operators/onnx__AffineGrid.html"""
    batch, _, *spatial = known_sizes(size)
    rank = len(spatial)
    if theta.ndim != 3 or theta.shape[1] != rank or theta.shape[2] != rank + 1:
        raise ValueError(f"expected theta [N, {rank}, {rank + 1}] for {rank} spatial sizes, got {theta}")
    wide = F64 if theta.dtype == F64 else F32
    factors = cast_tensor(theta, wide).expand([batch, rank, rank + 1])
    places = [_places(n, align_corners, wide) for n in spatial]
    starts = factors.slice(2, rank, 1).reshape([batch, *[1] * (rank - 1), rank])
    for axis, place in enumerate(places[:-1]):
        factor = factors.slice(2, rank - 1 - axis, 1).reshape([batch, *[1] * (rank - 1), rank])
        along = place.reshape([place.shape[0], *[1] * (rank - 1 - axis)])
        starts = map_tensors(lambda s, f, p: s + f * p, starts, factor, along)
    lines = prod([batch, *spatial[:-1]])
    (grid,) = launch(
        fill_lines,
        starts.reshape([lines, rank]),
        factors.slice(2, 0, 1).reshape([batch, rank]),
        places[-1],
        outputs=[(wide, [lines, spatial[-1], rank])],
        extent=lines,
    )
    return cast_tensor(grid.reshape([batch, *spatial, rank]), theta.dtype)


def fill_lines(Y, starts, factors, places, begin, end):
    """The points of line i are starts[i] + factors[batch of i] * places[j]; a unit is a line [n, 2 or 3]."""
    lines = starts.shape[0] // factors.shape[0]
    for i in range(begin, end):
        b = i // lines
        x, y = starts[i, 0], starts[i, 1]
        fx, fy = factors[b, 0], factors[b, 1]
        if Y.shape[2] == 2:
            for j in range(places.size):
                Y[i, j, 0] = x + fx * places[j]
                Y[i, j, 1] = y + fy * places[j]
        else:
            z, fz = starts[i, 2], factors[b, 2]
            for j in range(places.size):
                Y[i, j, 0] = x + fx * places[j]
                Y[i, j, 1] = y + fy * places[j]
                Y[i, j, 2] = z + fz * places[j]


def _places(n: Size, align_corners: int, dtype: np.dtype[Any]) -> Tensor:
    """n positions from -1 to 1: of pixels' centers, the outermost at the ends if `align_corners`."""

    def place(i: Expr, n: Expr) -> Expr:
        i, n = cast(i, dtype), cast(n, dtype)
        return where(n > 1, 2 * i / (n - 1) - 1, 0) if align_corners else (2 * i + 1) / n - 1

    return map_indices(place, (n,), size_tensor(n))
