"""Tracing: one walk over the nodes for one kind of call, from ONNX operators to tensors.

The walk binds dynamic dimensions to symbols, folds shape arithmetic, inlines the branches of If that the
call takes, and leaves out what must see data: host operators, shapes that depend on data, and what follows
from them. That is the program that continues from there.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from jitrt import config, opdef
from jitrt.dims import Dim, Guards, Size
from jitrt.errors import Fail, JitrtError, at_node
from jitrt.errors import NotImplemented as NotImplementedHere
from jitrt.graph import Graph, Node
from jitrt.host_nodes import is_host, live_names, strings_of
from jitrt.inlined import inlined
from jitrt.segment import InputSpec
from jitrt.tensor import (
    Constant,
    Input,
    NeedsValueError,
    Output,
    Reduce,
    RunsOnHostError,
    Tensor,
    constant,
    operands_of,
)
from jitrt.traced import Kind, Trace, TracedBody
from jitrt.types import HOST_TYPES, STRING, is_integer

MAX_VALUE_SIZE = 64
ANY_SIZE = 17  # stands for a size that is 1 in the traced call: one that no model's own sizes equal


class RestartError(Exception):
    """The trace must start again with the value of the inputs `names` in the signature."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(", ".join(names))
        self.names = names


class Tracer:
    """Walks nodes, turning each into tensors by its operator's definition."""

    def __init__(self, specs: Mapping[str, InputSpec], arrays: Sequence[Any], generic: bool = False) -> None:
        """With `generic`, a dimension of 1 is traced as if of another size: the schedule serves all sizes."""
        self.guards, self.generic = Guards(), generic
        self.captures: dict[int, Tensor] | None = None  # of a body, by the number of its input
        self.symbols: dict[str, tuple[int, int | None, int]] = {}
        self.specs = specs
        self.environment: dict[str, Any] = {"": None}
        self.inputs: list[Tensor] = []
        for index, ((name, spec), array) in enumerate(zip(specs.items(), arrays, strict=True)):
            tensor = self._bind(index, spec, array)
            self.inputs.append(tensor)
            self.environment[name] = tensor

    def _symbol(self, value: int, place: tuple[int, int | None, int]) -> Size:
        """A symbol for `value`; 0, 1 and negative numbers are told apart by a guard instead."""
        name = f"s{len(self.symbols)}"
        self.symbols[name] = place
        one = value == 1 and self.generic and place[1] is not None
        if value < 2 and not one:
            self.guards.record(f"{name} == {value}")
            return value
        self.guards.record(f"{name} >= 1")
        self.guards.traced[name] = value
        return Dim.symbol(name, ANY_SIZE if one else value, self.guards)

    def _fixed(self, value: Any, place: tuple[int, int | None, int]) -> Any:
        """The value, which a guard demands."""
        name = f"s{len(self.symbols)}"
        self.symbols[name] = place
        self.guards.record(f"{name} == {value!r}")
        return value

    def _bind(self, index: int, spec: InputSpec, array: Any) -> Tensor:
        if not isinstance(array, np.ndarray):
            return Tensor(STRING, (), Input(index))  # a sequence, map or None on its way to a host operator
        shape: list[Size] = []
        for axis, size in enumerate(array.shape):
            if spec.sizes is not None and spec.sizes[axis] is not None:
                shape.append(size)
            elif spec.by_value:  # another number of values is another trace
                shape.append(self._fixed(size, (index, axis, 0)))
            else:
                shape.append(self._symbol(size, (index, axis, 0)))
        if not spec.by_value:
            return Tensor(array.dtype, shape, Input(index))
        if not is_integer(array.dtype):
            value = array.copy()
            for position, element in enumerate(array.ravel().tolist()):
                self._fixed(element, (index, None, position))
            return Tensor(array.dtype, shape, Input(index), value)
        elements = np.empty(array.size, object)
        elements[:] = [self._symbol(int(v), (index, None, i)) for i, v in enumerate(array.ravel())]
        value = elements.reshape(array.shape)
        if not any(isinstance(v, Dim) for v in elements):
            value = value.astype(array.dtype)
        return Tensor(array.dtype, shape, Input(index), value)

    def run(self, nodes: Sequence[Node], constants: Mapping[str, Any], outputs: Sequence[str]) -> Trace:
        """Trace all nodes that need no data."""
        environment = self.environment
        for name, value in constants.items():
            environment.setdefault(name, constant(value))
        pending = list(reversed(nodes))
        hosts: list[Node] = []
        given: set[str] = set()  # names that host operators define
        strings = {n for n, t in environment.items() if t is not None and t.dtype == STRING}
        rest: list[Node] = []
        wanted: list[Tensor] = []
        later: set[str] = set()  # names that the rest defines
        walked: list[Node] = []
        while pending:
            node = pending.pop()
            walked.append(node)
            missing = later & node.names_read() if later else set()
            if missing:
                if missing <= given and is_host(node, missing & strings):
                    hosts.append(node)
                    given.update(node.outputs)
                    strings.update(strings_of(node, strings))
                else:
                    rest.append(node)
                later.update(node.outputs)
                continue
            if any(environment.get(name, self) is None for name in node.inputs if name):
                raise Fail(f"{node}: an input is missing")
            Tensor.current_node, Tensor.answers = str(node), self._answers(node)
            try:
                entry = opdef.lookup(node.domain, node.op_type, node.version)
                if entry is not None and entry.host and self._apply_traced(node, entry):
                    continue
                if entry is not None and entry.host:
                    raise RunsOnHostError
                expansion = self._expand(node, entry)
                if expansion is not None:
                    body, extra = expansion
                    for name, value in extra.items():
                        environment[name] = constant(value)
                    walked.pop()
                    pending.extend(reversed(body))
                    continue
                assert entry is not None
                self._apply(node, entry)
            except RunsOnHostError:
                hosts.append(node)
                given.update(node.outputs)
                strings.update(strings_of(node, strings))
                later.update(node.outputs)
            except NeedsValueError as need:
                name = self._named(need.tensor, node)
                names = self._deciding_inputs(need.tensor, is_inside=name not in self.environment)
                if names:
                    raise RestartError(names) from None
                if entry is not None and entry.inlines and self._apply_traced(node, entry):
                    continue
                if self.captures is not None:
                    raise self._need_around(need.tensor) from None
                environment[name] = need.tensor
                for tensor in need.kept:
                    environment[_answer_name(node, len(self._answer_names(node)))] = tensor
                wanted.append(need.tensor)
                rest.append(node)
                later.update(node.outputs)
        left = [*hosts, *rest]
        if not left:
            results = {name: self._result(name) for name in outputs}
            return Trace(self.inputs, results, self.symbols, self.guards)
        early = self._early(hosts)
        if early and not set(walked) <= set(left):
            hosts, rest, wanted = early, [node for node in walked if node not in early], []
            environment = {name: tensor for name, tensor in environment.items() if _is_given(tensor)}
        read_later = live_names(rest, outputs).union(*map(self._answer_names, rest))
        live = live_names(hosts, read_later)
        results = {n: environment[n] for n in environment if n in live and environment[n] is not None}
        return Trace(self.inputs, results, self.symbols, self.guards, hosts, rest, wanted, read_later)

    def _early(self, hosts: Sequence[Node]) -> list[Node]:
        """The host operators that can run before any kernel: all kernels are then one segment."""
        early, available = [], {name for name, tensor in self.environment.items() if _is_given(tensor)}
        for node in hosts:
            if node.names_read() <= available:
                early.append(node)
                available.update(node.outputs)
        return early

    def _answer_names(self, node: Node) -> list[str]:
        """The names of tensors inside `node` that its definition has asked for, in order."""
        names = (_answer_name(node, number) for number in itertools.count())
        return list(itertools.takewhile(self.environment.__contains__, names))

    def _answers(self, node: Node) -> list[Tensor]:
        return [self.environment[name] for name in self._answer_names(node)]

    def _named(self, tensor: Tensor, node: Node) -> str:
        """The name of a tensor that `node` asks for the value of; one inside of it gets a name."""
        for name in sorted(node.names_read()):
            if self.environment[name] is tensor:
                return name
        return _answer_name(node, len(self._answer_names(node)))

    def _result(self, name: str) -> Tensor:
        return self.environment[name]  # type: ignore[no-any-return]

    def _expand(self, node: Node, entry: opdef.Operator | None) -> tuple[list[Node], dict[str, Any]] | None:
        """The nodes that stand for `node`: the branch of an If, the body of a function."""
        if entry is not None and entry.inlines:
            body: Graph = entry(*(self.environment[n] for n in node.inputs), **node.attributes)
            return inlined(body, node), body.constants
        if entry is not None:
            return None
        dtypes = [None if not n else self.environment[n].dtype for n in node.inputs]
        from jitrt.functions import function_body  # imports onnx

        expansion = function_body(node, dtypes)
        if expansion is None:
            operator = f"{node.op_type}({node.version})"
            raise NotImplementedHere(
                f"Could not find an implementation for {operator} node with name '{node.name}'"
            )
        return expansion, {}

    def _apply_traced(self, node: Node, entry: opdef.Operator) -> bool:
        """Trace an operator with its bodies, if they can be steps of this segment."""
        if entry.traced is None or config.settings.check:
            return False
        attributes = {
            key: partial(self._trace_body, value) if isinstance(value, Graph) else value
            for key, value in node.attributes.items()
        }
        if "output_count" in entry.attributes:
            attributes["output_count"] = len(node.outputs)
        try:
            results = entry.traced(*(self.environment[name] for name in node.inputs), **attributes)
        except (RunsOnHostError, JitrtError):  # an error is raised by the run that comes to it
            return False
        except NeedsValueError:
            if entry.host:
                raise
            return False
        self.environment.update((n, t) for n, t in zip(node.outputs, results, strict=False) if n)
        return True

    def _trace_body(self, graph: Graph, *given: Tensor | Kind) -> TracedBody:
        """A body's tensors; it is given constants, or tensors of a type. Raises RunsOnHostError."""
        names = sorted(graph.outer_names())
        around = [self.environment[name] for name in names]
        captures = [t for t in around if not isinstance(t.source, Constant)]
        types = [t for t in given if not isinstance(t, Tensor)]
        if any(dtype in HOST_TYPES for dtype, _ in [*types, *((t.dtype, ()) for t in captures)]):
            raise RunsOnHostError
        inner = Tracer({}, [], self.generic)
        inner.guards, inner.captures = self.guards, {}
        inputs: list[Tensor] = []

        def placed(tensor: Tensor | Kind) -> Tensor:
            """A constant itself, or an input in the place of the tensor."""
            if isinstance(tensor, Tensor) and isinstance(tensor.source, Constant):
                return tensor
            known = tensor if isinstance(tensor, Tensor) else Tensor(*tensor, Input(-1))
            inputs.append(Tensor(known.dtype, known.shape, Input(len(inputs)), known.value))
            return inputs[-1]

        inner.environment.update(zip(graph.inputs, map(placed, given), strict=True))
        inner.captures.update(enumerate(captures, len(inputs)))
        inner.environment.update(zip(names, map(placed, around), strict=True))
        node, answers = Tensor.current_node, Tensor.answers
        try:
            trace = inner.run(graph.nodes, graph.constants, graph.outputs)
        finally:
            Tensor.current_node, Tensor.answers = node, answers
        if trace.stop is not None:
            raise RunsOnHostError
        return TracedBody(inputs, [inner.environment[name] for name in graph.outputs], captures)

    def _apply(self, node: Node, entry: opdef.Operator) -> None:
        inputs = [self.environment[name] for name in node.inputs]
        while inputs and inputs[-1] is None:
            inputs.pop()
        attributes = entry.checked(node.attributes, str(node))
        if "output_count" in entry.attributes:
            attributes = {**attributes, "output_count": len(node.outputs)}
        try:
            results = self._fold(entry, inputs, attributes)
            if results is None:
                if entry.fold is not None and any(t is not None and t.dtype in HOST_TYPES for t in inputs):
                    raise RunsOnHostError
                results = entry(*inputs, **attributes)
        except (NeedsValueError, NotImplementedHere):
            raise
        except JitrtError as error:
            raise at_node(error, node.op_type, node.name) from error
        except RunsOnHostError:
            if entry.fold is None:
                raise NotImplementedHere(f"{node}: not for {', '.join(map(repr, inputs))}") from None
            raise
        except Exception as error:
            what = Fail(f"{error} (inputs {', '.join(map(repr, inputs))})")
            raise at_node(what, node.op_type, node.name) from error
        if not isinstance(results, (tuple, list)):
            results = (results,)
        for name, tensor in zip(node.outputs, results, strict=False):
            if tensor.dtype in HOST_TYPES and not isinstance(tensor.source, (Input, Constant)):
                raise NotImplementedHere(f"{node}: not for {', '.join(map(repr, inputs))}")
            if name:
                self.environment[name] = tensor

    def _fold(self, entry: opdef.Operator, inputs: list[Tensor | None], attributes: dict[str, Any]) -> Any:
        """The outputs as constants where all inputs are known and the operator runs on NumPy."""
        if entry.fold is None or not inputs or any(t is not None and t.value is None for t in inputs):
            return None
        values = [None if t is None else t.value for t in inputs]
        results = entry.fold(*values, **attributes)
        if results is NotImplemented:
            return None
        if not isinstance(results, (tuple, list)):
            results = (results,)
        kinds = [t.dtype for t in inputs if t is not None]
        kind = STRING if STRING in kinds else kinds[0]
        return [constant(r, kind if np.asarray(r).dtype == object else None) for r in results]

    def _deciding_inputs(self, tensor: Tensor, is_inside: bool) -> list[str]:
        """The inputs that the tensor follows from, where all are small enough to join the signature.

        None where the tensor is computed inside an operator by a kernel: data decide then, not sizes.
        """
        sources = _sources(tensor)
        if self.captures is not None or (
            is_inside and any(isinstance(t.source, (Output, Reduce)) for t in sources)
        ):
            return []
        names = list(self.specs)
        places = [t.source.index for t in sources if isinstance(t.source, Input)]
        return [names[i] for i in places] if all(_is_small(self.inputs[i]) for i in places) else []

    def _need_around(self, tensor: Tensor) -> Exception:
        """What to raise where a body needs a value: one that its captures give, or one that it computes."""
        assert self.captures is not None
        inputs = [t.source.index for t in _sources(tensor) if isinstance(t.source, Input)]
        if inputs and all(i in self.captures for i in inputs):
            return NeedsValueError(self.captures[inputs[0]])
        return RunsOnHostError()


def _sources(tensor: Tensor) -> list[Tensor]:
    """The tensors that a value follows from, up to inputs of unknown value."""
    seen, stack = {id(tensor): tensor}, [tensor]
    while stack:
        current = stack.pop()
        if isinstance(current.source, Constant) or (
            isinstance(current.source, Input) and current.value is None
        ):
            continue
        for operand in operands_of(current):
            if operand is not None and id(operand) not in seen:
                seen[id(operand)] = operand
                stack.append(operand)
    return [t for t in seen.values() if not isinstance(t.source, Input) or t.value is None]


def _answer_name(node: Node, number: int) -> str:
    """No name of a model's, and the same in each segment that `node` comes up in."""
    return f"{next(filter(None, node.outputs), '')}\0{number}"


def _is_given(tensor: Tensor | None) -> bool:
    """Whether no kernel computes the tensor."""
    return tensor is None or isinstance(tensor.source, Input if tensor.symbolic else (Input, Constant))


def _is_small(tensor: Tensor) -> bool:
    concrete = [s for s in tensor.shape if not isinstance(s, Dim)]
    return (
        len(concrete) == tensor.ndim
        and int(np.prod(concrete, dtype=np.int64)) <= MAX_VALUE_SIZE
        and (is_integer(tensor.dtype) or tensor.dtype == np.bool_ or tensor.ndim <= 1)
    )
