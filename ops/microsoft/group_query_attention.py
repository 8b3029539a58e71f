"""Attention of groups of query heads to shared keys and values, with a cache."""

from __future__ import annotations

from jitrt.calls import cast_tensor
from jitrt.dims import Size, hint
from jitrt.expr import Expr, cast, minimum, sqrt, where
from jitrt.opdef import operator
from jitrt.tensor import Tensor, constant, known_sizes, map_indices, map_tensors
from jitrt.types import F32, I64

from .._attention import add_mask, attend, join_heads, key_range, within_range
from .._rotary import rotate
from .._shared import mean, size_tensor, widen
from ._key_value_cache import Rows, append, dequantize, from_row, quantize, sliding_rows

EPSILON = 9.999999974752427e-07


@operator("GroupQueryAttention", since=1, domain="com.microsoft")
def group_query_attention(
    query: Tensor,
    key: Tensor | None,
    value: Tensor | None,
    past_key: Tensor | None,
    past_value: Tensor | None,
    seqlens_k: Tensor,
    total_sequence_length: Tensor,
    cos_cache: Tensor | None = None,
    sin_cache: Tensor | None = None,
    position_ids: Tensor | None = None,
    attention_bias: Tensor | None = None,
    head_sink: Tensor | None = None,
    k_scale: Tensor | None = None,
    v_scale: Tensor | None = None,
    q_norm_weight: Tensor | None = None,
    k_norm_weight: Tensor | None = None,
    query_seqlens: Tensor | None = None,
    *,
    num_heads: int,
    kv_num_heads: int,
    causal: int = 1,
    do_rotary: int = 0,
    k_norm_epsilon: float | None = None,
    k_quant_type: str = "NONE",
    kv_cache_bit_width: int = 0,
    local_window_size: int = -1,
    q_norm_epsilon: float | None = None,
    qk_norm_epsilon: float = EPSILON,
    qk_output: int = 0,
    rotary_interleaved: int = 0,
    scale: float | None = None,
    sliding_window_cache: int = 0,
    smooth_softmax: int = -1,
    softcap: float = 0.0,
    v_quant_type: str = "NONE",
) -> tuple[Tensor, ...]:
    """Attention with a cache of keys and values that is as long as the longest sequence, or longer.

    https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.GroupQueryAttention
    """
    q, k, v = _separate(query, key, value, num_heads, kv_num_heads)
    batch, s = q.shape[:2]
    if q_norm_weight is not None:
        q = _normalized(q, q_norm_weight, q_norm_epsilon or qk_norm_epsilon)
    if k_norm_weight is not None:
        k = _normalized(k, k_norm_weight, k_norm_epsilon or qk_norm_epsilon)
    total = map_tensors(lambda n: cast(n, I64) + 1, seqlens_k.reshape([batch]))
    new = _new_tokens(total, s, query_seqlens)
    past = map_tensors(lambda t, n: t - n, total, new)
    (count,) = known_sizes(total_sequence_length)
    if do_rotary:
        if cos_cache is None or sin_cache is None:
            raise ValueError("cos_cache and sin_cache must be given where do_rotary is 1")
        positions = _positions(past, new, s) if position_ids is None else _given(position_ids, s, count)
        turned = bool(rotary_interleaved)
        q, k = (rotate(x, cos_cache, sin_cache, positions, interleaved=turned) for x in (q, k))
    rows = Rows(past, new, count)
    if sliding_window_cache:
        rows = _sliding_rows(past, new, s, past_key, local_window_size)
        if attention_bias is not None:  # its columns are positions, of which the first row has this one
            first = map_tensors(lambda past, held: past - held, past, rows.before)
            attention_bias = from_row(attention_bias, first, rows.longest, 3)
    keys = key_range(
        s,
        rows.before,
        causal=bool(causal),
        left=None if local_window_size < 0 else local_window_size - 1,
        length=map_tensors(lambda held, new: held + new, rows.before, new),
    )
    bits = kv_cache_bit_width or 8
    present_key, k = append(past_key, quantize(k, k_scale, k_quant_type, bits), rows)
    present_value, v = append(past_value, quantize(v, v_scale, v_quant_type, bits), rows)
    stages = attend(
        q.permute((0, 2, 1, 3)),
        dequantize(k, k_scale, k_quant_type, bits),
        dequantize(v, v_scale, v_quant_type, bits),
        scale=scale or None,
        softcap=softcap,
        mask=attention_bias,
        keys=keys,
        sink=_sink(head_sink, smooth_softmax == 1),
    )
    y = join_heads(cast_tensor(stages.y, query.dtype))
    scores = within_range(add_mask(stages.capped, attention_bias), keys, 0.0)
    qk = cast_tensor(stages.weights if qk_output == 2 else scores, query.dtype)
    return y, present_key, present_value, qk


def _sliding_rows(past: Tensor, new: Tensor, s: Size, cache: Tensor | None, window: int) -> Rows:
    """Raises ValueError for a cache that does not hold the window."""
    if cache is None:
        raise ValueError("sliding_window_cache=1 requires past_key and past_value to be present")
    if window < 1 or cache.shape[2] < window:
        raise ValueError(
            f"sliding_window_cache=1 needs a window of 1 to {hint(cache.shape[2])}, got {window}"
        )
    return sliding_rows(past, new, s, cache.shape[2], window)


def _separate(
    query: Tensor, key: Tensor | None, value: Tensor | None, heads: int, groups: int
) -> tuple[Tensor, ...]:
    """Queries [batch, s, heads, d], keys and values [batch, s, groups, d]; `query` may hold all three."""
    batch, s, hidden = query.shape[0], query.shape[1], int(query.shape[2])
    if key is not None and value is not None:
        parts = [(query, heads), (key, groups), (value, groups)]
        return tuple(x.reshape([batch, s, n, int(x.shape[2]) // n]) for x, n in parts)
    if hidden % (heads + 2 * groups):
        raise ValueError(
            f"packed {query} does not hold {heads} heads of queries and {groups} of keys and values"
        )
    packed = query.reshape([batch, s, heads + 2 * groups, hidden // (heads + 2 * groups)])
    return packed.slice(2, 0, heads), packed.slice(2, heads, groups), packed.slice(2, heads + groups, groups)


def _normalized(x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
    """Every head divided by its root mean square, times the weight [d]."""
    square = mean(map_tensors(lambda x: x * x, widen(x)), [3])
    y = map_tensors(lambda x, s, w: x / sqrt(s + epsilon) * w, widen(x), square, widen(weight))
    return cast_tensor(y, x.dtype)


def _new_tokens(total: Tensor, s: Size, query_seqlens: Tensor | None) -> Tensor:
    """How many tokens of each sequence are new, int64 [batch]: the rest of its s are padding."""
    if query_seqlens is None:
        return map_tensors(minimum, total, size_tensor(s))
    return map_tensors(lambda n: cast(n, I64), query_seqlens.reshape(total.shape))


def _positions(past: Tensor, new: Tensor, s: Size) -> Tensor:
    """The position of each token, int64 [batch, s, 1]; padding has that of the first one."""

    def position(b: Expr, i: Expr, c: Expr, past: Expr, new: Expr) -> Expr:
        return past + where(i < new, i, 0)

    batch = past.shape[0]
    return map_indices(position, (batch, s, 1), *(t.reshape([batch, 1, 1]) for t in (past, new)))


def _given(position_ids: Tensor, s: Size, total: Size) -> Tensor:
    """Position ids [batch, s, 1]; of a first prompt, the first id counts alone, as onnxruntime has it."""
    if s != total:
        return position_ids.unsqueeze(2)
    first = position_ids.slice(0, 0, 1).slice(1, 0, 1).reshape([])
    return map_indices(lambda b, i, c, first: first + i, (position_ids.shape[0], s, 1), first)


def _sink(head_sink: Tensor | None, smooth: bool) -> Tensor | None:
    """The score of one more key without a value: a head's own, or 0."""
    if head_sink is None:
        return constant(0, F32) if smooth else None
    return cast_tensor(head_sink.reshape([1, head_sink.shape[0], 1, 1]), F32)
