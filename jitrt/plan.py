"""From a schedule to numbers: sizes evaluated, buffers placed in one arena, the native step table laid out.

A `Recipe` is made once per schedule: every symbolic size in it is compiled into one Python function, and
arena buffers share slots by lifetime. Binding it to a call's sizes gives a `Plan`, which is a matter of
evaluating that function and adding offsets; nothing is traced or compiled for a new size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jitrt import config, show
from jitrt.check import run_checked
from jitrt.codegen.compile import compile_kernels
from jitrt.codegen.kernel import Buffer, Kernel, Ref
from jitrt.dims import Dim, Size, hint, source
from jitrt.execute import pool
from jitrt.schedule import Schedule

ALIGNMENT = 64
PARALLEL_NS = 6000  # a step expected to take less runs on the calling thread
CHUNKS_PER_THREAD = 4
BRIEF_NS = 20_000  # a run expected to take less keeps the GIL
FLOPS_PER_NS = 64
BYTES_PER_NS = 12


class Sizes:
    """Distinct symbolic sizes, numbered, with one compiled function that evaluates them all."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def add(self, size: Size) -> int:
        """The number under which the size is evaluated."""
        return self.numbers.setdefault(source(size), len(self.numbers))

    def compile(self, symbols: Sequence[str]) -> Callable[..., tuple[int, ...]]:
        """A function of the symbols' values that gives every size, in order of their numbers."""
        body = "".join(f"{text}, " for text in self.numbers)
        return eval(f"lambda {', '.join(symbols)}: ({body})")  # type: ignore[no-any-return]


class Recipe:
    """A schedule made ready to bind: machine code, size functions, and arena slots."""

    def __init__(self, schedule: Schedule, symbols: Sequence[str]) -> None:
        self.schedule = schedule
        self.steps = schedule.steps
        self.sizes = Sizes()
        called = [a for step in self.steps for a in step.args if isinstance(a, Kernel)]
        addresses = compile_kernels([*(step.kernel for step in self.steps), *called])
        self.functions = addresses[: len(self.steps)]
        called_addresses = iter(addresses[len(self.steps) :])
        self._number_buffers()
        words: list[int] = []
        pointers: list[tuple[int, int, int]] = []  # word, buffer number, size number of the offset
        deferred: list[tuple[int, int]] = []  # word, size number
        self.starts: list[int] = []
        for step in self.steps:
            self.starts.append(len(words))
            for argument in step.args:
                if isinstance(argument, Ref):
                    number = self.buffer_numbers[id(argument.buffer)]
                    pointers.append((len(words), number, self.sizes.add(argument.offset)))
                    words.append(0)
                elif isinstance(argument, Dim):
                    deferred.append((len(words), self.sizes.add(argument)))
                    words.append(0)
                elif isinstance(argument, Kernel):
                    words.append(next(called_addresses))
                else:
                    words.append(int(argument))
        self.words = np.array(words or [0], np.int64)
        self.deferred = np.array(deferred, np.int64).reshape(-1, 2).T
        self.pointers = np.array(pointers, np.int64).reshape(-1, 3).T
        add = self.sizes.add
        self.step_sizes = [[add(s.extent), add(s.scratch), add(s.flops), add(s.nbytes)] for s in self.steps]
        self.buffer_sizes = [add(b.nbytes) for b in self.buffers]
        self.shapes = [[add(size) for size in shape] for _, _, shape in schedule.outputs]
        self.sized = [[add(v) for v in values.ravel()] for _, values in schedule.sized_constants]
        self.evaluate = self.sizes.compile(symbols)
        self._assign_slots()

    def _number_buffers(self) -> None:
        self.buffers: list[Buffer] = []
        self.buffer_numbers: dict[int, int] = {}

        def number(buffer: Buffer) -> None:
            if id(buffer) not in self.buffer_numbers:
                self.buffer_numbers[id(buffer)] = len(self.buffers)
                self.buffers.append(buffer)

        for buffer in self.schedule.inputs:
            number(buffer)
        for buffer, _, _ in self.schedule.outputs:
            number(buffer)
        for step in self.steps:
            for argument in step.args:
                if isinstance(argument, Ref):
                    number(argument.buffer)

    def _assign_slots(self) -> None:
        """Give each arena buffer a slot that no buffer alive at the same time has."""
        first: dict[int, int] = {}
        last: dict[int, int] = {}
        for index, step in enumerate(self.steps):
            for argument in step.args:
                if isinstance(argument, Ref) and argument.buffer.kind == "arena":
                    number = self.buffer_numbers[id(argument.buffer)]
                    first.setdefault(number, index)
                    last[number] = index
        births: dict[int, list[int]] = {}
        deaths: dict[int, list[int]] = {}
        for number, index in first.items():
            births.setdefault(index, []).append(number)
            deaths.setdefault(last[number], []).append(number)
        slot_sizes: list[int] = []
        free: list[int] = []
        self.slots: dict[int, int] = {}
        for index, step in enumerate(self.steps):
            dying = [n for n in deaths.get(index, ()) if first[n] < index]
            for number in births.get(index, ()):
                donor = self._in_place_donor(step, number, dying)
                if donor is not None:
                    dying.remove(donor)
                    self.slots[number] = self.slots[donor]
                    continue
                need = hint(self.buffers[number].nbytes)
                fitting = [s for s in free if slot_sizes[s] >= need]
                if fitting:
                    slot = min(fitting, key=lambda s: slot_sizes[s])
                    free.remove(slot)
                elif free:
                    slot = max(free, key=lambda s: slot_sizes[s])
                    free.remove(slot)
                    slot_sizes[slot] = need
                else:
                    slot = len(slot_sizes)
                    slot_sizes.append(need)
                self.slots[number] = slot
            free += [self.slots[n] for n in dying]
            free += [self.slots[n] for n in deaths.get(index, ()) if first[n] == index]
        self.slot_count = len(slot_sizes)

    def _in_place_donor(self, step: Any, number: int, dying: Sequence[int]) -> int | None:
        """A buffer that ends with this step and whose memory the new buffer may take over."""
        for output, donor in step.in_place:
            if self.buffer_numbers.get(id(output)) == number:
                candidate = self.buffer_numbers.get(id(donor))
                if candidate in dying:
                    return candidate
        return None

    def bind(self, values: Sequence[int], threads: int) -> Plan:
        """The plan for one set of symbol values."""
        sizes = np.array(self.evaluate(*values) or (0,), np.int64)
        words = self.words.copy()
        if self.deferred.size:
            words[self.deferred[0]] = sizes[self.deferred[1]]
        slot_sizes = np.zeros(self.slot_count, np.int64)
        for number, slot in self.slots.items():
            slot_sizes[slot] = max(slot_sizes[slot], sizes[self.buffer_sizes[number]])
        slot_sizes = (slot_sizes + (ALIGNMENT - 1)) // ALIGNMENT * ALIGNMENT
        starts = np.concatenate([[0], np.cumsum(slot_sizes)]).astype(np.int64)
        offsets = {number: int(starts[slot]) for number, slot in self.slots.items()}
        return Plan(self, words, sizes, offsets, int(starts[-1]), threads)


class Arena:
    """Memory that runs borrow one at a time, with the tables of the plans that ran in it."""

    def __init__(self, size: int) -> None:
        self.memory = np.empty(size + ALIGNMENT, np.uint8)
        address = self.memory.ctypes.data
        self.address = (address + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT
        self.size = size
        self.tables: dict[int, Table] = {}


@dataclass
class Failure:
    """The step a run stopped at, and the status its kernel returned."""

    step: int
    status: int


class Plan:
    """A schedule with numbers in: immutable, shared by every thread that runs it."""

    def __init__(
        self,
        recipe: Recipe,
        words: np.ndarray[Any, Any],
        sizes: np.ndarray[Any, Any],
        offsets: dict[int, int],
        arena_nbytes: int,
        threads: int,
    ) -> None:
        self.recipe, self.words, self.sizes, self.threads = recipe, words, sizes, threads
        self.arena_offsets = offsets
        steps = sizes[np.array(recipe.step_sizes, np.int64).reshape(-1, 4)]
        self.extents, self.flops, self.nbytes = steps[:, 0], steps[:, 2], steps[:, 3]
        scratch = int(steps[:, 1].max(initial=0))
        self.scratch_stride = (scratch + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT
        self.arena_nbytes = arena_nbytes + self.scratch_stride * threads
        self.scratch_offset = arena_nbytes
        cost = self.flops / FLOPS_PER_NS + self.nbytes / BYTES_PER_NS
        self.cost_ns = int(cost.sum())
        per_chunk = -(-self.extents // (threads * CHUNKS_PER_THREAD))
        self.chunks = np.where((cost >= PARALLEL_NS) & (self.extents > 1) & (threads > 1), per_chunk, 0)
        self.output_types = [
            (dtype, tuple(sizes[shape].tolist()) if shape else ())
            for (_, dtype, _), shape in zip(recipe.schedule.outputs, recipe.shapes, strict=True)
        ]
        self.constants = {
            recipe.buffer_numbers[id(b)]: b.data for b in recipe.buffers if b.kind == "constant" and b.data is not None
        }
        for (buffer, values), numbers in zip(recipe.schedule.sized_constants, recipe.sized, strict=True):
            number = recipe.buffer_numbers.get(id(buffer))
            if number is not None:
                kind = buffer.dtype
                self.constants[number] = np.array([sizes[n] for n in numbers], kind).reshape(values.shape)

    def table(self, arena: Arena) -> Table:
        """The plan's native table over the arena's memory."""
        made = arena.tables.get(id(self))
        if made is None or made.plan is not self:
            made = arena.tables[id(self)] = Table(self, arena)
        return made


class Table:
    """The native step table of a plan in one arena: addresses filled in, but for inputs and outputs."""

    def __init__(self, plan: Plan, arena: Arena) -> None:
        recipe = plan.recipe
        self.plan = plan
        self.words = plan.words.copy()
        self.bases = bases = np.zeros(len(recipe.buffers) + 1, np.int64)
        self.scratch = arena.address + plan.scratch_offset
        for number, offset in plan.arena_offsets.items():
            bases[number] = arena.address + offset
        for number, array in plan.constants.items():
            bases[number] = array.ctypes.data
        places, numbers, offsets = recipe.pointers
        if places.size:
            self.words[places] = bases[numbers] + plan.sizes[offsets]
        inputs = [[] for _ in recipe.schedule.inputs]  # type: list[list[tuple[int, int]]]
        outputs = [[] for _ in recipe.schedule.outputs]  # type: list[list[tuple[int, int]]]
        for place, number, offset in zip(places.tolist(), numbers.tolist(), offsets.tolist(), strict=True):
            buffer = recipe.buffers[number]
            if buffer.kind in ("input", "output"):
                group = inputs if buffer.kind == "input" else outputs
                group[buffer.index].append((place, int(plan.sizes[offset])))
        self.input_places, self.output_places = inputs, outputs
        self.rows = np.zeros((len(recipe.steps), pool.COLUMNS), np.int64)
        self.rows[:, pool.FUNCTION] = recipe.functions
        self.rows[:, pool.ARGS] = self.words.ctypes.data + 8 * np.array(recipe.starts, np.int64)
        self.rows[:, pool.EXTENT] = plan.extents
        self.rows[:, pool.CHUNK] = plan.chunks
        self.runner = pool.Runner(
            self.rows,
            threads=plan.threads if plan.chunks.any() else 1,
            scratch=self.scratch,
            scratch_stride=plan.scratch_stride,
            brief=plan.cost_ns < BRIEF_NS,
        )

    def run(self, inputs: Sequence[np.ndarray[Any, Any]]) -> list[np.ndarray[Any, Any]] | Failure:
        """Run on C-contiguous inputs; fresh output arrays, or where it failed."""
        words = self.words
        for array, places in zip(inputs, self.input_places, strict=True):
            if places:
                address = array.ctypes.data
                for place, offset in places:
                    words[place] = address + offset
        outputs = [np.empty(shape, dtype) for dtype, shape in self.plan.output_types]
        for array, places in zip(outputs, self.output_places, strict=True):
            address = array.ctypes.data
            for place, offset in places:
                words[place] = address + offset
        if config.settings.check:
            self._note_addresses(inputs, outputs)
            run_checked(self, inputs)
            return outputs
        failed = self.runner.run() if config.settings.debug < 2 else self._run_shown()
        if failed >= 0:
            return Failure(failed, self.runner.status)
        return outputs

    def _run_shown(self) -> int:
        """Run, and print how long each step took."""
        times = np.zeros((len(self.rows), 2), np.int64)
        self.runner.time_into(times)
        failed = self.runner.run()
        self.runner.time_into(None)
        show.write(show.timing_lines(self.plan.recipe, self.plan, times))
        return failed

    def _note_addresses(self, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        numbers = self.plan.recipe.buffer_numbers
        schedule = self.plan.recipe.schedule
        for buffer, array in zip(schedule.inputs, inputs, strict=True):
            self.bases[numbers[id(buffer)]] = array.ctypes.data
        for (buffer, _, _), array in zip(schedule.outputs, outputs, strict=True):
            self.bases[numbers[id(buffer)]] = array.ctypes.data
