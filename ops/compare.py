"""Comparisons, logic on bool, and the choice between two tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitrt import expr as ex
from jitrt.expr import Expr
from jitrt.opdef import elementwise

from ._host_forms import host_form
from ._versions import version_of_limited_broadcast


@elementwise("Equal", since=7)
def equal(A: Expr, B: Expr) -> Expr:
    """A == B. https://onnx.ai/onnx/operators/onnx__Equal.html"""
    return ex.eq(A, B)


@host_form(equal)
def equal_values(A: Any, B: Any) -> Any:
    """Equal of strings."""
    return np.equal(A, B)


@elementwise("Less", since=7)
def less(A: Expr, B: Expr) -> Expr:
    """A < B. https://onnx.ai/onnx/operators/onnx__Less.html"""
    return A < B


@elementwise("LessOrEqual", since=12)
def less_or_equal(A: Expr, B: Expr) -> Expr:
    """A <= B. https://onnx.ai/onnx/operators/onnx__LessOrEqual.html"""
    return A <= B


@elementwise("Greater", since=7)
def greater(A: Expr, B: Expr) -> Expr:
    """A > B. https://onnx.ai/onnx/operators/onnx__Greater.html"""
    return A > B


@elementwise("GreaterOrEqual", since=12)
def greater_or_equal(A: Expr, B: Expr) -> Expr:
    """A >= B. https://onnx.ai/onnx/operators/onnx__GreaterOrEqual.html"""
    return A >= B


@elementwise("And", since=7)
def and_(A: Expr, B: Expr) -> Expr:
    """True where both are. https://onnx.ai/onnx/operators/onnx__And.html"""
    return A & B


@elementwise("Or", since=7)
def or_(A: Expr, B: Expr) -> Expr:
    """True where either is. https://onnx.ai/onnx/operators/onnx__Or.html"""
    return A | B


@elementwise("Xor", since=7)
def xor(A: Expr, B: Expr) -> Expr:
    """True where exactly one is. https://onnx.ai/onnx/operators/onnx__Xor.html"""
    return A ^ B


@elementwise("Not", since=1)
def not_(X: Expr) -> Expr:
    """True where X is false. https://onnx.ai/onnx/operators/onnx__Not.html"""
    return ~X


@elementwise("Where", since=9)
def where(condition: Expr, X: Expr, Y: Expr) -> Expr:
    """X where the condition holds, else Y. https://onnx.ai/onnx/operators/onnx__Where.html"""
    return ex.where(condition, X, Y)


@host_form(where)
def where_values(condition: Any, X: Any, Y: Any) -> Any:
    """Where of strings and complex numbers."""
    return np.where(condition, X, Y)


for entry in (equal, less, greater, and_, or_, xor):
    version_of_limited_broadcast(entry, since=1)
