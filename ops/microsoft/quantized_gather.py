"""Rows of quantised tables."""

from __future__ import annotations

from jitrt.dims import Size
from jitrt.expr import Expr, cast, where
from jitrt.opdef import operator
from jitrt.tensor import Tensor, map_tensors
from jitrt.types import I8, I32, I64, U8

from .._quantization import dequantize_tensor
from .._shared import size_tensor
from ..gather import gather
from ..quantize import dequantize_linear
from ._quantized import MICROSOFT
from .nbits import unpack


@operator("GatherBlockQuantized", since=1, domain=MICROSOFT)
def gather_block_quantized(
    data: Tensor,
    indices: Tensor,
    scales: Tensor,
    zero_points: Tensor | None = None,
    *,
    bits: int = 4,
    block_size: int = 128,
    gather_axis: int = 0,
    quantize_axis: int = 1,
) -> Tensor:
    """Slices of a table quantised in blocks, as floats; zeros where an index is out of range.

    https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.GatherBlockQuantized
    """
    axis, blocked = gather_axis % data.ndim, quantize_axis % data.ndim
    if data.dtype == U8 and axis != 0:
        raise ValueError(f"gather_axis must be 0 for uint8 data, got {gather_axis}")
    if data.dtype == U8 and bits not in (2, 4, 8):
        raise ValueError(f"bits must be 2, 4 or 8 for uint8 data, got {bits}")
    rows = data.shape[axis]
    wrapped = map_tensors(_wrap, indices, size_tensor(rows))
    valid = map_tensors(lambda i, n: (i >= 0) & (i < n), wrapped, size_tensor(rows))
    picks = map_tensors(lambda i, v: where(v, i, 0), wrapped, valid)
    numbers = gather(data, picks, axis=axis)
    if axis == blocked:
        picks = map_tensors(lambda i: i / block_size, picks)
    factors = _picked(scales, picks, axis)
    zeros = None if zero_points is None else _picked(zero_points, picks, axis)
    if data.dtype == U8:
        numbers = unpack(numbers, bits)
        zeros = None if zeros is None else unpack(zeros, bits).slice(zeros.ndim - 1, 0, factors.shape[-1])
    if data.dtype == U8 and zeros is None:
        numbers = map_tensors(lambda b: cast(cast(b, I32) - (1 << (bits - 1)), I8), numbers)
    if axis == blocked:
        y = dequantize_tensor(numbers, factors, zeros, scales.dtype)
    else:
        along = blocked + (indices.ndim - 1 if blocked > axis else 0)
        size: Size = block_size or numbers.shape[along]
        y = dequantize_linear(numbers, factors, zeros, axis=along, block_size=size)
    present = valid.reshape([*valid.shape, *[1] * (data.ndim - axis - 1)])
    return map_tensors(lambda y, v: where(v, y, 0), y, present)


def _wrap(index: Expr, n: Expr) -> Expr:
    """An int64 index that counts from the end if it is negative."""
    index = cast(index, I64)
    return where(index < 0, index + n, index)


def _picked(parameters: Tensor, picks: Tensor, axis: int) -> Tensor:
    """The slices that the picks name; one slice serves all of them."""
    if parameters.shape[axis] != 1:
        return gather(parameters, picks, axis=axis)
    shape = parameters.shape
    return parameters.reshape([*shape[:axis], *[1] * picks.ndim, *shape[axis + 1 :]])
