"""Multi-head attention over joint projections, and over separate or packed queries, keys and values."""

from __future__ import annotations

from collections.abc import Sequence
from math import log

import numpy as np

from jitrt.calls import cast_tensor
from jitrt.dims import Size
from jitrt.expr import Expr, cast, cos, exp, maximum, sin
from jitrt.opdef import operator
from jitrt.tensor import Tensor, concatenate, known_sizes, map_indices, map_tensors
from jitrt.types import F32

from .._attention import append_keys, attend, four_dimensional, join_heads, key_range, split_heads
from .._rotary import rotate
from .._shared import size_tensor
from ..matmul import matmul_tensors
from ._attention import added_mask, overwrite

FILL = -10000.0
ROTARY_BASE = 10000.0
LOWEST = float(np.finfo(np.float32).min)


@operator("Attention", since=1, domain="com.microsoft")
def attention(
    input: Tensor,
    weights: Tensor,
    bias: Tensor | None = None,
    mask_index: Tensor | None = None,
    past: Tensor | None = None,
    attention_bias: Tensor | None = None,
    past_sequence_length: Tensor | None = None,
    *,
    num_heads: int,
    do_rotary: int = 0,
    mask_filter_value: float = FILL,
    past_present_share_buffer: int = 0,
    qkv_hidden_sizes: Sequence[int] | None = None,
    rotary_embedding_dim: int = 0,
    scale: float | None = None,
    unidirectional: int = 0,
) -> tuple[Tensor, Tensor]:
    """Project the input to queries, keys and values, and attend; the cache is [2, batch, heads, t, d].

    https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.Attention
    """
    if not qkv_hidden_sizes:
        qkv_hidden_sizes = [int(weights.shape[1]) // 3] * 3
    projected = matmul_tensors(input, weights, bias)
    q, k, v = (split_heads(t, num_heads) for t in _split_columns(projected, qkv_hidden_sizes))
    batch, queries = input.shape[0], input.shape[1]
    offset: Size = 0 if past is None else past.shape[3]
    if past is not None and past_present_share_buffer:
        if past_sequence_length is None:
            raise ValueError("past_sequence_length must be given where past and present share a buffer")
        (offset,) = known_sizes(past_sequence_length)
    if do_rotary:
        size = rotary_embedding_dim or int(q.shape[3])
        q, k = _rotated(q, offset, size), _rotated(k, offset, size)
    present = concatenate([k.unsqueeze(0), v.unsqueeze(0)], 0)
    keys = offset + queries
    if past is not None:
        present = _appended(past, present, offset if past_present_share_buffer else None)
        k, v = (present.slice(0, i, 1).squeeze(0).slice(2, 0, keys) for i in range(2))
    mask = added_mask(
        mask_index,
        attention_bias,
        batch=batch,
        queries=queries,
        past=offset,
        keys=keys,
        fill=mask_filter_value,
    )
    causal = key_range(queries, offset, causal=bool(unidirectional))
    stages = attend(q, k, v, scale=scale or None, mask=mask, keys=causal)
    return join_heads(cast_tensor(stages.y, input.dtype)), present


def _split_columns(x: Tensor, sizes: Sequence[int]) -> list[Tensor]:
    """Parts of the last dimension."""
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    if x.shape[-1] != sum(sizes):
        raise ValueError(f"{x} does not have {' + '.join(map(str, sizes))} columns")
    return [x.slice(x.ndim - 1, start, size) for start, size in zip(starts, sizes, strict=True)]


def _appended(past: Tensor, new: Tensor, start: Size | None) -> Tensor:
    """The cache [2, batch, heads, t, d] with new rows at its end, or from `start` on."""
    if start is None:
        return concatenate([past, new], 3)
    joint = [past.shape[0] * past.shape[1], *past.shape[2:]]
    rows = new.reshape([new.shape[0] * new.shape[1], *new.shape[2:]])
    return overwrite(past.reshape(joint), rows, start).reshape(past.shape)


def _rotated(x: Tensor, offset: Size, size: int) -> Tensor:
    """[batch, heads, s, d] rotated by angles (offset + i) / 10000^(2j / size)."""
    batch, _, s, _ = x.shape

    def angle(i: Expr, j: Expr, offset: Expr) -> Expr:
        return cast(offset + i, F32) * exp(cast(j, F32) * (-2 * log(ROTARY_BASE) / size))

    angles = map_indices(angle, (s, size // 2), size_tensor(offset))
    positions = map_indices(lambda b, i: i, (batch, s))
    return rotate(x, map_tensors(cos, angles), map_tensors(sin, angles), positions, interleaved=False)


@operator("MultiHeadAttention", since=1, domain="com.microsoft")
def multi_head_attention(
    query: Tensor,
    key: Tensor | None = None,
    value: Tensor | None = None,
    bias: Tensor | None = None,
    key_padding_mask: Tensor | None = None,
    attention_bias: Tensor | None = None,
    past_key: Tensor | None = None,
    past_value: Tensor | None = None,
    past_sequence_length: Tensor | None = None,
    cache_indirection: Tensor | None = None,
    *,
    num_heads: int,
    mask_filter_value: float = FILL,
    scale: float | None = None,
    unidirectional: int = 0,
) -> tuple[Tensor, ...]:
    """Attention of projected queries, keys and values: separate, packed, or keys and values of another layer.

    https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.MultiHeadAttention
    """
    if cache_indirection is not None:
        raise ValueError("cache_indirection is for beams in one buffer, which is not implemented")
    q, k, v = _queries_keys_values(query, key, value, bias, num_heads)
    offset: Size = 0 if past_key is None else past_key.shape[2]
    if past_key is not None and past_value is not None and past_sequence_length is not None:
        (offset,) = known_sizes(past_sequence_length)
        present_key, present_value = overwrite(past_key, k, offset), overwrite(past_value, v, offset)
        count = offset + k.shape[2]
        k, v = (four_dimensional(t).slice(2, 0, count) for t in (present_key, present_value))
    else:
        present_key, present_value = k, v = append_keys(past_key, k), append_keys(past_value, v)
    queries = q.shape[2]
    mask = added_mask(
        key_padding_mask,
        attention_bias,
        batch=q.shape[0],
        queries=queries,
        past=offset,
        keys=k.shape[2],
        fill=mask_filter_value,
    )
    causal = key_range(queries, offset, causal=bool(unidirectional))
    stages = attend(q, k, v, scale=scale or None, mask=mask, keys=causal)
    scores = map_tensors(lambda x: maximum(x, LOWEST), stages.masked)
    y, qk = (cast_tensor(t, query.dtype) for t in (stages.y, scores))
    return join_heads(y), present_key, present_value, qk


def _queries_keys_values(
    query: Tensor, key: Tensor | None, value: Tensor | None, bias: Tensor | None, heads: int
) -> list[Tensor]:
    """Queries, keys and values as [batch, heads, s, d], with their parts of the bias added."""
    if key is None:
        if query.ndim != 5:
            raise ValueError(f"query without key must be [batch, s, heads, 3, d], got {query}")
        parts = _unpacked(query, 3)
    elif value is None:
        if key.ndim != 5:
            raise ValueError(f"key without value must be [batch, s, heads, 2, d], got {key}")
        parts = [split_heads(query, heads), *_unpacked(key, 2)]
    else:
        parts = [x if x.ndim == 4 else split_heads(x, heads) for x in (query, key, value)]
        parts = [four_dimensional(x) for x in parts]
    if bias is None:
        return parts
    widths = [int(x.shape[1]) * int(x.shape[3]) for x in parts]
    pieces = _split_columns(bias, widths)
    return [
        map_tensors(lambda x, b: x + b, x, b.reshape([1, x.shape[1], 1, x.shape[3]]))
        for x, b in zip(parts, pieces, strict=True)
    ]


def _unpacked(x: Tensor, count: int) -> list[Tensor]:
    """The tensors packed as [batch, s, heads, count, d], each as [batch, heads, s, d]."""
    return [four_dimensional(x.slice(3, i, 1).squeeze(3).permute((0, 2, 1, 3))) for i in range(count)]
