"""Recurrences in NumPy, for checks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jitrt.codegen.recurrence import CELL, INPUTS, PRODUCTS, SCALE, STATE, SUM, VECTORS, Recurrence
from jitrt.evaluate import evaluate
from jitrt.tensor import Value


def run_cell(recurrence: Recurrence, R: Value, reverse: bool, inputs: Sequence[Value | None]) -> list[Value]:
    """The outputs of a `RecurrenceCall` on its inputs, with weights R [directions, gates, size, size]."""
    XW, H0, C0, lengths, _, *vectors = inputs
    assert XW is not None
    steps, samples, directions, width = XW.shape
    size = width // recurrence.gates
    states = {
        "state": np.zeros((directions, samples, size), XW.dtype) if H0 is None else H0.copy(),
        "cell": np.zeros((directions, samples, size), XW.dtype) if C0 is None else C0.copy(),
    }
    Y = np.zeros((steps, directions, samples, size), XW.dtype)
    ends = np.full(samples, steps) if lengths is None else lengths
    gates = XW.reshape(steps, samples, directions, recurrence.gates, size)
    operands: list[Value] = [np.zeros(())] * VECTORS
    operands += [v[:, None] for v in vectors if v is not None]
    d, n = np.arange(directions)[:, None], np.arange(samples)
    for step in range(steps):
        inside = step < ends
        times = np.where((d == 1) | reverse, np.where(inside, ends - 1 - step, step), step)
        for g in range(recurrence.gates):
            operands[INPUTS + g] = gates[times, n, d, g]
        operands[STATE], operands[CELL] = states["state"], states["cell"]
        before = dict(states)
        for phase in recurrence.phases:
            for gate, source in phase.products:
                rows = states[source]
                if recurrence.quantised:
                    rows, *operands[SCALE : SUM + 1] = quantised(rows)
                operands[PRODUCTS + gate] = rows @ R[:, gate].astype(rows.dtype)
            made = evaluate([value for _, value in phase.stores], operands)
            states |= {place: value for (place, _), value in zip(phase.stores, made, strict=True)}
        for place, value in before.items():
            states[place] = np.where(inside[:, None], states[place], value)
        Y[times, d, n] = np.where(inside[:, None], states["state"], 0)
    return [Y, *(states[place] for place in ("state", "cell")[: 1 + recurrence.has_cell])]


def quantised(rows: Value) -> tuple[Value, Value, Value, Value]:
    """Rows as integers from 0 to 255, and their scales, zero points and sums less zero points [..., 1]."""
    low, high = (f(rows, 0).astype(np.float32) for f in (np.minimum, np.maximum))
    low, high = low.min(-1, keepdims=True), high.max(-1, keepdims=True)
    scale = (high - low) / np.float32(255)
    scale[scale == 0] = 1
    zero = np.rint(-low / scale)
    q = np.clip(np.rint(rows / scale) + zero, 0, 255).astype(np.int32)
    centred = (q - zero.astype(np.int32)).sum(-1, keepdims=True, dtype=np.int32)
    return q, scale, zero.astype(np.int32), centred
