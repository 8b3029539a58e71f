"""Transposed convolutions of few channels as one convolution: all outputs of a stride become its channels."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from jitrt.codegen.target import host
from jitrt.convolutions import ConvAttributes, Convolution
from jitrt.dims import Size
from jitrt.tensor import Tensor

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
    kinds = (attributes.kernel, attributes.strides, attributes.dilations, attributes.pads)
    axes = [MergedAxis(*axis) for axis in zip(*kinds, strict=False)]
    lanes, channels = host().lanes(weights.dtype.itemsize), weights.shape[1]
    alone = prod(axis.taps for axis in axes) * -(-channels // lanes)
    merged = prod(axis.kernel for axis in axes) * -(-channels * prod(attributes.strides) // lanes)
    return axes if 3 * merged < 2 * alone else None


def convolve_merged(
    x: Tensor, weights: Array, bias: Tensor | None, axes: Sequence[MergedAxis], spatial: Sequence[int]
) -> Tensor:
    """The transposed convolution of x[n, *spatial, c] and weights [c, m, *kernel] as y[n, *spatial, m].

    `spatial` is what the output's sizes have more than the input's times strides, or less.
    """
    rank, channels = len(axes), weights.shape[1]
    strides = [axis.stride for axis in axes]
    kernel = np.zeros((*strides, channels, weights.shape[0], *(a.kernel for a in axes)), weights.dtype)
    for place in np.ndindex(*strides, *(axis.kernel for axis in axes)):
        phase, offset = place[:rank], place[rank:]
        taps = [axis.places.get(key) for axis, key in zip(axes, zip(phase, offset, strict=True), strict=True)]
        if None not in taps:
            kernel[(*phase, slice(None), slice(None), *offset)] = weights[(..., *taps)].T
    outputs = prod(strides) * channels
    if bias is not None:
        bias = bias.unsqueeze(0).expand([prod(strides), channels]).reshape([outputs])
    more = [-(-extra // axis.stride) for extra, axis in zip(spatial, axes, strict=True)]
    before = [-axis.first for axis in axes]
    after = [n + axis.first + axis.kernel - 1 for n, axis in zip(more, axes, strict=True)]
    ones = (1,) * rank
    attributes = ConvAttributes(tuple(a.kernel for a in axes), ones, ones, (*before, *after), 1)
    (y,) = Convolution(x, kernel.reshape(outputs, *kernel.shape[rank + 1 :]), bias, attributes).outputs
    counts = y.shape[1:-1]
    y = y.reshape([y.shape[0], *counts, *strides, channels])
    order = [place for axis in range(rank) for place in (1 + axis, 1 + rank + axis)]
    y = y.permute([0, *order, 1 + 2 * rank])
    y = y.reshape([y.shape[0], *(n * s for n, s in zip(counts, strides, strict=True)), channels])
    for axis, (extra, n, stride) in enumerate(zip(spatial, more, strides, strict=True), 1):
        if n * stride != extra:
            length: Size = x.shape[axis] * stride + extra
            y = y.slice(axis, 0, length)
    return y
