"""The driver that matrix products and convolutions share: it walks tiles, calls micro-kernels, stores.

A product is a batch (two dimensions, row-major) of `Y[m, n] = bias[n] + rows[m] x B[n]`. Its rows come from a
row source as pointers, B from a panel source in panels as wide as a tile. A unit of work is one tile of one
panel, numbered so that any range of units is a good piece of work:

    unit = ((batch * row blocks + row block) * panels + panel) * tiles in the block + tile

The rows of a block stay in the second-level cache while the panels pass by, each once. The heights of tiles
are balanced and depend on m alone: a result's bits depend on sizes only, not on how units are dealt out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Protocol

from jitrt.codegen.depthwise_microkernel import depthwise_microkernels
from jitrt.codegen.epilogue import Epilogue, TilePlace, store_tile, stored_as_is
from jitrt.codegen.function import Function, Integer, module
from jitrt.codegen.kernel import Argument, Kernel, Ref, Step
from jitrt.codegen.microkernel import TileShape, microkernels, tile_shape
from jitrt.codegen.target import Target
from jitrt.dims import Size
from jitrt.expr import Dtype
from jitrt.types import short_name

IN_PLACE_BYTES = 1 << 19  # of the rows in a block: part of a second-level cache
PACKED_BYTES = 1 << 18
TABLE_BYTES = 1 << 16
LINE = 64  # bytes of a cache line
SCRATCH = ("panel", "table", "rows", "zeros")


@dataclass
class Walk:
    """The function under construction, its arguments by name, and the position in the batch."""

    f: Function
    shape: TileShape
    arguments: Mapping[str, str]
    outer: Integer = 0
    inner: Integer = 0

    def __getitem__(self, name: str) -> str:
        return self.arguments[name]

    def batch_address(self, name: str, itemsize: int) -> str:
        """The address of an operand's part for this position of the batch."""
        f = self.f
        outer = f.mul(f.mul(self.outer, self[f"{name}.outer"]), itemsize)
        inner = f.mul(f.mul(self.inner, self[f"{name}.inner"]), itemsize)
        return f.at(f.at(self[name], outer), inner)


def strided(name: str, *more: str) -> tuple[str, ...]:
    """The names of an operand's arguments: its address, strides along the batch, and further strides."""
    return (name, *(f"{name}.{part}" for part in ("outer", "inner", *more)))


def placed(name: str, ref: Ref, batch: tuple[Size, Size], **more: Size) -> dict[str, Argument]:
    """The argument values of a strided operand."""
    strides = {"outer": batch[0], "inner": batch[1], **more}
    return {name: ref, **{f"{name}.{part}": stride for part, stride in strides.items()}}


def extras(operands: Sequence[Matrix], bias: Ref | None, bias_inner: Size = 0) -> dict[str, Argument]:
    """The argument values of an epilogue's operands, and of a bias that moves along the batch's inner dimension."""
    values = {} if bias is None else placed("bias", bias, (0, bias_inner))
    for i, operand in enumerate(operands):
        values |= placed(f"E{i}", operand.ref, operand.batch, row=operand.row)
    return values


@dataclass(frozen=True)
class Matrix:
    """A batch of strided matrices in memory. Strides count elements; 0 along the batch repeats one matrix."""

    ref: Ref
    dtype: Dtype
    row: Size
    column: Size = 1
    batch: tuple[Size, Size] = (0, 0)


class RowSource(Protocol):
    """Where the rows of a tile come from. `packs` tells whether it fills scratch of its own for each tile."""

    @property
    def arguments(self) -> tuple[str, ...]: ...

    @property
    def packs(self) -> bool: ...

    def start(self, w: Walk) -> None:
        """Emit what a call does once."""

    def rows(self, w: Walk, first: Integer, height: Integer, table: str, own: str) -> None:
        """Emit the table of `height` rows from row `first`; `own` is the tile's scratch."""


class PanelSource(Protocol):
    """Where the panels of B come from. `ready` panels follow each other in memory."""

    @property
    def arguments(self) -> tuple[str, ...]: ...

    @property
    def ready(self) -> bool: ...

    def panel(self, w: Walk, number: str, columns: Integer, width: Integer) -> tuple[str, Integer]:
        """Emit the address of a panel and the elements from one of its rows to the next.

        `columns` of its `width` columns exist.
        """


def is_address(name: str) -> bool:
    """Whether an argument is an address: that of an operand, or of a micro-kernel."""
    return "." not in name and (name[0].isupper() or name == "bias" or name.startswith("microkernel"))


@dataclass(frozen=True)
class Product:
    """What a driver's code depends on: element types, sources of rows and panels, epilogue, target."""

    kind: str
    dtype: Dtype
    row_source: RowSource
    panel_source: PanelSource
    epilogue: Epilogue
    has_bias: bool
    target: Target
    diagonal: bool = False  # column n of the result is that of the rows, times B: a depthwise convolution

    @cached_property
    def shape(self) -> TileShape:
        """The tile."""
        return tile_shape(self.dtype, self.target)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The kernel's arguments, in order."""
        operands = (strided(f"E{i}", "row") for i in range(len(self.epilogue.operands)))
        return (
            *("m", "n", "k", "taps", "batch.inner", "zeros.length", *(f"scratch.{part}" for part in SCRATCH)),
            *(f"microkernel{v}" for v in range(1, self.shape.vectors + 1)),
            *self.row_source.arguments,
            *self.panel_source.arguments,
            *strided("Y", "row"),
            *(strided("bias") if self.has_bias else ()),
            *(name for operand in operands for name in operand),
        )

    @property
    def kernel(self) -> Kernel:
        """The driver's kernel."""
        name = f"{self.kind} {short_name(self.dtype)} {self.epilogue}"
        return Kernel(f"{self}", name[:60], self.build)

    def __str__(self) -> str:
        sources = f"{self.row_source} {self.panel_source}"
        return f"{self.kind} {self.shape} {sources} bias={self.has_bias} {self.epilogue} {self.target}"

    def microkernels(self, n: Size) -> dict[str, Argument]:
        """The micro-kernels that n columns need, as arguments."""
        shape, needed = self.shape, range(1, self.shape.vectors + 1)
        whole = False
        if isinstance(n, int):
            whole = n % shape.lanes == 0
            last = -(-(n % shape.columns) // shape.lanes)
            needed = [v for v in needed if v == last or (v == shape.vectors and n >= shape.columns)]
        family = partial(depthwise_microkernels, masked=not whole) if self.diagonal else microkernels
        return {
            f"microkernel{v}": family(self.dtype, v, self.target) if v in needed else 0
            for v in range(1, shape.vectors + 1)
        }

    def units(self, m: Size, n: Size) -> Size:
        """Units of work for one position of the batch."""
        rows, columns = self.shape.rows, self.shape.columns
        return (m + (rows - 1)) // rows * ((n + (columns - 1)) // columns)

    def step(self, values: dict[str, Argument], batch: Size, label: str, flops: Size, nbytes: Size) -> Step:
        """A step with arguments by name."""
        k, taps, m, n = (_size(values[name]) for name in ("k", "taps", "m", "n"))
        values.setdefault("zeros.length", k)
        offsets = self.scratch(k, taps, _size(values["zeros.length"]))
        values |= {f"scratch.{part}": offsets[part] for part in SCRATCH}
        arguments = tuple(values[name] for name in self.names)
        units = batch * self.units(m, n)
        return Step(self.kernel, arguments, units, label, flops, nbytes, scratch=offsets["end"])

    def scratch(self, k: Size, taps: Size, zeros_length: Size) -> dict[str, Size]:
        """Offsets into scratch, the total as `end`. The start holds the first accumulators and the tile."""
        shape, size = self.shape, self.dtype.itemsize
        panel_rows = 0 if self.panel_source.ready else k + (shape.lanes - 1)
        packed = PACKED_BYTES + k * (shape.rows * size) + 2 * LINE if self.row_source.packs else 0
        panel = (shape.rows + 1) * shape.columns * size
        table = panel + panel_rows * (shape.columns * size)
        rows = table + TABLE_BYTES + taps * (shape.table_rows * 8)
        zeros = rows + (packed + (LINE - 1)) // LINE * LINE
        return {
            "panel": panel,
            "table": table,
            "rows": rows,
            "zeros": zeros,
            "end": zeros + zeros_length * size,
        }

    def build(self, symbol: str) -> str:
        """The driver:

        for batch, row block, in begin..end:
            for tile in block:
                table[tile] = pointers of its rows
            for panel:
                init = bias, b = panel of B
                for tile in block:
                    microkernel(height, table[tile], b, init, scratch)
                    store epilogue(scratch)
        """
        f = Function(symbol, "ptr %args, i64 %begin, i64 %end, ptr %scratch", "i64", self.target)
        values = {}
        for i, name in enumerate(self.names):
            values[name] = f.get("ptr" if is_address(name) else "i64", f.at("%args", 8 * i))
        w = Walk(f, self.shape, values)
        _Driver(self, w).emit()
        f.do("ret i64 0")
        return module(f)


def _size(value: Argument) -> Size:
    assert not isinstance(value, (Ref, Kernel))
    return value


class _Driver:
    def __init__(self, product: Product, w: Walk) -> None:
        self.product, self.w, self.f = product, w, w.f
        self.shape, self.size = product.shape, product.dtype.itemsize
        f = self.f
        self.tiles = f.ceil_div(w["m"], self.shape.rows)
        self.panels = f.ceil_div(w["n"], self.shape.columns)
        self.low = f.div(w["m"], self.tiles)  # height of the lower tiles; the first `high` are a row higher
        self.high = f.rem(w["m"], self.tiles)
        self.line = f.mul(w["taps"], self.shape.table_rows * 8)
        self.own = f.align(f.mul(w["k"], self.shape.rows * self.size)) if product.row_source.packs else 0
        self.block = self._block()

    def _block(self) -> Integer:
        """Tiles in a block: as many as the caches hold of rows, and of their table; one if B is diagonal."""
        f, packs = self.f, self.product.row_source.packs
        if self.product.diagonal:
            return 1
        tile = self.own if packs else f.mul(self.w["k"], self.shape.rows * self.size)
        fitting = f.div(PACKED_BYTES if packs else IN_PLACE_BYTES, f.max(tile, 1))
        return f.max(f.min(fitting, f.div(TABLE_BYTES, f.max(self.line, 1))), 1)

    def emit(self) -> None:
        f, w = self.f, self.w
        self.product.row_source.start(w)
        units = f.mul(self.tiles, self.panels)
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
        f, w = self.f, self.w
        first, last = f.div(begin, count), f.div(f.sub(end, 1), count)
        one = f.compare("eq", first, last)
        low = f.select(one, f.rem(begin, count), 0)
        high = f.select(one, f.add(f.rem(f.sub(end, 1), count), 1), count)
        with f.count(low, high) as tile:
            row, height = self._rows(f.add(base, tile))
            own = f.at("%scratch", f.add(w["scratch.rows"], f.mul(tile, self.own)))
            self.product.row_source.rows(w, row, height, self._table(tile), own)
        with f.count(first, f.add(last, 1)) as panel:
            before = f.mul(panel, count)
            left, right = f.max(f.sub(begin, before), 0), f.min(f.sub(end, before), count)
            self._emit_panel(panel, base, left, right)

    def _rows(self, tile: Integer) -> tuple[Integer, Integer]:
        """The first row and the height of a tile."""
        f = self.f
        row = f.add(f.mul(tile, self.low), f.min(tile, self.high))
        return row, f.add(self.low, f.let(f"zext i1 {f.compare('slt', tile, self.high)} to i64"))

    def _table(self, tile: Integer) -> str:
        return self.f.at("%scratch", self.f.add(self.w["scratch.table"], self.f.mul(tile, self.line)))

    def _emit_panel(self, panel: str, base: Integer, begin: str, end: str) -> None:
        f, w, shape = self.f, self.w, self.shape
        column = f.mul(panel, shape.columns)
        columns = f.min(f.sub(w["n"], column), shape.columns)
        vectors = f.ceil_div(columns, shape.lanes)
        microkernel = w[f"microkernel{shape.vectors}"]
        for v in range(shape.vectors - 1, 0, -1):
            microkernel = f.select(f.compare("eq", vectors, v), w[f"microkernel{v}"], microkernel, "ptr")
        b, b_pitch = self.product.panel_source.panel(w, panel, columns, f.mul(vectors, shape.lanes))
        self._emit_init(column, columns)
        with f.count(begin, end) as tile:
            row, height = self._rows(f.add(base, tile))
            place = self._place(row, height, column, columns)
            direct = stored_as_is(self.product.epilogue, self.product.dtype)
            out, pitch = place.accumulators, str(shape.columns)
            whole = f.compare("eq", columns, shape.columns)
            if direct:
                out = f.select(whole, place.output, out, "ptr")
                pitch = f.select(whole, w["Y.row"], pitch)
            values = (
                height,
                w["taps"],
                w["k"],
                b_pitch,
                pitch,
                column,
                columns,
            )
            addresses = (self._table(tile), b, "%scratch", out)
            arguments = (*(f"ptr {a}" for a in addresses), *(f"i64 {v}" for v in values))
            f.do(f"call void {microkernel}({', '.join(arguments)})")
            if direct:
                with f.when(f.let(f"xor i1 {whole}, true")):
                    store_tile(f, self.product.epilogue, self.product.dtype, shape.lanes, place)
            else:
                store_tile(f, self.product.epilogue, self.product.dtype, shape.lanes, place)

    def _emit_init(self, column: Integer, columns: Integer) -> None:
        """Write the first accumulators, the bias or zeros, to the start of scratch."""
        f, w, shape, dtype = self.f, self.w, self.shape, self.product.dtype
        bias = (
            f.at(w.batch_address("bias", self.size), f.mul(column, self.size))
            if self.product.has_bias
            else ""
        )
        for j in range(shape.vectors):
            first = j * shape.lanes
            value = "zeroinitializer"
            if bias:
                mask = f.lanes_below(f.sub(columns, first), shape.lanes)
                value = f.load(dtype, f.at(bias, first * self.size), shape.lanes, mask)
            f.store(value, dtype, f.at("%scratch", first * self.size), shape.lanes)

    def _place(self, row: Integer, height: Integer, column: Integer, columns: Integer) -> TilePlace:
        f, w, shape, epilogue = self.f, self.w, self.shape, self.product.epilogue
        size = epilogue.root.dtype.itemsize
        pitch = f.mul(w["Y.row"], size)
        output = f.at(f.at(w.batch_address("Y", size), f.mul(row, pitch)), f.mul(column, size))
        addresses, pitches = [], []
        for i, operand in enumerate(epilogue.operands):
            itemsize = operand.dtype.itemsize
            pitches.append(f.mul(w[f"E{i}.row"], itemsize) if operand.strides[1] != 0 else 0)
            address = w.batch_address(f"E{i}", itemsize) if operand.strides[0] != 0 else w[f"E{i}"]
            along = f.mul(column, itemsize) if operand.strides[2] else 0
            addresses.append(f.at(f.at(address, f.mul(row, pitches[-1])), along))
        accumulators = f.at("%scratch", shape.columns * self.size)
        return TilePlace(accumulators, shape.columns, height, columns, output, pitch, addresses, pitches)
