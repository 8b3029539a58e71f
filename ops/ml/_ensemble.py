"""Tree ensembles packed for evaluation.

Every test of a node becomes `x <= threshold` on integers: floats are replaced by keys, integers of their
width in the same order. The other comparisons exchange the branches or take the next lower key, equality and
set membership become a few nodes each, and a NaN is the highest key, or the lowest where it tracks true.
A packed node is a row of four integers,

    feature, key of the threshold, position of the true branch (the false one follows it), row of weights

so that a step down the tree is `i = nodes[i, 2] + (x[nodes[i, 0]] > nodes[i, 1])`, which stays at a leaf.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ._keys import keys_of

Array = np.ndarray[Any, Any]
MODES = (
    *("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ", "BRANCH_MEMBER"),
    "LEAF",
)
LEQ, LT, GTE, GT, EQ, NEQ, MEMBER, LEAF = range(len(MODES))
FEATURE, KEY, CHILD, WEIGHTS = range(4)
ROOT, DEPTH, TARGET = range(3)


@dataclass
class Nodes:
    """Nodes as the model has them, in arrays of one length.

    `mode` is a position in MODES; `tree` counts from 0; `true` and `false` are positions in these arrays;
    `tracks` tells where a NaN takes the true branch.
    """

    tree: Array
    mode: Array
    feature: Array
    value: Array
    true: Array
    false: Array
    tracks: Array
    roots: Array  # the position of each tree's root
    members: Mapping[int, Array] = field(default_factory=dict)  # sets, by the position of their node


@dataclass
class Leaves:
    """What leaves add: entry i adds `weight[i]` to the score `target[i]` at the leaf at `node[i]`."""

    node: Array
    target: Array
    weight: Array


@dataclass(eq=False)
class Ensemble:
    """A packed ensemble of `targets` scores.

    `nodes` [n, 4] is as above; a row of `trees` [trees, 3] has the root's position, the depth, and the target
    that the first column of `weights` [leaves, width] is for. `features` is the number of features that are
    read; with `tracked`, each is a pair of keys, for both ways of a NaN. `always` and `never` [targets] tell
    whether every input has a score of that target, or none. `cost` is steps down trees for an input.
    """

    nodes: Array
    trees: Array
    weights: Array
    targets: int
    features: int
    tracked: bool
    always: Array
    never: Array
    cost: int
    order: Array
    sources: tuple[Any, ...] = ()


def pack(nodes: Nodes, leaves: Leaves, targets: int, dtype: np.dtype[Any], absent: float) -> Ensemble:
    """Pack for inputs and scores of float type `dtype`; a leaf without a weight for a target has `absent`.

    Raises ValueError for nodes in a cycle, and for a target that is not there.
    """
    wrong = leaves.target[(leaves.target < 0) | (leaves.target >= targets)]
    if len(wrong) or targets < 1:
        raise ValueError(f"a weight is for target {wrong[:1]}, but there are {targets} targets or classes")
    nodes = _with_comparisons(nodes, dtype)
    inner = nodes.mode != LEAF
    level, depth = _levels(nodes, inner)
    pairs = np.flatnonzero(inner & (level >= 0))
    pairs = pairs[np.lexsort((level[pairs], nodes.tree[pairs]))]
    tracked = bool(nodes.tracks[pairs].any())
    rows, first, weights = _weight_rows(nodes, leaves, ~inner, targets, absent)
    # A tree is its root and then a pair of branches for each inner node, so a branch may be in many places.
    before = np.concatenate([[0], np.cumsum(np.bincount(nodes.tree[pairs], minlength=len(depth)))])
    child = np.zeros(len(inner), np.int64)
    child[pairs] = np.arange(len(pairs)) * 2 + nodes.tree[pairs] + 1
    roots = before[:-1] * 2 + np.arange(len(depth))
    places = np.concatenate([roots, child[pairs], child[pairs] + 1])
    node = np.concatenate([nodes.roots, nodes.true[pairs], nodes.false[pairs]])
    goes_on = inner[node]
    packed: Array = np.zeros((len(places), 4), nodes.value.dtype)
    highest = np.iinfo(nodes.value.dtype).max
    feature = nodes.feature * 2 + nodes.tracks if tracked else nodes.feature
    packed[places, FEATURE] = np.where(goes_on, feature[node], 0)
    packed[places, KEY] = np.where(goes_on, nodes.value[node], highest)
    packed[places, CHILD] = np.where(goes_on, child[node], places)
    packed[places, WEIGHTS] = np.where(goes_on, 0, rows[node])
    always, never = _scored(nodes, leaves, ~inner, targets)
    return Ensemble(
        packed,
        np.stack([roots, depth, first], 1),
        weights.astype(dtype),
        targets,
        int(nodes.feature[pairs].max(initial=-1)) + 1,
        tracked,
        always,
        never,
        int(depth.sum()),
        np.argsort(depth, kind="stable"),
    )


def _with_comparisons(nodes: Nodes, dtype: np.dtype[Any]) -> Nodes:
    """The same trees with keys for values and `<=` in place of every other comparison."""
    mode = nodes.mode
    keys, exact = keys_of(nodes.value, dtype)
    keys = np.where(((mode == LT) | (mode == GTE)) & exact, keys - 1, keys)
    above = (mode == GTE) | (mode == GT)
    swapped = above | (mode == NEQ)
    made = Nodes(
        nodes.tree,
        np.where(mode == LEAF, LEAF, LEQ),
        nodes.feature,
        keys,
        np.where(swapped, nodes.false, nodes.true),
        np.where(swapped, nodes.true, nodes.false),
        # A NaN fails every comparison but `!=`. It meets the `<=` that stands for the opposite of `>`.
        (nodes.tracks ^ above) & (mode != NEQ) & (mode != LEAF),
        nodes.roots,
    )
    equal = np.flatnonzero((mode == EQ) | (mode == NEQ))
    sets = {int(i): keys[i : i + 1][exact[i : i + 1]] for i in equal}
    for i, values in nodes.members.items():
        found, is_exact = keys_of(values, dtype)
        sets[i] = np.unique(found[is_exact])
    return _with_sets(made, sets) if sets else made


def _with_sets(nodes: Nodes, sets: Mapping[int, Array]) -> Nodes:
    """The nodes with a binary search for each test of membership in a set of keys, which are sorted.

    For the keys a and b, `x in {a, b}` becomes

        x <= a:  x <= a - 1:  no
                 else:        yes
        else:    x <= b:      x <= b - 1:  no
                              else:        yes
                 else:        no
    """
    end, lowest = len(nodes.mode), int(np.iinfo(nodes.value.dtype).min)
    added: list[tuple[int, int, int, bool, int]] = []  # key, true, false, tracks, the node it belongs to

    def add(test: tuple[int, int, int], tracks: bool, owner: int) -> int:
        added.append((*test, tracks, owner))
        return end + len(added) - 1

    def search(keys: list[int], yes: int, no: int, owner: int) -> tuple[int, int, int]:
        """Key, true and false branch of the test that leads to `yes` for a key of the list."""
        if not keys:
            return lowest, yes, no
        if len(keys) == 1:
            return keys[0], add((keys[0] - 1, no, yes), False, owner), no
        half = len(keys) // 2
        parts = (search(part, yes, no, owner) for part in (keys[:half], keys[half:]))
        low, high = (add(part, bool(nodes.tracks[owner]), owner) for part in parts)
        return keys[half - 1], low, high

    value, true, false = nodes.value.copy(), nodes.true.copy(), nodes.false.copy()
    for i, keys in sets.items():
        value[i], true[i], false[i] = search(keys.tolist(), int(true[i]), int(false[i]), i)
    more_values, more_true, more_false, more_tracks, owners = zip(*added, strict=True) if added else [()] * 5
    owner = np.array(owners, np.int64)
    return replace(
        nodes,
        tree=np.concatenate([nodes.tree, nodes.tree[owner]]),
        mode=np.concatenate([nodes.mode, nodes.mode[owner]]),
        feature=np.concatenate([nodes.feature, nodes.feature[owner]]),
        value=np.concatenate([value, np.array(more_values, value.dtype)]),
        true=np.concatenate([true, np.array(more_true, true.dtype)]),
        false=np.concatenate([false, np.array(more_false, false.dtype)]),
        tracks=np.concatenate([nodes.tracks, np.array(more_tracks, bool)]),
    )


def _levels(nodes: Nodes, inner: Array) -> tuple[Array, Array]:
    """How far each node is from its root at most, -1 where it is not in the tree; the depth of each tree."""
    level = np.full(len(inner), -1, np.int64)
    frontier, steps = nodes.roots, 0
    while len(frontier):
        if steps > len(inner):
            raise ValueError("the nodes of a tree form a cycle")
        level[frontier] = steps
        pairs = frontier[inner[frontier]]
        frontier, steps = np.unique(np.concatenate([nodes.true[pairs], nodes.false[pairs]])), steps + 1
    depth = np.zeros(len(nodes.roots), np.int64)
    np.maximum.at(depth, nodes.tree, level)
    return level, depth


def _weight_rows(
    nodes: Nodes, leaves: Leaves, is_leaf: Array, targets: int, absent: float
) -> tuple[Array, Array, Array]:
    """For each node the row of its weights, for each tree the target of the first column, and the weights.

    A tree's columns are the targets from its lowest to its highest: one where it is a tree for one target.
    """
    rows = np.cumsum(is_leaf) - 1
    node, target, weight = (a[is_leaf[leaves.node]] for a in (leaves.node, leaves.target, leaves.weight))
    tree = nodes.tree[node]
    low, high = np.full(len(nodes.roots), targets), np.full(len(nodes.roots), -1)
    np.minimum.at(low, tree, target)
    np.maximum.at(high, tree, target)
    width = max(1, int((high - low).max(initial=0)) + 1)
    first = np.minimum(low, targets - width)
    weights = np.full((int(is_leaf.sum()), width), absent, leaves.weight.dtype)
    combine = {0.0: np.add, np.inf: np.minimum, -np.inf: np.maximum}[absent]
    combine.at(weights, (rows[node], target - first[tree]), weight)
    return rows, first, weights


def _scored(nodes: Nodes, leaves: Leaves, is_leaf: Array, targets: int) -> tuple[Array, Array]:
    """Whether some tree has a weight for each target at every leaf; whether no leaf has any."""
    trees = len(nodes.roots)
    entries = np.unique(np.stack([leaves.node, leaves.target])[:, is_leaf[leaves.node]], axis=1)
    counts = np.bincount(nodes.tree[entries[0]] * targets + entries[1], minlength=trees * targets)
    leaf_counts = np.bincount(nodes.tree[is_leaf], minlength=trees)
    table = counts.reshape(trees, targets)
    return np.any(table == leaf_counts[:, None], axis=0), np.all(table == 0, axis=0)
