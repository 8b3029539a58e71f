"""Caches of keys and values."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitrt.calls import launch_move
from jitrt.dims import prod
from jitrt.errors import InvalidArgument
from jitrt.expr import cast
from jitrt.opdef import operator
from jitrt.tensor import Tensor, constant, map_tensors
from jitrt.types import I64

Array = np.ndarray[Any, Any]


@operator("TensorScatter", since=24)
def tensor_scatter(
    past_cache: Tensor,
    update: Tensor,
    write_indices: Tensor | None = None,
    *,
    axis: int = -2,
    mode: str = "linear",
) -> Tensor:
    """The cache with an update written at a place for each element of the batch.

    https://onnx.ai/onnx/operators/onnx__TensorScatter.html
    """
    axis = _check(past_cache, update, axis, mode)
    batch, capacity, count = past_cache.shape[0], past_cache.shape[axis], update.shape[axis]
    outer, inner = prod(past_cache.shape[:axis]), prod(past_cache.shape[axis + 1 :])
    start = constant(0, I64).reshape([1]) if write_indices is None else write_indices
    (y,) = launch_move(
        write_rows,
        past_cache.reshape([outer, capacity, inner]),
        update.reshape([outer, count, inner]),
        map_tensors(lambda i: cast(i, I64), start.expand([batch])),
        moved=2,
        outputs=[(past_cache.dtype, [outer, capacity, inner])],
        scalars=[int(mode == "circular")],
        extent=outer * capacity,
        error=lambda status: InvalidArgument("write_indices write outside of past_cache"),
    )
    return y.reshape(past_cache.shape)


def _check(past_cache: Any, update: Any, axis: int, mode: str) -> int:
    """The axis, not negative. Raises ValueError for arguments that do not fit."""
    if mode not in ("linear", "circular"):
        raise ValueError(f"mode is {mode!r}, expected linear or circular")
    axis %= past_cache.ndim
    others = [a for a in range(past_cache.ndim) if a != axis]
    if axis == 0 or past_cache.ndim != update.ndim:
        raise ValueError(f"axis {axis} of past_cache {past_cache} and update {update}")
    if any(past_cache.shape[a] != update.shape[a] for a in others):
        raise ValueError(f"past_cache {past_cache} and update {update} differ outside of axis {axis}")
    if update.shape[axis] > past_cache.shape[axis]:
        raise ValueError(f"update {update} is longer than past_cache {past_cache}")
    return axis


def write_rows(Y, past, update, start, circular, begin, end):
    """Y[o, r] is a row of the update where that is written, else past[o, r]; a unit is a row."""
    outer, capacity, inner = Y.shape
    count, each = update.shape[1], outer // start.shape[0]
    for unit in range(begin, end):
        o, r = unit // capacity, unit % capacity
        first = start[o // each]
        if not circular and (first < 0 or first + count > capacity):
            return 1
        place = (r - first) % capacity if circular else r - first
        if place >= 0 and place < count:
            for j in range(inner):
                Y[o, r, j] = update[o, place, j]
        else:
            for j in range(inner):
                Y[o, r, j] = past[o, r, j]
    return 0


@tensor_scatter.numpy
def tensor_scatter_values(
    past_cache: Array,
    update: Array,
    write_indices: Array | None = None,
    *,
    axis: int = -2,
    mode: str = "linear",
) -> Any:
    """TensorScatter on arrays of any type, strings among them."""
    if any(
        x is not None and x.dtype == object and x.size and not isinstance(x.flat[0], str)
        for x in (past_cache, update)
    ):
        return NotImplemented
    axis = _check(past_cache, update, axis, mode)
    y = past_cache.copy()
    capacity, count = past_cache.shape[axis], update.shape[axis]
    starts = np.zeros(len(y), np.int64) if write_indices is None else write_indices
    for b, start in enumerate(starts):
        places = np.arange(count) + int(start)
        if mode == "circular":
            places %= capacity
        elif count and (start < 0 or places[-1] >= capacity):
            raise InvalidArgument("write_indices write outside of past_cache")
        np.moveaxis(y[b], axis - 1, 0)[places] = np.moveaxis(update[b], axis - 1, 0)
    return y
