"""The driver of a split product: it copies rows as parts, calls micro-kernels, stores."""

from __future__ import annotations

from jitrt.codegen.amx import ROW_BYTES, configure_tiles, release_tiles
from jitrt.codegen.epilogue import TilePlace, store_tile
from jitrt.codegen.function import Function, Integer, module
from jitrt.codegen.product_code import is_address
from jitrt.codegen.split import SHAPE, SplitProduct
from jitrt.codegen.split_tiles import CHUNK
from jitrt.codegen.walk import Walk
from jitrt.types import F32


def driver(product: SplitProduct, symbol: str) -> str:
    """The IR of a split product's kernel:

    for batch, block in begin..end:
        rows = parts of the block's rows
        for panel:
            init = bias
            for tile of 32 in rows:
                microkernel(rows[tile], panel of B, init, scratch)
                store epilogue(scratch)
    """
    f = Function(symbol, "ptr %args, i64 %begin, i64 %end, ptr %scratch", "i64", product.target)
    arguments = {
        name: f.get("ptr" if is_address(name) else "i64", f.at("%args", 8 * i))
        for i, name in enumerate(product.names)
    }
    configure_tiles(f)
    _Driver(product, Walk(f, SHAPE, arguments)).emit()
    release_tiles(f)
    f.do("ret i64 0")
    return module(f)


class _Driver:
    def __init__(self, product: SplitProduct, w: Walk) -> None:
        self.product, self.w, self.f = product, w, w.f
        self.rows = w.f.at("%scratch", w["scratch.rows"])
        self.offsets = w.f.at("%scratch", w["scratch.offsets"])
        self.tile = w.f.at("%scratch", SHAPE.columns * F32.itemsize)

    def emit(self) -> None:
        f, w, product = self.f, self.w, self.product
        panels = f.max(f.ceil_div(w["n"], SHAPE.columns), 1)
        with f.count(f.div("%begin", panels), f.ceil_div("%end", panels)) as number:
            batch, block = f.div(number, w["blocks"]), f.rem(number, w["blocks"])
            w.outer, w.inner = f.div(batch, w["batch.inner"]), f.rem(batch, w["batch.inner"])
            base = f.mul(block, w["block"])
            count = f.min(f.sub(w["m"], base), w["block"])
            height = product.rows.copy(w, product.parts, base, count, self.rows)
            product.rows.offsets(w, count, self.offsets)
            before = f.mul(number, panels)
            low, high = f.max(f.sub("%begin", before), 0), f.min(f.sub("%end", before), panels)
            with f.count(low, high) as panel:
                self._emit_panel(panel, base, height)

    def _emit_panel(self, panel: str, base: Integer, rows: Integer) -> None:
        f, w = self.f, self.w
        column = f.mul(panel, SHAPE.columns)
        columns = f.min(f.sub(w["n"], column), SHAPE.columns)
        depth = f.mul(f.mul(w["taps"], w["chunks"]), CHUNK * self.product.parts * 2)
        b = f.at(w.batch_address("B", 2), f.mul(column, depth))
        following = f.at(b, f.mul(depth, SHAPE.columns))
        tiles = f.ceil_div(rows, SHAPE.rows)
        lines = f.ceil_div(
            SHAPE.columns * self.product.parts, f.max(tiles, 1)
        )  # of a chunk of B, for each tile
        share = f.mul(f.mul(f.mul(w["taps"], w["chunks"]), lines), ROW_BYTES)
        narrow = f.compare("sle", columns, SHAPE.lanes)
        microkernel = f.select(narrow, w["microkernel1"], w["microkernel2"], "ptr")
        self._emit_init(column, columns)
        with f.count(0, rows, SHAPE.rows) as first:
            height = f.min(f.sub(rows, first), SHAPE.rows)
            fetch = f.at(following, f.mul(f.div(first, SHAPE.rows), share))
            a = f.at(self.rows, f.mul(first, w["pitch"]))
            addresses = (a, b, "%scratch", self.tile)
            passed = ", ".join(f"ptr {address}" for address in addresses)
            sizes = ", ".join(f"i64 {w[name]}" for name in ("taps", "chunks", "pitch"))
            f.do(
                f"call void {microkernel}({passed}, i64 {height}, ptr {self.offsets}, {sizes}, "
                f"i64 {SHAPE.columns}, ptr {fetch}, i64 {lines})"
            )

            def store(row: Integer, start: Integer, count: Integer) -> None:
                place = self._place(row, start, count, column, columns)
                store_tile(f, self.product.epilogue, F32, SHAPE.lanes, place)

            self.product.rows.store(w, base, first, height, store)

    def _emit_init(self, column: Integer, columns: Integer) -> None:
        """Write the first accumulators, the bias or zeros, to the start of scratch."""
        f, w = self.f, self.w
        for j in range(SHAPE.vectors):
            first = j * SHAPE.lanes
            value = "zeroinitializer"
            if self.product.has_bias:
                bias = f.at(w.batch_address("bias", F32.itemsize), f.mul(f.add(column, first), F32.itemsize))
                value = f.load(F32, bias, SHAPE.lanes, f.lanes_below(f.sub(columns, first), SHAPE.lanes))
            f.store(value, F32, f.at("%scratch", first * F32.itemsize), SHAPE.lanes)

    def _place(
        self, row: Integer, start: Integer, count: Integer, column: Integer, columns: Integer
    ) -> TilePlace:
        """Where `count` rows of a tile from its row `start` belong: from `row` of the result on."""
        f, w, epilogue = self.f, self.w, self.product.epilogue
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
        accumulators = f.at(self.tile, f.mul(start, SHAPE.columns * F32.itemsize))
        return TilePlace(accumulators, SHAPE.columns, count, columns, output, pitch, addresses, pitches)
