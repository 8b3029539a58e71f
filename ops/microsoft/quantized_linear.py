"""QuantizeLinear and DequantizeLinear as they were before the standard had their types."""

from __future__ import annotations

from jitrt.opdef import operator
from jitrt.tensor import Tensor

from .. import quantize
from ._quantized import MICROSOFT


@operator("QuantizeLinear", since=1, domain=MICROSOFT)
def quantize_linear(
    x: Tensor, y_scale: Tensor, y_zero_point: Tensor | None = None, *, axis: int = 1, block_size: int = 0
) -> Tensor:
    """Round x / scale to a small integer type.

    https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.QuantizeLinear
    """
    y: Tensor = quantize.quantize_linear(x, y_scale, y_zero_point, axis=axis, block_size=block_size)
    return y


@operator("DequantizeLinear", since=1, domain=MICROSOFT)
def dequantize_linear(
    x: Tensor, x_scale: Tensor, x_zero_point: Tensor | None = None, *, axis: int = 1, block_size: int = 0
) -> Tensor:
    """(x - zero point) * scale.

    https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.DequantizeLinear
    """
    y: Tensor = quantize.dequantize_linear(x, x_scale, x_zero_point, axis=axis, block_size=block_size)
    return y
