"""Kernels of the recurrent operators: one call runs all steps of a range of (direction, two samples) units.

T steps, D directions, N samples, a hidden state of `size`. Each kernel takes

    XW [T, N, D, gates * size]  the input's part of every gate, with the biases
    R [D, size, gates * size]   the recurrent weights, transposed
    H0 [D, N, size]             the initial state
    lengths [N]                 steps of each sample, if `ragged`
    kinds, alphas, betas [D, 3] the activation functions

and fills Y [T, D, N, size], the final state H [D, N, size], and G [D, N, gates * size], the gates of a step.
Gates of up to BLOCK samples are summed together, so that the recurrent weights, which are most of what a
step reads, come from memory once for all of them.
"""

from __future__ import annotations

import math

import numpy as np

from jitrt.codegen.numba_ir import fast_math, independent

BLOCK = 8
COLUMNS = 1024
ACTIVATIONS = (
    *("Sigmoid", "Tanh", "Relu", "Affine", "LeakyRelu", "ThresholdedRelu"),
    *("ScaledTanh", "HardSigmoid", "Elu", "Softsign", "Softplus"),
)


@independent
@fast_math("contract")
def run_lstm(
    Y,
    H,
    C,
    G,
    XW,
    R,
    H0,
    C0,
    P,
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
    """The gates are i, o, f, c. C is the cell state; P [D, 3 * size] holds the peepholes of i, o, f."""
    steps, samples, size = Y.shape[0], Y.shape[2], Y.shape[3]
    pairs = (samples + 1) // 2
    while begin < end:
        d, first = begin // pairs, 2 * (begin % pairs)
        stop = min(first + 2 * min(end - begin, BLOCK // 2), samples)
        begin += (stop - first + 1) // 2
        start_state(H, H0, d, first, stop)
        start_state(C, C0, d, first, stop)
        for step in range(steps):
            for n in range(first, stop):
                t = time_of(step, lengths[n] if ragged else steps, d + reverse)
                copy_gates(G, XW, d, n, t, 4 * size)
            accumulate(G, H, R, d, first, stop, 0, 0, 4 * size, 0)
            for n in range(first, stop):
                length = lengths[n] if ragged else steps
                t = time_of(step, length, d + reverse)
                if step >= length:
                    clear(Y, t, d, n)
                    continue
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


@independent
@fast_math("contract")
def run_gru(
    Y, H, G, XW, R, H0, Rb, lengths, kinds, alphas, betas, reverse, ragged, clip, wide, linear, begin, end
):
    """The gates are z, r, h, then the reset state r * H, or with `linear` the recurrent part of h.

    Rb [D, size] is the recurrent bias of h, which `linear` adds before the reset.
    """
    steps, samples, size = Y.shape[0], Y.shape[2], Y.shape[3]
    pairs = (samples + 1) // 2
    while begin < end:
        d, first = begin // pairs, 2 * (begin % pairs)
        stop = min(first + 2 * min(end - begin, BLOCK // 2), samples)
        begin += (stop - first + 1) // 2
        start_state(H, H0, d, first, stop)
        for step in range(steps):
            for n in range(first, stop):
                t = time_of(step, lengths[n] if ragged else steps, d + reverse)
                copy_gates(G, XW, d, n, t, 3 * size)
            accumulate(G, H, R, d, first, stop, 0, 0, 2 * size, 0)
            for n in range(first, stop):
                limit(G, d, n, 0, 2 * size, clip)
                activate(G, d, n, 0, 2 * size, kinds[d, 0], alphas[d, 0], betas[d, 0], wide)
                for j in range(size):
                    G[d, n, 3 * size + j] = Rb[d, j] if linear else G[d, n, size + j] * H[d, n, j]
            if linear:
                accumulate(G, H, R, d, first, stop, 0, 2 * size, 3 * size, size)
            else:
                accumulate(G, G, R, d, first, stop, 3 * size, 2 * size, 3 * size, 0)
            for n in range(first, stop):
                length = lengths[n] if ragged else steps
                t = time_of(step, length, d + reverse)
                if step >= length:
                    clear(Y, t, d, n)
                    continue
                if linear:
                    for j in range(size):
                        G[d, n, 2 * size + j] += G[d, n, size + j] * G[d, n, 3 * size + j]
                limit(G, d, n, 2 * size, 3 * size, clip)
                activate(G, d, n, 2 * size, 3 * size, kinds[d, 1], alphas[d, 1], betas[d, 1], wide)
                for j in range(size):
                    update = G[d, n, j]
                    H[d, n, j] = (1 - update) * G[d, n, 2 * size + j] + update * H[d, n, j]
                    Y[t, d, n, j] = H[d, n, j]


@independent
@fast_math("contract")
def run_rnn(Y, H, G, XW, R, H0, lengths, kinds, alphas, betas, reverse, ragged, clip, wide, begin, end):
    """The one gate is the new state."""
    steps, samples, size = Y.shape[0], Y.shape[2], Y.shape[3]
    pairs = (samples + 1) // 2
    while begin < end:
        d, first = begin // pairs, 2 * (begin % pairs)
        stop = min(first + 2 * min(end - begin, BLOCK // 2), samples)
        begin += (stop - first + 1) // 2
        start_state(H, H0, d, first, stop)
        for step in range(steps):
            for n in range(first, stop):
                t = time_of(step, lengths[n] if ragged else steps, d + reverse)
                copy_gates(G, XW, d, n, t, size)
            accumulate(G, H, R, d, first, stop, 0, 0, size, 0)
            for n in range(first, stop):
                length = lengths[n] if ragged else steps
                t = time_of(step, length, d + reverse)
                if step >= length:
                    clear(Y, t, d, n)
                    continue
                limit(G, d, n, 0, size, clip)
                activate(G, d, n, 0, size, kinds[d, 0], alphas[d, 0], betas[d, 0], wide)
                for j in range(size):
                    H[d, n, j] = Y[t, d, n, j] = G[d, n, j]


def start_state(H, H0, d, first, stop):
    """Set the states of a block of samples to their initial ones."""
    for n in range(first, stop):
        for j in range(H.shape[2]):
            H[d, n, j] = H0[d, n, j]


def time_of(step, length, backward):
    """The element of the sequence that a step reads; beyond the sequence, the step itself."""
    return length - 1 - step if backward and step < length else step


def copy_gates(G, XW, d, n, t, width):
    """Start the gates with the input's part."""
    for j in range(width):
        G[d, n, j] = XW[t, n, d, j]


def clear(Y, t, d, n):
    """The output beyond the end of a sequence."""
    for j in range(Y.shape[3]):
        Y[t, d, n, j] = 0


def accumulate(G, S, R, d, first, stop, state, start, end, shift):
    """G[n, shift + start:shift + end] += S[n, state:state + size] @ R[:, start:end] for a block of samples.

    A block of columns at a time, so that the gates of all samples and eight rows of R stay in the cache; what
    is loaded of R serves two samples.
    """
    size = R.shape[1]
    for left in range(start, end, COLUMNS):
        right = min(left + COLUMNS, end)
        for k in range(0, size - 7, 8):
            for n in range(first, stop - 1, 2):
                s0, s1 = S[d, n, state + k], S[d, n, state + k + 1]
                s2, s3 = S[d, n, state + k + 2], S[d, n, state + k + 3]
                s4, s5 = S[d, n, state + k + 4], S[d, n, state + k + 5]
                s6, s7 = S[d, n, state + k + 6], S[d, n, state + k + 7]
                t0, t1 = S[d, n + 1, state + k], S[d, n + 1, state + k + 1]
                t2, t3 = S[d, n + 1, state + k + 2], S[d, n + 1, state + k + 3]
                t4, t5 = S[d, n + 1, state + k + 4], S[d, n + 1, state + k + 5]
                t6, t7 = S[d, n + 1, state + k + 6], S[d, n + 1, state + k + 7]
                for j in range(left, right):
                    r0, r1, r2, r3 = R[d, k, j], R[d, k + 1, j], R[d, k + 2, j], R[d, k + 3, j]
                    r4, r5, r6, r7 = R[d, k + 4, j], R[d, k + 5, j], R[d, k + 6, j], R[d, k + 7, j]
                    a = s0 * r0 + s1 * r1
                    b = s2 * r2 + s3 * r3
                    a += s4 * r4 + s5 * r5
                    b += s6 * r6 + s7 * r7
                    G[d, n, shift + j] += a + b
                    a = t0 * r0 + t1 * r1
                    b = t2 * r2 + t3 * r3
                    a += t4 * r4 + t5 * r5
                    b += t6 * r6 + t7 * r7
                    G[d, n + 1, shift + j] += a + b
            for n in range(stop - (stop - first) % 2, stop):
                s0, s1 = S[d, n, state + k], S[d, n, state + k + 1]
                s2, s3 = S[d, n, state + k + 2], S[d, n, state + k + 3]
                s4, s5 = S[d, n, state + k + 4], S[d, n, state + k + 5]
                s6, s7 = S[d, n, state + k + 6], S[d, n, state + k + 7]
                for j in range(left, right):
                    a = s0 * R[d, k, j] + s1 * R[d, k + 1, j]
                    b = s2 * R[d, k + 2, j] + s3 * R[d, k + 3, j]
                    a += s4 * R[d, k + 4, j] + s5 * R[d, k + 5, j]
                    b += s6 * R[d, k + 6, j] + s7 * R[d, k + 7, j]
                    G[d, n, shift + j] += a + b
        for k in range(size - size % 8, size):
            for n in range(first, stop):
                s = S[d, n, state + k]
                for j in range(left, right):
                    G[d, n, shift + j] += s * R[d, k, j]


def limit(G, d, n, start, end, clip):
    """Bound gates to [-clip, clip]; a clip of 0 is none."""
    if clip > 0:
        for j in range(start, end):
            G[d, n, j] = min(max(G[d, n, j], -clip), clip)


def activate(G, d, n, start, end, kind, alpha, beta, wide):
    """Apply the activation function number `kind`; the usual ones are vector code where G is float32."""
    if kind == 0 and not wide:
        for j in range(start, end):
            G[d, n, j] = np.float32(1) / (np.float32(1) + exponential(-np.float32(G[d, n, j])))
    elif kind == 1 and not wide:
        for j in range(start, end):
            G[d, n, j] = hyperbolic_tangent(np.float32(G[d, n, j]))
    else:
        for j in range(start, end):
            G[d, n, j] = activation(G[d, n, j], kind, alpha, beta)


def activation(x, kind, alpha, beta):
    """The value of activation function number `kind` in ACTIVATIONS."""
    if kind == 0:
        return 1 / (1 + math.exp(-x))
    if kind == 1:
        return math.tanh(x)
    if kind == 2:
        return max(x, 0.0)
    if kind == 3:
        return alpha * x + beta
    if kind == 4:
        return x if x >= 0 else alpha * x
    if kind == 5:
        return x if x > alpha else 0.0
    if kind == 6:
        return alpha * math.tanh(beta * x)
    if kind == 7:
        return min(max(alpha * x + beta, 0.0), 1.0)
    if kind == 8:
        return x if x >= 0 else alpha * (math.exp(x) - 1)
    if kind == 9:
        return x / (1 + abs(x))
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def exponential(x):
    """e**x of a float32: 2**n times a polynomial of the rest, which is at most ln(2) / 2."""
    low, high = np.float32(-87.0), np.float32(88.0)
    x = low if x < low else high if x > high else x
    n = np.floor(x * np.float32(1.4426950408889634) + np.float32(0.5))
    r = x - n * np.float32(0.693359375) - n * np.float32(-2.12194440e-4)
    p = np.float32(1 / 5040)
    p = p * r + np.float32(1 / 720)
    p = p * r + np.float32(1 / 120)
    p = p * r + np.float32(1 / 24)
    p = p * r + np.float32(1 / 6)
    p = p * r + np.float32(0.5)
    p = p * r + np.float32(1)
    p = p * r + np.float32(1)
    return p * np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)


def hyperbolic_tangent(x):
    """tanh of a float32: a polynomial near 0, where the other form cancels, and 1 - 2 / (e**2x + 1)."""
    u = x * x
    p = np.float32(-0.00605393)
    p = p * u + np.float32(0.02096833)
    p = p * u + np.float32(-0.05384502)
    p = p * u + np.float32(0.13332733)
    p = p * u + np.float32(-0.33333329)
    near = x + x * u * p
    far = np.float32(1) - np.float32(2) / (exponential(np.float32(2) * x) + np.float32(1))
    return near if abs(x) < np.float32(0.625) else far
