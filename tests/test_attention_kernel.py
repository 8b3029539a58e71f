"""Attention in one kernel against NumPy in float64."""

from __future__ import annotations

import numpy as np
import pytest
from steps import assert_close, ref, run_twice

from jitrt.codegen.attention import Heads, attention_step
from jitrt.codegen.loop import Operand
from jitrt.expr import exp, load, reduce, where
from jitrt.types import BOOL, F32, F64, I32

SIZES = [(1, 1, 1, 1), (3, 5, 2, 3), (23, 23, 32, 32), (17, 33, 7, 40), (40, 300, 64, 16), (70, 9, 33, 100)]


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def heads(values, order=(0, 1, 2, 3, 4)):
    """`values` [outer, middle, inner, rows, columns] in memory in some order, and what to pass."""
    memory = np.ascontiguousarray(values.transpose(order))
    view = memory.transpose(np.argsort(order))
    strides = [s // view.itemsize if n > 1 else 0 for s, n in zip(view.strides, view.shape, strict=True)]
    return view, Heads(ref(memory), view.dtype, tuple(strides[:3]), strides[3], max(strides[4], 1))


def pattern(values):
    row, column = (
        s // values.itemsize if n > 1 else 0
        for s, n in zip(values.strides[3:], values.shape[3:], strict=True)
    )
    return Operand(values.dtype, tuple(s if s in (0, 1) else None for s in (row, column)))


def softmax(x):
    e = exp(x - reduce(x, "max"))
    return e / reduce(e, "sum")


def weights_of(scores):
    with np.errstate(invalid="ignore"):
        e = np.exp(scores - scores.max(-1, keepdims=True))
        return e / e.sum(-1, keepdims=True)


def check(
    target, rng, sizes, weights, expected, *operands, dtype=np.float32, batch=(2, 1, 3), tolerance=3e-6
):
    s, t, d, e = sizes
    q, q_heads = heads(rng.standard_normal((*batch, s, d)).astype(dtype), (0, 3, 1, 2, 4))
    k, k_heads = heads(rng.standard_normal((*batch, t, d)).astype(dtype))
    v, v_heads = heads(rng.standard_normal((*batch, t, e)).astype(dtype), (0, 3, 1, 2, 4))
    y, y_heads = heads(np.zeros((*batch, s, e), dtype), (0, 3, 1, 2, 4))
    placed = []
    for values in operands:
        view, place = heads(values)
        if pattern(view).strides[1] == 0:
            place = Heads(place.ref, place.dtype, place.batch, place.row, 0)
        placed.append((place, pattern(view)))
    step = attention_step(
        q_heads, k_heads, v_heads, y_heads, weights, placed, batch=batch, s=s, t=t, d=d, e=e, target=target
    )
    run_twice(step, target, y.base)
    scores = q.astype(np.float64) @ k.swapaxes(-1, -2).astype(np.float64)
    assert_close(y, expected(scores) @ v.astype(np.float64), tolerance)


@pytest.mark.parametrize("sizes", SIZES)
def test_softmax(sizes, target, rng):
    check(target, rng, sizes, softmax(load(0, F32) * 0.3), lambda x: weights_of(x * 0.3))


def test_float64(target, rng):
    weights = softmax(load(0, F64) * 0.3)
    for sizes in SIZES:
        check(target, rng, sizes, weights, lambda x: weights_of(x * 0.3), dtype=np.float64, tolerance=1e-14)


MASKS = [
    (2, 1, 3, 17, 33),
    (2, 1, 1, 17, 33),
    (1, 1, 1, 17, 33),
    (2, 1, 1, 1, 33),
    (1, 1, 3, 17, 1),
    (1, 1, 1, 1, 1),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.float64])
@pytest.mark.parametrize("shape", MASKS)
def test_masks_that_are_added(shape, dtype, target, rng):
    mask = rng.standard_normal(shape).astype(dtype)
    x = load(0, F32) + (load(1, mask.dtype) if dtype == np.float32 else _to_f32(load(1, mask.dtype)))
    check(target, rng, (17, 33, 8, 20), softmax(x), lambda s: weights_of(s + mask), mask)


def _to_f32(x):
    from jitrt.expr import cast

    return cast(x, F32)


@pytest.mark.parametrize("shape", MASKS)
def test_masks_that_choose(shape, target, rng):
    mask = rng.random(shape) > 0.4
    x = where(load(1, BOOL), load(0, F32), -1e4)
    check(target, rng, (17, 33, 8, 20), softmax(x), lambda s: weights_of(np.where(mask, s, -1e4)), mask)


def test_transposed_mask_and_range_of_keys(target, rng):
    mask = rng.standard_normal((1, 1, 1, 33, 17), np.float32).swapaxes(-1, -2)
    last = np.arange(17, dtype=np.int32).reshape(1, 1, 1, 17, 1) + 4
    keys = np.arange(33, dtype=np.int32).reshape(1, 1, 1, 1, 33)
    x = where(load(3, I32) <= load(2, I32), load(0, F32) + load(1, F32), float("-inf"))
    check(
        target,
        rng,
        (17, 33, 8, 20),
        softmax(x),
        lambda s: weights_of(np.where(keys <= last, s + mask, -np.inf)),
        mask,
        last,
        keys,
    )


def test_kept_values_beside_the_scores(target, rng):
    """Weights that need scores, exponentials and their sum again."""
    x = load(0, F32)
    e = exp(x - reduce(x, "max"))
    weights = e / reduce(e, "sum") + x * 0.01

    check(target, rng, (19, 140, 8, 20), weights, lambda s: weights_of(s) + s * 0.01, tolerance=1e-5)
