"""Operators that ONNX had on trial until version 1.4, which exporters of that time wrote.

https://github.com/onnx/onnx/blob/v1.4.1/docs/Operators.md
"""

from __future__ import annotations

import numpy as np

from jitrt.calls import cast_tensor
from jitrt.dims import Size
from jitrt.expr import Expr, exp, log, tanh, where
from jitrt.opdef import elementwise, operator
from jitrt.tensor import Tensor, constant, known_sizes, map_tensors
from jitrt.types import from_onnx

from ._shared import mean, widen
from .normalize import mean_variance_normalization
from .shape import slice_


@elementwise("ThresholdedRelu", since=1)
def thresholded_relu(X: Expr, *, alpha: float = 1.0) -> Expr:
    """X above alpha, else 0. https://github.com/onnx/onnx/blob/v1.4.1/docs/Operators.md#ThresholdedRelu"""
    return where(alpha < X, X, 0)


@elementwise("Affine", since=1)
def affine(X: Expr, *, alpha: float = 1.0, beta: float = 0.0) -> Expr:
    """alpha X + beta. https://github.com/onnx/onnx/blob/v1.4.1/docs/Operators.md#Affine"""
    return alpha * X + beta


@elementwise("Scale", since=1)
def scale(input: Expr, *, scale: float = 1.0) -> Expr:
    """The input times a number. https://github.com/onnx/onnx/blob/v1.4.1/docs/Operators.md#Scale"""
    return scale * input


@elementwise("ScaledTanh", since=1)
def scaled_tanh(input: Expr, *, alpha: float = 1.0, beta: float = 1.0) -> Expr:
    """alpha tanh(beta x). https://github.com/onnx/onnx/blob/v1.4.1/docs/Operators.md#ScaledTanh"""
    return alpha * tanh(beta * input)


@elementwise("ParametricSoftplus", since=1)
def parametric_softplus(X: Expr, *, alpha: float = 1.0, beta: float = 1.0) -> Expr:
    """alpha log(exp(beta x) + 1).

    https://github.com/onnx/onnx/blob/v1.4.1/docs/Operators.md#ParametricSoftplus
    """
    return alpha * log(exp(beta * X) + 1)


@operator("ImageScaler", since=1)
def image_scaler(input: Tensor, *, bias: list[float] | None = None, scale: float = 1.0) -> Tensor:
    """Images [N, C, H, W] times a number, plus the bias of each channel.

    https://github.com/onnx/onnx/blob/v1.4.1/docs/Operators.md#ImageScaler
    """
    offsets = cast_tensor(constant(np.array(bias or [0.0], np.float32).reshape(-1, 1, 1)), input.dtype)
    return map_tensors(lambda x, b: scale * x + b, input, offsets)


@operator("Crop", since=1)
def crop(input: Tensor, *, border: list[int] | None = None, scale: list[int] | None = None) -> Tensor:
    """Images [N, C, H, W] without their border: left, top, right, bottom; or of height and width `scale`.

    https://github.com/onnx/onnx/blob/v1.4.1/docs/Operators.md#Crop
    """
    left, top, right, bottom = border or (0, 0, 0, 0)
    height, width = scale or (input.shape[2] - top - bottom, input.shape[3] - left - right)
    return input.slice(2, top, height).slice(3, left, width)


@operator("DynamicSlice", since=1)
def dynamic_slice(data: Tensor, starts: Tensor, ends: Tensor, axes: Tensor | None = None) -> Tensor:
    """Elements from start to end along axes.

    https://github.com/onnx/onnx/blob/v1.4.1/docs/Operators.md#DynamicSlice
    """
    sliced: Tensor = slice_.definition(data, starts, ends, axes)
    return sliced


@operator("MeanVarianceNormalization", since=1)
def mean_variance_normalization_1(
    input: Tensor, *, across_channels: int = 0, normalize_variance: int = 1
) -> Tensor:
    """Zero mean, and if so wanted unit variance, of all images [N, C, H, W] or of each channel of all.

    https://github.com/onnx/onnx/blob/v1.3.0/docs/Operators.md#MeanVarianceNormalization
    """
    axes = [0, 1, 2, 3] if across_channels else [0, 2, 3]
    if normalize_variance:
        normalized: Tensor = mean_variance_normalization.definition(input, axes=axes)
        return normalized
    x = widen(input)
    return cast_tensor(map_tensors(lambda x, m: x - m, x, mean(x, axes)), input.dtype)


@operator("ConstantFill", since=1)
def constant_fill(
    input: Tensor | None = None,
    *,
    dtype: int = 1,
    extra_shape: list[int] | None = None,
    input_as_shape: int = 0,
    shape: list[int] | None = None,
    value: float = 0.0,
) -> Tensor:
    """One value, in a shape that is given, is the input, or is the input's, and `extra_shape` after it.

    https://github.com/onnx/onnx/blob/v1.4.1/docs/Operators.md#ConstantFill
    """
    filled = constant(np.asarray(value, from_onnx(dtype)))
    return filled.expand([*_shape(input, input_as_shape, shape), *(extra_shape or ())])


@operator("GivenTensorFill", since=1)
def given_tensor_fill(
    input: Tensor | None = None,
    *,
    extra_shape: list[int] | None = None,
    input_as_shape: int = 0,
    shape: list[int] | None = None,
    values: list[float] | None = None,
) -> Tensor:
    """The values, in a shape as ConstantFill has it.

    https://github.com/onnx/onnx/blob/v1.4.1/docs/Operators.md#GivenTensorFill
    """
    sizes = [*_shape(input, input_as_shape, shape), *(extra_shape or ())]
    return constant(np.array(values or [], np.float32)).reshape(sizes)


def _shape(input: Tensor | None, input_as_shape: int, shape: list[int] | None) -> list[Size]:
    if input is None:
        return list(shape or ())
    return list(known_sizes(input)) if input_as_shape else list(input.shape)
