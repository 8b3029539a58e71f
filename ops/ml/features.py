"""Features picked by index."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitrt.dims import prod
from jitrt.opdef import operator
from jitrt.tensor import Tensor

from .._host_forms import host_form
from ..gather import gather
from ._scores import ML


@operator("ArrayFeatureExtractor", since=1, domain=ML)
def array_feature_extractor(X: Tensor, Y: Tensor) -> Tensor:
    """Elements of the last dimension. https://onnx.ai/onnx/operators/onnx_aionnxml_ArrayFeatureExtractor.html"""
    indices = Y.reshape([Y.size])
    matrix = X.reshape([prod(X.shape[:-1]), X.shape[-1]])
    picked = gather(matrix, indices, axis=1)
    return picked if X.ndim == 1 else picked.reshape([*X.shape[:-1], Y.size])


@host_form(array_feature_extractor)
def array_feature_extractor_values(X: Any, Y: Any) -> Any:
    """ArrayFeatureExtractor of strings."""
    return np.take(np.atleast_2d(X), Y.ravel(), -1)
