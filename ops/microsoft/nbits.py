"""Products with weights of few bits, in blocks that have a scale and a zero point each."""

from __future__ import annotations

import numpy as np

from jitrt.calls import cast_tensor
from jitrt.codegen.nbits import takes_integers
from jitrt.codegen.target import host
from jitrt.dims import prod, same
from jitrt.expr import Expr, absolute, cast, eq, rint, where
from jitrt.nbits_products import BlockQuantizedProduct
from jitrt.opdef import operator
from jitrt.tensor import Constant, Tensor, concatenate, constant, map_indices, map_tensors, reduce_tensor
from jitrt.types import F32, I8, I32, U8

from ..gather import gather
from ..matmul import matmul_tensors
from ._quantized import MICROSOFT


@operator("MatMulNBits", since=1, domain=MICROSOFT)
def matmul_nbits(
    A: Tensor,
    B: Tensor,
    scales: Tensor,
    zero_points: Tensor | None = None,
    g_idx: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    K: int,
    N: int,
    accuracy_level: int = 0,
    bits: int = 4,
    block_size: int,
    weight_prepacked: int = 0,
) -> Tensor:
    """A times (B - zero points) * scales; an `accuracy_level` of 4 allows int8 for A, in blocks.

    https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.MatMulNBits
    """
    if weight_prepacked:
        raise ValueError("weight_prepacked is a layout of CUDA; only 0 is known on the CPU")
    if bits not in (2, 4, 8):
        raise ValueError(f"bits must be 2, 4 or 8, got {bits}")
    if A.shape[-1] != K:
        raise ValueError(f"the last dimension of A must be K = {K}, got A {A}")
    rows, blocks = prod(A.shape[:-1]), -(-K // block_size)
    shape = [*A.shape[:-1], N]
    wide_bias = None if bias is None else cast_tensor(bias, F32)
    if any(same(size, 0) for size in B.shape):
        empty = constant(np.zeros((), A.dtype)) if bias is None else bias
        return empty.expand(shape)
    a = cast_tensor(A.reshape([rows, K]), F32)
    packed = _matrix("B", B, N, blocks * block_size * bits // 8)
    factors = _matrix("scales", scales, N, blocks)
    zeros = zero_points
    if zeros is not None:
        zeros = _matrix("zero_points", zeros, N, -(-blocks * bits // 8) if zeros.dtype == U8 else blocks)
    if g_idx is None and all(t is None or _is_constant(t) for t in (packed, factors, zeros)):
        y = _block_product(a, packed, factors, zeros, wide_bias, bits, accuracy_level)
    else:
        weights = _dequantized(packed, factors, zeros, g_idx, K, bits, block_size)
        y = matmul_tensors(a, weights.permute((1, 0)), wide_bias)
    return cast_tensor(y, A.dtype).reshape(shape)


def _matrix(name: str, t: Tensor, rows: int, columns: int) -> Tensor:
    """The tensor as [rows, columns]. Raises ValueError where it has another number of elements."""
    if t.size != rows * columns:
        raise ValueError(f"{name} must have {rows} x {columns} elements, got {t}")
    return t.reshape([rows, columns])


def _is_constant(t: Tensor) -> bool:
    return isinstance(t.source, Constant) and not t.symbolic


def _block_product(
    a: Tensor,
    packed: Tensor,
    scales: Tensor,
    zeros: Tensor | None,
    bias: Tensor | None,
    bits: int,
    accuracy_level: int,
) -> Tensor:
    """The product by the kernel that reads packed weights; A is padded to whole blocks."""
    rows, k, blocks = a.shape[0], int(a.shape[1]), int(scales.shape[1])
    size = int(packed.shape[1]) * 8 // bits // blocks
    missing = blocks * size - k
    if missing:
        a = concatenate([a, constant(np.zeros((), np.float32)).expand([rows, missing])], 1)
    a, factors = a.reshape([rows, blocks, size]), None
    if accuracy_level == 4 and takes_integers(host()):
        a, factors = _rounded(a)
    sums = reduce_tensor(cast_tensor(a, I32) if factors is not None else a, "sum", [2])
    assert packed.value is not None
    assert scales.value is not None
    points = None if zeros is None else zeros.value
    return BlockQuantizedProduct(
        a.reshape([rows, blocks * size]),
        cast_tensor(sums, F32).reshape([rows, blocks]),
        None if factors is None else factors.reshape([rows, blocks]),
        packed.value,
        scales.value,
        points,
        bias,
        bits,
    ).outputs[0]


def _rounded(a: Tensor) -> tuple[Tensor, Tensor]:
    """Blocks [..., size] as int8 numbers times a scale for each; the largest becomes 127 or -127."""
    top = reduce_tensor(map_tensors(absolute, a), "max", [a.ndim - 1])
    scale = map_tensors(lambda t: t / 127, top)
    whole = map_tensors(lambda x, t: cast(rint(x * where(eq(t, 0), t, 127 / t)), I8), a, top)
    return whole, scale


def _dequantized(
    packed: Tensor, scales: Tensor, zeros: Tensor | None, g_idx: Tensor | None, k: int, bits: int, block: int
) -> Tensor:
    """The weights float32 [n, k]; `g_idx` names the block whose scale and zero point an input feature has."""
    n, blocks = packed.shape[0], scales.shape[1]
    numbers = unpack(packed, bits)
    if zeros is not None and zeros.dtype == U8:
        zeros = unpack(zeros, bits).slice(1, 0, blocks)
    parameters = [scales] if zeros is None else [scales, zeros]
    if g_idx is None:
        numbers, wanted = numbers.reshape([n, blocks, block]), [t.unsqueeze(2) for t in parameters]
    else:
        groups = g_idx.slice(0, 0, k)
        numbers, wanted = numbers.slice(1, 0, k), [gather(t, groups, axis=1) for t in parameters]

    def dequantize(q: Expr, scale: Expr, zero: Expr | None = None) -> Expr:
        middle = 2.0 ** (bits - 1) if zero is None else cast(zero, F32)
        return (cast(q, F32) - middle) * cast(scale, F32)

    real = map_tensors(dequantize, numbers, *wanted)
    return real if g_idx is not None else real.reshape([n, blocks * block]).slice(1, 0, k)


def unpack(packed: Tensor, bits: int) -> Tensor:
    """Numbers of `bits` bits in the bytes [..., n], low bits first, as uint8 [..., 8 / bits * n]."""
    if bits == 8:
        return packed
    *lead, n = packed.shape
    each = 8 // bits

    def number(*operands: Expr) -> Expr:
        position, byte = cast(operands[-2], I32), cast(operands[-1], I32)
        return cast((byte >> (position * bits)) & ((1 << bits) - 1), U8)

    return map_indices(number, (*lead, n, each), packed.unsqueeze(packed.ndim)).reshape([*lead, n * each])
