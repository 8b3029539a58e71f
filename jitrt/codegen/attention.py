"""Attention whose scores stay in a cache: `Y[s, e] = weights(Q[s, d] K[t, d]') V[t, e]`, head by head.

`weights` is what a model makes of the scores: maps, and reductions along the keys. Softmax with a scale and a
mask is three passes (see `levels`). The scores of a block of queries, as many as a panel has columns, are all
there at once: so any such function can be had, is computed as for a matrix in memory, and has its accuracy.

Queries are the lanes of vectors. A product takes one factor by broadcast elements and one by vectors, and
what it reads by vectors must have adjacent columns, of the same vector for every row of the result:

    S'[key, query] = sum over d:  K[key][d] * Q'[d][query]         broadcast K, vectors of Q'
    Y[query, e]    = sum over key:  S'[key][query] * V[key][e]     broadcast S', vectors of V

With S = Q K', the vectors would be K', to be transposed for each head; like this, only the block of queries
is transposed, and keys and values are read where they are. A row's maximum and sum are lanes of a vector: no
lanes need to be combined, and a short row of keys leaves none idle.

    for batch, block of queries:                              a unit
        Q' = queries transposed
        for tile of keys:
            S'[tile] = microkernel(K[tile], Q')
            first pass over S'[tile]                          of softmax: the maximum
        for pass in further passes:                           exponentials and sum; their quotient
            for key: S'[key] = ...
        for panel of V, tile of queries:
            Y[tile, panel] = microkernel(columns of S', V)

Memory of a thread grows by a row of lanes a key: 64 KiB for 512 keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from jitrt.codegen.attention_microkernel import ColumnTile
from jitrt.codegen.kernel import Argument, Kernel, Ref, Step
from jitrt.codegen.loop import Loop, Operand
from jitrt.codegen.microkernel import LINE, TileShape, microkernels, packed_columns, tile_shape
from jitrt.codegen.target import Target, host
from jitrt.dims import Size, prod
from jitrt.expr import Dtype, Expr
from jitrt.types import BOOL, short_name

SIZES = ("s", "t", "d", "e", "batch.middle", "batch.inner")
SCRATCH = ("zeros", "table", "tile", "totals", "keys", "queries", "values", "scores")
EXPONENTIAL_FLOPS = 30


@dataclass(frozen=True)
class Heads:
    """A batch [outer, middle, inner] of strided matrices. Strides count elements; 0 repeats."""

    ref: Ref
    dtype: Dtype
    batch: tuple[Size, Size, Size]
    row: Size
    column: Size = 1


@dataclass(frozen=True)
class Attention:
    """What a kernel's code depends on.

    `weights` is over `load(0)`, the score, and `load(1)` ..., the operands, whose strides along queries and
    keys are 0, 1, or None: known at run time. It reduces along the keys.
    """

    dtype: Dtype
    weights: Expr
    operands: tuple[Operand, ...]
    target: Target

    @cached_property
    def shape(self) -> TileShape:
        """The tile of both products."""
        return tile_shape(self.dtype, self.target)

    @cached_property
    def loop(self) -> Loop:
        """The weights as a loop over queries and keys, with the passes that it makes."""
        score = Operand(self.dtype, (None, 1))
        return Loop(2, (False, True), (score, *self.operands), (score,), (self.weights,))

    @cached_property
    def turned(self) -> list[int]:
        """The operands whose rows along the keys are transposed before the passes."""
        lanes = self.shape.lanes
        return [
            i
            for i, operand in enumerate(self.operands)
            if operand.strides == (None, 1) and lanes * self.turned_dtype(i).itemsize <= LINE
        ]

    def turned_dtype(self, operand: int) -> Dtype:
        """The type in which an operand lies when it is transposed: one that fills lanes."""
        dtype = self.operands[operand].dtype
        if dtype == BOOL:
            return self.dtype
        return dtype

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The kernel's arguments, in order."""
        vectors = range(1, self.shape.vectors + 1)
        operands = (_strided(f"E{i}", "row", "column") for i in range(len(self.operands)))
        return (
            *SIZES,
            *(f"scratch.{part}" for part in (*SCRATCH, *self.areas)),
            *(f"{product}{v}" for product in ("scoring", "summing") for v in vectors),
            *(name for matrix in "QKVY" for name in _strided(matrix, "row")),
            *(name for operand in operands for name in operand),
        )

    @cached_property
    def areas(self) -> list[str]:
        """Parts of scratch of the same size as the scores: values kept between passes, turned operands."""
        kept = [f"kept{i}" for i in range(len(self.loop.kept_values))]
        return [*kept, *(f"turned{i}" for i in self.turned)]

    @property
    def kernel(self) -> Kernel:
        """The kernel of the driver."""
        name = f"attention {short_name(self.dtype)} {' '.join(map(str, self.operands))}"
        return Kernel(f"attention {self.loop} {self.target}", name[:60], partial(_build, self), "registers")

    def scratch(self, t: Size, d: Size, e: Size) -> dict[str, Size]:
        """Offsets into scratch, the total as `end`."""
        shape, size = self.shape, self.dtype.itemsize
        rows = t + (shape.lanes - 1)
        sizes: dict[str, Size] = {
            "zeros": shape.columns * size,
            "table": shape.table_rows * 8,
            "tile": shape.rows * shape.columns * size,
            "totals": len(self.reductions) * shape.columns * 8,
            "keys": t * packed_columns(d, shape) * size,
            "queries": (d + (shape.lanes - 1)) * (shape.columns * size),
            "values": t * packed_columns(e, shape) * size,
            "scores": rows * (shape.columns * size),
            **dict.fromkeys(self.areas, rows * (shape.columns * 8)),
        }
        offsets: dict[str, Size] = {}
        end: Size = 0
        for name, nbytes in sizes.items():
            offsets[name] = end
            end = end + (nbytes + (LINE - 1)) // LINE * LINE
        return {**offsets, "end": end}

    @cached_property
    def reductions(self) -> list[Expr]:
        """The reductions of all passes, in order."""
        return [node for p in self.loop.passes for node in p.reductions]


def attention_step(
    q: Heads,
    k: Heads,
    v: Heads,
    out: Heads,
    weights: Expr,
    operands: Sequence[tuple[Heads, Operand]] = (),
    *,
    batch: tuple[Size, Size, Size],
    s: Size,
    t: Size,
    d: Size,
    e: Size,
    label: str = "attention",
    target: Target | None = None,
) -> Step:
    """`out = weights(q k') v` over a batch; columns of all four are adjacent, and of one type.

    `operands` are those of `weights`, each with its strides along queries and keys as `Attention` has them.
    """
    attention = Attention(q.dtype, weights, tuple(o for _, o in operands), target or host())
    offsets = attention.scratch(t, d, e)
    shape = attention.shape
    values: dict[str, Argument] = {
        **dict(zip(SIZES, (s, t, d, e, batch[1], batch[2]), strict=True)),
        **{f"scratch.{part}": offset for part, offset in offsets.items()},
    }
    for vectors in range(1, shape.vectors + 1):
        values[f"scoring{vectors}"] = microkernels(q.dtype, vectors, attention.target)
        needed = not isinstance(e, int) or vectors in _widths(e, shape)
        columns = microkernels(q.dtype, vectors, attention.target, ColumnTile) if needed else 0
        values[f"summing{vectors}"] = columns
    for name, heads in (("Q", q), ("K", k), ("V", v), ("Y", out)):
        values |= _placed(name, heads)
    for i, (heads, _) in enumerate(operands):
        values |= _placed(f"E{i}", heads)
    arguments = tuple(values[name] for name in attention.names)
    count = prod(batch)
    extent = count * ((s + (shape.columns - 1)) // shape.columns)
    flops = count * s * t * (2 * (d + e) + EXPONENTIAL_FLOPS)
    nbytes = count * (s * (d + e) + t * (d + e)) * q.dtype.itemsize
    return Step(attention.kernel, arguments, extent, label, flops, nbytes, scratch=offsets["end"])


def _strided(name: str, *more: str) -> tuple[str, ...]:
    return (name, *(f"{name}.{part}" for part in ("outer", "middle", "inner", *more)))


def _placed(name: str, heads: Heads) -> dict[str, Argument]:
    return dict(
        zip(_strided(name, "row", "column"), (heads.ref, *heads.batch, heads.row, heads.column), strict=True)
    )


def _widths(n: int, shape: TileShape) -> set[int]:
    """The widths, in vectors, of the panels of n columns."""
    last = -(-(n % shape.columns) // shape.lanes)
    return {last, *([shape.vectors] if n >= shape.columns else [])}


def _build(attention: Attention, symbol: str) -> str:
    from jitrt.codegen.attention_code import driver

    return driver(attention, symbol)
