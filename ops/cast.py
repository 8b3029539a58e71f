"""Conversions between element types."""

from __future__ import annotations

from jitrt.calls import cast_tensor
from jitrt.opdef import operator
from jitrt.tensor import Dtype, Tensor
from jitrt.types import STRING, from_onnx


@operator("Cast", since=6)
def cast(input: Tensor, *, to: int, saturate: int = 1, round_mode: str = "up") -> Tensor:
    """Convert by value; `round_mode` is about float8e8m0. https://onnx.ai/onnx/operators/onnx__Cast.html"""
    return _cast(input, from_onnx(to), saturate=saturate)


@operator("CastLike", since=15)
def cast_like(input: Tensor, target_type: Tensor, *, saturate: int = 1, round_mode: str = "up") -> Tensor:
    """Convert to another tensor's type. https://onnx.ai/onnx/operators/onnx__CastLike.html"""
    return _cast(input, target_type.dtype, saturate=saturate)


@operator("BitCast", since=26)
def bit_cast(input: Tensor, *, to: int) -> Tensor:
    """The same bits as another type of the same width. https://onnx.ai/onnx/operators/onnx__BitCast.html"""
    dtype = from_onnx(to)
    if dtype.itemsize != input.dtype.itemsize:
        raise ValueError(f"BitCast needs types of one width, not {input.dtype.name} and {dtype.name}")
    return input.reinterpret(dtype)


def _cast(x: Tensor, dtype: Dtype, saturate: int = 1) -> Tensor:
    if STRING in (x.dtype, dtype) and x.dtype != dtype:
        raise NotImplementedError("conversion from or to string")
    return cast_tensor(x, dtype)
