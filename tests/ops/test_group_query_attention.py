"""GroupQueryAttention against a float64 oracle and onnxruntime."""

import numpy as np
import pytest
from attention_oracle import attend, both, inside, join, split
from oracle import BF16, compare, normal

import jitrt
import jitrt.eager

B, D = 2, 8


def call(op, *inputs, outputs=1, **attributes):
    return jitrt.call(op, *inputs, domain="com.microsoft", outputs=outputs, **attributes)


def int32s(*values):
    return np.array(values, np.int32)


def agree(ours, theirs, tolerance=5):
    for mine, other in zip(ours, theirs, strict=True):
        compare(mine, other, tolerance)


def grouped(past, s, total, lengths, heads=4, groups=2, dtype=np.float32, batch=B, size=D):
    """Inputs of GroupQueryAttention up to total_sequence_length."""
    shapes = [(batch, s, n * size) for n in (heads, groups, groups)]
    new = [normal(*shape, dtype=dtype, seed=i) for i, shape in enumerate(shapes)]
    cache = [None, None]
    if past is not None:
        cache = [normal(batch, groups, past, size, dtype=dtype, seed=i) for i in (3, 4)]
    return [*new, *cache, int32s(*(n - 1 for n in lengths)), np.array(total, np.int32)]


def grouped_oracle(inputs, heads=4, groups=2, new=None, causal=True, window=-1, bias=None, **options):
    """The output, whose padding is NaN, and the cache of every sequence."""
    q, k, v = (
        split(x.astype(np.float64), n) for x, n in zip(inputs[:3], (heads, groups, groups), strict=True)
    )
    s, y, caches = q.shape[2], np.full(inputs[0].shape, np.nan), []
    for b, last in enumerate(inputs[5]):
        total = int(last) + 1
        count = min(s, total) if new is None else new[b]
        past = total - count
        cache = []
        for old, x in zip(inputs[3:5], (k, v), strict=True):
            before = x[b : b + 1, :, :0] if old is None else old[b : b + 1, :, :past].astype(np.float64)
            cache.append(np.concatenate([before, x[b : b + 1, :, :count]], 2))
        where = inside(count, total, past, causal, window - 1 if window > 0 else -1) & (window != 0)
        mask = None if bias is None else bias[b : b + 1, :, :count, :total]
        y[b, :count] = join(attend(q[b : b + 1, :, :count], *cache, inside=where, mask=mask, **options)[0])[0]
        caches.append(cache)
    return y, caches


def check_grouped(inputs, attributes=None, extra=(), tolerance=5, **options):
    """The operator against the oracle, where the oracle has a result."""
    y, keys, values = call(
        "GroupQueryAttention", *inputs, *extra, outputs=3, num_heads=4, kv_num_heads=2, **(attributes or {})
    )
    wanted, caches = grouped_oracle(inputs, **options)
    valid = ~np.isnan(wanted)
    compare(y[valid], wanted[valid], tolerance)
    for b, pair in enumerate(caches):
        for cache, part in zip((keys, values), pair, strict=True):
            compare(cache[b : b + 1, :, : part.shape[2]], part)
    return y, keys, values


GROUPED = {
    "prompt": (None, 5, 5, (5, 5)),
    "prompt after nothing": (0, 5, 5, (5, 5)),
    "ragged prompt": (None, 5, 5, (5, 3)),
    "prompt in a buffer": (9, 5, 5, (5, 5)),
    "token": (7, 1, 8, (8, 8)),
    "ragged token": (9, 1, 10, (10, 6)),
    "token in a buffer": (16, 1, 8, (8, 4)),
}


@pytest.mark.parametrize("kind", GROUPED)
def test_group_query_attention(kind):
    inputs = grouped(*GROUPED[kind])
    ours = check_grouped(inputs)
    _, theirs = both("GroupQueryAttention", inputs, 3, num_heads=4, kv_num_heads=2)
    valid = ~np.isnan(grouped_oracle(inputs)[0])
    compare(ours[0][valid], theirs[0][valid], 5)
    assert [x.shape for x in ours] == [x.shape for x in theirs]


@pytest.mark.parametrize(
    ("attributes", "options"),
    [
        ({"local_window_size": 1}, {"window": 1}),
        ({"local_window_size": 3}, {"window": 3}),
        ({"local_window_size": 0}, {"window": 0}),
        ({"softcap": 1.5}, {"softcap": 1.5}),
        ({"smooth_softmax": 1}, {"sink": np.zeros((1, 1, 1, 1))}),
        ({"scale": 0.1}, {"scale": 0.1}),
        ({"causal": 0}, {"causal": False}),
    ],
    ids=str,
)
def test_group_query_attention_options(attributes, options):
    inputs = grouped(3, 4, 7, (7,), batch=1)
    ours = check_grouped(inputs, attributes, **options)
    _, theirs = both("GroupQueryAttention", inputs, 3, num_heads=4, kv_num_heads=2, **attributes)
    agree(ours, theirs)


def test_group_query_attention_sink_and_bias():
    inputs = grouped(3, 4, 7, (7,), batch=1)
    bias, sink = normal(1, 4, 4, 7, seed=7), normal(4, seed=8)
    extra = [None, None, None, bias, sink]
    ours = check_grouped(
        inputs, {"softcap": 2.0}, extra, softcap=2.0, bias=bias, sink=sink.reshape(1, 4, 1, 1)
    )
    _, theirs = both("GroupQueryAttention", [*inputs, *extra], 3, num_heads=4, kv_num_heads=2, softcap=2.0)
    agree(ours, theirs)


@pytest.mark.parametrize("stage", [1, 2])
def test_group_query_attention_scores(stage):
    inputs = grouped(3, 4, 7, (7,), batch=1)
    options = {"num_heads": 4, "kv_num_heads": 2, "qk_output": stage, "local_window_size": 3}
    agree(*both("GroupQueryAttention", inputs, 4, **options))


@pytest.mark.parametrize("interleaved", [0, 1])
@pytest.mark.parametrize("kind", ["ragged prompt", "token in a buffer", "ragged token"])
def test_group_query_attention_packed_with_rotary(kind, interleaved):
    inputs = grouped(*GROUPED[kind], size=16)
    packed = [np.concatenate(inputs[:3], -1), None, None, *inputs[3:]]
    caches = [normal(16, 8, seed=5), normal(16, 8, seed=6)]
    options = {"num_heads": 4, "kv_num_heads": 2, "do_rotary": 1, "rotary_interleaved": interleaved}
    apart, together = (
        call("GroupQueryAttention", *x, *caches, outputs=3, **options) for x in (inputs, packed)
    )
    agree(apart, together, 1)
    _, theirs = both("GroupQueryAttention", [*packed, *caches], 3, **options)
    valid = ~np.isnan(grouped_oracle(inputs)[0])
    compare(together[0][valid], theirs[0][valid], 5)
    for b, last in enumerate(inputs[5]):
        compare(together[1][b, :, : last + 1], theirs[1][b, :, : last + 1], 5)


@pytest.mark.parametrize(
    ("past", "s", "total", "positions"),
    [(None, 4, 4, [[3, 1, 7, 0], [0, 1, 2, 3]]), (6, 1, 7, [[11], [2]]), (6, 1, 7, None)],
)
def test_group_query_attention_position_ids(past, s, total, positions):
    inputs = grouped(past, s, total, (total, total), size=16)
    inputs += [
        normal(16, 8, seed=5),
        normal(16, 8, seed=6),
        None if positions is None else np.array(positions),
    ]
    agree(*both("GroupQueryAttention", inputs, 3, num_heads=4, kv_num_heads=2, do_rotary=1))


def test_growing_caches_keep_their_schedule():
    jitrt.eager._programs.clear()
    total, caches = 0, [np.zeros((1, 2, 0, D), np.float32)] * 2
    for s in (5, 1, 1, 3, 1, 1):
        total += s
        inputs = grouped(None, s, total, (total,), batch=1)
        inputs[3:5] = caches
        caches = check_grouped(inputs)[1:]
    (program,) = jitrt.eager._programs.values()
    assert len(program.variants) == 2  # without a past, and with one


def test_group_query_attention_of_chunks_with_padding():
    lengths, new = (7, 4), (3, 1)
    inputs = grouped(9, 4, 9, lengths)
    check_grouped(inputs, None, [None] * 9 + [int32s(*new)], new=new)


@pytest.mark.parametrize("biased", [False, True])
def test_group_query_attention_with_a_sliding_cache(biased):
    capacity, window, total = 6, 4, 0
    caches = [np.zeros((1, 2, capacity, D), np.float32)] * 2
    tokens = [np.zeros((1, 2, 0, D))] * 2
    for s in (3, 1, 1, 1, 1, 5, 1, 9, 1, 1, 1):
        total += s
        inputs = grouped(None, s, total, (total,), batch=1)
        inputs[3:5] = caches
        bias = normal(1, 4, s, total, seed=total) if biased else None
        extra = [None, None, None, bias] if biased else []
        options = {"num_heads": 4, "kv_num_heads": 2, "local_window_size": window, "sliding_window_cache": 1}
        ours, theirs = both("GroupQueryAttention", [*inputs, *extra], 3, **options)
        tokens = [np.concatenate([t, split(x, 2)], 2) for t, x in zip(tokens, inputs[1:3], strict=True)]
        where = inside(s, total, total - s, causal=True, left=window - 1)
        compare(ours[0], join(attend(split(inputs[0], 4), *tokens, mask=bias, inside=where)[0]), 5)
        compare(ours[0], theirs[0], 5)
        room = capacity - window + 1
        held = total if total <= capacity else total - room * -(-(total - capacity) // room)
        for mine, other, whole in zip(ours[1:], theirs[1:], tokens, strict=True):
            np.testing.assert_array_equal(mine[:, :, :held], whole[:, :, total - held :])
            np.testing.assert_array_equal(mine[:, :, :held], other[:, :, :held])
        caches = ours[1:]


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("kind", ["PER_TENSOR", "PER_CHANNEL"])
def test_group_query_attention_with_a_quantized_cache(kind, bits):
    shape = (1,) if kind == "PER_TENSOR" else (1, 2, 1, D)
    scales = [(abs(normal(*shape, seed=i)) + 1) / np.float32(8 if bits == 4 else 60) for i in (8, 9)]
    inputs = grouped(None, 3, 7, (7,), batch=1)
    random = np.random.default_rng(5)
    size, dtype = (D, np.int8) if bits == 8 else (D // 2, np.uint8)
    inputs[3:5] = [random.integers(-99 if bits == 8 else 0, 99, (1, 2, 4, size)).astype(dtype) for _ in "kv"]
    options = {"num_heads": 4, "kv_num_heads": 2, "kv_cache_bit_width": bits}
    options |= {"k_quant_type": kind, "v_quant_type": kind}
    ours, theirs = both("GroupQueryAttention", [*inputs, *[None] * 5, *scales], 3, **options)
    for mine, other in zip(ours[1:], theirs[1:], strict=True):
        np.testing.assert_array_equal(mine, other)
    levels = [x.astype(np.float64) for x in ours[1:]]
    if bits == 4:
        levels = [
            np.stack([x % 16 - 8, x // 16 - 8], -1).reshape(1, 2, 7, D)
            for x in (y.astype(int) for y in ours[1:])
        ]
    keys, values = (x * s for x, s in zip(levels, scales, strict=True))
    wanted = join(attend(split(inputs[0], 4), keys, values, inside=inside(3, 7, 4, causal=True))[0])
    compare(ours[0], wanted, 5)
    compare(theirs[0], wanted, 5)


def test_group_query_attention_normalizes_heads():
    inputs = grouped(None, 5, 5, (5, 5))
    weights = [normal(D, seed=8), normal(D, seed=9)]
    plain = [x.copy() for x in inputs[:3]] + inputs[3:]
    for i in range(2):
        heads = plain[i].reshape(B, 5, -1, D).astype(np.float64)
        heads = heads / np.sqrt((heads**2).mean(-1, keepdims=True) + 1e-6) * weights[i]
        plain[i] = heads.reshape(plain[i].shape).astype(np.float32)
    options = {"num_heads": 4, "kv_num_heads": 2}
    y = call("GroupQueryAttention", *inputs, *[None] * 7, *weights, **options)
    compare(y, call("GroupQueryAttention", *plain, **options), 20)


@pytest.mark.parametrize("dtype", [np.float16, BF16])
def test_group_query_attention_in_16_bits(dtype):
    check_grouped(grouped(7, 1, 8, (8, 8), dtype=dtype), tolerance=1)


def test_group_query_attention_reports_lengths_beyond_the_total():
    inputs = grouped(7, 1, 8, (9, 8))
    with pytest.raises(Exception, match="seqlens_k"):
        call("GroupQueryAttention", *inputs, num_heads=4, kv_num_heads=2)
    check_grouped(grouped(7, 1, 8, (8, 8)))
