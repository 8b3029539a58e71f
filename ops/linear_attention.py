"""Attention without softmax, whose state does not grow, and the convolution before it."""

from __future__ import annotations

from jitrt.calls import cast_tensor, launch
from jitrt.dims import Size
from jitrt.expr import Expr, exp
from jitrt.opdef import operator
from jitrt.tensor import Tensor, concatenate, constant, map_tensors
from jitrt.types import F32

from ._shared import widen

RULES = ("linear", "gated", "delta", "gated_delta")
ACTIVATIONS = ("none", "silu", "swish")


@operator("LinearAttention", since=27)
def linear_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    past_state: Tensor | None = None,
    decay: Tensor | None = None,
    beta: Tensor | None = None,
    *,
    chunk_size: int = 64,
    kv_num_heads: int,
    q_num_heads: int,
    scale: float = 0.0,
    update_rule: str = "gated_delta",
) -> tuple[Tensor, Tensor]:
    """A state for each head takes up keys and values, and answers queries, one after the other.

    https://onnx.ai/onnx/operators/onnx__LinearAttention.html
    """
    if update_rule not in RULES:
        raise ValueError(f"update_rule is {update_rule!r}, expected one of {', '.join(RULES)}")
    if kv_num_heads < 1 or q_num_heads < 1 or q_num_heads % kv_num_heads:
        raise ValueError(f"q_num_heads {q_num_heads} is not a multiple of kv_num_heads {kv_num_heads}")
    _check_given("decay", decay, "gated" in update_rule, update_rule)
    _check_given("beta", beta, "delta" in update_rule, update_rule)
    batch, s, _ = query.shape
    q, k = _heads(query, q_num_heads), _heads(key, kv_num_heads)
    v = _heads(value, kv_num_heads)
    if q.shape[3] != k.shape[3]:
        raise ValueError(f"head sizes differ: query {query}, key {key}")
    state_shape = [batch, kv_num_heads, k.shape[3], v.shape[3]]
    one = constant(1, F32).reshape([1, 1, 1, 1])
    gate = one if decay is None else map_tensors(exp, _gate(decay, kv_num_heads, k.shape[3]))
    rate = one if beta is None else _rate(beta, kv_num_heads)
    zero = constant(0, F32).reshape([1, 1, 1, 1])
    past = (zero if past_state is None else cast_tensor(past_state, F32)).expand(state_shape)
    y, state, _ = launch(
        recur,
        *(cast_tensor(t, F32) for t in (q, k, v)),
        past,
        gate,
        rate,
        outputs=[
            (F32, [batch, s, q_num_heads, v.shape[3]]),
            (F32, state_shape),
            (F32, [batch, kv_num_heads, v.shape[3]]),
        ],
        scalars=[int(decay is not None), int(beta is not None), scale or float(k.shape[3]) ** -0.5],
        extent=batch * kv_num_heads,
        flops=8 * k.size * v.shape[3],
    )
    y = cast_tensor(y, query.dtype).reshape([batch, s, q_num_heads * v.shape[3]])
    return y, cast_tensor(state, query.dtype if past_state is None else past_state.dtype)


def _check_given(name: str, given: Tensor | None, needed: bool, rule: str) -> None:
    if needed != (given is not None):
        raise ValueError(f"update_rule {rule!r} {'needs' if needed else 'takes no'} {name}")


def _heads(x: Tensor, heads: int) -> Tensor:
    """[batch, s, heads * d] as [batch, s, heads, d]."""
    if x.ndim != 3 or x.shape[2] % heads != 0:
        raise ValueError(f"expected [batch, s, {heads} * head size], got {x}")
    return x.reshape([x.shape[0], x.shape[1], heads, int(x.shape[2]) // heads])


def _gate(decay: Tensor, heads: int, size: Size) -> Tensor:
    """The decay of a head's keys, or of each channel of them, float32 [batch, s, heads, 1 or size]."""
    if decay.ndim != 3 or int(decay.shape[2]) not in (heads, heads * size):
        raise ValueError(f"decay is {decay}, expected [batch, s, {heads}] or [batch, s, {heads * size}]")
    return cast_tensor(_heads(decay, heads), F32)


def _rate(beta: Tensor, heads: int) -> Tensor:
    """The rate of each head's update, float32 [batch, s, heads, 1]."""
    batch, s, last = beta.shape
    if int(last) not in (heads, 1):
        raise ValueError(f"beta is {beta}, expected [batch, s, {heads}] or [batch, s, 1]")
    return cast_tensor(beta, F32).expand([batch, s, heads]).unsqueeze(3)


def recur(Y, state, change, Q, K, V, past, gate, rate, gated, corrected, scale, begin, end):
    """The outputs and the last state S of heads begin..end of [batch, kv heads].

    At each t: S = gate S; change = rate (v - S'k), v where not `corrected`; S += k change'; y = scale S'q.
    """
    length, heads, size, columns = K.shape[1], K.shape[2], K.shape[3], V.shape[3]
    each = Q.shape[2] // heads
    for unit in range(begin, end):
        b, h = unit // heads, unit % heads
        for i in range(size):
            for j in range(columns):
                state[b, h, i, j] = past[b, h, i, j]
        for j in range(columns):
            change[b, h, j] = 0
        for t in range(length):
            for j in range(columns):
                change[b, h, j] = 0
            if gated or corrected:
                for i in range(size):
                    kept = gate[b, t, h, i if gate.shape[3] > 1 else 0] if gated else 1
                    k = K[b, t, h, i]
                    for j in range(columns):
                        value = state[b, h, i, j] * kept
                        state[b, h, i, j] = value
                        change[b, h, j] += value * k
            factor = rate[b, t, h, 0] if corrected else 1
            for j in range(columns):
                recalled = change[b, h, j] if corrected else 0
                change[b, h, j] = factor * (V[b, t, h, j] - recalled)
            for q in range(h * each, (h + 1) * each):
                for j in range(columns):
                    Y[b, t, q, j] = 0
            for i in range(size):
                k = K[b, t, h, i]
                for j in range(columns):
                    state[b, h, i, j] += k * change[b, h, j]
                for q in range(h * each, (h + 1) * each):
                    weight = Q[b, t, q, i] * scale
                    for j in range(columns):
                        Y[b, t, q, j] += weight * state[b, h, i, j]


@operator("CausalConvWithState", since=27)
def causal_conv_with_state(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    past_state: Tensor | None = None,
    *,
    activation: str = "none",
) -> tuple[Tensor, Tensor]:
    """Convolve each channel with its past; the end of what was read is the state.

    https://onnx.ai/onnx/operators/onnx__CausalConvWithState.html
    """
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation is {activation!r}, expected one of {', '.join(ACTIVATIONS)}")
    if input.ndim != 3 or weight.ndim != 3:
        raise ValueError(f"expected [batch, channels, length] and [channels, 1, k], got {input} and {weight}")
    batch, channels, length = input.shape
    taps = int(weight.shape[2])
    if past_state is None:
        past_state = constant(0, input.dtype).reshape([1, 1, 1]).expand([batch, channels, taps - 1])
    sequence = concatenate([past_state, input], 2)
    rows = [widen(sequence.slice(2, start, length)) for start in range(taps)]
    weight = weight.slice(1, 0, 1).reshape([channels, taps])
    factors = [widen(weight.slice(1, tap, 1)) for tap in range(taps)]
    shift = constant(0, rows[0].dtype) if bias is None else widen(bias).reshape([channels, 1])
    total = map_tensors(lambda x, w, b: x * w + b, rows[0], factors[0], shift)
    for row, factor in zip(rows[1:], factors[1:], strict=True):
        total = map_tensors(lambda t, x, w: t + x * w, total, row, factor)
    y = total if activation == "none" else map_tensors(_silu, total)
    return cast_tensor(y, input.dtype), sequence.slice(2, length, taps - 1)


def _silu(x: Expr) -> Expr:
    return x / (1 + exp(-x))
