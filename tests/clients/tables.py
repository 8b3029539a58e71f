"""Clients that score rows of tables."""

from __future__ import annotations

import numpy as np

from .registry import Answer, client


@client("skl2onnx", "sklearn")
def skl2onnx() -> Answer:
    """scikit-learn's classifiers, regressors and pipelines, converted as in skl2onnx's examples."""
    import onnxruntime
    from skl2onnx import to_onnx
    from sklearn.datasets import load_iris

    rows, kinds = load_iris(return_X_y=True)
    rows = rows.astype(np.float32)
    opsets = {"": 18, "ai.onnx.ml": 3}
    models = [to_onnx(model.fit(rows, kinds), rows[:1], target_opset=opsets) for model in sklearn_models()]
    sessions = [onnxruntime.InferenceSession(model.SerializeToString()) for model in models]
    return lambda: [session.run(None, {"X": rows}) for session in sessions]


def sklearn_models() -> list:
    """Not trained yet."""
    from sklearn.decomposition import PCA
    from sklearn.ensemble import (
        AdaBoostClassifier,
        GradientBoostingRegressor,
        IsolationForest,
        RandomForestClassifier,
        VotingRegressor,
    )
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.mixture import GaussianMixture
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import KBinsDiscretizer, PolynomialFeatures, StandardScaler
    from sklearn.svm import SVC

    boosted = GradientBoostingRegressor(random_state=0)
    return [
        LogisticRegression(max_iter=500),
        make_pipeline(StandardScaler(), PolynomialFeatures(), LinearRegression()),
        make_pipeline(KBinsDiscretizer(encode="onehot-dense", quantile_method="linear"), GaussianNB()),
        make_pipeline(PCA(2), SVC()),
        RandomForestClassifier(50, random_state=0),
        boosted,
        AdaBoostClassifier(random_state=0),
        VotingRegressor([("lines", LinearRegression()), ("trees", boosted)]),
        IsolationForest(random_state=0),
        KNeighborsClassifier(),
        GaussianProcessRegressor(alpha=0.1),
        GaussianMixture(3, random_state=0),
        MLPClassifier((16,), max_iter=2000, random_state=0),
    ]


@client("skl2onnx", "sklearn", "pandas")
def skl2onnx_columns() -> Answer:
    """A table of numbers and words: scaled, one-hot encoded, words counted."""
    import onnxruntime
    import pandas
    from skl2onnx import to_onnx
    from sklearn.compose import ColumnTransformer
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    random = np.random.default_rng(0)
    words = np.array(["fast", "kernel", "slow", "loop", "cache", "miss"])
    table = pandas.DataFrame(
        {
            "price": random.normal(20, 9, 300).astype(np.float32),
            "age": np.where(random.random(300) < 0.1, np.nan, random.normal(40, 9, 300)).astype(np.float32),
            "port": random.choice(["S", "C", "Q"], 300),
            "note": [" ".join(random.choice(words, 4)) for _ in range(300)],
        }
    )
    labels = np.where(table["price"] > 20, "dear", "cheap")
    columns = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["price", "age"]),
            ("port", OneHotEncoder(handle_unknown="ignore"), ["port"]),
            ("note", TfidfVectorizer(lowercase=False), "note"),
        ]
    )
    model = make_pipeline(columns, LogisticRegression()).fit(table, labels)
    converted = to_onnx(model, table[:1], options={"zipmap": False})
    session = onnxruntime.InferenceSession(converted.SerializeToString())
    feeds = {name: table[[name]].to_numpy() for name in table}
    return lambda: session.run(None, feeds)
