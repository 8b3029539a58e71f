"""Scattering against loops in NumPy: reductions, repeated and negative indices, types."""

import numpy as np
import onnx.helper as oh
import onnx.numpy_helper
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


def expanded(op_type, arrays, shape, **attributes):
    """The operator with its indices, the second array, expanded to `shape` by the model."""
    feed = dict(zip(("data", "places", "updates"), arrays, strict=False))
    inputs = [
        oh.make_tensor_value_info(n, oh.np_dtype_to_tensor_dtype(a.dtype), None) for n, a in feed.items()
    ]
    names = ["indices" if n == "places" else n for n in feed]
    nodes = [
        oh.make_node("Expand", ["places", "shape"], ["indices"]),
        oh.make_node(op_type, names, ["y"], **attributes),
    ]
    output = oh.make_tensor_value_info("y", oh.np_dtype_to_tensor_dtype(arrays[0].dtype), None)
    graph = oh.make_graph(
        nodes, "expanded", inputs, [output], [onnx.numpy_helper.from_array(int64s(*shape), "shape")]
    )
    model = oh.make_model(graph, opset_imports=[oh.make_opsetid("", 18)], ir_version=9)
    session = jitrt.InferenceSession(model.SerializeToString())
    return session, feed


EXPANSIONS = {  # axis, shape of the data, of the indices, what they are expanded to
    "rows": (0, (9, 64), (30, 1), (30, 64)),
    "many rows": (0, (400, 70), (900, 1), (900, 70)),
    "rows of images": (0, (9, 3, 5), (30, 1, 1), (30, 3, 5)),
    "in a batch": (1, (2, 9, 40), (2, 30, 1), (2, 30, 40)),
    "for the whole batch": (1, (2, 9, 4), (30, 1), (2, 30, 4)),
    "columns": (1, (4, 9), (1, 30), (4, 30)),
}


@pytest.mark.parametrize("reduction", COMBINE)
@pytest.mark.parametrize(("axis", "data", "places", "shape"), EXPANSIONS.values(), ids=EXPANSIONS)
def test_expanded_indices(axis, data, places, shape, reduction):
    arrays = [normal(*data), indices(*places, n=data[axis]), normal(*shape, seed=1)]
    session, feed = expanded("ScatterElements", arrays, shape, axis=axis, reduction=reduction)
    wanted = scatter_elements(arrays[0], np.broadcast_to(arrays[1], shape), arrays[2], axis, reduction)
    np.testing.assert_allclose(session.run(None, feed)[0], wanted, rtol=1e-5, atol=1e-5)
    session, feed = expanded("GatherElements", arrays[:2], shape, axis=axis)
    wanted = np.take_along_axis(arrays[0], np.broadcast_to(arrays[1], shape), axis)
    np.testing.assert_array_equal(session.run(None, feed)[0], wanted)


@pytest.mark.parametrize("index", [9, -10])
def test_expanded_indices_out_of_range(index):
    arrays = [normal(9, 64), int64s(3, index)[:, None], normal(2, 64)]
    for op_type, count in (("ScatterElements", 3), ("GatherElements", 2)):
        session, feed = expanded(op_type, arrays[:count], (2, 64), axis=0)
        with pytest.raises(jitrt.errors.InvalidArgument, match=rf"idx={index} must be within.*\[-9,8\]"):
            session.run(None, feed)


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
