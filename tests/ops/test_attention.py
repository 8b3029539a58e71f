"""Attention, its caches and rotations, and attention without softmax, against float64 NumPy."""

import ml_dtypes
import numpy as np
import pytest
from attention_oracle import attend, inside, join, split
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import BF16, FLOATS, Case, compare, int64s, normal, table, widened

import jitrt
import jitrt.eager

MODES = {0: 1, 1: 2, 2: 3, 3: 4}  # of qk_matmul_output to the oracle's stage


def attention(
    q,
    k,
    v,
    mask=None,
    past_key=None,
    past_value=None,
    lengths=None,
    *,
    q_num_heads=None,
    kv_num_heads=None,
    is_causal=0,
    left_window_size=-1,
    right_window_size=-1,
    qk_matmul_output_mode=0,
    scale=None,
    softcap=0.0,
    softmax_precision=None,
):
    packed = q.ndim == 3
    if packed:
        q, k, v = split(q, q_num_heads), split(k, kv_num_heads), split(v, kv_num_heads)
    if past_key is not None:
        k, v = np.concatenate([past_key, k], 2), np.concatenate([past_value, v], 2)
    s, t = q.shape[2], k.shape[2]
    offset = past_key.shape[2] if past_key is not None else 0 if lengths is None else lengths - s
    if mask is not None and mask.shape[-1] < t:
        missing = [(0, 0)] * (mask.ndim - 1) + [(0, t - mask.shape[-1])]
        mask = np.pad(
            mask if mask.dtype == bool else widened(mask),
            missing,
            constant_values=-np.inf if mask.dtype != bool else False,
        )
    where = inside(s, t, offset, is_causal, left_window_size, right_window_size, lengths)
    stages = attend(q, k, v, scale, softcap, mask, where)
    shown = np.broadcast_to(stages[MODES[qk_matmul_output_mode]], (*q.shape[:3], t))
    return (join(stages[0]) if packed else stages[0]), k, v, shown


def case(*inputs, outputs=4, tolerance=5.0, version=25, **attributes):
    return Case("Attention", inputs, attributes, attention, version, outputs=outputs, tolerance=tolerance)


def qkv(s=4, t=6, heads=(3, 3), sizes=(8, 8), batch=2, dtype=np.float32, packed=False):
    """Queries, keys and values; `heads` and `sizes` are those of queries and keys, keys and values."""
    shapes = [(heads[0], s, sizes[0]), (heads[1], t, sizes[0]), (heads[1], t, sizes[1])]
    arrays = [normal(batch, *shape, dtype=dtype, seed=i) for i, shape in enumerate(shapes)]
    return [np.ascontiguousarray(join(x)) for x in arrays] if packed else arrays


def past(length, heads=3, sizes=(8, 8), batch=2, dtype=np.float32):
    return [normal(batch, heads, length, size, dtype=dtype, seed=5 + i) for i, size in enumerate(sizes)]


def choice(*shape, dtype=bool):
    return (np.random.default_rng(3).random(shape) > 0.4).astype(dtype)


GQA = {"heads": (6, 2), "sizes": (8, 5)}
PLAIN = [case(*qkv(dtype=t), tolerance=1 if t in (np.float16, BF16) else 10) for t in FLOATS]
PLAIN += [case(*qkv(**GQA)), case(*qkv(s=1, **GQA)), case(*qkv(t=1)), case(*qkv(batch=1, heads=(4, 1)))]
PLAIN += [
    case(*qkv(packed=True, heads=h), q_num_heads=h[0], kv_num_heads=h[1], is_causal=c)
    for h in ((3, 3), (6, 2))
    for c in (0, 1)
]
PLAIN += [case(*qkv(), scale=0.1), case(*qkv(), softcap=0.7), case(*qkv(), softmax_precision=11)]
PLAIN += [case(*qkv(dtype=np.float64)[:2], qkv()[2]), case(*qkv()[:2], qkv(dtype=np.float16)[2])]
MASKED = [
    case(*qkv(), choice(*shape), is_causal=c)
    for shape in ((4, 6), (6,), (1, 6), (3, 4, 6), (2, 1, 4, 6), (2, 3, 4, 6), (4, 5), (2, 1, 1, 3))
    for c in (0, 1)
]
MASKED += [case(*qkv(dtype=t), normal(4, 6, dtype=t), tolerance=10 if t == np.float64 else 5) for t in FLOATS]
MASKED += [case(*qkv(), choice(4, 6, dtype=t)) for t in (np.int32, np.int64, np.uint8)]
MASKED += [case(*qkv(), normal(2, 1, 4, 4), is_causal=1), case(*qkv(), choice(2, 3, 4, 6)[:1], version=23)]
MASKED += [  # version 23 repeats a mask of one column
    Case(
        "Attention",
        [*qkv(), choice(4, 1)],
        {},
        lambda q, k, v, m: attention(q, k, v, np.repeat(m, 6, 1))[0],
        23,
        tolerance=5,
    )
]
MASKED += [case(*qkv(), normal(4, 6), softcap=0.5, is_causal=1, qk_matmul_output_mode=mode) for mode in MODES]
CACHED = [
    case(*qkv(s, 3, h), mask, *past(n, h[1]), is_causal=1)
    for h in ((3, 3), (6, 2))
    for s, n, mask in ((3, 5, None), (3, 0, None), (1, 4, None), (3, 1, choice(3, 4)))
]
CACHED += [case(*qkv(1, 1, dtype=np.float16), None, *past(4, dtype=np.float16), tolerance=1)]
LENGTHS = [
    case(*qkv(), mask, None, None, int64s(*lengths), is_causal=c, **windows)
    for lengths in ((6, 4), (2, 0))
    for c in (0, 1)
    for mask, windows in ((None, {}), (choice(4, 6), {"left_window_size": 1}), (normal(4, 6), {}))
]
WINDOWS = [
    case(*qkv(), left_window_size=left, right_window_size=right, is_causal=c)
    for left, right, c in ((2, -1, 0), (-1, 1, 0), (1, 1, 0), (0, 0, 0), (2, 3, 1), (2**40, 2**40, 0))
]
WINDOWS += [case(*qkv(), None, *past(3), left_window_size=2, is_causal=1)]


@table(PLAIN, MASKED, CACHED, LENGTHS, WINDOWS)
def test_attention(case):
    case.check()


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_attention_of_any_sizes(data):
    batch, s, t, groups, each = (data.draw(st.integers(1, n)) for n in (3, 20, 20, 3, 3))
    before = data.draw(st.integers(0, 20))
    inputs = [*qkv(s, t, (groups * each, groups), (4, 4), batch), None, *past(before, groups, (4, 4), batch)]
    case(*inputs, is_causal=data.draw(st.integers(0, 1))).check()


def test_a_query_without_keys_gives_zeros_whatever_it_holds():
    q, k, v = qkv(3, 4)
    q[:, :, 1] = np.inf
    for mask in (np.array([[1] * 4, [0] * 4, [1] * 4], bool), np.float32([[0] * 4, [-np.inf] * 4, [0] * 4])):
        y, _, _, weights = jitrt.call("Attention", q, k, v, mask, qk_matmul_output_mode=3, outputs=4)
        assert (y[:, :, 1] == 0).all()
        assert (weights[:, :, 1] == 0).all()
        assert np.isfinite(y).all()


def test_nan_stays_in_its_row():
    q, k, v = qkv(3, 4)
    q[0, 0, 1, 2] = np.nan
    y = jitrt.call("Attention", q, k, v)
    assert np.isnan(y[0, 0, 1]).all()
    assert np.isnan(y).sum() == y.shape[-1]


def test_no_keys_and_no_queries():
    q, k, v = qkv(3, 0)
    np.testing.assert_array_equal(jitrt.call("Attention", q, k, v), np.zeros((2, 3, 3, 8)))
    assert jitrt.call("Attention", *qkv(0, 4)).shape == (2, 3, 0, 8)


def test_a_growing_cache_keeps_its_schedule():
    jitrt.eager._programs.clear()
    key, value = past(0, 2)
    for s in (5, 1, 1, 3, 1, 1, 7, 1):
        q, k, v = qkv(s, s, (4, 2))
        y, present_key, present_value = jitrt.call(
            "Attention", q, k, v, None, key, value, is_causal=1, outputs=3
        )
        compare(y, attention(*map(widened, (q, k, v)), None, key, value, is_causal=1)[0], 5)
        key, value = present_key, present_value
    (program,) = jitrt.eager._programs.values()
    assert len(program.variants) == 2  # without a past, and with one


def test_heads_are_joined_without_a_copy():
    jitrt.eager._programs.clear()
    y = jitrt.call("Attention", *qkv(packed=True), q_num_heads=3, kv_num_heads=3)
    compare(y, attention(*map(widened, qkv(packed=True)), q_num_heads=3, kv_num_heads=3)[0], 5)
    (program,) = jitrt.eager._programs.values()
    assert [step.label for step in program.variants[0].recipe.steps] == ["MatMul", "Attention", "MatMul"]


@pytest.mark.parametrize(
    ("inputs", "attributes", "message"),
    [
        (qkv(packed=True), {}, "q_num_heads and kv_num_heads"),
        (qkv(packed=True), {"q_num_heads": 5, "kv_num_heads": 3}, "hidden size 24 is not a multiple of 5"),
        (qkv(heads=(3, 2)), {}, "no multiple"),
        ([*qkv()[:2], qkv(t=5)[2]], {}, "sequence lengths differ"),
        ([*qkv(), None, past(2)[0]], {}, "past_key and past_value"),
        ([*qkv(), None, *past(2), int64s(1, 2)], {}, "nonpad_kv_seqlen"),
        (qkv(), {"left_window_size": -2}, "left_window_size"),
    ],
)
def test_attention_names_what_does_not_fit(inputs, attributes, message):
    with pytest.raises(Exception, match=message):
        jitrt.call("Attention", *inputs, **attributes)


def rotary(x, cos, sin, positions=None, interleaved=0, num_heads=None, rotary_embedding_dim=0):
    packed = x.ndim == 3
    heads = split(x, num_heads) if packed else x
    size = rotary_embedding_dim or heads.shape[-1]
    if positions is not None:
        cos, sin = cos[positions], sin[positions]
    cos, sin = cos[:, None], sin[:, None]
    first = heads[..., :size:2] if interleaved else heads[..., : size // 2]
    second = heads[..., 1:size:2] if interleaved else heads[..., size // 2 : size]
    pairs = [first * cos - second * sin, first * sin + second * cos]
    turned = (
        np.stack(pairs, -1).reshape(*first.shape[:-1], size) if interleaved else np.concatenate(pairs, -1)
    )
    y = np.concatenate([turned, heads[..., size:]], -1)
    return join(y) if packed else y


def caches(*shape, dtype=np.float32):
    return [normal(*shape, dtype=dtype, seed=1), normal(*shape, dtype=dtype, seed=2)]


POSITIONS = np.array([[0, 5, 2, 1], [9, 3, 3, 0]])
ROTATIONS = [
    Case("RotaryEmbedding", [normal(*shape), *caches(10, dim // 2 or 4), POSITIONS], attributes, rotary)
    for interleaved in (0, 1)
    for dim in (0, 4)
    for shape, heads in (((2, 3, 4, 8), None), ((2, 4, 24), 3))
    for attributes in [
        {"interleaved": interleaved, "rotary_embedding_dim": dim, **({"num_heads": heads} if heads else {})}
    ]
]
ROTATIONS += [Case("RotaryEmbedding", [normal(2, 3, 4, 8), *caches(2, 4, 4)], {}, rotary)]
ROTATIONS += [Case("RotaryEmbedding", [normal(2, 4, 24), *caches(2, 4, 4)], {"num_heads": 3}, rotary)]
ROTATIONS += [
    Case("RotaryEmbedding", [normal(2, 3, 4, 8, dtype=t), *caches(10, 4, dtype=t), POSITIONS], {}, rotary)
    for t in (np.float16, BF16)
]


@table(ROTATIONS)
def test_rotary_embedding(case):
    case.check()


def test_rotary_embedding_names_what_does_not_fit():
    x = normal(2, 4, 24)
    with pytest.raises(Exception, match="num_heads"):
        jitrt.call("RotaryEmbedding", x, *caches(10, 4), POSITIONS)
    with pytest.raises(Exception, match="cos_cache has 3 columns, expected 4"):
        jitrt.call("RotaryEmbedding", x, *caches(10, 3), POSITIONS, num_heads=3)
    with pytest.raises(Exception, match="position_ids"):
        jitrt.call("RotaryEmbedding", x, *caches(9, 4), POSITIONS, num_heads=3)
    compare(
        jitrt.call("RotaryEmbedding", x, *caches(10, 4), POSITIONS, num_heads=3),
        rotary(x, *caches(10, 4), POSITIONS, num_heads=3),
    )


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


def scattered(cache, update, start=None, axis=-2, mode="linear"):
    y, count = cache.copy(), update.shape[axis]
    for b in range(len(y)):
        places = np.arange(count) + (0 if start is None else start[b])
        rows = np.moveaxis(y[b], axis % y.ndim - 1, 0)
        rows[places % len(rows) if mode == "circular" else places] = np.moveaxis(
            update[b], axis % y.ndim - 1, 0
        )
    return y


def exact(x, dtype):
    return (x * 4).astype(dtype)


TYPES = (np.float32, np.float64, np.float16, BF16, np.int8, np.uint64, bool, ml_dtypes.float8_e4m3fn)
SCATTERS = [
    Case(
        "TensorScatter",
        [exact(normal(2, 3, 7, 4), t), exact(normal(2, 3, 2, 4), t), int64s(5, 1)],
        {},
        scattered,
    )
    for t in TYPES
]
SCATTERS += [
    Case("TensorScatter", [normal(2, 7, 4), normal(2, n, 4), start], {"mode": mode, "axis": 1}, scattered)
    for n, start, mode in (
        (3, int64s(6, 4), "circular"),
        (7, int64s(3, 0), "circular"),
        (3, None, "linear"),
        (0, int64s(7, 0), "linear"),
    )
]
SCATTERS += [
    Case("TensorScatter", [normal(2, 3, 4, 7), normal(2, 3, 4, 2), int64s(0, 5)], {"axis": 3}, scattered)
]


@table(SCATTERS)
def test_tensor_scatter(case):
    case.check()


def test_tensor_scatter_of_strings():
    cache, update = np.full((2, 3, 1), "old", object), np.full((2, 1, 1), "new", object)
    y = jitrt.call("TensorScatter", cache, update, int64s(2, 0))
    assert y[:, :, 0].tolist() == [["old", "old", "new"], ["new", "old", "old"]]


def test_tensor_scatter_outside_of_the_cache():
    cache, update = normal(1, 3, 2), normal(1, 2, 2)
    for start in (2, -1):
        with pytest.raises(Exception, match="write_indices"):
            jitrt.call("TensorScatter", cache, update, int64s(start))
    with pytest.raises(Exception, match="longer"):
        jitrt.call("TensorScatter", update, cache, int64s(0))


GATED = [
    Case(
        "SwiGLU",
        [normal(3, 70, dtype=t), normal(3, 70, dtype=t, seed=1)],
        {"alpha": alpha},
        lambda a, b, alpha: a / (1 + np.exp(-alpha * a)) * b,
        28,
    )
    for t, alpha in [*((t, 1.0) for t in FLOATS), (np.float32, 1.5)]
]


@table(GATED)
def test_swiglu(case):
    case.check()


def test_swiglu_does_not_broadcast():
    with pytest.raises(Exception, match="same shape"):
        jitrt.call("SwiGLU", normal(3, 2), normal(1, 2))
