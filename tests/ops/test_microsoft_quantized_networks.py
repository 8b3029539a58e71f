"""DynamicQuantizeLSTM and QAttention against NumPy in float64 and onnxruntime."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from oracle import normal
from quantized_peer import onnxruntime_outputs

import jitrt

DOMAIN = "com.microsoft"
FUNCTIONS = {
    "Sigmoid": lambda x, a, b: 1 / (1 + np.exp(-x)),
    "Tanh": lambda x, a, b: np.tanh(x),
    "HardSigmoid": lambda x, a, b: np.clip(a * x + b, 0, 1),
    "Softsign": lambda x, a, b: x / (1 + np.abs(x)),
    "Affine": lambda x, a, b: a * x + b,
}


def rounded_to_range(x):
    """What uint8 numbers over the range of x and 0 make of x."""
    x = x.astype(np.float32)
    low, high = np.float32(min(x.min(), 0)), np.float32(max(x.max(), 0))
    scale = np.float32(1) if low == high else (high - low) / np.float32(255)
    zero = np.rint(-low / scale)
    return (np.clip(np.rint(x / scale) + zero, 0, 255) - zero) * np.float64(scale)


def by_column(parameter):
    return (parameter[:, None] if parameter.ndim == 1 else parameter).astype(np.float64)[:, None]


def lstm(X, W, R, B, lengths, h0, c0, P, W_scale, W_zero, R_scale, R_zero, **attributes):
    """Y and the final states, sample by sample and step by step."""
    (steps, samples, _), (directions, size, _) = X.shape, R.shape
    w = (W.astype(np.float64) - by_column(W_zero)) * by_column(W_scale)
    r = (R.astype(np.float64) - by_column(R_zero)) * by_column(R_scale)
    x = rounded_to_range(X if lengths is None else X[: max(lengths)])
    bias = np.zeros((directions, 8 * size)) if B is None else B.astype(np.float64)
    peepholes = np.zeros((directions, 3 * size)) if P is None else P.astype(np.float64)
    states = [np.zeros((directions, samples, size)) if s is None else s.astype(np.float64) for s in (h0, c0)]
    y = np.zeros((steps, directions, samples, size))
    for d, n in np.ndindex(directions, samples):
        length = steps if lengths is None else lengths[n]
        backward = d == 1 or attributes.get("direction") == "reverse"
        h, c = states[0][d, n], states[1][d, n]
        p = np.split(peepholes[d], 3)
        for t in range(length)[:: -1 if backward else 1]:
            total = x[t, n] @ w[d] + rounded_to_range(h) @ r[d] + bias[d, : 4 * size] + bias[d, 4 * size :]
            c, h = cell(np.split(total, 4), c, p, **attributes)
            y[t, d, n] = h
        states[0][d, n], states[1][d, n] = h, c
    return [y, *states]


def cell(
    gates,
    c,
    peepholes,
    *,
    activations=("Sigmoid", "Tanh", "Tanh"),
    activation_alpha=(),
    activation_beta=(),
    clip=np.inf,
    input_forget=0,
    **_,
):
    """The states after a step; gates are i, o, f, c."""
    scaled = iter(zip(activation_alpha, activation_beta, strict=True))
    takes = ("HardSigmoid", "Affine")
    numbers = [next(scaled) if name in takes else (0, 0) for name in activations[:3]]
    f, g, h = (
        lambda x, k=k: FUNCTIONS[activations[k]](np.clip(x, -clip, clip), *numbers[k]) for k in range(3)
    )
    i = f(gates[0] + peepholes[0] * c)
    forget = 1 - i if input_forget else f(gates[2] + peepholes[2] * c)
    c = forget * c + i * g(gates[3])
    return c, f(gates[1] + peepholes[1] * c) * h(c)


def lstm_inputs(directions, samples, dtype, *, columns=False, lengths=None, whole=True, steps=6, size=19):
    rng = np.random.default_rng(directions + 2 * columns)
    limits, inputs = np.iinfo(dtype), 8
    width = [directions, 4 * size] if columns else [directions]
    w, r = (
        rng.integers(limits.min, limits.max, (directions, k, 4 * size)).astype(dtype) for k in (inputs, size)
    )
    middle = (limits.min + limits.max) // 2
    # of columns onnxruntime knows one zero point, which for int8 is 0
    zeros = np.full(directions, 0 if dtype == np.int8 else 130) if columns else np.arange(directions) + middle
    w_zero = r_zero = np.broadcast_to(zeros.reshape([-1] + [1] * (len(width) - 1)), width).astype(dtype)
    scales = [(np.abs(normal(*width, seed=s)) / 400 + 0.002).astype(np.float32) for s in (1, 2)]
    state = [directions, samples, size]
    optional = [
        normal(directions, 8 * size) / 10,
        normal(*state) / 2,
        normal(*state),
        normal(directions, 3 * size) / 3,
    ]
    bias, h0, c0, peepholes = optional if whole else [None] * 4
    counts = None if lengths is None else np.array(lengths, np.int32)
    x = normal(steps, samples, inputs)
    return [x, w, r, bias, counts, h0, c0, peepholes, scales[0], w_zero, scales[1], r_zero]


def lstm_cases():
    for dtype, columns, directions in itertools.product((np.uint8, np.int8), (False, True), (1, 2)):
        direction = {"direction": "bidirectional"} if directions == 2 else {}
        yield lstm_inputs(directions, 1, dtype, columns=columns), direction
        yield (
            lstm_inputs(directions, 1, dtype, columns=columns, whole=False),
            {"clip": 0.9, "input_forget": 1, **direction},
        )
        yield (
            lstm_inputs(directions, 1, dtype, columns=columns, lengths=[4]),
            direction or {"direction": "reverse"},
        )
        names = ["HardSigmoid", "Softsign", "Affine"] * directions
        numbers = {"activation_alpha": [0.3, 0.5] * directions, "activation_beta": [0.4, 0.1] * directions}
        if not columns:
            yield lstm_inputs(directions, 1, dtype), {"activations": names, **numbers, **direction}
    yield lstm_inputs(1, 1, np.int8, size=40, steps=1), {}


LSTMS = list(lstm_cases())
BATCHES = [
    (lstm_inputs(2, 3, np.uint8, columns=True), {"direction": "bidirectional"}),
    (lstm_inputs(2, 4, np.int8, lengths=[6, 2, 1, 4]), {"direction": "bidirectional"}),
]
for number in (9, 11):
    BATCHES[0][0][number] = BATCHES[0][0][number] + np.arange(76, dtype=np.uint8) % 7
CLOSE = {"rtol": 1e-5, "atol": 2e-6}


def run_lstm(inputs, attributes):
    size = inputs[2].shape[1]
    return jitrt.call(
        "DynamicQuantizeLSTM", *inputs, domain=DOMAIN, outputs=3, hidden_size=size, **attributes
    )


@pytest.mark.parametrize(("inputs", "attributes"), LSTMS + BATCHES)
def test_lstm(inputs, attributes):
    for got, wanted in zip(run_lstm(inputs, attributes), lstm(*inputs, **attributes), strict=True):
        np.testing.assert_allclose(got, wanted, **CLOSE)


@pytest.mark.parametrize(("inputs", "attributes"), LSTMS)
def test_lstm_against_onnxruntime(inputs, attributes):
    """One sample: of several it quantises the states of those that one thread computes together."""
    wanted = onnxruntime_outputs(
        "DynamicQuantizeLSTM",
        inputs,
        outputs=3,
        constants=(1, 2, 8, 9, 10, 11),
        hidden_size=inputs[2].shape[1],
        **attributes,
    )
    for got, theirs in zip(run_lstm(inputs, attributes), wanted, strict=True):
        np.testing.assert_allclose(got, theirs, **CLOSE)


def attention(
    x,
    weight,
    bias,
    x_scale,
    w_scale,
    mask=None,
    x_zero=0,
    w_zero=0,
    past=None,
    *,
    num_heads,
    unidirectional=0,
    scale=None,
    mask_filter_value=-10000.0,
    do_rotary=0,
):
    whole = x.astype(np.int64) - np.int64(x_zero or 0)
    weights = weight.astype(np.int64) - np.int64(0 if w_zero is None else w_zero)
    projected = whole @ weights * (np.float64(x_scale) * w_scale) + bias
    batch, queries, _ = x.shape
    split = projected.reshape(batch, queries, 3, num_heads, -1).transpose(2, 0, 3, 1, 4)
    q, present = split[0], split[1:]
    before = 0 if past is None else past.shape[3]
    if do_rotary:
        q, present = (rotated(t, before) for t in (q, present[0])), present
        (q, k), present = q, present.copy()
        present[0] = k
    present = present if past is None else np.concatenate([past, present], 3)
    keys = before + queries
    scores = q @ present[0].swapaxes(2, 3) * (scale or 1 / np.sqrt(q.shape[3]))
    scores = scores + added_mask(mask, batch, queries, keys, mask_filter_value)
    if unidirectional:
        future = np.arange(keys) > np.arange(queries)[:, None] + before
        scores = np.where(future, -np.inf, scores)
    e = np.exp(scores - scores.max(-1, keepdims=True))
    y = e / e.sum(-1, keepdims=True) @ present[1]
    return [y.transpose(0, 2, 1, 3).reshape(batch, queries, -1), present]


def rotated(x, offset):
    """The halves of the last dimension turned by angles position / 10000^(2j / size)."""
    half = x.shape[-1] // 2
    angles = (np.arange(x.shape[-2]) + offset)[:, None] / 10000 ** (np.arange(half) / half)
    a, b = x[..., :half], x[..., half:]
    return np.concatenate(
        [a * np.cos(angles) - b * np.sin(angles), b * np.cos(angles) + a * np.sin(angles)], -1
    )


def added_mask(mask, batch, queries, keys, fill):
    if mask is None or mask.shape == (batch, 1):
        return 0
    if mask.ndim > 1:
        kept = mask.reshape(batch, 1, -1, keys) > 0
    else:
        ends, starts = mask[:batch], mask[batch : 2 * batch] if len(mask) == 2 * batch else np.zeros(batch)
        position = np.arange(keys)
        kept = ((position < ends[:, None]) & (position >= starts[:, None]))[:, None, None]
    return np.where(kept, 0, fill)


def attention_cases():
    batch, s, width, heads, size = 2, 5, 12, 3, 4
    rng = np.random.default_rng(0)
    columns = 3 * heads * size
    for dtype in (np.uint8, np.int8):
        limits = np.iinfo(dtype)
        x = rng.integers(0, 255, (batch, s, width)).astype(np.uint8)
        weight = rng.integers(limits.min, limits.max, (width, columns)).astype(dtype)
        bias = normal(columns)
        scales = (np.abs(normal(columns)) / 100 + 0.002).astype(np.float32)
        for before in (0, 3):
            total = s + before
            past = normal(2, batch, heads, before, size) if before else None
            masks = [
                None,
                rng.integers(0, 2, (batch, total)),
                rng.integers(0, 2, (batch, s, total)),
                np.array([total - 2, total]),
                np.array([3, total, 1, 2]),
                np.array([2, 4, 0, 3, 6, 0, 2, 4]),
                np.zeros((batch, 1)),
            ]
            for mask, causal in itertools.product(masks, (0, 1)):
                index = None if mask is None else mask.astype(np.int32)
                head = [x, weight, bias, np.float32(0.002), np.float32(0.01), index]
                options = {"unidirectional": 1, "mask_filter_value": -50.0} if causal else {}
                yield [*head, np.uint8(120), dtype(3), past], {"num_heads": heads, **options}
            head = [x, weight, bias, np.float32(0.002), scales, None]
            zeros = rng.integers(0, 9, columns).astype(dtype)
            yield [*head, np.uint8(120), zeros, past], {"num_heads": heads, "scale": 0.3}
            yield [*head, None, None, past], {"num_heads": heads}
            ends = np.array([total - 2, total], np.int32)
            yield [*head[:5], ends, None, None, past], {"num_heads": heads, "mask_filter_value": -1.0}


ATTENTIONS = list(attention_cases())


@pytest.mark.parametrize(("inputs", "attributes"), ATTENTIONS)
def test_attention(inputs, attributes):
    got = jitrt.call("QAttention", *inputs, domain=DOMAIN, outputs=2, **attributes)
    for mine, wanted in zip(got, attention(*inputs, **attributes), strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("inputs", "attributes"), ATTENTIONS)
def test_attention_against_onnxruntime(inputs, attributes):
    got = jitrt.call("QAttention", *inputs, domain=DOMAIN, outputs=2, **attributes)
    theirs = onnxruntime_outputs("QAttention", inputs, outputs=2, **attributes)
    for mine, wanted in zip(got, theirs, strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-5, atol=1e-5)


def test_attention_with_rotary_embedding():
    """onnxruntime ignores the attribute on the CPU."""
    for inputs, attributes in (ATTENTIONS[0], ATTENTIONS[17]):
        got = jitrt.call("QAttention", *inputs, domain=DOMAIN, outputs=2, do_rotary=1, **attributes)
        wanted = attention(*inputs, do_rotary=1, **attributes)
        for mine, theirs in zip(got, wanted, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-5)


def test_attention_in_float16():
    inputs, attributes = ATTENTIONS[1]
    halves = [
        x.astype(np.float16) if isinstance(x, (np.ndarray, np.generic)) and x.dtype == np.float32 else x
        for x in inputs
    ]
    got = jitrt.call("QAttention", *halves, domain=DOMAIN, outputs=2, **attributes)
    for mine, wanted in zip(got, attention(*halves, **attributes), strict=True):
        assert mine.dtype == np.float16
        np.testing.assert_allclose(mine.astype(np.float64), wanted, rtol=4e-3, atol=4e-3)


def test_attention_refuses_a_shared_buffer():
    inputs, attributes = ATTENTIONS[0]
    with pytest.raises(jitrt.errors.Fail, match="past_sequence_length tensor must be of one element"):
        jitrt.call("QAttention", *inputs, domain=DOMAIN, past_present_share_buffer=1, **attributes)


def test_lengths_change_from_call_to_call():
    for steps in (6, 9, 1):
        inputs = lstm_inputs(1, 2, np.int8, steps=steps)
        for got, wanted in zip(run_lstm(inputs, {}), lstm(*inputs), strict=True):
            np.testing.assert_allclose(got, wanted, **CLOSE)
