"""Tensors that are known to be dequantised integers, and their products on the integers.

A graph between QuantizeLinear and DequantizeLinear computes in float32; a product of two such tensors is the
scaled product of their integers, which kernels for bytes compute exactly. https://arxiv.org/abs/1712.05877
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jitrt.calls import cast_tensor
from jitrt.dims import prod, same
from jitrt.expr import cast
from jitrt.tensor import Dtype, Tensor, View, map_tensors
from jitrt.types import F32, I8, I32, U8

if TYPE_CHECKING:
    from jitrt.convolutions import ConvAttributes

EXACT_TERMS = 2**31 // 255**2  # products of bytes that a sum in int32 has room for


@dataclass(frozen=True, eq=False)
class Quantized:
    """What a tensor was dequantised from: `(codes - zero) * scale`, both broadcast against the codes."""

    codes: Tensor
    scale: Tensor
    zero: Tensor | None

    @property
    def is_bytes(self) -> bool:
        """Whether the codes are 8-bit integers."""
        return self.codes.dtype in (I8, U8)

    @property
    def per_tensor(self) -> bool:
        """Whether one scale and one zero point serve all codes."""
        return all(same(p.size, 1) for p in (self.scale, self.zero) if p is not None)

    def varies_along_at_most(self, axis: int) -> bool:
        """Whether scale and zero point are the same along every other axis of the codes."""
        others = [a - self.codes.ndim for a in range(self.codes.ndim) if a != axis]
        return _constant_along(self, *others)

    @property
    def is_increasing(self) -> bool:
        """Whether the codes are bytes in the order of what they stand for: one scale, known to be above 0."""
        scale = self.scale.value
        return self.is_bytes and self.per_tensor and scale is not None and bool((scale > 0).all())

    def same_parameters(self, scale: Tensor, zero: Tensor | None) -> bool:
        """Whether these are known to be the scale and the zero point."""
        pairs = [(self.scale, scale), (self.zero, zero)]
        return all(_equal(mine, other) for mine, other in pairs)


def _equal(a: Tensor | None, b: Tensor | None) -> bool:
    if a is None or b is None:
        return a is b
    known = a.value is not None and b.value is not None and not a.symbolic and not b.symbolic
    return known and a.dtype == b.dtype and bool((a.value == b.value).all())  # type: ignore[union-attr]


def quantized_form(t: Tensor) -> Quantized | None:
    """What `t` was dequantised from, if anything; views of a tensor with one scale are views of its codes."""
    if t.quantized is not None:
        return t.quantized
    if not isinstance(t.source, View) or t.source.kind == "reinterpret":
        return None
    base = quantized_form(t.source.base)
    if base is None or not base.per_tensor or base.codes.shape != t.source.base.shape:
        return None
    source = View(base.codes, t.source.kind, t.source.parameters)
    codes = Tensor(base.codes.dtype, t.shape, source)
    scalar = (p if p is None else p.reshape(()) for p in (base.scale, base.zero))
    return Quantized(codes, *scalar)  # type: ignore[arg-type]


def multiply_quantized(a: Tensor, b: Tensor) -> Tensor | None:
    """The product of two dequantised tensors of matrices; None where it is not one of bytes."""
    left, right = quantized_form(a), quantized_form(b)
    if left is None or right is None or not (left.is_bytes and right.is_bytes) or a.ndim < 2 or b.ndim < 2:
        return None
    if not _constant_along(left, -1) or not _constant_along(right, -2) or b.shape[-2] > EXACT_TERMS:
        return None
    from jitrt.integer_products import integer_product

    codes = integer_product(left.codes, right.codes, left.zero, right.zero)
    scale = map_tensors(lambda p, q: p * q, _wide(left.scale), _wide(right.scale))
    return dequantized(Quantized(codes, scale, None), a.dtype)


def convolve_quantized(x: Tensor, weights: Tensor, attributes: ConvAttributes) -> Tensor | None:
    """The convolution of dequantised x [n, c, *spatial] and weights; None where it is not one of bytes."""
    image, kernel = quantized_form(x), weights.quantized
    if image is None or kernel is None or not (image.is_bytes and kernel.is_bytes):
        return None
    if kernel.codes.value is None or kernel.codes.symbolic or not image.per_tensor:
        return None
    if not _constant_along(kernel, *range(1 - weights.ndim, 0)) or prod(weights.shape[1:]) > EXACT_TERMS:
        return None
    rank = x.ndim - 2
    channels = image.codes.reshape((x.shape[0], weights.shape[1] * attributes.groups, *x.shape[2:]))
    zero = None if kernel.zero is None else kernel.zero.reshape((kernel.zero.size,))
    from jitrt.integer_convolutions import integer_convolution

    codes = integer_convolution(channels, kernel.codes, image.zero, zero, attributes)
    each = kernel.scale.reshape((kernel.scale.size, *[1] * rank))
    scale = map_tensors(lambda p, q: p * q, _wide(image.scale.reshape(())), _wide(each))
    return dequantized(Quantized(codes, scale, None), x.dtype)


def dequantized(form: Quantized, dtype: Dtype) -> Tensor:
    """The tensor that int32 codes without a zero point stand for."""
    y = map_tensors(lambda v, s: cast(cast(v, F32) * s, dtype), form.codes, form.scale)
    y.quantized = form
    return y


def is_product(form: Quantized) -> bool:
    """Whether the codes are sums of a product."""
    return form.codes.dtype == I32 and form.zero is None


def _constant_along(form: Quantized, *axes: int) -> bool:
    """Whether scale and zero point do not vary along axes, which count from the end."""
    parameters = [p for p in (form.scale, form.zero) if p is not None]
    return all(p.ndim < -axis or same(p.shape[axis], 1) for p in parameters for axis in axes)


def _wide(scale: Tensor) -> Tensor:
    return cast_tensor(scale, F32)
