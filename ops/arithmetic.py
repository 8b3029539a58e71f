"""Arithmetic: one scalar function an operator, with NumPy's broadcasting."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from jitrt import expr as ex
from jitrt.calls import cast_tensor
from jitrt.expr import Expr, const, where
from jitrt.opdef import elementwise, operator
from jitrt.tensor import Tensor, map_tensors
from jitrt.types import BOOL, F64, is_float, is_small

from ._small_types import decode
from ._versions import consuming_version, version_of_equal_shapes, version_of_limited_broadcast

FLOAT_MAX = 3.4028234663852886e38


@elementwise("Add", since=7)
def add(A: Expr, B: Expr) -> Expr:
    """A + B. https://onnx.ai/onnx/operators/onnx__Add.html"""
    return A + B


@elementwise("Sub", since=7)
def sub(A: Expr, B: Expr) -> Expr:
    """A - B. https://onnx.ai/onnx/operators/onnx__Sub.html"""
    return A - B


@elementwise("Mul", since=7)
def mul(A: Expr, B: Expr) -> Expr:
    """A * B. https://onnx.ai/onnx/operators/onnx__Mul.html"""
    return A * B


@elementwise("Div", since=7)
def div(A: Expr, B: Expr) -> Expr:
    """A / B, truncated for integers. https://onnx.ai/onnx/operators/onnx__Div.html"""
    return A / B


@elementwise("Mod", since=10)
def mod(A: Expr, B: Expr, *, fmod: int = 0) -> Expr:
    """The remainder with the sign of B, or of A. https://onnx.ai/onnx/operators/onnx__Mod.html"""
    return ex.fmod(A, B) if fmod else ex.remainder(A, B)


@operator("Pow", since=7)
def pow_(X: Tensor, Y: Tensor) -> Tensor:
    """X to the power Y, in X's type. https://onnx.ai/onnx/operators/onnx__Pow.html"""
    special = _POWERS.get(_scalar(Y)) if is_float(X.dtype) and Y.ndim <= X.ndim else None
    if special is not None:
        return map_tensors(special, X)
    if is_float(Y.dtype) and not is_float(X.dtype):
        return cast_tensor(map_tensors(ex.power, cast_tensor(X, F64), cast_tensor(Y, F64)), X.dtype)
    return map_tensors(ex.power, X, cast_tensor(Y, X.dtype))


_POWERS = {
    1.0: lambda x: x,
    2.0: lambda x: x * x,
    3.0: lambda x: x * x * x,
    -1.0: lambda x: 1 / x,
}


def _scalar(t: Tensor) -> Any:
    """The one element of a tensor of known value, or None."""
    if t.value is None or t.symbolic or t.value.size != 1:
        return None
    return float(t.value.ravel()[0])


@elementwise("Max", since=8)
def max_(*data_0: Expr) -> Expr:
    """The largest of the operands, NaN if one is. https://onnx.ai/onnx/operators/onnx__Max.html"""
    return reduce(ex.maximum, data_0)


@elementwise("Min", since=8)
def min_(*data_0: Expr) -> Expr:
    """The smallest of the operands, NaN if one is. https://onnx.ai/onnx/operators/onnx__Min.html"""
    return reduce(ex.minimum, data_0)


@elementwise("Sum", since=8)
def sum_(*data_0: Expr) -> Expr:
    """The sum of the operands. https://onnx.ai/onnx/operators/onnx__Sum.html"""
    return sum(data_0[1:], data_0[0])


@elementwise("Mean", since=8)
def mean(*data_0: Expr) -> Expr:
    """The mean of the operands. https://onnx.ai/onnx/operators/onnx__Mean.html"""
    return sum(data_0[1:], data_0[0]) / len(data_0)


@elementwise("Neg", since=6)
def neg(X: Expr) -> Expr:
    """-X. https://onnx.ai/onnx/operators/onnx__Neg.html"""
    return -X


@elementwise("Abs", since=6)
def abs_(X: Expr) -> Expr:
    """The magnitude. https://onnx.ai/onnx/operators/onnx__Abs.html"""
    return ex.absolute(X)


@elementwise("Sign", since=9)
def sign(input: Expr) -> Expr:
    """1, 0 or -1; NaN stays NaN. https://onnx.ai/onnx/operators/onnx__Sign.html"""
    return where(input > 0, 1, where(input < 0, const(-1, input.dtype), input))


@elementwise("Reciprocal", since=6)
def reciprocal(X: Expr) -> Expr:
    """1 / X. https://onnx.ai/onnx/operators/onnx__Reciprocal.html"""
    return 1 / X


@elementwise("Sqrt", since=6)
def sqrt(X: Expr) -> Expr:
    """The square root, NaN below zero. https://onnx.ai/onnx/operators/onnx__Sqrt.html"""
    return ex.sqrt(X)


@elementwise("Exp", since=6)
def exp(input: Expr) -> Expr:
    """The exponential. https://onnx.ai/onnx/operators/onnx__Exp.html"""
    return ex.exp(input)


@elementwise("Log", since=6)
def log(input: Expr) -> Expr:
    """The natural logarithm. https://onnx.ai/onnx/operators/onnx__Log.html"""
    return ex.log(input)


@elementwise("Erf", since=9)
def erf(input: Expr) -> Expr:
    """The error function. https://onnx.ai/onnx/operators/onnx__Erf.html"""
    return ex.erf(input)


@elementwise("Floor", since=6)
def floor(X: Expr) -> Expr:
    """Round down. https://onnx.ai/onnx/operators/onnx__Floor.html"""
    return ex.floor(X)


@elementwise("Ceil", since=6)
def ceil(X: Expr) -> Expr:
    """Round up. https://onnx.ai/onnx/operators/onnx__Ceil.html"""
    return ex.ceil(X)


@elementwise("Round", since=11)
def round_(X: Expr) -> Expr:
    """Round to the nearest integer, halves to the even one. https://onnx.ai/onnx/operators/onnx__Round.html"""
    return ex.rint(X)


@elementwise("Clip", since=11)
def clip(input: Expr, min: Expr | None = None, max: Expr | None = None) -> Expr:
    """Limit to [min, max]; max wins where min > max. https://onnx.ai/onnx/operators/onnx__Clip.html"""
    return _limited(input, min, max)


def _limited(x: Expr, low: Expr | float | None, high: Expr | float | None) -> Expr:
    above = x if low is None else ex.maximum(x, low)
    return above if high is None else ex.minimum(above, high)


@elementwise("Clip", since=6)
def clip_6(input: Expr, *, min: float = -FLOAT_MAX, max: float = FLOAT_MAX) -> Expr:
    """Limit to [min, max]; the defaults are no limit. https://onnx.ai/onnx/operators/onnx__Clip.html"""
    return _limited(input, None if min == -FLOAT_MAX else min, None if max == FLOAT_MAX else max)


@elementwise("Clip", since=1)
def clip_1(
    input: Expr,
    *,
    consumed_inputs: list[int] | None = None,
    max: float | None = None,
    min: float | None = None,
) -> Expr:
    """Limit to [min, max]. https://onnx.ai/onnx/operators/onnx__Clip.html"""
    return _limited(input, min, max)


@operator("IsNaN", since=9)
def is_nan(X: Tensor) -> Tensor:
    """True where X is NaN. https://onnx.ai/onnx/operators/onnx__IsNaN.html"""
    return map_tensors(ex.isnan, decode(X) if is_small(X.dtype) else X)


@operator("IsInf", since=10)
def is_inf(X: Tensor, *, detect_negative: int = 1, detect_positive: int = 1) -> Tensor:
    """True where X is infinite, of the signs asked for. https://onnx.ai/onnx/operators/onnx__IsInf.html"""

    def detect(x: Expr) -> Expr:
        if detect_negative and detect_positive:
            return ex.isinf(x)
        if detect_positive:
            return ex.eq(x, np.inf)
        return ex.eq(x, -np.inf) if detect_negative else const(False, BOOL)

    return map_tensors(detect, decode(X) if is_small(X.dtype) else X)


@operator("Identity", since=1)
def identity(input: Tensor) -> Tensor:
    """The input. https://onnx.ai/onnx/operators/onnx__Identity.html"""
    return input


for entry in (add, sub, mul, div):
    consuming_version(version_of_limited_broadcast(entry, since=6))
version_of_limited_broadcast(pow_, since=1)
for entry in (max_, min_, sum_, mean):
    consuming_version(version_of_equal_shapes(entry, since=6))
for entry in (neg, abs_, reciprocal, sqrt, exp, log, floor, ceil):
    consuming_version(entry)
