"""Features made ready for a model: scaled, normalised, imputed, encoded, joined."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jitrt.calls import cast_tensor, launch
from jitrt.dims import hint, prod
from jitrt.execute.dictionaries import find
from jitrt.expr import Expr, absolute, cast, eq, isnan, ne, sqrt, where
from jitrt.opdef import elementwise, operator
from jitrt.tensor import Tensor, concatenate, constant, map_tensors, reduce_tensor
from jitrt.types import F32, F64, I64, STRING, is_float

from ._scores import ML, wide
from ._tables import positions

Array = np.ndarray[Any, Any]


@elementwise("Binarizer", since=1, domain=ML)
def binarizer(X: Expr, *, threshold: float = 0.0) -> Expr:
    """1 above the threshold, else 0. https://onnx.ai/onnx/operators/onnx_aionnxml_Binarizer.html"""
    x = X if is_float(X.dtype) else cast(X, F64)
    return cast(x > threshold, X.dtype)


@operator("Scaler", since=1, domain=ML)
def scaler(
    X: Tensor, *, offset: Sequence[float] | None = None, scale: Sequence[float] | None = None
) -> Tensor:
    """(X - offset) * scale. https://onnx.ai/onnx/operators/onnx_aionnxml_Scaler.html"""
    x = cast_tensor(X, wide(X))
    shift = _per_feature(X, offset or [0.0], "offset", x.dtype)
    factor = _per_feature(X, scale or [1.0], "scale", x.dtype)
    return cast_tensor(map_tensors(lambda x, o, s: (x - o) * s, x, shift, factor), F32)


@operator("Normalizer", since=1, domain=ML)
def normalizer(X: Tensor, *, norm: str = "MAX") -> Tensor:
    """Rows over their norm, where it is not 0. https://onnx.ai/onnx/operators/onnx_aionnxml_Normalizer.html"""
    if X.ndim > 2:
        raise ValueError(f"Rank of input to Normalized must be less than 2. Got {X.ndim}")
    x = cast_tensor(X, wide(X))
    terms, kind = {
        "MAX": (lambda x: x, "max"),
        "L1": (absolute, "sum"),
        "L2": (lambda x: x * x, "sum"),
    }[norm]
    size = reduce_tensor(map_tensors(terms, x), kind, [X.ndim - 1])
    size = map_tensors(sqrt, size) if norm == "L2" else size
    return cast_tensor(map_tensors(lambda x, n: where(ne(n, 0), x / n, x), x, size), F32)


@operator("Imputer", since=1, domain=ML)
def imputer(
    X: Tensor,
    *,
    imputed_value_floats: Sequence[float] | None = None,
    imputed_value_int64s: Sequence[int] | None = None,
    replaced_value_float: float = 0.0,
    replaced_value_int64: int = 0,
) -> Tensor:
    """Replacements for one value. https://onnx.ai/onnx/operators/onnx_aionnxml_Imputer.html"""
    name, missing = "imputed_value_int64s", float(replaced_value_int64)
    values: Sequence[float] | None = imputed_value_int64s
    if is_float(X.dtype):
        name, missing, values = "imputed_value_floats", replaced_value_float, imputed_value_floats
    if not values:
        raise ValueError(f"{name} is missing for X {X}")
    imputed = _per_feature(X, values, name, X.dtype)

    def replace(x: Expr, value: Expr) -> Expr:
        return where(isnan(x) if missing != missing else eq(x, missing), value, x)

    return map_tensors(replace, X, imputed)


def _per_feature(X: Tensor, values: Sequence[Any], name: str, dtype: np.dtype[Any]) -> Tensor:
    """An attribute with one value for all features or one for each."""
    if len(values) != 1 and X.shape[-1] != len(values):
        expected = f"1 or {hint(X.shape[-1])} values in {name}"
        raise ValueError(f"expected {expected} for X {X}, got {len(values)}")
    return constant(np.asarray(values).astype(dtype))


@operator("FeatureVectorizer", since=1, domain=ML)
def feature_vectorizer(*X: Tensor, inputdimensions: Sequence[int] | None = None) -> Tensor:
    """Features joined, each input cut or padded with zeros to its number of features.

    https://onnx.ai/onnx/operators/onnx_aionnxml_FeatureVectorizer.html
    """
    parts: list[Tensor] = []
    for i, x in enumerate(X):
        rows = cast_tensor(x.reshape([1, x.shape[0]]) if x.ndim == 1 else x, F32)
        rows = rows.reshape([rows.shape[0], prod(rows.shape[1:])])
        have = rows.shape[1]
        wanted = have if inputdimensions is None else inputdimensions[i]
        parts.append(rows.slice(1, 0, wanted) if have > wanted else rows)
        if have < wanted:
            parts.append(constant(np.zeros((1, 1), np.float32)).expand([rows.shape[0], wanted - have]))
    return concatenate(parts, axis=1)


@operator("OneHotEncoder", since=1, domain=ML)
def one_hot_encoder(
    X: Tensor,
    *,
    cats_int64s: Sequence[int] | None = None,
    cats_strings: Sequence[str] | None = None,
    zeros: int = 1,
) -> Tensor:
    """A 1 at the place of the category. https://onnx.ai/onnx/operators/onnx_aionnxml_OneHotEncoder.html"""
    categories = np.asarray(cats_int64s if cats_int64s is not None else [], np.int64)
    (y,) = launch(
        mark_categories,
        cast_tensor(X, I64).reshape([X.size]),
        constant(categories),
        outputs=[(F32, [X.size, len(categories)])],
        scalars=[zeros],
        extent=X.size,
        error=lambda status: ValueError("Unknown Category and zeros = 0."),
    )
    return y.reshape([*X.shape, len(categories)])


def mark_categories(Y, X, categories, zeros, begin, end):
    """Y[i, j] is 1 where X[i] is category j, the last one of equals; 0 elsewhere."""
    for i in range(begin, end):
        found = -1
        for j in range(categories.shape[0]):
            Y[i, j] = 0
            if categories[j] == X[i]:
                found = j
        if found >= 0:
            Y[i, found] = 1
        elif zeros == 0:
            return 1
    return 0


@one_hot_encoder.prepared
def one_hot_values(
    *,
    cats_int64s: Sequence[int] | None = None,
    cats_strings: Sequence[str] | None = None,
    zeros: int = 1,
) -> Callable[[Array], Array]:
    """OneHotEncoder of strings, or of known numbers."""
    strings, integers = positions(cats_strings or ()), positions(cats_int64s or ())
    count = len(cats_strings or cats_int64s or ())
    rows = np.eye(count + 1, count, dtype=np.float32)  # one of zeros is at -1

    def encode(X: Array) -> Array:
        found = find(X, strings) if X.dtype == STRING else find(X.astype(np.int64), integers)
        if not zeros and (found < 0).any():
            raise ValueError("Unknown Category and zeros = 0.")
        return rows.take(found.reshape(X.shape), 0)

    return encode
