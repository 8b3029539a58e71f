"""What all loop kernels' code consists of: arguments, units, and sweeps along the innermost dimension.

for unit in begin..end:                    # rows, say
    for j in 0..n step 4 vectors:          body, four times
    for j in ..n step 1 vector:            body
    if j < n:                              body, under a mask
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from jitrt.codegen.ir import Cell
from jitrt.codegen.levels import cost
from jitrt.codegen.loop import Loop
from jitrt.codegen.target import Target
from jitrt.codegen.vector import Emitter, element, memory_element, vector
from jitrt.expr import Dtype, Expr, walk

UNROLLS = (4, 2, 1)


@dataclass(frozen=True)
class Tile:
    """Positions along the innermost dimension: `lanes` from `j` on, where the mask holds."""

    j: str
    lanes: int
    mask: str | None = None
    number: int = 0  # among those of an unrolled loop


@dataclass(frozen=True)
class Bounds:
    """The parts of a sweep: where those of so many vectors at a time end, and the mask of the last one."""

    start: str
    stop: str
    ends: dict[int, str]
    ragged: str
    mask: str


def _has_masked_memory(target: Target, dtype: Dtype) -> bool:
    """Whether loads and stores under a mask are instructions, instead of a branch per lane."""
    if target.has("avx512bw") and target.has("avx512vl"):
        return True
    return target.has("avx2") and dtype.itemsize >= 4


class LoopCode(Emitter):
    """Generates the function of one loop. Subclasses say what a unit does.

    `inner` is the vectorised dimension, the innermost one unless something else is said.
    """

    def __init__(self, loop: Loop, target: Target, inner: int = -1) -> None:
        super().__init__(target)
        self.nest = loop
        self.operands = (*loop.inputs, *loop.outputs)
        self.inner = inner % loop.ndim
        self.lanes = self._lanes()
        self.masks = all(_has_masked_memory(target, operand.dtype) for operand in self.operands)
        self.varying_inner = loop.varying_along([self.inner])
        self.sizes: list[str] = []
        self.addresses: list[str] = []
        self.strides: list[list[str]] = []
        self.lane_offsets: list[str] = []
        self.along = [operand.strides[self.inner] for operand in self.operands]
        self.positions = ["0"] * loop.ndim
        self.pointers: list[str] = []

    def function(self) -> None:
        """The whole body: read the arguments, then do the units one by one."""
        self._arguments()
        with self.when(self.let("icmp slt i64 %begin, %end", "some")):
            self.units()
        self.do("ret i64 0")

    def units(self) -> None:
        """The code for units begin..end, of which there is at least one."""
        raise NotImplementedError

    def _lanes(self) -> int:
        """A register of the widest type in memory, or in the computation up to 4 bytes.

        Functions of 4-byte numbers that compute in 8 bytes on the way then take two registers for those, and
        the rest of the computation fills its registers.
        """
        computed = [n.dtype.itemsize for n in walk(*self.nest.lowered) if n.op != "const"]
        stored = [o.dtype.itemsize for o in self.operands]
        return self.target.lanes(max(*stored, min(4, max(computed, default=1))))

    # arguments and positions

    def _arguments(self) -> None:
        slot = 0

        def argument(kind: str, stem: str) -> str:
            nonlocal slot
            pointer = self.let(f"getelementptr i64, ptr %args, i64 {slot}", "arg")
            slot += 1
            return self.let(f"load {kind}, ptr {pointer}, align 8", stem)

        self.sizes = [argument("i64", "size") for _ in range(self.nest.ndim)]
        for operand in self.operands:
            self.addresses.append(argument("ptr", "base"))
            self.strides.append([argument("i64", "stride") if s is None else str(s) for s in operand.strides])
            self.lane_offsets.append(self._lane_offsets(self.strides[-1][self.inner]))

    def _lane_offsets(self, stride: str) -> str:
        """The distance of each lane from the first, for gathers along a dimension of this stride."""
        if stride in ("0", "1"):
            return ""
        return self.let(
            f"mul {vector('i64', self.lanes)} {self._steps('i64')}, {self.splat(stride, 'i64', self.lanes)}"
        )

    @contextmanager
    def _units(self, limits: Sequence[str], begin: str = "%begin", end: str = "%end") -> Iterator[list[str]]:
        """The loop over units begin..end, numbered row-major within `limits`; gives the unit's position.

        The first unit's number is split into a position by division, the following ones by counting up.
        """
        counters: list[Cell] = []
        rest = begin
        for limit in reversed(limits[1:]):
            counters.insert(0, self.cell("i64", self.let(f"srem i64 {rest}, {limit}")))
            rest = self.let(f"sdiv i64 {rest}, {limit}")
        counters.insert(0, self.cell("i64", rest))
        with self.loop("unit", begin, end):
            values = [counter.get() for counter in counters]
            yield values
            self._count_up(counters, values, limits)

    @contextmanager
    def _runs(self, limits: Sequence[str], begin: str, end: str) -> Iterator[tuple[list[str], str, str]]:
        """The loop over units begin..end by runs along the last limit; gives a run's position, begin and end.

        What is done to the units of a run one by one then moves through memory in even steps.
        """
        *outer, last = limits
        first = self.let(f"sdiv i64 {begin}, {last}", "first")
        final = self.let(f"sub nsw i64 {end}, 1")
        final = self.let(f"sdiv i64 {final}, {last}")
        final = self.let(f"add nsw i64 {final}, 1", "final")
        before = self.cell("i64", self.let(f"mul nsw i64 {first}, {last}"))
        with self._units(outer or ["1"], first, final) as positions:
            passed = before.get()
            start, stop = (self.let(f"sub nsw i64 {unit}, {passed}") for unit in (begin, end))
            start = self.call("llvm.smax.i64", "i64", ("i64", start), ("i64", "0"))
            stop = self.call("llvm.smin.i64", "i64", ("i64", stop), ("i64", last))
            yield positions[: len(outer)], start, stop
            before.set(self.let(f"add nsw i64 {passed}, {last}"))

    def _blocks(self, size: str, block: int) -> str:
        """The number of blocks of a power of two that cover `size`."""
        up = self.let(f"add nsw i64 {size}, {block - 1}")
        return self.let(f"ashr i64 {up}, {block.bit_length() - 1}", "blocks")

    def _move_to(self, dims: Sequence[int], positions: Sequence[str]) -> None:
        """Set the positions of `dims`, and each operand's pointer to where they start."""
        for dim, position in zip(dims, positions, strict=True):
            self.positions[dim] = position
        self.pointers = [self._address(i, dims, address) for i, address in enumerate(self.addresses)]

    def _count_up(self, counters: Sequence[Cell], values: Sequence[str], limits: Sequence[str]) -> None:
        carry = "1"
        for level in reversed(range(len(counters))):
            following = self.let(f"add nsw i64 {values[level]}, {carry}")
            if level:
                full = self.let(f"icmp eq i64 {following}, {limits[level]}")
                following = self.let(f"select i1 {full}, i64 0, i64 {following}")
                carry = self.let(f"zext i1 {full} to i64")
            counters[level].set(following)

    @contextmanager
    def _over(self, dims: Sequence[int]) -> Iterator[str]:
        """Nested loops over `dims`, with positions and pointers moved; gives the number of the position."""
        pointers, number = self.pointers, "0"
        with ExitStack() as nest:
            for dim in dims:
                self.positions[dim] = nest.enter_context(self.loop("r", "0", self.sizes[dim]))
                scaled = self.let(f"mul nsw i64 {number}, {self.sizes[dim]}")
                number = self.let(f"add nsw i64 {scaled}, {self.positions[dim]}")
            self.pointers = [self._address(i, dims, pointers[i]) for i in range(len(self.operands))]
            yield number
        self.pointers = pointers

    def _address(self, operand: int, dims: Sequence[int], pointer: str) -> str:
        """`pointer` moved to the positions along `dims`."""
        for dim in dims:
            if self.operands[operand].strides[dim] != 0:
                offset = self.let(f"mul nsw i64 {self.positions[dim]}, {self.strides[operand][dim]}")
                kind = memory_element(self.operands[operand].dtype)
                pointer = self.let(f"getelementptr {kind}, ptr {pointer}, i64 {offset}")
        return pointer

    # memory at a tile

    def _read(self, leaf: Expr, tile: Tile) -> str:
        """The value of a load or index node at a tile."""
        if leaf.op == "index":
            return self._index(leaf.value, tile)
        dtype, along, lanes = leaf.dtype, self.along[leaf.value], tile.lanes
        if along == 0:
            scalar = self.load(dtype, self.pointers[leaf.value], 1)
            return self.splat(scalar, element(dtype), lanes)
        if along == 1 or lanes == 1:
            return self.load(dtype, self._pointer(leaf.value, tile), lanes, tile.mask)
        return self.gather(dtype, self._lane_pointers(leaf.value, tile), lanes, tile.mask)

    def _write(self, value: str, output: int, tile: Tile) -> None:
        number = len(self.nest.inputs) + output
        dtype, lanes = self.operands[number].dtype, tile.lanes
        if self.along[number] == 1 or lanes == 1:
            self.store(value, dtype, self._pointer(number, tile), lanes, tile.mask)
        elif self.along[number] == 0:  # a dimension of size 1
            first = self.let(f"extractelement {vector(element(dtype), lanes)} {value}, i64 0")
            self.store(first, dtype, self.pointers[number], 1)
        else:
            self.scatter(value, dtype, self._lane_pointers(number, tile), lanes, tile.mask)

    def _pointer(self, operand: int, tile: Tile) -> str:
        """The address of an operand's first element at a tile."""
        kind, along, offset = memory_element(self.operands[operand].dtype), self.along[operand], tile.j
        if along == 0 or offset == "0":
            return self.pointers[operand]
        if along is None:
            offset = self.let(f"mul nsw i64 {offset}, {self.strides[operand][self.inner]}")
        return self.let(f"getelementptr {kind}, ptr {self.pointers[operand]}, i64 {offset}")

    def _lane_pointers(self, operand: int, tile: Tile) -> str:
        """The address of each lane's element."""
        kind, first = memory_element(self.operands[operand].dtype), self._pointer(operand, tile)
        offsets = f"{vector('i64', self.lanes)} {self.lane_offsets[operand]}"
        return self.let(f"getelementptr {kind}, ptr {first}, {offsets}")

    def _index(self, dim: int, tile: Tile) -> str:
        if dim != self.inner:
            return self.splat(self.positions[dim], "i64", tile.lanes)
        start = self.splat(tile.j, "i64", tile.lanes)
        if tile.lanes == 1:
            return start
        return self.let(f"add {vector('i64', tile.lanes)} {start}, {self._steps('i64')}")

    def _steps(self, kind: str) -> str:
        return f"<{', '.join(f'{kind} {lane}' for lane in range(self.lanes))}>"

    def _mask(self, j: str, stop: str) -> str:
        """The lanes of the vector at `j` that lie before `stop`."""
        kind = f"i{8 * self.target.vector_bytes // self.lanes}"
        left = self.let(f"sub nsw i64 {stop}, {j}", "left")
        left = self.call("llvm.smin.i64", "i64", ("i64", left), ("i64", str(self.lanes)))
        if kind != "i64":
            left = self.let(f"trunc i64 {left} to {kind}")
        limit = self.splat(left, kind, self.lanes)
        return self.let(f"icmp ult {vector(kind, self.lanes)} {self._steps(kind)}, {limit}", "mask")

    # sweeps

    def _bounds(self, start: str, stop: str) -> Bounds:
        """The parts of start..stop that a sweep takes in strides of several vectors, of one, and masked."""
        count = self.let(f"sub nsw i64 {stop}, {start}", "count")
        ends = {}
        for vectors in UNROLLS:
            covered = self.let(f"and i64 {count}, {-vectors * self.lanes}")
            ends[vectors] = self.let(f"add nsw i64 {start}, {covered}", "end")
        ragged = self.let(f"icmp slt i64 {ends[1]}, {stop}", "ragged")
        return Bounds(start, stop, ends, ragged, self._mask(ends[1], stop))

    def _sweep(self, bounds: Bounds, unroll: int, body: Callable[[Tile], None]) -> None:
        """Run the body on vectors, `unroll` and then one at a time, and on the rest, masked or singly."""
        begin = bounds.start
        for vectors in (unroll, 1) if unroll > 1 else (1,):
            with self.loop("j", begin, bounds.ends[vectors], str(vectors * self.lanes)) as j:
                for number in range(vectors):
                    at = self.let(f"add nsw i64 {j}, {number * self.lanes}", "j") if number else j
                    body(Tile(at, self.lanes, None, number))
            begin = bounds.ends[vectors]
        if self.masks:
            with self.when(bounds.ragged):
                body(Tile(begin, self.lanes, bounds.mask))
        else:
            with self.loop("j", begin, bounds.stop, "1") as j:
                body(Tile(j, 1))

    def _unroll(self, roots: Sequence[Expr], reducing: bool) -> int:
        """Short bodies are unrolled to hide the loop's own cost, reductions to have independent chains."""
        work = cost(roots, self.varying_inner)
        if work <= 8:
            return 4
        return 2 if reducing else 1

    def _invariants(self, roots: Sequence[Expr], known: Mapping[Expr, str]) -> dict[int, dict[Expr, str]]:
        """What nodes that vary along the row use and does not vary itself, for one lane and for all."""
        varying = self.varying_inner
        users = [n for n in walk(*roots, known=known) if n in varying]
        border = dict.fromkeys(a for n in users for a in n.args if a not in varying)
        border |= dict.fromkeys(root for root in roots if root not in varying)
        scalars, start = dict(known), Tile("0", 1)
        vectors = {
            node: self.splat(self._emit_at(node, start, scalars), element(node.dtype), self.lanes)
            for node in border
            if node.op != "const"
        }
        return {1: scalars, self.lanes: vectors}

    def _emit_at(self, root: Expr, tile: Tile, memo: dict[Expr, str]) -> str:
        """The value of an expression at a tile."""
        return self.emit(root, lambda leaf: self._read(leaf, tile), tile.lanes, memo)
