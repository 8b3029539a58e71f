"""Linear models and support vector machines against float64 and onnxruntime."""

import contextlib

import numpy as np
import pytest
from oracle import Case, integers, normal, table
from peer import by_onnxruntime

import jitrt
from jitrt.errors import Fail
from jitrt.errors import NotImplemented as NotImplementedHere

ML = "ai.onnx.ml"
TRANSFORMS = ["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT"]
X = normal(9, 3)


def floats(*shape, seed=0):
    return normal(*shape, seed=seed).ravel().tolist()


def logistic(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    powers = np.exp(x - x.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def linear(x, coefficients, intercepts=0.0, targets=1, post_transform="NONE"):
    x = x.reshape(-1, x.shape[-1])
    scores = x @ np.reshape(coefficients, (targets, -1)).T + np.asarray(intercepts)
    return {"LOGISTIC": logistic, "SOFTMAX": softmax}.get(post_transform, lambda s: s)(scores)


REGRESSIONS = [
    Case(
        "LinearRegressor",
        [x],
        {"coefficients": floats(t, 3), "intercepts": floats(t, seed=1), "targets": t, "post_transform": p},
        linear,
        domain=ML,
        version=1,
        tolerance=4,
    )
    for x in (X, X.astype(np.float64), integers(4, 3), integers(2, 3, dtype=np.int32), X[0])
    for t, p in ((1, "NONE"), (3, "LOGISTIC"), (2, "SOFTMAX"))
] + [Case("LinearRegressor", [X], {"coefficients": floats(3)}, linear, domain=ML, version=1, tolerance=4)]


@table(REGRESSIONS)
def test_linear_regressor(case):
    case.check()


def check(op, x, outputs, attributes, tolerance=1e-5):
    for inputs in (x, x.astype(np.float64), x[:1], (x * 3).astype(np.int64)):
        with contextlib.suppress(NotImplementedHere):
            wanted = by_onnxruntime(op, [inputs], outputs, domain=ML, version=1, **attributes)
            got = jitrt.call(op, inputs, domain=ML, version=1, outputs=outputs, **attributes)
            for g, w in zip([got] if outputs == 1 else got, wanted, strict=True):
                assert (g.dtype, g.shape) == (w.dtype, w.shape)
                if w.dtype == np.float32:
                    np.testing.assert_allclose(g, w, rtol=tolerance, atol=tolerance)
                else:
                    np.testing.assert_array_equal(g, w)


CLASSIFIERS = [
    (labels, len(labels), p)
    for labels in ([0, 1], [7, 3, 5], ["no", "yes"], ["a", "b", "c", "d"])
    for p in TRANSFORMS
] + [
    (labels, 1, p)
    for labels in ([5, 2], ["no", "yes"])
    for p in TRANSFORMS[:4]  # with PROBIT onnxruntime mixes rows up
]


@pytest.mark.parametrize(("labels", "columns", "post_transform"), CLASSIFIERS)
def test_linear_classifier_like_onnxruntime(labels, columns, post_transform):
    pytest.importorskip("onnxruntime")
    attributes = {
        "coefficients": floats(columns, 3),
        "intercepts": floats(columns, seed=1),
        "post_transform": post_transform,
        "multi_class": int(columns > 2),
        "classlabels_strings" if isinstance(labels[0], str) else "classlabels_ints": labels,
    }
    check("LinearClassifier", X, 2, attributes)


def test_linear_classifier_in_float64():
    coefficients = floats(4, 3)
    scores = linear(X.astype(np.float64), coefficients, targets=4)
    label, got = jitrt.call(
        "LinearClassifier",
        X,
        domain=ML,
        version=1,
        outputs=2,
        coefficients=coefficients,
        intercepts=[0.0] * 4,
        classlabels_strings=list("abcd"),
        post_transform="SOFTMAX",
    )
    assert label.tolist() == ["abcd"[i] for i in scores.argmax(1)]
    np.testing.assert_allclose(got, softmax(scores), rtol=1e-5)


def test_coefficients_must_fit():
    with pytest.raises(Fail, match="expected 2 times 3 coefficients for 2 targets"):
        jitrt.call("LinearRegressor", X, domain=ML, version=1, coefficients=[1.0] * 4, targets=2)


KERNELS = [("LINEAR", [0.0, 0.0, 0.0]), ("POLY", [0.5, 1.0, 3.0]), ("RBF", [0.3, 0.0, 0.0])]
KERNELS += [("SIGMOID", [0.2, 0.1, 0.0]), ("POLY", [0.5, 2.0, 2.0])]


def kernel(kind, params, x, vectors):
    """In float64."""
    gamma, coef0, degree = params
    products = x @ vectors.T
    if kind == "RBF":
        return np.exp(-gamma * ((x[:, None] - vectors) ** 2).sum(2))
    return {
        "LINEAR": products,
        "POLY": (gamma * products + coef0) ** degree,
        "SIGMOID": np.tanh(gamma * products + coef0),
    }[kind]


@pytest.mark.parametrize(("kind", "params"), KERNELS)
@pytest.mark.parametrize("one_class", [0, 1])
def test_svm_regressor(kind, params, one_class):
    vectors, weights = normal(6, 3, seed=2), normal(6, seed=3)
    scores = kernel(kind, params, X.astype(np.float64), vectors.astype(np.float64)) @ weights + 0.25
    attributes = {
        "coefficients": weights.tolist(),
        "support_vectors": vectors.ravel().tolist(),
        "n_supports": 6,
        "kernel_type": kind,
        "kernel_params": params,
        "rho": [0.25],
        "one_class": one_class,
    }
    wanted = np.where(scores > 0, 1, -1) if one_class else scores
    got = jitrt.call("SVMRegressor", X, domain=ML, version=1, **attributes)
    np.testing.assert_allclose(got[:, 0], wanted, rtol=1e-4, atol=1e-5)
    assert got.dtype == np.float32


def test_features_that_are_no_numbers():
    """An infinite distance counts nothing in a radial kernel; a NaN is above no threshold."""
    x = np.array([[np.inf, 0, 0], [np.nan, 0, 0]], np.float32)
    attributes = {"coefficients": [1.0], "support_vectors": [1.0] * 3, "n_supports": 1, "rho": [0.25]}
    attributes |= {"kernel_type": "RBF", "kernel_params": [0.5, 0.0, 0.0]}
    got = jitrt.call("SVMRegressor", x, domain=ML, version=1, **attributes)
    np.testing.assert_array_equal(got, [[0.25], [np.nan]])
    got = jitrt.call("SVMRegressor", x, domain=ML, version=1, one_class=1, **attributes)
    np.testing.assert_array_equal(got, [[1], [-1]])


def test_linear_svm_regressor():
    weights = floats(3)
    got = jitrt.call("SVMRegressor", X, domain=ML, version=1, coefficients=weights, rho=[0.5])
    np.testing.assert_allclose(got, linear(X, weights, 0.5), rtol=1e-5, atol=1e-6)


def svm_attributes(classes, counts, kind, params, probabilities=False, strings=False):
    pairs = classes * (classes - 1) // 2
    attributes = {
        "coefficients": floats(classes - 1, sum(counts), seed=4),
        "support_vectors": floats(sum(counts), 3, seed=5),
        "vectors_per_class": counts,
        "kernel_type": kind,
        "kernel_params": params,
        "rho": floats(pairs, seed=6),
    }
    if probabilities:
        attributes |= {"prob_a": [-1.5] * pairs, "prob_b": floats(pairs, seed=7)}
    labels = [f"c{i}" for i in range(classes)] if strings else [5, 3, 8, 1][:classes]
    return attributes | {"classlabels_strings" if strings else "classlabels_ints": labels}


@pytest.mark.parametrize(("kind", "params"), KERNELS)
@pytest.mark.parametrize(("classes", "counts"), [(2, [3, 2]), (4, [2, 3, 1, 2])])
@pytest.mark.parametrize("probabilities", [False, True])
def test_svm_classifier_like_onnxruntime(kind, params, classes, counts, probabilities):
    pytest.importorskip("onnxruntime")
    strings = kind == "RBF"
    check("SVMClassifier", X, 2, svm_attributes(classes, counts, kind, params, probabilities, strings), 1e-4)


@pytest.mark.parametrize("post_transform", TRANSFORMS[:4])
@pytest.mark.parametrize(("classes", "probabilities"), [(2, False), (2, True), (3, False)])
def test_transforms_of_svm_classifiers_like_onnxruntime(post_transform, classes, probabilities):
    pytest.importorskip("onnxruntime")
    attributes = svm_attributes(classes, [2] * classes, "RBF", [0.3, 0.0, 0.0], probabilities)
    check("SVMClassifier", X, 2, {**attributes, "post_transform": post_transform})


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("classes", [2, 3])
def test_linear_svm_classifier_like_onnxruntime(classes, positive):
    pytest.importorskip("onnxruntime")
    weights = normal(classes, 3, seed=8)
    attributes = {
        "coefficients": np.abs(weights).ravel().tolist() if positive else weights.ravel().tolist(),
        "rho": [0.1],
        "kernel_params": [0.0, 0.0, 0.0],
        "classlabels_ints": [4, 2, 9][:classes],
        "post_transform": "LOGISTIC",
    }
    check("SVMClassifier", X, 2, attributes)


def test_probabilities_are_those_of_the_optimum():
    """Coupled pairwise probabilities solve the quadratic problem of the paper, up to its stopping rule."""
    attributes = svm_attributes(3, [2, 3, 2], "RBF", [0.3, 0.0, 0.0], probabilities=True)
    _, scores = jitrt.call("SVMClassifier", X, domain=ML, version=1, outputs=2, **attributes)
    np.testing.assert_allclose(scores.sum(1), 1, atol=1e-5)
    vectors = np.reshape(attributes["support_vectors"], (7, 3))
    values = kernel("RBF", [0.3, 0, 0], X.astype(np.float64), vectors)
    weights, ends = np.reshape(attributes["coefficients"], (2, 7)), [0, 2, 5, 7]
    for row, got in zip(values, scores, strict=True):
        r, pair = np.zeros((3, 3)), 0
        for i in range(3):
            for j in range(i + 1, 3):
                mine, theirs = slice(ends[i], ends[i + 1]), slice(ends[j], ends[j + 1])
                score = weights[j - 1, mine] @ row[mine] + weights[i, theirs] @ row[theirs]
                score += attributes["rho"][pair]
                r[i, j] = logistic(-(score * attributes["prob_a"][pair] + attributes["prob_b"][pair]))
                r[j, i] = 1 - r[i, j]
                pair += 1
        Q = np.diag((r**2).sum(0)) - (r.T * r) * (1 - np.eye(3))
        system = np.block([[Q, np.ones((3, 1))], [np.ones((1, 3)), np.zeros((1, 1))]])
        best = np.linalg.solve(system, [0, 0, 0, 1])[:3]
        np.testing.assert_allclose(got, best, atol=5e-3)
