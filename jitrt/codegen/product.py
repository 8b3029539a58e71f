"""Products: what matrix products and convolutions have in common, as specifications and steps.

A product is a batch (two dimensions, row-major) of `Y[m, n] = bias[n] + rows[m] x B[n]`. Its rows come from a
row source as pointers, B from a panel source in panels as wide as a tile. A unit of work is one tile of one
panel, numbered so that any range of units is a good piece of work:

    unit = ((batch * row blocks + row block) * panels + panel) * tiles in the block + tile

While the panels pass by, the rows of a block stay in a cache. The heights of tiles are balanced and depend
on m alone: a result's bits depend on sizes only, not on how units are dealt out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import ClassVar, NamedTuple

from jitrt.codegen.epilogue import Epilogue
from jitrt.codegen.function import Function
from jitrt.codegen.kernel import Argument, Kernel, Ref, Step
from jitrt.codegen.microkernel import LINE, TileShape, microkernels, panel_widths, tile_shape
from jitrt.codegen.target import Target
from jitrt.codegen.walk import PanelSource, RowSource, Walk, strided
from jitrt.dims import Size
from jitrt.expr import Dtype
from jitrt.types import short_name

FIRST_LEVEL_BYTES = 1 << 15  # of a cache, for what is read and written again soon
SECOND_LEVEL_BYTES = 1 << 19
TABLE_BYTES = 1 << 16
LONG = 2048  # the longest k that is summed over at once
DEPTH = 1024  # of the parts of a longer one
SUMS_BYTES = 1 << 18  # for sums over some of the parts
SCRATCH = ("panel", "table", "rows", "zeros")


class Matrix(NamedTuple):
    """A batch of strided matrices in memory. Strides count elements; 0 along the batch repeats one matrix."""

    ref: Ref
    dtype: Dtype
    row: Size
    column: Size = 1
    batch: tuple[Size, Size] = (0, 0)


def placed(name: str, ref: Ref, batch: tuple[Size, Size], **more: Size) -> dict[str, Argument]:
    """The argument values of a strided operand."""
    strides = {"outer": batch[0], "inner": batch[1], **more}
    return {name: ref, **{f"{name}.{part}": stride for part, stride in strides.items()}}


def extra_names(epilogue: Epilogue, has_bias: bool) -> tuple[str, ...]:
    """The names of the arguments that `extras` gives values to."""
    operands = (strided(f"E{i}", "row") for i in range(len(epilogue.operands)))
    return (*(strided("bias") if has_bias else ()), *(name for operand in operands for name in operand))


def extras(operands: Sequence[Matrix], bias: Ref | None, bias_inner: Size = 0) -> dict[str, Argument]:
    """The argument values of an epilogue's operands, and of a bias with a stride along the inner batch."""
    values: dict[str, Argument] = {} if bias is None else placed("bias", bias, (0, bias_inner))
    for i, operand in enumerate(operands):
        values |= placed(f"E{i}", operand.ref, operand.batch, row=operand.row)
    return values


@dataclass(frozen=True)
class Product:
    """What a driver's code depends on: element types, sources of rows and panels, epilogue, target."""

    kind: str
    dtype: Dtype
    row_source: RowSource
    panel_source: PanelSource
    epilogue: Epilogue
    has_bias: bool
    target: Target
    diagonal: ClassVar[bool] = False  # column n of the result is that of the rows, times B
    whole_tiles: ClassVar[bool] = False  # micro-kernels write all rows of a tile, whatever its height

    @cached_property
    def shape(self) -> TileShape:
        """The tile."""
        return tile_shape(self.dtype, self.target)

    def enter(self, f: Function) -> None:
        """Emit what a call does before anything else."""

    def emit(self, w: Walk) -> None:
        """Emit the loops over batches, rows, panels and tiles."""
        from jitrt.codegen.product_code import Driver

        Driver(self, w).emit()

    def leave(self, f: Function) -> None:
        """Emit what a call does at its end."""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The kernel's arguments, in order."""
        return (
            *("m", "n", "k", "taps", "batch.inner", "zeros.length", *(f"scratch.{part}" for part in SCRATCH)),
            *(f"microkernel{v}" for v in range(1, self.shape.vectors + 1)),
            *self.row_source.arguments,
            *self.panel_source.arguments,
            *strided("Y", "row"),
            *extra_names(self.epilogue, self.has_bias),
        )

    @property
    def kernel(self) -> Kernel:
        """The driver's kernel."""
        name = f"{self.kind} {short_name(self.dtype)} {self.epilogue}"
        return Kernel(f"{self}", name[:60], partial(_build, self), pipeline="registers")

    def __str__(self) -> str:
        sources = f"{self.row_source} {self.panel_source}"
        return f"{self.kind} {self.shape} {sources} bias={self.has_bias} {self.epilogue} {self.target}"

    def microkernels(self, n: Size) -> dict[str, Argument]:
        """The micro-kernels that n columns need, as arguments."""
        shape, needed = self.shape, panel_widths(n, self.shape)
        whole = isinstance(n, int) and n % shape.lanes == 0
        return {
            f"microkernel{v}": self.microkernel(v, whole) if v in needed else 0
            for v in range(1, shape.vectors + 1)
        }

    def microkernel(self, vectors: int, whole: bool) -> Kernel:
        """The micro-kernels for panels of `vectors` vectors, which are `whole` where no column is missing."""
        return microkernels(self.dtype, vectors, self.target)

    def units(self, m: Size, n: Size) -> Size:
        """Units of work for one position of the batch."""
        rows, columns = self.shape.rows, self.shape.columns
        return (m + (rows - 1)) // rows * ((n + (columns - 1)) // columns)

    def step(self, values: dict[str, Argument], batch: Size, label: str, flops: Size, nbytes: Size) -> Step:
        """A step with arguments by name."""
        k, taps, m, n = (_size(values[name]) for name in ("k", "taps", "m", "n"))
        values.setdefault("zeros.length", k)
        offsets = self.scratch(k, taps, _size(values["zeros.length"]))
        values |= {f"scratch.{part}": offset for part, offset in offsets.items()}
        arguments = tuple(values[name] for name in self.names)
        units = batch * self.units(m, n)
        return Step(self.kernel, arguments, units, label, flops, nbytes, scratch=offsets["end"])

    def scratch(self, k: Size, taps: Size, zeros_length: Size) -> dict[str, Size]:
        """Offsets into scratch, the total as `end`. The start holds the first accumulators and the tile."""
        shape, size = self.shape, self.dtype.itemsize
        panel_rows = 0 if self.panel_source.ready else k + (shape.lanes - 1)
        own = taps * k * (shape.rows * size)
        packed = SECOND_LEVEL_BYTES + own + 2 * LINE if self.row_source.packs else 0
        panel = (shape.rows + 1) * shape.columns * size
        table = panel + panel_rows * (shape.columns * size)
        rows = table + TABLE_BYTES + taps * (shape.table_rows * 8)
        zeros = rows + (packed + (LINE - 1)) // LINE * LINE
        return {
            "panel": panel,
            "table": table,
            "rows": rows,
            "zeros": zeros,
            "end": zeros + zeros_length * size,
        }


@dataclass(frozen=True)
class DeepProduct(Product):
    """A product with packed panels whose k is summed over part by part: see product_depth.py."""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The kernel's arguments, in order."""
        return (*super().names, "scratch.sums")

    def scratch(self, k: Size, taps: Size, zeros_length: Size) -> dict[str, Size]:
        """As any product's, and room for sums."""
        offsets = super().scratch(k, taps, zeros_length)
        return {**offsets, "sums": offsets["end"], "end": offsets["end"] + SUMS_BYTES}

    def emit(self, w: Walk) -> None:
        """Emit the loops, over parts of k too."""
        from jitrt.codegen.product_depth import DeepDriver

        DeepDriver(self, w).emit()


def _size(value: Argument) -> Size:
    assert not isinstance(value, (Ref, Kernel))
    return value


def _build(product: Product, symbol: str) -> str:
    from jitrt.codegen.product_code import driver

    return driver(product, symbol)
