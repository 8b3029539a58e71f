"""Attention whose projection is a product of 8-bit matrices."""

from __future__ import annotations

from jitrt.calls import cast_tensor
from jitrt.dims import Size
from jitrt.opdef import operator
from jitrt.tensor import Tensor, concatenate

from .._attention import attend, join_heads, key_range, split_heads
from ._attention import added_mask
from ._quantized import MICROSOFT, scalar
from .attention import FILL, _rotated
from .quantized_matmul import scaled_product


@operator("QAttention", since=1, domain=MICROSOFT)
def qattention(
    input: Tensor,
    weight: Tensor,
    bias: Tensor,
    input_scale: Tensor,
    weight_scale: Tensor,
    mask_index: Tensor | None = None,
    input_zero_point: Tensor | None = None,
    weight_zero_point: Tensor | None = None,
    past: Tensor | None = None,
    *,
    num_heads: int,
    do_rotary: int = 0,
    mask_filter_value: float = FILL,
    past_present_share_buffer: int = 0,
    scale: float | None = None,
    unidirectional: int = 0,
) -> tuple[Tensor, Tensor]:
    """Project the input to queries, keys and values, and attend; the cache is [2, batch, heads, t, d].

    https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.QAttention
    """
    if past_present_share_buffer:
        raise ValueError(
            "past_sequence_length tensor must be of one element when past_present_share_buffer is set"
        )
    projected = scaled_product(
        input, weight, scalar(input_scale), weight_scale, scalar(input_zero_point), weight_zero_point, bias
    )
    hidden = int(weight.shape[1]) // 3
    q, k, v = (split_heads(projected.slice(2, i * hidden, hidden), num_heads) for i in range(3))
    batch, queries = input.shape[0], input.shape[1]
    offset: Size = 0 if past is None else past.shape[3]
    if do_rotary:
        size = int(q.shape[3])
        q, k = _rotated(q, offset, size), _rotated(k, offset, size)
    present = concatenate([k.unsqueeze(0), v.unsqueeze(0)], 0)
    if past is not None:
        present = concatenate([past, present], 3)
        k, v = (present.slice(0, i, 1).squeeze(0) for i in range(2))
    keys = offset + queries
    if mask_index is not None and mask_index.ndim == 2 and mask_index.shape[1] == 1:
        mask_index = None  # a placeholder; over a single key it would add nothing either
    mask = added_mask(
        mask_index,
        None,
        batch=batch,
        queries=queries,
        past=offset,
        keys=keys,
        fill=mask_filter_value,
    )
    causal = key_range(queries, offset, causal=bool(unidirectional))
    stages = attend(q, k, v, scale=scale or None, mask=mask, keys=causal)
    return join_heads(cast_tensor(stages.y, bias.dtype)), present
