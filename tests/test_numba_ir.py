"""Python functions as kernels: parameters, callees, indices, status, keys and the text kept on disk."""

import ctypes
import math
import tomllib
from importlib.metadata import version
from pathlib import Path
from types import FunctionType, ModuleType

import ml_dtypes
import numba
import numpy as np
import pytest
from packaging.requirements import Requirement

from jitrt import config
from jitrt.codegen import numba_ir, numba_lowering
from jitrt.codegen.compile import CompileError, assembly, compile_kernels, ir
from jitrt.codegen.numba_ir import RAISED, ArrayArg, fast_math, numba_kernel
from jitrt.codegen.target import host
from jitrt.errors import Fail

F32, F64, I64 = np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.int64)
STEP = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)
OFFSET = 7


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setattr(config, "settings", config.Settings(cache_dir=tmp_path / "cache"))


def call(function, *operands, begin=0, end=None, target=None):
    """Run a kernel on arrays and scalars; an array that is not C-contiguous is passed with its strides."""
    parameters, row = [], []
    for operand in operands:
        if isinstance(operand, np.ndarray):
            contiguous = operand.flags.c_contiguous
            parameters.append(ArrayArg(operand.dtype, operand.ndim, contiguous))
            row += [operand.ctypes.data, *operand.shape, *(() if contiguous else operand.strides)]
        else:
            parameters.append(F64 if isinstance(operand, float) else I64)
            row.append(np.float64(operand).view(np.int64) if isinstance(operand, float) else operand)
    (address,) = compile_kernels([numba_kernel(function, parameters)], target)
    scratch = np.zeros(4096, np.uint8)
    end = operands[0].shape[0] if end is None else end
    return STEP(address)(np.array(row, np.int64).ctypes.data, begin, end, scratch.ctypes.data)


def test_numba_is_of_the_version_that_the_lowering_was_written_for():
    """On a new Numba: run these tests with it, look at numba_lowering.py, then move the bounds."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    requirement = next(r for r in map(Requirement, project["dependencies"]) if r.name == "numba")
    assert requirement.specifier.contains(version("numba"))
    assert any(s.operator in ("<", "~=", "==") for s in requirement.specifier), "an upper bound is needed"


def copy(Y, X, begin, end):
    for i in range(begin, end):
        Y[i] = X[i]


@pytest.mark.parametrize("dtype", sorted(numba_ir._ARRAYS, key=str), ids=str)
def test_every_element_type(dtype):
    X = np.arange(50).astype(dtype)
    Y = np.zeros_like(X)
    assert call(copy, Y, X) == 0
    np.testing.assert_array_equal(Y, X)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, ml_dtypes.int4, np.object_])
def test_types_without_arithmetic_are_refused(dtype):
    with pytest.raises(TypeError, match="kernel copy: Y cannot be "):
        numba_kernel(copy, [ArrayArg(np.dtype(dtype), 1)] * 2)


def test_wrong_parameters_are_refused():
    with pytest.raises(TypeError, match="expected 1 parameters and then begin, end, got Y, X, begin, end"):
        numba_kernel(copy, [ArrayArg(F32, 1)])
    with pytest.raises(TypeError, match="X cannot be float32"):
        numba_kernel(copy, [ArrayArg(F32, 1), F32])


def test_only_the_range_is_computed():
    X, Y = np.arange(10.0), np.zeros(10)
    call(copy, Y, X, begin=3, end=6)
    np.testing.assert_array_equal(Y, [0, 0, 0, 3, 4, 5, 0, 0, 0, 0])
    call(copy, Y, X, begin=5, end=5)
    np.testing.assert_array_equal(Y, [0, 0, 0, 3, 4, 5, 0, 0, 0, 0])


def transpose(Y, X, begin, end):
    for i in range(begin, end):
        for j in range(Y.shape[1]):
            for k in range(Y.shape[2]):
                Y[i, j, k] = X[k, j, i]


def test_ranks_and_strides():
    X = np.arange(60.0).reshape(5, 4, 3)
    for Y in (np.zeros((3, 4, 5)), np.zeros((3, 8, 5))[:, ::2], np.zeros((5, 4, 3)).T):
        assert call(transpose, Y, X) == 0
        np.testing.assert_array_equal(Y, X.T)
    call(transpose, Y, X[:, ::-1])
    np.testing.assert_array_equal(Y, X[:, ::-1].T)


def test_empty_arrays():
    assert call(transpose, np.zeros((0, 4, 5)), np.zeros((5, 4, 0))) == 0
    assert call(transpose, np.zeros((3, 4, 0)), np.zeros((0, 4, 3))) == 0


def total(Y, X, begin, end):
    s = 0.0
    for i in range(begin, end):
        s += X[i]
    Y[()] = s


def test_zero_dimensional_array():
    Y = np.zeros(())
    call(total, Y, np.arange(10.0), end=10)
    assert Y == 45


def affine(Y, X, a, b, begin, end):
    for i in range(begin, end):
        Y[i] = X[i] * a + b


def test_scalars():
    X, Y = np.arange(10.0), np.zeros(10)
    call(affine, Y, X, -3, 0.5)
    np.testing.assert_array_equal(Y, X * -3 + 0.5)


def take(Y, X, indices, begin, end):
    for i in range(begin, end):
        k = indices[i]
        if k < 0 or k >= X.shape[0]:
            return 1 + i
        Y[i] = X[k]
    return 0


def test_status():
    X, Y = np.arange(10.0), np.zeros(3)
    assert call(take, Y, X, np.array([3, 0, 9])) == 0
    np.testing.assert_array_equal(Y, [3, 0, 9])
    assert call(take, Y, X, np.array([3, 10, 9])) == 2


def test_constant_status():
    def refuse(Y, begin, end):
        return 5

    assert call(refuse, np.zeros(1)) == 5


def test_other_results_are_refused():
    def half(Y, begin, end):
        return 0.5

    with pytest.raises(TypeError, match="expected to return an int64 or nothing, got float64"):
        call(half, np.zeros(1))


def test_exception_becomes_a_status():
    def fail(Y, begin, end):
        if end > 1:
            raise ValueError("too long")

    assert call(fail, np.zeros(1)) == 0
    assert call(fail, np.zeros(2)) == RAISED


def reverse(Y, X, begin, end, scratch):
    row = scratch[8 : 8 + 8 * X.shape[1]].view(np.float64)
    for i in range(begin, end):
        for j in range(X.shape[1]):
            row[j] = X[i, j]
        for j in range(X.shape[1]):
            Y[i, j] = row[X.shape[1] - 1 - j]


def test_scratch():
    X = np.arange(12.0).reshape(3, 4)
    Y = np.zeros_like(X)
    call(reverse, Y, X)
    np.testing.assert_array_equal(Y, X[:, ::-1])


def double(x):
    return x * 2 + OFFSET


@numba.njit
def halve(x):
    return x / 2


def factorial(n):
    return 1 if n < 2 else n * factorial(n - 1)


def test_callees():
    """Plain functions, functions of a module, of a closure, recursive ones, and those Numba has compiled."""
    module = ModuleType("kernels_of_a_user")
    module.double = double
    local = double

    def kernel(Y, X, begin, end):
        for i in range(begin, end):
            Y[i] = double(X[i]) + module.double(X[i]) + local(X[i]) + halve(X[i]) + factorial(i)

    X = np.arange(8.0)
    Y = np.zeros(8)
    assert call(kernel, Y, X) == 0
    np.testing.assert_array_equal(Y, 3 * (X * 2 + OFFSET) + X / 2 + [math.factorial(i) for i in range(8)])
    assert halve.overloads == {}
    assert halve(3.0) == 1.5


def test_math_functions():
    def kernel(Y, X, begin, end):
        for i in range(begin, end):
            Y[i] = math.exp(X[i]) + math.erf(X[i]) + np.sqrt(np.abs(X[i])) + np.floor(X[i])

    X = np.linspace(-3, 3, 100)
    Y = np.zeros(100)
    call(kernel, Y, X)
    expected = np.exp(X) + [math.erf(x) for x in X] + np.sqrt(np.abs(X)) + np.floor(X)
    np.testing.assert_allclose(Y, expected, rtol=1e-14)


VALUES = np.array([-np.inf, -700.0, -9.0, -1.5, -0.0, 0.0, 1e-30, 0.3, 1.0, 8.0, 88.0, 700.0, np.inf, np.nan])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["exp", "expm1", "log", "log1p", "tanh", "erf", "sin", "atan"])
def test_math_functions_are_vectors(name, dtype):
    """The C library's functions give way to vector arithmetic where there is any, with the same results."""
    scope = {"math": math}
    exec(f"def f(Y, X, begin, end):\n for i in range(begin, end):\n  Y[i] = math.{name}(X[i])", scope)
    X = VALUES.astype(dtype)
    Y = np.zeros_like(X)
    call(scope["f"], Y, X)
    with np.errstate(all="ignore"):
        exact = np.vectorize(math.erf) if name == "erf" else getattr(np, "arctan" if name == "atan" else name)
        expected = exact(X.astype(np.float64)).astype(dtype)
    np.testing.assert_allclose(Y, expected, rtol=4 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(np.signbit(Y[Y == 0]), np.signbit(expected[Y == 0]))
    if dtype == np.float32:
        text = ir(numba_kernel(scope["f"], [ArrayArg(F32, 1)] * 2))
        assert " x float>" in text
        assert f"@{name}f(" not in text
        assert f"@llvm.{name}." not in text


def test_powers():
    def kernel(Y, X, Z, begin, end):
        for i in range(begin, end):
            Y[i] = X[i] ** Z[i]

    X, Z = (a.ravel().astype(np.float32) for a in np.meshgrid(VALUES, [-2.5, -1.0, 0.0, 0.5, 3.0, np.nan]))
    Y = np.zeros_like(X)
    call(kernel, Y, X, Z)
    with np.errstate(all="ignore"):
        expected = (X.astype(np.float64) ** Z).astype(np.float32)
    np.testing.assert_allclose(Y, expected, rtol=1e-6)


def test_division_by_zero_is_ieee():
    def kernel(Y, X, begin, end):
        for i in range(begin, end):
            Y[i] = 1.0 / X[i]

    Y = np.zeros(3)
    assert call(kernel, Y, np.array([0.0, -0.0, 2.0])) == 0
    np.testing.assert_array_equal(Y, [np.inf, -np.inf, 0.5])


def convolve(Y, X, W, pad, begin, end):
    for i in range(begin, end):
        for k in range(W.shape[0]):
            w = W[k]
            for j in range(max(0, pad - k), min(Y.shape[1], X.shape[1] + pad - k)):
                Y[i, j] += X[i, j + k - pad] * w


def test_computed_indices_vectorise():
    """Numba's wraparound of negative indices would keep `X[i, j + k - pad]` from being a vector load."""
    X = np.random.default_rng(0).random((3, 50), dtype=np.float32)
    W = np.float32([1, -2, 3])
    Y = np.zeros_like(X)
    for target in (host(), host().without_avx512()):
        Y[:] = 0
        call(convolve, Y, X, W, 1, target=target)
        np.testing.assert_allclose(Y, [np.convolve(x, W[::-1], "same") for x in X], rtol=1e-5, atol=1e-6)
    text = ir(numba_kernel(convolve, [ArrayArg(F32, 2), ArrayArg(F32, 2), ArrayArg(F32, 1), I64]))
    assert f"fmul <{host().lanes(4)} x float>" in text
    assert "gather" not in text


def test_arrays_are_known_not_to_alias():
    kernel = numba_kernel(affine, [ArrayArg(F32, 1), ArrayArg(F32, 1), I64, F64])
    text = ir(kernel)
    assert f"<{host().lanes(4)} x float>" in text
    assert "ptrtoint" not in text  # nothing asks whether addresses overlap


def dot(Y, X, begin, end):
    for i in range(begin, end):
        s = np.float32(0)
        for j in range(X.shape[1]):
            s += X[i, j] * X[i, j]
        Y[i] = s


def test_fast_math_is_by_the_kernel():
    @fast_math("contract", "reassoc")
    def fast_dot(Y, X, begin, end):
        for i in range(begin, end):
            s = np.float32(0)
            for j in range(X.shape[1]):
                s += X[i, j] * X[i, j]
            Y[i] = s

    parameters = [ArrayArg(F32, 1), ArrayArg(F32, 2)]
    vector = f"fmul reassoc contract <{host().lanes(4)} x float>"
    assert vector in ir(numba_kernel(fast_dot, parameters))
    assert vector not in ir(numba_kernel(dot, parameters))


def test_avx2_code_has_no_wider_vectors():
    if not host().has("avx2"):
        pytest.skip("needs AVX2")
    kernel = numba_kernel(copy, [ArrayArg(F64, 1)] * 2)
    assert "zmm" not in assembly(kernel, host().without_avx512())


def test_allocation_does_not_link():
    def allocate(Y, begin, end):
        t = np.empty(end)
        t[0] = 1
        Y[begin] = t[0]

    with pytest.raises((CompileError, Fail)):
        call(allocate, np.zeros(3))


def test_text_comes_from_disk(monkeypatch):
    parameters = (ArrayArg(F32, 1), ArrayArg(F32, 1))
    made = numba_ir.lower(copy, parameters)
    monkeypatch.setattr(numba_lowering, "lower", lambda *_: pytest.fail("lowered again"))
    assert numba_ir.lower(copy, parameters) == made


def test_keys_differ_by_type_rank_layout_and_fast_math():
    contracted = FunctionType(total.__code__, total.__globals__)
    fast_math("contract")(contracted)
    kernels = [
        numba_kernel(copy, [ArrayArg(F32, 1), ArrayArg(F32, 1)]),
        numba_kernel(copy, [ArrayArg(F64, 1), ArrayArg(F32, 1)]),
        numba_kernel(copy, [ArrayArg(F32, 2), ArrayArg(F32, 2)]),
        numba_kernel(copy, [ArrayArg(F32, 1), ArrayArg(F32, 1, contiguous=False)]),
        numba_kernel(contracted, [ArrayArg(F32, 1)] * 2),
        numba_kernel(total, [ArrayArg(F32, 1)] * 2),
    ]
    assert len({kernel.key for kernel in kernels}) == len(kernels)
