"""Recurrences: threads that share a step's columns, on every target, against NumPy in float64."""

from __future__ import annotations

import ctypes
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from steps import TARGETS, assert_close, ref

from jitrt.codegen.compile import compile_kernels
from jitrt.codegen.kernel import Kernel, Ref, Step
from jitrt.codegen.recurrence import INPUTS, PRODUCTS, STATE, Phase, Recurrence, recurrence_step
from jitrt.codegen.target import Target
from jitrt.dims import concrete, hint
from jitrt.expr import Expr, load, tanh
from jitrt.recurrences import pack_weights
from jitrt.tensor import constant
from jitrt.types import F32, F64

STEPS = 7
NATIVE = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)


def two_phases(dtype: np.dtype) -> tuple[Phase, ...]:
    """H = tanh(x1 + R1 (tanh(x0 + R0 H) H)): the second product needs all columns of the first."""

    def gate(number: int) -> Expr:
        return tanh(load(INPUTS + number, dtype) + load(PRODUCTS + number, dtype))

    reset = gate(0) * load(STATE, dtype)
    return (
        Phase(((0, "state"),), (("reset", reset),)),
        Phase(((1, "reset"),), (("state", gate(1)),)),
    )


class Layer:
    """Operands of the recurrence on a target, and its step."""

    def __init__(self, target: Target, directions: int, samples: int, size: int, dtype: np.dtype) -> None:
        self.target, self.dtype = target, dtype
        rng = np.random.default_rng(size)
        shape = directions, samples, size
        self.XW = rng.standard_normal((STEPS, samples, directions, 2 * size)).astype(dtype)
        self.R = (rng.standard_normal((directions, 2, size, size)) / np.sqrt(size)).astype(dtype)
        self.H0 = rng.standard_normal(shape).astype(dtype)
        self.Y, self.H = np.empty((STEPS, *shape), dtype), np.empty(shape, dtype)
        self.recurrence = Recurrence(
            dtype=dtype,
            gates=2,
            phases=two_phases(dtype),
            vectors=(),
            has_cell=False,
            starts=(True, False),
            ragged=False,
            whole=size % target.lanes(dtype.itemsize) == 0,
            quantised=False,
            target=target,
        )
        packed = np.ascontiguousarray(pack_weights(constant(self.R), self.recurrence).value)
        shared = self.recurrence.workspace(directions, samples, size)
        self.shared = {name: np.zeros(hint(nbytes) + 64, np.uint8) for name, nbytes in shared.items()}
        values = {"R": ref(packed), "reverse": 0, **{name: ref(a) for name, a in self.shared.items()}}
        for name, array, dimensions in (
            ("XW", self.XW, ("step", "sample", "direction")),
            ("Y", self.Y, ("step", "direction", "sample")),
            ("H0", self.H0, ("direction", "sample")),
            ("H", self.H, ("direction", "sample")),
        ):
            strides = zip(dimensions, array.strides, strict=False)
            values |= {name: ref(array), **{f"{name}.{d}": s // dtype.itemsize for d, s in strides}}
        self.step: Step = recurrence_step(
            self.recurrence,
            values,
            steps=STEPS,
            samples=samples,
            directions=directions,
            size=size,
            label="recurrence",
        )

    def run(self, threads: int) -> list[bytes]:
        """The bits of the outputs when so many threads start at the same time."""
        self.shared["team"][:] = 0
        self.Y[:] = self.H[:] = np.nan
        row = np.array([self._word(argument) for argument in self.step.args], np.int64)
        native = NATIVE(compile_kernels([self.step.kernel], self.target)[0])
        start = threading.Barrier(threads)

        def work(number: int) -> int:
            scratch = np.empty(hint(self.step.scratch) + 64, np.uint8)
            aligned = scratch.ctypes.data + -scratch.ctypes.data % 64
            start.wait()
            return native(row.ctypes.data, number, number + 1, aligned)

        with ThreadPoolExecutor(threads) as pool:
            assert list(pool.map(work, range(threads))) == [0] * threads
        return [self.Y.tobytes(), self.H.tobytes()]

    def _word(self, argument: object) -> int:
        if isinstance(argument, Kernel):
            return compile_kernels([argument], self.target)[0]
        if isinstance(argument, Ref):
            return argument.buffer.data.ctypes.data + hint(argument.offset)
        return hint(argument)

    def expected(self) -> tuple[np.ndarray, np.ndarray]:
        """Y and H in float64."""
        XW, R, H = (a.astype(np.float64) for a in (self.XW, self.R, self.H0))
        Y, size = np.empty(self.Y.shape), self.H0.shape[2]
        for step in range(STEPS):
            for d in range(len(R)):
                t = STEPS - 1 - step if d else step
                x = XW[t, :, d]
                reset = np.tanh(x[:, :size] + H[d] @ R[d, 0]) * H[d]
                Y[t, d] = H[d] = np.tanh(x[:, size:] + reset @ R[d, 1])
        return Y, H


@pytest.mark.parametrize(
    ("directions", "samples", "size", "dtype"),
    [
        (1, 1, 5, F32),
        (2, 3, 40, F32),
        (1, 31, 64, F32),
        (1, 8, 200, F32),
        (2, 1, 512, F32),
        (2, 30, 33, F64),
        (1, 17, 300, F64),
    ],
)
def test_bits_do_not_depend_on_threads(directions, samples, size, dtype, target):
    layer = Layer(target, directions, samples, size, dtype)
    alone = layer.run(1)
    for result, wanted in zip((layer.Y, layer.H), layer.expected(), strict=True):
        assert_close(result, wanted, 2e-5 if dtype == F32 else 1e-13)
    for threads in (2, 2, 2, 3, 5):
        assert layer.run(threads) == alone


def test_large_weights_are_worth_more_threads():
    [few, many] = (hint(Layer(TARGETS[0], 1, 1, size, F32).step.extent) for size in (16, 512))
    assert few == 1
    assert many > 4


def test_blocks_of_samples_share_weights_that_a_cache_holds():
    recurrence = Layer(TARGETS[0], 1, 1, 16, F32).recurrence
    rows = recurrence.shape.rows
    assert concrete([recurrence.blocks(3 * rows, 64), recurrence.blocks(3 * rows, 1024)]) == (3, 1)
