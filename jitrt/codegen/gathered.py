"""Rows of a convolution copied together: inputs of few channels, of other layouts, of 16-bit floats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jitrt.codegen.function import Integer
from jitrt.codegen.ir import Cell
from jitrt.codegen.pixels import AXES, GEOMETRY
from jitrt.codegen.walk import Walk, strided
from jitrt.expr import Dtype


@dataclass(frozen=True)
class GatheredPixels:
    """One tap, whose rows are copied from an input of any strides and any float type.

    A row is a sequence of runs, each `run.length` adjacent elements of the input, `run.unit` of them a pixel.
    There are `runs.outer` x kernel.d x kernel.h x `runs.w` runs, `X.run` elements apart along the first. An
    input with adjacent channels has runs of whole kernel rows or of pixels; one with adjacent columns, runs
    of kernel rows for each channel.

    `runs`, where a row has few of them, are (runs.outer, kernel.d, kernel.h, run.length): pixels that have
    the whole kernel inside of the image are then copied without loops.
    """

    source: Dtype
    dtype: Dtype
    runs: tuple[int, int, int, int] | None = None
    packs = True
    arguments = (*strided("X", "run"), "run.length", "run.unit", "runs.outer", "runs.w", *GEOMETRY)

    def start(self, w: Walk) -> None:
        """Nothing to do."""

    def rows(self, w: Walk, first: Integer, height: Integer, table: str, own: str) -> None:
        """Copy row by row, run by run:

        for row, outer, kd, kh, kw:
            lanes of the run inside the image ? load X[...] : 0
        """
        f = w.f
        pitch = self.pitch(w)
        number = f.add(first, f.mul(w.inner, w["inner.rows"]))
        rest = f.div(number, w["out.w"])
        pixel = {
            "d": f.cell("i64", str(f.div(rest, w["out.h"]))),
            "h": f.cell("i64", str(f.rem(rest, w["out.h"]))),
            "w": f.cell("i64", str(f.rem(number, w["out.w"]))),
        }
        with f.count(0, height) as i:
            row = f.at(own, f.mul(i, pitch))
            f.put("ptr", row, f.at(table, i, "ptr"))
            origin = {
                axis: f.sub(f.mul(cell.get(), w[f"stride.{axis}"]), w[f"pad.{axis}"])
                for axis, cell in pixel.items()
            }
            self._copy_row(w, row, origin)
            self._advance(w, pixel)

    def pitch(self, w: Walk) -> Integer:
        """Bytes from row to row."""
        return w.f.mul(w["k"], self.dtype.itemsize)

    def lanes(self, w: Walk) -> int:
        """Elements that are copied at once."""
        return w.shape.lanes

    def copied(self, w: Walk, value: str, mask: str | None) -> str:
        """What is written for elements of the input, those outside of the mask being padding."""
        return value

    def _advance(self, w: Walk, pixel: dict[str, Cell]) -> None:
        """Go on to the next output pixel."""
        f = w.f
        carry = "true"
        for axis in reversed(AXES):
            following = f.add(pixel[axis].get(), f.let(f"zext i1 {carry} to i64"))
            carry = f.compare("eq", following, w[f"out.{axis}"])
            pixel[axis].set(str(f.select(carry, 0, following)))

    def _copy_row(self, w: Walk, row: str, origin: dict[str, Integer]) -> None:
        if self.runs is None:
            self._copy_runs(w, row, origin)
            return
        with w.f.branch(self._is_inside(w, origin, self.runs)) as branch:
            self._copy_unrolled(w, row, origin, self.runs)
            branch.otherwise()
            self._copy_runs(w, row, origin)

    def _is_inside(self, w: Walk, origin: dict[str, Integer], runs: tuple[int, int, int, int]) -> str:
        """Whether the whole kernel lies inside of the image."""
        f = w.f
        low, high = self._bounds(w, origin["w"])
        inside = f.let(f"and i1 {f.compare('sle', low, 0)}, {f.compare('eq', high, runs[3])}")
        for axis, count in (("d", runs[1]), ("h", runs[2])):
            end = f.add(origin[axis], f.mul(count - 1, w[f"dilation.{axis}"]))
            for position in (origin[axis], end):
                inside = f.let(f"and i1 {inside}, {f.let(f'icmp ult i64 {position}, ' + w[f'in.{axis}'])}")
        return inside

    def _copy_unrolled(
        self, w: Walk, row: str, origin: dict[str, Integer], runs: tuple[int, int, int, int]
    ) -> None:
        f, lanes = w.f, self.lanes(w)
        outer, depth, height, length = runs
        offset: Integer = 0
        for axis in AXES:
            offset = f.add(offset, f.mul(origin[axis], w[f"step.{axis}"]))
        start = f.at(w.batch_address("X", self.source.itemsize), f.mul(offset, self.source.itemsize))
        line = {axis: f.mul(w[f"dilation.{axis}"], w[f"step.{axis}"]) for axis in ("d", "h")}
        for n, (c, kd, kh) in enumerate(np.ndindex(outer, depth, height)):
            shift = f.add(f.mul(c, w["X.run"]), f.add(f.mul(kd, line["d"]), f.mul(kh, line["h"])))
            run = f.at(start, f.mul(shift, self.source.itemsize))
            for first in range(0, length, lanes):
                mask = None if first + lanes <= length else f.lanes_below(length - first, lanes)
                value = f.load(self.source, f.at(run, first * self.source.itemsize), lanes, mask)
                place = f.at(row, (n * length + first) * self.dtype.itemsize)
                f.store(self.copied(w, value, None), self.dtype, place, lanes)

    def _bounds(self, w: Walk, position: Integer) -> tuple[Integer, Integer]:
        """Which elements of a run that starts at column `position` are inside the image: low to high."""
        f, unit = w.f, w["run.unit"]
        right = f.mul(f.sub(w["in.w"], position), unit)
        return f.mul(f.sub(0, position), unit), f.min(right, w["run.length"])

    def _copy_runs(self, w: Walk, row: str, origin: dict[str, Integer]) -> None:
        f = w.f
        image = w.batch_address("X", self.source.itemsize)
        cell = f.cell("ptr", row)
        column = f.mul(origin["w"], w["step.w"])
        with f.count(0, w["runs.outer"]) as outer, f.count(0, w["kernel.d"]) as kd:
            depth = f.add(origin["d"], f.mul(kd, w["dilation.d"]))
            plane = f.add(f.mul(outer, w["X.run"]), f.mul(depth, w["step.d"]))
            deep = f.let(f"icmp ult i64 {depth}, {w['in.d']}")
            with f.count(0, w["kernel.h"]) as kh, f.count(0, w["runs.w"]) as kw:
                height = f.add(origin["h"], f.mul(kh, w["dilation.h"]))
                inside = f.let(f"and i1 {deep}, {f.let(f'icmp ult i64 {height}, ' + w['in.h'])}")
                line = f.add(f.add(plane, f.mul(height, w["step.h"])), column)
                shift = f.mul(kw, w["dilation.w"])
                source = f.mul(f.add(line, f.mul(shift, w["step.w"])), self.source.itemsize)
                low, high = self._bounds(w, f.add(origin["w"], shift))
                length = w["run.length"]
                self._copy_run(w, cell.get(), f.at(image, source), low, f.select(inside, high, low), length)
                cell.set(f.at(cell.get(), f.mul(w["run.length"], self.dtype.itemsize)))

    def _copy_run(self, w: Walk, out: str, source: str, low: Integer, high: Integer, length: Integer) -> None:
        """Copy elements low to high of a run of so many, with zeros around them.

        A vector may write past the run's end, where the next run is yet to be written.
        """
        f, lanes = w.f, self.lanes(w)
        with f.count(0, length, lanes) as n:
            below, mask = (f.lanes_below(f.sub(bound, n), lanes) for bound in (low, high))
            above = f.let(f"xor <{lanes} x i1> {below}, splat (i1 true)")
            mask = f.let(f"and <{lanes} x i1> {mask}, {above}")
            value = f.load(self.source, f.at(source, f.mul(n, self.source.itemsize)), lanes, mask)
            place = f.at(out, f.mul(n, self.dtype.itemsize))
            f.store(self.copied(w, value, mask), self.dtype, place, lanes)
