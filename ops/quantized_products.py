"""Matrix products and convolutions of quantised tensors.

Sums are exact in int32. https://onnx.ai/onnx/operators/onnx__QLinearMatMul.html
"""

from __future__ import annotations

from jitrt.calls import cast_tensor
from jitrt.convolutions import ConvAttributes
from jitrt.integer_convolutions import integer_convolution
from jitrt.integer_products import integer_product, per_row
from jitrt.opdef import operator
from jitrt.tensor import Tensor, map_tensors
from jitrt.types import F32, I32, is_integer

from ._quantization import along_axis, dequantize_tensor, quantize_tensor, requantize_tensor
from .conv import conv_attributes, convolve_taps, with_channels
from .matmul import matmul_tensors


@operator("MatMulInteger", since=10)
def matmul_integer(
    A: Tensor, B: Tensor, a_zero_point: Tensor | None = None, b_zero_point: Tensor | None = None
) -> Tensor:
    """The product less zero points, in int32. https://onnx.ai/onnx/operators/onnx__MatMulInteger.html"""
    return integer_product(A, B, a_zero_point, b_zero_point)


@operator("QLinearMatMul", since=10)
def qlinear_matmul(
    a: Tensor,
    a_scale: Tensor,
    a_zero_point: Tensor,
    b: Tensor,
    b_scale: Tensor,
    b_zero_point: Tensor,
    y_scale: Tensor,
    y_zero_point: Tensor,
) -> Tensor:
    """The quantised product of quantised tensors. https://onnx.ai/onnx/operators/onnx__QLinearMatMul.html"""
    if not is_integer(a.dtype) or not is_integer(b.dtype) or not is_integer(y_zero_point.dtype):
        left = dequantize_tensor(a, per_row(a_scale), per_row(a_zero_point), F32)
        y = matmul_tensors(left, dequantize_tensor(b, b_scale, b_zero_point, F32))
        return quantize_tensor(y, y_scale, y_zero_point, y_zero_point.dtype)
    y = integer_product(a, b, a_zero_point, b_zero_point)
    scale = map_tensors(
        lambda p, q, r: p * q / r, *(cast_tensor(s, F32) for s in (per_row(a_scale), b_scale, y_scale))
    )
    return requantize_tensor(y, scale, y_zero_point)


@operator("ConvInteger", since=10)
def conv_integer(
    x: Tensor,
    w: Tensor,
    x_zero_point: Tensor | None = None,
    w_zero_point: Tensor | None = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: list[int] | None = None,
    group: int = 1,
    kernel_shape: list[int] | None = None,
    pads: list[int] | None = None,
    strides: list[int] | None = None,
) -> Tensor:
    """The convolution less zero points. https://onnx.ai/onnx/operators/onnx__ConvInteger.html"""
    attributes = conv_attributes(x, w, auto_pad, dilations, group, pads, strides)
    return _convolve(x, w, x_zero_point, w_zero_point, attributes)


@operator("QLinearConv", since=10)
def qlinear_conv(
    x: Tensor,
    x_scale: Tensor,
    x_zero_point: Tensor,
    w: Tensor,
    w_scale: Tensor,
    w_zero_point: Tensor,
    y_scale: Tensor,
    y_zero_point: Tensor,
    B: Tensor | None = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: list[int] | None = None,
    group: int = 1,
    kernel_shape: list[int] | None = None,
    pads: list[int] | None = None,
    strides: list[int] | None = None,
) -> Tensor:
    """The quantised convolution. https://onnx.ai/onnx/operators/onnx__QLinearConv.html"""
    attributes = conv_attributes(x, w, auto_pad, dilations, group, pads, strides)
    y = _convolve(x, w, x_zero_point, w_zero_point, attributes)
    if B is not None:
        y = map_tensors(lambda v, b: v + b, y, along_axis(B, y.ndim, 1))
    parameters = (along_axis(s, y.ndim, 1) for s in (x_scale, w_scale, y_scale))
    scale = map_tensors(lambda p, q, r: p * q / r, *parameters)
    return requantize_tensor(y, scale, along_axis(y_zero_point, y.ndim, 1))


def _convolve(
    x: Tensor, w: Tensor, x_zero: Tensor | None, w_zero: Tensor | None, attributes: ConvAttributes
) -> Tensor:
    if w.value is not None and not w.symbolic:
        image = with_channels(x, w.shape[1] * attributes.groups)
        return integer_convolution(image, w, x_zero, w_zero, attributes)
    rank = x.ndim - 2
    image, kernel = _shifted(x, x_zero, 1), _shifted(w, w_zero, 0)
    y = convolve_taps(image.permute((0, *range(2, rank + 2), 1)), kernel, None, attributes)
    return y.permute((0, rank + 1, *range(1, rank + 1)))


def _shifted(x: Tensor, zero: Tensor | None, axis: int) -> Tensor:
    wide = cast_tensor(x, I32)
    if zero is None:
        return wide
    return map_tensors(lambda v, z: v - z, wide, cast_tensor(along_axis(zero, x.ndim, axis), I32))
