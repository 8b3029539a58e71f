"""Optimiser steps against their pseudo code, on one and several tensors."""

import numpy as np
import pytest
from oracle import Case, normal, table

import jitrt

DOMAIN = "ai.onnx.preview.training"


def split(values, count):
    size = len(values) // count
    return [values[i * size : (i + 1) * size] for i in range(count)]


def adagrad(r, t, *inputs, decay_factor=0.0, epsilon=1e-6, norm_coefficient=0.0):
    new_x, new_h = [], []
    for x, g, h in zip(*split(inputs, 3), strict=True):
        g = norm_coefficient * x + g
        new_h.append(h + g * g)
        new_x.append(x - r / (1 + t * decay_factor) * g / (np.sqrt(new_h[-1]) + epsilon))
    return [*new_x, *new_h]


def adam(r, t, *inputs, alpha=0.9, beta=0.999, epsilon=1e-6, norm_coefficient=0.0, norm_coefficient_post=0.0):
    rate = r * np.sqrt(1 - beta**t) / (1 - alpha**t) if t > 0 else r
    new_x, new_v, new_h = [], [], []
    for x, g, v, h in zip(*split(inputs, 4), strict=True):
        g = norm_coefficient * x + g
        new_v.append(alpha * v + (1 - alpha) * g)
        new_h.append(beta * h + (1 - beta) * g * g)
        new_x.append((1 - norm_coefficient_post) * (x - rate * new_v[-1] / (np.sqrt(new_h[-1]) + epsilon)))
    return [*new_x, *new_v, *new_h]


def momentum(r, t, *inputs, alpha, beta, mode, norm_coefficient):
    new_x, new_v = [], []
    for x, g, v in zip(*split(inputs, 3), strict=True):
        g = norm_coefficient * x + g
        new_v.append(alpha * v + (beta if t > 0 else 1) * g)
        new_x.append(x - r * (g + alpha * new_v[-1] if mode == "nesterov" else new_v[-1]))
    return [*new_x, *new_v]


def case(op, expected, groups, attributes, *, dtype=np.float32, rate=np.float32, step=3, tensors=2):
    shapes = ((4, 3), (5,))[:tensors]
    inputs = [
        np.abs(normal(*shape, dtype=dtype, seed=10 * group + i))
        if group == groups - 1
        else normal(*shape, dtype=dtype, seed=10 * group + i)
        for group in range(groups)
        for i, shape in enumerate(shapes)
    ]
    scalars = [np.array(0.1, rate), np.array(step, np.int64)]
    outputs = (groups - 1) * len(shapes)
    return Case(
        op, [*scalars, *inputs], attributes, expected, version=1, domain=DOMAIN, outputs=outputs, tolerance=8
    )


NORM = {"norm_coefficient": 0.25}
CASES = [
    case("Adagrad", adagrad, 3, {"decay_factor": 0.5, **NORM}),
    case("Adagrad", adagrad, 3, {"epsilon": 0.125}, dtype=np.float64, rate=np.float64, tensors=1),
    case("Adam", adam, 4, {"norm_coefficient_post": 0.5, **NORM}),
    case("Adam", adam, 4, {"alpha": 0.5, "beta": 0.75}, dtype=np.float64, rate=np.float64, tensors=1),
    case("Adam", adam, 4, {"epsilon": 0.125}, step=0),
] + [
    case("Momentum", momentum, 3, {"alpha": 0.75, "beta": 0.5, "mode": mode, **NORM}, dtype=dtype, step=step)
    for mode in ("standard", "nesterov")
    for step in (0, 2)
    for dtype in (np.float32, np.float64)
]


@table(CASES)
def test_training(case):
    case.check()


def test_bad_arguments():
    r, t, x = np.float32(0.1), np.array(1), normal(3)
    with pytest.raises(jitrt.errors.Fail, match="expected 3 inputs for each tensor after R and T, got 4"):
        jitrt.call("Adagrad", r, t, x, x, x, x, domain=DOMAIN, version=1, outputs=2)
    options = {"alpha": 0.5, "beta": 0.5, "norm_coefficient": 0.0}
    with pytest.raises(jitrt.errors.Fail, match="mode is standard or nesterov, got 'heavy'"):
        jitrt.call("Momentum", r, t, x, x, x, domain=DOMAIN, version=1, outputs=2, mode="heavy", **options)
