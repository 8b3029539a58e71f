"""What a session does with a model, as text: its schedule, its plans with numbers, its code, its timings.

print(explain(session, {"image": array}))
print(profile(session, {"image": array}))
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from jitrt import show
from jitrt.errors import JitrtError
from jitrt.example import example_inputs
from jitrt.execute.pool import Runner
from jitrt.plan import Plan
from jitrt.program import Program, Variant
from jitrt.session import InferenceSession

Times = np.ndarray[Any, Any]
STAGES = ("graph", "schedule", "plan", "source", "assembly")


@dataclass(frozen=True)
class Segment:
    """What runs natively in one go: up to the program's outputs, or to an operator that sees data."""

    name: str
    program: Program
    variant: Variant
    plan: Plan


def explain(
    session: InferenceSession, input_feed: Mapping[str, Any] | None = None, stage: str = "schedule"
) -> str:
    """What the session makes of the model for such inputs, zeros by default: one of `STAGES`.

    The graph is the model's as loaded. The schedule has a line for each kernel call, and what must hold
    for it to serve other sizes; the plan puts the inputs' sizes in. Source is each kernel's LLVM IR after
    optimisation, assembly its machine code. The model runs once, as far as it gets on these inputs.
    Raises what `session.run` raises where no part of the model can be scheduled for these inputs.
    """
    if stage == "graph":
        return "\n".join(show.graph_lines(session.graph))
    program, arrays = _fresh(session, example_inputs(session) if input_feed is None else input_feed)
    failure: JitrtError | None = None
    try:
        program.run(arrays)
    except JitrtError as error:
        failure = error
    lines: list[str] = []
    for segment in _segments(program):
        recipe = segment.variant.recipe
        lines += [segment.name] if segment.name else []
        if stage == "schedule":
            lines += show.schedule_lines(segment.program.specs, segment.variant.segment)
        elif stage == "plan":
            lines += show.plan_lines(recipe, segment.plan)
        else:
            lines += show.source_lines(recipe, machine=stage == "assembly")
    if failure is not None:
        if not lines:
            raise failure
        lines.append(f"the run ended here: {failure.message}")
    return "\n".join(lines)


def profile(session: InferenceSession, input_feed: Mapping[str, Any], runs: int = 50) -> str:
    """The time of each step in the fastest of `runs` runs, in us, with GB/s and GFLOP/s.

    Raises what `session.run` raises.
    """
    lines: list[str] = []
    for segment, times in fastest(session, input_feed, runs):
        lines += [segment.name] if segment.name else []
        lines += show.timing_lines(segment.variant.recipe, segment.plan, times)
    return "\n".join(lines)


def fastest(
    session: InferenceSession, input_feed: Mapping[str, Any], runs: int
) -> list[tuple[Segment, Times]]:
    """When each step of a segment started and ended, int64 [steps, 2] in ns, in its fastest of `runs` runs.

    Raises what `session.run` raises.
    """
    program, arrays = _fresh(session, input_feed)
    program.run(arrays)
    timed = [
        (s, np.zeros((len(s.variant.recipe.steps), 2), np.int64), _runners(s)) for s in _segments(program)
    ]
    best: list[Times | None] = [None] * len(timed)
    try:
        for _, times, runners in timed:
            for runner in runners:
                runner.time_into(times)
        for _ in range(runs):
            for _, times, _ in timed:
                times[:] = 0
            program.run(arrays)
            for i, (_, times, _) in enumerate(timed):
                known = best[i]
                if known is None or _duration(times) < _duration(known):
                    best[i] = times.copy()
    finally:
        for _, _, runners in timed:
            for runner in runners:
                runner.time_into(None)
    return [(segment, times) for (segment, _, _), times in zip(timed, best, strict=True) if times is not None]


def _segments(program: Program | None, name: str = "") -> Iterator[Segment]:
    """The segments of the latest new kind of call, in order, each with the bodies called after it."""
    while program is not None and program.plans:
        variant, plan = next(reversed(program.plans.values()))
        yield Segment(name, program, variant, plan)
        for host in variant.hosts:
            for key, (body, _) in host.bodies.items():
                yield from _segments(body.program, f"{key} of {host.node}")
        name, program = f"after {variant.segment.stop}", variant.rest


def _fresh(session: InferenceSession, feed: Mapping[str, Any]) -> tuple[Program, list[Any]]:
    """The program that a call runs, without what it holds of other calls, and its inputs."""
    program, arrays = session.prepare(None, feed)
    return replace(program, specs=dict(program.specs), variants=[], plans=OrderedDict(), key=""), arrays


def _runners(segment: Segment) -> list[Runner]:
    """What runs the segment's plan so far, one an arena."""
    arenas = segment.program.context.arenas
    return [t.runner for arena in arenas for t in arena.tables.values() if t.plan is segment.plan]


def _duration(times: Times) -> int:
    return int((times[:, 1] - times[:, 0]).sum())
