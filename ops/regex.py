"""Regular expressions in RE2's syntax, matched in linear time."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from jitrt.errors import InvalidArgument
from jitrt.errors import NotImplemented as NotImplementedHere
from jitrt.opdef import host_operator

Array = np.ndarray[Any, Any]


@host_operator("RegexFullMatch", since=20)
def regex_full_match(X: Array, *, pattern: str | None = None) -> Array:
    """Whether a string as a whole matches. https://onnx.ai/onnx/operators/onnx__RegexFullMatch.html"""
    if pattern is None:
        raise InvalidArgument("RegexFullMatch needs its attribute 'pattern'")
    match = compile_pattern(pattern).fullmatch
    return np.array([match(text.encode()) is not None for text in X.flat], np.bool_).reshape(X.shape)


@lru_cache
def compile_pattern(pattern: str, longest: bool = False) -> Any:
    """The compiled expression over UTF-8; with `longest`, alternatives match as much as they can.

    Raises NotImplemented where google-re2 is not installed, InvalidArgument for no valid expression.
    """
    try:
        import re2
    except ImportError as error:
        message = "regular expressions need google-re2: pip install 'jitrt[text]'"
        raise NotImplementedHere(message) from error
    options = re2.Options()
    options.longest_match, options.log_errors = longest, False
    try:
        return re2.compile(pattern.encode(), options)
    except re2.error as error:
        reason = error.args[0]
        text = reason.decode() if isinstance(reason, bytes) else reason
        raise InvalidArgument(f"Invalid regex pattern: {pattern}: {text}") from error
