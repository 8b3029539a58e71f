"""Gathering: elements and slices picked by index tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitrt.calls import cast_tensor, launch_move
from jitrt.codegen.gather_rows import gather_rows_kernel
from jitrt.codegen.numba_ir import written_as
from jitrt.dims import Dim, Size, prod, same
from jitrt.errors import InvalidArgument
from jitrt.expr import Expr, cast, const, eq, where
from jitrt.opdef import operator
from jitrt.tensor import Tensor, View, known_sizes, map_indices, map_tensors
from jitrt.types import I64

from ._host_forms import host_form
from ._shared import size_tensor

OUT_OF_BOUNDS = -(2**62)


@operator("Gather", since=1)
def gather(data: Tensor, indices: Tensor, *, axis: int = 0) -> Tensor:
    """Slices along an axis. https://onnx.ai/onnx/operators/onnx__Gather.html"""
    axis %= data.ndim
    n = data.shape[axis]
    shape = [*data.shape[:axis], *indices.shape, *data.shape[axis + 1 :]]
    progression = _progression(indices, n)
    if progression is not None:
        return data.slice(axis, *progression).reshape(shape)
    outer, inner, count = prod(data.shape[:axis]), prod(data.shape[axis + 1 :]), indices.size
    (y,) = launch_move(
        gather_rows,
        data.reshape([outer, n, inner]),
        indices.reshape([1, count]),
        outputs=[(data.dtype, [outer, count, inner])],
        extent=outer * count,
        error=index_error,
        rows_apart=True,
    )
    return y.reshape(shape)


gather.gives_strings = True


@gather.numpy
def gather_values(data: Any, indices: Any, *, axis: int = 0) -> Any:
    """Gather on known values, which may be symbolic sizes."""
    if indices.dtype == object:
        return NotImplemented
    try:
        return data.take(indices, axis)
    except IndexError:
        _check_indices(indices, data.shape[axis])
        raise


def _check_indices(indices: Any, n: int) -> None:
    wrong = indices[(indices < -n) | (indices >= n)]
    if wrong.size:
        raise InvalidArgument(_out_of_bounds(int(wrong.ravel()[0]), n))


def _progression(indices: Tensor, n: Size) -> tuple[Size, int, int] | None:
    """The start, length and step of indices that are known and evenly spaced, which is a slice."""
    if indices.value is None or indices.symbolic or isinstance(n, Dim):
        return None
    first, count = indices.value.ravel()[:1], indices.value.size
    positions = np.where(indices.value < 0, indices.value + n, indices.value).ravel().astype(np.int64)
    steps = np.unique(np.diff(positions))
    if count == 0 or len(steps) > 1 or (len(steps) == 1 and steps[0] == 0):
        return None
    if positions.min() < 0 or positions.max() >= n:
        raise InvalidArgument(_out_of_bounds(int(first[0]), n))
    return int(positions[0]), count, int(steps[0]) if len(steps) else 1


def _out_of_bounds(index: int, n: int) -> str:
    bounds = f"[{-n},{n - 1}]"
    return f"indices element out of data bounds, idx={index} must be within the inclusive range {bounds}"


def index_status(index, n):
    """The status that reports an index outside of n elements, read by `index_error`; both fit in 32 bits."""
    return (n << 32) + (index + 2**31) + 1


def position(index: Expr, n: Expr) -> Expr:
    """The index counted from the start; for one outside of n elements, minus the status that reports it."""
    i = cast(index, I64)
    status = n * 2**32 + (i + (2**31 + 1))
    return where((i >= -n) & (i < n), where(i < 0, i + n, i), -status)


def index_error(status: int) -> Exception:
    """What is raised for an index outside of the data."""
    n, index = divmod(status - 1, 2**32)
    return InvalidArgument(_out_of_bounds(index - 2**31, n))


@written_as(gather_rows_kernel)
def gather_rows(Y, X, indices, begin, end):
    """Y[b, i] is X[b, indices[b or 0, i]]; a unit is a row of Y [batch, count, at least inner]."""
    n, count, inner = X.shape[1], Y.shape[1], X.shape[2]
    while begin < end:
        b, first = begin // count, begin % count
        stop = min(first + end - begin, count)
        line = 0 if indices.shape[0] == 1 else b
        if any_outside(indices[line, first:stop], n):
            return status_of_first_outside(indices[line, first:stop], n)
        if inner == 1:
            for i in range(first, stop):
                Y[b, i, 0] = X[b, wrapped(indices[line, i], n), 0]
        else:
            for i in range(first, stop):
                row = wrapped(indices[line, i], n)
                for j in range(inner):
                    Y[b, i, j] = X[b, row, j]
        begin += stop - first
    return 0


def wrapped(index, n):
    """The index counted from the start."""
    return index + n if index < 0 else index


def any_outside(indices, n):
    """Whether an index is outside of n elements; without branches, so that vectors do it."""
    outside = False
    for index in indices:
        outside |= (index < -n) | (index >= n)
    return outside


def status_of_first_outside(indices, n):
    """The status that reports the first index outside of n elements."""
    for index in indices:
        if index < -n or index >= n:
            return index_status(index, n)
    return 0


@operator("GatherElements", since=11)
def gather_elements(data: Tensor, indices: Tensor, *, axis: int = 0) -> Tensor:
    """An element for each index. https://onnx.ai/onnx/operators/onnx__GatherElements.html"""
    axis %= data.ndim
    for a, extent in enumerate(indices.shape):
        if a != axis:
            data = data.slice(a, 0, extent)
    outer, inner = prod(data.shape[:axis]), prod(data.shape[axis + 1 :])
    shape = [outer, indices.shape[axis], inner]
    places = repeated_along(indices, axis)
    if places is not None:
        return _gather_slices(data, places, axis).reshape(indices.shape)
    (y,) = launch_move(
        pick_elements,
        data.reshape([outer, data.shape[axis], inner]),
        indices.reshape(shape),
        outputs=[(data.dtype, shape)],
        extent=outer * indices.shape[axis],
        error=index_error,
    )
    return y.reshape(indices.shape)


def _gather_slices(data: Tensor, places: Tensor, axis: int) -> Tensor:
    """GatherElements where the indices, `places`, are the same for whole slices behind the axis."""
    outer, n, inner = prod(data.shape[:axis]), data.shape[axis], prod(data.shape[axis + 1 :])
    count = places.shape[axis]
    (y,) = launch_move(
        gather_rows,
        data.reshape([outer, n, inner]),
        places.reshape([outer, count]),
        outputs=[(data.dtype, [outer, count, inner])],
        extent=outer * count,
        error=index_error,
        rows_apart=True,
    )
    return y


def repeated_along(indices: Tensor, axis: int) -> Tensor | None:
    """The indices [..., count] up to the axis, where an Expand repeats them in all dimensions behind it."""
    view = indices.source
    if not isinstance(view, View) or view.kind != "expand" or axis == indices.ndim - 1:
        return None
    lead = indices.ndim - view.base.ndim
    base = view.base.reshape([*[1] * lead, *view.base.shape])
    if not all(same(size, 1) for size in base.shape[axis + 1 :]):
        return None
    return base.reshape(base.shape[: axis + 1]).expand(indices.shape[: axis + 1])


@host_form(gather_elements)
def gather_elements_values(data: Any, indices: Any, *, axis: int = 0) -> Any:
    """GatherElements of strings and complex numbers."""
    _check_indices(indices, data.shape[axis])
    ends = [None if a == axis % data.ndim else n for a, n in enumerate(indices.shape)]
    return np.take_along_axis(data[tuple(map(slice, ends))], indices, axis)


def pick_elements(Y, X, indices, begin, end):
    """Y[o, i, j] is X[o, indices[o, i, j], j]; a unit is a row [o, i]."""
    n, count, inner = X.shape[1], Y.shape[1], Y.shape[2]
    while begin < end:
        o, first = begin // count, begin % count
        stop = min(first + end - begin, count)
        if inner == 1:
            if any_outside(indices[o, first:stop, 0], n):
                return status_of_first_outside(indices[o, first:stop, 0], n)
            for i in range(first, stop):
                Y[o, i, 0] = X[o, wrapped(indices[o, i, 0], n), 0]
        else:
            for i in range(first, stop):
                if any_outside(indices[o, i], n):
                    return status_of_first_outside(indices[o, i], n)
                for j in range(inner):
                    Y[o, i, j] = X[o, wrapped(indices[o, i, j], n), j]
        begin += stop - first
    return 0


@operator("GatherND", since=11)
def gather_nd(data: Tensor, indices: Tensor, *, batch_dims: int = 0) -> Tensor:
    """Slices picked by index tuples. https://onnx.ai/onnx/operators/onnx__GatherND.html"""
    depth = int(indices.shape[-1])
    picked = data.shape[batch_dims : batch_dims + depth]
    rest = data.shape[batch_dims + depth :]
    batch, inner = prod(data.shape[:batch_dims]), prod(rest)
    count = prod(indices.shape[batch_dims:-1])
    (y,) = launch_move(
        gather_rows,
        data.reshape([batch, prod(picked), inner]),
        flat_positions(indices, picked).reshape([batch, count]),
        outputs=[(data.dtype, [batch, count, inner])],
        extent=batch * count,
        error=tuple_error,
        rows_apart=True,
    )
    return y.reshape([*indices.shape[:-1], *rest])


@host_form(gather_nd)
def gather_nd_values(data: Any, indices: Any, *, batch_dims: int = 0) -> Any:
    """GatherND of strings and complex numbers."""
    batches = np.indices(indices.shape[:-1], sparse=True)[:batch_dims]
    try:
        return data[(*batches, *np.moveaxis(indices, -1, 0))]
    except IndexError:
        raise tuple_error(1) from None


def flat_positions(indices: Tensor, shape: tuple[Size, ...]) -> Tensor:
    """Index tuples along the last dimension as positions in a flattened `shape`; wrong ones OUT_OF_BOUNDS."""
    depth = len(shape)
    strides = [prod(shape[k + 1 :]) for k in range(depth)]
    columns = [indices.slice(indices.ndim - 1, k, 1).squeeze(indices.ndim - 1) for k in range(depth)]

    def combine(*operands: Expr) -> Expr:
        position, valid = const(0, I64), const(True, np.dtype(np.bool_))
        for k in range(depth):
            column, extent, stride = (cast(operands[k + part * depth], I64) for part in range(3))
            valid = valid & (column >= -extent) & (column < extent)
            position = position + where(column < 0, column + extent, column) * stride
        return where(valid, position, OUT_OF_BOUNDS)

    numbers = [size_tensor(v) for v in (*shape, *strides)]
    return map_tensors(combine, *columns, *numbers)


def tuple_error(status: int) -> Exception:
    """What is raised for an index tuple outside the data."""
    return InvalidArgument("invalid index found in indices")


@operator("OneHot", since=9)
def one_hot(indices: Tensor, depth: Tensor, values: Tensor, *, axis: int = -1) -> Tensor:
    """Off everywhere but on at the indices. https://onnx.ai/onnx/operators/onnx__OneHot.html"""
    (classes,) = (int(v) if isinstance(v, float) else v for v in known_sizes(depth))
    axis %= indices.ndim + 1
    shape = [*indices.shape[:axis], classes, *indices.shape[axis:]]

    def choose(*operands: Expr) -> Expr:
        position, (index, n, off, on) = operands[axis], operands[-4:]
        return where(eq(where(index < 0, index + n, index), position), on, off)

    positions = cast_tensor(indices, I64).unsqueeze(axis)
    off, on = (values.slice(0, i, 1) for i in range(2))
    return map_indices(choose, tuple(shape), positions, size_tensor(classes), off, on)


@host_form(one_hot)
def one_hot_values(indices: Any, depth: Any, values: Any, *, axis: int = -1) -> Any:
    """OneHot with strings or complex numbers."""
    classes = int(depth.item())
    rank = indices.ndim + 1
    positions = np.arange(classes).reshape([classes if a == axis % rank else 1 for a in range(rank)])
    wrapped = np.expand_dims(np.where(indices < 0, indices + classes, indices), axis)
    return np.where(wrapped == positions, values[1], values[0])
