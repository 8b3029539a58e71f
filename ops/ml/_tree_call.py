"""Calls of packed tree ensembles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from jitrt.calls import NumbaCall
from jitrt.dims import Size
from jitrt.expr import Expr, isnan, where
from jitrt.tensor import Tensor, constant, map_tensors, outputs_of

from ._ensemble import Ensemble
from ._keys import key
from ._tree_kernels import BLOCK, MAX, MIN, SUM, WALKS, evaluate_trees

ABSENT = {SUM: 0.0, MIN: np.inf, MAX: -np.inf}
FLOPS = 45  # what a step down a tree takes as long as
_ensembles: WeakValueDictionary[Any, Ensemble] = WeakValueDictionary()


class TreeCall(NumbaCall):
    """The scores of an ensemble, which lives as long as the call."""

    def __init__(self, ensemble: Ensemble, X: Tensor, kind: int) -> None:
        inputs = [X, constant(ensemble.nodes), constant(ensemble.trees), constant(ensemble.weights)]
        rows = X.shape[0]
        scalars: list[Size | float] = [ABSENT[kind], kind, rows]
        blocks = (rows + (BLOCK - 1)) // BLOCK
        flops = rows * (ensemble.cost * FLOPS)
        super().__init__(
            evaluate_trees, inputs, scalars, blocks, error=None, flops=flops, scratch=8 * WALKS
        )
        self.ensemble = ensemble
        outputs_of(self, [(ensemble.weights.dtype, [rows, ensemble.targets])])


def ensemble_of(sources: Sequence[Any], dtype: np.dtype[Any], make: Callable[[], Ensemble]) -> Ensemble:
    """`make()`, once for the same attribute values and type as long as the ensemble is in use."""
    identity = (*map(id, sources), dtype)
    found = _ensembles.get(identity)
    if found is None:
        found = make()
        found.sources = tuple(sources)  # no other object may get their identity
        _ensembles[identity] = found
    return found


def scores_of(X: Tensor, ensemble: Ensemble, kind: int) -> Tensor:
    """The aggregated weights [n, targets] for rows X [n, features] of floats."""
    if X.shape[1] < ensemble.features:
        raise ValueError(
            f"One path in the graph requests feature {ensemble.features - 1} but input tensor has "
            f"{X.shape[1]} features."
        )
    if not ensemble.tracked:
        return TreeCall(ensemble, map_tensors(key, X), kind).outputs[0]

    def both(x: Expr, tracks_true: Expr) -> Expr:
        k = key(x)
        return where(isnan(x) & tracks_true, int(np.iinfo(k.dtype).min), k)

    n, features = X.shape
    pairs = map_tensors(both, X.reshape([n, features, 1]), constant(np.array([False, True])))
    return TreeCall(ensemble, pairs.reshape([n, features * 2]), kind).outputs[0]
