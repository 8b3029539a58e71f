"""Mixture of experts: each token goes through the few networks that its router picks.

https://arxiv.org/abs/1701.06538
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from jitrt.calls import cast_tensor, launch
from jitrt.codegen.numba_ir import fast_math
from jitrt.dims import prod
from jitrt.expr import Expr, absolute, eq, exp, maximum, minimum, tanh, where
from jitrt.opdef import operator
from jitrt.tensor import Tensor, concatenate, constant, map_indices, map_tensors, reduce_tensor
from jitrt.types import F32, I64

from .._shared import widen
from ..activation import SQRT_2_OVER_PI, softmax
from ..reduce import arg_max
from ..select import top_k

DOMAIN = "com.microsoft"
JITTER = 0.01
COLUMNS = 16


def _gelu(x: Expr) -> Expr:
    return 0.5 * x * (1 + tanh(SQRT_2_OVER_PI * (x + 0.044715 * x * x * x)))


ACTIVATIONS: dict[str, Callable[[Expr], Expr]] = {
    "relu": lambda x: maximum(x, 0),
    "relu2": lambda x: maximum(x, 0) * maximum(x, 0),
    "gelu": _gelu,
    "geglu": _gelu,
    "silu": lambda x: x / (1 + exp(-x)),
    "identity": lambda x: x,
}
GATED = ("swiglu", "geglu")


@operator("MoE", since=1, domain=DOMAIN)
def moe(
    input: Tensor,
    router_probs: Tensor,
    fc1_experts_weights: Tensor,
    fc1_experts_bias: Tensor | None,
    fc2_experts_weights: Tensor,
    fc2_experts_bias: Tensor | None = None,
    fc3_experts_weights: Tensor | None = None,
    fc3_experts_bias: Tensor | None = None,
    *,
    activation_alpha: float = 1.0,
    activation_beta: float = 0.0,
    activation_type: str = "relu",
    k: int = 1,
    normalize_routing_weights: int = 0,
    swiglu_fusion: int = 0,
    swiglu_limit: float | None = None,
    swiglu_limit_after_activation: int = 0,
    use_sparse_mixer: int = 0,
) -> Tensor:
    """The sum of k experts' networks, weighted by the softmax of the router's scores.

    An expert is fc2(activation(fc1(x))), or fc2(activation(fc1(x)) * fc3(x)).
    https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.MoE
    """
    hidden, tokens = input.shape[-1], prod(input.shape[:-1])
    if router_probs.ndim != 2 or router_probs.shape[0] != tokens:
        raise ValueError(f"router_probs must be [tokens, experts], got {router_probs} for {input}")
    scores = widen(router_probs)
    if use_sparse_mixer:
        weights, experts = _mix_sparsely(scores, k)
    else:
        weights, experts = _best_experts(scores, k, normalize_routing_weights)
    routes = _routes(experts, router_probs)
    x = input.reshape([tokens, hidden])
    up = _expert_product(x, fc1_experts_weights, fc1_experts_bias, routes, k)
    gate = None
    if fc3_experts_weights is not None:
        gate = _expert_product(x, fc3_experts_weights, fc3_experts_bias, routes, k)
    if activation_type in GATED:
        up, gate = _halves(up, gate, swiglu_fusion, activation_type)
    if activation_type == "swiglu":
        limit = np.inf if swiglu_limit is None else swiglu_limit
        clip_late = bool(swiglu_limit_after_activation)
        inner = map_tensors(_swiglu(activation_alpha, activation_beta, limit, clip_late), up, gate)
    else:
        inner = map_tensors(_activation(activation_type), up)
        inner = inner if gate is None else map_tensors(lambda x, g: x * g, inner, gate)
    outputs = _expert_product(inner, fc2_experts_weights, fc2_experts_bias, routes, 1)
    weighted = map_tensors(
        lambda y, w: y * w, outputs.reshape([tokens, k, hidden]), weights.reshape([tokens, k, 1])
    )
    total = reduce_tensor(weighted, "sum", [1]).reshape(input.shape)
    return cast_tensor(total, input.dtype)


def _activation(name: str) -> Callable[[Expr], Expr]:
    if name not in ACTIVATIONS:
        raise ValueError(f"activation_type is swiglu or one of {', '.join(ACTIVATIONS)}, got {name!r}")
    return ACTIVATIONS[name]


def _swiglu(alpha: float, beta: float, limit: float, clip_late: bool) -> Callable[[Expr, Expr], Expr]:
    """gate * sigmoid(alpha * gate) * (up + beta), both clipped; the gate before it is activated, or after."""

    def swiglu(gate: Expr, up: Expr) -> Expr:
        gate = gate if clip_late else minimum(gate, limit)
        swish = gate / (1 + exp(-alpha * gate))
        swish = minimum(swish, limit) if clip_late else swish
        return swish * (maximum(minimum(up, limit), -limit) + beta)

    return swiglu


def _halves(up: Tensor, third: Tensor | None, fusion: int, activation: str) -> tuple[Tensor, Tensor]:
    """The gate and what it lets through: from two products, or from one that holds both."""
    if fusion not in ((0, 1, 2) if activation == "swiglu" else (1, 2)) or (third is None) != (fusion > 0):
        raise ValueError(
            f"{activation} takes fc3_experts_weights with swiglu_fusion=0 (swiglu alone), "
            f"or none with 1 or 2, got {fusion}"
        )
    if third is not None:
        return up, third
    rows, size = up.shape[0], up.shape[1] // 2
    pairs = up.reshape([rows, size, 2] if fusion == 1 else [rows, 2, size])
    axis = 2 if fusion == 1 else 1
    return pairs.slice(axis, 0, 1).squeeze(axis), pairs.slice(axis, 1, 1).squeeze(axis)


def _best_experts(scores: Tensor, k: int, normalize: int) -> tuple[Tensor, Tensor]:
    """The k largest probabilities of each token and their experts."""
    weights, experts = top_k(softmax(scores), constant(np.array([k])))
    if normalize:
        total = reduce_tensor(weights, "sum", [1])
        weights = map_tensors(lambda w, t: w / t, weights, total)
    return weights, experts


def _mix_sparsely(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The two best experts, each weighted by a softmax over the scores that come close to its own.

    https://arxiv.org/abs/2310.00811
    """
    if k != 2:
        raise ValueError(f"use_sparse_mixer needs k=2, got {k}")
    left, weights, experts = scores, [], []
    for _ in range(k):
        best = reduce_tensor(left, "max", [1])
        chosen = arg_max(left, axis=1)

        def near(x: Expr, score: Expr, m: Expr) -> Expr:
            return where((m - score) / maximum(absolute(score), m) > 2 * JITTER, -np.inf, x)

        gates = softmax(map_tensors(near, left, scores, best))
        picked = map_indices(
            lambda i, j, g, e: where(eq(j, e), g, 0), gates.shape, gates, chosen.expand(gates.shape)
        )
        weights.append(reduce_tensor(picked, "sum", [1]))
        experts.append(chosen)
        left = map_indices(
            lambda i, j, x, e: where(eq(j, e), -np.inf, x), left.shape, left, chosen.expand(left.shape)
        )
    return concatenate(weights, 1), concatenate(experts, 1)


def _routes(experts: Tensor, router: Tensor) -> tuple[Tensor, Tensor]:
    """The pairs (token, choice), numbered token * k + choice, by expert; and where each expert's begin."""
    routes, starts = launch(
        sort_routes,
        experts.reshape([experts.size]),
        outputs=[(I64, [experts.size]), (I64, [router.shape[1] + 1])],
        extent=1,
    )
    return routes, starts


def sort_routes(routes, starts, experts, begin, end):
    """The routes of expert e are routes[starts[e]:starts[e + 1]], in order."""
    count = starts.shape[0] - 1
    for e in range(count + 1):
        starts[e] = 0
    for route in range(experts.shape[0]):
        starts[experts[route]] += 1
    total = 0
    for e in range(count + 1):
        starts[e], total = total, total + starts[e]
    for route in range(experts.shape[0]):
        e = experts[route]
        routes[starts[e]] = route
        starts[e] += 1
    for e in range(count, 0, -1):
        starts[e] = starts[e - 1]
    starts[0] = 0


def _expert_product(
    x: Tensor, weights: Tensor, bias: Tensor | None, routes: tuple[Tensor, Tensor], share: int
) -> Tensor:
    """Row r is the product of row r // share of x with the weights [out, in] of r's expert, plus its bias."""
    if x.shape[-1] != weights.shape[-1]:
        raise ValueError(f"expected weights [experts, out, {x.shape[-1]}], got {weights}")
    order, starts = routes
    count, outputs = order.shape[0], weights.shape[1]
    if bias is None:
        bias = constant(np.zeros((0, 0), np.float32))
    (y,) = launch(
        multiply_by_expert,
        *(widen(t) for t in (x, weights, bias)),
        order,
        starts,
        outputs=[(F32, [count, outputs])],
        scalars=[share],
        extent=(outputs + COLUMNS - 1) // COLUMNS,
        flops=2 * count * outputs * x.shape[-1],
    )
    return y


@fast_math("contract", "reassoc", "nsz")
def multiply_by_expert(Y, X, W, bias, routes, starts, share, begin, end):
    """Y[r] = W[e] X[r // share] + bias[e] for the routes r of each expert e; a unit is 16 columns of Y."""
    columns, experts = Y.shape[1], W.shape[0]
    for unit in range(begin, end):
        left = unit * COLUMNS
        right = min(left + COLUMNS, columns)
        for e in range(experts):
            first, last = starts[e], starts[e + 1]
            while first + 4 <= last:
                column = left
                while column + 4 <= right:
                    multiply_tile(Y, X, W, routes, share, e, first, column)
                    column += 4
                for i in range(first, first + 4):
                    multiply_row(Y, X, W, routes[i], share, e, column, right)
                first += 4
            for i in range(first, last):
                multiply_row(Y, X, W, routes[i], share, e, left, right)
            if bias.shape[0] > 0:
                for i in range(starts[e], last):
                    for j in range(left, right):
                        Y[routes[i], j] += bias[e, j]


def multiply_row(Y, X, W, route, share, e, left, right):
    """Columns left to right of one row."""
    row = route // share
    for j in range(left, right):
        total = np.float32(0)
        for k in range(X.shape[1]):
            total += X[row, k] * W[e, j, k]
        Y[route, j] = total


def multiply_tile(Y, X, W, routes, share, e, first, j):
    """Four columns of four rows, which keeps 16 sums in registers."""
    p, q, r, s = routes[first], routes[first + 1], routes[first + 2], routes[first + 3]
    P, Q, R, S = p // share, q // share, r // share, s // share
    p0 = p1 = p2 = p3 = np.float32(0)
    q0 = q1 = q2 = q3 = np.float32(0)
    r0 = r1 = r2 = r3 = np.float32(0)
    s0 = s1 = s2 = s3 = np.float32(0)
    for k in range(X.shape[1]):
        w0, w1, w2, w3 = W[e, j, k], W[e, j + 1, k], W[e, j + 2, k], W[e, j + 3, k]
        x = X[P, k]
        p0 += x * w0
        p1 += x * w1
        p2 += x * w2
        p3 += x * w3
        x = X[Q, k]
        q0 += x * w0
        q1 += x * w1
        q2 += x * w2
        q3 += x * w3
        x = X[R, k]
        r0 += x * w0
        r1 += x * w1
        r2 += x * w2
        r3 += x * w3
        x = X[S, k]
        s0 += x * w0
        s1 += x * w1
        s2 += x * w2
        s3 += x * w3
    Y[p, j], Y[p, j + 1], Y[p, j + 2], Y[p, j + 3] = p0, p1, p2, p3
    Y[q, j], Y[q, j + 1], Y[q, j + 2], Y[q, j + 3] = q0, q1, q2, q3
    Y[r, j], Y[r, j + 1], Y[r, j + 2], Y[r, j + 3] = r0, r1, r2, r3
    Y[s, j], Y[s, j + 1], Y[s, j + 2], Y[s, j + 3] = s0, s1, s2, s3
