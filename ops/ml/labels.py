"""Maps between labels: a hash table for numbers, a dictionary for strings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jitrt.calls import bits_of, launch_move
from jitrt.execute.dictionaries import find
from jitrt.opdef import operator
from jitrt.tensor import RunsOnHostError, Tensor, constant
from jitrt.types import STRING

from ._keys import integer_keys, integer_keys_of
from ._scores import ML
from ._tables import positions

Array = np.ndarray[Any, Any]
MULTIPLIER = 0x9E3779B97F4A7C15  # 2**64 over the golden ratio: the top bits of products spread keys well
KEYS = ("keys_tensor", "keys_strings", "keys_int64s", "keys_floats")
VALUES = ("values_tensor", "values_strings", "values_int64s", "values_floats")
TYPES = {"strings": np.dtype(object), "int64s": np.dtype(np.int64), "floats": np.dtype(np.float32)}


@operator("LabelEncoder", since=2, domain=ML)
def label_encoder(
    X: Tensor,
    *,
    default_float: float = -0.0,
    default_int64: int = -1,
    default_string: str = "_Unused",
    default_tensor: Array | None = None,
    keys_floats: Sequence[float] | None = None,
    keys_int64s: Sequence[int] | None = None,
    keys_strings: Sequence[str] | None = None,
    keys_tensor: Array | None = None,
    values_floats: Sequence[float] | None = None,
    values_int64s: Sequence[int] | None = None,
    values_strings: Sequence[str] | None = None,
    values_tensor: Array | None = None,
) -> Tensor:
    """Values by keys. https://onnx.ai/onnx/operators/onnx_aionnxml_LabelEncoder.html"""
    keys = _given(KEYS, keys_tensor, keys_strings, keys_int64s, keys_floats)
    values = _given(VALUES, values_tensor, values_strings, values_int64s, values_floats)
    default = _default(values.dtype, default_tensor, default_string, default_int64, default_float)
    return _look_up(X, keys, values, default)


@label_encoder.prepared
def label_encoder_values(
    *,
    default_float: float = -0.0,
    default_int64: int = -1,
    default_string: str = "_Unused",
    default_tensor: Array | None = None,
    keys_floats: Sequence[float] | None = None,
    keys_int64s: Sequence[int] | None = None,
    keys_strings: Sequence[str] | None = None,
    keys_tensor: Array | None = None,
    values_floats: Sequence[float] | None = None,
    values_int64s: Sequence[int] | None = None,
    values_strings: Sequence[str] | None = None,
    values_tensor: Array | None = None,
) -> Callable[[Array], Array]:
    """LabelEncoder from or to strings, or of known labels."""
    keys = _given(KEYS, keys_tensor, keys_strings, keys_int64s, keys_floats)
    values = _given(VALUES, values_tensor, values_strings, values_int64s, values_floats)
    default = _default(values.dtype, default_tensor, default_string, default_int64, default_float)
    return _looking_up(keys, values, default)


@operator("LabelEncoder", since=1, domain=ML)
def label_encoder_1(
    X: Tensor,
    *,
    classes_strings: Sequence[str] | None = None,
    default_int64: int = -1,
    default_string: str = "_Unused",
) -> Tensor:
    """Strings to their positions, and back. https://onnx.ai/onnx/operators/onnx_aionnxml_LabelEncoder.html"""
    raise RunsOnHostError


@label_encoder_1.prepared
def label_encoder_1_values(
    *,
    classes_strings: Sequence[str] | None = None,
    default_int64: int = -1,
    default_string: str = "_Unused",
) -> Callable[[Array], Array]:
    """LabelEncoder of version 1."""
    names = np.array(classes_strings or [], object)
    return _mapping(names, np.arange(len(names)), default_string, default_int64)


@operator("CategoryMapper", since=1, domain=ML)
def category_mapper(
    X: Tensor,
    *,
    cats_int64s: Sequence[int] | None = None,
    cats_strings: Sequence[str] | None = None,
    default_int64: int = -1,
    default_string: str = "_Unused",
) -> Tensor:
    """Strings to integers, and back. https://onnx.ai/onnx/operators/onnx_aionnxml_CategoryMapper.html"""
    raise RunsOnHostError


@category_mapper.prepared
def category_mapper_values(
    *,
    cats_int64s: Sequence[int] | None = None,
    cats_strings: Sequence[str] | None = None,
    default_int64: int = -1,
    default_string: str = "_Unused",
) -> Callable[[Array], Array]:
    """CategoryMapper on arrays."""
    names, numbers = np.array(cats_strings or [], object), np.array(cats_int64s or [], np.int64)
    if len(names) != len(numbers):
        raise ValueError(f"expected as many cats_strings as cats_int64s, got {len(names)}")
    return _mapping(names, numbers, default_string, default_int64)


def _mapping(names: Array, numbers: Array, string: str, integer: int) -> Callable[[Array], Array]:
    """From names to numbers where strings are given, else back; a string and an integer for unknown ones."""
    to_numbers, to_names = _looking_up(names, numbers, integer), _looking_up(numbers, names, string)
    return lambda X: to_numbers(X) if X.dtype == STRING else to_names(X)


def _given(names: Sequence[str], *candidates: Any) -> Array:
    """The attribute that is given, as an array of its type. Raises ValueError where none is."""
    for name, candidate in zip(names, candidates, strict=True):
        if candidate is not None:
            kind = name.rpartition("_")[2]
            return np.ravel(candidate) if kind == "tensor" else np.array(candidate, TYPES[kind])
    raise ValueError(f"expected one of {', '.join(names)}")


def _default(dtype: np.dtype[Any], tensor: Array | None, string: str, integer: int, real: float) -> Any:
    """What is given for labels that are no key."""
    if tensor is not None:
        return tensor.ravel()[0]
    return {"O": string, "f": real}.get(dtype.kind, integer)


def _look_up(X: Tensor, keys: Array, values: Array, default: Any) -> Tensor:
    """values[i] for each element of X equal to keys[i], the last of equal keys; NaN equals NaN."""
    if STRING in (X.dtype, keys.dtype, values.dtype):
        raise RunsOnHostError
    numbers = integer_keys_of(keys.astype(X.dtype))
    table = dict(zip(numbers.tolist(), values.tolist(), strict=True))
    slots, results, free = hash_table(np.array(list(table), numbers.dtype), list(table.values()), default)
    (y,) = launch_move(
        look_up,
        constant(results.astype(values.dtype)),
        bits_of(integer_keys(X)).reshape([X.size]),
        constant(slots),
        outputs=[(values.dtype, [X.size])],
        scalars=[free, 64 - (slots.size - 1).bit_length()],
        extent=X.size,
    )
    return y.reshape(X.shape)


def hash_table(keys: Array, values: Sequence[Any], default: Any) -> tuple[Array, Array, int]:
    """The slots of distinct integer keys, as unsigned ones, their values, and what is in free slots.

    A key is in the slot of its hash or in the next one that was free. Free slots, half of them at least, have
    a number that is no key, and the default.
    """
    unsigned = keys.view(f"u{keys.itemsize}")
    taken, bits = set(unsigned.tolist()), max(2 * len(keys), 2).bit_length()
    free = next(n for n in range(len(keys) + 1) if n not in taken)
    slots, results = np.full(1 << bits, free, unsigned.dtype), np.full(1 << bits, default, object)
    place = (unsigned.astype(np.uint64) * np.uint64(MULTIPLIER)) >> np.uint64(64 - bits)
    rest = np.arange(len(keys))
    while rest.size:
        wanted, first = np.unique(place[rest], return_index=True)
        placed = rest[first[slots[wanted] == free]]
        slots[place[placed]] = unsigned[placed]
        results[place[placed]] = [values[i] for i in placed.tolist()]
        rest = np.setdiff1d(rest, placed)
        place[rest] = (place[rest] + np.uint64(1)) % np.uint64(slots.size)
    return slots, results, free


def look_up(Y, values, X, slots, free, shift, begin, end):
    """Y[i] is the value in the slot of X[i], or in the free one that the search for it ends at."""
    for i in range(begin, end):
        slot = (np.uint64(X[i]) * np.uint64(MULTIPLIER)) >> np.uint64(shift)
        while slots[slot] != X[i] and slots[slot] != free:
            slot = (slot + np.uint64(1)) & np.uint64(slots.size - 1)
        Y[i] = values[slot]


def _looking_up(keys: Array, values: Array, default: Any) -> Callable[[Array], Array]:
    """As `_look_up`, on arrays."""
    results = np.array([*values.tolist(), default], values.dtype)  # the default is at -1
    places = positions(keys.tolist())

    def of_strings(X: Array) -> Array:
        return results.take(find(X, places)).reshape(X.shape)

    def of_numbers(X: Array) -> Array:
        numbers = positions(integer_keys_of(keys.astype(X.dtype)).tolist())
        return results.take(find(integer_keys_of(X), numbers)).reshape(X.shape)

    return of_strings if keys.dtype == STRING else of_numbers
