"""Convolutions. https://onnx.ai/onnx/operators/onnx__Conv.html"""

from dataclasses import replace

import numpy as np

from jitrt.calls import cast_tensor
from jitrt.convolutions import (
    ConvAttributes,
    Convolution,
    FedConvolution,
    TransposedConvolution,
    packed_panels,
)
from jitrt.dims import is_below, prod, same, traced
from jitrt.errors import InvalidArgument
from jitrt.gradient import wants_gradients
from jitrt.joined_pixels import convolve_joined, joined_pixels
from jitrt.opdef import operator
from jitrt.quantized import convolve_quantized
from jitrt.tensor import Tensor, constant, map_tensors, sizes
from jitrt.types import F32, F64

from ._dilated import convolve_phases, is_best_in_phases
from ._transposed import convolve_merged, convolve_merged_bytes, merged_axes
from .matmul import matmul_tensors
from .pad import pad


@operator("Conv", since=1)
def conv(
    X,
    W,
    B=None,
    *,
    auto_pad="NOTSET",
    dilations=None,
    group=1,
    kernel_shape=None,
    pads=None,
    strides=None,
):
    """Convolution of images [n, c, *spatial]. https://onnx.ai/onnx/operators/onnx__Conv.html"""
    rank = X.ndim - 2
    attributes = conv_attributes(X, W, auto_pad, dilations, group, pads, strides)
    y = convolve_quantized(X, W, attributes)
    if y is not None:
        each = None if B is None else B.reshape((B.shape[0], *[1] * rank))
        return y if each is None else map_tensors(lambda p, q: p + q, y, each)
    x = X
    if x.padding is not None:
        inner, before, after = x.padding
        if all(isinstance(p, int) for p in (*before, *after)) and not any((*before[:2], *after[:2])):
            around = zip(attributes.pads, (*before[2:], *after[2:]), strict=True)
            attributes = replace(attributes, pads=tuple(p + q for p, q in around))
            x = inner
    if covers_images(x, attributes):
        return multiply_images(x, W, B)
    last = (0, *range(2, rank + 2), 1)
    x, bias = computed(with_channels(x, W.shape[1] * group)), None if B is None else computed(B)
    image = x.permute(last)
    if W.value is None or W.symbolic or wants_gradients():
        y = convolve_fed(image, computed(W), bias, attributes)
    elif (joined := joined_pixels(W.value, x.dtype, attributes)) > 1:
        y = convolve_joined(image, W.value, bias, attributes, joined)
    elif is_best_in_phases(image, W.value, attributes):
        y = convolve_phases(image, W.value, bias, attributes)
    else:
        (y,) = Convolution(image, W.value, bias, attributes).outputs
    return cast_tensor(y.permute((0, rank + 1, *range(1, rank + 1))), X.dtype)


def conv_attributes(x, weights, auto_pad, dilations, group, pads, strides):
    """Attributes with their defaults.

    Raises ValueError where the channels of x and weights differ, InvalidArgument for an image smaller than a
    kernel.
    """
    rank = x.ndim - 2
    if x.shape[1] != weights.shape[1] * group:
        raise ValueError(
            f"Input channels C is not equal to kernel channels * group. X: {x}, W: {weights}, group: {group}"
        )
    kernel = tuple(int(k) for k in weights.shape[2:])
    strides, dilations = strides or [1] * rank, dilations or [1] * rank
    pads = conv_pads(x.shape[2:], kernel, strides, dilations, auto_pad, pads)
    attributes = ConvAttributes(kernel, tuple(strides), tuple(dilations), tuple(pads), group)
    if any(is_below(size, 1) for size in attributes.output_sizes(x.shape[2:])):
        raise InvalidArgument(f"Invalid input shape: {_listed(x.shape[2:])}")
    return attributes


def _listed(spatial):
    return f"{{{','.join(str(traced(size)) for size in spatial)}}}"


def covers_images(x, attributes):
    """Whether the kernel, of several pixels, covers images [n, c, *spatial] whole."""
    kernel = attributes.kernel
    sizes_agree = all(same(size, k) for size, k in zip(x.shape[2:], kernel, strict=True))
    return sizes_agree and prod(kernel) > 1 and attributes.groups == 1 and not any(attributes.pads)


def multiply_images(x, weights, bias):
    """Convolution of images [n, c, *spatial] with weights [m, c, *spatial]: a product of matrices."""
    rows, columns = (t.reshape((t.shape[0], prod(weights.shape[1:]))) for t in (x, weights))
    y = matmul_tensors(rows, columns.permute((1, 0)), bias)
    return y.reshape((*y.shape, *[1] * (x.ndim - 2)))


def with_channels(x, channels):
    """The images with the number of channels that the weights say, where their own is symbolic."""
    return x.reshape((x.shape[0], channels, *x.shape[2:]))


def computed(x):
    """The tensor in the type that convolutions compute in: float64, or float32 for the narrower ones."""
    return x if x.dtype == F64 else cast_tensor(x, F32)


def convolve_fed(x, weights, bias, attributes):
    """Convolution of x [n, *spatial, c] with weights known at run time, which are packed first."""
    weights = weights.reshape([int(size) for size in weights.shape])  # of these sizes alone
    if 0 in weights.shape or wants_gradients():
        return convolve_taps(x, weights, bias, attributes)
    groups, (outputs, channels) = attributes.groups, weights.shape[:2]
    parts = 1 if FedConvolution.has_kernels_of_channels(x, outputs, groups) else groups
    flat = weights.reshape((parts, outputs // parts, channels, prod(attributes.kernel)))
    rows = flat.permute((0, 3, 2, 1)).reshape((parts, prod(weights.shape[1:]), outputs // parts))
    (y,) = FedConvolution(x, weights, packed_panels(rows), bias, attributes).outputs
    return y


def convolve_taps(x, weights, bias, attributes):
    """Convolution of x [n, *spatial, c] with weights known at run time: a product a kernel position."""
    rank, groups = len(attributes.kernel), attributes.groups
    spatial = attributes.output_sizes(x.shape[1:-1])
    pads = (0, *attributes.pads[:rank], 0, 0, *attributes.pads[rank:], 0)
    padded = pad(x, constant(np.array(pads)))
    outputs, channels = weights.shape[0], weights.shape[1]
    flat = weights.reshape((groups, outputs // groups, channels, prod(attributes.kernel)))
    total: Tensor | None = None
    for tap, position in enumerate(np.ndindex(*attributes.kernel)):
        a = padded
        for axis, (k, dilation, stride) in enumerate(
            zip(position, attributes.dilations, attributes.strides, strict=True)
        ):
            a = a.slice(axis + 1, k * dilation, spatial[axis], stride)
        a = a.reshape((*a.shape[:-1], groups, channels)).permute((rank + 1, *range(rank + 1), rank + 2))
        b = flat.slice(3, tap, 1).squeeze(3).permute((0, 2, 1)).unsqueeze(*range(1, rank + 1))
        y = matmul_tensors(a, b)
        total = y if total is None else map_tensors(lambda p, q: p + q, total, y)
    assert total is not None
    total = total.permute((*range(1, rank + 2), 0, rank + 2)).reshape((x.shape[0], *spatial, outputs))
    return total if bias is None else map_tensors(lambda p, q: p + q, total, bias)


@operator("ConvTranspose", since=1)
def conv_transpose(
    X,
    W,
    B=None,
    *,
    auto_pad="NOTSET",
    dilations=None,
    group=1,
    kernel_shape=None,
    output_padding=None,
    output_shape=None,
    pads=None,
    strides=None,
):
    """The transpose of a convolution. https://onnx.ai/onnx/operators/onnx__ConvTranspose.html"""
    rank = X.ndim - 2
    if X.shape[1] != W.shape[0]:
        raise ValueError(f"filter number not equal to input channel number. X: {X}, W: {W}")
    kernel = tuple(int(k) for k in W.shape[2:])
    strides, dilations = strides or [1] * rank, dilations or [1] * rank
    extra = output_padding or [0] * rank
    whole = [
        (size - 1) * stride + dilation * (k - 1) + 1 + more
        for size, stride, dilation, k, more in zip(
            X.shape[2:], strides, dilations, kernel, extra, strict=True
        )
    ]
    if output_shape is not None or auto_pad in ("SAME_UPPER", "SAME_LOWER"):
        wanted = output_shape or [s * t for s, t in zip(X.shape[2:], strides, strict=True)]
        total = [max(int(w - o), 0) for w, o in zip(whole, wanted[-rank:], strict=True)]
        upper = auto_pad == "SAME_UPPER"
        pads = [t // 2 if upper else t - t // 2 for t in total] + [
            t - t // 2 if upper else t // 2 for t in total
        ]
        spatial = list(wanted[-rank:])
    else:
        pads = [0] * (2 * rank) if auto_pad == "VALID" or not pads else list(pads)
        spatial = [w - b - a for w, b, a in zip(whole, pads[:rank], pads[rank:], strict=True)]
    for axis, size in enumerate(spatial):
        if is_below(size, 1):
            where = f"dim {axis}. Input shape: {_listed(X.shape[2:])}"
            raise InvalidArgument(f"Computed output dimension is <= 0 for {where}")
    attributes = ConvAttributes(kernel, tuple(strides), tuple(dilations), tuple(pads), group)
    bias = None if B is None else computed(B)
    y = _convolve_transposed(X, W, bias, attributes, spatial)
    return cast_tensor(y.permute((0, rank + 1, *range(1, rank + 1))), X.dtype)


def _convolve_transposed(X, W, bias, attributes, spatial):
    """The transposed convolution to `spatial` sizes, channels last, in the way that is quickest."""
    rank = len(attributes.kernel)
    x = computed(with_channels(X, W.shape[0])).permute((0, *range(2, rank + 2), 1))
    if W.value is None or W.symbolic or wants_gradients():
        return convolve_stuffed(x, computed(W), bias, attributes, spatial)
    more = [size - n * s for size, n, s in zip(spatial, X.shape[2:], attributes.strides, strict=True)]
    if all(isinstance(n, int) for n in more):
        y = convolve_merged_bytes(X, W, bias, attributes, more)
        if y is not None:
            return y
        axes = merged_axes(W.value, attributes)
        if axes is not None:
            return convolve_merged(x, W.value, bias, axes, more)
    (y,) = TransposedConvolution(x, W.value, bias, attributes, spatial).outputs
    return y


def convolve_stuffed(x, weights, bias, attributes, spatial):
    """Transposed convolution with weights known at run time: x with zeros between, the kernel reversed."""
    rank, groups = len(attributes.kernel), attributes.groups
    for axis, stride in enumerate(attributes.strides, 1):
        size = x.shape[axis]
        around = np.zeros(2 * (x.ndim + 1), np.int64)
        around[x.ndim + 1 + axis + 1] = stride - 1
        apart = pad(x.unsqueeze(axis + 1), constant(around))
        x = apart.reshape((*x.shape[:axis], size * stride, *x.shape[axis + 1 :]))
        x = x.slice(axis, 0, (size - 1) * stride + 1)
    inputs, outputs = weights.shape[0] // groups, weights.shape[1]
    order = (0, 2, 1, *range(3, rank + 3))
    kernel = weights.reshape((groups, inputs, outputs, *attributes.kernel)).permute(order)
    kernel = kernel.reshape((groups * outputs, inputs, *attributes.kernel))
    for axis, k in enumerate(attributes.kernel, 2):
        kernel = kernel.slice(axis, k - 1, k, -1) if k > 1 else kernel
    reach = [d * (k - 1) for d, k in zip(attributes.dilations, attributes.kernel, strict=True)]
    before = [r - p for r, p in zip(reach, attributes.pads[:rank], strict=True)]
    after = [o + r - s - b for o, r, s, b in zip(spatial, reach, x.shape[1:-1], before, strict=True)]
    x = pad(x, sizes([0, *before, 0, 0, *after, 0]))
    plain = ConvAttributes(attributes.kernel, (1,) * rank, attributes.dilations, (0,) * (2 * rank), groups)
    return convolve_fed(x, kernel, bias, plain)


def conv_pads(spatial, kernel, strides, dilations, auto_pad, pads):
    """The pads before all axes, then after, from `auto_pad` and `pads`."""
    rank = len(kernel)
    if auto_pad == "VALID" or (auto_pad == "NOTSET" and not pads):
        return [0] * (2 * rank)
    if auto_pad == "NOTSET":
        return list(pads)
    before, after = [], []
    for size, k, stride, dilation in zip(spatial, kernel, strides, dilations, strict=True):
        reach = dilation * (k - 1) + 1
        need = max((-(-size // stride) - 1) * stride + reach - size, 0) if not same(stride, 1) else reach - 1
        need = int(need)
        small, large = need // 2, need - need // 2
        before.append(small if auto_pad == "SAME_UPPER" else large)
        after.append(large if auto_pad == "SAME_UPPER" else small)
    return [*before, *after]
