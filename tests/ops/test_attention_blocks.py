"""Attention operators with enough queries to be one kernel over blocks of them, against a float64 oracle."""

import numpy as np
import pytest
from attention_oracle import attend, both, inside, join, split
from oracle import compare, normal

import jitrt
import jitrt.eager
from jitrt import InferenceSession, SessionOptions

B, H, GROUPS, D, E = 2, 4, 2, 24, 40


def call(op, *inputs, domain="", outputs=1, **attributes):
    """The outputs, made with attention as one step."""
    jitrt.eager._programs.clear()
    results = jitrt.call(op, *inputs, domain=domain, outputs=outputs, **attributes)
    (program,) = jitrt.eager._programs.values()
    assert "Attention" in [step.label for step in program.variants[-1].recipe.steps]
    return results


def qkv(s=40, t=70, heads=H, dtype=np.float32):
    return (
        normal(B, H, s, D, dtype=dtype, seed=1),
        normal(B, heads, t, D, dtype=dtype, seed=2),
        normal(B, heads, t, E, dtype=dtype, seed=3),
    )


@pytest.mark.parametrize("heads", [H, GROUPS, 1])
@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.float64])
def test_types_and_groups(dtype, heads):
    inputs = qkv(heads=heads, dtype=dtype)
    tolerance = {np.float16: 1, np.float32: 10, np.float64: 20}[dtype]
    compare(
        call("Attention", *inputs, softmax_precision=11 if dtype == np.float64 else 1),
        attend(*inputs)[0],
        tolerance,
    )


@pytest.mark.parametrize("causal", [0, 1])
@pytest.mark.parametrize("shape", [(40, 70), (1, 1, 1, 70), (B, 1, 40, 70), (B, H, 40, 70)])
def test_masks(shape, causal):
    added = normal(*shape, seed=5)
    added[..., 3] = -np.inf
    inputs, where = qkv(), inside(40, 70, causal=causal)
    for mask in (normal(*shape, seed=4) > -0.5, added):
        y = call("Attention", *inputs, mask, is_causal=causal)
        compare(y, attend(*inputs, mask=mask, inside=where)[0], 10)


@pytest.mark.parametrize("fill", [-100.0, -10000.0, float(np.finfo(np.float32).min)])
def test_finite_masks(fill):
    """Among these a row whose keys are all masked: no NaN, and nothing is as slow as a subnormal number."""
    mask = np.where(normal(40, 70, seed=4) > 0, 0, fill).astype(np.float32)
    mask[7] = fill
    inputs = qkv()
    got = call("Attention", *inputs, mask)
    wanted = attend(*inputs, mask=mask)[0]
    if fill < -1e5:  # float32 has no bits left for the scores: any key is as good as another
        wanted[:, :, 7] = inputs[2].mean(2)
    compare(got, wanted, 1000 if fill == -10000.0 else 20)


def test_a_cache_and_windows():
    q, k, v = qkv(s=40, t=40, heads=GROUPS)
    past = normal(B, GROUPS, 33, D, seed=6), normal(B, GROUPS, 33, E, seed=7)
    options = {"is_causal": 1, "left_window_size": 20}
    y, keys, values = call("Attention", q, k, v, None, *past, outputs=3, **options)
    joined = np.concatenate([past[0], k], 2), np.concatenate([past[1], v], 2)
    compare(keys, joined[0])
    compare(values, joined[1])
    compare(y, attend(q, *joined, inside=inside(40, 73, 33, True, left=20))[0], 10)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_long_sequences(dtype):
    q, k, v = (normal(1, 1, 2100, 16, dtype=dtype, seed=i) for i in range(3))
    q *= 4  # a few keys have most of the weight
    compare(
        call("Attention", q, k, v, is_causal=1),
        attend(q, k, v, inside=inside(2100, 2100, causal=True))[0],
        30,
    )


@pytest.mark.parametrize("threads", [2, 3])
def test_bits_do_not_depend_on_threads(threads):
    from onnx import TensorProto, helper

    names = ["q", "k", "v"]
    inputs = dict(zip(names, qkv(s=130, t=190, heads=GROUPS), strict=True))
    graph = helper.make_graph(
        [helper.make_node("Attention", names, ["y"], is_causal=1)],
        "g",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, x.shape) for n, x in inputs.items()],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    source = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)], ir_version=10)
    results = []
    for count in (1, threads):
        options = SessionOptions()
        options.intra_op_num_threads = count
        results.append(InferenceSession(source.SerializeToString(), options).run(None, inputs)[0])
    np.testing.assert_array_equal(*results)


def agree(ours, theirs, tolerance):
    for mine, other in zip(ours, theirs, strict=True):
        compare(mine, other, tolerance)


@pytest.mark.parametrize("causal", [0, 1])
def test_attention_of_a_joint_projection(causal):
    """com.microsoft.Attention, some keys of the second sequence masked."""
    s, hidden = 36, H * D
    inputs = normal(B, s, 20), normal(20, 3 * hidden, seed=1), normal(3 * hidden, seed=2)
    mask = np.ones((B, s), np.int32)
    mask[1, 30:] = 0
    options = {"num_heads": H, "unidirectional": causal, "mask_filter_value": -100.0}
    y, present = call("Attention", *inputs, mask, domain="com.microsoft", outputs=2, **options)
    q, k, v = (split(x, H) for x in np.split(inputs[0].astype(np.float64) @ inputs[1] + inputs[2], 3, -1))
    added = np.where(mask, 0, -100.0)[:, None, None]
    compare(y, join(attend(q, k, v, mask=added, inside=inside(s, s, causal=causal))[0]), 200)
    agree(both("Attention", [*inputs, mask], 2, **options)[1], (y, present), 200)


@pytest.mark.parametrize("past", [0, 5])
def test_multi_head_attention(past):
    s, t = 36, 50
    new = [normal(B, n, H * D, seed=i) for i, n in enumerate((s, t, t))]
    bias = normal(1, H, s, past + t, seed=4)
    cache = [normal(B, H, past, D, seed=i) for i in (5, 6)] if past else []
    inputs = [*new, None, None, bias, *cache]
    ours = call("MultiHeadAttention", *inputs, domain="com.microsoft", outputs=3, num_heads=H)
    q, k, v = (split(x, H) for x in new)
    if past:
        k, v = np.concatenate([cache[0], k], 2), np.concatenate([cache[1], v], 2)
    compare(ours[0], join(attend(q, k, v, mask=bias)[0]), 20)
    agree(both("MultiHeadAttention", inputs, 3, num_heads=H)[1], ours, 20)


@pytest.mark.parametrize("lengths", [(40, 40), (40, 23)])
def test_group_query_attention(lengths):
    s = 40
    new = [normal(B, s, n * D, seed=i) for i, n in enumerate((H, GROUPS, GROUPS))]
    ends = np.array([n - 1 for n in lengths], np.int32)
    inputs = [*new, None, None, ends, np.array(s, np.int32)]
    options = {"num_heads": H, "kv_num_heads": GROUPS}
    y, *_ = call("GroupQueryAttention", *inputs, domain="com.microsoft", outputs=3, **options)
    theirs = both("GroupQueryAttention", inputs, 3, **options)[1][0]
    q, k, v = (split(x, n) for x, n in zip(new, (H, GROUPS, GROUPS), strict=True))
    wanted = join(attend(q, k, v, inside=inside(s, s, causal=True))[0])
    for b, length in enumerate(lengths):
        compare(y[b, :length], wanted[b, :length], 20)
        compare(y[b, :length], theirs[b, :length], 20)
