"""Padding: pads of zero and negative pads move no data; the rest is copied, two axes at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jitrt.calls import launch_move
from jitrt.dims import Size, prod
from jitrt.opdef import operator
from jitrt.tensor import Tensor, constant, known_sizes

MODES = {"constant": 0, "reflect": 1, "edge": 2, "wrap": 3}


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


def _pad(x: Tensor, pads: Sequence[Size], fill: Tensor | None, axes: Sequence[int], mode: str) -> Tensor:
    if fill is None:
        fill = constant(np.zeros((), x.dtype))
    before: list[Size] = [0] * x.ndim
    after: list[Size] = [0] * x.ndim
    for i, axis in enumerate(axes):
        before[axis], after[axis] = pads[i], pads[i + len(axes)]
    for axis in axes:
        start, end = (-min(p, 0) for p in (before[axis], after[axis]))
        x = x.slice(axis, start, x.shape[axis] - start - end)
        before[axis], after[axis] = max(before[axis], 0), max(after[axis], 0)
    padded = [axis for axis in range(x.ndim) if before[axis] != 0 or after[axis] != 0]
    y = _pad_axes(x, padded, before, after, fill, mode)
    if (
        padded
        and mode == "constant"
        and fill.value is not None
        and not fill.symbolic
        and not fill.value.any()
    ):
        y.padding = x, before, after
    return y


def _pad_axes(
    x: Tensor, axes: list[int], before: Sequence[Size], after: Sequence[Size], fill: Tensor, mode: str
) -> Tensor:
    if x.ndim == 4 and axes == [2, 3]:
        last = x.permute([0, 2, 3, 1])
        return _pad_pair(last, before[2:], after[2:], [1, 2], fill, mode).permute([0, 3, 1, 2])
    while axes:
        pair, axes = axes[-2:], axes[:-2]
        x = _pad_pair(x, [before[a] for a in pair], [after[a] for a in pair], pair, fill, mode)
    return x


def _pad_pair(
    x: Tensor, before: Sequence[Size], after: Sequence[Size], axes: Sequence[int], fill: Tensor, mode: str
) -> Tensor:
    """Pad one axis or two, as the rows and columns of [outer, rows, middle, columns * inner]."""
    shape = list(x.shape)
    for axis, b, a in zip(axes, before, after, strict=True):
        shape[axis] = shape[axis] + b + a
    row, column = axes[0], axes[-1]
    inner = prod(x.shape[column + 1 :])
    single = len(axes) == 1

    def canonical(s: Sequence[Size]) -> list[Size]:
        rows, middle = (1, 1) if single else (s[row], prod(s[row + 1 : column]))
        return [prod(s[:row]), rows, middle, s[column] * inner]

    target = canonical(shape)
    (y,) = launch_move(
        pad_rows_and_columns,
        x.reshape(canonical(x.shape)),
        fill.reshape([1]),
        moved=2,
        outputs=[(x.dtype, target)],
        scalars=[0 if single else before[0], before[-1], inner, MODES[mode]],
        extent=target[0] * target[1],
    )
    return y.reshape(shape)


def pad_rows_and_columns(Y, X, fill, top, left, inner, mode, begin, end):
    """Y [outer, rows', middle, columns' * inner] is X padded in rows and columns; a unit is a row of Y."""
    rows, width = X.shape[1], X.shape[3]
    columns, wide = width // inner if inner else 0, Y.shape[3] // inner if inner else 0
    for unit in range(begin, end):
        o, y = unit // Y.shape[1], unit % Y.shape[1]
        row = source_position(y - top, rows, mode)
        for m in range(Y.shape[2]):
            if row < 0:
                for k in range(Y.shape[3]):
                    Y[o, y, m, k] = fill[0]
                continue
            for k in range(width):
                Y[o, y, m, left * inner + k] = X[o, row, m, k]
            for border in range(wide - columns):
                x = border if border < left else border + columns
                column = source_position(x - left, columns, mode)
                for j in range(inner):
                    Y[o, y, m, x * inner + j] = X[o, row, m, column * inner + j] if column >= 0 else fill[0]


def source_position(i, n, mode):
    """Which of n elements position i outside or inside [0, n) repeats; -1 for none."""
    if 0 <= i < n:
        return i
    if mode == 0:
        return -1
    if mode == 1:
        period = max(2 * n - 2, 1)
        return (n - 1) - abs((n - 1) - i % period)
    if mode == 2:
        return 0 if i < 0 else n - 1
    return i % n
