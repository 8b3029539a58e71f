"""Rotary position embedding."""

from __future__ import annotations

from jitrt.dims import hint
from jitrt.expr import Expr
from jitrt.opdef import operator
from jitrt.tensor import Tensor, map_indices

from ._rotary import rotate
from ._shared import size_tensor


@operator("RotaryEmbedding", since=23)
def rotary_embedding(
    X: Tensor,
    cos_cache: Tensor,
    sin_cache: Tensor,
    position_ids: Tensor | None = None,
    *,
    interleaved: int = 0,
    num_heads: int | None = None,
    rotary_embedding_dim: int = 0,
) -> Tensor:
    """Rotate pairs of channels by angles of their position.

    https://onnx.ai/onnx/operators/onnx__RotaryEmbedding.html
    """
    packed = X.ndim == 3
    if packed and not num_heads:
        raise ValueError(f"num_heads must be given for an input of 3 dimensions, got {X}")
    batch, s = X.shape[0], X.shape[1 if packed else 2]
    x = X.reshape([batch, s, num_heads or 1, X.shape[2] // (num_heads or 1)]) if packed else X
    half = (rotary_embedding_dim or x.shape[3]) // 2
    for name, cache in (("cos", cos_cache), ("sin", sin_cache)):
        if cache.shape[-1] != half:
            raise ValueError(f"{name}_cache has {hint(cache.shape[-1])} columns, expected {hint(half)}")
    if position_ids is None:
        cos_cache, sin_cache = (t.reshape([batch * s, half]) for t in (cos_cache, sin_cache))
        position_ids = map_indices(_row, (batch, s), size_tensor(s))
    positions = position_ids.reshape([batch, s, 1] if packed else [batch, s])
    return rotate(x, cos_cache, sin_cache, positions, interleaved=bool(interleaved)).reshape(X.shape)


def _row(b: Expr, i: Expr, s: Expr) -> Expr:
    """The row of position i in caches that have rows for each element of the batch."""
    return b * s + i
