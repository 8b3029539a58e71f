"""Networks that gather and scatter: embeddings of categories, messages over a graph, ensembles of trees."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from onnx import TensorProto, numpy_helper

from bench.engines import Feeds
from bench.models.graph import Built, GraphBuilder, builder, integers, normal


@builder
def recommender() -> Built:
    """Embeddings, their products in pairs, dense layers. https://arxiv.org/abs/1906.00091"""
    fields, rows, width = 26, 5000, 16
    graph = GraphBuilder("recommender")
    numbers = graph.input("numbers", ["batch", 13])
    categories = graph.input("categories", ["batch", fields], TensorProto.INT64)

    def dense_layers(x: str, *sizes: int) -> str:
        for inner, outer in pairwise(sizes):
            x = graph.op("Relu", graph.op("Gemm", x, graph.weight(inner, outer), graph.weight(outer)))
        return x

    x = dense_layers(numbers, 13, 256, 64, width)
    vectors = [graph.op("Unsqueeze", x, graph.constant([1]))]
    for i in range(fields):
        column = graph.op("Gather", categories, graph.constant([i]), axis=1)
        vectors.append(graph.op("Gather", graph.weight(rows, width, fan_in=1), column))
    vectors_of_all = graph.op("Concat", *vectors, axis=1)
    products = graph.op("MatMul", vectors_of_all, graph.op("Transpose", vectors_of_all, perm=[0, 2, 1]))
    pairs = np.ravel_multi_index(np.tril_indices(fields + 1, -1), (fields + 1, fields + 1))
    products = graph.op("Gather", graph.op("Flatten", products), graph.constant(pairs), axis=1)
    x = dense_layers(graph.op("Concat", x, products, axis=1), width + len(pairs), 256, 128)
    y = graph.op("Sigmoid", graph.op("Gemm", x, graph.weight(128, 1), graph.weight(1)))
    graph.output(y, ["batch", 1])
    sizes = (1024, 32, 7)
    inputs = [{"numbers": normal(1, n, 13), "categories": integers(2, rows, n, fields)} for n in sizes]
    return Built(graph.model(), inputs)


@builder
def graph_net() -> Built:
    """Three rounds of messages along edges: summed, averaged, and weighed by attention; a sum a graph."""
    width, graphs = 64, 16
    graph = GraphBuilder("graph-net")
    x = graph.input("x", ["nodes", width])
    edges = graph.input("edges", [2, "edges"], TensorProto.INT64)
    owner = graph.input("owner", ["nodes"], TensorProto.INT64)
    source, target = (graph.op("Gather", edges, graph.constant(i)) for i in (0, 1))
    one = graph.constant([1])
    target_rows = graph.op("Unsqueeze", target, one)

    def filled(like: str, columns: int, value: float = 0) -> str:
        shape = graph.op("Concat", graph.op("Shape", like, end=1), graph.constant([columns]), axis=0)
        of = numpy_helper.from_array(np.array([value], np.float32))
        return graph.op("ConstantOfShape", shape, value=of)

    def sum_by_target(values: str, columns: int) -> str:
        return graph.op("ScatterND", filled(x, columns), target_rows, values, reduction="add")

    y = graph.op("Relu", graph.dense(graph.op("Gather", x, source), width, width))
    x = graph.op("Add", x, sum_by_target(y, width))

    y = graph.op("Relu", graph.dense(graph.op("Gather", x, source), width, width))
    index = graph.op("Expand", target_rows, graph.op("Shape", y))
    total = graph.op("ScatterElements", filled(x, width), index, y, axis=0, reduction="add")
    degree = sum_by_target(filled(y, 1, value=1), 1)
    degree = graph.op("Max", degree, graph.constant(1, np.float32))
    x = graph.op("Add", x, graph.op("Div", total, degree))

    both = graph.op("Concat", graph.op("Gather", x, source), graph.op("Gather", x, target), axis=1)
    weight = graph.op("Exp", graph.op("Tanh", graph.dense(both, 2 * width, 1)))
    weight = graph.op("Div", weight, graph.op("Gather", sum_by_target(weight, 1), target))
    y = graph.op("Mul", weight, graph.dense(graph.op("Gather", x, source), width, width))
    x = graph.op("Relu", graph.op("Add", x, sum_by_target(y, width)))

    sums = graph.constant(np.zeros((graphs, width)), np.float32)
    y = graph.op("ScatterND", sums, graph.op("Unsqueeze", owner, one), x, reduction="add")
    graph.output(graph.dense(y, width, 1), [graphs, 1])

    def feeds(nodes: int, edges: int) -> Feeds:
        owners = np.sort(integers(3, graphs, nodes))
        return {"x": normal(1, nodes, width), "edges": integers(2, nodes, 2, edges), "owner": owners}

    return Built(graph.model(), [feeds(2000, 16000), feeds(1500, 9000), feeds(40, 100)])


@builder
def trees() -> Built:
    """A gradient-boosted ensemble: 300 trees of depth 6 over 30 features, with missing values."""
    features, count, depth = 30, 300, 6
    inner, leaves = 2**depth - 1, 2**depth
    size = inner + leaves
    node = np.tile(np.arange(size), count)
    tree = np.repeat(np.arange(count), size)
    is_leaf = node >= inner
    random = np.random.default_rng(0)
    graph = GraphBuilder("trees")
    y = graph.op(
        "TreeEnsembleRegressor",
        graph.input("x", ["batch", features]),
        domain="ai.onnx.ml",
        nodes_treeids=tree,
        nodes_nodeids=node,
        nodes_featureids=np.where(is_leaf, 0, random.integers(0, features, len(node))),
        nodes_modes=np.where(is_leaf, "LEAF", "BRANCH_LT"),
        nodes_values=np.where(is_leaf, 0, random.standard_normal(len(node))).astype(np.float32),
        nodes_truenodeids=np.where(is_leaf, 0, 2 * node + 1),
        nodes_falsenodeids=np.where(is_leaf, 0, 2 * node + 2),
        nodes_missing_value_tracks_true=random.integers(0, 2, len(node)),
        target_treeids=tree[is_leaf],
        target_nodeids=node[is_leaf],
        target_ids=np.zeros(count * leaves, int),
        target_weights=random.standard_normal(count * leaves).astype(np.float32) / count,
        n_targets=1,
    )
    graph.output(y, ["batch", 1])

    def table(rows: int) -> Feeds:
        x = normal(1, rows, features)
        return {"x": np.where(normal(2, rows, features) > 2, np.float32(np.nan), x)}

    return Built(graph.model(), [table(rows) for rows in (5000, 1, 50)])
