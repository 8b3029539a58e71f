"""Matrix products of 8-bit integers with zero points, exact in int32.

Kernels multiply uint8 by int8. Other operands, and their zero points, are moved by 128 first, which cancels;
zero points are then accounted for by what they add to the kernel's sums:

    (A - a)(B - b) = A B - a sum(B over k) - b sum(A over k) + k a b

Sums over a constant B are constants, and the terms ride on the kernel as its epilogue.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jitrt.calls import cast_tensor
from jitrt.codegen.dot_gemm import dot_matmul_step
from jitrt.codegen.gemm import PackedMatrix
from jitrt.codegen.kernel import Ref, Step
from jitrt.codegen.product import Matrix
from jitrt.codegen.weights import pack_matrix_groups
from jitrt.constants import Packed, packed_constant
from jitrt.dims import same
from jitrt.products import MatrixProduct
from jitrt.tensor import Dtype, Tensor, Value, constant, map_tensors, reduce_tensor, sizes
from jitrt.types import I8, I32, U8

MIDDLE = 128


def integer_product(
    a: Tensor, b: Tensor, a_zero: Tensor | None = None, b_zero: Tensor | None = None
) -> Tensor:
    """`(A - a_zero) (B - b_zero)` as int32 with NumPy's rules for matmul; sums wrap around.

    A and B are int8 or uint8. Zero points are scalars, or one a row of A ([m] or [..., m, 1]) and one a
    column of B ([n] or [..., 1, n]). Raises ValueError where inner dimensions differ.
    """
    if a.ndim == 0 or b.ndim == 0:
        raise ValueError(f"a product needs vectors or matrices, got {a} and {b}")
    left, right = a.unsqueeze(0) if a.ndim == 1 else a, b.unsqueeze(1) if b.ndim == 1 else b
    if left.shape[-1] != right.shape[-2]:
        raise ValueError(f"inner dimensions differ: A {a}, B {b}")
    rows, row_zero = as_unsigned(left), moved_zero(a_zero if a_zero is None else per_row(a_zero), a.dtype, U8)
    columns, column_zero = as_signed(right), moved_zero(b_zero, b.dtype, I8)
    y = IntegerProduct(rows, columns).outputs[0]
    if not is_zero(row_zero):
        y = less_product(y, row_zero, sum_wide(columns, columns.ndim - 2))
    if not is_zero(column_zero):
        total = sum_wide(rows, rows.ndim - 1)
        depth = cast_tensor(sizes([rows.shape[-1]]), I32)
        centred = map_tensors(lambda t, d, z: t - d * z, total, depth, row_zero)
        y = less_product(y, centred, column_zero)
    dropped = [*([y.ndim - 2] if a.ndim == 1 else []), *([y.ndim - 1] if b.ndim == 1 else [])]
    return y.squeeze(*dropped) if dropped else y


def sum_wide(x: Tensor, axis: int) -> Tensor:
    """The int32 sums of bytes along an axis, which stays with size 1."""
    if x.value is not None and not x.symbolic:  # without a copy of them that is four times as large
        return constant(x.value.sum(axis, I32, keepdims=True))
    return reduce_tensor(cast_tensor(x, I32), "sum", [axis])


def per_row(parameter: Tensor) -> Tensor:
    """A vector of one number a row as a column; scalars and tensors of more dimensions as they are."""
    if parameter.ndim != 1 or same(parameter.shape[0], 1):
        return parameter
    return parameter.unsqueeze(1)


def as_unsigned(x: Tensor) -> Tensor:
    """uint8 as it is; int8 moved up by 128."""
    return x if x.dtype == U8 else _flipped(x, U8)


def as_signed(x: Tensor) -> Tensor:
    """int8 as it is; uint8 moved down by 128."""
    return x if x.dtype == I8 else _flipped(x, I8)


def _flipped(x: Tensor, dtype: Dtype) -> Tensor:
    return map_tensors(lambda v: v ^ MIDDLE, x.reinterpret(U8)).reinterpret(dtype)


def moved_zero(zero: Tensor | None, own: Dtype, wanted: Dtype) -> Tensor:
    """The int32 zero point of numbers that were moved from their own type to the wanted one."""
    shift = 0 if own == wanted else MIDDLE if wanted == U8 else -MIDDLE
    if zero is None:
        return constant(np.array(shift, np.int32))
    wide = cast_tensor(zero, I32)
    return map_tensors(lambda z: z + shift, wide) if shift else wide


def is_zero(x: Tensor) -> bool:
    """Whether the tensor is known to be zeros."""
    return x.value is not None and not x.symbolic and not x.value.any()


def less_product(y: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """y - a b; a product of constants is a constant."""
    if a.value is not None and b.value is not None:
        return map_tensors(lambda v, p: v - p, y, map_tensors(lambda p, q: p * q, a, b))
    return map_tensors(lambda v, p, q: v - p * q, y, a, b)


class IntegerProduct(MatrixProduct):
    """`Y[..., m, n] = A[..., m, k] B[..., k, n]` in int32, for uint8 A and int8 B."""

    name = "MatMulInteger"

    def __init__(self, a: Tensor, b: Tensor) -> None:
        super().__init__(a, b, None, I32)

    def pack(self, b: Value) -> Packed:
        """A constant B as groups along k."""
        return packed_constant(b, "groups", pack_matrix_groups)

    def reference(self, inputs: Sequence[Value | None]) -> list[Value]:
        """NumPy's product in int32."""
        a = inputs[0]
        b = inputs[1] if self.packed is None else self.packed.source
        assert a is not None
        assert b is not None
        return [a.astype(np.int32) @ b.astype(np.int32)]

    def kernel_step(
        self, a: Matrix, b: Matrix | PackedMatrix, y: Matrix, bias: Ref | None, more: dict[str, Any]
    ) -> Step:
        """The step of an integer product."""
        return dot_matmul_step(a, b, y, **more)
