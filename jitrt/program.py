"""Programs: nodes that run on arrays of any shape, with a plan per signature.

A call's signature is the shapes of its inputs, and the values of those that decide on shapes or branches.
A signature seen before runs its plan. A new one first looks for a schedule whose guards its sizes satisfy,
which only needs new numbers: in this process, then among those that others have left on disk. Where there is
none, the nodes are traced again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from jitrt import config, forks, kept_segments, show
from jitrt.errors import Fail, InvalidArgument, JitrtError, at_node
from jitrt.execute.cpus import thread_count
from jitrt.execute.pool import STOPPED
from jitrt.graph import Graph, Node
from jitrt.host_call import Continuation, HostCall, Value
from jitrt.log import INFO, WARNING, Log
from jitrt.options import RunOptions
from jitrt.plan import FEWEST_PLANS, Plan
from jitrt.segment import InputSpec, Segment
from jitrt.table import Arena, Failure, Table
from jitrt.types import STRING

if TYPE_CHECKING:
    from jitrt.trace_events import TraceEvents

MAX_SCHEDULES = 16

Shapes = tuple[tuple[int, ...], ...]

_preparing = threading.RLock()  # held to trace and build, which one thread of the process does at a time


class Context:
    """What the programs of one session share: how to schedule and run them, and arenas to run in.

    `plain` names outputs of the model that are declared to hold no arrays.
    """

    def __init__(self, threads: int = 0, fused: bool = True, plain: Iterable[str] = ()) -> None:
        self.threads, self.fused, self.plain = thread_count(threads), fused, frozenset(plain)
        self.arenas: list[Arena] = []
        self.running: dict[int, RunOptions] = {}  # of threads whose run has any
        self.events: TraceEvents | None = None  # of a session that is profiled
        self.flush_denormals = self.batch_invariant = False
        self.winograd, self.parts_of_numbers = True, 3
        self.log = Log(WARNING)

    def borrow(self, size: int) -> Arena:
        """An arena of at least `size` bytes that nobody else uses."""
        try:
            arena = self.arenas.pop()
        except IndexError:
            return Arena(size, self.events, self.flush_denormals)
        if arena.size >= size:
            return arena
        arena.is_retired = True
        return Arena(size, self.events, self.flush_denormals)

    def give_back(self, arena: Arena) -> None:
        """Let the next run have the arena."""
        self.arenas.append(arena)

    def shrink(self) -> None:
        """Let go of the memory that no run uses."""
        self.arenas.clear()

    def run(self, table: Table, arrays: list[Value], targets: list[Value] | None) -> list[Any] | Failure:
        """Run a table, until the user ends this thread's run. Raises Fail then."""
        options = self.running.get(threading.get_ident())
        if options is None:
            return table.run(arrays, targets)
        with options.stopping(table.runner):
            results = table.run(arrays, targets)
        if options.terminate or (isinstance(results, Failure) and results.status == STOPPED):
            raise Fail("Exiting due to terminate flag being set to true.")
        return results


@dataclass(eq=False)
class Variant:
    """A segment in a session, and what follows it."""

    segment: Segment
    hosts: list[HostCall] = field(default_factory=list)
    rest: Program | None = None
    continuation: Continuation | None = None  # None where the plan's outputs are the program's
    is_kept: bool = False  # from another process

    def __post_init__(self) -> None:
        self.recipe = self.segment.recipe
        self.computes = bool(self.recipe.steps or self.segment.computed)

    def takes(self, arrays: Sequence[Any]) -> bool:
        """Whether it serves a call with these inputs."""
        return self.segment.calls.takes(arrays) and self.segment.calls.fits(arrays)


@dataclass(eq=False)
class Program:
    """Nodes with named inputs and outputs. `specs` says what is fixed about each input, in order.

    Where `may_share` is true, outputs may be inputs, constants, or parts of each other. `key` tells the same
    program in another process, "" where nothing does.
    """

    nodes: Sequence[Node]
    constants: Mapping[str, Any]
    specs: dict[str, InputSpec]
    outputs: list[str]
    context: Context
    key: str = ""
    variants: list[Variant] = field(default_factory=list)
    plans: OrderedDict[Any, tuple[Variant, Plan]] = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        is_opaque = [spec.sizes is None and spec.dtype == STRING for spec in self.specs.values()]
        self.opaque = [
            number for number, opaque in enumerate(is_opaque) if opaque
        ]  # of any type, or no arrays
        self.may_share = False
        self._note_values()

    def _note_values(self) -> None:
        self.by_value = [i for i, spec in enumerate(self.specs.values()) if spec.by_value]

    def run(
        self, arrays: list[Value], shapes: Shapes | None = None, targets: list[Value] | None = None
    ) -> list[Value]:
        """The outputs for C-contiguous inputs in the order of `specs`, whose shapes may be given as well.

        Where the plan's outputs are the program's, they are written to the targets that they fit into.
        Raises InvalidArgument for another shape than the specs say, and what the operators raise.
        """
        key = shapes if shapes is not None and not self.by_value else self.signature(arrays)
        variant, plan = self.plans.get(key) or self._prepare(arrays)
        if len(self.plans) > FEWEST_PLANS // 2:
            with suppress(KeyError):  # another thread has just dropped it
                self.plans.move_to_end(key)
        if not variant.computes and not self.context.running:
            assert variant.continuation is not None
            return variant.continuation.run(arrays, [])
        arena = self.context.borrow(plan.arena_nbytes)
        try:
            table = arena.tables.get(plan.number) or arena.table(plan)
            if self.context.running or targets is not None:
                own = targets if variant.continuation is None else None
                results = self.context.run(table, arrays, own)
            else:
                results = table.run(arrays)
        finally:
            self.context.give_back(arena)
        if isinstance(results, Failure):
            if variant.is_kept:  # what a failure means is no data: a trace finds it again
                with _preparing:
                    if variant in self.variants:  # no other thread was first
                        self._drop(variant)
                        self._new_variant(arrays)
                return self.run(arrays, shapes, targets)
            raise self._failure(variant, results)
        continuation = variant.continuation
        return results if continuation is None else continuation.run(arrays, results)

    # preparing

    def signature(self, arrays: Sequence[Value]) -> Any:
        """What calls that run the same plan have in common."""
        shapes: Any
        try:
            shapes = tuple([a.shape for a in arrays])
        except AttributeError:  # a sequence, a map or None
            shapes = tuple([getattr(a, "shape", None) for a in arrays])
        if self.opaque:
            shapes = (shapes, *[getattr(arrays[i], "dtype", None) for i in self.opaque])
        if self.by_value:
            return (shapes, *[arrays[i].tobytes() for i in self.by_value])
        return shapes

    def _prepare(self, arrays: Sequence[Value]) -> tuple[Variant, Plan]:
        for (name, spec), array in zip(self.specs.items(), arrays, strict=True):
            _check_shape(name, spec, array)
        with _preparing:
            found = self.plans.get(self.signature(arrays))
            if found is not None:  # another thread was first
                return found
            fitting = self._fitting_variant(arrays) or self._kept_variant(arrays)
            variant = fitting or self._new_variant(arrays)
            plan = variant.recipe.bind(variant.segment.calls.values(arrays), self.context.threads)
            if self.context.log.says(INFO):
                self.context.log.add(INFO, ": ".join(self._summary(arrays, variant, plan)))
            if config.settings.debug:
                show.write(self._summary(arrays, variant, plan))
            self.plans[self.signature(arrays)] = variant, plan
            while len(self.plans) > plan.kept:
                self.plans.popitem(last=False)
            return variant, plan

    def _summary(self, arrays: Sequence[Value], variant: Variant, plan: Plan) -> list[str]:
        from_disk = ", from disk" if variant.is_kept else ""
        return [show.inputs_line(self.specs, arrays), show.summary_line(variant.recipe, plan) + from_disk]

    def _fitting_variant(self, arrays: Sequence[Value]) -> Variant | None:
        for variant in [] if config.settings.check else self.variants[::-1]:
            if variant.takes(arrays):
                self.variants.remove(variant)
                self.variants.append(variant)  # the first is the one that was used least recently
                return variant
        return None

    def _kept_variant(self, arrays: Sequence[Value]) -> Variant | None:
        """What another process has built for such a call."""
        segment = kept_segments.find(self, arrays) if self.key else None
        return None if segment is None else self._add(self._variant(segment, is_kept=True))

    def _new_variant(self, arrays: Sequence[Value]) -> Variant:
        from jitrt.building import build  # with all that tracing and scheduling needs

        segment = build(self, arrays)
        variant = self._add(self._variant(segment))
        obstacle = kept_segments.keep(self, segment) if self.key else ""
        if obstacle:
            self.context.log.add(INFO, f"the plan is made anew in each process: {obstacle}")
        return variant

    def _add(self, variant: Variant) -> Variant:
        self.variants.append(variant)
        if len(self.variants) > MAX_SCHEDULES:
            self._drop(self.variants[0])
        return variant

    def _drop(self, variant: Variant) -> None:
        self.variants.remove(variant)
        self.plans = OrderedDict((k, v) for k, v in self.plans.items() if v[0] is not variant)

    def take_by_value(self, names: Iterable[str]) -> None:
        """Make the values of inputs part of a call's signature."""
        for name in names:
            self.specs[name] = self.specs[name]._replace(by_value=True)
        self._note_values()

    def _variant(self, segment: Segment, is_kept: bool = False) -> Variant:
        """The segment with what comes after it: host operators, and the program that reads what both give."""
        variant = Variant(segment, is_kept=is_kept)
        if segment.stop is None and segment.computed == self.outputs:
            return variant
        constants = {**self.constants, **segment.known}
        if segment.stop is not None:
            make_body = partial(self._body, constants=constants)
            variant.hosts = [HostCall(node, make_body, self.context.events) for node in segment.hosts]
            key = self.key and kept_segments.key_after(self.key, segment.calls)
            variant.rest = Program(
                segment.rest, constants, dict(segment.specs), self.outputs, self.context, key
            )
        if segment.computed != self.outputs:
            rest = variant.rest if segment.rest else None
            names, passed = segment.computed, segment.passed
            variant.continuation = Continuation(names, passed, constants, variant.hosts, rest, self.outputs)
            self.may_share |= not self.context.plain.issuperset(n for n in self.outputs if n not in names)
        return variant

    def _body(self, graph: Graph, *, constants: Mapping[str, Any]) -> tuple[Program, list[str]]:
        """The program of a body, and the names of the values that it reads from outside."""
        names = sorted(graph.outer_names())
        outer = [n for n in names if n not in constants]
        specs = {n: InputSpec(STRING, None) for n in (*graph.inputs, *outer)}
        known = {**{n: constants[n] for n in names if n in constants}, **graph.constants}
        return Program(graph.nodes, known, specs, graph.outputs, self.context), outer

    def _failure(self, variant: Variant, failure: Failure) -> Exception:
        step = variant.recipe.steps[failure.step]
        if step.error is not None:
            error = step.error(failure.status)
            return at_node(error, *step.node) if isinstance(error, JitrtError) else error
        return Fail(f"{step.label} ({', '.join(step.nodes)}) failed with status {failure.status}")


def _check_shape(name: str, spec: InputSpec, array: Value) -> None:
    """Raises InvalidArgument where the array is not what the spec says."""
    if spec.sizes is None:
        return
    please = "Please fix either the inputs/outputs or the model."
    if array.ndim != len(spec.sizes):
        ranks = f"Got: {array.ndim} Expected: {len(spec.sizes)}"
        raise InvalidArgument(f"Invalid rank for input: {name} {ranks} {please}")
    wrong = [
        f" index: {axis} Got: {size} Expected: {expected}\n"
        for axis, (size, expected) in enumerate(zip(array.shape, spec.sizes, strict=True))
        if expected is not None and size != expected
    ]
    if wrong:
        what = f"Got invalid dimensions for input: {name} for the following indices\n{''.join(wrong)}"
        raise InvalidArgument(f"{what} {please}")


forks.hold(_preparing)  # compilation is imported above: its lock is taken after this one
