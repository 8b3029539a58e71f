"""Dilated convolutions, as plain ones of the images that every d-th row and column make.

The taps of an output pixel are d apart: they lie in the one of d x d such images that the pixel is in itself,
where pads are multiples of d. Plain convolutions can be done by Winograd's transforms.
"""

from __future__ import annotations

from dataclasses import replace

from jitrt.codegen.conv import Image
from jitrt.codegen.kernel import Buffer, Ref
from jitrt.codegen.winograd import choose_transform
from jitrt.convolutions import ConvAttributes, Convolution
from jitrt.dims import Size, is_below, same
from jitrt.tensor import Tensor, Value, sizes

from .pad import pad

SHORTEST = 4  # rows or columns of an image that is worth it


def is_best_in_phases(x: Tensor, weights: Value, attributes: ConvAttributes) -> bool:
    """Whether `convolve_phases` is expected to be the fastest convolution of x [n, *spatial, c]."""
    dilations = attributes.dilations
    each = zip(attributes.pads, (*dilations, *dilations), strict=True)
    if len(dilations) != 2 or max(dilations) == 1 or any(p % d for p, d in each):
        return False
    spatial = _phase_sizes(x, attributes)
    if any(is_below(size, SHORTEST) for size in spatial):
        return False
    nowhere = Ref(Buffer("arena", 0))
    plain = _plain(attributes)
    outputs = plain.output_sizes(spatial)
    image = Image.channels_last(nowhere, x.dtype, x.shape[0], spatial, x.shape[-1])
    out = Image.channels_last(nowhere, x.dtype, x.shape[0], outputs, weights.shape[0])
    return choose_transform(image, out, plain.window, attributes.groups) is not None


def convolve_phases(x: Tensor, weights: Value, bias: Tensor | None, attributes: ConvAttributes) -> Tensor:
    """The convolution [n, *spatial, m] of x [n, *spatial, c], whose rank and pads fit."""
    n, *spatial, channels = x.shape
    (down, across), (rows, columns) = attributes.dilations, _phase_sizes(x, attributes)
    more = [rows * down - spatial[0], columns * across - spatial[1]]
    if not all(same(size, 0) for size in more):
        x = pad(x, sizes([0, 0, 0, 0, 0, *more, 0]))
    phases = x.reshape((n, rows, down, columns, across, channels)).permute((0, 2, 4, 1, 3, 5))
    batch = n * down * across
    images = phases.reshape((batch, rows, columns, channels))
    (y,) = Convolution(images, weights, bias, _plain(attributes)).outputs
    _, rows, columns, outputs = y.shape
    y = y.reshape((n, down, across, rows, columns, outputs)).permute((0, 3, 1, 4, 2, 5))
    y = y.reshape((n, rows * down, columns * across, outputs))
    for axis, size in enumerate(attributes.output_sizes(spatial), 1):
        y = y.slice(axis, 0, size)
    return y


def _plain(attributes: ConvAttributes) -> ConvAttributes:
    """The convolution of each image."""
    dilations = attributes.dilations
    pads = tuple(p // d for p, d in zip(attributes.pads, (*dilations, *dilations), strict=True))
    return replace(attributes, dilations=(1,) * len(dilations), pads=pads)


def _phase_sizes(x: Tensor, attributes: ConvAttributes) -> list[Size]:
    """The spatial sizes of the images, the last rows and columns of which may be zeros."""
    return [(size + (d - 1)) // d for size, d in zip(x.shape[1:-1], attributes.dilations, strict=True)]
