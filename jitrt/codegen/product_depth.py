"""The driver of a product whose k may be long: it sums over a part of k at a time.

Where k is long, the rows of few tiles fill the second-level cache, and B, which is the larger of the two, is
read from memory again for every few tiles. So the panels of a group are gone through once for each part of k:
the rows of a part are short enough for many tiles, and B is read once for all of them.

    for group of panels, part of k:
        for tile in block:
            table[tile] = pointers of its rows, from the part's first k on
        for panel in group, tile in block:
            microkernel(height, table[tile], part of b, bias or zeros, scratch)
            sums[panel, tile] += scratch; after the last part, store epilogue(sums)

The parts are those of Goto and van de Geijn, https://doi.org/10.1145/1356052.1356053.
"""

from __future__ import annotations

from jitrt.codegen.epilogue import TilePlace
from jitrt.codegen.function import Integer
from jitrt.codegen.product import DEPTH, SUMS_BYTES
from jitrt.codegen.product_code import Block, Driver
from jitrt.codegen.walk import Walk


class DeepDriver(Driver):
    """Emits the loops over groups of panels and parts of k as well."""

    def _depth(self) -> Integer:
        """All k, or where there are several tiles, parts of about the same length."""
        f, k = self.f, self.w["k"]
        self.parts = f.select(f.compare("sgt", self.tiles, 1), f.max(f.ceil_div(k, DEPTH), 1), 1)
        return f.ceil_div(k, self.parts)

    def _emit_panels(self, block: Block, first: Integer, end: Integer) -> None:
        f = self.f
        self.tile_bytes = self.shape.rows * self.shape.columns * self.size
        self.count = block.tiles
        several = f.max(f.div(SUMS_BYTES, f.mul(block.tiles, self.tile_bytes)), 1)
        self.is_split = f.compare("sgt", self.parts, 1)
        group = f.select(self.is_split, several, f.max(f.sub(end, first), 1))
        with f.count(first, end, group) as self.start, f.count(0, self.parts) as part:
            depth = f.mul(part, self.depth)
            length = f.min(self.depth, f.sub(self.w["k"], depth))
            self.is_later = f.compare("sgt", part, 0)
            self.is_last = f.compare("eq", part, f.sub(self.parts, 1))
            arguments = {**self.w.arguments, "k": str(length)}
            w = Walk(f, self.shape, arguments, self.w.outer, self.w.inner, depth=depth)
            self._emit_rows(w, block)
            self._emit_part(w, block, self.start, f.min(f.add(self.start, group), end))

    def _start_panel(self, w: Walk) -> None:
        """Later parts start with zeros."""
        f = self.f
        with f.when(self.is_later):
            for j in range(self.shape.vectors):
                address = f.at("%scratch", j * self.shape.lanes * self.size)
                f.store("zeroinitializer", self.product.dtype, address, self.shape.lanes)

    def _is_direct(self, columns: Integer, width: Integer) -> str:
        direct = super()._is_direct(columns, width)
        return direct if direct == "false" else self.f.select(self.is_split, "false", direct, "i1")

    def _sums(self, panel: Integer, tile: Integer) -> str:
        f = self.f
        number = f.add(f.mul(f.sub(panel, self.start), self.count), tile)
        return f.at("%scratch", f.add(self.w["scratch.sums"], f.mul(number, self.tile_bytes)))

    def _accumulators(self, place: TilePlace, panel: Integer, tile: Integer) -> str:
        """The sums themselves, for the first of several parts."""
        f = self.f
        passing = f.let(f"or i1 {self.is_later}, {self.is_last}")
        return f.select(passing, place.accumulators, self._sums(panel, tile), "ptr")

    def _finish(self, place: TilePlace, panel: Integer, tile: Integer) -> None:
        f, dtype, lanes = self.f, self.product.dtype, self.shape.lanes
        with f.when(self.is_later):
            sums = self._sums(panel, tile)
            totals = f.select(self.is_last, place.accumulators, sums, "ptr")
            kind = self.shape.vector
            add = "fadd" if dtype.kind == "f" else "add"
            with f.count(0, f.mul(place.rows, self.shape.columns), lanes) as i:
                offset = f.mul(i, self.size)
                part, sum_before = (f.load(dtype, f.at(a, offset), lanes) for a in (place.accumulators, sums))
                f.store(f.let(f"{add} {kind} {part}, {sum_before}"), dtype, f.at(totals, offset), lanes)
        with f.when(self.is_last):
            super()._finish(place, panel, tile)
