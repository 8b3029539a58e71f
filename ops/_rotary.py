"""Rotations of pairs of channels by angles that grow with the position. https://arxiv.org/abs/2104.09864"""

from __future__ import annotations

from jitrt.calls import cast_tensor, launch
from jitrt.dims import prod
from jitrt.errors import InvalidArgument
from jitrt.expr import cast
from jitrt.tensor import Tensor, map_tensors
from jitrt.types import I64


def rotate(x: Tensor, cos: Tensor, sin: Tensor, positions: Tensor, *, interleaved: bool) -> Tensor:
    """Rotate the first channels of every head, two for each column of the caches; the rest stay.

    `x` is [batch, heads, s, d] with `positions` [batch, s], or [batch, s, heads, d] with [batch, s, 1]. `cos`
    and `sin` are [rows, half]. Raises ValueError for caches that do not fit.
    """
    size, half = x.shape[3], cos.shape[1]
    if cos.shape[0] != sin.shape[0] or sin.shape[1] != half:
        raise ValueError(f"cos_cache {cos} and sin_cache {sin} differ in shape")
    if 2 * half > size:
        raise ValueError(f"cos_cache {cos} rotates {2 * half} channels of a head of {size}")
    s, inner = (x.shape[2], 1) if positions.ndim == 2 else (x.shape[1], x.shape[2])
    groups = prod(x.shape[:2]) if positions.ndim == 2 else x.shape[0]
    (y,) = launch(
        rotate_rows,
        x.reshape([groups, s, inner, size]),
        cast_tensor(cos, x.dtype),
        cast_tensor(sin, x.dtype),
        map_tensors(lambda p: cast(p, I64), positions.reshape([x.shape[0], s])),
        outputs=[(x.dtype, [groups, s, inner, size])],
        scalars=[int(interleaved)],
        extent=groups * s,
        error=_out_of_range,
        flops=3 * x.size,
    )
    return y.reshape(x.shape)


def _out_of_range(status: int) -> Exception:
    return InvalidArgument("position_ids value is out of range of cos_cache and sin_cache")


def rotate_rows(Y, X, cos, sin, positions, interleaved, begin, end):
    """Y[g, s] is X[g, s] turned by the angles in row positions[batch of g, s]; a unit is one [g, s]."""
    groups, length, heads, size = X.shape
    each, half = groups // positions.shape[0], cos.shape[1]
    for unit in range(begin, end):
        g, s = unit // length, unit % length
        row = positions[g // each, s]
        if row < 0 or row >= cos.shape[0]:
            return 1
        for h in range(heads):
            if interleaved:
                for i in range(half):
                    x, y = X[g, s, h, 2 * i], X[g, s, h, 2 * i + 1]
                    Y[g, s, h, 2 * i] = x * cos[row, i] - y * sin[row, i]
                    Y[g, s, h, 2 * i + 1] = x * sin[row, i] + y * cos[row, i]
            else:
                for i in range(half):
                    x, y = X[g, s, h, i], X[g, s, h, half + i]
                    Y[g, s, h, i] = x * cos[row, i] - y * sin[row, i]
                    Y[g, s, h, half + i] = x * sin[row, i] + y * cos[row, i]
            for i in range(2 * half, size):
                Y[g, s, h, i] = X[g, s, h, i]
    return 0
