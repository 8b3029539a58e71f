"""Inverses of matrices, triangles of them."""

from __future__ import annotations

from jitrt.calls import cast_tensor, launch
from jitrt.codegen.numba_ir import fast_math
from jitrt.opdef import operator
from jitrt.tensor import Tensor

from .._lu import subtract_rows
from .._shared import widen
from ..linalg import lu_factors
from ..shape import trilu

DOMAIN = "com.microsoft"
COLUMNS = 64


@operator("Inverse", since=1, domain=DOMAIN)
def inverse(X: Tensor) -> Tensor:
    """The inverses of square matrices [..., n, n]; infinities or NaN where there is none.

    https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.Inverse
    """
    lu, pivots = lu_factors(widen(X))
    batch, n = lu.shape[0], lu.shape[1]
    blocks = (n + COLUMNS - 1) // COLUMNS
    (y,) = launch(
        solve_identity,
        lu,
        pivots,
        outputs=[(lu.dtype, lu.shape)],
        scalars=[blocks],
        extent=batch * blocks,
        flops=2 * X.size * n,
    )
    return cast_tensor(y.reshape(X.shape), X.dtype)


@fast_math("contract", "nsz")
def solve_identity(Y, LU, pivots, blocks, begin, end):
    """Y solves L U Y = P, by substitution forwards and backwards; a unit is a block of a matrix's columns."""
    n = Y.shape[1]
    for unit in range(begin, end):
        b, left = unit // blocks, unit % blocks * COLUMNS
        right = min(left + COLUMNS, n)
        for i in range(n):
            for j in range(left, right):
                Y[b, i, j] = 1 if i == j else 0
        for k in range(n):
            other = pivots[b, k]
            if other != k:
                for j in range(left, right):
                    Y[b, k, j], Y[b, other, j] = Y[b, other, j], Y[b, k, j]
        for i in range(1, n):
            subtract_rows(Y, LU, b, i, 0, i, left, right)
        for i in range(n - 1, -1, -1):
            subtract_rows(Y, LU, b, i, i + 1, n, left, right)
            for j in range(left, right):
                Y[b, i, j] /= LU[b, i, i]


@operator("Trilu", since=1, domain=DOMAIN)
def microsoft_trilu(X: Tensor, k: Tensor | None = None, *, upper: int = 1) -> Tensor:
    """The upper or lower triangle, zeros elsewhere.

    https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.Trilu
    """
    return trilu(X, k, upper=upper)
