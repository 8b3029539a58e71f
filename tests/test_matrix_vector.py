"""Products of one row against NumPy in float64."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from steps import assert_close, ref, run_twice, stored

from jitrt.codegen.epilogue import Epilogue
from jitrt.codegen.loop import Operand
from jitrt.codegen.matrix_vector import matrix_vector_step
from jitrt.codegen.microkernel import accumulator
from jitrt.expr import cast, load, maximum
from jitrt.types import F16, F32

ROWS, COLUMNS, HEADS = (0, 1, 2, 3), (0, 1, 3, 2), (0, 2, 1, 3)
SIZES = [(1, 1), (64, 16), (65, 17), (7, 40), (1300, 33), (130, 0), (47, 519), (0, 2)]


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.mark.parametrize("a_order", [ROWS, COLUMNS], ids=["A", "A'"])
@pytest.mark.parametrize("b_order", [ROWS, COLUMNS], ids=["B", "B'"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, ml_dtypes.bfloat16])
def test_layouts_and_types(dtype, b_order, a_order, target, rng):
    for n, k in SIZES:
        a, a_matrix = stored(rng.standard_normal((1, 2, 1, k)).astype(dtype), a_order)
        b, b_matrix = stored(rng.standard_normal((1, 2, k, n)).astype(dtype), b_order)
        y, y_matrix = stored(np.zeros((1, 2, 1, n), accumulator(np.dtype(dtype))), HEADS)
        sizes = {"n": n, "k": k, "batch": (1, 2)}
        step = matrix_vector_step(a_matrix, b_matrix, y_matrix, **sizes, target=target)
        run_twice(step, target, y)
        assert_close(y, a.astype(np.float64) @ b.astype(np.float64), 1e-13 if dtype == np.float64 else 3e-6)


@pytest.mark.parametrize("b_order", [ROWS, COLUMNS], ids=["B", "B'"])
@pytest.mark.parametrize("wide", [True, False], ids=["wide", "narrow"])
def test_epilogue(wide, b_order, target, rng):
    """A bias, a residual, a factor, and a rounded result."""
    n, k = (130, 70) if wide else (5, 9)
    a, a_matrix = stored(rng.standard_normal((1, 1, 1, k), np.float32))
    b, b_matrix = stored(rng.standard_normal((1, 1, k, n), np.float32), b_order)
    residual, r_matrix = stored(rng.standard_normal((1, 1, 1, n), np.float32))
    factor, f_matrix = stored(rng.standard_normal((1, 1, 1, 1), np.float32))
    bias = rng.standard_normal(n, np.float32)
    y, y_matrix = stored(np.zeros((1, 1, 1, n), np.float16))
    root = cast(maximum(load(0, F32) * load(2, F32), 0) + load(1, F32), F16)
    operands = Operand(F32, (None, None, 1)), Operand(F32, (None, None, 0))
    step = matrix_vector_step(
        a_matrix,
        b_matrix,
        y_matrix,
        **{"n": n, "k": k, "bias": ref(bias), "target": target},
        epilogue=Epilogue(root, operands),
        operands=[r_matrix, f_matrix],
    )
    run_twice(step, target, y)
    product = a.astype(np.float64) @ b.astype(np.float64) + bias
    assert_close(y, np.maximum(product * factor, 0) + residual, 1e-3)
