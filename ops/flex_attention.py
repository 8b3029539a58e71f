"""Attention with graphs of the model's own between its stages."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from jitrt.calls import cast_tensor
from jitrt.graph import Graph, Node
from jitrt.opdef import inlining_operator, operator
from jitrt.tensor import Tensor, map_tensors
from jitrt.types import F32, F64, from_onnx, to_onnx

from ._attention import check_sizes, four_dimensional, grouped_product

SOFTMAX_VERSION = 13
_numbers = itertools.count()


@inlining_operator("FlexAttention", since=1, domain="ai.onnx.preview")
def flex_attention(
    Q: Tensor,
    K: Tensor,
    V: Tensor,
    *,
    prob_mod: Graph | None = None,
    scale: float | None = None,
    score_mod: Graph | None = None,
    softmax_precision: int | None = None,
) -> Graph:
    """Attention whose scores and probabilities go through graphs.

    https://onnx.ai/onnx/operators/onnx_aionnxpreview_FlexAttention.html
    """
    kind = to_onnx(F64 if Q.dtype == F64 else F32) if softmax_precision is None else softmax_precision
    q, k, v, scores, probabilities, y = (f"FlexAttention {next(_numbers)}" for _ in range(6))
    attributes: dict[str, Any] = {"to": kind} if scale is None else {"to": kind, "scale": scale}
    score_nodes, changed_scores = _applied(score_mod, scores)
    probability_nodes, changed_probabilities = _applied(prob_mod, probabilities)
    nodes = [
        Node("AttentionScores", [q, k, v], [scores], attributes, "jitrt"),
        *score_nodes,
        Node("Softmax", [changed_scores], [probabilities], {"axis": -1}, version=SOFTMAX_VERSION),
        *probability_nodes,
        Node("AttentionResult", [changed_probabilities, v], [y], domain="jitrt"),
    ]
    constants = {name: value for g in (score_mod, prob_mod) if g for name, value in g.constants.items()}
    return Graph("FlexAttention", [q, k, v], [y], nodes, constants)


def _applied(graph: Graph | None, name: str) -> tuple[Sequence[Node], str]:
    """The nodes of a graph with the value `name` as its input, and the name of its output."""
    if graph is None:
        return [], name
    (parameter,), (result,) = graph.inputs, graph.outputs
    return [Node("Identity", [name], [parameter]), *graph.nodes], result


@operator("AttentionScores", since=1, domain="jitrt")
def attention_scores(Q: Tensor, K: Tensor, V: Tensor, *, to: int, scale: float | None = None) -> Tensor:
    """Q K' times a scale, 1 / sqrt(head size) by default, as the type `to`."""
    if any(x.ndim != 4 for x in (Q, K, V)):
        raise ValueError(f"expected 4 dimensions, got Q {Q}, K {K}, V {V}")
    q, k, v = map(four_dimensional, (Q, K, V))
    check_sizes(q, k, v)
    factor = float(q.shape[3]) ** -0.5 if scale is None else scale
    product = grouped_product(q, k.permute((0, 1, 3, 2)), F64 if Q.dtype == F64 else F32)
    return cast_tensor(map_tensors(lambda x: x * factor, product), from_onnx(to))


@operator("AttentionResult", since=1, domain="jitrt")
def attention_result(P: Tensor, V: Tensor) -> Tensor:
    """Probabilities times values, in the values' type."""
    kind = F64 if F64 in (P.dtype, V.dtype) else F32
    return cast_tensor(grouped_product(four_dimensional(P), four_dimensional(V), kind), V.dtype)
