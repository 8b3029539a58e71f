"""Convolutions one after the other, band by band: what lies between them is never whole in memory.

The first makes slots, some rows of its image, in a ring; the second, whose windows go down that image, makes
a band of rows from them; a third may make the same rows of its own image. A unit of work is a band. The ring
and the band between the second and the third are a thread's own and stay in its cache; the rows that windows
of neighbouring bands share are there once, but made again by each thread that needs them.

Each step is an ordinary one, whose units are those of slots or bands in the order of the image, and which
gets as its operand's address the place where a whole image would have to be for these rows to be where they
are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from jitrt.codegen.conv import Image, Window
from jitrt.codegen.function import Function, Integer, module
from jitrt.codegen.kernel import Argument, Buffer, Kernel, Ref, Step
from jitrt.codegen.target import Target, host

NAMES = ("bands", "band", "stride", "pad", "reach", "rows", "slot", "slots", "slot.bytes", "band.bytes")
PLACES = ("ring", "between", "scratch")  # in the thread's scratch


class ImageStep(NamedTuple):
    """How a convolution's step was made: `make(x, out, **more)`, which makes others for other images.

    The kind is "product" of the pixels of `x`; or units are the rows of `out`, in order: "rows", or "windows"
    where `make` takes a `ring` as well.
    """

    make: Callable[..., Step]
    x: Image
    out: Image
    window: Window
    more: Mapping[str, Any]
    kind: str


class Link(NamedTuple):
    """A step, its units for a slot or band, and the numbers of the arguments that the driver writes."""

    step: Step
    units: int
    input: int | None
    output: int | None


@dataclass(frozen=True)
class Bands:
    """What a driver's code depends on: for each step how many arguments it has, and which are written."""

    counts: tuple[int, ...]
    inputs: tuple[int | None, ...]
    outputs: tuple[int | None, ...]
    target: Target

    @property
    def names(self) -> tuple[str, ...]:
        """The kernel's arguments before those of the steps."""
        steps = range(len(self.counts))
        return (*NAMES, *PLACES, *(f"units{i}" for i in steps), *(f"kernel{i}" for i in steps))

    @property
    def kernel(self) -> Kernel:
        """The driver's kernel."""
        return Kernel(f"{self}", f"bands of {len(self.counts)}", partial(driver, self), pipeline="registers")

    def __str__(self) -> str:
        return f"bands {self.counts} {self.inputs} {self.outputs} {self.target}"


def bands_step(
    links: Sequence[Link],
    *,
    rows: int,
    row_bytes: int,
    slot: int,
    reach: int,
    band: int,
    bands: int,
    window: Window,
    band_bytes: int,
    target: Target | None = None,
) -> Step:
    """The step of two or three.

    The first makes images of so many `rows`, `slot` of them at a time; the second has this `window` over
    them, and makes `bands` bands of `band` rows, each from `reach` rows. `band_bytes` are those of a band
    between the second and the third.
    """
    slots = ring_slots(slot, reach)
    steps = [link.step for link in links]
    own = Bands(
        tuple(len(step.args) for step in steps),
        tuple(link.input for link in links),
        tuple(link.output for link in links),
        target or host(),
    )
    copied = -(-8 * sum(own.counts) // 64) * 64
    between = -(-(copied + slots * slot * row_bytes) // 64) * 64
    scratch = -(-(between + band_bytes) // 64) * 64
    values: dict[str, Argument] = {
        **{"bands": bands, "band": band, "stride": window.strides[0], "pad": window.pads[0], "reach": reach},
        **{"rows": rows, "slot": slot, "slots": slots, "slot.bytes": slot * row_bytes},
        **{"band.bytes": band_bytes, "ring": copied, "between": between, "scratch": scratch},
        **{f"units{i}": link.units for i, link in enumerate(links)},
        **{f"kernel{i}": step.kernel for i, step in enumerate(steps)},
    }
    arguments = (*(values[name] for name in own.names), *(a for step in steps for a in step.args))
    size = max(int(step.scratch) for step in steps)
    return Step(own.kernel, arguments, bands, "bands", scratch=scratch + size, sharing=bands)


def ring_slots(slot: int, reach: int) -> int:
    """Slots that so many neighbouring rows lie in, at most."""
    return (reach - 2 + slot) // slot + 1


def driver(bands: Bands, symbol: str) -> str:
    """The IR of a driver, here of three steps:

    arguments of steps = copies of theirs
    for image, band in begin..end:
        for slot under the band that this call has not made yet:
            step 0: slot of the image, into its place in the ring
        step 1: the band, from the ring
        step 2: the band, from what step 1 has made
    """
    f = Function(symbol, "ptr %args, i64 %begin, i64 %end, ptr %scratch", "i64", bands.target)
    names, count = bands.names, sum(bands.counts)
    w = {
        name: f.get("ptr" if name.startswith("kernel") else "i64", f.at("%args", 8 * i))
        for i, name in enumerate(names)
    }
    given = f.at("%args", 8 * len(names))
    with f.count(0, count) as i:
        f.put("i64", f.get("i64", f.at(given, i, "i64")), f.at("%scratch", i, "i64"))
    starts = [8 * sum(bands.counts[:i]) for i in range(len(bands.counts))]
    ring, between, scratch = (f.at("%scratch", w[place]) for place in PLACES)

    def write(address: str, step: int, number: int | None) -> None:
        assert number is not None
        f.put("ptr", address, f.at("%scratch", starts[step] + 8 * number))

    def run(step: int, number: Integer) -> None:
        begin = f.mul(number, w[f"units{step}"])
        given = (f.at("%scratch", starts[step]), begin, f.add(begin, w[f"units{step}"]))
        f.let("call i64 {}(ptr {}, i64 {}, i64 {}, ptr {})".format(w[f"kernel{step}"], *given, scratch))

    write(ring, 1, bands.inputs[1])
    per_image = f.div(w["rows"], w["slot"])
    made = f.cell("i64", "0")
    with f.count("%begin", "%end") as unit:
        image, band = f.div(unit, w["bands"]), f.rem(unit, w["bands"])
        top = f.sub(f.mul(f.mul(band, w["band"]), w["stride"]), w["pad"])
        first = f.div(f.max(top, 0), w["slot"])
        below = f.max(f.min(f.add(top, w["reach"]), w["rows"]), 0)
        new = f.let(f"or i1 {f.compare('eq', unit, '%begin')}, {f.compare('eq', band, 0)}")
        start = f.select(new, first, f.max(made.get(), first))
        end = f.max(f.ceil_div(below, w["slot"]), start)
        with f.count(start, end) as slot:
            number = f.add(f.mul(image, per_image), slot)
            place = f.sub(f.rem(slot, w["slots"]), number)
            write(f.at(ring, f.mul(place, w["slot.bytes"])), 0, bands.outputs[0])
            run(0, number)
        made.set(str(end))
        if len(bands.counts) > 2:
            virtual = f.at(between, f.sub(0, f.mul(unit, w["band.bytes"])))
            write(virtual, 1, bands.outputs[1])
            write(virtual, 2, bands.inputs[2])
        run(1, unit)
        if len(bands.counts) > 2:
            run(2, unit)
    f.do("ret i64 0")
    return module(f)


def linked(step: Step, parts: int, input: Buffer | None, output: Buffer | None) -> Link:
    """The link of a step that is called for `parts` parts of an image, between buffers that are not whole."""
    places: dict[int, int] = {}
    arguments = list(step.args)
    for number, argument in enumerate(arguments):
        if isinstance(argument, Ref) and (argument.buffer is input or argument.buffer is output):
            places[id(argument.buffer)] = number
            arguments[number] = 0
    step.args = tuple(arguments)
    assert isinstance(step.extent, int)
    return Link(step, step.extent // parts, places.get(id(input)), places.get(id(output)))
