"""Convolutions with channels-last outputs: matrix products whose rows are found in the input as it lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jitrt.codegen.epilogue import Epilogue, plain
from jitrt.codegen.gathered import GatheredPixels
from jitrt.codegen.kernel import Argument, Ref, Step
from jitrt.codegen.matrices import PackedPanels, RowsInPlace
from jitrt.codegen.microkernel import accumulator, packed_columns
from jitrt.codegen.pixels import AXES, PixelsInPlace
from jitrt.codegen.product import Matrix, Product, extras, placed
from jitrt.codegen.strips import LONGEST_RUN, PixelStrips, StripProduct
from jitrt.codegen.target import Target, host
from jitrt.codegen.walk import RowSource
from jitrt.dims import Size, prod, same
from jitrt.expr import Dtype

FEW_CHANNELS = 8  # at most, for strips
FEW_PIXELS = 8  # of a row of the output, fewer than strips are worth
UNROLLED = 512  # elements of a row that is copied without loops


@dataclass(frozen=True)
class Image:
    """A batch of images in memory: 1 to 3 spatial sizes, and strides in elements of each dimension."""

    ref: Ref
    dtype: Dtype
    batch: Size
    channels: Size
    spatial: tuple[Size, ...]
    batch_stride: Size
    channel_stride: Size
    steps: tuple[Size, ...]

    @classmethod
    def channels_last(
        cls,
        ref: Ref,
        dtype: Dtype,
        batch: Size,
        spatial: Sequence[Size],
        channels: Size,
        pixel: Size | None = None,
    ) -> Image:
        """Images [batch, *spatial, channels] with pixels `pixel` elements apart (their channels, if None)."""
        steps = [channels if pixel is None else pixel]
        for size in reversed(spatial):
            steps.insert(0, steps[0] * size)
        return cls(ref, dtype, batch, channels, tuple(spatial), steps[0], 1, tuple(steps[1:]))

    @classmethod
    def channels_first(
        cls, ref: Ref, dtype: Dtype, batch: Size, channels: Size, spatial: Sequence[Size]
    ) -> Image:
        """Images [batch, channels, *spatial]."""
        steps: list[Size] = [1]
        for size in reversed(spatial):
            steps.insert(0, steps[0] * size)
        return cls(
            ref, dtype, batch, channels, tuple(spatial), steps[0] * channels, steps[0], tuple(steps[1:])
        )

    def is_channels_last(self) -> bool:
        """Whether the channels of a pixel are adjacent."""
        return same(self.channel_stride, 1) and not (len(self.steps) and same(self.steps[-1], 1))


@dataclass(frozen=True)
class Window:
    """Kernel sizes, strides, dilations and the pads before the input, one each per spatial axis."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[int, ...]

    @property
    def is_point(self) -> bool:
        """Whether output pixels are input pixels."""
        return all(k == s == 1 for k, s in zip(self.kernel, self.strides, strict=True)) and not any(self.pads)


def gathers(x: Image) -> bool:
    """Whether a convolution of `x` copies its rows: from another layout, or another type."""
    return not x.is_channels_last() or x.dtype != accumulator(x.dtype)


def channels_first_order(x: Image) -> bool:
    """Whether `pack_conv_weights` puts channels outside of kernel positions for a convolution of `x`."""
    return not x.is_channels_last()


def conv_step(
    x: Image,
    weights: Ref,
    out: Image,
    window: Window,
    *,
    groups: int = 1,
    bias: Ref | None = None,
    epilogue: Epilogue | None = None,
    operands: Sequence[Matrix] = (),
    label: str = "conv",
    target: Target | None = None,
) -> Step:
    """`out = epilogue(convolution of x and weights + bias)`; `out` is channels-last.

    `weights` are as `pack_conv_weights` lays them out, `bias` is f32[channels of out]. An operand of the
    epilogue is a matrix [pixels, channels] for each image; its batch strides are for (image, group). Where
    the pixels of `out` are not evenly spaced, it is a matrix [columns, channels] for each (image, row), and
    groups is 1.
    """
    target = target or host()
    dtype = accumulator(x.dtype)
    channels, outputs = x.channels // groups, out.channels // groups
    epilogue = epilogue or plain(dtype, out.dtype)
    common = (PackedPanels(dtype), epilogue, bias is not None, target)
    strips = strips_of(x, out, window, groups, operands)
    if strips is not None:
        rows, k, taps = OutputRows.single(out), strips.run, channels * prod(window.kernel) // strips.run
        values = geometry(x, out, window) | {"inner.rows": 0} | _strip_values(x, window)
        product: Product = StripProduct("conv", dtype, strips, *common, pixel=strips.pixel, run=strips.run)
    else:
        rows = OutputRows.of(out)
        source, values = _row_source(x, out, window, groups, rows)
        k, taps = (channels * prod(window.kernel), 1) if source.packs else (channels, prod(window.kernel))
        product = Product("conv", dtype, source, *common)
    packed = k * taps * packed_columns(outputs, product.shape)
    values |= {
        **{"m": rows.pixels, "n": outputs, "k": k, "taps": taps, "batch.inner": groups * rows.count},
        **product.microkernels(outputs),
        **placed("B", weights, (0, packed if groups > 1 else 0)),
        **placed("Y", out.ref, (out.batch_stride, outputs if groups > 1 else rows.stride), row=out.steps[-1]),
        **extras(operands, bias, outputs if groups > 1 else 0),
    }
    flops = 2 * x.batch * prod(out.spatial) * out.channels * channels * prod(window.kernel)
    moved = image_bytes(x) + image_bytes(out) + packed * groups * dtype.itemsize
    return product.step(values, x.batch * groups * rows.count, label, flops, moved)


@dataclass(frozen=True)
class OutputRows:
    """An image's pixels as `count` rows of evenly spaced `pixels`; `stride` elements from row to row."""

    pixels: Size
    count: Size
    stride: Size

    @classmethod
    def of(cls, image: Image) -> OutputRows:
        """One row if the image allows."""
        if is_even(image):
            return cls(prod(image.spatial), 1, 0)
        return cls.single(image)

    @classmethod
    def single(cls, image: Image) -> OutputRows:
        """The rows as they are."""
        return cls(
            image.spatial[-1], prod(image.spatial[:-1]), image.steps[-2] if len(image.steps) > 1 else 0
        )


def is_even(image: Image) -> bool:
    """Whether the same step leads from each pixel to the next, across rows as well."""
    steps, sizes = image.steps, image.spatial
    return all(same(steps[i], steps[i + 1] * sizes[i + 1]) for i in range(len(steps) - 1))


def image_bytes(image: Image) -> Size:
    """The bytes of an image's elements."""
    return image.batch * prod(image.spatial) * image.channels * image.dtype.itemsize


def _row_source(
    x: Image, out: Image, window: Window, groups: int, rows: OutputRows
) -> tuple[RowSource, dict[str, Argument]]:
    """Where the rows come from, and the values of the source's arguments."""
    dtype = accumulator(x.dtype)
    channels = x.channels // groups
    batch = (x.batch_stride, channels * x.channel_stride if groups > 1 else 0)
    aligned = all(same(a, b) for a, b in zip(x.spatial, out.spatial, strict=True))
    if window.is_point and aligned and is_even(x) and not gathers(x):
        if groups == 1:
            batch = (x.batch_stride, rows.pixels * x.steps[-1])
        return RowsInPlace(dtype), placed("A", x.ref, batch, row=x.steps[-1])
    values = geometry(x, out, window) | {"inner.rows": 0 if groups > 1 else rows.pixels}
    if not gathers(x):
        return PixelsInPlace(dtype), values | placed("X", x.ref, batch)
    unrolled, runs = gathered_runs(x, channels, window, groups)
    source = GatheredPixels(x.dtype, dtype, unrolled)
    return source, values | runs | placed("X", x.ref, batch, run=x.channel_stride)


def strips_of(
    x: Image, out: Image, window: Window, groups: int, operands: Sequence[Matrix]
) -> PixelStrips | None:
    """The source of rows that share strips, for few channels that make runs of adjacent elements.

    The epilogue has no operand that differs from pixel to pixel, and the rows of the output are evenly spaced
    and not short.
    """
    if groups > 1 or not isinstance(x.channels, int) or x.channels > FEW_CHANNELS:
        return None
    _, _, length, unit = _runs(x, x.channels, window, groups)
    assert isinstance(length, int)
    assert isinstance(unit, int)
    pixel, width = window.strides[-1] * unit, out.spatial[-1]
    if length > LONGEST_RUN or pixel > length or (isinstance(width, int) and width < FEW_PIXELS):
        return None
    even = len(out.steps) < 3 or same(out.steps[0], out.steps[1] * out.spatial[1])
    if not same(x.steps[-1], unit) or not even or not all(same(o.row, 0) for o in operands):
        return None
    return PixelStrips(x.dtype, accumulator(x.dtype), pixel=pixel, run=length)


def gathered_runs(
    x: Image, channels: Size, window: Window, groups: int, unrolled: int = UNROLLED
) -> tuple[tuple[int, int, int, int] | None, dict[str, Argument]]:
    """`GatheredPixels.runs`, None for more than `unrolled` elements; and values that describe runs."""
    depth, height = (1, 1, *window.kernel)[-3:-1]
    outer, runs, length, unit = _runs(x, channels, window, groups)
    known = None
    if runs == 1 and isinstance(length, int) and isinstance(outer, int):
        known = (outer, depth, height, length) if outer * depth * height * length <= unrolled else None
    values: dict[str, Argument] = {"run.length": length, "run.unit": unit, "runs.outer": outer}
    return known, values | {"runs.w": runs, "zeros.length": 0}


def _runs(x: Image, channels: Size, window: Window, groups: int) -> tuple[Size, int, Size, Size]:
    """A row's runs of adjacent elements: how many for channels and for the width; length, and a pixel's."""
    width, dense = window.kernel[-1], window.dilations[-1] == 1
    if x.is_channels_last():
        joined = dense and groups == 1 and same(x.steps[-1], x.channels)
        return (1, 1, width * channels, channels) if joined else (1, width, channels, channels)
    joined = dense and same(x.steps[-1], 1)
    return (channels, 1, width, 1) if joined else (channels, width, 1, 1)


def _strip_values(x: Image, window: Window) -> dict[str, Argument]:
    """The values that `PixelStrips` takes beside the geometry."""
    _, runs = gathered_runs(x, x.channels, window, 1)
    return runs | placed("X", x.ref, (x.batch_stride, 0), run=x.channel_stride)


def geometry(x: Image, out: Image, window: Window) -> dict[str, Argument]:
    """The values of `pixels.GEOMETRY`."""
    missing = len(AXES) - len(window.kernel)
    per_axis: dict[str, tuple[Sequence[Size], Size]] = {
        **{"in": (x.spatial, 1), "out": (out.spatial, 1), "step": (x.steps, 0), "pad": (window.pads, 0)},
        **{"kernel": (window.kernel, 1), "stride": (window.strides, 1), "dilation": (window.dilations, 1)},
    }
    return {
        f"{name}.{axis}": size
        for name, (sizes, neutral) in per_axis.items()
        for axis, size in zip(AXES, (*(neutral,) * missing, *sizes), strict=True)
    }
