"""Matrix products. https://onnx.ai/onnx/operators/onnx__MatMul.html"""

from jitrt.calls import cast_tensor, launch
from jitrt.dims import hint, prod, same
from jitrt.opdef import operator
from jitrt.products import MatrixProduct
from jitrt.quantized import multiply_quantized
from jitrt.tensor import Tensor, broadcast, map_tensors
from jitrt.types import BF16, F16, F32, F64

from .matmul_cuda import matmul_kernel


def matmul_tensors(a: Tensor, b: Tensor, bias: Tensor | None = None) -> Tensor:
    """NumPy's matmul of traced tensors, plus `bias[n]`. Raises ValueError where inner dimensions differ."""
    if a.ndim == 0 or b.ndim == 0:
        raise ValueError(f"MatMul needs vectors or matrices, got {a} and {b}")
    left = a.unsqueeze(0) if a.ndim == 1 else a
    right = b.unsqueeze(1) if b.ndim == 1 else b
    if left.shape[-1] != right.shape[-2]:
        raise ValueError(f"inner dimensions differ: A {a}, B {b}")
    y = multiply_quantized(left, right)
    if y is None:
        y = _product(left, right, bias)
    elif bias is not None:
        y = map_tensors(lambda p, q: p + q, y, bias)
    dropped = [*([y.ndim - 2] if a.ndim == 1 else []), *([y.ndim - 1] if b.ndim == 1 else [])]
    return y.squeeze(*dropped) if dropped else y


def _product(a: Tensor, b: Tensor, bias: Tensor | None) -> Tensor:
    dtype = a.dtype
    if same(a.shape[-1], 1):
        return map_tensors(lambda p, q, *c: sum(c, p * q), a, b, *([] if bias is None else [bias]))
    if dtype in (F16, BF16):
        wide = b if b.value is not None and b.ndim == 2 else cast_tensor(b, F32)
        wide_bias = None if bias is None else cast_tensor(bias, F32)
        return cast_tensor(MatrixProduct(cast_tensor(a, F32), wide, wide_bias, F32).outputs[0], dtype)
    if dtype in (F32, F64):
        return MatrixProduct(a, b, bias, dtype).outputs[0]
    y = _integer_product(a, b)
    return y if bias is None else map_tensors(lambda p, q: p + q, y, bias)


def _integer_product(a: Tensor, b: Tensor) -> Tensor:
    lead = broadcast(a.shape[:-2], b.shape[:-2])
    (m, k), n = a.shape[-2:], b.shape[-1]
    batch = prod(lead)
    a3 = a.expand((*lead, m, k)).reshape((batch, m, k))
    b3 = b.expand((*lead, k, n)).reshape((batch, k, n))
    (y,) = launch(multiply_integers, a3, b3, outputs=[(a.dtype, (batch, m, n))], extent=batch * m)
    return y.reshape((*lead, m, n))


def multiply_integers(Y, A, B, begin, end):
    """Rows `begin..end` of the batch of products, with wrap-around."""
    rows, inner, columns = Y.shape[1], A.shape[2], Y.shape[2]
    for unit in range(begin, end):
        batch, i = unit // rows, unit % rows
        for j in range(columns):
            Y[batch, i, j] = 0
        for p in range(inner):
            factor = A[batch, i, p]
            for j in range(columns):
                Y[batch, i, j] += factor * B[batch, p, j]


@operator("MatMul", since=1)
def matmul(A, B):
    """Matrix product with NumPy's rules. https://onnx.ai/onnx/operators/onnx__MatMul.html"""
    return matmul_tensors(A, B)


matmul.gpu(matmul_kernel)


@operator("Gemm", since=7)
def gemm(A, B, C=None, *, alpha=1.0, beta=1.0, transA=0, transB=0):
    """alpha A' B' + beta C. https://onnx.ai/onnx/operators/onnx__Gemm.html"""
    a = A.permute((1, 0)) if transA else A
    b = B.permute((1, 0)) if transB else B
    if C is None or beta == 0:
        return _scaled(matmul_tensors(a, b), alpha)
    n = b.shape[-1]
    if alpha == 1 and beta == 1 and C.ndim and same(C.shape[-1], n) and same(prod(C.shape), n):
        return matmul_tensors(a, b, C.reshape((n,)))
    y = _scaled(matmul_tensors(a, b), alpha)
    return map_tensors(lambda p, q: p + q, y, _scaled(C, beta))


@operator("Gemm", since=1)
def gemm_1(A, B, C, *, alpha=1.0, beta=1.0, broadcast=0, transA=0, transB=0):
    """As Gemm; C broadcasts if `broadcast` says so. https://onnx.ai/onnx/operators/onnx__Gemm.html"""
    rows, columns = A.shape[1 if transA else 0], B.shape[0 if transB else 1]
    if not broadcast and (C.ndim != 2 or C.shape[0] != rows or C.shape[1] != columns):
        raise ValueError(f"C must be {[hint(rows), hint(columns)]} as broadcast is 0, got {C}")
    return gemm(A, B, C, alpha=alpha, beta=beta, transA=transA, transB=transB)


def _scaled(x: Tensor, factor: float) -> Tensor:
    return x if factor == 1 else map_tensors(lambda v: v * factor, x)
