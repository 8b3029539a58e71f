"""Functions of TensorFlow, converted by tf2onnx; `test_exchange_tensorflow` runs this file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tf2onnx

import jitrt

FUNCTIONS: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []
RNG = np.random.default_rng(0)


def normal(*shape: int) -> Any:
    return RNG.standard_normal(shape).astype(np.float32)


def takes(*shapes: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function of floats of such shapes, None the batch; integers for a bound and a shape."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        FUNCTIONS.append((function, shapes))
        return function

    return register


def example(shape: Any, batch: int) -> Any:
    """An array of that shape, or below a bound where it is a pair of a bound and a shape."""
    if isinstance(shape[-1], tuple):
        bound, shape = shape
        return RNG.integers(0, bound, [batch if n is None else n for n in shape]).astype(np.int32)
    return normal(*(batch if n is None else n for n in shape))


def signature(shape: Any) -> Any:
    if isinstance(shape[-1], tuple):
        return tf.TensorSpec(shape[1], tf.int32)
    return tf.TensorSpec(shape, tf.float32)


@takes((None, 4, 5))
def reductions(x):
    statistics = tf.nn.moments(x, [1, 2])
    return (
        *(tf.reduce_mean(x, 1), tf.reduce_max(x, [1, 2]), tf.reduce_prod(x, 2), tf.reduce_logsumexp(x, 1)),
        *(tf.math.reduce_std(x, 2), tf.cumsum(x, 1), tf.argmax(x, 2), tf.reduce_any(x > 0, 1), *statistics),
        *(tf.norm(x, axis=2), tf.math.l2_normalize(x, 1), tf.cumsum(x, 2, exclusive=True, reverse=True)),
    )


@takes((None, 6))
def arithmetic(x):
    return (
        *(x // 0.3, x % 0.7, tf.round(x), tf.floor(x), tf.sign(x), x**2, tf.math.rsqrt(x * x + 1), tf.exp(x)),
        *(tf.math.erf(x), tf.math.atan2(x, x + 1), tf.cast(x, tf.int32), tf.square(x)),
        *(tf.where(x > 0, x, -x), tf.maximum(x, 0.1), tf.clip_by_value(x, -1, 1)),
        tf.math.divide_no_nan(x, x - x),
        *(tf.nn.gelu(x, approximate=True), tf.nn.elu(x), tf.nn.selu(x), tf.nn.softplus(x), tf.nn.relu6(x)),
        *(tf.nn.leaky_relu(x), tf.nn.swish(x), tf.nn.log_softmax(x)),
    )


@takes((None, 6, 8), (6, (None, 2)))
def indexing(x, i):
    rows = tf.range(tf.shape(x)[0])
    at = tf.stack([rows, i[:, 0]], axis=1)
    return (
        *(tf.gather(x, [3, 1], axis=1), tf.gather(x, i, axis=1, batch_dims=1), tf.gather_nd(x, at)),
        x[:, 1:-1, ::-2],
        *(tf.tensor_scatter_nd_update(x, at, tf.zeros_like(x[:, 0])), tf.one_hot(i, 6)),
        tf.boolean_mask(x, i[:, 0] > 2),
        *(tf.where(x > 1), tf.math.top_k(x, 3).values, tf.math.top_k(x, 3).indices, tf.sort(x, 1)),
        x[..., tf.newaxis],
        tf.reverse(x, [1]),
        tf.math.unsorted_segment_sum(x, i[:, 0], 6),
    )


@takes((None, 4, 6))
def shapes(x):
    a, b = tf.split(x, [1, 3], axis=1)
    return (
        *(tf.transpose(x, [2, 0, 1]), tf.reshape(x, [-1, 3]), tf.concat([b, a], 1), tf.stack([a, a], 0)),
        tf.tile(x, [1, 2, 1]),
        *(tf.pad(x, [[0, 0], [1, 2], [0, 1]]), tf.pad(x, [[0, 0], [1, 2], [2, 0]], mode="REFLECT")),
        tf.squeeze(a, 1),
        *(tf.expand_dims(x, -1), tf.roll(x, 2, 1), tf.linalg.band_part(x, 1, 0)),
        tf.broadcast_to(a, tf.shape(x)),
        *(tf.fill(tf.shape(x), 2.0), tf.linalg.diag_part(x), tf.unstack(x, axis=1)[2]),
        tf.repeat(x, 2, axis=1),
    )


@takes((None, 12, 10, 3))
def images(x):
    kernel = tf.reshape(tf.linspace(-1.0, 1.0, 3 * 3 * 3 * 4), (3, 3, 3, 4))
    return (
        *(tf.nn.conv2d(x, kernel, 2, "SAME"), tf.nn.conv2d(x, kernel, 1, "VALID", dilations=2)),
        tf.nn.max_pool2d(x, 3, 2, "SAME"),
        *(tf.nn.depthwise_conv2d(x, kernel, [1, 1, 1, 1], "SAME"), tf.nn.avg_pool2d(x, 2, 2, "VALID")),
        tf.image.flip_left_right(x),
        *(tf.image.resize(x, [7, 15]), tf.image.resize(x, [24, 20], method="nearest")),
        tf.nn.space_to_depth(x, 2),
        *(tf.nn.conv2d_transpose(x, kernel[..., :3], [tf.shape(x)[0], 24, 20, 3], 2, "SAME"), tf.nn.lrn(x)),
        *(tf.nn.depth_to_space(tf.tile(x, [1, 1, 1, 4]), 2), tf.image.rgb_to_grayscale(x)),
        tf.image.adjust_contrast(x, 1.5),
    )


@takes((None, 5, 6))
def products(x):
    w = tf.reshape(tf.linspace(-1.0, 1.0, 24), (4, 6))
    y = tf.einsum("btd,hd->bth", x, w)
    return (
        y,
        tf.matmul(x, x, transpose_b=True),
        tf.tensordot(x, w, [[2], [1]]),
        tf.nn.softmax(tf.matmul(y, y, transpose_a=True)),
    )


@takes((None, 5))
def loops(x):
    def more(i, total):
        return i < 10 and tf.reduce_sum(total) < 1e3

    def step(i, total):
        return i + 1, total * 1.5 + tf.cast(i, tf.float32)

    rounds, total = tf.while_loop(
        more, step, (0, x), shape_invariants=(tf.TensorShape([]), tf.TensorShape([None, 5]))
    )
    return rounds, total, tf.cond(tf.reduce_sum(x) > 0, lambda: x * 2, lambda: x - 1)


@takes((None, 5))
def arrays(x):
    rows = tf.TensorArray(tf.float32, size=0, dynamic_size=True, element_shape=[None])
    for i in tf.range(5):
        rows = rows.write(i, x[:, i] * tf.cast(i, tf.float32))
    return rows.stack(), tf.scan(
        lambda a, b: a * 0.5 + b, tf.transpose(x), initializer=tf.zeros_like(x[:, 0])
    )


@takes((None, 6))
def quantized(x):
    return tf.quantization.fake_quant_with_min_max_args(x, -1.28, 1.27), tf.cast(
        tf.cast(x * 9, tf.int8), tf.float32
    )


@takes((None, 64))
def spectra(x):
    return tf.abs(tf.signal.rfft(x))


@pytest.mark.parametrize("opset", [13, 18])
@pytest.mark.parametrize(("function", "shapes"), FUNCTIONS, ids=[f.__name__ for f, _ in FUNCTIONS])
def test_functions(function, shapes, opset):
    compiled = tf.function(function, input_signature=[signature(shape) for shape in shapes])
    proto, _ = tf2onnx.convert.from_function(compiled, compiled.input_signature, opset=opset)
    session = jitrt.InferenceSession(proto.SerializeToString())
    for batch in (1, 2, 5):
        inputs = [example(shape, batch) for shape in shapes]
        wanted = tf.nest.flatten(compiled(*inputs))
        got = session.run(None, dict(zip([a.name for a in session.get_inputs()], inputs, strict=True)))
        for index, (g, w) in enumerate(zip(got, wanted, strict=True)):
            w = w.numpy()
            assert (g.dtype, g.shape) == (w.dtype, w.shape), index
            scale = np.abs(w).max(initial=0) if w.dtype.kind == "f" else 0
            np.testing.assert_allclose(g, w, rtol=0, atol=1e-5 * scale, err_msg=f"output {index}")
