"""Placed tensors: where each element of a tensor lies, and which views strides can express."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from jitrt.codegen.kernel import Buffer, Ref
from jitrt.dims import Size, hint, prod, same


class Array(NamedTuple):
    """Memory that holds a tensor: its element type, shape, strides in elements, and first element."""

    dtype: np.dtype[Any]
    shape: tuple[Size, ...]
    strides: tuple[Size, ...]
    ref: Ref

    @property
    def dense(self) -> bool:
        """Whether the elements lie in row-major order without gaps; decides by guards where it must."""
        return is_dense(self.shape, self.strides)

    def view(self, kind: str, parameters: Any, shape: tuple[Size, ...]) -> Array | None:
        """The array after a movement (see `tensor.View`), or None where only a copy can do it."""
        if kind == "reinterpret":
            return self
        if kind == "permute":
            return self._replace(shape=shape, strides=tuple(self.strides[i] for i in parameters))
        if kind == "expand":
            return self._replace(shape=shape, strides=broadcast_strides(self.shape, self.strides, shape))
        if kind == "slice":
            axis, start, step = parameters
            stride = self.strides[axis]
            strides = (*self.strides[:axis], stride * step, *self.strides[axis + 1 :])
            offset = self.ref.offset + start * stride * self.dtype.itemsize
            return self._replace(shape=shape, strides=strides, ref=Ref(self.ref.buffer, offset))
        split = reshape_strides(self.shape, self.strides, shape)
        return None if split is None else self._replace(shape=shape, strides=split)


def constant_array(value: np.ndarray[Any, Any]) -> Array:
    """The array of known values, where they are."""
    strides = tuple(s // max(value.itemsize, 1) for s in value.strides)
    return Array(value.dtype, value.shape, strides, Ref(Buffer("constant", value.nbytes, value)))


def dense_strides(shape: Sequence[Size], order: Sequence[int] | None = None) -> tuple[Size, ...]:
    """Strides, in elements, of a gapless array whose dimensions lie in `order`, outermost first."""
    strides: list[Size] = [1] * len(shape)
    step: Size = 1
    for axis in reversed(range(len(shape)) if order is None else order):
        strides[axis] = step
        step = step * shape[axis]
    return tuple(strides)


def is_dense(shape: Sequence[Size], strides: Sequence[Size]) -> bool:
    """Whether the strides are those of a row-major array, sizes of 1 aside; an empty one has any."""
    if any(same(size, 0) for size in shape):
        return True
    step: Size = 1
    for size, stride in zip(reversed(shape), reversed(strides), strict=True):
        if same(size, 1):
            continue
        if not _equal_here(stride, step):
            return False
        step = step * size
    return True


def rows_are_even(shape: Sequence[Size], strides: Sequence[Size]) -> bool:
    """Whether the rows, along the last dimension, are dense and all lie equally far apart."""
    if len(shape) < 2 or not same(strides[-1], 1) or same(shape[-2], 1):
        return False
    step = strides[-2]
    for size, inner, stride in zip(shape[-3::-1], shape[-2:0:-1], strides[-3::-1], strict=True):
        step = step * inner
        if not same(size, 1) and not _equal_here(stride, step):
            return False
    return True


def _equal_here(a: Size, b: Size) -> bool:
    """Whether two sizes are equal; a guard is recorded only where they are so by chance, in this call."""
    return same(a, b) or (hint(a) == hint(b) and a == b)


def broadcast_strides(
    shape: Sequence[Size], strides: Sequence[Size], target: Sequence[Size]
) -> tuple[Size, ...]:
    """Strides of the array broadcast to `target`: 0 along dimensions it repeats in."""
    lead = len(target) - len(shape)
    own = zip(shape, strides, strict=True)
    return (0,) * lead + tuple(0 if same(size, 1) else stride for size, stride in own)


def reshape_strides(
    shape: Sequence[Size], strides: Sequence[Size], target: Sequence[Size]
) -> tuple[Size, ...] | None:
    """Strides that read the array as `target` in row-major order, or None where none do."""
    if any(same(s, 0) for s in shape):
        return dense_strides(target)
    old = [(s, t) for s, t in zip(shape, strides, strict=True) if not same(s, 1)]
    position = 0
    pending = [t for t in target if not same(t, 1)]
    split: list[Size] = []
    while pending and position < len(old):
        first, last = position, position + 1
        have: Size = old[first][0]
        taken, need = 1, pending[0]
        while not _equal_here(have, need):
            if hint(have) < hint(need):
                if last == len(old):
                    return None
                have = have * old[last][0]
                last += 1
            else:
                if taken == len(pending):
                    return None
                need = need * pending[taken]
                taken += 1
        for (_, outer), (size, inner) in zip(old[first : last - 1], old[first + 1 : last], strict=True):
            if not _equal_here(outer, inner * size):
                return None
        step = old[last - 1][1]
        block: list[Size] = []
        for size in reversed(pending[:taken]):
            block.insert(0, step)
            step = step * size
        split += block
        pending, position = pending[taken:], last
    if position < len(old) or pending:
        return None
    steps = iter(split)
    return tuple(0 if same(size, 1) else next(steps) for size in target)


def layout_order(shape: Sequence[Size], strides: Sequence[Size]) -> list[int]:
    """The dimensions from the outermost in memory inwards; those of size 1 or stride 0 keep their place."""
    order = [a for a in range(len(shape)) if not same(shape[a], 1) and not same(strides[a], 0)]
    slots = sorted(order)
    ranked = iter(sorted(order, key=lambda a: -abs(hint(strides[a]))))
    result = list(range(len(shape)))
    for slot in slots:
        result[slot] = next(ranked)
    return result


def nbytes(dtype: np.dtype[Any], shape: Sequence[Size]) -> Size:
    """Bytes of a dense array."""
    return prod(shape) * dtype.itemsize
