"""The attention operators of com.microsoft against a float64 oracle and onnxruntime."""

import numpy as np
import pytest
from attention_oracle import attend, both, inside, join, split
from oracle import compare, normal

import jitrt
import jitrt.eager

FILL = -10000.0
B, S, H, D = 2, 5, 3, 8


def call(op, *inputs, outputs=1, **attributes):
    return jitrt.call(op, *inputs, domain="com.microsoft", outputs=outputs, **attributes)


def int32s(*values):
    return np.array(values, np.int32)


def filled(mask):
    return np.where(np.asarray(mask) > 0, 0.0, FILL)


def lengths_mask(ends, keys, starts=(0, 0)):
    key = np.arange(keys)
    outside = (key >= np.reshape(ends, (-1, 1))) | (key < np.reshape(starts, (-1, 1)))
    return np.where(outside, FILL, 0.0)[:, None, None]


def agree(ours, theirs, tolerance=5):
    for mine, other in zip(ours, theirs, strict=True):
        compare(mine, other, tolerance)


RAW = (np.random.default_rng(1).random((B, S)) > 0.4).astype(np.int32)
SQUARE = (np.random.default_rng(2).random((B, S, S)) > 0.4).astype(np.int32)
MASKS = {
    "none": (None, None),
    "ends": (int32s(3, 5), lengths_mask([3, 5], S)),
    "ends and starts": (int32s(4, 5, 1, 2), lengths_mask([4, 5], S, [1, 2])),
    "ends and cumulated": (int32s(3, 5, 0, 5, 10, 0, 3, 8), lengths_mask([3, 5], S)),
    "keys": (RAW, filled(RAW)[:, None, None]),
    "queries and keys": (SQUARE, filled(SQUARE)[:, None]),
}


@pytest.mark.parametrize("causal", [0, 1])
@pytest.mark.parametrize("kind", MASKS)
def test_attention_masks(kind, causal):
    mask, added = MASKS[kind]
    inputs = normal(B, S, 10), normal(10, 3 * H * D, seed=1), normal(3 * H * D, seed=2)
    options = {"num_heads": H, "unidirectional": causal}
    ours, present = call("Attention", *inputs, mask, outputs=2, **options)
    q, k, v = np.split(inputs[0].astype(np.float64) @ inputs[1] + inputs[2], 3, -1)
    q, k, v = (split(x, H) for x in (q, k, v))
    wanted = attend(q, k, v, mask=added, inside=inside(S, S, causal=causal))[0]
    compare(ours, join(wanted), 1000)  # -10000 leaves few bits for the scores
    compare(present, np.stack([k, v]), 20)
    agree(*both("Attention", [*inputs, mask], 2, **options), 50 if mask is None else 1000)


def test_attention_with_a_mask_over_positions():
    x, w, b = normal(B, 2, 10), normal(10, 3 * H * D, seed=1), normal(3 * H * D, seed=2)
    past = normal(2, B, H, 3, D, seed=3)
    positions = np.tile(np.tri(9, dtype=np.int32), (B, 1, 1, 1))
    ours = call("Attention", x, w, b, positions, past, num_heads=H)
    causal = call("Attention", x, w, b, None, past, num_heads=H, unidirectional=1)
    compare(ours, causal)


@pytest.mark.parametrize("past", [0, 1, 4])
def test_attention_with_a_past(past):
    inputs = normal(B, S, 10), normal(10, 3 * H * D, seed=1), normal(3 * H * D, seed=2)
    cache, bias = normal(2, B, H, past, D, seed=3), normal(B, 1, S, past + S, seed=4)
    options = {"num_heads": H, "unidirectional": 1, "scale": 0.25}
    y, present = call("Attention", *inputs, None, cache, bias, outputs=2, **options)
    q, k, v = np.split(inputs[0].astype(np.float64) @ inputs[1] + inputs[2], 3, -1)
    present_oracle = np.concatenate([cache, np.stack([split(k, H), split(v, H)])], 3)
    where = inside(S, past + S, past, causal=True)
    wanted = attend(split(q, H), *present_oracle, scale=0.25, mask=bias, inside=where)[0]
    compare(y, join(wanted), 10)
    compare(present, present_oracle, 20)
    if past:
        agree(*both("Attention", [*inputs, None, cache], 2, **options), 20)


def test_attention_in_a_shared_buffer_equals_a_growing_one():
    x, w, b = normal(B, 2, 10), normal(10, 3 * H * D, seed=1), normal(3 * H * D, seed=2)
    past = normal(2, B, H, 3, D, seed=3)
    grown, present = call("Attention", x, w, b, None, past, outputs=2, num_heads=H, unidirectional=1)
    buffer = np.concatenate([past, normal(2, B, H, 6, D, seed=9)], 3)
    options = {"num_heads": H, "unidirectional": 1, "past_present_share_buffer": 1}
    shared, whole = call("Attention", x, w, b, None, buffer, None, int32s(3), outputs=2, **options)
    compare(shared, grown)
    compare(whole[:, :, :, :5], present)
    np.testing.assert_array_equal(whole[:, :, :, 5:], buffer[:, :, :, 5:])


def test_attention_of_several_hidden_sizes_and_without_bias():
    x, w = normal(B, S, 10), normal(10, 2 * H * D + H * 4, seed=1)
    sizes = [H * D, H * D, H * 4]
    q, k, v = (split(t, H) for t in np.split(x.astype(np.float64) @ w, np.cumsum(sizes)[:2], -1))
    options = {"num_heads": H, "qkv_hidden_sizes": sizes}
    compare(call("Attention", x, w, **options), join(attend(q, k, v)[0]), 10)
    agree(*both("Attention", [x, w, np.zeros(sum(sizes), np.float32)], **options), 10)


def test_attention_with_rotary():
    x, w, past = normal(B, 3, 10), normal(10, 3 * H * D, seed=1), normal(2, B, H, 2, D, seed=3)
    q, k, v = (split(t, H) for t in np.split(x.astype(np.float64) @ w, 3, -1))
    angles = (2 + np.arange(3))[:, None] * 10000.0 ** (-2 * np.arange(D // 2) / D)

    def turn(t):
        first, second = t[..., : D // 2], t[..., D // 2 :]
        c, s = np.cos(angles), np.sin(angles)
        return np.concatenate([first * c - second * s, first * s + second * c], -1)

    keys, values = np.concatenate([past[0], turn(k)], 2), np.concatenate([past[1], v], 2)
    compare(
        call("Attention", x, w, None, None, past, num_heads=H, do_rotary=1),
        join(attend(turn(q), keys, values)[0]),
        20,
    )


@pytest.mark.parametrize("kind", MASKS)
@pytest.mark.parametrize("causal", [0, 1])
def test_multi_head_attention_masks(kind, causal):
    mask, added = MASKS[kind]
    inputs = [normal(B, S, H * D, seed=i) for i in range(3)]
    bias, scores = normal(3 * H * D, seed=4), normal(1, H, S, S, seed=5)
    options = {"num_heads": H, "unidirectional": causal}
    ours = call("MultiHeadAttention", *inputs, bias, mask, scores, **options)
    q, k, v = (split(x + b, H) for x, b in zip(inputs, np.split(bias, 3), strict=True))
    total = scores if added is None else scores + added
    compare(ours, join(attend(q, k, v, mask=total, inside=inside(S, S, causal=causal))[0]), 1000)
    if kind != "ends and starts":  # which onnxruntime takes for Attention alone
        agree(*both("MultiHeadAttention", [*inputs, bias, mask, scores], **options), 1000)


def test_multi_head_attention_packed_and_of_another_layer():
    q, k, v = (normal(B, s, H * D, seed=i) for i, s in enumerate((S, 7, 7)))
    wanted = call("MultiHeadAttention", q, k, v, num_heads=H)
    compare(wanted, join(attend(*(split(x, H) for x in (q, k, v)))[0]), 5)
    pair = np.stack([x.reshape(B, 7, H, D) for x in (k, v)], 3)
    compare(call("MultiHeadAttention", q, pair, num_heads=H), wanted)
    layer = [np.ascontiguousarray(split(x, H)) for x in (k, v)]
    compare(call("MultiHeadAttention", q, *layer, num_heads=H), wanted)
    agree(*both("MultiHeadAttention", [q, *layer], num_heads=H))
    triple = np.stack([x.reshape(B, 7, H, D) for x in (k, k, v)], 3)
    compare(call("MultiHeadAttention", triple, num_heads=H), call("MultiHeadAttention", k, k, v, num_heads=H))


@pytest.mark.parametrize("past", [1, 4])
def test_multi_head_attention_with_a_past(past):
    q, k, v = (normal(B, S, H * D, seed=i) for i in range(3))
    cache = [normal(B, H, past, D, seed=3), normal(B, H, past, D, seed=4)]
    inputs = [q, k, v, None, None, None, *cache]
    options = {"num_heads": H, "unidirectional": 1}
    ours, theirs = both("MultiHeadAttention", inputs, 4, **options)
    agree(ours[:3], theirs[:3])
    keys, values = (np.concatenate([c, split(x, H)], 2) for c, x in zip(cache, (k, v), strict=True))
    stages = attend(split(q, H), keys, values, inside=inside(S, past + S, past, causal=True))
    compare(ours[0], join(stages[0]), 5)
    lowest = np.finfo(np.float32).min
    compare(ours[3], np.maximum(stages[3], lowest), 5)
    np.testing.assert_allclose(ours[3], theirs[3], rtol=1e-5, atol=1e-5)


def test_multi_head_attention_in_a_shared_buffer():
    q, k, v = (normal(B, 2, H * D, seed=i) for i in range(3))
    buffers = [normal(B, H, 9, D, seed=3), normal(B, H, 9, D, seed=4)]
    inputs = [q, k, v, None, None, None, *buffers, int32s(3)]
    agree(*both("MultiHeadAttention", inputs, 3, num_heads=H))


@pytest.mark.parametrize("interleaved", [0, 1])
@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((2, 3, 4, 8), {}),
        ((2, 4, 24), {"num_heads": 3}),
        ((2, 4, 24), {}),
        ((2, 4, 24), {"num_heads": 3, "rotary_embedding_dim": 4}),
        ((2, 3, 4, 8), {"num_heads": 3, "rotary_embedding_dim": 4, "is_packed_batching": 1}),
    ],
)
@pytest.mark.parametrize(
    "positions", [np.array([3]), np.array([[0, 5, 2, 1], [9, 3, 3, 0]])], ids=["one", "all"]
)
def test_rotary_embedding(shape, options, positions, interleaved):
    half = options.get("rotary_embedding_dim", 8) // 2
    caches = [normal(10, half, seed=1), normal(10, half, seed=2)]
    x = normal(*shape)
    ours, theirs = both("RotaryEmbedding", [x, positions, *caches], interleaved=interleaved, **options)
    agree(ours, theirs)
    heads = x.astype(np.float64) if x.ndim == 4 else split(x.astype(np.float64), 3)
    rows = positions if positions.ndim == 2 else np.tile(positions + np.arange(4), (2, 1))
    c, s = (t[rows][:, None].astype(np.float64) for t in caches)
    first = heads[..., 0 : 2 * half : 2] if interleaved else heads[..., :half]
    second = heads[..., 1 : 2 * half : 2] if interleaved else heads[..., half : 2 * half]
    turned = [first * c - second * s, first * s + second * c]
    pairs = (
        np.stack(turned, -1).reshape(*first.shape[:-1], 2 * half)
        if interleaved
        else np.concatenate(turned, -1)
    )
    wanted = np.concatenate([pairs, heads[..., 2 * half :]], -1)
    compare(ours[0], wanted if x.ndim == 4 else join(wanted))


def test_rotary_embedding_position_out_of_range():
    x, caches = normal(1, 2, 8), [normal(4, 4), normal(4, 4)]
    with pytest.raises(Exception, match="position_ids"):
        call("RotaryEmbedding", x, np.array([[0, 4]]), *caches, num_heads=1)
