"""Conversions between element types."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitrt.calls import cast_tensor
from jitrt.opdef import operator
from jitrt.tensor import Dtype, RunsOnHostError, Tensor, constant
from jitrt.types import BOOL, ELEMENT_TYPES, HOST_TYPES, STRING, from_onnx, is_float

from ._host_forms import has_sizes
from ._small_types import decode, encode, is_small
from ._strings import as_strings, format_numbers, parse_integer

Array = np.ndarray[Any, Any]


@operator("Cast", since=6)
def cast(input: Tensor, *, to: int, saturate: int = 1, round_mode: str = "up") -> Tensor:
    """Convert by value; `round_mode` is about float8e8m0. https://onnx.ai/onnx/operators/onnx__Cast.html"""
    return _cast(input, from_onnx(to), saturate, round_mode)


@cast.numpy
def cast_values(input: Any, *, to: int, saturate: int = 1, round_mode: str = "up") -> Any:
    """Cast from or to strings."""
    return _cast_values(input, from_onnx(to), saturate, round_mode)


@operator("Cast", since=1)
def cast_1(input: Tensor, *, to: str) -> Tensor:
    """Convert by value to the type of that name. https://onnx.ai/onnx/operators/onnx__Cast.html"""
    return _cast(input, from_onnx(_code_of(to)), 1, "up")


def _code_of(name: str) -> int:
    """The number in TensorProto.DataType."""
    for code, (_, _, lower) in ELEMENT_TYPES.items():
        if lower == name.lower():
            return code
    raise ValueError(f"{name!r} is no element type")


@operator("CastLike", since=15)
def cast_like(input: Tensor, target_type: Tensor, *, saturate: int = 1, round_mode: str = "up") -> Tensor:
    """Convert to another tensor's type. https://onnx.ai/onnx/operators/onnx__CastLike.html"""
    return _cast(input, target_type.dtype, saturate, round_mode)


@cast_like.numpy
def cast_like_values(input: Any, target_type: Any, *, saturate: int = 1, round_mode: str = "up") -> Any:
    """CastLike from or to strings."""
    if has_sizes(target_type):
        return NotImplemented
    return _cast_values(input, target_type.dtype, saturate, round_mode)


@operator("BitCast", since=26)
def bit_cast(input: Tensor, *, to: int) -> Tensor:
    """The same bits as another type of the same width. https://onnx.ai/onnx/operators/onnx__BitCast.html"""
    dtype = from_onnx(to)
    if dtype.itemsize != input.dtype.itemsize:
        raise ValueError(f"BitCast needs types of one width, not {input.dtype.name} and {dtype.name}")
    if dtype in HOST_TYPES:
        raise RunsOnHostError
    return input.reinterpret(dtype)


@bit_cast.numpy
def bit_cast_values(input: Any, *, to: int) -> Any:
    """BitCast from or to complex numbers."""
    return NotImplemented if input.dtype == STRING else input.view(from_onnx(to))


def _cast(x: Tensor, dtype: Dtype, saturate: int, round_mode: str) -> Tensor:
    if x.dtype == dtype:
        return x
    if STRING in (x.dtype, dtype):
        raise RunsOnHostError
    if is_small(x.dtype):
        x = decode(x)
    return encode(x, dtype, saturate, round_mode) if is_small(dtype) else cast_tensor(x, dtype)


def _cast_values(x: Array, dtype: Dtype, saturate: int, round_mode: str) -> Any:
    if has_sizes(x) or STRING not in (x.dtype, dtype):
        return NotImplemented
    if x.dtype == dtype:
        return x
    if dtype == STRING:
        return as_strings(format_numbers(x), x.shape)
    if is_small(dtype):
        numbers = np.array(list(map(float, x.flat)), np.float32).reshape(x.shape)
        return _cast(constant(numbers), dtype, saturate, round_mode).value
    if is_float(dtype):
        return np.array(list(map(float, x.flat))).astype(dtype).reshape(x.shape)
    if dtype == BOOL:
        return np.array([float(text) != 0 for text in x.flat], np.bool_).reshape(x.shape)
    low_bits = np.array([parse_integer(text) % 2**64 for text in x.flat], np.uint64)
    return low_bits.astype(dtype).reshape(x.shape)
