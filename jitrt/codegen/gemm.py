"""Matrix products: `Y[b0, b1, m, n] = A[b0, b1, m, k] B[b0, b1, k, n] + bias[n]`, then an epilogue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from jitrt.codegen.epilogue import Epilogue, plain
from jitrt.codegen.kernel import Argument, Ref, Step
from jitrt.codegen.matrices import PackedPanels, PackedRows, RowsInPlace, StridedPanels
from jitrt.codegen.microkernel import accumulator
from jitrt.codegen.order import is_batch_invariant
from jitrt.codegen.product import LONG, DeepProduct, Product, extras, placed
from jitrt.codegen.product import Matrix as Matrix
from jitrt.codegen.target import Target, host
from jitrt.codegen.walk import PanelSource, RowSource
from jitrt.dims import Size, prod, same
from jitrt.expr import Dtype

Array = np.ndarray[Any, Any]


class PackedMatrix(NamedTuple):
    """A batch of matrices laid out by `pack_matrix`; `batch` are the strides in elements."""

    ref: Ref
    batch: tuple[Size, Size] = (0, 0)


def matmul_step(
    a: Matrix,
    b: Matrix | PackedMatrix,
    out: Matrix,
    *,
    m: Size,
    n: Size,
    k: Size,
    batch: tuple[Size, Size] = (1, 1),
    bias: Ref | None = None,
    epilogue: Epilogue | None = None,
    operands: Sequence[Matrix] = (),
    label: str = "matmul",
    target: Target | None = None,
) -> Step:
    """`out = epilogue(a @ b + bias)` over a batch of two dimensions.

    `bias` f32[n] is in the type that is computed in: float32 for the 16-bit floats. `operands` are the
    epilogue's. The columns of `out` are adjacent.
    """
    target = target or host()
    dtype = accumulator(a.dtype)
    epilogue = epilogue or plain(dtype, out.dtype)
    rows, panels = _row_source(a, dtype), _panel_source(b, dtype)
    is_long = isinstance(k, int) and k > LONG and panels.ready and not is_batch_invariant()
    kind, name = (DeepProduct, "deep matmul") if is_long else (Product, "matmul")
    product = kind(name, dtype, rows, panels, epilogue, bias is not None, target)
    values: dict[str, Argument] = {
        **{"m": m, "n": n, "k": k, "taps": 1, "batch.inner": batch[1]},
        **product.microkernels(n),
        **placed("A", a.ref, a.batch, row=a.row, column=a.column),
        **_b_values(b),
        **placed("Y", out.ref, out.batch, row=out.row),
    }
    values |= extras(operands, bias)
    count = prod(batch)
    size = a.dtype.itemsize
    moved = count * (m * k + k * n + m * n) * size
    return product.step(values, count, label, 2 * count * m * n * k, moved)


def _row_source(a: Matrix, dtype: Dtype) -> RowSource:
    adjacent = same(a.column, 1)
    return RowsInPlace(dtype) if adjacent and a.dtype == dtype else PackedRows(a.dtype, dtype, adjacent)


def _panel_source(b: Matrix | PackedMatrix, dtype: Dtype) -> PanelSource:
    if isinstance(b, PackedMatrix):
        return PackedPanels(dtype)
    adjacent = "columns" if same(b.column, 1) else "rows" if same(b.row, 1) else ""
    return StridedPanels(b.dtype, dtype, adjacent)


def _b_values(b: Matrix | PackedMatrix) -> dict[str, Argument]:
    if isinstance(b, PackedMatrix):
        return placed("B", b.ref, b.batch)
    return placed("B", b.ref, b.batch, row=b.row, column=b.column)
