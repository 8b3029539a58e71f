"""Kernels over windows of channels-last tensors [N, D, H, W * C], vectorised over C or W * C."""


def larger(x, y):
    """The larger of two, NaN if one is."""
    greater = x if x > y else y
    return x if x != x else greater


def add(x, y):
    """The sum of two."""
    return x + y


def divide(total, count):
    """The mean of `count` elements, 0 of none."""
    return total / count if count > 0 else total


def keep(y, count):
    """What a window gives that is no mean."""
    return y


def window_kernel(name, combine, finish):
    """The kernel that combines the elements of windows, and finishes with their number."""

    def kernel(
        Y, X, initial, C, kd, kh, kw, sd, sh, sw, dd, dh, dw, pd, ph, pw, bd, bh, bw, ad, ah, aw, begin, end
    ):
        """A unit is a row of Y [N, D, H, W * C]; `initial` is what a window of nothing gives.

        Padding of `bd, bh, bw` before and `ad, ah, aw` after counts as elements.
        """
        D, H, W = X.shape[1], X.shape[2], X.shape[3] // C
        OD, OH, OW = Y.shape[1], Y.shape[2], Y.shape[3] // C
        for unit in range(begin, end):
            n, od, oh = unit // (OD * OH), unit // OH % OD, unit % OH
            d0, h0 = od * sd - pd, oh * sh - ph
            rows = taps_between(d0, dd, kd, -bd, D + ad) * taps_between(h0, dh, kh, -bh, H + ah)
            for x in range(OW * C):
                Y[n, od, oh, x] = initial[0]
            ow = 0
            while ow < OW:
                w0 = ow * sw - pw
                k0, k1 = first_tap(w0, dw, 0), stop_tap(w0, dw, kw, W)
                # windows a pixel apart whose taps are all inside go together
                run = min(OW, W + pw - (kw - 1) * dw) - ow if sw == 1 and k1 - k0 == kw else 1
                for i in range(first_tap(d0, dd, 0), stop_tap(d0, dd, kd, D)):
                    for j in range(first_tap(h0, dh, 0), stop_tap(h0, dh, kh, H)):
                        d, h, y = d0 + i * dd, h0 + j * dh, ow * C
                        for k in range(k0, k1 - 2, 3):
                            a, b, e = (w0 + k * dw) * C, (w0 + (k + 1) * dw) * C, (w0 + (k + 2) * dw) * C
                            for c in range(run * C):
                                pair = combine(X[n, d, h, a + c], X[n, d, h, b + c])
                                last = combine(X[n, d, h, e + c], Y[n, od, oh, y + c])
                                Y[n, od, oh, y + c] = combine(pair, last)
                        for k in range(k1 - max(k1 - k0, 0) % 3, k1):
                            a = (w0 + k * dw) * C
                            for c in range(run * C):
                                Y[n, od, oh, y + c] = combine(X[n, d, h, a + c], Y[n, od, oh, y + c])
                ow += run
            for ow in range(OW):
                count = X.dtype.type(rows * taps_between(ow * sw - pw, dw, kw, -bw, W + aw))
                for x in range(ow * C, ow * C + C):
                    Y[n, od, oh, x] = finish(Y[n, od, oh, x], count)

    kernel.__name__ = name
    return kernel


max_windows = window_kernel("max_windows", larger, keep)
sum_windows = window_kernel("sum_windows", add, keep)
mean_windows = window_kernel("mean_windows", add, divide)


def max_rows(Y, X, lowest, kd, kh, kw, sd, sh, sw, dd, dh, dw, pd, ph, pw, begin, end, scratch):
    """The maximum of each window of X [planes, D, H, W]; a unit is a row of Y [planes, D, H, W].

    The maxima of the columns of a row of windows come first, with padding around them, then those of windows.
    """
    D, H, W = X.shape[1:]
    OD, OH, OW = Y.shape[1:]
    reach = (OW - 1) * sw + (kw - 1) * dw + 1
    columns = scratch[: reach * X.itemsize].view(X.dtype)
    stop = min(pw + W, reach)
    for x in range(reach):
        columns[x] = lowest[0]
    inside = columns[min(pw, stop) : stop]
    for unit in range(begin, end):
        n, od, oh = unit // (OD * OH), unit // OH % OD, unit % OH
        d0, h0 = od * sd - pd, oh * sh - ph
        j0, j1 = first_tap(h0, dh, 0), stop_tap(h0, dh, kh, H)
        fresh = True
        for i in range(first_tap(d0, dd, 0), stop_tap(d0, dd, kd, D)):
            for j in range(j0, j1, 3):
                a = X[n, d0 + i * dd, h0 + j * dh]
                b = X[n, d0 + i * dd, h0 + min(j + 1, j1 - 1) * dh]
                c = X[n, d0 + i * dd, h0 + min(j + 2, j1 - 1) * dh]
                if fresh:
                    for x in range(inside.size):
                        inside[x] = larger(a[x], larger(b[x], c[x]))
                else:
                    for x in range(inside.size):
                        inside[x] = larger(larger(a[x], inside[x]), larger(b[x], c[x]))
                fresh = False
        if fresh:
            for x in range(inside.size):
                inside[x] = lowest[0]
        if sw == 1:
            max_of_taps(Y[n, od, oh], columns, kw, dw, 1)
        elif sw == 2:
            max_of_taps(Y[n, od, oh], columns, kw, dw, 2)
        elif sw == 4:
            max_of_taps(Y[n, od, oh], columns, kw, dw, 4)
        else:
            max_of_taps(Y[n, od, oh], columns, kw, dw, sw)


def max_of_taps(y, columns, taps, dilation, stride):
    """y[i] is the largest of `taps` elements, `dilation` apart, from columns[i * stride] on."""
    b, c = columns[min(1, taps - 1) * dilation :], columns[min(2, taps - 1) * dilation :]
    if taps <= 2:
        for i in range(y.size):
            y[i] = larger(columns[i * stride], b[i * stride])
    else:
        for i in range(y.size):
            y[i] = larger(columns[i * stride], larger(b[i * stride], c[i * stride]))
    for k in range(3, taps - 1, 2):
        b, c = columns[k * dilation :], columns[(k + 1) * dilation :]
        for i in range(y.size):
            y[i] = larger(y[i], larger(b[i * stride], c[i * stride]))
    if taps > 3 and taps % 2 == 0:
        c = columns[(taps - 1) * dilation :]
        for i in range(y.size):
            y[i] = larger(y[i], c[i * stride])


def max_windows_and_places(
    Y, places, X, lowest, C, kd, kh, kw, sd, sh, sw, dd, dh, dw, pd, ph, pw, column_major, begin, end
):
    """As the kernel for maxima, with each one's position in the flattened [N, C, D, H, W] tensor.

    In column-major order the spatial axes count from the first, the fastest, to the last.
    """
    D, H, W = X.shape[1], X.shape[2], X.shape[3] // C
    OD, OH, OW = Y.shape[1], Y.shape[2], Y.shape[3] // C
    for unit in range(begin, end):
        n, od, oh = unit // (OD * OH), unit // OH % OD, unit % OH
        d0, h0 = od * sd - pd, oh * sh - ph
        for ow in range(OW):
            w0, y = ow * sw - pw, ow * C
            empty = True
            for c in range(C):
                Y[n, od, oh, y + c], places[n, od, oh, y + c] = lowest[0], 0
            for i in range(first_tap(d0, dd, 0), stop_tap(d0, dd, kd, D)):
                for j in range(first_tap(h0, dh, 0), stop_tap(h0, dh, kh, H)):
                    for k in range(first_tap(w0, dw, 0), stop_tap(w0, dw, kw, W)):
                        d, h, w = d0 + i * dd, h0 + j * dh, w0 + k * dw
                        place = d + D * (h + H * w) if column_major else (d * H + h) * W + w
                        for c in range(C):
                            x, best = X[n, d, h, w * C + c], Y[n, od, oh, y + c]
                            if empty or x > best or (x != x and best == best):
                                Y[n, od, oh, y + c] = x
                                places[n, od, oh, y + c] = (n * C + c) * D * H * W + place
                        empty = False


def first_tap(start, step, low):
    """The first tap of a window from `start` that is not before element `low`."""
    return (step - 1 + low - start) // step if start < low else 0


def stop_tap(start, step, taps, size):
    """One past the last tap of a window from `start` that is before element `size`."""
    if start + (taps - 1) * step < size:
        return taps
    return (size - start + step - 1) // step


def taps_between(start, step, taps, low, size):
    """The number of taps of a window from `start` on elements `low` to `size`."""
    return max(stop_tap(start, step, taps, size) - first_tap(start, step, low), 0)
