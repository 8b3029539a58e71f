"""Constant weights as the kernels of products and convolutions want them.

A process that runs a kept plan packs weights and generates no code: what this module imports is light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jitrt.codegen.dot import Dot, dot_of, matrix_dot_of
from jitrt.codegen.microkernel import accumulator, tile_shape
from jitrt.codegen.packing import pack
from jitrt.codegen.packing_forms import Copied, Grouped, Split, Transformed
from jitrt.codegen.target import Target, host
from jitrt.dims import prod
from jitrt.types import I32

if TYPE_CHECKING:
    from jitrt.codegen.winograd_transform import Transform

Array = np.ndarray[Any, Any]

CHUNK = 32  # split numbers of a line
SPLIT_COLUMNS = 32  # of a panel of split numbers


def pack_matrix(matrix: Array, target: Target | None = None, inner: int = 1) -> Array:
    """`matrix` f32[..., k, n] as panels [..., panel][k][column], the last one as wide as its vectors are.

    float16 and bfloat16 become float32, and subnormal numbers zeros; see `pack`. With `inner`, rows
    [outer, inner] are laid out [inner, outer].
    Returns [..., elements of a packed matrix].
    """
    target = target or host()
    dtype, (*batch, k, n) = accumulator(matrix.dtype), matrix.shape
    rows = matrix.reshape(int(prod(batch)), k // inner, inner, n).transpose(0, 2, 1, 3)
    packed = pack(Copied(dtype), rows, tile_shape(dtype, target).columns, target=target)
    return packed.reshape(*batch, packed.shape[1])


def unpack_matrix(packed: Array, k: int, n: int, target: Target | None = None) -> Array:
    """The matrix f32[k, n] that `pack_matrix`, without `inner`, laid out as f32[elements]."""
    columns = tile_shape(packed.dtype, target or host()).columns
    width = packed.size // max(k, 1)
    starts = range(0, width, columns)
    panels = [packed[k * first :][: k * min(columns, width - first)].reshape(k, -1) for first in starts]
    return np.concatenate([np.zeros((k, 0), packed.dtype), *panels], axis=1)[:, :n]


def pack_matrix_groups(matrix: Array, target: Target | None = None) -> Array:
    """`matrix` i8[..., k, n] as `dot_matmul_step` wants it."""
    target = target or host()
    return pack_groups(matrix, matrix_dot_of(target), target)


def pack_groups(matrix: Array, dot: Dot, target: Target, inner: int = 1) -> Array:
    """`matrix` i8[..., k, n] as packed panels of groups along k; rows past the end are zeros.

    With `inner`, see `pack_matrix`, k is the number of rows that share one.
    """
    *batch, k, n = matrix.shape
    rows = matrix.reshape(int(prod(batch)), k // inner, inner, n).transpose(0, 2, 1, 3)
    groups, width = int(dot.groups(k // inner)), tile_shape(I32, target).columns
    packed = pack(Grouped(dot.column), rows, width, groups=groups, target=target)
    return packed.reshape(*batch, packed.shape[1])


def pack_conv_weights(
    weights: Array, groups: int = 1, channels_first: bool = False, target: Target | None = None
) -> Array:
    """`weights` f32[M, C / groups, *kernel] as packed matrices f32[groups, elements].

    Their rows are [*kernel, C / groups]; with `channels_first`, which `channels_first_order` tells, they are
    [C / groups, *kernel].
    """
    outputs, channels = weights.shape[0] // groups, weights.shape[1]
    rows = weights.reshape(groups, outputs, -1).transpose(0, 2, 1)
    positions = rows.shape[1] // max(channels, 1)
    if channels_first or positions == 1:
        return pack_matrix(rows, target)
    return pack_matrix(rows, target, inner=positions)


def pack_depthwise_weights(weights: Array, target: Target | None = None) -> Array:
    """`weights` f32[M, C / groups, *kernel] as a packed matrix of rows [*kernel, C / groups]."""
    outputs, channels = weights.shape[:2]
    return pack_matrix(weights.reshape(outputs, channels, -1).transpose(2, 1, 0).reshape(-1, outputs), target)


class WeightOrder(NamedTuple):
    """How `dot_conv_step` wants its weights: for rows that are copied or those of a product, or in place."""

    as_matrix: bool
    channels_first: bool


def pack_dot_weights(
    weights: Array, order: WeightOrder, groups: int = 1, target: Target | None = None
) -> Array:
    """`weights` i8[M, C / groups, *kernel] as packed groups, a matrix for each group of the convolution."""
    target = target or host()
    outputs, channels = weights.shape[0] // groups, weights.shape[1]
    rows = weights.reshape(groups, outputs, channels, -1)
    if order.as_matrix:
        axes = (0, 2, 3, 1) if order.channels_first else (0, 3, 2, 1)
        return pack_matrix_groups(rows.transpose(axes).reshape(groups, -1, outputs), target)
    matrix = rows.reshape(groups, outputs, -1).transpose(0, 2, 1)
    return pack_groups(matrix, dot_of(target), target, inner=rows.shape[-1])


def pack_depthwise_bytes(weights: Array, target: Target | None = None) -> Array:
    """`weights` i8[C, 1, *kernel] as a packed int32 matrix of rows [*kernel]."""
    return pack_matrix(weights.reshape(weights.shape[0], -1).T.astype(np.int32), target)


def pack_split_matrix(matrix: Array, parts: int) -> Array:
    """`matrix` f32[k, n] as `pack_split` packs it."""
    return pack_split(matrix[None], parts)


def pack_split(matrix: Array, parts: int) -> Array:
    """`matrix` f32[taps, k, n], all of it finite, as panels [panel][tap][chunk][part][pair][column][2]."""
    pairs = -(-matrix.shape[1] // CHUNK) * (CHUNK // 2)
    return pack(Split(parts), matrix[None], SPLIT_COLUMNS, groups=pairs).reshape(-1)


def pack_split_weights(weights: Array, parts: int) -> Array:
    """`weights` f32[M, C, *kernel] as `split_conv_step` wants them for images of so many parts."""
    outputs, channels = weights.shape[:2]
    return pack_split(weights.reshape(outputs, channels, -1).transpose(2, 1, 0), parts)


def pack_winograd_weights(weights: Array, transform: Transform, target: Target | None = None) -> Array:
    """`weights` f32[M, C, 3, 3] transformed, as one packed matrix of rows [position, C].

    Those of volumes, f32[M, C, taps, 3, 3], have rows [position, tap, C].
    """
    target, dtype = target or host(), accumulator(weights.dtype)
    outputs, inputs = weights.shape[:2]
    kernels = weights.reshape(outputs, inputs, -1, 9).transpose(2, 1, 3, 0).reshape(1, -1, 9, outputs)
    width = tile_shape(dtype, target).columns
    packed = pack(Transformed(dtype, 9), kernels, width, factors=transform.factors, target=target)
    return packed.reshape(-1)
