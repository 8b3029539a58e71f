"""Pooling over windows. Kernels run on channels-last tensors [N, D, H, W * C], vectorised over C or W * C."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jitrt.calls import cast_tensor, launch
from jitrt.convolutions import ConvAttributes
from jitrt.dims import Size, prod
from jitrt.expr import absolute, power, sqrt
from jitrt.gradient import wants_gradients
from jitrt.opdef import operator
from jitrt.pooling import Pooling
from jitrt.quantized import quantized_form
from jitrt.tensor import Tensor, constant, map_tensors, reduce_tensor
from jitrt.types import BF16, F16, F32, I64, is_float

from ._quantization import dequantized_tensor
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

    @property
    def attributes(self) -> ConvAttributes:
        """The window as convolutions have it."""
        pads: tuple[Any, ...] = (*self.before, *self.after)
        axes = tuple(self.kernel), tuple(self.strides), tuple(self.dilations)
        return ConvAttributes(*axes, pads, groups=1)

    def scalars(self) -> list[Size]:
        """Size, step, dilation and padding before, of three axes each: what the kernels take."""
        lead = 3 - len(self.kernel)
        return [
            *([1] * lead + self.kernel),
            *([1] * lead + self.strides),
            *([1] * lead + self.dilations),
            *([0] * lead + self.before),
        ]

    def counted(self, padding: bool) -> list[Size]:
        """The padding before and after three axes that counts as elements."""
        lead = [0] * (3 - len(self.kernel))
        return [*lead, *self.before, *lead, *self.after] if padding else [0] * 6


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
    if rank != len(spatial) or rank > 3:
        raise ValueError(f"expected a kernel_shape for 1 to 3 spatial axes, got {kernel} for {len(spatial)}")
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
    if output_count == 1:
        form = quantized_form(X)
        if form is not None and form.is_increasing:
            y = _largest(form.codes, w)
            return [dequantized_tensor(y, form.scale, form.zero, X.dtype)]
        return [_largest(X, w)]
    rows = _row_shape(X.shape, w.output)
    results = launch(
        max_windows_and_places,
        channels_last(X),
        _lowest(X),
        outputs=[(X.dtype, rows), (I64, rows)],
        scalars=[X.shape[1], *w.scalars(), storage_order],
        extent=prod(rows[:3]),
        flops=prod(rows) * prod(kernel_shape),
    )
    return [channels_first(y, X.shape, w.output) for y in results]


def _lowest(X: Tensor) -> Tensor:
    """What no element of X is below, as a vector of one."""
    return constant(np.array([-np.inf if is_float(X.dtype) else np.iinfo(X.dtype).min], X.dtype))


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
    return _pool(mean_windows, X, w, _zero(X), counts_padding=bool(count_include_pad))


@operator("AveragePool", since=1)
def average_pool_1(
    X: Tensor,
    *,
    kernel_shape: list[int],
    auto_pad: str = "NOTSET",
    pads: list[int] | None = None,
    strides: list[int] | None = None,
) -> Tensor:
    """The mean of each window. https://onnx.ai/onnx/operators/onnx__AveragePool.html"""
    w = window(X.shape[2:], kernel_shape, strides, None, pads, auto_pad, 0)
    return _pool(mean_windows, X, w, _zero(X))


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
    powers = _powers(widen(X), p)
    total = _pool(sum_windows, powers, w, _zero(powers))
    return cast_tensor(_root(total, p), X.dtype)


@operator("LpPool", since=1)
def lp_pool_1(
    X: Tensor,
    *,
    kernel_shape: list[int] | None = None,
    auto_pad: str = "NOTSET",
    p: float = 2.0,
    pads: list[int] | None = None,
    strides: list[int] | None = None,
) -> Tensor:
    """The p-norm of each window. https://onnx.ai/onnx/operators/onnx__LpPool.html"""
    if kernel_shape is None:
        raise ValueError("LpPool needs a kernel_shape")
    w = window(X.shape[2:], kernel_shape, strides, None, pads, auto_pad, 0)
    powers = _powers(widen(X), p)
    total = _pool(sum_windows, powers, w, _zero(powers))
    return cast_tensor(_root(total, p), X.dtype)


def _zero(X: Tensor) -> Tensor:
    return constant(np.zeros(1, X.dtype))


def _largest(X: Tensor, w: Window) -> Tensor:
    """The maximum of each window."""
    last, rank = X.permute([0, *range(2, X.ndim), 1]), len(w.kernel)
    wide = cast_tensor(last, F32) if X.dtype in (F16, BF16) else last
    if not Pooling.serves(wide) or wants_gradients():
        return _pool(max_windows, X, w, _lowest(X))
    (y,) = Pooling("max", wide, w.attributes, w.output).outputs
    return cast_tensor(y.permute([0, rank + 1, *range(1, rank + 1)]), X.dtype)


def _pool(
    kernel: Callable[..., None], X: Tensor, w: Window, initial: Tensor, counts_padding: bool = False
) -> Tensor:
    """Windows combined by one of the kernels below."""
    rows = _row_shape(X.shape, w.output)
    (y,) = launch(
        kernel,
        channels_last(X),
        initial,
        outputs=[(X.dtype, rows)],
        scalars=[X.shape[1], *w.scalars(), *w.counted(counts_padding)],
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


@operator("GlobalLpPool", since=1)
def global_lp_pool_1(X: Tensor, *, p: float = 2.0) -> Tensor:
    """The p-norm of each channel. https://onnx.ai/onnx/operators/onnx__GlobalLpPool.html"""
    return global_lp_pool(X, p=p)


@operator("GlobalLpPool", since=2)
def global_lp_pool(X: Tensor, *, p: int = 2) -> Tensor:
    """The p-norm of each channel. https://onnx.ai/onnx/operators/onnx__GlobalLpPool.html"""
    total = reduce_tensor(_powers(widen(X), p), "sum", range(2, X.ndim))
    return cast_tensor(_root(total, p), X.dtype)


def _powers(x: Tensor, p: float) -> Tensor:
    if p == 2:
        return map_tensors(lambda x: x * x, x)
    return map_tensors(absolute if p == 1 else lambda x: power(absolute(x), p), x)


def _root(x: Tensor, p: float) -> Tensor:
    if p == 1:
        return x
    return map_tensors(sqrt if p == 2 else lambda x: power(x, 1 / p), x)


def larger(x, y):
    """The larger of two, NaN if one is."""
    return x if (x > y) | (x != x) else y


def add(x, y):
    """The sum of two."""
    return x + y


def divide(total, count):
    """The mean of `count` elements, 0 of none."""
    return total / count if count > 0 else total


def keep(y, count):
    """What a window gives that is no mean."""
    return y


def window_kernel(name, combine, finish):
    """The kernel that combines the elements of windows, and finishes with their number."""

    def kernel(
        Y, X, initial, C, kd, kh, kw, sd, sh, sw, dd, dh, dw, pd, ph, pw, bd, bh, bw, ad, ah, aw, begin, end
    ):
        """A unit is a row of Y [N, D, H, W * C]; `initial` is what a window of nothing gives.

        Padding of `bd, bh, bw` before and `ad, ah, aw` after counts as elements.
        """
        D, H, W = X.shape[1], X.shape[2], X.shape[3] // C
        OD, OH, OW = Y.shape[1], Y.shape[2], Y.shape[3] // C
        for unit in range(begin, end):
            n, od, oh = unit // (OD * OH), unit // OH % OD, unit % OH
            d0, h0 = od * sd - pd, oh * sh - ph
            rows = taps_between(d0, dd, kd, -bd, D + ad) * taps_between(h0, dh, kh, -bh, H + ah)
            for x in range(OW * C):
                Y[n, od, oh, x] = initial[0]
            ow = 0
            while ow < OW:
                w0 = ow * sw - pw
                k0, k1 = first_tap(w0, dw, 0), stop_tap(w0, dw, kw, W)
                # windows a pixel apart whose taps are all inside go together
                run = min(OW, W + pw - (kw - 1) * dw) - ow if sw == 1 and k1 - k0 == kw else 1
                for i in range(first_tap(d0, dd, 0), stop_tap(d0, dd, kd, D)):
                    for j in range(first_tap(h0, dh, 0), stop_tap(h0, dh, kh, H)):
                        d, h, y = d0 + i * dd, h0 + j * dh, ow * C
                        for k in range(k0, k1 - 2, 3):
                            a, b, e = (w0 + k * dw) * C, (w0 + (k + 1) * dw) * C, (w0 + (k + 2) * dw) * C
                            for c in range(run * C):
                                pair = combine(X[n, d, h, a + c], X[n, d, h, b + c])
                                last = combine(X[n, d, h, e + c], Y[n, od, oh, y + c])
                                Y[n, od, oh, y + c] = combine(pair, last)
                        for k in range(k1 - max(k1 - k0, 0) % 3, k1):
                            a = (w0 + k * dw) * C
                            for c in range(run * C):
                                Y[n, od, oh, y + c] = combine(X[n, d, h, a + c], Y[n, od, oh, y + c])
                ow += run
            for ow in range(OW):
                count = X.dtype.type(rows * taps_between(ow * sw - pw, dw, kw, -bw, W + aw))
                for x in range(ow * C, ow * C + C):
                    Y[n, od, oh, x] = finish(Y[n, od, oh, x], count)

    kernel.__name__ = name
    return kernel


max_windows = window_kernel("max_windows", larger, keep)
sum_windows = window_kernel("sum_windows", add, keep)
mean_windows = window_kernel("mean_windows", add, divide)


def max_windows_and_places(
    Y, places, X, lowest, C, kd, kh, kw, sd, sh, sw, dd, dh, dw, pd, ph, pw, column_major, begin, end
):
    """As the kernel for maxima, with each one's position in the flattened [N, C, D, H, W] tensor.

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
            for i in range(first_tap(d0, dd, 0), stop_tap(d0, dd, kd, D)):
                for j in range(first_tap(h0, dh, 0), stop_tap(h0, dh, kh, H)):
                    for k in range(first_tap(w0, dw, 0), stop_tap(w0, dw, kw, W)):
                        d, h, w = d0 + i * dd, h0 + j * dh, w0 + k * dw
                        place = d + D * (h + H * w) if column_major else (d * H + h) * W + w
                        for c in range(C):
                            x, best = X[n, d, h, w * C + c], Y[n, od, oh, y + c]
                            if empty or x > best or (x != x and best == best):
                                Y[n, od, oh, y + c] = x
                                places[n, od, oh, y + c] = (n * C + c) * D * H * W + place
                        empty = False


def first_tap(start, step, low):
    """The first tap of a window from `start` that is not before element `low`."""
    return (step - 1 + low - start) // step if start < low else 0


def stop_tap(start, step, taps, size):
    """One past the last tap of a window from `start` that is before element `size`."""
    if start + (taps - 1) * step < size:
        return taps
    return (size - start + step - 1) // step


def taps_between(start, step, taps, low, size):
    """The number of taps of a window from `start` on elements `low` to `size`."""
    return max(stop_tap(start, step, taps, size) - first_tap(start, step, low), 0)
