"""Products with a matrix of 2-, 4- or 8-bit weights, which become numbers in registers.

    Y[m, n] = bias[n] + sum over block g:  scale[g, n] * sum over k in g:  A[m, k] * (q[k, n] - zero[g, n])

One row of A reads every weight once: it runs about as fast as packed weights come from memory. The integers
of a block are multiplied and summed first; then its zero points come off as `zero * sum of A in g`, and its
scales are multiplied in. A is float32, or int8 with a scale for each block of a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from jitrt.codegen.dot import dot_of
from jitrt.codegen.function import Function, module
from jitrt.codegen.kernel import Argument, Kernel, Ref, Step
from jitrt.codegen.nbits_tile import SIGNATURE, tile
from jitrt.codegen.order import is_batch_invariant
from jitrt.codegen.packing import pack
from jitrt.codegen.packing_forms import Interleaved
from jitrt.codegen.subnormals import without_subnormals
from jitrt.codegen.target import Target
from jitrt.dims import Size
from jitrt.types import F32, I32, U8

Array = np.ndarray[Any, Any]
ARGUMENTS = (
    *("m", "n", "blocks", "positions", "A.row", "sums.row", "Y.row"),
    *("A", "factors", "sums", "W", "scales", "zeros", "bias", "Y"),
)


@dataclass(frozen=True)
class BlockProduct:
    """What a kernel's code depends on: bits of a weight, whether A is int8, the target.

    `zeros` is the type of the zero points, u8 or f32; where there are none, `default` is one. Weights lie in
    panels of `columns` columns as [position][column][group], see `pack_weights`.
    """

    bits: int
    integer: bool
    zeros: str | None
    has_bias: bool
    target: Target
    batch_invariant: bool = field(default_factory=is_batch_invariant)

    @property
    def group(self) -> int:
        """Bytes of a column that lie together: an int32 lane of them meets four numbers of an int8 row."""
        return 4 if self.integer else 1

    @property
    def row_size(self) -> int:
        """Bytes of an element of A."""
        return 1 if self.integer else 4

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
        form = f"{self.bits} {self.integer} {self.zeros} {self.has_bias} {self.target}"
        form += " one order" if self.batch_invariant else ""
        return Kernel(f"nbits {form}", name, partial(_build, self), pipeline="none")


def panel_columns(target: Target) -> int:
    """Columns of a panel: two wide vectors, and at least 16."""
    return max(16, 2 * target.lanes(4))


def takes_integers(target: Target) -> bool:
    """Whether the target multiplies uint8 by int8, four at a time."""
    return dot_of(target).size == 4


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


def pack_weights(weights: Array, product: BlockProduct) -> Array:
    """`weights` [n, bytes], with 8 / bits consecutive k in a byte, low bits first, in panels.

    Where A is int8, the low bits of a group of four bytes are four consecutive k, the next bits four more.
    """
    if not product.integer:
        return pack_panels(weights, product.target)
    words = np.ascontiguousarray(weights).view(I32).T
    form = Interleaved(product.bits)
    packed = pack(form, words[None, None], product.columns, even=True, target=product.target)
    return packed.view(U8).reshape(-1, len(words), product.columns, 4)


def pack_scales(scales: Array, target: Target) -> Array:
    """`scales` [n, blocks] as float32 in panels."""
    return pack_panels(without_subnormals(scales.astype(F32)), target)


def pack_zero_points(zeros: Array, bits: int, blocks: int, target: Target) -> Array:
    """`zero_points` in panels."""
    return pack_panels(zero_points(zeros, bits, blocks), target)


def zero_points(zeros: Array, bits: int, blocks: int) -> Array:
    """Zero points, packed or not, as uint8 or float32 [n, blocks]."""
    return unpacked(zeros, bits)[:, :blocks] if zeros.dtype == U8 else zeros.astype(F32)


def unpacked(packed: Array, bits: int) -> Array:
    """Numbers of `bits` bits in the bytes [..., n], low bits first, as uint8 [..., 8 / bits * n]."""
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    numbers = (packed[..., None] >> shifts) & np.uint8((1 << bits) - 1)
    return numbers.reshape(*packed.shape[:-1], -1)


@dataclass(frozen=True)
class Rows:
    """The rows of A, and float32 [m, blocks]: their sums over each block, the scales of int8 blocks."""

    a: Ref
    sums: Ref
    factors: Ref | None = None


def block_product_step(
    product: BlockProduct,
    rows: Rows,
    packed: Sequence[Ref],
    bias: Ref | None,
    out: Ref,
    shape: tuple[Size, int],
    blocks: tuple[int, int],
) -> Step:
    """`out[m, n] = a[m, k] W + bias[n]` for a `shape` (m, n); a unit is a panel of columns.

    `packed` are the weights and, as `pack_panels` lays them out, the scales and the zero points, where there
    are any. `blocks` is the number of blocks, and the size of one.
    """
    (m, n), (count, size) = shape, blocks
    nbytes, panels = size * product.bits // 8, -(-n // product.columns)
    values: dict[str, Argument] = {
        **{"m": m, "n": n, "blocks": count, "positions": nbytes // product.group},
        **{"A.row": count * size * product.row_size, "sums.row": count, "Y.row": n},
        **{"A": rows.a, "sums": rows.sums, "factors": rows.factors or 0, "Y": out, "bias": bias or 0},
        **dict(zip(("W", "scales", "zeros"), [*packed, 0], strict=False)),
    }
    moved = panels * product.columns * count * (nbytes + 4) + 4 * m * (count * size + n)
    arguments = tuple(values[name] for name in ARGUMENTS)
    return Step(product.kernel, arguments, panels, "MatMulNBits", 2 * m * n * count * size, moved)


def _build(product: BlockProduct, symbol: str) -> str:
    heights = range(1, product.rows + 1)
    tiles = [tile(product, h).function(f"rows{h}") for h in heights]
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
        weights = f.at(w["W"], f.mul(cells, f.mul(w["positions"], product.group)))
        scales = f.at(w["scales"], cells, "float")
        zeros = f.at(w["zeros"], cells, "float" if product.zeros == "f32" else "i8")
        bias = f.at(w["bias"], first, "float")
        with f.count(0, w["m"], product.rows) as row:
            a = f.at(w["A"], f.mul(row, w["A.row"]))
            factors, sums = (f.at(w[x], f.mul(row, w["sums.row"]), "float") for x in ("factors", "sums"))
            out = f.at(w["Y"], f.add(f.mul(row, w["Y.row"]), first), "float")
            pointers = ", ".join(f"ptr {p}" for p in (a, factors, sums, weights, scales, zeros, bias, out))
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
