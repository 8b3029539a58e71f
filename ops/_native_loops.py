"""Loop and Scan as steps, where no state changes its type and nothing in a body needs to see data."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from jitrt.control_flow import LoopCall
from jitrt.dims import Size, hint
from jitrt.layout import nbytes
from jitrt.tensor import Input, RunsOnHostError, Tensor, constant, known, known_sizes, known_with, sizes
from jitrt.traced import TracedBody
from jitrt.types import BOOL, I64

ENDLESS = np.array(np.iinfo(np.int64).max)
MAX_GATHERED = 1 << 26  # bytes for the most iterations of a loop that may end earlier

Body = Callable[..., TracedBody]


def loop(
    M: Tensor | None, cond: Tensor | None = None, *v_initial: Tensor, body: Body, output_count: int = 1
) -> list[Tensor]:
    """What `Loop` computes."""
    trips = constant(ENDLESS) if M is None else M
    going = constant(np.array(True)) if cond is None else cond
    if trips.dtype != I64 or going.dtype != BOOL or None in v_initial:
        raise RunsOnHostError
    traced = body((I64, ()), constant(np.array(True)), *((v.dtype, v.shape) for v in v_initial))
    _require_types(traced.outputs[1:], v_initial)
    proceed = traced.outputs.pop(0)
    initial, kept = _changing(traced, v_initial)
    decides = proceed.value is None or not proceed.value.all()
    if decides:
        traced.outputs.insert(0, proceed)
    gathered = traced.outputs[decides + len(initial) :]
    forward = [False] * len(gathered)
    if not gathered:
        length = trips.value.ravel()[0] if trips.value is not None and M is not None else 1
        call = LoopCall(traced, trips, going, initial, decides=decides, length=length)
        results = list(call.outputs[1:])
    elif decides:
        length = _most_trips(M, gathered)
        call = LoopCall(traced, trips, going, initial, (), forward, decides=True, length=length)
        count, outputs = known_with(*call.outputs)
        ends = [t.slice(0, 0, count.ravel()[0]) for t in outputs[len(initial) :]]
        results = [*outputs[: len(initial)], *ends]
    else:
        trips = trips if known(going).all() else constant(np.array(0))
        (length,) = known_sizes(trips)
        call = LoopCall(traced, trips, constant(np.array(True)), initial, (), forward, length=length)
        results = list(call.outputs[1:])
    for i, state in kept:
        results.insert(i, state)
    return results


def scan(
    *initial_state_and_scan_inputs: Tensor,
    body: Body,
    num_scan_inputs: int,
    scan_input_axes: list[int] | None = None,
    scan_input_directions: list[int] | None = None,
    scan_output_axes: list[int] | None = None,
    scan_output_directions: list[int] | None = None,
    output_count: int = 1,
) -> list[Tensor]:
    """What `Scan` computes."""
    operands = initial_state_and_scan_inputs
    states = len(operands) - num_scan_inputs
    initial, axes = operands[:states], scan_input_axes or [0] * num_scan_inputs
    sequences = [_moved(x, axis, 0) for x, axis in zip(operands[states:], axes, strict=True)]
    length = sequences[0].shape[0]
    if any(x.shape[0] != length for x in sequences):
        raise RunsOnHostError
    traced = body(
        *((x.dtype, x.shape) for x in initial),
        *((x.dtype, x.shape[1:]) for x in sequences),
    )
    _require_types(traced.outputs[:states], initial)
    traced.inputs.insert(0, Tensor(I64, (), Input(0)))  # the number of the iteration
    slices = len(traced.outputs) - states
    forward, backward = scan_input_directions or [0] * num_scan_inputs, scan_output_directions or [0] * slices
    call = LoopCall(
        traced,
        sizes([length]),
        constant(np.array(True)),
        initial,
        list(zip(sequences, map(bool, forward), strict=True)),
        list(map(bool, backward)),
        length=length,
    )
    _, *results = call.outputs
    axes = scan_output_axes or [0] * slices
    gathered = [_moved(y, 0, axis) for y, axis in zip(results[states:], axes, strict=True)]
    return [*results[:states], *gathered]


def _changing(body: TracedBody, v_initial: Sequence[Tensor]) -> tuple[list[Tensor], list[tuple[int, Tensor]]]:
    """The initial states that the body changes; those that it gives back, with their numbers, it captures."""
    inputs = body.inputs[1 : 1 + len(v_initial)]
    is_kept = [a is b for a, b in zip(inputs, body.outputs, strict=False)]
    kept = [(i, v) for i, v in enumerate(v_initial) if is_kept[i]]
    for i, state in reversed(kept):
        del body.outputs[i]
        body.inputs.append(body.inputs.pop(1 + i))
        body.captures.append(state)
    return [v for i, v in enumerate(v_initial) if not is_kept[i]], kept


def _most_trips(M: Tensor | None, gathered: Sequence[Tensor]) -> Size:
    """How often a loop runs at most. Raises RunsOnHostError where that is too much to make room for."""
    if M is None:
        raise RunsOnHostError
    (length,) = known_sizes(M)
    if sum(hint(length) * hint(nbytes(t.dtype, t.shape)) for t in gathered) > MAX_GATHERED:
        raise RunsOnHostError
    return length


def _require_types(states: Sequence[Tensor], initial: Sequence[Tensor]) -> None:
    """Raises RunsOnHostError where a state comes out of an iteration as another type than it went in."""
    pairs = zip(states, initial, strict=False)
    if any((a.dtype, a.shape) != (b.dtype, b.shape) for a, b in pairs):
        raise RunsOnHostError


def _moved(x: Tensor, axis: int, to: int) -> Tensor:
    """The tensor with one of its axes in another place."""
    order = list(range(x.ndim))
    order.insert(to % x.ndim, order.pop(axis % x.ndim))
    return x.permute(order)
