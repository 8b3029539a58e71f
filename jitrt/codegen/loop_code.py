"""The LLVM IR of a loop kernel.

For y = x + s over two dimensions, `s` broadcast along the inner one, the function is, in pseudocode,

    for unit in begin..end:                        # rows
        s0 = splat(s[row])                         # invariant along the row: once
        for j in 0..n step 4 vectors:  y[row, j..] = x[row, j..] + s0, four times
        for j in ..n step 1 vector:    the same, once
        if j < n:                      the same under a mask

A reduction keeps one accumulator for each of those four vectors, combines them pairwise at the row's
end, and then the lanes of the last one by halves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import numpy as np

from jitrt.codegen.ir import Cell
from jitrt.codegen.levels import Pass, cost
from jitrt.codegen.loop import ALIGNMENT, BLOCK, Loop
from jitrt.codegen.target import Target
from jitrt.codegen.vector import Emitter, element, literal, memory_element, vector
from jitrt.expr import Dtype, Expr, walk
from jitrt.types import is_float

COMBINE = {"sum": "add", "prod": "mul", "max": "max", "min": "min"}


def build(loop: Loop, target: Target, symbol: str) -> str:
    """The module of a loop's kernel."""
    code = LoopCode(loop, target)
    code.function()
    declarations = "\n".join(sorted(code.declarations.values()))
    header = f"define i64 @{symbol}(ptr %args, i64 %begin, i64 %end, ptr %scratch) {{"
    return f"{header}\n{code.body()}\n}}\n\n{declarations}\n"


def identity(kind: str, dtype: Dtype) -> object:
    """What a reduction of nothing gives: 0, 1, or the type's lowest or highest value."""
    if kind in ("sum", "prod"):
        return int(kind == "prod")
    if is_float(dtype):
        return -np.inf if kind == "max" else np.inf
    if dtype.kind == "b":
        return kind == "min"
    return getattr(np.iinfo(dtype), "min" if kind == "max" else "max")


@dataclass(frozen=True)
class Tile:
    """One vector of positions along the innermost dimension: from `j`, where the mask holds."""

    j: str
    mask: str | None
    number: int = 0


class LoopCode(Emitter):
    """Generates the function of one loop."""

    def __init__(self, loop: Loop, target: Target) -> None:
        super().__init__(target)
        self.nest = loop
        self.operands = (*loop.inputs, *loop.outputs)
        self.last = loop.ndim - 1
        self.lanes = self._lanes()
        self.varying_inner = loop.varying_along([self.last])
        self.sizes: list[str] = []
        self.addresses: list[str] = []
        self.strides: list[list[str]] = []
        self.positions = ["0"] * loop.ndim
        self.pointers: list[str] = []
        self.kept: dict[Expr, str] = {}

    def function(self) -> None:
        """The whole body: read the arguments, then do the units one by one."""
        self._arguments()
        with self.when(self.let("icmp slt i64 %begin, %end", "some")):
            self._all_units()
        self.do("ret i64 0")

    def _all_units(self) -> None:
        if any(self.nest.reduced):
            self._keep_places()
        if self.nest.ndim == 1 and not any(self.nest.reduced):
            self.pointers = list(self.addresses)
            self._elementwise_row("%begin", "%end")
        else:
            outer = [d for d in range(self.last) if not self.nest.reduced[d]]
            with self._units(outer, blocks=not self.nest.row_reduced and any(self.nest.reduced)) as block:
                self.pointers = [
                    self._address(i, outer, self.addresses[i]) for i in range(len(self.operands))
                ]
                if not any(self.nest.reduced):
                    self._elementwise_row("0", self.sizes[-1])
                elif self.nest.row_reduced:
                    self._reduced_row()
                else:
                    self._kept_block(block)

    def _lanes(self) -> int:
        """A register of the widest type that the loop computes with or touches."""
        nodes = [n for n in walk(*self.nest.lowered) if n.op != "const"]
        widest = max(d.itemsize for d in (*(n.dtype for n in nodes), *(o.dtype for o in self.operands)))
        return self.target.lanes(widest)

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

    def _keep_places(self) -> None:
        """Each value kept between passes gets its part of the scratch memory."""
        reduced = [size for size, r in zip(self.sizes, self.nest.reduced, strict=True) if r]
        count = "1" if self.nest.row_reduced else str(BLOCK)
        for size in reduced:
            count = self.let(f"mul nsw i64 {count}, {size}", "count")
        place = "%scratch"
        for node in self.nest.kept_values:
            self.kept[node] = place
            nbytes = self.let(f"mul nsw i64 {count}, {node.dtype.itemsize}")
            padded = self.let(f"add nsw i64 {nbytes}, {ALIGNMENT - 1}")
            aligned = self.let(f"and i64 {padded}, {-ALIGNMENT}")
            place = self.let(f"getelementptr i8, ptr {place}, i64 {aligned}", "kept")

    @contextmanager
    def _units(self, outer: Sequence[int], blocks: bool) -> Iterator[str]:
        """The loop over units, with `positions` of the outer dimensions set in it; gives the block's number.

        The first unit's number is split into positions by division, the following ones by counting up.
        """
        limits = [self.sizes[d] for d in outer]
        if blocks:
            up = self.let(f"add nsw i64 {self.sizes[-1]}, {BLOCK - 1}")
            limits.append(self.let(f"ashr i64 {up}, {BLOCK.bit_length() - 1}", "blocks"))
        counters: list[Cell] = []
        rest = "%begin"
        for limit in reversed(limits[1:]):
            counters.insert(0, self.cell("i64", self.let(f"srem i64 {rest}, {limit}")))
            rest = self.let(f"sdiv i64 {rest}, {limit}")
        counters.insert(0, self.cell("i64", rest))
        with self.loop("unit", "%begin", "%end"):
            values = [counter.get() for counter in counters]
            for dim, value in zip(outer, values, strict=False):
                self.positions[dim] = value
            yield values[-1] if blocks else "0"
            self._count_up(counters, values, limits)

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

    def _read(self, leaf: Expr, tile: Tile, lanes: int) -> str:
        """The value of a load or index node at a tile; with one lane, at the row's start."""
        if leaf.op == "index":
            return self._index(leaf.value, tile, lanes)
        operand = self.nest.inputs[leaf.value]
        pointer = self.pointers[leaf.value]
        if lanes == 1 or operand.strides[-1] == 0:
            scalar = self.load(operand.dtype, pointer, 1)
            return self.splat(scalar, element(operand.dtype), lanes)
        if operand.strides[-1] == 1:
            at = self.let(f"getelementptr {memory_element(operand.dtype)}, ptr {pointer}, i64 {tile.j}")
            return self.load(operand.dtype, at, lanes, tile.mask)
        return self.gather(operand.dtype, self._lane_pointers(leaf.value, tile), lanes, tile.mask)

    def _write(self, value: str, output: int, tile: Tile, lanes: int) -> None:
        number = len(self.nest.inputs) + output
        operand, pointer = self.operands[number], self.pointers[number]
        if operand.strides[-1] == 1 or lanes == 1:
            at = self.let(f"getelementptr {memory_element(operand.dtype)}, ptr {pointer}, i64 {tile.j}")
            self.store(value, operand.dtype, at, lanes, tile.mask)
        else:
            self.scatter(value, operand.dtype, self._lane_pointers(number, tile), lanes, tile.mask)

    def _lane_pointers(self, operand: int, tile: Tile) -> str:
        stride = self.strides[operand][-1]
        kind = memory_element(self.operands[operand].dtype)
        start = self.let(f"mul nsw i64 {tile.j}, {stride}")
        pointer = self.let(f"getelementptr {kind}, ptr {self.pointers[operand]}, i64 {start}")
        wide = vector("i64", self.lanes)
        offsets = self.let(f"mul {wide} {self._steps('i64')}, {self.splat(stride, 'i64', self.lanes)}")
        return self.let(f"getelementptr {kind}, ptr {pointer}, {wide} {offsets}")

    def _index(self, dim: int, tile: Tile, lanes: int) -> str:
        if dim != self.last:
            return self.splat(self.positions[dim], "i64", lanes)
        start = self.splat(tile.j, "i64", lanes)
        return start if lanes == 1 else self.let(f"add {vector('i64', lanes)} {start}, {self._steps('i64')}")

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

    def _sweep(self, start: str, stop: str, unroll: int, body: Callable[[Tile], None]) -> None:
        """Run the body on every vector of start..stop: `unroll` at a time, one at a time, then masked."""
        count = self.let(f"sub nsw i64 {stop}, {start}", "count")
        begin = start
        for vectors in (unroll, 1) if unroll > 1 else (1,):
            covered = self.let(f"and i64 {count}, {-vectors * self.lanes}")
            end = self.let(f"add nsw i64 {start}, {covered}", "end")
            with self.loop("j", begin, end, str(vectors * self.lanes)) as j:
                for number in range(vectors):
                    at = self.let(f"add nsw i64 {j}, {number * self.lanes}", "j") if number else j
                    body(Tile(at, None, number))
            begin = end
        with self.when(self.let(f"icmp slt i64 {begin}, {stop}", "ragged")):
            body(Tile(begin, self._mask(begin, stop)))

    def _unroll(self, roots: Sequence[Expr], reducing: bool) -> int:
        """Short bodies are unrolled to hide the loop's own cost, reductions to have independent chains."""
        work = cost(roots, self.varying_inner)
        if work <= 8:
            return 4
        return 2 if reducing else 1

    def _invariants(self, roots: Sequence[Expr], known: Mapping[Expr, str]) -> dict[Expr, str]:
        """Operands of nodes that vary along the row, themselves constant there: each computed once."""
        varying = self.varying_inner
        border = {
            a: None for n in walk(*roots, known=known) if n in varying for a in n.args if a not in varying
        }
        border |= {root: None for root in roots if root not in varying}
        scalars = dict(known)
        vectors = {}
        for node in border:
            if node.op != "const":
                value = self.emit(node, lambda leaf: self._read(leaf, Tile("0", None), 1), 1, scalars)
                vectors[node] = self.splat(value, element(node.dtype), self.lanes)
        return vectors

    def _elementwise_row(self, start: str, stop: str) -> None:
        roots = self.nest.lowered
        invariants = self._invariants(roots, {})

        def body(tile: Tile) -> None:
            memo = dict(invariants)
            values = [self._emit_at(root, tile, memo) for root in roots]
            for output, value in enumerate(values):
                self._write(value, output, tile, self.lanes)

        self._sweep(start, stop, self._unroll(roots, reducing=False), body)

    # reductions along the innermost dimension

    def _reduced_row(self) -> None:
        """All passes over one kept position; values per row are scalars."""
        known: dict[Expr, str] = {}
        for current in self.nest.passes:
            known |= self._row_pass(current, known)
        for output, root in enumerate(self.nest.lowered):
            if output not in self.nest.stored_everywhere:
                value = self.emit(root, lambda leaf: self._read(leaf, Tile("0", None), 1), 1, known)
                self._write(value, output, Tile("0", None), 1)

    def _row_pass(self, current: Pass, known: Mapping[Expr, str]) -> dict[Expr, str]:
        """One sweep over a row; gives the values of its reductions."""
        roots = current.roots(self.nest.lowered)
        unroll = self._unroll(roots, reducing=bool(current.reductions))
        accumulators = {node: [self._accumulator(node) for _ in range(unroll)] for node in current.reductions}
        with self._over([d for d in range(self.last) if self.nest.reduced[d]]) as number:
            invariants = self._invariants(roots, known)
            row = self.let(f"mul nsw i64 {number}, {self.sizes[-1]}", "row")

            def body(tile: Tile) -> None:
                place = self.let(f"add nsw i64 {row}, {tile.j}")
                values = self._compute(current, tile, place, invariants)
                for node, cells in accumulators.items():
                    self._accumulate(node, cells[tile.number], values[node.args[0]], tile.mask)

            self._sweep("0", self.sizes[-1], unroll, body)
        return {node: self._total(node, [c.get() for c in cells]) for node, cells in accumulators.items()}

    def _compute(self, current: Pass, tile: Tile, place: str, known: Mapping[Expr, str]) -> dict[Expr, str]:
        """The values of a pass at one tile, stored where they belong; `place` is the position in scratch."""
        memo = dict(known)
        for node in current.reloaded:
            memo[node] = self.load(node.dtype, self._scratch_pointer(node, place), self.lanes)
        for root in current.roots(self.nest.lowered):
            self._emit_at(root, tile, memo)
        for node in current.kept:
            self.store(memo[node], node.dtype, self._scratch_pointer(node, place), self.lanes, tile.mask)
        for output in current.stores:
            self._write(memo[self.nest.lowered[output]], output, tile, self.lanes)
        return memo

    def _scratch_pointer(self, node: Expr, place: str) -> str:
        return self.let(f"getelementptr {memory_element(node.dtype)}, ptr {self.kept[node]}, i64 {place}")

    def _accumulator(self, node: Expr) -> Cell:
        start = literal(identity(node.value, node.dtype), node.dtype, self.lanes)
        return self.cell(vector(element(node.dtype), self.lanes), start)

    def _accumulate(self, node: Expr, cell: Cell, value: str, mask: str | None) -> None:
        before = cell.get()
        after = self.binary(COMBINE[node.value], node.dtype, value, before, self.lanes)
        if mask is not None:
            kind = vector(element(node.dtype), self.lanes)
            after = self.let(f"select {vector('i1', self.lanes)} {mask}, {kind} {after}, {kind} {before}")
        cell.set(after)

    def _total(self, node: Expr, values: list[str]) -> str:
        """All accumulators and their lanes combined, by halves."""
        op, dtype = COMBINE[node.value], node.dtype
        while len(values) > 1:
            half = len(values) // 2
            values = [
                self.binary(op, dtype, a, b, self.lanes)
                for a, b in zip(values[:half], values[half:], strict=True)
            ]
        total, lanes = values[0], self.lanes
        while lanes > 1:
            half = lanes // 2
            low, high = (self._part(total, element(dtype), lanes, first, half) for first in (0, half))
            total, lanes = self.binary(op, dtype, high, low, half), half
        return total

    def _part(self, value: str, kind: str, lanes: int, first: int, count: int) -> str:
        """The lanes first..first + count of a vector."""
        whole = vector(kind, lanes)
        if count == 1:
            return self.let(f"extractelement {whole} {value}, i64 {first}")
        chosen = ", ".join(f"i32 {lane}" for lane in range(first, first + count))
        return self.let(f"shufflevector {whole} {value}, {whole} poison, <{count} x i32> <{chosen}>")

    # reductions along other dimensions than the innermost

    def _kept_block(self, block: str) -> None:
        """A block of kept positions: several vectors at a time if it is full, else one, masked."""
        group = min(4, BLOCK // self.lanes)
        start = self.let(f"mul nsw i64 {block}, {BLOCK}", "start")
        stop = self.let(f"add nsw i64 {start}, {BLOCK}", "stop")
        with self.branch(self.let(f"icmp sle i64 {stop}, {self.sizes[-1]}", "full")) as branch:
            with self.loop("j", start, stop, str(group * self.lanes)) as j:
                at = [j, *(self.let(f"add nsw i64 {j}, {k * self.lanes}", "j") for k in range(1, group))]
                self._kept_tiles([Tile(a, None) for a in at], start)
            branch.otherwise()
            with self.loop("j", start, self.sizes[-1], str(self.lanes)) as j:
                self._kept_tiles([Tile(j, self._mask(j, self.sizes[-1]))], start)

    def _kept_tiles(self, tiles: Sequence[Tile], start: str) -> None:
        known: list[dict[Expr, str]] = [{} for _ in tiles]
        for current in self.nest.passes:
            self._kept_pass(current, tiles, known, start)
        for output, root in enumerate(self.nest.lowered):
            if output not in self.nest.stored_everywhere:
                for tile, memo in zip(tiles, known, strict=True):
                    value = self._emit_at(root, tile, memo)
                    self._write(value, output, tile, self.lanes)

    def _kept_pass(
        self, current: Pass, tiles: Sequence[Tile], known: Sequence[dict[Expr, str]], start: str
    ) -> None:
        """One sweep over the reduced positions for a few vectors of kept ones; extends what is known."""
        roots = current.roots(self.nest.lowered)
        varying = self.nest.varying
        border = [a for n in walk(*roots) if n in varying for a in n.args if a not in varying]
        for tile, memo in zip(tiles, known, strict=True):
            for node in border:
                self._emit_at(node, tile, memo)
        accumulators = [{node: self._accumulator(node) for node in current.reductions} for _ in tiles]
        with self._over([d for d in range(self.last) if self.nest.reduced[d]]) as number:
            row = self.let(f"mul nsw i64 {number}, {BLOCK}", "row")
            for tile, memo, cells in zip(tiles, known, accumulators, strict=True):
                offset = self.let(f"sub nsw i64 {tile.j}, {start}")
                place = self.let(f"add nsw i64 {row}, {offset}")
                values = self._compute(current, tile, place, memo)
                for node, cell in cells.items():
                    self._accumulate(node, cell, values[node.args[0]], None)
        for memo, cells in zip(known, accumulators, strict=True):
            memo.update((node, cell.get()) for node, cell in cells.items())

    def _emit_at(self, root: Expr, tile: Tile, memo: dict[Expr, str]) -> str:
        return self.emit(root, lambda leaf: self._read(leaf, tile, self.lanes), self.lanes, memo)
