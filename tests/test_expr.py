"""Scalar expressions as data: nodes that are made alike, walks, and substitution."""

import numpy as np

from jitrt import expr as ex
from jitrt.types import F32, I32


def softplus(x):
    return ex.log1p(ex.exp(x)) + 0.5 * x


def test_nodes_made_alike_are_one_object():
    assert softplus(ex.load(0, F32)) is softplus(ex.load(0, F32))
    assert softplus(ex.load(0, F32)) is not softplus(ex.load(1, F32))
    assert ex.const(1, F32) is not ex.const(1, I32)


def test_constants_differ_by_their_bits():
    negative, nan = ex.const(-0.0, F32), ex.const(np.nan, F32)
    assert negative is not ex.const(0.0, F32)
    assert nan is ex.const(np.nan, F32)


def test_nodes_outlive_the_table_that_knows_them(monkeypatch):
    monkeypatch.setattr(ex, "MOST_KEPT", 3)
    before = softplus(ex.load(0, F32))
    after = softplus(ex.load(0, F32))
    assert ex.structure([before]) == ex.structure([after])


def test_a_walk_gives_arguments_before_their_users_once_each():
    root = softplus(ex.load(0, F32))
    nodes = list(ex.walk(root, ex.exp(ex.load(0, F32))))
    assert len(nodes) == len(set(nodes)) == 6
    for position, node in enumerate(nodes):
        assert set(node.args) <= set(nodes[:position])


def test_a_walk_leaves_out_what_is_known_and_what_only_that_uses():
    x = ex.load(0, F32)
    assert list(ex.walk(ex.exp(x) + ex.load(1, F32), known={ex.exp(x)})) == [
        *(ex.load(1, F32), ex.exp(x) + ex.load(1, F32))
    ]


def test_a_long_chain_is_walked_without_recursion():
    x = ex.load(0, F32)
    for _ in range(5000):
        x = ex.exp(x)
    assert len(x.nodes) == 5001


def test_substitution_keeps_what_does_not_change():
    x, y = ex.load(0, F32), ex.load(1, F32)
    root = softplus(x) * ex.exp(y)
    changed = ex.substitute(root, lambda node: ex.load(2, F32) if node is y else None)
    assert changed is softplus(x) * ex.exp(ex.load(2, F32))
    assert changed.args[0] is root.args[0]
    assert ex.loads(changed) == [0, 2]
