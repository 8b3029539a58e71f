"""Checks of a graph's names and order, with onnxruntime's messages."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Mapping, Sequence

from jitrt.errors import Fail, InvalidArgument
from jitrt.graph import Graph, Node
from jitrt.load_types import name_of
from jitrt.proto import GraphProto
from jitrt.types import TensorType

INVALID = "This is an invalid model. "


class BodyError(Exception):
    """What is wrong in a body; the node of the main graph that holds the body completes the message."""


def describe(node: Node, types: Mapping[str, TensorType | str], reason: str) -> str:
    """The message `In Node, ("name", Op, "domain", -1) : ("x": tensor(float),) -> ("y",) , Error ...`."""

    def values(names: Sequence[str]) -> str:
        kinds = [name_of(types.get(name)) for name in names]
        pairs = zip(names, kinds, strict=True)
        return "".join(f'"{name}": {kind},' if kind else f'"{name}",' for name, kind in pairs)

    head = f'("{node.name}", {node.op_type}, "{node.domain}", -1)'
    return f"{INVALID}In Node, {head} : ({values(node.inputs)}) -> ({values(node.outputs)}) , Error {reason}"


def body_context(node: Node) -> str:
    """The line that a message about a body has for each node it is inside of."""
    return f"\n\n==> Context: Bad node spec for node. Name: {node.name} OpType: {node.op_type}"


def check_declarations(source: GraphProto) -> None:
    """Raise Fail for inputs or nodes of one name; Constant nodes are none, but what they define."""
    seen: set[str] = set()
    for value in source.input:
        if not value.name:
            raise Fail(f"{INVALID}A graph input has no name.")
        if value.name in seen:
            raise Fail(f"Error: Duplicate definition-site for ({value.name}).")
        seen.add(value.name)
    seen.clear()
    for node in source.node:
        if node.op_type == "Constant" and node.domain in ("", "ai.onnx"):
            continue
        if node.name and node.name in seen:
            raise Fail(f"{INVALID}Error: two nodes with same node name ({node.name}).")
        seen.add(node.name)


def sort_nodes(nodes: list[Node], defined: Collection[str], outer: Collection[str], body: bool) -> list[Node]:
    """The nodes in topological order, unchanged where they already are.

    `defined` holds the graph's inputs and constants, `outer` what the graphs around it define. Raises Fail
    for a cycle or a name that is defined twice, InvalidArgument or BodyError for one that nobody defines.
    """
    producer: dict[str, int] = {}
    for index, node in enumerate(nodes):
        for name in filter(None, node.outputs):
            if name in producer or name in defined:
                raise Fail(f"{INVALID}Error: Duplicate definition of name ({name}).")
            producer[name] = index
    sources: list[set[int]] = []
    for node in nodes:
        names = _reads(node)
        for name in names:
            if name not in producer and name not in defined and name not in outer:
                raise _dangling(node, name, body)
        sources.append({producer[name] for name in names if name in producer})
    if all(max(s, default=-1) < index for index, s in enumerate(sources)):
        return nodes
    return [nodes[index] for index in _topological_order(sources)]


def _reads(node: Node) -> list[str]:
    """The values that a node and its bodies read, each once."""
    names = dict.fromkeys(filter(None, node.inputs))
    for value in node.attributes.values():
        for body in value if isinstance(value, list) else [value]:
            if isinstance(body, Graph):
                names.update(dict.fromkeys(sorted(body.outer_names())))
    return list(names)


def dangling(name: str) -> InvalidArgument:
    """The error about a name that nobody defines."""
    where = "is not a graph input, initializer, or output of a previous node."
    return InvalidArgument(f"Invalid model. Node input '{name}' {where}")


def _dangling(node: Node, name: str, body: bool) -> Exception:
    if not body:
        return dangling(name)
    return BodyError(
        f"Nodes in a graph must be topologically sorted, however input '{name}' of node: \n"
        f"name: {node.name} OpType: {node.op_type}\n is not output of any previous nodes."
    )


def _topological_order(sources: Sequence[set[int]]) -> list[int]:
    """Indices so that each comes after its sources, the smallest one first where there is a choice."""
    users: list[list[int]] = [[] for _ in sources]
    missing = [len(s) for s in sources]
    for index, before in enumerate(sources):
        for source in before:
            users[source].append(index)
    ready = [index for index, count in enumerate(missing) if not count]
    order = []
    while ready:
        index = heapq.heappop(ready)
        order.append(index)
        for user in users[index]:
            missing[user] -= 1
            if not missing[user]:
                heapq.heappush(ready, user)
    if len(order) < len(sources):
        raise Fail(f"{INVALID}Error: the graph is not acyclic.")
    return order
