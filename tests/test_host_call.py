"""Operators that run in Python: when they are called, with what, and how strings are looked up."""

import numpy as np
import onnx.helper as oh
import pytest
from onnx import TensorProto

import jitrt
from jitrt.execute.dictionaries import find

ML = "ai.onnx.ml"
COLORS = ["red", "green", "blue"]


def model(nodes, inputs, outputs, initializers=()):
    def infos(kinds):
        return [oh.make_tensor_value_info(name, kind, None) for name, kind in kinds.items()]

    graph = oh.make_graph(nodes, "strings", infos(inputs), infos(outputs), initializers)
    opsets = [oh.make_opsetid("", 20), oh.make_opsetid(ML, 3)]
    return oh.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()


def a_table_of_numbers_and_strings():
    """Numbers are scaled before the strings come up, and joined with them after."""
    nodes = [
        oh.make_node("Mul", ["number", "number"], ["square"]),
        oh.make_node("OneHotEncoder", ["color"], ["marks"], domain=ML, cats_strings=COLORS),
        oh.make_node("Flatten", ["marks"], ["flat"]),
        oh.make_node("Concat", ["square", "flat"], ["features"], axis=1),
        oh.make_node(
            "LabelEncoder", ["color"], ["code"], domain=ML, keys_strings=COLORS, values_int64s=[5, 6, 7]
        ),
    ]
    inputs = {"color": TensorProto.STRING, "number": TensorProto.FLOAT}
    return model(nodes, inputs, {"features": TensorProto.FLOAT, "code": TensorProto.INT64})


def rows(count):
    color = np.array([COLORS[i % 3] if i % 5 else "mauve" for i in range(count)], object)[:, None]
    number = np.linspace(-1, 1, count, dtype=np.float32)[:, None]
    marks = np.array(COLORS)[None] == color
    codes = np.array([[{"red": 5, "green": 6, "blue": 7}.get(c, -1)] for c in color[:, 0]])
    return color, number, np.concatenate([number * number, marks], 1), codes


def test_strings_are_encoded_before_any_kernel_runs():
    session = jitrt.InferenceSession(a_table_of_numbers_and_strings())
    for count in (1, 4, 1000):
        color, number, features, codes = rows(count)
        got = session.run(None, {"color": color, "number": number})
        np.testing.assert_allclose(got[0], features, rtol=1e-6)
        np.testing.assert_array_equal(got[1], codes)
    program, _ = session.prepare(None, {"color": color, "number": number})
    (first, *_) = program.variants
    assert not first.computes
    assert first.rest is not None
    assert not any(variant.hosts for variant in first.rest.variants)


def test_what_reads_strings_of_host_operators_follows_them_at_once():
    """A column picked from strings, cut into words that are counted, and a class with a name."""
    nodes = [
        oh.make_node("Gather", ["colors", "second"], ["color"], axis=1),
        oh.make_node("Flatten", ["color"], ["flat"]),
        oh.make_node("OneHotEncoder", ["color"], ["marks"], domain=ML, cats_strings=COLORS),
        oh.make_node("TfIdfVectorizer", ["flat"], ["counts"], **COUNTS),
        oh.make_node("Flatten", ["marks"], ["features"]),
        oh.make_node("Add", ["features", "counts"], ["sum"]),
        oh.make_node("LinearClassifier", ["sum"], ["name", "scores"], domain=ML, **CLASSES),
    ]
    second = oh.make_tensor("second", TensorProto.INT64, [1], [1])
    outputs = {"name": TensorProto.STRING, "scores": TensorProto.FLOAT}
    session = jitrt.InferenceSession(model(nodes, {"colors": TensorProto.STRING}, outputs, [second]))
    for count in (1, 5):
        color = rows(count)[0]
        feeds = {"colors": np.concatenate([color[::-1], color], 1)}
        name, scores = session.run(None, feeds)
        expected = 2 * (np.array(COLORS)[None] == color)
        np.testing.assert_array_equal(scores, expected)
        np.testing.assert_array_equal(name, np.array(COLORS, object)[expected.argmax(1)])
    program, _ = session.prepare(None, feeds)
    (first, *_) = program.variants
    called = [[host.node.op_type for host in variant.hosts] for variant in (first, first.rest.variants[0])]
    assert called == [["Gather", "Flatten", "OneHotEncoder", "TfIdfVectorizer"], ["ClassName"]]
    assert not first.rest.variants[0].rest.variants  # nothing is left to do


COUNTS = {
    "max_gram_length": 1,
    "min_gram_length": 1,
    "max_skip_count": 0,
    "mode": "TF",
    "ngram_counts": [0],
    "ngram_indexes": [0, 1, 2],
    "pool_strings": COLORS,
}
CLASSES = {
    "classlabels_strings": COLORS,
    "coefficients": np.eye(3).ravel().tolist(),
    "intercepts": [0.0] * 3,
    "post_transform": "NONE",
}


@pytest.mark.parametrize("kind", ["U", "T", "S"])
def test_strings_in_numpys_own_types(kind):
    dtype = np.dtypes.StringDType() if kind == "T" else kind
    color, number, features, codes = rows(7)
    session = jitrt.InferenceSession(a_table_of_numbers_and_strings())
    for _ in range(2):
        got = session.run(None, {"color": color.astype(dtype), "number": number})
        np.testing.assert_allclose(got[0], features, rtol=1e-6)
        np.testing.assert_array_equal(got[1], codes)


def test_a_failure_says_where():
    node = oh.make_node(
        "OneHotEncoder", ["color"], ["marks"], "of colors", domain=ML, cats_strings=COLORS, zeros=0
    )
    session = jitrt.InferenceSession(
        model([node], {"color": TensorProto.STRING}, {"marks": TensorProto.FLOAT})
    )
    with pytest.raises(jitrt.errors.Fail, match=r"of colors.*Unknown Category"):
        session.run(None, {"color": np.array(["mauve"], object)})


def test_find():
    table = {"a": 0, "b": 7, 5: 2**40, (1, 2): 3}
    keys = np.empty((2, 3), object)
    keys[:] = [["a", "c", 5], ["".join("b"), 5.0, None]]
    assert find(keys, table).tolist() == [0, -1, 2**40, 7, 2**40, -1]
    assert find(keys[:, ::2], table).tolist() == [0, 2**40, 7, -1]
    assert find(np.empty((0, 4), object), table).shape == (0,)
    keys[1, 1] = []
    with pytest.raises(TypeError, match="unhashable"):
        find(keys, table)
