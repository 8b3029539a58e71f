"""The code of recurrences: a function that leads or joins teams, and one for each phase."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from jitrt.codegen.function import Function, Integer, module
from jitrt.codegen.recurrence import Recurrence
from jitrt.codegen.recurrence_function import RecurrenceFunction
from jitrt.codegen.recurrence_phase import PhaseCode, QuantisationCode
from jitrt.codegen.team import LINE, TEAM_BYTES, Team


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
    """
    bodies = [PhaseCode(recurrence, i, phase).function() for i, phase in enumerate(recurrence.phases)]
    if recurrence.quantised:
        bodies.insert(0, QuantisationCode(recurrence, "quantise").function())
    main = _Main(recurrence, symbol, "ptr %args, i64 %begin, i64 %end, ptr %scratch", "i64")
    return module(main.function(bodies), *bodies)


class _Main(RecurrenceFunction):
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
