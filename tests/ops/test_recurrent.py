"""LSTM, GRU and RNN against the spec's equations, step by step in float64."""

import numpy as np
import pytest
from oracle import Case, normal, table

import jitrt

FUNCTIONS = {
    "Sigmoid": lambda x, a, b: 1 / (1 + np.exp(-x)),
    "Tanh": lambda x, a, b: np.tanh(x),
    "Relu": lambda x, a, b: np.maximum(x, 0),
    "Affine": lambda x, a, b: a * x + b,
    "LeakyRelu": lambda x, a, b: np.where(x < 0, a * x, x),
    "ThresholdedRelu": lambda x, a, b: np.where(x > a, x, 0),
    "ScaledTanh": lambda x, a, b: a * np.tanh(b * x),
    "HardSigmoid": lambda x, a, b: np.clip(a * x + b, 0, 1),
    "Elu": lambda x, a, b: np.where(x < 0, a * np.expm1(x), x),
    "Softsign": lambda x, a, b: x / (1 + np.abs(x)),
    "Softplus": lambda x, a, b: np.logaddexp(0, x),
}
DEFAULTS = {"LeakyRelu": (0.01, 0), "ThresholdedRelu": (1.0, 0), "HardSigmoid": (0.2, 0.5), "Elu": (1.0, 0)}
WITH_ALPHA = ("Affine", "LeakyRelu", "ThresholdedRelu", "ScaledTanh", "HardSigmoid", "Elu")
WITH_BETA = ("Affine", "ScaledTanh", "HardSigmoid")


def chosen(names, alphas, betas):
    """The functions; alphas and betas go to those that take them, in order."""
    alphas, betas, result = list(alphas or ()), list(betas or ()), []
    for name in names:
        a, b = DEFAULTS.get(name, (1.0, 1.0))
        a = alphas.pop(0) if name in WITH_ALPHA and alphas else a
        b = betas.pop(0) if name in WITH_BETA and betas else b
        result.append(lambda x, f=FUNCTIONS[name], a=a, b=b: f(x, a, b))
    return result


def run(step, x, w, sequence_lens, states, direction, functions, layout, per_direction):
    """Y and the final states of `step(direction, x, states, functions) -> states` over sequences."""
    if layout:
        x, states = np.swapaxes(x, 0, 1), [np.swapaxes(s, 0, 1) for s in states]
    steps, samples = x.shape[:2]
    directions, size = w.shape[0], states[0].shape[2]
    Y = np.zeros((steps, directions, samples, size))
    final = [s.copy() for s in states]
    for d in range(directions):
        mine = functions[d * per_direction : (d + 1) * per_direction]
        for n in range(samples):
            length = steps if sequence_lens is None else int(sequence_lens[n])
            order = range(length)
            if direction == "reverse" or d == 1:
                order = reversed(order)
            now = [s[d, n] for s in states]
            for t in order:
                now = step(d, x[t, n], now, mine)
                Y[t, d, n] = now[0]
            for s, value in zip(final, now, strict=True):
                s[d, n] = value
    if layout:
        return np.transpose(Y, (2, 0, 1, 3)), *(np.swapaxes(s, 0, 1) for s in final)
    return Y, *final


def zeros(x, r, layout):
    samples = x.shape[0] if layout else x.shape[1]
    shape = (r.shape[0], samples, r.shape[2])
    return np.zeros((samples, shape[0], shape[2]) if layout else shape)


def limited(x, clip):
    return x if not clip else np.clip(x, -clip, clip)


def lstm(
    x,
    w,
    r,
    b=None,
    sequence_lens=None,
    initial_h=None,
    initial_c=None,
    p=None,
    *,
    direction="forward",
    activations=None,
    activation_alpha=None,
    activation_beta=None,
    clip=None,
    hidden_size=None,
    input_forget=0,
    layout=0,
):
    size = r.shape[2]
    b = np.zeros((w.shape[0], 8 * size)) if b is None else b
    p = np.zeros((w.shape[0], 3 * size)) if p is None else p

    def step(d, xt, states, functions):
        (h, c), (f, g, last) = states, functions
        gates = xt @ w[d].T + h @ r[d].T + b[d, : 4 * size] + b[d, 4 * size :]
        i, o, forget, cell = np.split(gates, 4)
        pi, po, pf = np.split(p[d], 3)
        i = f(limited(i + pi * c, clip))
        forget = 1 - i if input_forget else f(limited(forget + pf * c, clip))
        c = forget * c + i * g(limited(cell, clip))
        return [f(limited(o + po * c, clip)) * last(limited(c, clip)), c]

    h = zeros(x, r, layout) if initial_h is None else initial_h
    c = zeros(x, r, layout) if initial_c is None else initial_c
    names = activations or ["Sigmoid", "Tanh", "Tanh"] * w.shape[0]
    functions = chosen(names, activation_alpha, activation_beta)
    return run(step, x, w, sequence_lens, [h, c], direction, functions, layout, 3)


def gru(
    x,
    w,
    r,
    b=None,
    sequence_lens=None,
    initial_h=None,
    *,
    direction="forward",
    activations=None,
    activation_alpha=None,
    activation_beta=None,
    clip=None,
    hidden_size=None,
    linear_before_reset=0,
    layout=0,
):
    size = r.shape[2]
    b = np.zeros((w.shape[0], 6 * size)) if b is None else b

    def step(d, xt, states, functions):
        (h,), (f, g) = states, functions
        wz, wr, wh = np.split(xt @ w[d].T + b[d, : 3 * size], 3)
        rz, rr, rh = np.split(r[d], 3)
        bz, br, bh = np.split(b[d, 3 * size :], 3)
        z = f(limited(wz + h @ rz.T + bz, clip))
        reset = f(limited(wr + h @ rr.T + br, clip))
        hidden = reset * (h @ rh.T + bh) if linear_before_reset else (reset * h) @ rh.T + bh
        return [(1 - z) * g(limited(wh + hidden, clip)) + z * h]

    h = zeros(x, r, layout) if initial_h is None else initial_h
    names = activations or ["Sigmoid", "Tanh"] * w.shape[0]
    functions = chosen(names, activation_alpha, activation_beta)
    return run(step, x, w, sequence_lens, [h], direction, functions, layout, 2)


def rnn(
    x,
    w,
    r,
    b=None,
    sequence_lens=None,
    initial_h=None,
    *,
    direction="forward",
    activations=("Tanh", "Tanh"),
    activation_alpha=None,
    activation_beta=None,
    clip=None,
    hidden_size=None,
    layout=0,
):
    size = r.shape[2]
    b = np.zeros((w.shape[0], 2 * size)) if b is None else b

    def step(d, xt, states, functions):
        (h,), (f,) = states, functions
        return [f(limited(xt @ w[d].T + h @ r[d].T + b[d, :size] + b[d, size:], clip))]

    h = zeros(x, r, layout) if initial_h is None else initial_h
    functions = chosen(activations[: w.shape[0]], activation_alpha, activation_beta)
    return run(step, x, w, sequence_lens, [h], direction, functions, layout, 1)


GATES = {"LSTM": (4, lstm, 3), "GRU": (3, gru, 2), "RNN": (1, rnn, 2)}


def operands(
    op,
    *,
    steps=4,
    samples=3,
    inputs=5,
    size=6,
    directions=1,
    bias=True,
    state=True,
    layout=0,
    lengths=None,
    dtype=np.float32,
    peepholes=False,
):
    gates = GATES[op][0]
    x = normal(steps, samples, inputs, dtype=dtype)
    w, r = normal(directions, gates * size, inputs, seed=1), normal(directions, gates * size, size, seed=2)
    b = normal(directions, 2 * gates * size, seed=3).astype(dtype) if bias else None
    states = [
        normal(directions, samples, size, seed=4 + i).astype(dtype) for i in range(2 if op == "LSTM" else 1)
    ]
    if layout:
        x, states = np.swapaxes(x, 0, 1).copy(), [np.swapaxes(s, 0, 1).copy() for s in states]
    result = [
        x,
        (w * 0.5).astype(dtype),
        (r * 0.3).astype(dtype),
        b,
        None if lengths is None else np.array(lengths, np.int32),
    ]
    result += states if state else []
    if peepholes:
        result.append(normal(directions, 3 * size, seed=8).astype(dtype))
    while result[-1] is None:
        result.pop()
    return result


def case(op, options=None, tolerance=8, **shapes):
    _, function, outputs = GATES[op]
    return Case(
        op,
        operands(op, **shapes),
        {"hidden_size": shapes.get("size", 6), **(options or {})},
        function,
        outputs=outputs,
        tolerance=tolerance,
    )


EVERY = [
    made
    for op in GATES
    for made in (
        case(op),
        case(op, bias=False, state=False),
        case(op, {"direction": "reverse"}),
        case(op, {"direction": "bidirectional"}, directions=2),
        case(op, {"layout": 1}, layout=1),
        case(op, {"layout": 1, "direction": "bidirectional"}, layout=1, directions=2),
        case(op, lengths=[4, 1, 3]),
        case(op, {"direction": "bidirectional"}, lengths=[2, 4, 0], directions=2),
        case(op, {"clip": 0.5}),
        case(op, steps=1, samples=1, size=33),
        case(op, steps=2, samples=19, size=16),
        case(op, {"direction": "bidirectional"}, steps=3, samples=31, size=48, directions=2),
        case(op, samples=0),
        case(op, steps=0),
        case(op, dtype=np.float64, size=7),
        case(op, dtype=np.float16, tolerance=4),
    )
]
OTHERS = [
    case("LSTM", peepholes=True),
    case("LSTM", {"input_forget": 1}, peepholes=True),
    case(
        "LSTM",
        {
            "activations": ["HardSigmoid", "Softsign", "ScaledTanh"],
            "activation_alpha": [0.3, 1.5],
            "activation_beta": [0.4, 0.7],
        },
    ),
    case("GRU", {"linear_before_reset": 1}),
    case("GRU", {"linear_before_reset": 1, "direction": "bidirectional"}, directions=2, size=9),
    case("GRU", {"linear_before_reset": 1}, bias=False),
    case("GRU", {"linear_before_reset": 1}, lengths=[2, 4, 0]),
    *(case("RNN", {"activations": [name]}) for name in FUNCTIONS if name not in ("Affine", "ScaledTanh")),
    case("RNN", {"activations": ["Affine"], "activation_alpha": [0.5], "activation_beta": [0.1]}),
    case(
        "RNN",
        {"activations": ["LeakyRelu", "Relu"], "activation_alpha": [0.3], "direction": "bidirectional"},
        directions=2,
    ),
]


@table(EVERY, OTHERS)
def test_recurrent(case):
    case.check()


@pytest.mark.parametrize("op", GATES)
@pytest.mark.parametrize("x", [np.nan, np.inf, -np.inf, 1e30, -1e30])
def test_extreme_numbers_saturate_and_nan_stays(op, x):
    size, gates = 3, GATES[op][0]
    inputs = np.full((1, 1, 1), x, np.float32)
    w, r = np.ones((1, gates * size, 1), np.float32), np.zeros((1, gates * size, size), np.float32)
    got = jitrt.call(op, inputs, w, r, hidden_size=size)
    with np.errstate(over="ignore"):
        wanted = GATES[op][1](inputs.astype(np.float64), w, r)[0]
    np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=1e-30)


@pytest.mark.parametrize("steps", [1, 5])
def test_one_schedule_serves_any_number_of_steps(steps):
    case("LSTM", steps=steps).check()
