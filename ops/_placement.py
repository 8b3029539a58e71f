"""Where the elements of a tensor will lie, as far as its source tells."""

from __future__ import annotations

from jitrt.dims import same
from jitrt.tensor import Concat, Map, Tensor, View


def innermost_axis(t: Tensor) -> int:
    """The axis along which neighbours will be neighbours in memory; the last where the source does not tell.

    Maps and concatenations keep the order of what they read, kernels write the last axis of their results.
    """
    match t.source:
        case View(base=base, kind="permute", parameters=order):
            return order.index(innermost_axis(base))
        case View(base=base, kind=kind) if kind != "reshape" and base.ndim == t.ndim:
            return innermost_axis(base)
        case Map(operands=operands) | Concat(operands=operands):
            alike = (o for o in operands if o.ndim == t.ndim and o.value is None)
            first = next((o for o in alike if not any(map(_repeats, o.shape, t.shape))), None)
            return t.ndim - 1 if first is None else innermost_axis(first)
    return t.ndim - 1


def _repeats(size: object, whole: object) -> bool:
    return same(size, 1) and not same(whole, 1)  # type: ignore[arg-type]


def is_channels_first(t: Tensor) -> bool:
    """Whether [N, C, ...] will lie with its last axis innermost, not its channels."""
    return t.ndim > 2 and innermost_axis(t) == t.ndim - 1
