"""Determinants. https://onnx.ai/onnx/operators/onnx__Det.html"""

from jitrt.calls import cast_tensor, launch
from jitrt.dims import prod
from jitrt.opdef import operator
from jitrt.tensor import Tensor
from jitrt.types import I64

from ._lu import factorize
from ._shared import widen


@operator("Det", since=11)
def det(X: Tensor) -> Tensor:
    """The determinants of square matrices [..., n, n]. https://onnx.ai/onnx/operators/onnx__Det.html"""
    lu, pivots = lu_factors(widen(X))
    (y,) = launch(multiply_pivots, lu, pivots, outputs=[(lu.dtype, [lu.shape[0]])], extent=lu.shape[0])
    return cast_tensor(y.reshape(X.shape[:-2]), X.dtype)


def lu_factors(X: Tensor) -> tuple[Tensor, Tensor]:
    """L and U in one matrix [batch, n, n], and the row swaps [batch, n]. Raises ValueError if not square."""
    if X.ndim < 2 or X.shape[-1] != X.shape[-2]:
        raise ValueError(f"expected square matrices [..., n, n], got {X}")
    n, batch = X.shape[-1], prod(X.shape[:-2])
    shape = [batch, n, n]
    lu, pivots = launch(
        factorize,
        X.reshape(shape),
        outputs=[(X.dtype, shape), (I64, [batch, n])],
        extent=batch,
        flops=X.size * n,
    )
    return lu, pivots


def multiply_pivots(Y, LU, pivots, begin, end):
    """The product of U's diagonal, negated for each swap of rows."""
    n = LU.shape[1]
    for b in range(begin, end):
        Y[b] = 1
        for k in range(n):
            Y[b] *= LU[b, k, k] if pivots[b, k] == k else -LU[b, k, k]
