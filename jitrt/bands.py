"""Which neighbouring convolutions run band by band; see `jitrt.codegen.bands`.

They are those of inverted residual blocks, where images are too large to stay in a cache: a convolution,
often one that adds channels, a depthwise one, and one that takes channels away, if it comes next.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

from jitrt.codegen.bands import ImageStep, Link, bands_step, linked, ring_slots
from jitrt.codegen.conv import Image, is_even
from jitrt.codegen.epilogue import Epilogue
from jitrt.codegen.kernel import Buffer, Ref, Step
from jitrt.dims import Size, same

LARGE_BYTES = 1 << 19  # of an image, which second-level caches do not keep beside others
RING_BYTES = 1 << 19
SLOT_PIXELS = 96  # at least, for tiles to be of full height
BAND_ROWS = 4  # at most, for threads to have one each

Result = TypeVar("Result")


def in_bands(
    steps: Sequence[Step], results: Mapping[int, list[Result]]
) -> tuple[list[Step], dict[int, list[Result]]]:
    """The steps, some of them joined, and results by the new numbers of the steps that end with them.

    Steps that jump count others: where there is one, none is joined.
    """
    if any(step.jumps for step in steps) or not any(_is_depthwise(step) for step in steps):
        return list(steps), dict(results)
    users = Counter(buffer for step in steps for buffer in set(_buffers(step)))
    done: list[Step] = []
    moved: dict[int, list[Result]] = {}
    number = 0
    while number < len(steps):
        step, count = _joined(steps[number : number + 4], users) or (steps[number], 1)
        done.append(step)
        number += count
        if number - 1 in results:
            moved[len(done) - 1] = results[number - 1]
    return done, moved


class _Cut(NamedTuple):
    """Rows of a slot; rows of a band, and the rows that they are made from."""

    slot: int
    band: int
    reach: int

    @property
    def ring(self) -> int:
        """Rows in the ring."""
        return ring_slots(self.slot, self.reach) * self.slot


def _joined(steps: Sequence[Step], users: Mapping[Buffer, int]) -> tuple[Step, int] | None:
    """The first two or three of the steps as one, and how many they are, if that is faster."""
    if len(steps) < 2 or not _is_depthwise(steps[1]) or not _hands_on(steps[0], steps[1], users):
        return None
    first, middle = _image(steps[0]), _image(steps[1])
    cut = _cut(first.out, middle)
    if cut is None:
        return None
    ring, between = Buffer("arena", 0), Buffer("arena", 0)
    made = _slots(first, cut.slot, ring)
    if made is None:
        return None
    last = None
    if len(steps) > 2 and _hands_on(steps[1], steps[2], users) and not _begins(steps[2:], users):
        last = _parts(_image(steps[2]), cut.band, between, None)
    out = replace(middle.out, batch=1) if last is None else _held(middle.out, between)
    x = replace(_held(middle.x, ring), batch_stride=0)
    windows = linked(middle.make(x, out, **middle.more, ring=cut.ring), _count(out, cut.band), ring, between)
    links = [made, windows] if last is None else [made, windows, last]
    return _step(steps[: len(links)], links, cut), len(links)


def _begins(steps: Sequence[Step], users: Mapping[Buffer, int]) -> bool:
    """Whether the first step makes a large image for a depthwise convolution, which is worth more."""
    if len(steps) < 2 or not _is_depthwise(steps[1]) or not _hands_on(steps[0], steps[1], users):
        return False
    return _cut(_image(steps[0]).out, _image(steps[1])) is not None


def _image(step: Step) -> ImageStep:
    assert step.image is not None
    return step.image


def _held(image: Image, buffer: Buffer) -> Image:
    """One image like those of a batch, in a buffer that does not hold all of it at a time."""
    return Image.channels_last(Ref(buffer), image.dtype, 1, image.spatial, image.channels)


def _count(image: Image, rows: int) -> int:
    """Parts of so many rows."""
    return int(image.spatial[0]) // rows


def _is_depthwise(step: Step) -> bool:
    return step.image is not None and step.image.kind == "windows" and len(step.image.out.spatial) == 2


def _hands_on(step: Step, reader: Step, users: Mapping[Buffer, int]) -> bool:
    """Whether all that a step makes is an image that the other reads, by windows or pixel by pixel."""
    if step.image is None or reader.image is None:
        return False
    image, read = step.image.out, reader.image.x
    buffer = image.ref.buffer
    return (
        buffer.kind == "arena"
        and buffer is read.ref.buffer
        and users[buffer] == 2
        and _buffers(step).count(buffer) == _buffers(reader).count(buffer) == 1
        and len(image.spatial) == 2
        and all(isinstance(size, int) and size > 0 for size in (*image.spatial, image.channels))
        and all(map(same, image.spatial, read.spatial))
        and all(map(same, image.steps, read.steps))
        and all(map(same, image.steps, (image.spatial[1] * image.channels, image.channels)))
        and same(image.channels, read.channels)
    )


def _buffers(step: Step) -> list[Buffer]:
    return [argument.buffer for argument in step.args if isinstance(argument, Ref)]


def _cut(image: Image, reader: ImageStep) -> _Cut | None:
    """How the image is cut for its reader; None where it is small, or its sizes have no useful divisors."""
    rows, width = (int(size) for size in image.spatial)
    row_bytes = _row_bytes(image)
    if rows * row_bytes < LARGE_BYTES:
        return None
    window, height = reader.window, int(reader.out.spatial[0])
    slot = next(n for n in range(1, rows + 1) if rows % n == 0 and (n * width >= SLOT_PIXELS or n == rows))
    for band in range(min(BAND_ROWS, height), 0, -1):
        reach = (band - 1) * window.strides[0] + (window.kernel[0] - 1) * window.dilations[0] + 1
        cut = _Cut(slot, band, reach)
        if height % band == 0 and cut.ring * row_bytes <= RING_BYTES:
            return cut
    return None


def _slots(image: ImageStep, rows: int, ring: Buffer) -> Link | None:
    """The step that makes an image of so many rows at a time."""
    if image.kind != "rows":
        return _parts(image, rows, None, ring)
    step = image.make(replace(image.x, batch=1), _held(image.out, ring), **image.more)
    return linked(step, _count(image.out, rows), None, ring)


def _parts(image: ImageStep, rows: int, source: Buffer | None, target: Buffer | None) -> Link | None:
    """A product of pixels for so many rows at a time, which are images of their own to it.

    None for another kind, or where the images of a batch, or those of an operand, do not follow each other.
    """
    if image.kind != "product":
        return None
    height, width = (int(size) for size in image.out.spatial)
    alone = same(image.out.batch, 1)
    parts: list[Image] = []
    for whole, buffer in ((image.x, source), (image.out, target)):
        held = whole if buffer is None else _held(whole, buffer)
        step = held.steps[0]
        if not is_even(held) or not (alone or same(held.batch_stride, step * height)):
            return None
        stride = step * rows
        parts.append(replace(held, batch=height // rows, spatial=(rows, width), batch_stride=stride))
    more = _of_parts(image.more, height, width, rows, alone)
    if more is None:
        return None
    return linked(image.make(*parts, **more), height // rows, source, target)


def _of_parts(
    more: Mapping[str, Any], height: int, width: int, rows: int, alone: bool
) -> dict[str, Any] | None:
    """What a product takes beside its images, with the epilogue's operands as matrices of so many rows."""
    epilogue, operands, patterns = more["epilogue"], [], []
    for i, operand in enumerate(more["operands"]):
        pattern = epilogue.operands[i]
        of_image: Size = operand.row * (height * width)
        if not (alone or same(operand.batch[0], of_image)):
            return None
        moves = None if pattern.strides[1] != 0 else 0
        patterns.append(pattern._replace(strides=(moves, *pattern.strides[1:])))
        operands.append(operand._replace(batch=(operand.row * (rows * width), 0)))
    changed = None if epilogue is None else Epilogue(epilogue.root, tuple(patterns))
    return {**more, "epilogue": changed, "operands": operands}


def _row_bytes(image: Image) -> int:
    return int(image.steps[0]) * image.dtype.itemsize


def _step(steps: Sequence[Step], links: Sequence[Link], cut: _Cut) -> Step:
    """The step of the links, which does what these steps do."""
    image, middle = _image(steps[0]).out, _image(steps[1])
    step = bands_step(
        links,
        rows=int(image.spatial[0]),
        row_bytes=_row_bytes(image),
        slot=cut.slot,
        reach=cut.reach,
        band=cut.band,
        bands=_count(middle.out, cut.band),
        window=middle.window,
        band_bytes=cut.band * _row_bytes(middle.out) if len(links) > 2 else 0,
    )
    step.extent = step.extent * middle.out.batch
    step.label = ", ".join(s.label for s in steps)
    step.nodes = tuple(dict.fromkeys(node for s in steps for node in s.nodes))
    step.keeps = tuple(kept for s in steps for kept in s.keeps)
    step.flops = sum((s.flops for s in steps[1:]), steps[0].flops)
    step.nbytes = steps[0].nbytes
    for made, read in pairwise(steps):
        step.nbytes = step.nbytes + read.nbytes - 2 * _image(made).out.ref.buffer.nbytes
    before = {buffer for s in steps[:-1] for buffer in _buffers(s)}
    step.in_place = tuple(pair for pair in steps[-1].in_place if pair[1] not in before)
    return step
