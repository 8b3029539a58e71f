"""Normalisation of sums, and of embeddings, along the last dimension."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jitrt.calls import cast_tensor, launch
from jitrt.dims import Size
from jitrt.expr import cast, eq, sqrt
from jitrt.opdef import operator
from jitrt.tensor import Tensor, broadcast, constant, map_indices, map_tensors, reduce_tensor
from jitrt.types import F32, I32, from_onnx

from .._shared import mean, widen
from ..gather import index_error, index_status
from ..normalize import EPSILON

DOMAIN = "com.microsoft"
SMALL_EPSILON = 9.999999960041972e-13


@operator("SkipLayerNormalization", since=1, domain=DOMAIN)
def skip_layer_normalization(
    input: Tensor,
    skip: Tensor,
    gamma: Tensor,
    beta: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    epsilon: float = SMALL_EPSILON,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Layer normalisation of input + skip + bias; its mean, its inverse deviation, and the sum.

    https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.SkipLayerNormalization
    """
    total = _sum(input, skip, bias)
    output, center, inverse = _layer_norm(total, gamma, beta, epsilon, input)
    return output, center, inverse, cast_tensor(total, input.dtype)


@operator("SkipSimplifiedLayerNormalization", since=1, domain=DOMAIN)
def skip_simplified_layer_normalization(
    input: Tensor, skip: Tensor, gamma: Tensor, bias: Tensor | None = None, *, epsilon: float = SMALL_EPSILON
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """input + skip + bias over its root mean square; a mean of 0, the inverse root, and the sum.

    https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.SkipSimplifiedLayerNormalization
    """
    total = _sum(input, skip, bias)
    output, inverse = _rms_norm(total, gamma, [total.ndim - 1], epsilon)
    zeros = map_tensors(lambda d: d * 0, inverse)
    stash = cast_tensor(zeros, F32), cast_tensor(inverse, F32)
    return cast_tensor(output, input.dtype), *stash, cast_tensor(total, input.dtype)


def _sum(input: Tensor, skip: Tensor, bias: Tensor | None) -> Tensor:
    """input + skip + bias, not rounded to the input's type."""
    if any(a != b for a, b in zip(skip.shape[-2:], input.shape[-2:], strict=True)) or input.ndim < 2:
        raise ValueError(f"skip must have the last two sizes of input, got {input} and {skip}")
    total = map_tensors(lambda x, s: x + s, widen(input), widen(skip))
    return total if bias is None else map_tensors(lambda x, b: x + b, total, widen(bias))


def _layer_norm(
    x: Tensor, gamma: Tensor, beta: Tensor | None, epsilon: float, like: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The normalised tensor in the type of `like`, the mean and the inverse deviation in float32."""
    last = [x.ndim - 1]
    center = mean(x, last)
    deviation = map_tensors(lambda x, m: x - m, x, center)
    spread = mean(map_tensors(lambda d: d * d, deviation), last)
    inverse = map_tensors(lambda v: 1 / sqrt(v + epsilon), spread)
    y = map_tensors(lambda d, i, g: d * i * g, deviation, inverse, widen(gamma))
    if beta is not None:
        y = map_tensors(lambda y, b: y + b, y, widen(beta))
    return cast_tensor(y, like.dtype), cast_tensor(center, F32), cast_tensor(inverse, F32)


def _rms_norm(x: Tensor, scale: Tensor, axes: Sequence[int], epsilon: float) -> tuple[Tensor, Tensor]:
    """x over its root mean square, scaled, and the inverse root; in x's type."""
    square = mean(map_tensors(lambda x: x * x, x), axes)
    inverse = map_tensors(lambda s: 1 / sqrt(s + epsilon), square)
    return map_tensors(lambda x, i, g: x * i * g, x, inverse, cast_tensor(scale, x.dtype)), inverse


def simplified_layer_normalization(
    X: Tensor, scale: Tensor, *, axis: int = -1, epsilon: float = EPSILON, stash_type: int = 1
) -> tuple[Tensor, Tensor]:
    """X over its root mean square from the axis on, and the inverse root.

    onnxruntime's optimiser writes it in the default domain.
    https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.SimplifiedLayerNormalization
    """
    stash = from_onnx(stash_type)
    x = cast_tensor(X, max(X.dtype, stash, F32, key=lambda t: t.itemsize))
    y, inverse = _rms_norm(x, scale, range(axis % X.ndim, X.ndim), epsilon)
    return cast_tensor(y, scale.dtype), cast_tensor(inverse, stash)


for domain in ("", DOMAIN):
    operator("SimplifiedLayerNormalization", since=1, domain=domain)(simplified_layer_normalization)


@operator("EmbedLayerNormalization", since=1, domain=DOMAIN)
def embed_layer_normalization(
    input_ids: Tensor,
    segment_ids: Tensor | None,
    word_embedding: Tensor,
    position_embedding: Tensor,
    segment_embedding: Tensor | None,
    gamma: Tensor,
    beta: Tensor,
    mask: Tensor | None = None,
    position_ids: Tensor | None = None,
    *,
    epsilon: float = SMALL_EPSILON,
    mask_index_type: int | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Layer normalisation of the sum of embeddings; the number of words not masked, and the sum.

    https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.EmbedLayerNormalization
    """
    batch, length = input_ids.shape
    hidden, rows = word_embedding.shape[1], batch * length
    if position_ids is None:
        position_ids = map_indices(lambda b, s: cast(s, I32), (batch, length))
    if segment_ids is None or segment_embedding is None:
        segment_ids, segment_embedding = input_ids, word_embedding.slice(0, 0, 0)
    (total,) = launch(
        add_embeddings,
        *(widen(table) for table in (word_embedding, position_embedding, segment_embedding)),
        *(_flat(ids, input_ids) for ids in (input_ids, position_ids, segment_ids)),
        outputs=[(widen(word_embedding).dtype, [rows, hidden])],
        extent=rows,
        error=index_error,
    )
    total = total.reshape([batch, length, hidden])
    output, _, _ = _layer_norm(total, gamma, beta, epsilon, word_embedding)
    return output, _mask_index(mask, batch), cast_tensor(total, word_embedding.dtype)


def _flat(ids: Tensor, input_ids: Tensor) -> Tensor:
    """The ids [batch * length], repeated over the batch where they are [1, length]."""
    return ids.expand(broadcast(ids.shape, input_ids.shape)).reshape([input_ids.size])


def _mask_index(mask: Tensor | None, batch: Size) -> Tensor:
    """The number of words that the mask keeps; 0 without a mask."""
    if mask is None:
        return constant(np.zeros(1, np.int32)).expand([batch])
    kept = map_tensors(lambda m: cast(eq(m, 1), I32), mask)
    return reduce_tensor(kept, "sum", [1]).squeeze(1)


def add_embeddings(Y, words, positions, segments, word_ids, position_ids, segment_ids, begin, end):
    """Row i of Y adds a row of each table; `segments` may have none."""
    has_segments = segments.shape[0] > 0
    for i in range(begin, end):
        word, position = word_ids[i], position_ids[i]
        if word < 0 or word >= words.shape[0]:
            return index_status(word, words.shape[0])
        if position < 0 or position >= positions.shape[0]:
            return index_status(position, positions.shape[0])
        for j in range(Y.shape[1]):
            Y[i, j] = words[word, j] + positions[position, j]
        if has_segments:
            segment = segment_ids[i]
            if segment < 0 or segment >= segments.shape[0]:
                return index_status(segment, segments.shape[0])
            for j in range(Y.shape[1]):
                Y[i, j] += segments[segment, j]
    return 0
