"""Elementwise functions of bytes, as a table of all 256 of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from jitrt.calls import bits_of, from_bits
from jitrt.codegen.byte_table import byte_table_step
from jitrt.codegen.kernel import Step
from jitrt.expr import bitcast, cast
from jitrt.layout import Array
from jitrt.tensor import Call, Tensor, Value, map_indices, outputs_of
from jitrt.types import U8


class ByteTable(Call):
    """A table's bytes [256] at the codes in a vector of bytes."""

    name = "byte_table"

    def __init__(self, codes: Tensor, table: Tensor) -> None:
        self.inputs = (codes, table)

    def steps(self, inputs: Sequence[Array | None], outputs: Sequence[Array], epilogue: Any) -> list[Step]:
        """One step."""
        codes, table = inputs
        assert codes is not None
        assert table is not None
        return [byte_table_step(codes.ref, table.ref, outputs[0].ref, codes.shape[0])]

    def reference(self, inputs: Sequence[Value | None]) -> list[Value]:
        """NumPy's indexing."""
        codes, table = inputs
        assert table is not None
        return [table[codes]]


def map_bytes(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """function(x) for a function of each element, from 8-bit integers to 8-bit integers.

    Images are read channels last, as convolutions leave them in memory.
    """
    codes = map_indices(lambda i: bitcast(cast(i, U8), x.dtype), (256,))
    table = function(codes)
    order = [0, *range(2, x.ndim), 1] if x.ndim > 2 else list(range(x.ndim))
    moved = x.permute(order)
    (y,) = outputs_of(ByteTable(bits_of(moved.reshape([x.size])), bits_of(table)), [(U8, [x.size])])
    return from_bits(y, table.dtype).reshape(moved.shape).permute([order.index(a) for a in range(x.ndim)])
