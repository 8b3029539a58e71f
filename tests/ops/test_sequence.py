"""Sequences, and optionals: through single operators, and in models where they pass between segments."""

import numpy as np
import pytest
from onnx import TensorProto, helper
from oracle import int64s, normal

import jitrt
from jitrt.errors import Fail, InvalidArgument

SEQUENCE = [normal(3), normal(2, 4, seed=1), np.array(7, np.float32)]
FLOAT = TensorProto.FLOAT


def same(got, wanted):
    assert isinstance(got, list)
    assert [x.dtype for x in got] == [np.asarray(x).dtype for x in wanted]
    for mine, theirs in zip(got, wanted, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("kind", [np.float32, np.int8, np.bool_, np.complex64, object])
def test_construct(kind):
    inputs = [np.zeros((2, 3), kind), np.ones(4, kind)]
    same(jitrt.call("SequenceConstruct", *inputs), inputs)


def test_construct_of_two_types():
    with pytest.raises(InvalidArgument, match="of one type: expected f32, got i64"):
        jitrt.call("SequenceConstruct", normal(2), int64s(1))


def test_empty_and_length():
    assert jitrt.call("SequenceEmpty", dtype=TensorProto.INT64) == []
    length = jitrt.call("SequenceLength", SEQUENCE)
    assert (length.dtype, length.shape, int(length)) == (np.int64, (), 3)


@pytest.mark.parametrize("position", [0, 2, -1, -3])
@pytest.mark.parametrize("kind", [np.int32, np.int64])
def test_positions(position, kind):
    place = np.array(position, kind)
    np.testing.assert_array_equal(jitrt.call("SequenceAt", SEQUENCE, place), SEQUENCE[position])
    rest = list(SEQUENCE)
    rest.pop(position)
    same(jitrt.call("SequenceErase", SEQUENCE, place), rest)
    more = list(SEQUENCE)
    more.insert(position, normal(5))
    same(jitrt.call("SequenceInsert", SEQUENCE, normal(5), place), more)
    assert len(SEQUENCE) == 3


def test_the_end_is_the_default_position():
    same(jitrt.call("SequenceErase", SEQUENCE), SEQUENCE[:-1])
    same(jitrt.call("SequenceInsert", SEQUENCE, normal(5)), [*SEQUENCE, normal(5)])
    same(jitrt.call("SequenceInsert", SEQUENCE, normal(5), int64s(3)), [*SEQUENCE, normal(5)])


@pytest.mark.parametrize(
    ("op", "inputs", "index"),
    [
        ("SequenceAt", [int64s(3)], 3),
        ("SequenceAt", [int64s(-4)], -4),
        ("SequenceErase", [int64s(3)], 3),
        ("SequenceInsert", [normal(1), int64s(4)], 4),
    ],
)
def test_positions_outside(op, inputs, index):
    message = rf"Invalid sequence index \({index}\) specified for sequence of size \(3\)"
    with pytest.raises(InvalidArgument, match=message):
        jitrt.call(op, SEQUENCE, *inputs)


def test_insert_of_another_type():
    with pytest.raises(InvalidArgument, match="expected f32, got i64"):
        jitrt.call("SequenceInsert", SEQUENCE, int64s(1))


X = normal(5, 4)
SPLITS = [
    (None, {}, np.split(X, 5)),
    (None, {"keepdims": 0, "axis": 1}, list(X.T)),
    (None, {"axis": -1}, np.split(X, 4, 1)),
    (np.array(2), {}, np.split(X, [2, 4])),
    (np.array(3, np.int32), {"axis": 1, "keepdims": 0}, np.split(X, [3], 1)),
    (np.array(9), {}, [X]),
    (int64s(1, 0, 4), {}, np.split(X, [1, 1])),
    (int64s(3, 1), {"axis": -1}, np.split(X, [3], 1)),
]


@pytest.mark.parametrize(("split", "attributes", "expected"), SPLITS)
def test_split(split, attributes, expected):
    if split is not None and attributes.get("keepdims") == 0:
        attributes = {**attributes, "keepdims": 0}  # which is about no given split
    same(jitrt.call("SplitToSequence", X, split, **attributes), expected)


def test_split_of_strings_and_of_nothing():
    words = np.array(["a", "b", "c"], object)
    same(jitrt.call("SplitToSequence", words, np.array(2)), [words[:2], words[2:]])
    assert jitrt.call("SplitToSequence", np.zeros((0, 2), np.float32), np.array(2)) == []


@pytest.mark.parametrize(
    ("split", "message"),
    [
        (int64s(2), r"split_size_sum \(2\) != split_dim_size \(5\)"),
        (int64s(6, -1), "sizes must be positive"),
        (np.array(0), "sizes must be positive"),
    ],
)
def test_split_that_does_not_fit(split, message):
    with pytest.raises(InvalidArgument, match=message):
        jitrt.call("SplitToSequence", X, split)


def test_concat():
    parts = [normal(2, 3), normal(1, 3)]
    np.testing.assert_array_equal(jitrt.call("ConcatFromSequence", parts, axis=0), np.concatenate(parts))
    pair = [normal(2, 3), normal(2, 3, seed=1)]
    for axis in (0, 2, -1, -3):
        got = jitrt.call("ConcatFromSequence", pair, axis=axis, new_axis=1)
        np.testing.assert_array_equal(got, np.stack(pair, axis))
    np.testing.assert_array_equal(jitrt.call("ConcatFromSequence", pair, axis=-1), np.concatenate(pair, -1))


def test_concat_of_shapes_that_differ():
    with pytest.raises(Fail, match=r"ConcatFromSequence.*same shape"):
        jitrt.call("ConcatFromSequence", [normal(2, 3), normal(1, 3)], axis=0, new_axis=1)


@pytest.mark.parametrize("value", [normal(3), np.array(["a"], object), SEQUENCE])
def test_optionals(value):
    assert jitrt.call("OptionalHasElement", value).item() is True
    for op in ("Optional", "OptionalGetElement"):
        got = jitrt.call(op, value)
        same(got, value) if isinstance(value, list) else np.testing.assert_array_equal(got, value)


def test_empty_optionals():
    assert jitrt.call("OptionalHasElement").item() is False
    assert jitrt.call("OptionalHasElement", None).item() is False
    assert jitrt.call("Optional", type="tensor(float)") is None


# in models


def run(nodes, inputs, outputs, feed, opset=20):
    graph = helper.make_graph(nodes, "g", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    return jitrt.InferenceSession(model.SerializeToString()).run(None, feed)


def tensor(name, *shape, kind=FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def sequence(name, kind=FLOAT):
    return helper.make_tensor_sequence_value_info(name, kind, None)


def optional(name, kind=FLOAT):
    held = helper.make_tensor_type_proto(kind, None)
    return helper.make_value_info(name, helper.make_optional_type_proto(held))


def test_sequences_between_native_segments():
    nodes = [
        helper.make_node("Add", ["x", "x"], ["twice"]),
        helper.make_node("SequenceInsert", ["s", "twice"], ["more"]),
        helper.make_node("SequenceAt", ["more", "at"], ["picked"]),
        helper.make_node("Neg", ["picked"], ["y"]),
        helper.make_node("SequenceLength", ["more"], ["n"]),
    ]
    outputs = [tensor("y", None), tensor("n", kind=TensorProto.INT64), sequence("more")]
    inputs = [tensor("x", "n"), sequence("s"), tensor("at", kind=TensorProto.INT64)]
    fed = [normal(2), normal(3)]
    for at, picked in ((0, fed[0]), (-1, 2 * normal(4)), (1, fed[1])):
        y, n, more = run(nodes, inputs, outputs, {"x": normal(4), "s": fed, "at": np.array(at)})
        np.testing.assert_array_equal(y, -picked)
        assert n == 3
        same(more, [*fed, 2 * normal(4)])


def test_a_loop_collects_a_sequence():
    body = helper.make_graph(
        [
            helper.make_node("Mul", ["x", "x"], ["square"]),
            helper.make_node("SequenceInsert", ["before", "square"], ["after"]),
            helper.make_node("Identity", ["going"], ["goes"]),
        ],
        "body",
        [tensor("i", kind=TensorProto.INT64), tensor("going", kind=TensorProto.BOOL), sequence("before")],
        [tensor("goes", kind=TensorProto.BOOL), sequence("after")],
    )
    nodes = [
        helper.make_node("SequenceEmpty", [], ["none"]),
        helper.make_node("Loop", ["trips", "", "none"], ["all"], body=body),
    ]
    inputs = [tensor("x", "n"), tensor("trips", kind=TensorProto.INT64)]
    for trips in (3, 0):
        (got,) = run(nodes, inputs, [sequence("all")], {"x": normal(3), "trips": np.array(trips)})
        same(got, [normal(3) ** 2] * trips)


def test_sequence_map():
    body = helper.make_graph(
        [
            helper.make_node("Add", ["a", "b"], ["sum"]),
            helper.make_node("Mul", ["sum", "c"], ["product"]),
            helper.make_node("Shape", ["a"], ["shape"]),
        ],
        "body",
        [tensor("a", None), tensor("b", None), tensor("c", None)],
        [tensor("product", None), tensor("shape", None, kind=TensorProto.INT64)],
    )
    node = helper.make_node("SequenceMap", ["p", "q", "r"], ["y", "z"], body=body)
    p, q = [normal(2), normal(3, 4)], [normal(2, seed=1), normal(1, 4)]
    inputs = [sequence("p"), sequence("q"), tensor("r", 1)]
    outputs = [sequence("y"), sequence("z", TensorProto.INT64)]
    y, z = run([node], inputs, outputs, {"p": p, "q": q, "r": np.array([3], np.float32)})
    same(y, [(a + b) * np.float32(3) for a, b in zip(p, q, strict=True)])
    same(z, [int64s(2), int64s(3, 4)])
    with pytest.raises(InvalidArgument, match="have 2 and 1 elements"):
        run([node], inputs, outputs, {"p": p, "q": q[:1], "r": np.array([3], np.float32)})


def test_the_element_of_an_optional_or_a_default():
    then = helper.make_graph(
        [helper.make_node("OptionalGetElement", ["o"], ["value"])], "then", [], [tensor("value", None)]
    )
    other = helper.make_graph(
        [helper.make_node("Neg", ["x"], ["default"])], "else", [], [tensor("default", None)]
    )
    nodes = [
        helper.make_node("OptionalHasElement", ["o"], ["has"]),
        helper.make_node("If", ["has"], ["y"], then_branch=then, else_branch=other),
        helper.make_node("Add", ["y", "x"], ["z"]),
    ]
    for value, expected in ((normal(3), normal(3) + 1), (None, np.zeros(3))):
        (z,) = run(
            nodes,
            [optional("o"), tensor("x", "n")],
            [tensor("z", None)],
            {"o": value, "x": np.ones(3, np.float32)},
        )
        np.testing.assert_allclose(z, expected)


def test_the_element_of_an_empty_optional():
    node = helper.make_node("OptionalGetElement", ["o"], ["y"])
    with pytest.raises(InvalidArgument, match="needs an optional that has an element"):
        run([node], [optional("o")], [tensor("y", None)], {"o": None})


def test_scan_of_strings():
    body = helper.make_graph(
        [helper.make_node("StringConcat", ["s", "x"], ["t"]), helper.make_node("Identity", ["t"], ["y"])],
        "body",
        [tensor("s", kind=TensorProto.STRING), tensor("x", kind=TensorProto.STRING)],
        [tensor("t", kind=TensorProto.STRING), tensor("y", kind=TensorProto.STRING)],
    )
    node = helper.make_node("Scan", ["first", "xs"], ["last", "all"], body=body, num_scan_inputs=1)
    kinds = {"kind": TensorProto.STRING}
    last, collected = run(
        [node],
        [tensor("first", **kinds), tensor("xs", "n", **kinds)],
        [tensor("last", **kinds), tensor("all", "n", **kinds)],
        {"first": np.array("<", object), "xs": np.array(["a", "b", "c"], object)},
    )
    assert last.item() == "<abc"
    assert collected.tolist() == ["<a", "<ab", "<abc"]
