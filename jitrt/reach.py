"""What a trace's outputs need, and who reads each tensor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from jitrt.tensor import Output, Tensor, operands_of


def reachable(outputs: Sequence[Tensor]) -> list[Tensor]:
    """Everything that the outputs need, consumers first."""
    found: dict[int, Tensor] = {}
    stack = list(outputs)
    while stack:
        tensor = stack.pop()
        if tensor.serial not in found:
            found[tensor.serial] = tensor
            stack.extend(t for t in operands_of(tensor) if t is not None)
            if isinstance(tensor.source, Output):
                for sibling in tensor.source.call.outputs:
                    found.setdefault(sibling.serial, sibling)
    return [found[s] for s in sorted(found, reverse=True)]


def users_of(tensors: Iterable[Tensor]) -> dict[int, list[Tensor]]:
    """The tensors that read each tensor, by its serial."""
    users: dict[int, list[Tensor]] = {t.serial: [] for t in tensors}
    for tensor in tensors:
        for operand in dict.fromkeys(t for t in operands_of(tensor) if t is not None):
            users[operand.serial].append(tensor)
    return users
