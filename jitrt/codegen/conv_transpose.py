"""Transposed convolutions, phase by phase.

Output position o gets input i through kernel position k where `o = i * stride - pad + k * dilation`. The
outputs that leave the same remainder by the stride, a phase, share their kernel positions: each phase is a
convolution of stride 1 with part of the kernel, whose result is written with steps in between.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product as cartesian
from math import gcd, prod

import numpy as np

from jitrt.codegen.aligned import aligned_empty
from jitrt.codegen.conv import Image, Window, conv_step, is_even
from jitrt.codegen.depthwise import depthwise_step
from jitrt.codegen.epilogue import Epilogue
from jitrt.codegen.gemm import Array
from jitrt.codegen.kernel import Ref, Step
from jitrt.codegen.loop import Operand
from jitrt.codegen.microkernel import accumulator, packed_columns, tile_shape
from jitrt.codegen.product import Matrix
from jitrt.codegen.target import Target, host
from jitrt.codegen.weights import pack_matrix
from jitrt.dims import Size, same


@dataclass(frozen=True)
class Phase:
    """The outputs at `first + a * stride`: kernel positions `taps`, and the window that they make."""

    first: tuple[int, ...]
    taps: tuple[slice, ...]
    window: Window


def phases(window: Window) -> Iterator[Phase]:
    """The phases of a transposed convolution's window, row-major."""
    axes = zip(window.kernel, window.strides, window.dilations, window.pads, strict=True)
    for parts in cartesian(*(list(_axis_phases(*axis)) for axis in axes)):
        first, taps, kernel, dilations, pads = zip(*parts, strict=True)
        yield Phase(first, taps, Window(kernel, (1,) * len(parts), dilations, pads))


def _axis_phases(
    kernel: int, stride: int, dilation: int, pad: int
) -> Iterator[tuple[int, slice, int, int, int]]:
    """First output, taps, and number, dilation and pad of the taps, for each phase of an axis."""
    step = stride // gcd(stride, dilation)
    for first in range(stride):
        start = next(
            (k for k in range(min(step, kernel)) if (first + pad - k * dilation) % stride == 0), kernel
        )
        count = len(range(start, kernel, step))
        origin = (first + pad - start * dilation) // stride
        yield first, slice(start, None, step), count, -(step * dilation // stride), -origin


def pack_transpose_weights(
    weights: Array,
    window: Window,
    groups: int = 1,
    channels_first: bool = False,
    target: Target | None = None,
) -> Array:
    """`weights` f32[C, M / groups, *kernel] as packed matrices, one for each phase and group, end to end.

    `channels_first` is what `channels_first_order` tells of the input. Depthwise weights f32[C, 1, *kernel]
    have the channels as columns.
    """
    channels, outputs = weights.shape[0] // groups, weights.shape[1]
    grouped = weights.reshape(groups, channels, outputs, *window.kernel)
    parts = []
    for phase in phases(window):
        taps = grouped[(slice(None), slice(None), slice(None), *phase.taps)].reshape(
            groups, channels, outputs, -1
        )
        if channels == outputs == 1 and groups > 1:
            parts.append(pack_matrix(taps.reshape(1, groups, -1).transpose(0, 2, 1), target))
        else:
            rows = taps.transpose(0, 1, 3, 2) if channels_first else taps.transpose(0, 3, 1, 2)
            parts.append(pack_matrix(rows.reshape(groups, -1, outputs), target))
    joined = aligned_empty((sum(part.size for part in parts),), parts[0].dtype)
    return np.concatenate([part.ravel() for part in parts], out=joined)


def conv_transpose_steps(
    x: Image,
    weights: Ref,
    out: Image,
    window: Window,
    *,
    groups: int = 1,
    bias: Ref | None = None,
    epilogue: Epilogue | None = None,
    operands: Sequence[Matrix] = (),
    label: str = "conv_transpose",
    target: Target | None = None,
) -> list[Step]:
    """`out = epilogue(transposed convolution of x and weights + bias)`; one step a phase, and a group.

    `weights` are as `pack_transpose_weights` lays them out. `out` is channels-last; operands of the epilogue
    are matrices [pixels, channels] for each image. The depth of three-dimensional images is a known number.
    """
    depthwise = groups > 1 and same(x.channels, groups) and same(out.channels, groups)
    parts = 1 if depthwise else groups
    if epilogue is not None:
        epilogue = Epilogue(epilogue.root, tuple(map(_per_row, epilogue.operands)))
    run = depthwise_step if depthwise else conv_step
    steps, start, dtype = [], 0, accumulator(x.dtype)
    columns = packed_columns(out.channels // parts, tile_shape(dtype, target or host()))
    for phase in phases(window):
        packed = prod(phase.window.kernel) * (1 if depthwise else x.channels // parts) * columns
        for part in range(parts):
            first = out.channels // parts * part
            bias_part = None if bias is None else _moved(bias, first * dtype.itemsize)
            source, target_image = (
                _channels(x, part, parts),
                _channels(_phase_outputs(out, phase, window), part, parts),
            )
            for depth, (rows, taps) in enumerate(_slabs(target_image, phase.window)):
                steps.append(
                    run(
                        source,
                        _moved(weights, start * dtype.itemsize),
                        rows,
                        taps,
                        bias=bias_part,
                        epilogue=epilogue,
                        operands=[_operand(o, out, phase, window, depth, first) for o in operands],
                        label=label,
                        target=target,
                    )
                )
            start = start + packed
    return steps


def _moved(ref: Ref, nbytes: Size) -> Ref:
    return Ref(ref.buffer, ref.offset + nbytes)


def _channels(image: Image, part: int, parts: int) -> Image:
    """One of `parts` equal slices of an image's channels."""
    count = image.channels // parts
    ref = _moved(image.ref, part * count * image.channel_stride * image.dtype.itemsize)
    return replace(image, ref=ref, channels=count)


def _phase_outputs(out: Image, phase: Phase, window: Window) -> Image:
    """The pixels of `out` that belong to a phase."""
    axes = list(zip(phase.first, window.strides, out.spatial, out.steps, strict=True))
    offset = sum(first * step for first, _, _, step in axes)
    return replace(
        out,
        ref=_moved(out.ref, offset * out.dtype.itemsize),
        spatial=tuple((size - first + (stride - 1)) // stride for first, stride, size, _ in axes),
        steps=tuple(stride * step for _, stride, _, step in axes),
    )


def _slabs(out: Image, window: Window) -> Iterator[tuple[Image, Window]]:
    """An image with depth that is not even as images of depth 1, whose rows are; the others as they are."""
    if len(out.spatial) < 3 or is_even(out):
        yield out, window
        return
    for depth in range(int(out.spatial[0])):
        ref = _moved(out.ref, depth * out.steps[0] * out.dtype.itemsize)
        pads = (window.pads[0] - depth, *window.pads[1:])
        yield replace(out, ref=ref, spatial=(1, *out.spatial[1:])), replace(window, pads=pads)


def _per_row(operand: Operand) -> Operand:
    """A pattern of (image, pixel, channel) as one of (image and row, column, channel)."""
    _, row, column = operand.strides
    return operand if row == 0 else operand._replace(strides=(None, row, column))


def _operand(operand: Matrix, out: Image, phase: Phase, window: Window, depth: int, channel: Size) -> Matrix:
    """The part of an operand [pixels, channels] that belongs to a phase, from a channel on."""
    if all(stride == 1 for stride in window.strides):
        return operand._replace(ref=_moved(operand.ref, channel * operand.column * operand.dtype.itemsize))
    lines: list[Size] = [operand.row]
    for size in reversed(out.spatial[1:]):
        lines.insert(0, lines[0] * size)
    offset = (
        sum(first * line for first, line in zip(phase.first, lines, strict=True)) + channel * operand.column
    )
    if len(lines) == 3:
        offset = offset + depth * window.strides[0] * lines[0]
    inner = window.strides[-2] * lines[-2] if len(lines) > 1 else 0
    return operand._replace(
        ref=_moved(operand.ref, offset * operand.dtype.itemsize),
        row=operand.row * window.strides[-1],
        batch=(operand.batch[0], inner),
    )
