"""Threads that work on one thing together, phase after phase, as many as happen to be there.

The first thread to come leads: it publishes a phase with the number of its parts, does part 0, and waits for
those that do the others. Threads that come later join, and have parts from the next phase on; none waits for
a thread that is not running yet. A team's memory, zeros at first, is three lines of a cache:

    published    (phase + 1) << 8 | parts; -1 when all is done
    joined       threads beside the leader
    arrived      parts that others have done, of all phases
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from jitrt.codegen.function import Function, Integer
from jitrt.codegen.ir import Cell

LINE = 128  # bytes that cores exchange at once: a line and its neighbour
TEAM_BYTES = 3 * LINE
MOST = 255  # parts of a phase
FINISHED = -1
PATIENCE = 1023  # polls between calls of the scheduler, less than a power of two by one
PAUSES = {"x86_64": ("llvm.x86.sse2.pause", ()), "aarch64": ("llvm.aarch64.isb", (("i32", "15"),))}


@dataclass(frozen=True)
class Team:
    """The emission of a team's protocol on the memory at `address`."""

    f: Function
    address: str

    def finished(self) -> str:
        """An i1: whether there is nothing left to join."""
        return self.f.compare("eq", self._read(0), FINISHED)

    def join(self) -> str:
        """The number of the thread's part, in phases that have so many."""
        f = self.f
        before = f.let(f"atomicrmw add ptr {self._line(1)}, i64 1 acq_rel")
        return f.let(f"add i64 {before}, 1")

    @contextmanager
    def leading(self, phase: Integer, most: Integer, expected: Cell) -> Iterator[str]:
        """Emit a phase as the leader has it: the body does part 0 of the parts it is given the number of.

        `expected` counts the parts that others have had so far.
        """
        f = self.f
        parts = f.min(f.add(self._read(1, "monotonic"), 1), f.min(most, MOST))
        word = f.let(f"or i64 {f.let(f'shl i64 {f.add(phase, 1)}, 8')}, {parts}")
        self._publish(word)
        yield parts
        total = f.let(f"add i64 {expected.get()}, {f.sub(parts, 1)}")
        expected.set(total)
        with f.when(f.compare("sgt", parts, 1)):
            spin_until(f, lambda: f.compare("eq", self._read(2), total))

    def finish(self) -> None:
        """Let the others go."""
        self._publish(FINISHED)

    @contextmanager
    def helping(self, part: str) -> Iterator[tuple[str, str]]:
        """Emit what a thread that has joined does: the body has a phase and the number of its parts."""
        f = self.f
        seen, word = f.cell("i64", "0"), f.cell("i64", "0")
        watch, look, done = f.fresh("watch"), f.fresh("look"), f.fresh("left")
        f.jump(watch)
        f.start(watch)

        def changed() -> str:
            word.set(self._read(0))
            return f.compare("ne", word.get(), seen.get())

        spin_until(f, changed)
        seen.set(word.get())
        f.do(f"br i1 {f.compare('eq', word.get(), FINISHED)}, label %{done}, label %{look}")
        f.start(look)
        parts = f.let(f"and i64 {word.get()}, {MOST}")
        with f.when(f.compare("slt", part, parts)):
            yield f.let(f"sub i64 {f.let(f'ashr i64 {word.get()}, 8')}, 1"), parts
            f.do(f"atomicrmw add ptr {self._line(2)}, i64 1 release")
        f.jump(watch)
        f.start(done)

    def _line(self, number: int) -> str:
        return self.f.at(self.address, number * LINE)

    def _read(self, line: int, order: str = "acquire") -> str:
        return self.f.let(f"load atomic i64, ptr {self._line(line)} {order}, align 8")

    def _publish(self, word: Integer) -> None:
        self.f.do(f"store atomic i64 {word}, ptr {self._line(0)} release, align 8")


def spin_until(f: Function, condition: Callable[[], str]) -> None:
    """Emit a loop that polls until the i1 holds; now and then the core goes to whoever else needs it.

    poll:  if condition: go to done
           pause
           if ++polls % 1024 == 0: sched_yield()
           go to poll
    """
    poll, idle, done = f.fresh("poll"), f.fresh("idle"), f.fresh("done")
    polls = f.cell("i64", "0")
    f.jump(poll)
    f.start(poll)
    f.do(f"br i1 {condition()}, label %{done}, label %{idle}")
    f.start(idle)
    pause = PAUSES.get(f.target.triple.partition("-")[0])
    if pause is not None:
        f.call(pause[0], "void", *pause[1])
    polls.set(f.let(f"add i64 {polls.get()}, 1"))
    if "linux" in f.target.triple:
        with f.when(f.compare("eq", f.let(f"and i64 {polls.get()}, {PATIENCE}"), 0)):
            f.call("sched_yield", "i32")
    f.jump(poll)
    f.start(done)
