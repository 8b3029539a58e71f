"""What the attributes of tree ensembles mean: nodes and leaves in arrays, for `_ensemble.pack`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ._ensemble import LEAF, MEMBER, MODES, Leaves, Nodes

Array = np.ndarray[Any, Any]
Numbers = Sequence[float] | Array


class NodeFinder:
    """Finds nodes by the id of their tree, which counts from 0, and their own."""

    def __init__(self, tree: Array, node: Array) -> None:
        self.stride = int(node.max(initial=0)) + 1
        keys = tree * self.stride + node
        self.order = np.argsort(keys, kind="stable")
        self.keys = keys[self.order]
        twice = self.keys[1:][self.keys[1:] == self.keys[:-1]]
        if len(twice):
            node_id, tree_id = int(twice[0] % self.stride), int(twice[0] // self.stride)
            raise ValueError(f"Node {node_id} in tree {tree_id} is already there.")

    def find(self, tree: Array, node: Array, what: str) -> Array:
        """The positions of nodes. Raises ValueError for one that is not there."""
        keys = tree * self.stride + node
        places = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        wrong = np.flatnonzero((self.keys[places] != keys) | (node < 0) | (node >= self.stride))
        if len(wrong):
            raise ValueError(f"Unable to find node {tree[wrong[0]]}-{node[wrong[0]]} ({what}).")
        return self.order[places]


def read_nodes(
    *,
    treeids: Numbers,
    nodeids: Numbers,
    modes: Sequence[str],
    featureids: Numbers,
    values: Numbers,
    truenodeids: Numbers,
    falsenodeids: Numbers,
    tracks: Numbers | None,
    weight_treeids: Numbers,
    weight_nodeids: Numbers,
    weight_ids: Numbers,
    weights: Numbers,
) -> tuple[Nodes, Leaves]:
    """The ensemble of a TreeEnsembleClassifier or TreeEnsembleRegressor.

    Raises ValueError for lists of different lengths, a node that is there twice, or one that is missing.
    """
    lists = {
        "nodes_nodeids": nodeids,
        "nodes_modes": modes,
        "nodes_featureids": featureids,
        "nodes_values": values,
        "nodes_truenodeids": truenodeids,
        "nodes_falsenodeids": falsenodeids,
    }
    for name, given in lists.items():
        if len(given) != len(treeids):
            raise ValueError(
                f"expected {len(treeids)} elements in {name}, as in nodes_treeids, got {len(given)}"
            )
    ids, first, tree = np.unique(np.asarray(treeids, np.int64), return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))  # trees are numbered as they come up
    tree = rank[tree]
    node = np.asarray(nodeids, np.int64)
    mode = _modes(modes)
    inner = np.flatnonzero(mode != LEAF)
    finder = NodeFinder(tree, node)
    true, false = np.zeros_like(tree), np.zeros_like(tree)
    true[inner] = finder.find(tree[inner], np.asarray(truenodeids, np.int64)[inner], "truenode")
    false[inner] = finder.find(tree[inner], np.asarray(falsenodeids, np.int64)[inner], "falsenode")
    nan_is_true = np.zeros(len(tree), bool)
    if tracks is not None:
        nan_is_true[: len(tracks)] = np.asarray(tracks) == 1
    nodes = Nodes(
        tree,
        mode,
        np.asarray(featureids, np.int64),
        np.asarray(values),
        true,
        false,
        nan_is_true,
        np.sort(first),
    )
    leaf_tree = np.asarray(weight_treeids, np.int64)
    known = np.minimum(np.searchsorted(ids, leaf_tree), len(ids) - 1)
    place = finder.find(
        np.where(ids[known] == leaf_tree, rank[known], -1), np.asarray(weight_nodeids, np.int64), "weights"
    )
    return nodes, Leaves(place, np.asarray(weight_ids, np.int64), np.asarray(weights))


def _modes(names: Sequence[str]) -> Array:
    numbers = {name: number for number, name in enumerate(MODES)}
    try:
        return np.array([numbers[name] for name in names], np.int64)
    except KeyError as error:
        raise ValueError(f"unknown mode {error}; expected one of {', '.join(MODES)}") from None


def read_nodes_5(
    *,
    tree_roots: Numbers,
    modes: Array,
    featureids: Numbers,
    splits: Array,
    truenodeids: Numbers,
    falsenodeids: Numbers,
    trueleafs: Numbers,
    falseleafs: Numbers,
    tracks: Numbers | None,
    members: Array | None,
    leaf_targetids: Numbers,
    leaf_weights: Array,
) -> tuple[Nodes, Leaves]:
    """The ensemble of a TreeEnsemble, whose trees may share nodes: each gets its own."""
    inner, leaves = len(modes), len(leaf_weights)
    total = inner + leaves
    true = np.asarray(truenodeids, np.int64) + np.where(np.asarray(trueleafs) != 0, inner, 0)
    false = np.asarray(falsenodeids, np.int64) + np.where(np.asarray(falseleafs) != 0, inner, 0)
    for name, branch in (("nodes_truenodeids", true), ("nodes_falsenodeids", false)):
        if len(branch) != inner or (branch < 0).any() or (branch >= total).any():
            raise ValueError(f"{name} does not have a node or leaf for each of {inner} nodes")
    roots = np.asarray(tree_roots, np.int64) + np.arange(len(tree_roots)) * total
    reached, frontier = roots, roots  # a node of a tree is number tree * total + node
    while len(frontier):
        tree, node = np.divmod(frontier, total)
        goes_on = node < inner
        base, node = tree[goes_on] * total, node[goes_on]
        frontier = np.setdiff1d(np.concatenate([base + true[node], base + false[node]]), reached)
        reached = np.concatenate([reached, frontier])
    reached = np.sort(reached)
    tree, node = np.divmod(reached, total)
    goes_on = node < inner
    source = np.where(goes_on, node, 0)
    base = tree * total
    value_of = np.flatnonzero(~goes_on)
    sets = _member_sets(modes, members)
    return (
        Nodes(
            tree,
            np.where(goes_on, np.asarray(modes, np.int64)[source], LEAF),
            np.asarray(featureids, np.int64)[source],
            np.asarray(splits)[source],
            np.where(goes_on, np.searchsorted(reached, base + true[source]), 0),
            np.where(goes_on, np.searchsorted(reached, base + false[source]), 0),
            np.zeros(len(node), bool) if tracks is None else np.asarray(tracks)[source] == 1,
            np.searchsorted(reached, roots),
            {int(i): sets[int(node[i])] for i in np.flatnonzero(goes_on) if int(node[i]) in sets},
        ),
        Leaves(
            value_of,
            np.asarray(leaf_targetids, np.int64)[node[value_of] - inner],
            np.asarray(leaf_weights)[node[value_of] - inner],
        ),
    )


def _member_sets(modes: Array, members: Array | None) -> dict[int, Array]:
    """The set of each membership node: the values up to a NaN, in the order of the nodes."""
    places = np.flatnonzero(np.asarray(modes) == MEMBER)
    if not len(places):
        return {}
    if members is None:
        raise ValueError("membership_values are missing")
    ends = np.flatnonzero(np.isnan(members))
    parts = np.split(members, ends)
    if len(parts) < len(places):
        raise ValueError(f"expected membership_values of {len(places)} nodes, got {len(parts)}")
    return {int(i): part[~np.isnan(part)] for i, part in zip(places, parts, strict=False)}
