"""Maps, which are Python dictionaries, to tensors and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from jitrt.execute.dictionaries import zipper
from jitrt.opdef import host_operator
from jitrt.types import F32

from ._scores import ML

Array = np.ndarray[Any, Any]
CASTS: dict[str, tuple[Callable[[Any], Any], Any, Any]] = {  # conversion, element type, what absent keys have
    "TO_FLOAT": (float, np.float32, 0.0),
    "TO_INT64": (lambda value: int(float(value)), np.int64, 0),
    "TO_STRING": (lambda value: value if isinstance(value, str) else f"{value:f}", object, "0.f"),
}


@host_operator("DictVectorizer", since=1, domain=ML)
def dict_vectorizer(
    X: Mapping[Any, Any],
    *,
    int64_vocabulary: list[int] | None = None,
    string_vocabulary: list[str] | None = None,
) -> Array:
    """A map's values in the order of the vocabulary; 0, or an empty string, for keys that it does not have.

    Python's floats become float32. https://onnx.ai/onnx/operators/onnx_aionnxml_DictVectorizer.html
    """
    vocabulary = string_vocabulary or int64_vocabulary or []
    kind = _element_type(next(iter(X.values()), 0.0))
    absent = "" if kind == np.dtype(object) else 0
    return np.array([[X.get(key, absent) for key in vocabulary]], kind)


def _element_type(value: Any) -> np.dtype[Any]:
    if isinstance(value, (np.float64, np.float32, np.integer)):
        return value.dtype
    return np.dtype({str: object, int: np.int64}.get(type(value), np.float32))


@host_operator("CastMap", since=1, domain=ML)
def cast_map(
    X: Mapping[int, Any], *, cast_to: str = "TO_FLOAT", map_form: str = "DENSE", max_map: int = 1
) -> Array:
    """A map's values by ascending key, or each at its key if `map_form` is SPARSE.

    https://onnx.ai/onnx/operators/onnx_aionnxml_CastMap.html
    """
    convert, kind, absent = CASTS[cast_to]
    if map_form == "DENSE":
        return np.array([[convert(X[key]) for key in sorted(X)]], kind)
    if any(key < 0 for key in X):
        raise ValueError(f"Negative index values are not permitted. First entry in map has index {min(X)}")
    row = np.full((1, max_map), absent, kind)
    for key, value in X.items():
        if key < max_map:
            row[0, key] = convert(value)
    return row


@host_operator("ZipMap", since=1, domain=ML)
def zip_map(
    X: Array, *, classlabels_int64s: list[int] | None = None, classlabels_strings: list[str] | None = None
) -> list[dict[Any, float]]:
    """A dictionary for each row, by class. https://onnx.ai/onnx/operators/onnx_aionnxml_ZipMap.html"""
    return zip_map_by(classlabels_int64s=classlabels_int64s, classlabels_strings=classlabels_strings)(X)


@zip_map.prepared
def zip_map_by(
    *, classlabels_int64s: list[int] | None = None, classlabels_strings: list[str] | None = None
) -> Callable[[Array], list[dict[Any, float]]]:
    """ZipMap by these classes."""
    labels = classlabels_strings or classlabels_int64s or []
    zipped: Callable[[Array], list[dict[Any, float]] | None] | None = None

    def dictionaries(X: Array) -> list[dict[Any, float]]:
        nonlocal zipped
        if zipped is None:
            zipped = zipper(labels)
        made = zipped(X) if X.dtype == F32 else None
        if made is not None:
            return made
        rows = np.ascontiguousarray(np.atleast_2d(X), F32)
        if rows.shape[1:] != (len(labels),):
            raise ValueError(
                f"Input features_per_batch[{rows.shape[1]}] != number of classlabels[{len(labels)}]"
            )
        made = zipped(rows)
        assert made is not None
        return made

    return dictionaries
