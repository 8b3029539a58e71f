"""Elementwise operators, Concat and Softmax between 8-bit tensors."""

from __future__ import annotations

from collections.abc import Callable

from jitrt.calls import cast_tensor
from jitrt.dims import prod
from jitrt.expr import Expr, cast, exp, fma, where
from jitrt.opdef import operator
from jitrt.tensor import Tensor, concatenate, map_tensors, reduce_tensor
from jitrt.types import F32, I32

from .._quantization import dequantize_tensor, quantize_tensor
from ._byte_table import map_bytes
from ._quantized import MICROSOFT, centered, saturated, scalar, shifted

LEAK = 0.009999999776482582


@operator("QLinearAdd", since=1, domain=MICROSOFT)
def qlinear_add(
    A: Tensor,
    A_scale: Tensor,
    A_zero_point: Tensor | None,
    B: Tensor,
    B_scale: Tensor,
    B_zero_point: Tensor | None,
    C_scale: Tensor,
    C_zero_point: Tensor | None = None,
) -> Tensor:
    """The sum. https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.QLinearAdd"""

    def add(a: Expr, za: Expr | None, ra: Expr, b: Expr, zb: Expr | None, rb: Expr, zc: Expr | None) -> Expr:
        return saturated(fma(centered(a, za), ra, shifted(centered(b, zb) * rb, zc)), A.dtype)

    ratios = [map_tensors(lambda s, c: s / c, scalar(s), scalar(C_scale)) for s in (A_scale, B_scale)]
    zeros = [scalar(z) for z in (A_zero_point, B_zero_point, C_zero_point)]
    return map_tensors(add, A, zeros[0], ratios[0], B, zeros[1], ratios[1], zeros[2])


@operator("QLinearMul", since=1, domain=MICROSOFT)
def qlinear_mul(
    A: Tensor,
    A_scale: Tensor,
    A_zero_point: Tensor | None,
    B: Tensor,
    B_scale: Tensor,
    B_zero_point: Tensor | None,
    C_scale: Tensor,
    C_zero_point: Tensor | None = None,
) -> Tensor:
    """The product. https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.QLinearMul"""

    def multiply(a: Expr, za: Expr | None, b: Expr, zb: Expr | None, ratio: Expr, zc: Expr | None) -> Expr:
        return saturated(shifted(centered(a, za) * centered(b, zb) * ratio, zc), A.dtype)

    ratio = map_tensors(lambda a, b, c: a * b / c, *map(scalar, (A_scale, B_scale, C_scale)))
    za, zb, zc = (scalar(z) for z in (A_zero_point, B_zero_point, C_zero_point))
    return map_tensors(multiply, A, za, B, zb, ratio, zc)


@operator("QLinearSigmoid", since=1, domain=MICROSOFT)
def qlinear_sigmoid(
    X: Tensor,
    X_scale: Tensor,
    X_zero_point: Tensor | None,
    Y_scale: Tensor,
    Y_zero_point: Tensor | None = None,
) -> Tensor:
    """The logistic function.

    https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.QLinearSigmoid
    """
    return _activation(lambda x: 1 / (1 + exp(-x)), X, X_scale, X_zero_point, Y_scale, Y_zero_point)


@operator("QLinearLeakyRelu", since=1, domain=MICROSOFT)
def qlinear_leaky_relu(
    X: Tensor,
    X_scale: Tensor,
    X_zero_point: Tensor | None,
    Y_scale: Tensor,
    Y_zero_point: Tensor | None = None,
    *,
    alpha: float = LEAK,
) -> Tensor:
    """x, or alpha times a negative x.

    https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.QLinearLeakyRelu
    """
    return _activation(lambda x: where(x < 0, x * alpha, x), X, X_scale, X_zero_point, Y_scale, Y_zero_point)


def _activation(
    function: Callable[[Expr], Expr],
    x: Tensor,
    x_scale: Tensor,
    x_zero: Tensor | None,
    y_scale: Tensor,
    y_zero: Tensor | None,
) -> Tensor:
    """A function of real numbers, quantised anew."""

    def quantized(codes: Tensor) -> Tensor:
        y = map_tensors(function, dequantize_tensor(codes, scalar(x_scale), scalar(x_zero), F32))
        return quantize_tensor(y, scalar(y_scale), scalar(y_zero), x.dtype)

    return map_bytes(quantized, x)


@operator("QLinearConcat", since=1, domain=MICROSOFT)
def qlinear_concat(Y_scale: Tensor, Y_zero_point: Tensor, *inputs: Tensor, axis: int) -> Tensor:
    """Tensors joined along an axis; `inputs` are a tensor, its scale and its zero point each.

    https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.QLinearConcat
    """
    if len(inputs) % 3:
        raise ValueError(f"QLinearConcat takes a scale and a zero point for each tensor, got {len(inputs)}")
    parts = [inputs[i : i + 3] for i in range(0, len(inputs), 3)]
    moved = [
        x
        if _same_numbers(scale, zero, Y_scale, Y_zero_point)
        else _activation(lambda v: v, x, scale, zero, Y_scale, Y_zero_point)
        for x, scale, zero in parts
    ]
    return concatenate(moved, axis % moved[0].ndim)


def _same_numbers(scale: Tensor, zero: Tensor, new_scale: Tensor, new_zero: Tensor) -> bool:
    """Whether two quantisations are known to be the same."""
    pairs = ((scale.value, new_scale.value), (zero.value, new_zero.value))
    return zero.dtype == new_zero.dtype and all(
        a is not None and b is not None and a.ravel()[0] == b.ravel()[0] for a, b in pairs
    )


@operator("QLinearSoftmax", since=1, domain=MICROSOFT)
def qlinear_softmax(
    X: Tensor,
    X_scale: Tensor,
    x_zero_point: Tensor | None,
    y_scale: Tensor,
    y_zero_point: Tensor,
    *,
    opset: int,
    axis: int = -1,
) -> Tensor:
    """Softmax along an axis, or from opset 12 back over all dimensions from the axis on.

    https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.QLinearSoftmax
    """
    axis %= X.ndim
    if opset < 13:
        flat = X.reshape([prod(X.shape[:axis]), prod(X.shape[axis:])])
        return _softmax(flat, 1, X_scale, y_scale, y_zero_point).reshape(X.shape)
    return _softmax(X, axis, X_scale, y_scale, y_zero_point)


def _softmax(X: Tensor, axis: int, x_scale: Tensor, y_scale: Tensor, y_zero: Tensor) -> Tensor:
    """The zero point of X has no say: only differences from the largest element count."""
    whole = cast_tensor(X, I32)
    top = reduce_tensor(whole, "max", [axis])
    powers = map_tensors(lambda x, m, s: exp(cast(x - m, F32) * s), whole, top, scalar(x_scale))
    total = reduce_tensor(powers, "sum", [axis])
    normalized = map_tensors(lambda p, t: p / t, powers, total)
    return quantize_tensor(normalized, scalar(y_scale), scalar(y_zero), X.dtype)
