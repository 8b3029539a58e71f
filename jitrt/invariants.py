"""What follows from constants alone, where kernels must compute it: that is done once, not in every run.

Exporters leave such nodes where PyTorch computes tables on the way: positions scattered into an index,
embeddings resized to an image.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from jitrt.calls import NumbaCall
from jitrt.dims import Dim
from jitrt.reach import reachable
from jitrt.tensor import Constant, Input, Map, Output, Reduce, Tensor, View, operands_of

Compute = Callable[[list[Tensor]], Sequence[np.ndarray[Any, Any]] | None]


def compute_invariants(outputs: Collection[Tensor], compute: Compute) -> None:
    """Make constants of the tensors under `outputs` that no input decides on and that kernels compute.

    `compute` gives the values of tensors, or None where a kernel fails: the run that comes to it says so.
    """
    tensors = reachable(list(outputs))[::-1]
    made: dict[int, bool] = {}  # invariant tensors; whether a kernel of their own computes them
    for tensor in tensors:
        if _is_invariant(tensor, made):
            below = [made[t.serial] for t in operands_of(tensor) if t is not None]
            made[tensor.serial] = isinstance(tensor.source, (Output, Reduce)) or any(below)
    if not any(made.values()):
        return
    others = [tensor for tensor in tensors if tensor.serial not in made]
    read = [t for tensor in others for t in operands_of(tensor) if t is not None]
    found: dict[int, Tensor] = {}
    for tensor in [*read, *outputs]:
        base = _smallest(tensor)
        if made.get(base.serial):
            found[base.serial] = base
    wanted = list(found.values())
    values = compute(wanted) if wanted else None
    for tensor, value in zip(wanted, values or (), strict=False):
        tensor.source, tensor.value = Constant(), value


def _is_invariant(tensor: Tensor, made: dict[int, bool]) -> bool:
    """Whether the tensor has known sizes and follows from tensors in `made` and constants."""
    source = tensor.source
    if isinstance(source, Constant):
        return not tensor.symbolic
    if isinstance(source, Input) or any(t is not None and t.serial not in made for t in operands_of(tensor)):
        return False
    sizes: list[Any] = list(tensor.shape)
    if isinstance(source, View) and source.kind == "slice":
        sizes += source.parameters
    if isinstance(source, Output):
        call = source.call
        if not isinstance(call, NumbaCall):
            return False
        sizes += [*call.scalars, call.extent, call.scratch]
    return not any(isinstance(size, Dim) for size in sizes)


def _smallest(tensor: Tensor) -> Tensor:
    """The tensor, or what it shows or spreads: a constant is no larger than what it is made of."""
    while isinstance(tensor.source, View) or (
        isinstance(tensor.source, Map)
        and len(tensor.source.operands) == 1
        and tensor.size != tensor.source.operands[0].size
    ):
        (tensor,) = operands_of(tensor)
    return tensor
