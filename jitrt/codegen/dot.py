"""How a target multiplies 8-bit integers exactly: several products to each 32-bit lane.

A lane of the rows holds a group of adjacent elements along k, and so does a lane of B; an instruction adds
the group's products to an int32. Rows are uint8, B is int8. With `vpdpbusd` or `usdot` a group is four bytes;
elsewhere it is two 16-bit integers, since multiplying bytes by `vpmaddubsw` would saturate.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from jitrt.codegen.function import Function
from jitrt.codegen.microkernel import TileShape, multiply_add
from jitrt.codegen.target import Target, has_tile_registers
from jitrt.dims import Size
from jitrt.expr import Dtype
from jitrt.types import I8, U8

GROUPS = 16  # of a line of a tile register
I16 = np.dtype(np.int16)
PAIRS = {16: "llvm.x86.avx512.pmaddw.d.512", 8: "llvm.x86.avx2.pmadd.wd", 4: "llvm.x86.sse2.pmadd.wd"}


class Dot(NamedTuple):
    """The elements of a group: `size` of the types `row` and `column`; `instruction` multiplies them.

    It takes `block` groups of a row at once.
    """

    instruction: str
    size: int
    row: Dtype
    column: Dtype
    block: int = 1

    def groups(self, depth: Size) -> Size:
        """Groups of a row of `depth` elements, in whole blocks."""
        unit = self.size * self.block
        return (depth + (unit - 1)) // unit * self.block

    def add(self, f: Function, shape: TileShape, a: str, b: str, total: str) -> str:
        """Emit `total` plus each lane's dot product of the groups a and b.

        For pairs, of eight lanes:

            %v1 = bitcast <8 x i32> %a to <16 x i16>
            %v2 = bitcast <8 x i32> %b to <16 x i16>
            %v3 = call <8 x i32> @llvm.x86.avx2.pmadd.wd(<16 x i16> %v1, <16 x i16> %v2)
            %v4 = add <8 x i32> %v3, %total
        """
        kind, lanes = shape.vector, shape.lanes
        if self.instruction == "vpdpbusd":
            name = f"llvm.x86.avx512.vpdpbusd.{32 * lanes}"
            return f.call(name, kind, (kind, total), (kind, a), (kind, b))
        if self.instruction == "mul":
            return self._add_halves(f, kind, a, b, total)
        group = f"<{self.size * lanes} x i{32 // self.size}>"
        left, right = (f.let(f"bitcast {kind} {v} to {group}") for v in (a, b))
        if self.instruction == "usdot":
            name = f"llvm.aarch64.neon.usdot.v{lanes}i32.v{self.size * lanes}i8"
            return f.call(name, kind, (kind, total), (group, left), (group, right))
        return f.let(f"add {kind} {f.call(PAIRS[lanes], kind, (group, left), (group, right))}, {total}")

    def _add_halves(self, f: Function, kind: str, a: str, b: str, total: str) -> str:
        """Pairs by 32-bit arithmetic: the low halves' product, then the high ones'."""
        half = "splat (i32 16)"
        for low in (True, False):
            parts = [f.let(f"shl {kind} {v}, {half}") if low else v for v in (a, b)]
            left, right = (f.let(f"ashr {kind} {v}, {half}") for v in parts)
            total = f.let(f"add {kind} {total}, {f.let(f'mul {kind} {left}, {right}')}")
        return total


def multiply_bytes(f: Function, shape: TileShape, a: str, b: str, c: str) -> str:
    """Emit a * b + c on int32 lanes that hold bytes: 16-bit products are faster than the full ones."""
    if not f.target.triple.startswith("x86_64") or (shape.lanes == 16 and not f.target.has("avx512bw")):
        return multiply_add(f, shape, a, b, c)
    return Dot("vpmaddwd", 2, I16, I16).add(f, shape, a, b, c)


@cache
def dot_of(target: Target) -> Dot:
    """The target's fastest exact way."""
    if (target.has("avx512vnni") and target.vector_bytes == 64) or target.has("avxvnni"):
        return Dot("vpdpbusd", 4, U8, I8)
    if target.triple.startswith("aarch64") and target.has("i8mm"):
        return Dot("usdot", 4, U8, I8)
    x86 = target.triple.startswith("x86_64")
    exact = x86 and (target.vector_bytes < 64 or target.has("avx512bw"))
    return Dot("vpmaddwd" if exact else "mul", 2, I16, I16)


def matrix_dot_of(target: Target) -> Dot:
    """The target's fastest exact way for rows that are copied to scratch."""
    return Dot("tdpbusd", 4, U8, I8, GROUPS) if has_tiles(target) else dot_of(target)


def has_tiles(target: Target, kind: str = "int8") -> bool:
    """Whether the target multiplies tiles of "int8" or "bf16", and the system lets this process do so."""
    return target.has(f"amx-{kind}") and target.has("avx512f") and has_tile_registers()
