"""Pooling as kernel calls, over channels-last views of tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jitrt.codegen.conv import Image
from jitrt.codegen.epilogue import plain
from jitrt.codegen.kernel import Step
from jitrt.codegen.target import host
from jitrt.codegen.windows import windows_step
from jitrt.convolutions import ConvAttributes, ImageCall
from jitrt.dims import Size, concrete, prod
from jitrt.tensor import Tensor, Value
from jitrt.types import F32, F64, I8, U8, is_float

TYPES = (F32, F64, I8, U8)
FEW_CHANNELS = 8  # fewer do not fill enough of a vector
LARGEST = 1024  # elements of a window, each of which may be a line of a kernel's table


class Pooling(ImageCall):
    """The largest element ("max") or the sum ("add") of each window and channel of `X[n, *spatial, c]`."""

    few_channels = 0

    def __init__(self, combine: str, x: Tensor, attributes: ConvAttributes, spatial: Sequence[Size]) -> None:
        self.name, self.combine = {"max": "MaxPool", "add": "SumPool"}[combine], combine
        super().__init__(x, np.zeros(0), None, attributes, (x.shape[0], *spatial, x.shape[-1]))

    @classmethod
    def serves(cls, x: Tensor, attributes: ConvAttributes) -> bool:
        """Whether kernels exist for the type, enough channels and a small window of x[n, *spatial, c]."""
        few = isinstance(x.shape[-1], int) and x.shape[-1] < FEW_CHANNELS
        return x.dtype in TYPES and not few and prod(attributes.kernel) <= LARGEST

    def kernel_steps(self, x: Image, out: Image, more: dict[str, Any]) -> list[Step]:
        """One step."""
        epilogue = more["epilogue"] or plain(x.dtype, out.dtype)
        rest = (self.attributes.window, epilogue, more["operands"], more["label"], host())
        return [windows_step(self.combine, x, out, *rest)]

    def reference(self, inputs: Sequence[Value | None]) -> list[Value]:
        """A maximum or sum over kernel positions."""
        x, own = inputs[0], self.attributes
        assert x is not None
        rank = len(own.kernel)
        spatial = concrete(self.outputs[0].shape[1:-1])
        lowest: Any = -np.inf if is_float(x.dtype) else np.iinfo(x.dtype).min
        outside = lowest if self.combine == "max" else 0
        after = [
            max((n - 1) * s + d * (k - 1) + 1 - p - size, 0)
            for n, s, d, k, p, size in zip(
                spatial, own.strides, own.dilations, own.kernel, own.pads, x.shape[1:-1], strict=False
            )
        ]
        pads = [(0, 0), *zip(own.pads[:rank], after, strict=True), (0, 0)]
        padded = np.pad(x, pads, constant_values=outside)
        y = np.full((x.shape[0], *spatial, x.shape[-1]), outside, x.dtype)
        combine = np.maximum if self.combine == "max" else np.add
        for position in np.ndindex(*own.kernel):
            picks = tuple(
                slice(p * d, p * d + (n - 1) * s + 1, s)
                for p, d, n, s in zip(position, own.dilations, spatial, own.strides, strict=True)
            )
            y = combine(y, padded[(slice(None), *picks)])
        return [y]
