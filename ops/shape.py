"""Operators that move no data, or only where strides cannot say it; shape arithmetic folds away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jitrt.dims import Dim, Size, concrete, hint, is_below, prod
from jitrt.expr import cast, eq, where
from jitrt.opdef import operator
from jitrt.tensor import (
    Tensor,
    broadcast,
    concatenate,
    constant,
    known,
    known_sizes,
    map_indices,
    sizes,
)
from jitrt.types import F32, I64, from_onnx

from ._channels_last import MANY_CHANNELS, is_channels_last
from ._host_forms import host_form, host_form_by_views, zero


@operator("Shape", since=1)
def shape(data: Tensor, *, start: int = 0, end: int | None = None) -> Tensor:
    """The dimensions from start to end. https://onnx.ai/onnx/operators/onnx__Shape.html"""
    return sizes(data.shape[start:end])


@operator("Size", since=1)
def size(data: Tensor) -> Tensor:
    """The number of elements. https://onnx.ai/onnx/operators/onnx__Size.html"""
    return sizes([data.size]).reshape([])


@operator("Reshape", since=5)
def reshape(data: Tensor, shape: Tensor, *, allowzero: int = 0) -> Tensor:
    """The same elements in another shape. https://onnx.ai/onnx/operators/onnx__Reshape.html"""
    wanted = known_sizes(shape)
    target = list(wanted)
    for axis, extent in enumerate(target):
        if extent == 0 and not allowzero:
            if axis >= data.ndim:
                raise ValueError(f"dimension {axis} cannot be copied from input shape {_braces(data.shape)}")
            target[axis] = data.shape[axis]
    free = [axis for axis, extent in enumerate(target) if extent == -1]
    if len(free) > 1:
        raise ValueError("At most one dimension can be -1.")
    others = prod(extent for axis, extent in enumerate(target) if axis not in free)
    if free and others != 0:
        target[free[0]] = data.size // others
    if prod(target) != data.size:
        raise ValueError(
            "The input tensor cannot be reshaped to the requested shape. "
            f"Input shape:{_braces(data.shape)}, requested shape:{_braces(wanted)}"
        )
    return data.reshape(target)


@operator("Reshape", since=1)
def reshape_1(
    data: Tensor, *, consumed_inputs: list[int] | None = None, shape: list[int] | None = None
) -> Tensor:
    """The same elements in another shape. https://onnx.ai/onnx/operators/onnx__Reshape.html"""
    return reshape(data, sizes(shape or []))


def _braces(shape: Sequence[Size]) -> str:
    return f"{{{','.join(map(str, concrete(shape)))}}}"


@operator("Flatten", since=1)
def flatten(input: Tensor, *, axis: int = 1) -> Tensor:
    """A matrix, split at the axis. https://onnx.ai/onnx/operators/onnx__Flatten.html"""
    axis = axis % input.ndim if axis < 0 else axis
    return input.reshape([prod(input.shape[:axis]), prod(input.shape[axis:])])


@operator("Squeeze", since=13)
def squeeze(data: Tensor, axes: Tensor | None = None) -> Tensor:
    """Remove dimensions of size 1. https://onnx.ai/onnx/operators/onnx__Squeeze.html"""
    return _squeeze(data, None if axes is None else _integers(axes))


@operator("Squeeze", since=1)
def squeeze_1(data: Tensor, *, axes: list[int] | None = None) -> Tensor:
    """Remove dimensions of size 1. https://onnx.ai/onnx/operators/onnx__Squeeze.html"""
    return _squeeze(data, axes)


def _squeeze(data: Tensor, axes: Sequence[int] | None) -> Tensor:
    if axes is None:
        return data.squeeze(*(axis for axis, extent in enumerate(data.shape) if extent == 1))
    for axis in axes:
        if data.shape[axis] != 1:
            raise ValueError(f"Dimension of input {axis} must be 1 instead of {hint(data.shape[axis])}")
    return data.squeeze(*(axis % data.ndim for axis in axes))


@operator("Unsqueeze", since=13)
def unsqueeze(data: Tensor, axes: Tensor) -> Tensor:
    """Insert dimensions of size 1. https://onnx.ai/onnx/operators/onnx__Unsqueeze.html"""
    return _unsqueeze(data, _integers(axes))


@operator("Unsqueeze", since=1)
def unsqueeze_1(data: Tensor, *, axes: list[int]) -> Tensor:
    """Insert dimensions of size 1. https://onnx.ai/onnx/operators/onnx__Unsqueeze.html"""
    return _unsqueeze(data, axes)


def _unsqueeze(data: Tensor, axes: Sequence[int]) -> Tensor:
    rank = data.ndim + len(axes)
    positive = {axis % rank for axis in axes}
    if len(positive) != len(axes):
        raise ValueError("'axes' has a duplicate axis")
    return data.unsqueeze(*positive)


@operator("Transpose", since=1)
def transpose(data: Tensor, *, perm: list[int] | None = None) -> Tensor:
    """Permute the dimensions, reverse them by default. https://onnx.ai/onnx/operators/onnx__Transpose.html"""
    return data.permute(range(data.ndim)[::-1] if perm is None else perm)


@operator("Expand", since=8)
def expand(input: Tensor, shape: Tensor) -> Tensor:
    """Broadcast with a shape. https://onnx.ai/onnx/operators/onnx__Expand.html"""
    return input.expand(broadcast(input.shape, tuple(known_sizes(shape))))


@operator("Tile", since=6)
def tile(input: Tensor, repeats: Tensor) -> Tensor:
    """Repeat along each dimension. https://onnx.ai/onnx/operators/onnx__Tile.html"""
    counts = known_sizes(repeats)
    paired = [part for pair in zip(counts, input.shape, strict=True) for part in pair]
    ones = [part for extent in input.shape for part in (1, extent)]
    total = [count * extent for count, extent in zip(counts, input.shape, strict=True)]
    return input.reshape(ones).expand(paired).reshape(total)


@operator("Tile", since=1)
def tile_1(input: Tensor, tiles: Tensor, axis: Tensor) -> Tensor:
    """Repeat along one axis. https://onnx.ai/onnx/operators/onnx__Tile.html"""
    repeats: list[Size] = [1] * input.ndim
    repeats[int(known(axis).ravel()[0])] = int(known(tiles).ravel()[0])
    return tile(input, sizes(repeats))


@operator("Concat", since=1)
def concat_1(*inputs: Tensor, axis: int | None = None) -> Tensor:
    """Join along an axis, 1 by default. https://onnx.ai/onnx/operators/onnx__Concat.html"""
    return concat(*inputs, axis=1 if axis is None else axis)


@operator("Concat", since=4)
def concat(*inputs: Tensor, axis: int) -> Tensor:
    """Join along an axis. https://onnx.ai/onnx/operators/onnx__Concat.html"""
    first = inputs[0]
    axis %= first.ndim
    for other in inputs[1:]:
        if other.ndim != first.ndim:
            raise ValueError(f"Ranks of input data are different: {first.ndim} and {other.ndim}")
        for a in range(first.ndim):
            if a != axis and other.shape[a] != first.shape[a]:
                raise ValueError(
                    f"Non concat axis dimensions must match: Axis {a} has mismatched dimensions of "
                    f"{hint(other.shape[a])} and {hint(first.shape[a])}"
                )
    return concatenate(inputs, axis)


@operator("Split", since=13)
def split(
    input: Tensor,
    split: Tensor | None = None,
    *,
    axis: int = 0,
    num_outputs: int | None = None,
    output_count: int = 1,
) -> list[Tensor]:
    """Cut along an axis. https://onnx.ai/onnx/operators/onnx__Split.html"""
    return _split(input, axis, None if split is None else known_sizes(split), num_outputs or output_count)


@operator("Split", since=2)
def split_2(
    input: Tensor, *, axis: int = 0, split: list[int] | None = None, output_count: int = 1
) -> list[Tensor]:
    """Cut along an axis. https://onnx.ai/onnx/operators/onnx__Split.html"""
    return _split(input, axis, split, output_count)


@operator("Split", since=1)
def split_1(
    input: Tensor,
    lengths: Tensor | None = None,
    *,
    axis: int | None = None,
    split: list[int] | None = None,
    output_count: int = 1,
) -> list[Tensor]:
    """Cut along an axis. https://onnx.ai/onnx/operators/onnx__Split.html"""
    if lengths is not None:
        split = [int(v) for v in known(lengths).ravel()]
    return _split(input, axis or 0, split, output_count)


def _split(x: Tensor, axis: int, lengths: Sequence[Size] | None, parts: int) -> list[Tensor]:
    axis %= x.ndim
    extent = x.shape[axis]
    if lengths is None:
        chunk = (extent + parts - 1) // parts
        lengths = [*[chunk] * (parts - 1), extent - chunk * (parts - 1)]
    if sum(lengths) != extent or any(length < 0 for length in lengths):
        raise ValueError(
            f"split sizes {concrete(lengths)} do not add up to dimension {hint(extent)} of axis {axis}"
        )
    results, start = [], 0
    for length in lengths:
        results.append(x.slice(axis, start, length))
        start = start + length
    return results


@operator("Slice", since=10)
def slice_(
    data: Tensor, starts: Tensor, ends: Tensor, axes: Tensor | None = None, steps: Tensor | None = None
) -> Tensor:
    """Elements from start to end along axes, step apart. https://onnx.ai/onnx/operators/onnx__Slice.html"""
    first, last = known_sizes(starts), known_sizes(ends)
    along = range(len(first)) if axes is None else _integers(axes)
    strides = [1] * len(first) if steps is None else _integers(steps)
    for axis, start, end, step in zip(along, first, last, strides, strict=True):
        data = _slice(data, axis % data.ndim, start, end, step)
    return data


@operator("Slice", since=1)
def slice_1(data: Tensor, *, starts: list[int], ends: list[int], axes: list[int] | None = None) -> Tensor:
    """Elements from start to end along axes. https://onnx.ai/onnx/operators/onnx__Slice.html"""
    for axis, start, end in zip(axes or range(len(starts)), starts, ends, strict=True):
        data = _slice(data, axis % data.ndim, start, end, 1)
    return data


def _slice(x: Tensor, axis: int, start: Size, end: Size, step: int) -> Tensor:
    extent = x.shape[axis]
    if step == 0:
        raise ValueError("'step' value cannot be 0")
    if step > 0:
        start, end = _clamp(start, extent, 0, extent), _clamp(end, extent, 0, extent)
        span = end - start
    else:
        start, end = _clamp(start, extent, 0, extent - 1), _clamp(end, extent, -1, extent - 1)
        span = start - end
    length = (span + abs(step) - 1) // abs(step) if span > 0 and extent != 0 else 0
    return x.slice(axis, start, length, step)


def _clamp(position: Size, extent: Size, low: Size, high: Size) -> Size:
    """A position, counted from the end where it is negative, within [low, high]."""
    if not isinstance(position, Dim) and abs(position) >= 2**31 - 1:  # exporters' "to the end"
        return high if position > 0 else low
    if position < 0:
        position = position + extent
    if position < low:
        return low
    return high if position > high else position


@operator("Range", since=11)
def range_(start: Tensor, limit: Tensor, delta: Tensor, *, stash_type: int = 1) -> Tensor:
    """start, start + delta, ... below limit. https://onnx.ai/onnx/operators/onnx__Range.html"""
    first, last, step = (known(t).ravel()[0] for t in (start, limit, delta))
    if not any(isinstance(v, Dim) for v in (first, last, step)):
        return constant(np.arange(first, last, step, dtype=start.dtype))
    step = int(step)
    span = last - first if step > 0 else first - last
    count = (span + abs(step) - 1) // abs(step) if span > 0 else 0
    return map_indices(lambda i, s: cast(i, s.dtype) * step + s, (count,), start.reshape([]))


@operator("ConstantOfShape", since=9)
def constant_of_shape(input: Tensor, *, value: np.ndarray[Any, Any] | None = None) -> Tensor:
    """One value everywhere. https://onnx.ai/onnx/operators/onnx__ConstantOfShape.html"""
    fill = np.zeros((), np.float32) if value is None else np.asarray(value).reshape(())
    return constant(fill).expand(known_sizes(input))


@operator("EyeLike", since=9)
def eye_like(input: Tensor, *, dtype: int | None = None, k: int = 0) -> Tensor:
    """Ones on diagonal k. https://onnx.ai/onnx/operators/onnx__EyeLike.html"""
    kind = input.dtype if dtype is None else from_onnx(dtype)
    return map_indices(lambda i, j: cast(eq(j, i + k), kind), input.shape)


@operator("Trilu", since=14)
def trilu(input: Tensor, k: Tensor | None = None, *, upper: int = 1) -> Tensor:
    """The upper or lower triangle, zeros elsewhere. https://onnx.ai/onnx/operators/onnx__Trilu.html"""
    diagonal = 0 if k is None else int(known(k).ravel()[0])

    def keep(*indices_and_x):
        i, j, x = indices_and_x[-3:]
        return where(j >= i + diagonal if upper else j <= i + diagonal, x, 0)

    return map_indices(keep, input.shape, input)


@host_form(trilu)
def trilu_values(input: Any, k: Any = None, *, upper: int = 1) -> Any:
    """Trilu of complex numbers, and of strings with empty ones elsewhere."""
    kept = (np.triu if upper else np.tril)(np.ones(input.shape, np.bool_), 0 if k is None else int(k.item()))
    return np.where(kept, input, zero(input.dtype))


@operator("DepthToSpace", since=1)
def depth_to_space(input: Tensor, *, blocksize: int, mode: str = "DCR") -> Tensor:
    """Channels to blocks of pixels. https://onnx.ai/onnx/operators/onnx__DepthToSpace.html"""
    n, c, h, w = input.shape
    b, depth = blocksize, c // (blocksize * blocksize)
    if not is_below(depth, MANY_CHANNELS) and is_channels_last(input):
        pixels = input.permute([0, 2, 3, 1])
        if mode == "DCR":
            blocks = pixels.reshape([n, h, w, b, b, depth]).permute([0, 1, 3, 2, 4, 5])
        else:
            blocks = pixels.reshape([n, h, w, depth, b, b]).permute([0, 1, 4, 2, 5, 3])
        return blocks.reshape([n, h * b, w * b, depth]).permute([0, 3, 1, 2])
    if mode == "DCR":
        blocks = input.reshape([n, b, b, depth, h, w]).permute([0, 3, 4, 1, 5, 2])
    else:
        blocks = input.reshape([n, depth, b, b, h, w]).permute([0, 1, 4, 2, 5, 3])
    return blocks.reshape([n, depth, h * b, w * b])


@operator("SpaceToDepth", since=1)
def space_to_depth(input: Tensor, *, blocksize: int, mode: str = "DCR") -> Tensor:
    """Blocks of pixels to channels. https://onnx.ai/onnx/operators/onnx__SpaceToDepth.html"""
    n, c, h, w = input.shape
    b = blocksize
    blocks = input.reshape([n, c, h // b, b, w // b, b])
    order = [0, 3, 5, 1, 2, 4] if mode == "DCR" else [0, 1, 3, 5, 2, 4]
    return blocks.permute(order).reshape([n, c * b * b, h // b, w // b])


host_form_by_views(
    *(reshape, flatten, squeeze, squeeze_1, unsqueeze, unsqueeze_1, transpose, expand, tile, concat),
    *(split, split_2, slice_, slice_1, depth_to_space, space_to_depth),
)


@operator("Constant", since=1)
def constant_(
    *,
    value: np.ndarray[Any, Any] | None = None,
    sparse_value: Any = None,
    value_float: float | None = None,
    value_floats: list[float] | None = None,
    value_int: int | None = None,
    value_ints: list[int] | None = None,
    value_string: str | None = None,
    value_strings: list[str] | None = None,
) -> Tensor:
    """The attribute's value. https://onnx.ai/onnx/operators/onnx__Constant.html"""
    typed = (
        (value, None),
        (value_float, F32),
        (value_floats, F32),
        (value_int, I64),
        (value_ints, I64),
        (value_string, np.dtype(object)),
        (value_strings, np.dtype(object)),
    )
    for given, dtype in typed:
        if given is not None:
            return constant(np.asarray(given, dtype))
    raise NotImplementedError("Constant with a sparse value")


def _integers(t: Tensor) -> list[int]:
    return [int(v) for v in known_sizes(t)]
