"""Strings to tokens."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np

from jitrt.errors import InvalidArgument
from jitrt.opdef import host_operator

from .._strings import as_strings
from ..regex import compile_pattern
from ..text import as_table

Array = np.ndarray[Any, Any]
START, END = "\x02", "\x03"
RUN = re.compile(r"\[[\w-]+\]\+", re.ASCII)  # such as [a-z]+, whose longest match is also the greedy one
SPECIAL = frozenset(r"\.^$*+?{}[]|()")  # a separator without these is no pattern, but the text itself


@host_operator("Tokenizer", since=1, domain="com.microsoft", gives_strings=True)
def tokenizer(
    X: Array,
    *,
    mark: int,
    mincharnum: int,
    pad_value: str,
    separators: list[str] | None = None,
    tokenexp: str | None = None,
) -> Array:
    """Strings cut into tokens, [*X.shape, most tokens], filled with `pad_value`.

    https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.Tokenizer
    """
    return tokenizing(
        mark=mark, mincharnum=mincharnum, pad_value=pad_value, separators=separators, tokenexp=tokenexp
    )(X)


@tokenizer.prepared
def tokenizing(
    *,
    mark: int,
    mincharnum: int,
    pad_value: str,
    separators: list[str] | None = None,
    tokenexp: str | None = None,
) -> Callable[[Array], Array]:
    """Tokenizer with these attributes."""
    if mincharnum < 1:
        raise InvalidArgument("attribute mincharnum must have a positive value")
    if not separators and not tokenexp:
        raise InvalidArgument("Either one of the separators OR tokenexp attributes required but none is set")
    if separators == [""] or (not separators and tokenexp == "."):
        if mincharnum > 1:
            raise InvalidArgument("mincharnum is too big for char level tokenezation")
        cut: Callable[[list[str]], list[list[str]]] = _characters
    elif separators:
        cut = partial(_all_between, separators=separators)
    else:
        cut = _matcher(tokenexp)

    def tokenize(X: Array) -> Array:
        if X.ndim not in (1, 2):
            raise InvalidArgument(f"Input dimensions are either [C] or [N][C] allowed, got {list(X.shape)}")
        if not X.size:
            return as_strings([], (*X.shape[:-1], 0))
        rows = cut(X.ravel().tolist())
        if mincharnum > 1:
            rows = [[token for token in row if len(token) >= mincharnum] for row in rows]
        if mark and any(rows):
            rows = [[START, *row, END] for row in rows]
        return as_table(rows, X.shape, pad_value)

    return tokenize


def _characters(texts: list[str]) -> list[list[str]]:
    return list(map(list, texts))


def _all_between(texts: list[str], separators: list[str]) -> list[list[str]]:
    return [[part for part in _between(text, separators) if part] for text in texts]


def _between(text: str, separators: Iterable[str]) -> list[str]:
    """What is left of the text between matches of the separators, which take turns."""
    pieces = [text]
    for separator in separators:
        is_plain = separator and SPECIAL.isdisjoint(separator)
        cut = str.split if is_plain else _cut
        pieces = [part for piece in pieces for part in cut(piece, separator)]
    return pieces


def _cut(text: str, separator: str) -> Iterator[str]:
    encoded, start = text.encode(), 0
    for match in compile_pattern(separator, longest=True).finditer(encoded):
        if match.end() > match.start():
            yield encoded[start : match.start()].decode()
            start = match.end()
    yield encoded[start:].decode()


def _matcher(tokenexp: str | None) -> Callable[[list[str]], list[list[str]]]:
    """A function of texts to the longest matches in each, from left to right."""
    if tokenexp and RUN.fullmatch(tokenexp):
        with contextlib.suppress(re.error):
            return partial(_runs, kept=_only(re.compile(tokenexp.removesuffix("+"), re.ASCII)))
    pattern = compile_pattern(tokenexp, longest=True)

    def matches(text: str) -> list[str]:
        found = (match.group() for match in pattern.finditer(text.encode()))
        return [token.decode() for token in found if token]

    return lambda texts: list(map(matches, texts))


def _only(characters: re.Pattern[str]) -> bytes:
    """A table for `bytes.translate`: spaces in place of all but line ends and what the pattern matches."""
    return bytes(i if characters.fullmatch(chr(i)) or i == 10 else 32 for i in range(256))


def _runs(texts: list[str], kept: bytes) -> list[list[str]]:
    """The runs of ASCII characters that `kept` has in each text."""
    lines = "\n".join(texts)
    if lines.count("\n") >= len(texts):
        lines = "\n".join([text.replace("\n", " ") for text in texts])
    lines = lines.encode("utf-8", "surrogatepass").translate(kept).decode("ascii")
    return [line.split() for line in lines.split("\n")]
