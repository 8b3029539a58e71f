"""Tree ensembles against walks in Python, and against onnxruntime."""

import contextlib

import numpy as np
import onnx
import pytest
from forests import COMPARE, FEATURES, MODES, TREES, Ensemble
from jitrt.ops.ml import _tree_call
from jitrt.ops.ml._ensemble import pack
from oracle import normal
from peer import by_onnxruntime

import jitrt
from jitrt import config
from jitrt.errors import Fail
from jitrt.errors import NotImplemented as NotImplementedHere

ML = "ai.onnx.ml"
TRANSFORMS = ["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT"]


def regress(x, version=3, **attributes):
    return jitrt.call("TreeEnsembleRegressor", x, domain=ML, version=version, **attributes)


@pytest.mark.parametrize("mode", [*MODES, "mixed"])
@pytest.mark.parametrize("tracks", [False, True])
def test_modes_and_missing_values(mode, tracks):
    ensemble = Ensemble(1, MODES if mode == "mixed" else [mode], tracks=tracks)
    attributes = ensemble.attributes("target")
    for rows in (1, 5, 40):
        x = ensemble.inputs(rows)
        np.testing.assert_allclose(
            regress(x, n_targets=1, **attributes), ensemble.scores(x), rtol=1e-5, atol=1e-6
        )


@pytest.mark.parametrize("aggregate", ["SUM", "AVERAGE", "MIN", "MAX"])
@pytest.mark.parametrize("per_leaf", [1, 3])
def test_aggregates_of_several_targets(aggregate, per_leaf):
    ensemble = Ensemble(2, targets=3, per_leaf=per_leaf, trees=2 if per_leaf == 1 else TREES)
    x, base = ensemble.inputs(33), [0.5, -1.0, 2.0]
    attributes = {**ensemble.attributes("target"), "n_targets": 3, "aggregate_function": aggregate}
    wanted = np.nan_to_num(ensemble.scores(x, aggregate))
    np.testing.assert_allclose(regress(x, **attributes), wanted, rtol=1e-5, atol=1e-6)
    with_base = regress(x, base_values=base, **attributes)
    np.testing.assert_allclose(with_base, wanted + base, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float64, np.int32, np.int64])
def test_types_of_inputs(dtype):
    ensemble = Ensemble(3, tracks=True)
    x = ensemble.inputs(20, dtype)
    got = regress(x, n_targets=1, **ensemble.attributes("target"))
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, ensemble.scores(x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("mode", MODES)
def test_thresholds_in_float64(mode):
    """Numbers that differ in float64 only; those for float32 inputs are compared exactly as well."""
    attributes = {
        "nodes_treeids": [0, 0, 0],
        "nodes_nodeids": [0, 1, 2],
        "nodes_featureids": [0, 0, 0],
        "nodes_modes": [mode, "LEAF", "LEAF"],
        "nodes_truenodeids": [1, 0, 0],
        "nodes_falsenodeids": [2, 0, 0],
        "nodes_values_as_tensor": np.array([0.1, 0, 0]),
        "target_treeids": [0, 0],
        "target_nodeids": [1, 2],
        "target_ids": [0, 0],
        "target_weights_as_tensor": np.array([1.0, 2.0]),
        "n_targets": 1,
    }
    near = np.float32(0.1)
    for x in (
        np.array([[0.1], [np.nextafter(0.1, 1)], [np.nextafter(0.1, 0)], [np.nan]]),
        np.array([[near], [np.nextafter(near, np.float32(0))], [-0.0]], np.float32),
    ):
        wanted = np.where([COMPARE[mode](float(v), 0.1) for v in x[:, 0]], 1, 2)
        np.testing.assert_array_equal(regress(x, **attributes)[:, 0], wanted)


def test_zeros_of_both_signs_are_equal():
    ensemble = Ensemble(4, ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_EQ"])
    attributes = ensemble.attributes("target")
    attributes["nodes_values"] = [-0.0] * len(attributes["nodes_values"])
    zeros = [regress(np.full((1, FEATURES), z, np.float32), n_targets=1, **attributes) for z in (0.0, -0.0)]
    np.testing.assert_array_equal(*zeros)


def test_same_bits_for_any_threads_and_batch():
    ensemble = Ensemble(5, targets=3, per_leaf=3, tracks=True, trees=70)
    attributes = {**ensemble.attributes("target"), "n_targets": 3}
    node = onnx.helper.make_node("TreeEnsembleRegressor", ["x"], ["y"], domain=ML, **attributes)
    x = ensemble.inputs(400)
    results = []
    for threads in (1, 2, 3):
        options = jitrt.SessionOptions()
        options.intra_op_num_threads = threads
        session = jitrt.InferenceSession(one_node(node), options)
        (whole,) = session.run(None, {"x": x})
        for rows in (0, 1, 2, 7, 8, 9, 33):
            np.testing.assert_array_equal(session.run(None, {"x": x[:rows]})[0], whole[:rows])
        results.append(whole)
    for other in results[1:]:
        np.testing.assert_array_equal(other, results[0])


def one_node(node):
    """A model of one node, for rows of features."""
    x, y = (onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, ["n", None]) for n in "xy")
    graph = onnx.helper.make_graph([node], "g", [x], [y])
    opsets = [onnx.helper.make_opsetid(ML, 3), onnx.helper.make_opsetid("", 18)]
    return onnx.helper.make_model(graph, ir_version=10, opset_imports=opsets).SerializeToString()


def test_an_ensemble_is_packed_once(monkeypatch):
    packed = []
    monkeypatch.setattr(config, "settings", config.settings._replace(keep_plans=False))
    monkeypatch.setattr(_tree_call, "pack", lambda *args: packed.append(1) or pack(*args))
    ensemble = Ensemble(6)
    node = onnx.helper.make_node(
        "TreeEnsembleRegressor", ["x"], ["y"], domain=ML, n_targets=1, **ensemble.attributes("target")
    )
    session = jitrt.InferenceSession(one_node(node))
    for rows in (5, 1, 40, 1):
        session.run(None, {"x": ensemble.inputs(rows)})
    assert len(packed) == 1


def test_a_vector_is_one_row():
    ensemble = Ensemble(7)
    x, attributes = ensemble.inputs(1), ensemble.attributes("target")
    np.testing.assert_array_equal(
        regress(x[0], n_targets=1, **attributes), regress(x, n_targets=1, **attributes)
    )


@pytest.mark.parametrize("seed", range(24))
def test_regressors_like_onnxruntime(seed):
    pytest.importorskip("onnxruntime")
    rng = np.random.default_rng([seed, 1])
    targets = int(rng.integers(1, 4))
    per_leaf = int(rng.integers(1, targets + 1))
    modes = MODES if seed % 2 else [MODES[seed // 2 % 6]]
    ensemble = Ensemble(seed, modes, targets, per_leaf, tracks=seed % 3 == 0)
    attributes = {
        **ensemble.attributes("target"),
        "n_targets": targets,
        "post_transform": TRANSFORMS[seed % 5],
        "aggregate_function": ["SUM", "AVERAGE", "MIN", "MAX"][seed % 4],
    }
    if per_leaf == targets and seed % 2:  # onnxruntime leaves a base value out where no leaf has a weight
        attributes["base_values"] = normal(targets, seed=seed).tolist()
    check_like_onnxruntime("TreeEnsembleRegressor", ensemble, 1, attributes)


@pytest.mark.parametrize("seed", range(48))
def test_classifiers_like_onnxruntime(seed):
    pytest.importorskip("onnxruntime")
    rng = np.random.default_rng([seed, 2])
    classes = 2 if seed % 2 else int(rng.integers(3, 5))
    ensemble = Ensemble(seed, MODES, classes, classes if seed % 3 == 0 else 1, tracks=seed % 5 == 0)
    attributes = {**ensemble.attributes("class"), "post_transform": TRANSFORMS[seed % 4]}
    if seed % 3 and classes == 2:
        attributes["class_ids"] = [int(seed % 4 == 1)] * len(attributes["class_ids"])
    if seed % 7 < 3:
        attributes["class_weights"] = [abs(w) / TREES for w in attributes["class_weights"]]
    if seed % 8 < 3 and (classes > 2 or len(set(attributes["class_ids"])) == 1):
        attributes["base_values"] = normal(classes, seed=seed).tolist()
    if seed % 2:
        attributes["classlabels_int64s"] = rng.permutation(9)[:classes].tolist()
    else:
        attributes["classlabels_strings"] = list("abcd"[:classes])
    check_like_onnxruntime("TreeEnsembleClassifier", ensemble, 2, attributes)


def check_like_onnxruntime(op, ensemble, outputs, attributes):
    for dtype in (np.float32, np.float64, np.int32):
        for rows in (1, 37):
            x = ensemble.inputs(rows, dtype)
            with contextlib.suppress(NotImplementedHere):
                wanted = by_onnxruntime(op, [x], outputs, domain=ML, version=3, **attributes)
                got = jitrt.call(op, x, domain=ML, version=3, outputs=outputs, **attributes)
                probit = attributes.get("post_transform") == "PROBIT"  # loses digits near a half
                compare(got if outputs > 1 else [got], wanted, 1e-4 if probit else 1e-5)


def compare(got, wanted, tolerance=1e-5):
    for g, w in zip(got, wanted, strict=True):
        assert (g.dtype, g.shape) == (w.dtype, w.shape)
        if w.dtype == np.float32:
            np.testing.assert_allclose(g, w, rtol=tolerance, atol=tolerance)
        else:
            np.testing.assert_array_equal(g, w)


def test_ties_of_a_forest_are_decided_as_by_onnxruntime():
    """Votes of 0.01, of which 50 in 100 do not quite make a half."""
    pytest.importorskip("onnxruntime")
    ensemble = Ensemble(9, ["BRANCH_LEQ"], trees=100, depth=3)
    attributes = ensemble.attributes("class")
    attributes["class_weights"] = [0.01 * (w > 0) for w in attributes["class_weights"]]
    attributes["classlabels_int64s"] = [0, 1]
    check_like_onnxruntime("TreeEnsembleClassifier", ensemble, 2, attributes)


# version 5

SIX = {name: number for number, name in enumerate(MODES)}


def version_5(trees, dtype):
    """Attributes of TreeEnsemble for trees of (feature, mode or a set of members, value, tracks, true, false)
    and leaves (target, weight)."""
    lists = {name: [] for name in ("featureids", "modes", "splits", "missing_value_tracks_true")}
    links = {name: [] for name in ("truenodeids", "trueleafs", "falsenodeids", "falseleafs")}
    leaf_targets, leaf_weights, members = [], [], []

    def add(node):
        if len(node) == 2:
            leaf_targets.append(node[0])
            leaf_weights.append(node[1])
            return len(leaf_targets) - 1, 1
        feature, mode, value, tracks, true, false = node
        place = len(lists["modes"])
        row = feature, 6 if isinstance(mode, list) else SIX[mode], value, int(tracks)
        for name, entry in zip(lists, row, strict=True):
            lists[name].append(entry)
        for entries in links.values():
            entries.append(None)
        if isinstance(mode, list):
            members.extend([*mode, np.nan])
        for side, branch in (("true", true), ("false", false)):
            links[f"{side}nodeids"][place], links[f"{side}leafs"][place] = add(branch)
        return place, 0

    roots = [add(tree)[0] for tree in trees]
    tensors = {
        "modes": np.array(lists.pop("modes"), np.uint8),
        "splits": np.array(lists.pop("splits"), dtype),
    }
    given = {f"nodes_{name}": values for name, values in {**lists, **links, **tensors}.items()}
    given |= {"leaf_targetids": leaf_targets, "leaf_weights": np.array(leaf_weights, dtype)}
    if members:
        given["membership_values"] = np.array(members, dtype)
    return {**given, "tree_roots": roots}


def predict(node, row):
    while len(node) > 2:
        feature, mode, value, tracks, true, false = node
        x = float(row[feature])
        holds = x in mode if isinstance(mode, list) else COMPARE[mode](x, value)
        node = true if holds or (tracks and x != x) else false
    return node


def random_tree(rng, depth, targets):
    if depth == 0:
        return int(rng.integers(targets)), float(rng.integers(-8, 9)) / 4
    mode = str(rng.choice(MODES))
    if rng.random() < 0.5:
        mode = rng.permutation(np.arange(-4, 9))[: int(rng.integers(1, 10))].astype(float).tolist()
    branches = random_tree(rng, depth - 1, targets), random_tree(rng, depth - 1, targets)
    return (
        int(rng.integers(FEATURES)),
        mode,
        float(rng.integers(-2, 3)),
        bool(rng.random() < 0.3),
        *branches,
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
@pytest.mark.parametrize("aggregate", range(4))
def test_tree_ensemble_5(dtype, aggregate):
    rng = np.random.default_rng([aggregate, 5])
    trees = [random_tree(rng, 4, 3) for _ in range(5)]
    x = rng.integers(-5, 10, (41, FEATURES)).astype(dtype)
    x[rng.random(x.shape) < 0.2] = np.nan
    wanted = np.zeros((len(x), 3))
    for scores, row in zip(wanted, x, strict=True):
        for target in range(3):
            found = [w for k, w in (predict(tree, row) for tree in trees) if k == target]
            if found:
                scores[target] = [sum(found) / 5, sum(found), min(found), max(found)][aggregate]
    got = jitrt.call(
        "TreeEnsemble",
        x,
        domain=ML,
        version=5,
        n_targets=3,
        aggregate_function=aggregate,
        **version_5(trees, dtype),
    )
    assert got.dtype == dtype
    np.testing.assert_allclose(got, wanted, rtol=2e-3 if dtype == np.float16 else 1e-6, atol=1e-6)


@pytest.mark.parametrize("post_transform", range(5))
def test_transforms_of_version_5_like_onnxruntime(post_transform):
    pytest.importorskip("onnxruntime")
    rng = np.random.default_rng(6)
    trees = [random_tree(rng, 4, 1) for _ in range(5)]
    trees += [(0, "BRANCH_LEQ", 0.0, False, (k, 0.25), (k, 0.5)) for k in range(3)]
    x = rng.integers(-5, 10, (9, FEATURES)).astype(np.float32)
    given = {"n_targets": 3, "post_transform": post_transform, **version_5(trees, np.float32)}
    # By the specification 1 is SOFTMAX and 2 is LOGISTIC, which onnxruntime exchanges.
    theirs = {**given, "post_transform": {1: 2, 2: 1}.get(post_transform, post_transform)}
    wanted = by_onnxruntime("TreeEnsemble", [x], 1, domain=ML, version=5, **theirs)
    compare([jitrt.call("TreeEnsemble", x, domain=ML, version=5, **given)], wanted, 1e-4)


def test_trees_may_share_nodes_and_be_leaves():
    leaf, other = (0, 1.5), (0, 2.5)
    tree = (0, "BRANCH_LEQ", 0.0, False, leaf, other)
    given = version_5([tree], np.float32)
    given["tree_roots"] = [0, 0]
    x = np.float32([[1], [-1]])
    got = jitrt.call("TreeEnsemble", x, domain=ML, version=5, n_targets=1, **given)
    np.testing.assert_array_equal(got, [[5], [3]])


# bad attributes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"nodes_truenodeids": [7, 0, 0]}, "Unable to find node 0-7 .truenode."),
        ({"nodes_nodeids": [0, 1, 1]}, "Node 1 in tree 0 is already there"),
        ({"target_nodeids": [1, 5]}, "Unable to find node 0-5 .weights."),
        (
            {"nodes_modes": ["BRANCH_LEQ", "LEAF"]},
            "expected 3 elements in nodes_modes, as in nodes_treeids, got 2",
        ),
        ({"nodes_modes": ["BRANCH_ALL", "LEAF", "LEAF"]}, "unknown mode 'BRANCH_ALL'"),
        ({"nodes_modes": ["BRANCH_LT", "BRANCH_LT", "LEAF"]}, "form a cycle"),
        ({"nodes_featureids": [9, 0, 0]}, "requests feature 9 but input tensor has 2 features"),
        ({"target_ids": [0, 3]}, "target .3., but there are 1 "),
    ],
)
def test_bad_ensembles(change, message):
    attributes = {
        "nodes_treeids": [0, 0, 0],
        "nodes_nodeids": [0, 1, 2],
        "nodes_featureids": [0, 0, 0],
        "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"],
        "nodes_values": [0.5, 0.0, 0.0],
        "nodes_truenodeids": [1, 0, 0],
        "nodes_falsenodeids": [2, 2, 0],
        "target_treeids": [0, 0],
        "target_nodeids": [1, 2],
        "target_ids": [0, 0],
        "target_weights": [1.0, 2.0],
        "n_targets": 1,
    }
    with pytest.raises(Fail, match=message):
        regress(normal(3, 2), **{**attributes, **change})
