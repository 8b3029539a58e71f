"""Convolutions 3 x 3 of stride 1 or 2 by Winograd's minimal filtering: specification, weights and step.

Outputs are cut into tiles of m x m, numbered over all images. Work goes block by block of tiles, panel by
panel of 32 or so output channels, so that what is between the transforms stays in the second-level cache:

    unit = block * panels + panel

    for the units' blocks:     V[position, tile, channel] = B^T d B        for every tile of the block
        for the units' panels: M[position, tile, column] = V[position] x U[position]
                               Y = epilogue(A^T M A + bias)                for every tile of the block

Weights that come from memory are read for more tiles at once than such a cache holds, position by position:
then the panels of a block are multiplied together.

Volumes are transformed slice by slice. Where the kernel has several slices, the products of as many
neighbouring slices are summed, each of which is transformed once for all its uses in a block:

    M[position, depth, tile, column] = sum over tap: V[position, depth + tap, tile] x U[position, tap]

See `winograd_transform` for the matrices and for rounding. Results depend on sizes alone, not on threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from jitrt.codegen.conv import Image, Window, gathers, image_bytes, is_even
from jitrt.codegen.cost import PRODUCT, TRANSFORM, TRANSFORMED, direct_cost
from jitrt.codegen.epilogue import Epilogue, plain
from jitrt.codegen.kernel import Argument, Kernel, Ref, Step
from jitrt.codegen.microkernel import (
    TileShape,
    microkernels,
    packed_columns,
    panel_widths,
    tile_shape,
)
from jitrt.codegen.order import is_winograd_allowed
from jitrt.codegen.pixels import AXES, along_axes
from jitrt.codegen.product import SECOND_LEVEL_BYTES, Matrix, extra_names, extras, placed
from jitrt.codegen.target import Target, host
from jitrt.codegen.walk import strided
from jitrt.codegen.winograd_transform import TRANSFORMS, Transform
from jitrt.dims import Size, prod
from jitrt.expr import Dtype
from jitrt.types import short_name

GEOMETRY = along_axes("in", "out", "tiles", "pad", "X.step", "Y.step")
FLAT = {"taps": 1, "in.d": 1, "out.d": 1, "tiles.d": 1, "pad.d": 0, "X.step.d": 0, "Y.step.d": 0}
SCRATCH = ("zeros", "outputs", "lines", "pointers", "V", "M")
BLOCK_BYTES = 1_200_000  # of V and M, where blocks share panels that come from a cache
LARGE_BYTES = 1 << 23  # of weights that come from memory; and of V and M that lie in a cache meanwhile


@dataclass(frozen=True)
class Winograd:
    """What a kernel's code depends on: element type, transform, epilogue, target.

    Kernels of `flat` images know what is in `FLAT`, and take no arguments for it.
    """

    dtype: Dtype
    transform: Transform
    epilogue: Epilogue
    has_bias: bool
    flat: bool
    target: Target

    @cached_property
    def shape(self) -> TileShape:
        """The tile of the micro-kernels."""
        return tile_shape(self.dtype, self.target)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The kernel's arguments, in order."""
        names = (
            *("m", "n", "k", "taps", "blocks", "together", "V.row", "V.position", "M.position"),
            *(f"scratch.{part}" for part in SCRATCH),
            *(f"microkernel{v}" for v in range(1, self.shape.vectors + 1)),
            *GEOMETRY,
            *strided("X"),
            *strided("B"),
            *strided("Y"),
            *extra_names(self.epilogue, self.has_bias),
        )
        return tuple(name for name in names if not (self.flat and name in FLAT))

    @property
    def kernel(self) -> Kernel:
        """The kernel."""
        name = f"winograd{self.transform.outputs} {short_name(self.dtype)} {self.epilogue}"
        return Kernel(f"{self}", name[:60], partial(_build, self), pipeline="registers")

    def __str__(self) -> str:
        images = f"flat={self.flat} bias={self.has_bias} {self.epilogue}"
        return f"winograd {self.transform} {self.shape} {images} {self.target}"

    def block(self, k: int, n: int, taps: int) -> tuple[int, int]:
        """Tiles of the largest block, whole heights of micro-kernels; panels that are multiplied together.

        Where all of B stays in the cache, blocks are low, for many units of work. Else they are as high as
        the cache allows, as each reads B anew.
        """
        rows, columns, size = self.shape.rows, self.shape.columns, self.dtype.itemsize
        weights, panels = self.transform.kernels**2 * taps * k * n * size, -(-n // columns)
        together, budget, most = 1, BLOCK_BYTES, 8
        if weights > LARGE_BYTES:
            together, budget, most = panels, LARGE_BYTES, 4
        elif weights <= 2 * SECOND_LEVEL_BYTES:
            most = 1
        tile = self.transform.positions * (k + together * columns) * size
        return max(min(budget // tile // rows, most), 1) * rows, together

    def scratch(self, k: int, block: int, taps: int, together: int) -> dict[str, int]:
        """Offsets into scratch, the total as `end`, and the pitches of V and M in elements.

        The start holds the micro-kernels' first accumulators, zeros. Rows and positions are a vector further
        apart than they are long: pitches of powers of two would put all positions into a few sets of a cache.
        """
        shape, size = self.shape, self.dtype.itemsize
        row = packed_columns(k, shape) + shape.lanes
        v_position, m_position = block * taps * row + shape.lanes, block * shape.columns + shape.lanes
        lengths = {
            "zeros": shape.columns * size,
            "outputs": row * size,
            "lines": self.transform.outputs**2 * shape.columns * size,
            "pointers": block * 8,
            "V": max(self.transform.positions, taps * shape.table_rows) * 8,
            "M": self.transform.positions * v_position * size,
            "end": together * self.transform.positions * m_position * size,
        }
        ends, end = {}, 0
        for name, length in lengths.items():
            end += -(-length // 64) * 64
            ends[name] = end
        return {**ends, "row": row, "V.position": v_position, "M.position": m_position}


def can_use_winograd(x: Image, out: Image, window: Window, groups: int) -> bool:
    """Whether `winograd_step` computes such a convolution."""
    rest = (1,) * (len(window.kernel) - 2)
    return (
        groups == 1
        and len(window.kernel) >= 2
        and window.kernel[-2:] == (3, 3)
        and window.strides in ((*rest, 1, 1), (*rest, 2, 2))
        and all(dilation == 1 for dilation in window.dilations)
        and all(pad >= 0 for pad in window.pads)
        and isinstance(x.channels, int)
        and isinstance(out.channels, int)
        and is_even(out)
    )


def choose_transform(
    x: Image, out: Image, window: Window, groups: int, below: Size | None = None
) -> Transform | None:
    """The transform with which such a convolution is expected to be fastest.

    None where that costs more than `below`, that of a direct sum by default. A batch of any size counts as
    1, so that all sizes share packed weights and bits.
    """
    if not is_winograd_allowed() or gathers(x) or not can_use_winograd(x, out, window, groups):
        return None
    assert isinstance(x.channels, int)
    assert isinstance(out.channels, int)
    shape = tile_shape(x.dtype, host())
    weights = _depth(window) * x.channels * out.channels
    elements = packed_columns(x.channels, shape) + packed_columns(out.channels, shape)
    terms = prod(window.kernel) * x.channels
    cost = direct_cost(prod(out.spatial), out.channels, terms) if below is None else below
    chosen = None
    for transform in TRANSFORMS:
        tiles = prod(_tiles(out.spatial, transform))
        each = 2 * weights * tiles * PRODUCT + tiles * elements * TRANSFORM
        streamed = transform.kernels**2 * weights * x.dtype.itemsize * TRANSFORMED
        total = transform.positions * each + streamed
        if transform.stride == window.strides[-1] and total < cost:
            chosen, cost = transform, total
    return chosen


def winograd_step(
    x: Image,
    weights: Ref,
    out: Image,
    window: Window,
    transform: Transform,
    *,
    bias: Ref | None = None,
    epilogue: Epilogue | None = None,
    operands: Sequence[Matrix] = (),
    label: str = "winograd",
    target: Target | None = None,
) -> Step:
    """`out = epilogue(convolution of x and weights + bias)`, for what `can_use_winograd` allows.

    Images are channels-last and in the type that is computed in. `weights` are as `pack_winograd_weights`
    lays them out; the rest is as for `conv_step`.
    """
    assert isinstance(x.channels, int)
    assert isinstance(out.channels, int)
    epilogue = epilogue or plain(x.dtype, out.dtype)
    own = Winograd(x.dtype, transform, epilogue, bias is not None, len(x.spatial) == 2, target or host())
    k, n, taps = x.channels, out.channels, _depth(window)
    tiles = _tiles(out.spatial, transform)
    m = x.batch * prod(tiles)
    block, together = own.block(k, n, taps)
    blocks, panels = (m + (block - 1)) // block, -(-n // own.shape.columns)
    places = own.scratch(k, block, taps, together)
    values: dict[str, Argument] = {
        **{"m": m, "n": n, "k": k, "taps": taps, "blocks": blocks, "together": together},
        **{"V.row": places["row"], **{name: places[name] for name in ("V.position", "M.position")}},
        **{f"scratch.{part}": places[part] for part in SCRATCH},
        **_microkernels(own, n),
        **{
            f"{name}.{axis}": size
            for name, sizes in (
                *(("in", x.spatial), ("out", out.spatial), ("tiles", tiles)),
                *(("pad", window.pads), ("X.step", x.steps), ("Y.step", out.steps)),
            )
            for axis, size in zip(AXES[-len(sizes) :], sizes, strict=True)
        },
        **placed("X", x.ref, (x.batch_stride, 0)),
        **placed("B", weights, (0, 0)),
        **placed("Y", out.ref, (out.batch_stride, 0)),
        **extras(operands, bias),
    }
    arguments = tuple(values[name] for name in own.names)
    flops = 2 * m * transform.positions * taps * k * n
    moved = image_bytes(x) + image_bytes(out) + transform.kernels**2 * taps * k * n * x.dtype.itemsize
    units, scratch = blocks * panels, places["end"]
    return Step(own.kernel, arguments, units, label, flops, moved, scratch=scratch, sharing=panels)


def _depth(window: Window) -> int:
    """The slices of a kernel."""
    return (1, *window.kernel)[-len(AXES)]


def _tiles(spatial: Sequence[Size], transform: Transform) -> list[Size]:
    """The tiles along each axis of an image, or of a volume, whose slices are tiled."""
    *slices, height, width = spatial
    return [*slices, *((size + (transform.outputs - 1)) // transform.outputs for size in (height, width))]


def _microkernels(own: Winograd, n: int) -> dict[str, Argument]:
    needed = panel_widths(n, own.shape)
    return {
        f"microkernel{v}": microkernels(own.dtype, v, own.target) if v in needed else 0
        for v in range(1, own.shape.vectors + 1)
    }


def _build(own: Winograd, symbol: str) -> str:
    from jitrt.codegen.winograd_code import driver

    return driver(own, symbol)
