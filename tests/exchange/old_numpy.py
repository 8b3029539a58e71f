"""What layers compute, in NumPy in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

Array = np.ndarray[Any, Any]


def conv(x: Array, w: Array, b: Array | None = None, stride: int = 1, pad: int = 0) -> Array:
    """Cross-correlation of images [N, C, H, W] with kernels [M, C, h, w], and a bias."""
    padded = np.pad(x.astype(np.float64), [(0, 0), (0, 0), (pad, pad), (pad, pad)])
    windows = sliding_window_view(padded, w.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]
    y = np.einsum("nchwij,mcij->nmhw", windows, w)
    return y if b is None else y + b[:, None, None]


def pool(x: Array, size: int, stride: int, combine: Callable[..., Array]) -> Array:
    """The maximum or mean of square windows."""
    windows = sliding_window_view(x, (size, size), axis=(2, 3))[:, :, ::stride, ::stride]
    return combine(windows, axis=(4, 5))


def batch_norm(x: Array, scale: Array, shift: Array, mean: Array, variance: Array, epsilon: float) -> Array:
    """By the statistics of each channel."""
    scale, shift, mean, variance = (v[:, None, None] for v in (scale, shift, mean, variance))
    return scale * (x - mean) / np.sqrt(variance + epsilon) + shift


def lrn(x: Array, size: int, alpha: float, beta: float, bias: float) -> Array:
    """Divided by the squares of `size` neighbouring channels."""
    reach = size // 2
    padded = np.pad(x * x, [(0, 0), (reach, reach), (0, 0), (0, 0)])
    squares = sliding_window_view(padded, size, axis=1).sum(-1)
    return x / (bias + alpha / size * squares) ** beta


def dense(x: Array, w: Array, b: Array) -> Array:
    """Rows [N, K] times weights [M, K], and a bias."""
    return x.astype(np.float64) @ w.T + b


def relu(x: Array) -> Array:
    """Nothing below 0."""
    return np.maximum(x, 0)


def softmax(x: Array) -> Array:
    """Probabilities along the last axis."""
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)
