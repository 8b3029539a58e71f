"""Rows of convolutions of bytes over few channels that are planes: the pixels of a tile share columns.

A tile lies in one row of the output. Under it, each channel is a strip of columns: the bytes of the input's
lines under one kernel column, side by side and filled up to a group. The row of K of output pixel i is the
run of `width` columns from column `i * stride` on, so that a tile reads rows that overlap:

    rows[i][channel, column, line] = strip[channel][i * stride + column][line]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jitrt.codegen.conv import Image, Window
from jitrt.codegen.dot import dot_of, matrix_dot_of
from jitrt.codegen.dot_matrices import GROUP_BYTES
from jitrt.codegen.function import Function, Integer
from jitrt.codegen.gemm import Array
from jitrt.codegen.pixels import GEOMETRY
from jitrt.codegen.product import Matrix
from jitrt.codegen.target import Target, host
from jitrt.codegen.walk import Walk, strided
from jitrt.codegen.weights import pack_matrix_groups
from jitrt.dims import same
from jitrt.types import U8

FEW_CHANNELS = 8  # at most, and
FEW_PIXELS = 8  # at least in a row of the output, for strips
BLOCK = 16  # columns that are brought together at once
SLACK = BLOCK * 2 * GROUP_BYTES  # groups of scratch, for what is written past the last strip


@dataclass(frozen=True)
class ColumnStrips:
    """A tap for each channel, whose rows lie in its strip; `Z` is the byte that padding consists of."""

    height: int
    width: int
    stride: int
    packs = True
    arguments = (*strided("X", "channel"), *GEOMETRY, "Z")

    @property
    def lines(self) -> int:
        """Bytes of a column: whole groups, a power of two."""
        return GROUP_BYTES if self.height <= GROUP_BYTES else 2 * GROUP_BYTES

    @property
    def row_bytes(self) -> int:
        """From the row of one pixel to that of the next."""
        return self.stride * self.lines

    def start(self, w: Walk) -> None:
        """Nothing to do."""

    def rows(self, w: Walk, first: Integer, height: Integer, table: str, own: str) -> None:
        """The strips under output pixels `first` to `first + height` of a row:

        for channel:
            table[channel] = addresses in strip[channel], row_bytes apart
            for column, 16 at a time:
                strip[channel][column] = a byte of each line, or padding
        """
        f = w.f
        top = f.sub(f.mul(w.inner, w["stride.h"]), w["pad.h"])
        left = f.sub(f.mul(first, w["stride.w"]), w["pad.w"])
        bottom = f.add(top, f.mul(w["dilation.h"], self.height - 1))
        within = f.let(f"and i1 {f.compare('sge', top, 0)}, {f.compare('slt', bottom, w['in.h'])}")
        columns = f.add(f.mul(f.sub(height, 1), self.stride), self.width)
        length = f.mul(w["k"], w.shape.rows * GROUP_BYTES)
        image = w.batch_address("X", 1)
        with f.count(0, w["taps"]) as channel:
            strip, plane = f.at(own, f.mul(channel, length)), f.at(image, f.mul(channel, w["X.channel"]))
            self._point(w, strip, f.at(table, f.mul(channel, w.shape.table_rows * 8)))
            with f.count(0, columns, BLOCK) as n:
                column, out = f.add(left, n), f.at(strip, f.mul(n, self.lines))
                inside = within
                for test in (f.compare("sge", column, 0), f.compare("sle", f.add(column, BLOCK), w["in.w"])):
                    inside = f.let(f"and i1 {inside}, {test}")
                with f.branch(inside) as branch:
                    self._store_columns(f, self._load_lines(w, plane, top, column, masked=False), out)
                    branch.otherwise()
                    self._store_columns(f, self._load_lines(w, plane, top, column, masked=True), out)

    def _point(self, w: Walk, strip: str, table: str) -> None:
        f, lanes = w.f, w.shape.table_rows
        start = f.splat(f.let(f"ptrtoint ptr {strip} to i64"), "i64", lanes)
        steps = ", ".join(f"i64 {n * self.row_bytes}" for n in range(lanes))
        f.put(f"<{lanes} x i64>", f.let(f"add <{lanes} x i64> {start}, <{steps}>"), table)

    def _load_lines(self, w: Walk, plane: str, top: Integer, column: Integer, masked: bool) -> list[str]:
        """The bytes of each line under the kernel, padding where there is none."""
        f = w.f
        values = []
        for line in range(self.height):
            row = f.add(top, f.mul(w["dilation.h"], line))
            address = f.at(plane, f.add(f.mul(row, w["step.h"]), column))
            if not masked:
                values.append(f.load(U8, address, BLOCK))
                continue
            inside = f.let(f"icmp ult i64 {row}, {w['in.h']}")
            below = f.lanes_below(f.select(inside, f.sub(w["in.w"], column), 0), BLOCK)
            outside = f.lanes_below(f.sub(0, column), BLOCK)
            mask = f.let(
                f"and <{BLOCK} x i1> {below}, {f.let(f'xor <{BLOCK} x i1> {outside}, splat (i1 true)')}"
            )
            padding = f.splat(f.get("i8", w["Z"], 1), "i8", BLOCK)
            values.append(f.choose(mask, f.load(U8, address, BLOCK, mask), padding, "i8", BLOCK))
        return values

    def _store_columns(self, f: Function, lines: list[str], out: str) -> None:
        """Byte 0 of every line, then byte 1 of every line, and so on; what fills up meets weights of 0."""
        sequences = [[line] for line in (lines + lines[:1] * self.lines)[: self.lines]]
        while len(sequences) > 1:
            half = len(sequences) // 2
            pairs = zip(sequences[:half], sequences[half:], strict=True)
            sequences = [
                [part for a, b in zip(*pair, strict=True) for part in _interleaved(f, a, b)] for pair in pairs
            ]
        for n, value in enumerate(sequences[0]):
            f.store(value, U8, f.at(out, n * BLOCK), BLOCK)


def _interleaved(f: Function, a: str, b: str) -> tuple[str, str]:
    """The lower and the upper halves of two vectors of bytes, byte by byte."""
    halves = []
    for first in (0, BLOCK // 2):
        numbers = ", ".join(f"i32 {first + n // 2 + n % 2 * BLOCK}" for n in range(BLOCK))
        kind = f"<{BLOCK} x i8>"
        halves.append(f.let(f"shufflevector {kind} {a}, {kind} {b}, <{BLOCK} x i32> <{numbers}>"))
    return halves[0], halves[1]


def byte_strips_of(
    x: Image,
    out: Image,
    window: Window,
    groups: int,
    operands: Sequence[Matrix] = (),
    target: Target | None = None,
) -> ColumnStrips | None:
    """The strips for images of few channels that are planes; epilogues have operands a column at most."""
    if groups > 1 or len(window.kernel) != 2 or dot_of(target or host()).row != U8:
        return None
    (height, width), stride, pixels = window.kernel, window.strides[1], out.spatial[1]
    if not isinstance(x.channels, int) or x.channels > FEW_CHANNELS or not same(x.steps[-1], 1):
        return None
    if not 2 <= height <= 2 * GROUP_BYTES or stride > width or window.dilations[1] > 1:
        return None
    if (isinstance(pixels, int) and pixels < FEW_PIXELS) or not all(same(o.row, 0) for o in operands):
        return None
    return ColumnStrips(height, width, stride)


def pack_strip_weights(weights: Array, strips: ColumnStrips, target: Target | None = None) -> Array:
    """`weights` i8[M, C, height, width] as packed groups of rows [C, column, line], filled up with zeros."""
    target = target or host()
    outputs, channels, height, width = weights.shape
    depth = GROUP_BYTES * int(matrix_dot_of(target).groups(width * strips.lines))
    rows = np.zeros((channels, depth, outputs), np.int8)
    columns = rows[:, : width * strips.lines].reshape(channels, width, strips.lines, outputs)
    columns[:, :, :height] = weights.transpose(1, 3, 2, 0)
    rows[:, : width * strips.lines] = columns.reshape(channels, -1, outputs)
    return pack_matrix_groups(rows.reshape(-1, outputs), target)
