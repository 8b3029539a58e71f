"""Images sampled at the points of a grid, and affine grids."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitrt.calls import cast_tensor
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
    columns = (
        cast_tensor(theta, wide).permute([1, 2, 0]).reshape([rank, rank + 1, theta.shape[0], *[1] * rank])
    )
    *factors, shift = (columns.slice(1, k, 1).squeeze(1) for k in range(rank + 1))
    places = [
        _places(n, align_corners, wide).reshape([n, *[1] * (rank - 1 - axis)])
        for axis, n in enumerate(spatial)
    ]

    def transform(shift: Expr, *operands: Expr) -> Expr:
        for factor, place in zip(operands[:rank], operands[rank:], strict=True):
            shift = shift + factor * place
        return shift

    grid = map_tensors(transform, shift, *factors, *reversed(places)).expand([rank, batch, *spatial])
    return cast_tensor(grid.permute([*range(1, rank + 2), 0]), theta.dtype)


def _places(n: Size, align_corners: int, dtype: np.dtype[Any]) -> Tensor:
    """n positions from -1 to 1: of pixels' centers, the outermost at the ends if `align_corners`."""

    def place(i: Expr, n: Expr) -> Expr:
        i, n = cast(i, dtype), cast(n, dtype)
        return where(n > 1, 2 * i / (n - 1) - 1, 0) if align_corners else (2 * i + 1) / n - 1

    return map_indices(place, (n,), size_tensor(n))
