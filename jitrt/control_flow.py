"""Loops and branches inside a step table: bodies become steps of the schedule around them.

    begin    the counter is -1, states are copied to where the first iteration reads them
    advance  count; point steps to this iteration's states and slices; go to the end after the last one
    ...      the body
    jump     back to advance
    end      the states are copied to the outputs

A body's states lie in two places each: an iteration reads the one and writes the other. Slices of what is
scanned are read and written in place. A branch is a jump over one body to the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jitrt.codegen.control import advance_kernel, branch_kernel, jump_kernel
from jitrt.codegen.kernel import Argument, Buffer, Kernel, Ref, Step, Word
from jitrt.dims import Size
from jitrt.layout import Array, dense_strides, nbytes
from jitrt.loop_step import copy_step
from jitrt.schedule import Schedule, Scheduler
from jitrt.tensor import Call, Input, Tensor, outputs_of
from jitrt.traced import TracedBody
from jitrt.types import BOOL, I64


@dataclass(frozen=True)
class Slices:
    """What an operator's call scans: iteration i has the elements from `first + i * stride` bytes on."""

    first: Size
    stride: Size

    @classmethod
    def along(cls, tensor: Tensor, backward: bool) -> Slices:
        """The slices of a dense tensor along its first axis."""
        size = nbytes(tensor.dtype, tensor.shape[1:])
        return cls((tensor.shape[0] - 1) * size, -1 * size) if backward else cls(0, size)


class BranchCall(Call):
    """`then` if a condition holds, a bool tensor of one element, else `other`, which gives the same types."""

    name = "If"

    def __init__(self, condition: Tensor, then: TracedBody, other: TracedBody) -> None:
        self.then, self.other = then, other
        self.inputs = (condition, *then.captures, *other.captures)
        outputs_of(self, [(t.dtype, t.shape) for t in then.outputs])

    def steps(self, inputs: Sequence[Array | None], outputs: Sequence[Array], epilogue: Any) -> list[Step]:
        """branch, then, jump, other."""
        condition, *captured = (a.ref for a in inputs if a is not None)
        results = [a.ref for a in outputs]
        bodies = []
        for body in (self.then, self.other):
            schedule = _schedule(body)
            own = [buffer for buffer, _, _ in schedule.outputs]
            places = dict(
                zip([*schedule.inputs, *own], [*captured[: len(body.captures)], *results], strict=True)
            )
            del captured[: len(body.captures)]
            bodies.append([_placed(step, places) for step in schedule.steps])
        then, other = bodies
        branch = _control_step(branch_kernel(), "branch", condition, len(then) + 2)
        return [branch, *then, _control_step(jump_kernel(), "jump", len(other) + 1), *other]


class LoopCall(Call):
    """A body that runs `trips` times (int64), at most while `going` (bool) holds; tensors of one element.

    The body takes the number of the iteration, a state for each of `initial`, a slice of each of `scanned`,
    and its captures. It gives whether to go on, if it `decides` that, then the states, then a slice for
    each of `gathered`. The call's outputs are the number of iterations, the states, and what is gathered.
    """

    name = "Loop"

    def __init__(
        self,
        body: TracedBody,
        trips: Tensor,
        going: Tensor,
        initial: Sequence[Tensor],
        scanned: Sequence[tuple[Tensor, bool]] = (),
        gathered: Sequence[bool] = (),
        *,
        decides: bool = False,
        length: Size = 1,
    ) -> None:
        """`scanned` and `gathered` say which go backwards; `length` is the most iterations, where known."""
        self.body, self.decides, self.length = body, decides, length
        sequences = [t for t, _ in scanned]
        self.inputs = (trips, going, *initial, *sequences, *body.captures)
        self.states = len(initial)
        slices = body.outputs[decides + self.states :]
        types = [(t.dtype, t.shape) for t in initial] + [(t.dtype, (length, *t.shape)) for t in slices]
        results = outputs_of(self, [(I64, ()), *types])[1 + self.states :]
        backward = [*(b for _, b in scanned), *gathered]
        moved = zip([*sequences, *results], backward, strict=True)
        self.slices = [Slices.along(tensor, flag) for tensor, flag in moved]

    def steps(self, inputs: Sequence[Array | None], outputs: Sequence[Array], epilogue: Any) -> list[Step]:
        """begin, advance, the body, jump, end."""
        trips, going, *given = (a for a in inputs if a is not None)
        schedule = _schedule(self.body)
        number, *taken = schedule.inputs
        made = [buffer for buffer, _, _ in schedule.outputs]
        counter = Array(I64, (), (), Ref(Buffer("arena", 8)))
        proceeds = Array(BOOL, (), (), Ref(Buffer("arena", 1)))
        start = Array(I64, (), (), Ref(Buffer("constant", 8, np.array(-1))))
        begin = [copy_step(start, counter), copy_step(going._replace(shape=(), strides=()), proceeds)]
        end = [copy_step(counter, outputs[0])]
        places: dict[Buffer, Ref] = {number: counter.ref}
        if self.decides:
            places[made.pop(0)] = proceeds.ref

        swaps: dict[Buffer, tuple[Ref, Ref]] = {}
        states = zip(taken, made, given[: self.states], outputs[1:], strict=False)
        for read, written, initial, final in states:
            even, odd = (Ref(Buffer("arena", read.nbytes)) for _ in range(2))
            swaps[read], swaps[written] = (even, odd), (odd, even)
            state = Array(final.dtype, final.shape, dense_strides(final.shape), Ref(read))
            begin.append(copy_step(initial, state._replace(ref=even)))
            end.append(copy_step(state, final))

        captured = len(taken) - len(self.body.captures)
        places.update(zip(taken[captured:], (a.ref for a in given[captured:]), strict=True))
        buffers = [*taken[self.states : captured], *made[self.states :]]
        arrays = [*given[self.states : captured], *outputs[1 + self.states :]]
        slices = {
            buffer: (_shifted(array.ref, moving.first), moving.stride)
            for buffer, array, moving in zip(buffers, arrays, self.slices, strict=True)
        }
        places.update((buffer, first) for buffer, (first, _) in [*swaps.items(), *slices.items()])

        readers = [*schedule.steps, *end]
        swapped = [word for moving in swaps.items() for word in _words(readers, *moving)]
        sliced = [word for moving in slices.items() for word in _words(readers, *moving)]
        body = [_placed(step, places) for step in schedule.steps]
        for step in body:
            step.repeats = step.repeats * self.length
        limits: list[Argument] = [counter.ref, trips.ref, proceeds.ref, len(body) + 2]
        counts: list[Argument] = [len(swapped) // 3, len(sliced) // 3]
        advance = _control_step(advance_kernel(), "advance", *limits, *counts, *swapped, *sliced)
        back = _control_step(jump_kernel(), "jump", -(len(body) + 1))
        steps = [advance, *body, back, *(_placed(step, places) for step in end)]
        steps[-1].span = len(steps)
        steps[-1].args += tuple(odd for _, odd in swaps.values())  # which no kernel reads: both places last
        return [*begin, *steps]


def _schedule(body: TracedBody) -> Schedule:
    """The body's own steps."""
    for index, tensor in enumerate(body.inputs):
        tensor.source = Input(index)
    return Scheduler(body.inputs, body.outputs).run()


def _words(
    steps: Sequence[Step], buffer: Buffer, moving: tuple[Ref, Ref] | tuple[Ref, Size]
) -> list[Argument | Word]:
    """For each argument in the steps that is an address in the buffer: the argument, and how it moves."""
    first, second = moving
    entries: list[Argument | Word] = []
    for step in steps:
        for number, ref in enumerate(step.args):
            if isinstance(ref, Ref) and ref.buffer is buffer:
                other = _shifted(second, ref.offset) if isinstance(second, Ref) else second
                entries += [Word(step, number), _shifted(first, ref.offset), other]
    return entries


def _placed(step: Step, places: dict[Buffer, Ref]) -> Step:
    """The step, with addresses in the places that buffers of its own schedule have in the one around it."""
    step.args = tuple(
        _shifted(places[a.buffer], a.offset) if isinstance(a, Ref) and a.buffer in places else a
        for a in step.args
    )
    step.in_place = tuple(pair for pair in step.in_place if not places.keys() & pair)
    return step


def _shifted(ref: Ref, offset: Size) -> Ref:
    return Ref(ref.buffer, ref.offset + offset)


def _control_step(kernel: Kernel, label: str, *arguments: Argument | Word) -> Step:
    return Step(kernel, arguments, 1, label, jumps=True)
