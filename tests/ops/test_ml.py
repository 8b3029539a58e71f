"""Operators of ai.onnx.ml on features, labels and maps."""

import numpy as np
import pytest
from oracle import Case, int64s, integers, normal, table
from peer import by_onnxruntime

import jitrt

ML = "ai.onnx.ml"
NUMBERS = (np.float32, np.float64, np.int64, np.int32)
NAN = float("nan")


def ml(op, inputs, attributes, expected):
    return Case(op, inputs, attributes, expected, version=1, domain=ML)


def strings(*values):
    return np.array(values, object)


EXTRACTED = [
    ml("ArrayFeatureExtractor", [normal(3, 4), int64s(2, 0)], {}, lambda x, i: x[:, i]),
    ml("ArrayFeatureExtractor", [normal(2, 3, 4), int64s(1)[None]], {}, lambda x, i: x[..., [1]]),
    ml("ArrayFeatureExtractor", [integers(5), int64s(4, 1, 1)], {}, lambda x, i: x[None, i]),
    ml("ArrayFeatureExtractor", [strings("a", "b", "c"), int64s(2, 0)], {}, lambda x, i: x[None, i]),
]


def one_hot(x, cats_int64s, zeros=1):
    return (x.astype(np.int64)[..., None] == cats_int64s).astype(np.float32)


def normalized(x, norm="MAX"):
    size = {
        "MAX": lambda: x.max(-1, keepdims=True),
        "L1": lambda: np.abs(x).sum(-1, keepdims=True),
        "L2": lambda: np.sqrt((x.astype(np.float64) ** 2).sum(-1, keepdims=True)),
    }[norm]()
    return (x / np.where(size == 0, 1, size)).astype(np.float32)


def imputed(x, **attributes):
    values = attributes.get("imputed_value_floats", attributes.get("imputed_value_int64s"))
    missing = attributes.get("replaced_value_float", attributes.get("replaced_value_int64"))
    return np.where(np.isnan(x) if missing != missing else x == missing, np.array(values), x)


def joined(*inputs, inputdimensions):
    parts = [np.atleast_2d(x)[:, :n] for x, n in zip(inputs, inputdimensions, strict=True)]
    parts = [np.pad(x, [(0, 0), (0, n - x.shape[1])]) for x, n in zip(parts, inputdimensions, strict=True)]
    return np.concatenate(parts, 1).astype(np.float32)


def scaled(x, offset, scale):
    return ((x - np.array(offset)) * np.array(scale)).astype(np.float32)


GAPS = np.array([[NAN, 1, 2], [3, NAN, -0.0]], np.float32)
FEATURES = [
    *[
        ml("Binarizer", [integers(3, 4, dtype=t)], {"threshold": 0.5}, lambda x, threshold: x > threshold)
        for t in NUMBERS
    ],
    *[
        ml("Scaler", [integers(3, 4, dtype=t)], {"offset": offset, "scale": scale}, scaled)
        for t in NUMBERS
        for offset, scale in (([1.5], [2.0]), ([1.0, 2.0, 3.0, 4.0], [0.5, 1.0, 2.0, 4.0]))
    ],
    ml("Scaler", [normal(2, 3, 4)], {"offset": [1.0] * 4, "scale": [0.5]}, scaled),
    *[
        ml("Normalizer", [integers(5, 4, dtype=t)], {"norm": norm}, normalized)
        for t in NUMBERS
        for norm in ("MAX", "L1", "L2")
    ],
    ml("Normalizer", [normal(4)], {"norm": "L2"}, normalized),
    ml("Normalizer", [np.zeros((2, 3), np.float32)], {}, normalized),
    *[
        ml("Imputer", [GAPS.astype(t)], {"imputed_value_floats": v, "replaced_value_float": missing}, imputed)
        for t in NUMBERS[:2]
        for v, missing in (([9.0], NAN), ([9.0, 8.0, 7.0], NAN), ([5.0], 0.0))
    ],
    *[
        ml(
            "Imputer",
            [integers(3, 2, dtype=t)],
            {"imputed_value_int64s": [7, 8], "replaced_value_int64": 4},
            imputed,
        )
        for t in NUMBERS[2:]
    ],
    *[
        ml("OneHotEncoder", [integers(2, 3, dtype=t)], {"cats_int64s": [3, -2, 0, 7]}, one_hot)
        for t in NUMBERS
    ],
    ml("OneHotEncoder", [int64s(3, 3, 1)], {"cats_int64s": [1, 3], "zeros": 0}, one_hot),
    ml("FeatureVectorizer", [normal(3, 2), normal(3, 4)], {"inputdimensions": [3, 2]}, joined),
    ml("FeatureVectorizer", [integers(3), integers(4)], {"inputdimensions": [3, 4]}, joined),
]


@table(EXTRACTED, FEATURES)
def test_features(case):
    case.check()


def test_outputs_are_float32():
    for op, attributes in (("Scaler", {}), ("Normalizer", {}), ("FeatureVectorizer", {})):
        assert jitrt.call(op, normal(2, 3, dtype=np.float64), domain=ML, **attributes).dtype == np.float32


def test_one_hot_of_strings():
    cats = ["b", "a", "c"]
    got = jitrt.call("OneHotEncoder", strings("a", "x", "c"), domain=ML, cats_strings=cats)
    np.testing.assert_array_equal(got, [[0, 1, 0], [0, 0, 0], [0, 0, 1]])
    assert got.dtype == np.float32


@pytest.mark.parametrize(
    ("x", "cats"), [(strings("a", "x"), {"cats_strings": ["a"]}), (int64s(1, 2), {"cats_int64s": [1]})]
)
def test_one_hot_of_an_unknown_category(x, cats):
    with pytest.raises((ValueError, jitrt.errors.Fail), match="Unknown Category and zeros = 0"):
        jitrt.call("OneHotEncoder", x, domain=ML, zeros=0, **cats)


@pytest.mark.parametrize(
    ("op", "attributes", "message"),
    [
        ("Scaler", {"offset": [1.0, 2.0], "scale": [1.0, 2.0]}, "expected 1 or 3 values in offset"),
        ("Imputer", {}, "imputed_value_floats is missing"),
        ("Imputer", {"imputed_value_floats": [1.0] * 4}, "expected 1 or 3 values in imputed_value_floats"),
    ],
)
def test_attributes_must_fit(op, attributes, message):
    with pytest.raises(jitrt.errors.Fail, match=message):
        jitrt.call(op, normal(2, 3), domain=ML, **attributes)


# labels

NAMES = np.array([["b", "a"], ["z", "c"]], object)
LABELS = [
    (NAMES, 1, {"classes_strings": ["a", "b", "c"]}, [[1, 0], [-1, 2]]),
    (int64s(2, 0, 9), 1, {"classes_strings": ["a", "b", "c"], "default_string": "?"}, ["c", "a", "?"]),
    (NAMES, 2, {"keys_strings": ["a", "b", "a"], "values_floats": [1.5, 2.5, 3.5]}, [[2.5, 3.5], [0.0, 0.0]]),
    (int64s(3, 4), 2, {"keys_int64s": [3], "values_strings": ["three"]}, ["three", "_Unused"]),
    (
        NAMES,
        2,
        {"keys_strings": ["a", "z"], "values_strings": ["x", "y"]},
        [["_Unused", "x"], ["y", "_Unused"]],
    ),
    (int64s(3, 4, -5), 2, {"keys_int64s": [4, -5, 4], "values_floats": [1.0, 2.0, 3.0]}, [-0.0, 3, 2]),
    (
        np.array([NAN, 1.0, 2.0, -0.0], np.float32),
        2,
        {"keys_floats": [NAN, 1.0, 0.0], "values_int64s": [7, 8, 5], "default_int64": 9},
        [7, 8, 9, 5],
    ),
    (
        int64s(1, 2),
        4,
        {
            "keys_tensor": int64s(1),
            "values_tensor": np.array([5], np.int16),
            "default_tensor": np.array([6], np.int16),
        },
        [5, 6],
    ),
    (
        np.array([1.0, NAN, 3.0], np.float32),
        4,
        {"keys_floats": [1.0, NAN], "values_strings": ["one", "none"]},
        ["one", "none", "_Unused"],
    ),
]


@pytest.mark.parametrize(("x", "version", "attributes", "expected"), LABELS)
def test_label_encoder(x, version, attributes, expected):
    got = jitrt.call("LabelEncoder", x, domain=ML, version=version, **attributes)
    assert got.shape == x.shape
    assert got.tolist() == expected


TENSORS = [np.int64, np.int32, np.int16, np.float32, np.float64, object]


@pytest.mark.parametrize("keys", TENSORS)
@pytest.mark.parametrize("values", TENSORS)
def test_label_encoder_of_tensors(keys, values):
    rng = np.random.default_rng(0)
    known = rng.permutation(40)[:25]
    results = rng.integers(-9, 9, 25)
    x = rng.integers(0, 40, (6, 7))
    default = np.array([-77]).astype(values)
    if values is object:
        results, default = (np.array([str(v) for v in a], object) for a in (results, [-77]))
    lookup = dict(zip(known.tolist(), results.tolist(), strict=True))
    wanted = [[lookup.get(v, default[0]) for v in row] for row in x.tolist()]
    as_keys = (
        (lambda a: np.vectorize(str, otypes=[object])(a)) if keys is object else (lambda a: a.astype(keys))
    )
    got = jitrt.call(
        "LabelEncoder",
        as_keys(x),
        domain=ML,
        version=4,
        keys_tensor=as_keys(known),
        values_tensor=results.astype(values),
        default_tensor=default,
    )
    assert got.dtype == values
    assert got.tolist() == wanted


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.float32, np.float64])
def test_label_encoder_of_many_keys(dtype):
    rng = np.random.default_rng(0)
    scattered = np.unique(rng.integers(-(2**31), 2**31, 3000)).astype(dtype)
    rows = np.arange(-500, 3000).astype(dtype)
    for keys in (np.unique(scattered), rows, rows * 4096):
        x = rng.permutation(np.concatenate([keys, np.arange(5000).astype(dtype)]))
        values = rng.integers(0, 1000, keys.size)
        lookup = dict(zip(keys.tolist(), values.tolist(), strict=True))
        got = jitrt.call(
            "LabelEncoder",
            x,
            domain=ML,
            version=4,
            keys_tensor=keys,
            values_tensor=values,
            default_tensor=int64s(-7),
        )
        assert got.tolist() == [lookup.get(v, -7) for v in x.tolist()]


def test_label_encoder_without_keys():
    got = jitrt.call("LabelEncoder", int64s(1, 2), domain=ML, version=2, keys_int64s=[], values_int64s=[])
    assert got.tolist() == [-1, -1]
    with pytest.raises(jitrt.errors.Fail, match="expected one of keys_tensor"):
        jitrt.call("LabelEncoder", int64s(1, 2), domain=ML, version=2, values_int64s=[1])


def test_category_mapper():
    cats = {"cats_strings": ["a", "c"], "cats_int64s": [3, 4]}
    assert jitrt.call("CategoryMapper", NAMES, domain=ML, **cats).tolist() == [[-1, 3], [-1, 4]]
    got = jitrt.call("CategoryMapper", int64s(4, 5), domain=ML, default_string="?", **cats)
    assert got.tolist() == ["c", "?"]


# maps


@pytest.mark.parametrize("labels", [[0, 1], ["no", "yes"], ["only"], list(range(100))])
def test_zip_map(labels):
    x = normal(7, len(labels))
    name = "classlabels_strings" if isinstance(labels[0], str) else "classlabels_int64s"
    got = jitrt.call("ZipMap", x, domain=ML, version=1, **{name: labels})
    assert got == [dict(zip(labels, row, strict=True)) for row in x.tolist()]
    assert all(type(value) is float for value in got[0].values())


def test_zip_map_needs_a_column_for_each_class():
    with pytest.raises(jitrt.errors.Fail, match="classlabels"):
        jitrt.call("ZipMap", normal(2, 3), domain=ML, version=1, classlabels_int64s=[1, 2])


@pytest.mark.parametrize(
    ("x", "vocabulary", "wanted"),
    [
        ({"a": 1.5, "c": 2.0, "z": 3.0}, ["c", "b", "a"], np.array([[2, 0, 1.5]], np.float32)),
        ({"a": np.float64(1.5)}, ["b", "a"], np.array([[0, 1.5]])),
        ({1: 5, 7: 6}, [7, 1, 3], np.array([[6, 5, 0]])),
        ({1: "x"}, [7, 1], np.array([["", "x"]], object)),
    ],
)
def test_dict_vectorizer(x, vocabulary, wanted):
    name = "string_vocabulary" if isinstance(vocabulary[0], str) else "int64_vocabulary"
    got = jitrt.call("DictVectorizer", x, domain=ML, **{name: vocabulary})
    assert got.dtype == wanted.dtype
    np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize(
    ("x", "attributes", "wanted"),
    [
        ({3: 1.75, 1: -2.5}, {}, np.array([[-2.5, 1.75]], np.float32)),
        ({3: 1.75, 1: -2.5}, {"cast_to": "TO_INT64"}, np.array([[-2, 1]])),
        ({3: 1.75}, {"cast_to": "TO_STRING"}, np.array([["1.750000"]], object)),
        ({3: "1.75"}, {}, np.array([[1.75]], np.float32)),
        ({3: 1.5, 1: 2.5}, {"map_form": "SPARSE", "max_map": 3}, np.array([[0, 2.5, 0]], np.float32)),
        (
            {1: 2.5},
            {"map_form": "SPARSE", "max_map": 2, "cast_to": "TO_STRING"},
            np.array([["0.f", "2.500000"]], object),
        ),
    ],
)
def test_cast_map(x, attributes, wanted):
    got = jitrt.call("CastMap", x, domain=ML, **attributes)
    assert got.dtype == wanted.dtype
    np.testing.assert_array_equal(got, wanted)


# onnxruntime

PEER = [("Normalizer", [normal(4, 3)], {"norm": norm}) for norm in ("MAX", "L1", "L2")] + [
    ("Normalizer", [-np.abs(normal(4, 3))], {}),
    ("Scaler", [normal(4, 3)], {"offset": [1.0, 2.0, 3.0], "scale": [2.0, 1.0, 0.5]}),
    ("OneHotEncoder", [np.float32([[1.7, 2, -1.5]])], {"cats_int64s": [1, 2, -1]}),
    ("OneHotEncoder", [strings("a", "b", "q")], {"cats_strings": ["b", "c", "b", "a"]}),
    ("Imputer", [GAPS], {"imputed_value_floats": [9.0], "replaced_value_float": NAN}),
    ("FeatureVectorizer", [normal(3, 3), normal(3, 2)], {"inputdimensions": [4, 1]}),
    ("CategoryMapper", [NAMES], {"cats_strings": ["a", "c"], "cats_int64s": [3, 4]}),
]


@pytest.mark.parametrize(("op", "inputs", "attributes"), PEER)
def test_like_onnxruntime(op, inputs, attributes):
    pytest.importorskip("onnxruntime")
    (wanted,) = by_onnxruntime(op, inputs, 1, domain=ML, version=1, **attributes)
    got = jitrt.call(op, *inputs, domain=ML, version=1, **attributes)
    assert (got.dtype, got.shape) == (wanted.dtype, wanted.shape)
    if wanted.dtype == object:
        assert got.tolist() == wanted.tolist()
    else:
        np.testing.assert_allclose(got, wanted, rtol=1e-6)
