"""The code of a product with weights of few bits: rows of A, which stay in registers, times a panel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from jitrt.codegen.dot import dot_of
from jitrt.codegen.function import Function
from jitrt.codegen.microkernel import TileShape
from jitrt.codegen.vector import literal
from jitrt.types import F32, I32, U8

if TYPE_CHECKING:
    from jitrt.codegen.nbits import BlockProduct

SIGNATURE = (
    "ptr %A, ptr %factors, ptr %sums, ptr %W, ptr %scales, ptr %zeros, ptr %bias, ptr %Y, i64 %blocks, "
    "i64 %positions, i64 %A.row, i64 %sums.row, i64 %Y.row, i64 %columns"
)


@dataclass(frozen=True)
class Tile:
    """Rows of A times a panel. Rows are float32; weights become float32 in registers."""

    product: BlockProduct
    height: int
    accumulator: ClassVar[str] = "float"
    addition: ClassVar[str] = "fadd"

    def function(self, name: str) -> Function:
        """For 4 bits, one row and one vector it is

            y = bias
            for g in blocks:
                low = high = 0
                for position in block:
                    byte = zext load W
                    low = fma(splat A[k], sitofp(byte & 15), low)
                    high = fma(splat A[k + 1], sitofp(byte >> 4), high)
                y = fma(scale[g], fma(-zero[g], splat sums[g], low + high), y)
            Y = y

        Rows beyond the first leave enough independent sums with one set of them.
        """
        p, lanes = self.product, self.product.lanes
        f = Function(name, SIGNATURE, "void", p.target)
        vectors, kind = p.columns // lanes, f"<{lanes} x float>"
        narrow = f"<{lanes} x {self.accumulator}>"
        count = self.height * vectors
        sets = 2 if self.height == 1 and not p.batch_invariant else 1
        masks = [f.lanes_below(f.sub("%columns", j * lanes), lanes) for j in range(vectors)]
        rows = [f.at("%A", f.mul("%A.row", i)) for i in range(self.height)]
        first = ["zeroinitializer"] * vectors
        if p.has_bias:
            first = [f.load(F32, f.at("%bias", j * lanes, "float"), lanes, masks[j]) for j in range(vectors)]
        pointers = [("ptr", "%W"), ("ptr", "%scales"), ("ptr", "%zeros"), ("i64", "0")]
        with f.carrying(0, "%blocks", 1, [*pointers, *((kind, y) for y in first * self.height)]) as blocks:
            weights, scales, zeros, offset, *totals = blocks.values
            start = ["zeroinitializer"] * (count * sets)
            with f.carrying(
                0, "%positions", 1, [("ptr", weights), ("i64", offset), *((narrow, s) for s in start)]
            ) as inner:
                weights, offset, *sums = inner.values
                sums = self._position(f, rows, weights, offset, sums, sets)
                step = 8 // p.bits * p.group * p.row_size
                inner.carry([f.at(weights, p.columns * p.group), str(f.add(offset, step)), *sums])
            weights, offset, *sums = inner.values
            if sets == 2:
                pairs = zip(sums[:count], sums[count:], strict=True)
                sums = [f.let(f"{self.addition} {narrow} {a}, {b}") for a, b in pairs]
            totals = self._block(f, blocks.index, scales, zeros, sums, totals)
            zeros = f.at(zeros, p.columns, "float" if p.zeros == "f32" else "i8")
            blocks.carry([weights, f.at(scales, p.columns, "float"), zeros, offset, *totals])
        for n, total in enumerate(blocks.values[4:]):
            row = f.at("%Y", f.mul("%Y.row", n // vectors), "float")
            f.store(total, F32, f.at(row, n % vectors * lanes, "float"), lanes, masks[n % vectors])
        f.do("ret void")
        return f

    def _position(
        self, f: Function, rows: Sequence[str], weights: str, offset: str, sums: Sequence[str], sets: int
    ) -> list[str]:
        """The sums after one row of bytes, whose first k is `offset` bytes into the rows of A."""
        p, lanes, sums = self.product, self.product.lanes, list(sums)
        vectors, kind = p.columns // lanes, f"<{lanes} x i32>"
        each = 8 // p.bits
        packed = [f.cast(f.load(U8, f.at(weights, j * lanes), lanes), U8, I32, lanes) for j in range(vectors)]
        for s in range(each):
            numbers = []
            for bits in packed:
                moved = f.let(f"lshr {kind} {bits}, {literal(s * p.bits, I32, lanes)}") if s else bits
                if s < each - 1:
                    moved = f.let(f"and {kind} {moved}, {literal((1 << p.bits) - 1, I32, lanes)}")
                numbers.append(f.cast(moved, I32, F32, lanes))
            for i, row in enumerate(rows):
                a = f.get("float", f.at(f.at(row, offset), 4 * s), 4)
                splat = f.splat(a, "float", lanes)
                for j, number in enumerate(numbers):
                    place = (s % sets * self.height + i) * vectors + j
                    sums[place] = _fma(f, splat, number, sums[place], lanes)
        return sums

    def _block(
        self,
        f: Function,
        block: str,
        scales: str,
        zeros: str,
        sums: Sequence[str],
        totals: Sequence[str],
    ) -> list[str]:
        """The totals after a block."""
        p, lanes = self.product, self.product.lanes
        vectors, kind = p.columns // lanes, f"<{lanes} x float>"
        factors = [f.load(F32, f.at(scales, j * lanes, "float"), lanes) for j in range(vectors)]
        shifts = []
        for j in range(vectors):
            if p.zeros is None:
                shifts.append(literal(-p.default, F32, lanes))
                continue
            if p.zeros == "f32":
                zero = f.load(F32, f.at(zeros, j * lanes, "float"), lanes)
            else:
                zero = f.cast(f.load(U8, f.at(zeros, j * lanes), lanes), U8, F32, lanes)
            shifts.append(f.let(f"fneg {kind} {zero}"))
        results = []
        for i in range(self.height):
            total = self._of_block(f, "%sums", i, block)
            scaled = self._scaled(f, i, block, factors)
            for j in range(vectors):
                place = i * vectors + j
                centered = _fma(f, shifts[j], total, self._number(f, sums[place]), lanes)
                results.append(_fma(f, scaled[j], centered, totals[place], lanes))
        return results

    def _of_block(self, f: Function, name: str, row: int, block: str) -> str:
        """The number that a row has for a block, in every lane."""
        start = f.at(name, f.mul("%sums.row", row), "float")
        return f.splat(f.get("float", f.at(start, block, "float"), 4), "float", self.product.lanes)

    def _scaled(self, f: Function, row: int, block: str, factors: list[str]) -> list[str]:
        """The scales of a block of weights, times that of the row's block if it has one."""
        return factors

    def _number(self, f: Function, total: str) -> str:
        """A block's sum as a float32."""
        return total


@dataclass(frozen=True)
class DotTile(Tile):
    """The same where rows are int8, four of which are multiplied at a time.

    For 4 bits, one row and one vector the position's code is

        x = load W
        low = vpdpbusd(low, x & 0x0f0f0f0f, splat A[k:k+4])
        high = vpdpbusd(high, (x >> 4) & 0x0f0f0f0f, splat A[k+4:k+8])
    """

    accumulator: ClassVar[str] = "i32"
    addition: ClassVar[str] = "add"

    def _position(
        self, f: Function, rows: Sequence[str], weights: str, offset: str, sums: Sequence[str], sets: int
    ) -> list[str]:
        p, lanes, sums = self.product, self.product.lanes, list(sums)
        vectors, kind = p.columns // lanes, f"<{lanes} x i32>"
        shape = TileShape(I32, self.height, vectors, lanes, p.target.vector_registers)
        each, mask = 8 // p.bits, ((1 << p.bits) - 1) * 0x01010101
        packed = [f.load(I32, f.at(weights, 4 * j * lanes), lanes) for j in range(vectors)]
        for s in range(each):
            numbers = packed
            if each > 1:
                shift = literal(s * p.bits, I32, lanes)
                moved = [f.let(f"lshr {kind} {x}, {shift}") for x in packed] if s else packed
                numbers = [f.let(f"and {kind} {x}, {literal(mask, I32, lanes)}") for x in moved]
            for i, row in enumerate(rows):
                a = f.splat(f.get("i32", f.at(f.at(row, offset), 4 * s), 1), "i32", lanes)
                for j, number in enumerate(numbers):
                    place = (s % sets * self.height + i) * vectors + j
                    sums[place] = dot_of(p.target).add(f, shape, number, a, sums[place])
        return sums

    def _scaled(self, f: Function, row: int, block: str, factors: list[str]) -> list[str]:
        own, kind = self._of_block(f, "%factors", row, block), f"<{self.product.lanes} x float>"
        return [f.let(f"fmul {kind} {factor}, {own}") for factor in factors]

    def _number(self, f: Function, total: str) -> str:
        return f.cast(total, I32, F32, self.product.lanes)


def tile(product: BlockProduct, height: int) -> Tile:
    """The tile of so many rows."""
    return (DotTile if product.integer else Tile)(product, height)


def _fma(f: Function, a: str, b: str, c: str, lanes: int) -> str:
    kind = f"<{lanes} x float>"
    return f.call(f"llvm.fma.v{lanes}f32", kind, (kind, a), (kind, b), (kind, c))
