"""Interpolation of tensors, one axis at a time.

For each axis, `x` maps positions of the result to coordinates in the original; taps are the elements near
them, weights what each contributes. They are computed as tensors: constants where the sizes are known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import floor as floor_number
from typing import Any

import numpy as np

from jitrt import expr as ex
from jitrt.calls import cast_tensor, launch, launch_move
from jitrt.dims import Dim, Size, prod, same
from jitrt.expr import Expr, absolute, cast, ceil, floor, maximum, minimum, where
from jitrt.gradient import wants_gradients
from jitrt.tensor import Tensor, concatenate, constant, map_indices, map_tensors
from jitrt.types import F32, F64, I32, I64, is_float

from ._interpolation_kernels import interpolate_bilinear, pick_of_rows, sum_taps, sum_taps_of_image
from ._placement import innermost_axis, is_channels_first
from ._sampling import keys_cubic
from ._shared import size_tensor
from .gather import gather


@dataclass(frozen=True)
class Axis:
    """An axis to resize: the sizes before and after, their ratio (None: exactly theirs), the region."""

    axis: int
    original: Size
    resized: Size
    scale: float | None
    start: float = 0.0
    end: float = 1.0

    @property
    def factor(self) -> int | None:
        """The ratio where it is a whole number known to be exact."""
        for k in range(1, 65):
            if same(self.original * k, self.resized) and self.scale in (None, float(k)):
                return k
        return None


@dataclass(frozen=True)
class Mode:
    """How to interpolate: the attributes of Resize."""

    mode: str = "nearest"
    coordinates: str = "half_pixel"
    nearest: str = "round_prefer_floor"
    cubic_coeff_a: float = -0.75
    exclude_outside: int = 0
    extrapolation_value: float = 0.0
    antialias: int = 0


def interpolate(X: Tensor, plan: Sequence[Axis], how: Mode) -> Tensor:
    """The tensor resized along the axes of the plan."""
    moving = [a for a in plan if how.coordinates == "tf_crop_and_resize" or a.factor != 1]
    picks_rows = how.mode == "nearest" and is_channels_first(X) and not wants_gradients()
    if X.ndim > 3 and all(a.axis >= 2 for a in moving) and not _is_short(X.shape[1]) and not picks_rows:
        last = [replace(a, axis=a.axis - 1) for a in moving]
        y = _interpolate(X.permute([0, *range(2, X.ndim), 1]), last, how)
        return y.permute([0, X.ndim - 1, *range(1, X.ndim - 1)])
    return _interpolate(X, moving, how)


def _is_short(length: Size) -> bool:
    """Whether a loop over so many elements does not fill a vector."""
    return not isinstance(length, Dim) and length < 8


def _interpolate(X: Tensor, plan: Sequence[Axis], how: Mode) -> Tensor:
    if how.mode == "nearest":
        y = _nearest(X, plan, how)
    else:
        wide = F64 if X.dtype == F64 or (not is_float(X.dtype) and X.dtype.itemsize > 2) else F32
        y = cast_tensor(_weighted(cast_tensor(X, wide), plan, how), X.dtype)
    if how.coordinates == "tf_crop_and_resize":
        for a in plan:
            y = _extrapolate(y, a, how.extrapolation_value)
    return y


def _nearest(X: Tensor, plan: Sequence[Axis], how: Mode) -> Tensor:
    by_axis = {a.axis: a for a in plan}
    if X.ndim > 1 and X.ndim - 1 in by_axis and innermost_axis(X) == X.ndim - 1 and not wants_gradients():
        X = _nearest_of_rows(X, by_axis.pop(X.ndim - 2, None), by_axis.pop(X.ndim - 1), how)
    factors = {i: a.factor for i, a in by_axis.items() if a.factor is not None and _repeats(a.factor, how)}
    for i, a in by_axis.items():
        if i not in factors:
            order = _order(X, i)
            picked = gather(X.permute(order), _nearest_places(a, how), axis=order.index(i))
            X = picked.permute([order.index(i) for i in range(X.ndim)])
    return _repeat(X, factors)


def _nearest_places(a: Axis, how: Mode) -> Tensor:
    """The place along the axis of the element nearest to each position of the result."""
    return _with_sizes(lambda x, n, _: _clip(_round(x, how.nearest), n), _coordinates(a, how), a)


def _nearest_of_rows(X: Tensor, row: Axis | None, column: Axis, how: Mode) -> Tensor:
    """The last two axes resized, or the last one."""
    *outer, height, width = X.shape
    if row is None:
        rows, resized = map_indices(lambda i: cast(i, I32), (height,)), [*outer, height, column.resized]
    else:
        rows, resized = _nearest_places(row, how), [*outer, row.resized, column.resized]
    shape = [prod(outer), *resized[-2:]]
    (y,) = launch_move(
        pick_of_rows,
        X.reshape([prod(outer), height, width]),
        cast_tensor(rows, I32),
        cast_tensor(_nearest_places(column, how), I32),
        outputs=[(X.dtype, shape)],
        extent=shape[0] * shape[1],
    )
    return y.reshape(resized)


def _order(X: Tensor, axis: int) -> list[int]:
    """The axes of X so that many elements follow on each of `axis`: it comes first where few do."""
    order = list(range(X.ndim))
    if _is_short(prod(X.shape[axis + 1 :])):
        order.insert(0, order.pop(axis))
    return order


def _repeats(factor: int, how: Mode) -> bool:
    """Whether the nearest element of position o is o // factor."""
    if how.coordinates in ("half_pixel", "pytorch_half_pixel", "half_pixel_symmetric"):
        return how.nearest in ("round_prefer_floor", "round_prefer_ceil")
    if how.coordinates == "asymmetric":
        return how.nearest == "floor" or (how.nearest == "round_prefer_floor" and factor == 2)
    return False


def _repeat(X: Tensor, factors: Mapping[int, int]) -> Tensor:
    """Each element along the axes so many times, in one copy."""
    if not factors:
        return X
    sizes = [(size, factors.get(axis, 1)) for axis, size in enumerate(X.shape)]
    apart = X.reshape([part for size, _ in sizes for part in (size, 1)])
    repeated = apart.expand([part for pair in sizes for part in pair])
    return repeated.reshape([size * factor for size, factor in sizes])


def _round(x: Expr, mode: str) -> Expr:
    match mode:
        case "round_prefer_floor":
            return ceil(x - 0.5)
        case "round_prefer_ceil":
            return floor(x + 0.5)
        case "ceil":
            return ceil(x)
        case _:
            return floor(x)


def _clip(x: Expr, n: Expr) -> Expr:
    """A coordinate as the index of an element of n."""
    return cast(maximum(minimum(x, n - 1), 0), I64)


def _positions(n: Size) -> Tensor:
    """0, 1, ... n - 1 in float64."""
    if isinstance(n, Dim):
        return map_indices(lambda i: cast(i, F64), (n,))
    return constant(np.arange(n, dtype=np.float64))


def _with_sizes(function: Callable[..., Expr], x: Tensor, a: Axis) -> Tensor:
    """Map `function(x, length_original, length_resized)`, all in float64."""
    numbers = (cast_tensor(size_tensor(size), F64) for size in (a.original, a.resized))
    return map_tensors(function, x, *numbers)


def _coordinates(a: Axis, how: Mode) -> Tensor:
    """The coordinate in the original of each position in the result, float64[resized]."""

    def x_original(x: Expr, n: Expr, m: Expr) -> Expr:
        scale = m / n if a.scale is None else ex.const(a.scale, F64)
        length = n * scale
        match how.coordinates:
            case "half_pixel":
                return (x + 0.5) / scale - 0.5
            case "half_pixel_symmetric":
                return n / 2 * (1 - m / length) + (x + 0.5) / scale - 0.5
            case "tf_half_pixel_for_nn":
                return (x + 0.5) / scale
            case "pytorch_half_pixel":
                return where(m > 1, (x + 0.5) / scale - 0.5, 0)
            case "align_corners":
                return where(ex.eq(length, 1), 0, x * (n - 1) / (length - 1))
            case "asymmetric":
                return x / scale
            case "tf_crop_and_resize":
                many = a.start * (n - 1) + x * (a.end - a.start) * (n - 1) / (m - 1)
                return where(m > 1, many, 0.5 * (a.start + a.end) * (n - 1))
        raise ValueError(f"coordinate_transformation_mode {how.coordinates!r}")

    return _with_sizes(x_original, _positions(a.resized), a)


def _extrapolate(y: Tensor, a: Axis, value: float) -> Tensor:
    """`value` where the coordinate along the axis lies outside the original."""
    outside = _with_sizes(
        lambda x, n, _: (x < 0) | (x > n - 1), _coordinates(a, Mode(coordinates="tf_crop_and_resize")), a
    )
    outside = outside.reshape([a.resized, *[1] * (y.ndim - 1 - a.axis)])
    return map_tensors(lambda o, y: where(o, ex.const(value, y.dtype), y), outside, y)


def _taps(a: Axis, how: Mode, dtype: np.dtype[Any]) -> tuple[Tensor, Tensor]:
    """The elements that each position of the result sums, int64[resized, taps], and their weights."""
    support = 1 if how.mode == "linear" else 2
    shrink = 1.0
    if how.antialias:
        shrink = min(a.scale or int(a.resized) / int(a.original), 1.0)
    start = floor_number(-support / shrink) + 1
    x = _coordinates(a, how)
    columns, weights = [], []
    for k in range(start, 2 - start):
        near = map_tensors(lambda x: floor(x) + k, x)  # noqa: B023 - called at once
        columns.append(_with_sizes(lambda i, n, _: _clip(i, n), near, a))
        weight = map_tensors(lambda i, x: _kernel((i - x) * shrink, how), near, x)
        if how.exclude_outside:
            inside = _with_sizes(lambda i, n, _: (i >= 0) & (i < n), near, a)
            weight = map_tensors(lambda ok, w: where(ok, w, 0), inside, weight)
        weights.append(weight)
    if how.antialias or how.exclude_outside:
        total = map_tensors(lambda *w: sum(w[1:], w[0]), *weights)
        weights = [map_tensors(lambda w, t: w / t, w, total) for w in weights]
    taps = concatenate([c.unsqueeze(1) for c in columns], 1)
    return taps, cast_tensor(concatenate([w.unsqueeze(1) for w in weights], 1), dtype)


def _kernel(d: Expr, how: Mode) -> Expr:
    """The weight of an element at distance d: a triangle, or cubic convolution."""
    d = absolute(d)
    return maximum(1 - d, 0) if how.mode == "linear" else keys_cubic(d, how.cubic_coeff_a)


def _weighted(X: Tensor, plan: Sequence[Axis], how: Mode) -> Tensor:
    """Weighted sums of taps: along two neighbouring axes at once where that is possible."""
    for a, b in pairwise(sorted(plan, key=lambda a: a.axis)):
        inner = prod(X.shape[b.axis + 1 :])
        if b.axis == a.axis + 1 and _is_short(inner) and not wants_gradients():
            rest = [c for c in plan if c not in (a, b)]
            return _weighted(_sum_image(X, a, b, how), rest, how)
        if how.mode == "linear" and not how.antialias and b.axis == a.axis + 1 and not _is_short(inner):
            rest = [c for c in plan if c not in (a, b)]
            return _weighted(_bilinear(X, a, b, how), rest, how)
    for a in plan:
        X = _sum_along(X, a, how)
    return X


def _sum_along(X: Tensor, a: Axis, how: Mode) -> Tensor:
    """One axis resized."""
    order = _order(X, a.axis)
    X = X.permute(order)
    axis = order.index(a.axis)
    before, after = X.shape[:axis], X.shape[axis + 1 :]
    taps, weights = _taps(a, how, X.dtype)
    shape = [prod(before), a.resized, prod(after)]
    (y,) = launch(
        sum_taps,
        X.reshape([prod(before), a.original, prod(after)]),
        taps,
        weights,
        outputs=[(X.dtype, shape)],
        extent=prod(before) * a.resized,
        flops=2 * prod(shape) * taps.shape[1],
    )
    return y.reshape([*before, a.resized, *after]).permute([order.index(i) for i in range(X.ndim)])


def _sum_image(X: Tensor, row: Axis, column: Axis, how: Mode) -> Tensor:
    """Rows and columns of few elements each resized."""
    rows, row_weights = _taps(row, how, X.dtype)
    columns, column_weights = _taps(column, how, X.dtype)
    outer, inner = prod(X.shape[: row.axis]), prod(X.shape[column.axis + 1 :])
    count, width = columns.shape[1], column.resized * inner
    element = constant(np.arange(int(inner)))
    places = map_tensors(
        lambda c, e: cast(c * int(inner) + e, I32), columns.permute([1, 0]).unsqueeze(2), element
    )
    weights = column_weights.permute([1, 0]).unsqueeze(2).expand([count, column.resized, inner])
    shape = [outer, row.resized, width]
    (y,) = launch(
        sum_taps_of_image,
        X.reshape([outer, row.original, column.original * inner]),
        rows,
        row_weights,
        places.reshape([count, width]),
        weights.reshape([count, width]),
        outputs=[(X.dtype, shape)],
        extent=outer * row.resized,
        flops=4 * prod(shape) * count,
        scratch=column.original * inner * X.dtype.itemsize,
    )
    return y.reshape([*X.shape[: row.axis], row.resized, column.resized, *X.shape[column.axis + 1 :]])


def _bilinear(X: Tensor, row: Axis, column: Axis, how: Mode) -> Tensor:
    rows, row_weights = _taps(row, how, X.dtype)
    columns, column_weights = _taps(column, how, X.dtype)
    outer, inner = prod(X.shape[: row.axis]), prod(X.shape[column.axis + 1 :])
    shape = [outer, row.resized, column.resized, inner]
    (y,) = launch(
        interpolate_bilinear,
        X.reshape([outer, row.original, column.original, inner]),
        rows,
        row_weights,
        columns,
        column_weights,
        outputs=[(X.dtype, shape)],
        extent=outer * row.resized,
        flops=8 * prod(shape),
    )
    return y.reshape([*X.shape[: row.axis], row.resized, column.resized, *X.shape[column.axis + 1 :]])
