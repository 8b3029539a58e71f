"""Losses against their definitions in float64."""

import numpy as np
import pytest
from oracle import BF16, FLOATS, Case, normal, table

import jitrt


def nll(x, target, weight=None, ignore_index=None, reduction="mean"):
    kept = np.ones(target.shape) if ignore_index is None else (target != ignore_index).astype(float)
    safe = np.where(kept > 0, target, 0)
    weights = kept if weight is None else weight[safe] * kept
    picked = np.take_along_axis(x, np.expand_dims(safe, 1), 1).squeeze(1)
    loss = np.where(kept > 0, -picked * weights, 0)
    if reduction == "none":
        return loss
    return loss.sum() if reduction == "sum" else loss.sum() / weights.sum()


def cross_entropy(x, labels, weights=None, ignore_index=None, reduction="mean"):
    shifted = x - x.max(1, keepdims=True)
    log_prob = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return nll(log_prob, labels, weights, ignore_index, reduction), log_prob


def labels(*shape, classes, ignored=None, dtype=np.int64):
    result = np.random.default_rng(1).integers(0, classes, shape).astype(dtype)
    if ignored is not None:
        result.ravel()[::3] = ignored
    return result


WEIGHT = np.linspace(0.1, 1.5, 7).astype(np.float32)
SHAPES = ((5,), (5, 3), (2, 3, 4))
FORMS = [
    ([normal(shape[0], 7, *shape[1:]), labels(*shape, classes=7, ignored=ignored), weight], attributes)
    for shape in SHAPES
    for reduction in ("none", "sum", "mean")
    for ignored in (None, -1, 9)
    for weight in (None, WEIGHT)
    for attributes in ({"reduction": reduction} | ({} if ignored is None else {"ignore_index": ignored}),)
]
LOG_LIKELIHOOD = [
    Case("NegativeLogLikelihoodLoss", inputs, attributes, nll, tolerance=4) for inputs, attributes in FORMS
] + [
    Case(
        "NegativeLogLikelihoodLoss",
        [normal(5, 7, 3, dtype=t), labels(5, 3, classes=7, dtype=i), WEIGHT.astype(t)],
        {},
        nll,
        tolerance=4,
    )
    for t in FLOATS
    for i in (np.int32, np.int64)
]
CROSS_ENTROPY = [
    Case("SoftmaxCrossEntropyLoss", inputs, attributes, cross_entropy, outputs=2, tolerance=8)
    for inputs, attributes in FORMS
] + [
    Case(
        "SoftmaxCrossEntropyLoss",
        [normal(5, 7, 3, dtype=t), labels(5, 3, classes=7, dtype=np.int32), WEIGHT.astype(t)],
        {"ignore_index": 3},
        cross_entropy,
        outputs=2,
        tolerance=4,
    )
    for t in (np.float64, np.float16, BF16)
]


@table(LOG_LIKELIHOOD, CROSS_ENTROPY)
def test_loss(case):
    case.check()


def test_large_scores_keep_their_precision():
    scores = np.array([[1e4, 1e4 + 1, 1e4 - 2]], np.float32)
    got = jitrt.call("SoftmaxCrossEntropyLoss", scores, np.array([0]))
    np.testing.assert_allclose(got, cross_entropy(scores.astype(np.float64), np.array([0]))[0], rtol=1e-6)


def test_ignored_positions_may_hold_anything():
    scores = np.array([[0.5, -np.inf, 2], [np.nan, np.inf, 1]], np.float32)
    got = jitrt.call("NegativeLogLikelihoodLoss", scores, np.array([2, 1]), ignore_index=1)
    assert got == -2
    nothing = jitrt.call("NegativeLogLikelihoodLoss", scores, np.array([1, 1]), ignore_index=1)
    assert np.isnan(nothing)


@pytest.mark.parametrize("op", ["NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"])
def test_bad_labels(op):
    scores = normal(3, 4)
    for label in (4, -1, -(2**31)):
        with pytest.raises(jitrt.errors.InvalidArgument, match=rf"label {label} is not in \[0, 4\)"):
            jitrt.call(op, scores, np.array([0, label, 1]))
    with pytest.raises(jitrt.errors.Fail, match=r"labels must be \[N, ...\]"):
        jitrt.call(op, scores, np.array([0, 1]))
    with pytest.raises(jitrt.errors.Fail, match="reduction is none, sum or mean, got 'max'"):
        jitrt.call(op, scores, np.array([0, 1, 2]), reduction="max")
    assert np.isfinite(jitrt.call(op, scores, np.array([0, 1, 3])))
