"""Convolutions as kernel calls, over channels-last views of their tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from jitrt.codegen.bands import ImageStep
from jitrt.codegen.conv import Image, Window, channels_first_order, conv_step, strips_of
from jitrt.codegen.conv_transpose import conv_transpose_steps, pack_transpose_weights
from jitrt.codegen.cost import direct_cost
from jitrt.codegen.depthwise import depthwise_step, has_narrow_groups
from jitrt.codegen.epilogue import Epilogue
from jitrt.codegen.kernel import Ref, Step
from jitrt.codegen.loops import Operand
from jitrt.codegen.microkernel import tile_shape
from jitrt.codegen.product import Matrix
from jitrt.codegen.split import can_split, parts_of
from jitrt.codegen.split_conv import can_split_conv, is_product, split_conv_cost, split_conv_step
from jitrt.codegen.target import host
from jitrt.codegen.weights import (
    pack_conv_weights,
    pack_depthwise_weights,
    pack_split_weights,
    pack_winograd_weights,
    unpack_matrix,
)
from jitrt.codegen.winograd import choose_transform, winograd_step
from jitrt.constants import Packed, packed_constant
from jitrt.dims import Size, concrete, prod, same
from jitrt.layout import Array
from jitrt.loop_step import in_place
from jitrt.products import copied, has_adjacent_columns, merge
from jitrt.tensor import Call, Dtype, Shape, Tensor, Value, concatenate, constant, outputs_of

FEW_CHANNELS = 8  # an input with fewer is read as it lies


@dataclass(frozen=True)
class ConvAttributes:
    """Kernel sizes, strides, dilations, and pads before and after, per spatial axis; and the groups."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[int, ...]
    groups: int

    @property
    def window(self) -> Window:
        """What the kernel needs of them."""
        return Window(self.kernel, self.strides, self.dilations, self.pads[: len(self.kernel)])

    def output_sizes(self, spatial: Sequence[Size]) -> list[Size]:
        """The spatial sizes of the result."""
        rank = len(self.kernel)
        return [
            (spatial[i] + self.pads[i] + self.pads[i + rank] - self.dilations[i] * (self.kernel[i] - 1) - 1)
            // self.strides[i]
            + 1
            for i in range(rank)
        ]


class ImageCall(Call):
    """What convolutions share: channels-last images in and out, a bias, an epilogue."""

    takes_epilogue = True
    strided_output = True
    few_channels = FEW_CHANNELS
    parameter = "bias"  # what the second input is to the kernel

    def __init__(
        self,
        x: Tensor,
        weights: Value,
        parameter: Tensor | None,
        attributes: ConvAttributes,
        outputs: Shape,
        dtype: Dtype | None = None,
    ) -> None:
        self.weights, self.attributes = weights, attributes
        self.inputs = (x, parameter)  # type: ignore[assignment]
        outputs_of(self, [(dtype or x.dtype, outputs)])

    def accepts(self, index: int, strides: Sequence[Size], shape: Shape) -> bool:
        """Pixels may be apart; few channels may lie in any order."""
        if index == 0 and isinstance(shape[-1], int) and shape[-1] < self.few_channels:
            return True
        if index > 0 or not same(strides[-1], 1):
            return False
        return index == 0 or len(merge(shape[1:-1], [strides[1:-1]])[0]) <= 1

    def steps(self, inputs: Sequence[Array | None], outputs: Sequence[Array], epilogue: Any) -> list[Step]:
        """The convolution, after copies of epilogue operands that no even stride reaches."""
        x, parameter = inputs
        (out,) = outputs
        assert x is not None
        copies: list[Step] = []
        operands, patterns = epilogue_operands(epilogue, out.shape, self.operand_groups, copies)
        more = {
            self.parameter: None if parameter is None else parameter.ref,
            "epilogue": None if epilogue is None else Epilogue(epilogue.root, patterns),
            "operands": operands,
            "label": self.name,
        }
        steps = self.kernel_steps(_image(x), _image(out), more)
        if len(steps) == 1 and epilogue is not None:
            steps[0].in_place = in_place(epilogue.arrays, outputs, inputs)
        return copies + steps

    @property
    def operand_groups(self) -> int:
        """The groups that an epilogue's operands are cut into."""
        return 1

    def kernel_steps(self, x: Image, out: Image, more: dict[str, Any]) -> list[Step]:
        """The steps, given the images and what all kernels take."""
        raise NotImplementedError(self.name)


class Convolution(ImageCall):
    """`Y[n, *spatial, m]` of `X[n, *spatial, c]`, weights [m, c / groups, *kernel] and a bias [m]."""

    name = "Conv"

    def __init__(self, x: Tensor, weights: Value, bias: Tensor | None, attributes: ConvAttributes) -> None:
        spatial = attributes.output_sizes(x.shape[1:-1])
        self.depthwise = self.has_kernels_of_channels(x, weights.shape[0], attributes.groups)
        if self.depthwise:
            self.name, self.few_channels = "DepthwiseConv", 0
        super().__init__(x, weights, bias, attributes, (x.shape[0], *spatial, weights.shape[0]))

    @staticmethod
    def has_kernels_of_channels(x: Tensor, outputs: Size, groups: int) -> bool:
        """Whether channels, or a few of them, have kernels of their own, and one call does all."""
        return has_narrow_groups(int(x.shape[-1]), int(outputs), groups, x.dtype)

    @property
    def operand_groups(self) -> int:
        """The kernel walks groups one by one, except where each has few channels."""
        return 1 if self.depthwise else self.attributes.groups

    def kernel_steps(self, x: Image, out: Image, more: dict[str, Any]) -> list[Step]:
        """One step."""
        make, packed, kind = self._kernel(x, out, more["operands"])
        make = partial(_keeping, packed, make)
        step = make(x, out, **more)
        if kind is not None:
            step.image = ImageStep(make, x, out, self.attributes.window, more, kind)
        return [step]

    def _kernel(
        self, x: Image, out: Image, operands: Sequence[Matrix]
    ) -> tuple[Callable[..., Step], Packed, str | None]:
        """What makes the step from weights and images, the packed weights, and the kind of `ImageStep`."""
        window, groups = self.attributes.window, self.attributes.groups
        if self.depthwise:
            packed = packed_constant(self.weights, "depthwise", pack_depthwise_weights)
            return partial(depthwise_step, window=window, groups=groups), packed, "windows"
        direct = self._cost_of_sums(x, out)
        by_parts = self._cost_by_parts(x, out)
        splits = by_parts is not None and by_parts < direct
        transform = choose_transform(x, out, window, groups, by_parts if splits else direct)
        if transform is not None:
            pack = partial(pack_winograd_weights, transform=transform)
            packed = packed_constant(self.weights, f"{transform}", pack)
            return partial(winograd_step, window=window, transform=transform), packed, None
        kind = "product" if groups == 1 and is_product(x, out, window) else None
        if splits:
            count = parts_of(x.dtype)
            pack = partial(pack_split_weights, parts=count)
            packed = packed_constant(self.weights, f"{count} parts", pack)
            return partial(split_conv_step, window=window), packed, kind
        if strips_of(x, out, window, groups, operands) is not None:
            kind = "rows"
        first = channels_first_order(x)
        pack = partial(pack_conv_weights, groups=groups, channels_first=first)
        packed = packed_constant(self.weights, f"conv {groups} {first}", pack)
        return partial(conv_step, window=window, groups=groups), packed, kind

    def _cost_of_sums(self, x: Image, out: Image) -> Size:
        """What a direct sum is expected to cost."""
        terms = int(x.channels // self.attributes.groups * prod(self.attributes.kernel))
        return direct_cost(prod(out.spatial), int(out.channels), terms)

    def _cost_by_parts(self, x: Image, out: Image) -> Size | None:
        """What the sum of products of parts is expected to cost, where it can be computed so."""
        window, groups = self.attributes.window, self.attributes.groups
        if not can_split_conv(x, out, window, groups) or not can_split(self.weights):
            return None
        return split_conv_cost(x, out, window)

    def reference(self, inputs: Sequence[Value | None]) -> list[Value]:
        """A sum over kernel positions in float64."""
        x, bias = inputs
        assert x is not None
        own, groups = self.attributes, self.attributes.groups
        rank = len(own.kernel)
        spatial = [int(s) for s in own.output_sizes(x.shape[1:-1])]
        pads = [(0, 0), *zip(own.pads[:rank], own.pads[rank:], strict=True), (0, 0)]
        padded = np.pad(x.astype(np.float64), pads)
        grouped = self.weights.astype(np.float64).reshape(groups, -1, *self.weights.shape[1:])
        y = np.zeros((x.shape[0], *spatial, groups, grouped.shape[1]))
        for position in np.ndindex(*own.kernel):
            picks = tuple(
                slice(p * d, p * d + (n - 1) * s + 1, s)
                for p, d, n, s in zip(position, own.dilations, spatial, own.strides, strict=True)
            )
            pixels = padded[(slice(None), *picks)].reshape(*y.shape[:-1], -1)
            y += np.einsum("...gc,gmc->...gm", pixels, grouped[(..., *position)])
        y = y.reshape(*y.shape[:-2], -1)
        return [y if bias is None else y + bias]


class FedConvolution(Convolution):
    """A convolution whose weights are computed in the same run, and packed by `packed_panels`."""

    def __init__(
        self, x: Tensor, weights: Tensor, packed: Tensor, bias: Tensor | None, attributes: ConvAttributes
    ) -> None:
        super().__init__(x, weights, bias, attributes)  # type: ignore[arg-type]
        self.few_channels = 0  # the order of packed weights is that of channels-last images
        self.shape, self.weights = concrete(weights.shape), np.zeros(0, x.dtype)
        self.inputs = (x, bias, packed)  # type: ignore[assignment]

    def steps(self, inputs: Sequence[Array | None], outputs: Sequence[Array], epilogue: Any) -> list[Step]:
        """As those of a convolution with packed constants."""
        assert inputs[2] is not None
        self.packed = inputs[2].ref
        return super().steps(inputs[:2], outputs, epilogue)

    def kernel_steps(self, x: Image, out: Image, more: dict[str, Any]) -> list[Step]:
        """One step."""
        window, groups = self.attributes.window, self.attributes.groups
        if self.depthwise:
            return [depthwise_step(x, self.packed, out, window, groups=groups, **more)]
        return [conv_step(x, self.packed, out, window, groups=groups, **more)]

    def reference(self, inputs: Sequence[Value | None]) -> list[Value]:
        """A sum over kernel positions in float64."""
        x, bias, packed = inputs
        assert packed is not None
        parts = 1 if self.depthwise else self.attributes.groups
        outputs, channels = self.shape[0] // parts, self.shape[1]
        rows = [unpack_matrix(p, channels * prod(self.shape[2:]), outputs) for p in packed.reshape(parts, -1)]
        kernels = np.stack(rows).reshape(parts, -1, channels, outputs).transpose(0, 3, 2, 1)
        whole = Convolution.__new__(Convolution)
        whole.attributes, whole.weights = self.attributes, kernels.reshape(self.shape)
        return whole.reference((x, bias))


def packed_panels(rows: Tensor) -> Tensor:
    """Matrices [batch, k, n] of known sizes laid out as `pack_matrix` does, end to end."""
    batch, k, n = concrete(rows.shape)
    shape = tile_shape(rows.dtype, host())
    if n % shape.lanes:
        width = -n % shape.lanes
        rows = concatenate([rows, constant(np.zeros((batch, k, width), rows.dtype))], 2)
        n += width
    first = n // shape.columns * shape.columns
    panels = rows.slice(2, 0, first).reshape((batch, k, first // shape.columns, shape.columns))
    parts = [panels.permute((0, 2, 1, 3)).reshape((batch, k * first))] if first else []
    if n > first:
        parts.append(rows.slice(2, first, n - first).reshape((batch, k * (n - first))))
    return concatenate(parts, 1).reshape((batch * k * n,))


class TransposedConvolution(ImageCall):
    """The transpose of a convolution with weights [c, m / groups, *kernel]."""

    name = "ConvTranspose"

    def __init__(
        self,
        x: Tensor,
        weights: Value,
        bias: Tensor | None,
        attributes: ConvAttributes,
        spatial: Sequence[Size],
    ) -> None:
        channels = weights.shape[1] * attributes.groups
        if attributes.groups == weights.shape[0] == channels > 1:
            self.few_channels = 0  # a kernel a channel reads channels-last images only
        super().__init__(x, weights, bias, attributes, (x.shape[0], *spatial, channels))

    def kernel_steps(self, x: Image, out: Image, more: dict[str, Any]) -> list[Step]:
        """A step a phase and group."""
        window, groups = self.attributes.window, self.attributes.groups
        first = channels_first_order(x)
        pack = partial(pack_transpose_weights, window=window, groups=groups, channels_first=first)
        packed = packed_constant(self.weights, f"conv_transpose {groups} {first} {window}", pack)
        steps = conv_transpose_steps(x, Ref(packed.buffer), out, window, groups=groups, **more)
        for step in steps:
            step.keeps = (packed,)
        return steps

    def reference(self, inputs: Sequence[Value | None]) -> list[Value]:
        """Each input pixel's product with the kernel, added where it falls, in float64."""
        x, bias = inputs
        assert x is not None
        own, groups = self.attributes, self.attributes.groups
        (output,) = self.outputs
        spatial = concrete(output.shape[1:-1])
        weights = self.weights.astype(np.float64).reshape(groups, -1, *self.weights.shape[1:])
        grouped = x.astype(np.float64).reshape(*x.shape[:-1], groups, -1)
        reach = [
            max((n - 1) * s + d * (k - 1) + 1, p + o)
            for n, s, d, k, p, o in zip(
                x.shape[1:-1], own.strides, own.dilations, own.kernel, own.pads, spatial, strict=False
            )
        ]
        y = np.zeros((x.shape[0], *reach, groups, self.weights.shape[1]))
        for position in np.ndindex(*own.kernel):
            picks = tuple(
                slice(p * d, p * d + (n - 1) * s + 1, s)
                for p, d, n, s in zip(position, own.dilations, x.shape[1:-1], own.strides, strict=True)
            )
            y[(slice(None), *picks)] += np.einsum("...gc,gcm->...gm", grouped, weights[(..., *position)])
        y = y[(slice(None), *(slice(p, p + o) for p, o in zip(own.pads, spatial, strict=False)))]
        y = y.reshape(*y.shape[:-2], -1)
        return [y if bias is None else y + bias]


def epilogue_operands(
    epilogue: Any, shape: Shape, groups: int, copies: list[Step]
) -> tuple[list[Matrix], tuple[Operand, ...]]:
    """The epilogue's operands as a matrix [pixels, channels] for each image and group, and their patterns."""
    operands: list[Matrix] = []
    patterns: list[Operand] = []
    for given in [] if epilogue is None else epilogue.arrays:
        array = given
        pixels = merge(shape[1:-1], [array.strides[1:-1]])
        if len(pixels[0]) > 1 or not has_adjacent_columns(array):
            array = copied(array, shape, copies)
            pixels = merge(shape[1:-1], [array.strides[1:-1]])
        row = pixels[1][0][0] if pixels[0] else 0
        per_group = shape[-1] // groups * array.strides[-1]
        batch = (array.strides[0], per_group if groups > 1 else 0)
        operands.append(Matrix(array.ref, array.dtype, row, array.strides[-1], batch))
        moves = None if any(not same(b, 0) for b in batch) else 0
        column = 0 if same(array.strides[-1], 0) else 1
        patterns.append(Operand(array.dtype, (moves, 0 if same(row, 0) else None, column)))
    return operands, tuple(patterns)


def _keeping(packed: Packed, make: Callable[..., Step], x: Image, out: Image, **more: Any) -> Step:
    """The step, which keeps its weights alive."""
    step = make(x, Ref(packed.buffer), out, **more)
    step.keeps = (packed,)
    return step


def _image(x: Array) -> Image:
    """The kernel's view of an array [n, *spatial, c]."""
    return Image(
        x.ref, x.dtype, x.shape[0], x.shape[-1], x.shape[1:-1], x.strides[0], x.strides[-1], x.strides[1:-1]
    )
