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
    y = x
    for axis in reversed(range(x.ndim)):
        y = _pad_axis(y, axis, before[axis], after[axis], fill, mode)
    zeros = fill.value is not None and not fill.symbolic and not fill.value.any()
    if mode == "constant" and zeros and y is not x:
        y.padding = x, before, after
    return y


def _pad_axis(x: Tensor, axis: int, before: Size, after: Size, fill: Tensor, mode: str) -> Tensor:
    """Pad one axis. A reflection reaches no further than the tensor, so long ones take several turns."""
    n = x.shape[axis]
    reach: Size = before + after
    if mode == "reflect" and n == 1:
        mode = "edge"
    if mode in ("reflect", "wrap"):
        reach = n - 1 if mode == "reflect" else n
    while before != 0 or after != 0:
        size = x.shape[axis]
        left, right = min(before, reach), min(after, reach)
        if mode == "reflect":
            pieces = [x.slice(axis, left, left, -1), x, x.slice(axis, size - 2, right, -1)]
        elif mode == "wrap":
            pieces = [x.slice(axis, n - left, left), x, x.slice(axis, size - n, right)]
        elif mode == "edge":
            ends = x.slice(axis, 0, 1), x.slice(axis, size - 1, 1)
            pieces = [_repeat(ends[0], axis, left), x, _repeat(ends[1], axis, right)]
        else:
            block = fill.reshape([1] * x.ndim).expand([*x.shape[:axis], 1, *x.shape[axis + 1 :]])
            pieces = [_repeat(block, axis, left), x, _repeat(block, axis, right)]
        x = concatenate(pieces, axis)
        before, after = before - left, after - right
    return x


def _repeat(x: Tensor, axis: int, count: Size) -> Tensor:
    """A tensor of size 1 along the axis, `count` times."""
    return x.expand([*x.shape[:axis], count, *x.shape[axis + 1 :]])
