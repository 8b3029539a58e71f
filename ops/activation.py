"""Activation functions. Elementwise ones read as in the spec; the softmax family reduces along an axis."""

from __future__ import annotations

import math

from jitrt.calls import cast_tensor
from jitrt.dims import prod
from jitrt.expr import Expr, absolute, cast, eq, erf, exp, log, log1p, maximum, minimum, narrow, tanh, where
from jitrt.opdef import elementwise, operator
from jitrt.tensor import Tensor, map_indices, map_tensors, reduce_tensor
from jitrt.types import F64, is_float

from ._shared import smallest_normal, widen
from ._versions import consuming_version
from .reduce import arg_max

SQRT_HALF = 0.7071067811865476
SQRT_2_OVER_PI = 0.7978845608028654
SELU_ALPHA = 1.6732631921768188
SELU_GAMMA = 1.0507010221481323
SELU_ALPHA_1, SELU_GAMMA_1 = 1.673200011253357, 1.0506999492645264  # of version 1


@elementwise("Relu", since=6)
def relu(X: Expr) -> Expr:
    """Rectified linear unit. https://onnx.ai/onnx/operators/onnx__Relu.html"""
    return maximum(X, 0)


@elementwise("Sigmoid", since=6)
def sigmoid(X: Expr) -> Expr:
    """Logistic function. https://onnx.ai/onnx/operators/onnx__Sigmoid.html"""
    return 1 / (1 + exp(-X))


@elementwise("HardSigmoid", since=6)
def hard_sigmoid(X: Expr, *, alpha: float = 0.20000000298023224, beta: float = 0.5) -> Expr:
    """Piecewise linear sigmoid. https://onnx.ai/onnx/operators/onnx__HardSigmoid.html"""
    return maximum(minimum(alpha * X + beta, 1), 0)


@elementwise("HardSwish", since=14)
def hard_swish(X: Expr) -> Expr:
    """X times its hard sigmoid of slope 1/6. https://onnx.ai/onnx/operators/onnx__HardSwish.html"""
    return X * maximum(minimum(X * (1 / 6) + 0.5, 1), 0)


@elementwise("Swish", since=24)
def swish(X: Expr, *, alpha: float = 1.0) -> Expr:
    """X times the sigmoid of alpha * X. https://onnx.ai/onnx/operators/onnx__Swish.html"""
    return X / (1 + exp(-alpha * X))


@elementwise("LeakyRelu", since=6)
def leaky_relu(X: Expr, *, alpha: float = 0.009999999776482582) -> Expr:
    """Slope alpha below zero. https://onnx.ai/onnx/operators/onnx__LeakyRelu.html"""
    return where(X < 0, alpha * X, X)


@elementwise("PRelu", since=7)
def prelu(X: Expr, slope: Expr) -> Expr:
    """Learned slope below zero. https://onnx.ai/onnx/operators/onnx__PRelu.html"""
    return where(X < 0, slope * X, X)


@operator("PRelu", since=6)
def prelu_6(X: Tensor, slope: Tensor) -> Tensor:
    """A slope below zero, for all or a channel. https://onnx.ai/onnx/operators/onnx__PRelu.html"""
    if slope.ndim == 1 and X.ndim > 1 and slope.shape[0] != 1:
        slope = slope.reshape([slope.shape[0], *[1] * (X.ndim - 2)])
    return prelu(X, slope)


@elementwise("ThresholdedRelu", since=10)
def thresholded_relu(X: Expr, *, alpha: float = 1.0) -> Expr:
    """X above alpha, else 0. https://onnx.ai/onnx/operators/onnx__ThresholdedRelu.html"""
    return where(alpha < X, X, 0)


@elementwise("Elu", since=6)
def elu(X: Expr, *, alpha: float = 1.0) -> Expr:
    """Exponential linear unit. https://onnx.ai/onnx/operators/onnx__Elu.html"""
    return where(X < 0, alpha * (exp(X) - 1), X)


@elementwise("Selu", since=6)
def selu(X: Expr, *, alpha: float = SELU_ALPHA, gamma: float = SELU_GAMMA) -> Expr:
    """Scaled exponential linear unit. https://onnx.ai/onnx/operators/onnx__Selu.html"""
    return gamma * where(X <= 0, alpha * exp(X) - alpha, X)


@elementwise("Celu", since=12)
def celu(X: Expr, *, alpha: float = 1.0) -> Expr:
    """Continuously differentiable ELU. https://onnx.ai/onnx/operators/onnx__Celu.html"""
    return maximum(X, 0) + minimum(alpha * (exp(X / alpha) - 1), 0)


@elementwise("Softplus", since=1)
def softplus(X: Expr) -> Expr:
    """log(1 + exp(X)), without overflow. https://onnx.ai/onnx/operators/onnx__Softplus.html"""
    return maximum(X, 0) + log1p(exp(-absolute(X)))


@elementwise("Softsign", since=1)
def softsign(input: Expr) -> Expr:
    """x / (1 + |x|). https://onnx.ai/onnx/operators/onnx__Softsign.html"""
    return input / (1 + absolute(input))


@elementwise("Gelu", since=20)
def gelu(X: Expr, *, approximate: str = "none") -> Expr:
    """Gaussian error linear unit. https://onnx.ai/onnx/operators/onnx__Gelu.html"""
    if approximate == "tanh":
        return 0.5 * X * (1 + tanh(SQRT_2_OVER_PI * (X + 0.044715 * X * X * X)))
    return 0.5 * X * (1 + erf(X * SQRT_HALF))


@elementwise("Mish", since=18)
def mish(X: Expr) -> Expr:
    """X times tanh of its softplus. https://onnx.ai/onnx/operators/onnx__Mish.html"""
    return X * tanh(maximum(X, 0) + log1p(exp(-absolute(X))))


@elementwise("Shrink", since=9)
def shrink(input: Expr, *, bias: float = 0.0, lambd: float = 0.5) -> Expr:
    """0 within lambd of 0, else nearer to 0 by bias. https://onnx.ai/onnx/operators/onnx__Shrink.html"""
    x = input if is_float(input.dtype) else cast(input, F64)  # lambd and bias may be no integers
    return cast(where(x < -lambd, x + bias, where(x > lambd, x - bias, 0)), input.dtype)


@operator("Softmax", since=13)
def softmax(input: Tensor, *, axis: int = -1) -> Tensor:
    """exp(x) over its sum along the axis; 0 where that is subnormal, as masks of -100 would often make it.

    Processors take a hundred cycles for each operation on a subnormal number.
    https://onnx.ai/onnx/operators/onnx__Softmax.html
    """
    x = widen(input)
    least = smallest_normal(x.dtype)
    lowest = math.log(least)

    def power(x: Expr, m: Expr) -> Expr:
        return exp(where(x - m < lowest, float("-inf"), x - m))

    powers = map_tensors(power, x, reduce_tensor(x, "max", [axis]))
    total = reduce_tensor(powers, "sum", [axis])
    scale, bound = (map_tensors(f, total) for f in (lambda t: 1 / t, lambda t: t * least))
    return map_tensors(lambda p, s, b: narrow(where(p < b, 0, p * s), input.dtype), powers, scale, bound)


@operator("LogSoftmax", since=13)
def log_softmax(input: Tensor, *, axis: int = -1) -> Tensor:
    """The logarithm of softmax. https://onnx.ai/onnx/operators/onnx__LogSoftmax.html"""
    x = widen(input)
    shifted = map_tensors(lambda x, m: x - m, x, reduce_tensor(x, "max", [axis]))
    total = reduce_tensor(map_tensors(exp, shifted), "sum", [axis])
    return cast_tensor(map_tensors(lambda x, s: x - log(s), shifted, total), input.dtype)


@operator("Hardmax", since=13)
def hardmax(input: Tensor, *, axis: int = -1) -> Tensor:
    """1 at the first maximum along the axis, else 0. https://onnx.ai/onnx/operators/onnx__Hardmax.html"""
    axis %= input.ndim
    first = arg_max(input, axis=axis)
    return map_indices(lambda *e: cast(eq(e[axis], e[-1]), input.dtype), input.shape, first)


@operator("Softmax", since=1)
def softmax_1(input: Tensor, *, axis: int = 1) -> Tensor:
    """Softmax over all dimensions from the axis on. https://onnx.ai/onnx/operators/onnx__Softmax.html"""
    return softmax(_as_matrix(input, axis)).reshape(input.shape)


@operator("LogSoftmax", since=1)
def log_softmax_1(input: Tensor, *, axis: int = 1) -> Tensor:
    """LogSoftmax over all dimensions from the axis on. https://onnx.ai/onnx/operators/onnx__LogSoftmax.html"""
    return log_softmax(_as_matrix(input, axis)).reshape(input.shape)


@operator("Hardmax", since=1)
def hardmax_1(input: Tensor, *, axis: int = 1) -> Tensor:
    """Hardmax over all dimensions from the axis on. https://onnx.ai/onnx/operators/onnx__Hardmax.html"""
    return hardmax(_as_matrix(input, axis)).reshape(input.shape)


def _as_matrix(x: Tensor, axis: int) -> Tensor:
    """The tensor as [product of the dimensions before the axis, product of the rest]."""
    axis = axis % x.ndim if axis < 0 else axis
    return x.reshape([prod(x.shape[:axis]), prod(x.shape[axis:])])


for entry in (relu, sigmoid, hard_sigmoid, leaky_relu, prelu_6, elu):
    consuming_version(entry)
consuming_version(selu, alpha=SELU_ALPHA_1, gamma=SELU_GAMMA_1)
