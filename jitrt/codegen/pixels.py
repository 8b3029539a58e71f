"""Rows of a convolution: for each output pixel, the input pixels under the kernel.

Images have three axes (depth, height, width; depth is 1 where there is none). Position k of a kernel's axis
lies over input position `out * stride - pad + k * dilation`.
"""

from __future__ import annotations

from dataclasses import dataclass

from jitrt.codegen.function import Function, Integer
from jitrt.codegen.ir import Cell
from jitrt.codegen.product import Walk, strided
from jitrt.expr import Dtype

AXES = ("d", "h", "w")


def along_axes(*names: str) -> tuple[str, ...]:
    """The names of arguments that each axis has."""
    return tuple(f"{name}.{axis}" for name in names for axis in AXES)


GEOMETRY = ("inner.rows", *along_axes("in", "out", "kernel", "stride", "dilation", "pad", "step"))


@dataclass(frozen=True)
class PixelsInPlace:
    """A tap for each kernel position; its rows are pixels of the channels-last input, or zeros outside of it."""

    dtype: Dtype
    packs = False
    arguments = (*strided("X"), *GEOMETRY)

    def start(self, w: Walk) -> None:
        """Clear the row that stands for padding."""
        length = w.f.mul(w["zeros.length"], self.dtype.itemsize)
        arguments = (("ptr", _zeros(w)), ("i8", "0"), ("i64", str(length)), ("i1", "false"))
        w.f.call("llvm.memset.p0.i64", "void", *arguments)

    def rows(self, w: Walk, first: Integer, height: Integer, table: str, own: str) -> None:
        """A lane for each row of the tile:

        origin = output pixel * stride - pad
        for kd, kh, kw:
            position = origin + (kd, kh, kw) * dilation
            table[kd, kh, kw] = position inside ? X + position . step : zeros
        """
        f, lanes = w.f, w.shape.table_rows
        taps = _Taps(w, self.dtype, _output_pixels(w, _row_numbers(w, first, lanes), lanes), lanes)
        address = f.let(f"ptrtoint ptr {w.batch_address('X', self.dtype.itemsize)} to i64")
        zeros = f.splat(f.let(f"ptrtoint ptr {_zeros(w)} to i64"), "i64", lanes)
        start = f.splat(address, "i64", lanes), "splat (i1 true)"
        with f.count(0, w["kernel.d"]) as kd:
            at_depth = taps.under("d", kd, *start)
            with f.count(0, w["kernel.h"]) as kh:
                line = f.mul(f.add(f.mul(kd, w["kernel.h"]), kh), w["kernel.w"])
                at_height = taps.under("h", kh, *at_depth)
                with f.count(0, w["kernel.w"]) as kw:
                    pointers, inside = taps.under("w", kw, *at_height)
                    chosen = f.let(
                        f"select <{lanes} x i1> {inside}, <{lanes} x i64> {pointers}, <{lanes} x i64> {zeros}"
                    )
                    f.put(f"<{lanes} x i64>", chosen, f.at(table, f.mul(f.add(line, kw), lanes * 8)))


def _zeros(w: Walk) -> str:
    return w.f.at("%scratch", w["scratch.zeros"])


def _row_numbers(w: Walk, first: Integer, lanes: int) -> str:
    """The numbers of `lanes` output pixels from the tile's first, in the whole output."""
    f = w.f
    start = f.let(f"trunc i64 {f.add(first, f.mul(w.inner, w['inner.rows']))} to i32")
    numbers = ", ".join(f"i32 {n}" for n in range(lanes))
    return f.let(f"add <{lanes} x i32> {f.splat(start, 'i32', lanes)}, <{numbers}>")


def _output_pixels(w: Walk, numbers: str, lanes: int) -> dict[str, str]:
    """The coordinates along each axis of output pixels, <lanes x i32>."""
    f, coordinates = w.f, {}
    for axis in ("w", "h"):
        size = narrow(f, w[f"out.{axis}"], lanes)
        quotient = _quotient(f, numbers, size, lanes)
        whole = f.let(f"mul <{lanes} x i32> {quotient}, {size}")
        coordinates[axis] = f.let(f"sub <{lanes} x i32> {numbers}, {whole}")
        numbers = quotient
    return {**coordinates, "d": numbers}


def _quotient(f: Function, a: str, b: str, lanes: int) -> str:
    """a / b of non-negative i32, through double, which holds such quotients apart."""
    ints, doubles = f"<{lanes} x i32>", f"<{lanes} x double>"
    x, y = (f.let(f"sitofp {ints} {v} to {doubles}") for v in (a, b))
    return f.let(f"fptosi {doubles} {f.let(f'fdiv {doubles} {x}, {y}')} to {ints}")


def narrow(f: Function, value: Integer, lanes: int) -> str:
    """An i64 as i32 in every lane."""
    return f.splat(f.let(f"trunc i64 {value} to i32"), "i32", lanes)


class _Taps:
    """The input positions under a kernel that lies over `lanes` output pixels."""

    def __init__(self, w: Walk, dtype: Dtype, pixels: dict[str, str], lanes: int) -> None:
        self.w, self.dtype, self.lanes = w, dtype, lanes
        f, ints = w.f, f"<{lanes} x i32>"
        self.origins = {}
        for axis in AXES:
            strided = f.let(f"mul {ints} {pixels[axis]}, {narrow(f, w[f'stride.{axis}'], lanes)}")
            self.origins[axis] = f.let(f"sub {ints} {strided}, {narrow(f, w[f'pad.{axis}'], lanes)}")

    def under(self, axis: str, k: str, addresses: str, inside: str) -> tuple[str, str]:
        """`addresses` moved along an axis to its kernel position k, and which of them are still inside."""
        w, f, lanes = self.w, self.w.f, self.lanes
        ints, longs = f"<{lanes} x i32>", f"<{lanes} x i64>"
        offset = narrow(f, f.mul(k, w[f"dilation.{axis}"]), lanes)
        position = f.let(f"add {ints} {self.origins[axis]}, {offset}")
        here = f.let(f"icmp ult {ints} {position}, {narrow(f, w[f'in.{axis}'], lanes)}")
        step = f.splat(str(f.mul(w[f"step.{axis}"], self.dtype.itemsize)), "i64", lanes)
        moved = f.let(f"mul {longs} {f.let(f'sext {ints} {position} to {longs}')}, {step}")
        both = f.let(f"and <{lanes} x i1> {inside}, {here}")
        return f.let(f"add {longs} {addresses}, {moved}"), both


@dataclass(frozen=True)
class GatheredPixels:
    """One tap, whose rows are copied from an input of any strides and any float type.

    A row is a sequence of runs, each `run.length` adjacent elements of the input, `run.unit` of them a pixel.
    There are `runs.outer` x kernel.d x kernel.h x `runs.w` runs, `X.run` elements apart along the first. An
    input with adjacent channels has runs of whole kernel rows or of pixels; one with adjacent columns, runs of
    kernel rows for each channel.
    """

    source: Dtype
    dtype: Dtype
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
        pitch = f.mul(w["k"], self.dtype.itemsize)
        with f.count(0, height) as i:
            row = f.at(own, f.mul(i, pitch))
            f.put("ptr", row, f.at(table, i, "ptr"))
            rest, ow = self._divided(w, f.add(f.add(first, i), f.mul(w.inner, w["inner.rows"])), "w")
            od, oh = self._divided(w, rest, "h")
            origin = {
                axis: f.sub(f.mul(out, w[f"stride.{axis}"]), w[f"pad.{axis}"])
                for axis, out in (("d", od), ("h", oh), ("w", ow))
            }
            low, high = self._bounds(w, origin["w"])
            whole = f.let(f"and i1 {f.compare('sle', low, 0)}, {f.compare('eq', high, w['run.length'])}")
            single = f.let(f"and i1 {whole}, {f.compare('eq', w['runs.w'], 1)}")
            with f.branch(single) as branch:
                self._copy_row(w, row, origin, whole=True)
                branch.otherwise()
                self._copy_row(w, row, origin, whole=False)

    def _divided(self, w: Walk, number: Integer, axis: str) -> tuple[Integer, Integer]:
        return w.f.div(number, w[f"out.{axis}"]), w.f.rem(number, w[f"out.{axis}"])

    def _bounds(self, w: Walk, position: Integer) -> tuple[Integer, Integer]:
        """Which elements of a run that starts at column `position` are inside the image: low to high."""
        f, unit = w.f, w["run.unit"]
        right = f.mul(f.sub(w["in.w"], position), unit)
        return f.mul(f.sub(0, position), unit), f.min(right, w["run.length"])

    def _copy_row(self, w: Walk, row: str, origin: dict[str, Integer], whole: bool) -> None:
        """Copy the runs of a row; with `whole`, one run for each kernel row, all of it inside the width."""
        f = w.f
        image = w.batch_address("X", self.source.itemsize)
        cell = f.cell("ptr", row)
        column = f.mul(origin["w"], w["step.w"])
        with f.count(0, w["runs.outer"]) as outer, f.count(0, w["kernel.d"]) as kd:
            depth = f.add(origin["d"], f.mul(kd, w["dilation.d"]))
            plane = f.add(f.mul(outer, w["X.run"]), f.mul(depth, w["step.d"]))
            deep = f.let(f"icmp ult i64 {depth}, {w['in.d']}")
            with f.count(0, w["kernel.h"]) as kh:
                height = f.add(origin["h"], f.mul(kh, w["dilation.h"]))
                inside = f.let(f"and i1 {deep}, {f.let(f'icmp ult i64 {height}, ' + w['in.h'])}")
                line = f.add(f.add(plane, f.mul(height, w["step.h"])), column)
                if whole:
                    high = f.select(inside, w["run.length"], 0)
                    self._copy_run(w, cell, f.at(image, f.mul(line, self.source.itemsize)), None, high)
                else:
                    with f.count(0, w["runs.w"]) as kw:
                        shift = f.mul(kw, w["dilation.w"])
                        source = f.mul(f.add(line, f.mul(shift, w["step.w"])), self.source.itemsize)
                        low, high = self._bounds(w, f.add(origin["w"], shift))
                        self._copy_run(w, cell, f.at(image, source), low, f.select(inside, high, low))

    def _copy_run(self, w: Walk, cell: Cell, source: str, low: Integer | None, high: Integer) -> None:
        """Copy a run to the address in `cell`: elements low to high, zeros around them.

        A vector may write past the run's end, where the next run is yet to be written.
        """
        f, lanes = w.f, w.shape.lanes
        out = cell.get()
        with f.count(0, w["run.length"], lanes) as n:
            mask = f.lanes_below(f.sub(high, n), lanes)
            if low is not None:
                outside = f.lanes_below(f.sub(low, n), lanes)
                mask = f.let(
                    f"and <{lanes} x i1> {mask}, {f.let(f'xor <{lanes} x i1> {outside}, splat (i1 true)')}"
                )
            value = f.load(self.source, f.at(source, f.mul(n, self.source.itemsize)), lanes, mask)
            f.store(value, self.dtype, f.at(out, f.mul(n, self.dtype.itemsize)), lanes)
        cell.set(f.at(out, f.mul(w["run.length"], self.dtype.itemsize)))
