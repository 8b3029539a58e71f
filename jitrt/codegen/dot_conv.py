"""Convolutions of 8-bit integers in int32, over channels-last outputs.

Padding is the zero point of the input: its products with the weights are what the sums are corrected by.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from jitrt.codegen.conv import (
    Image,
    OutputRows,
    Window,
    channels_first_order,
    gathered_runs,
    geometry,
    image_bytes,
    is_even,
)
from jitrt.codegen.depthwise_microkernel import depthwise_microkernels
from jitrt.codegen.dot import Dot, dot_of, has_tiles, matrix_dot_of
from jitrt.codegen.dot_gemm import dot_matmul_step, dot_product
from jitrt.codegen.dot_matrices import GROUP_BYTES
from jitrt.codegen.dot_strips import SLACK, ColumnStrips
from jitrt.codegen.epilogue import Epilogue, plain
from jitrt.codegen.function import Integer
from jitrt.codegen.gathered import GatheredPixels
from jitrt.codegen.gemm import PackedMatrix
from jitrt.codegen.kernel import Argument, Kernel, Ref, Step
from jitrt.codegen.matrices import PackedPanels
from jitrt.codegen.microkernel import packed_columns, tile_shape
from jitrt.codegen.pixels import AXES, PixelsInPlace
from jitrt.codegen.product import Matrix, Product, extras, placed
from jitrt.codegen.target import Target, host
from jitrt.codegen.walk import RowSource, Walk
from jitrt.codegen.weights import WeightOrder
from jitrt.dims import Size, prod, same
from jitrt.types import I32, U8

IN_PLACE = 16  # channels from which a row for each kernel position is worth its pointer
LONGEST_COPIED = 1536  # bytes of a row copied line by line: those of a tile stay in the first-level cache
COPIED = 64  # output channels from which copies of rows, pixel by pixel, are worth tile registers
UNROLLED = 2048  # bytes of a row that is copied without loops


@dataclass(frozen=True)
class BytePixels(PixelsInPlace):
    """Pixels of bytes in place; `Z` is the byte that padding consists of."""

    arguments = (*PixelsInPlace.arguments, "Z")

    def start(self, w: Walk) -> None:
        """Fill the row that stands for padding."""
        row = w.f.at("%scratch", w["scratch.zeros"])
        length = w.f.mul(w["zeros.length"], GROUP_BYTES)
        arguments = (("ptr", row), ("i8", w.f.get("i8", w["Z"], 1)), ("i64", str(length)), ("i1", "false"))
        w.f.call("llvm.memset.p0.i64", "void", *arguments)


@dataclass(frozen=True)
class GatheredGroups(GatheredPixels):
    """Pixels of bytes copied together as groups; `Z` is the byte that padding consists of."""

    arguments = (*GatheredPixels.arguments, "Z")

    def pitch(self, w: Walk) -> Integer:
        """Rows are whole groups."""
        return w.f.mul(w["k"], GROUP_BYTES)

    def lanes(self, w: Walk) -> int:
        """A vector of elements of groups."""
        return w.f.target.vector_bytes // self.dtype.itemsize

    def copied(self, w: Walk, value: str, mask: str | None) -> str:
        """Padding is the zero point; elements widen to those of a group."""
        f, lanes = w.f, self.lanes(w)
        if mask is not None:
            zero = f.splat(f.get("i8", w["Z"], 1), "i8", lanes)
            value = f.choose(mask, value, zero, "i8", lanes)
        return f.cast(value, self.source, self.dtype, lanes)


@dataclass(frozen=True)
class DepthwiseProduct(Product):
    """A product of bytes, each column of the rows with its own of B."""

    diagonal = True

    def microkernel(self, vectors: int, whole: bool) -> Kernel:
        """The micro-kernels for panels of `vectors` vectors."""
        return depthwise_microkernels(vectors, self.target, masked=not whole)


def is_matrix(x: Image, out: Image, window: Window, groups: int) -> bool:
    """Whether a convolution is a product of the input's pixels, evenly spaced, with a matrix."""
    aligned = all(same(a, b) for a, b in zip(x.spatial, out.spatial, strict=True))
    even = is_even(x) and (groups == 1 or is_even(out))
    return window.is_point and aligned and even and x.is_channels_last()


def gathers_groups(
    x: Image, outputs: Size, window: Window, groups: int, target: Target | None = None
) -> bool:
    """Whether a convolution of x to `outputs` channels copies its rows.

    It does where groups are no bytes, or not those of a pixel, and for what tile registers then save: where
    copies are cheap, as lines are dense and rows short, or for many outputs.
    """
    target = target or host()
    dot, channels = dot_of(target), x.channels // groups
    whole = isinstance(channels, int) and channels % dot.size == 0 and channels >= IN_PLACE
    if not whole or dot.row != U8 or not x.is_channels_last():
        return True
    dense = groups == 1 and same(x.steps[-1], x.channels) and window.dilations[-1] == 1
    cheap = dense and channels * prod(window.kernel) <= LONGEST_COPIED
    return has_tiles(target) and (cheap or (isinstance(outputs, int) and outputs // groups >= COPIED))


def weight_order(
    x: Image, out: Image, window: Window, groups: int = 1, target: Target | None = None
) -> WeightOrder:
    """The order of the weights of a convolution of x to `out`."""
    as_matrix = is_matrix(x, out, window, groups) or gathers_groups(x, out.channels, window, groups, target)
    return WeightOrder(as_matrix, as_matrix and channels_first_order(x))


def dot_conv_step(
    x: Image,
    weights: Ref,
    out: Image,
    window: Window,
    *,
    zero: Ref,
    groups: int = 1,
    epilogue: Epilogue | None = None,
    operands: Sequence[Matrix] = (),
    label: str = "dot conv",
    target: Target | None = None,
    strips: ColumnStrips | None = None,
) -> Step:
    """`out = epilogue(convolution of x u8 and weights i8)`, padded with the byte at `zero`.

    `weights` are as `pack_dot_weights` lays them out, with strips as `pack_strip_weights` does; operands of
    the epilogue are as those of `conv_step`.
    """
    target = target or host()
    joined = _joined(x, out, window, operands) if groups == 1 and strips is None else None
    x, out, window, operands = joined or (x, out, window, operands)
    channels, outputs, taps = x.channels // groups, out.channels // groups, prod(window.kernel)
    rows, epilogue = OutputRows.of(out), epilogue or plain(I32, out.dtype)
    matrix = is_matrix(x, out, window, groups)
    gathers = matrix or strips is not None or gathers_groups(x, out.channels, window, groups, target)
    dot = matrix_dot_of(target) if gathers else dot_of(target)
    depth, taps = (channels * taps, 1) if gathers else (channels, taps)
    k = dot.groups(depth)
    packed = k * taps * packed_columns(outputs, tile_shape(I32, target))
    batch = (out.batch_stride, outputs if groups > 1 else rows.stride)
    if matrix:
        inner = channels if groups > 1 else rows.pixels * x.steps[-1]
        return dot_matmul_step(
            Matrix(x.ref, U8, x.steps[-1], 1, (x.batch_stride, inner)),
            PackedMatrix(weights, (0, packed if groups > 1 else 0)),
            Matrix(out.ref, out.dtype, out.steps[-1], 1, batch),
            m=rows.pixels,
            n=outputs,
            k=channels,
            batch=(x.batch, groups * rows.count),
            epilogue=epilogue,
            operands=operands,
            label=label,
            target=target,
        )
    row_bytes = 0
    if strips is not None:
        rows, taps, k = OutputRows.single(out), x.channels, dot.groups(strips.width * strips.lines)
        batch, row_bytes = (out.batch_stride, rows.stride), strips.row_bytes
        source: RowSource = strips
        values: dict[str, Argument] = {"zeros.length": SLACK, "inner.rows": 0}
        values |= placed("X", x.ref, (x.batch_stride, 0), channel=x.channel_stride)
    else:
        source, values = _row_source(x, window, groups, gathers, dot)
        image = (x.batch_stride, channels * x.channel_stride if groups > 1 else 0)
        values |= placed("X", x.ref, image, run=x.channel_stride)
        values["inner.rows"] = 0 if groups > 1 else rows.pixels
    product = dot_product(source, PackedPanels(I32), epilogue, target, row_bytes)
    values |= {
        **{"m": rows.pixels, "n": outputs, "k": k, "taps": taps, "batch.inner": groups * rows.count},
        **product.microkernels(outputs),
        **geometry(x, out, window),
        **{"Z": zero},
        **placed("B", weights, (0, packed if groups > 1 else 0)),
        **placed("Y", out.ref, batch, row=out.steps[-1]),
        **extras(operands, None),
    }
    flops = 2 * x.batch * prod(out.spatial) * out.channels * channels * prod(window.kernel)
    moved = image_bytes(x) + image_bytes(out) + packed * groups * GROUP_BYTES
    return product.step(values, x.batch * groups * rows.count, label, flops, moved)


def _joined(
    x: Image, out: Image, window: Window, operands: Sequence[Matrix]
) -> tuple[Image, Image, Window, Sequence[Matrix]] | None:
    """The batch as the first axis of the images: one product of all pixels, if they are evenly spaced."""
    whole, pixels = _stacked(out), prod(out.spatial)
    if len(window.kernel) == len(AXES) or same(x.batch, 1) or not is_even(whole):
        return None
    if not all(same(o.batch[0], o.row * pixels) for o in operands):
        return None
    point = Window((1, *window.kernel), (1, *window.strides), (1, *window.dilations), (0, *window.pads))
    return _stacked(x), whole, point, [o._replace(batch=(0, 0)) for o in operands]


def _stacked(image: Image) -> Image:
    spatial, steps = (image.batch, *image.spatial), (image.batch_stride, *image.steps)
    return replace(image, batch=1, spatial=spatial, batch_stride=0, steps=steps)


def _row_source(
    x: Image, window: Window, groups: int, gathers: bool, dot: Dot
) -> tuple[RowSource, dict[str, Argument]]:
    """Where the rows come from, and what describes their runs."""
    if not gathers:
        return BytePixels(U8), {}
    unrolled, runs = gathered_runs(x, x.channels // groups, window, groups, UNROLLED)
    return GatheredGroups(U8, dot.row, unrolled), runs


def depthwise_dot_step(
    x: Image,
    weights: Ref,
    out: Image,
    window: Window,
    *,
    zero: Ref,
    epilogue: Epilogue | None = None,
    operands: Sequence[Matrix] = (),
    label: str = "depthwise dot",
    target: Target | None = None,
) -> Step:
    """As `dot_conv_step`, with a kernel of its own for each channel and channels-last images.

    `weights` are as `pack_depthwise_bytes` lays them out.
    """
    target = target or host()
    channels, rows = x.channels, OutputRows.of(out)
    product = DepthwiseProduct(
        *("depthwise dot", I32, BytePixels(U8), PackedPanels(I32), epilogue or plain(I32, out.dtype), False),
        target,
    )
    values: dict[str, Argument] = {
        **{"m": rows.pixels, "n": channels, "k": 1, "taps": prod(window.kernel), "batch.inner": rows.count},
        **{"zeros.length": channels + product.shape.columns, "inner.rows": rows.pixels, "Z": zero},
        **product.microkernels(channels),
        **geometry(x, out, window),
        **placed("X", x.ref, (x.batch_stride, 0)),
        **placed("B", weights, (0, 0)),
        **placed("Y", out.ref, (out.batch_stride, rows.stride), row=out.steps[-1]),
        **extras(operands, None),
    }
    flops = 2 * x.batch * prod(out.spatial) * channels * prod(window.kernel)
    return product.step(values, x.batch * rows.count, label, flops, image_bytes(x) + image_bytes(out))
