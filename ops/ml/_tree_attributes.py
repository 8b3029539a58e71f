"""What the attributes of tree ensembles mean: nodes and leaves in arrays, for `_ensemble.pack`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    treeids: Numbers | None,
    nodeids: Numbers | None,
    modes: Sequence[str] | None,
    featureids: Numbers | None,
    values: Numbers | None,
    values_as_tensor: Array | None,
    truenodeids: Numbers | None,
    falsenodeids: Numbers | None,
    tracks: Numbers | None,
    weight_treeids: Numbers | None,
    weight_nodeids: Numbers | None,
    weight_ids: Numbers | None,
    weights: Numbers | None,
    weights_as_tensor: Array | None,
) -> tuple[Nodes, Leaves]:
    """The ensemble of a TreeEnsembleClassifier or TreeEnsembleRegressor.

    Raises ValueError for lists of different lengths, a node that is there twice, or one that is missing.
    """
    given_tree = _integers(treeids)
    columns = {
        "nodes_nodeids": _integers(nodeids),
        "nodes_modes": _modes(modes or ()),
        "nodes_featureids": _integers(featureids),
        "nodes_values": either(values, values_as_tensor),
        "nodes_truenodeids": _integers(truenodeids),
        "nodes_falsenodeids": _integers(falsenodeids),
    }
    _check_lengths(columns, "nodes_treeids", len(given_tree))
    node, mode, feature, value, true, false = columns.values()
    ids, first, tree = np.unique(given_tree, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))  # trees are numbered as they come up
    tree = rank[tree]
    inner = mode != LEAF
    finder = NodeFinder(tree, node)
    true[inner] = finder.find(tree[inner], true[inner], "truenode")
    false[inner] = finder.find(tree[inner], false[inner], "falsenode")
    true[~inner] = false[~inner] = 0
    nan_is_true = np.zeros(len(tree), bool)
    if tracks is not None:
        nan_is_true[: len(tracks)] = np.asarray(tracks) == 1
    nodes = Nodes(tree, mode, feature, value, true, false, nan_is_true, np.sort(first))
    leaf_tree, leaf_node, target = map(_integers, (weight_treeids, weight_nodeids, weight_ids))
    weight = either(weights, weights_as_tensor)
    _check_lengths(
        {"nodeids": leaf_node, "ids": target, "weights": weight}, "treeids of weights", len(leaf_tree)
    )
    known = np.minimum(np.searchsorted(ids, leaf_tree), len(ids) - 1)
    place = finder.find(np.where(ids[known] == leaf_tree, rank[known], -1), leaf_node, "weights")
    return nodes, Leaves(place, target, weight)


def either(values: Numbers | None, as_tensor: Array | None) -> Array:
    """An attribute that is a list of float32 numbers or a tensor, perhaps of float64; empty if not given."""
    if as_tensor is not None and as_tensor.size:
        return as_tensor.ravel()
    return np.asarray(() if values is None else values, np.float32)


def _integers(values: Numbers | None) -> Array:
    """A copy of an attribute."""
    return np.array(() if values is None else values, np.int64)


def _check_lengths(columns: Mapping[str, Array], name: str, length: int) -> None:
    for column, values in columns.items():
        if len(values) != length:
            raise ValueError(f"expected {length} elements in {column}, as in {name}, got {len(values)}")


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
    splits, leaf_weights = _widened(splits), _widened(leaf_weights)
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
    sets = _member_sets(modes, None if members is None else _widened(members))
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


def _widened(values: Array) -> Array:
    """float16 numbers as float32."""
    return values.astype(np.float32) if values.dtype == np.float16 else values


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
