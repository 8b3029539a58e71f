"""Products with a matrix of 2-, 4- or 8-bit weights, which become floats in registers.

    Y[m, n] = bias[n] + sum over block g:  scale[g, n] * sum over k in g:  A[m, k] * (q[k, n] - zero[g, n])

One row of A reads every weight once: it runs about as fast as packed weights come from memory. The integers
of a block are multiplied and summed first; then its zero points come off as `zero * sum of A in g`, and its
scales are multiplied in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from jitrt.codegen.function import Function, module
from jitrt.codegen.kernel import Argument, Kernel, Ref, Step
from jitrt.codegen.target import Target
from jitrt.codegen.vector import literal
from jitrt.dims import Size
from jitrt.types import F32, I32, U8

Array = np.ndarray[Any, Any]
ARGUMENTS = (
    *("m", "n", "blocks", "positions", "A.row", "sums.row", "Y.row"),
    *("A", "sums", "W", "scales", "zeros", "bias", "Y"),
)


@dataclass(frozen=True)
class BlockProduct:
    """What a kernel's code depends on. `zeros` is the type of the zero points, None where all are `default`.

    The weights lie in panels of `columns` columns: a byte holds 8 / bits consecutive k of a column, low bits
    first, and the bytes of a panel lie as [k][column].
    """

    bits: int
    zeros: str | None
    has_bias: bool
    target: Target

    @property
    def lanes(self) -> int:
        """Floats in a vector."""
        return self.target.lanes(4)

    @property
    def columns(self) -> int:
        """Columns of a panel."""
        return panel_columns(self.target)

    @property
    def rows(self) -> int:
        """Rows of A that share the weights in registers."""
        return 8 if self.target.vector_bytes == 64 else 4

    @property
    def default(self) -> int:
        """The zero point of weights that have none."""
        return 1 << (self.bits - 1)

    @property
    def kernel(self) -> Kernel:
        """The kernel; its parallel extent are panels, its arguments ARGUMENTS."""
        name = f"product {self.bits} bits"
        form = f"{self.bits} {self.zeros} {self.has_bias} {self.target}"
        return Kernel(f"nbits {form}", name, partial(_build, self), pipeline="none")


def panel_columns(target: Target) -> int:
    """Columns of a panel: two wide vectors, and at least 16."""
    return max(16, 2 * target.lanes(4))


def pack_panels(matrix: Array, target: Target) -> Array:
    """`matrix` [n, ...] as [panel][...][column], with zeros for the columns that the last panel lacks."""
    columns, (n, *_) = panel_columns(target), matrix.shape
    rows = matrix.reshape(n, -1)
    panels = -(-n // columns)
    packed = np.zeros((panels, rows.shape[1], columns), matrix.dtype)
    for panel in range(panels):
        part = rows[panel * columns : (panel + 1) * columns]
        packed[panel, :, : len(part)] = part.T
    return packed


def block_product_step(
    product: BlockProduct,
    a: Ref,
    sums: Ref,
    packed: Sequence[Ref],
    bias: Ref | None,
    out: Ref,
    shape: tuple[Size, int],
    blocks: tuple[int, int],
) -> Step:
    """`out[m, n] = a[m, k] W + bias[n]` for a `shape` (m, n); a unit is a panel of columns.

    `packed` are the weights, the scales and, where there are any, the zero points, as `pack_panels` lays them
    out. `sums` [m, blocks] are those of a over each block. `blocks` is their number, and the size of one.
    """
    (m, n), (count, size) = shape, blocks
    positions, panels = size * product.bits // 8, -(-n // product.columns)
    values: dict[str, Argument] = {
        **{"m": m, "n": n, "blocks": count, "positions": positions},
        **{"A.row": count * size, "sums.row": count, "Y.row": n},
        **{"A": a, "sums": sums, "Y": out, "bias": 0 if bias is None else bias},
        **dict(zip(("W", "scales", "zeros"), [*packed, 0], strict=False)),
    }
    moved = panels * product.columns * count * (positions + 4) + 4 * m * (count * size + n)
    arguments = tuple(values[name] for name in ARGUMENTS)
    return Step(product.kernel, arguments, panels, "MatMulNBits", 2 * m * n * count * size, moved)


SIGNATURE = (
    "ptr %A, ptr %sums, ptr %W, ptr %scales, ptr %zeros, ptr %bias, ptr %Y, i64 %blocks, "
    "i64 %positions, i64 %A.row, i64 %sums.row, i64 %Y.row, i64 %columns"
)


def _build(product: BlockProduct, symbol: str) -> str:
    heights = range(1, product.rows + 1)
    tiles = [_Tile(product, h).function(f"rows{h}") for h in heights]
    return module(_driver(product, symbol), _dispatch(product, heights), *tiles)


def _driver(product: BlockProduct, symbol: str) -> Function:
    """`for panel in begin..end: for rows in steps: call @tile(...)`."""
    f = Function(symbol, "ptr %args, i64 %begin, i64 %end, ptr %scratch", "i64", product.target)
    w = {name: f.get("ptr" if i > 6 else "i64", f.at("%args", 8 * i)) for i, name in enumerate(ARGUMENTS)}
    columns = product.columns
    with f.count("%begin", "%end") as panel:
        first = f.mul(panel, columns)
        here = f.min(f.sub(w["n"], first), columns)
        cells = f.mul(f.mul(panel, w["blocks"]), columns)
        weights = f.at(w["W"], f.mul(cells, w["positions"]))
        scales = f.at(w["scales"], cells, "float")
        zeros = f.at(w["zeros"], cells, "float" if product.zeros == "f32" else "i8")
        bias = f.at(w["bias"], first, "float")
        with f.count(0, w["m"], product.rows) as row:
            a = f.at(w["A"], f.mul(row, w["A.row"]), "float")
            sums = f.at(w["sums"], f.mul(row, w["sums.row"]), "float")
            out = f.at(w["Y"], f.add(f.mul(row, w["Y.row"]), first), "float")
            pointers = ", ".join(f"ptr {p}" for p in (a, sums, weights, scales, zeros, bias, out))
            names = ("blocks", "positions", "A.row", "sums.row", "Y.row")
            numbers = ", ".join(f"i64 {n}" for n in (*(w[name] for name in names), here))
            height = f.min(f.sub(w["m"], row), product.rows)
            f.do(f"call void @tile({pointers}, {numbers}, i64 {height})")
    f.do("ret i64 0")
    return f


def _dispatch(product: BlockProduct, heights: range) -> Function:
    """`switch (height) { case 1: return rows1(...); ... }`."""
    f = Function("tile", f"{SIGNATURE}, i64 %height", "void", product.target)
    f.do(f"switch i64 %height, label %none [{' '.join(f'i64 {h}, label %case{h}' for h in heights)}]")
    for h in heights:
        f.start(f"case{h}")
        f.do(f"call void @rows{h}({SIGNATURE})")
        f.do("ret void")
    f.start("none")
    f.do("ret void")
    return f


@dataclass(frozen=True)
class _Tile:
    """Rows of A times a panel."""

    product: BlockProduct
    height: int

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
        count, sets = self.height * vectors, 2 if self.height == 1 else 1
        masks = [f.lanes_below(f.sub("%columns", j * lanes), lanes) for j in range(vectors)]
        rows = [f.at("%A", f.mul("%A.row", i), "float") for i in range(self.height)]
        first = ["zeroinitializer"] * vectors
        if p.has_bias:
            first = [f.load(F32, f.at("%bias", j * lanes, "float"), lanes, masks[j]) for j in range(vectors)]
        pointers = [("ptr", "%W"), ("ptr", "%scales"), ("ptr", "%zeros"), ("i64", "0")]
        with f.carrying(0, "%blocks", 1, [*pointers, *((kind, y) for y in first * self.height)]) as blocks:
            weights, scales, zeros, offset, *totals = blocks.values
            start = ["zeroinitializer"] * (count * sets)
            with f.carrying(
                0, "%positions", 1, [("ptr", weights), ("i64", offset), *((kind, s) for s in start)]
            ) as inner:
                weights, offset, *sums = inner.values
                sums = self._position(f, rows, weights, offset, sums, sets)
                step = 8 // p.bits * 4
                inner.carry([f.at(weights, p.columns), str(f.add(offset, step)), *sums])
            weights, offset, *sums = inner.values
            if sets == 2:
                sums = [
                    f.let(f"fadd {kind} {a}, {b}") for a, b in zip(sums[:count], sums[count:], strict=True)
                ]
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
            row = f.at("%sums", f.mul("%sums.row", i), "float")
            total = f.splat(f.get("float", f.at(row, block, "float"), 4), "float", lanes)
            for j in range(vectors):
                place = i * vectors + j
                centered = _fma(f, shifts[j], total, sums[place], lanes)
                results.append(_fma(f, factors[j], centered, totals[place], lanes))
        return results


def _fma(f: Function, a: str, b: str, c: str, lanes: int) -> str:
    kind = f"<{lanes} x float>"
    return f.call(f"llvm.fma.v{lanes}f32", kind, (kind, a), (kind, b), (kind, c))
