"""Sampling grids against the spec, one point at a time, in float64."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import BF16, FLOATS, Case, int64s, integers, normal, table

import jitrt


def reflected(x, low, high):
    """x mirrored at the ends until it lies between them."""
    if low == high:
        return low
    while not low <= x <= high:
        x = 2 * low - x if x < low else 2 * high - x
    return x


def padded(x, n, padding, align_corners):
    """The coordinate that stands for x."""
    low, high = (0, n - 1) if align_corners else (-0.5, n - 0.5)
    if low <= x <= high or padding == "zeros":
        return x
    return float(np.clip(x, 0, n - 1)) if padding == "border" else reflected(x, low, high)


def tap_weights(x, mode):
    """Pixels near x and their weights."""
    if mode == "nearest":
        return [(int(x), 1.0)]
    base = int(np.floor(x))
    if mode == "linear":
        return [(base, 1 - (x - base)), (base + 1, x - base)]
    taps = range(base - 1, base + 3)
    return [(i, cubic(abs(i - x))) for i in taps]


def cubic(d, a=-0.75):
    if d <= 1:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1
    return a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a


def grid_sample(x, grid, mode="linear", padding_mode="zeros", align_corners=0):
    mode = {"bilinear": "linear", "bicubic": "cubic"}.get(mode, mode)
    spatial = x.shape[2:]
    y = np.zeros((*x.shape[:2], *grid.shape[1:-1]))
    for n, *at in np.ndindex(*grid.shape[:-1]):
        axes = []
        for place, size in zip(grid[(n, *at)][::-1], spatial, strict=True):
            place = float(place)
            p = (place + 1) / 2 * (size - 1) if align_corners else ((place + 1) * size - 1) / 2
            p = np.rint(p) if mode == "nearest" else p
            if (mode, padding_mode) != ("cubic", "border"):  # whose taps are moved, and not the point
                p = padded(p, size, padding_mode, align_corners)
            axes.append(tap_weights(p, mode))
        for taps in itertools.product(*axes):
            weight = np.prod([w for _, w in taps])
            where = [
                int(padded(i, size, padding_mode, align_corners))
                for (i, _), size in zip(taps, spatial, strict=True)
            ]
            if all(0 <= i < size for i, size in zip(where, spatial, strict=True)):
                y[(n, slice(None), *at)] += weight * x[(n, slice(None), *where)]
    return y


def points(*shape, low=-1.3, high=1.3, dtype=np.float32, seed=1):
    return np.random.default_rng(seed).uniform(low, high, shape).astype(dtype)


IMAGE, GRID = normal(2, 3, 5, 6), points(2, 4, 3, 2)
WAYS = [
    Case(
        "GridSample",
        [IMAGE, GRID],
        {"mode": mode, "padding_mode": padding, "align_corners": align},
        grid_sample,
        tolerance=8,
    )
    for mode in ("linear", "nearest", "cubic")
    for padding in ("zeros", "border", "reflection")
    for align in (0, 1)
]
RANKS = [
    Case(
        "GridSample",
        [normal(2, 3, *image), points(2, *grid, len(image))],
        {"mode": mode, "padding_mode": padding},
        grid_sample,
        tolerance=16,
    )
    for image, grid in (((7,), (5,)), ((3, 4, 5), (2, 3, 2)), ((2, 3, 2, 3), (2, 1, 2, 2)))
    for mode, padding in (("linear", "reflection"), ("nearest", "zeros"), ("cubic", "border"))
]
TYPES = [
    Case(
        "GridSample", [normal(1, 2, 4, 4, dtype=t), points(1, 3, 3, 2, dtype=g)], {}, grid_sample, tolerance=8
    )
    for t, g in ((np.float64, np.float64), (np.float16, np.float16), (BF16, BF16), (np.float32, np.float64))
] + [
    Case(
        "GridSample",
        [integers(1, 2, 4, 4, dtype=t, low=-90, high=99), points(1, 3, 3, 2)],
        {"mode": mode},
        lambda x, g, mode: np.trunc(np.round(grid_sample(x, g, mode=mode), 5)),
    )
    for t in (np.uint8, np.int16, np.int64)
    for mode in ("nearest", "linear")
]
OLD = [
    Case("GridSample", [IMAGE, GRID], {"mode": mode}, grid_sample, version=16, tolerance=8)
    for mode in ("bilinear", "bicubic", "nearest")
]
EDGES = [
    Case(
        "GridSample",
        [normal(1, 1, 1, 1), points(1, 3, 3, 2)],
        {"padding_mode": p, "align_corners": 1},
        grid_sample,
    )
    for p in ("border", "reflection")
] + [
    Case("GridSample", [IMAGE, points(2, 0, 3, 2)], {}, grid_sample),
    Case(
        "GridSample",
        [IMAGE, points(2, 2, 2, 2, low=-9, high=9)],
        {"padding_mode": "reflection"},
        grid_sample,
        tolerance=64,
    ),
]


def affine_grid(theta, size, align_corners=0):
    spatial = [int(n) for n in size[2:]]
    axes = [
        (np.linspace(-1, 1, n) if n > 1 else np.zeros(1)) if align_corners else (2 * np.arange(n) + 1) / n - 1
        for n in spatial
    ]
    homogeneous = np.stack([*np.meshgrid(*axes, indexing="ij")[::-1], np.ones(spatial)], -1)
    return np.einsum("nij,...j->n...i", theta, homogeneous)


AFFINE = [
    Case(
        "AffineGrid",
        [normal(2, r, r + 1, dtype=t), int64s(2, 3, *spatial)],
        {"align_corners": align},
        affine_grid,
        tolerance=4,
    )
    for r, spatial in ((2, (4, 5)), (3, (2, 3, 4)), (2, (1, 6)))
    for align in (0, 1)
    for t in (np.float32,)
] + [Case("AffineGrid", [normal(1, 2, 3, dtype=t), int64s(1, 1, 3, 2)], {}, affine_grid) for t in FLOATS]


@table(WAYS, RANKS, TYPES, OLD, EDGES, AFFINE)
def test_grid(case):
    case.check()


def test_strings_and_complex_numbers():
    words = np.array([f"w{i}" for i in range(12)], object).reshape(1, 1, 3, 4)
    grid = points(1, 5, 5, 2)
    places = jitrt.call("GridSample", np.arange(1, 13).reshape(1, 1, 3, 4), grid, mode="nearest")
    got = jitrt.call("GridSample", words, grid, mode="nearest")
    assert got.ravel().tolist() == [f"w{i - 1}" if i else "" for i in places.ravel()]
    z = (normal(1, 2, 3, 4) + 1j * normal(1, 2, 3, 4, seed=5)).astype(np.complex64)
    expected = grid_sample(z.real, grid) + 1j * grid_sample(z.imag, grid)
    np.testing.assert_allclose(jitrt.call("GridSample", z, grid), expected, rtol=1e-5, atol=1e-5)
    with pytest.raises(jitrt.errors.Fail, match="holds strings"):
        jitrt.call("GridSample", words, grid)


def test_points_that_are_no_numbers_read_no_memory():
    grid = np.array([np.nan, 0, np.inf, 0, -np.inf, 0, 1e30, 0], np.float32).reshape(1, 1, 4, 2)
    for padding in ("zeros", "border", "reflection"):
        y = jitrt.call("GridSample", np.ones((1, 2, 3, 3), np.float32), grid, padding_mode=padding)
        assert set(np.nan_to_num(y, nan=1.0).ravel()) <= {0.0, 1.0}


def test_what_lies_outside_does_not_spoil_what_lies_inside():
    image = np.full((1, 1, 2, 2), np.inf, np.float32)
    image[0, 0, 0, 0] = 1
    corner = np.array([[[[-1.2, -1.2]]]], np.float32)
    assert np.isfinite(jitrt.call("GridSample", image, corner)).all()


def test_wrong_grids_are_errors():
    with pytest.raises(jitrt.errors.Fail, match=r"expected a grid \[N, \*spatial, 2\]"):
        jitrt.call("GridSample", IMAGE, points(2, 4, 3, 3))
    with pytest.raises(jitrt.errors.Fail, match=r"expected theta \[N, 2, 3\]"):
        jitrt.call("AffineGrid", normal(1, 3, 4), int64s(1, 1, 3, 2))


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 3),
    st.integers(1, 4),
    st.integers(1, 6),
    st.integers(1, 6),
    st.integers(1, 5),
    st.integers(0, 99),
)
def test_one_program_serves_all_sizes(n, c, h, w, p, seed):
    x, grid = normal(n, c, h, w, seed=seed), points(n, p, 2, 2, seed=seed)
    np.testing.assert_allclose(jitrt.call("GridSample", x, grid), grid_sample(x, grid), rtol=1e-4, atol=1e-5)
