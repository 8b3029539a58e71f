"""Rows and panels of 8-bit matrices as groups: in place where their layout allows, else copied to scratch."""

from __future__ import annotations

from dataclasses import dataclass

from jitrt.codegen.dot import Dot
from jitrt.codegen.function import Function, Integer
from jitrt.codegen.matrices import transposed
from jitrt.codegen.vector import element
from jitrt.codegen.walk import Walk, strided
from jitrt.expr import Dtype
from jitrt.types import I8, I32, U8

GROUP_BYTES = 4


@dataclass(frozen=True)
class GroupedRows:
    """Rows of uint8 copied to scratch as groups; the last one is filled up with zeros.

    `depth` is the number of elements of a row.
    """

    dot: Dot
    adjacent: bool
    packs = True
    arguments = (*strided("A", "row", "column"), "A.depth")

    def start(self, w: Walk) -> None:
        """Nothing to do."""

    def rows(self, w: Walk, first: Integer, height: Integer, table: str, own: str) -> None:
        """`own[i, :] = A[first + i, :]`, and its address in the table."""
        f = w.f
        pitch, depth = f.mul(w["k"], GROUP_BYTES), w["A.depth"]
        base = f.at(w.batch_address("A", 1), f.mul(first, w["A.row"]))
        with f.count(0, height) as i:
            row, source = f.at(own, f.mul(i, pitch)), f.at(base, f.mul(i, w["A.row"]))
            f.put("ptr", row, f.at(table, i, "ptr"))
            with f.when(f.compare("sgt", depth, 0)):
                last = f.at(row, f.sub(pitch, GROUP_BYTES * self.dot.block))
                f.put(f"<{self.dot.block} x i32>", "zeroinitializer", last, 1)
            if self.adjacent:
                copy_elements(f, source, U8, row, self.dot.row, depth)
            else:
                self._collect(w, source, row)

    def _collect(self, w: Walk, source: str, row: str) -> None:
        f, dtype = w.f, self.dot.row
        with f.count(0, w["A.depth"]) as k:
            value = f.load(U8, f.at(source, f.mul(k, w["A.column"])), 1)
            f.store(f.cast(value, U8, dtype, 1), dtype, f.at(row, f.mul(k, dtype.itemsize)), 1)


def copy_elements(f: Function, source: str, dtype: Dtype, out: str, wanted: Dtype, count: Integer) -> None:
    """Emit a copy of `count` adjacent elements that reads and writes nothing beyond them.

    The last vector ends with the last element, and so may overlap the one before; fewer elements than a
    vector's are copied by vectors of a quarter, and so on.
    """

    def copy(start: Integer, width: int) -> None:
        value = f.load(dtype, f.at(source, f.mul(start, dtype.itemsize)), width)
        f.store(f.cast(value, dtype, wanted, width), wanted, f.at(out, f.mul(start, wanted.itemsize)), width)

    def copy_all(width: int) -> None:
        if width <= 1:
            with f.count(0, count) as n:
                copy(n, 1)
            return
        with f.branch(f.compare("sge", count, width)) as branch:
            with f.count(0, count, width) as n:
                copy(f.min(n, f.sub(count, width)), width)
            branch.otherwise()
            copy_all(width // 4)

    copy_all(f.target.vector_bytes // wanted.itemsize)


@dataclass(frozen=True)
class GroupedPanels:
    """Panels of an int8 matrix in memory, copied to scratch as groups as they are needed.

    `adjacent` says which elements are: those of a row ("columns"), of a column ("rows"), or none. `B.depth`
    is the number of rows.
    """

    dot: Dot
    adjacent: str
    ready = False
    arguments = (*strided("B", "row", "column"), "B.depth")

    def panel(self, w: Walk, number: str, columns: Integer, width: Integer) -> tuple[str, Integer]:
        """Copy the panel: `own[k, j] = group of B[k * size ...][column + j]`."""
        f = w.f
        first = f.mul(number, w.shape.columns)
        start = f.at(w.batch_address("B", 1), f.mul(first, w["B.column"]))
        own = f.at("%scratch", w["scratch.panel"])
        if self.adjacent == "rows":
            self._transpose(w, start, columns, width, own)
        elif self.adjacent == "columns":
            self._interleave(w, start, columns, width, own)
        else:
            with f.count(0, w["k"]) as k, f.count(0, columns) as j:
                column = f.at(start, f.mul(j, w["B.column"]))
                self._group(w, column, k, f.at(own, f.mul(f.add(f.mul(k, width), j), GROUP_BYTES)))
        return own, width

    def _group(self, w: Walk, column: str, k: Integer, out: str) -> None:
        """Collect one group element by element."""
        f, size, dtype = w.f, self.dot.size, self.dot.column
        f.put("i32", 0, out, 1)
        base = f.mul(k, size)
        with f.count(0, f.min(f.sub(w["B.depth"], base), size)) as n:
            value = f.load(I8, f.at(column, f.mul(f.add(base, n), w["B.row"])), 1)
            f.store(f.cast(value, I8, dtype, 1), dtype, f.at(out, f.mul(n, dtype.itemsize)), 1)

    def _interleave(self, w: Walk, start: str, columns: Integer, width: Integer, own: str) -> None:
        """Vectors of adjacent rows, element by element side by side; rows past the end are zeros."""
        f, lanes, size = w.f, w.shape.lanes, self.dot.size
        with f.count(0, w["k"]) as k, f.count(0, columns, lanes) as j:
            out = f.at(own, f.mul(f.add(f.mul(k, width), j), GROUP_BYTES))
            left = f.sub(columns, j)
            rows = []
            for n in range(size):
                row = f.add(f.mul(k, size), n)
                inside = f.compare("slt", row, w["B.depth"])
                mask = f.lanes_below(f.select(inside, left, 0), lanes)
                value = f.load(I8, f.at(f.at(start, f.mul(row, w["B.row"])), j), lanes, mask)
                rows.append(f.cast(value, I8, self.dot.column, lanes))
            f.store(interleaved(f, self.dot.column, rows, lanes), self.dot.column, out, lanes * size)

    def _transpose(self, w: Walk, start: str, columns: Integer, width: Integer, own: str) -> None:
        """By squares of groups; missing columns repeat the last one, missing rows are zeros past the end."""
        f, lanes, size = w.f, w.shape.lanes, self.dot.size
        count, wide = lanes * size, f"<{lanes} x i32>"
        with f.count(0, width, lanes) as j:
            last = f.sub(columns, 1)
            starts = [f.at(start, f.mul(f.min(f.add(j, n), last), w["B.column"])) for n in range(lanes)]
            with f.count(0, w["k"], lanes) as k:
                offset = f.mul(k, size)
                mask = f.lanes_below(f.sub(w["B.depth"], offset), count)
                square = []
                for address in starts:
                    value = f.cast(f.load(I8, f.at(address, offset), count, mask), I8, self.dot.column, count)
                    parts = f"<{count} x {element(self.dot.column)}>"
                    square.append(f.let(f"bitcast {parts} {value} to {wide}"))
                for n, vector in enumerate(transposed(f, I32, square)):
                    out = f.add(f.mul(f.add(k, n), width), j)
                    f.store(vector, I32, f.at(own, f.mul(out, GROUP_BYTES)), lanes)


def interleaved(f: Function, dtype: Dtype, vectors: list[str], lanes: int) -> str:
    """Element 0 of every vector, then element 1 of every vector, and so on; two or four vectors."""
    kind = element(dtype)
    while len(vectors) > 1:
        half = len(vectors) // 2
        numbers = ", ".join(f"i32 {n // 2 + n % 2 * lanes}" for n in range(2 * lanes))
        vectors = [
            f.let(
                f"shufflevector <{lanes} x {kind}> {vectors[i]}, <{lanes} x {kind}> {vectors[i + half]}, "
                f"<{2 * lanes} x i32> <{numbers}>"
            )
            for i in range(half)
        ]
        lanes *= 2
    return vectors[0]
