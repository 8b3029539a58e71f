"""Scattering: a copy of the data with slices or elements replaced, or combined, at given places."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from jitrt.calls import launch, launch_move
from jitrt.dims import Size, prod, same
from jitrt.expr import Expr, cast, where
from jitrt.opdef import operator
from jitrt.tensor import Tensor, map_indices, map_tensors
from jitrt.types import I64

from ._host_forms import host_form
from ._shared import size_tensor
from .gather import (
    flat_positions,
    index_error,
    index_status,
    position,
    repeated_along,
    tuple_error,
    wrapped,
)

BLOCK = 32
REDUCTIONS = {"add": 1, "mul": 2, "max": 3, "min": 4}


@operator("ScatterND", since=11)
def scatter_nd(data: Tensor, indices: Tensor, updates: Tensor, *, reduction: str = "none") -> Tensor:
    """Slices written at index tuples. https://onnx.ai/onnx/operators/onnx__ScatterND.html"""
    depth = int(indices.shape[-1])
    picked, inner = data.shape[:depth], prod(data.shape[depth:])
    count = prod(indices.shape[:-1])
    positions = flat_positions(indices, picked).reshape([1, count])
    return _scatter(data, [1, prod(picked), inner], positions, updates, reduction)


@operator("ScatterElements", since=11)
def scatter_elements(
    data: Tensor, indices: Tensor, updates: Tensor, *, axis: int = 0, reduction: str = "none"
) -> Tensor:
    """Elements written along an axis. https://onnx.ai/onnx/operators/onnx__ScatterElements.html"""
    axis %= data.ndim
    places = repeated_along(indices, axis)
    if places is not None and all(
        same(data.shape[a], indices.shape[a]) for a in range(data.ndim) if a != axis
    ):
        return _scatter_slices(data, places, updates, axis, reduction)
    if all(same(data.shape[a], indices.shape[a]) for a in range(1, data.ndim) if a != axis):
        return _scatter_lines(data, indices, updates, axis, reduction)
    batches = 0
    while batches < axis and same(data.shape[batches], indices.shape[batches]):
        batches += 1
    batch, size = prod(data.shape[:batches]), prod(data.shape[batches:])
    positions = _flat_elements(data, indices, axis, batches)
    positions = positions.reshape([batch, prod(indices.shape[batches:])])
    return _scatter(data, [batch, size, 1], positions, updates, reduction, index_error)


@operator("Scatter", since=9)
def scatter(data: Tensor, indices: Tensor, updates: Tensor, *, axis: int = 0) -> Tensor:
    """Elements written along an axis. https://onnx.ai/onnx/operators/onnx__Scatter.html"""
    return scatter_elements(data, indices, updates, axis=axis)


@host_form(scatter_nd)
def scatter_nd_values(data: Any, indices: Any, updates: Any, *, reduction: str = "none") -> Any:
    """ScatterND of strings and complex numbers."""
    return _scatter_values(data, tuple(np.moveaxis(indices, -1, 0)), updates, reduction)


@host_form(scatter_elements, scatter)
def scatter_elements_values(
    data: Any, indices: Any, updates: Any, *, axis: int = 0, reduction: str = "none"
) -> Any:
    """ScatterElements of strings and complex numbers."""
    places = [*np.indices(indices.shape)]
    places[axis] = indices
    return _scatter_values(data, tuple(places), updates, reduction)


def _scatter_values(data: Any, places: tuple[Any, ...], updates: Any, reduction: str) -> Any:
    y = data.copy()
    try:
        if reduction == "none":
            y[places] = updates
        else:
            {"add": np.add, "mul": np.multiply}[reduction].at(y, places, updates)
    except IndexError:
        raise tuple_error(1) from None
    return y


def _scatter_lines(data: Tensor, indices: Tensor, updates: Tensor, axis: int, reduction: str) -> Tensor:
    """ScatterElements where the indices cover all dimensions, but for the axis and maybe the first."""
    outer, inner = prod(data.shape[:axis]), prod(data.shape[axis + 1 :])
    flat = [outer, data.shape[axis] * inner]
    marks = [prod(indices.shape[:axis]), indices.shape[axis] * inner]
    operands = (data.reshape(flat), updates.reshape(marks), indices.reshape(marks))
    extent = outer * block_count(inner)
    y = _launch_scatter(scatter_lines, combine_lines, operands, inner, extent, reduction, index_error)
    return y.reshape(data.shape)


def _scatter_slices(data: Tensor, places: Tensor, updates: Tensor, axis: int, reduction: str) -> Tensor:
    """ScatterElements where the indices, `places`, are the same for whole slices behind the axis."""
    outer, n, count = prod(data.shape[:axis]), data.shape[axis], places.shape[axis]
    shape = [outer, n, prod(data.shape[axis + 1 :])]
    positions = map_tensors(lambda i, n: position(i, cast(n, I64)), places, size_tensor(n))
    return _scatter(data, shape, positions.reshape([outer, count]), updates, reduction, index_error)


def _flat_elements(data: Tensor, indices: Tensor, axis: int, batches: int) -> Tensor:
    """Positions, as `_scatter` reads them, in the data's dimensions from `batches` on, flattened."""
    strides = [prod(data.shape[a + 1 :]) for a in range(data.ndim)]

    def flatten(*operands: Expr) -> Expr:
        index, extent, *steps = (cast(e, I64) for e in operands[data.ndim :])
        along = position(index, extent)
        place = along * steps[axis]
        for a in range(batches, data.ndim):
            if a != axis:
                place = place + operands[a] * steps[a]
        return where(along < 0, along, place)

    numbers = [size_tensor(v) for v in (data.shape[axis], *strides)]
    return map_indices(flatten, indices.shape, indices, *numbers)


def _scatter(
    data: Tensor,
    shape: list[Size],
    positions: Tensor,
    updates: Tensor,
    reduction: str,
    error: Callable[[int], Exception] = tuple_error,
) -> Tensor:
    """`data` as [batch, n, inner] with `updates` [batch, count, inner] at `positions` [batch, count].

    A negative position is minus the status that `error` reads.
    """
    batch, n, inner = shape
    flat = [batch, n * inner]
    operands = (data.reshape(flat), updates.reshape([batch, positions.shape[1] * inner]), positions)
    extent = batch * block_count(inner)
    y = _launch_scatter(scatter_rows, combine_rows, operands, inner, extent, reduction, error)
    return y.reshape(data.shape)


def _launch_scatter(
    move: Callable[..., Any],
    combine: Callable[..., Any],
    operands: tuple[Tensor, Tensor, Tensor],
    inner: Size,
    extent: Size,
    reduction: str,
    error: Callable[[int], Exception],
) -> Tensor:
    """The data, updates and places through `move`, or through `combine` where there is a reduction."""
    data = operands[0]
    outputs = [(data.dtype, list(data.shape))]
    if reduction == "none":
        (y,) = launch_move(
            move, *operands, moved=2, outputs=outputs, scalars=[inner], extent=extent, error=error
        )
    else:
        scalars = [inner, REDUCTIONS[reduction]]
        (y,) = launch(combine, *operands, outputs=outputs, scalars=scalars, extent=extent, error=error)
    return y


def scatter_rows(Y, X, updates, positions, inner, begin, end):
    """X [batch, n * inner] with rows of `inner` overwritten by updates, in order.

    Parts `begin` to `end` of the rows are done, counted over the batch: each reads all positions.
    """
    n, parts = X.shape[1] // inner, block_count(inner)
    while begin < end:
        b, part = begin // parts, begin % parts
        last = min(part + end - begin, parts)
        top, bottom, first, stop = region(part, last, n, inner)
        copy_region(Y, X, b, top, bottom, first, stop, inner)
        for u in range(positions.shape[1]):
            i = positions[b, u]
            if i < 0:
                return -i
            if top <= i < bottom:
                for j in range(first, stop):
                    Y[b, i * inner + j] = updates[b, u * inner + j]
        begin += last - part
    return 0


def combine_rows(Y, X, updates, positions, inner, reduction, begin, end):
    """As `scatter_rows`, with updates added to the row, multiplied, or compared (see `combine`)."""
    n, parts = X.shape[1] // inner, block_count(inner)
    while begin < end:
        b, part = begin // parts, begin % parts
        last = min(part + end - begin, parts)
        top, bottom, first, stop = region(part, last, n, inner)
        copy_region(Y, X, b, top, bottom, first, stop, inner)
        for u in range(positions.shape[1]):
            i = positions[b, u]
            if i < 0:
                return -i
            if top <= i < bottom:
                combine_columns(Y, updates, b, i * inner, u * inner, first, stop, reduction)
        begin += last - part
    return 0


def region(part, last, n, inner):
    """The rows `top` to `bottom` and columns `first` to `stop` of parts of n rows.

    Rows are shared out where there are many, so that threads write to memory of their own; else columns.
    """
    parts = block_count(inner)
    if n < parts * BLOCK:
        return 0, n, part * BLOCK, min(last * BLOCK, inner)
    return part * n // parts, last * n // parts, 0, inner


def scatter_lines(Y, X, updates, indices, inner, begin, end):
    """X [outer, n * inner] with updates [rows, count * inner] at the indices along its middle dimension.

    Blocks of lines `begin` to `end` are done, counted over outer and inner.
    """
    n, count, blocks = X.shape[1] // inner, indices.shape[1] // inner, block_count(inner)
    while begin < end:
        o, first = begin // blocks, begin % blocks * BLOCK
        stop = min(first + (end - begin) * BLOCK, inner)
        copy_region(Y, X, o, 0, n, first, stop, inner)
        for u in range(count if o < indices.shape[0] else 0):
            for at in range(u * inner + first, u * inner + stop):
                i = wrapped(indices[o, at], n)
                if i < 0 or i >= n:
                    return index_status(indices[o, at], n)
                Y[o, i * inner + at - u * inner] = updates[o, at]
        begin += block_count(stop - first)
    return 0


def combine_lines(Y, X, updates, indices, inner, reduction, begin, end):
    """As `scatter_lines`, with updates added, multiplied, or compared (see `combine`)."""
    n, count, blocks = X.shape[1] // inner, indices.shape[1] // inner, block_count(inner)
    while begin < end:
        o, first = begin // blocks, begin % blocks * BLOCK
        stop = min(first + (end - begin) * BLOCK, inner)
        copy_region(Y, X, o, 0, n, first, stop, inner)
        for u in range(count if o < indices.shape[0] else 0):
            for at in range(u * inner + first, u * inner + stop):
                i = wrapped(indices[o, at], n)
                if i < 0 or i >= n:
                    return index_status(indices[o, at], n)
                to = i * inner + at - u * inner
                Y[o, to] = combine(Y[o, to], updates[o, at], reduction)
        begin += block_count(stop - first)
    return 0


def block_count(columns):
    """The units that so many columns make: each reads all positions, so narrow ones would cost more."""
    return (columns + BLOCK - 1) // BLOCK


def copy_region(Y, X, b, top, bottom, first, stop, inner):
    """Rows `top` to `bottom` of columns `first` to `stop`."""
    if stop - first == inner:
        for k in range(top * inner, bottom * inner):
            Y[b, k] = X[b, k]
    else:
        for row in range(top * inner, bottom * inner, inner):
            for j in range(first, stop):
                Y[b, row + j] = X[b, row + j]


def combine_columns(Y, updates, b, row, update, first, stop, reduction):
    """Columns `first` to `stop` of a row of Y combined with those of a row of updates."""
    while stop - first >= BLOCK:  # a loop whose length is known becomes a few vectors
        for j in range(BLOCK):
            at, of = row + first + j, update + first + j
            Y[b, at] = combine(Y[b, at], updates[b, of], reduction)
        first += BLOCK
    for j in range(first, stop):
        Y[b, row + j] = combine(Y[b, row + j], updates[b, update + j], reduction)


def combine(y, u, reduction):
    """y and u added, multiplied, or the larger or smaller of them; NaN where one is."""
    if reduction == 1:
        return y + u
    if reduction == 2:
        return y * u
    if y != y or u != u:
        return y + u
    if reduction == 3:
        return y if y >= u else u
    return y if y <= u else u
