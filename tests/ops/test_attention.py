"""Attention against float64 NumPy."""

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
