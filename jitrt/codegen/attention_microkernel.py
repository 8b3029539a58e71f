"""The micro-kernel of a product with a transposed left operand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from jitrt.codegen.function import Function, Integer
from jitrt.codegen.microkernel import Tile


@dataclass(frozen=True)
class ColumnTile(Tile):
    """A tile whose rows are columns of a matrix as wide as a panel: row[k] = p[k * columns]."""

    name: ClassVar[str] = "microkernel of columns"

    def row_element(self, f: Function, row: str, k: Integer) -> str:
        """Emit the load of element k of a row."""
        place = f.at(row, f.mul(k, self.shape.columns), self.shape.scalar)
        return f.get(self.shape.scalar, place, self.shape.dtype.itemsize)
