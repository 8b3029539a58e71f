"""Pooling over windows. Kernels run on channels-last tensors [N, D, H, W * C], vectorised over C or W * C."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jitrt.calls import cast_tensor, launch
from jitrt.dims import Size, prod
from jitrt.expr import absolute, power, sqrt
from jitrt.opdef import operator
from jitrt.tensor import Tensor, constant, map_tensors, reduce_tensor
from jitrt.types import I64, is_float

from ._shared import mean, widen


@dataclass(frozen=True)
class Window:
    """A sliding window, per spatial axis: size, step, dilation, padding before and after, positions."""

    kernel: list[int]
    strides: list[int]
    dilations: list[int]
    before: list[Size]
    after: list[Size]
    output: list[Size]

    def scalars(self) -> list[Size]:
        """Size, step, dilation and padding before, of three axes each: what the kernels take."""
        lead = 3 - len(self.kernel)
        return [
            *([1] * lead + self.kernel),
            *([1] * lead + self.strides),
            *([1] * lead + self.dilations),
            *([0] * lead + self.before),
        ]


def window(
    spatial: Sequence[Size],
    kernel: list[int],
    strides: list[int] | None,
    dilations: list[int] | None,
    pads: list[int] | None,
    auto_pad: str,
    ceil_mode: int,
) -> Window:
    """The window that the attributes of a pooling operator describe on a tensor of these spatial sizes."""
    rank = len(kernel)
    strides, dilations, pads = strides or [1] * rank, dilations or [1] * rank, pads or [0] * 2 * rank
    before: list[Size] = list(pads[:rank])
    after: list[Size] = list(pads[rank:])
    output: list[Size] = []
    for a in range(rank):
        reach = (kernel[a] - 1) * dilations[a] + 1
        size, stride = spatial[a], strides[a]
        if auto_pad in ("SAME_UPPER", "SAME_LOWER"):
            count = (size + stride - 1) // stride
            total = max((count - 1) * stride + reach - size, 0)
            small = total // 2
            before[a], after[a] = (
                (small, total - small) if auto_pad == "SAME_UPPER" else (total - small, small)
            )
            output.append(count)
            continue
        if auto_pad == "VALID":
            before[a] = after[a] = 0
        span = size + before[a] + after[a] - reach
        if not ceil_mode:
            output.append(span // stride + 1)
            continue
        count = (span + stride - 1) // stride + 1
        starts_in_padding = (count - 1) * stride >= size + before[a]
        output.append(count - 1 if starts_in_padding else count)
    return Window(kernel, strides, dilations, before, after, output)


def channels_last(x: Tensor) -> Tensor:
    """[N, C, spatial...] as [N, D, H, W * C], with D and H of size 1 where there are fewer spatial axes."""
    return x.permute([0, *range(2, x.ndim), 1]).reshape(_row_shape(x.shape, x.shape[2:]))


def channels_first(y: Tensor, shape: Sequence[Size], spatial: Sequence[Size]) -> Tensor:
    """The inverse of `channels_last`, for a tensor of other spatial sizes than `shape` has."""
    rank = len(spatial)
    return y.reshape([shape[0], *spatial, shape[1]]).permute([0, rank + 1, *range(1, rank + 1)])


def _row_shape(shape: Sequence[Size], spatial: Sequence[Size]) -> list[Size]:
    return [shape[0], *[1] * (3 - len(spatial)), *spatial[:-1], spatial[-1] * shape[1]]


@operator("MaxPool", since=1)
def max_pool(
    X: Tensor,
    *,
    kernel_shape: list[int],
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    dilations: list[int] | None = None,
    pads: list[int] | None = None,
    storage_order: int = 0,
    strides: list[int] | None = None,
    output_count: int = 1,
) -> list[Tensor]:
    """The maximum of each window, and where it is. https://onnx.ai/onnx/operators/onnx__MaxPool.html"""
    w = window(X.shape[2:], kernel_shape, strides, dilations, pads, auto_pad, ceil_mode)
    rows = _row_shape(X.shape, w.output)
    lowest = -np.inf if is_float(X.dtype) else np.iinfo(X.dtype).min
    results = launch(
        max_windows if output_count == 1 else max_windows_and_places,
        channels_last(X),
        constant(np.array([lowest], X.dtype)),
        outputs=[(X.dtype, rows), (I64, rows)][:output_count],
        scalars=[X.shape[1], *w.scalars(), *[storage_order][: output_count - 1]],
        extent=prod(rows[:3]),
        flops=prod(rows) * prod(kernel_shape),
    )
    return [channels_first(y, X.shape, w.output) for y in results]


@operator("AveragePool", since=7)
def average_pool(
    X: Tensor,
    *,
    kernel_shape: list[int],
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    count_include_pad: int = 0,
    dilations: list[int] | None = None,
    pads: list[int] | None = None,
    strides: list[int] | None = None,
) -> Tensor:
    """The mean of each window. https://onnx.ai/onnx/operators/onnx__AveragePool.html"""
    w = window(X.shape[2:], kernel_shape, strides, dilations, pads, auto_pad, ceil_mode)
    return _sum_pool(X, w, [1, count_include_pad, *[0] * (5 - X.ndim), *w.after])


@operator("LpPool", since=2)
def lp_pool(
    X: Tensor,
    *,
    kernel_shape: list[int],
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    dilations: list[int] | None = None,
    p: int = 2,
    pads: list[int] | None = None,
    strides: list[int] | None = None,
) -> Tensor:
    """The p-norm of each window. https://onnx.ai/onnx/operators/onnx__LpPool.html"""
    w = window(X.shape[2:], kernel_shape, strides, dilations, pads, auto_pad, ceil_mode)
    total = _sum_pool(_powers(widen(X), p), w, [0, 0, 0, 0, 0])
    return cast_tensor(_root(total, p), X.dtype)


def _sum_pool(X: Tensor, w: Window, counting: Sequence[Size]) -> Tensor:
    """Sums or means over windows; `counting` is the last scalars of `sum_windows`."""
    rows = _row_shape(X.shape, w.output)
    (y,) = launch(
        sum_windows,
        channels_last(X),
        outputs=[(X.dtype, rows)],
        scalars=[X.shape[1], *w.scalars(), *counting],
        extent=prod(rows[:3]),
        flops=prod(rows) * prod(w.kernel),
    )
    return channels_first(y, X.shape, w.output)


@operator("GlobalAveragePool", since=1)
def global_average_pool(X: Tensor) -> Tensor:
    """The mean of each channel. https://onnx.ai/onnx/operators/onnx__GlobalAveragePool.html"""
    return cast_tensor(mean(widen(X), range(2, X.ndim)), X.dtype)


@operator("GlobalMaxPool", since=1)
def global_max_pool(X: Tensor) -> Tensor:
    """The maximum of each channel. https://onnx.ai/onnx/operators/onnx__GlobalMaxPool.html"""
    return reduce_tensor(X, "max", range(2, X.ndim))


@operator("GlobalLpPool", since=2)
def global_lp_pool(X: Tensor, *, p: int = 2) -> Tensor:
    """The p-norm of each channel. https://onnx.ai/onnx/operators/onnx__GlobalLpPool.html"""
    total = reduce_tensor(_powers(widen(X), p), "sum", range(2, X.ndim))
    return cast_tensor(_root(total, p), X.dtype)


def _powers(x: Tensor, p: int) -> Tensor:
    if p == 2:
        return map_tensors(lambda x: x * x, x)
    return map_tensors(absolute if p == 1 else lambda x: power(absolute(x), p), x)


def _root(x: Tensor, p: int) -> Tensor:
    if p == 1:
        return x
    return map_tensors(sqrt if p == 2 else lambda x: power(x, 1 / p), x)


def max_windows(Y, X, lowest, C, kd, kh, kw, sd, sh, sw, dd, dh, dw, pd, ph, pw, begin, end):
    """Maxima over windows, NaN where one is, `lowest` of none; a unit is a row of Y [N, D, H, W * C]."""
    D, H, W = X.shape[1], X.shape[2], X.shape[3] // C
    OD, OH, OW = Y.shape[1], Y.shape[2], Y.shape[3] // C
    for unit in range(begin, end):
        n, od, oh = unit // (OD * OH), unit // OH % OD, unit % OH
        d0, h0 = od * sd - pd, oh * sh - ph
        i0, i1 = first_tap(d0, dd), stop_tap(d0, dd, kd, D)
        j0, j1 = first_tap(h0, dh), stop_tap(h0, dh, kh, H)
        for x in range(OW * C):
            Y[n, od, oh, x] = lowest[0]
        if sw == 1:
            for i in range(i0, i1):
                for j in range(j0, j1):
                    for k in range(kw):
                        shift = k * dw - pw
                        for x in range(max(-shift, 0) * C, min(W - shift, OW) * C):
                            y = X[n, d0 + i * dd, h0 + j * dh, x + shift * C]
                            Y[n, od, oh, x] = larger(y, Y[n, od, oh, x])
            continue
        for ow in range(OW):
            w0 = ow * sw - pw
            k0, k1 = first_tap(w0, dw), stop_tap(w0, dw, kw, W)
            for i in range(i0, i1):
                for j in range(j0, j1):
                    max_taps(Y, X, n, od, oh, ow * C, d0 + i * dd, h0 + j * dh, w0, k0, k1, dw, C)


def max_taps(Y, X, n, od, oh, y, d, h, w, first, stop, step, C):
    """The maximum of a pixel and taps `first` to `stop` of a row of the window, three at a time."""
    for k in range(first, stop - 2, 3):
        a, b, e = (w + k * step) * C, (w + (k + 1) * step) * C, (w + (k + 2) * step) * C
        for c in range(C):
            pair = larger(X[n, d, h, a + c], X[n, d, h, b + c])
            last = larger(X[n, d, h, e + c], Y[n, od, oh, y + c])
            Y[n, od, oh, y + c] = larger(pair, last)
    for k in range(stop - max(stop - first, 0) % 3, stop):
        a = (w + k * step) * C
        for c in range(C):
            Y[n, od, oh, y + c] = larger(X[n, d, h, a + c], Y[n, od, oh, y + c])


def larger(x, y):
    """The larger of two, NaN if one is."""
    return x if (x > y) | (x != x) else y


def max_windows_and_places(
    Y, places, X, lowest, C, kd, kh, kw, sd, sh, sw, dd, dh, dw, pd, ph, pw, column_major, begin, end
):
    """As `max_windows`, with each maximum's position in the flattened [N, C, D, H, W] tensor.

    In column-major order the spatial axes count from the first, the fastest, to the last.
    """
    D, H, W = X.shape[1], X.shape[2], X.shape[3] // C
    OD, OH, OW = Y.shape[1], Y.shape[2], Y.shape[3] // C
    for unit in range(begin, end):
        n, od, oh = unit // (OD * OH), unit // OH % OD, unit % OH
        d0, h0 = od * sd - pd, oh * sh - ph
        for ow in range(OW):
            w0, y = ow * sw - pw, ow * C
            empty = True
            for c in range(C):
                Y[n, od, oh, y + c], places[n, od, oh, y + c] = lowest[0], 0
            for i in range(first_tap(d0, dd), stop_tap(d0, dd, kd, D)):
                for j in range(first_tap(h0, dh), stop_tap(h0, dh, kh, H)):
                    for k in range(first_tap(w0, dw), stop_tap(w0, dw, kw, W)):
                        d, h, w = d0 + i * dd, h0 + j * dh, w0 + k * dw
                        place = d + D * (h + H * w) if column_major else (d * H + h) * W + w
                        for c in range(C):
                            x, best = X[n, d, h, w * C + c], Y[n, od, oh, y + c]
                            if empty or x > best or (x != x and best == best):
                                Y[n, od, oh, y + c] = x
                                places[n, od, oh, y + c] = (n * C + c) * D * H * W + place
                        empty = False


def sum_windows(
    Y, X, C, kd, kh, kw, sd, sh, sw, dd, dh, dw, pd, ph, pw, average, count_padding, ad, ah, aw, begin, end
):
    """Sums over windows, divided if `average` by the elements in them; a unit is a row of Y [N, D, H, W * C].

    With `count_padding`, padding before and after (`ad, ah, aw`) counts as elements.
    """
    D, H, W = X.shape[1], X.shape[2], X.shape[3] // C
    OD, OH, OW = Y.shape[1], Y.shape[2], Y.shape[3] // C
    for unit in range(begin, end):
        n, od, oh = unit // (OD * OH), unit // OH % OD, unit % OH
        d0, h0 = od * sd - pd, oh * sh - ph
        i0, i1 = first_tap(d0, dd), stop_tap(d0, dd, kd, D)
        j0, j1 = first_tap(h0, dh), stop_tap(h0, dh, kh, H)
        for x in range(OW * C):
            Y[n, od, oh, x] = 0
        for i in range(i0, i1):
            for j in range(j0, j1):
                d, h = d0 + i * dd, h0 + j * dh
                if sw == 1:
                    for k in range(kw):
                        shift = k * dw - pw
                        for x in range(max(-shift, 0) * C, min(W - shift, OW) * C):
                            Y[n, od, oh, x] += X[n, d, h, x + shift * C]
                    continue
                for ow in range(OW):
                    w0, y = ow * sw - pw, ow * C
                    for k in range(first_tap(w0, dw), stop_tap(w0, dw, kw, W)):
                        a = (w0 + k * dw) * C
                        for c in range(C):
                            Y[n, od, oh, y + c] += X[n, d, h, a + c]
        if count_padding:
            rows = stop_tap(d0, dd, kd, D + ad) * stop_tap(h0, dh, kh, H + ah)
        else:
            rows = max(i1 - i0, 0) * max(j1 - j0, 0)
        for ow in range(OW if average else 0):
            w0 = ow * sw - pw
            if count_padding:
                count = rows * stop_tap(w0, dw, kw, W + aw)
            else:
                count = rows * max(stop_tap(w0, dw, kw, W) - first_tap(w0, dw), 0)
            if count > 1:
                for c in range(C):
                    Y[n, od, oh, ow * C + c] /= count


def first_tap(start, step):
    """The first tap of a window from `start` that is not before element 0."""
    return (step - 1 - start) // step if start < 0 else 0


def stop_tap(start, step, taps, size):
    """One past the last tap of a window from `start` that is before element `size`."""
    return min(taps, (size - start + step - 1) // step)
