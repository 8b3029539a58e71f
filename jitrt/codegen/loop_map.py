"""The code of elementwise loops.

For y = x + s over two dimensions, `s` broadcast along the inner one:

    for row in begin..end:
        s0 = splat(s[row])                     # does not vary along the row: once
        for j in 0..n step 4 vectors:          y[row, j..] = x[row, j..] + s0, four times
        ...

For y = x.T + s, where a row of x.T is not contiguous but a column is, x passes through a buffer:

    for rows, columns in tiles of PACKED_ROWS by PANEL:
            buffer = x.T[rows, columns]        # square by square: load columns, transpose in registers, store
            for row in rows:
                for j in columns:              y[row, j..] = buffer[row, j..] + s[row]
"""

from __future__ import annotations

from contextlib import ExitStack

from jitrt.codegen.loop import COLUMNS, TILE
from jitrt.codegen.loop_code import Bounds, LoopCode, Tile
from jitrt.codegen.vector import memory_element, vector

PACKED_ROWS, PANEL = 16, 64
Range = tuple[str, str]  # its start, and where it ends
NEAR = 512  # elements from row to row: all rows of a tile stay in cache while it is written by columns
MOVES = 8  # elements that are moved one by one in a turn of a loop


class MapCode(LoopCode):
    """Generates the function of an elementwise loop."""

    def units(self) -> None:
        """Elements of a one-dimensional loop, else rows or tiles of rows."""
        outer = list(range(self.inner))
        if not outer:
            self.pointers = self.addresses
            self._row(self._bounds("%begin", "%end"))
        elif self.nest.packed_dim is None:
            self._rows(outer)
        else:
            self._tiles(self.nest.packed_dim)

    def _rows(self, outer: list[int]) -> None:
        """Rows, or as much of each as a block of columns has: all rows of a block, then the next block."""
        limits = [self.sizes[d] for d in outer]
        rows = limits[0]
        for limit in limits[1:]:
            rows = self.let(f"mul nsw i64 {rows}, {limit}", "rows")
        first = self.let(f"sdiv i64 %begin, {rows}", "first")
        final = self.let("sub nsw i64 %end, 1")
        final = self.let(f"sdiv i64 {final}, {rows}")
        final = self.let(f"add nsw i64 {final}, 1", "final")
        with self.loop("block", first, final) as block:
            before = self.let(f"mul nsw i64 {block}, {rows}", "before")
            begin, end = (self.let(f"sub nsw i64 {unit}, {before}") for unit in ("%begin", "%end"))
            begin = self.call("llvm.smax.i64", "i64", ("i64", begin), ("i64", "0"))
            bounds = self._bounds(*self._part(block, COLUMNS, self.sizes[-1]))
            runs = self._runs(limits, begin, self._smaller(end, rows))
            with runs as (position, start, stop), self.loop("row", start, stop) as row:
                self._move_to(outer, [*position, row])
                self._row(bounds)

    def _row(self, bounds: Bounds) -> None:
        """All outputs at the positions of a row."""
        if self._goes_singly:
            self._move_along(self.inner, bounds.start, bounds.stop)
            return
        roots = self.nest.lowered
        invariants = self._invariants(roots, {})

        def body(tile: Tile) -> None:
            memo = dict(invariants[tile.lanes])
            values = [self._emit_at(root, tile, memo) for root in roots]
            for output, value in enumerate(values):
                self._write(value, output, tile)

        self._sweep(bounds, self._unroll(roots, reducing=False), body)

    @property
    def _is_move(self) -> bool:
        """Whether the loop computes nothing."""
        return all(root.op == "load" for root in self.nest.lowered)

    @property
    def _goes_singly(self) -> bool:
        """Whether a row's elements are only moved, and not in vectors: gathers read 4 or 8 bytes each."""
        strided = [i for i, along in enumerate(self.along) if along is None]
        gathered = [i < len(self.nest.inputs) and self.operands[i].dtype.itemsize >= 4 for i in strided]
        return self._is_move and not all(gathered)

    def _move_along(self, dim: int, start: str, stop: str) -> None:
        """Move elements start..stop along a dimension one by one."""
        steps = [strides[dim] for strides in self.strides]
        if dim == self.inner:
            steps = [str(along or step) for along, step in zip(self.along, steps, strict=True)]

        def move(j: str) -> None:
            for output, root in enumerate(self.nest.lowered):
                number = len(self.nest.inputs) + output
                source, target = (self._element(i, j, steps[i]) for i in (root.value, number))
                self.store(self.load(root.dtype, source, 1), root.dtype, target, 1)

        count = self.let(f"sub nsw i64 {stop}, {start}", "count")
        whole = self.let(f"and i64 {count}, {-MOVES}")
        end = self.let(f"add nsw i64 {start}, {whole}", "end")
        with self.loop("j", start, end, str(MOVES)) as j:
            for number in range(MOVES):
                move(self.let(f"add nsw i64 {j}, {number}", "j"))
        with self.loop("j", end, stop) as j:
            move(j)

    def _element(self, operand: int, j: str, step: str) -> str:
        """The address of the element `j` steps away."""
        offset = self.let(f"mul nsw i64 {j}, {step}")
        kind = memory_element(self.operands[operand].dtype)
        return self.let(f"getelementptr {kind}, ptr {self.pointers[operand]}, i64 {offset}")

    def _tiles(self, dim: int) -> None:
        """Tiles of rows along `dim`, which a transposed input holds contiguously."""
        outer = [d for d in range(self.inner) if d != dim]
        sizes = self.sizes[dim], self.sizes[-1]
        buffers = {i: self._buffer(i) for i in self.nest.packed_inputs}
        many, narrow = (
            self.let(f"icmp {compare} i64 {size}, {PACKED_ROWS}")
            for compare, size in zip(("sge", "slt"), sizes, strict=True)
        )
        apart = self.strides[len(self.nest.inputs)][dim]
        narrow = self.let(f"and i1 {narrow}, {self.let(f'icmp slt i64 {apart}, {NEAR}')}", "narrow")
        limits = list(self.sizes)
        limits[dim], limits[-1] = map(self._blocks, sizes, TILE)
        with self._units(limits) as positions:
            rows = self._part(positions[dim], TILE[0], sizes[0])
            columns = self._part(positions[-1], TILE[1], sizes[1])
            dims, at = [*outer, dim], [positions[d] for d in outer]
            with ExitStack() as stack:
                if self._is_move:
                    branch = stack.enter_context(self.branch(narrow))
                    with self.loop("column", *columns) as column:
                        self._move_to([*outer, self.inner], [*at, column])
                        self._move_along(dim, *rows)
                    branch.otherwise()
                branch = stack.enter_context(self.branch(many))
                self._strips(dims, at, rows, columns, buffers)
                branch.otherwise()
                bounds = self._bounds(*columns)
                with self.loop("row", *rows) as row:
                    self._move_to(dims, [*at, row])
                    self._row(bounds)

    def _strips(
        self, dims: list[int], at: list[str], rows: Range, columns: Range, buffers: dict[int, str]
    ) -> None:
        """A tile with enough rows for squares, strip by strip of each panel."""
        with self.loop("panel", *columns, str(PANEL)) as panel:
            end = self._smaller(self.let(f"add nsw i64 {panel}, {PANEL}"), columns[1])
            with self.loop("strip", *rows, str(PACKED_ROWS)) as strip:
                below = self._smaller(self.let(f"add nsw i64 {strip}, {PACKED_ROWS}"), rows[1])
                self._packed_rows(dims, at, (strip, below), (panel, end), buffers)

    def _part(self, number: str, block: int, size: str) -> Range:
        """Where a block begins and ends."""
        start = self.let(f"mul nsw i64 {number}, {block}", "start")
        return start, self._smaller(self.let(f"add nsw i64 {start}, {block}"), size)

    def _packed_rows(
        self,
        dims: list[int],
        outer: list[str],
        rows: Range,
        columns: Range,
        buffers: dict[int, str],
    ) -> None:
        """A strip of a panel; the packed rows begin at or before it, where all of them exist."""
        panel, end = columns
        last = self.let(f"sub nsw i64 {self.sizes[dims[-1]]}, {PACKED_ROWS}")
        start = self._smaller(rows[0], last)
        self._move_to(dims, [*outer, start])
        for operand, buffer in buffers.items():
            self._pack(operand, panel, end, buffer)
        bounds = self._bounds(panel, end)
        with self.loop("row", *rows) as row:
            self._move_to(dims, [*outer, row])
            line = self.let(f"sub nsw i64 {row}, {start}")
            behind = self.let(f"mul nsw i64 {line}, {PANEL}")
            offset = self.let(f"sub nsw i64 {behind}, {panel}")
            for operand, buffer in buffers.items():
                kind = memory_element(self.operands[operand].dtype)
                self.pointers[operand] = self.let(f"getelementptr {kind}, ptr {buffer}, i64 {offset}")
                self.along[operand] = 1
            self._row(bounds)
            for operand in buffers:
                self.along[operand] = None

    def _buffer(self, operand: int) -> str:
        """Room for a panel of rows."""
        kind = memory_element(self.operands[operand].dtype)
        return self.frame(f"[{PACKED_ROWS * PANEL} x {kind}], align 64")

    def _pack(self, operand: int, panel: str, end: str, buffer: str) -> None:
        """Transpose the columns panel..end, PACKED_ROWS elements each, into the rows of the buffer."""
        dtype = self.operands[operand].dtype
        side = min(PACKED_ROWS, self.target.lanes(dtype.itemsize))
        element, kind = memory_element(dtype), vector(memory_element(dtype), side)
        stride, pointer = self.strides[operand][-1], self.pointers[operand]
        last = self.let(f"sub nsw i64 {end}, 1", "last")
        with self.loop("column", panel, end, str(side)) as column:
            offset = self.let(f"sub nsw i64 {column}, {panel}")
            starts = []
            for k in range(side):
                at = self._smaller(self.let(f"add nsw i64 {column}, {k}"), last)
                moved = self.let(f"mul nsw i64 {at}, {stride}")
                starts.append(self.let(f"getelementptr {element}, ptr {pointer}, i64 {moved}"))
            for row in range(0, PACKED_ROWS, side):
                square = []
                for start in starts:
                    at = self.let(f"getelementptr {element}, ptr {start}, i64 {row}")
                    square.append(self.let(f"load {kind}, ptr {at}, align {dtype.itemsize}"))
                for k, line in enumerate(self._transposed(square, kind)):
                    at = self.let(f"getelementptr {element}, ptr {buffer}, i64 {offset}")
                    at = self.let(f"getelementptr {element}, ptr {at}, i64 {(row + k) * PANEL}")
                    self.do(f"store {kind} {line}, ptr {at}, align {dtype.itemsize}")

    def _transposed(self, square: list[str], kind: str) -> list[str]:
        """The columns of a square of vectors: blocks of 1, 2, 4 ... elements change places pairwise."""
        side, distance = len(square), 1
        while distance < side:
            even = [lane if not lane & distance else side + lane - distance for lane in range(side)]
            odd = [lane + distance if not lane & distance else side + lane for lane in range(side)]
            for i in range(side):
                if not i & distance:
                    a, b = square[i], square[i + distance]
                    square[i], square[i + distance] = (self._shuffle(a, b, kind, m) for m in (even, odd))
            distance *= 2
        return square

    def _shuffle(self, a: str, b: str, kind: str, lanes: list[int]) -> str:
        chosen = ", ".join(f"i32 {lane}" for lane in lanes)
        return self.let(f"shufflevector {kind} {a}, {kind} {b}, <{len(lanes)} x i32> <{chosen}>")

    def _smaller(self, a: str, b: str) -> str:
        return self.call("llvm.smin.i64", "i64", ("i64", a), ("i64", b))
