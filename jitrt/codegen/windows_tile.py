"""The tiles of kernels over sliding windows: neighbouring pixels in the rows of a block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from jitrt.codegen.function import Function, Integer
from jitrt.codegen.lower import lower
from jitrt.codegen.microkernel import multiply_add, tile_shape
from jitrt.codegen.vector import element, vector
from jitrt.codegen.windows import ENTRY, Windows
from jitrt.expr import Expr, walk
from jitrt.types import BOOL

INLINE = 8  # operations of an epilogue that is repeated for each pixel of a tile


def moving(windows: Windows) -> list[int]:
    """The operands of the epilogue that differ from pixel to pixel."""
    return [i for i, operand in enumerate(windows.epilogue.operands) if operand.strides[1] != 0]


def parameters(windows: Windows) -> dict[str, str]:
    """The parameters of tiles, with their types.

    Scratch; the rows of the block, and the vectors and channels of the chunk; the input at the tile's first
    element, the column of that and the input's width; bytes from pixel to pixel, and to what the next row
    needs; output and operands at the tile's first pixel, in the first row of the image.
    """
    numbers = ("rows", "vectors", "channels", "column", "columns", "pitch", "ahead", "output.pitch")
    operands = moving(windows)
    return {
        **{"scratch": "ptr", "input": "ptr", "output": "ptr"},
        **dict.fromkeys(numbers, "i64"),
        **{f"E{i}": "ptr" for i in operands},
        **{f"E{i}.pitch": "i64" for i in operands},
    }


def signature(windows: Windows) -> str:
    """The parameters as a definition lists them."""
    return ", ".join(f"{kind} %{name}" for name, kind in parameters(windows).items())


class Tile:
    """A tile of so many pixels, all of whose windows lie in the image, or at an `edge` of it."""

    def __init__(self, windows: Windows, width: int, edge: bool) -> None:
        self.windows, self.width, self.edge = windows, width, edge
        self.f = Function(f"tile{int(edge)}.{width}", signature(windows), "void", windows.target)
        self.lanes, self.vector = windows.lanes, vector(element(windows.dtype), windows.lanes)
        self.size, self.state = windows.dtype.itemsize, ""
        self.mask: str | None = None
        self.source_mask: str | None = None
        self.stored = windows.epilogue.root.dtype
        [self.root] = lower([windows.epilogue.root])

    def function(self) -> Function:
        """For two pixels and rows of three weights

        for row, vector:
            y0 = y1 = first
            for line in lines:
                x = load line;             y0 = fma(x, weights[0], y0)
                x = load line + pitch;     y0 = fma(x, weights[1], y0), y1 = fma(x, weights[0], y1)
                x = load line + 2 pitch;   y0 = fma(x, weights[2], y0), y1 = fma(x, weights[1], y1)
                x = load line + 3 pitch;   y1 = fma(x, weights[2], y1)
            store epilogue(y0), epilogue(y1)

        In groups, each x is as many vectors as a group has channels, whose lanes all have that channel of
        their group, and there are weights for each.
        """
        f, windows = self.f, self.windows
        row_bytes = f.get("i64", f.at("%scratch", windows.row_bytes))
        with f.count(0, "%rows") as row:
            header = f.at("%scratch", f.add(windows.table, f.mul(row, row_bytes)))
            lines = f.get("i64", header)
            output = f.at("%output", f.get("i64", f.at(header, 8)))
            operands = {
                i: f.at(f"%E{i}", f.get("i64", f.at(header, 16 + 8 * n)))
                for n, i in enumerate(moving(windows))
            }
            with f.count(0, "%vectors") as number:
                self._emit_vector(number, f.at(header, windows.header), lines, output, operands)
        f.do("ret void")
        return f

    def _emit_vector(
        self, number: str, table: str, lines: str, output: str, operands: Mapping[int, str]
    ) -> None:
        f, windows = self.f, self.windows
        channel = f.mul(number, self.lanes)
        self.state = f.at("%scratch", f.mul(number, windows.vector_state))
        if not windows.whole:
            self.mask = f.lanes_below(f.sub("%channels", channel), self.lanes)
        source_channel = f.mul(number, windows.span)
        self.source_mask = self.mask
        if self.mask is not None and windows.span != self.lanes:
            channels = f.mul(f.div("%channels", windows.outputs), windows.inputs)
            self.source_mask = f.lanes_below(f.sub(channels, source_channel), windows.span)
        weights, weights_pitch = f.get("ptr", self.state), f.get("i64", f.at(self.state, 8))
        source = f.at("%input", f.mul(source_channel, self.size))
        self._fetch(f.at(table, f.mul(f.sub(lines, 1), ENTRY)), source)
        first = f.load(windows.dtype, f.at(self.state, windows.first), self.lanes)
        with f.carrying(0, lines, 1, [("ptr", table), *[(self.vector, first)] * self.width]) as loop:
            entry, *sums = loop.values
            line, column, row = (f.get("i64", f.at(entry, 8 * n)) for n in range(3))
            first_row = f.mul(row, windows.inputs)
            taps = self._weights(f.at(weights, f.mul(first_row, weights_pitch)), weights_pitch)
            for step, users in self.uses.items():
                place = f.at(f.at(source, line), f.mul("%pitch", step))
                for n, x in enumerate(self._spread(self._element(place, column, step))):
                    for pixel, tap in users:
                        sums[pixel] = self._combine(sums[pixel], x, taps[tap * windows.inputs + n])
            loop.carry([f.at(entry, ENTRY), *sums])
        places = {i: f.at(p, self._along(i, channel)) for i, p in operands.items()}
        self._store(
            loop.values[1:], f.at(output, f.mul(channel, windows.epilogue.root.dtype.itemsize)), places
        )

    def _along(self, i: int, channel: Integer) -> Integer:
        """Bytes from an operand's first element of a pixel to that of a channel."""
        operand = self.windows.epilogue.operands[i]
        return self.f.mul(channel, operand.dtype.itemsize) if operand.strides[2] else 0

    @cached_property
    def uses(self) -> dict[int, list[tuple[int, int]]]:
        """For each element under the tile's windows, in steps of a pixel: pixels and taps that it meets."""
        windows = self.windows
        uses: dict[int, list[tuple[int, int]]] = {}
        for tap in range(windows.taps):
            for pixel in range(self.width):
                step = pixel * windows.stride + tap * windows.dilation
                uses.setdefault(step, []).append((pixel, tap))
        return dict(sorted(uses.items()))

    def _fetch(self, last: str, source: str) -> None:
        """Bring what the next row needs and this one does not into the nearest cache."""
        f = self.f
        line = f.at(f.at(source, f.get("i64", last)), "%ahead")
        for step in self.uses:
            f.prefetch(f.at(line, f.mul("%pitch", step)), near=True)

    def _weights(self, row: str, pitch: str) -> list[str]:
        """A row of weights, in the order of the taps; those of a tap's channels follow each other."""
        f, windows = self.f, self.windows
        if windows.combine != "fma":
            return [""] * windows.taps
        places = [f.at(row, f.mul(pitch, i)) for i in range(windows.taps * windows.inputs)]
        return [f.load(windows.dtype, place, self.lanes) for place in places]

    def _element(self, place: str, column: Integer, step: int) -> str:
        """An element; outside of the image, what windows of nothing have."""
        f, windows = self.f, self.windows
        if self.edge:
            position = f.add("%column", f.add(step, column if windows.taps == 1 else 0))
            inside = f.let(f"icmp ult i64 {position}, %columns")
            place = f.select(inside, place, f.at("%scratch", windows.outside), "ptr")
        return f.load(windows.dtype, place, windows.span, self.source_mask)

    def _spread(self, x: str) -> list[str]:
        """Vectors for channels of an element's groups: in vector n, lanes have channel n of their group."""
        f, windows = self.f, self.windows
        if windows.outputs == 1:
            return [x]
        kind = element(windows.dtype)
        if windows.span == 1:
            return [f.splat(x, kind, self.lanes)]
        source, lanes = vector(kind, windows.span), range(self.lanes)
        firsts = [lane // windows.outputs * windows.inputs for lane in lanes]
        chosen = [", ".join(f"i32 {first + n}" for first in firsts) for n in range(windows.inputs)]
        return [
            f.let(f"shufflevector {source} {x}, {source} poison, <{self.lanes} x i32> <{numbers}>")
            for numbers in chosen
        ]

    def _combine(self, total: str, x: str, weight: str) -> str:
        f, windows = self.f, self.windows
        if windows.combine != "fma":
            return f.binary(windows.combine, windows.dtype, total, x, self.lanes)
        return multiply_add(f, tile_shape(windows.dtype, windows.target), x, weight, total)

    def _store(self, sums: Sequence[str], output: str, operands: Mapping[int, str]) -> None:
        """Store the sums after the epilogue, whose code is repeated for each pixel only if it is short."""
        f, windows = self.f, self.windows
        if sum(bool(node.args) for node in walk(self.root)) <= INLINE:
            for n, total in enumerate(sums):
                self._store_pixel(n, total, output, operands)
            return
        tile = f.at("%scratch", windows.tile)
        for n, total in enumerate(sums):
            f.store(total, windows.dtype, f.at(tile, n * self.lanes * self.size), self.lanes)
        with f.count(0, self.width) as pixel:
            total = f.load(windows.dtype, f.at(tile, f.mul(pixel, self.lanes * self.size)), self.lanes)
            self._store_pixel(pixel, total, output, operands)

    def _store_pixel(self, n: Integer, total: str, output: str, operands: Mapping[int, str]) -> None:
        f, windows = self.f, self.windows

        def leaf(node: Expr) -> str:
            if node.value == 0:
                return total
            i = node.value - 1
            operand = windows.epilogue.operands[i]
            if i not in operands:
                return f.load(operand.dtype, f.at(self.state, windows.operand(i)), self.lanes)
            place = f.at(operands[i], f.mul(n, f"%E{i}.pitch"))
            if operand.strides[2] == 0:
                kind = "i1" if operand.dtype == BOOL else element(operand.dtype)
                return f.splat(f.load(operand.dtype, place, 1), kind, self.lanes)
            return f.load(operand.dtype, place, self.lanes, self.mask)

        value = f.emit(self.root, leaf, self.lanes, {})
        f.store(
            value, windows.epilogue.root.dtype, f.at(output, f.mul(n, "%output.pitch")), self.lanes, self.mask
        )
