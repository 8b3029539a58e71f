"""The code of recurrences: a function for each phase, and one that leads or joins teams."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from jitrt.codegen.function import Function, Integer, module
from jitrt.codegen.lower import lower
from jitrt.codegen.microkernel import LINE as LINE_BYTES
from jitrt.codegen.recurrence import (
    CELL,
    HEADER_BYTES,
    INPUTS,
    RESIDENT_BYTES,
    SCALE,
    SIZES,
    STATE,
    SUM,
    VECTORS,
    ZERO,
    Phase,
    Recurrence,
)
from jitrt.codegen.row_quantisation import quantise_row
from jitrt.codegen.team import LINE, TEAM_BYTES, Team
from jitrt.codegen.vector import element
from jitrt.expr import Expr
from jitrt.types import F32, I32

PHASE = "ptr %args, ptr %scratch, i64 %d, i64 %first, i64 %rows, i64 %step, i64 %part, i64 %parts"


def driver(recurrence: Recurrence, symbol: str) -> str:
    """The IR of a recurrence:

    while a team (direction, block of samples) has no leader:
        states = H0, cells = C0
        for step, phase:                         shared out to those who joined
            phase(part 0)
        H = states
    for team that has not finished:
        join; for step, phase:
            phase(own part)

    and a phase, for the panels of its part:

        for tile in rows, gate:
            tiles[gate] = microkernel(rows, R[panel, gate])
        for row in tile, vector in panel:
            store cell(tiles, XW, states, ...)
    """
    bodies = [_PhaseCode(recurrence, i, phase).function() for i, phase in enumerate(recurrence.phases)]
    if recurrence.quantised:
        bodies.insert(0, _QuantisationCode(recurrence, "quantise").function())
    main = _Main(recurrence, symbol, "ptr %args, i64 %begin, i64 %end, ptr %scratch", "i64")
    return module(main.function(bodies), *bodies)


class _Code:
    """A function with the kernel's arguments, and where things lie in memory."""

    def __init__(
        self, recurrence: Recurrence, name: str, parameters: str = PHASE, returns: str = "void"
    ) -> None:
        self.r, self.shape = recurrence, recurrence.shape
        self.dtype, self.size = recurrence.dtype, recurrence.dtype.itemsize
        self.f = Function(name, parameters, returns, recurrence.target)
        self.a = {
            name: self.f.get("i64" if name in SIZES or "." in name else "ptr", self.f.at("%args", 8 * i))
            for i, name in enumerate(recurrence.names)
        }

    def row(self, name: str, direction: Integer, sample: Integer, column: Integer = 0) -> str:
        """The address of an element of an operand [directions, samples, size]."""
        f, a = self.f, self.a
        place = f.add(f.mul(direction, a[f"{name}.direction"]), f.mul(sample, a[f"{name}.sample"]))
        return f.at(a[name], f.mul(f.add(place, column), self.size))

    def state(self, direction: Integer, sample: Integer, step: Integer) -> str:
        """The state of a sample before a step; a later one takes the place of the one before the last."""
        f, a = self.f, self.a
        half = f.add(f.mul(direction, 2), f.let(f"and i64 {step}, 1"))
        row = f.add(f.mul(half, a["samples"]), sample)
        return f.at(a["states"], f.mul(row, f.mul(a["states.row"], self.size)))

    def reset(self, direction: Integer, sample: Integer) -> str:
        """The reset state of a sample."""
        f, a = self.f, self.a
        row = f.add(f.mul(direction, a["samples"]), sample)
        return f.at(a["resets"], f.mul(row, f.mul(a["states.row"], self.size)))

    def quantised(self, direction: Integer, sample: Integer) -> str:
        """The scale, zero point and sum of a sample's quantised state, which follows."""
        f, a = self.f, self.a
        row = f.add(f.mul(direction, a["samples"]), sample)
        return f.at(a["quantised"], f.mul(row, a["quantised.row"]))

    def mask(self, column: Integer) -> str | None:
        """The lanes of the vector at a column that exist; None where all do."""
        if self.r.whole:
            return None
        return self.f.lanes_below(self.f.sub(self.a["size"], column), self.shape.lanes)

    def copy_row(self, source: str | None, target: str) -> None:
        """Copy a row of `size` elements, or set it to zeros."""
        f, lanes = self.f, self.shape.lanes
        with f.count(0, self.a["size"], lanes) as j:
            offset, mask, value = f.mul(j, self.size), self.mask(j), "zeroinitializer"
            if source is not None:
                value = f.load(self.dtype, f.at(source, offset), lanes, mask)
            f.store(value, self.dtype, f.at(target, offset), lanes, mask)


class _Main(_Code):
    """The kernel's function."""

    def function(self, phases: list[Function]) -> Function:
        """Lead the teams that nobody leads yet, then help the others."""
        f, a = self.f, self.a
        self.phases = [phase.signature.partition("(")[0].split(" ")[1] for phase in phases]
        self._clear_accumulators()
        teams = f.mul(a["directions"], a["blocks"])
        low, high = f.div(a["samples"], f.max(a["blocks"], 1)), f.rem(a["samples"], f.max(a["blocks"], 1))
        with self._unled(teams) as number:
            self._lead(*self._members(number, low, high), self._team(number))
        with f.when(f.compare("sgt", a["most"], 1)), f.count(0, teams) as number:
            team = self._team(number)
            with f.when(f.let(f"xor i1 {team.finished()}, true")):
                self._help(*self._members(number, low, high), team)
        f.do("ret i64 0")
        return f

    def _clear_accumulators(self) -> None:
        zeros = self.f.at("%scratch", self.r.places["zeros"])
        for j in range(self.shape.vectors):
            place = self.f.at(zeros, j * self.shape.lanes * self.r.product_dtype.itemsize)
            self.f.store("zeroinitializer", self.r.product_dtype, place, self.shape.lanes)

    @contextmanager
    def _unled(self, teams: Integer) -> Iterator[str]:
        """Emit the loop over the numbers of teams that no other thread has taken."""
        f = self.f
        take, lead, done = f.fresh("take"), f.fresh("lead"), f.fresh("done")
        f.jump(take)
        f.start(take)
        number = f.let(f"atomicrmw add ptr {self.a['team']}, i64 1 monotonic")
        f.do(f"br i1 {f.compare('slt', number, teams)}, label %{lead}, label %{done}")
        f.start(lead)
        yield number
        f.jump(take)
        f.start(done)

    def _team(self, number: str) -> Team:
        return Team(self.f, self.f.at(self.a["team"], self.f.add(LINE, self.f.mul(number, TEAM_BYTES))))

    def _members(self, number: str, low: Integer, high: Integer) -> tuple[Integer, Integer, Integer]:
        """The direction of a team, its first sample, and how many it has."""
        f, blocks = self.f, self.a["blocks"]
        d, block = f.div(number, blocks), f.rem(number, blocks)
        first = f.add(f.mul(block, low), f.min(block, high))
        return d, first, f.add(low, f.let(f"zext i1 {f.compare('slt', block, high)} to i64"))

    def _lead(self, d: Integer, first: Integer, rows: Integer, team: Team) -> None:
        f, a, r = self.f, self.a, self.r
        end = f.add(first, rows)
        with f.count(first, end) as n:
            self.copy_row(self.row("H0", d, n) if r.starts[0] else None, self.state(d, n, 0))
            if r.has_cell:
                self.copy_row(self.row("C0", d, n) if r.starts[1] else None, self.row("C", d, n))
        count = len(self.phases)
        with team.leading(f.mul(a["steps"], count), a["most"]) as (sequence, parts):
            self._call(d, first, rows, sequence, 0, parts)
        with f.count(first, end) as n:
            self.copy_row(self.state(d, n, a["steps"]), self.row("H", d, n))

    def _help(self, d: Integer, first: Integer, rows: Integer, team: Team) -> None:
        part = team.join()
        with team.helping(part) as (sequence, parts):
            self._call(d, first, rows, sequence, part, parts)

    def _call(
        self, d: Integer, first: Integer, rows: Integer, sequence: str, part: Integer, parts: Integer
    ) -> None:
        """A part of a phase, by its number among those of all steps."""
        f, count = self.f, len(self.phases)
        step, number = f.div(sequence, count), f.rem(sequence, count)
        listed = ", ".join(f"i64 {n}" for n in (d, first, rows, step, part, parts))
        for i, phase in enumerate(self.phases):
            with nullcontext() if count == 1 else f.when(f.compare("eq", number, i)):
                f.do(f"call void {phase}(ptr %args, ptr %scratch, {listed})")


class _QuantisationCode(_Code):
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


class _PhaseCode(_Code):
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
                for line in range(0, panel_bytes, LINE_BYTES):
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
