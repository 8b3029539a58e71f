"""Optionals: a value, or None for an empty one."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitrt.errors import InvalidArgument
from jitrt.opdef import host_operator


@host_operator("Optional", since=15)
def optional(input: Any = None, *, type: Any = None) -> Any:
    """The input; None without one, of whatever type. https://onnx.ai/onnx/operators/onnx__Optional.html"""
    return input


@host_operator("OptionalGetElement", since=15)
def optional_get_element(input: Any) -> Any:
    """What an optional holds. https://onnx.ai/onnx/operators/onnx__OptionalGetElement.html"""
    if input is None:
        raise InvalidArgument("OptionalGetElement needs an optional that has an element, got an empty one")
    return input


@host_operator("OptionalHasElement", since=15)
def optional_has_element(input: Any = None) -> np.ndarray[Any, Any]:
    """Whether there is a value. https://onnx.ai/onnx/operators/onnx__OptionalHasElement.html"""
    return np.array(input is not None)
