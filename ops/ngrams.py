"""Counting n-grams: runs of n tokens, perhaps with as many others left out between each two."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from jitrt.calls import cast_tensor, launch
from jitrt.errors import InvalidArgument
from jitrt.execute.dictionaries import find
from jitrt.expr import where
from jitrt.opdef import operator
from jitrt.tensor import Tensor, constant, map_tensors
from jitrt.types import F32, I64, STRING

from ._host_forms import has_sizes

Array = np.ndarray[Any, Any]
MODES = ("TF", "IDF", "TFIDF")
DENSE = 1 << 20  # places of a table that replaces searches
AT_ONCE = 1 << 14  # tokens whose states stay in the cache
FEW = 32  # steps through the trie that are sooner taken in Python than by calls of NumPy
MULTIPLIERS = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F  # odd, with bits set all over


class Trie(NamedTuple):
    """The n-grams to count: (node, token) -> node, and the column that counts the n-gram that ends at a node.

    Node 0 is the root; the column is -1 where no n-gram ends.
    """

    edges: dict[tuple[int, Any], int]
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
        constant(_hashed(trie)),
        constant(np.array(trie.columns, np.int64)),
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


@tf_idf_vectorizer.prepared
def tf_idf_of_strings(
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
) -> Callable[[Array], Any]:
    """TfIdfVectorizer of strings, which are numbered in the order in which the pool has them."""
    if pool_strings is None:
        return _without_pool
    scales = _scales(mode, ngram_indexes, weights)
    numbers, pool = _numbered(pool_strings)
    trie = _trie(pool, _fixed(ngram_counts), _fixed(ngram_indexes), min_gram_length, max_gram_length)
    edges = Edges(trie, len(numbers))
    lengths = min_gram_length, max_gram_length, max_skip_count

    def count(X: Array) -> Any:
        if X.dtype != STRING or has_sizes(X):
            return NotImplemented
        _check_rank(X.ndim)
        tokens = find(X, numbers).reshape(X.shape if X.ndim == 2 else (1, X.size))
        counts = np.zeros((len(tokens), len(scales)), np.float32)
        if tokens.size * max_gram_length * (1 + max_skip_count) <= FEW:
            for row, own in zip(counts, tokens.tolist(), strict=True):
                for column in _columns_found(trie, own, *lengths):
                    row[column] += 1
        else:
            _add_counts(counts, edges, tokens, *lengths)
        counts = counts.reshape(*X.shape[:-1], len(scales))
        if mode == "TF":
            return counts
        return counts * scales if mode == "TFIDF" else np.where(counts > 0, scales, np.float32(0))

    return count


def _without_pool(X: Array) -> Any:
    if X.dtype != STRING or has_sizes(X):
        return NotImplemented
    raise InvalidArgument("strings are counted by pool_strings, which is not given")


def count_ngrams(Y, X, edges, columns, shortest, longest, skips, begin, end):
    """Y[i, c] is how often the n-gram of column c is in X[i]; a unit is a row."""
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
                    node = child(edges, node, X[i, place])
                    if node < 0:
                        break
                    if size >= least and columns[node] >= 0:
                        Y[i, columns[node]] += 1
                    place += distance
                    size += 1
    return 0


def child(edges, node, token):
    """The node that `token` leads to, or -1, from the table of `_hashed`."""
    mixed = np.uint64(token) * np.uint64(MULTIPLIERS[0]) + np.uint64(node) * np.uint64(MULTIPLIERS[1])
    slot = np.int64(mixed >> np.uint64(32)) & (edges.shape[0] - 1)
    while edges[slot, 0] >= 0:
        if edges[slot, 0] == node and edges[slot, 1] == token:
            return edges[slot, 2]
        slot = (slot + 1) & (edges.shape[0] - 1)
    return -1


def _hashed(trie: Trie) -> Array:
    """The edges as a hash table [2**k, 3] of node, token and target; the node is -1 where it is empty."""
    size = 1 << (2 * len(trie.edges) + 1).bit_length()
    table = np.full((size, 3), -1, np.int64)
    for (node, token), target in trie.edges.items():
        mixed = (token * MULTIPLIERS[0] + node * MULTIPLIERS[1]) % 2**64
        slot = (mixed >> 32) % size
        while table[slot, 0] >= 0:
            slot = (slot + 1) % size
        table[slot] = node, token, target
    return table


class Edges:
    """A trie of tokens that are less than `base`, as arrays; token -1 leads nowhere.

    With few nodes, a state is a place in a table [nodes, 1 + base] of what each token leads to, and the state
    plus a token is the place of the next state. With more, states are the nodes, and edges are searched.
    """

    def __init__(self, trie: Trie, base: int) -> None:
        nodes, self.base = len(trie.columns), base
        columns = np.array([*trie.columns, -1])  # none at -1
        edges = sorted((node * base + token, target) for (node, token), target in trie.edges.items())
        keys, targets = np.array([*edges, (np.iinfo(np.int64).max, -1)], np.int64).T.copy()
        self.is_dense = (nodes + 1) * (base + 1) <= DENSE
        if self.is_dense:
            table = np.full((nodes + 1, base + 1), -1)
            table[keys[:-1] // base, keys[:-1] % base + 1] = targets[:-1]
            self.columns = columns[table].ravel()
            self.states = ((table % (nodes + 1)) * (base + 1) + 1).ravel()
        else:
            self.keys, self.targets, self.columns = keys, targets, columns

    def start(self, tokens: Array) -> tuple[Array, Array]:
        """As `follow`, from the root."""
        return self.follow(np.ones(1, np.int64) if self.is_dense else np.zeros(1, np.int64), tokens)

    def follow(self, states: Array, tokens: Array) -> tuple[Array, Array]:
        """The states that tokens lead to, and the columns of the n-grams that end there, -1 for none."""
        if self.is_dense:
            places = states + tokens
            return self.states.take(places), self.columns.take(places)
        wanted = np.where((states >= 0) & (tokens >= 0), states * self.base + tokens, -1)
        at = np.searchsorted(self.keys, wanted)
        found = np.where(self.keys.take(at) == wanted, self.targets.take(at), -1)
        return found, self.columns.take(found)


def _columns_found(trie: Trie, tokens: list[int], shortest: int, longest: int, skips: int) -> list[int]:
    """The column of each n-gram that `count_ngrams` counts in a row."""
    found = []
    for distance in range(1, skips + 2):
        least = max(shortest, 2) if distance > 1 else shortest
        for start in range(len(tokens) if least <= longest else 0):
            node = 0
            for size, token in enumerate(tokens[start : start + longest * distance : distance], 1):
                node = trie.edges.get((node, token), -1)
                if node < 0:
                    break
                if size >= least and trie.columns[node] >= 0:
                    found.append(trie.columns[node])
    return found


def _add_counts(counts: Array, edges: Edges, tokens: Array, shortest: int, longest: int, skips: int) -> None:
    """Add what `count_ngrams` counts in the rows of tokens[N, C] to counts[N, columns]."""
    flat, columns, rows = counts.reshape(-1), counts.shape[1], max(1, AT_ONCE // max(1, tokens.shape[1]))
    for first in range(0, len(tokens), rows):
        places = _places_found(edges, tokens[first : first + rows], shortest, longest, skips, columns)
        np.add.at(flat[first * columns :], places, np.float32(1))


def _places_found(
    edges: Edges, tokens: Array, shortest: int, longest: int, skips: int, columns: int
) -> Array:
    """Row * columns + column for each n-gram that `count_ngrams` counts."""
    rows = np.arange(len(tokens))[:, None] * columns
    found = []
    for distance in range(1, skips + 2):
        least = max(shortest, 2) if distance > 1 else shortest
        states, column = edges.start(tokens)
        for size in range(1, longest + 1 if least <= longest else 1):
            if size > 1:
                following = tokens[:, (size - 1) * distance :]
                states, column = edges.follow(states[:, : following.shape[1]], following)
            if size >= least:
                found.append((rows + column)[column >= 0])
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def _numbered(pool: Sequence[str]) -> tuple[dict[str, int], tuple[int, ...]]:
    """A number for each string of the pool, and the pool in numbers."""
    numbers: dict[str, int] = {}
    return numbers, tuple([numbers.setdefault(text, len(numbers)) for text in _fixed(pool)])


@lru_cache
def _trie(
    pool: tuple[int, ...], counts: tuple[int, ...], indexes: tuple[int, ...], shortest: int, longest: int
) -> Trie:
    """The n-grams of `pool`, where those of length n start at `counts[n - 1]`, and their columns."""
    trie = Trie({}, [-1])
    number = 0
    for size, (start, stop) in enumerate(zip(counts, (*counts[1:], len(pool)), strict=True), 1):
        for at in range(start, stop - size + 1, size):
            if shortest <= size <= longest:
                node = 0
                for token in pool[at : at + size]:
                    node = trie.edges.setdefault((node, token), len(trie.columns))
                    if node == len(trie.columns):
                        trie.columns.append(-1)
                trie.columns[node] = indexes[number]
            number += 1
    if number != len(indexes):
        raise InvalidArgument(
            f"the pool holds {number} n-grams, ngram_indexes names columns for {len(indexes)}"
        )
    return trie


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
