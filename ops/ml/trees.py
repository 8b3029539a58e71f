"""Tree ensembles for regression, and the newer operator for every kind of scores."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import numpy as np

from jitrt.calls import cast_tensor
from jitrt.expr import Expr, eq, where
from jitrt.opdef import operator
from jitrt.tensor import Tensor, constant, map_tensors
from jitrt.types import F32, F64

from ._ensemble import Ensemble
from ._scores import ML, in_rows, transform
from ._tree_attributes import Numbers, either, read_nodes, read_nodes_5
from ._tree_call import ABSENT, ensemble_of, scores_of
from ._tree_kernels import MAX, MIN, SUM

Array = np.ndarray[Any, Any]
AGGREGATES = {"AVERAGE": SUM, "SUM": SUM, "MIN": MIN, "MAX": MAX}
AGGREGATES_5 = ("AVERAGE", "SUM", "MIN", "MAX")
# Numbers as in the specification; onnxruntime takes 1 for LOGISTIC and 2 for SOFTMAX.
TRANSFORMS_5 = ("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT")


def before_tensors(definition: Callable[..., Any]) -> Callable[..., Any]:
    """The definition of version 1, where no number is given as a tensor."""

    @wraps(definition)
    def older(X: Tensor, **attributes: Any) -> Any:
        return definition(X, **attributes)

    signature = inspect.signature(definition)
    kept = [p for name, p in signature.parameters.items() if not name.endswith("_as_tensor")]
    older.__dict__["__signature__"] = signature.replace(parameters=kept)
    return older


def _tree_ensemble_regressor(
    X: Tensor,
    *,
    aggregate_function: str = "SUM",
    base_values: Numbers | None = None,
    base_values_as_tensor: Array | None = None,
    n_targets: int | None = None,
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
    target_ids: Numbers | None = None,
    target_nodeids: Numbers | None = None,
    target_treeids: Numbers | None = None,
    target_weights: Numbers | None = None,
    target_weights_as_tensor: Array | None = None,
) -> Tensor:
    """Aggregated weights of leaves. https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsembleRegressor.html"""
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
        weight_treeids=target_treeids,
        weight_nodeids=target_nodeids,
        weight_ids=target_ids,
        weights=target_weights,
        weights_as_tensor=target_weights_as_tensor,
    )
    ensemble = ensemble_of(read, n_targets or 0, x.dtype, AGGREGATES[aggregate_function])
    scores = _aggregate(x, ensemble, aggregate_function, either(base_values, base_values_as_tensor))
    return transform(cast_tensor(scores, F32), post_transform)


operator("TreeEnsembleRegressor", since=1, domain=ML)(before_tensors(_tree_ensemble_regressor))
operator("TreeEnsembleRegressor", since=3, domain=ML)(_tree_ensemble_regressor)


@operator("TreeEnsemble", since=5, domain=ML)
def tree_ensemble(
    X: Tensor,
    *,
    aggregate_function: int = 1,
    leaf_targetids: Numbers,
    leaf_weights: Array,
    membership_values: Array | None = None,
    n_targets: int | None = None,
    nodes_falseleafs: Numbers,
    nodes_falsenodeids: Numbers,
    nodes_featureids: Numbers,
    nodes_hitrates: Array | None = None,
    nodes_missing_value_tracks_true: Numbers | None = None,
    nodes_modes: Array,
    nodes_splits: Array,
    nodes_trueleafs: Numbers,
    nodes_truenodeids: Numbers,
    post_transform: int = 0,
    tree_roots: Numbers,
) -> Tensor:
    """Aggregated weights of leaves. https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsemble.html"""
    x = in_rows(X, F64 if X.dtype == F64 else F32)
    read = partial(
        read_nodes_5,
        tree_roots=tree_roots,
        modes=nodes_modes,
        featureids=nodes_featureids,
        splits=nodes_splits,
        truenodeids=nodes_truenodeids,
        falsenodeids=nodes_falsenodeids,
        trueleafs=nodes_trueleafs,
        falseleafs=nodes_falseleafs,
        tracks=nodes_missing_value_tracks_true,
        members=membership_values,
        leaf_targetids=leaf_targetids,
        leaf_weights=leaf_weights,
    )
    aggregate = AGGREGATES_5[aggregate_function]
    ensemble = ensemble_of(read, n_targets or 0, x.dtype, AGGREGATES[aggregate])
    scores = _aggregate(x, ensemble, aggregate, np.zeros(0))
    return cast_tensor(transform(scores, TRANSFORMS_5[post_transform]), X.dtype)


def _aggregate(x: Tensor, ensemble: Ensemble, aggregate: str, base: Array) -> Tensor:
    """The scores [n, targets] of rows x, with the base values if there is one for each target."""
    kind = AGGREGATES[aggregate]
    scores = scores_of(x, ensemble, kind)
    shift = constant((base if len(base) == ensemble.targets else np.zeros(1)).astype(scores.dtype))
    trees = len(ensemble.trees)

    def finish(score: Expr, shift: Expr) -> Expr:
        if kind != SUM:  # no leaf has said anything
            score = where(eq(score, ABSENT[kind]), 0, score)
        return (score / trees if aggregate == "AVERAGE" else score) + shift

    return map_tensors(finish, scores, shift)
