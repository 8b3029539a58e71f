"""Evaluation of packed tree ensembles (see `_ensemble.py`) on rows of keys.

Eight walks down trees go on side by side, because each step waits for the memory of the step before: eight
rows in one tree, or one row in eight trees. Every walk takes as many steps as its tree is deep; one that is
at a leaf stays there. A row's scores are summed in the order of the trees, whatever the number of threads.
"""

from __future__ import annotations

import numpy as np

BLOCK = 16  # rows that no two threads share
ROWS = 64  # rows that go through a tree together, to find its nodes in the cache
WALKS = 8
SUM, MIN, MAX = range(3)


def evaluate_trees(Y, X, nodes, trees, weights, absent, kind, rows, begin, end, scratch):
    """Y [n, targets] from the keys X [n, features]; a unit is a block of rows."""
    at = scratch[: 8 * WALKS].view(np.int64)
    last = min(end * BLOCK, rows)
    for first in range(begin * BLOCK, last, ROWS):
        stop = min(first + ROWS, last)
        whole = stop - (stop - first) % WALKS
        for r in range(first, stop):
            for k in range(Y.shape[1]):
                Y[r, k] = absent
        for t in range(trees.shape[0]):
            for r in range(first, whole, WALKS):
                walk_rows(at, X, r, nodes, trees[t, 0], trees[t, 1])
                for k in range(WALKS):
                    combine(Y, r + k, trees[t, 2], weights, nodes[at[k], 3], kind)
        for r in range(whole, stop):
            evaluate_row(Y, X, r, nodes, trees, weights, kind, at)


def evaluate_row(Y, X, r, nodes, trees, weights, kind, at):
    """Add what all trees say about a row."""
    for t in range(0, trees.shape[0], WALKS):
        count = min(WALKS, trees.shape[0] - t)
        depth = 0
        for k in range(WALKS):
            tree = t + min(k, count - 1)
            at[k] = trees[tree, 0]
            depth = max(depth, trees[tree, 1])
        walk_trees(at, X, r, nodes, depth)
        for k in range(count):
            combine(Y, r, trees[t + k, 2], weights, nodes[at[k], 3], kind)


def reach_leaves(leaf, X, nodes, trees, order, begin, end, scratch):
    """leaf[i] is the row of weights that a single row of X reaches in tree order[i].

    `order` brings trees of like depth together. A unit is as many trees as walk side by side, whose leaves
    are one line of the cache, so that threads do not wait for each other's writes.
    """
    at = scratch[: 8 * WALKS].view(np.int64)
    for first in range(begin * WALKS, min(end * WALKS, trees.shape[0]), WALKS):
        count = min(WALKS, trees.shape[0] - first)
        depth = 0
        for k in range(WALKS):
            tree = order[first + min(k, count - 1)]
            at[k] = trees[tree, 0]
            depth = max(depth, trees[tree, 1])
        walk_trees(at, X, 0, nodes, depth)
        for k in range(count):
            leaf[first + k] = nodes[at[k], 3]


def add_leaves(Y, leaf, rank, trees, weights, absent, kind, begin, end):
    """Y [1, targets] from the leaves that the row reaches; that of tree t is leaf[rank[t]].

    Trees in a row for one target are summed in a register: their sums wait for each other.
    """
    count, width = trees.shape[0], weights.shape[1]
    for k in range(Y.shape[1]):
        Y[0, k] = absent
    t = 0
    while t < count:
        target, last = trees[t, 2], t
        while last < count and trees[last, 2] == target:
            last += 1
        for j in range(width):
            score = Y[0, target + j]
            for i in range(t, last):
                score = combined(score, weights[leaf[rank[i]], j], kind)
            Y[0, target + j] = score
        t = last


def walk_rows(at, X, r, nodes, root, depth):
    """The leaves at which the rows from `r` on end in one tree."""
    for k in range(WALKS):
        at[k] = root
    for _ in range(depth):
        for k in range(WALKS):
            i = at[k]
            at[k] = nodes[i, 2] + (X[r + k, nodes[i, 0]] > nodes[i, 1])


def walk_trees(at, X, r, nodes, depth):
    """The leaves at which one row ends in several trees, from their roots on."""
    for _ in range(depth):
        for k in range(WALKS):
            i = at[k]
            at[k] = nodes[i, 2] + (X[r, nodes[i, 0]] > nodes[i, 1])


def combine(Y, r, target, weights, leaf, kind):
    """Let a leaf's weights join the scores of a row."""
    for j in range(weights.shape[1]):
        Y[r, target + j] = combined(Y[r, target + j], weights[leaf, j], kind)


def combined(score, weight, kind):
    """The sum of both, or the lower or higher one."""
    if kind == SUM:
        return score + weight
    return weight if (weight < score) == (kind == MIN) else score
