"""Matrix products of 8-bit integers with zero points, exact in int32."""

from __future__ import annotations

from jitrt.calls import cast_tensor
from jitrt.dims import same
from jitrt.products import MatrixProduct
from jitrt.tensor import Tensor, map_tensors
from jitrt.types import I32


def integer_product(
    a: Tensor, b: Tensor, a_zero: Tensor | None = None, b_zero: Tensor | None = None
) -> Tensor:
    """`(A - a_zero) (B - b_zero)` as int32 with NumPy's rules for matmul; sums wrap around.

    A and B are int8 or uint8. Zero points are scalars, or one a row of A ([m] or [..., m, 1]) and one a
    column of B ([n] or [..., 1, n]). Raises ValueError where inner dimensions differ.
    """
    if a.ndim == 0 or b.ndim == 0:
        raise ValueError(f"a product needs vectors or matrices, got {a} and {b}")
    left = a.unsqueeze(0) if a.ndim == 1 else a
    right = b.unsqueeze(1) if b.ndim == 1 else b
    if left.shape[-1] != right.shape[-2]:
        raise ValueError(f"inner dimensions differ: A {a}, B {b}")
    y = MatrixProduct(
        _shifted(left, a_zero if a_zero is None else per_row(a_zero)), _shifted(right, b_zero), None, I32
    ).outputs[0]
    dropped = [*([y.ndim - 2] if a.ndim == 1 else []), *([y.ndim - 1] if b.ndim == 1 else [])]
    return y.squeeze(*dropped) if dropped else y


def per_row(parameter: Tensor) -> Tensor:
    """A vector of one number a row as a column; scalars and tensors of more dimensions as they are."""
    if parameter.ndim != 1 or same(parameter.shape[0], 1):
        return parameter
    return parameter.unsqueeze(1)


def _shifted(x: Tensor, zero: Tensor | None) -> Tensor:
    wide = cast_tensor(x, I32)
    return wide if zero is None else map_tensors(lambda v, z: v - z, wide, cast_tensor(zero, I32))
