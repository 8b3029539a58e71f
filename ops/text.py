"""Strings: normalising, joining and splitting them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import numpy as np

from jitrt.errors import InvalidArgument
from jitrt.opdef import host_operator

from ._strings import as_strings

Array = np.ndarray[Any, Any]
CASES: dict[str, Callable[[str], str]] = {"NONE": str, "LOWER": str.lower, "UPPER": str.upper}


@host_operator("StringNormalizer", since=10, gives_strings=True)
def string_normalizer(
    X: Array,
    *,
    case_change_action: str = "NONE",
    is_case_sensitive: int = 0,
    locale: str | None = None,
    stopwords: list[str] | None = None,
) -> Array:
    """Strings without stop words, in one case. https://onnx.ai/onnx/operators/onnx__StringNormalizer.html

    The case of a letter is Unicode's, whatever the locale.
    """
    return normalizing(
        case_change_action=case_change_action,
        is_case_sensitive=is_case_sensitive,
        locale=locale,
        stopwords=stopwords,
    )(X)


@string_normalizer.prepared
def normalizing(
    *,
    case_change_action: str = "NONE",
    is_case_sensitive: int = 0,
    locale: str | None = None,
    stopwords: list[str] | None = None,
) -> Callable[[Array], Array]:
    """StringNormalizer with these attributes."""
    if case_change_action not in CASES:
        raise InvalidArgument(f"attribute case_change_action has invalid value {case_change_action!r}")
    fold = str if is_case_sensitive else str.lower
    dropped = {fold(word) for word in stopwords or ()}
    change = CASES[case_change_action]

    def normalize(X: Array) -> Array:
        if X.ndim not in (1, 2) or (X.ndim == 2 and X.shape[0] != 1):
            raise InvalidArgument(
                f"Input shape must have either [C] or [1,C] dimensions, got {list(X.shape)}"
            )
        texts = X.ravel().tolist()
        if dropped:
            texts = [text for text in texts if fold(text) not in dropped]
        kept = list(map(change, texts)) or [""]
        return as_strings(kept, (*X.shape[:-1], len(kept)))

    return normalize


@host_operator("StringConcat", since=20, gives_strings=True)
def string_concat(X: Array, Y: Array) -> Array:
    """Strings joined in pairs, broadcast. https://onnx.ai/onnx/operators/onnx__StringConcat.html"""
    return np.asarray(np.add(X, Y), object)


@host_operator("StringSplit", since=20)
def string_split(
    X: Array, *, delimiter: str | None = None, maxsplit: int | None = None
) -> tuple[Array, Array]:
    """Parts of strings and how many they are. https://onnx.ai/onnx/operators/onnx__StringSplit.html

    Shapes: Y [*X.shape, most parts], filled with empty strings; Z X.shape.
    """
    limit = -1 if maxsplit is None else maxsplit
    # whitespace at both ends goes, also behind the last part that `maxsplit` leaves, where Python keeps it
    rows = [text.split(delimiter, limit) if delimiter else text.strip().split(None, limit) for text in X.flat]
    counts = np.fromiter(map(len, rows), np.int64, X.size)
    return as_table(rows, X.shape, ""), counts.reshape(X.shape)


def as_table(rows: Sequence[Sequence[str]], shape: tuple[int, ...], fill: str) -> Array:
    """Rows of different lengths as an array [*shape, longest]."""
    lengths = list(map(len, rows))
    longest = max(lengths, default=0)
    if min(lengths, default=0) < longest:
        rows = [[*row, *[fill] * (longest - len(row))] for row in rows]
    table = np.fromiter(chain.from_iterable(rows), object, len(rows) * longest)
    return table.reshape(*shape, longest)
