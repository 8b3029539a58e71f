"""Rows of convolutions over few input channels: the output pixels of a tile share the input's lines.

A tile lies in one row of the output. Under it, each line of the input (one for a kernel row, and for each
channel where channels are planes) is a strip of adjacent elements, in which the row of K of output pixel i
is the run from element `i * pixel` on:

    rows[i][line, r] = strip[line][i * pixel + r]
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial, reduce
from typing import ClassVar

from jitrt.codegen.function import Function, Integer, module
from jitrt.codegen.gathered import GatheredPixels
from jitrt.codegen.kernel import Kernel
from jitrt.codegen.microkernel import SIGNATURE, Tile, dispatch, store_rows
from jitrt.codegen.order import is_batch_invariant
from jitrt.codegen.pixels import AXES
from jitrt.codegen.product import Product
from jitrt.codegen.walk import Walk
from jitrt.types import short_name

LONGEST_RUN = 64  # elements of a run


@dataclass(frozen=True)
class PixelStrips(GatheredPixels):
    """A tap for each line, whose one pointer is its strip: in the input, or copied if padding is in it."""

    pixel: int = 1
    run: int = 1

    def rows(self, w: Walk, first: Integer, height: Integer, table: str, own: str) -> None:
        """The strips under output pixels `first` to `first + height` of a row:

        for outer, kd, kh, kw (of dilated kernels; the run is else along kw):
            table[line] = strip inside of the image ? X + its place : copy of it, with zeros outside
        """
        f, size = w.f, self.source.itemsize
        pixel = {"d": f.div(w.inner, w["out.h"]), "h": f.rem(w.inner, w["out.h"]), "w": first}
        origin = {a: f.sub(f.mul(pixel[a], w[f"stride.{a}"]), w[f"pad.{a}"]) for a in AXES}
        length = f.add(f.mul(f.sub(height, 1), self.pixel), self.run)
        image, copied, line = w.batch_address("X", size), f.cell("ptr", own), f.cell("ptr", table)
        with f.count(0, w["runs.outer"]) as outer, f.count(0, w["kernel.d"]) as kd:
            depth = f.add(origin["d"], f.mul(kd, w["dilation.d"]))
            plane = f.add(f.mul(outer, w["X.run"]), f.mul(depth, w["step.d"]))
            deep = f.let(f"icmp ult i64 {depth}, {w['in.d']}")
            with f.count(0, w["kernel.h"]) as kh, f.count(0, w["runs.w"]) as kw:
                row = f.add(origin["h"], f.mul(kh, w["dilation.h"]))
                inside = f.let(f"and i1 {deep}, {f.let(f'icmp ult i64 {row}, ' + w['in.h'])}")
                column = f.add(origin["w"], f.mul(kw, w["dilation.w"]))
                low = f.mul(f.sub(0, column), w["run.unit"])
                high = f.min(f.mul(f.sub(w["in.w"], column), w["run.unit"]), length)
                whole = f.let(f"and i1 {f.compare('sle', low, 0)}, {f.compare('eq', high, length)}")
                if self.source != self.dtype:
                    whole = "false"
                place = f.add(f.add(plane, f.mul(row, w["step.h"])), f.mul(column, w["step.w"]))
                strip = f.at(image, f.mul(place, size))
                with f.branch(f.let(f"and i1 {inside}, {whole}")) as branch:
                    f.put("ptr", strip, line.get())
                    branch.otherwise()
                    f.put("ptr", copied.get(), line.get())
                    self._copy_run(w, copied.get(), strip, low, f.select(inside, high, low), length)
                    copied.set(f.at(copied.get(), f.mul(length, self.dtype.itemsize)))
                line.set(f.at(line.get(), 8))


@dataclass(frozen=True)
class StripTile(Tile):
    """The micro-kernel of rows that lie in strips."""

    pixel: int = 1
    run: int = 1
    name: ClassVar[str] = "strips"

    def function(self, name: str) -> Function:
        """The micro-kernel of one height; of two rows and one vector it is

            acc0 = acc1 = init
            for t in taps:
                for r in run:
                    v = load b
                    acc0 = fma(splat strips[t][r], v, acc0)
                    acc1 = fma(splat strips[t][pixel + r], v, acc1)
                    b += b_pitch
            out[0] = acc0, out[out_pitch] = acc1

        Positions of a run take turns between the sets of accumulators of low tiles. Runs are unrolled where
        the elements of a strip fit in registers beside the sums: LLVM keeps those that neighbouring pixels
        share, and would spill accumulators for them.
        """
        f, scalar = Function(name, SIGNATURE, "void", self.target), self.shape.scalar
        first = [self._load(f, f.at("%init", j * self.shape.lanes, scalar)) for j in range(self.vectors)]
        count, sets = self.height * self.vectors, self.sets
        sums = first * self.height + ["zeroinitializer"] * (count * (sets - 1))
        carried = [("ptr", "%rows"), ("ptr", "%b"), *((self.shape.vector, s) for s in sums)]
        with f.carrying(0, "%taps", 1, carried) as taps:
            table, b, *sums = taps.values
            kinds = ["ptr", "ptr", *[self.shape.vector] * len(sums)]
            values = list(zip(kinds, [f.get("ptr", table), b, *sums], strict=True))
            step = self.run if self._fits else sets
            with f.carrying(0, self.run - self.run % step, step, values) as run:
                run.carry(self._positions(f, run.values, step))
            _, b, *sums = self._positions(f, run.values, self.run % step)
            taps.carry([f.at(table, 8), b, *sums])
        sums, add = taps.values[2:], partial(self._add, f)
        store_rows(f, self.shape, self.vectors, [reduce(add, sums[n::count]) for n in range(count)])
        f.do("ret void")
        return f

    @property
    def _fits(self) -> bool:
        """Whether a strip's elements fit in registers beside the sums and a row of B."""
        elements = (self.height - 1) * self.pixel + self.run
        return (self.height * self.sets + 1) * self.vectors + elements <= self.shape.registers

    def _positions(self, f: Function, values: list[str], positions: int) -> list[str]:
        """The place in the strip, that in B, and the accumulators, after so many positions of the run."""
        strip, b, *sums = values
        count, scalar = self.height * self.vectors, self.shape.scalar
        rows = [f.at(strip, i * self.pixel, scalar) for i in range(self.height)]
        for n in range(positions):
            part = slice(n % self.sets * count, (n % self.sets + 1) * count)
            sums[part] = self._step(f, rows, n, b, sums[part])
            b = f.at(b, "%b_pitch", scalar)
        return [f.at(strip, positions, scalar), b, *sums]


@dataclass(frozen=True)
class StripProduct(Product):
    """A convolution whose rows lie in strips."""

    pixel: int = 1
    run: int = 1

    def microkernel(self, vectors: int, whole: bool) -> Kernel:
        """The micro-kernels for strips of this geometry."""
        shape, target, invariant = self.shape, self.target, is_batch_invariant()
        geometry = f"{self.run} by {self.pixel}{' one order' * invariant}"
        name = f"{StripTile.name} {short_name(self.dtype)} {geometry} {shape.rows}x{vectors}x{shape.lanes}"

        def build(symbol: str) -> str:
            heights = range(1, shape.rows + 1)
            tiles = [StripTile(shape, h, vectors, target, invariant, self.pixel, self.run) for h in heights]
            functions = [tile.function(f"rows{tile.height}") for tile in tiles]
            return module(dispatch(symbol, heights, target), *functions)

        return Kernel(f"{name}/{shape.registers}", name, build, pipeline="none")
