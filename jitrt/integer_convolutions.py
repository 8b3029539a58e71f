"""Convolutions of 8-bit integers with zero points, exact in int32. See `integer_products`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from jitrt.calls import cast_tensor
from jitrt.codegen.conv import Image
from jitrt.codegen.dot_conv import depthwise_dot_step, dot_conv_step, weight_order
from jitrt.codegen.dot_strips import byte_strips_of, pack_strip_weights
from jitrt.codegen.kernel import Ref, Step
from jitrt.codegen.weights import pack_depthwise_bytes, pack_dot_weights
from jitrt.constants import packed_constant
from jitrt.convolutions import ConvAttributes, Convolution
from jitrt.dims import Size, prod
from jitrt.integer_products import as_signed, as_unsigned, is_zero, less_product, moved_zero, sum_wide
from jitrt.tensor import Tensor, Value, constant, map_tensors, outputs_of
from jitrt.types import I8, I32, U8


def integer_convolution(
    x: Tensor, weights: Tensor, x_zero: Tensor | None, w_zero: Tensor | None, attributes: ConvAttributes
) -> Tensor:
    """Convolution in int32 of x [n, c, *spatial], known weights [m, c / groups, *kernel], less zero points.

    Both are int8 or uint8. `x_zero` is a scalar, `w_zero` a scalar or one number an output channel [m].
    """
    image, byte = as_unsigned(x), moved_zero(x_zero, x.dtype, U8).reshape(())
    kernel, column_zero = as_signed(weights), moved_zero(w_zero, weights.dtype, I8)
    padding = cast_tensor(byte, U8)
    ones = [1] * (x.ndim - 2)
    outputs, depth = weights.shape[0], prod(weights.shape[1:])
    y = convolution(image, kernel, padding, attributes)
    if not is_zero(byte):
        sums = sum_wide(kernel.reshape((outputs, depth)), 1)
        y = less_product(y, byte, sums.reshape((outputs, *ones)))
    if not is_zero(column_zero):
        window = constant(np.ones((attributes.groups, *(int(s) for s in weights.shape[1:])), np.int8))
        total = convolution(image, window, padding, attributes)
        centred = map_tensors(lambda t, z: t - z * depth, total, byte)
        column_zero = column_zero.reshape((column_zero.size, *ones))
        y = less_product(y, _each_output(centred, outputs), column_zero)
    return y


def convolution(image: Tensor, kernel: Tensor, padding: Tensor, attributes: ConvAttributes) -> Tensor:
    """The sums [n, m, *spatial] of uint8 images [n, c, *spatial] times int8 weights."""
    assert kernel.value is not None
    rank = image.ndim - 2
    last, first = (0, *range(2, rank + 2), 1), (0, rank + 1, *range(1, rank + 1))
    call = IntegerConvolution(image.permute(last), kernel.value, padding, attributes)
    return call.outputs[0].permute(first)


def _each_output(totals: Tensor, outputs: Size) -> Tensor:
    """Totals [n, groups, *spatial] repeated for the outputs of each group."""
    groups = totals.shape[1]
    if groups in (1, outputs):
        return totals
    each = totals.unsqueeze(2).expand((*totals.shape[:2], outputs // groups, *totals.shape[2:]))
    return each.reshape((totals.shape[0], outputs, *totals.shape[2:]))


class IntegerConvolution(Convolution):
    """`Y[n, *spatial, m]` in int32 of uint8 X[n, *spatial, c] and int8 weights; padding is a zero point."""

    name = "ConvInteger"
    parameter = "zero"

    def __init__(self, x: Tensor, weights: Value, zero: Tensor, attributes: ConvAttributes) -> None:
        super().__init__(x, weights, zero, attributes)
        outputs_of(self, [(I32, self.outputs[0].shape)])

    @staticmethod
    def has_kernels_of_channels(x: Tensor, outputs: Size, groups: int) -> bool:
        """Whether each channel has a kernel of its own."""
        return groups == outputs == x.shape[-1] and groups > 1

    def kernel_steps(self, x: Image, out: Image, more: dict[str, Any]) -> list[Step]:
        """One step."""
        window, groups = self.attributes.window, self.attributes.groups
        if self.depthwise:
            packed = packed_constant(self.weights, "depthwise bytes", pack_depthwise_bytes)
            step = depthwise_dot_step(x, Ref(packed.buffer), out, window, **more)
        elif (strips := byte_strips_of(x, out, window, groups, more["operands"])) is not None:
            packed = packed_constant(self.weights, f"{strips}", partial(pack_strip_weights, strips=strips))
            step = dot_conv_step(x, Ref(packed.buffer), out, window, strips=strips, **more)
        else:
            order = weight_order(x, out, window, groups)
            pack = partial(pack_dot_weights, groups=groups, order=order)
            packed = packed_constant(self.weights, f"conv groups {groups} {order}", pack)
            step = dot_conv_step(x, Ref(packed.buffer), out, window, groups=groups, **more)
        step.keeps = (packed,)
        return [step]

    def reference(self, inputs: Sequence[Value | None]) -> list[Value]:
        """A sum over kernel positions in int64."""
        x, zero = inputs
        assert x is not None
        assert zero is not None
        (centred,) = super().reference([x.astype(np.int64) - int(zero), None])
        totals = self.weights.astype(np.int64).sum(tuple(range(1, self.weights.ndim)))
        return [(centred.astype(np.int64) + int(zero) * totals).astype(np.int32)]
