"""Conversions between element types."""

from __future__ import annotations

from jitrt.calls import cast_tensor
from jitrt.opdef import operator
from jitrt.tensor import Dtype, Tensor
from jitrt.types import STRING, from_onnx

from ._small_types import decode, encode, is_small


@operator("Cast", since=6)
def cast(input: Tensor, *, to: int, saturate: int = 1, round_mode: str = "up") -> Tensor:
    """Convert by value; `round_mode` is about float8e8m0. https://onnx.ai/onnx/operators/onnx__Cast.html"""
    return _cast(input, from_onnx(to), saturate, round_mode)


@operator("CastLike", since=15)
def cast_like(input: Tensor, target_type: Tensor, *, saturate: int = 1, round_mode: str = "up") -> Tensor:
    """Convert to another tensor's type. https://onnx.ai/onnx/operators/onnx__CastLike.html"""
    return _cast(input, target_type.dtype, saturate, round_mode)


@operator("BitCast", since=26)
def bit_cast(input: Tensor, *, to: int) -> Tensor:
    """The same bits as another type of the same width. https://onnx.ai/onnx/operators/onnx__BitCast.html"""
    dtype = from_onnx(to)
    if dtype.itemsize != input.dtype.itemsize:
        raise ValueError(f"BitCast needs types of one width, not {input.dtype.name} and {dtype.name}")
    return input.reinterpret(dtype)


def _cast(x: Tensor, dtype: Dtype, saturate: int, round_mode: str) -> Tensor:
    if x.dtype == dtype:
        return x
    if STRING in (x.dtype, dtype):
        raise NotImplementedError("conversion from or to string")
    if is_small(x.dtype):
        x = decode(x)
    return encode(x, dtype, saturate, round_mode) if is_small(dtype) else cast_tensor(x, dtype)
