"""The driver of a Winograd convolution: transforms, calls of micro-kernels, stores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jitrt.codegen.epilogue import TilePlace, store_tile
from jitrt.codegen.function import Function, Integer, module
from jitrt.codegen.product_code import is_address
from jitrt.codegen.winograd import FLAT, Winograd


def driver(own: Winograd, symbol: str) -> str:
    """The IR of a kernel:

    for block in begin..end:
        for tile in block, and in the slices that it needs beside its own:
            pointers = pixels under the tile, or zeros outside of the image
            for each vector of channels:
                V[:, tile] = B^T pointers[...] B
        for as many panels as are multiplied together:
            for position, panel, rows of tiles:
                pointers[tap] = V[position, rows + tap]
                microkernel(pointers, panel of U[position], M[panel, position, rows])
            for panel, tile in block:
                outputs = A^T M[panel, :, tile] A + bias
                for row of the tile inside of the image:
                    store epilogue(outputs[row])
    """
    f = Function(symbol, "ptr %args, i64 %begin, i64 %end, ptr %scratch", "i64", own.target)
    arguments = {
        name: f.get("ptr" if is_address(name) else "i64", f.at("%args", 8 * i))
        for i, name in enumerate(own.names)
    }
    if own.flat:
        arguments |= {name: str(value) for name, value in FLAT.items()}
    _Driver(own, f, arguments).emit()
    f.do("ret i64 0")
    return module(f)


@dataclass(frozen=True)
class _Tile:
    """A tile: its number in the block, its image, its slice, and its first row and column in the output."""

    number: str
    image: Integer
    depth: Integer
    row: Integer
    column: Integer


class _Driver:
    def __init__(self, own: Winograd, f: Function, arguments: Mapping[str, str]) -> None:
        self.own, self.f, self.arguments = own, f, arguments
        self.transform, self.shape = own.transform, own.shape
        self.dtype, self.size, self.lanes = own.dtype, own.dtype.itemsize, own.shape.lanes
        self.row_bytes = f.mul(self["V.row"], self.size)

    def __getitem__(self, name: str) -> str:
        return self.arguments[name]

    def _place(self, name: str) -> str:
        return self.f.at("%scratch", self[f"scratch.{name}"])

    def emit(self) -> None:
        f = self.f
        panels = f.ceil_div(self["n"], self.shape.columns)
        self._clear("%scratch", self.shape.columns)
        self._clear(self._place("zeros"), self["V.row"])
        with f.count(f.div("%begin", panels), f.ceil_div("%end", panels)) as block:
            base = f.div(f.mul(self["m"], block), self["blocks"])
            count = f.sub(f.div(f.mul(self["m"], f.add(block, 1)), self["blocks"]), base)
            start, slices = self._line(base), f.add(self["out.d"], f.sub(self["taps"], 1))
            with f.count(0, count) as number:
                line = f.sub(self._line(f.add(base, number)), start)
                f.put("i64", f.mul(line, self.row_bytes), f.at(self._place("lines"), number, "i64"))
            end = f.add(self._line(f.add(base, f.sub(count, 1))), self["taps"])
            with f.count(0, f.sub(end, start)) as number:
                self._transform_inputs(self._tile(number, f.add(start, number), slices))
            before = f.mul(block, panels)
            low, high = f.max(f.sub("%begin", before), 0), f.min(f.sub("%end", before), panels)
            with f.count(low, high, self["together"]) as first:
                panels = f.min(f.sub(high, first), self["together"])
                self._multiply(first, panels, count)
                with f.count(0, panels) as panel, f.count(0, count) as number:
                    tile = self._tile(number, f.add(base, number), self["out.d"])
                    self._transform_outputs(f.add(first, panel), self._products(panel), tile)

    def _clear(self, place: str, length: Integer) -> None:
        nbytes = ("i64", str(self.f.mul(length, self.size)))
        self.f.call("llvm.memset.p0.i64", "void", ("ptr", place), ("i8", "0"), nbytes, ("i1", "false"))

    def _line(self, tile: Integer) -> Integer:
        """The number of the first transformed slice that a tile of the output needs.

        The tiles of neighbouring slices follow each other, and need slices that do, of which there are more.
        """
        f = self.f
        return f.add(tile, f.mul(f.div(tile, self["out.d"]), f.sub(self["taps"], 1)))

    def _tile(self, number: str, line: Integer, slices: Integer) -> _Tile:
        """Tile `number` of the block: `line` of all, of which `slices` at a time lie over each other."""
        f, size = self.f, self.transform.outputs
        columns = f.div(line, slices)
        rows = f.div(columns, self["tiles.w"])
        column, row = f.rem(columns, self["tiles.w"]), f.rem(rows, self["tiles.h"])
        image = f.div(rows, self["tiles.h"])
        return _Tile(number, image, f.rem(line, slices), f.mul(row, size), f.mul(column, size))

    def _transform_inputs(self, tile: _Tile) -> None:
        f, n, vector = self.f, self.transform.inputs, f"<{self.lanes} x {self.shape.scalar}>"
        pointers = self._place("pointers")
        image = f.at(self["X"], f.mul(f.mul(tile.image, self["X.outer"]), self.size))
        self._point_to_pixels(tile, image, pointers)
        out = f.at(self._place("V"), f.mul(tile.number, self.row_bytes))
        apart = f.mul(self["V.position"], self.size)
        with f.count(0, self["k"], self.lanes) as k:
            mask, offset = f.lanes_below(f.sub(self["k"], k), self.lanes), f.mul(k, self.size)
            columns = []
            for j in range(n):
                pixels = [f.at(f.get("ptr", f.at(pointers, i * n + j, "ptr")), offset) for i in range(n)]
                values = [f.load(self.dtype, pixel, self.lanes, mask) for pixel in pixels]
                columns.append(self.transform.along_inputs(f, self.dtype, self.lanes, values))
            place = f.at(out, offset)
            for i in range(n):
                row = self.transform.along_inputs(f, self.dtype, self.lanes, [c[i] for c in columns])
                for value in row:
                    f.put(vector, value, place, 64)
                    place = f.at(place, apart)

    def _point_to_pixels(self, tile: _Tile, image: str, pointers: str) -> None:
        """Write the addresses of the input's pixels under a tile, row by row."""
        f, n = self.f, self.transform.inputs
        z = f.sub(tile.depth, self["pad.d"])
        stride = self.transform.stride
        y = f.sub(f.mul(tile.row, stride), self["pad.h"])
        x = f.sub(f.mul(tile.column, stride), self["pad.w"])
        plane = f.at(image, f.mul(f.mul(z, self["X.step.d"]), self.size))
        deep = f.let(f"icmp ult i64 {z}, {self['in.d']}")
        columns = [f.add(x, j) for j in range(n)]
        inside = [f.let(f"icmp ult i64 {column}, {self['in.w']}") for column in columns]
        steps = [f.mul(f.mul(column, self["X.step.w"]), self.size) for column in columns]
        zeros = self._place("zeros")
        with f.count(0, n) as i:
            row = f.add(y, i)
            line = f.at(plane, f.mul(f.mul(row, self["X.step.h"]), self.size))
            known = f.let(f"and i1 {deep}, {f.let(f'icmp ult i64 {row}, ' + self['in.h'])}")
            place = f.at(pointers, f.mul(i, n), "ptr")
            for j in range(n):
                here = f.let(f"and i1 {known}, {inside[j]}")
                f.put("ptr", f.select(here, f.at(line, steps[j]), zeros, "ptr"), f.at(place, j, "ptr"))

    def _products(self, panel: str) -> str:
        """Where the products of a panel lie, by its number among those that are multiplied together."""
        f = self.f
        apart = f.mul(self["M.position"], self.transform.positions * self.size)
        return f.at(self._place("M"), f.mul(panel, apart))

    def _multiply(self, first: str, panels: Integer, count: Integer) -> None:
        """`M[panel, position] = V[position] x U[position]` for a block's tiles and panels from `first` on."""
        f, size = self.f, self.size
        with f.count(0, self.transform.positions) as position, f.count(0, panels) as panel:
            following = f.add(panel, 1)
            last = f.let(f"zext i1 {f.compare('eq', following, panels)} to i64")
            b = self._weights(f.add(first, panel), position)
            after = self._weights(f.add(first, f.sub(following, f.mul(last, panels))), f.add(position, last))
            v = f.at(self._place("V"), f.mul(f.mul(position, self["V.position"]), size))
            m = f.at(self._products(panel), f.mul(f.mul(position, self["M.position"]), size))
            self._multiply_panel(self._columns(f.add(first, panel)), count, v, b, m, after)

    def _multiply_panel(self, columns: Integer, count: Integer, v: str, b: str, m: str, after: str) -> None:
        """`m = v x b` for so many columns and `count` tiles, which share out what lies `after` to fetch."""
        f, shape = self.f, self.shape
        terms, vectors = f.mul(self["taps"], self["k"]), f.ceil_div(columns, self.lanes)
        width = f.mul(vectors, self.lanes)
        parts = f.ceil_div(count, shape.rows)
        low, high = f.div(count, parts), f.rem(count, parts)
        share = f.ceil_div(f.mul(width, self.size), parts)
        with f.count(0, parts) as part:
            first = f.add(f.mul(part, low), f.min(part, high))
            height = f.add(low, f.let(f"zext i1 {f.compare('slt', part, high)} to i64"))
            self._point_to_rows(v, first, height)
            out = f.at(m, f.mul(first, shape.columns * self.size))
            addresses = (self._place("pointers"), b, "%scratch", out)
            numbers = (height, self["taps"], self["k"], width, shape.columns, 0, columns)
            passed = (*(f"ptr {a}" for a in addresses), *(f"i64 {n}" for n in numbers))
            passed += (f"ptr {f.at(after, f.mul(f.mul(part, share), terms))}", f"i64 {share}")
            f.do(f"call void {self._microkernel(vectors)}({', '.join(passed)})")

    def _weights(self, panel: Integer, position: Integer) -> str:
        """The address of a panel's kernels at a position."""
        f = self.f
        terms = f.mul(f.mul(self["taps"], self["k"]), self.size)
        width = f.mul(f.ceil_div(self._columns(panel), self.lanes), self.lanes)
        before = f.mul(panel, self.shape.columns * self.transform.kernels**2)
        return f.at(self["B"], f.mul(f.add(before, f.mul(self._kernel(position), width)), terms))

    def _kernel(self, position: Integer) -> Integer:
        """The number of the kernel that a position has."""
        f, n, kernels = self.f, self.transform.inputs, self.transform.kernels
        if kernels == n:
            return position
        row, column = (f.min(i, kernels - 1) for i in (f.div(position, n), f.rem(position, n)))
        return f.add(f.mul(row, kernels), column)

    def _point_to_rows(self, v: str, first: Integer, height: Integer) -> None:
        """Write the addresses of the rows of V that `height` tiles from `first` on need, tap by tap."""
        f = self.f
        with f.count(0, self["taps"]) as tap:
            start = f.at(v, f.mul(tap, self.row_bytes))
            table = f.at(self._place("pointers"), f.mul(tap, self.shape.table_rows), "ptr")
            with f.count(0, height) as i:
                line = f.get("i64", f.at(self._place("lines"), f.add(first, i), "i64"))
                f.put("ptr", f.at(start, line), f.at(table, i, "ptr"))

    def _microkernel(self, vectors: Integer) -> str:
        """The address of the micro-kernels for a panel of so many vectors."""
        chosen = self[f"microkernel{self.shape.vectors}"]
        for v in range(self.shape.vectors - 1, 0, -1):
            chosen = self.f.select(self.f.compare("eq", vectors, v), self[f"microkernel{v}"], chosen, "ptr")
        return chosen

    def _columns(self, panel: Integer) -> str:
        """The number of columns of a panel."""
        f = self.f
        return f.min(f.sub(self["n"], f.mul(panel, self.shape.columns)), self.shape.columns)

    def _transform_outputs(self, panel: Integer, m: str, tile: _Tile) -> None:
        f, n, size = self.f, self.transform.inputs, self.transform.outputs
        columns, column = self._columns(panel), f.mul(panel, self.shape.columns)
        pitch = self.shape.columns * self.size
        products = f.at(m, f.mul(tile.number, pitch))
        apart = f.mul(self["M.position"], self.size)
        outputs = self._place("outputs")
        with f.count(0, columns, self.lanes) as j:
            place, rows = f.at(products, f.mul(j, self.size)), []
            for _ in range(n):
                values = []
                for _ in range(n):
                    values.append(f.get(self.shape.vector, place, 64))
                    place = f.at(place, apart)
                rows.append(self.transform.along_outputs(f, self.dtype, self.lanes, values))
            bias = self._bias(f.add(column, j), f.sub(columns, j))
            for x in range(size):
                sums = self.transform.along_outputs(f, self.dtype, self.lanes, [row[x] for row in rows])
                for y, total in enumerate(sums):
                    value = total if bias is None else f.let(f"fadd {self.shape.vector} {total}, {bias}")
                    out = f.at(outputs, f.add((y * size + x) * pitch, f.mul(j, self.size)))
                    f.put(self.shape.vector, value, out, 64)
        height = f.min(f.sub(self["out.h"], tile.row), size)
        width = f.min(f.sub(self["out.w"], tile.column), size)
        with f.count(0, height) as line:
            row = f.at(outputs, f.mul(line, size * pitch))
            self._store(row, tile, f.add(tile.row, line), width, column, columns)

    def _bias(self, column: Integer, columns: Integer) -> str | None:
        if not self.own.has_bias:
            return None
        f = self.f
        address = f.at(self["bias"], f.mul(column, self.size))
        return f.load(self.dtype, address, self.lanes, f.lanes_below(columns, self.lanes))

    def _store(
        self, values: str, tile: _Tile, y: Integer, width: Integer, column: Integer, columns: Integer
    ) -> None:
        """Store a row of a tile's outputs."""
        f, epilogue, size = self.f, self.own.epilogue, self.own.epilogue.root.dtype.itemsize
        pitch = f.mul(self["Y.step.w"], size)
        plane = f.add(f.mul(tile.image, self["Y.outer"]), f.mul(tile.depth, self["Y.step.d"]))
        offset = f.add(plane, f.mul(y, self["Y.step.h"]))
        output = f.at(f.at(self["Y"], f.mul(f.add(offset, column), size)), f.mul(tile.column, pitch))
        line = f.add(f.mul(tile.depth, self["out.h"]), y)
        pixel = f.add(f.mul(line, self["out.w"]), tile.column)
        addresses: list[str] = []
        pitches: list[Integer] = []
        for i, operand in enumerate(epilogue.operands):
            itemsize = operand.dtype.itemsize
            pitches.append(f.mul(self[f"E{i}.row"], itemsize) if operand.strides[1] != 0 else 0)
            image = f.mul(f.mul(tile.image, self[f"E{i}.outer"]), itemsize) if operand.strides[0] != 0 else 0
            along: Integer = f.mul(column, itemsize) if operand.strides[2] else 0
            start = f.add(f.add(image, along), f.mul(pixel, pitches[-1]))
            addresses.append(f.at(self[f"E{i}"], start))
        place = TilePlace(values, self.shape.columns, width, columns, output, pitch, addresses, pitches)
        store_tile(f, epilogue, self.dtype, self.lanes, place)
