"""Padding, as concatenation with views: what is padded may be computed in place, and zero pads are free."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jitrt.dims import Size
from jitrt.opdef import operator
from jitrt.tensor import Tensor, concatenate, constant, known_sizes

from ._host_forms import host_form_by_views, zero


@operator("Pad", since=11)
def pad(
    data: Tensor,
    pads: Tensor,
    constant_value: Tensor | None = None,
    axes: Tensor | None = None,
    *,
    mode: str = "constant",
) -> Tensor:
    """Add elements around, or remove them. https://onnx.ai/onnx/operators/onnx__Pad.html"""
    along = range(data.ndim) if axes is None else [int(a) % data.ndim for a in known_sizes(axes)]
    return _pad(data, known_sizes(pads), constant_value, along, mode)


@operator("Pad", since=2)
def pad_2(data: Tensor, *, pads: list[int], mode: str = "constant", value: float = 0.0) -> Tensor:
    """Add elements around, or remove them. https://onnx.ai/onnx/operators/onnx__Pad.html"""
    fill = constant(np.array(value).astype(data.dtype))
    return _pad(data, pads, fill, range(data.ndim), mode)


host_form_by_views(pad, pad_2)


@operator("Pad", since=1)
def pad_1(data: Tensor, *, paddings: list[int], mode: str = "constant", value: float = 0.0) -> Tensor:
    """Add elements around. https://onnx.ai/onnx/operators/onnx__Pad.html"""
    return pad_2(data, pads=paddings, mode=mode, value=value)


def _pad(x: Tensor, pads: Sequence[Size], fill: Tensor | None, axes: Sequence[int], mode: str) -> Tensor:
    if fill is None:
        fill = constant(zero(x.dtype))
    before: list[Size] = [0] * x.ndim
    after: list[Size] = [0] * x.ndim
    for i, axis in enumerate(axes):
        before[axis], after[axis] = pads[i], pads[i + len(axes)]
        start, end = (max(-p, 0) for p in (before[axis], after[axis]))
        x = x.slice(axis, start, x.shape[axis] - start - end)
        before[axis], after[axis] = max(before[axis], 0), max(after[axis], 0)
    padded = [axis for axis in range(x.ndim) if before[axis] != 0 or after[axis] != 0]
    y = _pad_axes(x, padded, before, after, fill, mode)
    zeros = fill.value is not None and not fill.symbolic and not fill.value.any()
    if mode == "constant" and zeros and y is not x:
        y.padding = x, before, after
    return y


def _pad_axes(
    x: Tensor, axes: Sequence[int], before: Sequence[Size], after: Sequence[Size], fill: Tensor, mode: str
) -> Tensor:
    """Pad some axes. Copies of the edges of images are padded themselves, so that nothing is moved twice."""
    if len(axes) == 2 and mode != "constant":
        rows, columns = axes
        reach = _reach(x.shape[rows], before[rows], after[rows], mode)
        if before[rows] <= reach and after[rows] <= reach:
            pieces = _pieces(x, rows, before[rows], after[rows], fill, mode)
            wide = [_pad_axis(p, columns, before[columns], after[columns], fill, mode) for p in pieces]
            return concatenate(wide, rows)
    for axis in reversed(axes):
        x = _pad_axis(x, axis, before[axis], after[axis], fill, mode)
    return x


def _pad_axis(x: Tensor, axis: int, before: Size, after: Size, fill: Tensor, mode: str) -> Tensor:
    """Pad one axis. A reflection reaches no further than the tensor, so long ones take several turns."""
    if mode == "reflect" and x.shape[axis] == 1:
        mode = "edge"
    reach, n = _reach(x.shape[axis], before, after, mode), x.shape[axis]
    while before != 0 or after != 0:
        left, right = min(before, reach), min(after, reach)
        x = concatenate(_pieces(x, axis, left, right, fill, mode, n), axis)
        before, after = before - left, after - right
    return x


def _reach(n: Size, before: Size, after: Size, mode: str) -> Size:
    """How far n elements can be continued at once."""
    if mode == "reflect":
        return n - 1
    return n if mode == "wrap" else before + after


def _pieces(
    x: Tensor, axis: int, left: Size, right: Size, fill: Tensor, mode: str, period: Size | None = None
) -> list[Tensor]:
    """What to join for pads within reach; `period` elements repeat with mode "wrap"."""
    size = x.shape[axis]
    n = size if period is None else period
    if mode == "reflect":
        return [x.slice(axis, left, left, -1), x, x.slice(axis, size - 2, right, -1)]
    if mode == "wrap":
        return [x.slice(axis, n - left, left), x, x.slice(axis, size - n, right)]
    if mode == "edge":
        ends = x.slice(axis, 0, 1), x.slice(axis, size - 1, 1)
        return [_repeat(ends[0], axis, left), x, _repeat(ends[1], axis, right)]
    block = fill.reshape([1] * x.ndim).expand([*x.shape[:axis], 1, *x.shape[axis + 1 :]])
    return [_repeat(block, axis, left), x, _repeat(block, axis, right)]


def _repeat(x: Tensor, axis: int, count: Size) -> Tensor:
    """A tensor of size 1 along the axis, `count` times."""
    return x.expand([*x.shape[:axis], count, *x.shape[axis + 1 :]])
