"""Deformable convolution, and images put together from columns."""

from __future__ import annotations

from operator import ne

from jitrt.calls import cast_tensor, launch
from jitrt.dims import Size, prod
from jitrt.expr import Expr, const, where
from jitrt.opdef import operator
from jitrt.tensor import Tensor, concatenate, known_sizes, map_indices, map_tensors
from jitrt.types import BOOL, F32, F64, I32, I64

from ._parts import host_form_by_parts
from ._sampling import sample
from ._shared import size_tensor, widen
from ._windows import first_tap, stop_tap
from .matmul import matmul_tensors


@operator("DeformConv", since=19)
def deform_conv(
    X: Tensor,
    W: Tensor,
    offset: Tensor,
    B: Tensor | None = None,
    mask: Tensor | None = None,
    *,
    dilations: list[int] | None = None,
    group: int = 1,
    kernel_shape: list[int] | None = None,
    offset_group: int = 1,
    pads: list[int] | None = None,
    strides: list[int] | None = None,
) -> Tensor:
    """Convolution of pixels at offsets. https://onnx.ai/onnx/operators/onnx__DeformConv.html"""
    rank = X.ndim - 2
    batch, channels = X.shape[:2]
    kernel, output = [int(k) for k in W.shape[2:]], list(offset.shape[2:])
    if channels != W.shape[1] * group:
        raise ValueError(f"expected {W.shape[1] * group} channels for W {W} in {group} groups, got X {X}")
    taps, places = prod(kernel), prod(output)
    if offset.shape[1] != offset_group * taps * rank:
        raise ValueError(f"expected {offset_group * taps * rank} offsets a position, got {offset}")
    strides, dilations, pads = strides or [1] * rank, dilations or [1] * rank, pads or [0] * 2 * rank
    wanted = [
        (X.shape[a + 2] + pads[a] + pads[a + rank] - dilations[a] * (kernel[a] - 1) - 1) // strides[a] + 1
        for a in range(rank)
    ]
    if any(map(ne, output, wanted)) or (mask is not None and mask.shape[1] != offset_group * taps):
        raise ValueError(
            f"expected offsets and {offset_group * taps} masks for {wanted}, got {offset}, {mask}"
        )
    starts = _tap_places(output, kernel, strides, dilations, pads)
    wide = F64 if X.dtype == F64 else F32

    def by_place(t: Tensor, axes: int) -> Tensor:
        """[N, offset_group * taps * axes, *output] as [axes, N, places, taps, offset_group]."""
        return t.reshape([batch, offset_group, taps, axes, places]).permute([3, 0, 4, 2, 1])

    points = map_tensors(
        lambda o, start: o + start,
        cast_tensor(by_place(offset, rank), wide),
        cast_tensor(starts, wide).reshape([rank, 1, places, taps, 1]),
    )
    image = X.permute([0, *range(2, X.ndim), 1])
    columns = sample(
        widen(image).reshape([batch, *X.shape[2:], offset_group, channels // offset_group]),
        points.reshape([rank, batch, places * taps, offset_group]),
        scale=None if mask is None else by_place(mask, 1).reshape([batch, places * taps, offset_group]),
    )
    y = _grouped_product(columns.reshape([batch * places, taps, channels]), widen(W), group)
    if B is not None:
        y = map_tensors(lambda y, b: y + b, y, widen(B))
    y = cast_tensor(y, X.dtype).reshape([batch, *output, W.shape[0]])
    return y.permute([0, rank + 1, *range(1, rank + 1)])


def _tap_places(
    output: list[Size], kernel: list[int], strides: list[int], dilations: list[int], pads: list[int]
) -> Tensor:
    """Where each tap of each output position lies without offsets, int64[rank, places, taps]."""
    rank = len(kernel)

    def along(axis: int) -> Tensor:
        def place(*i: Expr) -> Expr:
            return i[axis] * strides[axis] - pads[axis] + i[axis + rank] * dilations[axis]

        return map_indices(place, (*output, *kernel)).unsqueeze(0)

    return concatenate([along(axis) for axis in range(rank)], 0)


def _grouped_product(columns: Tensor, W: Tensor, group: int) -> Tensor:
    """Columns [rows, taps, channels] times W [M, channels / group, *kernel], as [rows, M]."""
    rows, taps, channels = columns.shape
    outputs, depth = W.shape[0], channels // group
    matrix = W.reshape([group, outputs // group, depth, taps]).permute([0, 3, 2, 1])
    matrix = matrix.reshape([group, taps * depth, outputs // group])
    if group == 1:
        return matmul_tensors(columns.reshape([rows, taps * depth]), matrix.squeeze(0))
    split = columns.reshape([rows, taps, group, depth]).permute([2, 0, 1, 3])
    y = matmul_tensors(split.reshape([group, rows, taps * depth]), matrix)
    return y.permute([1, 0, 2]).reshape([rows, outputs])


@operator("Col2Im", since=18)
def col2im(
    input: Tensor,
    image_shape: Tensor,
    block_shape: Tensor,
    *,
    dilations: list[int] | None = None,
    pads: list[int] | None = None,
    strides: list[int] | None = None,
) -> Tensor:
    """Sums of overlapping blocks. https://onnx.ai/onnx/operators/onnx__Col2Im.html"""
    image, block = known_sizes(image_shape), known_sizes(block_shape)
    rank = len(image)
    strides, dilations, pads = strides or [1] * rank, dilations or [1] * rank, pads or [0] * 2 * rank
    counts = [
        (image[a] + pads[a] + pads[a + rank] - dilations[a] * (block[a] - 1) - 1) // strides[a] + 1
        for a in range(rank)
    ]
    if input.ndim != 3 or input.shape[2] != prod(counts):
        raise ValueError(f"expected {counts} = {prod(counts)} blocks of {block} in {image}, got {input}")
    batch, channels = input.shape[0], input.shape[1] // prod(block)
    planes = batch * channels
    columns = cast_tensor(input, I32) if input.dtype == BOOL else input
    (y,) = launch(
        add_columns,
        columns.reshape([planes, prod(block[:-1]), block[-1], prod(counts[:-1]), counts[-1]]),
        _rows(image, block, counts, strides, dilations, pads),
        outputs=[(columns.dtype, [planes, prod(image[:-1]), image[-1]])],
        scalars=[strides[-1], dilations[-1], pads[rank - 1]],
        extent=planes,
        flops=input.size,
    )
    return cast_tensor(y, input.dtype).reshape([batch, channels, *image])


host_form_by_parts(col2im, picks=lambda **_: False)


def _rows(
    image: list[Size],
    block: list[Size],
    counts: list[Size],
    strides: list[int],
    dilations: list[int],
    pads: list[int],
) -> Tensor:
    """The row of the image that each row of each block goes to, -1 outside: int64[block rows, positions]."""
    outer = len(image) - 1
    numbers = [size_tensor(n) for n in image[:-1]]

    def row(*operands: Expr) -> Expr:
        place, inside = const(0, I64), const(True, BOOL)
        for a in range(outer):
            n = operands[2 * outer + a]
            at = operands[outer + a] * strides[a] - pads[a] + operands[a] * dilations[a]
            inside = inside & (at >= 0) & (at < n)
            place = place * n + at
        return where(inside, place, -1)

    table = map_indices(row, (*block[:-1], *counts[:-1]), *numbers)
    return table.reshape([prod(block[:-1]), prod(counts[:-1])])


def add_columns(Y, X, rows, stride, dilation, pad, begin, end):
    """Sums in planes of Y [planes, rows, W] the block rows X [planes, block rows, width, positions, steps].

    X[p, i, k, j] goes to row rows[i, j], to every `stride`-th column.
    """
    for p in range(begin, end):
        for h in range(Y.shape[1]):
            for w in range(Y.shape[2]):
                Y[p, h, w] = 0
        for i in range(X.shape[1]):
            for k in range(X.shape[2]):
                shift = k * dilation - pad
                first, stop = first_tap(shift, stride, 0), stop_tap(shift, stride, X.shape[4], Y.shape[2])
                for j in range(X.shape[3]):
                    h = rows[i, j]
                    if h >= 0:
                        for step in range(first, stop):
                            Y[p, h, shift + step * stride] += X[p, i, k, j, step]
