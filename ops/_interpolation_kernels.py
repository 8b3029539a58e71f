"""Kernels that pick and weigh the elements that interpolation reads."""


def pick_of_rows(Y, X, rows, columns, begin, end):
    """Y[p, h, w] = X[p, rows[h], columns[w]]; a unit is a row of Y [planes, H, W]."""
    height = Y.shape[1]
    for unit in range(begin, end):
        p, h = unit // height, unit % height
        y = Y[p, h]
        if unit > begin and h > 0 and rows[h] == rows[h - 1]:
            before = Y[p, h - 1]
            for w in range(y.size):
                y[w] = before[w]
        else:
            x = X[p, rows[h]]
            for w in range(y.size):
                y[w] = x[columns[w]]


def sum_taps(Y, X, taps, weights, begin, end):
    """Y[o, i] sums weights[i, k] * X[o, taps[i, k]] over k; a unit is a row of Y [outer, resized, inner]."""
    resized, inner = Y.shape[1], Y.shape[2]
    for unit in range(begin, end):
        o, i = unit // resized, unit % resized
        for j in range(inner):
            Y[o, i, j] = weights[i, 0] * X[o, taps[i, 0], j]
        for k in range(1, taps.shape[1]):
            source, weight = taps[i, k], weights[i, k]
            if weight != 0:
                for j in range(inner):
                    Y[o, i, j] += weight * X[o, source, j]


def interpolate_bilinear(Y, X, rows, row_weights, columns, column_weights, begin, end):
    """Y[o, h, w] is the weighted sum of four elements of X; a unit is a row of Y [outer, H, W, inner]."""
    height, inner = Y.shape[1], Y.shape[3]
    for unit in range(begin, end):
        o, h = unit // height, unit % height
        top, bottom = rows[h, 0], rows[h, 1]
        for w in range(Y.shape[2]):
            left, right = columns[w, 0], columns[w, 1]
            a = row_weights[h, 0] * column_weights[w, 0]
            b = row_weights[h, 0] * column_weights[w, 1]
            c = row_weights[h, 1] * column_weights[w, 0]
            d = row_weights[h, 1] * column_weights[w, 1]
            for j in range(inner):
                upper = a * X[o, top, left, j] + b * X[o, top, right, j]
                lower = c * X[o, bottom, left, j] + d * X[o, bottom, right, j]
                Y[o, h, w, j] = upper + lower


def sum_taps_of_image(Y, X, rows, row_weights, columns, column_weights, begin, end, scratch):
    """Y[o, h, w] sums elements of X[o], those of a column first; a unit is a row of Y [outer, H, W].

    `rows[H, taps]` has the rows that are summed, `columns[taps, W]` the places in their sum.
    """
    height, width = Y.shape[1], X.shape[2]
    mixed = scratch[: width * X.itemsize].view(X.dtype)
    for unit in range(begin, end):
        o, h = unit // height, unit % height
        y = Y[o, h]
        for j in range(width):
            mixed[j] = row_weights[h, 0] * X[o, rows[h, 0], j]
        for k in range(1, rows.shape[1]):
            x, weight = X[o, rows[h, k]], row_weights[h, k]
            if weight != 0:
                for j in range(width):
                    mixed[j] += weight * x[j]
        for w in range(y.size):
            y[w] = column_weights[0, w] * mixed[columns[0, w]]
        for k in range(1, columns.shape[0]):
            for w in range(y.size):
                y[w] += column_weights[k, w] * mixed[columns[k, w]]
