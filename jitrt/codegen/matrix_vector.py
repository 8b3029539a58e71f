"""Products of one row, as long as it takes to read B: `y[n] = a[k] B[k, n] + bias[n]`.

B is read once, as it lies in memory. Where the elements of its rows are adjacent, all results of a block of
columns take up a few rows at a time:

    for block of columns, 4 rows k of B:
        for column j:   y[j] += a[k] B[k, j] + ... + a[k + 3] B[k + 3, j]

Where those of its columns are, as many dot products are computed at once as a vector has lanes:

    for vector of columns:
        for vector of k:   sums[each column] += a[k...] * B[k..., column]

The product of a matrix with one column is that of a row with the matrix transposed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from jitrt.codegen.epilogue import Epilogue, plain
from jitrt.codegen.kernel import Argument, Kernel, Ref, Step
from jitrt.codegen.microkernel import TileShape, accumulator, tile_shape
from jitrt.codegen.product import Matrix, extra_names, extras, placed
from jitrt.codegen.target import Target, host
from jitrt.codegen.walk import strided
from jitrt.dims import Size, prod, same
from jitrt.expr import Dtype
from jitrt.types import short_name

PIECE_VECTORS = 4  # of results, which are stored together
BLOCK_PIECES = 16  # of which a row of B is read at once: a page


@dataclass(frozen=True)
class MatrixVector:
    """What a kernel's code depends on: the types computed in and in memory, and what is adjacent.

    `b_rows` says whether the elements of a row of B are; else those of a column are.
    """

    dtype: Dtype
    a: Dtype
    a_adjacent: bool
    b: Dtype
    b_rows: bool
    epilogue: Epilogue
    has_bias: bool
    target: Target

    @property
    def shape(self) -> TileShape:
        """The tile of other products, for its lanes."""
        return tile_shape(self.dtype, self.target)

    @property
    def piece(self) -> int:
        """Columns of a piece."""
        return PIECE_VECTORS * self.shape.lanes

    @property
    def copies_row(self) -> bool:
        """Whether the row is copied, to be read by vectors."""
        return not self.b_rows and not (self.a_adjacent and self.a == self.dtype)

    @property
    def block_pieces(self) -> int:
        """Pieces that are computed together."""
        return BLOCK_PIECES if self.b_rows else 1

    @property
    def sums_bytes(self) -> int:
        """Of a block's results."""
        return self.block_pieces * self.piece * self.dtype.itemsize

    @property
    def names(self) -> tuple[str, ...]:
        """The kernel's arguments, in order."""
        return (
            *("n", "k", "batch.inner"),
            *(*strided("A", "column"), *strided("B", "row", "column"), *strided("Y")),
            *extra_names(self.epilogue, self.has_bias),
        )

    @property
    def kernel(self) -> Kernel:
        """The kernel."""
        name = f"matrix-vector {short_name(self.dtype)} {self.epilogue}"
        return Kernel(f"{self}", name[:60], partial(_build, self), pipeline="registers")

    def __str__(self) -> str:
        a = f"{short_name(self.a)}{'' if self.a_adjacent else ' strided'}"
        b = f"{short_name(self.b)} {'rows' if self.b_rows else 'columns'}"
        return f"matrix-vector {self.shape} {a} {b} bias={self.has_bias} {self.epilogue} {self.target}"


def matrix_vector_step(
    a: Matrix,
    b: Matrix,
    out: Matrix,
    *,
    n: Size,
    k: Size,
    batch: tuple[Size, Size] = (1, 1),
    bias: Ref | None = None,
    epilogue: Epilogue | None = None,
    operands: Sequence[Matrix] = (),
    label: str = "matmul",
    target: Target | None = None,
) -> Step:
    """`matmul_step` of one row; B's rows or its columns are adjacent, and the columns of `out`."""
    target = target or host()
    dtype = accumulator(a.dtype)
    product = MatrixVector(
        *(dtype, a.dtype, same(a.column, 1), b.dtype, same(b.column, 1)),
        *(epilogue or plain(dtype, out.dtype), bias is not None, target),
    )
    values: dict[str, Argument] = {
        **{"n": n, "k": k, "batch.inner": batch[1]},
        **placed("A", a.ref, a.batch, column=a.column),
        **placed("B", b.ref, b.batch, row=b.row, column=b.column),
        **placed("Y", out.ref, out.batch),
        **extras(operands, bias),
    }
    count = prod(batch)
    return Step(
        product.kernel,
        tuple(values[name] for name in product.names),
        count * ((n + (product.piece - 1)) // product.piece),
        label,
        2 * count * n * k,
        count * (k + k * n + n) * a.dtype.itemsize,
        scratch=product.sums_bytes + (k * dtype.itemsize if product.copies_row else 0),
        sharing=product.block_pieces,
    )


def _build(product: MatrixVector, symbol: str) -> str:
    from jitrt.codegen.matrix_vector_code import driver

    return driver(product, symbol)
