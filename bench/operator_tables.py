"""Cases of operators on tables and text: trees, linear models, support vectors, encoders, strings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from bench.operator_cases import Array, OperatorCase, integers, normal, positive

ML = "ai.onnx.ml"


def table_cases() -> Iterator[OperatorCase]:
    """All cases of this module."""
    yield from forests()
    yield from models()
    yield from features()
    yield from text()


def forests() -> Iterator[OperatorCase]:
    """Ensembles of full trees over 32 columns."""
    for rows, trees, depth in (
        (1, 100, 6),
        (100, 100, 6),
        (10_000, 100, 6),
        (10_000, 10, 12),
        (1000, 500, 8),
    ):
        variant = f"{rows} rows, {trees} trees of {depth}"
        table = lambda m=rows: [normal(m, 32)]  # noqa: E731
        nodes, leaves = full_trees(trees, depth)
        yield OperatorCase(
            "TreeEnsembleRegressor",
            table,
            {
                **nodes,
                **{f"target_{key}": value for key, value in leaves.items()},
                "target_ids": [0] * len(leaves["weights"]),
                "n_targets": 1,
            },
            domain=ML,
            variant=variant,
        )
        yield OperatorCase(
            "TreeEnsembleClassifier",
            table,
            {
                **nodes,
                **{f"class_{key}": value for key, value in leaves.items()},
                "class_ids": [i % 3 for i in range(len(leaves["weights"]))],
                "classlabels_int64s": [0, 1, 2],
                "post_transform": "SOFTMAX",
            },
            outputs=2,
            domain=ML,
            variant=variant,
        )


def full_trees(trees: int, depth: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The `nodes_*` attributes of full binary trees, and the treeids, nodeids and weights of their leaves."""
    inner, count = 2**depth - 1, 2 ** (depth + 1) - 1
    random = np.random.default_rng(0)
    node = np.tile(np.arange(count), trees)
    tree = np.repeat(np.arange(trees), count)
    is_leaf = node >= inner
    nodes = {
        "nodes_treeids": tree.tolist(),
        "nodes_nodeids": node.tolist(),
        "nodes_featureids": random.integers(0, 32, node.size).tolist(),
        "nodes_values": random.standard_normal(node.size).tolist(),
        "nodes_modes": ["LEAF" if leaf else "BRANCH_LEQ" for leaf in is_leaf],
        "nodes_truenodeids": np.where(is_leaf, 0, 2 * node + 1).tolist(),
        "nodes_falsenodeids": np.where(is_leaf, 0, 2 * node + 2).tolist(),
    }
    leaves = {
        "treeids": tree[is_leaf].tolist(),
        "nodeids": node[is_leaf].tolist(),
        "weights": random.standard_normal(int(is_leaf.sum())).tolist(),
    }
    return nodes, leaves


def models() -> Iterator[OperatorCase]:
    """Linear models and support vectors."""
    for rows in (1, 10_000):
        table = lambda m=rows: [normal(m, 32)]  # noqa: E731
        yield OperatorCase(
            "LinearClassifier",
            table,
            {
                **{"coefficients": normal(10 * 32).tolist(), "intercepts": normal(10).tolist()},
                **{"classlabels_ints": list(range(10)), "multi_class": 1, "post_transform": "SOFTMAX"},
            },
            outputs=2,
            domain=ML,
            variant=f"{rows} rows",
        )
        yield OperatorCase(
            "LinearRegressor",
            table,
            {"coefficients": normal(32).tolist(), "intercepts": [0.5], "targets": 1},
            domain=ML,
            variant=f"{rows} rows",
        )
    for kernel in ("RBF", "LINEAR", "POLY"):
        supports: dict[str, Any] = {"kernel_type": kernel, "kernel_params": [0.1, 1.0, 3.0]}
        supports |= {"support_vectors": normal(200 * 32).tolist()}
        yield OperatorCase(
            "SVMRegressor",
            lambda: [normal(1000, 32)],
            {**supports, "coefficients": normal(200).tolist(), "rho": [0.1], "n_supports": 200},
            domain=ML,
            variant=kernel.lower(),
        )
        yield OperatorCase(
            "SVMClassifier",
            lambda: [normal(1000, 32)],
            {
                **supports,
                **{"coefficients": normal(2 * 200).tolist(), "rho": [0.1, 0.2, 0.3]},
                **{"vectors_per_class": [80, 60, 60], "classlabels_ints": [0, 1, 2]},
            },
            outputs=2,
            domain=ML,
            variant=kernel.lower(),
        )


def features() -> Iterator[OperatorCase]:
    """What prepares the columns of a table."""
    table = lambda: [normal(32768, 32)]  # noqa: E731
    scaling = {"offset": normal(32).tolist(), "scale": positive(32).tolist()}
    yield OperatorCase("Scaler", table, scaling, domain=ML)
    for norm in ("L1", "L2", "MAX"):
        yield OperatorCase("Normalizer", table, {"norm": norm}, domain=ML, variant=norm.lower())
    replaced = {"imputed_value_floats": normal(32).tolist(), "replaced_value_float": float("nan")}
    yield OperatorCase("Imputer", lambda: [_with_nan(32768, 32)], replaced, domain=ML)
    yield OperatorCase("Binarizer", table, {"threshold": 0.0}, domain=ML)
    yield OperatorCase(
        "FeatureVectorizer",
        lambda: [normal(32768, 16), normal(32768, 16)],
        {"inputdimensions": [16, 16]},
        domain=ML,
    )
    yield OperatorCase("ArrayFeatureExtractor", lambda: [normal(32768, 32), integers(0, 32, 8)], domain=ML)
    yield OperatorCase(
        "OneHotEncoder",
        lambda: [integers(0, 10, 100_000)],
        {"cats_int64s": list(range(10)), "zeros": 1},
        domain=ML,
    )
    yield OperatorCase(
        "OneHotEncoder",
        lambda: [words(10_000)],
        {"cats_strings": [f"word{i}" for i in range(100)], "zeros": 1},
        domain=ML,
        variant="strings",
    )
    keys, values = [f"word{i}" for i in range(1000)], list(range(1000))
    for variant, attributes in (
        ("strings to i64", {"keys_strings": keys, "values_int64s": values}),
        ("i64 to strings", {"keys_int64s": values, "values_strings": keys}),
        ("i64 to floats", {"keys_int64s": values, "values_floats": [float(v) for v in values]}),
        ("i64 to i64", {"keys_int64s": values, "values_int64s": values[::-1]}),
    ):
        fed = (
            (lambda: [words(10_000)]) if "keys_strings" in attributes else lambda: [integers(0, 999, 10_000)]
        )
        yield OperatorCase("LabelEncoder", fed, attributes, domain=ML, variant=variant, version=17)


def text() -> Iterator[OperatorCase]:
    """Strings."""
    yield OperatorCase("StringConcat", lambda: [words(10_000), words(10_000)])
    yield OperatorCase(
        "StringSplit", lambda: [np.char.add(words(10_000).astype(str), " tail").astype(object)], outputs=2
    )
    yield OperatorCase("RegexFullMatch", lambda: [words(10_000)], {"pattern": "word[0-9]+"})
    yield OperatorCase("Cast", lambda: [normal(10_000)], {"to": 8}, variant="f32 to strings")
    yield OperatorCase(
        "Cast", lambda: [normal(10_000).astype(str).astype(object)], {"to": 1}, variant="strings to f32"
    )
    yield OperatorCase("Gather", lambda: [words(1000), integers(0, 1000, 10_000)], variant="strings")
    yield OperatorCase("Equal", lambda: [words(10_000), words(10_000)], variant="strings")


def words(count: int) -> Array:
    """`word0` to `word999` over and over."""
    return np.array([f"word{i % 1000}" for i in range(count)], object)


def _with_nan(*shape: int) -> Array:
    x = normal(*shape)
    x[x > 1] = np.nan
    return x
