"""Convolutions with few outputs, as convolutions whose outputs are those of neighbouring pixels:

    Y[P i + p, m] = sum over k, c of W[m, c, k] X[P i + p + k, c]
                  = sum over k, c of V[p m, c, k] X[P i + k, c]    with V[p m, c, p + k] = W[m, c, k], else 0

A vector that W's outputs would leave empty is filled by those of P pixels. Rows of K are longer by P - 1
pixels, but there are P times fewer.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from jitrt.codegen.target import host
from jitrt.convolutions import ConvAttributes, Convolution
from jitrt.tensor import Dtype, Tensor, Value, concatenate

WORTH = 1.6  # times fewer operations, at least: with less, a Winograd transform saves more


def joined_pixels(weights: Value, dtype: Dtype, attributes: ConvAttributes) -> int:
    """The neighbours whose outputs are best computed together, for weights [m, c / groups, *kernel].

    `dtype` is the type that the convolution computes in.
    """
    if (
        attributes.groups > 1
        or attributes.strides[-1] > 1
        or attributes.dilations[-1] > 1
        or not weights.size
    ):
        return 1
    width = attributes.kernel[-1]
    count = host().lanes(dtype.itemsize) // weights.shape[0]
    return count if count * width >= WORTH * (width + count - 1) else 1


def convolve_joined(
    x: Tensor, weights: Value, bias: Tensor | None, attributes: ConvAttributes, count: int
) -> Tensor:
    """The convolution [n, *spatial, m] of x [n, *spatial, c], `count` neighbours of a row at once."""
    outputs, channels, *kernel = weights.shape
    width = attributes.output_sizes(x.shape[1:-1])[-1]
    wide = np.zeros((count, outputs, channels, *kernel[:-1], kernel[-1] + count - 1), weights.dtype)
    for pixel in range(count):
        wide[pixel, ..., pixel : pixel + kernel[-1]] = weights
    joined = replace(
        attributes,
        kernel=(*kernel[:-1], kernel[-1] + count - 1),
        strides=(*attributes.strides[:-1], count),
        pads=(*attributes.pads[:-1], attributes.pads[-1] + count - 1),  # for a last group that is cut off
    )
    each = None if bias is None else concatenate([bias] * count, 0)
    (y,) = Convolution(x, wide.reshape(-1, *wide.shape[2:]), each, joined).outputs
    row = y.shape[-2] * count
    return y.reshape((*y.shape[:-2], row, outputs)).slice(y.ndim - 2, 0, width)
