"""The nodes of a body in the place of the operator that runs it, as those of the branch that an If takes."""

from __future__ import annotations

from dataclasses import replace

from jitrt.graph import Graph, Node
from jitrt.host_nodes import live_names


def inlined(body: Graph, node: Node) -> list[Node]:
    """Nodes that compute the outputs of `node` from its inputs as the body does."""
    starts = [
        Node("Identity", [outer], [inner], version=node.version)
        for inner, outer in zip(body.inputs, node.inputs, strict=False)  # a branch of If has none
    ]
    return [*starts, *_ending_as(body, node)]


def _ending_as(body: Graph, node: Node) -> list[Node]:
    """The body's nodes with the outputs of `node`, which those that nothing else reads give themselves."""
    inner = list(zip(body.outputs, node.outputs, strict=True))
    read = live_names(body.nodes, (n for n in body.outputs if body.outputs.count(n) > 1))
    names = {own: outer for own, outer in inner if outer and own not in read}
    nodes = [
        n if names.keys().isdisjoint(n.outputs) else replace(n, outputs=[names.get(o, o) for o in n.outputs])
        for n in body.nodes
    ]
    given = {name for n in nodes for name in n.outputs}
    copied = [(own, outer) for own, outer in inner if outer and outer not in given]
    return [*nodes, *(Node("Identity", [own], [outer], version=node.version) for own, outer in copied)]
