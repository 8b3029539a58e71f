"""Kernels with inputs and expected outputs, in a form that the emulation, NVRTC and a real card all take."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jitrt.codegen.cuda_loop import Launch, cuda_launch, cuda_loop
from jitrt.codegen.loop import Loop, Operand
from jitrt.evaluate import evaluate
from jitrt.expr import Expr, walk
from jitrt.types import F64

Array = np.ndarray[Any, Any]
SIGNATURE = re.compile(r'extern "C" __global__ void __launch_bounds__\([\d, ]+\) (\w+)\(([^)]*)\)', re.S)

# CUDA's float functions reduce large arguments of these in float64.
SLOW_PATH_IN_FLOAT64 = ("sin", "cos", "tan")


@dataclass
class Case:
    """One launch of `kernel`: `arguments` are int64 values, or arrays that stand for their address.

    `doubles` says whether the kernel may compute in float64.
    """

    name: str
    kernel: str
    source: str
    grid: tuple[int, ...]
    block: tuple[int, ...]
    arguments: list[int | Array]
    outputs: list[Array]
    expected: list[Array]
    tolerance: float
    doubles: bool = False

    def check(self) -> None:
        """Compare the outputs of a run with what NumPy computes, and see that nothing else was written."""
        for got, want in zip(self.outputs, self.expected, strict=True):
            assert_close(got, want, self.tolerance)
            if isinstance(got, Guarded):
                got.check()


class Guarded(np.ndarray):
    """A dense array with known bytes on both sides, so that writes beyond its ends show."""

    MARGIN = 64

    def __new__(cls, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Guarded:
        """An array of zeros."""
        nbytes = math.prod(shape) * dtype.itemsize
        memory = np.full(nbytes + 2 * cls.MARGIN, 0xA5, np.uint8)
        memory[cls.MARGIN : cls.MARGIN + nbytes] = 0
        array = super().__new__(cls, shape, dtype, memory, cls.MARGIN)
        array.memory = memory
        return array

    def check(self) -> None:
        """Fail if a byte beyond the ends has changed."""
        assert (self.memory[: self.MARGIN] == 0xA5).all()
        assert (self.memory[self.MARGIN + self.nbytes :] == 0xA5).all()


def assert_close(got: Array, want: Array, tolerance: float) -> None:
    """Equal integers; floats equal within `tolerance`, NaN and infinities in the same places."""
    assert got.dtype == want.dtype
    if got.dtype.kind in "iub":
        np.testing.assert_array_equal(got, want)
    else:
        with np.errstate(invalid="ignore"):
            got, want = got.astype(np.float64), want.astype(np.float64)
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)


def operand(array: Array) -> Operand:
    """How a loop sees an array."""
    strides: list[int | None] = []
    for axis, stride in enumerate(array.strides):
        inner = axis == array.ndim - 1 and stride == array.itemsize
        strides.append(1 if inner else 0 if stride == 0 else None)
    return Operand(array.dtype, tuple(strides))


def repeated(array: Array, shape: tuple[int, ...]) -> Array:
    """An output as `broadcast_to` gives inputs: dimensions of size 1 repeat."""
    strides = [0 if size == 1 else s for size, s in zip(array.shape, array.strides, strict=True)]
    return np.lib.stride_tricks.as_strided(array, shape, strides)


def case(
    name: str,
    roots: Sequence[Expr],
    inputs: Sequence[Array],
    *,
    reduced: Sequence[int] = (),
    outputs: Sequence[Array] | None = None,
    launch: Launch | None = None,
    tolerance: float = 2e-6,
) -> Case:
    """A loop over the inputs' common shape; without `outputs`, dense ones of the roots' shapes."""
    shape = np.broadcast_shapes(*(x.shape for x in inputs))
    inputs = [np.broadcast_to(x, shape) for x in inputs]
    expected = evaluate(roots, inputs, tuple(reduced))
    if outputs is None:
        shapes = [np.broadcast_shapes(e.shape, [1] * len(shape)) for e in expected]
        outputs = [Guarded(s, root.dtype) for s, root in zip(shapes, roots, strict=True)]
    full = [repeated(y, shape) for y in outputs]
    loop = Loop(
        len(shape),
        tuple(d in reduced for d in range(len(shape))),
        tuple(operand(x) for x in inputs),
        tuple(operand(y) for y in full),
        tuple(roots),
    )
    launch = launch or cuda_launch(loop, shape)
    arguments: list[int | Array] = [*shape]
    for array, described in zip([*inputs, *full], [*loop.inputs, *loop.outputs], strict=True):
        steps = zip(array.strides, described.strides, strict=True)
        arguments += [array, *(step // array.itemsize for step, known in steps if known is None)]
    source = cuda_loop(loop, name, launch.variant)
    expected = [np.broadcast_to(e, o.shape).astype(o.dtype) for e, o in zip(expected, outputs, strict=True)]
    doubles = any(node.dtype == F64 or node.op in SLOW_PATH_IN_FLOAT64 for node in walk(*roots))
    return Case(
        name, name, source, launch.grid, launch.block, arguments, list(outputs), expected, tolerance, doubles
    )
