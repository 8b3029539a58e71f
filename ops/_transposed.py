"""Transposed convolutions of few channels as one convolution: all outputs of a stride become its channels."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from jitrt.codegen.dot import dot_of
from jitrt.codegen.target import host
from jitrt.convolutions import ConvAttributes, Convolution
from jitrt.dims import Size
from jitrt.quantized import Quantized, convolve_quantized, dequantized
from jitrt.tensor import Tensor, constant, map_tensors
from jitrt.types import F32, I8

Array = np.ndarray[Any, Any]


class MergedAxis:
    """An axis: the outputs `a * stride + phase` are sums over inputs `a + first` to `a + first + kernel`."""

    def __init__(self, kernel: int, stride: int, dilation: int, pad: int) -> None:
        self.stride = stride
        reached = {
            (phase, k): (phase + pad - k * dilation) // stride
            for phase in range(stride)
            for k in range(kernel)
            if (phase + pad - k * dilation) % stride == 0
        }
        self.taps = len(reached)
        self.first = min(reached.values())
        self.kernel = max(reached.values()) - self.first + 1
        self.places = {(phase, offset - self.first): k for (phase, k), offset in reached.items()}


def merged_axes(weights: Array, attributes: ConvAttributes) -> list[MergedAxis] | None:
    """The axes of the merged convolution, None where it does not save a third of the work on vectors.

    What is saved pays for the passes over the result that put the outputs of a stride side by side.
    """
    if attributes.groups > 1 or prod(attributes.strides) == 1 or 0 in weights.shape:
        return None
    axes = _axes(attributes)
    lanes, channels = host().lanes(weights.dtype.itemsize), weights.shape[1]
    alone = prod(axis.taps for axis in axes) * -(-channels // lanes)
    merged = prod(axis.kernel for axis in axes) * -(-channels * prod(attributes.strides) // lanes)
    return axes if 3 * merged < 2 * alone else None


def convolve_merged(
    x: Tensor, weights: Array, bias: Tensor | None, axes: Sequence[MergedAxis], more: Sequence[int]
) -> Tensor:
    """The transposed convolution of x[n, *spatial, c] and weights [c, m, *kernel] as y[n, *spatial, m].

    `more` is what the output's sizes have more than the input's times strides, or less.
    """
    each = None if bias is None else _for_each_phase(bias, axes)
    (y,) = Convolution(x, _merged(weights, axes), each, _attributes(axes, more)).outputs
    return _side_by_side(y, x.shape[1:-1], axes, more)


def convolve_merged_bytes(
    x: Tensor, weights: Tensor, bias: Tensor | None, attributes: ConvAttributes, more: Sequence[int]
) -> Tensor | None:
    """The same of dequantised x[n, c, *spatial] and weights, on bytes; None where they are not known as such.

    Taps that a phase does not have are zeros, which bytes are worth where many are multiplied at once.
    """
    kernel = weights.quantized
    if attributes.groups > 1 or kernel is None or kernel.codes.dtype != I8 or kernel.codes.value is None:
        return None
    known = kernel.zero is None or (kernel.zero.value is not None and not np.any(kernel.zero.value))
    if not known or 0 in weights.shape or not kernel.varies_along_at_most(1):
        return None
    axes, rank = _axes(attributes), len(attributes.kernel)
    work = prod(axis.kernel * axis.stride for axis in axes) / max(prod(axis.taps for axis in axes), 1)
    if work > dot_of(host()).size - 1:
        return None
    codes = constant(_merged(kernel.codes.value, axes))
    scale = kernel.scale.reshape((kernel.scale.size,)).expand((weights.shape[1],))
    scale = _for_each_phase(scale, axes).reshape((codes.shape[0], *[1] * (rank + 1)))
    y = convolve_quantized(x, dequantized(Quantized(codes, scale, None), F32), _attributes(axes, more))
    if y is None:
        return None
    if bias is not None:
        each = _for_each_phase(bias, axes).reshape((codes.shape[0], *[1] * rank))
        y = map_tensors(lambda p, q: p + q, y, each)
    return _side_by_side(y.permute((0, *range(2, rank + 2), 1)), x.shape[2:], axes, more)


def _axes(attributes: ConvAttributes) -> list[MergedAxis]:
    kinds = (attributes.kernel, attributes.strides, attributes.dilations, attributes.pads)
    return [MergedAxis(*axis) for axis in zip(*kinds, strict=False)]


def _merged(weights: Array, axes: Sequence[MergedAxis]) -> Array:
    """Weights [c, m, *kernel] as those of the merged convolution, [phases * m, c, *kernel]."""
    rank, strides = len(axes), [axis.stride for axis in axes]
    channels, outputs = weights.shape[:2]
    kernel = np.zeros((*strides, outputs, channels, *(a.kernel for a in axes)), weights.dtype)
    for place in np.ndindex(*strides, *(axis.kernel for axis in axes)):
        phase, offset = place[:rank], place[rank:]
        taps = [axis.places.get(key) for axis, key in zip(axes, zip(phase, offset, strict=True), strict=True)]
        if None not in taps:
            kernel[(*phase, slice(None), slice(None), *offset)] = weights[(..., *taps)].T
    return kernel.reshape(-1, *kernel.shape[rank + 1 :])


def _for_each_phase(values: Tensor, axes: Sequence[MergedAxis]) -> Tensor:
    """Numbers [m] of the outputs for those of the merged convolution."""
    phases = prod(axis.stride for axis in axes)
    return values.unsqueeze(0).expand([phases, *values.shape]).reshape([phases * int(values.size)])


def _attributes(axes: Sequence[MergedAxis], more: Sequence[int]) -> ConvAttributes:
    counts = [-(-extra // axis.stride) for extra, axis in zip(more, axes, strict=True)]
    before = [-axis.first for axis in axes]
    after = [n + axis.first + axis.kernel - 1 for n, axis in zip(counts, axes, strict=True)]
    ones = (1,) * len(axes)
    return ConvAttributes(tuple(a.kernel for a in axes), ones, ones, (*before, *after), 1)


def _side_by_side(
    y: Tensor, spatial: Sequence[Size], axes: Sequence[MergedAxis], more: Sequence[int]
) -> Tensor:
    """The merged outputs [n, *counts, phases * m] in their places, [n, *spatial, m]."""
    rank, strides = len(axes), [axis.stride for axis in axes]
    counts, channels = y.shape[1:-1], y.shape[-1] // prod(strides)
    y = y.reshape([y.shape[0], *counts, *strides, channels])
    order = [place for axis in range(rank) for place in (1 + axis, 1 + rank + axis)]
    y = y.permute([0, *order, 1 + 2 * rank])
    y = y.reshape([y.shape[0], *(n * s for n, s in zip(counts, strides, strict=True)), channels])
    for axis, (size, extra, stride) in enumerate(zip(spatial, more, strides, strict=True), 1):
        if extra % stride:
            y = y.slice(axis, 0, size * stride + extra)
    return y
