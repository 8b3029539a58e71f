"""Convolutions as products of split numbers; see `split`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jitrt.codegen.conv import Image, Window, image_bytes, is_even
from jitrt.codegen.epilogue import Epilogue, plain
from jitrt.codegen.gemm import PackedMatrix
from jitrt.codegen.kernel import Argument, Ref, Step
from jitrt.codegen.product import Matrix, extras, placed
from jitrt.codegen.split import BLOCK_BYTES, SplitProduct, parts_of, row_pitch, split_cost, split_matmul_step
from jitrt.codegen.split_rows import AXES, ImageLines
from jitrt.codegen.target import Target, host
from jitrt.dims import Size, hint, prod, same
from jitrt.types import BF16, F16, F32

BLOCK_ROWS = 128  # at least, where an image has them


@dataclass(frozen=True)
class Lines:
    """How an image is cut into lines; see `ImageLines` for the names, and for what the `images` are."""

    geometry: Mapping[str, Sequence[Size]]
    line: Size
    more: int
    images: int

    @classmethod
    def of(cls, x: Image, out: Image, window: Window) -> Lines:
        """Those of a convolution; an image of one axis has one line."""
        missing = len(AXES) - len(window.kernel)
        geometry: dict[str, Sequence[Any]] = {
            name: (*(neutral,) * missing, *sizes)
            for name, neutral, sizes in (
                *(("in", 1, x.spatial), ("out", 1, out.spatial), ("step", 0, x.steps)),
                *(("pad", 0, window.pads), ("kernel", 1, window.kernel)),
                *(("stride", 1, window.strides), ("dilation", 1, window.dilations)),
            )
        }
        reach = [(k - 1) * d for k, d in zip(geometry["kernel"], geometry["dilation"], strict=True)]
        strides = geometry["stride"]
        phases = [min(s, r + 1) for s, r in zip(strides, reach, strict=True)]
        geometry["phases"] = phases
        line = geometry["out"][2] + reach[2] // strides[2]
        images = geometry["kernel"][0] * phases[1] * phases[2]
        return cls(geometry, line, reach[1] // strides[1], images)

    @property
    def depth(self) -> Size:
        """Planes of the result."""
        return self.geometry["out"][0]

    @property
    def height(self) -> Size:
        """Lines of a plane of the result."""
        return self.geometry["out"][1]

    def rows(self, lines: Size) -> Size:
        """Pixels that are split for so many lines of the result."""
        return self.images * (lines + self.more) * self.line

    def block(self, pitch: int) -> int:
        """Lines of a block: as many as fit, or make a few tiles, and the blocks of about one height."""
        height, line = max(hint(self.height), 1), hint(self.line)
        fitting = BLOCK_BYTES // 2 // (line * self.images * pitch) - self.more
        lines = min(max(1, min(fitting, 2 * BLOCK_ROWS // line), -(-BLOCK_ROWS // line)), height)
        return -(-height // -(-height // lines))


def is_product(x: Image, out: Image, window: Window) -> bool:
    """Whether a convolution is a product of the input's pixels, which are evenly spaced, with a matrix."""
    aligned = all(same(a, b) for a, b in zip(x.spatial, out.spatial, strict=True))
    return window.is_point and aligned and is_even(x)


def can_split_conv(x: Image, out: Image, window: Window, groups: int) -> bool:
    """Whether `split_conv_step` computes such a convolution."""
    return (
        groups == 1
        and len(window.kernel) <= len(AXES)
        and all(pad >= 0 for pad in window.pads)
        and x.dtype in (F32, F16, BF16)
        and isinstance(x.channels, int)
        and isinstance(out.channels, int)
        and x.is_channels_last()
        and is_even(out)
    )


def split_conv_cost(x: Image, out: Image, window: Window) -> Size | None:
    """What a convolution is expected to cost for one image; None if its lines are too long for the cache."""
    assert isinstance(x.channels, int)
    assert isinstance(out.channels, int)
    parts, taps = parts_of(x.dtype), int(prod(window.kernel))
    if is_product(x, out, window):
        return split_cost(prod(out.spatial), out.channels, x.channels, parts=parts)
    lines = Lines.of(x, out, window)
    if lines.rows(1) * row_pitch(x.channels, parts) > BLOCK_BYTES:
        return None
    rows, copied = lines.line * lines.height * lines.depth, lines.rows(lines.height) * lines.depth
    return split_cost(rows, out.channels, x.channels, taps=taps, copied=copied, parts=parts)


def split_conv_step(
    x: Image,
    weights: Ref,
    out: Image,
    window: Window,
    *,
    bias: Ref | None = None,
    epilogue: Epilogue | None = None,
    operands: Sequence[Matrix] = (),
    label: str = "conv",
    target: Target | None = None,
) -> Step:
    """As `conv_step`, for what `can_split_conv` allows, with weights as `pack_split_weights` has them."""
    assert isinstance(x.channels, int)
    pixels, taps = prod(out.spatial), int(prod(window.kernel))
    if is_product(x, out, window):
        return split_matmul_step(
            Matrix(x.ref, x.dtype, x.steps[-1], 1, (x.batch_stride, 0)),
            PackedMatrix(weights),
            Matrix(out.ref, out.dtype, out.steps[-1], 1, (out.batch_stride, 0)),
            m=pixels,
            n=out.channels,
            k=x.channels,
            batch=(x.batch, 1),
            bias=bias,
            epilogue=epilogue,
            operands=operands,
            label=label,
            target=target,
        )
    lines = Lines.of(x, out, window)
    plane = lines.height * lines.geometry["out"][2]
    epilogue, operands = _of_planes(epilogue or plain(F32, out.dtype), operands, plane)
    own = SplitProduct(
        *(ImageLines(x.dtype), parts_of(x.dtype), epilogue, bias is not None), target or host()
    )
    block = lines.block(row_pitch(x.channels, own.parts))
    values: dict[str, Argument] = {
        **{"taps": taps, "line": lines.line, "lines.more": lines.more},
        **{
            f"{name}.{axis}": size
            for name, sizes in lines.geometry.items()
            for axis, size in zip(AXES, sizes, strict=True)
        },
        **placed("X", x.ref, (x.batch_stride, 0)),
        **placed("B", weights, (0, 0)),
        **placed("Y", out.ref, (out.batch_stride, plane * out.steps[-1]), row=out.steps[-1]),
        **extras(operands, bias),
    }
    sizes = (lines.height, out.channels, x.channels)
    step = own.step(values, sizes, (x.batch, lines.depth), lines.rows(block), block, label)
    count = taps * x.channels * out.channels
    step.flops = 2 * x.batch * pixels * count
    step.nbytes = image_bytes(x) + image_bytes(out) + count * 2 * own.parts
    return step


def _of_planes(epilogue: Epilogue, operands: Sequence[Matrix], pixels: Size) -> tuple[Epilogue, list[Matrix]]:
    """The epilogue and its operands, matrices of images, where planes are the inner batch."""
    matrices = [o._replace(batch=(o.batch[0], o.row * pixels)) for o in operands]
    patterns = [
        p if p.strides[:2] == (0, 0) else p._replace(strides=(None, *p.strides[1:]))
        for p in epilogue.operands
    ]
    return Epilogue(epilogue.root, tuple(patterns)), matrices
