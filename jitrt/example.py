"""Inputs for a model, made from what it declares about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jitrt.errors import InvalidArgument
from jitrt.session import InferenceSession
from jitrt.types import STRING, TensorType


def example_inputs(
    session: InferenceSession, shapes: Mapping[str, Sequence[int]] | None = None
) -> dict[str, np.ndarray[Any, Any]]:
    """Zeros (empty strings) for every input that a call must give.

    `shapes` gives inputs by name their shape, and symbolic dimensions by name their size, as a shape of one
    number; a dimension that nothing is said about has size 1. Raises InvalidArgument for an unknown name, and
    for an input that is no tensor.
    """
    known, sizes = set(), dict(shapes or {})
    arrays = {}
    for argument in session.get_inputs():
        declared = session.graph.types.get(argument.name)
        if not isinstance(declared, TensorType):
            raise InvalidArgument(f"input {argument.name} is {declared}: only tensors can be made up")
        known.add(argument.name)
        known.update(d for d in declared.shape or () if isinstance(d, str))
        shape = sizes.get(argument.name)
        if shape is None:
            shape = [_size(d, sizes) for d in declared.shape or ()]
        empty = "" if declared.dtype == STRING else 0
        arrays[argument.name] = np.full(tuple(shape), empty, declared.dtype)
    for name in sizes:
        if name not in known:
            choice = ", ".join(sorted(known)) or "none"
            raise InvalidArgument(f"no input and no dimension is named {name}; there are: {choice}")
    return arrays


def _size(dimension: int | str | None, sizes: Mapping[str, Sequence[int]]) -> int:
    if isinstance(dimension, str) and dimension in sizes:
        if len(sizes[dimension]) != 1:
            raise InvalidArgument(f"dimension {dimension} has one size, got {list(sizes[dimension])}")
        return sizes[dimension][0]
    return dimension if isinstance(dimension, int) else 1
