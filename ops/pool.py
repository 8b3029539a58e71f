"""Pooling over windows. Kernels run on channels-last tensors [N, D, H, W, C], vectorised over C."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jitrt.calls import cast_tensor, launch
from jitrt.dims import Size, prod
from jitrt.expr import absolute, power, sqrt
from jitrt.opdef import operator
from jitrt.tensor import Tensor, map_tensors, reduce_tensor
from jitrt.types import I64

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
    """[N, C, spatial...] as [N, D, H, W, C], with D and H of size 1 where there are fewer spatial axes."""
    moved = x.permute([0, *range(2, x.ndim), 1])
    return moved.reshape([x.shape[0], *[1] * (5 - x.ndim), *x.shape[2:], x.shape[1]])


def channels_first(y: Tensor, spatial: Sequence[Size]) -> Tensor:
    """The inverse of `channels_last`."""
    rank = len(spatial)
    return y.reshape([y.shape[0], *spatial, y.shape[4]]).permute([0, rank + 1, *range(1, rank + 1)])


def _output_shape(x: Tensor, w: Window) -> list[Size]:
    return [x.shape[0], *[1] * (5 - x.ndim), *w.output, x.shape[1]]


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
    shape = _output_shape(X, w)
    outputs = [(X.dtype, shape), (I64, shape)][:output_count]
    results = launch(
        max_windows if output_count == 1 else max_windows_and_places,
        channels_last(X),
        outputs=outputs,
        scalars=[*w.scalars(), storage_order][: 12 if output_count == 1 else 13],
        extent=prod(shape[:3]),
        flops=prod(shape) * prod(kernel_shape),
    )
    return [channels_first(y, w.output) for y in results]


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
    shape = _output_shape(X, w)
    (y,) = launch(
        sum_windows,
        channels_last(X),
        outputs=[(X.dtype, shape)],
        scalars=[*w.scalars(), *counting],
        extent=prod(shape[:3]),
        flops=prod(shape) * prod(w.kernel),
    )
    return channels_first(y, w.output)


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


def max_windows(Y, X, kd, kh, kw, sd, sh, sw, dd, dh, dw, pd, ph, pw, begin, end):
    """Maxima over windows, NaN where one is; a unit is a row of Y [N, D, H, W, C]."""
    D, H, W, C = X.shape[1], X.shape[2], X.shape[3], X.shape[4]
    OD, OH, OW = Y.shape[1], Y.shape[2], Y.shape[3]
    for unit in range(begin, end):
        n, od, oh = unit // (OD * OH), unit // OH % OD, unit % OH
        d0, h0 = od * sd - pd, oh * sh - ph
        for ow in range(OW):
            w0 = ow * sw - pw
            empty = True
            for i in range(first_tap(d0, dd), stop_tap(d0, dd, kd, D)):
                for j in range(first_tap(h0, dh), stop_tap(h0, dh, kh, H)):
                    for k in range(first_tap(w0, dw), stop_tap(w0, dw, kw, W)):
                        d, h, w = d0 + i * dd, h0 + j * dh, w0 + k * dw
                        if empty:
                            empty = False
                            for c in range(C):
                                Y[n, od, oh, ow, c] = X[n, d, h, w, c]
                        else:
                            for c in range(C):
                                x, y = X[n, d, h, w, c], Y[n, od, oh, ow, c]
                                Y[n, od, oh, ow, c] = x if (x > y) | (x != x) else y
            if empty:
                for c in range(C):
                    Y[n, od, oh, ow, c] = 0


def max_windows_and_places(
    Y, places, X, kd, kh, kw, sd, sh, sw, dd, dh, dw, pd, ph, pw, column_major, begin, end
):
    """As `max_windows`, with each maximum's position in the flattened [N, C, D, H, W] tensor.

    In column-major order the spatial axes count from the first, the fastest, to the last.
    """
    D, H, W, C = X.shape[1], X.shape[2], X.shape[3], X.shape[4]
    OD, OH, OW = Y.shape[1], Y.shape[2], Y.shape[3]
    for unit in range(begin, end):
        n, od, oh = unit // (OD * OH), unit // OH % OD, unit % OH
        d0, h0 = od * sd - pd, oh * sh - ph
        for ow in range(OW):
            w0 = ow * sw - pw
            empty = True
            for c in range(C):
                Y[n, od, oh, ow, c] = 0
                places[n, od, oh, ow, c] = 0
            for i in range(first_tap(d0, dd), stop_tap(d0, dd, kd, D)):
                for j in range(first_tap(h0, dh), stop_tap(h0, dh, kh, H)):
                    for k in range(first_tap(w0, dw), stop_tap(w0, dw, kw, W)):
                        d, h, w = d0 + i * dd, h0 + j * dh, w0 + k * dw
                        place = d + D * (h + H * w) if column_major else (d * H + h) * W + w
                        for c in range(C):
                            x, y = X[n, d, h, w, c], Y[n, od, oh, ow, c]
                            if empty or x > y or (x != x and y == y):
                                Y[n, od, oh, ow, c] = x
                                places[n, od, oh, ow, c] = (n * C + c) * D * H * W + place
                        empty = False


def sum_windows(
    Y, X, kd, kh, kw, sd, sh, sw, dd, dh, dw, pd, ph, pw, average, count_padding, ad, ah, aw, begin, end
):
    """Sums over windows, divided if `average` by the elements in them; a unit is a row of Y [N, D, H, W, C].

    With `count_padding`, padding before and after (`ad, ah, aw`) counts as elements.
    """
    D, H, W, C = X.shape[1], X.shape[2], X.shape[3], X.shape[4]
    OD, OH, OW = Y.shape[1], Y.shape[2], Y.shape[3]
    for unit in range(begin, end):
        n, od, oh = unit // (OD * OH), unit // OH % OD, unit % OH
        d0, h0 = od * sd - pd, oh * sh - ph
        i0, i1 = first_tap(d0, dd), stop_tap(d0, dd, kd, D)
        j0, j1 = first_tap(h0, dh), stop_tap(h0, dh, kh, H)
        for ow in range(OW):
            w0 = ow * sw - pw
            k0, k1 = first_tap(w0, dw), stop_tap(w0, dw, kw, W)
            for c in range(C):
                Y[n, od, oh, ow, c] = 0
            for i in range(i0, i1):
                for j in range(j0, j1):
                    for k in range(k0, k1):
                        for c in range(C):
                            Y[n, od, oh, ow, c] += X[n, d0 + i * dd, h0 + j * dh, w0 + k * dw, c]
            if count_padding:
                rows = stop_tap(d0, dd, kd, D + ad) * stop_tap(h0, dh, kh, H + ah)
                count = rows * stop_tap(w0, dw, kw, W + aw)
            else:
                count = max(i1 - i0, 0) * max(j1 - j0, 0) * max(k1 - k0, 0)
            if average and count > 1:
                for c in range(C):
                    Y[n, od, oh, ow, c] /= count


def first_tap(start, step):
    """The first tap of a window from `start` that is not before element 0."""
    return (step - 1 - start) // step if start < 0 else 0


def stop_tap(start, step, taps, size):
    """One past the last tap of a window from `start` that is before element `size`."""
    return min(taps, (size - start + step - 1) // step)
