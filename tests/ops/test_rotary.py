"""Rotary embeddings, gates, and caches that are written to, against NumPy."""

import ml_dtypes
import numpy as np
import pytest
from attention_oracle import join, split
from oracle import BF16, FLOATS, Case, compare, int64s, normal, table

import jitrt
import jitrt.eager


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
