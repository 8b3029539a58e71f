"""Features and class scores."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from jitrt.dims import prod
from jitrt.opdef import host_operator, operator
from jitrt.tensor import Tensor

from ..gather import gather

ML = "ai.onnx.ml"
MAX_UNROLLED = 64


@operator("ArrayFeatureExtractor", since=1, domain=ML)
def array_feature_extractor(X: Tensor, Y: Tensor) -> Tensor:
    """Elements of the last dimension. https://onnx.ai/onnx/operators/onnx_aionnxml_ArrayFeatureExtractor.html"""
    indices = Y.reshape([Y.size])
    matrix = X.reshape([prod(X.shape[:-1]), X.shape[-1]])
    picked = gather(matrix, indices, axis=1)
    return picked if X.ndim == 1 else picked.reshape([*X.shape[:-1], Y.size])


@host_operator("ZipMap", since=1, domain=ML)
def zip_map(
    X: np.ndarray[Any, Any],
    *,
    classlabels_int64s: list[int] | None = None,
    classlabels_strings: list[str] | None = None,
) -> list[dict[Any, float]]:
    """A dictionary for each row, by class. https://onnx.ai/onnx/operators/onnx_aionnxml_ZipMap.html"""
    labels = classlabels_strings or classlabels_int64s or []
    rows = X if X.ndim == 2 else np.atleast_2d(X)
    if rows.shape[1] != len(labels):
        raise ValueError(f"Input features_per_batch[{rows.shape[1]}] != number of classlabels[{len(labels)}]")
    return _zipper(tuple(labels))(rows.T.tolist())


@lru_cache
def _zipper(labels: tuple[Any, ...]) -> Callable[[list[list[float]]], list[dict[Any, float]]]:
    """A function of columns; for the classes 0 and 1

        lambda columns: [{0: v0, 1: v1} for v0, v1 in zip(*columns)]

    because a displayed dictionary is built several times faster than by `dict(zip(...))`.
    """
    if not 0 < len(labels) <= MAX_UNROLLED:
        return lambda columns: [dict(zip(labels, row, strict=True)) for row in zip(*columns, strict=True)]
    values = ", ".join(f"v{i}" for i in range(len(labels)))
    items = ", ".join(f"{label!r}: v{i}" for i, label in enumerate(labels))
    function: Callable[[list[list[float]]], list[dict[Any, float]]]
    function = eval(f"lambda columns: [{{{items}}} for {values}, in zip(*columns)]")
    return function
