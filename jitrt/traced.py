"""What a walk over nodes is given, and what it makes of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from jitrt.dims import Guards, Size
from jitrt.graph import Node
from jitrt.tensor import Tensor

Kind = tuple[np.dtype[Any], tuple[Size, ...]]  # an element type and a shape


@dataclass
class Trace:
    """The tensors of one segment, and what it leaves to the program after it.

    `hosts` are host operators, which are called between the two, in order; the first one of the rest may need
    the values of the tensors `wanted` to go on.
    """

    inputs: list[Tensor]
    outputs: dict[str, Tensor]
    symbols: dict[str, tuple[int, int | None, int]]  # name -> (input, axis or None for the value, flat index)
    guards: Guards
    hosts: list[Node] = field(default_factory=list)
    rest: list[Node] = field(default_factory=list)
    wanted: list[Tensor] = field(default_factory=list)
    read_later: set[str] = field(default_factory=set)  # by the rest, or as an output

    @property
    def stop(self) -> Node | None:
        """The first operator that must see data."""
        return next(iter([*self.hosts, *self.rest]), None)


@dataclass(eq=False)
class TracedBody:
    """A graph attribute as tensors. Its inputs are those that its operator gives it, then the `captures`.

    A capture is a tensor of the graphs around the body, as they know it.
    """

    inputs: list[Tensor]
    outputs: list[Tensor]
    captures: list[Tensor]
