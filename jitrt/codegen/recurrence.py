"""Recurrences: layers whose states go through a matrix product again in every step.

T steps, D directions, N samples, states of `size` columns, and for each gate

    gate[n, :] = XW[t, n, d, gate, :] + state[n, :] R[d, gate]      state [N, size], R [size, size]

from which a cell computes the next state, column by column. The input's part XW of all steps is there
already. R is packed by panels of columns, as wide as a tile of the product's micro-kernels, and a panel holds
the weights of all gates: a tile of every gate is computed, then the cell on them while they are in the
first-level cache.

A step has phases: between two of them every column must be known. Directions, and blocks of samples where
the weights stay in a core's cache, are independent: threads take one each. A thread for which there is none
left joins another one (`team`), and they share out the columns; each keeps its part of R in its own cache.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial

from jitrt.codegen.dot import Dot, dot_of
from jitrt.codegen.dot_microkernel import dot_microkernels
from jitrt.codegen.kernel import Argument, Kernel, Step
from jitrt.codegen.loop import Operand
from jitrt.codegen.microkernel import TileShape, microkernels, packed_columns, tile_shape
from jitrt.codegen.target import Target
from jitrt.codegen.team import LINE, TEAM_BYTES
from jitrt.dims import Size, same
from jitrt.expr import Dtype, Expr, structure
from jitrt.types import I32, short_name

# operands of a cell: the product and the input's part of each gate, the state and the cell state of the step
# before, of a quantised state its scale, zero point, and sum less zero points, and vectors [D, size]
PRODUCTS, INPUTS, STATE, CELL, SCALE, ZERO, SUM, VECTORS = 0, 4, 8, 9, 10, 11, 12, 13
SIZES = ("steps", "samples", "directions", "size", "k", "blocks", "most", "reverse")
RESIDENT_BYTES = 1 << 20  # of weights that stay in a core's cache
HEADER_BYTES = 64  # before a quantised state, for its scale, zero point and sum
ROWS_AT_ONCE = 4  # samples whose products take as long as to read the weights
PART = 1 << 18  # multiplications of a step that are worth a thread, with ROWS_AT_ONCE more samples


@dataclass(frozen=True)
class Phase:
    """Gates with the rows that they are products of, and what the cell makes of them.

    `products` are pairs (gate, rows), where rows are "state" or "reset"; `stores` are pairs (place, value),
    where a place is "state", "cell", or "reset".
    """

    products: tuple[tuple[int, str], ...]
    stores: tuple[tuple[str, Expr], ...]

    @property
    def ends_step(self) -> bool:
        """Whether the next state is known after the phase."""
        return any(place == "state" for place, _ in self.stores)

    def __str__(self) -> str:
        places = ",".join(place for place, _ in self.stores)
        return f"{self.products} {places}={structure([value for _, value in self.stores])}"


@dataclass(frozen=True)
class Recurrence:
    """What a kernel's code depends on. `whole` means that no vector of columns is partly beyond the size.

    A `quantised` state is multiplied as integers by weights that are integers; its products are int32.
    """

    dtype: Dtype
    gates: int
    phases: tuple[Phase, ...]
    vectors: tuple[Operand, ...]
    has_cell: bool
    starts: tuple[bool, bool]  # whether there is an initial state, and cell state; else they are zeros
    ragged: bool
    whole: bool
    quantised: bool
    target: Target

    @cached_property
    def shape(self) -> TileShape:
        """The tile of the products."""
        return tile_shape(self.product_dtype, self.target)

    @cached_property
    def product_dtype(self) -> Dtype:
        """The type that products are summed in."""
        return I32 if self.quantised else self.dtype

    @cached_property
    def dot(self) -> Dot:
        """How integers are multiplied."""
        return dot_of(self.target)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The kernel's arguments, in order."""
        vectors = (name for i in range(len(self.vectors)) for name in (f"V{i}", f"V{i}.direction"))
        initial = (name for name, given in zip(("H0", "C0"), self.starts, strict=True) if given)
        states = (*initial, "H", *(("C",) if self.has_cell else ()))
        return (
            *SIZES,
            *(f"microkernel{v}" for v in range(1, self.shape.vectors + 1)),
            *("R", "R.direction", "team", "states", "states.row", "resets", "quantised", "quantised.row"),
            *("XW", "XW.step", "XW.sample", "XW.direction"),
            *("Y", "Y.step", "Y.direction", "Y.sample"),
            *(name for s in states for name in (s, f"{s}.direction", f"{s}.sample")),
            *(("lengths",) if self.ragged else ()),
            *vectors,
        )

    @property
    def places(self) -> dict[str, int]:
        """Offsets of a thread's memory: the first accumulators, the row table, the tiles, and the end."""
        shape, size = self.shape, self.product_dtype.itemsize
        table = shape.columns * size
        tiles = table + 8 * shape.table_rows
        return {"zeros": 0, "table": table, "tiles": tiles, "end": tiles + self.tile * self.gates}

    @property
    def tile(self) -> int:
        """Bytes of a gate's tile."""
        return self.shape.rows * self.shape.columns * self.product_dtype.itemsize

    @property
    def kernel(self) -> Kernel:
        """The kernel."""
        name = f"recurrence {self.gates} gates {short_name(self.dtype)}"
        return Kernel(f"{self}", name, partial(_build, self))

    def __str__(self) -> str:
        flags = f"cell={self.has_cell} starts={self.starts} ragged={self.ragged} whole={self.whole}"
        phases = " | ".join(map(str, self.phases))
        vectors = " ".join(map(str, self.vectors))
        kind = f"{self.dot} " if self.quantised else ""
        return f"recurrence {self.gates} {self.shape} {kind}{flags} {vectors} {phases} {self.target}"

    def microkernels(self) -> dict[str, Argument]:
        """The micro-kernels of every width, as arguments."""
        widths = range(1, self.shape.vectors + 1)
        if self.quantised:
            return {f"microkernel{v}": dot_microkernels(v, self.target) for v in widths}
        return {f"microkernel{v}": microkernels(self.dtype, v, self.target) for v in widths}

    def blocks(self, samples: Size, size: Size) -> Size:
        """Blocks of samples that are independent of each other, by sizes alone, as results depend on them."""
        if same(samples, 0) or self.weight_bytes(size) > RESIDENT_BYTES:
            return 1
        return (samples + (self.shape.rows - 1)) // self.shape.rows

    def weight_bytes(self, size: Size) -> Size:
        """Bytes of a direction's weights."""
        return self.gates * size * size * (1 if self.quantised else self.dtype.itemsize)

    def packed_columns(self, size: Size) -> Size:
        """Columns of a gate's packed weights: whole vectors."""
        return packed_columns(size, self.shape)

    def row_pitch(self, size: Size) -> Size:
        """Elements from row to row of the states: rows shall not all lie in one set of a cache."""
        return self.packed_columns(size) + self.shape.lanes

    def quantised_pitch(self, size: Size) -> Size:
        """Bytes from row to row of the quantised state: its scale, zero point and sum, then whole groups."""
        nbytes = self.dot.groups(size) * 4
        return (nbytes + 63) // 64 * 64 + 64 + HEADER_BYTES

    def workspace(self, directions: Size, samples: Size, size: Size) -> dict[str, Size]:
        """Bytes of memory that threads share: the teams' (zeros at first), and rows of states."""
        rows = directions * samples
        pitch = self.row_pitch(size) * self.dtype.itemsize
        resets = any(place == "reset" for phase in self.phases for place, _ in phase.stores)
        return {
            "team": LINE + directions * self.blocks(samples, size) * TEAM_BYTES,
            "states": 2 * rows * pitch,
            "resets": rows * pitch if resets else 0,
            "quantised": rows * self.quantised_pitch(size) if self.quantised else 0,
        }


def recurrence_step(
    recurrence: Recurrence,
    values: Mapping[str, Argument],
    *,
    steps: Size,
    samples: Size,
    directions: Size,
    size: Size,
    label: str,
) -> Step:
    """The step, given the addresses and strides of operands by name; strides count elements."""
    r = recurrence
    blocks = r.blocks(samples, size)
    work = samples * size * size * r.gates
    most = 1 + (samples + ROWS_AT_ONCE * blocks) * size * size * r.gates // (blocks * PART)
    depth = r.dot.groups(size) if r.quantised else size
    made: dict[str, Argument] = {
        **{"steps": steps, "samples": samples, "directions": directions, "size": size},
        **{"k": depth, "blocks": blocks, "most": most},
        "R.direction": r.gates * depth * r.packed_columns(size),
        "states.row": r.row_pitch(size),
        "quantised.row": r.quantised_pitch(size),
        **r.microkernels(),
        **values,
    }
    columns = steps * directions * samples * size
    moved = directions * r.weight_bytes(size) + columns * (r.gates + 1) * r.dtype.itemsize
    return Step(
        r.kernel,
        tuple(made[name] for name in r.names),
        directions * blocks * most,
        label,
        flops=2 * steps * directions * work,
        nbytes=moved,
        scratch=r.places["end"],
    )


def _build(recurrence: Recurrence, symbol: str) -> str:
    from jitrt.codegen.recurrence_code import driver

    return driver(recurrence, symbol)
