"""Loss functions: the negative log-likelihood of class labels, from log-probabilities or from scores."""

from __future__ import annotations

from jitrt.calls import cast_tensor, launch_move
from jitrt.dims import prod
from jitrt.errors import InvalidArgument
from jitrt.expr import cast, eq, exp, log, where
from jitrt.opdef import operator
from jitrt.tensor import Tensor, map_tensors, reduce_tensor
from jitrt.types import I64

from ._shared import mean, widen
from .gather import gather, index_status


@operator("NegativeLogLikelihoodLoss", since=12)
def negative_log_likelihood_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    ignore_index: int | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Minus the log-probability [N, C, ...] of the target class [N, ...].

    https://onnx.ai/onnx/operators/onnx__NegativeLogLikelihoodLoss.html
    """
    labels = _labels(input, target, ignore_index)
    loss = map_tensors(lambda p: -p, widen(pick_class(input, labels)))
    loss = _reduced(loss, target, labels, weight, ignore_index, reduction)
    return cast_tensor(loss, input.dtype)


@operator("SoftmaxCrossEntropyLoss", since=12)
def softmax_cross_entropy_loss(
    scores: Tensor,
    labels: Tensor,
    weights: Tensor | None = None,
    *,
    ignore_index: int | None = None,
    reduction: str = "mean",
) -> tuple[Tensor, Tensor]:
    """Minus the logarithm of the softmax of scores [N, C, ...] at the label [N, ...]; that logarithm too.

    https://onnx.ai/onnx/operators/onnx__SoftmaxCrossEntropyLoss.html
    """
    x, classes = widen(scores), _labels(scores, labels, ignore_index)
    highest = reduce_tensor(x, "max", [1])
    total = reduce_tensor(map_tensors(lambda x, m: exp(x - m), x, highest), "sum", [1])
    log_prob = map_tensors(lambda x, m, s: x - m - log(s), x, highest, total)
    picked = widen(pick_class(scores, classes))
    loss = map_tensors(lambda p, m, s: log(s) - (p - m), picked, highest.squeeze(1), total.squeeze(1))
    loss = _reduced(loss, labels, classes, weights, ignore_index, reduction)
    return cast_tensor(loss, scores.dtype), cast_tensor(log_prob, scores.dtype)


def _labels(scores: Tensor, labels: Tensor, ignore_index: int | None) -> Tensor:
    """The labels in int64, ignored ones as class 0. Raises ValueError where the shapes do not fit."""
    wanted = (scores.shape[0], *scores.shape[2:])
    if labels.ndim != len(wanted) or any(a != b for a, b in zip(labels.shape, wanted, strict=True)):
        raise ValueError(f"labels must be [N, ...] for scores [N, C, ...], got {labels} for {scores}")
    if ignore_index is None:
        return cast_tensor(labels, I64)
    return map_tensors(lambda t: cast(where(eq(t, ignore_index), 0, t), I64), labels)


def pick_class(scores: Tensor, labels: Tensor) -> Tensor:
    """The scores [N, C, ...] of the labels [N, ...]. Raises InvalidArgument for a label that is no class."""
    n, classes, inner = scores.shape[0], scores.shape[1], prod(scores.shape[2:])
    (picked,) = launch_move(
        pick_columns,
        scores.reshape([n, classes, inner]),
        labels.reshape([n, inner]),
        outputs=[(scores.dtype, [n, inner])],
        extent=n * inner,
        error=label_error,
    )
    return picked.reshape(labels.shape)


def pick_columns(Y, X, labels, begin, end):
    """Y[i, j] is X[i, labels[i, j], j]; a unit is an element of Y."""
    classes, inner = X.shape[1], X.shape[2]
    i, j = begin // inner, begin % inner
    for _ in range(begin, end):
        label = labels[i, j]
        if label < 0 or label >= classes:
            return index_status(label, classes)
        Y[i, j] = X[i, label, j]
        j += 1
        if j == inner:
            i, j = i + 1, 0
    return 0


def label_error(status: int) -> Exception:
    """What is raised for a label that is no class."""
    classes, label = divmod(status - 1, 2**32)
    return InvalidArgument(f"label {label - 2**31} is not in [0, {classes})")


def _reduced(
    loss: Tensor,
    target: Tensor,
    labels: Tensor,
    weight: Tensor | None,
    ignore_index: int | None,
    reduction: str,
) -> Tensor:
    """The loss, weighted by class, 0 where ignored, and reduced. Raises ValueError for another reduction."""
    if reduction not in ("none", "sum", "mean"):
        raise ValueError(f"reduction is none, sum or mean, got {reduction!r}")
    weights = None if weight is None else widen(gather(weight, labels))
    if weights is not None:
        loss = map_tensors(lambda x, w: x * w, loss, weights)
    if ignore_index is not None:
        ones = map_tensors(lambda t: cast(eq(t, t), loss.dtype), target) if weights is None else weights
        loss, weights = (
            map_tensors(lambda t, x: where(eq(t, ignore_index), 0, x), target, x) for x in (loss, ones)
        )
    if reduction == "none":
        return loss
    if reduction == "mean" and weights is None:
        return mean(_flat(loss), [0]).reshape(())
    total = reduce_tensor(_flat(loss), "sum", [0]).reshape(())
    if reduction == "sum":
        return total
    assert weights is not None
    weight_sum = reduce_tensor(_flat(weights), "sum", [0]).reshape(())
    return map_tensors(lambda x, w: x / w, total, weight_sum)


def _flat(x: Tensor) -> Tensor:
    return x.reshape([x.size])
