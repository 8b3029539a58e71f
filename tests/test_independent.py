"""Kernels that promise independent iterations: their loops vectorise without checks of addresses."""

import ctypes

import numpy as np
import pytest

from jitrt.codegen.compile import compile_kernels, ir
from jitrt.codegen.independent import mark_loops
from jitrt.codegen.numba_ir import ArrayArg, independent, numba_kernel


def butterfly(Y, distance, begin, end):
    """Sums and differences of elements that are `distance` apart."""
    for i in range(begin, end):
        a, b = Y[i], Y[i + distance]
        Y[i], Y[i + distance] = a + b, a - b


@independent
def independent_butterfly(Y, distance, begin, end):
    for i in range(begin, end):
        a, b = Y[i], Y[i + distance]
        Y[i], Y[i + distance] = a + b, a - b


PARAMETERS = [ArrayArg(np.dtype(np.float32), 1), np.dtype(np.int64)]


@pytest.mark.parametrize("function", [butterfly, independent_butterfly])
def test_only_the_promise_saves_the_check(function):
    text = ir(numba_kernel(function, PARAMETERS))
    checked = "vector.memcheck" in text or "vector.body" not in text
    assert checked == (function is butterfly)


def test_the_kernel_computes_the_same():
    (address,) = compile_kernels([numba_kernel(independent_butterfly, PARAMETERS)])
    Y = np.random.default_rng(0).standard_normal(74).astype(np.float32)
    a, b = Y[:37].copy(), Y[37:].copy()
    row = np.array([Y.ctypes.data, 74, 37], np.int64)
    step = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)
    assert step(address)(row.ctypes.data, 0, 37, None) == 0
    np.testing.assert_array_equal(Y, np.concatenate([a + b, a - b]))


def test_loads_stores_and_branches_back_are_marked():
    lines = mark_loops(
        "define void @f(ptr %p) {\n"
        "entry:\n"
        "  br label %loop\n"
        "loop:\n"
        "  %x = load i8, ptr %p\n"
        "  store i8 %x, ptr %p\n"
        "  br label %loop\n"
        "}\n"
    ).splitlines()
    assert lines[2] == "  br label %loop"
    assert lines[4:7] == [
        "  %x = load i8, ptr %p, !llvm.access.group !90000",
        "  store i8 %x, ptr %p, !llvm.access.group !90000",
        "  br label %loop, !llvm.loop !90002",
    ]
    assert lines[-1] == "!90002 = distinct !{!90002, !90001}"
