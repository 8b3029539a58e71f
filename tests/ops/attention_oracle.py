"""Attention in float64, spelled out, and models of one node to compare with onnxruntime."""

import numpy as np
import pytest
from onnx import helper
from oracle import widened

import jitrt


def attend(q, k, v, scale=None, softcap=0.0, mask=None, inside=True, sink=None):
    """y, and the scores before and after the mask, and their softmax; heads share keys in groups."""
    q, k, v = map(widened, (q, k, v))
    group = q.shape[1] // k.shape[1]
    k, v = np.repeat(k, group, 1), np.repeat(v, group, 1)
    scores = q @ k.swapaxes(2, 3) * (q.shape[3] ** -0.5 if scale is None else scale)
    capped = np.tanh(scores / softcap) * softcap if softcap else scores
    masked = capped
    if mask is not None and mask.dtype == bool:
        masked = np.where(mask, capped, -np.inf)
    elif mask is not None:
        masked = capped + widened(mask)
    masked = np.where(inside, masked, -np.inf)
    top = masked.max(-1, keepdims=True, initial=-np.inf)
    if sink is not None:
        top = np.maximum(top, sink)
    top = np.where(np.isinf(top), 0, top)
    powers = np.exp(masked - top)
    total = powers.sum(-1, keepdims=True) + (0 if sink is None else np.exp(sink - top))
    weights = np.divide(powers, total, out=np.zeros_like(powers), where=total > 0)
    return weights @ v, scores, capped, masked, weights


def inside(queries, keys, offset=0, causal=False, left=-1, right=-1, length=None):
    """Which keys a query may attend to, [batch or 1, 1, queries, keys]."""
    offset = np.reshape(offset, (-1, 1, 1, 1))
    position = np.arange(queries)[:, None] + offset
    key = np.arange(keys)
    result = np.ones(np.broadcast_shapes(position.shape, key.shape), bool)
    if causal:
        result &= key <= position
    if left >= 0:
        result &= key >= position - left
    if right >= 0:
        result &= key <= position + right
    if length is not None:
        result = result & (key < np.reshape(length, (-1, 1, 1, 1)))
    return result


def split(x, heads):
    """[batch, s, heads * d] as [batch, heads, s, d]."""
    return x.reshape(*x.shape[:2], heads, x.shape[2] // heads).transpose(0, 2, 1, 3)


def join(x):
    """[batch, heads, s, d] as [batch, s, heads * d]."""
    return x.transpose(0, 2, 1, 3).reshape(x.shape[0], x.shape[2], x.shape[1] * x.shape[3])


def both(op, inputs, outputs=1, **attributes):
    """The outputs of an operator of com.microsoft here and in onnxruntime."""
    onnxruntime = pytest.importorskip("onnxruntime")
    ours = jitrt.call(op, *inputs, domain="com.microsoft", outputs=outputs, **attributes)
    ours = [ours] if outputs == 1 else ours
    names = ["" if x is None else f"x{i}" for i, x in enumerate(inputs)]
    feed = {n: np.asarray(x) for n, x in zip(names, inputs, strict=True) if n}
    results = {f"y{i}": y for i, y in enumerate(ours)}
    node = helper.make_node(op, names, list(results), domain="com.microsoft", **attributes)
    graph = helper.make_graph(
        [node],
        op,
        [
            helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
            for n, x in feed.items()
        ],
        [
            helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(y.dtype), None)
            for n, y in results.items()
        ],
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString()
    return ours, onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, feed)
