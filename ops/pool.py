"""Pooling over windows. Kernels run on channels-last tensors [N, D, H, W * C], vectorised over C or W * C."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jitrt.calls import cast_tensor, launch
from jitrt.convolutions import ConvAttributes
from jitrt.dims import Dim, Size, is_below, prod, same, traced
from jitrt.errors import Fail
from jitrt.expr import absolute, power, sqrt
from jitrt.gradient import wants_gradients
from jitrt.opdef import operator
from jitrt.pooling import Pooling
from jitrt.quantized import quantized_form
from jitrt.tensor import Tensor, constant, map_tensors, reduce_tensor
from jitrt.types import BF16, F16, F32, I64, is_float

from ._placement import is_channels_first
from ._quantization import dequantized_tensor
from ._shared import mean, widen
from ._windows import max_rows, max_windows, max_windows_and_places, mean_windows, sum_windows


@dataclass(frozen=True)
class Window:
    """A sliding window, per spatial axis: size, step, dilation, padding before and after, positions."""

    kernel: list[int]
    strides: list[int]
    dilations: list[int]
    before: list[Size]
    after: list[Size]
    output: list[Size]
    whole: bool = True  # windows end inside of the padding

    @property
    def attributes(self) -> ConvAttributes:
        """The window as convolutions have it."""
        pads: tuple[Any, ...] = (*self.before, *self.after)
        axes = tuple(self.kernel), tuple(self.strides), tuple(self.dilations)
        return ConvAttributes(*axes, pads, groups=1)

    def along(self, axis: int) -> ConvAttributes:
        """The window along one axis, a single element along the others."""
        alone = range(len(self.kernel))
        kernel, strides, dilations = (
            tuple(kind[a] if a == axis else 1 for a in alone)
            for kind in (self.kernel, self.strides, self.dilations)
        )
        pads: tuple[Any, ...] = tuple(
            side[a] if a == axis else 0 for side in (self.before, self.after) for a in alone
        )
        return ConvAttributes(kernel, strides, dilations, pads, groups=1)

    def scalars(self) -> list[Size]:
        """Size, step, dilation and padding before, of three axes each: what the kernels take."""
        lead = 3 - len(self.kernel)
        return [
            *([1] * lead + self.kernel),
            *([1] * lead + self.strides),
            *([1] * lead + self.dilations),
            *([0] * lead + self.before),
        ]

    def element_counts(self, spatial: Sequence[Size], padding: bool) -> np.ndarray[Any, Any] | None:
        """How many elements each window has, [*output, 1] or all alike [1], at least 1; None if sizes matter.

        Elements of padding count where `padding` says so, those beyond it never.
        """
        if self.whole and (padding or all(same(p, 0) for p in (*self.before, *self.after))):
            return np.array([prod(self.kernel)])
        axes = (spatial, self.output, self.before, self.after)
        if any(isinstance(size, Dim) for sizes in axes for size in sizes):
            return None
        counts = np.ones(1, np.int64)
        for a, (size, n, before, after) in enumerate(zip(*(map(int, sizes) for sizes in axes), strict=True)):
            low, high = (-before, size + after) if padding else (0, size)
            taps = np.arange(self.kernel[a]) * self.dilations[a]
            places = np.arange(n)[:, None] * self.strides[a] - before + taps
            counts = counts[..., None] * ((places >= low) & (places < high)).sum(1)
        return np.maximum(counts[0], 1)[..., None]

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
    if any(is_below(size, 0) for size in output):
        shape = tuple(map(traced, spatial))
        raise Fail(f"windows of {tuple(kernel)} are larger than the padded input of {shape}")
    return Window(kernel, strides, dilations, before, after, output, whole=not ceil_mode)


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
    return _mean(X, w, bool(count_include_pad))


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
    return _mean(X, w, counts_padding=False)


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
    if wants_gradients():
        return _pool(max_windows, X, w, _lowest(X))
    if is_channels_first(X):
        return _largest_of_rows(X, w)
    x = _image(X)
    if not Pooling.serves(x, w.attributes):
        return _pool(max_windows, X, w, _lowest(X))
    return _from_image(_combined("max", x, w), X)


def _largest_of_rows(X: Tensor, w: Window) -> Tensor:
    """The maximum of each window of images that lie channels first."""
    planes, ones = prod(X.shape[:2]), [1] * (3 - len(w.kernel))
    shape = [planes, *ones, *w.output]
    reach = (w.output[-1] - 1) * w.strides[-1] + (w.kernel[-1] - 1) * w.dilations[-1] + 1
    (y,) = launch(
        max_rows,
        X.reshape([planes, *ones, *X.shape[2:]]),
        _lowest(X),
        outputs=[(X.dtype, shape)],
        scalars=w.scalars(),
        extent=prod(shape[:3]),
        flops=prod(shape) * sum(w.kernel),
        scratch=reach * max(X.dtype.itemsize, 4),
    )
    return y.reshape([*X.shape[:2], *w.output])


def _combined(combine: str, x: Tensor, w: Window) -> Tensor:
    """The windows of x[n, *spatial, c] combined, large ones along one axis after the other."""
    if prod(w.kernel) <= 2 * sum(w.kernel):
        return Pooling(combine, x, w.attributes, w.output).outputs[0]
    for axis in range(len(w.kernel)):
        own = w.along(axis)
        spatial = [*w.output[: axis + 1], *x.shape[axis + 2 : -1]]
        (x,) = Pooling(combine, x, own, spatial).outputs
    return x


def _mean(X: Tensor, w: Window, counts_padding: bool) -> Tensor:
    """The mean of each window: its sum over the number of elements that count."""
    x, counts = _image(X), w.element_counts(X.shape[2:], counts_padding)
    if counts is None or not Pooling.serves(x, w.attributes) or wants_gradients():
        return _pool(mean_windows, X, w, _zero(X), counts_padding)
    total = _combined("add", x, w)
    return _from_image(map_tensors(lambda t, n: t / n, total, constant(counts.astype(x.dtype))), X)


def _image(X: Tensor) -> Tensor:
    """X[N, C, spatial...] as [N, spatial..., C], in a type that is computed in."""
    return cast_tensor(X.permute([0, *range(2, X.ndim), 1]), F32 if X.dtype in (F16, BF16) else X.dtype)


def _from_image(y: Tensor, X: Tensor) -> Tensor:
    """The inverse of `_image`."""
    return cast_tensor(y.permute([0, X.ndim - 1, *range(1, X.ndim - 1)]), X.dtype)


def _pool(
    kernel: Callable[..., None], X: Tensor, w: Window, initial: Tensor, counts_padding: bool = False
) -> Tensor:
    """Windows combined by one of the kernels of `_windows`."""
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
