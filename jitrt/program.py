"""Programs: nodes that run on arrays of any shape, with a plan per signature.

A call's signature is the shapes of its inputs, and the values of those that decide on shapes or branches.
A signature seen before runs its plan. A new one first looks for a schedule whose guards its sizes satisfy,
which only needs new numbers; where there is none, the nodes are traced again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from jitrt import config, forks, show
from jitrt.codegen.order import batch_invariant, parts_of_numbers, winograd
from jitrt.errors import Fail, InvalidArgument, JitrtError
from jitrt.execute.cpus import thread_count
from jitrt.execute.pool import STOPPED
from jitrt.graph import Graph, Node
from jitrt.host_call import Continuation, HostCall, Value
from jitrt.invariants import compute_invariants
from jitrt.log import INFO, WARNING, Log
from jitrt.options import RunOptions
from jitrt.plan import FEWEST_PLANS, Plan, Recipe
from jitrt.schedule import Scheduler
from jitrt.table import Arena, Failure, Table
from jitrt.tensor import Input, Tensor
from jitrt.trace import RestartError, Tracer
from jitrt.traced import InputSpec, Trace
from jitrt.types import HOST_TYPES, STRING

if TYPE_CHECKING:
    from jitrt.trace_events import TraceEvents

MAX_SCHEDULES = 16

Place = tuple[int, int | None, int]  # input, axis or None for the value, position in the value
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
        return arena if arena.size >= size else Arena(size, self.events, self.flush_denormals)

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
    """One traced schedule: how to bind it, and what follows it."""

    trace: Trace
    recipe: Recipe
    fits: Any  # (*symbol values) -> bool
    places: list[Place]  # where each symbol's value is in the inputs
    hosts: list[HostCall] = field(default_factory=list)
    rest: Program | None = None
    continuation: Continuation | None = None  # None where the plan's outputs are the program's
    computes: bool = True  # whether it has steps or outputs of its own

    def takes(self, arrays: Sequence[Any]) -> bool:
        """Whether a call's inputs have the types and ranks that were traced."""
        kinds = [(a.dtype, len(a.shape)) if hasattr(a, "shape") else (STRING, 0) for a in arrays]
        return kinds == [(tensor.dtype, len(tensor.shape)) for tensor in self.trace.inputs]

    def values(self, arrays: Sequence[Any]) -> list[int]:
        """The symbols' values in a call. Raises IndexError where an input has too few elements."""
        return symbol_values(self.places, arrays)


def symbol_values(places: Iterable[Place], arrays: Sequence[Any]) -> list[int]:
    """The values that a call's inputs give to symbols."""
    return [
        arrays[i].shape[axis] if axis is not None else arrays[i].item(position)
        for i, axis, position in places
    ]


@dataclass(eq=False)
class Program:
    """Nodes with named inputs and outputs. `specs` says what is fixed about each input, in order.

    Where `may_share` is true, outputs may be inputs, constants, or parts of each other.
    """

    nodes: Sequence[Node]
    constants: Mapping[str, Any]
    specs: dict[str, InputSpec]
    outputs: list[str]
    context: Context
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
        key = shapes if shapes is not None and not self.by_value else self._signature(arrays)
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
            raise self._failure(variant, results)
        continuation = variant.continuation
        return results if continuation is None else continuation.run(arrays, results)

    # preparing

    def _signature(self, arrays: Sequence[Value]) -> Any:
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
            found = self.plans.get(self._signature(arrays))
            if found is not None:  # another thread was first
                return found
            variant = self._fitting_variant(arrays) or self._new_variant(arrays)
            plan = variant.recipe.bind(variant.values(arrays), self.context.threads)
            if self.context.log.says(INFO):
                self.context.log.add(INFO, ": ".join(self._summary(arrays, variant, plan)))
            if config.settings.debug:
                show.write(self._summary(arrays, variant, plan))
            self.plans[self._signature(arrays)] = variant, plan
            while len(self.plans) > plan.kept:
                self.plans.popitem(last=False)
            return variant, plan

    def _summary(self, arrays: Sequence[Value], variant: Variant, plan: Plan) -> list[str]:
        return [show.inputs_line(self.specs, arrays), show.summary_line(variant.recipe, plan)]

    def _fitting_variant(self, arrays: Sequence[Value]) -> Variant | None:
        for variant in [] if config.settings.check else self.variants[::-1]:
            with suppress(IndexError, ArithmeticError):
                if variant.takes(arrays) and variant.fits(*variant.values(arrays)):
                    self.variants.remove(variant)
                    self.variants.append(variant)  # the first is the one that was used least recently
                    return variant
        return None

    def _generic_variant(self, arrays: Sequence[Value]) -> Variant | None:
        """Traced for any size, if the guards then hold for these."""
        if not config.settings.check and any(1 in getattr(a, "shape", ()) for a in arrays):
            with suppress(JitrtError, ArithmeticError):
                trace = self._trace(arrays, generic=True)
                places = trace.symbols.values()
                if trace.guards.compile(trace.symbols)(*symbol_values(places, arrays)):
                    variant = self._build(trace)
                    if variant.fits(*variant.values(arrays)):  # scheduling has decided on sizes as well
                        return variant
        return None

    def _new_variant(self, arrays: Sequence[Value]) -> Variant:
        """Trace once for any size where that fits these, or else for sizes like these."""
        own = self.context
        precision = parts_of_numbers(own.parts_of_numbers)
        with batch_invariant(own.batch_invariant), winograd(own.winograd), precision:
            variant = self._generic_variant(arrays) or self._build(self._trace(arrays, generic=False))
        self.variants.append(variant)
        if len(self.variants) > MAX_SCHEDULES:
            dropped = self.variants.pop(0)
            self.plans = OrderedDict((k, v) for k, v in self.plans.items() if v[0] is not dropped)
        return variant

    def _trace(self, arrays: Sequence[Value], generic: bool) -> Trace:
        while True:
            try:
                return Tracer(self.specs, arrays, generic).run(self.nodes, self.constants, self.outputs)
            except RestartError as restart:
                for name in restart.names:
                    self.specs[name] = self.specs[name]._replace(by_value=True)
                self._note_values()

    def _build(self, trace: Trace) -> Variant:
        passed: dict[str, int] = {}  # names of inputs, and their numbers
        computed: dict[str, Tensor] = {}
        constants = dict(self.constants)
        compute_invariants(trace.outputs.values(), self._computed)
        for name, tensor in trace.outputs.items():
            if isinstance(tensor.source, Input):
                passed[name] = tensor.source.index
            elif _is_known(tensor) and (trace.stop is not None or tensor.dtype in HOST_TYPES):
                constants[name] = tensor.value
            else:
                computed[name] = tensor
        schedule = Scheduler(trace.inputs, computed.values(), self.context.fused).run()
        recipe = Recipe(schedule, list(trace.symbols))
        variant = Variant(trace, recipe, trace.guards.compile(trace.symbols), list(trace.symbols.values()))
        if trace.stop is not None:
            self._continue(variant, constants)
        if list(computed) != self.outputs:
            rest = variant.rest if variant.rest is not None and variant.rest.nodes else None
            names = list(computed)
            variant.continuation = Continuation(names, passed, constants, variant.hosts, rest, self.outputs)
            variant.computes = bool(recipe.steps or computed)
            self.may_share |= not self.context.plain.issuperset(n for n in self.outputs if n not in computed)
        if config.settings.debug >= 3:
            show.write(show.schedule_lines(self.specs, variant))
        if config.settings.debug >= 4:
            show.write(show.source_lines(recipe))
        return variant

    def _computed(self, tensors: list[Tensor]) -> list[Value] | None:
        """The values of tensors that follow from no input; None where a kernel fails."""
        recipe = Recipe(Scheduler([], tensors, self.context.fused).run(), [])
        plan = recipe.bind([], self.context.threads)
        arena = Arena(plan.arena_nbytes)
        results = arena.table(plan).run([])
        return None if isinstance(results, Failure) else results

    # operators that need data

    def _continue(self, variant: Variant, constants: Mapping[str, Any]) -> None:
        """Add the host operators after the segment, and the program after those: it reads what both give."""
        trace = variant.trace
        specs: dict[str, InputSpec] = {}
        own = list(self.specs.values())
        sizes: tuple[int | None, ...] | None
        for name, tensor in trace.outputs.items():
            if name not in trace.read_later or (_is_known(tensor) and not isinstance(tensor.source, Input)):
                continue
            sizes = tuple(s if isinstance(s, int) else None for s in tensor.shape)
            if isinstance(tensor.source, Input) and own[tensor.source.index].sizes is None:
                sizes = None  # it may be a sequence, or None
            by_value = tensor.value is not None or any(tensor is t for t in trace.wanted)
            specs[name] = InputSpec(tensor.dtype, sizes, by_value)
        make_body = partial(self._body, constants=constants)
        for node in trace.hosts:
            specs.update((n, InputSpec(STRING, None)) for n in node.outputs if n in trace.read_later)
            variant.hosts.append(HostCall(node, make_body, self.context.events))
        variant.rest = Program(trace.rest, constants, specs, self.outputs, self.context)

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
            node = step.nodes[0] if step.nodes else step.label
            operator, _, name = node.partition(" ")
            if isinstance(error, JitrtError):
                where = f"while running {operator} node. Name:{name.replace(chr(34), chr(39))}"
                return type(error)(f"Non-zero status code returned {where} Status Message: {error.message}")
            return error
        return Fail(f"{step.label} ({', '.join(step.nodes)}) failed with status {failure.status}")


def _is_known(tensor: Tensor) -> bool:
    return tensor.value is not None and not tensor.symbolic


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
