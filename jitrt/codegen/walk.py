"""What the driver of a product and its sources of rows and panels share while code is emitted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from jitrt.codegen.function import Function, Integer
from jitrt.codegen.microkernel import TileShape


@dataclass
class Walk:
    """The function under construction, its arguments by name, and the position in the batch.

    `depth` is the first k that is summed over, of rows whose argument `k` stands for a part of them.
    """

    f: Function
    shape: TileShape
    arguments: Mapping[str, str]
    outer: Integer = 0
    inner: Integer = 0
    depth: Integer = field(default=0, kw_only=True)

    def __getitem__(self, name: str) -> str:
        return self.arguments[name]

    def batch_address(self, name: str, itemsize: int) -> str:
        """The address of an operand's part for this position of the batch."""
        f = self.f
        outer = f.mul(f.mul(self.outer, self[f"{name}.outer"]), itemsize)
        inner = f.mul(f.mul(self.inner, self[f"{name}.inner"]), itemsize)
        return f.at(f.at(self[name], outer), inner)


def strided(name: str, *more: str) -> tuple[str, ...]:
    """The names of an operand's arguments: its address, strides along the batch, and further strides."""
    return (name, *(f"{name}.{part}" for part in ("outer", "inner", *more)))


class RowSource(Protocol):
    """Where the rows of a tile come from. `packs` tells whether it fills scratch of its own for each tile."""

    @property
    def arguments(self) -> tuple[str, ...]: ...

    @property
    def packs(self) -> bool: ...

    def start(self, w: Walk) -> None:
        """Emit what a call does once."""

    def rows(self, w: Walk, first: Integer, height: Integer, table: str, own: str) -> None:
        """Emit the table of `height` rows from row `first`; `own` is the tile's scratch."""


class PanelSource(Protocol):
    """Where the panels of B come from. `ready` panels follow each other in memory."""

    @property
    def arguments(self) -> tuple[str, ...]: ...

    @property
    def ready(self) -> bool: ...

    def panel(self, w: Walk, number: str, columns: Integer, width: Integer) -> tuple[str, Integer]:
        """Emit the address of a panel and the elements from one of its rows to the next.

        `columns` of its `width` columns exist.
        """
