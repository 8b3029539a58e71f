"""Convolutions 3 x 3 of stride 1 by Winograd's minimal filtering: specification, weights and step.

Outputs are cut into tiles of m x m, numbered over all images. Work goes block by block of tiles, panel by
panel of 32 or so output channels, so that what is between the transforms stays in the second-level cache:

    unit = block * panels + panel

    for the units' blocks:     V[position, tile, channel] = B^T d B        for every tile of the block
        for the units' panels: M[position, tile, column] = V[position] x U[position]
                               Y = epilogue(A^T M A + bias)                for every tile of the block

See `winograd_transform` for the matrices and for rounding. Results depend on sizes alone, not on threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from jitrt.codegen.conv import Image, Window, gathers, image_bytes, is_even
from jitrt.codegen.cost import PRODUCT, TRANSFORM, TRANSFORMED, direct_cost
from jitrt.codegen.epilogue import Epilogue, plain
from jitrt.codegen.gemm import Array, pack_matrix
from jitrt.codegen.kernel import Argument, Kernel, Ref, Step
from jitrt.codegen.microkernel import TileShape, microkernels, packed_columns, panel_widths, tile_shape
from jitrt.codegen.order import is_winograd_allowed
from jitrt.codegen.product import SECOND_LEVEL_BYTES, Matrix, extra_names, extras, placed
from jitrt.codegen.target import Target, host
from jitrt.codegen.walk import strided
from jitrt.codegen.winograd_transform import F2, F4, Transform
from jitrt.dims import Size, prod
from jitrt.expr import Dtype
from jitrt.types import short_name

PLANE = ("h", "w")
GEOMETRY = tuple(
    f"{name}.{axis}" for name in ("in", "out", "tiles", "pad", "X.step", "Y.step") for axis in PLANE
)
SCRATCH = ("zeros", "outputs", "pointers", "V", "M")
BLOCK_BYTES = 1_200_000  # of V and M, where blocks share panels that come from memory


@dataclass(frozen=True)
class Winograd:
    """What a kernel's code depends on: element type, transform, epilogue, target."""

    dtype: Dtype
    transform: Transform
    epilogue: Epilogue
    has_bias: bool
    target: Target

    @cached_property
    def shape(self) -> TileShape:
        """The tile of the micro-kernels."""
        return tile_shape(self.dtype, self.target)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The kernel's arguments, in order."""
        return (
            *("m", "n", "k", "blocks", "V.row", "V.position", "M.position"),
            *(f"scratch.{part}" for part in SCRATCH),
            *(f"microkernel{v}" for v in range(1, self.shape.vectors + 1)),
            *GEOMETRY,
            *strided("X"),
            *strided("B"),
            *strided("Y"),
            *extra_names(self.epilogue, self.has_bias),
        )

    @property
    def kernel(self) -> Kernel:
        """The kernel."""
        name = f"winograd{self.transform.outputs} {short_name(self.dtype)} {self.epilogue}"
        return Kernel(f"{self}", name[:60], partial(_build, self), pipeline="registers")

    def __str__(self) -> str:
        return f"winograd {self.transform} {self.shape} bias={self.has_bias} {self.epilogue} {self.target}"

    def block(self, k: int, n: int) -> int:
        """Tiles of the largest block: whole heights of micro-kernels.

        Where all of B stays in the cache, blocks are low, for many units of work. Else they are as high as
        the cache allows, as each reads B anew.
        """
        rows, size = self.shape.rows, self.dtype.itemsize
        small = self.transform.positions * k * n * size <= 2 * SECOND_LEVEL_BYTES
        tile = self.transform.positions * (k + self.shape.columns) * size
        return max(min(BLOCK_BYTES // tile // rows, 1 if small else 8), 1) * rows

    def scratch(self, k: int, block: int) -> dict[str, int]:
        """Offsets into scratch, the total as `end`, and the pitches of V and M in elements.

        The start holds the micro-kernels' first accumulators, zeros. Rows and positions are a vector further
        apart than they are long: pitches of powers of two would put all positions into a few sets of a cache.
        """
        shape, size = self.shape, self.dtype.itemsize
        row = packed_columns(k, shape) + shape.lanes
        v_position, m_position = block * row + shape.lanes, block * shape.columns + shape.lanes
        lengths = {
            "zeros": shape.columns * size,
            "outputs": row * size,
            "pointers": self.transform.outputs**2 * shape.columns * size,
            "V": max(self.transform.positions, shape.table_rows) * 8,
            "M": self.transform.positions * v_position * size,
            "end": self.transform.positions * m_position * size,
        }
        ends, end = {}, 0
        for name, length in lengths.items():
            end += -(-length // 64) * 64
            ends[name] = end
        return {**ends, "row": row, "V.position": v_position, "M.position": m_position}


def pack_winograd_weights(weights: Array, transform: Transform, target: Target | None = None) -> Array:
    """`weights` f32[M, C, 3, 3] transformed, as one packed matrix of rows [position, C]."""
    transformed = transform.weights(weights)
    return pack_matrix(transformed.reshape(-1, weights.shape[0]), target)


def can_use_winograd(x: Image, out: Image, window: Window, groups: int) -> bool:
    """Whether `winograd_step` computes such a convolution."""
    return (
        groups == 1
        and window.kernel == (3, 3)
        and window.strides == window.dilations == (1, 1)
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
    weights = x.channels * out.channels
    cost = direct_cost(prod(out.spatial), out.channels, 9 * x.channels) if below is None else below
    chosen = None
    for transform in (F4, F2):
        tiles = prod((size + (transform.outputs - 1)) // transform.outputs for size in out.spatial)
        each = weights * (2 * tiles * PRODUCT + x.dtype.itemsize * TRANSFORMED)
        total = transform.positions * (each + tiles * (x.channels + out.channels) * TRANSFORM)
        if total < cost:
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
    own = Winograd(x.dtype, transform, epilogue, bias is not None, target or host())
    k, n, size = x.channels, out.channels, transform.outputs
    tiles = [(s + (size - 1)) // size for s in out.spatial]
    m = x.batch * prod(tiles)
    block = own.block(k, n)
    blocks, panels = (m + (block - 1)) // block, -(-n // own.shape.columns)
    places = own.scratch(k, block)
    values: dict[str, Argument] = {
        **{"m": m, "n": n, "k": k, "blocks": blocks, "V.row": places["row"]},
        **{name: places[name] for name in ("V.position", "M.position")},
        **{f"scratch.{part}": places[part] for part in SCRATCH},
        **_microkernels(own, n),
        **{
            f"{name}.{axis}": sizes[i]
            for name, sizes in (
                *(("in", x.spatial), ("out", out.spatial), ("tiles", tiles)),
                *(("pad", window.pads), ("X.step", x.steps), ("Y.step", out.steps)),
            )
            for i, axis in enumerate(PLANE)
        },
        **placed("X", x.ref, (x.batch_stride, 0)),
        **placed("B", weights, (0, 0)),
        **placed("Y", out.ref, (out.batch_stride, 0)),
        **extras(operands, bias),
    }
    arguments = tuple(values[name] for name in own.names)
    flops = 2 * m * transform.positions * k * n
    moved = image_bytes(x) + image_bytes(out) + transform.positions * k * n * x.dtype.itemsize
    units, scratch = blocks * panels, places["end"]
    return Step(own.kernel, arguments, units, label, flops, moved, scratch=scratch, sharing=panels)


def _microkernels(own: Winograd, n: int) -> dict[str, Argument]:
    needed = panel_widths(n, own.shape)
    return {
        f"microkernel{v}": microkernels(own.dtype, v, own.target) if v in needed else 0
        for v in range(1, own.shape.vectors + 1)
    }


def _build(own: Winograd, symbol: str) -> str:
    from jitrt.codegen.winograd_code import driver

    return driver(own, symbol)
