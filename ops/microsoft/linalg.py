"""Inverses of matrices, triangles of them, distances between their rows."""

from __future__ import annotations

from jitrt.calls import cast_tensor, launch
from jitrt.codegen.numba_ir import fast_math
from jitrt.expr import sqrt
from jitrt.opdef import operator
from jitrt.tensor import Tensor, map_tensors, reduce_tensor

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


@operator("CDist", since=1, domain=DOMAIN)
def cdist(A: Tensor, B: Tensor, *, metric: str = "sqeuclidean") -> Tensor:
    """Euclidean distances, or their squares, from each row of A [M, K] to each of B [N, K], as [M, N].

    https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.CDist
    """
    if metric not in ("euclidean", "sqeuclidean"):
        raise ValueError(f"expected metric euclidean or sqeuclidean, got {metric!r}")
    if A.ndim != 2 or B.ndim != 2 or A.shape[1] != B.shape[1]:
        raise ValueError(f"expected rows of one length, A [M, K] and B [N, K], got {A} and {B}")
    squares = map_tensors(lambda a, b: (a - b) * (a - b), A.unsqueeze(1), B.unsqueeze(0))
    sums = reduce_tensor(squares, "sum", [2]).squeeze(2)
    return map_tensors(sqrt, sums) if metric == "euclidean" else sums
