"""Gradient nodes to nodes that compute: one for each node on the way from `y` back to `xs`.

For `Y = MatMul(X, W)` and `L = Relu(Y)`, Gradient(X, W; xs = [X, W], y = L) -> (dX, dW) becomes

    dL = FullLike(L, value=1)
    dY = Pullback(Y, dL; node=Relu)
    dX, dW = Pullback(X, W, dY; node=MatMul)

https://onnx.ai/onnx/operators/onnx_aionnxpreviewtraining_Gradient.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from jitrt.errors import InvalidGraph
from jitrt.graph import Node

DOMAIN = "ai.onnx.preview.training"
ADD_SINCE = 14

Fresh = Callable[[str], str]  # a name that no value has yet


def is_gradient(node: Node) -> bool:
    """Whether the node is a Gradient that says what of; one that does not is reported as any other node."""
    return node.op_type == "Gradient" and node.domain == DOMAIN and {"xs", "y"} <= node.attributes.keys()


def resolve_names(node: Node, name: Callable[[str], str]) -> dict[str, Any]:
    """The attributes of a Gradient with the names that values have in the whole model."""
    given = node.attributes
    return {"y": name(given["y"]), **{key: [name(n) for n in given.get(key, [])] for key in ("xs", "zs")}}


def expand_gradients(nodes: Sequence[Node], fresh: Fresh) -> list[Node]:
    """The nodes with every Gradient replaced, also where one is of another's outcome.

    Raises InvalidGraph for a `y` that no node computes, or inputs that are not as many as `xs` and `zs`.
    """
    pending = [node for node in nodes if is_gradient(node)]
    result = [node for node in nodes if not is_gradient(node)]
    while pending:
        unknown = {name for node in pending for name in node.outputs}
        ready = next((n for n in pending if unknown.isdisjoint(_path(n, result)[1])), None)
        if ready is None:
            raise InvalidGraph(f"{pending[0]}: y follows from the node's own outputs")
        pending.remove(ready)
        result += _expand(ready, result, fresh)
    return result


def _path(gradient: Node, nodes: Sequence[Node]) -> tuple[list[Node], set[str]]:
    """The nodes between the sources and y, each after those that it reads; and all names that they read."""
    producers = {name: node for node in nodes for name in node.outputs if name}
    sources = {*gradient.attributes["xs"], *gradient.attributes["zs"]}
    order: dict[Node, None] = {}
    names = {gradient.attributes["y"]}
    stack = [(gradient.attributes["y"], False)]
    while stack:
        name, expanded = stack.pop()
        node = producers.get(name)
        if name in sources or node is None or node in order:
            continue
        if expanded:
            order[node] = None
        else:
            names.update(node.inputs)
            stack.append((name, True))
            stack.extend((read, False) for read in node.inputs if read)
    return list(order), names


def _expand(gradient: Node, nodes: Sequence[Node], fresh: Fresh) -> list[Node]:
    xs, zs, y = (gradient.attributes[key] for key in ("xs", "zs", "y"))
    if len(gradient.inputs) != len(xs) + len(zs):
        count = len(gradient.inputs)
        raise InvalidGraph(f"{gradient}: expected an input for each of xs {xs} and zs {zs}, got {count}")
    path, _ = _path(gradient, nodes)
    if not path:
        raise InvalidGraph(f"{gradient}: expected y to be computed in the same graph, got {y!r}")
    moved = {old: new for old, new in zip((*xs, *zs), gradient.inputs, strict=True) if old != new}
    added: list[Node] = []
    if moved:  # the derivative at other values: the path once more, from those
        path = _depending(path, set(moved))
        moved |= {name: fresh(name) for node in path for name in node.outputs if name}
        path = [_renamed(node, moved) for node in path]
        xs, y = [moved.get(x, x) for x in xs], moved.get(y, y)
        added += path
        path = [*(n for n in _path(gradient, nodes)[0] if moved.keys().isdisjoint(n.outputs)), *path]
    return added + _pull_back(gradient, _depending(path, set(xs)), xs, y, fresh)


def _depending(path: Sequence[Node], names: set[str]) -> list[Node]:
    """The nodes of the path that follow from the names."""
    known, result = set(names), []
    for node in path:
        if not known.isdisjoint(node.inputs):
            known.update(filter(None, node.outputs))
            result.append(node)
    return result


def _renamed(node: Node, names: dict[str, str]) -> Node:
    inputs, outputs = ([names.get(n, n) for n in group] for group in (node.inputs, node.outputs))
    return replace(node, inputs=inputs, outputs=outputs)


def _pull_back(gradient: Node, path: Sequence[Node], xs: Sequence[str], y: str, fresh: Fresh) -> list[Node]:
    """The nodes that compute the derivatives of y by xs, from the last node of the path to the first."""
    wanted = {*xs, *(name for node in path for name in node.outputs if name)}
    seed = fresh(f"d{y}")
    added = [Node("FullLike", [y], [seed], {"value": 1.0}, "jitrt", name=gradient.name)]
    parts: dict[str, list[str]] = {y: [seed]}

    def total(name: str) -> str:
        """The sum of the parts of a value's derivative, or nothing."""
        terms = parts.get(name, [])
        while len(terms) > 1:
            partial = fresh(f"d{name}")
            added.append(Node("Add", terms[:2], [partial], version=ADD_SINCE, name=gradient.name))
            terms = [partial, *terms[2:]]
        parts[name] = terms
        return terms[0] if terms else ""

    for node in reversed(path):
        adjoints = [total(name) if name else "" for name in node.outputs]
        if not any(adjoints):
            continue
        outputs = [fresh(f"d{name}") if name in wanted else "" for name in node.inputs]
        for name, output in zip(node.inputs, outputs, strict=True):
            if output:
                parts.setdefault(name, []).append(output)
        attributes = {"node": node, "wanted": [bool(o) for o in outputs]}
        added.append(
            Node("Pullback", [*node.inputs, *adjoints], outputs, attributes, "jitrt", name=node.name)
        )
    for x, output in zip(xs, gradient.outputs, strict=False):
        if output and total(x):
            added.append(Node("Identity", [total(x)], [output], name=gradient.name))
        elif output:
            added.append(Node("FullLike", [x], [output], {"value": 0.0}, "jitrt", name=gradient.name))
    return added
