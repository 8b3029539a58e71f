"""Attention without softmax, and the convolution before it, against float64 NumPy."""

import numpy as np
import pytest
from attention_oracle import join, split
from oracle import BF16, Case, compare, normal, table

import jitrt
import jitrt.eager


def linear_attention(
    q,
    k,
    v,
    past=None,
    decay=None,
    beta=None,
    *,
    q_num_heads,
    kv_num_heads,
    scale=0.0,
    update_rule="gated_delta",
):
    q, k, v = split(q, q_num_heads), split(k, kv_num_heads), split(v, kv_num_heads)
    batch, heads, length, size = k.shape
    state = np.zeros((batch, heads, size, v.shape[3])) if past is None else past.copy()
    gate = np.ones((batch, heads, length, 1)) if decay is None else np.exp(split(decay, heads))
    rate = (
        None if beta is None else np.broadcast_to(beta, (batch, length, heads)).transpose(0, 2, 1)[..., None]
    )
    y = np.empty((*q.shape[:3], v.shape[3]))
    for t in range(length):
        state = state * gate[:, :, t, :, None]
        change = v[:, :, t]
        if rate is not None:
            change = rate[:, :, t] * (change - np.einsum("bhij,bhi->bhj", state, k[:, :, t]))
        state = state + k[:, :, t, :, None] * change[:, :, None]
        read = np.repeat(state, q_num_heads // heads, 1)
        y[:, :, t] = np.einsum("bhij,bhi->bhj", read, q[:, :, t]) * (scale or size**-0.5)
    return join(y), state


def recurrent(
    rule, decay=None, beta=None, heads=(4, 2), length=5, dtype=np.float32, state=None, **attributes
):
    """A case with a decay and a rate of as many columns as said."""
    q, k, v = (
        normal(2, length, n * d, dtype=dtype, seed=i)
        for i, (n, d) in enumerate(zip((heads[0], heads[1], heads[1]), (3, 3, 4), strict=True))
    )
    k = k / np.float32(3)
    decay = None if decay is None else -abs(normal(2, length, decay, dtype=dtype, seed=4))
    beta = None if beta is None else abs(normal(2, length, beta, dtype=dtype, seed=5)) / np.float32(4)
    inputs = [q, k.astype(dtype), v, state, decay, None if beta is None else beta.astype(dtype)]
    options = {"q_num_heads": heads[0], "kv_num_heads": heads[1], "update_rule": rule, **attributes}
    return Case("LinearAttention", inputs, options, linear_attention, 27, outputs=2, tolerance=10)


STATE = normal(2, 2, 3, 4, seed=7)
RECURRENCES = [
    recurrent("linear"),
    recurrent("gated", 2),
    recurrent("gated", 6),
    recurrent("delta", None, 2),
    recurrent("gated_delta", 2, 1),
    recurrent("gated_delta", 6, 2, state=STATE),
    recurrent("gated_delta", 6, 2, state=STATE, length=1, scale=0.3),
    recurrent("linear", state=STATE, heads=(2, 2)),
    recurrent("gated_delta", 2, 2, dtype=np.float16, state=STATE),
    recurrent("delta", None, 1, dtype=BF16),
    recurrent("delta", None, 1, length=0, state=STATE),
]


@table(RECURRENCES)
def test_linear_attention(case):
    case.check()


def test_linear_attention_in_two_parts():
    whole = recurrent("gated_delta", 2, 1, length=6)
    q, k, v, _, decay, beta = whole.inputs
    y, state = jitrt.call("LinearAttention", *whole.inputs, outputs=2, **whole.attributes)
    first = [x[:, :4] for x in (q, k, v)], [x[:, :4] for x in (decay, beta)]
    rest = [x[:, 4:] for x in (q, k, v)], [x[:, 4:] for x in (decay, beta)]
    y1, middle = jitrt.call("LinearAttention", *first[0], None, *first[1], outputs=2, **whole.attributes)
    y2, end = jitrt.call("LinearAttention", *rest[0], middle, *rest[1], outputs=2, **whole.attributes)
    compare(np.concatenate([y1, y2], 1), y)
    compare(end, state)


@pytest.mark.parametrize(
    ("inputs", "attributes", "message"),
    [
        (recurrent("gated").inputs, {"update_rule": "gated"}, "needs decay"),
        (recurrent("linear", 2).inputs, {"update_rule": "linear"}, "takes no decay"),
        (recurrent("linear").inputs, {"update_rule": "cubic"}, "expected one of linear"),
        (recurrent("gated", 5).inputs, {"update_rule": "gated"}, "decay"),
    ],
)
def test_linear_attention_names_what_does_not_fit(inputs, attributes, message):
    with pytest.raises(Exception, match=message):
        jitrt.call("LinearAttention", *inputs, q_num_heads=4, kv_num_heads=2, **attributes)


def causal_convolution(x, w, bias=None, past=None, activation="none"):
    taps = w.shape[2]
    before = np.zeros((*x.shape[:2], taps - 1)) if past is None else past
    sequence = np.concatenate([before, x], 2)
    y = sum(sequence[:, :, i : i + x.shape[2]] * w[:, 0, i, None] for i in range(taps))
    y = y if bias is None else y + bias[:, None]
    return y if activation == "none" else y / (1 + np.exp(-y)), sequence[:, :, x.shape[2] :]


def convolution(taps=4, length=6, dtype=np.float32, bias=False, state=False, tolerance=2.0, **attributes):
    inputs = [normal(2, 3, length, dtype=dtype), normal(3, 1, taps, dtype=dtype, seed=1)]
    inputs += [normal(3, dtype=dtype, seed=2) if bias else None]
    inputs += [normal(2, 3, taps - 1, dtype=dtype, seed=3) if state else None]
    return Case(
        "CausalConvWithState", inputs, attributes, causal_convolution, 27, outputs=2, tolerance=tolerance
    )


CONVOLUTIONS = [
    convolution(taps, length, bias=bool(taps % 2), state=taps > 2)
    for taps in (1, 2, 4, 5, 19)
    for length in (1, 6)
]
CONVOLUTIONS += [convolution(activation=a, bias=True, state=True) for a in ("silu", "swish")]
CONVOLUTIONS += [convolution(dtype=t, bias=True, state=True, activation="silu") for t in (np.float16, BF16)]


@table(CONVOLUTIONS)
def test_causal_convolution(case):
    case.check()
