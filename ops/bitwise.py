"""Operations on the bits of integers."""

from __future__ import annotations

from jitrt.expr import Expr
from jitrt.opdef import elementwise


@elementwise("BitShift", since=11)
def bit_shift(X: Expr, Y: Expr, *, direction: str) -> Expr:
    """X shifted by Y bits, 0 from its width on. https://onnx.ai/onnx/operators/onnx__BitShift.html"""
    return X << Y if direction == "LEFT" else X >> Y


@elementwise("BitwiseAnd", since=18)
def bitwise_and(A: Expr, B: Expr) -> Expr:
    """The bits set in both. https://onnx.ai/onnx/operators/onnx__BitwiseAnd.html"""
    return A & B


@elementwise("BitwiseOr", since=18)
def bitwise_or(A: Expr, B: Expr) -> Expr:
    """The bits set in either. https://onnx.ai/onnx/operators/onnx__BitwiseOr.html"""
    return A | B


@elementwise("BitwiseXor", since=18)
def bitwise_xor(A: Expr, B: Expr) -> Expr:
    """The bits set in exactly one. https://onnx.ai/onnx/operators/onnx__BitwiseXor.html"""
    return A ^ B


@elementwise("BitwiseNot", since=18)
def bitwise_not(X: Expr) -> Expr:
    """The bits not set. https://onnx.ai/onnx/operators/onnx__BitwiseNot.html"""
    return ~X
