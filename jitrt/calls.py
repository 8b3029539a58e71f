"""Kernel calls that operators make: Numba kernels over dense arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jitrt import expr as ex
from jitrt.codegen.kernel import Argument, Step
from jitrt.dims import Size, concrete, count, hint
from jitrt.layout import Array, rows_are_even
from jitrt.tensor import Call, Dtype, Shape, Tensor, Value, map_tensors, outputs_of
from jitrt.types import BF16, BITS, F16, F32

Outputs = Sequence[tuple[Dtype, Sequence[Size]]]
PYTHON_ELEMENTS = 20_000


class NumbaCall(Call):
    """A call of a Numba kernel `function(*outputs, *inputs, *scalars, begin, end)` on dense arrays."""

    def __init__(
        self,
        function: Callable[..., Any],
        inputs: Sequence[Tensor],
        scalars: Sequence[Size | float],
        extent: Size,
        *,
        error: Callable[[int], Exception] | None,
        flops: Size,
        scratch: Size,
        rows_apart: bool = False,
    ) -> None:
        self.name = function.__name__.strip("_")
        self.function, self.inputs, self.scalars, self.extent = (
            function,
            tuple(inputs),
            tuple(scalars),
            extent,
        )
        self.error, self.flops, self.scratch = error, flops, scratch
        self.strided_output = rows_apart

    def accepts(self, index: int, strides: Sequence[Size], shape: Shape) -> bool:
        """Whether it is an output of dense rows, evenly apart."""
        return index < 0 and self.strided_output and rows_are_even(shape, strides)

    def reference(self, inputs: Sequence[Value | None]) -> list[Value] | None:
        """The kernel as plain Python, where that does not take too long."""
        types = [(t.dtype, concrete(t.shape)) for t in self.outputs]
        if sum(count(shape) for _, shape in types) > PYTHON_ELEMENTS or self.scratch:
            return None
        outputs = [np.empty(shape, dtype) for dtype, shape in types]
        scalars = [s if isinstance(s, float) else hint(s) for s in self.scalars]
        arrays = [np.ascontiguousarray(x) for x in inputs if x is not None]
        if hint(self.extent) > 0:  # as the runtime has it
            with np.errstate(all="ignore"):
                self.function(*outputs, *arrays, *scalars, 0, hint(self.extent))
        return outputs

    def steps(self, inputs: Sequence[Array | None], outputs: Sequence[Array], epilogue: Any) -> list[Step]:
        """One step."""
        from jitrt.codegen.numba_ir import ArrayArg, numba_kernel  # as many models have none

        arrays = [*outputs, *(a for a in inputs if a is not None)]
        kinds: list[Any] = [ArrayArg(a.dtype, len(a.shape)) for a in arrays]
        kinds += [np.dtype("float64" if isinstance(s, float) else "int64") for s in self.scalars]
        args: list[Argument] = []
        for array in arrays:
            args += [array.ref, *(array.shape if array.dense else (*array.shape[:-1], array.strides[-2]))]
        args += [int(np.float64(s).view(np.int64)) if isinstance(s, float) else s for s in self.scalars]
        kernel = numba_kernel(self.function, kinds, name=self.name)
        moved = sum((_nbytes(a) for a in arrays[1:]), _nbytes(arrays[0]))
        step = Step(kernel, tuple(args), self.extent, self.name, self.flops, moved, self.scratch)
        step.error = self.error
        return [step]


def launch(
    function: Callable[..., Any],
    *inputs: Tensor,
    outputs: Outputs,
    scalars: Sequence[Size | float] = (),
    extent: Size,
    error: Callable[[int], Exception] | None = None,
    flops: Size = 0,
    scratch: Size = 0,
) -> tuple[Tensor, ...]:
    """Call a Numba kernel that computes: float16 and bfloat16 tensors pass through float32.

    `extent` is the number of units that may run in any order and on any thread; `error` turns a status
    other than 0 into the exception to raise; `scratch` is bytes a thread.
    """
    wide = [cast_tensor(t, F32) if t.dtype in (F16, BF16) else t for t in inputs]
    types = [(F32 if dtype in (F16, BF16) else dtype, shape) for dtype, shape in outputs]
    call = NumbaCall(function, wide, scalars, extent, error=error, flops=flops, scratch=scratch)
    results = outputs_of(call, types)
    return tuple(cast_tensor(t, dtype) for t, (dtype, _) in zip(results, outputs, strict=True))


def launch_move(
    function: Callable[..., Any],
    *inputs: Tensor,
    moved: int = 1,
    outputs: Outputs,
    scalars: Sequence[Size | float] = (),
    extent: Size,
    error: Callable[[int], Exception] | None = None,
    rows_apart: bool = False,
) -> tuple[Tensor, ...]:
    """Call a Numba kernel that only moves elements: the first `moved` inputs and all outputs go as bits.

    One compiled kernel then serves every element type of a width. With `rows_apart`, outputs may be part of
    a larger array: their last dimension is then as long as the distance between rows.
    """
    bits = [bits_of(t) if i < moved else t for i, t in enumerate(inputs)]
    types = [(BITS[dtype.itemsize], shape) for dtype, shape in outputs]
    call = NumbaCall(function, bits, scalars, extent, error=error, flops=0, scratch=0, rows_apart=rows_apart)
    results = outputs_of(call, types)
    return tuple(from_bits(t, dtype) for t, (dtype, _) in zip(results, outputs, strict=True))


def cast_tensor(t: Tensor, dtype: Dtype) -> Tensor:
    """Convert by value."""
    return t if t.dtype == dtype else map_tensors(lambda x: ex.cast(x, dtype), t)


def bits_of(t: Tensor) -> Tensor:
    """The tensor's elements as unsigned integers of their width; no data moves."""
    return t.reinterpret(BITS[t.dtype.itemsize])


def from_bits(t: Tensor, dtype: Dtype) -> Tensor:
    """The inverse of `bits_of`."""
    return t.reinterpret(dtype)


def _nbytes(array: Array) -> Size:
    size: Size = array.dtype.itemsize
    for extent in array.shape:
        size = size * extent
    return size
