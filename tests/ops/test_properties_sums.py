"""Sums over windows and along axes, on random shapes: convolutions, pools, products."""

from __future__ import annotations

import numpy as np
import pytest
from arrays import broadcast_shapes, fill, seeds
from hypothesis import given, settings
from hypothesis import strategies as st

import jitrt

few = settings(deadline=None, max_examples=30)
F32 = np.float32
sizes = st.sampled_from((0, 1, 2, 17, 40))


def windows(x, kernel, strides, dilations, pads, fill_value):
    """[N, C, *out, *kernel]: what each window sees of an image [N, C, *spatial]."""
    rank = len(kernel)
    before, after = pads[:rank], pads[rank:]
    x = np.pad(x, [(0, 0), (0, 0), *zip(before, after, strict=True)], constant_values=fill_value)
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True)]
    seen = np.lib.stride_tricks.sliding_window_view(x, reach, tuple(range(2, x.ndim)))
    steps = tuple(slice(None, None, s) for s in strides)
    return seen[(slice(None), slice(None), *steps, *(slice(None, None, d) for d in dilations))]


@st.composite
def window_cases(draw):
    rank = draw(st.integers(1, 2))
    kernel, strides, dilations = ([draw(st.integers(1, most)) for _ in range(rank)] for most in (3, 3, 2))
    pads = [draw(st.integers(0, k - 1)) for k in kernel * 2]
    least = [d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True)]
    spatial = [n + draw(st.integers(0, 9)) for n in least]
    return spatial, kernel, strides, dilations, pads


@few
@given(window_cases(), st.integers(1, 2), st.sampled_from((1, 3, 17)), seeds)
@pytest.mark.parametrize("op", ["MaxPool", "AveragePool"])
def test_pool(op, case, batch, channels, seed):
    spatial, kernel, strides, dilations, pads = case
    x = fill((batch, channels, *spatial), F32, seed, extreme=op == "MaxPool")
    x = np.where(np.isnan(x), F32(0), x)
    over = tuple(range(-len(kernel), 0))
    seen = windows(
        x.astype(np.float64), kernel, strides, dilations, pads, -np.inf if op == "MaxPool" else np.nan
    )
    wanted = seen.max(over) if op == "MaxPool" else np.nanmean(seen, over)
    got = jitrt.call(op, x, kernel_shape=kernel, strides=strides, dilations=dilations, pads=pads)
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)


@few
@given(
    window_cases(),
    st.integers(1, 2),
    st.sampled_from(((1, 1, 1), (1, 2, 3), (2, 3, 1), (4, 1, 1), (1, 17, 18))),
    seeds,
)
def test_convolution(case, batch, channels, seed):
    spatial, kernel, strides, dilations, pads = case
    group, inside, outside = channels
    x = fill((batch, group * inside, *spatial), F32, seed, extreme=False)
    w = fill((group * outside, inside, *kernel), F32, seed + 1, extreme=False)
    b = fill((group * outside,), F32, seed + 2, extreme=False)
    seen = windows(x.astype(np.float64), kernel, strides, dilations, pads, 0)
    seen = seen.reshape(batch, group, inside, *seen.shape[2:])
    weights = w.astype(np.float64).reshape(group, outside, inside, *kernel)
    out, k = "yz"[: len(kernel)], "kl"[: len(kernel)]
    y = np.einsum(f"ngi{out}{k},goi{k}->ngo{out}", seen, weights)
    y = y.reshape(batch, -1, *y.shape[3:]) + b.reshape(-1, *[1] * len(kernel))
    got = jitrt.call("Conv", x, w, b, strides=strides, dilations=dilations, pads=pads, group=group)
    np.testing.assert_allclose(got, y, rtol=1e-4, atol=1e-3)


@few
@given(
    broadcast_shapes(2, 2),
    st.tuples(sizes, sizes, sizes),
    st.booleans(),
    st.booleans(),
    seeds,
)
@pytest.mark.parametrize("dtype", [F32, np.float64, np.int32])
def test_product(dtype, lead, shape, row, column, seed):
    """Matrices with batches that broadcast, and vectors; sums of nothing are 0."""
    m, k, n = shape
    a = fill((k,) if row else (*lead[0], m, k), dtype, seed, extreme=False)
    b = fill((k,) if column else (*lead[1], k, n), dtype, seed + 1, extreme=False)
    got, wanted = jitrt.call("MatMul", a, b), a.astype(np.float64) @ b.astype(np.float64)
    assert got.shape == wanted.shape
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-4)


@few
@given(
    st.tuples(sizes, sizes, sizes),
    st.tuples(st.booleans(), st.booleans()),
    st.sampled_from(("none", "row", "column", "one", "full")),
    st.sampled_from((1.0, -0.5)),
    seeds,
)
def test_gemm(shape, transposed, added, alpha, seed):
    m, k, n = shape
    a = fill((k, m) if transposed[0] else (m, k), F32, seed, extreme=False)
    b = fill((n, k) if transposed[1] else (k, n), F32, seed + 1, extreme=False)
    wide_a, wide_b = (
        x.astype(np.float64).T if t else x.astype(np.float64) for x, t in zip((a, b), transposed, strict=True)
    )
    wanted, c = alpha * wide_a @ wide_b, None
    if added != "none":
        c = fill(
            {"row": (n,), "column": (m, 1), "one": (), "full": (m, n)}[added], F32, seed + 2, extreme=False
        )
        wanted = wanted + 2.0 * c
    got = jitrt.call(
        "Gemm", a, b, c, alpha=alpha, beta=2.0, transA=int(transposed[0]), transB=int(transposed[1])
    )
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-4)


EQUATIONS = (
    *("ij,jk->ik", "bij,bjk->bik", "ij,ij->", "i,j->ij", "...ij,jk->...ik", "ii->i", "bhqd,bhkd->bhqk"),
    *("ij->ji", "ijk,k->ij", "ij,jk,kl->il", "bi,bj->ij", "iij->j"),
)


@few
@given(st.tuples(*[st.sampled_from((0, 1, 2, 17))] * 8), seeds)
@pytest.mark.parametrize("equation", EQUATIONS)
def test_einsum(equation, lengths, seed):
    length = dict(zip("bdhijklq", lengths, strict=True)) | {".": 2}
    terms = equation.partition("->")[0].replace("...", ".").split(",")
    arrays = [
        fill(tuple(length[letter] for letter in term), F32, seed + i, extreme=False)
        for i, term in enumerate(terms)
    ]
    wanted = np.einsum(equation, *(x.astype(np.float64) for x in arrays))
    np.testing.assert_allclose(jitrt.call("Einsum", *arrays, equation=equation), wanted, rtol=1e-4, atol=1e-3)
