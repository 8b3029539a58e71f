"""Attention as models write it: what becomes one kernel, what does not, and the same results either way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import BOOL, assert_close, model, node, random, session

import jitrt

SIZES = {"b": 2, "s": 20, "t": 30, "d": 8, "e": 12}
QUERIES, KEYS, VALUES = ["b", 3, "s", "d"], ["b", 3, "t", "d"], ["b", 3, "t", "e"]


def attention(masked=None, *, after=(), outputs=("y",), mask_shape=(1, 1, "s", "t"), sizes=None):
    """softmax(Q K' / 4 + mask) V; the mask is added, chooses, or is absent. `sizes` makes shapes known."""
    inputs = {"q": QUERIES, "k": KEYS, "v": VALUES}
    nodes = [
        node("Transpose", ["k"], ["kt"], perm=[0, 1, 3, 2]),
        node("MatMul", ["q", "kt"], ["scores"]),
        node("Div", ["scores", "four"], ["scaled"]),
    ]
    last = "scaled"
    if masked == "added":
        inputs["mask"] = list(mask_shape)
        nodes.append(node("Add", [last, "mask"], ["x"]))
        last = "x"
    elif masked == "chosen":
        inputs["mask"] = (BOOL, list(mask_shape))
        nodes.append(node("Where", ["mask", last, "low"], ["x"]))
        last = "x"
    nodes += [node("Softmax", [last], ["w"], axis=-1), *after]
    nodes.append(node("MatMul", ["corrected" if after else "w", "v"], ["y"]))
    sizes = sizes or {}
    inputs = {
        name: (kind[0], [sizes.get(n, n) for n in kind[1]])
        if isinstance(kind, tuple)
        else [sizes.get(n, n) for n in kind]
        for name, kind in inputs.items()
    }
    constants = {"four": np.float32(4), "low": np.float32(-np.inf), "zero": np.float32(0)}
    return model(nodes, inputs, outputs, constants)


def feed(s=20, t=30, d=8, e=12, batch=2):
    return {
        "q": random(batch, 3, s, d, seed=1),
        "k": random(batch, 3, t, d, seed=2),
        "v": random(batch, 3, t, e, seed=3),
    }


def labels(source, feeds):
    s = session(source)
    s.run(None, feeds)
    (program,) = s._programs.values()
    return [step.label for step in program.variants[-1].recipe.steps]


def compare(source, feeds, tolerance=2e-6, threads=1):
    """Joined and operator by operator."""
    got = session(source, threads=threads).run(None, feeds)
    assert_close(got, session(source, fused=False).run(None, feeds), tolerance)
    return got


def test_attention_is_one_step():
    assert labels(attention(), feed()) == ["Attention"]
    assert labels(attention("added"), feed() | {"mask": random(1, 1, 20, 30)}) == ["Attention"]


@pytest.mark.parametrize("kept", ["scores", "scaled", "w"])
def test_a_stage_that_is_an_output_is_computed(kept):
    source = attention(outputs=("y", kept))
    assert "Attention" not in labels(source, feed())
    compare(source, feed())


def test_few_queries_stay_products():
    assert labels(attention(), feed(s=2)) == ["MatMul", "Div+Softmax", "MatMul"]
    compare(attention(), feed(s=2))


def test_one_session_serves_one_query_and_many():
    s, plain = session(attention()), session(attention(), fused=False)
    for count in (1, 40, 1, 3, 64):
        feeds = feed(s=count)
        assert_close(s.run(None, feeds), plain.run(None, feeds), 2e-6)


MASKS = st.sampled_from(
    [(1, 1, "s", "t"), ("b", 1, 1, "t"), ("b", 3, "s", "t"), ("b", 3, "s", 1), (1, 1, 1, 1)]
)


@settings(max_examples=25, deadline=None)
@given(
    st.tuples(st.integers(18, 70), st.integers(1, 70), st.integers(1, 40), st.integers(1, 70)),
    st.sampled_from([None, "added", "chosen"]),
    MASKS,
    st.booleans(),
)
def test_any_sizes_and_masks(sizes, masked, mask_shape, static):
    s, t, d, e = sizes
    feeds = feed(s, t, d, e)
    if masked is not None:
        numbers = {"b": 2, "s": s, "t": t}
        mask = random(*(numbers.get(n, n) for n in mask_shape), seed=5)
        feeds["mask"] = mask if masked == "added" else mask > -1
    known = {"b": 2, "s": s, "t": t, "d": d, "e": e} if static else {}
    source = attention(masked, mask_shape=mask_shape, sizes=known)
    if masked != "chosen":
        compare(source, feeds)
    else:  # a row without any key is NaN
        got, plain = (session(source, fused=f).run(None, feeds)[0] for f in (True, False))
        np.testing.assert_array_equal(np.isnan(got), np.isnan(plain))
        np.testing.assert_allclose(got, plain, rtol=0, atol=1e-5)


def test_nan_infinity_and_rows_without_keys():
    feeds = feed() | {"mask": np.ones((1, 1, 20, 30), np.bool_)}
    feeds["mask"][0, 0, 3] = feeds["mask"][0, 0, 7, :29] = False
    feeds["q"][0, 0, 5, 2], feeds["k"][1, 1, 4, 0], feeds["q"][1, 2, 6, 1] = np.nan, np.inf, -np.inf
    feeds["q"][1, 0, 1] *= 1e4
    source = attention("chosen", sizes=SIZES)
    assert labels(source, feeds) == ["Attention"]
    got, plain = (session(source, fused=f).run(None, feeds)[0] for f in (True, False))
    np.testing.assert_array_equal(np.isnan(got), np.isnan(plain))
    np.testing.assert_allclose(got, plain, rtol=1e-5, atol=1e-5)
    assert np.isnan(got[0, :, 3]).all()
    np.testing.assert_array_equal(got[0, :, 7], feeds["v"][0, :, 29])


def test_corrected_weights():
    """Weights of rows without keys made 0, as PyTorch exports attention."""
    after = [node("IsNaN", ["w"], ["undefined"]), node("Where", ["undefined", "zero", "w"], ["corrected"])]
    feeds = feed() | {"mask": np.ones((1, 1, 20, 30), np.bool_)}
    feeds["mask"][0, 0, 3] = False
    source = attention("chosen", after=after, sizes=SIZES)
    assert labels(source, feeds) == ["Attention"]
    (got,) = compare(source, feeds)
    assert (got[:, :, 3] == 0).all()


@pytest.mark.parametrize("threads", [2, 3])
def test_bits_do_not_depend_on_threads(threads):
    feeds = feed(s=200, t=150, d=64, e=64)
    (one,), (several,) = (session(attention(), threads=n).run(None, feeds) for n in (1, threads))
    np.testing.assert_array_equal(one, several)


def test_values_for_more_heads_than_weights():
    nodes = [
        node("MatMul", ["q", "k"], ["scores"]),
        node("Softmax", ["scores"], ["w"], axis=-1),
        node("MatMul", ["w", "v"], ["y"]),
    ]
    source = model(nodes, {"q": ["s", 8], "k": [8, "t"], "v": ["b", 3, "t", 5]}, ["y"])
    feeds = {"q": random(20, 8), "k": random(8, 30, seed=1), "v": random(2, 3, 30, 5, seed=2)}
    compare(source, feeds)


@pytest.mark.parametrize("heads", [(4, 2), (6, 1), (4, 4)])
@pytest.mark.parametrize("packed", [False, True])
def test_heads_that_share_keys(heads, packed):
    count, groups = heads
    q, k, v = random(2, count, 24, 8), random(2, groups, 33, 8, seed=1), random(2, groups, 33, 12, seed=2)
    weights = np.repeat(k, count // groups, 1).astype(np.float64)
    scores = q.astype(np.float64) @ weights.swapaxes(-1, -2) * 8**-0.5
    scores = np.where(np.arange(33) <= np.arange(24)[:, None], scores, -np.inf)
    e = np.exp(scores - scores.max(-1, keepdims=True))
    wanted = e / e.sum(-1, keepdims=True) @ np.repeat(v, count // groups, 1)
    more = {"is_causal": 1}
    if packed:
        q, k, v, wanted = (x.transpose(0, 2, 1, 3).reshape(2, x.shape[2], -1) for x in (q, k, v, wanted))
        more |= {"q_num_heads": count, "kv_num_heads": groups}
    jitrt.eager._programs.clear()
    y = jitrt.call("Attention", q, k, v, **more)
    np.testing.assert_allclose(y, wanted, rtol=0, atol=3e-6)
    (program,) = jitrt.eager._programs.values()
    assert "Attention" in [step.label for step in program.variants[0].recipe.steps]
