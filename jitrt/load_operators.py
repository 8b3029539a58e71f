"""The last check of a loaded model: every node's operator exists, and this runtime implements it.

Only a node that seems wrong needs ONNX's schemas, so a good model is loaded without importing `onnx`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from jitrt import forks
from jitrt.codegen import cache as disk
from jitrt.errors import Fail, InvalidGraph, JitrtError
from jitrt.errors import NotImplemented as NotImplementedHere
from jitrt.graph import Graph, Model, Node
from jitrt.load_check import body_context, describe
from jitrt.operator_index import operators_of_users
from jitrt.sources import package_stamp
from jitrt.types import TensorType

if TYPE_CHECKING:
    from jitrt.opdef import Operator

ONNX_DOMAINS = ("", "ai.onnx.ml", "ai.onnx.preview", "ai.onnx.preview.training", "ai.onnx.training")

# an operator's attributes and defaults (`inspect.Parameter.empty` where required), None if not implemented
Known = Callable[[Node], Mapping[str, Any] | None]


def check_once(model: Model) -> None:
    """`check_operators`; what has passed is not looked at again, in any process with these operators."""
    key = f"operators of {model.skeleton} {package_stamp()}"
    is_the_same_everywhere = not has_operators_of_users(model.graph)
    if not is_the_same_everywhere or disk.get(key) is None:
        forks.import_logging()  # which onnx imports
        check_operators(model, _attributes)
        if is_the_same_everywhere:
            disk.put(key, b"")


def operator_of(node: Node) -> Operator | None:
    """The operator that a node applies, or None where it is not implemented."""
    with forks.importing:
        from jitrt.opdef import lookup  # with all that operators are defined with

        return lookup(node.domain, node.op_type, node.version)


def is_of_the_user(node: Node) -> bool:
    """Whether an operator of @jitrt.op goes before a function of the model."""
    return operator_of(node) is not None and node.domain not in (*ONNX_DOMAINS, "com.microsoft")


def _attributes(node: Node) -> Mapping[str, Any] | None:
    operator = operator_of(node)
    return None if operator is None else operator.attributes


def check_operators(model: Model, known: Known) -> None:
    """Raise for the first node that breaks its operator's specification, then for one not implemented here.

    Raises InvalidGraph or Fail as onnxruntime does, and NotImplemented with the operator's name and version.
    """
    suspects = [found for found in walk(model.graph) if _is_suspect(found[0], known)]
    schemas = []
    for node, graph, path in suspects:
        try:
            schemas.append(_schema_of_suspect(node, graph, path, model.graph, known))
        except JitrtError as error:
            where = f"Load model from {model.path} failed:" if model.path else ""
            raise type(error)(where + error.message) from None
    for (node, _, _), schema in zip(suspects, schemas, strict=True):
        if known(node) is None and not (schema.has_function or schema.has_context_dependent_function):
            domain = node.domain.replace(".", "")
            raise NotImplementedHere(
                f"Could not find an implementation for {node.op_type}({schema.since_version}) node with name "
                f"'{node.name}'. It belongs in the folder ops/, or in a file of yours with @jitrt.op; see "
                f"https://onnx.ai/onnx/operators/onnx_{domain}_{node.op_type}.html"
            )


def has_operators_of_users(graph: Graph) -> bool:
    """Whether an operator in the graph was defined outside of the package."""
    theirs = operators_of_users()
    return bool(theirs) and any((node.domain, node.op_type) in theirs for node, _, _ in walk(graph))


def walk(graph: Graph, path: tuple[Node, ...] = ()) -> Iterator[tuple[Node, Graph, tuple[Node, ...]]]:
    """Every node with its graph and the nodes whose bodies it is in, outermost first."""
    for node in graph.nodes:
        for value in node.attributes.values():
            for body in value if isinstance(value, list) else [value]:
                if isinstance(body, Graph):
                    yield from walk(body, (*path, node))
        yield node, graph, path


def _is_suspect(node: Node, known: Known) -> bool:
    attributes = known(node)
    if attributes is None or node.attributes.keys() - attributes.keys():
        return True
    required = inspect.Parameter.empty
    return any(value is required and name not in node.attributes for name, value in attributes.items())


def check_node(node: Node, graph: Graph, path: Collection[Node], main: Graph) -> None:
    """Raise InvalidGraph for a node that does not fit ONNX's schema of its operator, if there is one."""
    if schema_of(node.op_type, node.version, node.domain) is not None:
        _raise_for(find_fault(node), node, graph, path, main)


def _schema_of_suspect(node: Node, graph: Graph, path: Collection[Node], main: Graph, known: Known) -> Any:
    """The node's schema. Raises InvalidGraph or Fail where there is none, or the node does not fit it."""
    is_onnx, attributes = node.domain in ONNX_DOMAINS, known(node)
    if not is_onnx and attributes is None:
        raise Fail(f"Fatal error: {node.domain}:{node.op_type}(-1) is not a registered function/op")
    fault = find_fault(node) if is_onnx else _own_fault(node, attributes or {})
    _raise_for(fault, node, graph, path, main)
    return schema_of(node.op_type, node.version, node.domain) if is_onnx else None


def _raise_for(fault: str, node: Node, graph: Graph, path: Collection[Node], main: Graph) -> None:
    """Raise InvalidGraph if there is a fault, with the nodes around the one that has it."""
    if not fault:
        return
    if not path:
        raise InvalidGraph(describe(node, _types(graph), fault))
    outermost, *inner = path
    contexts = "".join(body_context(n) for n in (node, *reversed(inner)))
    raise InvalidGraph(describe(outermost, _types(main), fault + contexts))


def _types(graph: Graph) -> dict[str, TensorType | str]:
    return {**{name: TensorType(a.dtype, a.shape) for name, a in graph.constants.items()}, **graph.types}


@cache
def schema_of(op_type: str, version: int, domain: str) -> Any:
    """The schema of an operator as of an opset version, or None. Imports `onnx`."""
    from onnx import defs

    try:
        return defs.get_schema(op_type, version, domain)
    except defs.SchemaError:
        return None


def find_fault(node: Node) -> str:
    """What is wrong with a node of a domain of ONNX, by its schema; empty if nothing. Imports `onnx`."""
    schema = schema_of(node.op_type, node.version, node.domain)
    if schema is None:
        return f"No Op registered for {node.op_type} with domain_version of {node.version}"
    if schema.deprecated:
        return f"Op registered for {node.op_type} is deprecated in domain_version of {node.version}"
    return _values_fault(node, schema) or _attributes_fault(node, schema)


def _own_fault(node: Node, attributes: Mapping[str, Any]) -> str:
    """What is wrong with the attributes of a node of another domain; of com.microsoft, a run tells."""
    if node.domain == "com.microsoft":
        return ""
    for name in node.attributes:
        if name not in attributes:
            return f"Unrecognized attribute: {name} for operator {node.op_type}"
    missing = [n for n, v in attributes.items() if v is inspect.Parameter.empty and n not in node.attributes]
    return f"Required attribute '{missing[0]}' is missing." if missing else ""


def _values_fault(node: Node, schema: Any) -> str:
    where = f"Node({node.name}) with schema({node.domain}::{node.op_type}:{schema.since_version}) has"
    for what, names, low, high in (
        ("input", node.inputs, schema.min_input, schema.max_input),
        ("output", node.outputs, schema.min_output, schema.max_output),
    ):
        if not low <= len(names) <= high:
            return f"{where} {what} size {len(names)} not in range [min={low}, max={high}]."
    single = type(schema).FormalParameterOption.Single
    for index, (name, formal) in enumerate(zip(node.inputs, schema.inputs, strict=False)):
        if not name and formal.option == single:
            return f"Node ({node.name})'s input {index} is marked single but has an empty string in the graph"
    return ""


def _attributes_fault(node: Node, schema: Any) -> str:
    for name, value in node.attributes.items():
        if name not in schema.attributes:
            return f"Unrecognized attribute: {name} for operator {node.op_type}"
        expected, actual = schema.attributes[name].type.name, _attribute_type(value)
        is_type = expected.startswith("TYPE_PROTO")  # which is text here
        if actual and not is_type and expected.removesuffix("S") != actual.removesuffix("S"):
            where = f"Mismatched attribute type in '{node.name} : {name}'"
            return f"{where}. Expected: '{expected}', actual: '{actual}'"
    for name, attribute in schema.attributes.items():
        if attribute.required and name not in node.attributes:
            return f"Required attribute '{name}' is missing."
    return ""


def _attribute_type(value: Any) -> str:
    """The name of a value's type in AttributeProto, or nothing where it has several."""
    if isinstance(value, list):
        kind = _attribute_type(value[0]) if value else ""
        return kind and kind + "S"
    names = {int: "INT", float: "FLOAT", str: "STRING", bytes: "STRING", Graph: "GRAPH"}
    return names.get(type(value), "")
