"""Attention as exporters write it is one step and agrees with softmax(Q K' / sqrt(d) + mask) V in float64."""

from __future__ import annotations

import numpy as np
import pytest
from models import BOOL, model, node, random, session
from steps import assert_close

HEADS, D, E = 3, 16, 24
LOWEST = float(np.finfo(np.float32).min)
SHAPES = {"q": ["b", HEADS, "s", D], "k": ["b", HEADS, "t", D], "v": ["b", HEADS, "t", E]}


def feed(s, t, batch=2):
    sizes = {"q": (s, D), "k": (t, D), "v": (t, E)}
    return {name: random(batch, HEADS, *sizes[name], seed=i) for i, name in enumerate("qkv")}


def attention(q, k, v, mask=0.0):
    """In float64; a row whose scores are all -inf gives zeros."""
    scores = q.astype(np.float64) @ k.astype(np.float64).swapaxes(-1, -2) * q.shape[-1] ** -0.5 + mask
    top = scores.max(-1, keepdims=True)
    weights = np.exp(scores - np.where(np.isinf(top), 0, top))
    total = weights.sum(-1, keepdims=True)
    return weights / np.where(total == 0, 1, total) @ v.astype(np.float64)


def labels(s):
    (program,) = s._programs.values()
    return [step.label for step in program.variants[-1].recipe.steps]


def torchscript(mask_kind="added"):
    """`scaled_dot_product_attention` of PyTorch's older exporter: both factors scaled, and NaN made 0."""
    nodes = [
        node("Mul", ["q", "root"], ["q_scaled"]),
        node("Transpose", ["k"], ["kt"], perm=[0, 1, 3, 2]),
        node("Mul", ["kt", "root"], ["k_scaled"]),
        node("MatMul", ["q_scaled", "k_scaled"], ["scores"]),
    ]
    if mask_kind == "boolean":
        nodes += [node("Where", ["mask", "zero", "lowest"], ["bias"])]
    nodes += [
        node("Add", ["scores", "bias" if mask_kind == "boolean" else "mask"], ["x"]),
        node("Softmax", ["x"], ["w"], axis=-1),
        node("IsNaN", ["w"], ["undefined"]),
        node("Where", ["undefined", "zero", "w"], ["kept"]),
        node("MatMul", ["kept", "v"], ["y"]),
    ]
    kind = (BOOL, ["b", 1, "s", "t"]) if mask_kind == "boolean" else [1, 1, "s", "t"]
    constants = {"root": np.float32(D**-0.25), "zero": np.float32(0), "lowest": np.float32(-np.inf)}
    return model(nodes, {**SHAPES, "mask": kind}, ["y"], constants)


def test_torchscript_exporter():
    s = session(torchscript("boolean"), threads=2)
    for queries, keys in ((40, 50), (64, 64), (19, 3)):
        feeds = feed(queries, keys)
        mask = random(2, 1, queries, keys, seed=7) > -0.5
        mask[0, 0, 2] = False
        (y,) = s.run(None, feeds | {"mask": mask})
        assert_close(y, attention(**feeds, mask=np.where(mask, 0, -np.inf)), 3e-6)
        assert (y[0, :, 2] == 0).all()
    assert labels(s)[-1] == "Attention"
    assert not any("Mul" in label for label in labels(s))


@pytest.mark.parametrize("fill", [-100, -1e4, LOWEST])
def test_finite_masks(fill):
    """Causal, and a query without any key: its weights are those of its scores, or even."""
    s = session(torchscript())
    feeds = feed(40, 40)
    mask = np.where(np.tri(40, dtype=bool), 0, fill).astype(np.float32)[None, None]
    mask[..., 5, :] = fill
    (y,) = s.run(None, feeds | {"mask": mask})
    assert labels(s) == ["Attention"]
    if fill == LOWEST:
        np.testing.assert_allclose(y[:, :, 5], feeds["v"].mean(2), rtol=0, atol=1e-6)
        y, wanted = (np.delete(x, 5, axis=2) for x in (y, attention(**feeds, mask=mask)))
        assert_close(y, wanted, 3e-6)
    else:
        assert_close(y, attention(**feeds, mask=mask), 2e-4 if fill == -1e4 else 1e-5)


def test_scores_that_are_read_again_keep_their_factor():
    nodes = [
        node("Mul", ["q", "scale"], ["q_scaled"]),
        node("Transpose", ["k"], ["kt"], perm=[0, 1, 3, 2]),
        node("MatMul", ["q_scaled", "kt"], ["scores"]),
        node("Softmax", ["scores"], ["w"], axis=-1),
        node("MatMul", ["w", "v"], ["y"]),
    ]
    feeds = feed(30, 35)
    for outputs in (["y", "q_scaled"], ["y", "scores"], ["y", "w"]):
        s = session(model(nodes, SHAPES, outputs, {"scale": np.float32(D**-0.5)}))
        y, other = s.run(None, feeds)
        assert_close(y, attention(**feeds), 3e-6)
        scaled = feeds["q"] * D**-0.5
        assert other.shape == scaled.shape or other.shape == (2, HEADS, 30, 35)


def test_keras_einsum():
    """Keras' MultiHeadAttention: heads last but one, products as einsums, the query scaled."""
    nodes = [
        node("Mul", ["q", "scale"], ["q_scaled"]),
        node("Einsum", ["k", "q_scaled"], ["scores"], equation="aecd,abcd->acbe"),
        node("Softmax", ["scores"], ["w"], axis=-1),
        node("Einsum", ["w", "v"], ["y"], equation="acbe,aecd->abcd"),
    ]
    shapes = {"q": [2, "s", HEADS, D], "k": [2, "t", HEADS, D], "v": [2, "t", HEADS, E]}
    s = session(model(nodes, shapes, ["y"], {"scale": np.float32(D**-0.5)}))
    feeds = feed(33, 47)
    (y,) = s.run(None, {name: x.swapaxes(1, 2).copy() for name, x in feeds.items()})
    assert_close(y, attention(**feeds).swapaxes(1, 2), 3e-6)
    assert "Attention" in labels(s)


@pytest.mark.parametrize("batch", ["b", 2])
def test_masks_of_windows_in_a_shape_of_their_own(batch):
    """Swin: scores [batch * windows, ...] are masked as [batch, windows, ...]."""
    windows, s = 4, 25
    nodes = [
        *(node("Reshape", [name, f"{name}_shape"], [f"{name}_windows"]) for name in "qkv"),
        node("Mul", ["q_windows", "scale"], ["q_scaled"]),
        node("Transpose", ["k_windows"], ["kt"], perm=[0, 1, 3, 2]),
        node("MatMul", ["q_scaled", "kt"], ["scores"]),
        node("Add", ["scores", "bias"], ["biased"]),
        node("Reshape", ["biased", "apart"], ["by_window"]),
        node("Add", ["by_window", "mask"], ["masked"]),
        node("Reshape", ["masked", "together"], ["x"]),
        node("Softmax", ["x"], ["w"], axis=-1),
        node("MatMul", ["w", "v_windows"], ["y"]),
    ]
    bias, hidden = random(1, HEADS, s, s), random(windows, 1, s, s, seed=3) > 1
    mask = np.where(hidden, -100, 0).astype(np.float32)
    constants = {
        **{"scale": np.float32(D**-0.5), "bias": bias, "mask": mask},
        "apart": np.array([-1, windows, HEADS, s, s]),
        "together": np.array([-1, HEADS, s, s]),
    }
    widths = {"q": D, "k": D, "v": E}
    constants |= {f"{name}_shape": np.array([-1, HEADS, s, widths[name]]) for name in "qkv"}
    shapes = {name: [batch, windows, HEADS, s, widths[name]] for name in "qkv"}
    own = session(model(nodes, shapes, ["y"], constants))
    for count in (2, 1, 3) if batch == "b" else (2,):
        feeds = feed(s, s, count * windows)
        (y,) = own.run(None, {name: x.reshape(count, windows, *x.shape[1:]) for name, x in feeds.items()})
        assert_close(y, attention(**feeds, mask=bias + np.tile(mask, (count, 1, 1, 1))), 3e-6)
        assert [label for label in labels(own) if label != "copy"] == ["Attention"]
