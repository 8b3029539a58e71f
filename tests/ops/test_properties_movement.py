"""Operators that move elements, on random shapes and positions."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from arrays import broadcast_shapes, fill, seeds, shapes
from hypothesis import given, settings
from hypothesis import strategies as st

import jitrt

few = settings(deadline=None, max_examples=30)
F32 = np.float32
WIDTHS = (F32, np.int8, np.float16, np.int64)
some = shapes(1, 3, (1, 2, 3, 17))
axis_numbers = st.integers(0, 99)


def int64s(values):
    return np.array(list(values), np.int64)


def an_axis(number, rank):
    """One of the axes, from either end."""
    return number % (2 * rank) - rank


@few
@given(shapes(0, 4), st.randoms(use_true_random=False), st.sampled_from(WIDTHS), seeds)
def test_transpose(shape, random, dtype, seed):
    x, perm = fill(shape, dtype, seed), list(range(len(shape)))
    random.shuffle(perm)
    np.testing.assert_array_equal(jitrt.call("Transpose", x, perm=perm), x.transpose(perm))


@few
@given(shapes(0, 4, (1, 2, 3, 17)), st.randoms(use_true_random=False), st.booleans(), seeds)
def test_reshape(shape, random, inferred, seed):
    """The sizes in another order, one of them left to be found out."""
    x, new = fill(shape, F32, seed), list(shape)
    random.shuffle(new)
    asked = [-1, *new[1:]] if inferred and new else new
    np.testing.assert_array_equal(jitrt.call("Reshape", x, int64s(asked)), x.reshape(new))


@few
@given(
    shapes(1, 3),
    st.lists(st.tuples(*[st.integers(-20, 20)] * 3), min_size=3, max_size=3),
    st.booleans(),
    seeds,
)
def test_slice(shape, bounds, backwards, seed):
    """Any start and end, beyond the tensor too, and any step but 0."""
    x = fill(shape, F32, seed)
    axes = [a - len(shape) if backwards else a for a in range(len(shape))]
    starts, ends, steps = zip(*[(s, e, t or 1) for s, e, t in bounds[: len(shape)]], strict=True)
    got = jitrt.call("Slice", x, *map(int64s, (starts, ends, axes, steps)))
    where = []
    for n, s, e, t in zip(shape, starts, ends, steps, strict=True):
        s, e = (v + n if v < 0 else v for v in (s, e))
        s, e = (
            (np.clip(s, 0, n), np.clip(e, 0, n)) if t > 0 else (np.clip(s, 0, n - 1), np.clip(e, -1, n - 1))
        )
        where.append(list(range(int(s), int(e), t)))
    np.testing.assert_array_equal(got, x[np.ix_(*where)])


@few
@given(some, axis_numbers, st.lists(st.sampled_from((0, 1, 2, 17)), min_size=1, max_size=4), seeds)
def test_concat_and_split(shape, number, parts, seed):
    axis = an_axis(number, len(shape))
    arrays = []
    for i, part in enumerate(parts):
        arrays.append(
            fill(tuple(part if a == axis % len(shape) else n for a, n in enumerate(shape)), F32, seed + i)
        )
    whole = jitrt.call("Concat", *arrays, axis=axis)
    np.testing.assert_array_equal(whole, np.concatenate(arrays, axis))
    back = jitrt.call("Split", whole, int64s(parts), axis=axis, outputs=len(parts))
    for got, wanted in zip(back if len(parts) > 1 else [back], arrays, strict=True):
        np.testing.assert_array_equal(got, wanted)


@few
@given(broadcast_shapes(2), st.sampled_from(WIDTHS), seeds)
def test_expand(pair, dtype, seed):
    x = fill(pair[0], dtype, seed)
    shape = np.broadcast_shapes(*pair)
    np.testing.assert_array_equal(jitrt.call("Expand", x, int64s(pair[1])), np.broadcast_to(x, shape))


@few
@given(shapes(1, 3), st.lists(st.integers(0, 3), min_size=3, max_size=3), seeds)
def test_tile(shape, repeats, seed):
    x, counts = fill(shape, F32, seed), repeats[: len(shape)]
    np.testing.assert_array_equal(jitrt.call("Tile", x, int64s(counts)), np.tile(x, counts))


@few
@given(shapes(2, 4), st.integers(-20, 20), st.integers(0, 1), seeds)
def test_triangle(shape, k, upper, seed):
    x = fill(shape, F32, seed)
    got = jitrt.call("Trilu", x, np.array(k), upper=upper)
    np.testing.assert_array_equal(got, (np.triu if upper else np.tril)(x, k))


@few
@given(
    some, axis_numbers, shapes(0, 2), st.sampled_from(WIDTHS), st.sampled_from((np.int32, np.int64)), seeds
)
def test_gather(shape, number, picks, dtype, kind, seed):
    axis = an_axis(number, len(shape))
    x, n = fill(shape, dtype, seed), shape[axis]
    indices = np.asarray(np.random.default_rng(seed).integers(-n, n, picks)).astype(kind)
    np.testing.assert_array_equal(jitrt.call("Gather", x, indices, axis=axis), np.take(x, indices, axis))


@few
@given(some, axis_numbers, st.sampled_from((0, 1, 4)), st.sampled_from(WIDTHS), seeds)
def test_gather_elements(shape, number, count, dtype, seed):
    axis = an_axis(number, len(shape))
    x, n = fill(shape, dtype, seed), shape[axis]
    picks = [count if a == axis % len(shape) else max(s - 1, 1) for a, s in enumerate(shape)]
    indices = np.random.default_rng(seed).integers(-n, n, picks)
    inside = x[tuple(slice(None) if a == axis % len(shape) else slice(p) for a, p in enumerate(picks))]
    wanted = np.take_along_axis(inside, indices, axis)
    np.testing.assert_array_equal(jitrt.call("GatherElements", x, indices, axis=axis), wanted)


COMBINE = {"none": lambda _, u: u, "add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}


@few
@given(some, axis_numbers, st.booleans(), st.booleans(), seeds)
@pytest.mark.parametrize("reduction", COMBINE)
def test_scatter_elements(reduction, shape, number, shorter, ragged, seed):
    """Indices that cover all other dimensions, fewer of the first, or fewer of each."""
    axis, rng = an_axis(number, len(shape)), np.random.default_rng(seed)
    x, n = fill(shape, np.int32, seed), shape[axis]
    marks = [max(s - ragged - (shorter and a == 0), 1) for a, s in enumerate(shape)]
    marks[axis] = n
    along = np.stack([rng.permutation(n) for _ in range(math.prod(marks) // n)]).reshape(
        [*(m for a, m in enumerate(marks) if a != axis % len(shape)), n]
    )
    indices = np.moveaxis(along, -1, axis)
    indices = np.where(rng.random(indices.shape) < 0.5, indices, indices - n)
    updates, wanted = fill(indices.shape, np.int32, seed + 1), x.copy()
    for at in np.ndindex(*indices.shape):
        to = tuple(indices[at] if a == axis % len(shape) else i for a, i in enumerate(at))
        with np.errstate(all="ignore"):
            wanted[to] = COMBINE[reduction](wanted[to], updates[at])
    got = jitrt.call("ScatterElements", x, indices, updates, axis=axis, reduction=reduction)
    np.testing.assert_array_equal(got, wanted)


@few
@given(some, st.integers(1, 3), shapes(0, 2, (0, 1, 2)), seeds)
@pytest.mark.parametrize("reduction", ["none", "add", "max"])
def test_tuples_of_indices(reduction, shape, depth, count, seed):
    depth, rng = min(depth, len(shape)), np.random.default_rng(seed)
    x = fill(shape, np.int32, seed)
    flat = rng.permutation(math.prod(shape[:depth]))[: math.prod(count)]
    count = count if flat.size == math.prod(count) else (flat.size,)
    indices = np.stack(np.unravel_index(flat.reshape(count), shape[:depth]), -1)
    where = tuple(np.moveaxis(indices, -1, 0))
    indices = np.where(rng.random(indices.shape) < 0.5, indices, indices - np.array(shape[:depth]))
    np.testing.assert_array_equal(jitrt.call("GatherND", x, indices), x[where])
    updates, wanted = fill((*count, *shape[depth:]), np.int32, seed + 1), x.copy()
    with np.errstate(all="ignore"):
        wanted[where] = COMBINE[reduction](wanted[where], updates)
    np.testing.assert_array_equal(jitrt.call("ScatterND", x, indices, updates, reduction=reduction), wanted)


@few
@given(some, st.lists(st.integers(-2, 5), min_size=6, max_size=6), seeds)
@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "wrap"])
def test_pad(mode, shape, widths, seed):
    """Negative pads cut; long reflections go back and forth."""
    rank = len(shape)
    widths = [(widths[a], widths[a + 3]) for a in range(rank)]
    widths = [
        (b, a) if n + min(b, 0) + min(a, 0) > 0 else (0, 0) for n, (b, a) in zip(shape, widths, strict=True)
    ]
    x = fill(shape, F32, seed)
    kept = x[tuple(slice(max(-b, 0), n - max(-a, 0)) for n, (b, a) in zip(shape, widths, strict=True))]
    wanted = np.pad(kept, [(max(b, 0), max(a, 0)) for b, a in widths], mode)
    pads = int64s([b for b, _ in widths] + [a for _, a in widths])
    np.testing.assert_array_equal(jitrt.call("Pad", x, pads, mode=mode), wanted)


@few
@given(
    st.sampled_from((1, 2, 9, 17)),
    st.sampled_from((1, 3, 18, 31)),
    st.sampled_from((1, 8)),
    st.integers(1, 2),
    seeds,
)
@pytest.mark.parametrize("mode", ["nearest", "linear"])
@pytest.mark.parametrize("where", ["half_pixel", "asymmetric", "align_corners"])
def test_resize(mode, where, old, new, channels, rank, seed):
    """Each axis by itself: nearest rounds halves down, linear clamps to the borders."""
    x = fill((1, channels, *[old] * rank), F32, seed, extreme=False)
    o = np.arange(new)
    at = {
        "half_pixel": (o + 0.5) * old / new - 0.5,
        "asymmetric": o * old / new,
        "align_corners": o * (old - 1) / (new - 1) if new > 1 else o * 0.0,
    }[where]
    near = np.clip(np.ceil(at - 0.5), 0, old - 1).astype(int)
    low, share = np.floor(at).astype(int), at - np.floor(at)
    wanted = x.astype(np.float64)
    for axis in range(2, x.ndim):
        line = np.expand_dims(share, tuple(range(1, x.ndim - axis)))
        pick = lambda i, axis=axis, y=wanted: np.take(y, np.clip(i, 0, old - 1), axis)  # noqa: E731
        wanted = pick(near) if mode == "nearest" else pick(low) * (1 - line) + pick(low + 1) * line
    sizes = int64s([1, channels, *[new] * rank])
    got = jitrt.call("Resize", x, None, None, sizes, mode=mode, coordinate_transformation_mode=where)
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)


@few
@given(shapes(2, 2, (1, 2, 3)), st.integers(2, 3), st.sampled_from(("DCR", "CRD")), seeds)
def test_depth_to_space_and_back(image, block, mode, seed):
    x = fill((2, 3 * block * block, *image), F32, seed)
    y = jitrt.call("DepthToSpace", x, blocksize=block, mode=mode)
    for c, h, w in itertools.product(range(3), range(y.shape[2]), range(y.shape[3])):
        inside = (h % block) * block + w % block
        channel = inside * 3 + c if mode == "DCR" else c * block * block + inside
        np.testing.assert_array_equal(y[:, c, h, w], x[:, channel, h // block, w // block])
    if mode == "DCR":
        np.testing.assert_array_equal(jitrt.call("SpaceToDepth", y, blocksize=block), x)
