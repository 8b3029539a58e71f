"""What happens between native segments: operators that run in Python, and handing values on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from jitrt.errors import JitrtError, at_node
from jitrt.graph import Graph, Node
from jitrt.load_operators import operator_of
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


_ARRAYS = (ndarray, np.generic)
_READY = 0x101  # ndarray.flags.num: C-contiguous and aligned


class HostCall:
    """One call site of a host operator, which reads the values `inputs` and, in its bodies, `outer`."""

    def __init__(
        self,
        node: Node,
        make_body: Callable[[Graph], tuple[Program, list[str]]],
        events: TraceEvents | None = None,
    ) -> None:
        entry = operator_of(node)
        assert entry is not None
        self.node, self.inputs, self.events = node, node.inputs, events
        self.attributes = dict(entry.checked(node.attributes, str(node)))
        if "output_count" in entry.attributes:
            self.attributes["output_count"] = len(node.outputs)
        self.bodies: dict[str, tuple[Body, list[str]]] = {}
        for key, graph in node.attributes.items():
            if isinstance(graph, Graph):
                program, outer = make_body(graph)
                self.bodies[key] = Body(program, [graph.types.get(n) for n in graph.outputs]), outer
        self.gives_one = len(node.outputs) == 1
        self.outer = [name for _, outer in self.bodies.values() for name in outer]
        try:
            self.function = entry.on_arrays(self.attributes)
        except Exception as error:
            raise self._failure(error) from error

    def __call__(self, *values: Value) -> Any:
        """The output for the inputs and then the outer values; a list of outputs if the node names several.

        Raises Fail where it cannot compute them.
        """
        try:
            if self.bodies or self.events is not None:
                produced = self._compute(values)
            else:
                produced = self.function(*values)
        except Exception as error:
            raise self._failure(error) from error
        if self.gives_one or not isinstance(produced, (tuple, list)):
            return _as_value(produced) if isinstance(produced, _ARRAYS) else produced
        return [_as_value(p) for p in produced]

    def _compute(self, values: Sequence[Value]) -> Any:
        """As `function`, with what the bodies read from outside, and among the events."""
        inputs, outer = values[: len(self.inputs)], iter(values[len(self.inputs) :])
        bodies = {key: body.bind([next(outer) for _ in names]) for key, (body, names) in self.bodies.items()}
        if self.events is None:
            return self.function(*inputs, **bodies)
        with self.events.node(self.node.op_type, self.node.name or next(filter(None, self.node.outputs))):
            return self.function(*inputs, **bodies)

    def _failure(self, error: Exception) -> JitrtError:
        return at_node(error, self.node.op_type, self.node.name)


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
        read = [*(rest.specs if rest is not None else outputs)]
        given = [name for host in hosts for name in host.node.outputs if name]
        wanted = dict.fromkeys([*(n for host in hosts for n in (*host.inputs, *host.outer)), *read])
        known = [name for name in wanted if name not in {*computed, *passed, *given}]
        scope: dict[str, Any] = {f"call{i}": host.__call__ for i, host in enumerate(hosts)}
        if rest is not None:
            scope["rest"] = rest.run
        for i, name in enumerate(known, len(computed) + len(passed)):
            scope[f"v{i}"] = _constant(constants[name]) if name else None
        self.source = _source(computed, passed, known, hosts, read, is_last=rest is None)
        exec(self.source, scope)
        self.run: Callable[[Sequence[Value], Sequence[Value]], list[Value]] = scope["run"]


def _source(
    computed: Sequence[str],
    passed: Mapping[str, int],
    known: Sequence[str],
    hosts: Sequence[HostCall],
    read: Sequence[str],
    is_last: bool,
) -> str:
    """The function from a segment's inputs and results to the outputs: for two encoded columns and one scaled

        def run(inputs, results):
            v0, = results
            v1 = inputs[0]
            v2 = inputs[1]
            v3 = call0(v1)
            v4 = call1(v2)
            return rest([v0, v3, v4])

    Constants have names as well, in the scope that it is compiled in.
    """
    numbers = {name: f"v{i}" for i, name in enumerate([*computed, *passed, *known])}
    lines = [f"{''.join(f'{numbers[n]}, ' for n in computed)}= results"] if computed else []
    lines += [f"{numbers[name]} = inputs[{index}]" for name, index in passed.items()]
    for i, host in enumerate(hosts):
        arguments = ", ".join(numbers[name] for name in (*host.inputs, *host.outer))
        for name in filter(None, host.node.outputs):
            numbers[name] = f"v{len(numbers)}"
        targets = ", ".join(numbers[name] if name else "_" for name in host.node.outputs)
        lines.append(f"{targets} = call{i}({arguments})")
    picked = f"[{', '.join(numbers[name] for name in read)}]"
    lines.append(f"return {picked}" if is_last else f"return rest({picked})")
    return "".join(["def run(inputs, results):\n", *(f"    {line}\n" for line in lines)])


def _constant(value: Any) -> Value:
    """A view that nobody can write to."""
    view = np.asarray(value).view()
    view.flags.writeable = False
    return view


def _as_value(produced: Any) -> Value:
    """What NumPy gave, in the form in which values are kept: C-contiguous arrays, strings as objects."""
    if produced.__class__ is ndarray and produced.flags.num & _READY == _READY:
        return produced.astype(object) if produced.dtype.kind in "UT" else produced
    if not isinstance(produced, _ARRAYS):
        return produced
    array = np.asarray(produced)
    return _contiguous(array.astype(object) if array.dtype.kind in "UT" else array)


def _contiguous(value: Value) -> Value:
    return np.ascontiguousarray(value) if isinstance(value, ndarray) and value.ndim else value
