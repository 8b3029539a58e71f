"""Normalisation of images whose channels lie innermost in memory.

A kernel that sums up an image goes over all of it, 64 channels at a time, and a group of channels is no run
of memory. So the mean and the variance of each line come first, channel by channel, in one kernel that many
threads share; those of all lines and channels of a group are made of them:

    mean = mean of m,  variance = mean of v + (m - mean)**2    for lines of mean m and variance v

What remains is elementwise, and fuses with what follows.
https://doi.org/10.1080/00031305.1983.10483115
"""

from __future__ import annotations

import numpy as np

from jitrt.dims import Size, prod, same
from jitrt.expr import eq, sqrt, where
from jitrt.tensor import Tensor, View, constant, map_tensors

from ._placement import is_channels_first
from ._shared import mean

SMALL = 1 << 15  # elements of an image that one kernel normalises sooner


def before_grouping(x: Tensor) -> Tensor:
    """The images [N, C, ...] whose groups of channels x[N, groups, elements] are, or else x itself.

    So exporters write group normalisation as that of instances.
    """
    source = x.source
    if isinstance(source, View) and source.kind == "reshape" and x.ndim == 3 and source.base.ndim > 2:
        (n, groups, _), (images, channels) = x.shape, source.base.shape[:2]
        if isinstance(groups, int) and isinstance(channels, int) and same(n, images):
            return source.base if groups and channels % groups == 0 else x
    return x


def is_by_lines(x: Tensor, groups: Size) -> bool:
    """Whether images [N, C, ...] are better normalised by `normalize_by_lines`."""
    if x.ndim < 3 or is_channels_first(x) or same(x.shape[2], 0):
        return False
    size = prod(x.shape[1:])
    return not same(groups, x.shape[1]) or (x.ndim > 3 and not (isinstance(size, int) and size < SMALL))


def normalize_by_lines(x: Tensor, groups: Size, epsilon: float) -> Tensor:
    """The images [N, C, ...] with zero mean and unit variance in each group of channels of each."""
    n, channels, *spatial = x.shape
    lines, length = (spatial[0], prod(spatial[1:])) if len(spatial) > 1 else (1, spatial[0])
    last = x.permute([0, *range(2, x.ndim), 1]).reshape([n, lines, length, channels])
    grouped = [n, lines, groups, channels // groups]
    m, v = (t.reshape(grouped) for t in _moments_of_lines(last))
    center = mean(m, [1, 3])
    spread = mean(map_tensors(lambda v, m, c: v + (m - c) * (m - c), v, m, center), [1, 3])
    inverse = map_tensors(lambda s: 1 / sqrt(s + epsilon), spread)
    center, inverse = (
        t.expand([n, 1, *grouped[2:]]).reshape([n, channels, *[1] * len(spatial)]) for t in (center, inverse)
    )
    return map_tensors(lambda x, c, d: (x - c) * d, x, center, inverse)


def _moments_of_lines(x: Tensor) -> tuple[Tensor, Tensor]:
    """The mean and the variance along the lines of [N, lines, length, C], each [N, lines, 1, 1, C].

    One kernel computes both, so that a line comes from memory once: two results along one more axis.
    """
    n, lines, length, channels = x.shape
    twice = x.unsqueeze(2).expand([n, lines, 2, length, channels])
    number = constant(np.arange(2, dtype=x.dtype).reshape(2, 1, 1))
    moments = mean(
        map_tensors(lambda i, x, m: where(eq(i, 0), x, (x - m) * (x - m)), number, twice, mean(twice, [3])),
        [3],
    )
    return moments.slice(2, 0, 1), moments.slice(2, 1, 1)
