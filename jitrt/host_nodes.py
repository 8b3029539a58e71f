"""What a walk over nodes asks of those that run in Python, and of names that others read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from jitrt import opdef
from jitrt.graph import Node


def is_host(node: Node, strings: set[str]) -> bool:
    """Whether the operator runs in Python whatever it is given, or because it reads `strings`."""
    entry = opdef.lookup(node.domain, node.op_type, node.version)
    if entry is None or entry.host:
        return entry is not None and entry.traced is None
    return entry.fold is not None and bool(strings)


def strings_of(node: Node, strings: set[str]) -> Sequence[str]:
    """The outputs of a host operator that are sure to be strings."""
    entry = opdef.lookup(node.domain, node.op_type, node.version)
    if entry is None or not entry.gives_strings:
        return ()
    return node.outputs if entry.host or not strings.isdisjoint(node.inputs) else ()


def live_names(nodes: Sequence[Node], outputs: Iterable[str]) -> set[str]:
    """Names that the nodes and the outputs read."""
    return set(outputs).union(*(node.names_read() for node in nodes))
