"""Matrix products of 8-bit integers in int32: `Y[b0, b1, m, n] = A[b0, b1, m, k] B[b0, b1, k, n]`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jitrt.codegen.amx import TileProduct
from jitrt.codegen.dot import Dot, has_tiles, matrix_dot_of
from jitrt.codegen.dot_matrices import GroupedPanels, GroupedRows
from jitrt.codegen.dot_microkernel import dot_microkernels
from jitrt.codegen.epilogue import Epilogue, plain
from jitrt.codegen.gemm import PackedMatrix
from jitrt.codegen.kernel import Argument, Kernel, Step
from jitrt.codegen.matrices import PackedPanels, RowsInPlace
from jitrt.codegen.product import Matrix, Product, extras, placed
from jitrt.codegen.target import Target, host
from jitrt.codegen.walk import PanelSource, RowSource
from jitrt.dims import Size, prod, same
from jitrt.types import I32, U8


@dataclass(frozen=True)
class DotProduct(Product):
    """A product of groups of small integers, each a 32-bit element to the driver."""

    def microkernel(self, vectors: int, whole: bool) -> Kernel:
        """The micro-kernels for panels of `vectors` vectors."""
        return dot_microkernels(vectors, self.target)


def dot_product(
    rows: RowSource, panels: PanelSource, epilogue: Epilogue, target: Target, row_bytes: int = 0
) -> Product:
    """The specification of a product: with tile registers where there are any and rows are copied.

    The copies are `row_bytes` apart, if not one after the other.
    """
    if rows.packs and has_tiles(target):
        return TileProduct("dot", I32, rows, panels, epilogue, False, target, row_bytes=row_bytes)
    return DotProduct("dot", I32, rows, panels, epilogue, False, target)


def dot_matmul_step(
    a: Matrix,
    b: Matrix | PackedMatrix,
    out: Matrix,
    *,
    m: Size,
    n: Size,
    k: Size,
    batch: tuple[Size, Size] = (1, 1),
    epilogue: Epilogue | None = None,
    operands: Sequence[Matrix] = (),
    label: str = "dot",
    target: Target | None = None,
) -> Step:
    """`out = epilogue(a @ b)` over a batch of two dimensions, for uint8 `a` and int8 `b`.

    A packed `b` is as `pack_matrix_groups` lays it out. The columns of `out` are adjacent.
    """
    target = target or host()
    dot = matrix_dot_of(target)
    rows, panels = _row_source(a, k, dot), _panel_source(b, dot)
    product = dot_product(rows, panels, epilogue or plain(I32, out.dtype), target)
    values: dict[str, Argument] = {
        **{"m": m, "n": n, "k": dot.groups(k), "taps": 1, "batch.inner": batch[1]},
        **product.microkernels(n),
        **placed("A", a.ref, a.batch, row=a.row, column=a.column, depth=k),
        **placed("Y", out.ref, out.batch, row=out.row),
        **extras(operands, None),
    }
    if isinstance(b, PackedMatrix):
        values |= placed("B", b.ref, b.batch)
    else:
        values |= placed("B", b.ref, b.batch, row=b.row, column=b.column, depth=k)
    count = prod(batch)
    moved = count * (m * k + k * n + m * n * product.epilogue.root.dtype.itemsize)
    return product.step(values, count, label, 2 * count * m * n * k, moved)


def _row_source(a: Matrix, k: Size, dot: Dot) -> RowSource:
    """In place if groups are bytes, none is part of a row only, and rows may be anywhere."""
    adjacent = same(a.column, 1)
    whole = isinstance(k, int) and k % dot.size == 0 and dot.block == 1
    return RowsInPlace(U8) if adjacent and whole and dot.row == U8 else GroupedRows(dot, adjacent)


def _panel_source(b: Matrix | PackedMatrix, dot: Dot) -> PanelSource:
    if isinstance(b, PackedMatrix):
        return PackedPanels(I32)
    return GroupedPanels(dot, "columns" if same(b.column, 1) else "rows" if same(b.row, 1) else "")
