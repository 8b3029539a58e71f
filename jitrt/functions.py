"""Operators as functions of other operators: the bodies in ONNX's schemas, for operators without a kernel.

https://onnx.ai/onnx/intro/concepts.html (functions)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jitrt.graph import Graph, Node
from jitrt.load_graph import Builder, Scope
from jitrt.load_tensor import ExternalFiles
from jitrt.proto import FunctionProto
from jitrt.types import to_onnx
from jitrt.wire import decode


def function_body(node: Node, input_dtypes: Sequence[np.dtype[Any] | None]) -> list[Node] | None:
    """Nodes that compute `node`'s outputs from its inputs, or None where the schema has no body.

    Constants of the body are Constant nodes with the attribute `value`. Some bodies depend on the inputs'
    element types; None stands for an absent input or one that is no tensor. Imports `onnx`.
    """
    if any(isinstance(value, Graph) for value in node.attributes.values()):
        return None
    body = _body_bytes(node, input_dtypes)
    if not body:
        return None
    scope = Scope({}, {})
    nodes = Builder({}, ExternalFiles(None), lambda node: False).call(
        decode(FunctionProto, body), node, scope
    )
    constants = [
        Node("Constant", [], [name], {"value": array}, version=node.version)
        for name, array in scope.constants.items()
    ]
    return constants + nodes


def _body_bytes(node: Node, input_dtypes: Sequence[np.dtype[Any] | None]) -> bytes:
    """The serialized FunctionProto, or nothing."""
    from onnx import defs, helper

    try:
        schema = defs.get_schema(node.op_type, node.version, node.domain)
    except defs.SchemaError:
        return b""
    if schema.has_function:
        version = _best(schema.function_opset_versions, node.version)
        return bytes(schema.get_function_with_opset_version(version))
    if not schema.has_context_dependent_function:
        return b""
    version = _best(schema.context_dependent_function_opset_versions, node.version)
    source = helper.make_node(node.op_type, node.inputs, node.outputs, node.name, domain=node.domain)
    for name, value in node.attributes.items():
        source.attribute.append(_attribute(name, value, schema.attributes[name].type))
    types = [helper.make_tensor_type_proto(0 if d is None else to_onnx(d), None) for d in input_dtypes]
    serialized = [t.SerializeToString() for t in types]
    return bytes(
        schema.get_context_dependent_function_with_opset_version(
            version, source.SerializeToString(), serialized
        )
    )


def _best(versions: Sequence[int], imported: int) -> int:
    """The newest body that is not newer than the imported opset, else the oldest: a body names its own opset."""
    return max((v for v in versions if v <= imported), default=min(versions))


def _attribute(name: str, value: Any, kind: Any) -> Any:
    from onnx import defs, helper, numpy_helper

    if kind == defs.OpSchema.AttrType.TENSOR:
        value = numpy_helper.from_array(value)
    elif isinstance(value, np.ndarray):
        value = value.tolist()
    return helper.make_attribute(name, value, attr_type=int(kind.value))
