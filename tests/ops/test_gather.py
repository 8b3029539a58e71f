"""Gathering against NumPy: all axes and types, negative indices, indices out of range."""

import numpy as np
import onnx.helper as oh
import pytest
from oracle import FLOATS, SIGNED, UNSIGNED, Case, int64s, integers, normal, table

import jitrt


def indices(*shape, n, dtype=np.int64, seed=0):
    return np.random.default_rng(seed).integers(-n, n, shape).astype(dtype)


def gather(x, i, axis=0):
    return np.take(x, i, axis)


def one_hot(i, depth, values, axis=-1):
    depth = int(np.ravel(depth)[0])
    i = i.astype(np.int64)
    i = np.where((i >= -depth) & (i < 0), i + depth, i)
    axis = axis % (i.ndim + 1)
    shape = [1] * (i.ndim + 1)
    shape[axis] = depth
    return np.where(np.expand_dims(i, axis) == np.arange(depth).reshape(shape), values[1], values[0])


X = normal(4, 5, 6)
GATHERS = [
    Case("Gather", [X, indices(*shape, n=n)], {"axis": axis}, gather)
    for axis, n in ((0, 4), (1, 5), (-1, 6))
    for shape in ((3,), (2, 3), (), (1,), (0,))
]
GATHERS += [
    Case("Gather", [normal(7, 3, dtype=t), indices(9, n=7, dtype=i)], {}, gather)
    for t in FLOATS
    for i in (np.int32, np.int64)
]
GATHERS += [
    Case("Gather", [integers(7, 3, dtype=t), indices(9, n=7)], {}, gather)
    for t in (*SIGNED, *UNSIGNED, np.bool_)
]
ELEMENTS = [
    Case(
        "GatherElements",
        [X, indices(*shape, n=n)],
        {"axis": axis},
        lambda x, i, axis: np.take_along_axis(
            x[tuple(slice(s if a != axis % 3 else None) for a, s in enumerate(i.shape))], i, axis
        ),
    )
    for axis, n, shape in ((0, 4, (2, 5, 6)), (1, 5, (4, 9, 6)), (-1, 6, (3, 4, 2)))
]
TUPLES = [
    Case(
        "GatherND",
        [X, np.stack([indices(3, 2, n=n, seed=n) for n in sizes], -1)],
        {},
        lambda x, i: x[tuple(np.moveaxis(i, -1, 0))],
    )
    for sizes in ((4,), (4, 5), (4, 5, 6))
] + [
    Case(
        "GatherND",
        [X, indices(4, 3, 1, n=5)],
        {"batch_dims": 1},
        lambda x, i, batch_dims: np.stack([x[b][i[b, :, 0]] for b in range(4)]),
    ),
    Case(
        "GatherND",
        [normal(2, 3), indices(2, 1, n=3)],
        {"batch_dims": 1},
        lambda x, i, batch_dims: x[np.arange(2), i[:, 0]],
    ),
    Case("GatherND", [normal(2, 3), int64s(1, 2)], {}, lambda x, i: x[1, 2]),
]
HOT = [
    Case("OneHot", [indices(2, 3, n=9), np.array(5), np.array([0.5, 2], np.float32)], {"axis": axis}, one_hot)
    for axis in (-1, 0, 1)
] + [
    Case("OneHot", [indices(4, n=4).astype(np.float32), int64s(3), np.array([1, 9], np.int32)], {}, one_hot),
    Case("OneHot", [indices(4, n=4, dtype=np.int32), np.float32(3), np.array([False, True])], {}, one_hot),
]


@table(GATHERS, ELEMENTS, TUPLES, HOT)
def test_gather(case):
    case.check()


@pytest.mark.parametrize("index", [2, -3, 7])
def test_gather_out_of_range(index):
    message = rf"indices element out of data bounds, idx={index} must be within the inclusive range \[-2,1\]"
    with pytest.raises(jitrt.errors.InvalidArgument, match=message):
        jitrt.call("Gather", normal(2, 3), int64s(0, index, 1))


def test_the_message_has_the_sizes_of_the_call():
    jitrt.call("Gather", normal(9, 2), int64s(0, 1))
    with pytest.raises(
        jitrt.errors.InvalidArgument, match=r"idx=5 must be within the inclusive range \[-5,4\]"
    ):
        jitrt.call("Gather", normal(5, 2), int64s(0, 5))


@pytest.mark.parametrize(
    ("op", "data", "where"),
    [("GatherElements", normal(2, 3), int64s(0, 2, 0)[None]), ("GatherND", normal(2, 3), int64s(0, 3)[None])],
)
def test_others_out_of_range(op, data, where):
    with pytest.raises(jitrt.errors.InvalidArgument, match=r"out of data bounds|invalid index"):
        jitrt.call(op, data, where)


@pytest.mark.parametrize(("picks", "axis"), [((30,), 1), ((30,), 0), ((5, 6), -1), ((1,), 1), ((5, 6), 1)])
@pytest.mark.parametrize("dtype", [np.float32, np.int8, np.float64])
def test_gathers_write_into_the_concatenation(picks, axis, dtype):
    """Rows picked for both ends of edges, joined side by side or below each other."""
    x, i, j = normal(9, 7).astype(dtype), indices(*picks, n=9), indices(*picks, n=9, seed=1)
    nodes = [
        oh.make_node("Gather", ["x", "i"], ["source"]),
        oh.make_node("Gather", ["x", "j"], ["target"]),
        oh.make_node("Concat", ["source", "target"], ["y"], axis=axis),
    ]
    feed = {"x": x, "i": i, "j": j}
    infos = [
        oh.make_tensor_value_info(n, oh.np_dtype_to_tensor_dtype(a.dtype), a.shape) for n, a in feed.items()
    ]
    output = oh.make_tensor_value_info("y", oh.np_dtype_to_tensor_dtype(x.dtype), None)
    model = oh.make_model(oh.make_graph(nodes, "edges", infos, [output]), ir_version=9)
    session = jitrt.InferenceSession(model.SerializeToString())
    np.testing.assert_array_equal(session.run(None, feed)[0], np.concatenate([x[i], x[j]], axis))
    (variant,) = session.prepare(None, feed)[0].variants
    copies = 2 if (len(picks), axis) == (2, 1) else 0  # rows are not evenly apart there
    assert [step.label for step in variant.recipe.steps] == ["gather_rows"] * 2 + ["copy"] * copies
