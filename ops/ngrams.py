"""Counting n-grams: runs of n tokens, perhaps with as many others left out between each two."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from jitrt.calls import cast_tensor, launch
from jitrt.errors import InvalidArgument
from jitrt.expr import where
from jitrt.opdef import operator
from jitrt.tensor import Tensor, constant, map_tensors
from jitrt.types import F32, I64

from ._host_forms import host_form

Array = np.ndarray[Any, Any]
MODES = ("TF", "IDF", "TFIDF")


class Trie(NamedTuple):
    """The n-grams to count: node -> token -> node, and the column that counts the n-gram that ends at a node.

    Node 0 is the root; the column is -1 where no n-gram ends.
    """

    children: list[dict[Any, int]]
    columns: list[int]


@operator("TfIdfVectorizer", since=9)
def tf_idf_vectorizer(
    X: Tensor,
    *,
    max_gram_length: int,
    max_skip_count: int,
    min_gram_length: int,
    mode: str,
    ngram_counts: list[int],
    ngram_indexes: list[int],
    pool_int64s: list[int] | None = None,
    pool_strings: list[str] | None = None,
    weights: list[float] | None = None,
) -> Tensor:
    """Weighted counts of n-grams. https://onnx.ai/onnx/operators/onnx__TfIdfVectorizer.html

    Shapes: [columns] for X [C], [N, columns] for [N, C].
    """
    if pool_int64s is None:
        raise InvalidArgument("integers are counted by pool_int64s, which is not given")
    _check_rank(X.ndim)
    scales = _scales(mode, ngram_indexes, weights)
    trie = _trie(
        _fixed(pool_int64s), _fixed(ngram_counts), _fixed(ngram_indexes), min_gram_length, max_gram_length
    )
    matrix = X if X.ndim == 2 else X.unsqueeze(0)
    (counts,) = launch(
        count_ngrams,
        cast_tensor(matrix, I64),
        *(constant(table) for table in _tables(trie)),
        outputs=[(F32, [matrix.shape[0], len(scales)])],
        scalars=[min_gram_length, max_gram_length, max_skip_count],
        extent=matrix.shape[0],
    )
    counts = counts if X.ndim == 2 else counts.squeeze(0)
    if mode == "TF":
        return counts
    if mode == "TFIDF":
        return map_tensors(lambda n, w: n * w, counts, constant(scales))
    return map_tensors(lambda n, w: where(n > 0, w, 0), counts, constant(scales))


@host_form(tf_idf_vectorizer)
def tf_idf_of_strings(
    X: Any,
    *,
    max_gram_length: int,
    max_skip_count: int,
    min_gram_length: int,
    mode: str,
    ngram_counts: list[int],
    ngram_indexes: list[int],
    pool_strings: list[str] | None = None,
    weights: list[float] | None = None,
    **_: Any,
) -> Any:
    """TfIdfVectorizer of strings."""
    if pool_strings is None:
        raise InvalidArgument("strings are counted by pool_strings, which is not given")
    _check_rank(X.ndim)
    scales = _scales(mode, ngram_indexes, weights)
    trie = _trie(
        _fixed(pool_strings), _fixed(ngram_counts), _fixed(ngram_indexes), min_gram_length, max_gram_length
    )
    counts = np.zeros((*X.shape[:-1], len(scales)), np.float32)
    for row, tokens in zip(counts.reshape(-1, len(scales)), np.atleast_2d(X).tolist(), strict=False):
        columns = _columns_found(trie, tokens, min_gram_length, max_gram_length, max_skip_count)
        row[:] = np.bincount(columns, minlength=len(scales))
    if mode == "TF":
        return counts
    return counts * scales if mode == "TFIDF" else np.where(counts > 0, scales, np.float32(0))


def count_ngrams(Y, X, first, tokens, targets, columns, shortest, longest, skips, begin, end):
    """Y[i, c] is how often the n-gram of column c is in X[i]; a unit is a row.

    The edges of node k are `first[k]` to `first[k + 1]`, in order of their tokens.
    """
    length = X.shape[1]
    for i in range(begin, end):
        for c in range(Y.shape[1]):
            Y[i, c] = 0
        for distance in range(1, skips + 2):
            # nothing is skipped in an n-gram of one token: those count once
            least = max(shortest, 2) if distance > 1 else shortest
            for start in range(length if least <= longest else 0):
                node, place, size = 0, start, 1
                while size <= longest and place < length:
                    node = child(first, tokens, targets, node, X[i, place])
                    if node < 0:
                        break
                    if size >= least and columns[node] >= 0:
                        Y[i, columns[node]] += 1
                    place += distance
                    size += 1
    return 0


def child(first, tokens, targets, node, token):
    """The node that `token` leads to, or -1."""
    low, high = first[node], first[node + 1]
    while low < high:
        middle = (low + high) // 2
        if tokens[middle] < token:
            low = middle + 1
        else:
            high = middle
    return targets[low] if low < first[node + 1] and tokens[low] == token else -1


def _columns_found(trie: Trie, tokens: list[str], shortest: int, longest: int, skips: int) -> list[int]:
    """The column of each n-gram that is there, as in `count_ngrams`."""
    found = []
    for distance in range(1, skips + 2):
        least = max(shortest, 2) if distance > 1 else shortest
        for start in range(len(tokens) if least <= longest else 0):
            node = 0
            for size, token in enumerate(tokens[start : start + longest * distance : distance], 1):
                node = trie.children[node].get(token, -1)
                if node < 0:
                    break
                if size >= least and trie.columns[node] >= 0:
                    found.append(trie.columns[node])
    return found


@lru_cache
def _trie(
    pool: tuple[Any, ...], counts: tuple[int, ...], indexes: tuple[int, ...], shortest: int, longest: int
) -> Trie:
    """The n-grams of `pool`, where those of length n start at `counts[n - 1]`, and their columns."""
    trie = Trie([{}], [-1])
    number = 0
    for size, (start, stop) in enumerate(zip(counts, (*counts[1:], len(pool)), strict=True), 1):
        for at in range(start, stop - size + 1, size):
            if shortest <= size <= longest:
                node = 0
                for token in pool[at : at + size]:
                    if token not in trie.children[node]:
                        trie.children[node][token] = len(trie.children)
                        trie.children.append({})
                        trie.columns.append(-1)
                    node = trie.children[node][token]
                trie.columns[node] = indexes[number]
            number += 1
    if number != len(indexes):
        raise InvalidArgument(
            f"the pool holds {number} n-grams, ngram_indexes names columns for {len(indexes)}"
        )
    return trie


def _tables(trie: Trie) -> tuple[Array, Array, Array, Array]:
    """The arrays `first`, `tokens`, `targets` and `columns` of `count_ngrams`."""
    edges = [edge for node in trie.children for edge in sorted(node.items())]
    first = np.cumsum([0, *map(len, trie.children)], dtype=np.int64)
    tokens, targets = np.array(edges, np.int64).reshape(-1, 2).T
    return (
        first,
        np.ascontiguousarray(tokens),
        np.ascontiguousarray(targets),
        np.array(trie.columns, np.int64),
    )


def _scales(mode: str, indexes: Sequence[int], weights: Sequence[float] | None) -> Array:
    """The weight of each column: 1 where none is given."""
    if mode not in MODES:
        raise InvalidArgument(f"mode: {mode} is unrecognized, acceptable values are TF,IDF,TFIDF")
    scales = np.ones(max(indexes) + 1, np.float32)
    if weights is not None:
        if len(weights) != len(indexes):
            raise InvalidArgument(f"{len(weights)} weights and {len(indexes)} ngram_indexes must be as many")
        scales[np.asarray(indexes)] = weights
    return scales


def _check_rank(rank: int) -> None:
    if rank not in (1, 2):
        raise InvalidArgument(f"Input shape must have either [C] or [N,C] dimensions, got rank {rank}")


def _fixed(values: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(values.tolist() if isinstance(values, np.ndarray) else values)
