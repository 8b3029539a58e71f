"""The kernel of DynamicQuantizeLSTM: `run_lstm` with 8-bit recurrent weights and quantised states.

G [D, N, 4 * size] holds the gates i, o, f, c, Q [D, N, size] the state as integers.
"""

from __future__ import annotations

import numpy as np

from jitrt.codegen.numba_ir import fast_math

from .._recurrence import activate, clear, copy_gates, limit, start_state, time_of


@fast_math("contract")
def run_quantized_lstm(
    Y,
    H,
    C,
    G,
    Q,
    XW,
    R,
    H0,
    C0,
    P,
    scales,
    zeros,
    lengths,
    kinds,
    alphas,
    betas,
    reverse,
    ragged,
    clip,
    wide,
    input_forget,
    peephole,
    begin,
    end,
):
    """R [D, 4 * size, size] is int8 or uint8; scales, float32, and zeros, int32, are [D, 4 * size]."""
    steps, samples, size = Y.shape[0], Y.shape[2], Y.shape[3]
    for unit in range(begin, end):
        d, n = unit // samples, unit % samples
        start_state(H, H0, d, n, n + 1)
        start_state(C, C0, d, n, n + 1)
        length = lengths[n] if ragged else steps
        for step in range(steps):
            t = time_of(step, length, d + reverse)
            if step >= length:
                clear(Y, t, d, n)
                continue
            copy_gates(G, XW, d, n, t, 4 * size)
            accumulate_quantized(G, Q, H, R, scales, zeros, d, n)
            if peephole:
                for j in range(size):
                    G[d, n, j] += P[d, j] * C[d, n, j]
                    G[d, n, 2 * size + j] += P[d, 2 * size + j] * C[d, n, j]
            limit(G, d, n, 0, size, clip)
            limit(G, d, n, 2 * size, 4 * size, clip)
            activate(G, d, n, 0, size, kinds[d, 0], alphas[d, 0], betas[d, 0], wide)
            activate(G, d, n, 2 * size, 3 * size, kinds[d, 0], alphas[d, 0], betas[d, 0], wide)
            activate(G, d, n, 3 * size, 4 * size, kinds[d, 1], alphas[d, 1], betas[d, 1], wide)
            for j in range(size):
                forget = 1 - G[d, n, j] if input_forget else G[d, n, 2 * size + j]
                C[d, n, j] = forget * C[d, n, j] + G[d, n, j] * G[d, n, 3 * size + j]
                G[d, n, j] = C[d, n, j]
            if peephole:
                for j in range(size):
                    G[d, n, size + j] += P[d, size + j] * C[d, n, j]
            limit(G, d, n, 0, 2 * size, clip)
            activate(G, d, n, size, 2 * size, kinds[d, 0], alphas[d, 0], betas[d, 0], wide)
            activate(G, d, n, 0, size, kinds[d, 2], alphas[d, 2], betas[d, 2], wide)
            for j in range(size):
                H[d, n, j] = Y[t, d, n, j] = G[d, n, size + j] * G[d, n, j]


def accumulate_quantized(G, Q, H, R, scales, zeros, d, n):
    """The gates += the state, quantised to uint8 by its range, @ (R' - zeros) * scales."""
    size = R.shape[2]
    low, high = np.float32(0), np.float32(0)
    for k in range(size):
        low, high = min(low, H[d, n, k]), max(high, H[d, n, k])
    scale = (high - low) / np.float32(255)
    if scale == 0:
        scale = np.float32(1)
    zero = np.rint(-low / scale)
    total = np.int32(0)
    for k in range(size):
        rounded = min(max(np.rint(H[d, n, k] / scale) + zero, np.float32(0)), np.float32(255)) - zero
        Q[d, n, k] = np.int16(rounded)
        total = np.int32(total + np.int32(rounded))
    for j in range(4 * size):
        product = np.int32(0)
        for k in range(size):
            product = np.int32(product + np.int32(Q[d, n, k]) * np.int32(R[d, j, k]))
        G[d, n, j] += scale * scales[d, j] * np.float32(product - total * zeros[d, j])
