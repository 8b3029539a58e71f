"""A walk over nodes, decided: what runs natively, for which calls, and what is left after it.

A segment is data. It pickles, and another process runs it without a trace.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from jitrt.dims import compile_guards
from jitrt.graph import Node
from jitrt.plan import Recipe
from jitrt.types import STRING

Place = tuple[int, int | None, int]  # input, axis or None for the value, position in the value


class InputSpec(NamedTuple):
    """What is fixed about an input: static sizes, and whether its value is part of the signature.

    `sizes` holds an int where the size is always the same and None where it may change; None for all
    when even the rank may change.
    """

    dtype: np.dtype[Any]
    sizes: tuple[int | None, ...] | None
    by_value: bool = False


@dataclass(eq=False)
class Calls:
    """Which calls a segment serves: element type and rank of each input, and what holds for its sizes."""

    inputs: tuple[tuple[np.dtype[Any], int], ...]
    symbols: dict[str, Place]  # in order: where the value of each lies in the inputs
    guards: tuple[str, ...]

    def takes(self, arrays: Sequence[Any]) -> bool:
        """Whether a call's inputs have these types and ranks."""
        kinds = [(a.dtype, len(a.shape)) if hasattr(a, "shape") else (STRING, 0) for a in arrays]
        return kinds == list(self.inputs)

    def values(self, arrays: Sequence[Any]) -> list[int]:
        """The symbols' values in a call. Raises IndexError where an input has too few elements."""
        return [
            arrays[i].shape[axis] if axis is not None else arrays[i].item(position)
            for i, axis, position in self.symbols.values()
        ]

    def __reduce__(self) -> tuple[Any, ...]:
        return Calls, (self.inputs, self.symbols, self.guards)

    def __str__(self) -> str:
        return f"{self.inputs} {self.symbols} {self.guards}"

    @cached_property
    def _holds(self) -> Callable[..., bool]:
        return compile_guards(self.guards, self.symbols)

    def fits(self, arrays: Sequence[Any]) -> bool:
        """Whether the guards hold in a call with these types and ranks."""
        try:
            return self._holds(*self.values(arrays))
        except (IndexError, ArithmeticError):
            return False


@dataclass(eq=False)
class Segment:
    """Kernels, and names: what they compute, what is known without them, which nodes come after them."""

    calls: Calls
    recipe: Recipe
    types: list[str]  # of the inputs, with symbolic sizes
    computed: list[str]  # outputs of the recipe
    passed: dict[str, int]  # names of inputs, and their numbers
    known: dict[str, Any]
    hosts: list[Node] = field(default_factory=list)  # which see data, before the rest
    rest: list[Node] = field(default_factory=list)
    specs: dict[str, InputSpec] = field(default_factory=dict)  # what the rest reads

    @property
    def stop(self) -> Node | None:
        """The first operator that must see data."""
        return next(iter([*self.hosts, *self.rest]), None)
