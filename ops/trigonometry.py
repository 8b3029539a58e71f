"""Trigonometric and hyperbolic functions."""

from __future__ import annotations

from jitrt import expr as ex
from jitrt.expr import Expr
from jitrt.opdef import elementwise

from ._versions import consuming_version


@elementwise("Sin", since=7)
def sin(input: Expr) -> Expr:
    """The sine of radians. https://onnx.ai/onnx/operators/onnx__Sin.html"""
    return ex.sin(input)


@elementwise("Cos", since=7)
def cos(input: Expr) -> Expr:
    """The cosine of radians. https://onnx.ai/onnx/operators/onnx__Cos.html"""
    return ex.cos(input)


@elementwise("Tan", since=7)
def tan(input: Expr) -> Expr:
    """The tangent of radians. https://onnx.ai/onnx/operators/onnx__Tan.html"""
    return ex.tan(input)


@elementwise("Asin", since=7)
def asin(input: Expr) -> Expr:
    """The arc sine in radians, NaN outside [-1, 1]. https://onnx.ai/onnx/operators/onnx__Asin.html"""
    return ex.asin(input)


@elementwise("Acos", since=7)
def acos(input: Expr) -> Expr:
    """The arc cosine in radians, NaN outside [-1, 1]. https://onnx.ai/onnx/operators/onnx__Acos.html"""
    return ex.acos(input)


@elementwise("Atan", since=7)
def atan(input: Expr) -> Expr:
    """The arc tangent in radians. https://onnx.ai/onnx/operators/onnx__Atan.html"""
    return ex.atan(input)


@elementwise("Sinh", since=9)
def sinh(input: Expr) -> Expr:
    """The hyperbolic sine. https://onnx.ai/onnx/operators/onnx__Sinh.html"""
    return ex.sinh(input)


@elementwise("Cosh", since=9)
def cosh(input: Expr) -> Expr:
    """The hyperbolic cosine. https://onnx.ai/onnx/operators/onnx__Cosh.html"""
    return ex.cosh(input)


@elementwise("Tanh", since=6)
def tanh(input: Expr) -> Expr:
    """The hyperbolic tangent. https://onnx.ai/onnx/operators/onnx__Tanh.html"""
    return ex.tanh(input)


@elementwise("Asinh", since=9)
def asinh(input: Expr) -> Expr:
    """The inverse hyperbolic sine. https://onnx.ai/onnx/operators/onnx__Asinh.html"""
    return ex.asinh(input)


@elementwise("Acosh", since=9)
def acosh(input: Expr) -> Expr:
    """The inverse hyperbolic cosine, NaN below 1. https://onnx.ai/onnx/operators/onnx__Acosh.html"""
    return ex.acosh(input)


@elementwise("Atanh", since=9)
def atanh(input: Expr) -> Expr:
    """The inverse hyperbolic tangent, NaN outside [-1, 1]. https://onnx.ai/onnx/operators/onnx__Atanh.html"""
    return ex.atanh(input)


consuming_version(tanh)
