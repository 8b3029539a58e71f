"""Sliding windows over channels-last images, each channel or narrow group of them on its own: pooling, and
depthwise and grouped convolutions.

A unit of work is a row of the output. A call walks its rows in blocks, and blocks by tiles: some
neighbours in a row, whose sums are registers. A tile goes down the rows of its block with some vectors of
channels: elements that rows share stay in the first-level cache, those of neighbours are loaded once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from jitrt.codegen.conv import Image, Window, geometry, image_bytes, is_even
from jitrt.codegen.epilogue import Epilogue
from jitrt.codegen.kernel import Argument, Kernel, Ref, Step
from jitrt.codegen.microkernel import tile_shape
from jitrt.codegen.pixels import along_axes
from jitrt.codegen.product import Matrix
from jitrt.codegen.target import Target
from jitrt.dims import prod
from jitrt.expr import Dtype
from jitrt.types import short_name

UNROLLED_TAPS = 9  # of a window's row, at most
BLOCK_ROWS = 8  # of the output, which a tile goes down at a time
VECTORS = 8  # of channels, which a tile does together
ENTRY = 24  # bytes of the table for a line of a window: bytes to it, its first column, its row of weights


@dataclass(frozen=True)
class Windows:
    """What the code of a kernel depends on.

    `combine` is what happens to the elements of a window: "fma" multiplies each by its weight and sums, "add"
    sums, "max" takes the largest. The rows of windows have `taps` elements, `dilation` pixels apart;
    neighbouring windows are `stride` pixels apart. `outputs` channels that lie together are made of `inputs`
    such channels, each of which has its weights.
    """

    combine: str
    dtype: Dtype
    taps: int
    stride: int
    dilation: int
    has_bias: bool
    whole: bool  # no vector of channels is cut off
    epilogue: Epilogue
    target: Target
    inputs: int = 1
    outputs: int = 1
    has_ring: bool = False  # memory holds `ring` rows of the input: row r is where row r % ring is

    @property
    def lanes(self) -> int:
        """Channels of a vector."""
        return self.target.lanes(self.dtype.itemsize)

    @property
    def span(self) -> int:
        """Channels of the input that a vector of the output is made of."""
        return self.lanes // self.outputs * self.inputs

    @property
    def widths(self) -> tuple[int, ...]:
        """Windows of tiles, falling: their sums, a row of weights and an element are in registers at once.

        A row is cut into as many of the widest as fit, then of the next. Where weights leave no room, they
        are read from memory.
        """
        registers = self.target.vector_registers
        room = registers - self.taps * self.inputs - min(self.inputs, 2)
        widths = (14, 10, 7, 5, 3, 2, 1) if registers >= 32 else (8, 5, 3, 2, 1)
        return tuple(width for width in widths if width <= max(room, 5))

    @property
    def columns(self) -> int:
        """Columns of a full panel of packed weights."""
        return tile_shape(self.dtype, self.target).columns

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The kernel's arguments, in order."""
        axes = ("in", "out", "kernel", "stride", "dilation", "pad", "step")
        operands = (f"E{i}{part}" for i in range(len(self.epilogue.operands)) for part in ("", *MOVES))
        return (
            *("channels", "X", "X.batch", *along_axes(*axes), "Y", "Y.batch", *along_axes("Y")),
            *(("ring",) if self.has_ring else ()),
            *(("B",) if self.combine == "fma" else ()),
            *(("bias",) if self.has_bias else ()),
            *operands,
        )

    @property
    def first(self) -> int:
        """Where first sums are in the state of a vector of channels, after address and pitch of weights."""
        return self.target.vector_bytes

    def operand(self, i: int) -> int:
        """Where in that state the elements of an operand are, of up to eight bytes each."""
        return self.first + self.target.vector_bytes + 8 * self.lanes * i

    @property
    def vector_state(self) -> int:
        """Bytes of scratch for what tiles need to know of a vector of channels."""
        return self.operand(len(self.epilogue.operands))

    @property
    def outside(self) -> int:
        """Where in scratch the vector is that stands for elements outside of the image."""
        return VECTORS * self.vector_state

    @property
    def tile(self) -> int:
        """Where in scratch the sums of a tile are."""
        return self.outside + self.target.vector_bytes

    @property
    def row_bytes(self) -> int:
        """Where in scratch the bytes of the table for a row are."""
        return self.tile + self.widths[0] * self.target.vector_bytes

    @property
    def table(self) -> int:
        """Where in scratch the table of rows is."""
        return self.row_bytes + 8

    @property
    def header(self) -> int:
        """Bytes of the table's row before its lines: their number, bytes to the output, and to operands."""
        return 16 + 8 * len(self.epilogue.operands)

    @property
    def kernel(self) -> Kernel:
        """The kernel."""
        name = f"windows {self.combine} {short_name(self.dtype)} {self.taps} by {self.stride} {self.epilogue}"
        return Kernel(f"{self}", name[:60], partial(_build, self), pipeline="registers")

    def __str__(self) -> str:
        groups = f"{self.inputs} to {self.outputs}"
        kinds = f"{self.combine} {groups} {self.dtype} bias={self.has_bias} whole={self.whole}"
        row = f"{self.taps} by {self.stride} dilated {self.dilation}"
        ring = " ring" * self.has_ring
        return f"windows {kinds} {row}{ring} {self.epilogue} {self.target}"


MOVES = (".batch", ".line", ".row")  # strides of an operand: from image to image, row to row, pixel to pixel


def windows_step(
    combine: str,
    x: Image,
    out: Image,
    window: Window,
    epilogue: Epilogue,
    operands: Sequence[Matrix],
    label: str,
    target: Target,
    *,
    weights: Ref | None = None,
    bias: Ref | None = None,
    groups: tuple[int, int] = (1, 1),
    ring: int | None = None,
) -> Step:
    """`out = epilogue(windows of x, combined)`; both are channels-last.

    `groups` are the channels of a group of x and of out; the latter's number divides a vector's lanes, and
    the former's divides that. `weights` are a packed matrix with a row for each position of the window and
    channel of a group of x, `bias` is a vector of the type that is computed in. Operands of the epilogue are
    as those of `conv_step`. Of `x`, memory may hold a `ring` of rows, those that the units of a call need.
    """
    width = window.kernel[-1]
    dtype = x.dtype
    taps = width if 0 < width <= UNROLLED_TAPS else 1  # a phase of a transposed convolution may have none
    lanes = target.lanes(dtype.itemsize)
    whole = isinstance(out.channels, int) and out.channels % lanes == 0
    kinds = (combine, dtype, taps, window.strides[-1], window.dilations[-1])
    windows = Windows(*kinds, bias is not None, whole, epilogue, target, *groups, ring is not None)
    values: dict[str, Argument] = geometry(x, out, window) | {"channels": out.channels}
    values |= {"X": x.ref, "X.batch": x.batch_stride, "Y": out.ref, "Y.batch": out.batch_stride}
    steps = (*(0,) * (3 - len(out.steps)), *out.steps)
    values |= dict(zip(along_axes("Y"), steps, strict=True))
    values |= {} if weights is None else {"B": weights}
    values |= {} if bias is None else {"bias": bias}
    values |= {} if ring is None else {"ring": ring}
    even = is_even(out)
    for i, operand in enumerate(operands):
        line = operand.row * out.spatial[-1] if even else operand.batch[1]
        strides = (operand.batch[0], line, operand.row)
        values |= {f"E{i}": operand.ref}
        values |= {f"E{i}{move}": stride for move, stride in zip(MOVES, strides, strict=True)}
    lines = prod(window.kernel) // taps
    return Step(
        windows.kernel,
        tuple(values[name] for name in windows.names),
        x.batch * prod(out.spatial[:-1]),
        label,
        2 * x.batch * prod(out.spatial) * out.channels * prod(window.kernel) * windows.inputs,
        image_bytes(x) + image_bytes(out),
        scratch=windows.table + BLOCK_ROWS * (windows.header + ENTRY * lines),
    )


def _build(windows: Windows, symbol: str) -> str:
    from jitrt.codegen.windows_code import driver  # not needed where the kernel is on disk

    return driver(windows, symbol)
