"""Rows and panels of matrices in memory: in place where their layout allows, else copied to scratch."""

from __future__ import annotations

from dataclasses import dataclass

from jitrt.codegen.function import Function, Integer
from jitrt.codegen.vector import element
from jitrt.codegen.walk import Walk, strided
from jitrt.expr import Dtype


@dataclass(frozen=True)
class RowsInPlace:
    """Rows of a matrix whose columns are adjacent, in the type that is computed in."""

    dtype: Dtype
    packs = False
    arguments = strided("A", "row")

    def start(self, w: Walk) -> None:
        """Nothing to do."""

    def rows(self, w: Walk, first: Integer, height: Integer, table: str, own: str) -> None:
        """`table[i] = A + (first + i) * pitch`."""
        f = w.f
        pitch = f.mul(w["A.row"], self.dtype.itemsize)
        base = f.at(w.batch_address("A", self.dtype.itemsize), f.mul(first, pitch))
        base = f.at(base, f.mul(w.depth, self.dtype.itemsize))
        with f.count(0, height) as i:
            f.put("ptr", f.at(base, f.mul(i, pitch)), f.at(table, i, "ptr"))


@dataclass(frozen=True)
class PackedPanels:
    """Panels as `pack_matrix` lays them out."""

    dtype: Dtype
    ready = True
    arguments = strided("B")

    def panel(self, w: Walk, number: str, columns: Integer, width: Integer) -> tuple[str, Integer]:
        """`B + number * taps * k * columns of a panel`."""
        f, size = w.f, self.dtype.itemsize
        panel = f.mul(f.mul(w["taps"], w["k"]), w.shape.columns * size)
        return f.at(w.batch_address("B", size), f.mul(number, panel)), width


@dataclass(frozen=True)
class PackedRows:
    """Rows copied to scratch: from another float type, or from columns that are not adjacent."""

    source: Dtype
    dtype: Dtype
    adjacent: bool
    packs = True
    arguments = strided("A", "row", "column")

    def start(self, w: Walk) -> None:
        """Nothing to do."""

    def rows(self, w: Walk, first: Integer, height: Integer, table: str, own: str) -> None:
        """`own[i, :] = A[first + i, :]`, and its address in the table."""
        f, size = w.f, self.dtype.itemsize
        pitch, row = f.mul(w["k"], size), f.mul(w["A.row"], self.source.itemsize)
        step = f.mul(w["A.column"], self.source.itemsize)
        base = f.at(w.batch_address("A", self.source.itemsize), f.mul(first, row))
        base = f.at(base, f.mul(w.depth, step))
        with f.count(0, height) as i:
            f.put("ptr", f.at(own, f.mul(i, pitch)), f.at(table, i, "ptr"))
        if self.adjacent:
            with f.count(0, height) as i:
                copy_row(w, self.source, self.dtype, f.at(base, f.mul(i, row)), f.at(own, f.mul(i, pitch)))
            return
        with f.count(0, w["k"]) as k, f.count(0, height) as i:
            value = f.load(self.source, f.at(f.at(base, f.mul(k, step)), f.mul(i, row)), 1)
            f.store(value, self.dtype, f.at(f.at(own, f.mul(i, pitch)), f.mul(k, size)), 1)


def copy_row(w: Walk, source: Dtype, dtype: Dtype, start: str, out: str) -> None:
    """Copy k adjacent elements by vectors; the last may write zeros past the end."""
    f, lanes = w.f, w.shape.lanes
    with f.count(0, w["k"], lanes) as k:
        mask = f.lanes_below(f.sub(w["k"], k), lanes)
        value = f.load(source, f.at(start, f.mul(k, source.itemsize)), lanes, mask)
        f.store(value, dtype, f.at(out, f.mul(k, dtype.itemsize)), lanes)


@dataclass(frozen=True)
class StridedPanels:
    """Panels of a matrix in memory, copied to scratch as they are needed.

    `adjacent` says which elements are: those of a row ("columns"), of a column ("rows"), or none.
    """

    source: Dtype
    dtype: Dtype
    adjacent: str
    ready = False
    arguments = strided("B", "row", "column")

    def panel(self, w: Walk, number: str, columns: Integer, width: Integer) -> tuple[str, Integer]:
        """Copy the panel; one that few rows need and that has adjacent columns stays where it is."""
        f, size = w.f, self.source.itemsize
        step = f.mul(w["B.column"], size)
        start = f.at(w.batch_address("B", size), f.mul(f.mul(number, w.shape.columns), step))
        own = f.at("%scratch", w["scratch.panel"])
        if self.adjacent == "rows":
            self._transpose(w, start, columns, width, own)
        elif self.adjacent == "columns":
            return self._rows(w, start, columns, width, own)
        else:
            with f.count(0, w["k"]) as k, f.count(0, columns) as j:
                row = f.at(start, f.mul(f.mul(k, w["B.row"]), size))
                out = f.mul(f.add(f.mul(k, width), j), self.dtype.itemsize)
                f.store(f.load(self.source, f.at(row, f.mul(j, step)), 1), self.dtype, f.at(own, out), 1)
        return own, width

    def _rows(self, w: Walk, start: str, columns: Integer, width: Integer, own: str) -> tuple[str, Integer]:
        f, lanes = w.f, w.shape.lanes
        place, pitch = f.cell("ptr", own), f.cell("i64", str(width))
        in_place = f.compare("eq", columns, width)
        few = f.compare("sle", w["m"], w.shape.rows)
        direct = f.let(f"and i1 {in_place}, {few}") if self.source == self.dtype else "false"
        with f.branch(direct) as branch:
            place.set(start)
            pitch.set(w["B.row"])
            branch.otherwise()
            with f.count(0, w["k"]) as k:
                row = f.at(start, f.mul(f.mul(k, w["B.row"]), self.source.itemsize))
                out = f.at(own, f.mul(f.mul(k, width), self.dtype.itemsize))
                with f.count(0, columns, lanes) as j:
                    mask = f.lanes_below(f.sub(columns, j), lanes)
                    value = f.load(self.source, f.at(row, f.mul(j, self.source.itemsize)), lanes, mask)
                    f.store(value, self.dtype, f.at(out, f.mul(j, self.dtype.itemsize)), lanes)
        return place.get(), pitch.get()

    def _transpose(self, w: Walk, start: str, columns: Integer, width: Integer, own: str) -> None:
        """By squares of `lanes`; missing columns repeat the last one, missing rows are zeros past the end."""
        f, lanes = w.f, w.shape.lanes
        step = f.mul(w["B.column"], self.source.itemsize)
        with f.count(0, width, lanes) as j:
            last = f.sub(columns, 1)
            rows = [f.at(start, f.mul(f.min(f.add(j, n), last), step)) for n in range(lanes)]
            with f.count(0, w["k"], lanes) as k:
                mask = f.lanes_below(f.sub(w["k"], k), lanes)
                offset = f.mul(k, self.source.itemsize)
                block = transposed(
                    f, self.dtype, [f.load(self.source, f.at(row, offset), lanes, mask) for row in rows]
                )
                for n, vector in enumerate(block):
                    out = f.add(f.mul(f.add(k, n), width), j)
                    f.store(vector, self.dtype, f.at(own, f.mul(out, self.dtype.itemsize)), lanes)


def transposed(f: Function, dtype: Dtype, vectors: list[str]) -> list[str]:
    """The transpose of a square of elements, a vector a row: swap blocks of 1, 2, 4 ... elements."""
    lanes = len(vectors)
    kind = f"<{lanes} x {element(dtype)}>"
    vectors = list(vectors)

    def shuffle(a: str, b: str, indices: list[int]) -> str:
        numbers = ", ".join(f"i32 {n}" for n in indices)
        return f.let(f"shufflevector {kind} {a}, {kind} {b}, <{lanes} x i32> <{numbers}>")

    step = 1
    while step < lanes:
        for i in range(lanes):
            if not i & step:
                a, b = vectors[i], vectors[i + step]
                low = [n + lanes - step if n & step else n for n in range(lanes)]
                high = [n + lanes if n & step else n + step for n in range(lanes)]
                vectors[i], vectors[i + step] = shuffle(a, b, low), shuffle(a, b, high)
        step *= 2
    return vectors
