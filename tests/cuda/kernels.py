"""Kernels with inputs and expected outputs, in a form that the emulation, NVRTC and a real card all take."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jitrt.codegen.cuda_loop import Launch, cuda_launch, cuda_loop
from jitrt.codegen.loop import Loop, Operand
from jitrt.evaluate import evaluate
from jitrt.expr import Expr

Array = np.ndarray[Any, Any]
SIGNATURE = re.compile(r'extern "C" __global__ void (?:__launch_bounds__\(\d+\) )?(\w+)\(([^)]*)\)', re.S)


@dataclass
class Case:
    """One launch: `arguments` are int64 values, or arrays that stand for their address."""

    name: str
    source: str
    grid: tuple[int, ...]
    block: tuple[int, ...]
    arguments: list[int | Array]
    outputs: list[Array]
    expected: list[Array]
    tolerance: float

    def check(self) -> None:
        """Compare the outputs, after a run, with what NumPy computes."""
        for got, want in zip(self.outputs, self.expected, strict=True):
            assert_close(got, want, self.tolerance)


def assert_close(got: Array, want: Array, tolerance: float) -> None:
    """Equal integers; floats equal within `tolerance`, NaN and infinities in the same places."""
    assert got.dtype == want.dtype
    if got.dtype.kind in "iub":
        np.testing.assert_array_equal(got, want)
    else:
        np.testing.assert_allclose(got.astype(np.float64), want.astype(np.float64), rtol=tolerance, atol=tolerance)


def operand(array: Array) -> Operand:
    """How a loop sees an array."""
    strides: list[int | None] = []
    for axis, stride in enumerate(array.strides):
        inner = axis == array.ndim - 1 and stride == array.itemsize
        strides.append(1 if inner else 0 if stride == 0 else None)
    return Operand(array.dtype, tuple(strides))


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
    """A loop over the inputs' common shape; without `outputs`, dense ones of the shape that the roots have."""
    shape = np.broadcast_shapes(*(x.shape for x in inputs))
    inputs = [np.broadcast_to(x, shape) for x in inputs]
    expected = evaluate(roots, inputs, tuple(reduced))
    if outputs is None:
        outputs = [np.zeros(np.broadcast_shapes(e.shape, [1] * len(shape)), r.dtype) for e, r in zip(expected, roots, strict=True)]
    full = [np.lib.stride_tricks.as_strided(o, shape, [0 if n == 1 else s for n, s in zip(o.shape, o.strides)]) for o in outputs]
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
        arguments.append(array)
        arguments += [s // array.itemsize for s, d in zip(array.strides, described.strides, strict=True) if d is None]
    source = cuda_loop(loop, name, launch.variant)
    expected = [np.broadcast_to(e, o.shape).astype(o.dtype) for e, o in zip(expected, outputs, strict=True)]
    return Case(name, source, launch.grid, launch.block, arguments, list(outputs), expected, tolerance)
