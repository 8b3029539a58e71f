"""Convolutions. https://onnx.ai/onnx/operators/onnx__Conv.html"""

from jitrt.calls import cast_tensor
from jitrt.convolutions import ConvAttributes, Convolution, TransposedConvolution
from jitrt.dims import same
from jitrt.errors import NotImplemented as NotImplementedHere
from jitrt.opdef import operator
from jitrt.types import F32


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
    if X.shape[1] != W.shape[1] * group:
        raise ValueError(
            f"Input channels C is not equal to kernel channels * group. X: {X}, W: {W}, group: {group}"
        )
    kernel = tuple(int(k) for k in W.shape[2:])
    strides, dilations = strides or [1] * rank, dilations or [1] * rank
    pads = conv_pads(X.shape[2:], kernel, strides, dilations, auto_pad, pads)
    x = X
    if x.padding is not None:
        inner, before, after = x.padding
        if all(isinstance(p, int) for p in (*before, *after)) and not any((*before[:2], *after[:2])):
            pads = [p + q for p, q in zip(pads, (*before[2:], *after[2:]), strict=True)]
            x = inner
    attributes = ConvAttributes(kernel, tuple(strides), tuple(dilations), tuple(pads), group)
    last = (0, *range(2, rank + 2), 1)
    bias = None if B is None else cast_tensor(B, F32)
    call = Convolution(cast_tensor(x, F32).permute(last), weights_of(W), bias, attributes)
    y = call.outputs[0].permute((0, rank + 1, *range(1, rank + 1)))
    return cast_tensor(y, X.dtype)


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
    attributes = ConvAttributes(kernel, tuple(strides), tuple(dilations), tuple(pads), group)
    bias = None if B is None else cast_tensor(B, F32)
    x = cast_tensor(X, F32).permute((0, *range(2, rank + 2), 1))
    call = TransposedConvolution(x, weights_of(W), bias, attributes, spatial)
    y = call.outputs[0].permute((0, rank + 1, *range(1, rank + 1)))
    return cast_tensor(y, X.dtype)


def weights_of(W):
    """The value of constant weights. Raises NotImplemented for weights computed at run time."""
    if W.value is None or W.symbolic:
        raise NotImplementedHere(f"convolution with weights that are not constant: {W}")
    return W.value


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
