"""Micro-kernels that multiply numbers split into bfloat16 parts, on the tile registers of AMX.

A line of A is 32 numbers of one part; a row holds, chunk by chunk of 32 numbers, a line of each part. B holds
for each tap, chunk and part 16 rows of pairs. See `split` for what the parts are.
https://www.intel.com/content/www/us/en/docs/intrinsics-guide/index.html#techs=AMX
"""

from __future__ import annotations

from collections.abc import Sequence

from jitrt.codegen.amx import LANES, ROW_BYTES, ROWS, use_tile
from jitrt.codegen.dot import GROUPS
from jitrt.codegen.function import Function, module
from jitrt.codegen.kernel import Kernel
from jitrt.codegen.target import Target

REGISTERS = 8
OUT_PITCH = 2 * LANES * 4  # bytes
SIGNATURE = (
    "ptr %a, ptr %b, ptr %init, ptr %out, i64 %height, ptr %offsets, i64 %taps, i64 %chunks, i64 %pitch, "
    "i64 %init_pitch, ptr %fetch, i64 %fetch_lines"
)
# Which parts of A and B are multiplied: small products first, each next to one that shares an operand.
PRODUCTS = {
    1: [(0, 0)],
    2: [(1, 0), (0, 0), (0, 1)],
    3: [(2, 0), (1, 0), (1, 1), (0, 1), (0, 2), (0, 0)],
}


def split_microkernel(vectors: int, parts: int, target: Target) -> Kernel:
    """The micro-kernel for up to 32 rows and panels of `vectors` vectors of 16 columns:

    `void f(ptr a, ptr b, ptr init, ptr out, i64 height, ptr offsets, i64 taps, i64 chunks, i64 pitch,
    i64 init_pitch, ptr fetch, i64 fetch_lines)`. `offsets` are those of each tap's first row from `a`.
    Rows of A are `pitch` bytes apart, those of what the sums start from `init_pitch`, and those of `out` 32
    elements. 16 rows are read and written if `height` is at most 16, else 32. Each product of parts brings so
    many lines from `fetch` on into the cache: all of a chunk's at once would hold up the tiles' loads.
    """
    name = f"split tiles {parts} parts x{vectors}"

    def build(symbol: str) -> str:
        f = Function(symbol, SIGNATURE, "void", target)
        passed = SIGNATURE
        with f.branch(f.compare("sle", "%height", ROWS)) as branch:
            f.do(f"call void @rows1({passed})")
            branch.otherwise()
            f.do(f"call void @rows2({passed})")
        f.do("ret void")
        return module(f, *(_tiles(f"rows{rows}", rows, vectors, parts, target) for rows in (1, 2)))

    return Kernel(name, name, build, pipeline="none")


class _Operands:
    """The tile registers that are not accumulators, and what they hold."""

    def __init__(self, f: Function, registers: Sequence[int]) -> None:
        self.f, self.held = f, dict.fromkeys(registers, "")

    def load(self, address: str, pitch: str, wanted: Sequence[str]) -> int:
        """The register that holds the tile at `address`: loaded over the one that was used least recently."""
        register = next((r for r, tile in self.held.items() if tile == address), None)
        if register is None:
            register = next(r for r, tile in self.held.items() if tile not in wanted)
            use_tile(self.f, "tileloadd64", register, ("ptr", address), ("i64", pitch))
        self.held.pop(register)
        self.held[register] = address
        return register


def _tiles(name: str, rows: int, vectors: int, parts: int, target: Target) -> Function:
    """The micro-kernel of `rows` x `vectors` tiles; of one, with two parts, it is

    tile 0 = init in every row
    for offset in offsets:
        row = a + offset
        for chunk in chunks:
            tile 1 = row + 64, tile 2 = b,      tile 0 += tile 1 * tile 2
            tile 3 = row,                       tile 0 += tile 3 * tile 2
                          tile 4 = b + 1024,    tile 0 += tile 3 * tile 4
            row += 128, b += 2048
    out = tile 0
    """
    f = Function(name, SIGNATURE, "void", target)
    count = rows * vectors
    for i in range(rows):
        start = f.at("%init", f.mul("%init_pitch", i * ROWS))
        for j in range(vectors):
            place = ("ptr", f.at(start, j * ROW_BYTES)), ("i64", "%init_pitch")
            use_tile(f, "tileloadd64", i * vectors + j, *place)
    b_pitch, height = vectors * ROW_BYTES, str(f.mul("%pitch", ROWS))
    matrix = GROUPS * b_pitch  # bytes of a part of a chunk of B
    with f.carrying(0, "%taps", 1, [("ptr", "%b"), ("ptr", "%fetch")]) as taps:
        first = f.at("%a", f.get("i64", f.at("%offsets", taps.index, "i64")))
        with f.carrying(0, "%chunks", 1, [("ptr", first), *(("ptr", v) for v in taps.values)]) as loop:
            row, b, fetch = loop.values
            lower = f.at(row, height)
            a_tiles = [[f.at(start, p * ROW_BYTES) for start in (row, lower)[:rows]] for p in range(parts)]
            b_tiles = [[f.at(b, p * matrix + j * ROW_BYTES) for j in range(vectors)] for p in range(parts)]
            operands = _Operands(f, range(count, REGISTERS))
            for p, q in PRODUCTS[parts]:
                wanted = [*a_tiles[p], *b_tiles[q]]
                left = [operands.load(tile, "%pitch", wanted) for tile in a_tiles[p]]
                right = [operands.load(tile, str(b_pitch), wanted) for tile in b_tiles[q]]
                with f.count(0, "%fetch_lines") as line:
                    f.prefetch(f.at(fetch, f.mul(line, ROW_BYTES)))
                fetch = f.at(fetch, f.mul("%fetch_lines", ROW_BYTES))
                for i, x in enumerate(left):
                    for j, y in enumerate(right):
                        use_tile(f, "tdpbf16ps", i * vectors + j, ("i8", str(x)), ("i8", str(y)))
            loop.carry([f.at(row, parts * ROW_BYTES), f.at(b, parts * matrix), fetch])
        taps.carry(loop.values[1:])
    for i in range(rows):
        for j in range(vectors):
            out = f.at("%out", i * ROWS * OUT_PITCH + j * ROW_BYTES)
            use_tile(f, "tilestored64", i * vectors + j, ("ptr", out), ("i64", str(OUT_PITCH)))
    f.do("ret void")
    return f
