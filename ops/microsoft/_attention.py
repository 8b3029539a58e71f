"""What attention operators of com.microsoft share: masks in all their forms, and buffers of fixed length."""

from __future__ import annotations

from jitrt.dims import Size
from jitrt.expr import Expr, cast, const, where
from jitrt.tensor import Tensor, concatenate, map_indices, map_tensors
from jitrt.types import F32, I64


def added_mask(
    mask: Tensor | None,
    bias: Tensor | None,
    *,
    batch: Size,
    queries: Size,
    past: Size,
    keys: Size,
    fill: float,
) -> Tensor | None:
    """What is added to the scores [batch, heads, queries, keys]: `fill` where the mask is 0, and the bias.

    The mask is [batch, keys], [batch, queries, keys], [batch, 1, positions, positions], or lengths.
    Raises ValueError for another shape.
    """
    if mask is None:
        return bias
    if mask.ndim == 1:
        added = _beyond_lengths(mask, batch, keys, fill)
    elif mask.ndim > 4:
        raise ValueError(f"a mask has 1 to 4 dimensions, got {mask}")
    else:
        if mask.ndim == 4:
            mask = mask.slice(2, past, queries).slice(3, 0, keys)
        if mask.shape[-1] != keys:
            raise ValueError(f"the mask {mask} is not for {keys} keys")
        missing = range(1, 5 - mask.ndim)
        added = map_tensors(lambda m: where(m > 0, const(0, F32), fill), mask.unsqueeze(*missing))
    return added if bias is None else map_tensors(lambda m, b: m + cast(b, F32), added, bias)


def _beyond_lengths(mask: Tensor, batch: Size, keys: Size, fill: float) -> Tensor:
    """0 from the start to the end of each sequence, else `fill`, [batch, 1, 1, keys].

    The mask holds ends; ends and starts; or ends and, which adds nothing to them, cumulated lengths.
    """
    count = mask.shape[0]
    if count != batch and count != 2 * batch and count != 3 * batch + 2:
        raise ValueError(f"the mask {mask} is not for a batch of {batch}")
    bounds = [mask.slice(0, 0, batch).reshape([batch, 1, 1, 1])]
    if count == 2 * batch:
        bounds.append(mask.slice(0, batch, batch).reshape([batch, 1, 1, 1]))

    def choose(b: Expr, h: Expr, i: Expr, key: Expr, end: Expr, *start: Expr) -> Expr:
        outside = key >= cast(end, I64)
        for first in start:
            outside = outside | (key < cast(first, I64))
        return where(outside, const(fill, F32), 0)

    return map_indices(choose, (batch, 1, 1, keys), *bounds)


def overwrite(buffer: Tensor, new: Tensor, start: Size) -> Tensor:
    """The buffer [batch, heads, capacity, d] with new rows from `start` on."""
    end, capacity = start + new.shape[2], buffer.shape[2]
    if end > capacity:
        raise ValueError(f"{new.shape[2]} rows after {start} do not fit into a buffer of {capacity}")
    return concatenate([buffer.slice(2, 0, start), new, buffer.slice(2, end, capacity - end)], 2)
