"""Gated activations."""

from __future__ import annotations

from jitrt.expr import exp
from jitrt.opdef import operator
from jitrt.tensor import Tensor, map_tensors


@operator("SwiGLU", since=28)
def swiglu(A: Tensor, B: Tensor, *, alpha: float = 1.0) -> Tensor:
    """A gate through Swish, times a value. https://onnx.ai/onnx/operators/onnx__SwiGLU.html"""
    if A.ndim != B.ndim or any(a != b for a, b in zip(A.shape, B.shape, strict=True)):
        raise ValueError(f"A and B must have the same shape, got {A} and {B}")
    return map_tensors(lambda a, b: a / (1 + exp(-alpha * a)) * b, A, B)
