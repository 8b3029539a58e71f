"""Strings to tokens."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator
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


@host_operator("Tokenizer", since=1, domain="com.microsoft")
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
    if mincharnum < 1:
        raise InvalidArgument("attribute mincharnum must have a positive value")
    if not separators and not tokenexp:
        raise InvalidArgument("Either one of the separators OR tokenexp attributes required but none is set")
    if X.ndim not in (1, 2):
        raise InvalidArgument(f"Input dimensions are either [C] or [N][C] allowed, got {list(X.shape)}")
    if not X.size:
        return as_strings([], (*X.shape[:-1], 0))
    if separators == [""] or (not separators and tokenexp == "."):
        if mincharnum > 1:
            raise InvalidArgument("mincharnum is too big for char level tokenezation")
        rows = [list(text) for text in X.flat]
    elif separators:
        rows = [_between(text, separators) for text in X.flat]
    else:
        matches = _matcher(tokenexp)
        rows = [matches(text) for text in X.flat]
    rows = [[token for token in row if len(token) >= mincharnum] for row in rows]
    if mark and any(rows):
        rows = [[START, *row, END] for row in rows]
    return as_table(rows, X.shape, pad_value)


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


def _matcher(tokenexp: str | None) -> Callable[[str], list[str]]:
    """A function of a text to its longest matches, from left to right."""
    if tokenexp and RUN.fullmatch(tokenexp):
        with contextlib.suppress(re.error):
            return re.compile(tokenexp).findall
    pattern = compile_pattern(tokenexp, longest=True)

    def matches(text: str) -> list[str]:
        found = (match.group() for match in pattern.finditer(text.encode()))
        return [token.decode() for token in found if token]

    return matches
