"""`JITRT_CHECK=1`: every step's result against the tensor it stands for, computed by NumPy.

A checked program is traced for each signature, so that symbolic sizes are their hints. Kernels written for
Numba are plain Python functions, and run as such.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jitrt.dims import concrete, hint
from jitrt.errors import Fail
from jitrt.evaluate import evaluate
from jitrt.execute import pool
from jitrt.expr import load, reduce
from jitrt.layout import Array
from jitrt.tensor import Concat, Constant, Input, Map, Output, Reduce, Tensor, View, operands_of
from jitrt.types import BF16, F16, is_float

if TYPE_CHECKING:
    from jitrt.table import Table

Value = np.ndarray[Any, Any]


class StepMismatchError(Fail):
    """A step's result differs from NumPy's."""


class Interpreter:
    """The value of each tensor, computed by NumPy from the program's inputs."""

    def __init__(self, arrays: Sequence[Value]) -> None:
        self.arrays = arrays
        self.values: dict[int, Value] = {}
        self.calls: dict[int, list[Value] | None] = {}

    def value(self, tensor: Tensor) -> Value | None:
        """The tensor's value, or None where no reference is at hand."""
        pending = [tensor]
        while pending:
            current = pending[-1]
            if current.serial in self.values:
                pending.pop()
                continue
            missing = [t for t in operands_of(current) if t is not None and t.serial not in self.values]
            missing = [t for t in missing if t.value is None or isinstance(t.source, Input)]
            if missing:
                pending.extend(missing)
                continue
            self.values[current.serial] = self._compute(current)
            pending.pop()
        return self.values[tensor.serial]

    def magnitude(self, tensor: Tensor) -> float:
        """The largest sum of absolute values that an element of the tensor, a sum, is made of; else 0."""
        source = tensor.source
        if not is_float(tensor.dtype):
            return 0.0
        if isinstance(source, Reduce) and source.kind == "sum":
            return _largest(np.abs(self._known(source.operand).astype(np.float64)).sum(source.axes))
        if isinstance(source, Map) and source.root.op in ("add", "sub"):
            return max((_largest(self._known(t)) for t in source.operands), default=0.0)
        return 0.0

    def _known(self, tensor: Tensor) -> Value:
        if tensor.serial not in self.values:
            self.values[tensor.serial] = self._compute(tensor)
        return self.values[tensor.serial]

    def _compute(self, tensor: Tensor) -> Value:
        shape = concrete(tensor.shape)
        match tensor.source:
            case Input(index=index):
                return self.arrays[index]
            case Constant():
                assert tensor.value is not None
                hints = [hint(v) for v in tensor.value.ravel()] if tensor.symbolic else tensor.value
                return np.asarray(hints, tensor.dtype).reshape(shape)
            case Map(root=root, operands=operands):
                values = [np.broadcast_to(self._known(t), shape) for t in operands]
                if not values:
                    values = [np.empty(shape, np.int8)]
                return np.broadcast_to(np.asarray(evaluate([root], values)[0]), shape)
            case Reduce(kind=kind, operand=operand, axes=axes):
                (result,) = evaluate([reduce(load(0, operand.dtype), kind)], [self._known(operand)], axes)
                return np.asarray(result).reshape(shape)
            case Concat(operands=operands, axis=axis):
                return np.concatenate([self._known(t) for t in operands], axis)
            case View(base=base, kind=kind, parameters=parameters):
                return _view(self._known(base), kind, parameters, tensor)
            case Output(call=call, index=index):
                if id(call) not in self.calls:
                    inputs = [None if t is None else self._known(t) for t in call.inputs]
                    self.calls[id(call)] = call.reference(inputs)
                results = self.calls[id(call)]
                if results is None:
                    raise LookupError(call.name)
                return np.asarray(results[index]).reshape(shape)
        raise AssertionError(tensor)


def _view(x: Value, kind: str, parameters: Any, tensor: Tensor) -> Value:
    shape = concrete(tensor.shape)
    if kind == "permute":
        return x.transpose(parameters)
    if kind == "reshape":
        return x.reshape(shape)
    if kind == "expand":
        return np.broadcast_to(x, shape)
    if kind == "reinterpret":
        return np.ascontiguousarray(x).view(tensor.dtype).reshape(shape)
    axis, start, step = parameters
    taken: Value = np.take(x, np.arange(shape[axis]) * hint(step) + hint(start), axis)
    return taken


def run_checked(table: Table, arrays: Sequence[Value]) -> bool:
    """Run the table a step at a time and compare. Raises StepMismatchError for the first difference.

    Returns False where a step fails, which ends the run.
    """
    schedule = table.plan.recipe.schedule
    interpreter = Interpreter(arrays)
    rows = table.rows
    for number in range(len(rows)):
        row = rows[number : number + 1].copy()
        runner = pool.Runner(row, scratch=table.scratch, scratch_stride=table.plan.scratch_stride)
        if runner.run() >= 0:
            return False
        for tensor, array in schedule.results.get(number, ()):
            got = read(table, array)
            try:
                want = interpreter.value(tensor)
            except LookupError:
                interpreter.values[tensor.serial] = got.copy()
                continue
            where = f"step {number} {schedule.steps[number].label}"
            _compare(got, want, where, tensor, interpreter.magnitude(tensor))
            interpreter.values[tensor.serial] = got.copy()
    return True


def read(table: Table, array: Array) -> Value:
    """The array's elements, from memory."""
    recipe = table.plan.recipe
    address = int(table.bases[recipe.buffer_numbers[id(array.ref.buffer)]]) + hint(array.ref.offset)
    shape, strides = concrete(array.shape), concrete(array.strides)
    if not all(shape):
        return np.empty(shape, array.dtype)
    steps = [(n - 1) * s for n, s in zip(shape, strides, strict=True)]
    before, after = sum(-s for s in steps if s < 0), sum(s for s in steps if s > 0)
    size = array.dtype.itemsize
    memory = (ctypes.c_uint8 * ((before + after + 1) * size)).from_address(address - before * size)
    flat = np.ctypeslib.as_array(memory).view(array.dtype)[before:]
    return np.lib.stride_tricks.as_strided(flat, shape, [s * size for s in strides])


def _compare(got: Value, want: Value | None, where: str, tensor: Tensor, magnitude: float) -> None:
    if want is None or not got.size:
        return
    if not is_float(tensor.dtype):
        wrong = int((got != want).sum())
        error, limit = float(wrong), 0.0
    else:
        g, w = got.astype(np.float64), want.astype(np.float64)
        both = np.isfinite(g) & np.isfinite(w)
        odd = (~both) & ~((np.isnan(g) & np.isnan(w)) | (g == w))
        scale = max(float(np.abs(w[both]).max(initial=0)), magnitude) or 1.0
        error = float(np.abs(g[both] - w[both]).max(initial=0)) / scale if not odd.any() else float("inf")
        limit = 1e-2 if _is_rounded(tensor) else 1e-4
    if error > limit:
        raise StepMismatchError(f"{where}, {tensor.node}: {tensor} differs from NumPy by {error:.3g}")


def _largest(x: Value) -> float:
    """The largest absolute value that is finite, or 0."""
    wide = np.abs(x.astype(np.float64))
    return float(wide[np.isfinite(wide)].max(initial=0))


def _is_rounded(tensor: Tensor) -> bool:
    """Whether NumPy rounds to 16 bits on the way to the tensor; a fused kernel may do so only at its end."""
    level = [tensor]
    for _ in range(8):
        if any(t.dtype in (F16, BF16) for t in level):
            return True
        level = [o for t in level for o in operands_of(t) if o is not None and o.value is None]
    return False
