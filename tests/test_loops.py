"""Loop kernels over strided, broadcast and reduced operands, against the NumPy interpreter."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loop_runs import run_loop
from steps import TARGETS

from jitrt import expr as ex
from jitrt.codegen.loop import COLUMNS
from jitrt.codegen.loops import Loop, Operand, extent, loop_kernel, scratch_bytes
from jitrt.codegen.target import Target
from jitrt.dims import Dim, Guards
from jitrt.evaluate import evaluate
from jitrt.expr import Expr, cast, load, reduce
from jitrt.types import BF16, BOOL, F16, F32, F64, I32, I64, U8

SIZES = st.sampled_from([0, 1, 2, 3, 5, 8, 15, 16, 17, 31, 33, 64, 65, 130, 200])


def softmax(x: Expr) -> Expr:
    e = ex.exp(x - reduce(x, "max"))
    return e * (1.0 / reduce(e, "sum"))


def normalise(x: Expr) -> Expr:
    count = cast(reduce(ex.const(1, x.dtype), "sum"), x.dtype)
    d = x - reduce(x, "sum") / count
    return d * (1.0 / ex.sqrt(reduce(d * d, "sum") / count + 0.1))


def log_sum_exp(x: Expr) -> Expr:
    top = reduce(x, "max")
    return ex.log(reduce(ex.exp(x - top), "sum")) + top


@st.composite
def strided(draw, shape: tuple[int, ...], dtype: np.dtype, rng: np.random.Generator):
    """(pattern, array): values in memory of any order, direction and spacing, some dimensions broadcast."""
    ndim = len(shape)
    broadcast = draw(st.lists(st.booleans(), min_size=ndim, max_size=ndim))
    own = [1 if b else s for s, b in zip(shape, broadcast, strict=True)]
    order = draw(st.permutations(range(ndim)))
    gaps = [draw(st.sampled_from([1, 1, 1, 2])) for _ in range(ndim)]
    memory = (rng.normal(size=[own[d] * gaps[d] for d in order]) * 4).astype(dtype)
    array = memory.transpose(np.argsort(order))[tuple(slice(None, None, g) for g in gaps)]
    flips = [draw(st.sampled_from([1, 1, -1])) for _ in range(ndim)]
    array = array[tuple(slice(None, None, f) for f in flips)]
    return _pattern(array, broadcast, draw), array


def _pattern(array: np.ndarray, broadcast: list[bool], draw) -> tuple[int | None, ...]:
    pattern: list[int | None] = []
    for stride, constant in zip(array.strides, broadcast, strict=True):
        contiguous = stride == array.itemsize and draw(st.sampled_from([True, True, False]))
        pattern.append(0 if constant else 1 if contiguous else None)
    return tuple(pattern)


def contiguous(shape: tuple[int, ...], dtype: np.dtype, kept: tuple[bool, ...] | None = None):
    """(pattern, array) of an output in C order, of size 1 where `kept` is False."""
    kept = kept or (True,) * len(shape)
    array = np.full([s if k else 1 for s, k in zip(shape, kept, strict=True)], 77).astype(dtype)
    pattern = [None if k else 0 for k in kept]
    if kept[-1]:
        pattern[-1] = 1
    return tuple(pattern), array


def compare(got: np.ndarray, expected: np.ndarray, dtype: np.dtype) -> None:
    if dtype.kind in "iub" and dtype not in (F16, BF16):
        np.testing.assert_array_equal(got, expected)
        return
    tolerance = {F16: 2e-3, BF16: 2e-2, F32: 1e-4, F64: 1e-13}[dtype]
    np.testing.assert_allclose(got.astype(F64), expected, rtol=tolerance, atol=tolerance)


MAPS = [
    ((F32, F32), lambda x, y: ex.maximum(x + y, 0)),
    ((F32, F16), lambda x, y: x * cast(y, F32) + 1.0),
    ((F16, F16), lambda x, y: ex.tanh(x) * y),
    ((BF16, BF16), lambda x, y: x - y),
    ((F64, F64), lambda x, y: x * y),
    ((I64, I32), lambda x, y: x * cast(y, I64)),
    ((U8, U8), lambda x, y: ex.minimum(x, y)),
    ((U8, F32), lambda x, y: (cast(x, F32) - 3.0) * y),
    ((F32, F32), lambda x, y: x < y),
    ((BOOL, F32), lambda x, y: ex.where(x, y, 0.0)),
    ((BOOL, BOOL), lambda x, y: x ^ y),
    ((F32, I64), lambda x, y: x + cast(y * 2 + ex.index(0), F32)),
]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_elementwise_over_any_strides(data):
    target = data.draw(st.sampled_from(TARGETS))
    dtypes, function = data.draw(st.sampled_from(MAPS))
    shape = tuple(data.draw(st.lists(SIZES, min_size=1, max_size=3)))
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    root = function(*(load(i, d) for i, d in enumerate(dtypes)))
    operands = [data.draw(strided(shape, d, rng)) for d in dtypes]
    output = contiguous(shape, root.dtype)
    loop = Loop(
        len(shape),
        (False,) * len(shape),
        tuple(Operand(a.dtype, p) for p, a in operands),
        (Operand(root.dtype, output[0]),),
        (root,),
    )
    cuts = data.draw(st.lists(st.integers(1, 70), max_size=3))
    run_loop(loop, shape, [*(a for _, a in operands), output[1]], target, cuts)
    whole = [np.broadcast_to(a, shape) for _, a in operands]
    [expected] = evaluate([root], whole, in_float64=root.dtype not in (BF16, F16))
    compare(output[1], expected.astype(F64) if root.dtype in (BF16, F16) else expected, root.dtype)


REDUCTIONS = [
    (F32, lambda x: [softmax(x)]),
    (F32, lambda x: [normalise(x), reduce(x, "min")]),
    (F32, lambda x: [log_sum_exp(x)]),
    (F64, lambda x: [reduce(x * x, "sum")]),
    (F16, lambda x: [softmax(x)]),
    (BF16, lambda x: [reduce(x, "max")]),
    (I32, lambda x: [reduce(x, "sum"), reduce(x, "prod"), x - reduce(x, "max")]),
    (U8, lambda x: [reduce(x, "min"), reduce(x, "max")]),
    (BOOL, lambda x: [reduce(x, "max"), reduce(x, "min")]),
]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_reductions_over_any_axes(data):
    target = data.draw(st.sampled_from(TARGETS))
    dtype, function = data.draw(st.sampled_from(REDUCTIONS))
    shape = tuple(data.draw(st.lists(SIZES, min_size=1, max_size=3)))
    reduced = tuple(data.draw(st.lists(st.booleans(), min_size=len(shape), max_size=len(shape))))
    if not any(reduced):
        reduced = (*reduced[:-1], True)
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    roots = function(load(0, dtype))
    pattern, array = data.draw(strided(shape, dtype, rng))
    axes = tuple(i for i, r in enumerate(reduced) if r)
    with np.errstate(all="ignore"):
        expected = evaluate(roots, [np.broadcast_to(array, shape)], axes, in_float64=True)
    whole = [e.shape == shape for e in expected]
    rows = reduced[-1] and reduced.count(True) == 1 and len(shape) > 1
    outputs = [
        contiguous(shape, root.dtype, None if w else tuple(not r for r in reduced))
        for root, w in zip(roots, whole, strict=True)
    ]
    loop = Loop(
        len(shape),
        reduced,
        (Operand(dtype, pattern),),
        tuple(Operand(a.dtype, p) for p, a in outputs),
        tuple(roots),
        short=data.draw(st.sampled_from([0, 16])) if rows else 0,
    )
    cuts = data.draw(st.lists(st.integers(1, 70), max_size=3))
    run_loop(loop, shape, [array, *(a for _, a in outputs)], target, cuts)
    for (_, got), wanted in zip(outputs, expected, strict=True):
        compare(got, wanted, got.dtype)


ROW = Operand(F32, (None, 1))
PER_ROW = Operand(F32, (None, 0))
PER_COLUMN = Operand(F32, (0, 1))


def test_an_output_may_lie_in_an_inputs_memory(target):
    """x + y and its normalisation, the sum where x was: x is still needed in the second and third pass."""
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=(9, 70)).astype(F32) for _ in range(2))
    total = load(0, F32) + load(1, F32)
    roots = (total, normalise(total))
    expected = evaluate(roots, [x, y], (1,), in_float64=True)
    out = np.empty_like(x)
    run_loop(Loop(2, (False, True), (ROW, ROW), (ROW, ROW), roots), x.shape, [x, y, x, out], target)
    compare(x, expected[0], F32)
    compare(out, expected[1], F32)


def test_elementwise_outputs_may_lie_in_an_inputs_memory(target):
    x = np.linspace(-2, 2, 333, dtype=F32)
    before, out = x.copy(), np.empty_like(x)
    flat = Operand(F32, (1,))
    run_loop(
        Loop(1, (False,), (flat,), (flat, flat), (-load(0, F32), load(0, F32) * 2.0)),
        x.shape,
        [x, x, out],
        target,
    )
    np.testing.assert_array_equal(x, -before)
    np.testing.assert_array_equal(out, 2 * before)


@pytest.mark.parametrize("reduced", [(False, False), (True, False)])
def test_an_output_of_size_one_may_have_stride_zero(reduced, target):
    shape = (3, 1) if reduced[0] else (1, 1)
    x, out = np.arange(shape[0], dtype=F32).reshape(shape), np.zeros((1, 1), F32)
    root = reduce(load(0, F32), "sum") if reduced[0] else load(0, F32) + 3.0
    still = Operand(F32, (0, 0))
    run_loop(Loop(2, reduced, (Operand(F32, (None, 0)),), (still,), (root,)), shape, [x, out], target)
    assert out == 3


@pytest.mark.parametrize("dtype", [U8, F16, F32, F64, BOOL], ids=str)
@pytest.mark.parametrize("shape", [(16, 16), (1, 40), (15, 70), (40, 3), (50, 130), (3, 35, 65)])
def test_transposed_inputs(shape, dtype, target):
    """The last two dimensions of one input lie in memory in the other order."""
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(*shape[:-2], shape[-1], shape[-2])) * 9).astype(dtype).swapaxes(-1, -2)
    y = (rng.normal(size=shape) * 9).astype(dtype)
    pattern, out = contiguous(shape, dtype)
    transposed = (*pattern[:-2], 1, None)
    root = ex.maximum(load(0, dtype), load(1, dtype))
    loop = Loop(
        len(shape),
        (False,) * len(shape),
        (Operand(dtype, transposed), Operand(dtype, pattern)),
        (Operand(dtype, pattern),),
        (root,),
    )
    run_loop(loop, shape, [x, y, out], target, (1, 2))
    np.testing.assert_array_equal(out, np.maximum(x, y))


@pytest.mark.parametrize("shape", [(1, 40_000), (3, 16_384), (2, 3, 33_001)])
def test_long_rows_are_several_units(shape, target):
    rng = np.random.default_rng(0)
    x, row = rng.normal(size=shape).astype(F32), rng.normal(size=shape[-1]).astype(F32)
    pattern, out = contiguous(shape, F32)
    operands = Operand(F32, pattern), Operand(F32, (*[0] * (len(shape) - 1), 1))
    reduced = (False,) * len(shape)
    loop = Loop(len(shape), reduced, operands, operands[:1], (load(0, F32) + load(1, F32),))
    units = extent(loop, shape)
    assert units == x.size // shape[-1] * -(-shape[-1] // COLUMNS)
    arrays = [x, np.broadcast_to(row, shape), out]
    run_loop(loop, shape, arrays, target, range(1, units, 2))
    np.testing.assert_array_equal(out, x + row)


@pytest.mark.parametrize("dtype", [U8, BF16, I32, F64], ids=str)
@pytest.mark.parametrize("shape", [(3, 1100), (1100, 3), (10, 9), (70, 530), (2, 3, 40), (3, 40, 2), (5, 0)])
def test_moves(shape, dtype, target):
    """Elements change places: transposed and in steps, from and to."""
    rng = np.random.default_rng(0)

    def transposed(step: int) -> tuple[tuple[int | None, ...], np.ndarray]:
        memory = (rng.normal(size=(*shape[:-2], shape[-1], step * shape[-2])) * 9).astype(dtype)
        pattern = contiguous(shape, dtype)[0]
        return (*pattern[:-2], 1 if step == 1 else None, None), memory[..., ::step].swapaxes(-1, -2)

    def stepped(step: int) -> tuple[tuple[int | None, ...], np.ndarray]:
        memory = (rng.normal(size=(*shape[:-1], abs(step) * shape[-1])) * 9).astype(dtype)
        return (*contiguous(shape, dtype)[0][:-1], None), memory[..., ::step]

    places = [transposed(1), transposed(2), stepped(2), stepped(-1), contiguous(shape, dtype)]
    for (source, x), (target_pattern, out) in itertools.permutations(places, 2):
        move = Loop(
            len(shape),
            (False,) * len(shape),
            (Operand(dtype, source),),
            (Operand(dtype, target_pattern),),
            (load(0, dtype),),
        )
        run_loop(move, shape, [x, out], target, (1, 3))
        np.testing.assert_array_equal(out, x)


@pytest.mark.parametrize("kind", ["max", "min"])
@pytest.mark.parametrize("reduced", [(False, True), (True, False)])
def test_extremes_propagate_nan(kind, reduced, target):
    for place in range(0, 100, 7):
        x = np.ones((100, 100), F32)
        x[place, place] = np.nan
        kept = tuple(not r for r in reduced)
        pattern, out = contiguous(x.shape, F32, kept)
        loop = Loop(2, reduced, (ROW,), (Operand(F32, pattern),), (reduce(load(0, F32), kind),))
        run_loop(loop, x.shape, [x, out], target)
        np.testing.assert_array_equal(np.isnan(out.ravel()), np.arange(100) == place)


@pytest.mark.parametrize("kind", ["sum", "prod", "max", "min"])
def test_reduction_of_nothing_is_the_identity(kind, target):
    expected = {"sum": 0, "prod": 1, "max": -math.inf, "min": math.inf}[kind]
    out = np.full((3, 1), 7, F32)
    loop = Loop(2, (False, True), (ROW,), (PER_ROW,), (reduce(load(0, F32), kind),))
    run_loop(loop, (3, 0), [np.zeros((3, 0), F32), out], target)
    assert (out == expected).all()


@pytest.mark.parametrize(("n", "short"), [(1000, 0), (1000, 12), (12, 12)])
def test_a_sum_does_not_depend_on_how_units_are_divided(target, n, short):
    x = np.random.default_rng(0).normal(size=(64, n)).astype(F32)
    loop = Loop(2, (False, True), (ROW,), (ROW,), (softmax(load(0, F32)),), short)
    whole, parts = np.empty_like(x), np.empty_like(x)
    run_loop(loop, x.shape, [x, whole], target)
    run_loop(loop, x.shape, [x, parts], target, range(1, 64))
    np.testing.assert_array_equal(whole, parts)


def test_softmax_keeps_the_exponentials_between_passes():
    loop = Loop(2, (False, True), (ROW,), (ROW,), (softmax(load(0, F32)),))
    assert [len(p.kept) for p in loop.passes] == [0, 1, 0]
    assert scratch_bytes(loop, (5, 100)) == 448
    assert not Loop(2, (False, True), (ROW,), (ROW,), (normalise(load(0, F32)),)).kept_values


def test_extent_follows_symbolic_sizes():
    n = Dim.symbol("n", 130, Guards())
    x = load(0, F32)
    flat = Operand(F32, (1,))
    assert str(extent(Loop(1, (False,), (flat,), (flat,), (x,)), [n])) == "n"
    assert str(extent(Loop(2, (False, False), (ROW,), (ROW,), (x,)), [n, 7])) == "n"
    assert extent(Loop(2, (True, False), (ROW,), (PER_COLUMN,), (reduce(x, "sum"),)), [n, 130]) == 3
    blocks = extent(Loop(2, (True, False), (ROW,), (PER_COLUMN,), (reduce(x, "sum"),)), [7, n])
    assert eval(str(blocks), {"n": 65}) == 2


def test_malformed_loops_are_refused():
    x = load(0, F32)
    with pytest.raises(ValueError, match="f32 expression stored to f64"):
        Loop(1, (False,), (Operand(F32, (1,)),), (Operand(F64, (1,)),), (x,))
    with pytest.raises(ValueError, match="dimensions"):
        Loop(2, (False, False), (Operand(F32, (1,)),), (ROW,), (x,))
    with pytest.raises(ValueError, match="load of input 0"):
        Loop(1, (False,), (Operand(F64, (1,)),), (Operand(F32, (1,)),), (x,))


def test_kernels_are_named_by_what_they_compute():
    first = Loop(2, (False, True), (ROW,), (ROW,), (softmax(load(0, F32)),))
    again = Loop(2, (False, True), (ROW,), (ROW,), (softmax(load(0, F32)),))
    other = Loop(2, (False, True), (ROW,), (ROW,), (normalise(load(0, F32)),))
    assert loop_kernel(first, TARGETS[0]) == loop_kernel(again, TARGETS[0])
    assert loop_kernel(first, TARGETS[0]) != loop_kernel(other, TARGETS[0])


AVX512 = Target("x86_64-unknown-linux-gnu", "x86-64-v4", "+avx2,+fma,+f16c,+avx512f,+avx512vl,+avx512bw")
AVX2 = Target("x86_64-unknown-linux-gnu", "x86-64-v3", "+avx2,+fma,+f16c")
GOLDEN = {
    "add_relu_avx512.ll": (
        Loop(2, (False, False), (ROW, PER_COLUMN), (ROW,), (ex.maximum(load(0, F32) + load(1, F32), 0),)),
        AVX512,
    ),
    "softmax_avx512.ll": (Loop(2, (False, True), (ROW,), (ROW,), (softmax(load(0, F32)),)), AVX512),
    "column_sum_avx2.ll": (
        Loop(2, (True, False), (ROW,), (PER_COLUMN,), (reduce(load(0, F32), "sum"),)),
        AVX2,
    ),
    "transpose_avx2.ll": (
        Loop(2, (False, False), (Operand(F64, (1, None)),), (Operand(F64, (None, 1)),), (load(0, F64),)),
        AVX2,
    ),
    "halve_float16_avx2.ll": (
        Loop(1, (False,), (Operand(F16, (None,)),), (Operand(F16, (1,)),), (load(0, F16) * 0.5,)),
        AVX2,
    ),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_generated_code(name, golden):
    loop, target = GOLDEN[name]
    golden(name, loop_kernel(loop, target).build("kernel"))
