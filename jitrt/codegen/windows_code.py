"""The driver of kernels over sliding windows: it walks tiles."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from jitrt.codegen.function import Function, Integer, module
from jitrt.codegen.vector import element, literal
from jitrt.codegen.windows import BLOCK_ROWS, ENTRY, VECTORS, Windows
from jitrt.codegen.windows_tile import Tile, moving, parameters
from jitrt.types import BOOL, is_float


def driver(windows: Windows, symbol: str) -> str:
    """The IR of a kernel:

    for image, block of rows, in begin..end:
        table = for each row, lines of the input under its windows
        for chunk of channels:
            first sums of the chunk's vectors, addresses of their weights
            for width in widths, while it fits the row:
                the tile of this width, inside of the image or at an edge of it, in all rows of the block
    """
    f = Function(symbol, "ptr %args, i64 %begin, i64 %end, ptr %scratch", "i64", windows.target)
    arguments = {
        name: f.get("ptr" if is_address(name) else "i64", f.at("%args", 8 * i))
        for i, name in enumerate(windows.names)
    }
    _Driver(windows, f, arguments).emit()
    f.do("ret i64 0")
    tiles = [Tile(windows, width, edge).function() for edge in (False, True) for width in windows.widths]
    return module(f, *tiles)


def is_address(name: str) -> bool:
    """Whether an argument is an address."""
    return name in ("X", "Y", "B", "bias") or (name[0] == "E" and "." not in name)


def _initial(windows: Windows) -> str:
    """What a window of nothing has: what elements outside of the image are taken for."""
    dtype = windows.dtype
    lowest = -np.inf if is_float(dtype) else np.iinfo(dtype).min
    return literal(lowest if windows.combine == "max" else 0, dtype, windows.lanes)


class _Driver:
    def __init__(self, windows: Windows, f: Function, arguments: Mapping[str, str]) -> None:
        self.windows, self.f, self.w = windows, f, arguments
        self.size = windows.dtype.itemsize
        self.out_size = windows.epilogue.root.dtype.itemsize

    def emit(self) -> None:
        f, w, windows = self.f, self.w, self.windows
        outside = f.at("%scratch", windows.outside)
        f.store(_initial(windows), windows.dtype, outside, windows.lanes)
        row_bytes = self._row_bytes()
        rows = f.max(f.mul(w["out.d"], w["out.h"]), 1)
        with f.count(f.div("%begin", rows), f.ceil_div("%end", rows)) as image:
            before = f.mul(image, rows)
            first, last = f.max(f.sub("%begin", before), 0), f.min(f.sub("%end", before), rows)
            with f.count(first, last, BLOCK_ROWS) as start:
                stop = f.min(f.add(start, BLOCK_ROWS), last)
                with f.count(start, stop) as row:
                    table = f.add(windows.table, f.mul(f.sub(row, start), row_bytes))
                    self._write_row(row, f.at("%scratch", table))
                with f.count(0, w["channels"], VECTORS * windows.lanes) as channel:
                    self._emit_chunk(image, f.sub(stop, start), channel)

    def _row_bytes(self) -> Integer:
        """Bytes of the table for a row, kept for the tiles."""
        f, w, windows = self.f, self.w, self.windows
        lines = f.mul(w["kernel.d"], w["kernel.h"])
        if windows.taps == 1:
            lines = f.mul(lines, w["kernel.w"])
        count = f.add(f.mul(lines, ENTRY), windows.header)
        f.put("i64", count, f.at("%scratch", windows.row_bytes))
        return count

    def _write_row(self, row: str, header: str) -> None:
        """Write what tiles need to know of a row: the number of its lines, bytes to its places, lines.

        for kd, kh:
            if position inside: entry = bytes to the line, 0, bytes to its weights

        A row of windows that is too long to be unrolled is as many lines as it has elements.
        """
        f, w, windows = self.f, self.w, self.windows
        place = {"d": f.div(row, w["out.h"]), "h": f.rem(row, w["out.h"])}
        output = f.add(f.mul(place["d"], w["Y.d"]), f.mul(place["h"], w["Y.h"]))
        offsets = [f.mul(output, self.out_size)]
        for i in moving(windows):
            line = f.mul(row, w[f"E{i}.line"])
            offsets += [f.mul(line, windows.epilogue.operands[i].dtype.itemsize)]
        for n, offset in enumerate(offsets):
            f.put("i64", offset, f.at(header, 8 + 8 * n))
        lines, entry = f.cell("i64", "0"), f.cell("ptr", f.at(header, windows.header))
        parts = w["kernel.w"] if windows.taps == 1 else 1
        with f.count(0, w["kernel.d"]) as kd, f.count(0, w["kernel.h"]) as kh:
            d, h = (
                f.add(
                    f.sub(f.mul(place[axis], w[f"stride.{axis}"]), w[f"pad.{axis}"]),
                    f.mul(k, w[f"dilation.{axis}"]),
                )
                for axis, k in (("d", kd), ("h", kh))
            )
            inside = [f.let(f"icmp ult i64 {p}, {w[f'in.{axis}']}") for axis, p in (("d", d), ("h", h))]
            with f.when(f.let(f"and i1 {inside[0]}, {inside[1]}")):
                held = f.rem(h, w["ring"]) if windows.has_ring else h
                line = f.add(f.mul(d, w["step.d"]), f.mul(held, w["step.h"]))
                weights = f.mul(f.add(f.mul(kd, w["kernel.h"]), kh), w["kernel.w"])
                with f.count(0, parts) as kw:
                    column = f.mul(kw, w["dilation.w"])
                    position = f.add(line, f.mul(column, w["step.w"]))
                    for n, value in enumerate((f.mul(position, self.size), column, f.add(weights, kw))):
                        f.put("i64", value, f.at(entry.get(), 8 * n))
                    entry.set(f.at(entry.get(), ENTRY))
                    lines.set(str(f.add(lines.get(), 1)))
        f.put("i64", lines.get(), header)

    def _emit_chunk(self, image: str, rows: Integer, channel: str) -> None:
        f, w, windows = self.f, self.w, self.windows
        left = f.min(f.sub(w["channels"], channel), VECTORS * windows.lanes)
        vectors = f.ceil_div(left, windows.lanes)
        with f.count(0, vectors) as number:
            self._start_vector(image, number, f.add(channel, f.mul(number, windows.lanes)))
        pitch, output_pitch = f.mul(w["step.w"], self.size), f.mul(w["Y.w"], self.out_size)
        place = f.add(f.mul(image, w["X.batch"]), f.mul(f.div(channel, windows.outputs), windows.inputs))
        source = f.at(w["X"], f.mul(place, self.size))
        output = f.at(w["Y"], f.mul(f.add(f.mul(image, w["Y.batch"]), channel), self.out_size))
        reach = f.mul(f.sub(w["kernel.w"], 1), w["dilation.w"])  # negative in transposed convolutions
        before, after = f.min(reach, 0), f.max(reach, 0)
        kinds = parameters(windows)
        cut: Integer = 0
        for width in windows.widths:
            end = f.add(cut, f.mul(f.div(f.sub(w["out.w"], cut), width), width))
            with f.count(cut, end, width) as first:
                column = f.sub(f.mul(first, w["stride.w"]), w["pad.w"])
                last = f.add(f.add(column, (width - 1) * windows.stride), after)
                begins = f.compare("sge", f.add(column, before), 0)
                inside = f.let(f"and i1 {begins}, {f.compare('slt', last, w['in.w'])}")
                values = {
                    **{"scratch": "%scratch", "rows": rows, "vectors": vectors, "channels": left},
                    **{"input": f.at(source, f.mul(column, pitch)), "column": column, "columns": w["in.w"]},
                    **{"pitch": pitch, "ahead": f.mul(f.mul(w["stride.h"], w["step.h"]), self.size)},
                    **{"output": f.at(output, f.mul(first, output_pitch)), "output.pitch": output_pitch},
                }
                for i in moving(windows):
                    step = f.mul(w[f"E{i}.row"], windows.epilogue.operands[i].dtype.itemsize)
                    values |= {f"E{i}": f.at(self._operand(i, image, channel), f.mul(first, step))}
                    values |= {f"E{i}.pitch": step}
                listed = ", ".join(f"{kinds[name]} {values[name]}" for name in kinds)
                with f.branch(inside) as branch:
                    f.do(f"call void @tile0.{width}({listed})")
                    branch.otherwise()
                    f.do(f"call void @tile1.{width}({listed})")
            cut = end

    def _start_vector(self, image: str, number: str, channel: Integer) -> None:
        """Write what tiles need to know of a vector: weights, first sums, operands that are not `moving`."""
        f, w, windows = self.f, self.w, self.windows
        lanes, start = windows.lanes, f.at("%scratch", f.mul(number, windows.vector_state))
        mask = None if windows.whole else f.lanes_below(f.sub(w["channels"], channel), lanes)
        weights, pitch = self._weights(channel)
        f.put("ptr", weights, start)
        f.put("i64", pitch, f.at(start, 8))
        sums = _initial(windows)
        if windows.has_bias:
            sums = f.load(windows.dtype, f.at(w["bias"], f.mul(channel, self.size)), lanes, mask)
        f.store(sums, windows.dtype, f.at(start, windows.first), lanes)
        for i, operand in enumerate(windows.epilogue.operands):
            if i in moving(windows):
                continue
            place = self._operand(i, image, channel)
            if operand.strides[2] == 0:
                kind = "i1" if operand.dtype == BOOL else element(operand.dtype)
                value = f.splat(f.load(operand.dtype, place, 1), kind, lanes)
            else:
                value = f.load(operand.dtype, place, lanes, mask)
            f.store(value, operand.dtype, f.at(start, windows.operand(i)), lanes)

    def _operand(self, i: int, image: str, channel: Integer) -> str:
        """The address of an operand's first pixel in an image."""
        f, w, operand = self.f, self.w, self.windows.epilogue.operands[i]
        column = channel if operand.strides[2] else 0
        place = f.add(f.mul(image, w[f"E{i}.batch"]), column)
        return f.at(w[f"E{i}"], f.mul(place, operand.dtype.itemsize))

    def _weights(self, channel: Integer) -> tuple[str, Integer]:
        """The address of a vector's weights in the packed matrix, and bytes from row to row."""
        f, w, windows = self.f, self.w, self.windows
        if windows.combine != "fma":
            return "null", 0
        within = f.rem(channel, windows.columns)
        first = f.sub(channel, within)
        left = f.ceil_div(f.sub(w["channels"], first), windows.lanes)
        pitch = f.mul(f.min(f.mul(left, windows.lanes), windows.columns), self.size)
        rows = f.mul(f.mul(f.mul(w["kernel.d"], w["kernel.h"]), w["kernel.w"]), windows.inputs)
        start = f.at(w["B"], f.mul(f.mul(first, rows), self.size))
        return f.at(start, f.mul(within, self.size)), pitch
