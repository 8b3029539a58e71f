"""Kernels before and after Fourier transforms: frames of a signal, and real signals as complex ones."""

from __future__ import annotations


def copy_frames(Y, X, step, begin, end):
    """Y[b, f, j] = X[b, f * step + j]; a unit is a frame [b, f]."""
    count, n = Y.shape[1], Y.shape[2]
    for unit in range(begin, end):
        b, f = unit // count, unit % count
        for j in range(n):
            for c in range(Y.shape[3]):
                Y[b, f, j, c] = X[b, f * step + j, c]


def unpack_rows(Y, Z, roots, begin, end):
    """The bins Y [batch, n + 1, 2] of real signals; Z [batch, n, 2] are the transforms of their pairs.

    A unit is a bin [b, k]; `roots` [2, n + 1] are the roots of unity of order 2 * n. The transforms of the
    even and the odd elements are (Z[k] + Z[-k]*) / 2 and (Z[k] - Z[-k]*) / 2i.
    """
    n, half = Z.shape[1], Z.dtype.type(0.5)
    while begin < end:
        b, first = begin // (n + 1), begin % (n + 1)
        stop = min(n + 1, first + end - begin)
        begin += stop - first
        for k in range(first, stop):
            i, j = (k if k < n else 0), (n - k if k else 0)
            er, ei = half * (Z[b, i, 0] + Z[b, j, 0]), half * (Z[b, i, 1] - Z[b, j, 1])
            dr, di = half * (Z[b, i, 1] + Z[b, j, 1]), half * (Z[b, j, 0] - Z[b, i, 0])
            Y[b, k, 0] = er + dr * roots[0, k] - di * roots[1, k]
            Y[b, k, 1] = ei + dr * roots[1, k] + di * roots[0, k]


def pack_rows(Z, X, roots, begin, end):
    """The inverse of `unpack_rows`, from X [batch, n + 1, 2]; a unit is an element [b, k] of Z.

    The imaginary parts of the first and the last bin, of which a real signal has none, are not read.
    """
    n, half = Z.shape[1], Z.dtype.type(0.5)
    while begin < end:
        b, first = begin // n, begin % n
        stop = min(n, first + end - begin)
        begin += stop - first
        for k in range(first, stop):
            xr, xi, yr, yi = X[b, k, 0], X[b, k, 1], X[b, n - k, 0], X[b, n - k, 1]
            if k == 0:
                xi = yi = Z.dtype.type(0)
            er, ei, tr, ti = half * (xr + yr), half * (xi - yi), half * (xr - yr), half * (xi + yi)
            dr = tr * roots[0, k] + ti * roots[1, k]
            di = ti * roots[0, k] - tr * roots[1, k]
            Z[b, k, 0], Z[b, k, 1] = er - di, ei + dr
