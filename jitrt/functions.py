"""Operators as functions of other operators: the bodies in ONNX's schemas, for operators without a kernel.

https://onnx.ai/onnx/intro/concepts.html (functions)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from jitrt.graph import Graph, Node
from jitrt.load_graph import Builder, Scope
from jitrt.load_tensor import ExternalFiles
from jitrt.proto import FunctionProto
from jitrt.types import TensorType, to_onnx
from jitrt.wire import decode

InputType = TensorType | np.dtype[Any] | None


def function_body(node: Node, inputs: Sequence[InputType]) -> list[Node] | None:
    """Nodes that compute `node`'s outputs from its inputs, or None where the schema has no body.

    Constants of the body are Constant nodes with the attribute `value`. Some bodies depend on the inputs'
    element types, a few on their shapes, which a `TensorType` gives; None stands for an absent input or
    one that is no tensor. Imports `onnx`.
    """
    from onnx import defs

    if any(isinstance(value, Graph) for value in node.attributes.values()):
        return None
    try:
        schema = defs.get_schema(node.op_type, node.version, node.domain)
    except defs.SchemaError:
        return None
    body = _body_bytes(schema, node, inputs)
    if not body:
        return None
    call = replace(node, attributes={**_default_attributes(schema), **node.attributes})
    scope, builder = Scope({}, {}), Builder({}, ExternalFiles(None), lambda node: False)
    nodes = builder.call(decode(FunctionProto, body), call, scope)
    constants = [
        Node("Constant", [], [name], {"value": array}, version=node.version)
        for name, array in scope.constants.items()
    ]
    return constants + nodes


def _body_bytes(schema: Any, node: Node, inputs: Sequence[InputType]) -> bytes:
    """The serialized FunctionProto, or nothing."""
    from onnx import helper

    if schema.has_function:
        version = _best(schema.function_opset_versions, node.version)
        return bytes(schema.get_function_with_opset_version(version))
    if not schema.has_context_dependent_function:
        return b""
    version = _best(schema.context_dependent_function_opset_versions, node.version)
    source = helper.make_node(node.op_type, node.inputs, node.outputs, node.name, domain=node.domain)
    for name, value in node.attributes.items():
        source.attribute.append(_attribute(name, value, schema.attributes[name].type))
    types = []
    for kind in inputs:
        dtype, shape = (kind.dtype, kind.shape) if isinstance(kind, TensorType) else (kind, None)
        types.append(helper.make_tensor_type_proto(0 if dtype is None else to_onnx(dtype), shape))
    make = schema.get_context_dependent_function_with_opset_version
    return bytes(make(version, source.SerializeToString(), [t.SerializeToString() for t in types]))


def _default_attributes(schema: Any) -> dict[str, Any]:
    """The values of the attributes that a node leaves out."""
    from onnx import helper

    values = {}
    for name, attribute in schema.attributes.items():
        if attribute.default_value.type:
            value = helper.get_attribute_value(attribute.default_value)
            values[name] = value.decode() if isinstance(value, bytes) else value
    return values


def _best(versions: Sequence[int], imported: int) -> int:
    """The newest body up to the imported opset, else the oldest; a body names its own opset."""
    return max((v for v in versions if v <= imported), default=min(versions))


def _attribute(name: str, value: Any, kind: Any) -> Any:
    from onnx import defs, helper, numpy_helper

    if kind == defs.OpSchema.AttrType.TENSOR:
        value = numpy_helper.from_array(value)
    elif isinstance(value, np.ndarray):
        value = value.tolist()
    return helper.make_attribute(name, value, attr_type=int(kind.value))
