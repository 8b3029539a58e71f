"""Scattering against loops in NumPy: reductions, repeated and negative indices, types."""

import numpy as np
import pytest
from oracle import BF16, Case, int64s, integers, normal, table

import jitrt

COMBINE = {
    "none": lambda old, new: new,
    "add": np.add,
    "mul": np.multiply,
    "max": np.maximum,
    "min": np.minimum,
}


def scatter_nd(data, indices, updates, reduction="none"):
    y = data.copy()
    for place in np.ndindex(indices.shape[:-1]):
        at = tuple(indices[place])
        y[at] = COMBINE[reduction](y[at], updates[place])
    return y


def scatter_elements(data, indices, updates, axis=0, reduction="none"):
    y = data.copy()
    for place in np.ndindex(indices.shape):
        at = list(place)
        at[axis] = indices[place]
        y[tuple(at)] = COMBINE[reduction](y[tuple(at)], updates[place])
    return y


def indices(*shape, n, seed=0):
    return np.random.default_rng(seed).integers(-n, n, shape)


SLICES = (
    [
        Case(
            "ScatterND",
            [normal(5, 4, 3), indices(6, 1, n=5), normal(6, 4, 3, seed=1)],
            {"reduction": r},
            scatter_nd,
            tolerance=4,
        )
        for r in COMBINE
    ]
    + [
        Case(
            "ScatterND",
            [normal(5, 4, dtype=t), indices(2, 3, 1, n=5), normal(2, 3, 4, dtype=t, seed=1)],
            {"reduction": r},
            scatter_nd,
            tolerance=4,
        )
        for t in (np.float64, np.float16, BF16)
        for r in ("none", "add")
    ]
    + [
        Case(
            "ScatterND",
            [integers(5, dtype=t), indices(4, 1, n=5), integers(4, dtype=t, seed=1)],
            {"reduction": r},
            scatter_nd,
        )
        for t in (np.int8, np.int64, np.uint8)
        for r in COMBINE
    ]
    + [
        Case(
            "ScatterND",
            [normal(5, 4), np.stack([indices(7, n=5), indices(7, n=4, seed=3)], -1), normal(7, seed=1)],
            {},
            scatter_nd,
        ),
        Case(
            "ScatterND",
            [normal(5) > 0, int64s(1, 2)[:, None], np.array([True, False])],
            {},
            scatter_nd,
            version=13,
        ),
        Case("ScatterND", [normal(5), np.zeros((0, 1), np.int64), normal(0)], {}, scatter_nd),
    ]
)
ELEMENTS = [
    Case(
        "ScatterElements",
        [normal(4, 5, 6), indices(*shape, n=(4, 5, 6)[axis]), normal(*shape, seed=1)],
        {"axis": axis, "reduction": r},
        scatter_elements,
        tolerance=4,
    )
    for axis, shape in ((0, (2, 5, 6)), (1, (4, 3, 6)), (2, (4, 5, 7)), (1, (3, 5, 2)), (-1, (4, 2, 6)))
    for r in ("none", "add", "max")
] + [
    Case(
        "Scatter", [normal(3, 3), indices(2, 3, n=3), normal(2, 3, seed=1)], {}, scatter_elements, version=9
    ),
    Case(
        "ScatterElements",
        [integers(3, 3), indices(2, 3, n=3), integers(2, 3, seed=1)],
        {"axis": 1},
        scatter_elements,
        version=11,
    ),
]


@table(SLICES, ELEMENTS)
def test_scatter(case):
    case.check()


@pytest.mark.parametrize("index", [3, -4])
def test_out_of_range(index):
    with pytest.raises(jitrt.errors.InvalidArgument, match="invalid index"):
        jitrt.call("ScatterND", normal(3), int64s(index)[None], normal(1))


def test_many_updates_of_one_element_add_up_the_same_on_any_number_of_threads():
    data, updates = np.zeros((1, 4096), np.float32), normal(500, 4096)
    places = np.zeros((500, 1), np.int64)
    got = jitrt.call("ScatterND", data, places, updates, reduction="add")
    expected = np.zeros(4096, np.float32)
    for row in updates:
        expected += row
    np.testing.assert_array_equal(got[0], expected)
