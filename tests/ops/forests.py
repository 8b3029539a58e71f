"""Random tree ensembles, and what they say, by walks in Python."""

import operator

import numpy as np

COMPARE = {
    "BRANCH_LEQ": operator.le,
    "BRANCH_LT": operator.lt,
    "BRANCH_GTE": operator.ge,
    "BRANCH_GT": operator.gt,
    "BRANCH_EQ": operator.eq,
    "BRANCH_NEQ": operator.ne,
}
MODES = list(COMPARE)
TREES = 11
FEATURES = 4


class Ensemble:
    """Random trees; thresholds are small integers, which inputs often equal. A node is (feature, mode, value,
    tracks true, true, false), a leaf is a list of (target, weight)."""

    def __init__(self, seed, modes=MODES, targets=1, per_leaf=1, tracks=False, trees=TREES, depth=4):
        self.rng = np.random.default_rng(seed)
        self.modes, self.targets, self.per_leaf, self.tracks = modes, targets, per_leaf, tracks
        self.trees = [self._grow(depth, root=True) for _ in range(trees)]

    def _grow(self, depth, root=False):
        if depth == 0 or (not root and self.rng.random() < 0.2):
            targets = self.rng.permutation(self.targets)[: self.per_leaf].tolist()
            return [(k, float(np.float32(self.rng.normal()))) for k in targets]
        mode = str(self.rng.choice(self.modes))
        test = int(self.rng.integers(FEATURES)), mode, float(self.rng.integers(-2, 3))
        tracks = self.tracks and bool(self.rng.random() < 0.5)
        return (*test, tracks, self._grow(depth - 1), self._grow(depth - 1))

    def inputs(self, rows, dtype=np.float32):
        x = self.rng.integers(-3, 4, (rows, FEATURES)).astype(dtype)
        if x.dtype.kind == "f":
            x[self.rng.random(x.shape) < 0.2] = np.nan
            x[self.rng.random(x.shape) < 0.05] = -np.inf
        return x

    def attributes(self, prefix):
        """In the form of versions 1 and 3."""
        nodes = {
            f"nodes_{name}": []
            for name in (
                *("treeids", "nodeids", "featureids", "modes", "values"),
                *("truenodeids", "falsenodeids", "missing_value_tracks_true"),
            )
        }
        leaves = {f"{prefix}_{name}": [] for name in ("treeids", "nodeids", "ids", "weights")}
        for number, tree in enumerate(self.trees):
            rows = []
            self._number(tree, number * 3 + 1, rows, leaves, prefix)
            for row in rows:
                for name, value in zip(nodes, row, strict=True):
                    nodes[name].append(value)
        return {**nodes, **leaves}

    def _number(self, node, tree, rows, leaves, prefix):
        place = len(rows)
        rows.append(None)
        if isinstance(node, list):
            rows[place] = (tree, place, 0, "LEAF", 0.0, 0, 0, 0)
            for target, weight in node:
                for name, value in zip(leaves, (tree, place, target, weight), strict=True):
                    leaves[name].append(value)
            return place
        feature, mode, value, tracks, true, false = node
        branches = [self._number(branch, tree, rows, leaves, prefix) for branch in (true, false)]
        rows[place] = (tree, place, feature, mode, value, *branches, int(tracks))
        return place

    def leaves(self, row):
        """What each tree says about a row."""
        return [self._walk(tree, row) for tree in self.trees]

    def _walk(self, node, row):
        while not isinstance(node, list):
            feature, mode, value, tracks, true, false = node
            x = row[feature]
            node = true if COMPARE[mode](x, value) or (tracks and x != x) else false
        return node

    def scores(self, x, aggregate="SUM"):
        """The aggregated weights in float64; NaN for a target that no leaf has a weight for."""
        result = np.full((len(x), self.targets), np.nan)
        for scores, row in zip(result, x, strict=True):
            for target in range(self.targets):
                weights = [w for leaf in self.leaves(row) for k, w in leaf if k == target]
                if weights:
                    total = {"SUM": sum, "AVERAGE": sum, "MIN": min, "MAX": max}[aggregate](weights)
                    scores[target] = total / (len(self.trees) if aggregate == "AVERAGE" else 1)
        return result
