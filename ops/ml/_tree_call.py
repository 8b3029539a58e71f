"""Calls of packed tree ensembles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from jitrt.calls import NumbaCall, launch
from jitrt.codegen.kernel import Step
from jitrt.dims import Size, hint
from jitrt.expr import Expr, isnan, where
from jitrt.layout import Array
from jitrt.tensor import Tensor, constant, map_tensors, outputs_of
from jitrt.types import I64

from ._ensemble import Ensemble, Leaves, Nodes, pack
from ._keys import key
from ._tree_kernels import BLOCK, MAX, MIN, SUM, WALKS, add_leaves, evaluate_trees, reach_leaves

ABSENT = {SUM: 0.0, MIN: np.inf, MAX: -np.inf}
FLOPS, FLOPS_ALONE = 45, 67  # what a step down a tree takes as long as, and for a single row
_ensembles: WeakValueDictionary[Any, Ensemble] = WeakValueDictionary()


class TreeCall(NumbaCall):
    """A kernel that walks down trees; their ensemble lives as long as the call."""

    def __init__(
        self,
        function: Callable[..., Any],
        ensemble: Ensemble,
        inputs: Sequence[Tensor],
        *scalars: Size | float,
    ) -> None:
        rows = inputs[0].shape[0]
        is_single = function is reach_leaves
        units = -(-len(ensemble.trees) // WALKS) if is_single else (rows + (BLOCK - 1)) // BLOCK
        flops = rows * (ensemble.cost * (FLOPS_ALONE if is_single else FLOPS))
        super().__init__(function, inputs, scalars, units, error=None, flops=flops, scratch=8 * WALKS)
        self.ensemble = ensemble

    def steps(self, inputs: Sequence[Array | None], outputs: Sequence[Array], epilogue: Any) -> list[Step]:
        """One step, which reads only some of the nodes."""
        (step,) = super().steps(inputs, outputs, epilogue)
        step.nbytes = 0
        return [step]


def _evaluate(keys: Tensor, ensemble: Ensemble, kind: int) -> Tensor:
    """The scores [n, targets] of rows of keys [n, features]."""
    rows, dtype = keys.shape[0], ensemble.weights.dtype
    nodes, trees, weights = map(constant, (ensemble.nodes, ensemble.trees, ensemble.weights))
    if rows != 1:
        inputs = [keys, nodes, trees, weights]
        call = TreeCall(evaluate_trees, ensemble, inputs, ABSENT[kind], kind, rows)
        return outputs_of(call, [(dtype, [rows, ensemble.targets])])[0]
    call = TreeCall(reach_leaves, ensemble, [keys, nodes, trees, constant(ensemble.order)])
    (leaf,) = outputs_of(call, [(I64, [len(ensemble.trees)])])
    outputs = [(dtype, [1, ensemble.targets])]
    rank = constant(np.argsort(ensemble.order))
    (scores,) = launch(
        add_leaves, leaf, rank, trees, weights, outputs=outputs, scalars=[ABSENT[kind], kind], extent=1
    )
    return scores


def ensemble_of(
    read: partial[tuple[Nodes, Leaves]], targets: int, dtype: np.dtype[Any], kind: int, counts: bool = False
) -> Ensemble:
    """The packed ensemble that `read` reads, for float type `dtype`; with `counts`, every weight is 1.

    It is packed once for the same attributes, as long as it is in use.
    """
    sources = tuple(read.keywords.values())
    identity = (*map(id, sources), targets, dtype, kind, counts)
    found = _ensembles.get(identity)
    if found is None:
        nodes, leaves = read()
        weights = np.ones(len(leaves.weight)) if counts else leaves.weight
        found = pack(nodes, replace(leaves, weight=weights), targets, dtype, ABSENT[kind])
        found.sources = sources  # no other object may get their identity
        _ensembles[identity] = found
    return found


def scores_of(X: Tensor, ensemble: Ensemble, kind: int) -> Tensor:
    """The aggregated weights [n, targets] for rows X [n, features] of floats."""
    if X.shape[1] < ensemble.features:
        raise ValueError(
            f"One path in the graph requests feature {ensemble.features - 1} but input tensor has "
            f"{hint(X.shape[1])} features."
        )
    if not ensemble.tracked:
        return _evaluate(map_tensors(key, X), ensemble, kind)

    def both(x: Expr, tracks_true: Expr) -> Expr:
        k = key(x)
        return where(isnan(x) & tracks_true, int(np.iinfo(k.dtype).min), k)

    n, features = X.shape
    pairs = map_tensors(both, X.reshape([n, features, 1]), constant(np.array([False, True])))
    return _evaluate(pairs.reshape([n, features * 2]), ensemble, kind)
