"""Loop nests: what a generated kernel computes, over which operands, in which passes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from jitrt.codegen.levels import Pass, passes
from jitrt.dims import Size, prod
from jitrt.expr import Dtype, Expr, structure, walk
from jitrt.types import short_name

BLOCK = 64  # innermost positions of a unit, where that dimension is kept and others are reduced
COLUMNS = 16384  # of a unit, where rows are long
TILE = 64, 512  # rows and columns of a unit, where an input is transposed
ALIGNMENT = 64  # bytes, of each value kept in scratch


class Operand(NamedTuple):
    """A strided array of a loop: per dimension 0 (broadcast), 1 (contiguous) or None (known at run time)."""

    dtype: Dtype
    strides: tuple[int | None, ...]

    def __str__(self) -> str:
        return f"{short_name(self.dtype)}[{','.join('s' if s is None else str(s) for s in self.strides)}]"


@dataclass(frozen=True)
class Loop:
    """A loop nest over `ndim` dimensions, outermost first, that stores one of `roots` into each output.

    `load` nodes of the roots name an input, `index` nodes a dimension. With reduced dimensions, a
    `reduce` node is its argument combined over them; an output whose strides along them are all 0
    gets one value per kept position. Where calls have rows of any length, along the one reduced dimension,
    those of up to `short` positions are reduced with lanes across the rows.
    """

    ndim: int
    reduced: tuple[bool, ...]
    inputs: tuple[Operand, ...]
    outputs: tuple[Operand, ...]
    roots: tuple[Expr, ...]
    short: int = 0

    def __post_init__(self) -> None:
        if self.ndim < 1 or len(self.reduced) != self.ndim:
            raise ValueError(
                f"a loop has one or more dimensions, got {self.ndim} with reduced={self.reduced}"
            )
        if len(self.roots) != len(self.outputs):
            raise ValueError(f"{len(self.roots)} roots for {len(self.outputs)} outputs")
        for operand in (*self.inputs, *self.outputs):
            if len(operand.strides) != self.ndim:
                raise ValueError(f"operand {operand} in a loop of {self.ndim} dimensions")
        for node in walk(*self.roots):
            if node.op == "load" and node.dtype != self.inputs[node.value].dtype:
                raise ValueError(
                    f"load of input {node.value}, {self.inputs[node.value]}, as {short_name(node.dtype)}"
                )
        for root, output in zip(self.roots, self.outputs, strict=True):
            if root.dtype != output.dtype:
                raise ValueError(f"a {short_name(root.dtype)} expression stored to {output}")

    def __str__(self) -> str:
        dims = ",".join("r" if r else "k" for r in self.reduced)
        operands = f"{' '.join(map(str, self.inputs))} -> {' '.join(map(str, self.outputs))}"
        short = f" short {self.short}" if self.short else ""
        return f"loop[{dims}{short}] {operands}: {structure(self.roots)}"

    @property
    def kept(self) -> list[int]:
        """The dimensions that are not reduced, outermost first."""
        return [d for d in range(self.ndim) if not self.reduced[d]]

    @property
    def row_reduced(self) -> bool:
        """Whether the innermost, vectorised dimension is reduced."""
        return self.reduced[-1]

    @property
    def packed_dim(self) -> int | None:
        """Of an elementwise loop, the outer dimension that a transposed input holds contiguously."""
        if not any(self.reduced):
            for operand in self.inputs:
                if operand.strides[-1] is None and 1 in operand.strides:
                    return operand.strides.index(1)
        return None

    @property
    def packed_inputs(self) -> list[int]:
        """The inputs that are contiguous along `packed_dim` instead of the innermost."""
        dim = self.packed_dim
        return [
            i
            for i, o in enumerate(self.inputs)
            if dim is not None and o.strides[dim] == 1 and o.strides[-1] is None
        ]

    @cached_property
    def lowered(self) -> tuple[Expr, ...]:
        """The roots in primitive operations."""
        from jitrt.codegen.lower import lower  # not needed where the kernel is on disk

        return tuple(lower(self.roots))

    @cached_property
    def varying(self) -> frozenset[Expr]:
        """The lowered nodes that change along the reduced dimensions, or an elementwise loop's innermost."""
        if any(self.reduced):
            return self.varying_along([d for d in range(self.ndim) if self.reduced[d]])
        return self.varying_along([self.ndim - 1])

    def varying_along(self, dims: Sequence[int]) -> frozenset[Expr]:
        """The lowered nodes that change along any of `dims`. No reduction does if the dims are reduced."""
        varying: set[Expr] = set()
        reducing = any(self.reduced[d] for d in dims)
        for node in walk(*self.lowered):
            if node.op == "load":
                moves = any(self.inputs[node.value].strides[d] != 0 for d in dims)
            elif node.op == "index":
                moves = node.value in dims
            else:
                moves = not (node.op == "reduce" and reducing) and any(a in varying for a in node.args)
            if moves:
                varying.add(node)
        return frozenset(varying)

    @cached_property
    def stored_everywhere(self) -> tuple[int, ...]:
        """The outputs written at every position: all of an elementwise loop's."""
        along = [d for d in range(self.ndim) if self.reduced[d]]
        return tuple(
            i for i, o in enumerate(self.outputs) if not along or any(o.strides[d] != 0 for d in along)
        )

    @cached_property
    def passes(self) -> list[Pass]:
        """The sweeps over the reduced positions; one for an elementwise loop."""
        return passes(self.lowered, self.stored_everywhere, self.varying)

    @cached_property
    def kept_values(self) -> list[Expr]:
        """The values that passes leave in scratch for later ones, in the order of their places there."""
        return [node for p in self.passes for node in p.kept]


def extent(loop: Loop, sizes: Sequence[Size]) -> Size:
    """The number of independent units of work, from the sizes of the dimensions."""
    counts = [size for size, reduced in zip(sizes, loop.reduced, strict=True) if not reduced]
    if loop.packed_dim is not None:
        rows, columns = TILE
        counts[loop.packed_dim] = _blocks(counts[loop.packed_dim], rows)
        counts[-1] = _blocks(counts[-1], columns)
    elif any(loop.reduced) and not loop.row_reduced:
        counts[-1] = _blocks(counts[-1], BLOCK)
    elif not any(loop.reduced) and loop.ndim > 1:
        counts[-1] = _blocks(counts[-1], COLUMNS)
    return prod(counts)


def _blocks(size: Size, block: int) -> Size:
    return (size + (block - 1)) // block


def scratch_bytes(loop: Loop, sizes: Sequence[Size]) -> Size:
    """The bytes of scratch that a thread needs."""
    if not any(loop.reduced):
        return 0
    positions = prod(size for size, reduced in zip(sizes, loop.reduced, strict=True) if reduced)
    if not loop.row_reduced:
        positions = positions * BLOCK
    elif loop.short:
        positions = positions + loop.short * BLOCK
    total: Size = 0
    for node in loop.kept_values:
        total = total + (positions * node.dtype.itemsize + (ALIGNMENT - 1)) // ALIGNMENT * ALIGNMENT
    return total
