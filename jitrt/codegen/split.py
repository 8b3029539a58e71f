"""Products of float32 numbers as sums of products of bfloat16, on tile registers.

A float32 number has 24 bits, and is the sum of three bfloat16 numbers of 8 bits: x = x0 + x1 + x2. Of the
nine products in x y, each exact in float32, six are computed:

    x y = x0 y0 + (x0 y1 + x1 y0) + (x0 y2 + x1 y1 + x2 y0) + less than 2^-22 |x y|

which tile registers do more than twice as fast as vector units multiply float32, and as exactly: what is left
out is of either sign and 2^-26 on average, where each addition of a float32 sum rounds by up to 2^-24. See
https://arxiv.org/abs/1904.06376. float16 numbers are sums of two parts (less than 2^-16 is left out), and
bfloat16 ones are themselves. Numbers below 2^-126 count as zero, here and in the results. A user may ask for
fewer parts: with two, products are exact to 2^-15, with one to 2^-8.

The rows of a block are split into scratch, once for all panels; a unit of work is a panel of a block:

    unit = (batch * blocks + block) * panels + panel

Each result is summed up in the same order wherever it is: its bits depend on k alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from jitrt.codegen.amx import LANES, ROW_BYTES, ROWS
from jitrt.codegen.cost import SPLIT, TILE, WAIT
from jitrt.codegen.dot import has_tiles
from jitrt.codegen.epilogue import Epilogue, plain
from jitrt.codegen.gemm import Array, PackedMatrix
from jitrt.codegen.kernel import Argument, Kernel, Ref, Step
from jitrt.codegen.microkernel import TileShape, panel_widths
from jitrt.codegen.order import most_parts
from jitrt.codegen.product import Matrix, extra_names, extras, placed
from jitrt.codegen.split_rows import MatrixRows, SplitRows
from jitrt.codegen.split_tiles import OUT_PITCH, PRODUCTS, split_microkernel
from jitrt.codegen.target import Target, host
from jitrt.codegen.walk import strided
from jitrt.codegen.weights import CHUNK, SPLIT_COLUMNS
from jitrt.dims import Size, hint, prod
from jitrt.expr import Dtype
from jitrt.types import BF16, F16, F32

_PARTS = {F32: 3, F16: 2, BF16: 1}
SHAPE = TileShape(F32, 2 * ROWS, SPLIT_COLUMNS // LANES, LANES, 32)
SCRATCH = ("offsets", "rows", "sums")
BLOCK_BYTES = 5 << 18  # of split rows, most of the second-level cache of CPUs with tile registers
BLOCK_ROWS = 256
SLICE = 32  # chunks of a row of a matrix that are multiplied at once


@dataclass(frozen=True)
class SplitProduct:
    """What a driver's code depends on: the source of rows, the number of parts, epilogue, target."""

    rows: SplitRows
    parts: int
    epilogue: Epilogue
    has_bias: bool
    target: Target

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The kernel's arguments, in order."""
        return (
            *("n", "k", "chunks", "slice", "taps", "pitch", "m", "block", "blocks", "batch.inner"),
            *(f"scratch.{part}" for part in SCRATCH),
            *(f"microkernel{v}" for v in range(1, SHAPE.vectors + 1)),
            *self.rows.arguments,
            *strided("B"),
            *strided("Y", "row"),
            *extra_names(self.epilogue, self.has_bias),
        )

    @property
    def kernel(self) -> Kernel:
        """The driver's kernel."""
        return Kernel(f"{self}", f"split {self.epilogue}"[:60], partial(_build, self), pipeline="registers")

    def __str__(self) -> str:
        return f"split {self.rows} {self.parts} bias={self.has_bias} {self.epilogue} {self.target}"

    def step(
        self,
        values: dict[str, Argument],
        sizes: tuple[Size, Size, Size],
        batch: tuple[Size, Size],
        rows: Size,
        block: Size,
        label: str,
    ) -> Step:
        """A step of sizes m, n and k, whose blocks copy at most `rows` rows to scratch."""
        m, n, k = sizes
        assert isinstance(k, int)
        chunks, taps = -(-k // CHUNK), hint(values["taps"])  # type: ignore[arg-type]
        pitch = row_pitch(min(k, SLICE * CHUNK) if taps == 1 else k, self.parts)
        blocks, panels = (m + (block - 1)) // block, (n + (SHAPE.columns - 1)) // SHAPE.columns
        part = chunks if taps > 1 else min(chunks, SLICE)
        tiles = panels * ((rows + (SHAPE.rows - 1)) // SHAPE.rows) if part < chunks else 1
        offsets = OUT_PITCH
        sums = offsets + -(-taps * 8 // ROW_BYTES) * ROW_BYTES
        start = sums + tiles * (SHAPE.rows * OUT_PITCH)
        values |= {
            **{"n": n, "k": k, "chunks": chunks, "slice": part, "pitch": pitch},
            **{"m": m, "block": block, "blocks": blocks, "batch.inner": batch[1]},
            **{"scratch.offsets": offsets, "scratch.sums": sums, "scratch.rows": start},
            **self._microkernels(n),
        }
        arguments = tuple(values[name] for name in self.names)
        units, scratch = batch[0] * batch[1] * blocks * panels, start + (rows + SHAPE.rows) * pitch
        return Step(self.kernel, arguments, units, label, scratch=scratch, sharing=panels)

    def _microkernels(self, n: Size) -> dict[str, Argument]:
        needed = panel_widths(n, SHAPE)
        return {
            f"microkernel{v}": split_microkernel(v, self.parts, self.target) if v in needed else 0
            for v in range(1, SHAPE.vectors + 1)
        }


def parts_of(dtype: Dtype) -> int:
    """The parts that a number is split into in products that are made now."""
    return min(_PARTS[dtype], most_parts())


def row_pitch(k: int, parts: int) -> int:
    """Bytes from row to row of split numbers: an odd number of lines, to be spread over a cache's sets."""
    return (-(-k // CHUNK) * parts | 1) * ROW_BYTES


def has_split_products(target: Target | None = None) -> bool:
    """Whether products of split numbers are fast."""
    return has_tiles(target or host(), "bf16") and (target or host()).vector_bytes == 64


def can_split(weights: Array, target: Target | None = None) -> bool:
    """Whether products with the weights can be those of parts: none is infinite, or close to it."""
    if not has_split_products(target) or weights.dtype not in _PARTS or not weights.size:
        return False
    limit = 2.0**127
    return -limit < float(weights.min()) and float(weights.max()) < limit


def split_cost(
    rows: Size, n: int, k: int, *, taps: int = 1, copied: Size | None = None, parts: int = 3
) -> Size:
    """What a product is expected to cost; `copied` rows, by default all, are split."""
    width, depth = -(-n // LANES) * LANES, -(-k // CHUNK) * CHUNK * taps
    each = TILE * len(PRODUCTS[parts])
    split = (rows if copied is None else copied) * k * parts * SPLIT
    return 2 * rows * width * depth * each + split + width * depth * parts * 2 * WAIT


def split_matmul_step(
    a: Matrix,
    b: PackedMatrix,
    out: Matrix,
    *,
    m: Size,
    n: Size,
    k: Size,
    batch: tuple[Size, Size] = (1, 1),
    bias: Ref | None = None,
    epilogue: Epilogue | None = None,
    operands: Sequence[Matrix] = (),
    label: str = "matmul",
    target: Target | None = None,
) -> Step:
    """As `matmul_step`, with `b` as `pack_split` lays it out and adjacent columns of `a`."""
    assert isinstance(k, int)
    own = SplitProduct(
        *(MatrixRows(a.dtype), parts_of(a.dtype), epilogue or plain(F32, out.dtype), bias is not None),
        target or host(),
    )
    block, most = block_rows(m, row_pitch(min(k, SLICE * CHUNK), own.parts))
    values: dict[str, Argument] = {
        "taps": 1,
        **placed("A", a.ref, a.batch, row=a.row),
        **placed("B", b.ref, b.batch),
        **placed("Y", out.ref, out.batch, row=out.row),
        **extras(operands, bias),
    }
    step = own.step(values, (m, n, k), batch, most, block, label)
    count = prod(batch)
    step.flops = 2 * count * m * n * k
    step.nbytes = count * (m * k * a.dtype.itemsize + m * n * out.dtype.itemsize) + k * n * 2 * own.parts
    return step


def block_rows(m: Size, pitch: int) -> tuple[Size, int]:
    """Rows of the blocks of m rows, about even and whole tiles of 16; and their limit."""
    most = max(min(BLOCK_ROWS, BLOCK_BYTES // pitch // ROWS * ROWS), SHAPE.rows)
    blocks = (m + (most - 1)) // most
    return ((m + (blocks - 1)) // blocks + (ROWS - 1)) // ROWS * ROWS, most


def _build(own: SplitProduct, symbol: str) -> str:
    from jitrt.codegen.split_code import driver

    return driver(own, symbol)
