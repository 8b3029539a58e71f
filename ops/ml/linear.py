"""Linear models."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jitrt.calls import cast_tensor
from jitrt.dims import hint
from jitrt.opdef import operator
from jitrt.tensor import Tensor, constant, map_tensors
from jitrt.types import F32, I64

from ..matmul import matmul_tensors
from ..reduce import arg_max
from ._scores import ML, both_classes, classifier, in_rows, integer_labels, transform


@classifier("LinearClassifier", since=1)
def linear_classifier(
    X: Tensor,
    *,
    coefficients: Sequence[float],
    classlabels_ints: Sequence[int] | None = None,
    classlabels_strings: Sequence[str] | None = None,
    intercepts: Sequence[float] | None = None,
    multi_class: int = 0,
    post_transform: str = "NONE",
) -> tuple[Tensor, Tensor]:
    """The class of the highest score. https://onnx.ai/onnx/operators/onnx_aionnxml_LinearClassifier.html"""
    labels = classlabels_strings or classlabels_ints or []
    scores = _scores(X, coefficients, intercepts)
    integers = None if classlabels_strings else classlabels_ints
    if scores.shape[1] != 1:
        index = arg_max(scores, axis=1, keepdims=0)
        return integer_labels(index, integers), transform(scores, post_transform)
    positive = cast_tensor(map_tensors(lambda s: s > 0, scores), I64).reshape([scores.shape[0]])
    if len(labels) != 2:
        return positive, transform(scores, post_transform)
    return integer_labels(positive, integers), both_classes(scores, post_transform, "1-s")


@operator("LinearRegressor", since=1, domain=ML)
def linear_regressor(
    X: Tensor,
    *,
    coefficients: Sequence[float] | None = None,
    intercepts: Sequence[float] | None = None,
    post_transform: str = "NONE",
    targets: int = 1,
) -> Tensor:
    """Weighted sums of features. https://onnx.ai/onnx/operators/onnx_aionnxml_LinearRegressor.html"""
    if coefficients is None:
        raise ValueError("coefficients are missing")
    given = intercepts if intercepts is not None and len(intercepts) == targets else None
    return transform(_scores(X, coefficients, given, targets), post_transform)


def _scores(
    X: Tensor, coefficients: Sequence[float], intercepts: Sequence[float] | None, targets: int | None = None
) -> Tensor:
    """X [n, features] times the coefficients [targets, features], plus an intercept for each target."""
    weights = np.asarray(coefficients, np.float32)
    x = in_rows(X, F32)
    count = targets or len(intercepts or ()) or weights.size // int(x.shape[1])
    if x.shape[1] * count != weights.size:
        expected = f"{count} times {hint(x.shape[1])} coefficients"
        raise ValueError(f"expected {expected} for {count} targets and X {X}, got {weights.size}")
    bias = None if intercepts is None or not len(intercepts) else constant(np.asarray(intercepts, np.float32))
    return matmul_tensors(x, constant(np.ascontiguousarray(weights.reshape(count, -1).T)), bias)
