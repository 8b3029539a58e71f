"""The micro-kernels under every matrix product and convolution.

A micro-kernel computes a tile of `rows x vectors` accumulators that live in registers:

    tile[i, :] = init[i, :] + sum over tap t, k:  rows[t][i][k] * b[t, k, :]

`rows` is a table of row pointers, one line a tap: a matrix product has one tap, whose pointers are the rows
of A; a convolution has a tap for each kernel position, whose pointers are input pixels (or a row of zeros,
where the position is padding). This is indirect convolution: https://arxiv.org/abs/1907.02129
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial, reduce
from typing import ClassVar, NamedTuple

from jitrt.codegen.function import Function, Integer, module
from jitrt.codegen.kernel import Kernel
from jitrt.codegen.order import is_batch_invariant
from jitrt.codegen.target import Target
from jitrt.codegen.vector import element, suffix
from jitrt.dims import Size
from jitrt.expr import Dtype
from jitrt.types import BF16, F16, F32, short_name

CHAINS = 8  # independent multiply-adds that two units of a latency of four cycles need
LINE = 64  # bytes of a cache line


class TileShape(NamedTuple):
    """The largest tile of an element type on a target: `rows` x (`vectors` of `lanes` elements)."""

    dtype: Dtype
    rows: int
    vectors: int
    lanes: int
    registers: int

    @property
    def columns(self) -> int:
        """Columns of a full panel of B."""
        return self.vectors * self.lanes

    @property
    def scalar(self) -> str:
        """LLVM's element type."""
        return element(self.dtype)

    @property
    def vector(self) -> str:
        """LLVM's vector type."""
        return f"<{self.lanes} x {self.scalar}>"

    @property
    def table_rows(self) -> int:
        """Pointers in a line of the row table: `rows` rounded up, for vector stores."""
        return -(-self.rows // 8) * 8


def packed_columns(n: Size, shape: TileShape) -> Size:
    """Columns of a packed matrix of n columns: whole vectors."""
    return (n + (shape.lanes - 1)) // shape.lanes * shape.lanes


def panel_widths(n: Size, shape: TileShape) -> set[int]:
    """The vectors of the panels of a matrix of n columns, all that there may be if n is not known."""
    if not isinstance(n, int):
        return set(range(1, shape.vectors + 1))
    last = -(-(n % shape.columns) // shape.lanes)
    return {last, shape.vectors} if n >= shape.columns else {last}


def multiply_add(f: Function, shape: TileShape, a: str, b: str, c: str) -> str:
    """Emit a * b + c on vectors."""
    vector = shape.vector
    if shape.dtype.kind == "f":
        name = f"llvm.fma.{suffix(shape.scalar, shape.lanes)}"
        return f.call(name, vector, (vector, a), (vector, b), (vector, c))
    return f.let(f"add {vector} {f.let(f'mul {vector} {a}, {b}')}, {c}")


def accumulator(dtype: Dtype) -> Dtype:
    """The type that products of `dtype` are computed in: float32 for 16-bit floats, else the type itself."""
    return F32 if dtype in (F16, BF16) else dtype


def tile_shape(dtype: Dtype, target: Target) -> TileShape:
    """The tile that leaves registers for a row of B and one element of A.

    14 x 2 vectors with 32 wide registers, 8 x 3 with 32 narrow ones, 6 x 2 with 16.
    """
    lanes = target.lanes(dtype.itemsize)
    if target.vector_registers < 32:
        return TileShape(dtype, 6, 2, lanes, target.vector_registers)
    return TileShape(dtype, *((14, 2) if target.vector_bytes == 64 else (8, 3)), lanes, 32)


def microkernels(dtype: Dtype, vectors: int, target: Target, kind: type[Tile] | None = None) -> Kernel:
    """The micro-kernels of every height for panels of `vectors` vectors, behind one address:

    `void f(ptr rows, ptr b, ptr init, ptr out, i64 height, i64 taps, i64 k, i64 b_pitch, i64 out_pitch,
    i64 column, i64 columns, ptr fetch, i64 fetch_step)`. `init` is one row. Pitches count elements from one k
    to the next in b, and from row to row of out. The panel starts at `column` of B and has so many `columns`,
    which only depthwise micro-kernels need to know. Each k brings two lines at `fetch` into the cache, and
    moves it on by `fetch_step` bytes. `kind` says how elements are multiplied, the usual way by default.
    """
    shape, kind = tile_shape(dtype, target), kind or Tile
    invariant = is_batch_invariant()
    order = " one order" if invariant else ""
    name = f"{kind.name} {short_name(dtype)} {shape.rows}x{vectors}x{shape.lanes}{order}"

    def build(symbol: str) -> str:
        heights = range(1, shape.rows + 1)
        tiles = [kind(shape, h, vectors, target, invariant).function(f"rows{h}") for h in heights]
        return module(dispatch(symbol, heights, target), *tiles)

    return Kernel(f"{name}/{shape.registers}", name, build, pipeline="none")


SIGNATURE = (
    "ptr %rows, ptr %b, ptr %init, ptr %out, i64 %height, i64 %taps, i64 %k, "
    "i64 %b_pitch, i64 %out_pitch, i64 %column, i64 %columns, ptr %fetch, i64 %fetch_step"
)


def dispatch(symbol: str, heights: range, target: Target) -> Function:
    """`switch (height) { case 1: return rows1(...); ... }`."""
    f = Function(symbol, SIGNATURE, "void", target)
    f.do(f"switch i64 %height, label %none [{' '.join(f'i64 {h}, label %case{h}' for h in heights)}]")
    for h in heights:
        f.start(f"case{h}")
        f.do(f"musttail call void @rows{h}({SIGNATURE})")
        f.do("ret void")
    f.start("none")
    f.do("ret void")
    return f


@dataclass(frozen=True)
class Tile:
    """The micro-kernel of `height` rows and `vectors` vectors."""

    shape: TileShape
    height: int
    vectors: int
    target: Target
    batch_invariant: bool = False
    name: ClassVar[str] = "microkernel"

    def function(self, name: str) -> Function:
        """The micro-kernel of one height; of two rows and one vector it is

            acc0 = acc1 = init
            for t in taps:
                p0, p1 = rows[t][0], rows[t][1]
                for k:
                    v = load b
                    acc0 = fma(splat p0[k], v, acc0)
                    acc1 = fma(splat p1[k], v, acc1)
                    b += b_pitch
            out[0] = acc0, out[out_pitch] = acc1

        Low tiles have too few accumulators to hide the latency of a multiply-add: they unroll k over several
        sets.
        """
        f, scalar, vector = (
            Function(name, SIGNATURE, "void", self.target),
            self.shape.scalar,
            self.shape.vector,
        )
        first = [self._load(f, f.at("%init", j * self.shape.lanes, scalar)) for j in range(self.vectors)]
        sums = first * self.height
        count, sets = len(sums), self.sets
        sums += ["zeroinitializer"] * (count * (sets - 1))
        unrolled_k = f.let(f"and i64 %k, {-sets}") if sets > 1 else "%k"
        with f.carrying(
            0, "%taps", 1, [("ptr", "%rows"), ("ptr", "%b"), ("ptr", "%fetch"), *((vector, s) for s in sums)]
        ) as taps:
            table, b, fetch, *sums = taps.values
            rows = [f.get("ptr", f.at(table, i, "ptr")) for i in range(self.height)]
            with f.carrying(
                0, unrolled_k, sets, [("ptr", b), ("ptr", fetch), *((vector, s) for s in sums)]
            ) as main:
                b, fetch, *sums = main.values
                for n in range(sets):
                    part = slice(n * count, (n + 1) * count)
                    for line in (0, LINE):
                        f.prefetch(f.at(fetch, line))
                    fetch = f.at(fetch, "%fetch_step")
                    sums[part] = self._step(f, rows, f.add(main.index, n), b, sums[part])
                    b = f.at(b, "%b_pitch", scalar)
                main.carry([b, fetch, *sums])
            b, fetch, *sums = main.values
            if sets > 1:
                with f.carrying(
                    unrolled_k, "%k", 1, [("ptr", b), *((vector, s) for s in sums[:count])]
                ) as rest:
                    b, *first = rest.values
                    stepped = self._step(f, rows, rest.index, b, first)
                    rest.carry([f.at(b, "%b_pitch", scalar), *stepped])
                b, *sums[:count] = rest.values
            taps.carry([f.at(table, self.shape.table_rows, "ptr"), b, fetch, *sums])
        store_rows(
            f,
            self.shape,
            self.vectors,
            [reduce(partial(self._add, f), taps.values[3 + n :: count]) for n in range(count)],
        )
        f.do("ret void")
        return f

    @property
    def sets(self) -> int:
        """The power of two of accumulator sets that keeps the multiply-add units busy.

        It is the same for a narrow last panel: equal columns have equal results wherever they are.
        """
        sets = 1
        while self.height * self.shape.vectors * sets < CHAINS and not self.batch_invariant:
            sets *= 2
        return sets

    def _load(self, f: Function, address: str) -> str:
        return f.get(self.shape.vector, address, self.shape.dtype.itemsize)

    def _step(self, f: Function, rows: list[str], k: Integer, b: str, sums: list[str]) -> list[str]:
        """The accumulators after position k, whose row of B is at `b`."""
        shape = self.shape
        columns = [self._load(f, f.at(b, j * shape.lanes, shape.scalar)) for j in range(self.vectors)]
        results = []
        for i, row in enumerate(rows):
            splat = f.splat(self.row_element(f, row, k), shape.scalar, shape.lanes)
            for j, column in enumerate(columns):
                results.append(self.multiply_add(f, splat, column, sums[i * self.vectors + j]))
        return results

    def row_element(self, f: Function, row: str, k: Integer) -> str:
        """Emit the load of element k of a row."""
        return f.get(self.shape.scalar, f.at(row, k, self.shape.scalar), self.shape.dtype.itemsize)

    def multiply_add(self, f: Function, a: str, b: str, c: str) -> str:
        """Emit a * b + c on vectors."""
        return multiply_add(f, self.shape, a, b, c)

    def _add(self, f: Function, a: str, b: str) -> str:
        return f.let(f"{'fadd' if self.shape.dtype.kind == 'f' else 'add'} {self.shape.vector} {a}, {b}")


def store_rows(f: Function, shape: TileShape, vectors: int, sums: Sequence[str]) -> None:
    """Emit the stores of a tile, row by row, to `%out`."""
    for n, total in enumerate(sums):
        row = f.at("%out", f.mul("%out_pitch", n // vectors), shape.scalar)
        f.put(shape.vector, total, f.at(row, n % vectors * shape.lanes, shape.scalar), shape.dtype.itemsize)
