"""Positions where a mask holds: counted by blocks, so that every block knows where its own ones go."""

from __future__ import annotations

from jitrt.calls import launch
from jitrt.dims import Size
from jitrt.tensor import Tensor, known_with, sizes
from jitrt.types import I64

BLOCK = 4096


def count_marks(mask: Tensor, *kept: Tensor) -> tuple[Size, tuple[Tensor, ...]]:
    """How many elements of a vector hold; then the vector, `block_starts` of it, and the tensors `kept`.

    The number depends on data: it ends the segment, which computes all of them for the next one.
    """
    starts = block_starts(mask)
    total = starts.slice(0, starts.shape[0] - 1, 1)
    value, tensors = known_with(total, mask, starts, *kept)
    return value.item(), tensors


def block_starts(mask: Tensor) -> Tensor:
    """How many elements of a vector hold before each block, and in all."""
    blocks = (mask.shape[0] + BLOCK - 1) // BLOCK
    (counts,) = launch(count_in_blocks, mask, outputs=[(I64, [blocks])], extent=blocks)
    (starts,) = launch(running_sum, counts, outputs=[(I64, [blocks + 1])], extent=1)
    return starts


def marked_indices(mask: Tensor, starts: Tensor, count: Size, shape: tuple[Size, ...]) -> Tensor:
    """The indices [rank, count] of a tensor of that shape where its elements, `mask`, hold."""
    (indices,) = launch(
        write_indices,
        mask,
        starts,
        sizes(shape),
        outputs=[(I64, [len(shape), count])],
        extent=starts.shape[0] - 1,
    )
    return indices


def count_in_blocks(counts, mask, begin, end):
    """How many elements hold in each block."""
    for b in range(begin, end):
        count = 0
        for i in range(b * BLOCK, min((b + 1) * BLOCK, mask.size)):
            count += mask[i]
        counts[b] = count


def running_sum(starts, counts, begin, end):
    """The sums of the counts before each, and of all."""
    total = 0
    for b in range(counts.size):
        starts[b] = total
        total += counts[b]
    starts[counts.size] = total


def write_indices(Y, mask, starts, shape, begin, end):
    """Y[:, k] is the index of the k-th element that holds; a unit is a block.

    A row is written first as its positions in the last axis; its other indices are the same all along.
    """
    last = shape.size - 1
    inner = shape[last]
    for b in range(begin, end):
        k, stop = starts[b], starts[b + 1]
        i = b * BLOCK
        while k < stop:
            row, j = i // inner, i % inner
            first = k
            while j < inner and k < stop:
                Y[last, k] = j
                k += mask[i]
                i += 1
                j += 1
            for axis in range(last - 1, -1, -1):
                index = row % shape[axis]
                row //= shape[axis]
                for n in range(first, k):
                    Y[axis, n] = index


def pick_marked(Y, X, mask, starts, begin, end):
    """Y[o, k] is the k-th element of X[o] that holds; a unit is a block of a row."""
    blocks = starts.size - 1
    for unit in range(begin, end):
        o, b = unit // blocks, unit % blocks
        k, stop = starts[b], starts[b + 1]
        i = b * BLOCK
        while k < stop:
            Y[o, k] = X[o, i]
            k += mask[i]
            i += 1
