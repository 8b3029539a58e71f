"""Micro-kernels whose elements are groups of small integers.

tile[i, :] = init[i, :] + sum over tap t, k:  dot(rows[t][i][k], b[t, k, :])
"""

from __future__ import annotations

from typing import ClassVar

from jitrt.codegen.dot import dot_of
from jitrt.codegen.function import Function, Integer
from jitrt.codegen.kernel import Kernel
from jitrt.codegen.microkernel import Tile, microkernels
from jitrt.codegen.target import Target
from jitrt.types import I32


class DotTile(Tile):
    """As its base, with `vpdpbusd` and the like in place of multiply-adds."""

    name: ClassVar[str] = "dot"

    def row_element(self, f: Function, row: str, k: Integer) -> str:
        """Rows start at any byte."""
        return f.get("i32", f.at(row, k, "i32"), 1)

    def multiply_add(self, f: Function, a: str, b: str, c: str) -> str:
        """Emit the dot products of a and b, added to c."""
        return dot_of(self.target).add(f, self.shape, a, b, c)


def dot_microkernels(vectors: int, target: Target) -> Kernel:
    """The micro-kernels of every height for panels of `vectors` vectors, called as `microkernels` are."""
    return microkernels(I32, vectors, target, DotTile)
