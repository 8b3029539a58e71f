"""Numbers as integers of the same order, in which a NaN is one number of its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitrt.calls import cast_tensor
from jitrt.expr import Expr, bitcast, isnan, where
from jitrt.tensor import Tensor, map_tensors
from jitrt.types import F64, I32, I64, is_float

Array = np.ndarray[Any, Any]


def key(x: Expr) -> Expr:
    """The key of a float: its bits, all but the sign inverted below zero; the highest for a NaN."""
    kind = I64 if x.dtype == F64 else I32
    highest = int(np.iinfo(kind).max)
    bits = bitcast(x + 0, kind)  # -0 + 0 is 0
    return where(isnan(x), highest, where(bits < 0, bits ^ highest, bits))


def keys_of(values: Array, dtype: np.dtype[Any]) -> tuple[Array, Array]:
    """The keys of the highest numbers of type `dtype` that are no higher than the values; which are equal.

    A NaN has the lowest integer, which is no number's key.
    """
    with np.errstate(over="ignore"):
        rounded = values.astype(dtype) + dtype.type(0)
    integer = np.dtype(f"i{dtype.itemsize}")
    bits = rounded.view(integer)
    keys = np.where(bits < 0, bits ^ np.iinfo(integer).max, bits)
    keys = np.where(rounded > values, keys - 1, keys)
    return np.where(np.isnan(values), np.iinfo(integer).min, keys), rounded == values


def integer_keys(x: Tensor) -> Tensor:
    """int32 or int64 numbers that are equal where elements are, NaN to NaN included."""
    if is_float(x.dtype):
        return map_tensors(key, x)
    return cast_tensor(x, I64 if x.dtype.itemsize == 8 else I32)


def integer_keys_of(values: Array) -> Array:
    """As `integer_keys`, on arrays."""
    if values.dtype.kind != "f":
        return values.astype(np.int64 if values.itemsize == 8 else np.int32)
    keys, _ = keys_of(values, values.dtype)
    return np.where(np.isnan(values), np.iinfo(keys.dtype).max, keys)
