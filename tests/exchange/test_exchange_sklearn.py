"""Estimators and pipelines converted by skl2onnx give what scikit-learn gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="pip install -e '.[dev]'")
pytest.importorskip("skl2onnx", reason="pip install -e '.[dev]'")

from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import IsolationForest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import LinearSVC, OneClassSVM
from sklearn_estimators import CLASSIFIERS, CLUSTERS, REGRESSORS, TRANSFORMERS

import jitrt

FLOWERS, SPECIES = load_iris(return_X_y=True)
FLOWERS, SPECIES = FLOWERS.astype(np.float32), np.array(["setosa", "versicolor", "virginica"])[SPECIES]
PATIENTS, PROGRESS = load_diabetes(return_X_y=True)
PATIENTS = PATIENTS.astype(np.float32)
OPSETS = {"": 18, "ai.onnx.ml": 3}  # skl2onnx knows no newer one for all estimators
BATCHES = (slice(0, 1), slice(40, 117), slice(None))


def kind(estimator: BaseEstimator) -> str:
    steps = getattr(estimator, "steps", None)
    return "-".join(type(step).__name__ for _, step in steps) if steps else type(estimator).__name__


def converted(estimator: BaseEstimator, **options: Any) -> jitrt.InferenceSession:
    """The estimator as a session."""
    model = to_onnx(estimator, target_opset=OPSETS, **options)
    return jitrt.InferenceSession(model.SerializeToString())


def assert_close(got: Any, wanted: Any, tolerance: float = 1e-5) -> None:
    """Both have the shape of the wanted array, up to axes of 1, and its values."""
    wanted = np.asarray(wanted)
    got = np.asarray(got).reshape(wanted.shape)
    np.testing.assert_allclose(got, wanted, rtol=0, atol=tolerance * max(1, np.abs(wanted).max()))


def score(estimator: BaseEstimator, X: Any) -> Any:
    """What a classifier gives beside labels."""
    return (
        estimator.predict_proba(X) if hasattr(estimator, "predict_proba") else estimator.decision_function(X)
    )


@pytest.mark.parametrize("classifier", CLASSIFIERS, ids=kind)
def test_classifiers(classifier):
    classifier.fit(FLOWERS, SPECIES)
    options = {} if isinstance(classifier, LinearSVC) else {"zipmap": False}
    session = converted(classifier, X=FLOWERS[:1], options=options)
    for rows in BATCHES:
        labels, scores = session.run(None, {"X": FLOWERS[rows]})
        np.testing.assert_array_equal(labels.ravel(), classifier.predict(FLOWERS[rows]))
        assert_close(scores, score(classifier, FLOWERS[rows]), 3e-5 if "SVC" in kind(classifier) else 1e-5)


@pytest.mark.parametrize("regressor", REGRESSORS, ids=kind)
def test_regressors(regressor):
    regressor.fit(PATIENTS[:300], PROGRESS[:300])
    session = converted(regressor, X=PATIENTS[:1])
    for rows in (slice(300, 301), slice(300, None)):
        (values,) = session.run(None, {"X": PATIENTS[rows]})
        assert_close(values, regressor.predict(PATIENTS[rows]))


@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=kind)
def test_transformers(transformer):
    transformer.fit(FLOWERS, SPECIES)
    session = converted(transformer, X=FLOWERS[:1])
    for rows in BATCHES:
        (values,) = session.run(None, {"X": FLOWERS[rows]})
        assert_close(values, transformer.transform(FLOWERS[rows]))


@pytest.mark.parametrize("cluster", CLUSTERS, ids=kind)
def test_clusters(cluster):
    cluster.fit(FLOWERS)
    session = converted(cluster, X=FLOWERS[:1])
    for rows in BATCHES:
        labels, scores = session.run(None, {"X": FLOWERS[rows]})
        np.testing.assert_array_equal(labels.ravel(), cluster.predict(FLOWERS[rows]))
        wanted = getattr(cluster, "transform", getattr(cluster, "predict_proba", None))
        assert_close(scores, wanted(FLOWERS[rows]))


@pytest.mark.parametrize(
    "detector", [IsolationForest(n_estimators=20, random_state=0), OneClassSVM()], ids=kind
)
def test_outliers(detector):
    detector.fit(PATIENTS[:200])
    session = converted(detector, X=PATIENTS[:1])
    labels, scores = session.run(None, {"X": PATIENTS[200:]})
    wanted = detector.decision_function(PATIENTS[200:])
    assert_close(scores, wanted)
    clear = np.abs(wanted) > 1e-4
    assert clear.mean() > 0.9
    np.testing.assert_array_equal(labels.ravel()[clear], detector.predict(PATIENTS[200:])[clear])


def test_probabilities_by_name_as_the_converter_writes_them():
    classifier = LogisticRegression(max_iter=500).fit(FLOWERS, SPECIES)
    _, rows = converted(classifier, X=FLOWERS[:1]).run(None, {"X": FLOWERS[::30]})
    assert [list(row) for row in rows] == [list(classifier.classes_)] * 5
    assert_close([list(row.values()) for row in rows], classifier.predict_proba(FLOWERS[::30]))


def test_a_table_of_strings_and_numbers():
    table = {
        "port": np.array([["S"], ["C"], ["Q"], ["S"], ["never seen"], ["C"]], dtype=object),
        "cabin": np.array([["a"], ["b"], ["a"], ["c"], ["a"], ["b"]], dtype=object),
        "numbers": np.float32([[22, 7.25], [38, np.nan], [26, 7.92], [np.nan, 53.1], [35, 8.05], [4, 16.7]]),
    }
    survived = np.array(["no", "yes", "yes", "yes", "no", "no"])
    columns = np.concatenate([table["port"], table["cabin"], table["numbers"].astype(object)], axis=1)
    encoded = ColumnTransformer(
        [
            ("port", OneHotEncoder(categories=[["C", "Q", "S"]], handle_unknown="ignore"), [0]),
            ("cabin", OrdinalEncoder(), [1]),
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), [2, 3]),
        ]
    )
    pipeline = make_pipeline(encoded, LogisticRegression()).fit(columns, survived)
    inputs = [("port", StringTensorType([None, 1])), ("cabin", StringTensorType([None, 1]))]
    session = converted(
        pipeline, initial_types=[*inputs, ("numbers", FloatTensorType([None, 2]))], options={"zipmap": False}
    )
    for rows in (slice(0, 1), slice(None)):
        labels, probabilities = session.run(None, {name: column[rows] for name, column in table.items()})
        np.testing.assert_array_equal(labels, pipeline.predict(columns[rows]))
        assert_close(probabilities, pipeline.predict_proba(columns[rows]))


@pytest.mark.parametrize(
    "options", [{}, {"ngram_range": (1, 2)}, {"binary": True, "norm": None}, {"min_df": 2}], ids=str
)
def test_text(options):
    texts = [
        "the cat sat",
        "the dog sat on the cat",
        "a bird sang",
        "birds sing and sang",
        "dogs bark at birds",
    ]
    about = np.array([0, 0, 1, 1, 1])
    pipeline = make_pipeline(TfidfVectorizer(**options), LogisticRegression()).fit(texts, about)
    session = converted(
        pipeline, initial_types=[("text", StringTensorType([None]))], options={"zipmap": False}
    )
    unseen = [*texts, "A cat, a dog: sang!", "nothing known here"]
    labels, probabilities = session.run(None, {"text": np.array(unseen, dtype=object)})
    np.testing.assert_array_equal(labels, pipeline.predict(unseen))
    assert_close(probabilities, pipeline.predict_proba(unseen))


@pytest.mark.parametrize("metric", ["euclidean", "sqeuclidean"])
def test_neighbours_by_distances_in_one_operator(metric):
    regressor = KNeighborsRegressor(metric=metric).fit(PATIENTS[:300], PROGRESS[:300])
    model = to_onnx(
        regressor,
        PATIENTS[:1],
        target_opset=OPSETS | {"com.microsoft": 1},
        options={KNeighborsRegressor: {"optim": "cdist"}},
    )
    assert "CDist" in {node.op_type for node in model.graph.node}
    session = jitrt.InferenceSession(model.SerializeToString())
    (values,) = session.run(None, {"X": PATIENTS[300:]})
    assert_close(values, regressor.predict(PATIENTS[300:]))


def test_double_precision_is_kept():
    X = np.random.default_rng(0).standard_normal((50, 4)) * 1e6
    regressor = LinearRegression().fit(X, X @ [1, -2, 3, 1e-3] + 0.5)
    (values,) = converted(regressor, X=X[:1]).run(None, {"X": X})
    assert values.dtype == np.float64
    np.testing.assert_allclose(values[:, 0], regressor.predict(X), rtol=1e-12)
