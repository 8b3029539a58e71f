"""The driver of a split product: it copies rows as parts, calls micro-kernels, stores."""

from __future__ import annotations

from jitrt.codegen.amx import ROW_BYTES, configure_tiles, release_tiles
from jitrt.codegen.epilogue import store_tile
from jitrt.codegen.function import Function, Integer, module
from jitrt.codegen.product_code import emit_init, is_address, tile_place
from jitrt.codegen.split import SHAPE, SplitProduct
from jitrt.codegen.split_tiles import OUT_PITCH, PRODUCTS
from jitrt.codegen.walk import Walk
from jitrt.codegen.weights import CHUNK
from jitrt.types import F32


def driver(product: SplitProduct, symbol: str) -> str:
    """The IR of a split product's kernel:

    for batch, block in begin..end:
        for slice of k:
            rows = parts of the slice of the block's rows
            for panel:
                for tile of 32 in rows:
                    sums[panel, tile] = microkernel(rows[tile], slice of the panel of B, sums or bias)
                    in the last slice, store epilogue(sums[panel, tile])
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
        self.sums = w.f.at("%scratch", w["scratch.sums"])

    def emit(self) -> None:
        f, w, product = self.f, self.w, self.product
        panels = f.max(f.ceil_div(w["n"], SHAPE.columns), 1)
        with f.count(f.div("%begin", panels), f.ceil_div("%end", panels)) as number:
            batch, block = f.div(number, w["blocks"]), f.rem(number, w["blocks"])
            w.outer, w.inner = f.div(batch, w["batch.inner"]), f.rem(batch, w["batch.inner"])
            base = f.mul(block, w["block"])
            count = f.min(f.sub(w["m"], base), w["block"])
            before = f.mul(number, panels)
            low, high = f.max(f.sub("%begin", before), 0), f.min(f.sub("%end", before), panels)
            with f.count(0, w["chunks"], w["slice"]) as chunk:
                first = f.mul(chunk, CHUNK)
                part = {"k.first": str(first), "k": f.min(f.sub(w["k"], first), f.mul(w["slice"], CHUNK))}
                sliced = Walk(f, SHAPE, {**w.arguments, **part}, w.outer, w.inner)
                height = product.rows.copy(sliced, product.parts, base, count, self.rows)
                product.rows.offsets(w, count, self.offsets)
                with f.count(low, high) as panel:
                    self._emit_panel(panel, f.sub(panel, low), base, height, chunk)

    def _emit_panel(self, panel: str, number: Integer, base: Integer, rows: Integer, chunk: str) -> None:
        """A slice that starts with `chunk` of a panel, the call's `number`-th."""
        f, w, parts = self.f, self.w, self.product.parts
        column = f.mul(panel, SHAPE.columns)
        columns = f.min(f.sub(w["n"], column), SHAPE.columns)
        narrow = f.compare("sle", columns, SHAPE.lanes)
        microkernel = f.select(narrow, w["microkernel1"], w["microkernel2"], "ptr")
        chunks = f.min(f.sub(w["chunks"], chunk), w["slice"])
        all_chunks = f.mul(w["taps"], w["chunks"])
        row = CHUNK * parts * 2  # bytes of a chunk in a column
        b = f.at(w.batch_address("B", 2), f.mul(column, f.mul(all_chunks, row)))
        b = f.at(b, f.mul(f.mul(chunk, f.select(narrow, SHAPE.lanes, SHAPE.columns)), row))
        following = f.at(b, f.mul(all_chunks, row * SHAPE.columns))
        tiles = f.max(f.ceil_div(rows, SHAPE.rows), 1)
        products = len(PRODUCTS[parts])
        lines = f.ceil_div(SHAPE.columns * parts, f.mul(tiles, products))  # of a chunk of B, for each tile
        share = f.mul(f.mul(f.mul(w["taps"], chunks), lines), products * ROW_BYTES)
        starts, ends = f.compare("eq", chunk, 0), f.compare("sge", f.add(chunk, w["slice"]), w["chunks"])
        kept = f.compare("slt", w["slice"], w["chunks"])  # whether sums wait for the next slice
        with f.when(starts):
            emit_init(w, self.product.has_bias, F32, column, columns)
        with f.count(0, rows, SHAPE.rows) as first:
            tile = f.div(first, SHAPE.rows)
            place = f.select(kept, f.add(f.mul(number, tiles), tile), 0)
            sums = f.at(self.sums, f.mul(place, SHAPE.rows * OUT_PITCH))
            start = f.select(starts, "%scratch", sums, "ptr")
            pitch = f.select(starts, 0, OUT_PITCH)
            a = f.at(self.rows, f.mul(first, w["pitch"]))
            height = f.min(f.sub(rows, first), SHAPE.rows)
            fetch = f.at(following, f.mul(tile, share))
            arguments = (
                *(("ptr", address) for address in (a, b, start, sums)),
                *(("i64", height), ("ptr", self.offsets), ("i64", w["taps"]), ("i64", chunks)),
                *(("i64", w["pitch"]), ("i64", pitch), ("ptr", fetch), ("i64", lines)),
            )
            f.do(f"call void {microkernel}({', '.join(f'{kind} {value}' for kind, value in arguments)})")
            with f.when(ends):
                self._store(base, first, height, column, columns, sums)

    def _store(
        self, base: Integer, first: Integer, height: Integer, column: Integer, columns: Integer, sums: str
    ) -> None:
        """Store a tile of sums."""
        epilogue = self.product.epilogue

        def store(row: Integer, start: Integer, count: Integer) -> None:
            tile = self.f.at(sums, self.f.mul(start, OUT_PITCH))
            place = tile_place(self.w, epilogue, tile, row, count, column, columns)
            store_tile(self.f, epilogue, F32, SHAPE.lanes, place)

        self.product.rows.store(self.w, base, first, height, store)
