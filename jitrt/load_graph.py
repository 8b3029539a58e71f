"""GraphProto to Graph: one name for every value of the whole model, functions inlined, constants set apart.

A `Builder` holds what is the model's; a `Scope` is one graph, body or function call: the names as written
there and the names that they get. Names stay as written unless a body or a function would define one twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import zip_longest
from typing import Any

import numpy as np

from jitrt import proto
from jitrt.errors import Fail, InvalidArgument, InvalidGraph
from jitrt.graph import Graph, Node
from jitrt.load_check import (
    INVALID,
    BodyError,
    body_context,
    check_declarations,
    dangling,
    describe,
    sort_nodes,
)
from jitrt.load_gradient import expand_gradients, is_gradient, resolve_names
from jitrt.load_tensor import ExternalFiles, element_type, to_array, to_dense
from jitrt.load_types import optional_shape, size_of, to_type
from jitrt.types import F32, I64, STRING, TensorType, format_type

Array = np.ndarray[Any, Any]
FunctionKey = tuple[str, str, str]  # domain, name, overload

# attributes longer than this stay NumPy arrays, as those of tree ensembles
LONG_ATTRIBUTE = 1024

# in `Graph.constants` until `Builder.finish`
_PENDING = np.empty(0)

# attribute of a Constant node -> type of its numbers or strings, element type of the tensor
_CONSTANT_FORMS: dict[str, tuple[Any, np.dtype[Any]]] = {
    "value_float": (float, F32),
    "value_floats": (float, F32),
    "value_int": (int, I64),
    "value_ints": (int, I64),
    "value_string": ((str, bytes), STRING),
    "value_strings": ((str, bytes), STRING),
}


@dataclass
class Scope:
    """The names of one graph, body or function call, and what the nodes in it mean."""

    names: dict[
        str, str
    ]  # as written -> in the result; other names stay as written, none may be in a function
    opsets: dict[str, int]
    constants: dict[str, Array] = field(default_factory=dict)
    types: dict[str, TensorType | str] = field(default_factory=dict)
    outer: frozenset[str] = frozenset()  # result names that the graphs around this one define
    visible: frozenset[str] = frozenset()  # those and its own
    is_body: bool = False
    function: str = ""  # its name; a body in a function is in the function too
    attributes: dict[str, Any] = field(default_factory=dict)  # of the function call
    prefix: str = ""  # of node names

    def name(self, written: str) -> str:
        """The result's name. Raises InvalidArgument for one that the function does not define."""
        name = self.names.get(written)
        if name is None and self.function and written:
            raise dangling(written)
        return written if name is None else name


@dataclass(frozen=True)
class Changes:
    """What the caller wants otherwise than in the file: dimensions by symbol or denotation, initializers.

    `files` are contents of files beside the model, by their names.
    """

    dimensions: Mapping[str, int] = field(default_factory=dict)
    denoted: Mapping[str, int] = field(default_factory=dict)
    initializers: Mapping[str, Array] = field(default_factory=dict)
    files: Mapping[str, Array] = field(default_factory=dict)

    def size(self, dimension: proto.Dimension) -> int | str | None:
        """The size of a declared dimension."""
        declared = size_of(dimension)
        if isinstance(declared, int):
            return declared
        return self.denoted.get(dimension.denotation, self.dimensions.get(declared or "", declared))

    def check(self, tensor: proto.TensorProto) -> None:
        """Raises InvalidArgument where the caller's initializer has another type or shape than the file's."""
        given = self.initializers.get(tensor.name)
        if given is None:
            return
        dtype, shape = element_type(tensor), tuple(tensor.dims)
        if (given.dtype, given.shape) != (dtype, shape):
            have, want = format_type(given.dtype, given.shape), format_type(dtype, shape)
            raise InvalidArgument(f"Initializer {tensor.name}: the session's options give {have} for {want}")


class Builder:
    """Turns the graphs of one model into `Graph`s.

    `implemented` tells calls that stay nodes although the model has a function of that name. Initializers
    become arrays last, in `finish`, so that errors in the graph come before errors in its data.
    """

    def __init__(
        self,
        functions: dict[FunctionKey, proto.FunctionProto],
        files: ExternalFiles,
        implemented: Callable[[Node], bool],
        changes: Changes | None = None,
    ) -> None:
        self.functions, self.files, self.implemented = functions, files, implemented
        self.changes = changes or Changes()
        self.taken: set[str] = set()
        self.pending: list[tuple[dict[str, Array], str, Callable[[], Array]]] = []
        self.calls: list[FunctionKey] = []  # being inlined
        self.optional_shapes: dict[str, tuple[int | str | None, ...]] = {}

    def finish(self) -> None:
        """Make the arrays of all initializers. Raises Fail for data that does not fit its shape."""
        for constants, name, make in self.pending:
            constants[name] = make()

    def fresh(self, name: str) -> str:
        """`name`, or a variant of it that no value has, from now on taken."""
        unique, count = name, 0
        while unique in self.taken:
            count += 1
            unique = f"{name}#{count}"
        self.taken.add(unique)
        return unique

    def graph(self, source: proto.GraphProto, scope: Scope) -> tuple[Graph, list[str]]:
        """The graph, and those of its constants that the file also lists as inputs.

        They are no inputs of the graph: a caller may give them, and otherwise the constant is the default.
        """
        check_declarations(source)
        sparse = {s.values.name: s for s in source.sparse_initializer if s.values is not None}
        dense = {t.name: t for t in source.initializer if t.name}
        self._define([*(i.name for i in source.input), *dense, *sparse], source.node, scope)
        for value in (*source.input, *source.output):
            kind = to_type(value.type, self.changes.size)
            shape = optional_shape(value.type, self.changes.size)
            if shape is not None:
                self.optional_shapes[scope.name(value.name)] = shape
            if kind is not None:
                scope.types[scope.name(value.name)] = kind
        for name, tensor in dense.items():
            self.changes.check(tensor)
            scope.types.setdefault(scope.name(name), TensorType(element_type(tensor), None))
            self._postpone(scope, name, partial(to_array, tensor, self.files))
        for name, entry in sparse.items():
            self._postpone(scope, name, partial(to_dense, entry, self.files))

        nodes = self.nodes(source.node, scope)
        if any(map(is_gradient, nodes)):
            nodes = expand_gradients(nodes, self.fresh)
        inputs = [scope.name(i.name) for i in source.input]
        outputs = [scope.name(o.name) for o in source.output]
        defined = {*inputs, *scope.constants}
        produced = {*defined, *scope.outer, *(name for node in nodes for name in node.outputs)}
        for name in outputs:
            if name not in produced or not name:
                raise Fail(f"{INVALID}Graph output ({name}) does not exist in the graph.")
        nodes = sort_nodes(nodes, defined, scope.outer, scope.is_body)
        types = {name: scope.types[name] for name in dict.fromkeys(inputs + outputs) if name in scope.types}
        defaults = [name for name in inputs if name in scope.constants]
        inputs = [name for name in inputs if name not in scope.constants]
        return Graph(source.name, inputs, outputs, nodes, scope.constants, types), defaults

    def _define(self, declared: Iterable[str], nodes: Sequence[proto.NodeProto], scope: Scope) -> None:
        """Name every value that the graph defines."""
        written = dict.fromkeys((*declared, *(o for node in nodes for o in node.output if o)))
        for name in written:
            unique = self.fresh(name)
            if unique != name or name in scope.names or scope.function:
                scope.names[name] = unique
        scope.visible = scope.outer.union(map(scope.name, written))

    def _postpone(self, scope: Scope, name: str, make: Callable[[], Array]) -> None:
        if name in self.changes.initializers:
            scope.constants[scope.name(name)] = self.changes.initializers[name]
            return
        scope.constants[scope.name(name)] = _PENDING
        self.pending.append((scope.constants, scope.name(name), make))

    def nodes(self, sources: Sequence[proto.NodeProto], scope: Scope) -> list[Node]:
        """The nodes, with function calls replaced by their bodies and Constant nodes by constants."""
        result: list[Node] = []
        for source in sources:
            domain = "" if source.domain == "ai.onnx" else source.domain
            inputs = [scope.name(name) for name in source.input]
            outputs = [scope.name(name) for name in source.output]
            name = scope.prefix + source.name if source.name else ""
            node = Node(source.op_type, inputs, outputs, {}, domain, name=name)
            if not source.op_type:
                reason = "Field 'op_type' of 'node' is required to be non-empty."
                raise InvalidGraph(describe(node, scope.types, reason))
            if domain not in scope.opsets:
                if scope.function:
                    raise Fail(f"No opset registered for domain {domain} in function {scope.function}")
                raise InvalidGraph(describe(node, scope.types, f"No opset import for domain '{domain}'"))
            node.version = scope.opsets[domain]
            node.attributes = self._attributes(source.attribute, node, scope)
            if is_gradient(node):
                node.attributes = resolve_names(node, scope.name)
            key = (domain, source.op_type, source.overload)
            if source.op_type == "Constant" and not domain:
                if outputs and outputs[0]:
                    scope.constants[outputs[0]] = _constant(node)
            elif key in self.functions and not self.implemented(node):
                result += self._inline(key, node, scope)
            else:
                result.append(node)
        return result

    def _inline(self, key: FunctionKey, call: Node, scope: Scope) -> list[Node]:
        if key in self.calls:
            cycle = [*self.calls[self.calls.index(key) :], key]
            path = " -> ".join(f"{domain}:{name}" for domain, name, _ in cycle)
            raise InvalidGraph(
                f"Model local function definitions must not be recursive. Cycle detected: {path}"
            )
        self.calls.append(key)
        nodes = self.call(self.functions[key], call, scope)
        self.calls.pop()
        return nodes

    def call(self, function: proto.FunctionProto, call: Node, scope: Scope) -> list[Node]:
        """The nodes of a function's body, with the values and attributes of the call."""
        if len(call.inputs) > len(function.input) or len(call.outputs) > len(function.output):
            raise Fail("Number of actual parameters cannot exceed number of formal parameters")
        opsets = {"" if o.domain == "ai.onnx" else o.domain: o.version for o in function.opset_import}
        # outputs have unique names in the whole model, nodes may have none
        prefix = f"{next(filter(None, call.outputs), call.op_type)}/"
        names = dict(zip_longest(function.input, call.inputs, fillvalue=""))
        copies: list[Node] = []
        for formal, actual in zip(function.output, call.outputs, strict=False):
            if actual and formal in names:  # the function returns an input, or one value twice
                copies.append(Node("Identity", [names[formal]], [actual], version=opsets.get("", 1)))
            elif actual:
                names[formal] = actual
        for formal in (o for node in function.node for o in node.output if o and o not in names):
            names[formal] = self.fresh(prefix + formal)
        # the body's Constant nodes and its types become those of the caller's graph
        inner = replace(scope, names=names, opsets=opsets, function=function.name, attributes={})
        inner.prefix = f"{call.name or call.op_type}/"
        inner.visible = scope.visible.union(names.values())
        defaults = self._attributes(function.attribute_proto, call, inner)
        inner.attributes = {**defaults, **call.attributes}
        return self.nodes(function.node, inner) + copies

    def _attributes(
        self, sources: Iterable[proto.AttributeProto], node: Node, scope: Scope
    ) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for source in sources:
            try:
                if source.name in values:
                    raise BodyError(f"Attribute '{source.name}' appeared multiple times.")
                if not source.ref_attr_name:
                    values[source.name] = self._value(source, scope)
                elif source.ref_attr_name in scope.attributes:
                    values[source.name] = scope.attributes[source.ref_attr_name]
            except BodyError as error:
                if scope.is_body:
                    raise BodyError(f"{error}{body_context(node)}") from None
                raise InvalidGraph(describe(node, scope.types, str(error))) from None
        return values

    def _value(self, source: proto.AttributeProto, scope: Scope) -> Any:
        """The attribute as a plain Python value."""
        match source.type:
            case proto.FLOAT:
                return source.f
            case proto.INT:
                return source.i
            case proto.STRING:
                return _text(bytes(source.s))
            case proto.FLOATS:
                return _numbers(np.asarray(source.floats, np.float32))
            case proto.INTS:
                return _numbers(np.asarray(source.ints, np.int64))
            case proto.STRINGS:
                return [_text(text) for text in source.strings]
            case proto.TENSOR:
                return to_array(source.t or proto.TensorProto(), self.files)
            case proto.TENSORS:
                return [to_array(tensor, self.files) for tensor in source.tensors]
            case proto.SPARSE_TENSOR:
                return to_dense(source.sparse_tensor or proto.SparseTensorProto(), self.files)
            case proto.SPARSE_TENSORS:
                return [to_dense(tensor, self.files) for tensor in source.sparse_tensors]
            case proto.GRAPH:
                return self._body(source.g or proto.GraphProto(), scope)
            case proto.GRAPHS:
                return [self._body(graph, scope) for graph in source.graphs]
            case proto.TYPE_PROTO:
                return to_type(source.tp)
            case proto.TYPE_PROTOS:
                return [to_type(kind) for kind in source.type_protos]
        raise BodyError("Field 'type' of 'attr' is required but missing.")

    def _body(self, source: proto.GraphProto, scope: Scope) -> Graph:
        """The graph of an If, Loop or Scan, which may read every name around it."""
        names, types = dict(scope.names), dict(scope.types)
        inner = replace(scope, names=names, constants={}, types=types, outer=scope.visible, is_body=True)
        return self.graph(source, inner)[0]


def _text(value: bytes) -> str | bytes:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def _numbers(values: Array) -> Any:
    return values if values.size > LONG_ATTRIBUTE else values.tolist()


def _constant(node: Node) -> Array:
    """The value of a Constant node. Raises Fail where it has none."""
    for form in ("value", "sparse_value"):
        if isinstance(node.attributes.get(form), np.ndarray):
            return node.attributes[form]  # type: ignore[no-any-return]
    for form, (kind, dtype) in _CONSTANT_FORMS.items():
        value = node.attributes.get(form)
        elements = value if isinstance(value, list) else [value]
        is_long = isinstance(value, np.ndarray) and value.dtype == dtype
        if is_long or all(isinstance(element, kind) for element in elements):
            array: Array = np.array(value, dtype)
            array.flags.writeable = False
            return array
    raise Fail(f"Constant node: {node.name} has no data attributes")
