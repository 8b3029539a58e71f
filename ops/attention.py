"""Scaled dot-product attention. https://arxiv.org/abs/1706.03762, https://arxiv.org/abs/2305.13245"""

from __future__ import annotations

from jitrt.calls import cast_tensor
from jitrt.dims import Size, same
from jitrt.opdef import operator
from jitrt.tensor import Tensor, concatenate, constant, map_tensors
from jitrt.types import BOOL, F32, from_onnx

from ._attention import LOWEST, append_keys, attend, four_dimensional, join_heads, key_range, split_heads
from ._shared import size_tensor


@operator("Attention", since=25)
def attention(
    Q: Tensor,
    K: Tensor,
    V: Tensor,
    attn_mask: Tensor | None = None,
    past_key: Tensor | None = None,
    past_value: Tensor | None = None,
    nonpad_kv_seqlen: Tensor | None = None,
    *,
    is_causal: int = 0,
    kv_num_heads: int | None = None,
    left_window_size: int = -1,
    q_num_heads: int | None = None,
    qk_matmul_output_mode: int = 0,
    right_window_size: int = -1,
    scale: float | None = None,
    softcap: float = 0.0,
    softmax_precision: int | None = None,
) -> tuple[Tensor, ...]:
    """Softmax of query-key products times values. https://onnx.ai/onnx/operators/onnx__Attention.html"""
    for side, window in (("left", left_window_size), ("right", right_window_size)):
        if window < -1:
            raise ValueError(f"{side}_window_size must be -1 or not negative, got {window}")
    if (past_key is None) != (past_value is None):
        raise ValueError("past_key and past_value must be given together")
    if past_key is not None and nonpad_kv_seqlen is not None:
        raise ValueError("nonpad_kv_seqlen cannot be combined with past_key and past_value")
    q, k, v = _heads(Q, q_num_heads), _heads(K, kv_num_heads), _heads(V, kv_num_heads)
    k, v = append_keys(past_key, k), append_keys(past_value, v)
    queries = q.shape[2]
    keys = key_range(
        queries,
        _position_of_first_query(queries, past_key, nonpad_kv_seqlen),
        causal=bool(is_causal),
        left=None if left_window_size < 0 else left_window_size,
        right=None if right_window_size < 0 else right_window_size,
        length=nonpad_kv_seqlen,
    )
    mask = None if attn_mask is None else _padded(attn_mask, k.shape[2])
    softmax_type = F32 if softmax_precision is None else from_onnx(softmax_precision)
    stages = attend(q, k, v, scale=scale, softcap=softcap, mask=mask, keys=keys, softmax_type=softmax_type)
    y = cast_tensor(stages.y, Q.dtype)
    shown = (stages.scores, stages.capped, stages.masked, stages.weights)[qk_matmul_output_mode]
    return join_heads(y) if Q.ndim == 3 else y, k, v, cast_tensor(shown, Q.dtype)


def _heads(x: Tensor, heads: int | None) -> Tensor:
    """[batch, s, heads * d] or [batch, heads, s, d] as [batch, heads, s, d]."""
    if x.ndim == 4:
        return four_dimensional(x)
    if x.ndim != 3 or heads is None:
        raise ValueError(f"expected 4 dimensions, or 3 with q_num_heads and kv_num_heads, got {x}")
    return split_heads(x, heads)


def _position_of_first_query(queries: Size, past_key: Tensor | None, lengths: Tensor | None) -> Size | Tensor:
    """How many keys precede the queries; [batch] where that differs, negative for queries without keys."""
    if lengths is not None:
        return map_tensors(lambda n, s: n - s, lengths, size_tensor(queries))
    return 0 if past_key is None else past_key.shape[2]


def _padded(mask: Tensor, keys: Size) -> Tensor:
    """The mask with as many columns as keys; those that it lacks exclude."""
    given = mask.shape[-1]
    if same(given, keys) or given >= keys:
        return mask
    boolean = mask.dtype == BOOL
    mask = mask if boolean else cast_tensor(mask, F32) if mask.dtype.kind in "iu" else mask
    missing = constant(not boolean and LOWEST, mask.dtype).reshape([1] * mask.ndim)
    return concatenate([mask, missing.expand([*mask.shape[:-1], keys - given])], mask.ndim - 1)


@operator("Attention", since=24)
def attention_24(
    Q: Tensor,
    K: Tensor,
    V: Tensor,
    attn_mask: Tensor | None = None,
    past_key: Tensor | None = None,
    past_value: Tensor | None = None,
    nonpad_kv_seqlen: Tensor | None = None,
    *,
    is_causal: int = 0,
    kv_num_heads: int | None = None,
    q_num_heads: int | None = None,
    qk_matmul_output_mode: int = 0,
    scale: float | None = None,
    softcap: float = 0.0,
    softmax_precision: int | None = None,
) -> tuple[Tensor, ...]:
    """Attention to all keys before a query. https://onnx.ai/onnx/operators/onnx__Attention.html"""
    return attention(
        Q,
        K,
        V,
        attn_mask,
        past_key,
        past_value,
        nonpad_kv_seqlen,
        is_causal=is_causal,
        kv_num_heads=kv_num_heads,
        q_num_heads=q_num_heads,
        qk_matmul_output_mode=qk_matmul_output_mode,
        scale=scale,
        softcap=softcap,
        softmax_precision=softmax_precision,
    )


@operator("Attention", since=23)
def attention_23(
    Q: Tensor,
    K: Tensor,
    V: Tensor,
    attn_mask: Tensor | None = None,
    past_key: Tensor | None = None,
    past_value: Tensor | None = None,
    *,
    is_causal: int = 0,
    kv_num_heads: int | None = None,
    q_num_heads: int | None = None,
    qk_matmul_output_mode: int = 0,
    scale: float | None = None,
    softcap: float = 0.0,
    softmax_precision: int | None = None,
) -> tuple[Tensor, ...]:
    """Attention with a mask of as many columns as keys, or 1.

    https://onnx.ai/onnx/operators/onnx__Attention.html
    """
    if attn_mask is not None and attn_mask.ndim and same(attn_mask.shape[-1], 1):
        total = K.shape[-2] if past_key is None else past_key.shape[2] + K.shape[-2]
        attn_mask = attn_mask.expand([*attn_mask.shape[:-1], total])
    return attention_24(
        Q,
        K,
        V,
        attn_mask,
        past_key,
        past_value,
        is_causal=is_causal,
        kv_num_heads=kv_num_heads,
        q_num_heads=q_num_heads,
        qk_matmul_output_mode=qk_matmul_output_mode,
        scale=scale,
        softcap=softcap,
        softmax_precision=softmax_precision,
    )
