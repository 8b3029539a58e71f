"""Convolutions one after the other, band by band: what lies between them is never whole in memory.

A unit of work is a band, some rows of the last image: each step makes those of its own from what the one
before has made. Where windows go down an image, as those of a depthwise convolution do in the second step,
the first makes slots, also some rows, in a ring: rows that neighbouring bands share are there once, but made
again by each thread that needs them. The ring and the bands are a thread's own and stay in its cache.

Each step is an ordinary one, whose units are those of slots or bands in the order of the image, and which
gets as an operand's address the place where a whole image would have to be for these rows to be where they
are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import Any, NamedTuple

from jitrt.codegen.conv import Image, Window
from jitrt.codegen.function import Function, Integer, module
from jitrt.codegen.kernel import Argument, Buffer, Kernel, Ref, Step
from jitrt.codegen.target import Target, host

RING = ("band", "stride", "pad", "reach", "rows", "slot", "slots", "slot.bytes", "ring")


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


class Ring(NamedTuple):
    """The rows of the first image under windows: a band of `band` rows needs `reach` of all these `rows`."""

    rows: int
    row_bytes: int
    slot: int
    band: int
    window: Window

    @property
    def reach(self) -> int:
        """Rows under a band."""
        window = self.window
        return (self.band - 1) * window.strides[0] + (window.kernel[0] - 1) * window.dilations[0] + 1

    @property
    def slots(self) -> int:
        """Slots that so many neighbouring rows lie in, at most."""
        return (self.reach - 2 + self.slot) // self.slot + 1

    @property
    def held(self) -> int:
        """Rows in the ring."""
        return self.slots * self.slot


@dataclass(frozen=True)
class Bands:
    """What a driver's code depends on: for each step how many arguments it has, and which are written."""

    counts: tuple[int, ...]
    inputs: tuple[int | None, ...]
    outputs: tuple[int | None, ...]
    has_ring: bool
    target: Target

    @property
    def names(self) -> tuple[str, ...]:
        """The kernel's arguments before those of the steps. Places are in the thread's scratch."""
        steps = range(len(self.counts))
        return (
            *("bands", "scratch", *(RING if self.has_ring else ())),
            *(f"{name}{i}" for name in ("kernel", "units", "place", "bytes") for i in steps),
        )

    @property
    def kernel(self) -> Kernel:
        """The driver's kernel."""
        return Kernel(f"{self}", f"bands of {len(self.counts)}", partial(driver, self), pipeline="registers")

    def __str__(self) -> str:
        ring = " ring" * self.has_ring
        return f"bands {self.counts} {self.inputs} {self.outputs}{ring} {self.target}"


def bands_step(
    links: Sequence[Link],
    bands: int,
    band_bytes: Sequence[int],
    ring: Ring | None = None,
    target: Target | None = None,
) -> Step:
    """The step of several, for an image of so many bands.

    `band_bytes` are those of what each step makes for a band. With a ring, the first makes slots of it.
    """
    steps = [link.step for link in links]
    own = Bands(
        tuple(len(step.args) for step in steps),
        tuple(link.input for link in links),
        tuple(link.output for link in links),
        ring is not None,
        target or host(),
    )
    kept = list(band_bytes[:-1])
    if ring is not None:
        kept[0] = ring.held * ring.row_bytes
    sizes = [-(-size // 64) * 64 for size in (8 * sum(own.counts), *kept)]
    places = list(accumulate(sizes))
    values: dict[str, Argument] = {"bands": bands, "scratch": places[-1]}
    if ring is not None:
        window = ring.window
        values |= {"band": ring.band, "stride": window.strides[0], "pad": window.pads[0]}
        values |= {"reach": ring.reach, "rows": ring.rows, "slot": ring.slot, "slots": ring.slots}
        values |= {"slot.bytes": ring.slot * ring.row_bytes, "ring": places[0]}
    for i, link in enumerate(links):
        values |= {f"kernel{i}": link.step.kernel, f"units{i}": link.units}
        values |= {f"place{i}": places[i], f"bytes{i}": band_bytes[i]}
    arguments = (*(values[name] for name in own.names), *(a for step in steps for a in step.args))
    size = max(int(step.scratch) for step in steps)
    return Step(own.kernel, arguments, bands, "bands", scratch=places[-1] + size, sharing=bands)


def driver(bands: Bands, symbol: str) -> str:
    """The IR of a driver, here of three steps with a ring:

    arguments of steps = copies of theirs
    for image, band in begin..end:
        for slot under the band that this call has not made yet:
            step 0: slot of the image, into its place in the ring
        step 1: the band, from the ring
        step 2: the band, from what step 1 has made
    """
    f = Function(symbol, "ptr %args, i64 %begin, i64 %end, ptr %scratch", "i64", bands.target)
    names = bands.names
    w = {
        name: f.get("ptr" if name.startswith("kernel") else "i64", f.at("%args", 8 * i))
        for i, name in enumerate(names)
    }
    given = f.at("%args", 8 * len(names))
    with f.count(0, sum(bands.counts)) as i:
        f.put("i64", f.get("i64", f.at(given, i, "i64")), f.at("%scratch", i, "i64"))
    calls = _Calls(bands, f, w)
    if not bands.has_ring:
        with f.count("%begin", "%end") as unit:
            calls.run_band(unit, 0)
    else:
        calls.run_with_ring()
    f.do("ret i64 0")
    return module(f)


class _Calls:
    """The emission of calls of the steps."""

    def __init__(self, bands: Bands, f: Function, w: Mapping[str, str]) -> None:
        self.bands, self.f, self.w = bands, f, w
        self.scratch = f.at("%scratch", w["scratch"])
        self.arguments = [f.at("%scratch", 8 * start) for start in accumulate(bands.counts[:-1], initial=0)]

    def run(self, step: int, number: Integer) -> None:
        """Call a step for a slot or band."""
        f, w = self.f, self.w
        begin = f.mul(number, w[f"units{step}"])
        end = f.add(begin, w[f"units{step}"])
        given = f"ptr {self.arguments[step]}, i64 {begin}, i64 {end}, ptr {self.scratch}"
        f.let(f"call i64 {w[f'kernel{step}']}({given})")

    def write(self, step: int, number: int | None, address: str) -> None:
        """Write an argument of a step."""
        assert number is not None
        self.f.put("ptr", address, self.f.at(self.arguments[step], 8 * number))

    def run_band(self, unit: str, first: int) -> None:
        """Call all steps from the first for a band; each but the last hands on what it makes."""
        f, w, bands = self.f, self.w, self.bands
        for step in range(first, len(bands.counts)):
            if step + 1 < len(bands.counts):
                before = f.mul(unit, w[f"bytes{step}"])
                whole = f.at("%scratch", f.sub(w[f"place{step}"], before))
                self.write(step, bands.outputs[step], whole)
                self.write(step + 1, bands.inputs[step + 1], whole)
            self.run(step, unit)

    def run_with_ring(self) -> None:
        """Emit the loop over bands, which makes slots first."""
        f, w, bands = self.f, self.w, self.bands
        ring = f.at("%scratch", w["ring"])
        self.write(1, bands.inputs[1], ring)
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
                self.write(0, bands.outputs[0], f.at(ring, f.mul(place, w["slot.bytes"])))
                self.run(0, number)
            made.set(str(end))
            self.run_band(unit, 1)


def linked(step: Step, parts: int, source: Buffer | None, target: Buffer | None) -> Link:
    """The link of a step that makes an image in so many parts, between buffers that are not whole."""
    places: dict[int, int] = {}
    arguments = list(step.args)
    for number, argument in enumerate(arguments):
        if isinstance(argument, Ref) and (argument.buffer is source or argument.buffer is target):
            places[id(argument.buffer)] = number
            arguments[number] = 0
    step.args = tuple(arguments)
    assert isinstance(step.extent, int)
    return Link(step, step.extent // parts, places.get(id(source)), places.get(id(target)))
