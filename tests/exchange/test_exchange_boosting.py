"""Boosted trees of LightGBM and XGBoost, converted by onnxmltools, give what those libraries give."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnxmltools", reason="pip install -e '.[dev]'")
pytest.importorskip("sklearn", reason="pip install -e '.[dev]'")
lightgbm = pytest.importorskip("lightgbm", reason="pip install -e '.[dev]'")
xgboost = pytest.importorskip("xgboost", reason="pip install -e '.[dev]'")

from onnxmltools.convert import convert_lightgbm, convert_xgboost  # noqa: E402
from onnxmltools.convert.common.data_types import FloatTensorType  # noqa: E402
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris  # noqa: E402

import jitrt  # noqa: E402

SMALL = {"n_estimators": 25, "max_depth": 4, "random_state": 0, "n_jobs": 1}
BATCHES = (slice(0, 1), slice(3, 70), slice(None))


def table(kind: str) -> tuple[Any, Any]:
    """Rows f32[n, features] and what is to be predicted; some cells of the patients are missing."""
    load = {"two": load_breast_cancer, "three": load_iris, "number": load_diabetes}[kind]
    X, y = load(return_X_y=True)
    X = X.astype(np.float32)
    if kind == "number":
        X[np.random.default_rng(0).random(X.shape) < 0.1] = np.nan
    return X, y


def session_of(model: Any, convert: Any, features: int, **options: Any) -> jitrt.InferenceSession:
    """The converted model; 15 is the newest opset that both converters know."""
    types = [("x", FloatTensorType([None, features]))]
    proto = convert(model, initial_types=types, target_opset=15, **options)
    return jitrt.InferenceSession(proto.SerializeToString())


@pytest.mark.parametrize("classes", ["two", "three"])
@pytest.mark.parametrize("boosting", ["gbdt", "dart"])
def test_lightgbm_classifiers(classes, boosting):
    X, y = table(classes)
    model = lightgbm.LGBMClassifier(boosting_type=boosting, verbose=-1, **SMALL).fit(X, y)
    session = session_of(model, convert_lightgbm, X.shape[1], zipmap=False)
    for rows in BATCHES:
        labels, probabilities = session.run(None, {"x": X[rows]})
        np.testing.assert_array_equal(labels, model.predict(X[rows]))
        np.testing.assert_allclose(probabilities, model.predict_proba(X[rows]), atol=1e-5)


@pytest.mark.parametrize("objective", ["regression", "poisson", "quantile", "huber"])
def test_lightgbm_regressors(objective):
    X, y = table("number")
    model = lightgbm.LGBMRegressor(objective=objective, verbose=-1, **SMALL).fit(X, y)
    session = session_of(model, convert_lightgbm, X.shape[1])
    for rows in BATCHES:
        (values,) = session.run(None, {"x": X[rows]})
        np.testing.assert_allclose(values[:, 0], model.predict(X[rows]), rtol=1e-5)


def test_lightgbm_probabilities_by_name():
    X, y = table("three")
    model = lightgbm.LGBMClassifier(verbose=-1, **SMALL).fit(X, y)
    _, rows = session_of(model, convert_lightgbm, 4).run(None, {"x": X[:5]})
    assert [list(row) for row in rows] == [[0, 1, 2]] * 5
    np.testing.assert_allclose([list(r.values()) for r in rows], model.predict_proba(X[:5]), atol=1e-5)


def test_lightgbm_categories():
    rng = np.random.default_rng(0)
    X = np.stack([rng.integers(0, 12, 400), rng.random(400)], axis=1).astype(np.float32)
    y = (np.isin(X[:, 0], [1, 4, 5, 9]) ^ (X[:, 1] > 0.7)).astype(int)
    model = lightgbm.LGBMClassifier(verbose=-1, min_child_samples=5, **SMALL).fit(
        X, y, categorical_feature=[0]
    )
    labels, probabilities = session_of(model, convert_lightgbm, 2, zipmap=False).run(None, {"x": X})
    np.testing.assert_array_equal(labels, model.predict(X))
    np.testing.assert_allclose(probabilities, model.predict_proba(X), atol=1e-5)


@pytest.mark.parametrize("classes", ["two", "three"])
def test_xgboost_classifiers(classes):
    X, y = table(classes)
    model = xgboost.XGBClassifier(**SMALL).fit(X, y)
    session = session_of(model, convert_xgboost, X.shape[1])
    for rows in BATCHES:
        labels, probabilities = session.run(None, {"x": X[rows]})
        np.testing.assert_array_equal(labels, model.predict(X[rows]))
        np.testing.assert_allclose(probabilities, model.predict_proba(X[rows]), atol=1e-5)


@pytest.mark.parametrize("objective", ["reg:squarederror", "count:poisson", "reg:absoluteerror"])
def test_xgboost_regressors(objective):
    X, y = table("number")
    model = xgboost.XGBRegressor(objective=objective, **SMALL).fit(X, y)
    session = session_of(model, convert_xgboost, X.shape[1])
    for rows in BATCHES:
        (values,) = session.run(None, {"x": X[rows]})
        np.testing.assert_allclose(values[:, 0], model.predict(X[rows]), rtol=1e-5)


def test_xgboost_random_forest():
    X, y = table("two")
    model = xgboost.XGBRFClassifier(**SMALL).fit(X, y)
    labels, probabilities = session_of(model, convert_xgboost, X.shape[1]).run(None, {"x": X})
    np.testing.assert_array_equal(labels, model.predict(X))
    np.testing.assert_allclose(probabilities, model.predict_proba(X), atol=1e-5)
