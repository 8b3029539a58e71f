"""Caches of keys and values of sequences that differ in length: growing, fixed, sliding, quantized."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from jitrt.calls import launch_move
from jitrt.dims import Size, prod
from jitrt.errors import InvalidArgument
from jitrt.expr import Expr, cast, maximum, minimum, rint
from jitrt.tensor import Tensor, concatenate, constant, map_tensors
from jitrt.types import F32, I8, U8

from .._shared import size_tensor


class Rows(NamedTuple):
    """How a step uses a cache: rows [batch] that are full before it, new ones, and rows that leave it then.

    Queries attend to `longest` rows. `leaving` is None for a cache that does not slide.
    """

    before: Tensor
    new: Tensor
    longest: Size
    leaving: Tensor | None = None


def sliding_rows(past: Tensor, new: Tensor, s: Size, capacity: Size, window: int) -> Rows:
    """Rows of a cache that makes room for capacity - window + 1 new ones whenever it is full.

    With G = capacity - window + 1 it holds L(T) of T tokens: T, or T - G ceil((T - capacity) / G).
    """

    def resident(total: Expr, capacity: Expr) -> Expr:
        step = capacity - (window - 1)
        return total - maximum((total - capacity + step - 1) / step, 0) * step

    def leaving(past: Expr, new: Expr, capacity: Expr) -> Expr:
        return resident(past, capacity) + new - resident(past + new, capacity)

    size = size_tensor(capacity)
    before = map_tensors(resident, past, size)
    return Rows(before, new, capacity + s, map_tensors(leaving, past, new, size))


def append(past: Tensor | None, new: Tensor, rows: Rows) -> tuple[Tensor, Tensor]:
    """The cache after a step that adds tokens [batch, s, heads, d], and the rows to attend to."""
    batch, _, heads, size = new.shape
    if past is None:
        past = constant(np.zeros((1, 1, 0, 1), new.dtype)).expand([batch, heads, 0, size])
    if past.dtype != new.dtype:
        raise ValueError(f"the cache {past} is not of the type of its new tokens {new}")
    capacity = rows.longest if rows.longest > past.shape[2] else past.shape[2]
    (all_rows,) = launch_move(
        append_tokens,
        past,
        new,
        rows.before,
        rows.new,
        moved=2,
        outputs=[(new.dtype, [batch, heads, capacity, size])],
        extent=batch * heads,
        error=lambda status: InvalidArgument("seqlens_k is out of the range of total_sequence_length"),
    )
    attended = all_rows.slice(2, 0, rows.longest)
    if rows.leaving is None:
        return all_rows, attended
    return from_row(all_rows, rows.leaving, past.shape[2], 2), attended


def append_tokens(present, past, new, lengths, counts, begin, end):
    """Copy the past of a head [b, h], add its new tokens, and clear what is left; a unit is a head."""
    heads, capacity, size = present.shape[1], present.shape[2], present.shape[3]
    for unit in range(begin, end):
        b, h = unit // heads, unit % heads
        first, count = lengths[b], counts[b]
        if first < 0 or count < 0 or first + count > capacity or count > new.shape[1]:
            return 1
        for t in range(capacity):
            if t >= first and t < first + count:
                for i in range(size):
                    present[b, h, t, i] = new[b, t - first, h, i]
            elif t < past.shape[2]:
                for i in range(size):
                    present[b, h, t, i] = past[b, h, t, i]
            else:
                for i in range(size):
                    present[b, h, t, i] = 0
    return 0


def from_row(x: Tensor, start: Tensor, count: Size, axis: int) -> Tensor:
    """`count` rows along the axis from start[batch] on, zeros after the last."""
    batch, outer, inner = start.size, prod(x.shape[1:axis]), prod(x.shape[axis + 1 :])
    x = x.expand([batch, *x.shape[1:]])
    (y,) = launch_move(
        copy_from_row,
        x.reshape([batch, outer, x.shape[axis], inner]),
        start,
        outputs=[(x.dtype, [batch, outer, count, inner])],
        extent=batch * outer,
    )
    return y.reshape([*x.shape[:axis], count, *x.shape[axis + 1 :]])


def copy_from_row(Y, X, start, begin, end):
    """Y[b, o, r] is X[b, o, start[b] + r], or zeros; a unit is one [b, o]."""
    outer, count, inner = Y.shape[1], Y.shape[2], Y.shape[3]
    for unit in range(begin, end):
        b, o = unit // outer, unit % outer
        for r in range(count):
            row = start[b] + r
            for i in range(inner):
                Y[b, o, r, i] = X[b, o, row, i] if row < X.shape[2] else 0


def quantize(x: Tensor, scale: Tensor | None, kind: str, bits: int) -> Tensor:
    """Tokens [batch, s, heads, d] as int8, or two 4-bit numbers a byte, the first in its low bits."""
    if kind == "NONE":
        return x
    if scale is None or kind not in ("PER_TENSOR", "PER_CHANNEL") or bits not in (4, 8):
        raise ValueError(f"a quantized cache needs a scale, got {kind!r} of {bits} bits with {scale}")
    scale = _of_tokens(scale)
    most = 2 ** (bits - 1)

    def rounded(x: Expr, scale: Expr) -> Expr:
        return minimum(maximum(rint(cast(x, F32) / scale), -most), most - 1)

    if bits == 8:
        return map_tensors(lambda x, s: cast(rounded(x, s), I8), x, scale)
    levels = map_tensors(lambda x, s: cast(rounded(x, s) + most, U8), x, scale)
    low, high = (levels.slice(3, i, levels.shape[3] // 2, 2) for i in range(2))
    return map_tensors(lambda low, high: low | (high << 4), low, high)


def dequantize(rows: Tensor, scale: Tensor | None, kind: str, bits: int) -> Tensor:
    """The numbers [batch, heads, t, d] of a cache."""
    if kind == "NONE" or scale is None:
        return rows
    scale = scale if scale.ndim == 4 else scale.reshape([1, 1, 1, scale.size])
    if bits == 8:
        return map_tensors(lambda q, s: cast(q, F32) * s, rows, scale)
    halves = [map_tensors(lambda q: q & 15, rows), map_tensors(lambda q: q >> 4, rows)]
    shape = (*rows.shape[:3], rows.shape[3] * 2)
    levels = concatenate([t.unsqueeze(4) for t in halves], 4).reshape(shape)
    return map_tensors(lambda q, s: (cast(q, F32) - 8) * s, levels, scale)


def _of_tokens(scale: Tensor) -> Tensor:
    """A scale that broadcasts to [batch, heads, t, d] as one that does to [batch, t, heads, d]."""
    return scale.permute((0, 2, 1, 3)) if scale.ndim == 4 else scale.reshape([1, 1, 1, scale.size])
