"""Loops in Python: bodies are functions of arrays, run once an iteration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jitrt.opdef import host_operator
from jitrt.types import F32, TensorType

from ._host_forms import zero
from ._native_loops import loop as loop_of_tensors
from ._native_loops import scan as scan_of_tensors

if TYPE_CHECKING:
    from jitrt.host_call import Body

Array = np.ndarray[Any, Any]


@host_operator("Loop", since=1)
def loop(
    M: Array | None, cond: Array | None = None, *v_initial: Any, body: Body, output_count: int = 1
) -> Any:
    """Repeat while a condition holds, M times at most. https://onnx.ai/onnx/operators/onnx__Loop.html"""
    trips = None if M is None else int(M.ravel()[0])
    state, going = list(v_initial), cond is None or bool(cond.ravel()[0])
    scanned: list[list[Any]] = [[] for _ in range(output_count - len(state))]
    iteration = 0
    while going and (trips is None or iteration < trips):
        proceed, *results = body(np.array(iteration), np.array(going), *state)
        going = bool(np.ravel(proceed)[0])
        state = results[: len(state)]
        for values, value in zip(scanned, results[len(state) :], strict=False):
            values.append(value)
        iteration += 1
    return _outputs([*state, *map(_stack, scanned, body.types[1 + len(state) :])], output_count)


loop.native(loop_of_tensors)


@host_operator("Scan", since=9)
def scan(
    *initial_state_and_scan_inputs: Array,
    body: Body,
    num_scan_inputs: int,
    scan_input_axes: list[int] | None = None,
    scan_input_directions: list[int] | None = None,
    scan_output_axes: list[int] | None = None,
    scan_output_directions: list[int] | None = None,
    output_count: int = 1,
) -> Any:
    """Run a body over slices of its inputs, carrying state. https://onnx.ai/onnx/operators/onnx__Scan.html"""
    operands = initial_state_and_scan_inputs
    states = len(operands) - num_scan_inputs
    axes = scan_input_axes or [0] * num_scan_inputs
    directions = scan_input_directions or [0] * num_scan_inputs
    sequences = [
        _ordered(np.moveaxis(x, axis, 0), backward)
        for x, axis, backward in zip(operands[states:], axes, directions, strict=True)
    ]
    results = _scan(list(operands[:states]), sequences, len(sequences[0]), body, output_count)
    for i in range(output_count - states):
        backward = scan_output_directions is not None and scan_output_directions[i]
        axis = scan_output_axes[i] if scan_output_axes else 0
        results[states + i] = np.moveaxis(_ordered(results[states + i], backward), 0, axis)
    return _outputs(results, output_count)


scan.native(scan_of_tensors)


@host_operator("Scan", since=8)
def scan_8(
    sequence_lens: Array | None,
    *initial_state_and_scan_inputs: Array,
    body: Body,
    num_scan_inputs: int,
    directions: list[int] | None = None,
    output_count: int = 1,
) -> Any:
    """As Scan, for each element of a batch. https://onnx.ai/onnx/operators/onnx__Scan.html"""
    operands = initial_state_and_scan_inputs
    states = len(operands) - num_scan_inputs
    batch, steps = operands[-1].shape[:2]
    backward = directions or [0] * num_scan_inputs
    items = []
    for b in range(batch):
        length = steps if sequence_lens is None else int(sequence_lens[b])
        sequences = [_ordered(x[b, :length], d) for x, d in zip(operands[states:], backward, strict=True)]
        results = _scan([x[b, ...] for x in operands[:states]], sequences, length, body, output_count)
        for i in range(states, output_count):
            padded = np.full([steps, *results[i].shape[1:]], zero(results[i].dtype))
            padded[:length] = results[i]
            results[i] = padded
        items.append(results)
    return _outputs([np.stack(values) for values in zip(*items, strict=True)], output_count)


def _scan(
    state: list[Any], sequences: Sequence[Array], length: int, body: Body, output_count: int
) -> list[Any]:
    """The final state, then what the body gave for each step, stacked."""
    scanned: list[list[Any]] = [[] for _ in range(output_count - len(state))]
    for step in range(length):
        results = body(*state, *(x[step, ...] for x in sequences))
        state = list(results[: len(state)])
        for values, value in zip(scanned, results[len(state) :], strict=False):
            values.append(value)
    return [*state, *map(_stack, scanned, body.types[len(state) :])]


def _ordered(x: Array, backward: Any) -> Array:
    return x[::-1] if backward else x


def _stack(values: Sequence[Any], declared: Any) -> Array:
    """What an output of the body was in each iteration; where there was none, as the body declares it."""
    if values:
        return np.stack(values)
    kind = declared if isinstance(declared, TensorType) else TensorType(F32, None)
    return np.zeros([0, *(n if isinstance(n, int) else 0 for n in kind.shape or ())], kind.dtype)


def _outputs(results: Sequence[Any], output_count: int) -> Any:
    """What a host operator returns: a value, or a list of several."""
    return results[0] if output_count == 1 else list(results)
