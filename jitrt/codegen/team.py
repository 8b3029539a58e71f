"""Threads that work on one thing together, phase after phase, as many as happen to be there.

The first thread to come leads: it publishes each phase with the number of its parts, and does part 0. Threads
that come later join, and have parts from the next phase on; none waits for a thread that is not running yet.
A phase begins when all parts of the one before are done. The leader publishes it as soon as its own is, so
that threads learn from each other directly. A team's memory, zeros at first, is blocks of LINE bytes:

    even, odd    of a phase: (phase + 1) << 8 | parts, then the parts of others before it; FINISHED at the end
    joined       threads beside the leader
    done         parts that others have done, of all phases
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from jitrt.codegen.function import Function, Integer
from jitrt.codegen.ir import Cell

LINE = 128  # bytes that cores exchange at once: a line and its neighbour
JOINED, DONE = 2 * LINE, 3 * LINE
TEAM_BYTES = 4 * LINE
MOST = 255  # parts of a phase
FINISHED = -1
EAGER = 256  # polls without a pause
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
        before = f.let(f"atomicrmw add ptr {f.at(self.address, JOINED)}, i64 1 acq_rel")
        return f.let(f"add i64 {before}, 1")

    @contextmanager
    def leading(self, phases: Integer, most: Integer) -> Iterator[tuple[str, str]]:
        """Emit the loop of the leader: the body does part 0 of (phase, parts), of at most so many parts."""
        f = self.f
        before, parts = f.cell("i64", "0"), f.cell("i64", "0")
        most = f.min(most, MOST)
        self._publish("0", phases, before, parts, most)
        with f.count(0, phases) as phase:
            yield phase, parts.get()
            before.set(f.let(f"add i64 {before.get()}, {f.sub(parts.get(), 1)}"))
            self._publish(f.let(f"add i64 {phase}, 1"), phases, before, parts, most)
            spin_until(f, lambda: f.compare("sge", self._read(DONE), before.get()))
        for slot in (0, LINE):
            self._write(FINISHED, slot)

    @contextmanager
    def helping(self, part: str) -> Iterator[tuple[str, str]]:
        """Emit the loop of a thread that has joined: the body does its part of (phase, parts)."""
        f = self.f
        phase, word, slot = f.cell("i64", "0"), f.cell("i64", "0"), f.cell("ptr", self.address)
        watch, look, left = f.fresh("watch"), f.fresh("look"), f.fresh("left")
        f.jump(watch)
        f.start(watch)
        slot.set(self._slot(phase.get()))

        def published() -> str:
            word.set(f.let(f"load atomic i64, ptr {slot.get()} acquire, align 8"))
            reached = f.compare("sgt", f.let(f"ashr i64 {word.get()}, 8"), phase.get())
            return f.let(f"or i1 {reached}, {f.compare('eq', word.get(), FINISHED)}")

        spin_until(f, published)
        f.do(f"br i1 {f.compare('eq', word.get(), FINISHED)}, label %{left}, label %{look}")
        f.start(look)
        parts = f.let(f"and i64 {word.get()}, {MOST}")
        phase.set(f.let(f"sub i64 {f.let(f'ashr i64 {word.get()}, 8')}, 1"))
        with f.when(f.compare("slt", part, parts)):
            before = f.get("i64", f.at(slot.get(), 8))
            spin_until(f, lambda: f.compare("sge", self._read(DONE), before))
            yield phase.get(), parts
            f.do(f"atomicrmw add ptr {f.at(self.address, DONE)}, i64 1 release")
        phase.set(f.let(f"add i64 {phase.get()}, 1"))
        f.jump(watch)
        f.start(left)

    def _slot(self, phase: str) -> str:
        f = self.f
        return f.at(self.address, f.mul(f.let(f"and i64 {phase}, 1"), LINE))

    def _publish(self, phase: str, phases: Integer, before: Cell, parts: Cell, most: str) -> None:
        """If there is such a phase. Its slot's last phase is done, and so all have read that."""
        f = self.f
        with f.when(f.compare("slt", phase, phases)):
            parts.set(f.min(f.add(self._read(JOINED, "monotonic"), 1), most))
            slot, number = self._slot(phase), f.let(f"shl i64 {f.add(phase, 1)}, 8")
            f.put("i64", before.get(), f.at(slot, 8))
            f.do(f"store atomic i64 {f.let(f'or i64 {number}, {parts.get()}')}, ptr {slot} release, align 8")

    def _read(self, offset: int, order: str = "acquire") -> str:
        return self.f.let(f"load atomic i64, ptr {self.f.at(self.address, offset)} {order}, align 8")

    def _write(self, word: Integer, offset: int) -> None:
        self.f.do(f"store atomic i64 {word}, ptr {self.f.at(self.address, offset)} release, align 8")


def spin_until(f: Function, condition: Callable[[], str]) -> None:
    """Emit a loop that polls until the i1 holds; in the end, the core goes to whoever else needs it.

    poll:  if condition: go to done
           if ++polls > 256: pause
           if polls % 1024 == 0: sched_yield()
           go to poll
    """
    poll, idle, done = f.fresh("poll"), f.fresh("idle"), f.fresh("done")
    polls = f.cell("i64", "0")
    f.jump(poll)
    f.start(poll)
    f.do(f"br i1 {condition()}, label %{done}, label %{idle}")
    f.start(idle)
    polls.set(f.let(f"add i64 {polls.get()}, 1"))
    pause = PAUSES.get(f.target.triple.partition("-")[0])
    if pause is not None:
        with f.when(f.compare("sgt", polls.get(), EAGER)):
            f.call(pause[0], "void", *pause[1])
    if "linux" in f.target.triple:
        with f.when(f.compare("eq", f.let(f"and i64 {polls.get()}, {PATIENCE}"), 0)):
            f.call("sched_yield", "i32")
    f.jump(poll)
    f.start(done)
