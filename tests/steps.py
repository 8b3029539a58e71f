"""Running a planned step on NumPy arrays, as the executor does, on the whole machine or without AVX-512."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from jitrt.codegen.compile import compile_kernels
from jitrt.codegen.kernel import Buffer, Kernel, Ref, Step
from jitrt.codegen.product import Matrix
from jitrt.codegen.target import Target, host
from jitrt.dims import hint

TARGETS = [host()]
if host().vector_bytes == 64:
    TARGETS.append(host().without_avx512())

_NATIVE = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)
CANARY = 0xA5


def ref(array: np.ndarray) -> Ref:
    """The address of an array."""
    return Ref(Buffer("constant", array.nbytes, array))


def stored(values: np.ndarray, order: Sequence[int] = (0, 1, 2, 3)) -> tuple[np.ndarray, Matrix]:
    """`values` [b0, b1, rows, columns] in memory whose axes are in `order`, and the matrix to pass."""
    memory = np.ascontiguousarray(values.transpose(order))
    view = memory.transpose(np.argsort(order))
    b0, b1, row, column = (s // view.itemsize for s in view.strides)
    return view, Matrix(ref(memory), view.dtype, row, column, (b0, b1))


def run(step: Step, target: Target, cuts: Sequence[int] = ()) -> None:
    """Run all units in one call, or in several that `cuts` part; checks that scratch is not overrun."""

    def value(argument: object) -> int:
        if isinstance(argument, Kernel):
            return compile_kernels([argument], target)[0]
        if isinstance(argument, Ref):
            return argument.buffer.data.ctypes.data + hint(argument.offset)
        return hint(argument)

    row = np.array([value(a) for a in step.args], np.int64)
    size, units = hint(step.scratch), hint(step.extent)
    scratch = np.full(size + 192, CANARY, np.uint8)
    start = -scratch.ctypes.data % 64
    native = _NATIVE(compile_kernels([step.kernel], target)[0])
    bounds = [0, *sorted(c for c in cuts if 0 < c < units), units]
    for begin, end in pairwise(bounds):
        assert native(row.ctypes.data, begin, end, scratch.ctypes.data + start) == 0
    assert (scratch[:start] == CANARY).all()
    assert (scratch[start + size :] == CANARY).all()


def run_twice(step: Step, target: Target, out: np.ndarray) -> None:
    """Run the step whole and unit by unit; both must write the same bits."""
    before = out.copy()
    run(step, target)
    whole = out.copy()
    out[...] = before
    run(step, target, range(hint(step.extent)))
    np.testing.assert_array_equal(whole.view(np.uint8), np.ascontiguousarray(out).view(np.uint8))


def assert_close(result: np.ndarray, expected: np.ndarray, tolerance: float = 3e-6) -> None:
    """The largest error, relative to the largest value."""
    scale = np.abs(expected).max(initial=1e-30)
    error = np.abs(result.astype(np.float64) - expected).max(initial=0)
    assert error <= tolerance * scale, f"relative error {error / scale:.1e}"
