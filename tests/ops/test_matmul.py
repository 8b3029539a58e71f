"""Matrix products against NumPy in float64."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from onnx import helper
from onnx_models import info, model, node

import jitrt

SHAPES = [
    ((3, 4), (4, 5)),
    ((1, 1), (1, 1)),
    ((92, 33), (33, 70)),
    ((2, 3, 5, 7), (2, 3, 7, 4)),
    ((5, 1, 5, 7), (3, 7, 4)),
    ((4, 7), (3, 7, 2)),
    ((7,), (7, 3)),
    ((2, 5, 7), (7,)),
    ((7,), (7,)),
    ((0, 4), (4, 5)),
    ((3, 0), (0, 5)),
    ((5, 1), (1, 70)),
    ((2, 1, 5, 1), (3, 1, 4)),
    ((2, 1, 8), (2, 8, 130)),
    ((2, 3, 4, 1, 6), (2, 1, 4, 6, 5)),
    ((2, 3, 4, 5, 6), (2, 1, 4, 6, 5)),
    ((2, 1, 4, 5, 6), (1, 3, 4, 6, 1)),
]
LIMITS = {np.float32: 2e-6, np.float64: 1e-14, np.float16: 2e-3, ml_dtypes.bfloat16: 2e-2}


def random(shape: tuple[int, ...], dtype: Any, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind in "iu":
        return rng.integers(0, 100, shape).astype(dtype)
    return rng.standard_normal(shape).astype(dtype)


def close(got: Any, want: Any, dtype: Any) -> None:
    assert got.dtype == dtype
    assert got.shape == want.shape
    error = np.abs(got.astype(np.float64) - want).max(initial=0)
    assert error <= LIMITS[dtype] * np.abs(want).max(initial=1e-30)


@pytest.mark.parametrize("dtype", list(LIMITS))
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_matmul(shapes: Any, dtype: Any) -> None:
    a, b = (random(s, dtype, i) for i, s in enumerate(shapes))
    close(jitrt.call("MatMul", a, b), a.astype(np.float64) @ b.astype(np.float64), dtype)


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint32, np.uint64])
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_matmul_of_integers(shapes: Any, dtype: Any) -> None:
    a, b = (random(s, dtype, i) for i, s in enumerate(shapes))
    np.testing.assert_array_equal(jitrt.call("MatMul", a, b), a @ b)


def test_integer_products_wrap_around() -> None:
    a = np.full((1, 2), 2**31 - 1, np.int32)
    b = np.full((2, 1), 3, np.int32)
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(jitrt.call("MatMul", a, b), a @ b)


@pytest.mark.parametrize("dtype", list(LIMITS))
@pytest.mark.parametrize("trans_a", [0, 1])
@pytest.mark.parametrize("trans_b", [0, 1])
@pytest.mark.parametrize("c_shape", [None, (), (5,), (1, 5), (3, 1), (3, 5)])
@pytest.mark.parametrize(("alpha", "beta"), [(1.0, 1.0), (0.5, 2.0), (1.0, 0.0)])
def test_gemm(trans_a: int, trans_b: int, c_shape: Any, alpha: float, beta: float, dtype: Any) -> None:
    a = random((4, 3) if trans_a else (3, 4), dtype, 0)
    b = random((5, 4) if trans_b else (4, 5), dtype, 1)
    c = None if c_shape is None else random(c_shape, dtype, 2)
    got = jitrt.call("Gemm", a, b, c, alpha=alpha, beta=beta, transA=trans_a, transB=trans_b)
    left, right = (
        x.astype(np.float64).T if t else x.astype(np.float64) for x, t in ((a, trans_a), (b, trans_b))
    )
    want = alpha * (left @ right) + (0 if c is None else beta * c.astype(np.float64))
    close(got, want, dtype)


def test_inner_dimensions_that_differ_are_named() -> None:
    with pytest.raises(jitrt.errors.Fail, match=r"MatMul.*inner dimensions differ"):
        jitrt.call("MatMul", np.ones((2, 3), np.float32), np.ones((4, 5), np.float32))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_an_inner_dimension_of_one_needs_no_sum(dtype: Any) -> None:
    a, b, c = random((6, 1), dtype, 0), random((1, 70), dtype, 1), random((70,), dtype, 2)
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    inputs = [info("a", kind, ["n", 1]), info("b", kind, [1, 70]), info("c", kind, [70])]
    source = model([node("Gemm", ["a", "b", "c"], ["y"])], inputs, [info("y", kind, None)])
    (y,) = jitrt.InferenceSession(source.SerializeToString()).run(None, {"a": a, "b": b, "c": c})
    close(y, a.astype(np.float64) * b + c, dtype)
