"""Rotary position embedding."""

from __future__ import annotations

from jitrt.expr import Expr, cast
from jitrt.opdef import operator
from jitrt.tensor import Tensor, map_indices
from jitrt.types import I64

from .._rotary import rotate


@operator("RotaryEmbedding", since=1, domain="com.microsoft")
def rotary_embedding(
    input: Tensor,
    position_ids: Tensor,
    cos_cache: Tensor,
    sin_cache: Tensor,
    *,
    interleaved: int = 0,
    is_packed_batching: int = 0,
    num_heads: int = 0,
    rotary_embedding_dim: int = 0,
    scale: float = 1.0,
) -> Tensor:
    """Rotate pairs of channels by angles of their position; one position id is that of every first token.

    onnxruntime reads `scale` and `is_packed_batching` and computes the same for all their values.
    https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.RotaryEmbedding
    """
    if rotary_embedding_dim and not num_heads:
        raise ValueError("num_heads must be provided if rotary_embedding_dim is specified")
    packed = input.ndim == 3
    batch, s = input.shape[0], input.shape[1 if packed else 2]
    x = input
    if packed:
        hidden = int(input.shape[2])
        size = hidden // num_heads if num_heads else 2 * int(cos_cache.shape[1])
        x = input.reshape([batch, s, hidden // size, size])
    if position_ids.ndim == 1:
        position_ids = map_indices(_consecutive, (batch, s), position_ids.slice(0, 0, 1).reshape([]))
    positions = position_ids.reshape([batch, s, 1] if packed else [batch, s])
    return rotate(x, cos_cache, sin_cache, positions, interleaved=bool(interleaved)).reshape(input.shape)


def _consecutive(b: Expr, i: Expr, first: Expr) -> Expr:
    """The position of token i where the first token's is given."""
    return cast(first, I64) + i
