"""Rows of a convolution: for each output pixel, the input pixels under the kernel.

Images have three axes (depth, height, width; depth is 1 where there is none). Position k of a kernel's axis
lies over input position `out * stride - pad + k * dilation`.
"""

from __future__ import annotations

from dataclasses import dataclass

from jitrt.codegen.function import Function, Integer
from jitrt.codegen.walk import Walk, strided
from jitrt.expr import Dtype

AXES = ("d", "h", "w")


def along_axes(*names: str) -> tuple[str, ...]:
    """The names of arguments that each axis has."""
    return tuple(f"{name}.{axis}" for name in names for axis in AXES)


GEOMETRY = ("inner.rows", *along_axes("in", "out", "kernel", "stride", "dilation", "pad", "step"))


@dataclass(frozen=True)
class PixelsInPlace:
    """A tap for each kernel position, whose rows are pixels of a channels-last input, or zeros outside."""

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
