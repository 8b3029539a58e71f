"""What ONNX's own type and shape inference says of a model when it is loaded, as onnxruntime does.

It raises for operators with a wrong number of inputs, types that an operator does not take or that differ
where they must not, and shapes that can never fit; and it completes the types of the outputs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import ModelProto, TensorProto, helper, shape_inference

from jitrt.errors import Fail, InvalidArgument, InvalidGraph
from jitrt.graph import Model, Node
from jitrt.load_check import INVALID
from jitrt.load_graph import Changes
from jitrt.load_operators import check_node, schema_of, walk
from jitrt.load_types import name_of, to_type
from jitrt.proto import TypeProto
from jitrt.types import ELEMENT_TYPES, TensorType, from_onnx
from jitrt.wire import decode

Shape = tuple[int | str | None, ...]
Type = TensorType | str

# an error of `onnx.shape_inference.infer_shapes`, of which one exception holds several
_ERROR = re.compile(
    r"\(op_type:(\w+)(?:, node name: (.*?))?\): (.*?)(?=\n\(op_type:|\s*\Z)",
    re.DOTALL,
)

# what follows from types that onnx does not know, and what it is stricter about than onnxruntime
_UNSURE = re.compile(r"\bis null\b|\(op_type:")
LATEST = 10_000  # above every opset version
_MADE_UP = "unk__"  # begins the symbols that onnx invents


def infer(model: Model, source: bytes, changes: Changes) -> dict[str, Type]:
    """The types of the model's outputs, from the bytes of its file or their skeleton.

    Raises InvalidGraph or Fail, with onnxruntime's messages, for what cannot be right in any run.
    """
    if any(n.op_type == "Einsum" and not _can_infer(n) for n, _, _ in walk(model.graph)):
        return {}
    try:
        return _Inference(model, ModelProto.FromString(source), changes).outputs()
    except (DecodeError, UnicodeDecodeError):  # Google's parser refuses more than jitrt's
        return {}


def _can_infer(einsum: Node) -> bool:
    """Whether onnx's inference ends: of other characters in an equation it never does."""
    return re.fullmatch(r"[A-Za-z.,\s>-]*", str(einsum.attributes.get("equation", ""))) is not None


class _Inference:
    """One model's inference: `declared` are the types in the file, `inferred` those that follow."""

    def __init__(self, model: Model, proto: ModelProto, changes: Changes) -> None:
        self.model = model
        self.proto = proto
        imported = {entry.domain for entry in self.proto.opset_import}
        for domain, version in {**model.opsets, "ai.onnx": model.opsets[""]}.items():
            if domain not in imported:
                self.proto.opset_import.add(domain=domain, version=version)
        graph = self.proto.graph
        _override_dimensions((*graph.input, *graph.output, *graph.value_info), changes)
        self.declared = _types((*graph.value_info, *graph.output))
        self.inferred = _types(graph.input)
        self._check_initializers()
        _feed_initializers(graph)

    def outputs(self) -> dict[str, Type]:
        """The types of the model's outputs. Raises what is wrong with its nodes."""
        main = self.model.graph
        for node, graph, path in walk(main):
            check_node(node, graph, path, main)
        bare, faults = self._inferred_types(keep_values=False), self._faults()
        computed = {name for node in main.nodes for name in node.outputs}
        self.inferred |= {name: kind for name, kind in bare.items() if name not in computed}
        known = {"", *self.inferred, *bare}  # to onnx, whose faults follow from what it does not know as well
        for node in main.nodes:
            is_known = known.issuperset(node.inputs)
            self._check_types(node)
            fault = faults.get((node.op_type, *node.outputs[:1]), "")
            if fault and is_known and not _UNSURE.search(fault):
                raise Fail(f"Node ({node.name}) Op ({node.op_type}) {fault}")
            self._note_outputs(node, bare)
        shaped = self._inferred_types(keep_values=True)
        return {name: self._output(name, shaped) for name in self.model.graph.outputs if self._has(name)}

    def _has(self, name: str) -> bool:
        return name in self.inferred or name in self.declared

    def _output(self, name: str, shaped: Mapping[str, Type]) -> Type:
        """The type declared for an output with what inference adds to its shape."""
        kind = self.declared.get(name, self.inferred.get(name))
        found = shaped.get(name, self.inferred.get(name))
        if isinstance(kind, TensorType) and isinstance(found, TensorType):
            return TensorType(kind.dtype, merged(kind.shape, found.shape))
        assert kind is not None
        return kind

    def _check_initializers(self) -> None:
        """Note the initializers' types. Raises Fail for one that differs from what is declared of it."""
        for tensor in self.proto.graph.initializer:
            if tensor.data_type not in ELEMENT_TYPES or any(size < 0 for size in tensor.dims):
                continue  # its data are wrong, too
            name, kind = tensor.name, TensorType(from_onnx(tensor.data_type), tuple(tensor.dims))
            expected = self.inferred.get(name, self.declared.get(name))
            if isinstance(expected, TensorType):
                if expected.dtype != kind.dtype:
                    raise Fail(
                        f"Type Error: Data in initializer '{name}' has element type {name_of(kind)} "
                        f"but usage of initializer in graph expects {name_of(expected)}"
                    )
                if merged(kind.shape, expected.shape) != kind.shape:
                    want, have = (_braced(t.shape) for t in (expected, kind))
                    raise Fail(f"Type Error: Shape of initializer {name} does not match. {want} != {have}")
            self.inferred[name] = kind

    def _inferred_types(self, keep_values: bool) -> dict[str, Type]:
        """The type of each value as far as onnx infers it, with or without what the file declares.

        With that, constants are followed through arithmetic on shapes.
        """
        try:
            graph = shape_inference.infer_shapes(self._source(keep_values), data_prop=keep_values).graph
        except shape_inference.InferenceError:  # of a function's call, for one
            return {}
        values = (*graph.input, *graph.value_info, *graph.output)
        for dimension in (d for value in values for d in value.type.tensor_type.shape.dim):
            if str(dimension.dim_param).startswith(_MADE_UP):
                dimension.ClearField("dim_param")
        return _types(values)

    def _faults(self) -> dict[tuple[str, ...], str]:
        """The errors of inference, by operator and first output of the node."""
        source = self._source(keep_values=False)
        for number, node in enumerate(source.graph.node):
            node.name = str(number)  # as names in a file may be empty, or repeat
        try:
            shape_inference.infer_shapes(source, strict_mode=True)
        except shape_inference.InferenceError as error:
            found = [(m[2], m[3].strip()) for m in _ERROR.finditer(str(error)) if (m[2] or "").isdecimal()]
            nodes = [(source.graph.node[int(number)], text) for number, text in reversed(found)]
            return {(node.op_type, *node.output[:1]): text for node, text in nodes}
        return {}

    def _source(self, keep_values: bool) -> onnx.ModelProto:
        source = type(self.proto)()
        source.CopyFrom(self.proto)
        if not keep_values:
            _forget_declarations(source.graph)
        for value in source.graph.output:
            value.ClearField("type")
        return source

    def _check_types(self, node: Node) -> None:
        """Raise InvalidGraph for a type that the operator does not take, Fail for two that differ.

        Exporters write types into old opsets that the operator takes only since later: they are taken.
        """
        inputs, outputs = _formals(node.op_type, node.version, node.domain)
        later = dict(enumerate(_paired(node.inputs, _formals(node.op_type, LATEST, node.domain)[0])))
        bound: dict[str, str] = {}
        for index, (name, formal) in enumerate(_paired(node.inputs, inputs)):
            kind = name_of(self.inferred.get(name))
            if not kind:
                continue
            if kind not in formal.types and kind not in later.get(index, (name, formal))[1].types:
                raise InvalidGraph(
                    f"{INVALID}Type Error: Type '{kind}' of input parameter ({name}) of operator "
                    f"({node.op_type}) in node ({node.name}) is invalid."
                )
            if formal.is_homogeneous and bound.setdefault(formal.variable, kind) != kind:
                raise Fail(
                    f"Type Error: Type parameter ({formal.variable}) of Optype ({node.op_type}) bound to "
                    f"different types ({bound[formal.variable]} and {kind} in node ({node.name})."
                )
        for name, formal in _paired(node.outputs, outputs):
            kind = next(iter(formal.types)) if len(formal.types) == 1 else bound.get(formal.variable, "")
            if kind and formal.is_homogeneous:
                self.inferred[name] = kind

    def _note_outputs(self, node: Node, bare: Mapping[str, Type]) -> None:
        """Note the types of a node's outputs. Raises Fail where the file declares another."""
        for name in filter(None, node.outputs):
            kind = bare.get(name, self.inferred.get(name))
            declared = self.declared.get(name)
            if kind is not None and declared is not None and name_of(kind) != name_of(declared):
                raise Fail(
                    f"Type Error: Type ({name_of(declared)}) of output arg ({name}) of node ({node.name}) "
                    f"does not match expected type ({name_of(kind)})."
                )
            known = declared if kind is None else kind
            if known is not None:
                self.inferred[name] = known


def merged(declared: Shape | None, inferred: Shape | None) -> Shape | None:
    """What two shapes of one value say together; where they differ in a size, only what both say.

    A size goes before a symbol, and a symbol of the file before an inferred one.
    """
    if declared is None or inferred is None:
        return inferred if declared is None else declared
    if len(declared) != len(inferred):
        return None
    pairs = list(zip(declared, inferred, strict=True))
    if any(isinstance(a, int) and isinstance(b, int) and a != b for a, b in pairs):
        return tuple(a if a == b else None for a, b in pairs)
    return tuple(b if a is None or isinstance(b, int) else a for a, b in pairs)


class _Formal(NamedTuple):
    """A formal parameter of an operator: the variable that stands for its type, and the types it may have."""

    variable: str
    types: frozenset[str]
    is_homogeneous: bool
    is_variadic: bool


@cache
def _formals(op_type: str, version: int, domain: str) -> tuple[list[_Formal], list[_Formal]]:
    """An operator's inputs and outputs; none where onnx does not know it."""
    schema = schema_of(op_type, version, domain)
    if schema is None:
        return [], []
    variadic = type(schema).FormalParameterOption.Variadic

    def formals(parameters: Iterable[Any]) -> list[_Formal]:
        return [
            _Formal(p.type_str, frozenset(p.types), p.is_homogeneous, p.option == variadic)
            for p in parameters
        ]

    return formals(schema.inputs), formals(schema.outputs)


def _paired(names: Sequence[str], formals: Sequence[_Formal]) -> Iterator[tuple[str, _Formal]]:
    """The values that are there, each with its formal parameter; a variadic one has all that follow."""
    for index, name in enumerate(names):
        if name and (index < len(formals) or (formals and formals[-1].is_variadic)):
            yield name, formals[min(index, len(formals) - 1)]


def _types(values: Iterable[onnx.ValueInfoProto]) -> dict[str, Type]:
    """The types of values, those that have one."""
    found: dict[str, Type] = {}
    for value in values:
        try:
            kind = to_type(decode(TypeProto, value.type.SerializeToString()))
        except InvalidArgument:  # a shape without an element type
            continue
        if kind is not None:
            found[value.name] = kind
    return found


def _override_dimensions(values: Iterable[onnx.ValueInfoProto], changes: Changes) -> None:
    for value in values:
        for dimension in value.type.tensor_type.shape.dim:
            size = changes.dimensions.get(dimension.dim_param)
            size = changes.denoted.get(dimension.denotation, size)
            if size is not None:
                dimension.dim_value = size


def _feed_initializers(graph: onnx.GraphProto) -> None:
    """Make inputs of the initializers whose data are not at hand."""
    fields = (
        "raw_data",
        "float_data",
        "int32_data",
        "int64_data",
        "string_data",
        "double_data",
        "uint64_data",
    )
    declared = {value.name for value in graph.input}
    for tensor in [t for t in graph.initializer if 0 not in t.dims]:
        if tensor.data_location == TensorProto.EXTERNAL or not any(len(getattr(tensor, f)) for f in fields):
            graph.initializer.remove(tensor)
            if tensor.name not in declared:
                value = helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims))
                graph.input.append(value)


def _forget_declarations(graph: onnx.GraphProto) -> None:
    """Remove the declarations of values between a graph's inputs and outputs, and the outputs' shapes."""
    del graph.value_info[:]
    for value in graph.output:
        if value.type.HasField("tensor_type"):
            value.type.tensor_type.ClearField("shape")
    for node in graph.node:
        for attribute in node.attribute:
            for body in (attribute.g, *attribute.graphs):
                if body.node:
                    _forget_declarations(body)


def _braced(shape: Shape | None) -> str:
    return "{" + ",".join("" if size is None else str(size) for size in shape or ()) + "}"
