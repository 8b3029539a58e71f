"""Strings: normalising, joining, splitting, matching, and tokens."""

import builtins

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jitrt
from jitrt.errors import Fail, InvalidArgument

pytest.importorskip("re2")

MICROSOFT = "com.microsoft"


def words(*texts, shape=None):
    array = np.array(texts, object)
    return array if shape is None else array.reshape(shape)


DAYS = words("monday", "Tuesday", "MONDAY", "ÄRGER")
NORMALIZED = [
    ({}, ["monday", "Tuesday", "MONDAY", "ÄRGER"]),
    ({"case_change_action": "LOWER"}, ["monday", "tuesday", "monday", "ärger"]),
    ({"case_change_action": "UPPER"}, ["MONDAY", "TUESDAY", "MONDAY", "ÄRGER"]),
    ({"stopwords": ["monday"]}, ["Tuesday", "ÄRGER"]),
    ({"stopwords": ["monday"], "is_case_sensitive": 1}, ["Tuesday", "MONDAY", "ÄRGER"]),
    ({"stopwords": ["Monday", "ärger"], "case_change_action": "UPPER"}, ["TUESDAY"]),
    ({"stopwords": ["MONDAY", "monday", "tuesday", "ärger"]}, [""]),
    ({"stopwords": ["MONDAY"], "is_case_sensitive": 1, "case_change_action": "LOWER", "locale": "tr_TR"},
     ["monday", "tuesday", "ärger"]),
]  # fmt: skip


@pytest.mark.parametrize(("attributes", "expected"), NORMALIZED)
def test_normalizer(attributes, expected):
    assert jitrt.call("StringNormalizer", DAYS, **attributes).tolist() == expected
    assert jitrt.call("StringNormalizer", DAYS[None], **attributes).tolist() == [expected]


def test_normalizer_of_nothing():
    assert jitrt.call("StringNormalizer", words()).tolist() == [""]
    assert jitrt.call("StringNormalizer", words(shape=(1, 0))).tolist() == [[""]]


def test_normalizer_of_what_it_does_not_take():
    with pytest.raises(InvalidArgument, match=r"either \[C\] or \[1,C\] dimensions, got \[2, 2\]"):
        jitrt.call("StringNormalizer", DAYS.reshape(2, 2))
    with pytest.raises(InvalidArgument, match="case_change_action has invalid value 'lower'"):
        jitrt.call("StringNormalizer", DAYS, case_change_action="lower")


def test_concat_broadcasts():
    x, y = words("a", "b", shape=(2, 1)), words("x", "", "z")
    assert jitrt.call("StringConcat", x, y).tolist() == [["ax", "a", "az"], ["bx", "b", "bz"]]
    assert jitrt.call("StringConcat", words("ä").reshape(()), words("ß").reshape(())).tolist() == "äß"
    assert jitrt.call("StringConcat", x, words(shape=(2, 0))).shape == (2, 0)
    with pytest.raises(Fail, match="StringConcat"):
        jitrt.call("StringConcat", words("a", "b"), y)


def split_plainly(text, delimiter, maxsplit):
    """One part at a time, by `find`."""
    if not delimiter:
        text = text.strip()
    parts = []
    while (maxsplit is None or len(parts) < maxsplit) and text:
        at = text.find(delimiter) if delimiter else next((i for i, c in enumerate(text) if c.isspace()), -1)
        if at < 0:
            break
        parts.append(text[:at])
        text = text[at + len(delimiter) :] if delimiter else text[at:].lstrip()
        if delimiter and not text:
            return [*parts, ""]
    return [*parts, text] if text or delimiter else parts


@settings(deadline=None)
@given(
    texts=st.lists(st.text("ab, \t;", max_size=9), max_size=5),
    delimiter=st.sampled_from([None, "", ",", ", ", "a"]),
    maxsplit=st.sampled_from([None, 0, 1, 2]),
)
def test_split(texts, delimiter, maxsplit):
    attributes = {"delimiter": delimiter, "maxsplit": maxsplit}
    given_ones = {name: value for name, value in attributes.items() if value is not None}
    parts, counts = jitrt.call("StringSplit", words(*texts, shape=(-1,)), outputs=2, **given_ones)
    rows = [split_plainly(text, delimiter, maxsplit) for text in texts]
    longest = max(map(len, rows), default=0)
    assert parts.shape == (len(texts), longest)
    assert parts.tolist() == [row + [""] * (longest - len(row)) for row in rows]
    assert counts.dtype == np.int64
    assert counts.tolist() == [len(row) for row in rows]


def test_split_keeps_the_shape():
    parts, counts = jitrt.call("StringSplit", words("a b", "c", "", "d e f", shape=(2, 2)), outputs=2)
    assert parts.tolist() == [[["a", "b", ""], ["c", "", ""]], [["", "", ""], ["d", "e", "f"]]]
    assert counts.tolist() == [[2, 1], [0, 3]]
    parts, counts = jitrt.call("StringSplit", words("a b").reshape(()), outputs=2)
    assert (parts.tolist(), counts.tolist()) == (["a", "b"], 2)


MATCHES = [
    (r"www\.[\w.-]+\.\bcom\b", ["www.google.com", "www.facebook.com", "www.bbc.co.uk"], [True, True, False]),
    (r".", ["é", "ab", "\n", ""], [True, False, False, False]),
    (r"a*", ["", "aaa", "aab"], [True, True, False]),
    (r"(?i)straße|x", ["STRASSE", "STRAßE", "X"], [False, True, True]),
    (r"(a|aa)+b?", ["a" * 5000 + "c", "a" * 5000], [False, True]),
]


@pytest.mark.parametrize(("pattern", "texts", "expected"), MATCHES)
def test_full_match(pattern, texts, expected):
    got = jitrt.call("RegexFullMatch", words(*texts, shape=(1, -1)), pattern=pattern)
    assert got.dtype == np.bool_
    assert got.tolist() == [expected]


def test_patterns_that_are_none():
    with pytest.raises(InvalidArgument, match=r"Invalid regex pattern: \(a: missing \)"):
        jitrt.call("RegexFullMatch", words("a"), pattern="(a")
    with pytest.raises(InvalidArgument, match="Invalid regex pattern"):
        jitrt.call("RegexFullMatch", words("aa"), pattern=r"(a)\1")
    with pytest.raises(InvalidArgument, match="needs its attribute 'pattern'"):
        jitrt.call("RegexFullMatch", words("a"))


def test_without_re2(monkeypatch):
    imported = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "re2":
            raise ImportError(name)
        return imported(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(jitrt.errors.NotImplemented, match=r"need google-re2: pip install 'jitrt\[text\]'"):
        jitrt.call("RegexFullMatch", words("a"), pattern="only for this test")


TOKENS = [
    (["Hello World", "I love  it !"], {"separators": [" "]}, [["Hello", "World"], ["I", "love", "it", "!"]]),
    (["a,b;c,,d; e", " "], {"separators": ["[,;]", " "]}, [["a", "b", "c", "d", "e"], []]),
    (["aXXbXc"], {"separators": ["XX", "X"]}, [["a", "b", "c"]]),
    (["ab abc é éé"], {"separators": [" "], "mincharnum": 2}, [["ab", "abc", "éé"]]),
    (["Höl", ""], {"separators": [""]}, [["H", "ö", "l"], []]),
    (["a.b\nc"], {"tokenexp": "."}, [["a", ".", "b", "\n", "c"]]),
    (["Hello abc12 3", ""], {"tokenexp": "[a-z]+"}, [["ello", "abc"], []]),
    (["é_a-b 12.C", "-"], {"tokenexp": "[a-zA-Z0-9_]+"}, [["_a", "b", "12", "C"], []]),
    (["a?é b\nc", "é?\n", "x\x1cy"], {"tokenexp": "[0-z]+"}, [["a?", "b", "c"], ["?"], ["x", "y"]]),
    (["abcabc"], {"tokenexp": "abc|abcabc"}, [["abcabc"]]),
    (["aabx"], {"tokenexp": "x*"}, [["x"]]),
    ([" ", "  "], {"separators": [" "]}, [[], []]),
]


@pytest.mark.parametrize("mark", [0, 1])
@pytest.mark.parametrize(("texts", "attributes", "rows"), TOKENS)
def test_tokenizer(texts, attributes, rows, mark):
    attributes = {"mark": mark, "mincharnum": 1, "pad_value": "#", **attributes}
    if mark and any(rows):
        rows = [["\x02", *row, "\x03"] for row in rows]
    longest = max(map(len, rows))
    expected = np.array([row + ["#"] * (longest - len(row)) for row in rows], object).reshape(
        len(rows), longest
    )
    got = jitrt.call("Tokenizer", words(*texts), domain=MICROSOFT, **attributes)
    np.testing.assert_array_equal(got, expected, strict=True)
    matrix = jitrt.call("Tokenizer", words(*texts, shape=(-1, 1)), domain=MICROSOFT, **attributes)
    np.testing.assert_array_equal(matrix, expected[:, None], strict=True)


@pytest.mark.parametrize(("texts", "attributes", "rows"), TOKENS)
def test_tokenizer_as_onnxruntime(texts, attributes, rows):
    peer = pytest.importorskip("onnxruntime")
    from onnx import TensorProto, helper

    attributes = {"mark": 1, "mincharnum": 1, "pad_value": "#", **attributes}
    node = helper.make_node("Tokenizer", ["x"], ["y"], domain=MICROSOFT, **attributes)
    x = helper.make_tensor_value_info("x", TensorProto.STRING, [None])
    y = helper.make_tensor_value_info("y", TensorProto.STRING, None)
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid(MICROSOFT, 1)]
    model = helper.make_model(helper.make_graph([node], "g", [x], [y]), opset_imports=opsets, ir_version=10)
    session = peer.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (expected,) = session.run(None, {"x": words(*texts)})
    got = jitrt.call("Tokenizer", words(*texts), domain=MICROSOFT, **attributes)
    np.testing.assert_array_equal(got, expected, strict=True)


def test_tokenizer_of_nothing():
    attributes = {"mark": 0, "mincharnum": 1, "pad_value": "#", "separators": [" "]}
    for shape in ((0,), (2, 0)):
        assert jitrt.call("Tokenizer", words(shape=shape), domain=MICROSOFT, **attributes).shape == shape


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "Either one of the separators OR tokenexp"),
        ({"mincharnum": 0, "tokenexp": "a"}, "must have a positive value"),
        ({"mincharnum": 2, "tokenexp": "."}, "too big for char level"),
        ({"separators": ["(a"]}, "Invalid regex pattern"),
    ],
)
def test_tokenizer_with_wrong_attributes(changes, message):
    attributes = {"mark": 0, "mincharnum": 1, "pad_value": "#", **changes}
    with pytest.raises(InvalidArgument, match=message):
        jitrt.call("Tokenizer", words("a"), domain=MICROSOFT, **attributes)
