"""What happens to a tile of accumulators on its way to memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from jitrt.codegen.function import Function, Integer
from jitrt.codegen.loop import Operand
from jitrt.codegen.vector import element, memory_element
from jitrt.expr import Dtype, Expr, load, structure
from jitrt.types import BOOL


class Epilogue(NamedTuple):
    """A scalar expression of a product's result: `load(0)` is the accumulator, `load(1)` ... the operands.

    The strides of an operand are for (batch, row, column): 0, 1 or None (known at run time); the column's is
    0 or 1. A residual is (None, None, 1), a per-column vector (0, 0, 1), a gate per image and channel
    (None, 0, 1), a scalar (0, 0, 0). The root's dtype is the output's.
    """

    root: Expr
    operands: tuple[Operand, ...] = ()

    def __post_init__(self) -> None:
        for operand in self.operands:
            if len(operand.strides) != 3 or operand.strides[2] is None:
                raise ValueError(f"epilogue operand {operand}: expected strides (batch, row, 0 or 1)")

    def __str__(self) -> str:
        return f"{' '.join(map(str, self.operands))} {structure([self.root])}"


def plain(accumulator: Dtype, output: Dtype) -> Epilogue:
    """Store the accumulator as `output`."""
    value = load(0, accumulator)
    return Epilogue(value if accumulator == output else Expr("cast", (value,), output))


class TilePlace(NamedTuple):
    """Where a tile is: its accumulators (`pitch` elements a row), and the first row's place in each array."""

    accumulators: str
    pitch: int
    rows: Integer
    columns: Integer
    output: str
    output_pitch: Integer  # bytes
    operands: Sequence[str]
    operand_pitches: Sequence[Integer]  # bytes


def store_tile(f: Function, epilogue: Epilogue, accumulator: Dtype, lanes: int, place: TilePlace) -> None:
    """Emit the loop that takes a tile from scratch to memory; for `maximum(load(0), 0)`

    for row in rows:
        for each vector of columns:
            v = load accumulators[row]
            store max(v, 0), output[row]           # masked in the last columns
    """
    vectors = place.pitch // lanes
    whole = f.compare("eq", place.columns, place.pitch)
    with f.branch(whole) as branch:
        _store_rows(f, epilogue, accumulator, lanes, place, dict.fromkeys(range(vectors)))
        branch.otherwise()
        for j in range(vectors):
            left = f.sub(place.columns, j * lanes)
            with f.when(f.compare("sgt", left, 0)):
                _store_rows(f, epilogue, accumulator, lanes, place, {j: f.lanes_below(left, lanes)})


def _store_rows(
    f: Function,
    epilogue: Epilogue,
    accumulator: Dtype,
    lanes: int,
    place: TilePlace,
    masks: Mapping[int, str | None],
) -> None:
    """Store some of a tile's vectors, by number, each with its mask."""
    from jitrt.codegen.lower import lower  # not needed where the kernel is on disk

    [root] = lower([epilogue.root])
    with f.count(0, place.rows) as row:
        tile = f.at(place.accumulators, f.mul(row, place.pitch * accumulator.itemsize))
        output = f.at(place.output, f.mul(row, place.output_pitch))
        operands = [
            f.at(base, f.mul(row, pitch))
            for base, pitch in zip(place.operands, place.operand_pitches, strict=True)
        ]
        for j, mask in masks.items():
            first = j * lanes

            def leaf(node: Expr, first: int = first, mask: str | None = mask) -> str:
                if node.value == 0:
                    return f.load(accumulator, f.at(tile, first * accumulator.itemsize), lanes)
                operand, base = epilogue.operands[node.value - 1], operands[node.value - 1]
                if operand.strides[2] == 0:
                    kind = "i1" if operand.dtype == BOOL else element(operand.dtype)
                    return f.splat(f.load(operand.dtype, base, 1), kind, lanes)
                return f.load(operand.dtype, f.at(base, first * operand.dtype.itemsize), lanes, mask)

            value = f.emit(root, leaf, lanes, {})
            f.store(
                value, epilogue.root.dtype, f.at(output, first * epilogue.root.dtype.itemsize), lanes, mask
            )


def stored_as_is(epilogue: Epilogue, accumulator: Dtype) -> bool:
    """Whether the epilogue only stores the accumulator."""
    root = epilogue.root
    return root.op == "load" and root.value == 0 and memory_element(root.dtype) == memory_element(accumulator)
