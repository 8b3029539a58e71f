"""What happens between native segments: operators that run in Python, and handing values on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jitrt import opdef
from jitrt.errors import Fail, JitrtError
from jitrt.graph import Graph, Node
from jitrt.types import TensorType

if TYPE_CHECKING:
    from jitrt.program import Program
    from jitrt.trace_events import TraceEvents

Value = Any  # a NumPy array, or a Python value of a host operator (sequence, map, None)


class Body:
    """A graph attribute as a function of arrays. `types` is what it declares of its outputs."""

    def __init__(
        self, program: Program, types: Sequence[TensorType | str | None], outer: Sequence[Value] = ()
    ) -> None:
        self.program, self.types, self.outer = program, types, outer

    def bind(self, outer: Sequence[Value]) -> Body:
        """The body in one call, where these are the values that it reads from outside."""
        return Body(self.program, self.types, outer)

    def __call__(self, *arrays: Value) -> list[Value]:
        return self.program.run([*map(_contiguous, arrays), *self.outer])


_FAILED = "Non-zero status code returned while running "


class HostCall:
    """One call site of a host operator, which reads the values `inputs` and, in its bodies, `outer`."""

    def __init__(
        self,
        node: Node,
        make_body: Callable[[Graph], tuple[Program, list[str]]],
        events: TraceEvents | None = None,
    ) -> None:
        entry = opdef.lookup(node.domain, node.op_type, node.version)
        assert entry is not None
        definition = entry.definition if entry.host else entry.fold
        assert definition is not None
        self.node, self.definition, self.inputs = node, definition, node.inputs
        self.attributes = dict(opdef.attribute_values(entry, node.attributes, str(node)))
        if "output_count" in entry.attributes:
            self.attributes["output_count"] = len(node.outputs)
        self.events = events
        self.bodies: dict[str, tuple[Body, list[str]]] = {}
        for key, graph in node.attributes.items():
            if isinstance(graph, Graph):
                program, outer = make_body(graph)
                self.bodies[key] = Body(program, [graph.types.get(n) for n in graph.outputs]), outer
        self.outer = [name for _, outer in self.bodies.values() for name in outer]

    def __call__(self, inputs: Sequence[Value], outer: Sequence[Value]) -> Sequence[Value]:
        """The operator's outputs, absent ones included. Raises Fail where it cannot compute them."""
        if self.events is None:
            return self._compute(inputs, outer)
        with self.events.node(self.node.op_type, self.node.name or next(filter(None, self.node.outputs))):
            return self._compute(inputs, outer)

    @property
    def _where(self) -> str:
        return f"{_FAILED}{self.node.op_type} node. Name:'{self.node.name}' Status Message: "

    def _compute(self, inputs: Sequence[Value], outer: Sequence[Value]) -> Sequence[Value]:
        attributes = self.attributes
        if self.bodies:
            values = iter(outer)
            attributes = dict(attributes)
            for key, (body, names) in self.bodies.items():
                attributes[key] = body.bind([next(values) for _ in names])
        try:
            produced = self.definition(*inputs, **attributes)
        except JitrtError as error:
            if error.message.startswith(_FAILED):  # a node in a body
                raise
            raise type(error)(self._where + error.message) from error
        except Exception as error:
            raise Fail(f"{self._where}{error}") from error
        several = len(self.node.outputs) > 1 and isinstance(produced, (tuple, list))
        return [_as_value(p) for p in produced] if several else [_as_value(produced)]


class Continuation:
    """What follows a native segment: host operators, if any, then a program or the outputs themselves.

    Values have numbers: the segment's results `computed`, inputs that are passed on, constants, and what the
    host operators give.
    """

    def __init__(
        self,
        computed: Sequence[str],
        passed: Mapping[str, int],
        constants: Mapping[str, Any],
        hosts: Sequence[HostCall],
        rest: Program | None,
        outputs: Sequence[str],
    ) -> None:
        self.rest, self.passed = rest, list(passed.values())
        read = [*(rest.specs if rest is not None else outputs)]
        given = [name for host in hosts for name in host.node.outputs]
        wanted = dict.fromkeys([*(n for host in hosts for n in (*host.inputs, *host.outer)), *read])
        known = [name for name in wanted if name not in {*computed, *passed, *given}]
        self.known = [_constant(constants[name]) if name else None for name in known]
        place = {name: i for i, name in enumerate([*computed, *passed, *known, *given])}
        self.read = [place[name] for name in read]
        self.hosts = [
            (host, [place[name] for name in host.inputs], [place[name] for name in host.outer])
            for host in hosts
        ]

    def run(self, arrays: Sequence[Value], values: list[Value]) -> list[Value]:
        """The outputs, from the segment's inputs and its results."""
        if self.passed:
            values += [arrays[index] for index in self.passed]
        if self.known:
            values += self.known
        get = values.__getitem__
        for host, inputs, outer in self.hosts:
            values += host(list(map(get, inputs)), list(map(get, outer)))
        picked = list(map(get, self.read))
        return picked if self.rest is None else self.rest.run(picked)


def _constant(value: Any) -> Value:
    """A view that nobody can write to."""
    view = np.asarray(value).view()
    view.flags.writeable = False
    return view


def _as_value(produced: Any) -> Value:
    """What NumPy gave, in the form in which values are kept: C-contiguous arrays, strings as objects."""
    if isinstance(produced, np.generic):
        produced = np.asarray(produced)
    if isinstance(produced, np.ndarray) and produced.dtype.kind in "UT":
        produced = produced.astype(object)
    return _contiguous(produced)


def _contiguous(value: Value) -> Value:
    return np.ascontiguousarray(value) if isinstance(value, np.ndarray) and value.ndim else value
