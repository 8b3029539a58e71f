"""Shape operators: what they give, on shapes that change from call to call, and for wrong arguments."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper
from oracle import BF16, FLOATS, SIGNED, UNSIGNED, Case, int64s, integers, normal, table

import jitrt

X = normal(2, 3, 4, 5)


def reshaped(x, shape, allowzero=0):
    return x.reshape([x.shape[i] if s == 0 and not allowzero else s for i, s in enumerate(shape)])


RESHAPES = [
    Case("Reshape", [X, int64s(*shape)], {}, reshaped)
    for shape in ((-1,), (0, -1), (6, 20), (2, 0, 5, 4), (1, 120, 1))
] + [
    Case("Reshape", [np.zeros((0, 3), np.float32), int64s(3, 0)], {"allowzero": 1}, reshaped),
    Case("Reshape", [np.float32(3), int64s(1, 1)], {}, reshaped),
    Case("Reshape", [np.ones((1,), np.float32), int64s()], {}, lambda x, s: x.reshape(())),
    *(
        Case("Flatten", [X], {"axis": a}, lambda x, axis: x.reshape(int(np.prod(x.shape[:axis])), -1))
        for a in (0, 1, -1, 4)
    ),
    Case("Squeeze", [normal(1, 3, 1), int64s(0)], {}, lambda x, a: x[0]),
    Case("Squeeze", [normal(1, 3, 1)], {}, lambda x: x.reshape(3)),
    Case("Squeeze", [normal(1, 3, 1)], {"axes": [-1]}, lambda x, axes: x[..., 0], version=11),
    Case("Unsqueeze", [normal(3, 4), int64s(0, -1)], {}, lambda x, a: x[None, ..., None]),
    Case("Unsqueeze", [normal(3, 4)], {"axes": [1]}, lambda x, axes: x[:, None], version=11),
    Case("Expand", [normal(3, 1), int64s(2, 1, 4)], {}, lambda x, s: np.broadcast_to(x, (2, 3, 4))),
    Case("Expand", [normal(3, 4), int64s(1)], {}, lambda x, s: x),
    Case("Transpose", [X], {}, np.transpose),
    Case("Identity", [X], {}, lambda x: x),
]
TRANSPOSES = [
    Case("Transpose", [normal(3, 4, 5, dtype=t)], {"perm": [2, 0, 1]}, lambda x, perm: x.transpose(perm))
    for t in FLOATS
] + [
    Case("Transpose", [integers(3, 4, 5, dtype=t)], {"perm": [1, 2, 0]}, lambda x, perm: x.transpose(perm))
    for t in (*SIGNED, *UNSIGNED, np.bool_)
]
JOINS = [
    Case(
        "Concat",
        [normal(2, 3, dtype=t), normal(2, 4, dtype=t)],
        {"axis": 1},
        lambda *x, axis: np.concatenate(x, axis),
    )
    for t in FLOATS
] + [
    Case(
        "Concat",
        [normal(2, 3), normal(5, 3), normal(1, 3)],
        {"axis": -2},
        lambda *x, axis: np.concatenate(x, axis),
    ),
    Case("Concat", [normal(2, 0), normal(2, 3)], {"axis": 1}, lambda *x, axis: np.concatenate(x, axis)),
    Case("Concat", [normal(3)], {"axis": 0}, lambda x, axis: x),
    Case(
        "Split",
        [normal(6, 4)],
        {"num_outputs": 4},
        lambda x, num_outputs: [x[:2], x[2:4], x[4:6], x[6:]],
        outputs=4,
    ),
    Case(
        "Split", [normal(7, 4)], {"num_outputs": 3}, lambda x, num_outputs: [x[:3], x[3:6], x[6:]], outputs=3
    ),
    Case(
        "Split",
        [normal(4, 6), int64s(1, 2, 3)],
        {"axis": 1},
        lambda x, s, axis: np.split(x, [1, 3], 1),
        outputs=3,
    ),
    Case("Split", [normal(4, 6)], {"axis": -1}, lambda x, axis: np.split(x, 2, 1), outputs=2, version=13),
    Case(
        "Split", [normal(4, 6)], {"split": [1, 3]}, lambda x, split: np.split(x, [1]), outputs=2, version=11
    ),
    Case("Tile", [normal(2, 3), int64s(2, 3)], {}, lambda x, r: np.tile(x, r)),
    Case("Tile", [normal(2, 1, 3), int64s(1, 4, 1)], {}, lambda x, r: np.tile(x, r)),
]
KNOWN = [
    Case("Shape", [X], {}, lambda x: int64s(2, 3, 4, 5)),
    Case("Shape", [X], {"start": -3, "end": -1}, lambda x, start, end: int64s(3, 4)),
    Case("Size", [X], {}, lambda x: np.array(120)),
    Case("Range", [np.float32(1), np.float32(3), np.float32(0.25)], {}, np.arange),
    Case("Range", [np.int64(7), np.int64(-2), np.int64(-3)], {}, np.arange),
    Case("Range", [np.int32(3), np.int32(1), np.int32(1)], {}, np.arange),
    Case(
        "ConstantOfShape",
        [int64s(2, 3)],
        {"value": np.array([7], np.int8)},
        lambda s, value: np.full((2, 3), 7),
    ),
    Case("ConstantOfShape", [int64s()], {}, lambda s: np.array(0.0)),
    Case("EyeLike", [normal(3, 5)], {"k": 1}, lambda x, k: np.eye(3, 5, k)),
    Case("EyeLike", [integers(4, 3)], {"k": -1, "dtype": 1}, lambda x, k, dtype: np.eye(4, 3, k)),
    Case("Constant", [], {"value_floats": [1.0, 2.0]}, lambda value_floats: np.array(value_floats)),
    Case("Constant", [], {"value_int": 3}, lambda value_int: np.array(value_int)),
]
TRIANGLES = [
    Case("Trilu", [x], {"upper": upper}, lambda x, upper: np.triu(x) if upper else np.tril(x))
    for upper in (0, 1)
    for x in (normal(3, 4, 5), integers(5, 4), normal(4, 4) > 0, normal(3, 3, dtype=BF16))
] + [
    Case(
        "Trilu",
        [normal(4, 5), np.array(k)],
        {"upper": upper},
        lambda x, k, upper: (np.triu if upper else np.tril)(x, k),
    )
    for upper in (0, 1)
    for k in (-2, 1, 9)
]


def depth_to_space(x, blocksize, mode="DCR"):
    n, c, h, w = x.shape
    b = blocksize
    if mode == "DCR":
        y = x.reshape(n, b, b, c // b**2, h, w).transpose(0, 3, 4, 1, 5, 2)
    else:
        y = x.reshape(n, c // b**2, b, b, h, w).transpose(0, 1, 4, 2, 5, 3)
    return y.reshape(n, c // b**2, h * b, w * b)


BLOCKS = [
    Case("DepthToSpace", [normal(2, 12, 2, 3)], {"blocksize": 2, "mode": m}, depth_to_space)
    for m in ("DCR", "CRD")
] + [
    Case(
        "SpaceToDepth",
        [normal(2, 3, 4, 6)],
        {"blocksize": 2},
        lambda x, blocksize: x.reshape(2, 3, 2, 2, 3, 2).transpose(0, 3, 5, 1, 2, 4).reshape(2, 12, 2, 3),
    ),
    Case("Dropout", [normal(3)], {}, lambda x: [x, np.ones(3)], outputs=2),
    Case("Dropout", [normal(3)], {"ratio": 0.3}, lambda x, ratio: [x, np.ones(3)], outputs=2, version=10),
]


@table(RESHAPES, TRANSPOSES, JOINS, KNOWN, TRIANGLES, BLOCKS)
def test_shape(case):
    case.check()


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 9),
    st.integers(-12, 12),
    st.integers(-12, 12),
    st.sampled_from([1, 2, 3, -1, -2]),
)
def test_slices_are_those_of_python(size, start, end, step):
    x = normal(2, size)
    got = jitrt.call("Slice", x, int64s(start), int64s(end), int64s(1), int64s(step))
    first = max(start + size, -1 if step < 0 else 0) if start < 0 else start
    if step < 0 and start < -size:
        first = 0 if size else -1  # the spec clamps a start before the first element to it, Python to nothing
    stop = end + size if end < 0 else end
    if step > 0:
        picks = range(min(first, size), min(max(stop, 0), size), step)
    else:
        picks = range(min(first, size - 1), min(max(stop, -1), size - 1), step)
    np.testing.assert_array_equal(got, x[:, list(picks)])


SLICES = [
    Case("Slice", [X, int64s(0, 1), int64s(2**63 - 1, -1), int64s(-1, 1)], {}, lambda x, *_: x[:, 1:-1]),
    Case("Slice", [X, int64s(1), int64s(2)], {}, lambda x, *_: x[1:2]),
    Case("Slice", [X, int64s(-1), int64s(-(2**63)), int64s(3), int64s(-2)], {}, lambda x, *_: x[..., ::-2]),
    Case("Slice", [X], {"starts": [1], "ends": [9], "axes": [2]}, lambda x, **_: x[:, :, 1:], version=9),
    Case("Slice", [integers(9, dtype=np.uint8), int64s(2), int64s(7)], {}, lambda x, *_: x[2:7]),
]


@table(SLICES)
def test_slice(case):
    case.check()


@pytest.mark.parametrize(
    ("op", "inputs", "attributes", "message"),
    [
        ("Reshape", [normal(6), int64s(4, -1)], {}, r"Input shape:\{6\}, requested shape:\{4,-1\}"),
        ("Reshape", [normal(6), int64s(-1, -1)], {}, "At most one dimension can be -1"),
        ("Concat", [normal(3, 2), normal(2, 2)], {"axis": 1}, "Axis 0 has mismatched dimensions of 2 and 3"),
        ("Concat", [normal(3), normal(2, 2)], {"axis": 0}, "Ranks of input data are different"),
        ("Squeeze", [normal(3, 1), int64s(0)], {}, "Dimension of input 0 must be 1 instead of 3"),
        ("Slice", [normal(3), int64s(0), int64s(2), int64s(0), int64s(0)], {}, "'step' value cannot be 0"),
        ("Split", [normal(4), int64s(1, 2)], {}, "do not add up"),
        ("Expand", [normal(3), int64s(4)], {}, "do not broadcast"),
    ],
)
def test_wrong_arguments(op, inputs, attributes, message):
    with pytest.raises(jitrt.errors.Fail, match=message):
        jitrt.call(op, *inputs, **attributes)


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
def test_depth_to_space_of_channels_last(mode):
    """Images whose channels are adjacent, as a convolution's are, of several sizes."""
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]),
        helper.make_node("Relu", ["t"], ["r"]),
        helper.make_node("DepthToSpace", ["r"], ["y"], blocksize=3, mode=mode),
    ]
    infos = [helper.make_tensor_value_info("x", 1, ["n", "h", "w", 90])]
    graph = helper.make_graph(nodes, "g", infos, [helper.make_tensor_value_info("y", 1, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = jitrt.InferenceSession(model.SerializeToString())
    for n, h, w in ((1, 5, 4), (2, 3, 7)):
        x = np.random.default_rng(0).standard_normal((n, h, w, 90), np.float32)
        wanted = depth_to_space(np.maximum(x.transpose(0, 3, 1, 2), 0), 3, mode)
        np.testing.assert_array_equal(session.run(None, {"x": x})[0], wanted)
