"""Tree ensembles for classification, with onnxruntime's rules for two classes."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from jitrt.calls import cast_tensor
from jitrt.expr import Expr, where
from jitrt.tensor import Tensor, constant, map_tensors
from jitrt.types import F32, F64, I64

from ..reduce import arg_max
from ._scores import both_classes, classifier, in_rows, integer_labels, transform
from ._tree_attributes import Numbers, either, read_nodes
from ._tree_call import ensemble_of, scores_of
from ._tree_kernels import SUM
from .trees import before_tensors

Array = np.ndarray[Any, Any]


def _tree_ensemble_classifier(
    X: Tensor,
    *,
    base_values: Numbers | None = None,
    base_values_as_tensor: Array | None = None,
    class_ids: Numbers | None = None,
    class_nodeids: Numbers | None = None,
    class_treeids: Numbers | None = None,
    class_weights: Numbers | None = None,
    class_weights_as_tensor: Array | None = None,
    classlabels_int64s: list[int] | None = None,
    classlabels_strings: list[str] | None = None,
    nodes_falsenodeids: Numbers | None = None,
    nodes_featureids: Numbers | None = None,
    nodes_hitrates: Numbers | None = None,
    nodes_hitrates_as_tensor: Array | None = None,
    nodes_missing_value_tracks_true: Numbers | None = None,
    nodes_modes: list[str] | None = None,
    nodes_nodeids: Numbers | None = None,
    nodes_treeids: Numbers | None = None,
    nodes_truenodeids: Numbers | None = None,
    nodes_values: Numbers | None = None,
    nodes_values_as_tensor: Array | None = None,
    post_transform: str = "NONE",
) -> tuple[Tensor, Tensor]:
    """The class of the highest score. https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsembleClassifier.html"""
    x = in_rows(X, F64 if X.dtype == F64 else F32)
    read = partial(
        read_nodes,
        treeids=nodes_treeids,
        nodeids=nodes_nodeids,
        modes=nodes_modes,
        featureids=nodes_featureids,
        values=nodes_values,
        values_as_tensor=nodes_values_as_tensor,
        truenodeids=nodes_truenodeids,
        falsenodeids=nodes_falsenodeids,
        tracks=nodes_missing_value_tracks_true,
        weight_treeids=class_treeids,
        weight_nodeids=class_nodeids,
        weight_ids=class_ids,
        weights=class_weights,
        weights_as_tensor=class_weights_as_tensor,
    )
    classes = len(classlabels_strings or classlabels_int64s or ())
    ensemble = ensemble_of(read, classes, x.dtype, SUM)
    scores = scores_of(x, ensemble, SUM)
    if (ensemble.always | ensemble.never).all():
        scored = constant(ensemble.always[None])
    else:
        counts = scores_of(x, ensemble_of(read, classes, x.dtype, SUM, counts=True), SUM)
        scored = map_tensors(lambda n: n > 0, counts)
    base = either(base_values, base_values_as_tensor).astype(scores.dtype)
    labels = None if classlabels_strings else classlabels_int64s
    if classes > 2:
        return _several(scores, scored, base, labels, post_transform)
    ids = np.unique(np.asarray(class_ids))
    positive = bool((either(class_weights, class_weights_as_tensor) >= 0).all())
    return _two(scores, scored, base, labels, post_transform, len(ids) == 1 and classes == 2, positive)


classifier("TreeEnsembleClassifier", since=1)(before_tensors(_tree_ensemble_classifier))
classifier("TreeEnsembleClassifier", since=3)(_tree_ensemble_classifier)


def _several(
    scores: Tensor, scored: Tensor, base: Array, labels: list[int] | None, post_transform: str
) -> tuple[Tensor, Tensor]:
    """Labels and scores of more than two classes: the highest score of those that have one."""
    if len(base):
        scores = ranked = map_tensors(lambda s, b: s + b, scores, constant(base))
    else:
        ranked = map_tensors(lambda s, has: where(has, s, -np.inf), scores, scored)
    index = arg_max(ranked, axis=1, keepdims=0)
    return integer_labels(index, labels), transform(cast_tensor(scores, F32), post_transform)


def _two(
    scores: Tensor,
    scored: Tensor,
    base: Array,
    labels: list[int] | None,
    post_transform: str,
    one_sided: bool,
    positive: bool,
) -> tuple[Tensor, Tensor]:
    """Labels and scores of one or two classes.

    A row without a score of the second class has one score s, from which both classes' scores follow: where
    the model is `one_sided`, that is has weights for one class only, as 1 - s and s if they are `positive`,
    else as -s and s.
    """
    n, classes = scores.shape
    first, has_first = (t.slice(1, 0, 1) for t in (scores, scored))
    shift = [*base, *[0.0] * (2 - len(base))]
    first = map_tensors(lambda s, has: where(has, s + shift[0], 0), first, has_first)
    has_second, second = constant(np.array([[False]])), first
    if classes == 2:
        second, has_second = (t.slice(1, 1, 1) for t in (scores, scored))
    if len(base) == 2:
        # The second class then has its base value and what the first class has, and that one the opposite.
        raw = scores.slice(1, 0, 1)
        second = map_tensors(lambda s: s + shift[1], raw)
        opposite = map_tensors(lambda s, has: where(has, -s, 0), second, has_first)
        first = map_tensors(lambda has, o, f: where(has, o, f), has_second, opposite, first)
    decisive = map_tensors(lambda has, s, f: where(has, s, f), has_second, second, first)
    limit = 0.5 if one_sided and positive else 0.0
    chosen = cast_tensor(map_tensors(lambda d: d > limit, decisive), I64).reshape([n])
    label = integer_labels(chosen, labels) if one_sided else chosen
    if classes == 1:
        return label, transform(cast_tensor(first, F32), post_transform)
    opposite_of = ("1-s" if positive else "-s") if one_sided else ("" if len(base) else "-s")
    alone = both_classes(cast_tensor(first, F32), post_transform, opposite_of)

    def pair(f: Expr, s: Expr, has: Expr, is_second: Expr) -> Expr:
        return where(is_second, where(has, s, 0), f)

    together = map_tensors(pair, first, second, has_second, constant(np.array([False, True])))
    together = transform(cast_tensor(together, F32), post_transform)
    if len(base) == 2:
        return label, together
    return label, map_tensors(lambda has, t, a: where(has, t, a), has_second, together, alone)
