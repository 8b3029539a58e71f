"""The code of a recurrence's phases: products, then the cell on their tiles.

for panel in part of the columns, in odd steps backwards:
    for tile in rows:
        for gate:
            tiles[gate] = microkernel(rows, R[panel, gate])
        for row in tile, vector in panel:
            store cell(tiles, XW, states, ...)
"""

from __future__ import annotations

from jitrt.codegen.function import Function, Integer
from jitrt.codegen.lower import lower
from jitrt.codegen.microkernel import LINE
from jitrt.codegen.recurrence import (
    CELL,
    HEADER_BYTES,
    INPUTS,
    RESIDENT_BYTES,
    SCALE,
    STATE,
    SUM,
    VECTORS,
    ZERO,
    Phase,
    Recurrence,
)
from jitrt.codegen.recurrence_function import RecurrenceFunction
from jitrt.codegen.row_quantisation import quantise_row
from jitrt.codegen.vector import element
from jitrt.expr import Expr
from jitrt.types import F32, I32


class QuantisationCode(RecurrenceFunction):
    """Quantises the states before a step, each by its own range."""

    def function(self) -> Function:
        """A part of the rows."""
        f = self.f
        begin = f.div(f.mul("%rows", "%part"), "%parts")
        end = f.div(f.mul("%rows", f.add("%part", 1)), "%parts")
        with f.count(f.add("%first", begin), f.add("%first", end)) as n:
            source, target = self.state("%d", n, "%step"), self.quantised("%d", n)
            quantise_row(
                f, self.r.dot, source, target, HEADER_BYTES, self.a["size"], self.shape.lanes, self.mask
            )
        f.do("ret void")
        return f


class PhaseCode(RecurrenceFunction):
    """A phase of a step for some of the columns."""

    def __init__(self, recurrence: Recurrence, number: int, phase: Phase) -> None:
        super().__init__(recurrence, f"phase{number}")
        self.phase = phase
        self.values = list(
            zip((place for place, _ in phase.stores), lower([v for _, v in phase.stores]), strict=True)
        )
        self.accumulator_size = recurrence.product_dtype.itemsize

    def function(self) -> Function:
        """A part of the panels."""
        f, a, shape = self.f, self.a, self.shape
        panels = f.ceil_div(a["size"], shape.columns)
        begin = f.div(f.mul(panels, "%part"), "%parts")
        end = f.div(f.mul(panels, f.add("%part", 1)), "%parts")
        tiles = f.ceil_div("%rows", shape.rows)
        low, high = f.div("%rows", f.max(tiles, 1)), f.rem("%rows", f.max(tiles, 1))
        with f.count(begin, end) as index:
            panel, following = self._in_turn(index, begin, end)
            column = f.mul(panel, shape.columns)
            vectors = f.ceil_div(f.min(f.sub(a["size"], column), shape.columns), shape.lanes)
            with f.count(0, tiles) as tile:
                start = f.add(f.mul(tile, low), f.min(tile, high))
                height = f.add(low, f.let(f"zext i1 {f.compare('slt', tile, high)} to i64"))
                sample = f.add("%first", start)
                self._fetch(sample, height, column)
                self._products(self._weights(panel), self._weights(following), vectors, tile, sample, height)
                with f.count(0, height) as i:
                    self._row(f.add(sample, i), i, column, vectors)
        f.do("ret void")
        return f

    def _in_turn(self, index: Integer, begin: Integer, end: Integer) -> tuple[Integer, Integer]:
        """The panel to compute, and the one after it: in odd steps backwards.

        Of weights that are larger than a cache, those read last are still there.
        """
        f = self.f
        odd = f.compare("ne", f.let("and i64 %step, 1"), 0)
        panel = f.select(odd, f.sub(f.sub(f.add(begin, end), 1), index), index)
        return panel, f.add(panel, f.select(odd, -1, 1))

    # products

    def _weights(self, panel: Integer) -> str:
        """The address of a panel."""
        f, a = self.f, self.a
        gates = f.mul(f.mul(panel, a["k"]), self.r.gates * self.shape.columns)
        return f.at(a["R"], f.mul(f.add(f.mul("%d", a["R.direction"]), gates), self.accumulator_size))

    def _products(
        self,
        weights: str,
        following: str,
        vectors: Integer,
        tile: Integer,
        sample: Integer,
        height: Integer,
    ) -> None:
        """The product of each gate, to its tile.

        Of weights that do not stay in a core's cache, the first tile brings those of the next product there.
        """
        f, a, shape = self.f, self.a, self.shape
        size, table = self.accumulator_size, f.at("%scratch", self.r.places["table"])
        width = f.mul(vectors, shape.lanes)
        gate_bytes = f.mul(f.mul(a["k"], width), size)
        microkernel = a[f"microkernel{shape.vectors}"]
        for v in range(shape.vectors - 1, 0, -1):
            microkernel = f.select(f.compare("eq", vectors, v), a[f"microkernel{v}"], microkernel, "ptr")
        own_bytes = f.div(f.mul(a["R.direction"], size), "%parts")
        far = f.compare("sgt", own_bytes, RESIDENT_BYTES)
        fetches = f.let(f"and i1 {far}, {f.compare('eq', tile, 0)}")
        fetch_step = f.select(fetches, f.mul(width, size), 0)
        blocks = [f.at(weights, f.mul(gate_bytes, gate)) for gate, _ in self.phase.products]
        blocks.append(f.at(following, f.mul(gate_bytes, self.phase.products[0][0])))
        rows = ""
        for (gate, source), b, after in zip(self.phase.products, blocks, blocks[1:], strict=False):
            if source != rows:
                rows = source
                with f.count(0, height) as i:
                    f.put("ptr", self._source(rows, f.add(sample, i)), f.at(table, i, "ptr"))
            out = f.at("%scratch", self.r.places["tiles"] + gate * self.r.tile)
            addresses = (table, b, f.at("%scratch", self.r.places["zeros"]), out)
            numbers = (height, 1, a["k"], width, shape.columns, 0, width)
            arguments = (*(f"ptr {x}" for x in addresses), *(f"i64 {n}" for n in numbers))
            f.do(f"call void {microkernel}({', '.join(arguments)}, ptr {after}, i64 {fetch_step})")

    def _fetch(self, sample: Integer, height: Integer, column: Integer) -> None:
        """Bring what the cell reads and writes into the cache meanwhile: much of it is in another core's."""
        f, a = self.f, self.a
        offset, panel_bytes = f.mul(column, self.size), self.shape.columns * self.size
        with f.count(0, height) as i:
            n = f.add(sample, i)
            t = f.select(self._backward(), f.sub(f.sub(a["steps"], 1), "%step"), "%step")
            read = [
                self.row("XW", "%d", n, f.add(f.mul(t, a["XW.step"]), f.mul(gate, a["size"])))
                for gate, _ in self.phase.products
            ]
            written = [address for place, _ in self.values for address in self._targets(place, n, t)]
            for row in (*read, *written):
                for line in range(0, panel_bytes, LINE):
                    f.prefetch(f.at(row, f.add(offset, line)), to_write=row in written)

    def _backward(self) -> str:
        """An i1: whether the direction is from the end."""
        return self.f.compare("ne", self.f.let(f"or i64 {self.a['reverse']}, %d"), 0)

    def _source(self, rows: str, sample: Integer) -> str:
        if rows == "reset":
            return self.reset("%d", sample)
        if self.r.quantised:
            return self.f.at(self.quantised("%d", sample), HEADER_BYTES)
        return self.state("%d", sample, "%step")

    # the cell

    def _row(self, n: Integer, i: Integer, column: Integer, vectors: Integer) -> None:
        """What the cell makes of a row of the tiles; beyond a sequence's end states stay, and Y is zero."""
        f, a = self.f, self.a
        backward = self._backward()
        if not self.r.ragged:
            t = f.select(backward, f.sub(f.sub(a["steps"], 1), "%step"), "%step")
            self._vectors(n, i, t, column, vectors)
            return
        length = f.let(f"sext i32 {f.get('i32', f.at(a['lengths'], n, 'i32'), 4)} to i64")
        inside = f.compare("slt", "%step", length)
        turned = f.let(f"and i1 {inside}, {backward}")
        t = f.select(turned, f.sub(f.sub(length, 1), "%step"), "%step")
        with f.branch(inside) as branch:
            self._vectors(n, i, t, column, vectors)
            branch.otherwise()
            if self.phase.ends_step:
                self._beyond(n, column, vectors)

    def _vectors(self, n: Integer, i: Integer, t: Integer, column: Integer, vectors: Integer) -> None:
        f, lanes = self.f, self.shape.lanes
        with f.count(0, vectors) as v:
            here = f.add(column, f.mul(v, lanes))
            mask, memo = self.mask(here), dict[Expr, str]()

            def leaf(node: Expr) -> str:
                return self._operand(node, n, i, t, here, f.mul(v, lanes), mask)

            values = [(place, f.emit(value, leaf, lanes, memo)) for place, value in self.values]
            for place, value in values:
                for address in self._targets(place, n, t):
                    f.store(value, self.dtype, f.at(address, f.mul(here, self.size)), lanes, mask)

    def _operand(
        self, node: Expr, n: Integer, i: Integer, t: Integer, here: Integer, within: Integer, mask: str | None
    ) -> str:
        """The values of an operand at the vector of columns that starts `here`, `within` its panel."""
        f, a, lanes, number = self.f, self.a, self.shape.lanes, node.value
        if number < INPUTS:
            place = f.add(f.mul(i, self.shape.columns), within)
            tile = f.at("%scratch", self.r.places["tiles"] + number * self.r.tile)
            return f.load(node.dtype, f.at(tile, f.mul(place, self.accumulator_size)), lanes)
        if number < STATE:
            step = f.add(f.mul(t, a["XW.step"]), f.mul(number - INPUTS, a["size"]))
            return f.load(self.dtype, self.row("XW", "%d", n, f.add(step, here)), lanes, mask)
        offset = f.mul(here, self.size)
        if number == STATE:
            return f.load(self.dtype, f.at(self.state("%d", n, "%step"), offset), lanes, mask)
        if number == CELL:
            return f.load(self.dtype, f.at(self.row("C", "%d", n), offset), lanes, mask)
        if number in (SCALE, ZERO, SUM):
            dtype = F32 if number == SCALE else I32
            value = f.load(dtype, f.at(self.quantised("%d", n), 4 * (number - SCALE)), 1)
            return f.splat(value, element(dtype), lanes)
        vector, name = self.r.vectors[number - VECTORS], f"V{number - VECTORS}"
        place = f.mul("%d", a[f"{name}.direction"])
        if vector.strides[1] == 0:
            value = f.load(vector.dtype, f.at(a[name], f.mul(place, vector.dtype.itemsize)), 1)
            return f.splat(value, element(vector.dtype), lanes)
        address = f.at(a[name], f.mul(f.add(place, here), vector.dtype.itemsize))
        return f.load(vector.dtype, address, lanes, mask)

    def _targets(self, place: str, n: Integer, t: Integer) -> list[str]:
        """The rows in which a value of the cell is kept."""
        f = self.f
        if place == "cell":
            return [self.row("C", "%d", n)]
        if place == "reset":
            return [self.reset("%d", n)]
        return [self.row("Y", "%d", n, f.mul(t, self.a["Y.step"])), self.state("%d", n, f.add("%step", 1))]

    def _beyond(self, n: Integer, column: Integer, vectors: Integer) -> None:
        f, lanes = self.f, self.shape.lanes
        with f.count(0, vectors) as v:
            here = f.add(column, f.mul(v, lanes))
            mask, offset = self.mask(here), f.mul(here, self.size)
            output = self.row("Y", "%d", n, f.mul("%step", self.a["Y.step"]))
            f.store("zeroinitializer", self.dtype, f.at(output, offset), lanes, mask)
            kept = f.load(self.dtype, f.at(self.state("%d", n, "%step"), offset), lanes, mask)
            following = self.state("%d", n, f.add("%step", 1))
            f.store(kept, self.dtype, f.at(following, offset), lanes, mask)
