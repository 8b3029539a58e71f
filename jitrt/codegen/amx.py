"""Micro-kernels for the tile registers of AMX: 16 rows of 16 groups by 16 groups of 16 columns at once.

Tiles are 16 x 64 bytes whatever the height of a block of rows: rows are copied to scratch in whole blocks of
groups, and what is computed of rows that are not there is not used.
https://www.intel.com/content/www/us/en/docs/intrinsics-guide/index.html#techs=AMX
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from jitrt.codegen.dot import GROUPS
from jitrt.codegen.function import Function, Integer, module
from jitrt.codegen.kernel import Kernel
from jitrt.codegen.microkernel import SIGNATURE, TileShape
from jitrt.codegen.product import Product
from jitrt.codegen.target import Target
from jitrt.types import I32

ROWS, LANES = 16, 16
HALVES = 2  # tiles of rows that a micro-kernel multiplies
ROW_BYTES = 64
A, B = 4, 6  # tile registers; accumulators start at 0


@dataclass(frozen=True)
class TileProduct(Product):
    """A product of groups of bytes by tiles; its rows are copied to scratch.

    They are `row_bytes` apart, one after the other by default.
    """

    row_bytes: int = 0
    whole_tiles: ClassVar[bool] = True

    @cached_property
    def shape(self) -> TileShape:
        """Two tiles of columns by one of rows, or two where the epilogue writes bytes.

        A tile of more numbers of 32 bits waits for its own stores.
        """
        halves = HALVES if self.epilogue.root.dtype.itemsize == 1 else 1
        return TileShape(I32, halves * ROWS, 2, LANES, 32)

    def microkernel(self, vectors: int, whole: bool) -> Kernel:
        """The micro-kernels for panels of `vectors` vectors."""
        return tile_microkernel(vectors, self.target, self.shape.rows, self.row_bytes)

    def enter(self, f: Function) -> None:
        """Configure the tiles."""
        configure_tiles(f)

    def leave(self, f: Function) -> None:
        """Release the tiles."""
        release_tiles(f)


def configure_tiles(f: Function) -> None:
    """Emit the configuration of all tiles as whole ones."""
    sizes = [1, *[0] * 15, *[ROW_BYTES, 0] * 8, *[0] * 16, *[ROWS] * 8, *[0] * 8]
    listed = ", ".join(f"i8 {size}" for size in sizes)
    f.declarations["tiles"] = f"@tiles = private constant [64 x i8] [{listed}], align 64"
    f.call("llvm.x86.ldtilecfg", "void", ("ptr", "@tiles"))


def release_tiles(f: Function) -> None:
    """Emit the release of all tiles."""
    f.call("llvm.x86.tilerelease", "void")


def tile_microkernel(vectors: int, target: Target, rows: int, row_bytes: int = 0) -> Kernel:
    """The micro-kernel for at most `rows` rows and panels of `vectors` vectors, called as `microkernels` are.

    It starts from zeros. For one vector and at most 16 rows, which are `row_bytes` or else 4 * k apart, it is

        tilezero 0
        for t in taps:
            for k in steps of 16:
                tile 6 = b, rows 4 * b_pitch bytes apart
                tile 4 = rows[t][0] + 4 * k, rows row_bytes apart
                tile 0 += tile 4 * tile 6
                b += 16 * b_pitch
        out = tile 0, rows 4 * out_pitch bytes apart

    For more rows, tiles 5 and 1 (of two vectors 2 and 3) are those of the other 16.
    """
    name = f"tiles {rows}x{vectors}x{LANES}{f' {row_bytes} apart' if row_bytes else ''}"

    def build(symbol: str) -> str:
        f = Function(symbol, SIGNATURE, "void", target)
        row_pitch = row_bytes or f.mul("%k", 4)
        line = rows * 8
        with f.branch(f.compare("sgt", "%height", ROWS)) as branch:
            _multiply(f, rows // ROWS, vectors, row_pitch, line)
            branch.otherwise()
            _multiply(f, 1, vectors, row_pitch, line)
        f.do("ret void")
        return module(f)

    return Kernel(name, name, build, pipeline="none")


def _multiply(f: Function, halves: int, vectors: int, row_pitch: Integer, line: int) -> None:
    """The product of 16 rows, or two times 16, and a panel; a line of the row table has so many bytes."""
    b_pitch, out_pitch = f.mul("%b_pitch", 4), f.mul("%out_pitch", 4)
    accumulators = [(i, j, i * vectors + j) for i in range(halves) for j in range(vectors)]
    for *_, tile in accumulators:
        use_tile(f, "tilezero", tile)
    with f.carrying(0, "%taps", 1, [("ptr", "%rows"), ("ptr", "%b")]) as taps:
        table, b = taps.values
        with f.carrying(0, "%k", GROUPS, [("ptr", f.get("ptr", table)), ("ptr", b)]) as loop:
            row, b = loop.values
            for j in range(vectors):
                use_tile(f, "tileloadd64", B + j, ("ptr", f.at(b, j * ROW_BYTES)), ("i64", str(b_pitch)))
            for i in range(halves):
                first = f.at(row, f.mul(row_pitch, i * ROWS))
                use_tile(f, "tileloadd64", A + i, ("ptr", first), ("i64", str(row_pitch)))
            for i, j, tile in accumulators:
                use_tile(f, "tdpbusd", tile, ("i8", str(A + i)), ("i8", str(B + j)))
            loop.carry([f.at(row, ROW_BYTES), f.at(b, f.mul(b_pitch, GROUPS))])
        taps.carry([f.at(table, line), loop.values[1]])
    for i, j, tile in accumulators:
        out = f.at(f.at("%out", f.mul(out_pitch, i * ROWS)), j * ROW_BYTES)
        use_tile(f, "tilestored64", tile, ("ptr", out), ("i64", str(out_pitch)))


def use_tile(f: Function, instruction: str, tile: int, *arguments: tuple[str, str]) -> None:
    """Emit an instruction on a tile register."""
    f.call(f"llvm.x86.{instruction}", "void", ("i8", str(tile)), *arguments)
