"""Normalisation against its definition in float64."""

import numpy as np
from oracle import BF16, FLOATS, Case, normal, table

EPSILON = 1e-5


def per_channel(t, rank):
    return t.reshape(-1, *[1] * (rank - 2)) if rank > 1 and t.ndim == 1 else t


def batch_norm(x, scale, bias, mean, var, epsilon=EPSILON, **_):
    scale, bias, mean, var = (per_channel(t, x.ndim) for t in (scale, bias, mean, var))
    return (x - mean) / np.sqrt(var + epsilon) * scale + bias


def trained_batch_norm(x, scale, bias, mean, var, epsilon=EPSILON, momentum=0.9, training_mode=1):
    axes = tuple(a for a in range(x.ndim) if a != 1)
    now, spread = x.mean(axes), x.var(axes)
    y = batch_norm(x, scale, bias, now, spread, epsilon)
    return y, mean * momentum + now * (1 - momentum), var * momentum + spread * (1 - momentum)


def layer_norm(x, scale, bias=None, axis=-1, epsilon=EPSILON):
    axes = tuple(range(axis % x.ndim, x.ndim))
    mean, var = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    inverse = 1 / np.sqrt(var + epsilon)
    return (x - mean) * inverse * scale + (0 if bias is None else bias), mean, inverse


def rms_norm(x, scale, axis=-1, epsilon=EPSILON):
    axes = tuple(range(axis % x.ndim, x.ndim))
    return x / np.sqrt((x * x).mean(axes, keepdims=True) + epsilon) * scale


def instance_norm(x, scale, bias, epsilon=EPSILON):
    axes = tuple(range(2, x.ndim))
    normalized = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)
    return normalized * per_channel(scale, x.ndim) + per_channel(bias, x.ndim)


def group_norm(x, scale, bias, num_groups, epsilon=EPSILON, by_group=False):
    groups = x.reshape(x.shape[0], num_groups, -1)
    normalized = (groups - groups.mean(2, keepdims=True)) / np.sqrt(groups.var(2, keepdims=True) + epsilon)
    if by_group:
        return (normalized * scale[:, None] + bias[:, None]).reshape(x.shape)
    return normalized.reshape(x.shape) * per_channel(scale, x.ndim) + per_channel(bias, x.ndim)


def lp_norm(x, axis=-1, p=2):
    norm = np.abs(x).sum(axis, keepdims=True) if p == 1 else np.sqrt((x * x).sum(axis, keepdims=True))
    return np.where(norm == 0, 0, x / norm)


def lrn(x, size, alpha=1e-4, beta=0.75, bias=1.0):
    channels = x.shape[1]
    total = np.zeros_like(x)
    for c in range(channels):
        total[:, c] = (x[:, max(0, c - (size - 1) // 2) : min(channels, c + size // 2 + 1)] ** 2).sum(1)
    return x / (bias + alpha / size * total) ** beta


def vectors(n, count, dtype=np.float32):
    return [normal(n, dtype=dtype, seed=i + 1) for i in range(count)]


def variance(n, dtype=np.float32):
    return np.linspace(0.5, 2, n).astype(dtype)


BATCH = [
    Case(
        "BatchNormalization",
        [normal(*shape, dtype=t), *vectors(3, 3, t), variance(3, t)],
        {},
        batch_norm,
        tolerance=4,
    )
    for shape in ((2, 3, 4, 5), (2, 3, 7), (2, 3))
    for t in FLOATS
] + [
    Case(
        "BatchNormalization",
        [normal(2, 3, 5), *vectors(3, 3), variance(3)],
        {"epsilon": 0.1},
        batch_norm,
        version=9,
        tolerance=4,
    ),
    Case(
        "BatchNormalization",
        [normal(2, 3, 5), *(normal(3, 5, seed=i) for i in range(3)), np.abs(normal(3, 5)) + 1],
        {"spatial": 0},
        batch_norm,
        version=7,
        tolerance=4,
    ),
    Case(
        "BatchNormalization",
        [normal(4, 3, 5, 5), *vectors(3, 3), variance(3)],
        {"training_mode": 1, "momentum": 0.75},
        trained_batch_norm,
        outputs=3,
        tolerance=4,
    ),
]
LAYER = [
    Case(
        "LayerNormalization",
        [normal(2, 5, 33, dtype=t), *vectors(33, 2, t)],
        {},
        lambda *a, **o: layer_norm(*a, **o)[0],
        tolerance=8,
    )
    for t in FLOATS
] + [
    Case(
        "LayerNormalization",
        [normal(2, 3, 5), normal(3, 5), normal(3, 5, seed=1)],
        {"axis": 1, "epsilon": 0.1},
        layer_norm,
        outputs=3,
        tolerance=8,
    ),
    Case("LayerNormalization", [normal(2, 3, 5), normal(5)], {}, layer_norm, outputs=3, tolerance=8),
    Case(
        "LayerNormalization",
        [normal(2, 3, 5) + 1000, normal(5)],
        {},
        lambda x, s: layer_norm(x, s)[0],
        tolerance=64,
    ),
]
RMS = [
    Case(
        "RMSNormalization",
        [normal(2, 5, 33, dtype=t), normal(33, dtype=t, seed=1)],
        {},
        rms_norm,
        tolerance=8,
    )
    for t in FLOATS
] + [Case("RMSNormalization", [normal(2, 3, 5), normal(3, 5)], {"axis": -2}, rms_norm, tolerance=8)]
OTHERS = [
    *(
        Case(
            "InstanceNormalization",
            [normal(2, 3, 4, 5, dtype=t), *vectors(3, 2, t)],
            {},
            instance_norm,
            tolerance=8,
        )
        for t in FLOATS
    ),
    Case(
        "InstanceNormalization",
        [normal(2, 3, 9), *vectors(3, 2)],
        {"epsilon": 0.1},
        instance_norm,
        tolerance=8,
    ),
    *(
        Case(
            "GroupNormalization",
            [normal(2, 6, 5, dtype=t), *vectors(6, 2, t)],
            {"num_groups": 3},
            group_norm,
            tolerance=8,
        )
        for t in (np.float32, np.float64, np.float16)
    ),
    Case(
        "GroupNormalization",
        [normal(2, 6, 5), *vectors(3, 2)],
        {"num_groups": 3},
        lambda *a, **o: group_norm(*a, **o, by_group=True),
        version=18,
        tolerance=8,
    ),
    *(
        Case("LpNormalization", [normal(3, 5, 7, dtype=t)], {"axis": a, "p": p}, lp_norm, tolerance=4)
        for t, a, p in ((np.float32, -1, 2), (np.float64, 1, 1), (np.float16, 0, 2), (BF16, 2, 1))
    ),
    Case("LpNormalization", [np.zeros((2, 3), np.float32)], {}, lp_norm),
    Case(
        "MeanVarianceNormalization",
        [normal(2, 3, 4, 5)],
        {},
        lambda x: (x - x.mean((0, 2, 3), keepdims=True)) / (x.std((0, 2, 3), keepdims=True) + 1e-9),
        tolerance=8,
    ),
    *(
        Case(
            "LRN",
            [normal(2, 7, 3, 4, dtype=t)],
            {"size": size, "alpha": 0.5, "beta": 0.6, "bias": 2.0},
            lrn,
            tolerance=4,
        )
        for t in FLOATS
        for size in (3, 4)
    ),
]


@table(BATCH, LAYER, RMS, OTHERS)
def test_normalize(case):
    case.check()
