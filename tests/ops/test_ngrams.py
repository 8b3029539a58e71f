"""Counts of n-grams against a count by enumeration, for integers and strings."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jitrt
from jitrt.errors import InvalidArgument

GRAMS = [(1,), (2,), (4,), (1, 2), (2, 1), (1, 1), (2, 2), (1, 2, 1), (2, 2, 2)]
COLUMNS = [3, 0, 4, 6, 1, 2, 5, 8, 9]  # 7 is the column of none
WEIGHTS = [0.5, 2.0, 3.0, 0.25, 1.5, 7.0, 0.125, 5.0, 1.0]


def name(token):
    return f"w{token}"


def attributes(longest=3, **others):
    """Of the n-grams up to a length; `pool_int64s` or `pool_strings` is added by the test."""
    sizes = [len(gram) for gram in GRAMS]
    counts = [sum(size for size in sizes if size < n) for n in (1, 2, 3)]
    return {
        "ngram_counts": counts,
        "ngram_indexes": COLUMNS,
        "max_gram_length": longest,
        "min_gram_length": 1,
        "max_skip_count": 0,
        "mode": "TF",
        **others,
    }


POOL = [token for gram in GRAMS for token in gram]


def counted(tokens, *, min_gram_length, max_gram_length, max_skip_count, mode, weights=None, **_):
    row = np.zeros(max(COLUMNS) + 1, np.float32)
    for number, (gram, column) in enumerate(zip(GRAMS, COLUMNS, strict=True)):
        n = len(gram)
        if not min_gram_length <= n <= max_gram_length:
            continue
        distances = range(1, 2 if n == 1 else max_skip_count + 2)
        found = [
            tuple(tokens[i : i + n * distance : distance]) == gram
            for distance in distances
            for i in range(len(tokens) - (n - 1) * distance)
        ]
        count = sum(found) if mode != "IDF" else int(any(found))
        row[column] = count * (1 if mode == "TF" or weights is None else weights[number])
    return row


@settings(deadline=None)
@given(
    tokens=st.lists(st.lists(st.integers(0, 4), min_size=7, max_size=7), min_size=1, max_size=4),
    lengths=st.sampled_from([(1, 1), (1, 2), (2, 2), (1, 3), (2, 3), (3, 3)]),
    skips=st.integers(0, 3),
    mode=st.sampled_from(["TF", "IDF", "TFIDF"]),
    weights=st.sampled_from([None, WEIGHTS]),
)
def test_counts(tokens, lengths, skips, mode, weights):
    options = attributes(min_gram_length=lengths[0], longest=lengths[1], max_skip_count=skips, mode=mode)
    if weights is not None:
        options["weights"] = weights
    expected = np.stack([counted(row, **options) for row in tokens])
    for kind in (np.int64, np.int32):
        got = jitrt.call("TfIdfVectorizer", np.array(tokens, kind), pool_int64s=POOL, **options)
        np.testing.assert_array_equal(got, expected, strict=True)
    text = np.array([[name(t) for t in row] for row in tokens], object)
    pool = [name(t) for t in POOL]
    got = jitrt.call("TfIdfVectorizer", text, pool_strings=pool, **options)
    np.testing.assert_array_equal(got, expected, strict=True)
    row = jitrt.call("TfIdfVectorizer", text[0], pool_strings=pool, **options)
    np.testing.assert_array_equal(row, expected[0], strict=True)
    row = jitrt.call("TfIdfVectorizer", np.array(tokens[0]), pool_int64s=POOL, **options)
    np.testing.assert_array_equal(row, expected[0], strict=True)


@pytest.mark.parametrize("shape", [(0,), (2, 0), (0, 3)])
def test_nothing_to_count(shape):
    expected = np.zeros((*shape[:-1], 10), np.float32)
    x = np.zeros(shape, np.int64)
    np.testing.assert_array_equal(
        jitrt.call("TfIdfVectorizer", x, pool_int64s=POOL, **attributes()), expected, strict=True
    )
    pool = [name(t) for t in POOL]
    got = jitrt.call("TfIdfVectorizer", x.astype(object), pool_strings=pool, **attributes())
    np.testing.assert_array_equal(got, expected, strict=True)


def test_a_long_vocabulary():
    pool = np.random.default_rng(0).permutation(3000)
    options = attributes(longest=1, ngram_counts=[0], ngram_indexes=np.arange(3000))
    x = np.random.default_rng(1).integers(-5, 4000, (3, 500))
    got = jitrt.call("TfIdfVectorizer", x, pool_int64s=pool, **options)
    np.testing.assert_array_equal(got, np.stack([(row[:, None] == pool).sum(0) for row in x]))


@pytest.mark.parametrize("words", [20, 2000])
def test_pairs_of_many_words(words):
    """In a table of all tokens after each, and by search where that would be large; in blocks of rows."""
    rng = np.random.default_rng(2)
    pairs = np.unique(rng.integers(0, words, (300, 2)), axis=0)
    numbers = np.concatenate([np.arange(words), pairs.ravel()])
    options = attributes(longest=2, ngram_counts=[0, words], ngram_indexes=np.arange(words + len(pairs)))
    x = np.concatenate([rng.integers(0, words + 5, (150, 100)), np.resize(pairs, (50, 100))])
    text = np.array([[name(t) for t in row] for row in x.tolist()], object)
    got = jitrt.call("TfIdfVectorizer", text, pool_strings=[name(t) for t in numbers.tolist()], **options)
    ones = [np.bincount(row, minlength=words + 5)[:words] for row in x]
    codes = pairs @ [words + 5, 1]
    twos = [(row[:-1, None] * (words + 5) + row[1:, None] == codes).sum(0) for row in x]
    np.testing.assert_array_equal(got, np.concatenate([ones, twos], axis=1))


@pytest.mark.parametrize(
    ("x", "changes", "message"),
    [
        (np.zeros(3, np.int64), {"pool_int64s": POOL, "mode": "tf"}, "mode: tf is unrecognized"),
        (np.zeros(3, np.int64), {"pool_int64s": POOL, "weights": [1.0]}, "1 weights and 9 ngram_indexes"),
        (np.zeros(3, np.int64), {"pool_int64s": POOL[:-3]}, "holds 8 n-grams, ngram_indexes .* 9"),
        (np.zeros(3, np.int64), {"pool_strings": ["a"]}, "pool_int64s, which is not given"),
        (np.array(["a"], object), {"pool_int64s": POOL}, "pool_strings, which is not given"),
        (np.zeros((1, 2, 3), np.int64), {"pool_int64s": POOL}, r"\[C\] or \[N,C\] dimensions, got rank 3"),
    ],
)
def test_what_does_not_fit(x, changes, message):
    with pytest.raises(InvalidArgument, match=message):
        jitrt.call("TfIdfVectorizer", x, **attributes(**changes))
