"""Scores of classifiers and regressors: their transforms, the label they choose, and its name.

What the specification leaves open is done as onnxruntime does it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from jitrt.calls import cast_tensor
from jitrt.expr import Expr, absolute, const, eq, exp, log, sqrt, where
from jitrt.graph import Graph, Node
from jitrt.opdef import Operator, host_operator, inlining_operator, operator
from jitrt.tensor import Tensor, constant, map_tensors, reduce_tensor
from jitrt.types import F32, F64, I64

from ..gather import gather

Array = np.ndarray[Any, Any]
ML = "ai.onnx.ml"
SQRT_2 = 1.41421356
A = 0.147  # of Winitzki's approximation of the inverse error function
_serial = itertools.count()


def logistic(x: Expr) -> Expr:
    """1 / (1 + exp(-x)), as 1 minus that of -x below zero."""
    positive = 1 / (1 + exp(-absolute(x)))
    return where(x < 0, 1 - positive, positive)


def probit(x: Expr) -> Expr:
    """The inverse of the normal distribution, https://en.wikipedia.org/wiki/Error_function#Inverse_functions."""
    z = 2 * x - 1
    logarithm = log((1 - z) * (1 + z))
    v = 2 / (3.14159 * A) + 0.5 * logarithm
    root = sqrt(sqrt(v * v - logarithm * (1 / A)) - v)
    return SQRT_2 * where(z < 0, -root, root)


def transform(scores: Tensor, post_transform: str) -> Tensor:
    """`scores` [n, classes] after the transform; a single column is changed by PROBIT only."""
    if post_transform == "PROBIT":
        return map_tensors(probit, scores)
    if scores.shape[1] == 1:
        return scores
    if post_transform == "LOGISTIC":
        return map_tensors(logistic, scores)
    if post_transform == "SOFTMAX":
        return _softmax(scores)
    if post_transform == "SOFTMAX_ZERO":
        return _softmax_of_nonzero(scores)
    return scores


def _softmax(scores: Tensor) -> Tensor:
    powers = map_tensors(lambda x, m: exp(x - m), scores, reduce_tensor(scores, "max", [1]))
    return map_tensors(lambda p, total: p / total, powers, reduce_tensor(powers, "sum", [1]))


def _softmax_of_nonzero(scores: Tensor) -> Tensor:
    """The softmax of scores that are not zero; the others stay zero."""

    def power(x: Expr, highest: Expr) -> Expr:
        return where(absolute(x) > 1e-7, exp(x - highest), 0)

    highest = reduce_tensor(scores, "max", [1])
    total = reduce_tensor(map_tensors(power, scores, highest), "sum", [1])

    def share(x: Expr, highest: Expr, total: Expr) -> Expr:
        return where(absolute(x) > 1e-7, exp(x - highest), x * exp(-highest)) / total

    return map_tensors(share, scores, highest, total)


def both_classes(score: Tensor, post_transform: str, opposite: str) -> Tensor:
    """The scores [n, 2] of two classes from the second one's [n, 1].

    `opposite` is what the first class gets for a score s: "1-s", "-s", or "" for zero.
    """
    second = constant(np.array([False, True]))

    def choose(s: Expr, is_second: Expr) -> Expr:
        if post_transform == "PROBIT":
            return where(is_second, 0, probit(s))
        if not opposite:
            return where(is_second, 0, s)
        if post_transform == "LOGISTIC":
            return logistic(where(is_second, s, -s))
        return where(is_second, s, 1 - s if opposite == "1-s" else -s)

    return map_tensors(choose, score, second)


def in_rows(X: Tensor, dtype: Any = None) -> Tensor:
    """`X` as [n, features], in `dtype` or else in float64 if its type has 64 bits, float32 if not."""
    rows = X.reshape([1, X.shape[0]]) if X.ndim == 1 else X
    if rows.ndim != 2:
        raise ValueError(f"expected [features] or [n, features], got {X}")
    return cast_tensor(rows, dtype or wide(X))


def wide(X: Tensor) -> Any:
    """The float type to compute with numbers of X's type in."""
    return F64 if X.dtype.itemsize == 8 else F32


def integer_labels(index: Tensor, labels: Sequence[int] | None) -> Tensor:
    """The labels of class numbers [n]; the numbers themselves where there are no integer labels."""
    if labels is None or list(labels) == list(range(len(labels))):
        return index
    if len(labels) == 2:
        first, second = labels
        return map_tensors(lambda i: where(eq(i, 0), const(first, I64), second), index)
    return gather(constant(np.array(labels, np.int64)), index)


def classifier(name: str, *, since: int) -> Callable[[Callable[..., Any]], Operator]:
    """Register a classifier: a function that gives class numbers, or integer labels, and scores.

    Where `classlabels_strings` names the classes, a look-up in Python follows the native part.
    """

    def register(definition: Callable[..., Any]) -> Operator:
        operator(name, since=since, domain="jitrt")(definition)

        @wraps(definition)
        def expand(X: Tensor, **attributes: Any) -> Graph:
            x, index, label, scores = (f"{name}\0{next(_serial)}" for _ in range(4))
            nodes = [Node(name, [x], [index, scores], attributes, "jitrt", since)]
            names = attributes.get("classlabels_strings")
            if names:
                nodes.append(Node("ClassName", [index], [label], {"names": names}, "jitrt"))
            return Graph(name, [x], [label if names else index, scores], nodes)

        return inlining_operator(name, since=since, domain=ML)(expand)

    return register


@host_operator("ClassName", since=1, domain="jitrt", gives_strings=True)
def class_name(index: Array, *, names: list[str]) -> Array:
    """The names of class numbers; two classes without their own names are called 0 and 1."""
    return class_name_among(names=names)(index)


@class_name.prepared
def class_name_among(*, names: list[str]) -> Callable[[Array], Array]:
    """ClassName among these."""
    return np.array(names if len(names) > 1 else ["0", "1"], object).take
