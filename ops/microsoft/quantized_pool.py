"""Pooling of 8-bit tensors."""

from __future__ import annotations

from jitrt.calls import cast_tensor
from jitrt.dims import prod
from jitrt.expr import cast
from jitrt.opdef import operator
from jitrt.tensor import Tensor, map_tensors, reduce_tensor
from jitrt.types import F32, I32

from .._quantization import dequantize_tensor, requantize_tensor
from .._shared import size_tensor
from ..pool import average_pool, max_pool
from ._quantized import MICROSOFT, saturated, scalar, shifted


@operator("QLinearGlobalAveragePool", since=1, domain=MICROSOFT)
def qlinear_global_average_pool(
    X: Tensor,
    x_scale: Tensor,
    x_zero_point: Tensor,
    y_scale: Tensor,
    y_zero_point: Tensor,
    *,
    channels_last: int = 0,
) -> Tensor:
    """The mean of each channel.

    https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.QLinearGlobalAveragePool
    """
    axes = range(1, X.ndim - 1) if channels_last else range(2, X.ndim)
    total = reduce_tensor(cast_tensor(X, I32), "sum", axes)
    count = size_tensor(prod(X.shape[a] for a in axes))
    offset = map_tensors(lambda z, n: cast(z, I32) * cast(n, I32), scalar(x_zero_point), count)
    ratio = map_tensors(lambda x, y, n: x / (y * cast(n, F32)), scalar(x_scale), scalar(y_scale), count)
    return requantize_tensor(map_tensors(lambda t, o: t - o, total, offset), ratio, scalar(y_zero_point))


@operator("QLinearAveragePool", since=1, domain=MICROSOFT)
def qlinear_average_pool(
    X: Tensor,
    x_scale: Tensor,
    x_zero_point: Tensor | None,
    y_scale: Tensor,
    y_zero_point: Tensor | None = None,
    *,
    kernel_shape: list[int],
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    channels_last: int = 0,
    count_include_pad: int = 0,
    pads: list[int] | None = None,
    strides: list[int] | None = None,
) -> Tensor:
    """The mean of each window.

    https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.QLinearAveragePool
    """
    means = average_pool(
        dequantize_tensor(
            _channels_first(X) if channels_last else X, scalar(x_scale), scalar(x_zero_point), F32
        ),
        kernel_shape=kernel_shape,
        auto_pad=auto_pad,
        ceil_mode=ceil_mode,
        count_include_pad=count_include_pad,
        pads=pads,
        strides=strides,
    )
    Y = map_tensors(
        lambda m, s, z: saturated(shifted(m / s, z), X.dtype), means, scalar(y_scale), scalar(y_zero_point)
    )
    return _channels_last(Y) if channels_last else Y


@operator("NhwcMaxPool", since=1, domain=MICROSOFT)
def nhwc_max_pool(
    x: Tensor,
    *,
    kernel_shape: list[int],
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    dilations: list[int] | None = None,
    pads: list[int] | None = None,
    strides: list[int] | None = None,
) -> Tensor:
    """The maximum of each window of [N, spatial..., C].

    https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.NhwcMaxPool
    """
    (y,) = max_pool(
        _channels_first(x),
        kernel_shape=kernel_shape,
        auto_pad=auto_pad,
        ceil_mode=ceil_mode,
        dilations=dilations,
        pads=pads,
        strides=strides,
    )
    return _channels_last(y)


def _channels_first(x: Tensor) -> Tensor:
    return x.permute([0, x.ndim - 1, *range(1, x.ndim - 1)])


def _channels_last(x: Tensor) -> Tensor:
    return x.permute([0, *range(2, x.ndim), 1])
