"""The code of loops with reductions.

Along the innermost dimension, vector by vector; the row's sum of x * x over n elements is

    for row in begin..end:
        a0 = a1 = a2 = a3 = 0                      # vectors
        for j in 0..n step 4 vectors:              a0 += x[row, j..]**2; a1 += ...
        ...
        total = lanes of (a0 + a2) + (a1 + a3), added by halves

Along other dimensions, for a few vectors of kept positions:

    for block in begin..end:
        a0 = a1 = a2 = a3 = 0
        for r in 0..m:                             a0 += x[r, block + 0..]**2; a1 += ...
            after every 128 positions:             total0 += a0; a0 = 0; total1 += a1; ...

Either way a loop makes several such passes when a reduction's argument depends on another's result. Only the
first waits for memory, so in the second the next row's inputs are fetched into the cache, and in the last but
one the lines that the outputs will be stored to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from jitrt.codegen.ir import Cell
from jitrt.codegen.levels import Pass
from jitrt.codegen.loop import ALIGNMENT, BLOCK
from jitrt.codegen.loop_code import LoopCode, Tile
from jitrt.codegen.vector import element, literal, memory_element, vector
from jitrt.expr import Expr, identity, walk
from jitrt.types import is_float

COMBINE = {"sum": "add", "prod": "mul", "max": "max", "min": "min"}
PARTIAL = 128  # positions that are added one after the other
FETCHED = 2048  # elements of a row that leaves room in the cache for the next one


def _drifts(node: Expr) -> bool:
    """Whether a reduction's error grows with the number of positions."""
    return bool(node.value == "sum" and is_float(node.dtype))


class ReduceCode(LoopCode):
    """Generates the function of a loop with reductions."""

    def units(self) -> None:
        """Kept positions of the outer dimensions, times blocks of the innermost if that is kept."""
        self.kept = self._kept_places()
        outer = [d for d in self._outer if not self.nest.reduced[d]]
        limits = [self.sizes[d] for d in outer]
        if self.nest.row_reduced:
            self.row_bounds = self._bounds("0", self.sizes[-1])
            self.next_rows = self._next_rows()
            with self._units(limits or ["1"]) as positions:
                self._move_to(outer, positions[: len(outer)])
                self._row()
        else:
            with self._units([*limits, self._blocks(self.sizes[-1], BLOCK)]) as positions:
                self._move_to(outer, positions[:-1])
                start = self.let(f"mul nsw i64 {positions[-1]}, {BLOCK}", "start")
                self._block(start, self.sizes[-1])

    @property
    def _outer(self) -> list[int]:
        """The dimensions beside the vectorised one, outermost first."""
        return [d for d in range(self.nest.ndim) if d != self.inner]

    def _kept_places(self) -> dict[Expr, str]:
        """Each value kept between passes gets its part of the scratch memory."""
        reduced = [size for size, r in zip(self.sizes, self.nest.reduced, strict=True) if r]
        count = "1" if self.nest.reduced[self.inner] else str(BLOCK)
        for size in reduced:
            count = self.let(f"mul nsw i64 {count}, {size}", "count")
        place, places = "%scratch", {}
        for node in self.nest.kept_values:
            places[node] = place
            nbytes = self.let(f"mul nsw i64 {count}, {node.dtype.itemsize}")
            padded = self.let(f"add nsw i64 {nbytes}, {ALIGNMENT - 1}")
            aligned = self.let(f"and i64 {padded}, {-ALIGNMENT}")
            place = self.let(f"getelementptr i8, ptr {place}, i64 {aligned}", "kept")
        return places

    def _next_rows(self) -> dict[int, str]:
        """How far each input's next row lies from the current one: 0 where rows are too long to fetch."""
        kept = [d for d in self._outer if not self.nest.reduced[d]]
        if not kept or len(self.nest.passes) < 2:
            return {}
        count = "1"
        for size, reduced in zip(self.sizes, self.nest.reduced, strict=True):
            count = self.let(f"mul nsw i64 {count}, {size}", "count") if reduced else count
        short = self.let(f"icmp sle i64 {count}, {FETCHED}", "short")
        rows = [i for i, o in enumerate(self.nest.inputs) if o.strides[-1] == 1 and o.strides[kept[-1]] != 0]
        return {i: self.let(f"select i1 {short}, i64 {self.strides[i][kept[-1]]}, i64 0") for i in rows}

    def _fetch(self, current: Pass, tile: Tile) -> None:
        """Ask for what comes after this pass at a tile: the next row, the memory of the outputs."""
        passes = self.nest.passes
        if current is passes[1]:
            for i, distance in self.next_rows.items():
                kind = memory_element(self.operands[i].dtype)
                here = self._pointer(i, tile)
                self.prefetch(self.let(f"getelementptr {kind}, ptr {here}, i64 {distance}"), write=False)
        if current is passes[-2]:
            for output in passes[-1].stores:
                self.prefetch(self._pointer(len(self.nest.inputs) + output, tile), write=True)

    def _row(self) -> None:
        """All passes over one kept position; values per row are scalars."""
        known: dict[Expr, str] = {}
        for current in self.nest.passes:
            known |= self._row_pass(current, known)
        for output, root in enumerate(self.nest.lowered):
            if output not in self.nest.stored_everywhere:
                start = Tile("0", 1)
                self._write(self._emit_at(root, start, known), output, start)

    def _row_pass(self, current: Pass, known: Mapping[Expr, str]) -> dict[Expr, str]:
        """One sweep over a row; gives the values of its reductions."""
        roots = current.roots(self.nest.lowered)
        unroll = self._unroll(roots, reducing=bool(current.reductions))
        accumulators = {
            node: [self._accumulator(node, self.lanes) for _ in range(unroll)] for node in current.reductions
        }
        singles = {} if self.masks else {node: self._accumulator(node, 1) for node in current.reductions}
        with self._over([d for d in self._outer if self.nest.reduced[d]]) as number:
            invariants = self._invariants(roots, known)
            row = self.let(f"mul nsw i64 {number}, {self.sizes[-1]}", "row")

            def body(tile: Tile) -> None:
                place = self.let(f"add nsw i64 {row}, {tile.j}")
                values = self._compute(current, tile, place, invariants[tile.lanes])
                if self.next_rows and tile.lanes > 1 and tile.mask is None:
                    self._fetch(current, tile)
                for node, cells in accumulators.items():
                    cell = cells[tile.number] if tile.lanes > 1 else singles[node]
                    self._accumulate(node, cell, values[node.args[0]], tile)

            self._sweep(self.row_bounds, unroll, body)
        totals = {node: self._total(node, [c.get() for c in cells]) for node, cells in accumulators.items()}
        for node, cell in singles.items():
            totals[node] = self.binary(COMBINE[node.value], node.dtype, cell.get(), totals[node], 1)
        return totals

    def _compute(self, current: Pass, tile: Tile, place: str, known: Mapping[Expr, str]) -> dict[Expr, str]:
        """The values of a pass at one tile, stored where they belong; `place` is the position in scratch."""
        memo = dict(known)
        for node in current.reloaded:
            memo[node] = self.load(node.dtype, self._scratch_pointer(node, place), tile.lanes, tile.mask)
        for root in current.roots(self.nest.lowered):
            self._emit_at(root, tile, memo)
        for node in current.kept:
            self.store(memo[node], node.dtype, self._scratch_pointer(node, place), tile.lanes, tile.mask)
        for output in current.stores:
            self._write(memo[self.nest.lowered[output]], output, tile)
        return memo

    def _scratch_pointer(self, node: Expr, place: str) -> str:
        return self.let(f"getelementptr {memory_element(node.dtype)}, ptr {self.kept[node]}, i64 {place}")

    def _collect(
        self,
        number: str,
        accumulators: Sequence[Mapping[Expr, Cell]],
        totals: Sequence[Mapping[Expr, Cell]],
    ) -> None:
        """Every `PARTIAL` positions, move sums to their totals: long sums then keep their precision."""
        position = self.let(f"and i64 {number}, {PARTIAL - 1}")
        with self.branch(self.let(f"icmp eq i64 {position}, {PARTIAL - 1}")) as branch:
            for cells, sums in zip(accumulators, totals, strict=True):
                self._add_partial(cells, sums)
                for node, total in sums.items():
                    total.set(cells[node].get())
                    cells[node].set(literal(identity(node.value, node.dtype), node.dtype, self.lanes))
            branch.otherwise()

    def _add_partial(self, cells: Mapping[Expr, Cell], totals: Mapping[Expr, Cell]) -> None:
        for node, total in totals.items():
            both = self.binary(COMBINE[node.value], node.dtype, cells[node].get(), total.get(), self.lanes)
            cells[node].set(both)

    def _accumulator(self, node: Expr, lanes: int) -> Cell:
        start = literal(identity(node.value, node.dtype), node.dtype, lanes)
        return self.cell(vector(element(node.dtype), lanes), start)

    def _accumulate(self, node: Expr, cell: Cell, value: str, tile: Tile) -> None:
        before = cell.get()
        after = self.binary(COMBINE[node.value], node.dtype, value, before, tile.lanes)
        if tile.mask is not None:
            after = self.choose(tile.mask, after, before, element(node.dtype), tile.lanes)
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
            low, high = (self.part(total, element(dtype), lanes, first, half) for first in (0, half))
            total, lanes = self.binary(op, dtype, high, low, half), half
        return total

    def _block(self, start: str, limit: str) -> None:
        """The kept positions of a block, which end at a limit: several vectors at a time, or one, masked."""
        group = min(4, BLOCK // self.lanes)
        stop = self.let(f"add nsw i64 {start}, {BLOCK}", "stop")
        with self.branch(self.let(f"icmp sle i64 {stop}, {limit}", "full")) as branch:
            with self.loop("j", start, stop, str(group * self.lanes)) as j:
                at = [j, *(self.let(f"add nsw i64 {j}, {k * self.lanes}", "j") for k in range(1, group))]
                self._kept_tiles([Tile(a, self.lanes) for a in at], start)
            branch.otherwise()
            with self.loop("j", start, limit, str(self.lanes)) as j:
                self._kept_tiles([Tile(j, self.lanes, self._mask(j, limit))], start)

    def _kept_tiles(self, tiles: Sequence[Tile], start: str) -> None:
        known: list[dict[Expr, str]] = [{} for _ in tiles]
        for current in self.nest.passes:
            self._kept_pass(current, tiles, known, start)
        for output, root in enumerate(self.nest.lowered):
            if output not in self.nest.stored_everywhere:
                for tile, memo in zip(tiles, known, strict=True):
                    self._write(self._emit_at(root, tile, memo), output, tile)

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
        accumulators = [
            {node: self._accumulator(node, self.lanes) for node in current.reductions} for _ in tiles
        ]
        totals = [
            {n: self._accumulator(n, self.lanes) for n in cells if _drifts(n)} for cells in accumulators
        ]
        with self._over([d for d in self._outer if self.nest.reduced[d]]) as number:
            row = self.let(f"mul nsw i64 {number}, {BLOCK}", "row")
            for tile, memo, cells in zip(tiles, known, accumulators, strict=True):
                offset = self.let(f"sub nsw i64 {tile.j}, {start}")
                place = self.let(f"add nsw i64 {row}, {offset}")
                values = self._compute(current, tile, place, memo)
                for node, cell in cells.items():
                    self._accumulate(node, cell, values[node.args[0]], replace(tile, mask=None))
            if any(totals):
                self._collect(number, accumulators, totals)
        for cells, sums in zip(accumulators, totals, strict=True):
            self._add_partial(cells, sums)
        for memo, cells in zip(known, accumulators, strict=True):
            memo.update((node, cell.get()) for node, cell in cells.items())
