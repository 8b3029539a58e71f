"""Which neighbouring convolutions run band by band; see `jitrt.codegen.bands`.

They hand on images that are too large to stay in a cache: products of pixels one after the other, and what
makes the first one's input; or in inverted residual blocks a convolution, often one that adds channels, a
depthwise one, and products that follow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, TypeVar

from jitrt.codegen.bands import ImageStep, Link, Ring, bands_step, linked
from jitrt.codegen.conv import Image, is_even
from jitrt.codegen.epilogue import Epilogue
from jitrt.codegen.kernel import Buffer, Ref, Step
from jitrt.dims import Size, same

LARGE_BYTES = 1 << 19  # of an image, which second-level caches do not keep beside others
RING_BYTES = 1 << 19
SLOT_PIXELS = 96  # at least, for tiles to be of full height
BAND_ROWS = 4  # at most
BANDS = 14  # of an image at least, for threads to have some each
HANDED_BYTES = 3 << 20  # of an image between two products, whose bands are of
BAND_BYTES = 3 << 16  # at most
MOST = 8  # steps that are looked at together

Result = TypeVar("Result")


def in_bands(
    steps: Sequence[Step], results: Mapping[int, list[Result]]
) -> tuple[list[Step], dict[int, list[Result]]]:
    """The steps, some of them joined, and results by the new numbers of the steps that end with them.

    Steps that jump count others: where there is one, none is joined.
    """
    if any(step.jumps for step in steps):
        return list(steps), dict(results)
    users = Counter(buffer for step in steps for buffer in set(_buffers(step)))
    done: list[Step] = []
    moved: dict[int, list[Result]] = {}
    number = 0
    while number < len(steps):
        step, count = _joined(steps[number : number + MOST], users) or (steps[number], 1)
        done.append(step)
        number += count
        if number - 1 in results:
            moved[len(done) - 1] = results[number - 1]
    return done, moved


def _joined(steps: Sequence[Step], users: Mapping[Buffer, int]) -> tuple[Step, int] | None:
    """The first few of the steps as one, and how many they are, if that is faster."""
    if len(steps) < 2 or not _hands_on(steps[0], steps[1], users):
        return None
    ring, first = _ring(steps, users), _image(steps[0])
    if ring is not None:
        band, count = ring.band, 2
    else:
        band, count = _band(first.out), 1
        if band == 0 or not _pays(first, band):
            return None
    while count < len(steps) and _follows(steps[count - 1], steps[count], users, band):
        after_ring = ring is not None and count == 2
        if not after_ring and _bytes(_image(steps[count]).x) < HANDED_BYTES:
            break
        if _ring(steps[count:], users) is not None:
            break  # which is worth more
        count += 1
    for some in range(count, 1, -1):
        links = _links(steps[:some], band, ring)
        if links is not None:
            return _step(steps[:some], links, band, ring), some
    return None


def _ring(steps: Sequence[Step], users: Mapping[Buffer, int]) -> Ring | None:
    """The ring between the first two steps, if the second is a depthwise convolution of a large image.

    None as well where its sizes have no useful divisors.
    """
    if len(steps) < 2 or not _is_depthwise(steps[1]) or not _hands_on(steps[0], steps[1], users):
        return None
    first, reader = _image(steps[0]), _image(steps[1])
    image = first.out
    if first.kind == "windows" or _bytes(image) < LARGE_BYTES:
        return None
    (rows, width), height = map(int, image.spatial), int(reader.out.spatial[0])
    slot = next(n for n in _divisors(rows) if n == rows or (n * width >= SLOT_PIXELS and _pays(first, n)))
    for band in reversed(_divisors(height, BANDS)):
        ring = Ring(rows, _row_bytes(image), slot, band, reader.window)
        if band <= BAND_ROWS and ring.held * ring.row_bytes <= RING_BYTES:
            return ring
    return None


def _follows(step: Step, reader: Step, users: Mapping[Buffer, int], rows: int) -> bool:
    """Whether the reader is a product of what the step makes, and may be one for so many rows at a time."""
    return _hands_on(step, reader, users) and _image(reader).kind == "product" and _pays(_image(reader), rows)


def _pays(image: ImageStep, rows: int) -> bool:
    """Whether a product for so many rows at a time reads fewer weights than elements of the larger image."""
    channels = min(int(image.x.channels), int(image.out.channels))
    return image.kind != "product" or rows * int(image.out.spatial[1]) >= channels


def _image(step: Step) -> ImageStep:
    assert step.image is not None
    return step.image


def _is_depthwise(step: Step) -> bool:
    return step.image is not None and step.image.kind == "windows" and len(step.image.out.spatial) == 2


def _hands_on(step: Step, reader: Step, users: Mapping[Buffer, int]) -> bool:
    """Whether all that a step makes is an image that the other reads, and nothing else."""
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


def _row_bytes(image: Image) -> int:
    return int(image.spatial[1]) * int(image.channels) * image.dtype.itemsize


def _bytes(image: Image) -> int:
    return int(image.spatial[0]) * _row_bytes(image)


def _band(image: Image) -> int:
    """Rows of the bands between products: as many as stay in the cache beside others; 0 if not even one."""
    divisors = _divisors(int(image.spatial[0]), BANDS)
    return next((n for n in reversed(divisors) if n * _row_bytes(image) <= BAND_BYTES), 0)


def _divisors(rows: int, parts: int = 1) -> list[int]:
    """What cuts so many rows into even parts, at least so many."""
    return [n for n in range(1, rows // parts + 1) if rows % n == 0]


def _held(image: Image, buffer: Buffer) -> Image:
    """One image like those of a batch, in a buffer that does not hold all of it at a time."""
    return Image.channels_last(Ref(buffer), image.dtype, 1, image.spatial, image.channels)


def _links(steps: Sequence[Step], band: int, ring: Ring | None) -> list[Link] | None:
    """The links of the steps, each of which reads what the one before makes; None if one cannot."""
    made: list[Buffer | None] = [None, *(Buffer("arena", 0) for _ in steps[1:]), None]
    links: list[Link] = []
    for i, step in enumerate(steps):
        image, source, target = _image(step), made[i], made[i + 1]
        rows = ring.slot if ring is not None and i == 0 else band
        if image.kind == "product":
            link = _parts(image, rows, source, target)
        else:
            link = _rows(image, rows, source, target, ring)
        if link is None:
            return None
        links.append(link)
    return links


def _rows(
    image: ImageStep, rows: int, source: Buffer | None, target: Buffer | None, ring: Ring | None
) -> Link:
    """A convolution whose units are rows, for so many rows at a time, from a ring or a whole image."""
    x, more = replace(image.x, batch=1), image.more
    if source is not None:
        assert ring is not None
        x, more = replace(_held(image.x, source), batch_stride=0), {**more, "ring": ring.held}
    out = replace(image.out, batch=1) if target is None else _held(image.out, target)
    return linked(image.make(x, out, **more), int(out.spatial[0]) // rows, source, target)


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


def _step(steps: Sequence[Step], links: Sequence[Link], band: int, ring: Ring | None) -> Step:
    """The step of the links, which does what these steps do."""
    images = [_image(step) for step in steps]
    out = images[-1].out
    sizes = [band * _row_bytes(image.out) for image in images]
    step = bands_step(links, int(out.spatial[0]) // band, sizes, ring)
    step.extent = step.extent * out.batch
    step.label = ", ".join(s.label for s in steps)
    step.nodes = tuple(dict.fromkeys(node for s in steps for node in s.nodes))
    step.keeps = tuple(kept for s in steps for kept in s.keeps)
    step.flops = sum((s.flops for s in steps[1:]), steps[0].flops)
    step.nbytes = steps[0].nbytes
    for made, read in pairwise(steps):
        step.nbytes = step.nbytes + read.nbytes - 2 * _image(made).out.ref.buffer.nbytes
    if all(image.kind == "product" for image in images):
        step.in_place = steps[-1].in_place  # what a band reads is what it writes
    else:
        before = {buffer for s in steps[:-1] for buffer in _buffers(s)}
        step.in_place = tuple(pair for pair in steps[-1].in_place if pair[1] not in before)
    return step
