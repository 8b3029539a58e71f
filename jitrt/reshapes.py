"""Reshapes that are undone after an elementwise function: it is computed in the shape before and after.

Attention over shifted windows masks its scores in a shape of its own,

    reshape(add(reshape(scores, [b, w, heads, s, s]), mask[1, w, 1, s, s]), [b * w, heads, s, s])

which is `add(scores, mask)` with the mask repeated b times, [b * w, 1, s, s]. Such a function can be computed
together with what comes before and after it.
"""

from __future__ import annotations

from collections.abc import Sequence

from jitrt.dims import Size, hint, prod, same
from jitrt.expr import is_indexed
from jitrt.reach import reachable, users_of
from jitrt.tensor import Map, Shape, Tensor, View

Ranges = list[tuple[range, range]]


def undo_reshapes(outputs: Sequence[Tensor]) -> None:
    """Change the source of tensors that are such reshapes."""
    tensors = reachable(outputs)
    users, kept = users_of(tensors), {t.serial for t in outputs}
    for tensor in tensors:
        match tensor.source:
            case View(base=base, kind="reshape") if isinstance(base.source, Map):
                if len(users[base.serial]) > 1 or base.serial in kept or is_indexed(base.source.root):
                    continue
                if any(_before_reshape(t, tensor.shape) is not None for t in base.source.operands):
                    operands = [_in_shape(t, base.shape, tensor.shape) for t in base.source.operands]
                    known = tuple(t for t in operands if t is not None)
                    if len(known) == len(operands):
                        tensor.source = Map(base.source.root, known)


def _before_reshape(tensor: Tensor, shape: Shape) -> Tensor | None:
    """The tensor of that shape of which this one is a reshape."""
    source = tensor.source
    if isinstance(source, View) and source.kind == "reshape" and _equal(source.base.shape, shape):
        return source.base
    return None


def _in_shape(operand: Tensor, space: Shape, shape: Shape) -> Tensor | None:
    """An operand that broadcasts to `space`, reshaped so that it broadcasts to `shape`."""
    before = _before_reshape(operand, shape)
    ranges = _matching(space, shape)
    if before is not None or ranges is None:
        return before
    own: list[Size] = [*[1] * (len(space) - operand.ndim), *operand.shape]
    aligned = operand.reshape(own)
    result: list[Size] = []
    for old, new in ranges:
        if all(same(own[i], 1) for i in old):
            result += [1] * len(new)
        else:
            own[old.start : old.stop] = space[old.start : old.stop]
            result += [shape[i] for i in new]
    return aligned.expand(own).reshape(result)


def _matching(space: Shape, shape: Shape) -> Ranges | None:
    """The shortest ranges of dimensions that have the same number of elements in both shapes."""
    ranges: Ranges = []
    i, j = len(space), len(shape)
    while i or j:
        low_i, low_j = max(i - 1, 0), max(j - 1, 0)
        while not same(prod(space[low_i:i]), prod(shape[low_j:j])):
            if hint(prod(space[low_i:i])) < hint(prod(shape[low_j:j])) and low_i:
                low_i -= 1
            elif low_j:
                low_j -= 1
            elif low_i:
                low_i -= 1
            else:
                return None
        ranges.append((range(low_i, i), range(low_j, j)))
        i, j = low_i, low_j
    return ranges[::-1]


def _equal(a: Sequence[Size], b: Sequence[Size]) -> bool:
    return len(a) == len(b) and all(map(same, a, b))
