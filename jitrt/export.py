"""A loaded model as an ONNX model again: functions inlined, constants set apart. Imports `onnx`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from onnx import (
    AttributeProto,
    GraphProto,
    ModelProto,
    NodeProto,
    TypeProto,
    ValueInfoProto,
    defs,
    helper,
    numpy_helper,
)

from jitrt.errors import InvalidArgument
from jitrt.graph import Graph, Model, Node
from jitrt.types import ELEMENT_TYPES, TensorType, from_onnx, ort_name, to_onnx

_ELEMENTS = {ort_name(from_onnx(code)): code for code in ELEMENT_TYPES}


def to_model_proto(model: Model) -> ModelProto:
    """The model, to run anywhere that its operators are."""
    used = {node.domain: node.version for node in _nodes(model.graph)}
    opsets = [
        helper.make_opsetid(domain, version) for domain, version in {**used, "": model.opsets[""]}.items()
    ]
    proto = helper.make_model(_graph(model.graph, model.overridable), opset_imports=opsets)
    proto.ir_version = model.ir_version
    proto.producer_name, proto.domain = model.metadata["producer_name"], model.metadata["domain"]
    proto.doc_string = model.metadata["description"]
    helper.set_model_props(proto, model.metadata["custom_metadata_map"])
    return proto


def write(model: Model, path: str) -> None:
    """Write the model to a file. Raises InvalidArgument where that cannot be."""
    try:
        Path(path).write_bytes(to_model_proto(model).SerializeToString())
    except OSError as error:
        raise InvalidArgument(f"SystemError : {error.errno} {error.strerror}: {path}") from None


def _nodes(graph: Graph) -> list[Node]:
    """The graph's nodes and those of its bodies."""
    found = list(graph.nodes)
    for node in graph.nodes:
        for value in node.attributes.values():
            if isinstance(value, Graph):
                found += _nodes(value)
    return found


def _graph(graph: Graph, overridable: list[str] | tuple[str, ...] = ()) -> GraphProto:
    inputs = [_value(name, graph.types) for name in (*graph.inputs, *overridable)]
    outputs = [_value(name, graph.types) for name in graph.outputs]
    weights = [numpy_helper.from_array(np.asarray(array), name) for name, array in graph.constants.items()]
    return helper.make_graph(list(map(_node, graph.nodes)), graph.name or "graph", inputs, outputs, weights)


def _value(name: str, types: Mapping[str, TensorType | str]) -> ValueInfoProto:
    kind = types.get(name)
    return ValueInfoProto(name=name) if kind is None else ValueInfoProto(name=name, type=_type(kind))


def _type(kind: TensorType | str) -> TypeProto:
    """From a tensor's type, or from `seq(map(int64,tensor(float)))`."""
    if isinstance(kind, TensorType):
        return helper.make_tensor_type_proto(to_onnx(kind.dtype), kind.shape)
    if kind in _ELEMENTS:
        return helper.make_tensor_type_proto(_ELEMENTS[kind], None)
    outer, _, inner = kind.removesuffix(")").partition("(")
    if outer == "map":
        key, _, value = inner.partition(",")
        return helper.make_map_type_proto(_ELEMENTS[f"tensor({key})"], _type(value))
    make = {"seq": helper.make_sequence_type_proto, "optional": helper.make_optional_type_proto}[outer]
    return make(_type(inner))


def _node(node: Node) -> NodeProto:
    proto = helper.make_node(node.op_type, node.inputs, node.outputs, node.name or None, domain=node.domain)
    try:
        known = defs.get_schema(node.op_type, node.version, node.domain).attributes
    except defs.SchemaError:
        known = {}
    for name, value in node.attributes.items():
        kind = known[name].type.value if name in known else None
        proto.attribute.append(helper.make_attribute(name, _plain(value, kind), attr_type=kind))
    return proto


def _plain(value: Any, kind: int | None) -> Any:
    """An attribute's value as `onnx` takes it."""
    if isinstance(value, Graph):
        return _graph(value)
    if isinstance(value, np.ndarray):  # a long list of numbers is one too
        is_list = kind in (AttributeProto.INTS, AttributeProto.FLOATS)
        return value.tolist() if is_list else numpy_helper.from_array(value)
    if kind == AttributeProto.TYPE_PROTO:
        return _type(value)
    return [_plain(v, None) for v in value] if isinstance(value, list) else value
