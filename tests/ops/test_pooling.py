"""Pooling against loops in NumPy: 1 to 3 dimensions, padding, dilation, ceiling, indices."""

import itertools

import numpy as np
import pytest
from onnx_models import FLOAT, info, model, node
from oracle import BF16, FLOATS, Case, integers, normal, table

import jitrt


def windows(x, kernel_shape, strides=None, dilations=None, pads=None, ceil_mode=0, auto_pad="NOTSET"):
    """The output's spatial shape, and for each position its window's taps, in and outside of the tensor."""
    rank = len(kernel_shape)
    strides, dilations, pads = strides or [1] * rank, dilations or [1] * rank, list(pads or [0] * 2 * rank)
    shape = []
    for a in range(rank):
        size, reach = x.shape[a + 2], (kernel_shape[a] - 1) * dilations[a] + 1
        if auto_pad.startswith("SAME"):
            count = -(-size // strides[a])
            total = max((count - 1) * strides[a] + reach - size, 0)
            pads[a], pads[a + rank] = total // 2, total - total // 2
            if auto_pad == "SAME_LOWER":
                pads[a], pads[a + rank] = pads[a + rank], pads[a]
        span = size + pads[a] + pads[a + rank] - reach
        count = (-(-span // strides[a]) if ceil_mode else span // strides[a]) + 1
        if ceil_mode and (count - 1) * strides[a] >= size + pads[a]:
            count -= 1
        shape.append(count)

    def taps(position):
        for tap in itertools.product(*map(range, kernel_shape)):
            at = tuple(
                p * s - b + k * d
                for p, s, b, k, d in zip(position, strides, pads, tap, dilations, strict=False)
            )
            inside = all(0 <= i < n for i, n in zip(at, x.shape[2:], strict=True))
            padded = all(i < n + e for i, n, e in zip(at, x.shape[2:], pads[rank:], strict=True))
            yield at, inside, padded

    return shape, taps


def pool(x, combine, **options):
    shape, taps = windows(x, **options)
    y = np.empty((*x.shape[:2], *shape))
    for position in np.ndindex(*shape):
        found = list(taps(position))
        values = np.stack([x[(slice(None), slice(None), *at)] for at, inside, _ in found if inside])
        y[(slice(None), slice(None), *position)] = combine(values, sum(padded for *_, padded in found))
    return y


def max_pool(x, storage_order=0, **options):
    return pool(x, lambda v, _: v.max(0), **options)


def average_pool(x, count_include_pad=0, **options):
    return pool(x, lambda v, padded: v.sum(0) / (padded if count_include_pad else len(v)), **options)


def lp_pool(x, p=2, **options):
    return pool(x, lambda v, _: (np.abs(v) ** p).sum(0) ** (1 / p), **options)


def max_pool_with_places(x, storage_order=0, **options):
    spatial = x.shape[2:]
    strides = [int(np.prod(spatial[:a] if storage_order else spatial[a + 1 :])) for a in range(len(spatial))]
    places = np.arange(x.shape[0] * x.shape[1]).reshape(*x.shape[:2], *[1] * len(spatial)) * int(
        np.prod(spatial)
    )
    grid = sum(
        np.arange(n).reshape([-1 if a == b else 1 for b in range(len(spatial))]) * s
        for a, (n, s) in enumerate(zip(spatial, strides, strict=True))
    )
    both = np.stack(np.broadcast_arrays(x, places + grid))
    shape, taps = windows(x, **options)
    y = np.empty((2, *x.shape[:2], *shape))
    for position in np.ndindex(*shape):
        found = np.stack(
            [both[(slice(None), slice(None), slice(None), *at)] for at, inside, _ in taps(position) if inside]
        )
        first = found[:, 0].argmax(0)
        y[(slice(None), slice(None), slice(None), *position)] = np.take_along_axis(
            found, first[None, None], 0
        )[0]
    return y[0], y[1]


IMAGE = normal(2, 3, 9, 8)
OPTIONS = (
    {"kernel_shape": [3, 3]},
    {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]},
    {"kernel_shape": [2, 3], "strides": [2, 1], "pads": [0, 1, 1, 2]},
    {"kernel_shape": [3, 2], "strides": [2, 3], "ceil_mode": 1},
    {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1], "ceil_mode": 1},
    {"kernel_shape": [2, 2], "strides": [2, 2], "auto_pad": "SAME_UPPER"},
    {"kernel_shape": [4, 3], "strides": [3, 2], "auto_pad": "SAME_LOWER"},
    {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "VALID"},
    {"kernel_shape": [2, 2], "dilations": [2, 3]},
    {"kernel_shape": [1280, 1280], "strides": [1280, 1280], "ceil_mode": 1, "count_include_pad": 1},
)

POOLS = {"MaxPool": max_pool, "AveragePool": average_pool, "LpPool": lp_pool}
FEW_AND_MANY = (IMAGE, normal(2, 10, 9, 8))
IMAGES = [
    Case(op, [x], o, f, tolerance=4) for x in FEW_AND_MANY for op, f in POOLS.items() for o in OPTIONS[:-1]
]
IMAGES += [
    Case("AveragePool", [x], {**o, "count_include_pad": 1}, average_pool, tolerance=4)
    for x in FEW_AND_MANY
    for o in OPTIONS[1:6]
]
IMAGES += [
    Case("AveragePool", [x], OPTIONS[-1], lambda x, **_: x.mean((2, 3), keepdims=True), tolerance=4)
    for x in FEW_AND_MANY
]
DIMENSIONS = [
    Case(
        op,
        [normal(2, channels, *shape)],
        {"kernel_shape": [2] * len(shape), "strides": [2] * len(shape), "pads": [1] * 2 * len(shape)},
        f,
        tolerance=4,
    )
    for op, f in POOLS.items()
    for channels in (3, 20)
    for shape in ((11,), (4, 5, 6))
]
TYPES = [
    Case(op, [normal(1, channels, 6, 5, dtype=t)], {"kernel_shape": [2, 2]}, f, tolerance=4)
    for op, f in POOLS.items()
    for channels in (4, 20)
    for t in FLOATS
]
TYPES += [
    Case("MaxPool", [integers(1, channels, 5, 5, dtype=t)], {"kernel_shape": [3, 3]}, max_pool)
    for channels in (3, 70)
    for t in (np.int8, np.uint8)
]
PLACES = [
    Case(
        "MaxPool",
        [normal(2, 3, *shape)],
        {"kernel_shape": [2] * len(shape), "storage_order": order, **more},
        max_pool_with_places,
        outputs=2,
    )
    for shape, more in (
        ((9, 8), {"strides": [2, 2]}),
        ((9, 8), {"pads": [1, 1, 0, 1]}),
        ((7,), {}),
        ((3, 4, 5), {}),
    )
    for order in (0, 1)
    if not (order and len(shape) == 3)
] + [
    Case(
        "MaxPool",
        [np.zeros((1, 1, 3, 3), np.float32)],
        {"kernel_shape": [2, 2]},
        max_pool_with_places,
        outputs=2,
    )
]
OLD = [
    Case("MaxPool", [IMAGE], {"kernel_shape": [2, 2]}, max_pool, version=7),
    Case("AveragePool", [IMAGE], {"kernel_shape": [2, 2]}, average_pool, version=7, tolerance=4),
    Case(
        "AveragePool",
        [IMAGE],
        {"kernel_shape": [2, 2], "pads": [1, 1, 1, 1]},
        average_pool,
        version=1,
        tolerance=4,
    ),
    Case("LpPool", [IMAGE], {"kernel_shape": [2, 2], "p": 3}, lp_pool, version=11, tolerance=8),
    Case("LpPool", [IMAGE], {"kernel_shape": [2, 3], "p": 1.5}, lp_pool, version=1, tolerance=8),
    Case("LpPool", [IMAGE], {"kernel_shape": [2, 3], "p": 1}, lp_pool, tolerance=8),
    Case(
        "GlobalLpPool",
        [IMAGE],
        {"p": 3.0},
        lambda x, p: (np.abs(x) ** p).sum((2, 3), keepdims=True) ** (1 / p),
        version=1,
        tolerance=8,
    ),
]
GLOBAL = [
    Case(op, [normal(2, 3, *shape, dtype=t)], {}, f, tolerance=4)
    for op, f in (
        ("GlobalAveragePool", lambda x: x.mean(tuple(range(2, x.ndim)), keepdims=True)),
        ("GlobalMaxPool", lambda x: x.max(tuple(range(2, x.ndim)), keepdims=True)),
        ("GlobalLpPool", lambda x: np.sqrt((x * x).sum(tuple(range(2, x.ndim)), keepdims=True))),
    )
    for shape, t in (((7, 9), np.float32), ((11,), np.float64), ((2, 3, 4), np.float16), ((5, 5), BF16))
]
SPECIAL = [
    Case(
        "MaxPool",
        [np.array([[[1, np.nan, 2, -np.inf, -np.inf]]], np.float32)],
        {"kernel_shape": [2]},
        max_pool,
    )
]


@table(IMAGES, DIMENSIONS, TYPES, PLACES, OLD, GLOBAL, SPECIAL)
def test_pooling(case):
    case.check()


def test_kernels_of_other_ranks():
    with pytest.raises(
        jitrt.errors.Fail, match=r"expected a kernel_shape for 1 to 3 spatial axes, got \[2\] for 2"
    ):
        jitrt.call("MaxPool", IMAGE, kernel_shape=[2])


LARGE = (
    {"kernel_shape": [5, 4], "pads": [2, 2, 2, 1]},
    {"kernel_shape": [7, 7], "strides": [2, 3], "pads": [3, 3, 3, 3], "ceil_mode": 1},
    {"kernel_shape": [4, 5], "dilations": [2, 1], "auto_pad": "VALID"},
    {"kernel_shape": [6, 1], "strides": [4, 4]},
)


@pytest.mark.parametrize("options", [*OPTIONS[:-1], *LARGE])
@pytest.mark.parametrize("op", ["MaxPool", "AveragePool"])
@pytest.mark.parametrize("channels_last", [False, True])
def test_pooling_where_channels_lie_first_and_last(op, options, channels_last):
    x = normal(2, 17, 12, 11)
    x[0, 3, 5, 6] = np.inf
    fed = x.transpose(0, 2, 3, 1) if channels_last else x
    nodes = [node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2])] if channels_last else []
    proto = model(
        [*nodes, node(op, ["t" if channels_last else "x"], ["y"], **options)],
        [info("x", FLOAT, fed.shape)],
        opset=22,
        ir=10,
    )
    (got,) = jitrt.InferenceSession(proto.SerializeToString()).run(None, {"x": fed})
    np.testing.assert_allclose(got, POOLS[op](x.astype(np.float64), **options), rtol=1e-5, atol=1e-6)
