"""Support vector machines, as libsvm and liblinear make them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jitrt.calls import launch
from jitrt.codegen.numba_ir import fast_math
from jitrt.dims import Size
from jitrt.expr import cast, const, exp, power, tanh, where
from jitrt.opdef import operator
from jitrt.tensor import Tensor, constant, map_tensors, reduce_tensor
from jitrt.types import F32

from ..matmul import matmul_tensors
from ..reduce import arg_max
from ._scores import ML, both_classes, classifier, in_rows, integer_labels, logistic, transform

Matrix = np.ndarray[Any, np.dtype[np.float32]]
LEAST = np.float32(1e-7)
MOST = np.float32(1) - LEAST
ROUNDS = 100


@operator("SVMRegressor", since=1, domain=ML)
def svm_regressor(
    X: Tensor,
    *,
    coefficients: Sequence[float] | None = None,
    kernel_params: Sequence[float] | None = None,
    kernel_type: str = "LINEAR",
    n_supports: int = 0,
    one_class: int = 0,
    post_transform: str = "NONE",
    rho: Sequence[float] | None = None,
    support_vectors: Sequence[float] | None = None,
) -> Tensor:
    """A weighted sum of kernels. https://onnx.ai/onnx/operators/onnx_aionnxml_SVMRegressor.html"""
    x, weights = in_rows(X, F32), _matrix(coefficients, 1)
    if n_supports:
        x = _kernels(x, _matrix(support_vectors, n_supports), kernel_type, kernel_params)
    scores = matmul_tensors(x, constant(weights.T.copy()), constant(_floats(rho or [0.0])[:1]))
    if one_class:
        return map_tensors(lambda s: where(s > 0, const(1, F32), -1), scores)
    return transform(scores, post_transform)


@classifier("SVMClassifier", since=1)
def svm_classifier(
    X: Tensor,
    *,
    classlabels_ints: Sequence[int] | None = None,
    classlabels_strings: Sequence[str] | None = None,
    coefficients: Sequence[float] | None = None,
    kernel_params: Sequence[float] | None = None,
    kernel_type: str = "LINEAR",
    post_transform: str = "NONE",
    prob_a: Sequence[float] | None = None,
    prob_b: Sequence[float] | None = None,
    rho: Sequence[float] | None = None,
    support_vectors: Sequence[float] | None = None,
    vectors_per_class: Sequence[int] | None = None,
) -> tuple[Tensor, Tensor]:
    """The class that wins most pairs. https://onnx.ai/onnx/operators/onnx_aionnxml_SVMClassifier.html"""
    x = in_rows(X, F32)
    classes = len(classlabels_strings or classlabels_ints or ())
    labels = None if classlabels_strings else classlabels_ints
    if not sum(vectors_per_class or ()):
        weights = _matrix(coefficients, classes)
        bias = np.repeat(_floats(rho or [0.0])[:1], classes)  # the first for all, as in onnxruntime
        scores = matmul_tensors(x, constant(weights.T.copy()), constant(bias))
        index = _linear_choice(scores, bool((weights >= 0).all()))
        return integer_labels(index, labels), transform(scores, post_transform)
    counts = list(vectors_per_class or ())
    kernels = _kernels(x, _matrix(support_vectors, sum(counts)), kernel_type, kernel_params)
    weights = _pair_weights(_matrix(coefficients, classes - 1), counts)
    pairs = weights.shape[1]
    scores = matmul_tensors(kernels, constant(weights), constant(_floats(rho or ())[:pairs]))
    index = _most_votes(scores, classes)
    if prob_a:
        probabilities = _probabilities(scores, classes, prob_a, prob_b or ())
        return integer_labels(index, labels), transform(probabilities, post_transform)
    if pairs > 1:
        return integer_labels(index, labels), transform(scores, post_transform)
    opposite = "-s" if post_transform == "NONE" else "1-s"
    return integer_labels(index, labels), both_classes(scores, post_transform, opposite)


def _floats(values: Sequence[float]) -> Matrix:
    return np.asarray(values, np.float32)


def _matrix(values: Sequence[float] | None, rows: int) -> Matrix:
    """An attribute as a matrix of so many rows. Raises ValueError where its length does not fit."""
    flat = _floats(values if values is not None else ())
    if not flat.size or flat.size % rows:
        raise ValueError(
            f"expected a multiple of {rows} coefficients or elements of vectors, got {flat.size}"
        )
    return flat.reshape(rows, flat.size // rows)


def _kernels(
    x: Tensor,
    vectors: Matrix,
    kind: str,
    params: Sequence[float] | None,
) -> Tensor:
    """The kernel function [n, vectors] of each row with each support vector."""
    gamma, coef0, degree = params or (0.0, 0.0, 0.0)
    if x.shape[1] != vectors.shape[1]:
        raise ValueError(f"expected {vectors.shape[1]} features, got {x}")
    if kind == "RBF":
        outputs = [(F32, [x.shape[0], len(vectors)])]
        flops: Size = x.shape[0] * (3 * vectors.size)
        (squares,) = launch(
            squared_distances, x, constant(vectors), outputs=outputs, extent=x.shape[0], flops=flops
        )
        return map_tensors(lambda d: exp(d * -gamma), squares)
    products = matmul_tensors(x, constant(vectors.T.copy()))
    if kind == "POLY":
        return map_tensors(lambda p: power(p * gamma + coef0, degree), products)
    if kind == "SIGMOID":
        return map_tensors(lambda p: tanh(p * gamma + coef0), products)
    return products


@fast_math("reassoc", "contract")
def squared_distances(Y, X, vectors, begin, end):
    """Y[i, j] is the squared distance of X[i] and vectors[j]."""
    for i in range(begin, end):
        for j in range(vectors.shape[0]):
            total = np.float32(0)
            for k in range(X.shape[1]):
                difference = X[i, k] - vectors[j, k]
                total += difference * difference
            Y[i, j] = total


def _pair_weights(coefficients: Matrix, counts: Sequence[int]) -> Matrix:
    """The weights [vectors, pairs] of the machine for each pair of classes i < j.

    Row j - 1 of the coefficients [classes - 1, vectors] has those of class i's vectors, row i those of j's.
    """
    ends = np.cumsum(counts)
    parts = [slice(end - count, end) for end, count in zip(ends, counts, strict=True)]
    columns = []
    for i in range(len(counts)):
        for j in range(i + 1, len(counts)):
            column = np.zeros(ends[-1], np.float32)
            column[parts[i]] = coefficients[j - 1, parts[i]]
            column[parts[j]] = coefficients[i, parts[j]]
            columns.append(column)
    return np.stack(columns, 1)


def _most_votes(scores: Tensor, classes: int) -> Tensor:
    """The class that wins most of its pairs: the first of a pair where the score is above 0."""
    first, second = np.triu_indices(classes, 1)
    gain = np.zeros((len(first), classes), np.float32)
    gain[np.arange(len(first)), first] = 1
    gain[np.arange(len(first)), second] = -1
    start = constant(np.bincount(second, minlength=classes).astype(np.float32))
    wins = map_tensors(lambda s: cast(s > 0, F32), scores)
    return arg_max(matmul_tensors(wins, constant(gain), start), axis=1, keepdims=0)


def _linear_choice(scores: Tensor, positive: bool) -> Tensor:
    """The class of the highest score; of two classes the second where that is above 0 (0.5 if `positive`)."""
    index = arg_max(scores, axis=1, keepdims=0)
    if scores.shape[1] != 2:
        return index
    highest = reduce_tensor(scores, "max", [1]).squeeze(1)
    return map_tensors(lambda i, h: where(h >= 0.5 if positive else h > 0, 1, i), index, highest)


def _probabilities(scores: Tensor, classes: int, a: Sequence[float], b: Sequence[float]) -> Tensor:
    """The probability [n, classes] of each class from the scores [n, pairs] of pairs.

    Second method of https://www.csie.ntu.edu.tw/~cjlin/papers/svmprob/svmprob.pdf
    """
    pairs = scores.shape[1]
    slopes, shifts = (constant(_floats(v)[:pairs]) for v in (a, b))
    rates = map_tensors(lambda s, a, b: 1 - logistic(s * a + b), scores, slopes, shifts)
    rows = scores.shape[0]
    (result,) = launch(
        couple_probabilities,
        rates,
        outputs=[(F32, [rows, classes])],
        extent=rows,
        flops=rows * (classes * classes * 64),
        scratch=4 * (2 * classes * classes + classes),
    )
    return result


def couple_probabilities(P, rates, begin, end, scratch):
    """P[n] from the rates at which the first class of each pair wins; in float32, as onnxruntime does it."""
    count = P.shape[1]
    square = count * count
    memory = scratch[: 4 * (2 * square + count)].view(np.float32)
    r, Q, Qp = memory[:square], memory[square : 2 * square], memory[2 * square :]
    one, two = np.float32(1), np.float32(2)
    limit = np.float32(0.005) / np.float32(count)
    for n in range(begin, end):
        pair = 0
        for i in range(count):
            P[n, i] = one / np.float32(count)
            for j in range(i + 1, count):
                rate = min(max(rates[n, pair], LEAST), MOST)
                r[i * count + j] = rate
                r[j * count + i] = one - rate
                pair += 1
        for i in range(count):
            Q[i * count + i] = 0
            for j in range(count):
                if j != i:
                    Q[i * count + i] += r[j * count + i] * r[j * count + i]
                    Q[i * count + j] = -r[j * count + i] * r[i * count + j]
        for _ in range(ROUNDS):
            pQp = np.float32(0)
            for i in range(count):
                Qp[i] = 0
                for j in range(count):
                    Qp[i] += Q[i * count + j] * P[n, j]
                pQp += P[n, i] * Qp[i]
            error = np.float32(0)
            for i in range(count):
                error = max(error, abs(Qp[i] - pQp))
            if error < limit:
                break
            for i in range(count):
                step = (pQp - Qp[i]) / Q[i * count + i]
                P[n, i] += step
                pQp = (pQp + step * (step * Q[i * count + i] + two * Qp[i])) / (one + step) / (one + step)
                for j in range(count):
                    Qp[j] = (Qp[j] + step * Q[i * count + j]) / (one + step)
                    P[n, j] /= one + step
