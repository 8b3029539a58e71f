"""Strategies for arrays: ragged and broadcast shapes, empty ones, numbers at the limits of their types."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

Array = np.ndarray[Any, Any]
SIZES = (0, 1, 2, 3, 17)  # empty, repeated, short, and longer than a vector


def is_float(dtype: Any) -> bool:
    """Whether the type has a fraction; NumPy calls bfloat16's kind void."""
    return np.dtype(dtype).kind not in "iub"


def fill(shape: tuple[int, ...], dtype: Any, seed: int, extreme: bool = True) -> Array:
    """Numbers around 0 and, if `extreme`, a few of the type's limits among them."""
    rng, dtype = np.random.default_rng(seed), np.dtype(dtype)
    if dtype == np.bool_:
        return rng.integers(0, 2, shape).astype(bool)
    low = 0 if dtype.kind == "u" else -9
    x = rng.standard_normal(shape) * 3 if is_float(dtype) else rng.integers(low, 10, shape)
    x = np.asarray(x).astype(dtype)
    return np.where(rng.random(shape) < 0.2, rng.choice(limits(dtype), shape), x) if extreme else x


def limits(dtype: Any) -> Array:
    """What breaks careless code: NaN, infinities, -0, denormals, the largest numbers."""
    dtype = np.dtype(dtype)
    if not is_float(dtype):
        bounds = np.iinfo(dtype)
        return np.array([bounds.min, bounds.max, bounds.min + 1, 0, 1], dtype)
    bounds = np.finfo(dtype)
    values = [
        np.nan,
        np.inf,
        -np.inf,
        -0.0,
        0.0,
        bounds.max,
        bounds.min,
        bounds.tiny,
        bounds.smallest_subnormal,
    ]
    return np.array(values, dtype)


def shapes(
    least: int = 0, most: int = 3, sizes: tuple[int, ...] = SIZES
) -> st.SearchStrategy[tuple[int, ...]]:
    """Shapes of few dimensions."""
    return st.lists(st.sampled_from(sizes), min_size=least, max_size=most).map(tuple)


@st.composite
def broadcast_shapes(draw: st.DrawFn, count: int, most: int = 3) -> list[tuple[int, ...]]:
    """Shapes that broadcast together: each lacks some leading dimensions and repeats along others."""
    whole = draw(shapes(0, most))
    found = []
    for _ in range(count):
        kept = whole[draw(st.integers(0, len(whole))) :]
        found.append(tuple(draw(st.sampled_from((size, 1))) for size in kept))
    return found


@st.composite
def axes_of(draw: st.DrawFn, rank: int) -> tuple[int, ...]:
    """Some axes, each once, counted from either end."""
    chosen = draw(st.lists(st.integers(0, rank - 1), unique=True, max_size=rank)) if rank else []
    return tuple(a - rank if draw(st.booleans()) else a for a in chosen)


seeds = st.integers(0, 1000)
