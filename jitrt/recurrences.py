"""Recurrences as kernel calls: LSTM, GRU, and the like, given the input's part of every gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jitrt.calls import cast_tensor
from jitrt.codegen.aligned import aligned_empty
from jitrt.codegen.kernel import Argument, Buffer, Ref, Step
from jitrt.codegen.loop import Operand
from jitrt.codegen.recurrence import Phase, Recurrence, recurrence_step
from jitrt.codegen.subnormals import without_subnormals
from jitrt.codegen.target import host
from jitrt.constants import Packed, packed_constant
from jitrt.dims import Dim, Size, same
from jitrt.expr import const
from jitrt.layout import Array
from jitrt.loop_step import loop_step
from jitrt.recurrence_reference import run_cell
from jitrt.tensor import Call, Dtype, Shape, Tensor, Value, concatenate, constant, outputs_of
from jitrt.types import I8, I64

XW, H0, C0, LENGTHS, WEIGHTS, VECTORS = range(6)  # inputs of the call


@dataclass(frozen=True)
class Sequences:
    """The operands that all recurrences have.

    `XW` [steps, samples, directions, gates * size] is the input's part of every gate, with the biases. `R`
    [directions, gates, size, size] are the recurrent weights, from the state's columns to the gate's; int8
    ones are multiplied by states that are quantised as they come. `lengths` int32 [samples] are those of the
    sequences, `H0` [directions, samples, size] is the initial state, and `reverse` tells whether the only
    direction is backward.
    """

    XW: Tensor
    R: Tensor
    lengths: Tensor | None
    H0: Tensor | None
    reverse: bool


class RecurrenceCall(Call):
    """Y [steps, directions, samples, size] and the final states [directions, samples, size].

    `vectors` [directions, size] are further operands of the cell, and `C0` its initial cell state if it has
    one.
    """

    strided_output = True

    def __init__(
        self,
        name: str,
        sequences: Sequences,
        phases: Sequence[Phase],
        vectors: Sequence[Tensor] = (),
        C0: Tensor | None = None,
        *,
        has_cell: bool = False,
    ) -> None:
        self.name, self.sequences, self.phases, self.has_cell = name, sequences, tuple(phases), has_cell
        steps, samples, directions, _ = sequences.XW.shape
        self.R, self.size = sequences.R, sequences.R.shape[2]
        self.packed: Packed | None = None
        weights: Tensor | None = None
        if self.R.value is None or self.R.symbolic:
            weights = pack_weights(self.R, self._recurrence())
        else:
            self.packed = packed_constant(self.R.value, "recurrence", self._pack)
        inputs = (sequences.XW, sequences.H0, C0, sequences.lengths, weights, *vectors)
        self.inputs = inputs  # type: ignore[assignment]
        dtype, state = sequences.XW.dtype, [directions, samples, self.size]
        types: list[tuple[Dtype, Sequence[Size]]] = [(dtype, [steps, *state])]
        outputs_of(self, [*types, *[(dtype, state)] * (1 + has_cell)])

    def _recurrence(
        self, vectors: Sequence[Operand] = (), starts: tuple[bool, bool] = (False, False)
    ) -> Recurrence:
        target, dtype = host(), self.sequences.XW.dtype
        return Recurrence(
            dtype=dtype,
            gates=int(self.R.shape[1]),
            phases=self.phases,
            vectors=tuple(vectors),
            has_cell=self.has_cell,
            starts=starts,
            ragged=self.sequences.lengths is not None,
            whole=isinstance(self.size, int) and self.size % target.lanes(dtype.itemsize) == 0,
            quantised=self.R.dtype == I8,
            target=target,
        )

    def _pack(self, R: Value) -> Value:
        made = pack_weights(constant(R), self._recurrence()).value
        assert made is not None
        packed = aligned_empty(made.shape, made.dtype)
        packed[:] = without_subnormals(made)
        return packed

    def accepts(self, index: int, strides: Sequence[Size], shape: Shape) -> bool:
        """Adjacent columns, and vectors of one number for all columns; lengths and weights are dense."""
        if index in (LENGTHS, WEIGHTS):
            return False
        adjacent = same(strides[-1], 1) or same(shape[-1], 1)
        return adjacent or (index >= VECTORS and same(strides[-1], 0))

    def steps(self, inputs: Sequence[Array | None], outputs: Sequence[Array], epilogue: Any) -> list[Step]:
        """One step, after one that clears the memory in which threads find each other."""
        values: dict[str, Argument] = {"reverse": int(self.sequences.reverse)}
        operands = []
        for i, vector in enumerate(inputs[VECTORS:]):
            assert vector is not None
            along = [
                0 if same(n, 1) else stride for n, stride in zip(vector.shape, vector.strides, strict=True)
            ]
            operands.append(Operand(vector.dtype, (None, 0 if same(along[1], 0) else 1)))
            values |= {f"V{i}": vector.ref, f"V{i}.direction": along[0]}
        recurrence = self._recurrence(operands, (inputs[H0] is not None, inputs[C0] is not None))
        values |= _placed("XW", inputs[XW], "step", "sample", "direction")
        values |= _placed("Y", outputs[0], "step", "direction", "sample")
        for name, array in (("H0", inputs[H0]), ("C0", inputs[C0]), *zip("HC", outputs[1:], strict=False)):
            values |= _placed(name, array, "direction", "sample")
        if (lengths := inputs[LENGTHS]) is not None:
            values["lengths"] = lengths.ref
        weights = inputs[WEIGHTS]
        values["R"] = Ref(self.packed.buffer) if self.packed is not None else weights.ref  # type: ignore[union-attr]
        count, samples, directions, _ = self.sequences.XW.shape
        for name, nbytes in recurrence.workspace(directions, samples, self.size).items():
            values[name] = Ref(Buffer("arena", nbytes))
        words = recurrence.workspace(directions, samples, self.size)["team"] // 8
        team = Array(I64, (words,), (1,), values["team"])  # type: ignore[arg-type]
        step = recurrence_step(
            recurrence,
            values,
            steps=count,
            samples=samples,
            directions=directions,
            size=self.size,
            label=self.name,
        )
        step.keeps = (self.packed,)
        return [loop_step([const(0, I64)], team.shape, (), [], [team], "clear"), step]

    def reference(self, inputs: Sequence[Value | None]) -> list[Value] | None:
        """The cell in NumPy, step by step; None where the weights were packed on the way."""
        if self.packed is None:
            return None
        return run_cell(self._recurrence(), self.packed.source, self.sequences.reverse, inputs)


def pack_weights(R: Tensor, recurrence: Recurrence) -> Tensor:
    """R by panels of columns: [directions, (panel, gate, k, column)], integers in groups along k.

    The last panel is as wide as its vectors are.
    """
    directions, gates, size, _ = R.shape
    shape, group, depth = recurrence.shape, 1, size
    if recurrence.quantised:
        dot = recurrence.dot
        R, group, depth = cast_tensor(R, dot.column), dot.size, dot.groups(size)
    width = recurrence.packed_columns(size)
    R = _padded(_padded(R, 3, width), 2, depth * group)
    R = R.reshape([directions, gates, depth, group, width]).permute([0, 1, 2, 4, 3])
    whole = width // shape.columns
    rest = width - whole * shape.columns
    panels = R.slice(3, 0, whole * shape.columns)
    panels = panels.reshape([directions, gates, depth, whole, shape.columns, group])
    panels = panels.permute([0, 3, 1, 2, 4, 5])
    last = R.slice(3, whole * shape.columns, rest)
    elements = gates * depth * group
    parts = [
        panels.reshape([directions, whole * shape.columns * elements]),
        last.reshape([directions, rest * elements]),
    ]
    return concatenate(parts, 1)


def _padded(t: Tensor, axis: int, size: Size) -> Tensor:
    """The tensor with zeros after it up to `size` along `axis`."""
    shape = [*t.shape[:axis], size - t.shape[axis], *t.shape[axis + 1 :]]
    if same(shape[axis], 0):
        return t
    if any(isinstance(s, Dim) for s in shape):
        return concatenate([t, constant(np.zeros((), t.dtype)).expand(shape)], axis)
    return concatenate([t, constant(np.zeros([int(s) for s in shape], t.dtype))], axis)


def _placed(name: str, array: Array | None, *dimensions: str) -> dict[str, Argument]:
    """The address and the strides of an operand by name."""
    if array is None:
        return {}
    strides = zip(dimensions, array.strides, strict=False)
    return {name: array.ref, **{f"{name}.{dimension}": stride for dimension, stride in strides}}
