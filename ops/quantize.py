"""Linear quantisation. https://onnx.ai/onnx/operators/onnx__QuantizeLinear.html"""

from __future__ import annotations

import numpy as np

from jitrt.calls import cast_tensor
from jitrt.dims import same
from jitrt.expr import cast, const, eq, maximum, minimum, rint, where
from jitrt.opdef import operator
from jitrt.quantized import Quantized, is_product, quantized_form
from jitrt.tensor import Concat, Dtype, Tensor, View, concatenate, constant, map_tensors, reduce_tensor
from jitrt.types import F32, I8, U8, from_onnx, to_onnx

from ._quantization import (
    along_axis,
    clamp,
    code_in_range,
    dequantize_tensor,
    quantize_tensor,
    requantize_tensor,
)
from ._small_types import SCALE


@operator("QuantizeLinear", since=10)
def quantize_linear(
    x: Tensor,
    y_scale: Tensor,
    y_zero_point: Tensor | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: int = 0,
    precision: int = 0,
    saturate: int = 1,
) -> Tensor:
    """Round x / scale to a small type. https://onnx.ai/onnx/operators/onnx__QuantizeLinear.html

    Halves round to even. Quotients of 16-bit floats stay in float32 unless `precision` says otherwise.
    """
    dtype = _output_type(y_zero_point, output_dtype)
    blocks, scale, zero = _granular(x, y_scale, y_zero_point, axis, block_size)
    if blocks is x and not precision and dtype in (I8, U8):
        codes = _requantized(x, scale, zero, dtype)
        if codes is None:
            codes = _quantized_before_moves(x, scale, zero, dtype)
        if codes is not None:
            return codes
    kind = from_onnx(precision) if precision else F32
    return quantize_tensor(blocks, scale, zero, dtype, precision=kind, saturate=saturate).reshape(x.shape)


@operator("DequantizeLinear", since=10)
def dequantize_linear(
    x: Tensor,
    x_scale: Tensor,
    x_zero_point: Tensor | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: int = 0,
) -> Tensor:
    """(x - zero point) * scale. https://onnx.ai/onnx/operators/onnx__DequantizeLinear.html"""
    default = F32 if x_scale.dtype == SCALE else x_scale.dtype
    dtype = from_onnx(output_dtype) if output_dtype else default
    if x_zero_point is not None and x_zero_point.dtype != x.dtype:
        raise ValueError(f"x and x_zero_point have different types: {x}, {x_zero_point}")
    blocks, scale, zero = _granular(x, x_scale, x_zero_point, axis, block_size)
    y = dequantize_tensor(blocks, scale, zero, dtype).reshape(x.shape)
    if blocks is x and x.dtype in (I8, U8) and x_scale.dtype != SCALE:
        y.quantized = Quantized(x, scale, zero)
    return y


def _requantized(x: Tensor, scale: Tensor, zero: Tensor | None, dtype: Dtype) -> Tensor | None:
    """The quantised x from what it was dequantised from: the same codes, or sums of a product scaled once."""
    form = quantized_form(x)
    if form is not None and form.codes.dtype == dtype and form.same_parameters(scale, zero):
        return form.codes
    if form is None or not is_product(form) or form.scale.value is not None:
        return None
    ratio = map_tensors(lambda s, y: s / y, form.scale, cast_tensor(scale, F32))
    point = constant(np.zeros((), dtype)) if zero is None else zero
    return requantize_tensor(form.codes, ratio, point)


def _quantized_before_moves(x: Tensor, scale: Tensor, zero: Tensor | None, dtype: Dtype) -> Tensor | None:
    """The quantised x where its numbers come from elsewhere, and one scale serves all: they come as bytes."""
    if not all(p is None or same(p.size, 1) for p in (scale, zero)):
        return None
    one, point = scale.reshape(()), None if zero is None else zero.reshape(())

    def quantized(t: Tensor) -> Tensor:
        return quantize_linear(t, one, point, output_dtype=to_onnx(dtype))

    match x.source:
        case View(base=base, kind="reshape" | "permute" as kind, parameters=parameters):
            return Tensor(dtype, x.shape, View(quantized(base), kind, parameters))
        case Concat(operands=operands, axis=axis):
            return concatenate([quantized(t) for t in operands], axis)
    return None


@operator("DynamicQuantizeLinear", since=11)
def dynamic_quantize_linear(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Quantise to uint8 by the range of x. https://onnx.ai/onnx/operators/onnx__DynamicQuantizeLinear.html

    The spec divides by 0 where all of x is 0: the scale is 1 there, as in onnxruntime.
    """
    high, low = (_extremum(x, kind) for kind in ("max", "min"))
    scale = map_tensors(lambda p, q: where(eq(p, q), const(1, F32), (p - q) / 255), high, low)
    zero = map_tensors(lambda v, s: cast(rint(clamp(-v / s, 0, 255)), U8), low, scale)
    return map_tensors(code_in_range, x, scale, zero), scale, zero


def _extremum(x: Tensor, kind: str) -> Tensor:
    """The largest or the smallest of x and 0, a scalar."""
    rows = x.reshape((1, 1)) if x.ndim == 0 else x
    found = reduce_tensor(reduce_tensor(rows, kind, [rows.ndim - 1]), kind, range(rows.ndim - 1))
    bound = maximum if kind == "max" else minimum
    return map_tensors(lambda v: bound(v, 0), found.reshape(()))


def _output_type(zero: Tensor | None, output_dtype: int) -> Dtype:
    """The quantised type, uint8 by default. Raises ValueError where attribute and zero point differ."""
    if zero is None:
        return from_onnx(output_dtype) if output_dtype else U8
    if output_dtype and from_onnx(output_dtype) != zero.dtype:
        raise ValueError(
            f"output_dtype is {from_onnx(output_dtype).name} but y_zero_point is {zero.dtype.name}"
        )
    return zero.dtype


def _granular(
    x: Tensor, scale: Tensor, zero: Tensor | None, axis: int, block_size: int
) -> tuple[Tensor, Tensor, Tensor | None]:
    """x, scale and zero point in shapes that broadcast: per tensor, per axis, or in blocks along an axis.

    Raises ValueError for shapes that are none of these.
    """
    if zero is not None and zero.ndim != scale.ndim and not (zero.size == 1 and scale.size == 1):
        raise ValueError(f"scale and zero point must have the same shape: {scale}, {zero}")
    if block_size and scale.ndim == x.ndim:
        return _blocked(x, scale, zero, axis % x.ndim, block_size)
    parameters = [p if p is None else along_axis(p, x.ndim, axis) for p in (scale, zero)]
    if scale.ndim > 1:
        raise ValueError(f"scale must be a scalar or a vector, or in blocks of the rank of x: {scale}, x {x}")
    if scale.ndim == 1 and scale.shape[0] != 1 and scale.shape[0] != x.shape[axis]:
        raise ValueError(f"scale must have one element for each of axis {axis} of x: {scale}, x {x}")
    return x, parameters[0], parameters[1]  # type: ignore[return-value]


def _blocked(
    x: Tensor, scale: Tensor, zero: Tensor | None, axis: int, block: int
) -> tuple[Tensor, Tensor, Tensor | None]:
    """A dimension of its own for the blocks; parameters are repeated where the last block is not whole."""
    size, count = x.shape[axis], scale.shape[axis]
    if (size + block - 1) // block != count:
        raise ValueError(f"{count} blocks of {block} do not make up axis {axis} of x: {scale}, x {x}")
    lead, tail = x.shape[:axis], x.shape[axis + 1 :]
    if size == count * block:
        split = x.reshape((*lead, count, block, *tail))
        return split, scale.unsqueeze(axis + 1), None if zero is None else zero.unsqueeze(axis + 1)

    def repeated(parameter: Tensor) -> Tensor:
        each = parameter.unsqueeze(axis + 1)
        whole = each.expand((*each.shape[: axis + 1], block, *each.shape[axis + 2 :]))
        joined = whole.reshape((*parameter.shape[:axis], count * block, *parameter.shape[axis + 1 :]))
        return joined.slice(axis, 0, size)

    return x, repeated(scale), None if zero is None else repeated(zero)
