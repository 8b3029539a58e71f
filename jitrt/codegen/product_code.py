"""The driver of a product: it walks tiles, calls micro-kernels, stores."""

from __future__ import annotations

from typing import NamedTuple

from jitrt.codegen.epilogue import Epilogue, TilePlace, store_tile, stored_as_is
from jitrt.codegen.function import Function, Integer, module
from jitrt.codegen.matrices import RowsInPlace
from jitrt.codegen.microkernel import LINE
from jitrt.codegen.product import FIRST_LEVEL_BYTES, SECOND_LEVEL_BYTES, TABLE_BYTES, Product
from jitrt.codegen.walk import Walk
from jitrt.expr import Dtype

AHEAD = 1024  # bytes of B to fetch in advance


def driver(product: Product, symbol: str) -> str:
    """The IR of a product's kernel:

    for batch, row block, in begin..end:
        for tile in block:
            table[tile] = pointers of its rows
        for panel:
            init = bias, b = panel of B
            for tile in block:
                microkernel(height, table[tile], b, init, scratch)
                store epilogue(scratch)
    """
    f = Function(symbol, "ptr %args, i64 %begin, i64 %end, ptr %scratch", "i64", product.target)
    arguments = {
        name: f.get("ptr" if is_address(name) else "i64", f.at("%args", 8 * i))
        for i, name in enumerate(product.names)
    }
    product.enter(f)
    product.emit(Walk(f, product.shape, arguments))
    product.leave(f)
    f.do("ret i64 0")
    return module(f)


def is_address(name: str) -> bool:
    """Whether an argument is an address: that of an operand, or of a micro-kernel."""
    return "." not in name and (name[0].isupper() or name == "bias" or name.startswith("microkernel"))


class Block(NamedTuple):
    """Units begin..end of `tiles` tiles from tile `base` on, which are in tiles low..high of these."""

    base: Integer
    tiles: Integer
    begin: Integer
    end: Integer
    low: Integer
    high: Integer


class Driver:
    """Emits the loops over batches, blocks of rows, panels and tiles."""

    def __init__(self, product: Product, w: Walk) -> None:
        self.product, self.w, self.f = product, w, w.f
        self.shape, self.size = product.shape, product.dtype.itemsize
        f = self.f
        self.tiles = f.ceil_div(w["m"], self.shape.rows)
        self.panels = f.ceil_div(w["n"], self.shape.columns)
        some = f.max(self.tiles, 1)
        self.low = f.div(w["m"], some)  # height of the lower tiles; the first `high` are a row higher
        self.high = f.rem(w["m"], some)
        self.line = f.mul(w["taps"], self.shape.table_rows * 8)
        self.depth = self._depth()
        packed = f.mul(f.mul(w["taps"], self.depth), self.shape.rows * self.size)
        self.own = f.align(packed) if product.row_source.packs else 0
        self.small = "false"  # whether B stays in the second-level cache
        self.block = self._block()

    def _depth(self) -> Integer:
        """How many k are summed over at a time: all."""
        return self.w["k"]

    def _block(self) -> Integer:
        """Tiles in a block.

        A small B stays in the second-level cache while blocks of few rows pass by, whose output is written
        row by row: of more rows, where panels are copied anew for each block. Of a large one, each panel is
        read once for as many rows as that cache holds. Blocks are of about the same size: a small last one
        would read B for few rows. Each tile is a block of its own if B is diagonal.
        """
        f, w, rows = self.f, self.w, self.shape.rows * self.size
        if self.product.diagonal:
            return 1
        tile = self.own if self.product.row_source.packs else f.mul(self.depth, rows)
        b_bytes = f.mul(f.mul(f.mul(w["k"], w["taps"]), w["n"]), self.size)
        self.small = f.compare("sle", b_bytes, SECOND_LEVEL_BYTES)
        budget = FIRST_LEVEL_BYTES if self.product.panel_source.ready else SECOND_LEVEL_BYTES // 4
        with_output = f.div(budget, f.max(f.add(tile, f.mul(w["n"], rows)), 1))
        alone = f.div(SECOND_LEVEL_BYTES, f.max(tile, 1))
        fitting = f.min(f.select(self.small, with_output, alone), f.div(TABLE_BYTES, f.max(self.line, 1)))
        blocks = f.max(f.ceil_div(self.tiles, f.max(fitting, 1)), 1)
        return f.max(f.ceil_div(self.tiles, blocks), 1)

    def emit(self) -> None:
        f, w = self.f, self.w
        self.product.row_source.start(w)
        units = f.max(f.mul(self.tiles, self.panels), 1)
        with f.count(f.div("%begin", units), f.ceil_div("%end", units)) as batch:
            w.outer, w.inner = f.div(batch, w["batch.inner"]), f.rem(batch, w["batch.inner"])
            before = f.mul(batch, units)
            first, last = f.max(f.sub("%begin", before), 0), f.min(f.sub("%end", before), units)
            whole = f.mul(self.block, self.panels)
            with f.count(f.div(first, whole), f.ceil_div(last, whole)) as block:
                start, tile = f.mul(block, whole), f.mul(block, self.block)
                count = f.min(self.block, f.sub(self.tiles, tile))
                end = f.min(f.sub(last, start), f.mul(count, self.panels))
                self._emit_block(tile, count, f.max(f.sub(first, start), 0), end)

    def _emit_block(self, base: Integer, count: str, begin: str, end: str) -> None:
        """Units begin..end of the block of `count` tiles that starts with tile `base`."""
        f = self.f
        first, last = f.div(begin, count), f.div(f.sub(end, 1), count)
        one = f.compare("eq", first, last)
        low = f.select(one, f.rem(begin, count), 0)
        high = f.select(one, f.add(f.rem(f.sub(end, 1), count), 1), count)
        self._emit_panels(Block(base, count, begin, end, low, high), first, f.add(last, 1))

    def _emit_panels(self, block: Block, first: Integer, end: Integer) -> None:
        """The block's units in panels first..end."""
        self._emit_rows(self.w, block)
        self._emit_part(self.w, block, first, end)

    def _emit_rows(self, w: Walk, block: Block) -> None:
        """The pointers of the block's tiles."""
        f = self.f
        with f.count(block.low, block.high) as tile:
            row, height = self._rows(f.add(block.base, tile))
            own = f.at("%scratch", f.add(w["scratch.rows"], f.mul(tile, self.own)))
            self.product.row_source.rows(w, row, height, self._table(tile), own)

    def _emit_part(self, w: Walk, block: Block, first: Integer, end: Integer) -> None:
        """The block's units in panels first..end, for a part of k."""
        f, count = self.f, block.tiles
        with f.count(first, end) as panel:
            before = f.mul(panel, count)
            left, right = f.max(f.sub(block.begin, before), 0), f.min(f.sub(block.end, before), count)
            self._emit_panel(w, panel, block.base, left, right, f.compare("eq", panel, first))

    def _rows(self, tile: Integer) -> tuple[Integer, Integer]:
        """The first row and the height of a tile."""
        f = self.f
        row = f.add(f.mul(tile, self.low), f.min(tile, self.high))
        return row, f.add(self.low, f.let(f"zext i1 {f.compare('slt', tile, self.high)} to i64"))

    def _table(self, tile: Integer) -> str:
        return self.f.at("%scratch", self.f.add(self.w["scratch.table"], self.f.mul(tile, self.line)))

    def _place(self, row: Integer, height: Integer, column: Integer, columns: Integer) -> TilePlace:
        accumulators = self.f.at("%scratch", self.shape.columns * self.size)
        return tile_place(self.w, self.product.epilogue, accumulators, row, height, column, columns)

    def _emit_panel(self, w: Walk, panel: str, base: Integer, begin: str, end: str, first: str) -> None:
        f, shape = self.f, self.shape
        column = f.mul(panel, shape.columns)
        columns = f.min(f.sub(w["n"], column), shape.columns)
        vectors = f.ceil_div(columns, shape.lanes)
        width = f.mul(vectors, shape.lanes)
        b, b_pitch = self.product.panel_source.panel(self.w, panel, columns, width)
        b = f.at(b, f.mul(w.depth, f.mul(b_pitch, self.size)))
        emit_init(w, self.product.has_bias, self.product.dtype, column, columns)
        self._start_panel(w)
        microkernel = self._microkernel(vectors)
        whole = self._is_direct(columns, width)
        with f.count(begin, end) as tile:
            row, height = self._rows(f.add(base, tile))
            direct = whole
            if self.product.whole_tiles and whole != "false":
                direct = f.let(f"and i1 {whole}, {f.compare('eq', height, shape.rows)}")
            place = self._place(row, height, column, columns)
            out = f.select(direct, place.output, self._accumulators(place, panel, tile), "ptr")
            pitch = f.select(direct, w["Y.row"], shape.columns)
            addresses = (self._table(tile), b, "%scratch", out)
            numbers = (height, w["taps"], w["k"], b_pitch, pitch, column, columns)
            arguments = (*(f"ptr {a}" for a in addresses), *(f"i64 {n}" for n in numbers))
            visited, count = f.sub(tile, begin), f.sub(end, begin)
            fetch, step = self._fetch(w, b, b_pitch, visited, count, first, f.add(row, height))
            arguments += (f"ptr {fetch}", f"i64 {step}")
            self._fetch_output(self._place(f.add(row, height), height, column, columns))
            f.do(f"call void {microkernel}({', '.join(arguments)})")
            with f.when(f.let(f"xor i1 {direct}, true")):
                self._finish(place, panel, tile)

    def _start_panel(self, w: Walk) -> None:
        """Emit what a panel starts with, after its first accumulators."""

    def _accumulators(self, place: TilePlace, panel: Integer, tile: Integer) -> str:
        """Where a micro-kernel leaves a tile that is not written to the output directly."""
        return place.accumulators

    def _finish(self, place: TilePlace, panel: Integer, tile: Integer) -> None:
        """What becomes of such a tile."""
        store_tile(self.f, self.product.epilogue, self.product.dtype, self.shape.lanes, place)

    def _fetch(
        self, w: Walk, b: str, b_pitch: Integer, visited: Integer, count: Integer, first: str, row: Integer
    ) -> tuple[str, Integer]:
        """What a tile's micro-kernel brings into the cache: the first address, and bytes from step to step.

        The tiles of a panel share out the next panel, so that it comes from memory while they compute; one
        that is alone brings what it needs soon: a whole panel may not stay in the cache for so long. The
        first tile of a call's first panel reads its own some way ahead. Where B stays in the cache, the first
        panel brings the rows from `row` on instead, those of the next tile.
        """
        f = self.f
        if not self.product.panel_source.ready:
            return b, 0
        steps, line = f.mul(w["taps"], w["k"]), f.mul(b_pitch, self.size)
        share = f.ceil_div(line, f.max(count, 1))
        panel = f.mul(f.mul(w["taps"], self.w["k"]), line)
        ahead = f.select(f.compare("eq", count, 1), f.min(panel, FIRST_LEVEL_BYTES), panel)
        shared = f.at(f.at(b, ahead), f.mul(steps, f.mul(visited, share)))
        alone = f.let(f"and i1 {first}, {f.compare('eq', visited, 0)}")
        start, step = f.select(alone, f.at(b, AHEAD), shared, "ptr"), f.select(alone, line, share)
        if isinstance(self.product.row_source, RowsInPlace):
            rows = f.at(w.batch_address("A", self.size), f.mul(row, f.mul(w["A.row"], self.size)))
            chosen = f.let(f"and i1 {first}, {self.small}")
            start, step = f.select(chosen, rows, start, "ptr"), f.select(chosen, LINE, step)
        return start, step

    def _fetch_output(self, following: TilePlace) -> None:
        """Bring the lines of the next tile's output into the cache: to be written, it must be there."""
        f = self.f
        if self.product.diagonal:
            return
        with f.count(0, following.rows) as i:
            row = f.at(following.output, f.mul(i, following.output_pitch))
            for line in (0, LINE):
                f.prefetch(f.at(row, line), to_write=True)

    def _microkernel(self, vectors: Integer) -> str:
        """The address of the micro-kernels for a panel of so many vectors."""
        chosen = self.w[f"microkernel{self.shape.vectors}"]
        for v in range(self.shape.vectors - 1, 0, -1):
            is_width = self.f.compare("eq", vectors, v)
            chosen = self.f.select(is_width, self.w[f"microkernel{v}"], chosen, "ptr")
        return chosen

    def _is_direct(self, columns: Integer, width: Integer) -> str:
        """Whether micro-kernels write the output: without an epilogue, and with whole vectors."""
        if not stored_as_is(self.product.epilogue, self.product.dtype):
            return "false"
        return self.f.compare("eq", columns, width)


def emit_init(w: Walk, has_bias: bool, dtype: Dtype, column: Integer, columns: Integer) -> None:
    """Write the first accumulators of a panel, the bias or zeros, to the start of scratch."""
    f, shape, size = w.f, w.shape, dtype.itemsize
    for j in range(shape.vectors):
        first = j * shape.lanes
        value = "zeroinitializer"
        if has_bias:
            bias = f.at(w.batch_address("bias", size), f.mul(f.add(column, first), size))
            value = f.load(dtype, bias, shape.lanes, f.lanes_below(f.sub(columns, first), shape.lanes))
        f.store(value, dtype, f.at("%scratch", first * size), shape.lanes)


def tile_place(
    w: Walk,
    epilogue: Epilogue,
    accumulators: str,
    row: Integer,
    height: Integer,
    column: Integer,
    columns: Integer,
) -> TilePlace:
    """Where `height` rows of accumulators belong: from `row` and `column` of the result on."""
    f = w.f
    size = epilogue.root.dtype.itemsize
    pitch = f.mul(w["Y.row"], size)
    output = f.at(f.at(w.batch_address("Y", size), f.mul(row, pitch)), f.mul(column, size))
    addresses: list[str] = []
    pitches: list[Integer] = []
    for i, operand in enumerate(epilogue.operands):
        itemsize = operand.dtype.itemsize
        pitches.append(f.mul(w[f"E{i}.row"], itemsize) if operand.strides[1] != 0 else 0)
        address = w.batch_address(f"E{i}", itemsize) if operand.strides[0] != 0 else w[f"E{i}"]
        along = f.mul(column, itemsize) if operand.strides[2] else 0
        addresses.append(f.at(f.at(address, f.mul(row, pitches[-1])), along))
    return TilePlace(accumulators, w.shape.columns, height, columns, output, pitch, addresses, pitches)
