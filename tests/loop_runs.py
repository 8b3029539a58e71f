"""Running loop kernels on NumPy arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from steps import ref, run

from jitrt.codegen.kernel import Argument, Step
from jitrt.codegen.loops import Loop, Operand, extent, loop_kernel, scratch_bytes
from jitrt.codegen.target import Target
from jitrt.expr import Expr


def run_loop(
    loop: Loop, sizes: Sequence[int], arrays: Sequence[np.ndarray], target: Target, cuts: Sequence[int] = ()
) -> None:
    """Run a loop's kernel on its inputs and outputs, in parts that `cuts` separate."""
    args: list[Argument] = list(sizes)
    for operand, array in zip((*loop.inputs, *loop.outputs), arrays, strict=True):
        args.append(ref(array))
        steps = [stride // array.itemsize for stride in array.strides]
        args += [step for step, pattern in zip(steps, operand.strides, strict=True) if pattern is None]
    kernel, units = loop_kernel(loop, target), extent(loop, sizes)
    run(Step(kernel, tuple(args), units, "loop", scratch=scratch_bytes(loop, sizes)), target, cuts)


def map_arrays(roots: Sequence[Expr], inputs: Sequence[np.ndarray], target: Target) -> list[np.ndarray]:
    """The roots over one-dimensional contiguous arrays of the same length."""
    outputs = [np.empty_like(inputs[0], dtype=root.dtype) for root in roots]
    loop = Loop(
        1,
        (False,),
        tuple(Operand(a.dtype, (1,)) for a in inputs),
        tuple(Operand(a.dtype, (1,)) for a in outputs),
        tuple(roots),
    )
    run_loop(loop, inputs[0].shape, [*inputs, *outputs], target)
    return outputs
