"""Rows of a split product: numbers copied to scratch as bfloat16 parts, and where results belong.

A row is as long as a pixel's channels: for each tap, rows that follow each other are `pitch` bytes apart.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

from jitrt.codegen.amx import ROW_BYTES
from jitrt.codegen.function import Function, Integer
from jitrt.codegen.walk import Walk, strided
from jitrt.codegen.weights import CHUNK
from jitrt.expr import Dtype

LANES = CHUNK // 2
AXES = ("d", "h", "w")
Store = Callable[[Integer, Integer, Integer], None]


class SplitRows(Protocol):
    """What the rows of a block are copied from."""

    @property
    def arguments(self) -> tuple[str, ...]: ...

    def copy(self, w: Walk, parts: int, base: Integer, count: Integer, out: str) -> Integer:
        """Emit the copy for `count` rows or lines of the result from `base` on; returns rows to multiply.

        Of each row, `k` elements from `k.first` on are copied.
        """

    def offsets(self, w: Walk, count: Integer, out: str) -> None:
        """Emit the table of each tap's first row."""

    def store(self, w: Walk, base: Integer, first: Integer, height: Integer, emit: Store) -> None:
        """Emit `emit(row of the result, row of the tile, rows)` for what belongs to the result of a tile."""


@dataclass(frozen=True)
class MatrixRows:
    """Rows of a matrix whose columns are adjacent."""

    source: Dtype
    arguments = strided("A", "row")

    def copy(self, w: Walk, parts: int, base: Integer, count: Integer, out: str) -> Integer:
        """Row by row."""
        f = w.f
        pitch = f.mul(w["A.row"], self.source.itemsize)
        start = f.at(w.batch_address("A", self.source.itemsize), f.mul(base, pitch))
        start = f.at(start, f.mul(w["k.first"], self.source.itemsize))
        with f.count(0, count) as i:
            split_row(w, self.source, parts, f.at(start, f.mul(i, pitch)), f.at(out, f.mul(i, w["pitch"])))
        return count

    def offsets(self, w: Walk, count: Integer, out: str) -> None:
        """There is one tap."""
        w.f.put("i64", 0, out)

    def store(self, w: Walk, base: Integer, first: Integer, height: Integer, emit: Store) -> None:
        """All rows follow each other."""
        emit(w.f.add(base, first), 0, height)


@dataclass(frozen=True)
class ImageLines:
    """Lines of channels-last images with zeros around them, for the windows of a convolution.

    The pixels that a stride leads to from one another are laid out as an image of their own: there are
    `kernel.d` x `phases.h` x `phases.w` images of `lines.more` lines beyond those of the result, and lines of
    `line` pixels. A tap is a part of one of them, whose pixels follow each other like those of the result,
    which is as wide as `line`, too: what is computed in its last columns is not used. The inner batch is the
    depth of the result.
    """

    source: Dtype
    arguments = (
        *strided("X"),
        *("line", "lines.more"),
        *(
            f"{name}.{axis}"
            for name in ("in", "out", "kernel", "stride", "dilation", "pad", "step", "phases")
            for axis in AXES
        ),
    )

    def copy(self, w: Walk, parts: int, base: Integer, count: Integer, out: str) -> Integer:
        """Line by line:

        for kd, phase.h, phase.w, line:
            plane = depth * stride.d + kd * dilation.d - pad.d
            row = (base + line) * stride.h + phase.h - pad.h
            for column:
                x = column * stride.w + phase.w - pad.w
                out[...] = x, row, plane inside ? X[plane, row, x] : 0
        """
        f = w.f
        image, size = w.batch_address("X", self.source.itemsize), self.source.itemsize
        lines = f.add(count, w["lines.more"])
        cell = f.cell("ptr", out)
        axes = (w["kernel.d"], w["phases.h"], w["phases.w"], lines)
        with ExitStack() as loops:
            kd, ph, pw, line = (loops.enter_context(f.count(0, size)) for size in axes)
            below = f.add(f.mul(w.inner, w["stride.d"]), f.mul(kd, w["dilation.d"]))
            plane = f.sub(below, w["pad.d"])
            position = f.add(f.mul(f.add(base, line), w["stride.h"]), ph)
            row = f.sub(position, w["pad.h"])
            deep = f.let(f"icmp ult i64 {plane}, {w['in.d']}")
            inside = f.let(f"and i1 {deep}, {f.let(f'icmp ult i64 {row}, ' + w['in.h'])}")
            shift = f.sub(w["pad.w"], pw)
            end = f.min(self._columns(w, f.add(w["in.w"], shift)), w["line"])
            end = f.select(inside, end, 0)
            begin = f.min(self._columns(w, shift), end)
            place = cell.get()
            clear_rows(w, parts, place, begin)
            source = f.add(f.mul(row, w["step.h"]), f.mul(f.sub(0, shift), w["step.w"]))
            source = f.add(source, f.mul(plane, w["step.d"]))
            start = f.at(image, f.mul(f.add(source, w["k.first"]), size))
            apart = f.mul(f.mul(w["stride.w"], w["step.w"]), size)
            with f.count(begin, end) as column:
                pixel, row_out = f.at(start, f.mul(column, apart)), f.at(place, f.mul(column, w["pitch"]))
                split_row(w, self.source, parts, pixel, row_out)
            clear_rows(w, parts, f.at(place, f.mul(end, w["pitch"])), f.sub(w["line"], end))
            cell.set(f.at(place, f.mul(w["line"], w["pitch"])))
        return f.sub(f.mul(count, w["line"]), f.sub(w["line"], w["out.w"]))

    def _columns(self, w: Walk, width: Integer) -> Integer:
        """Columns of a phase below column `width` of the image."""
        return w.f.ceil_div(w.f.max(width, 0), w["stride.w"])

    def offsets(self, w: Walk, count: Integer, out: str) -> None:
        """`offset = (((kd * phases.h + ph) * phases.w + pw) * lines + row) * line + column`, in rows."""
        f = w.f
        lines = f.add(count, w["lines.more"])
        with ExitStack() as loops:
            kd, kh, kw = (loops.enter_context(f.count(0, w[f"kernel.{axis}"])) for axis in AXES)
            y, x = f.mul(kh, w["dilation.h"]), f.mul(kw, w["dilation.w"])
            phase = f.add(f.mul(kd, w["phases.h"]), f.rem(y, w["stride.h"]))
            phase = f.add(f.mul(phase, w["phases.w"]), f.rem(x, w["stride.w"]))
            line = f.add(f.mul(phase, lines), f.div(y, w["stride.h"]))
            row = f.add(f.mul(line, w["line"]), f.div(x, w["stride.w"]))
            tap = f.add(f.mul(f.add(f.mul(kd, w["kernel.h"]), kh), w["kernel.w"]), kw)
            place = f.at(out, tap, "i64")
            f.put("i64", f.mul(row, w["pitch"]), place)

    def store(self, w: Walk, base: Integer, first: Integer, height: Integer, emit: Store) -> None:
        """Line by line."""
        f = w.f
        end = f.add(first, height)
        with f.count(f.div(first, w["line"]), f.ceil_div(end, w["line"])) as line:
            left = f.mul(line, w["line"])
            start, stop = f.max(left, first), f.min(f.add(left, w["out.w"]), end)
            row = f.add(f.mul(f.add(base, line), w["out.w"]), f.sub(start, left))
            emit(row, f.sub(start, first), f.sub(stop, start))


def split_row(w: Walk, source: Dtype, parts: int, start: str, out: str) -> None:
    """Emit the split of k adjacent elements; the last chunk is filled up with zeros."""
    f, size = w.f, source.itemsize
    whole = f.div(w["k"], CHUNK)

    def split_chunk(chunk: Integer, masks: tuple[str, str] | None) -> None:
        place = f.at(start, f.mul(chunk, CHUNK * size))
        halves = [
            f.load(source, f.at(place, i * LANES * size), LANES, None if masks is None else masks[i])
            for i in range(2)
        ]
        for part, line in enumerate(split(f, halves, parts)):
            row = f.at(out, f.mul(chunk, parts * ROW_BYTES))
            f.put(f"<{CHUNK} x i16>", line, f.at(row, part * ROW_BYTES), ROW_BYTES)

    with f.count(0, whole) as chunk:
        split_chunk(chunk, None)
    left = f.sub(w["k"], f.mul(whole, CHUNK))
    with f.when(f.compare("sgt", left, 0)):
        split_chunk(whole, (f.lanes_below(left, LANES), f.lanes_below(f.sub(left, LANES), LANES)))


def split(f: Function, halves: list[str], parts: int) -> list[str]:
    """Emit the parts, each a <32 x i16>, of two vectors of 16 float32: the upper halves of what is left.

    The last one is rounded to nearest where there are fewer than a float32 number has.

    An infinity or a NaN is its last part, and that is multiplied with first parts only: whatever the other
    factor's further parts are, the result is that of IEEE arithmetic.
    """
    vector, bits, finite = f"<{LANES} x float>", f"<{LANES} x i32>", ("i32", "504")
    masks = [
        f.call(f"llvm.is.fpclass.v{LANES}f32", f"<{LANES} x i1>", (vector, half), finite) for half in halves
    ]
    lines = []
    for part in range(parts):
        upper = []
        for i, half in enumerate(halves):
            raw = f.let(f"bitcast {vector} {half} to {bits}")
            if part == parts - 1 < 2:
                nearest = f.let(f"add {bits} {raw}, splat (i32 32768)")
                raw = f.let(f"select <{LANES} x i1> {masks[i]}, {bits} {nearest}, {bits} {raw}")
            if part < parts - 1:
                kept = f.let(f"and {bits} {raw}, splat (i32 -65536)")
                raw = f.let(f"select <{LANES} x i1> {masks[i]}, {bits} {kept}, {bits} zeroinitializer")
                value = f.let(f"bitcast {bits} {raw} to {vector}")
                halves = [f.let(f"fsub {vector} {h}, {value}") if n == i else h for n, h in enumerate(halves)]
            upper.append(f.let(f"bitcast {bits} {raw} to <{CHUNK} x i16>"))
        odd = ", ".join(f"i32 {2 * n + 1}" for n in range(CHUNK))
        both = ", ".join(f"<{CHUNK} x i16> {half}" for half in upper)
        lines.append(f.let(f"shufflevector {both}, <{CHUNK} x i32> <{odd}>"))
    return lines


def clear_rows(w: Walk, parts: int, start: str, count: Integer) -> None:
    """Emit zeros for `count` rows."""
    f = w.f
    nbytes = f.mul(f.max(count, 0), w["pitch"])
    f.call("llvm.memset.p0.i64", "void", ("ptr", start), ("i8", "0"), ("i64", str(nbytes)), ("i1", "false"))
