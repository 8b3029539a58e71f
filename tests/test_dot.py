"""Products of 8-bit integers against NumPy, with each way of multiplying that the machine has."""

from __future__ import annotations

import re

import llvmlite.binding as llvm
import numpy as np
import pytest
from steps import TARGETS, ref, run_twice, stored

from jitrt.codegen.dot import matrix_dot_of
from jitrt.codegen.dot_gemm import dot_matmul_step
from jitrt.codegen.dot_microkernel import dot_microkernels
from jitrt.codegen.emit import emit_assembly
from jitrt.codegen.epilogue import Epilogue
from jitrt.codegen.gemm import PackedMatrix
from jitrt.codegen.loop import Operand
from jitrt.codegen.product import Matrix
from jitrt.codegen.target import Target
from jitrt.codegen.weights import pack_matrix_groups
from jitrt.expr import cast, load
from jitrt.types import F32, I8, I32, U8

SIZES = [(1, 1, 1), (1, 33, 17), (3, 16, 5), (5, 32, 40), (14, 64, 16), (33, 47, 19), (92, 100, 130)]
PLAIN, SWAPPED, HEADS = (0, 1, 2, 3), (0, 1, 3, 2), (0, 2, 1, 3)


def without(target: Target, *features: str) -> Target:
    """The target with instructions masked."""
    listed = ",".join(f"-{f[1:]}" if f[1:] in features else f for f in target.features.split(","))
    return Target(target.triple, target.cpu, listed)


TILES, GROUPS = ("amx-int8", "amx-tile", "amx-bf16"), ("avx512vnni", "avxvnni")
MASKS = ((), TILES, (*TILES, *GROUPS), (*TILES, *GROUPS, "avx512bw"))
WAYS = list(dict.fromkeys(without(target, *mask) for target in TARGETS for mask in MASKS))
each_way = pytest.mark.parametrize(
    "target", WAYS, ids=lambda t: f"{matrix_dot_of(t).instruction}-{t.vector_bytes * 8}bit"
)


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def integers(rng, dtype, *shape):
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)


@each_way
@pytest.mark.parametrize(("m", "n", "k"), SIZES)
def test_packed(m, n, k, target, rng):
    a, a_matrix = stored(integers(rng, U8, 1, 1, m, k))
    b = integers(rng, I8, k, n)
    y, y_matrix = stored(np.zeros((1, 1, m, n), np.int32))
    packed = PackedMatrix(ref(pack_matrix_groups(b, target)))
    run_twice(dot_matmul_step(a_matrix, packed, y_matrix, m=m, n=n, k=k, target=target), target, y)
    np.testing.assert_array_equal(y[0, 0], a[0, 0].astype(np.int32) @ b)


@each_way
@pytest.mark.parametrize("order_b", [PLAIN, SWAPPED, (3, 2, 1, 0)])
@pytest.mark.parametrize("order_a", [PLAIN, SWAPPED, HEADS])
def test_strided_batches(order_a, order_b, target, rng):
    for m, n, k in SIZES[:-1]:
        a, a_matrix = stored(integers(rng, U8, 2, 3, m, k), order_a)
        b, b_matrix = stored(integers(rng, I8, 2, 3, k, n), order_b)
        y, y_matrix = stored(np.zeros((2, 3, m, n), np.int32), HEADS)
        step = dot_matmul_step(a_matrix, b_matrix, y_matrix, m=m, n=n, k=k, batch=(2, 3), target=target)
        run_twice(step, target, y.base)
        np.testing.assert_array_equal(y, a.astype(np.int32) @ b)


@each_way
def test_sums_neither_saturate_nor_lose_bits(target):
    """Extremes of both types in every place: pairs of products exceed 16 bits, sums wrap around."""
    m, n, k = 5, 20, 2**17
    a, a_matrix = stored(np.full((1, 1, m, k), 255, U8))
    a[0, 0, 1, 1::2] = 0
    b = np.full((k, n), -128, I8)
    b[:, 3] = 127
    y, y_matrix = stored(np.zeros((1, 1, m, n), np.int32))
    packed = PackedMatrix(ref(pack_matrix_groups(b, target)))
    run_twice(dot_matmul_step(a_matrix, packed, y_matrix, m=m, n=n, k=k, target=target), target, y)
    exact = a[0, 0].astype(np.int64) @ b.astype(np.int64)
    assert (exact != exact.astype(np.int32)).any()
    np.testing.assert_array_equal(y[0, 0], exact.astype(np.int32))


@each_way
def test_epilogue(target, rng):
    """The accumulator less a term a column, scaled and stored as uint8."""
    m, n, k = 20, 50, 12
    a, a_matrix = stored(integers(rng, U8, 1, 1, m, k))
    b, offsets = integers(rng, I8, k, n), rng.integers(-99, 99, n, np.int32)
    y, y_matrix = stored(np.zeros((1, 1, m, n), np.float32))
    root = cast(load(0, I32) - load(1, I32), F32) * 0.5
    step = dot_matmul_step(
        a_matrix,
        PackedMatrix(ref(pack_matrix_groups(b, target))),
        y_matrix,
        m=m,
        n=n,
        k=k,
        epilogue=Epilogue(root, (Operand(I32, (0, 0, 1)),)),
        operands=[Matrix(ref(offsets), I32, 0)],
        target=target,
    )
    run_twice(step, target, y)
    np.testing.assert_array_equal(y[0, 0], (a[0, 0].astype(np.int32) @ b - offsets) * np.float32(0.5))


@each_way
def test_empty_inner_dimension_gives_zeros(target):
    y, y_matrix = stored(np.full((1, 1, 3, 20), 7, np.int32))
    a_matrix = Matrix(ref(np.zeros(1, U8)), U8, 0)
    packed = PackedMatrix(ref(np.zeros(1, np.int32)))
    run_twice(dot_matmul_step(a_matrix, packed, y_matrix, m=3, n=20, k=0, target=target), target, y)
    np.testing.assert_array_equal(y, np.zeros_like(y))


def test_neon_code_keeps_its_accumulators_in_registers():
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    neon = Target("aarch64-unknown-linux-gnu", "generic", "+neon,+fp-armv8,+i8mm")
    kernel = dot_microkernels(3, neon)
    code = emit_assembly(kernel.build("f"), neon, kernel.name, kernel.pipeline, "f")
    assert "usdot" in code
    assert not re.search(r"(str|stp|ldr|ldp)\s+q\d+.*\[sp", code)
