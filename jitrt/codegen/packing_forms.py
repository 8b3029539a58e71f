"""What becomes of a group of rows when a matrix is packed; see `packing_code`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from jitrt.codegen.function import Function, Integer
from jitrt.codegen.vector import vector
from jitrt.expr import Dtype
from jitrt.types import F32, F64, I32

BLOCK = 16  # groups
Store = Callable[[Integer, str], None]


class Form(Protocol):
    """A number of `rows` makes a number of `results` of type `dtype`.

    Rows [result, tap, group] are made of them; or [tap, block of groups, result, group], if it is `blocked`.
    """

    @property
    def rows(self) -> int: ...

    @property
    def results(self) -> int: ...

    @property
    def dtype(self) -> Dtype: ...

    @property
    def blocked(self) -> bool: ...

    def emit(
        self, f: Function, values: Sequence[str], lanes: int, args: Mapping[str, str], store: Store
    ) -> None:
        """Emit the results of a vector of each row, and `store(number, result)` each."""


@dataclass(frozen=True)
class Copied:
    """Each row as it is, but for subnormal numbers."""

    dtype: Dtype
    rows = results = 1
    blocked = False

    def emit(
        self, f: Function, values: Sequence[str], lanes: int, args: Mapping[str, str], store: Store
    ) -> None:
        """`store(0, value)`."""
        store(0, without_subnormals(f, self.dtype, values[0], lanes, args["most_subnormal"]))


@dataclass(frozen=True)
class Transformed:
    """Sums of products of the rows with `factors` f64[results, rows], computed in float64."""

    dtype: Dtype
    rows: int
    results = 0  # as many as there are factors for each row
    blocked = False

    def emit(
        self, f: Function, values: Sequence[str], lanes: int, args: Mapping[str, str], store: Store
    ) -> None:
        """`store(i, sum over row: factors[i, row] * value)` for each i."""
        kind = vector("double", lanes)
        wide = [f.cast(value, self.dtype, F64, lanes) for value in values]
        with f.count(0, args["results"]) as result:
            line, total = f.at(args["factors"], f.mul(result, F64.itemsize * self.rows)), "zeroinitializer"
            for row, value in enumerate(wide):
                factor = f.splat(f.get("double", f.at(line, row, "double")), "double", lanes)
                total = f.call(f"llvm.fma.v{lanes}f64", kind, (kind, factor), (kind, value), (kind, total))
            narrow = f.cast(total, F64, self.dtype, lanes)
            store(result, without_subnormals(f, self.dtype, narrow, lanes, args["most_subnormal"]))


@dataclass(frozen=True)
class Split:
    """Pairs of float32 rows as `results` rows of pairs of bfloat16, each the nearest to what is left.

    Halves are rounded up. The first row of a pair is in the lower half of an element.
    """

    results: int
    rows, dtype, blocked = 2, I32, True

    def emit(
        self, f: Function, values: Sequence[str], lanes: int, args: Mapping[str, str], store: Store
    ) -> None:
        """`store(part, upper halves of the rounded values)`, then go on with what the rounding left."""
        bits, floats, left = vector("i32", lanes), vector("float", lanes), list(values)
        for part in range(self.results):
            halves = []
            for i, value in enumerate(left):
                raw = f.let(f"bitcast {floats} {value} to {bits}")
                near = f.let(f"add {bits} {raw}, splat (i32 {0x8000})")
                halves.append(f.let(f"and {bits} {near}, splat (i32 {-0x10000})"))
                left[i] = f.let(f"fsub {floats} {value}, {f.let(f'bitcast {bits} {halves[i]} to {floats}')}")
            low = f.let(f"lshr {bits} {halves[0]}, splat (i32 16)")
            store(part, f.let(f"or {bits} {low}, {halves[1]}"))


@dataclass(frozen=True)
class Grouped:
    """As many rows of int8 as there are numbers of `column`'s type in an int32, the first in its low bits."""

    column: Dtype
    results, dtype, blocked = 1, I32, False

    @property
    def rows(self) -> int:
        """Two or four."""
        return self.dtype.itemsize // self.column.itemsize

    def emit(
        self, f: Function, values: Sequence[str], lanes: int, args: Mapping[str, str], store: Store
    ) -> None:
        """`store(0, value[0] | value[1] << bits | ...)`."""
        bits, kind, total = 8 * self.column.itemsize, vector("i32", lanes), "zeroinitializer"
        for i, value in enumerate(values):
            wide = f.cast(value, np.dtype(np.int8), I32, lanes)
            low = f.let(f"and {kind} {wide}, splat (i32 {(1 << bits) - 1})")
            total = f.let(f"or {kind} {total}, {f.let(f'shl {kind} {low}, splat (i32 {i * bits})')}")
        store(0, total)


@dataclass(frozen=True)
class Interleaved:
    """Words of numbers of so many bits, the first in the low ones: number 4 i + j is the i-th of byte j."""

    bits: int
    rows = results = 1
    dtype, blocked = I32, False

    def emit(
        self, f: Function, values: Sequence[str], lanes: int, args: Mapping[str, str], store: Store
    ) -> None:
        """`store(0, (number 0 << place 0) | (number 1 << place 1) | ...)`."""
        kind, total = vector("i32", lanes), "zeroinitializer"
        for k in range(32 // self.bits):
            place = k % 4 * 8 + k // 4 * self.bits
            down = f.let(f"lshr {kind} {values[0]}, splat (i32 {k * self.bits})")
            number = f.let(f"and {kind} {down}, splat (i32 {(1 << self.bits) - 1})")
            total = f.let(f"or {kind} {total}, {f.let(f'shl {kind} {number}, splat (i32 {place})')}")
        store(0, total)


def without_subnormals(f: Function, dtype: Dtype, x: str, lanes: int, most: str) -> str:
    """Emit zeros for float32 numbers whose magnitude is, as an integer, `most` or less."""
    if dtype != F32:
        return x
    bits, floats = vector("i32", lanes), vector("float", lanes)
    raw = f.let(f"bitcast {floats} {x} to {bits}")
    magnitude = f.let(f"and {bits} {raw}, splat (i32 {0x7FFFFFFF})")
    less_one = f.let(f"sub {bits} {magnitude}, splat (i32 1)")  # of 0, more than any
    limit = f.splat(f.let(f"trunc i64 {most} to i32"), "i32", lanes)
    return f.choose(f.let(f"icmp ult {bits} {less_one}, {limit}"), "zeroinitializer", x, "float", lanes)
