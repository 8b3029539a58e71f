"""Products of 8-bit matrices with results in floating point, or quantised anew."""

from __future__ import annotations

from jitrt.calls import cast_tensor
from jitrt.dims import same
from jitrt.expr import cast
from jitrt.integer_products import integer_product
from jitrt.opdef import operator
from jitrt.tensor import Tensor, map_tensors
from jitrt.types import F32

from .._quantization import dequantize_tensor, requantize_tensor
from ..matmul import matmul_tensors
from ..quantize import dynamic_quantize_linear
from ._quantized import MICROSOFT, scalar


@operator("QGemm", since=1, domain=MICROSOFT)
def qgemm(
    A: Tensor,
    a_scale: Tensor,
    a_zero_point: Tensor,
    B: Tensor,
    b_scale: Tensor,
    b_zero_point: Tensor,
    C: Tensor | None = None,
    y_scale: Tensor | None = None,
    y_zero_point: Tensor | None = None,
    *,
    alpha: float = 1.0,
    transA: int = 0,
    transB: int = 0,
) -> Tensor:
    """alpha A' B' + C; C is in the product's scale. The result is float32 if it has no scale.

    https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.QGemm
    """
    a = A.permute((1, 0)) if transA else A
    b = B.permute((1, 0)) if transB else B
    y = integer_product(a, b, scalar(a_zero_point), b_zero_point)
    if C is not None:
        y = map_tensors(lambda p, c: p + c, y, C)
    scale = map_tensors(lambda p, q: p * alpha * q, scalar(a_scale), b_scale)
    if y_scale is None or y_zero_point is None:
        return map_tensors(lambda p, s: cast(p, F32) * s, y, scale)
    ratio = map_tensors(lambda s, t: s / t, scale, scalar(y_scale))
    return requantize_tensor(y, ratio, scalar(y_zero_point))


@operator("MatMulIntegerToFloat", since=1, domain=MICROSOFT)
def matmul_integer_to_float(
    A: Tensor,
    B: Tensor,
    a_scale: Tensor,
    b_scale: Tensor,
    a_zero_point: Tensor | None = None,
    b_zero_point: Tensor | None = None,
    bias: Tensor | None = None,
) -> Tensor:
    """The real numbers' product; scales and zero points may be one for each column.

    https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.MatMulIntegerToFloat
    """
    if all(t is None or same(t.size, 1) for t in (a_scale, a_zero_point)):
        return scaled_product(A, B, scalar(a_scale), b_scale, scalar(a_zero_point), b_zero_point, bias)
    left = dequantize_tensor(A, a_scale, a_zero_point, F32)
    wide_bias = None if bias is None else cast_tensor(bias, F32)
    y = matmul_tensors(left, dequantize_tensor(B, b_scale, b_zero_point, F32), wide_bias)
    return cast_tensor(y, a_scale.dtype)


@operator("DynamicQuantizeMatMul", since=1, domain=MICROSOFT)
def dynamic_quantize_matmul(
    A: Tensor,
    B: Tensor,
    b_scale: Tensor,
    b_zero_point: Tensor | None = None,
    bias: Tensor | None = None,
) -> Tensor:
    """The product of A, quantised to uint8 by its range, and B.

    https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.DynamicQuantizeMatMul
    """
    whole, a_scale, a_zero = dynamic_quantize_linear(A)
    return scaled_product(whole, B, a_scale, b_scale, a_zero, b_zero_point, bias)


def scaled_product(
    a: Tensor,
    b: Tensor,
    a_scale: Tensor,
    b_scale: Tensor,
    a_zero: Tensor | None,
    b_zero: Tensor | None,
    bias: Tensor | None,
) -> Tensor:
    """`(a - a_zero) (b - b_zero) a_scale b_scale + bias` in the type of the scales, rounded once."""
    y = integer_product(a, b, a_zero, b_zero)
    scale = map_tensors(lambda p, q: cast(p, F32) * cast(q, F32), a_scale, b_scale)
    product = map_tensors(lambda p, s: cast(p, F32) * s, y, scale)
    if bias is not None:
        product = map_tensors(lambda p, c: p + cast(c, F32), product, bias)
    return cast_tensor(product, b_scale.dtype)
