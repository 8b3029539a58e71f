"""Activation functions of com.microsoft."""

from __future__ import annotations

from jitrt.expr import Expr, erf, exp, tanh
from jitrt.opdef import elementwise

from ..activation import SQRT_2_OVER_PI, SQRT_HALF

DOMAIN = "com.microsoft"


@elementwise("Gelu", since=1, domain=DOMAIN)
def microsoft_gelu(X: Expr) -> Expr:
    """Gaussian error linear unit.

    https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.Gelu
    """
    return 0.5 * X * (1 + erf(X * SQRT_HALF))


@elementwise("BiasGelu", since=1, domain=DOMAIN)
def bias_gelu(A: Expr, B: Expr) -> Expr:
    """Gelu of A + B.

    https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.BiasGelu
    """
    X = A + B
    return 0.5 * X * (1 + erf(X * SQRT_HALF))


@elementwise("FastGelu", since=1, domain=DOMAIN)
def fast_gelu(X: Expr, bias: Expr | None = None) -> Expr:
    """Gelu of X + bias, approximated by tanh.

    https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.FastGelu
    """
    X = X if bias is None else X + bias
    return 0.5 * X * (1 + tanh(SQRT_2_OVER_PI * (X + 0.044715 * X * X * X)))


@elementwise("QuickGelu", since=1, domain=DOMAIN)
def quick_gelu(X: Expr, *, alpha: float = 1.7020000219345093) -> Expr:
    """X times the sigmoid of alpha * X.

    https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.QuickGelu
    """
    return X / (1 + exp(-alpha * X))
