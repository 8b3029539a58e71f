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
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from jitrt import config, opdef, show
from jitrt.errors import Fail, JitrtError
from jitrt.execute.cpus import thread_count
from jitrt.graph import Graph, Node
from jitrt.plan import Plan, Recipe
from jitrt.schedule import Scheduler
from jitrt.table import Arena, Failure
from jitrt.tensor import Input
from jitrt.trace import InputSpec, RestartError, Trace, Tracer
from jitrt.types import STRING

MAX_PLANS = 64
MAX_SCHEDULES = 16

Place = tuple[int, int | None, int]  # input, axis or None for the value, position in the value
Value = Any  # a NumPy array, or a Python value of a host operator (sequence, map, None)


class Context:
    """What the programs of one session share: the number of threads, and arenas to run in."""

    def __init__(self, threads: int = 0) -> None:
        self.threads = thread_count(threads)
        self.arenas: list[Arena] = []

    def borrow(self, size: int) -> Arena:
        """An arena of at least `size` bytes that nobody else uses."""
        try:
            arena = self.arenas.pop()
        except IndexError:
            return Arena(size)
        return arena if arena.size >= size else Arena(size)

    def give_back(self, arena: Arena) -> None:
        """Let the next run have the arena."""
        self.arenas.append(arena)


@dataclass(eq=False)
class Variant:
    """One traced schedule: how to bind it, and what follows it."""

    trace: Trace
    recipe: Recipe
    fits: Any  # (*symbol values) -> bool
    places: list[Place]  # where each symbol's value is in the inputs
    results: list[tuple[str, int, bool]]  # name, number of the input or of the plan's output, is an input
    rest: Program | None = None

    def values(self, arrays: Sequence[Any]) -> list[int]:
        """The symbols' values in a call. Raises IndexError where an input has too few elements."""
        return symbol_values(self.places, arrays)


def symbol_values(places: Iterable[Place], arrays: Sequence[Any]) -> list[int]:
    """The values that a call's inputs give to symbols."""
    return [
        arrays[i].shape[axis] if axis is not None else arrays[i].item(position) for i, axis, position in places
    ]


@dataclass(eq=False)
class Program:
    """Nodes with named inputs and outputs. `specs` says what is fixed about each input, in order."""

    nodes: Sequence[Node]
    constants: Mapping[str, Any]
    specs: dict[str, InputSpec]
    outputs: list[str]
    context: Context
    variants: list[Variant] = field(default_factory=list)
    plans: OrderedDict[Any, tuple[Variant, Plan]] = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        self.lock = threading.RLock()
        self.opaque = any(spec.sizes is None for spec in self.specs.values())
        self._note_values()

    def _note_values(self) -> None:
        self.by_value = [i for i, spec in enumerate(self.specs.values()) if spec.by_value]

    def run(self, arrays: Sequence[Value]) -> list[Value]:
        """The outputs for C-contiguous inputs in the order of `specs`."""
        key = self._signature(arrays)
        found = self.plans.get(key)
        if found is None:
            found = self._prepare(key, arrays)
        variant, plan = found
        arena = self.context.borrow(plan.arena_nbytes)
        try:
            results = arena.table(plan).run(arrays)
        finally:
            self.context.give_back(arena)
        if isinstance(results, Failure):
            raise self._failure(variant, results)
        if variant.trace.stop is None:
            return [arrays[n] if passed else results[n] for _, n, passed in variant.results]
        return self._continue(variant, arrays, results)

    # preparing

    def _signature(self, arrays: Sequence[Value]) -> Any:
        if self.opaque:
            shapes = tuple([getattr(a, "shape", None) for a in arrays])
        else:
            shapes = tuple([a.shape for a in arrays])
        if self.by_value:
            return (shapes, *[arrays[i].tobytes() for i in self.by_value])
        return shapes

    def _prepare(self, key: Any, arrays: Sequence[Value]) -> tuple[Variant, Plan]:
        with self.lock:
            variant = self._fitting_variant(arrays) or self._new_variant(arrays)
            plan = variant.recipe.bind(variant.values(arrays), self.context.threads)
            if config.settings.debug:
                show.write([show.inputs_line(self.specs, arrays), show.summary_line(variant.recipe, plan)])
            self.plans[self._signature(arrays) if self.by_value else key] = variant, plan
            while len(self.plans) > MAX_PLANS:
                _, (_, old) = self.plans.popitem(last=False)
                for arena in list(self.context.arenas):
                    arena.tables.pop(id(old), None)
            return variant, plan

    def _fitting_variant(self, arrays: Sequence[Value]) -> Variant | None:
        for variant in [] if config.settings.check else self.variants:
            with suppress(IndexError, ArithmeticError):
                if variant.fits(*variant.values(arrays)):
                    return variant
        return None

    def _new_variant(self, arrays: Sequence[Value]) -> Variant:
        """Trace once for any size where the guards then hold for these, or else for sizes like these."""
        variant = None
        if not config.settings.check and any(1 in getattr(a, "shape", ()) for a in arrays):
            with suppress(JitrtError, ArithmeticError):
                trace = self._trace(arrays, generic=True)
                places = trace.symbols.values()
                if trace.guards.compile(trace.symbols)(*symbol_values(places, arrays)):
                    variant = self._build(trace)
        variant = variant or self._build(self._trace(arrays, generic=False))
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
                    self.specs[name] = replace(self.specs[name], by_value=True)
                self._note_values()

    def _build(self, trace: Trace) -> Variant:
        results, computed = [], {}
        constants = dict(trace.constants)
        for name, tensor in trace.outputs.items():
            if isinstance(tensor.source, Input):
                results.append((name, tensor.source.index, True))
            elif trace.stop is not None and tensor.value is not None and not tensor.symbolic:
                constants[name] = tensor
            else:
                results.append((name, len(computed), False))
                computed[name] = tensor
        schedule = Scheduler(trace.inputs, computed).run()
        recipe = Recipe(schedule, list(trace.symbols))
        fits = trace.guards.compile(trace.symbols)
        variant = Variant(trace, recipe, fits, list(trace.symbols.values()), results)
        if trace.stop is not None:
            variant.rest = self._rest(trace, results, constants)
        if config.settings.debug >= 3:
            show.write(show.schedule_lines(self.specs, variant))
        if config.settings.debug >= 4:
            show.write(show.source_lines(recipe))
        return variant

    # operators that need data

    def _rest(self, trace: Trace, results: Sequence[tuple[str, int, bool]], known: Mapping[str, Any]) -> Program:
        """The program after the segment: it reads the segment's results and what the host operator gives."""
        assert trace.stop is not None
        specs: dict[str, InputSpec] = {}
        for name, _, _ in results:
            tensor = trace.outputs[name]
            sizes = tuple(s if isinstance(s, int) else None for s in tensor.shape)
            specs[name] = InputSpec(tensor.dtype, sizes, tensor.value is not None or tensor is trace.wanted)
        if trace.wanted is None:
            for name in trace.stop.outputs:
                if name:
                    specs[name] = InputSpec(STRING, None)
        constants = {**self.constants, **{n: t.value for n, t in known.items()}}
        return Program(trace.rest, constants, specs, self.outputs, self.context)

    def _continue(self, variant: Variant, arrays: Sequence[Value], results: Sequence[Value]) -> list[Value]:
        values = {n: arrays[i] if passed else results[i] for n, i, passed in variant.results}
        node, rest = variant.trace.stop, variant.rest
        assert node is not None and rest is not None
        if variant.trace.wanted is None:
            produced = self._call_host(node, rest, values)
            values.update(zip((n for n in node.outputs if n), produced, strict=False))
        if not rest.nodes:
            return [values[name] if name in values else np.array(rest.constants[name]) for name in rest.outputs]
        return rest.run([values[name] for name in rest.specs])

    def _call_host(self, node: Node, rest: Program, values: Mapping[str, Value]) -> list[Value]:
        entry = opdef.lookup(node.domain, node.op_type, node.version)
        assert entry is not None
        known = rest.constants

        def value(name: str) -> Value:
            return None if not name else values[name] if name in values else np.asarray(known[name])

        attributes = {}
        for name, attribute in opdef.attribute_values(entry, node.attributes, str(node)).items():
            attributes[name] = self._body(attribute, value) if isinstance(attribute, Graph) else attribute
        if "output_count" in entry.attributes:
            attributes["output_count"] = len(node.outputs)
        try:
            produced = entry(*(value(n) for n in node.inputs), **attributes)
        except JitrtError:
            raise
        except Exception as error:
            where = f"Non-zero status code returned while running {node.op_type} node. Name:'{node.name}'"
            raise Fail(f"{where} Status Message: {error}") from error
        results = produced if isinstance(produced, (tuple, list)) and len(node.outputs) > 1 else [produced]
        return [r for n, r in zip(node.outputs, results, strict=False) if n]

    def _body(self, graph: Graph, outer: Any) -> Any:
        """A graph attribute as a function of arrays; the values it reads from outside are bound."""
        captured = sorted(graph.outer_names())
        program: Program | None = getattr(graph, "program", None)
        if program is None:
            dtypes = {n: t.dtype for n, t in graph.types.items() if not isinstance(t, str)}
            specs = {n: InputSpec(dtypes.get(n, STRING), None) for n in (*graph.inputs, *captured)}
            program = Program(graph.nodes, graph.constants, specs, graph.outputs, self.context)
            graph.program = program  # type: ignore[attr-defined]
        values = [outer(name) for name in captured]
        return lambda *arrays: program.run([*map(_prepared, arrays), *values])

    def _failure(self, variant: Variant, failure: Failure) -> Exception:
        step = variant.recipe.steps[failure.step]
        if step.error is not None:
            error = step.error(failure.status)
            node = step.nodes[0] if step.nodes else step.label
            operator, _, name = node.partition(" ")
            if isinstance(error, JitrtError):
                where = f"Non-zero status code returned while running {operator} node. Name:{name.replace(chr(34), chr(39))}"
                return type(error)(f"{where} Status Message: {error.message}")
            return error
        return Fail(f"{step.label} ({', '.join(step.nodes)}) failed with status {failure.status}")


def _prepared(value: Value) -> Value:
    return np.ascontiguousarray(value) if isinstance(value, np.ndarray) and value.ndim else value
