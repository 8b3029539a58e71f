"""Kernels of fast Fourier transforms: many transforms of one length at a time, side by side in vectors.

A tile holds `lanes` signals of n complex numbers as two arrays [n, lanes], the real parts and the imaginary
ones. A transform is a sequence of passes from one tile to another (Stockham's
algorithm, decimation in frequency, which leaves the result in order), one for each factor of n.
https://en.wikipedia.org/wiki/Cooley-Tukey_FFT_algorithm
"""

from __future__ import annotations

from jitrt.codegen.numba_ir import independent

BLOCK = 16
PACKED, UNPACKED = 1, 2
SIN_60 = 0.8660254037844386
COS_72, COS_144 = 0.30901699437494745, -0.8090169943749475
SIN_72, SIN_144 = 0.9510565162951535, 0.5877852522924731


@independent
def transform(
    Y,
    X,
    window,
    chirp,
    roots,
    factors,
    halves,
    twiddles,
    scale,
    n,
    lanes,
    signals,
    bins,
    real,
    inverse_in,
    inverse_out,
    packing,
    many_in,
    outer_in,
    inner_in,
    along_in,
    filled_in,
    many_out,
    outer_out,
    along_out,
    begin,
    end,
    scratch,
):
    """Transforms of length n; a unit is `lanes` of the `signals`, which the last unit may have fewer of.

    X and Y are flat. Signal number u starts at u // many_in * outer_in + u % many_in * inner_in in X, its
    elements are `along_in` apart, one number each if `real`, else two; and so in Y, where signals of a group
    are next to each other and `bins` of their elements are kept. An inverse transform is one with the real
    and the imaginary parts swapped on the way in and out.

    Factors that are not empty: the numbers of an element are multiplied by those of `window` [2 * n] before
    the transform, elements as complex numbers by `chirp` [2, n * many_in] before and by `twiddles`
    [2, n * many_out] after it. The last multiplication is by `scale` [1]. Where signals of a group are next
    to each other in X as well, the group has `filled_in` elements, then zeros.

    With `packing`, n is half the length of real signals: their even elements are real parts, the odd ones
    imaginary parts. UNPACKED stores their n + 1 bins, PACKED loads these. `halves` [2, n + 1] are then the
    roots of unity of order 2 * n.
    """
    size = (n + 1) * lanes * X.itemsize
    loaded = n + 1 if packing == PACKED else n
    for unit in range(begin, end):
        ar, ai = scratch[:size].view(X.dtype), scratch[size : 2 * size].view(X.dtype)
        br, bi = scratch[2 * size : 3 * size].view(X.dtype), scratch[3 * size : 4 * size].view(X.dtype)
        first = unit * lanes
        V = min(lanes, signals - first)
        if inverse_in:
            ar, ai = ai, ar
        if along_in == (1 if real else 2):
            load_rows(ar, ai, X, first, V, loaded, many_in, outer_in, inner_in, real)
        else:
            load_columns(ar, ai, X, first, V, loaded, many_in, outer_in, along_in, filled_in, real)
        if inverse_in:
            ar, ai = ai, ar
        if window.shape[0] > 0:
            weigh(ar, ai, window, n, V)
        if chirp.shape[1] > 0:
            twist(ar, ai, chirp, first, V, n, many_in)
        if packing == PACKED:
            pack(br, bi, ar, ai, halves, n, V)
            ar, ai, br, bi = br, bi, ar, ai
        m, s = n, 1
        for f in range(factors.shape[0]):
            radix = factors[f]
            m //= radix
            run_pass(br, bi, ar, ai, roots, radix, m, s, V)
            ar, ai, br, bi = br, bi, ar, ai
            s *= radix
        if packing == UNPACKED:
            unpack(br, bi, ar, ai, halves, n, V)
            ar, ai, br, bi = br, bi, ar, ai
        if twiddles.shape[1] > 0:
            twist(ar, ai, twiddles, first, V, n, many_out)
        if inverse_out:
            ar, ai = ai, ar
        if along_out == 2:
            store_rows(Y, ar, ai, first, V, bins, many_out, outer_out, scale[0])
        else:
            store_columns(Y, ar, ai, first, V, bins, many_out, outer_out, along_out, scale[0])


def run_pass(Yr, Yi, Xr, Xi, roots, radix, m, s, V):
    """X [radix, m, s] to Y [m, radix, s], each element V lanes: transforms along the first axis, turned by
    Y[p, t] *= w**(p * t), where w is the root of unity of order radix * m and roots[:, k] is w**(k / s)."""
    if radix == 4:
        pass_4(Yr, Yi, Xr, Xi, roots, m, s, V)
    elif radix == 2:
        pass_2(Yr, Yi, Xr, Xi, roots, m, s, V)
    elif radix == 3:
        pass_3(Yr, Yi, Xr, Xi, roots, m, s, V)
    elif radix == 5:
        pass_5(Yr, Yi, Xr, Xi, roots, m, s, V)
    else:
        pass_any(Yr, Yi, Xr, Xi, roots, radix, m, s, V)


def pass_2(Yr, Yi, Xr, Xi, roots, m, s, V):
    """A pass of radix 2."""
    for p in range(m):
        wr, wi = roots[0, p * s], roots[1, p * s]
        x0, x1, y0, y1 = s * p * V, s * (p + m) * V, 2 * s * p * V, (2 * p + 1) * s * V
        for i in range(s * V):
            ar, ai, br, bi = Xr[x0 + i], Xi[x0 + i], Xr[x1 + i], Xi[x1 + i]
            Yr[y0 + i], Yi[y0 + i] = ar + br, ai + bi
            br, bi = ar - br, ai - bi
            Yr[y1 + i], Yi[y1 + i] = br * wr - bi * wi, br * wi + bi * wr


def pass_3(Yr, Yi, Xr, Xi, roots, m, s, V):
    """A pass of radix 3."""
    half, sine = Xr.dtype.type(0.5), Xr.dtype.type(SIN_60)
    for p in range(m):
        w1r, w1i = roots[0, p * s], roots[1, p * s]
        w2r, w2i = roots[0, 2 * p * s], roots[1, 2 * p * s]
        x0, x1, x2 = s * p * V, s * (p + m) * V, s * (p + 2 * m) * V
        y0, y1, y2 = 3 * s * p * V, s * (3 * p + 1) * V, s * (3 * p + 2) * V
        for i in range(s * V):
            ar, ai = Xr[x0 + i], Xi[x0 + i]
            sr, si = Xr[x1 + i] + Xr[x2 + i], Xi[x1 + i] + Xi[x2 + i]
            dr, di = sine * (Xr[x1 + i] - Xr[x2 + i]), sine * (Xi[x1 + i] - Xi[x2 + i])
            Yr[y0 + i], Yi[y0 + i] = ar + sr, ai + si
            cr, ci = ar - half * sr, ai - half * si
            br, bi = cr + di, ci - dr
            Yr[y1 + i], Yi[y1 + i] = br * w1r - bi * w1i, br * w1i + bi * w1r
            br, bi = cr - di, ci + dr
            Yr[y2 + i], Yi[y2 + i] = br * w2r - bi * w2i, br * w2i + bi * w2r


def pass_4(Yr, Yi, Xr, Xi, roots, m, s, V):
    """A pass of radix 4."""
    for p in range(m):
        w1r, w1i = roots[0, p * s], roots[1, p * s]
        w2r, w2i = roots[0, 2 * p * s], roots[1, 2 * p * s]
        w3r, w3i = roots[0, 3 * p * s], roots[1, 3 * p * s]
        x0, x1, x2, x3 = s * p * V, s * (p + m) * V, s * (p + 2 * m) * V, s * (p + 3 * m) * V
        y0, y1, y2, y3 = 4 * s * p * V, s * (4 * p + 1) * V, s * (4 * p + 2) * V, s * (4 * p + 3) * V
        for i in range(s * V):
            ar, ai, cr, ci = Xr[x0 + i], Xi[x0 + i], Xr[x2 + i], Xi[x2 + i]
            br, bi, dr, di = Xr[x1 + i], Xi[x1 + i], Xr[x3 + i], Xi[x3 + i]
            ar, ai, cr, ci = ar + cr, ai + ci, ar - cr, ai - ci
            br, bi, dr, di = br + dr, bi + di, br - dr, bi - di
            Yr[y0 + i], Yi[y0 + i] = ar + br, ai + bi
            er, ei = cr + di, ci - dr
            Yr[y1 + i], Yi[y1 + i] = er * w1r - ei * w1i, er * w1i + ei * w1r
            er, ei = ar - br, ai - bi
            Yr[y2 + i], Yi[y2 + i] = er * w2r - ei * w2i, er * w2i + ei * w2r
            er, ei = cr - di, ci + dr
            Yr[y3 + i], Yi[y3 + i] = er * w3r - ei * w3i, er * w3i + ei * w3r


def pass_5(Yr, Yi, Xr, Xi, roots, m, s, V):
    """A pass of radix 5."""
    c1, c2 = Xr.dtype.type(COS_72), Xr.dtype.type(COS_144)
    s1, s2 = Xr.dtype.type(SIN_72), Xr.dtype.type(SIN_144)
    for p in range(m):
        w1r, w1i = roots[0, p * s], roots[1, p * s]
        w2r, w2i = roots[0, 2 * p * s], roots[1, 2 * p * s]
        w3r, w3i = roots[0, 3 * p * s], roots[1, 3 * p * s]
        w4r, w4i = roots[0, 4 * p * s], roots[1, 4 * p * s]
        x0, x1, x2 = s * p * V, s * (p + m) * V, s * (p + 2 * m) * V
        x3, x4 = s * (p + 3 * m) * V, s * (p + 4 * m) * V
        y0, y1, y2 = 5 * s * p * V, s * (5 * p + 1) * V, s * (5 * p + 2) * V
        y3, y4 = s * (5 * p + 3) * V, s * (5 * p + 4) * V
        for i in range(s * V):
            ar, ai = Xr[x0 + i], Xi[x0 + i]
            br, bi = Xr[x1 + i] + Xr[x4 + i], Xi[x1 + i] + Xi[x4 + i]
            cr, ci = Xr[x2 + i] + Xr[x3 + i], Xi[x2 + i] + Xi[x3 + i]
            dr, di = Xr[x1 + i] - Xr[x4 + i], Xi[x1 + i] - Xi[x4 + i]
            er, ei = Xr[x2 + i] - Xr[x3 + i], Xi[x2 + i] - Xi[x3 + i]
            Yr[y0 + i], Yi[y0 + i] = ar + br + cr, ai + bi + ci
            fr, fi = ar + c1 * br + c2 * cr, ai + c1 * bi + c2 * ci
            gr, gi = ar + c2 * br + c1 * cr, ai + c2 * bi + c1 * ci
            hr, hi = s1 * dr + s2 * er, s1 * di + s2 * ei
            kr, ki = s2 * dr - s1 * er, s2 * di - s1 * ei
            tr, ti = fr + hi, fi - hr
            Yr[y1 + i], Yi[y1 + i] = tr * w1r - ti * w1i, tr * w1i + ti * w1r
            tr, ti = gr + ki, gi - kr
            Yr[y2 + i], Yi[y2 + i] = tr * w2r - ti * w2i, tr * w2i + ti * w2r
            tr, ti = gr - ki, gi + kr
            Yr[y3 + i], Yi[y3 + i] = tr * w3r - ti * w3i, tr * w3i + ti * w3r
            tr, ti = fr - hi, fi + hr
            Yr[y4 + i], Yi[y4 + i] = tr * w4r - ti * w4i, tr * w4i + ti * w4r


def pass_any(Yr, Yi, Xr, Xi, roots, radix, m, s, V):
    """A pass of any radix, as a product with the matrix of the roots of unity of that order."""
    apart = m * s
    for p in range(m):
        for t in range(radix):
            x, y = s * p * V, s * (radix * p + t) * V
            for i in range(s * V):
                Yr[y + i], Yi[y + i] = Xr[x + i], Xi[x + i]
            for k in range(1, radix):
                x += m * s * V
                wr, wi = roots[0, k * t % radix * apart], roots[1, k * t % radix * apart]
                for i in range(s * V):
                    xr, xi = Xr[x + i], Xi[x + i]
                    Yr[y + i] += xr * wr - xi * wi
                    Yi[y + i] += xr * wi + xi * wr
            wr, wi = roots[0, p * t * s], roots[1, p * t * s]
            for i in range(s * V):
                yr, yi = Yr[y + i], Yi[y + i]
                Yr[y + i], Yi[y + i] = yr * wr - yi * wi, yr * wi + yi * wr


def load_rows(Ar, Ai, X, first, V, n, many, outer, inner, real):
    """Load V signals, the elements of each next to each other in X, a block of elements at a time."""
    for j0 in range(0, n, BLOCK):
        stop = min(n, j0 + BLOCK)
        group, member = first // many, first % many
        for v in range(V):
            x = group * outer + member * inner
            if real:
                for j in range(j0, stop):
                    Ar[j * V + v], Ai[j * V + v] = X[x + j], 0
            else:
                for j in range(j0, stop):
                    Ar[j * V + v], Ai[j * V + v] = X[x + 2 * j], X[x + 2 * j + 1]
            member += 1
            if member == many:
                group, member = group + 1, 0


def load_columns(Ar, Ai, X, first, V, n, many, outer, along, filled, real):
    """Load V signals, the same element of a group of `many` next to each other in X."""
    v = 0
    while v < V:
        group, member = (first + v) // many, (first + v) % many
        count = min(V - v, many - member)
        for j in range(n):
            x, a = group * outer + j * along, j * V + v
            there = max(min(count, filled - j * many - member), 0)
            if real:
                for i in range(there):
                    Ar[a + i], Ai[a + i] = X[x + member + i], 0
            else:
                x += 2 * member
                for i in range(there):
                    Ar[a + i], Ai[a + i] = X[x + 2 * i], X[x + 2 * i + 1]
            for i in range(there, count):
                Ar[a + i], Ai[a + i] = 0, 0
        v += count


def store_rows(Y, Ar, Ai, first, V, n, many, outer, scale):
    """The inverse of `load_rows`, with complex elements."""
    for j0 in range(0, n, BLOCK):
        stop = min(n, j0 + BLOCK)
        group, member = first // many, first % many
        for v in range(V):
            y = group * outer + 2 * member
            for j in range(j0, stop):
                Y[y + 2 * j] = Ar[j * V + v] * scale
                Y[y + 2 * j + 1] = Ai[j * V + v] * scale
            member += 1
            if member == many:
                group, member = group + 1, 0


def store_columns(Y, Ar, Ai, first, V, n, many, outer, along, scale):
    """The inverse of `load_columns`, with complex elements."""
    v = 0
    while v < V:
        group, member = (first + v) // many, (first + v) % many
        count = min(V - v, many - member)
        for j in range(n):
            y, a = group * outer + j * along + 2 * member, j * V + v
            for i in range(count):
                Y[y + 2 * i], Y[y + 2 * i + 1] = Ar[a + i] * scale, Ai[a + i] * scale
        v += count


def weigh(Ar, Ai, window, n, V):
    """Multiply the real and the imaginary part of element j by numbers 2 * j and 2 * j + 1 of the window."""
    for j in range(n):
        wr, wi = window[2 * j], window[2 * j + 1]
        for i in range(V):
            Ar[j * V + i] *= wr
            Ai[j * V + i] *= wi


def twist(Ar, Ai, twiddles, first, V, n, many):
    """Multiply element j of signal number u by the complex factor [j, u % many]."""
    v = 0
    while v < V:
        member = (first + v) % many
        count = min(V - v, many - member)
        for j in range(n):
            a, w = j * V + v, j * many + member
            for i in range(count):
                xr, xi, wr, wi = Ar[a + i], Ai[a + i], twiddles[0, w + i], twiddles[1, w + i]
                Ar[a + i], Ai[a + i] = xr * wr - xi * wi, xr * wi + xi * wr
        v += count


def unpack(Br, Bi, Ar, Ai, halves, n, V):
    """The n + 1 bins B of real signals from the transform A of their even plus i times their odd elements.

    The transforms of the even and the odd elements are (A[k] + A[-k]*) / 2 and (A[k] - A[-k]*) / 2i.
    """
    half = Ar.dtype.type(0.5)
    for k in range(n + 1):
        wr, wi = halves[0, k], halves[1, k]
        a, c, b = k % n * V, (n - k) % n * V, k * V
        for i in range(V):
            er, ei = half * (Ar[a + i] + Ar[c + i]), half * (Ai[a + i] - Ai[c + i])
            dr, di = half * (Ai[a + i] + Ai[c + i]), half * (Ar[c + i] - Ar[a + i])
            Br[b + i], Bi[b + i] = er + dr * wr - di * wi, ei + dr * wi + di * wr


def pack(Br, Bi, Ar, Ai, halves, n, V):
    """The inverse of `unpack`, with real and imaginary parts swapped in B, times 2.

    The imaginary parts of the first and the last bin, of which a real signal has none, are not read.
    """
    for k in range(n):
        wr, wi = halves[0, k], halves[1, k]
        a, c, b = k * V, (n - k) * V, k * V
        kept = Ar.dtype.type(0 if k == 0 else 1)
        for i in range(V):
            xr, xi, yr, yi = Ar[a + i], kept * Ai[a + i], Ar[c + i], kept * Ai[c + i]
            er, ei, tr, ti = xr + yr, xi - yi, xr - yr, xi + yi
            dr, di = tr * wr + ti * wi, ti * wr - tr * wi
            Bi[b + i], Br[b + i] = er - di, ei + dr
