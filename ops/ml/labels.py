"""Maps between labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jitrt.opdef import host_operator

ML = "ai.onnx.ml"
Array = np.ndarray[Any, Any]


@host_operator("LabelEncoder", since=2, domain=ML)
def label_encoder(
    X: Array,
    *,
    default_float: float = -0.0,
    default_int64: int = -1,
    default_string: str = "_Unused",
    default_tensor: Array | None = None,
    keys_floats: list[float] | None = None,
    keys_int64s: list[int] | None = None,
    keys_strings: list[str] | None = None,
    keys_tensor: Array | None = None,
    values_floats: list[float] | None = None,
    values_int64s: list[int] | None = None,
    values_strings: list[str] | None = None,
    values_tensor: Array | None = None,
) -> Array:
    """Values by keys. https://onnx.ai/onnx/operators/onnx_aionnxml_LabelEncoder.html"""
    keys = next(k for k in (keys_tensor, keys_strings, keys_int64s, keys_floats) if k is not None)
    if values_tensor is not None:
        values, default = values_tensor, values_tensor.dtype.type(_default(values_tensor.dtype))
        if default_tensor is not None:
            default = default_tensor.ravel()[0]
    elif values_strings is not None:
        values, default = np.array(values_strings, object), default_string
    elif values_int64s is not None:
        values, default = np.array(values_int64s, np.int64), default_int64
    else:
        values, default = np.array(values_floats, np.float32), default_float
    return _look_up(X, keys, values, default)


@host_operator("LabelEncoder", since=1, domain=ML)
def label_encoder_1(
    X: Array,
    *,
    classes_strings: list[str] | None = None,
    default_int64: int = -1,
    default_string: str = "_Unused",
) -> Array:
    """Strings to their positions, and back. https://onnx.ai/onnx/operators/onnx_aionnxml_LabelEncoder.html"""
    names = np.array(classes_strings or [], object)
    places = np.arange(len(names))
    if X.dtype.kind in "iu":
        return _look_up(X, places, names, default_string)
    return _look_up(X, names, places, default_int64)


def _default(dtype: np.dtype[Any]) -> Any:
    if dtype.kind == "O":
        return "_Unused"
    return -0.0 if dtype.kind == "f" else -1


def _look_up(X: Array, keys: Sequence[Any] | Array, values: Array, default: Any) -> Array:
    """values[i] for each element equal to keys[i], the last of equal keys; NaN equals NaN."""
    result = np.full(X.size, default, values.dtype)
    table = {_key(k): v for k, v in zip(np.asarray(keys, X.dtype).tolist(), values.tolist(), strict=True)}
    for i, x in enumerate(X.ravel().tolist()):
        found = table.get(_key(x), table)
        if found is not table:
            result[i] = found
    return result.reshape(X.shape)


def _key(x: Any) -> Any:
    return "nan" if x != x else x
