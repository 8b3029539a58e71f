"""From a schedule to numbers: sizes evaluated, buffers placed in one arena, the native step table laid out.

A `Recipe` is made once per schedule: every symbolic size in it is compiled into one Python function, and
arena buffers share slots by lifetime. Binding it to a call's sizes gives a `Plan`, which is a matter of
evaluating that function and adding offsets; nothing is traced or compiled for a new size. A recipe pickles,
as what is needed to bind it: another process links the same kernels and packs the same constants.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jitrt.codegen.compile import compile_kernels
from jitrt.codegen.kernel import Buffer, Kernel, Ref, Step, Word
from jitrt.constants import Packed, make_packed
from jitrt.dims import Dim, Monomial, Size, Terms, hint, source, terms_of
from jitrt.errors import Fail, at_node
from jitrt.execute import pool
from jitrt.table import ALIGNMENT

if TYPE_CHECKING:
    from jitrt.schedule import Schedule

READ_AHEAD = 2048  # bytes that a core may fetch beyond what it reads, from under another that writes there
PARALLEL_NS = 6000  # a step expected to take less runs on the calling thread
FEWEST_PLANS, MOST_PLANS = 64, 1024  # of a program that are kept, as tables are of an arena
PLANS_NBYTES = 1 << 25  # that their arguments may take, if these are more than the fewest
CHUNKS_PER_THREAD = 8
SHORT_NS = 2_000_000  # of a step, for each thread
SHARING_CHUNKS_PER_THREAD = 2  # of steps whose units share work
FLOPS_PER_NS = 64
BYTES_PER_NS = 12

Numbers = np.ndarray[Any, Any]


class Sizes:
    """Distinct symbolic sizes, numbered. Polynomials that they are, a matrix product evaluates them all."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.terms: list[Terms] = []

    def add(self, size: Size) -> int:
        """The number under which the size is evaluated."""
        number = self.numbers.setdefault(source(size), len(self.numbers))
        if number == len(self.terms):
            self.terms.append(terms_of(size))
        return number

    def polynomials(self, symbols: Sequence[str]) -> Polynomials:
        """Every size, in order of their numbers."""
        columns: dict[Monomial, int] = {}
        for terms in self.terms:
            for monomial in terms:
                columns.setdefault(monomial, len(columns))
        factors = np.zeros((len(self.terms), len(columns)), np.int64)
        for row, terms in enumerate(self.terms):
            for monomial, factor in terms.items():
                factors[row, columns[monomial]] = factor
        texts = ["*".join(monomial) or "1" for monomial in columns]
        return Polynomials(tuple(symbols), texts, factors)


class Polynomials(NamedTuple):
    """Sums of monomials in the symbols: `factors` int64 [polynomials, monomials]."""

    symbols: tuple[str, ...]
    monomials: list[str]
    factors: Numbers

    def compile(self) -> Callable[[Sequence[int]], Numbers]:
        """A function from the symbols' values to those of the polynomials."""
        texts = "".join(f"{text}, " for text in self.monomials)
        monomials = eval(f"lambda {', '.join(self.symbols)}: ({texts})")
        return lambda values: self.factors @ np.array(monomials(*values), np.int64)


class Recipe:
    """A schedule made ready to bind: machine code, size functions, and arena slots."""

    _OF_ITS_PROCESS = frozenset(
        ("schedule", "sizes", "buffers", "buffer_numbers", "slots", "functions", "bases", "evaluate")
    )

    def __init__(self, schedule: Schedule, symbols: Sequence[str]) -> None:
        self.schedule = schedule
        self.steps = schedule.steps
        self.sizes = Sizes()
        self._number_buffers()
        words: list[int] = []
        pointers: list[tuple[int, int, int]] = []  # word, buffer number, size number of the offset
        deferred: list[tuple[int, int]] = []  # word, size number
        links: list[tuple[int, Word]] = []
        self.called: list[tuple[int, Kernel]] = []  # word, kernel whose address it is
        starts: dict[Step, int] = {}
        for step in self.steps:
            starts[step] = len(words)
            for argument in step.args:
                if isinstance(argument, Ref):
                    number = self.buffer_numbers[id(argument.buffer)]
                    pointers.append((len(words), number, self.sizes.add(argument.offset)))
                    words.append(0)
                elif isinstance(argument, Dim):
                    deferred.append((len(words), self.sizes.add(argument)))
                    words.append(0)
                elif isinstance(argument, Kernel):
                    self.called.append((len(words), argument))
                    words.append(0)
                elif isinstance(argument, Word):
                    links.append((len(words), argument))
                    words.append(0)
                else:
                    words.append(int(argument))
        self.words, self.starts = np.array(words or [0], np.int64), np.array([*starts.values()], np.int64)
        linked = [(at, starts[word.step] + word.number) for at, word in links]
        self.links = np.array(linked, np.int64).reshape(-1, 2).T
        self.deferred = np.array(deferred, np.int64).reshape(-1, 2).T
        self.pointers = np.array(pointers, np.int64).reshape(-1, 3).T
        patches = [(number, at, size) for at, number, size in pointers if number < self.outer]
        self.patches = np.array(patches, np.int64).reshape(-1, 3)  # array of a call, word, size number
        add = self.sizes.add
        step_sizes = [
            [add(v) for v in (s.extent, s.scratch, s.flops, s.nbytes, s.sharing, s.repeats)]
            for s in self.steps
        ]
        self.step_sizes = np.array(step_sizes, np.int64).reshape(-1, 6).T.copy()
        self.repeats = any(s.repeats != 1 for s in self.steps)
        self.jumps = np.array([s.jumps for s in self.steps], bool)
        self.has_jumps = bool(self.jumps.any())
        self.buffer_sizes = np.array([add(b.nbytes) for b in self.buffers], np.int64)
        self.shapes = [[add(size) for size in shape] for _, _, shape in schedule.outputs]
        self.output_dtypes = [dtype for _, dtype, _ in schedule.outputs]
        self.sized = {
            number: (buffer.dtype, [add(v) for v in buffer.data.ravel()])
            for number, buffer in enumerate(self.buffers)
            if buffer.kind == "sized" and buffer.data is not None
        }
        self._assign_slots()
        self.polynomials = self.sizes.polynomials(symbols)
        self.arena_numbers = np.array(list(self.slots), np.int64)
        self.arena_slots = np.array(list(self.slots.values()), np.int64)
        by_slot = np.argsort(self.arena_slots, kind="stable")
        self.slot_buffer_sizes = self.buffer_sizes[self.arena_numbers[by_slot]]
        self.slot_starts = np.searchsorted(self.arena_slots[by_slot], np.arange(self.slot_count))
        self._settle()

    def _settle(self) -> None:
        """Link the kernels and make the constants, for this process."""
        addresses = compile_kernels([*(step.kernel for step in self.steps), *(k for _, k in self.called)])
        make_packed(c for c in self.constants.values() if isinstance(c, Packed))
        self.functions = np.array(addresses[: len(self.steps)], np.int64)
        for (word, _), address in zip(self.called, addresses[len(self.steps) :], strict=True):
            self.words[word] = address
        self.bases = np.zeros(self.buffer_count, np.int64)
        for number, constant in self.constants.items():
            data = constant.buffer.data if isinstance(constant, Packed) else constant
            if data is not None:
                self.bases[number] = data.ctypes.data
        self.evaluate = self.polynomials.compile()

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in vars(self).items() if name not in self._OF_ITS_PROCESS}
        state["steps"] = [(step.kernel, step.label, step.nodes) for step in self.steps]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.output_dtypes = [np.dtype(dtype.type) for dtype in self.output_dtypes]  # NumPy's own objects
        self.steps = [Step(kernel, (), 0, label, nodes=nodes) for kernel, label, nodes in state["steps"]]
        self._settle()

    @property
    def constant_nbytes(self) -> int:
        """Bytes of the constants that the kernels read."""
        return sum(int(c.nbytes) for c in self.constants.values() if c is not None)

    def _number_buffers(self) -> None:
        self.buffers: list[Buffer] = []
        self.buffer_numbers: dict[int, int] = {}
        self.first_uses: dict[int, int] = {}  # the first step that uses each buffer

        def number(buffer: Buffer) -> int:
            if id(buffer) not in self.buffer_numbers:
                self.buffer_numbers[id(buffer)] = len(self.buffers)
                self.buffers.append(buffer)
            return self.buffer_numbers[id(buffer)]

        for buffer in self.schedule.inputs:
            number(buffer)
        for buffer, _, _ in self.schedule.outputs:
            number(buffer)
        for index, step in enumerate(self.steps):
            for argument in step.args:
                if isinstance(argument, Ref):
                    self.first_uses.setdefault(number(argument.buffer), index)
        self.input_count = len(self.schedule.inputs)
        self.outer = self.input_count + len(self.schedule.outputs)
        self.buffer_count = len(self.buffers)
        kept = (k for step in self.steps for k in step.keeps if isinstance(k, Packed))
        packed = {id(constant.buffer): constant for constant in kept}
        self.constants: dict[int, Any] = {  # Packed, or an array
            number: packed.get(id(buffer), buffer.data)
            for number, buffer in enumerate(self.buffers)
            if buffer.kind == "constant"
        }

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
        self._outlast_loops(first, last)
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

    def _outlast_loops(self, first: dict[int, int], last: dict[int, int]) -> None:
        """Make buffers that are alive at the start or the end of a loop live from its start to its end."""
        for end, step in enumerate(self.steps):
            start = end + 1 - step.span
            for number in first if step.span > 1 else ():
                if first[number] < start <= last[number] <= end:
                    last[number] = end
                if start <= first[number] <= end < last[number]:
                    first[number] = start

    def _in_place_donor(self, step: Any, number: int, dying: Sequence[int]) -> int | None:
        """A buffer that ends with this step and whose memory the new buffer may take over."""
        for output, donor in step.in_place:
            if self.buffer_numbers.get(id(output)) == number:
                candidate = self.buffer_numbers.get(id(donor))
                if candidate in dying:
                    return candidate
        return None

    def bind(self, values: Sequence[int], threads: int) -> Plan:
        """The plan for one set of symbol values. Raises Fail where they make a dimension negative."""
        sizes = self.evaluate(values)
        nbytes = sizes[self.buffer_sizes]
        if nbytes.min(initial=0) < 0:
            step = self.steps[self.first_uses[int(nbytes.argmin())]]
            raise at_node(Fail("a dimension is negative for inputs of these shapes"), *step.node)
        words = self.words.copy()
        words[self.deferred[0]] = sizes[self.deferred[1]]
        if not self.slot_count:
            return Plan(self, words, sizes, self.arena_slots, 0, threads)
        slot_sizes = np.maximum.reduceat(sizes[self.slot_buffer_sizes], self.slot_starts)
        slot_sizes = -(-slot_sizes // ALIGNMENT) * ALIGNMENT
        ends = slot_sizes.cumsum()
        return Plan(self, words, sizes, (ends - slot_sizes)[self.arena_slots], int(ends[-1]), threads)


_numbers = itertools.count()


class Plan:
    """A schedule with numbers in: immutable, shared by every thread that runs it."""

    def __init__(
        self,
        recipe: Recipe,
        words: np.ndarray[Any, Any],
        sizes: np.ndarray[Any, Any],
        arena_starts: np.ndarray[Any, Any],
        arena_nbytes: int,
        threads: int,
    ) -> None:
        self.number = next(_numbers)
        self.recipe, self.words, self.sizes, self.threads = recipe, words, sizes, threads
        self.arena_starts = arena_starts
        self.steps = sizes[recipe.step_sizes]
        self.extents, scratches, flops, nbytes, sharing, repeats = self.steps
        scratch = int(scratches.max(initial=0))
        apart = scratch + READ_AHEAD if scratch else 0
        self.scratch_stride = -(-apart // ALIGNMENT) * ALIGNMENT
        self.arena_nbytes = arena_nbytes + self.scratch_stride * threads
        self.scratch_offset = arena_nbytes
        cost = flops * (1 / FLOPS_PER_NS) + nbytes * (1 / BYTES_PER_NS)
        self.cost_ns = int(cost @ repeats) if recipe.repeats else int(cost.sum())
        self.chunks = np.where(recipe.jumps, pool.JUMPS, 0)
        (shared,) = np.nonzero((cost >= PARALLEL_NS) & (self.extents > 1)) if threads > 1 else ((),)
        self.is_shared = len(shared) > 0
        if self.is_shared:
            among = self.extents[shared], sharing[shared], cost[shared]
            self.chunks[shared] = units_per_chunk(*among, threads)
        listed = sizes.tolist()
        self.output_shapes = [tuple([listed[i] for i in shape]) for shape in recipe.shapes]
        self.bases = recipe.bases if not recipe.sized else recipe.bases.copy()
        self.sized = []  # constants made of sizes
        for number, (dtype, numbers) in recipe.sized.items():
            made = sizes[numbers].astype(dtype)
            self.sized.append(made)
            self.bases[number] = made.ctypes.data

    @property
    def kept(self) -> int:
        """How many plans like this one are kept."""
        return max(FEWEST_PLANS, min(MOST_PLANS, PLANS_NBYTES // self.words.nbytes))

    @property
    def flops(self) -> Numbers:
        """Floating-point operations of each step, in all its runs."""
        flops: Numbers = self.steps[2] * self.steps[5]
        return flops

    @property
    def nbytes(self) -> Numbers:
        """Bytes that each step moves, in all its runs."""
        nbytes: Numbers = self.steps[3] * self.steps[5]
        return nbytes

    @property
    def arena_offsets(self) -> dict[int, int]:
        """Where each arena buffer lies, by its number, in bytes."""
        return dict(zip(self.recipe.arena_numbers.tolist(), self.arena_starts.tolist(), strict=True))


def units_per_chunk(extents: Numbers, sharing: Numbers, cost: Numbers, threads: int) -> Numbers:
    """How many units a thread computes at a time: few, yet those that share work together if possible.

    In short steps each thread computes its part alone: what it reads is then what it wrote itself, where
    neighbouring steps go over an image in the same order. A line from another core takes as long as ten
    from the own cache, while the threads of a short step end at about the same time.
    """
    few = -(-extents // (threads * CHUNKS_PER_THREAD))
    many = -(-extents // (threads * SHARING_CHUNKS_PER_THREAD))
    even = -(-extents // threads)
    shared = np.where(few < sharing, np.minimum(many, sharing), few // sharing * sharing)
    chosen: Numbers = np.where(cost < threads * SHORT_NS, even, shared)
    return chosen
