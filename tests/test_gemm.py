"""Matrix products of every layout and element type against NumPy in float64."""

from __future__ import annotations

import re

import llvmlite.binding as llvm
import ml_dtypes
import numpy as np
import pytest
from steps import assert_close, ref, run, run_twice, stored

from jitrt.codegen.emit import emit_assembly
from jitrt.codegen.epilogue import Epilogue
from jitrt.codegen.gemm import PackedMatrix, matmul_step
from jitrt.codegen.loop import Operand
from jitrt.codegen.microkernel import accumulator, microkernels
from jitrt.codegen.product import Matrix
from jitrt.codegen.target import Target
from jitrt.codegen.weights import pack_matrix, unpack_matrix
from jitrt.expr import cast, load, maximum
from jitrt.types import BF16, F16, F32, F64

SIZES = [(1, 1, 1), (1, 33, 17), (3, 16, 5), (5, 32, 40), (14, 64, 16), (33, 47, 19), (92, 100, 130)]
PLAIN, SWAPPED, HEADS, HEADS_SWAPPED = (0, 1, 2, 3), (0, 1, 3, 2), (0, 2, 1, 3), (0, 2, 3, 1)


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.mark.parametrize("has_bias", [False, True])
@pytest.mark.parametrize(("m", "n", "k"), SIZES)
def test_packed(m, n, k, has_bias, target, rng):
    a, a_matrix = stored(rng.standard_normal((1, 1, m, k), np.float32))
    b, bias = rng.standard_normal((k, n), np.float32), rng.standard_normal(n, np.float32)
    y, y_matrix = stored(np.zeros((1, 1, m, n), np.float32))
    packed = PackedMatrix(ref(pack_matrix(b, target)))
    step = matmul_step(
        a_matrix,
        packed,
        y_matrix,
        m=m,
        n=n,
        k=k,
        bias=ref(bias) if has_bias else None,
        target=target,
    )
    run_twice(step, target, y)
    assert_close(y[0, 0], a[0, 0].astype(np.float64) @ b + has_bias * bias)


@pytest.mark.parametrize("order_b", [PLAIN, SWAPPED, HEADS, HEADS_SWAPPED, (3, 2, 1, 0)])
@pytest.mark.parametrize("order_a", [PLAIN, SWAPPED, HEADS])
def test_strided_batches(order_a, order_b, target, rng):
    for m, n, k in SIZES[:-1]:
        a, a_matrix = stored(rng.standard_normal((2, 3, m, k), np.float32), order_a)
        b, b_matrix = stored(rng.standard_normal((2, 3, k, n), np.float32), order_b)
        y, y_matrix = stored(np.zeros((2, 3, m, n), np.float32), HEADS)
        run_twice(
            matmul_step(a_matrix, b_matrix, y_matrix, m=m, n=n, k=k, batch=(2, 3), target=target),
            target,
            y.base,
        )
        assert_close(y, a.astype(np.float64) @ b)


def test_repeated_matrices(target, rng):
    a, a_matrix = stored(rng.standard_normal((2, 4, 5, 8), np.float32))
    b, b_matrix = stored(rng.standard_normal((2, 1, 8, 40), np.float32))
    b_matrix = Matrix(b_matrix.ref, F32, b_matrix.row, 1, (b_matrix.batch[0], 0))
    y, y_matrix = stored(np.zeros((2, 4, 5, 40), np.float32))
    run(matmul_step(a_matrix, b_matrix, y_matrix, m=5, n=40, k=8, batch=(2, 4), target=target), target)
    assert_close(y, a.astype(np.float64) @ b)


@pytest.mark.parametrize(
    ("dtype", "out", "tolerance"),
    [(F16, F16, 1e-3), (F16, F32, 3e-6), (BF16, F32, 3e-6), (BF16, BF16, 8e-3), (F64, F64, 1e-14)],
)
@pytest.mark.parametrize("order", [PLAIN, SWAPPED])
def test_float_types(dtype, out, tolerance, order, target, rng):
    m, n, k = 17, 45, 33
    a, a_matrix = stored(rng.standard_normal((1, 2, m, k)).astype(dtype), order)
    b, b_matrix = stored(rng.standard_normal((1, 2, k, n)).astype(dtype), order)
    y, y_matrix = stored(np.zeros((1, 2, m, n), out))
    bias = rng.standard_normal(n).astype(accumulator(dtype))
    step = matmul_step(
        a_matrix, b_matrix, y_matrix, m=m, n=n, k=k, batch=(1, 2), bias=ref(bias), target=target
    )
    run_twice(step, target, y)
    assert_close(y, a.astype(np.float64) @ b.astype(np.float64) + bias, tolerance)


@pytest.mark.parametrize("dtype", [np.int32, np.uint32, np.int64, np.uint64])
def test_integers_wrap(dtype, target, rng):
    m, n, k = 9, 37, 21
    limits = np.iinfo(dtype)
    a, a_matrix = stored(rng.integers(limits.min, limits.max, (1, 1, m, k), dtype))
    b, b_matrix = stored(rng.integers(limits.min, limits.max, (1, 1, k, n), dtype))
    y, y_matrix = stored(np.zeros((1, 1, m, n), dtype))
    run(matmul_step(a_matrix, b_matrix, y_matrix, m=m, n=n, k=k, target=target), target)
    np.testing.assert_array_equal(y, a @ b)


@pytest.mark.parametrize(("m", "n", "k"), [(1, 40, 2049), (15, 70, 2049), (40, 300, 5000), (300, 33, 3100)])
@pytest.mark.parametrize(
    ("dtype", "order", "plain"), [(F32, PLAIN, True), (F32, SWAPPED, False), (F16, PLAIN, False)]
)
def test_long_rows(m, n, k, dtype, order, plain, target, rng):
    """Rows that are summed over part by part, with a bias, and a residual or straight into the output."""
    a, a_matrix = stored(rng.standard_normal((1, 2, m, k)).astype(dtype), order)
    b, bias = rng.standard_normal((k, n), np.float32), rng.standard_normal(n, np.float32)
    residual, residual_matrix = stored(rng.standard_normal((1, 2, m, n), np.float32))
    y, y_matrix = stored(np.zeros((1, 2, m, n), np.float32))
    epilogue = Epilogue(load(0, F32) + load(1, F32), (Operand(F32, (None, None, 1)),))
    more = {} if plain else {"epilogue": epilogue, "operands": [residual_matrix]}
    packed = PackedMatrix(ref(pack_matrix(b, target)))
    sizes = {"m": m, "n": n, "k": k, "batch": (1, 2), "bias": ref(bias)}
    step = matmul_step(a_matrix, packed, y_matrix, **sizes, **more, target=target)
    run_twice(step, target, y)
    assert_close(y, a.astype(np.float64) @ b + bias + (0 if plain else residual), 3e-6)


@pytest.mark.parametrize("n", [5, 32, 50])
def test_epilogue(n, target, rng):
    """maximum(acc * vector + residual, scalar), rounded to float16."""
    m, k = 20, 12
    a, a_matrix = stored(rng.standard_normal((1, 2, m, k), np.float32))
    b = rng.standard_normal((k, n), np.float32)
    residual, residual_matrix = stored(rng.standard_normal((1, 2, m, n)).astype(np.float16), HEADS)
    vector, low = rng.standard_normal(n, np.float32), np.array([-0.25], np.float32)
    y, y_matrix = stored(np.zeros((1, 2, m, n), np.float16))
    value = load(0, F32) * load(1, F32) + cast(load(2, F16), F32)
    epilogue = Epilogue(
        cast(maximum(value, load(3, F32)), F16),
        (Operand(F32, (0, 0, 1)), Operand(F16, (None, None, 1)), Operand(F32, (0, 0, 0))),
    )
    step = matmul_step(
        a_matrix,
        PackedMatrix(ref(pack_matrix(b, target))),
        y_matrix,
        m=m,
        n=n,
        k=k,
        batch=(1, 2),
        epilogue=epilogue,
        operands=[Matrix(ref(vector), F32, 0), residual_matrix, Matrix(ref(low), F32, 0, 0)],
        target=target,
    )
    run_twice(step, target, y)
    expected = a.astype(np.float64) @ b * vector + residual.astype(np.float64)
    assert_close(y, np.maximum(expected, -0.25), 1e-3)


def test_nan_and_infinity_stay_in_their_row(target):
    a, a_matrix = stored(np.ones((1, 1, 5, 3), np.float32))
    a[0, 0, 1, 0], a[0, 0, 3, 2] = np.nan, np.inf
    y, y_matrix = stored(np.zeros((1, 1, 5, 20), np.float32))
    packed = PackedMatrix(ref(pack_matrix(np.ones((3, 20), np.float32), target)))
    run(matmul_step(a_matrix, packed, y_matrix, m=5, n=20, k=3, target=target), target)
    expected = np.full((5, 20), 3.0)
    expected[1], expected[3] = np.nan, np.inf
    np.testing.assert_array_equal(y[0, 0], expected)


def test_empty_inner_dimension_gives_bias(target):
    bias = np.arange(20, dtype=np.float32)
    y, y_matrix = stored(np.full((1, 1, 3, 20), np.nan, np.float32))
    a_matrix = Matrix(ref(np.zeros(1, np.float32)), F32, 0)
    packed = PackedMatrix(ref(np.zeros(1, np.float32)))
    run(matmul_step(a_matrix, packed, y_matrix, m=3, n=20, k=0, bias=ref(bias), target=target), target)
    np.testing.assert_array_equal(y[0, 0], np.tile(bias, (3, 1)))


def test_packed_layout(target):
    matrix = np.arange(6 * 50, dtype=np.float32).reshape(6, 50)
    packed = pack_matrix(matrix.astype(ml_dtypes.bfloat16), target)
    assert packed.dtype == np.float32
    assert packed.ctypes.data % 64 == 0
    lanes = target.lanes(4)
    first = packed[: 6 * 2 * lanes].reshape(6, 2 * lanes)
    np.testing.assert_array_equal(first, matrix.astype(ml_dtypes.bfloat16).astype(np.float32)[:, : 2 * lanes])


@pytest.mark.parametrize("vectors", [1, 3])
def test_neon_code_keeps_its_accumulators_in_registers(vectors):
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    neon = Target("aarch64-unknown-linux-gnu", "neoverse-n1", "+neon,+fp-armv8")
    kernel = microkernels(F32, vectors, neon)
    code = emit_assembly(kernel.build("f"), neon, kernel.name, kernel.pipeline, "f")
    assert "fmla" in code
    assert not re.search(r"(str|stp|ldr|ldp)\s+q\d+.*\[sp", code)


@pytest.mark.parametrize("n", [1, 16, 31, 32, 50, 96])
def test_unpacking(n, target, rng):
    matrix = rng.standard_normal((7, n), np.float32)
    np.testing.assert_array_equal(unpack_matrix(pack_matrix(matrix, target), 7, n, target), matrix)
