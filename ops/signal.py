"""Signals: Fourier transforms, windows, and the mel scale."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jitrt import expr as ex
from jitrt.calls import cast_tensor
from jitrt.dims import Dim, prod
from jitrt.opdef import operator
from jitrt.tensor import Tensor, concatenate, constant, known, known_sizes, map_indices
from jitrt.types import F64, from_onnx

from ._fft import fft, framed_fft, real_fft, real_inverse_fft
from ._shared import size_tensor, widen

MEL, HERTZ = 2595.0, 700.0  # mel = MEL * log10(1 + hertz / HERTZ)


@operator("DFT", since=20)
def dft(
    input: Tensor,
    dft_length: Tensor | None = None,
    axis: Tensor | None = None,
    *,
    inverse: int = 0,
    onesided: int = 0,
) -> Tensor:
    """Discrete Fourier transform along an axis. https://onnx.ai/onnx/operators/onnx__DFT.html"""
    return _dft(input, dft_length, -2 if axis is None else _integer(axis), inverse, onesided)


@operator("DFT", since=17)
def dft_17(
    input: Tensor, dft_length: Tensor | None = None, *, axis: int = 1, inverse: int = 0, onesided: int = 0
) -> Tensor:
    """Discrete Fourier transform along an axis. https://onnx.ai/onnx/operators/onnx__DFT.html"""
    return _dft(input, dft_length, axis, inverse, onesided)


def _dft(input: Tensor, dft_length: Tensor | None, axis: int, inverse: int, onesided: int) -> Tensor:
    rank = input.ndim
    if not (-rank <= axis <= -2 or 0 <= axis <= rank - 2):
        raise ValueError(f"axis {axis} is not in [{-rank}, -2] or [0, {rank - 2}]")
    x, axis = _with_parts(input), axis % rank
    real_output = bool(inverse and onesided)
    if dft_length is not None:
        n = _integer(dft_length)
    else:
        n = int(2 * (x.shape[axis] - 1) if real_output else x.shape[axis])
    if n < 1:
        raise ValueError(f"dft_length must be greater than zero, got {n}")
    x = _resized(x, axis, n // 2 + 1 if real_output else n)
    before, after, parts = x.shape[:axis], x.shape[axis + 1 : -1], x.shape[-1]
    if onesided and parts != (2 if inverse else 1):
        expected = "complex" if inverse else "real"
        raise ValueError(f"a one-sided transform needs {expected} input, got {input}")
    x = x.reshape([prod(before), x.shape[axis], prod(after), parts])
    if real_output:
        y = real_inverse_fft(x, n)
    else:
        y = real_fft(x) if onesided else fft(x, inverse=bool(inverse))
    return cast_tensor(y.reshape([*before, y.shape[1], *after, y.shape[3]]), input.dtype)


@operator("STFT", since=17)
def stft(
    signal: Tensor,
    frame_step: Tensor,
    window: Tensor | None = None,
    frame_length: Tensor | None = None,
    *,
    onesided: int = 1,
) -> Tensor:
    """Fourier transforms of windows that slide over a signal. https://onnx.ai/onnx/operators/onnx__STFT.html"""
    if signal.ndim not in (2, 3):
        raise ValueError(f"signal must have the shape [batch, length] or [..., 1 or 2], got {signal}")
    x = _with_parts(signal if signal.ndim == 3 else signal.reshape([*signal.shape, 1]))
    if onesided and x.shape[2] != 1:
        raise ValueError(f"a one-sided transform needs real input, got {signal}")
    if frame_length is not None:
        n = _integer(frame_length)
    else:
        n = int(x.shape[1] if window is None else window.shape[0])
    if window is not None and window.shape[0] != n:
        raise ValueError(f"window must have frame_length {n} elements, got {window}")
    (step,) = known_sizes(frame_step)
    if n < 1 or step < 1 or x.shape[1] < n:
        raise ValueError(f"frames of length {n}, {step} apart, do not fit the signal {signal}")
    y = framed_fft(x, step, n, None if window is None else widen(window), bool(onesided))
    return cast_tensor(y, signal.dtype)


def _with_parts(x: Tensor) -> Tensor:
    """The signal in float32 or wider; the size of its last dimension is known: 1 is real, 2 complex."""
    parts = int(x.shape[-1])
    if parts not in (1, 2):
        raise ValueError(f"the last dimension must be 1 (real) or 2 (complex), got {x}")
    return widen(x).reshape([*x.shape[:-1], parts])


def _resized(x: Tensor, axis: int, n: int) -> Tensor:
    """The first n elements along the axis, after which there are zeros."""
    length = x.shape[axis]
    if length == n:
        return x.reshape([*x.shape[:axis], n, *x.shape[axis + 1 :]])
    if length > n:
        return x.slice(axis, 0, n)
    missing = [*x.shape[:axis], n - length, *x.shape[axis + 1 :]]
    return concatenate([x, constant(np.zeros((), x.dtype)).expand(missing)], axis)


@operator("HannWindow", since=17)
def hann_window(size: Tensor, *, output_datatype: int = 1, periodic: int = 1) -> Tensor:
    """0.5 - 0.5 cos. https://onnx.ai/onnx/operators/onnx__HannWindow.html"""
    return _window(size, output_datatype, periodic, [0.5, -0.5])


@operator("HammingWindow", since=17)
def hamming_window(size: Tensor, *, output_datatype: int = 1, periodic: int = 1) -> Tensor:
    """25 / 46 - 21 / 46 cos. https://onnx.ai/onnx/operators/onnx__HammingWindow.html"""
    return _window(size, output_datatype, periodic, [25 / 46, -21 / 46])


@operator("BlackmanWindow", since=17)
def blackman_window(size: Tensor, *, output_datatype: int = 1, periodic: int = 1) -> Tensor:
    """0.42 - 0.5 cos + 0.08 cos of twice. https://onnx.ai/onnx/operators/onnx__BlackmanWindow.html"""
    return _window(size, output_datatype, periodic, [0.42, -0.5, 0.08])


def _window(size: Tensor, output_datatype: int, periodic: int, weights: Sequence[float]) -> Tensor:
    """The sum of weight k times cos(2 pi k i / period) at position i."""
    (n,) = known_sizes(size)
    period = n if periodic else n - 1

    def value(position: Any, period: Any, cos: Callable[[Any], Any]) -> Any:
        turn = position * (2 * np.pi) / period
        return sum((w * cos(k * turn) for k, w in enumerate(weights[1:], 1)), weights[0])

    dtype = from_onnx(output_datatype)
    if not isinstance(n, Dim):
        with np.errstate(invalid="ignore"):  # a symmetric window of one element has no period
            return constant(value(np.arange(n), period, np.cos).astype(dtype))
    return map_indices(
        lambda i, p: ex.cast(value(ex.cast(i, F64), ex.cast(p, F64), ex.cos), dtype),
        (n,),
        size_tensor(period),
    )


@operator("MelWeightMatrix", since=17)
def mel_weight_matrix(
    num_mel_bins: Tensor,
    dft_length: Tensor,
    sample_rate: Tensor,
    lower_edge_hertz: Tensor,
    upper_edge_hertz: Tensor,
    *,
    output_datatype: int = 1,
) -> Tensor:
    """Triangles in frequency, evenly spaced in mel. https://onnx.ai/onnx/operators/onnx__MelWeightMatrix.html"""
    bands, n, rate = map(_integer, (num_mel_bins, dft_length, sample_rate))
    low, high = (MEL * np.log10(1 + _real(t) / HERTZ) for t in (lower_edge_hertz, upper_edge_hertz))
    mel = low + np.arange(bands + 2) * ((high - low) / (bands + 2))
    edges = np.floor((n + 1) * HERTZ * (10 ** (mel / MEL) - 1) / rate)
    left, center, right = edges[:-2], edges[1:-1], edges[2:]
    bins = np.arange(n // 2 + 1)[:, None]
    rising = (bins - left) / np.maximum(center - left, 1)
    falling = (right - bins) / np.maximum(right - center, 1)
    weights = np.where(bins < center, rising, np.where(bins > center, falling, 1))
    return constant(np.maximum(weights, 0).astype(from_onnx(output_datatype)))


def _integer(t: Tensor) -> int:
    return int(known_sizes(t)[0])


def _real(t: Tensor) -> float:
    return float(known(t).ravel()[0])
