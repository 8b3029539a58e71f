"""LU factorisation with partial pivoting, the kernel under determinants and inverses."""

from jitrt.codegen.numba_ir import fast_math

PANEL = 32


@fast_math("contract", "nsz")
def factorize(LU, pivots, X, begin, end):
    """P A = L U of matrices `begin` to `end`; pivots[b, k] is the row swapped with row k at step k.

    A panel of columns is factorised at a time, and what is right of it updated at once.
    """
    n = LU.shape[1]
    for b in range(begin, end):
        for i in range(n):
            for j in range(n):
                LU[b, i, j] = X[b, i, j]
        for first in range(0, n, PANEL):
            last = min(first + PANEL, n)
            factorize_panel(LU, pivots, b, first, last)
            solve_lower(LU, b, first, last)
            for i in range(last, n):
                subtract_rows(LU, LU, b, i, first, last, last, n)


def factorize_panel(LU, pivots, b, first, last):
    """Eliminate columns first to last in all rows from `first` on; swap whole rows."""
    n = LU.shape[1]
    for k in range(first, last):
        best = k
        for i in range(k + 1, n):
            if abs(LU[b, i, k]) > abs(LU[b, best, k]):
                best = i
        pivots[b, k] = best
        if best != k:
            for j in range(n):
                LU[b, k, j], LU[b, best, j] = LU[b, best, j], LU[b, k, j]
        pivot = LU[b, k, k]
        if pivot != 0:
            for i in range(k + 1, n):
                factor = LU[b, i, k] / pivot
                LU[b, i, k] = factor
                for j in range(k + 1, last):
                    LU[b, i, j] -= factor * LU[b, k, j]


def solve_lower(LU, b, first, last):
    """The rows first to last of U, right of the panel: what is there, times the inverse of the panel's L."""
    for i in range(first + 1, last):
        subtract_rows(LU, LU, b, i, first, i, last, LU.shape[1])


def subtract_rows(Y, A, b, i, first, last, left, right):
    """Y[b, i, left:right] -= A[b, i, first:last] Y[b, first:last, left:right], four rows at a time."""
    k = first
    while k + 4 <= last:
        p, q, r, s = A[b, i, k], A[b, i, k + 1], A[b, i, k + 2], A[b, i, k + 3]
        for j in range(left, right):
            Y[b, i, j] -= p * Y[b, k, j] + q * Y[b, k + 1, j] + r * Y[b, k + 2, j] + s * Y[b, k + 3, j]
        k += 4
    while k < last:
        p = A[b, i, k]
        for j in range(left, right):
            Y[b, i, j] -= p * Y[b, k, j]
        k += 1
