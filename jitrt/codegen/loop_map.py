"""The code of elementwise loops.

For y = x + s over two dimensions, `s` broadcast along the inner one:

    for row in begin..end:
        s0 = splat(s[row])                     # does not vary along the row: once
        for j in 0..n step 4 vectors:          y[row, j..] = x[row, j..] + s0, four times
        ...

For y = x.T + s, where a row of x.T is not contiguous but a column is, x passes through a buffer:

    for rows in tiles of PACKED_ROWS:
        for columns in panels of PANEL:
            buffer = x.T[rows, columns]        # square by square: load columns, transpose in registers, store
            for row in rows:
                for j in columns:              y[row, j..] = buffer[row, j..] + s[row]
"""

from __future__ import annotations

from jitrt.codegen.loop import PACKED_ROWS
from jitrt.codegen.loop_code import Bounds, LoopCode, Tile
from jitrt.codegen.vector import memory_element, vector

PANEL = 64


class MapCode(LoopCode):
    """Generates the function of an elementwise loop."""

    def units(self) -> None:
        """Elements of a one-dimensional loop, else rows or tiles of rows."""
        outer = list(range(self.last))
        if not outer:
            self.pointers = self.addresses
            self._row(self._bounds("%begin", "%end"))
        elif self.nest.packed_dim is None:
            bounds = self._bounds("0", self.sizes[-1])
            with self._units([self.sizes[d] for d in outer]) as positions:
                self._move_to(outer, positions)
                self._row(bounds)
        else:
            self._tiles(self.nest.packed_dim)

    def _row(self, bounds: Bounds) -> None:
        """All outputs at the positions of a row."""
        roots = self.nest.lowered
        invariants = self._invariants(roots, {})

        def body(tile: Tile) -> None:
            memo = dict(invariants[tile.lanes])
            values = [self._emit_at(root, tile, memo) for root in roots]
            for output, value in enumerate(values):
                self._write(value, output, tile)

        self._sweep(bounds, self._unroll(roots, reducing=False), body)

    def _tiles(self, dim: int) -> None:
        """Tiles of rows along `dim`, which a transposed input holds contiguously."""
        outer = [d for d in range(self.last) if d != dim]
        size = self.sizes[dim]
        whole = self._bounds("0", self.sizes[-1])
        buffers = {i: self._buffer(i) for i in self.nest.packed_inputs}
        large = self.let(f"icmp sge i64 {size}, {PACKED_ROWS}", "large")
        limits = [*(self.sizes[d] for d in outer), self._blocks(size, PACKED_ROWS)]
        with self._units(limits) as positions:
            first = self.let(f"mul nsw i64 {positions[-1]}, {PACKED_ROWS}", "first")
            stop = self._smaller(self.let(f"add nsw i64 {first}, {PACKED_ROWS}"), size)
            with self.branch(large) as branch:
                start = self.let(f"sub nsw i64 {size}, {PACKED_ROWS}")
                self._packed_rows(dim, positions[:-1], self._smaller(first, start), (first, stop), buffers)
                branch.otherwise()
                with self.loop("row", first, stop) as row:
                    self._move_to([*outer, dim], [*positions[:-1], row])
                    self._row(whole)

    def _packed_rows(
        self, dim: int, outer: list[str], start: str, rows: tuple[str, str], buffers: dict[int, str]
    ) -> None:
        """A tile of rows, panel by panel; the packed rows begin at `start`, at or before the tile's."""
        dims = [*(d for d in range(self.last) if d != dim), dim]
        with self.loop("panel", "0", self.sizes[-1], str(PANEL)) as panel:
            end = self._smaller(self.let(f"add nsw i64 {panel}, {PANEL}"), self.sizes[-1])
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
