"""Derivatives: the nodes that the loader writes for Gradient, and the rules of kernels.

https://onnx.ai/onnx/operators/onnx_aionnxpreviewtraining_Gradient.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from jitrt import opdef
from jitrt.calls import launch
from jitrt.errors import NotImplemented as NotImplementedHere
from jitrt.expr import Expr, eq, where
from jitrt.gradient import for_gradients, gradient_of, gradients
from jitrt.graph import Node
from jitrt.opdef import operator
from jitrt.tensor import Call, Tensor, View, constant, map_indices
from jitrt.types import is_float

from .gather import gather_rows
from .loss import pick_columns


@operator("Gradient", since=1, domain="ai.onnx.preview.training")
def gradient(*Inputs: Tensor, xs: list[str], y: str, zs: list[str] | None = None) -> Tensor:
    """Derivatives of y by xs, of which this is the part for a node without its graph.

    https://onnx.ai/onnx/operators/onnx_aionnxpreviewtraining_Gradient.html
    """
    raise NotImplementedHere(f"Gradient needs the graph that computes {y!r}: give it a model, not arrays")


@operator("FullLike", since=1, domain="jitrt")
def full_like(X: Tensor, *, value: float) -> Tensor:
    """One value everywhere, in the type and the shape of X."""
    return constant(np.full((), value).astype(X.dtype)).expand(X.shape)


@operator("Pullback", since=1, domain="jitrt")
def pullback(*inputs: Tensor | None, node: Node, wanted: Sequence[bool]) -> list[Tensor]:
    """The derivatives by the wanted inputs of `node`, from its inputs and the derivatives by its outputs.

    It traces the node again, with inputs that it can tell apart. Zero by integers. Raises NotImplemented for
    an operator that is no composition of traced tensors.
    """
    count = len(node.inputs)
    given = [*inputs, *[None] * (count + len(node.outputs) - len(inputs))]
    seeds = [g if g is not None and is_float(g.dtype) else None for g in given[count:]]
    by = [(i, x) for i, (x, want) in enumerate(zip(given, wanted, strict=False)) if want and x is not None]
    results = [constant(np.zeros(()))] * count
    for i, x in by:
        results[i] = full_like(x, value=0.0)
    if all(g is None for g in seeds):
        return results
    by = [(i, _apart(x)) for i, x in by if is_float(x.dtype)]
    operands = given[:count]
    for i, x in by:
        operands[i] = x
    outputs = _traced(node, operands)
    several = min(len(outputs), len(seeds))
    found = gradients(outputs[:several], seeds[:several], [x for _, x in by])
    for (i, _), derivative in zip(by, found, strict=True):
        results[i] = results[i] if derivative is None else derivative
    return results


def _traced(node: Node, operands: Sequence[Tensor | None]) -> list[Tensor]:
    """The outputs of a node applied to other inputs."""
    entry = opdef.lookup(node.domain, node.op_type, node.version)
    if entry is None or entry.host or entry.inlines:
        raise NotImplementedHere(f"{node}: the gradient of {node.op_type} is not implemented")
    present = [i for i, x in enumerate(operands) if x is not None]
    attributes = {"output_count": len(node.outputs)} if "output_count" in entry.attributes else {}
    with for_gradients():
        outputs = entry(*operands[: max(present, default=-1) + 1], **node.attributes, **attributes)
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


def _apart(x: Tensor) -> Tensor:
    """The same tensor as one that no other is identical to, and whose value nothing folds."""
    return Tensor(x.dtype, x.shape, View(x, "reshape", x.shape))


@gradient_of(pick_columns)
def pick_columns_gradient(call: Call, adjoints: Sequence[Tensor | None]) -> Iterable[tuple[Tensor, Tensor]]:
    """The derivative where it was picked, 0 elsewhere."""
    X, labels = call.inputs
    g = adjoints[0]
    assert g is not None

    def put(i: Expr, c: Expr, j: Expr, label: Expr, g: Expr) -> Expr:
        return where(eq(c, label), g, 0)

    return [(X, map_indices(put, X.shape, labels.unsqueeze(1), g.unsqueeze(1)))]


@gradient_of(gather_rows)
def gather_rows_gradient(call: Call, adjoints: Sequence[Tensor | None]) -> Iterable[tuple[Tensor, Tensor]]:
    """Each gathered row's derivative, added to the row's."""
    X, indices = call.inputs
    g = adjoints[0]
    assert g is not None
    batch, _, inner = X.shape
    return [(X, launch(add_rows, g, indices, outputs=[(g.dtype, X.shape)], extent=batch * inner)[0])]


def add_rows(X, G, indices, begin, end):
    """X[b, indices[b or 0, i]] adds G[b, i] for each i; a unit is a column of X [batch, n, inner]."""
    n, count, inner = X.shape[1], G.shape[1], X.shape[2]
    shared = indices.shape[0] == 1
    while begin < end:
        b, first = begin // inner, begin % inner
        last = min(first + end - begin, inner)
        for row in range(n):
            for j in range(first, last):
                X[b, row, j] = 0
        for i in range(count):
            index = indices[0 if shared else b, i]
            row = index + n if index < 0 else index
            for j in range(first, last):
                X[b, row, j] += G[b, i, j]
        begin += last - first
