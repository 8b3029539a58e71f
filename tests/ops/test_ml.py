"""Operators of ai.onnx.ml."""

import numpy as np
import pytest
from oracle import Case, int64s, integers, normal, table

import jitrt

ML = "ai.onnx.ml"
EXTRACTED = [
    Case(
        "ArrayFeatureExtractor", [normal(3, 4), int64s(2, 0)], {}, lambda x, i: x[:, i], domain=ML, version=1
    ),
    Case(
        "ArrayFeatureExtractor",
        [normal(2, 3, 4), int64s(1)[None]],
        {},
        lambda x, i: x[..., [1]],
        domain=ML,
        version=1,
    ),
    Case(
        "ArrayFeatureExtractor",
        [integers(5), int64s(4, 1, 1)],
        {},
        lambda x, i: x[None, i],
        domain=ML,
        version=1,
    ),
]


@table(EXTRACTED)
def test_extraction(case):
    case.check()


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


NAMES = np.array([["b", "a"], ["z", "c"]], object)


@pytest.mark.parametrize(
    ("x", "version", "attributes", "expected"),
    [
        (NAMES, 1, {"classes_strings": ["a", "b", "c"]}, [[1, 0], [-1, 2]]),
        (int64s(2, 0, 9), 1, {"classes_strings": ["a", "b", "c"], "default_string": "?"}, ["c", "a", "?"]),
        (
            NAMES,
            2,
            {"keys_strings": ["a", "b", "a"], "values_floats": [1.5, 2.5, 3.5]},
            [[2.5, 3.5], [0.0, 0.0]],
        ),
        (int64s(3, 4), 2, {"keys_int64s": [3], "values_strings": ["three"]}, ["three", "_Unused"]),
        (
            np.array([np.nan, 1.0, 2.0], np.float32),
            2,
            {"keys_floats": [float("nan"), 1.0], "values_int64s": [7, 8], "default_int64": 9},
            [7, 8, 9],
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
    ],
)
def test_label_encoder(x, version, attributes, expected):
    got = jitrt.call("LabelEncoder", x, domain=ML, version=version, **attributes)
    assert got.shape == x.shape
    assert got.tolist() == expected
