"""Transformers over tokens: a block, an encoder, and a decoder with a cache, as exporters write them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from onnx import TensorProto

from bench.engines import Feeds
from bench.models.graph import Built, GraphBuilder, Shape, builder, integers, normal

Dense = Callable[[str, int, int], str]


def split_heads(graph: GraphBuilder, x: str, heads: int, *order: int) -> str:
    """x[batch, sequence, heads * size] with its axes batch, sequence, head, size in the given order."""
    return graph.op("Transpose", graph.reshape(x, 0, 0, heads, -1), perm=order)


def merge_heads(graph: GraphBuilder, x: str) -> str:
    """x[batch, heads, sequence, size] to [batch, sequence, heads * size]."""
    return graph.reshape(graph.op("Transpose", x, perm=[0, 2, 1, 3]), 0, 0, -1)


def scaled(graph: GraphBuilder, x: str, factor: float) -> str:
    """x times a constant."""
    return graph.op("Mul", x, graph.constant(factor, np.float32))


def erf_gelu(graph: GraphBuilder, x: str) -> str:
    """GELU out of Erf, as before opset 20."""
    erf = graph.op("Erf", graph.op("Div", x, graph.constant(2**0.5, np.float32)))
    return scaled(graph, graph.op("Mul", x, graph.op("Add", erf, graph.constant(1, np.float32))), 0.5)


@builder
def transformer_block() -> Built:
    """A pre-norm encoder block: four heads of 64, GELU, dynamic batch and sequence."""
    width, heads = 256, 4
    graph = GraphBuilder("transformer-block")
    x = graph.input("x", ["batch", "sequence", width])
    y = graph.layer_norm(x, width)
    q, k, v = (
        split_heads(graph, graph.dense(y, width, width), heads, *order)
        for order in ((0, 2, 1, 3), (0, 2, 3, 1), (0, 2, 1, 3))
    )
    scores = graph.op("Softmax", scaled(graph, graph.op("MatMul", q, k), (width // heads) ** -0.5))
    x = graph.op("Add", x, graph.dense(merge_heads(graph, graph.op("MatMul", scores, v)), width, width))
    hidden = graph.op("Gelu", graph.dense(graph.layer_norm(x, width), width, 4 * width))
    y = graph.op("Add", x, graph.dense(hidden, 4 * width, width))
    graph.output(y, ["batch", "sequence", width])
    shapes = ((1, 128), (4, 37), (1, 9))
    return Built(graph.model(), [{"x": normal(1, *shape, width)} for shape in shapes])


def write_encoder(graph: GraphBuilder, width: int, heads: int, dense: Dense, layers: int = 2) -> None:
    """Embeddings of tokens, positions and segments, post-norm blocks with a padding mask, a pooled vector."""
    names = ("input_ids", "attention_mask", "token_type_ids")
    ids, mask, segments = (graph.input(name, ["batch", "sequence"], TensorProto.INT64) for name in names)
    positions = graph.constant(np.arange(512)[None])
    length = graph.op("Shape", ids, start=1)
    positions = graph.op("Slice", positions, graph.constant([0]), length, graph.constant([1]))
    tables = [(1000, ids), (2, segments), (512, positions)]
    embedded = [graph.op("Gather", graph.weight(rows, width, fan_in=1), of) for rows, of in tables]
    x = graph.op("Add", graph.op("Add", embedded[0], embedded[1]), embedded[2])
    x = graph.layer_norm(x, width)
    keep = graph.op("Cast", graph.op("Unsqueeze", mask, graph.constant([1, 2])), to=TensorProto.FLOAT)
    penalty = scaled(graph, graph.op("Sub", graph.constant(1, np.float32), keep), -10000.0)
    for _ in range(layers):
        q, k, v = (
            split_heads(graph, dense(x, width, width), heads, *order)
            for order in ((0, 2, 1, 3), (0, 2, 3, 1), (0, 2, 1, 3))
        )
        scores = scaled(graph, graph.op("MatMul", q, k), (width // heads) ** -0.5)
        scores = graph.op("Softmax", graph.op("Add", scores, penalty), axis=-1)
        mixed = dense(merge_heads(graph, graph.op("MatMul", scores, v)), width, width)
        x = graph.layer_norm(graph.op("Add", mixed, x), width)
        hidden = dense(erf_gelu(graph, dense(x, width, 4 * width)), 4 * width, width)
        x = graph.layer_norm(graph.op("Add", hidden, x), width)
    first = graph.op("Gather", x, graph.constant(0), axis=1)
    graph.output(x, ["batch", "sequence", width])
    graph.output(graph.op("Tanh", graph.dense(first, width, width)), ["batch", width])


def token_feeds(*shapes: tuple[int, int]) -> list[Feeds]:
    """Tokens of one or two sentences, the last tokens of all sequences but the first padded."""
    feeds = []
    for batch, length in shapes:
        mask = np.ones((batch, length), np.int64)
        mask[1:, -length // 4 :] = 0
        ids, segments = integers(1, 1000, batch, length), integers(2, 2, batch, length)
        feeds.append({"input_ids": ids, "attention_mask": mask, "token_type_ids": segments})
    return feeds


@builder
def encoder() -> Built:
    """Two layers of BERT's base size. https://arxiv.org/abs/1810.04805"""
    graph = GraphBuilder("encoder")
    write_encoder(graph, 768, 12, graph.dense)
    return Built(graph.model(), token_feeds((1, 128), (4, 37), (1, 9)))


@builder
def decoder() -> Built:
    """Two layers of GPT-2's size with a cache of keys and values: a step, a prompt, and a few tokens."""
    width, heads, layers, words = 768, 12, 2, 2048
    graph = GraphBuilder("decoder")
    ids = graph.input("input_ids", ["batch", "sequence"], TensorProto.INT64)
    past_shape: Shape = ["batch", heads, "past", width // heads]
    names = [f"{i}.{kind}" for i in range(layers) for kind in ("key", "value")]
    past = {name: graph.input(f"past_key_values.{name}", past_shape) for name in names}

    length = graph.op("Gather", graph.op("Shape", past["0.key"]), graph.constant(2))
    new = graph.op("Gather", graph.op("Shape", ids), graph.constant(1))
    total = graph.op("Add", length, new)
    positions = graph.op("Range", length, total, graph.constant(1))
    x = graph.op("Gather", graph.weight(words, width, fan_in=1), ids)
    x = graph.op("Add", x, graph.op("Gather", graph.weight(1024, width, fan_in=1), positions))
    keys = graph.op("Range", graph.constant(0), total, graph.constant(1))
    visible = graph.op("LessOrEqual", keys, graph.op("Unsqueeze", positions, graph.constant([1])))
    minus_infinity = graph.constant(-np.inf, np.float32)

    for i in range(layers):
        y = graph.dense(graph.layer_norm(x, width), width, 3 * width)
        y = graph.op("Split", y, axis=2, num_outputs=3, outputs=3)
        q, k, v = (split_heads(graph, part, heads, 0, 2, 1, 3) for part in (y, f"{y}_1", f"{y}_2"))
        k = graph.op("Concat", past[f"{i}.key"], k, axis=2)
        v = graph.op("Concat", past[f"{i}.value"], v, axis=2)
        scores = graph.op("MatMul", q, graph.op("Transpose", k, perm=[0, 1, 3, 2]))
        scores = graph.op("Where", visible, scaled(graph, scores, (width // heads) ** -0.5), minus_infinity)
        mixed = graph.op("MatMul", graph.op("Softmax", scores), v)
        x = graph.op("Add", x, graph.dense(merge_heads(graph, mixed), width, width))
        hidden = graph.dense(graph.layer_norm(x, width), width, 4 * width)
        hidden = graph.op("Gelu", hidden, approximate="tanh")
        x = graph.op("Add", x, graph.dense(hidden, 4 * width, width))
        names[2 * i : 2 * i + 2] = [k, v]
    logits = graph.op("MatMul", graph.layer_norm(x, width), graph.weight(width, words))
    graph.output(logits, ["batch", "sequence", words])
    for name in names:
        graph.output(name, ["batch", heads, "total", width // heads])

    def feeds(batch: int, new: int, past: int) -> Feeds:
        cache = {name.name: normal(2, batch, heads, past, width // heads) for name in graph.inputs[1:]}
        return {"input_ids": integers(1, words, batch, new), **cache}

    return Built(graph.model(), [feeds(1, 1, 128), feeds(1, 64, 0), feeds(1, 5, 3)])
