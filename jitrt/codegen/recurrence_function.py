"""What the functions of a recurrence's code share: the kernel's arguments, and where things lie in memory."""

from __future__ import annotations

from jitrt.codegen.function import Function, Integer
from jitrt.codegen.recurrence import SIZES, Recurrence

PHASE = "ptr %args, ptr %scratch, i64 %d, i64 %first, i64 %rows, i64 %step, i64 %part, i64 %parts"


class RecurrenceFunction:
    """A function under construction; those of phases are for direction `%d`, samples from `%first` on."""

    def __init__(
        self, recurrence: Recurrence, name: str, parameters: str = PHASE, returns: str = "void"
    ) -> None:
        self.r, self.shape = recurrence, recurrence.shape
        self.dtype, self.size = recurrence.dtype, recurrence.dtype.itemsize
        self.f = Function(name, parameters, returns, recurrence.target)
        self.a = {
            name: self.f.get("i64" if name in SIZES or "." in name else "ptr", self.f.at("%args", 8 * i))
            for i, name in enumerate(recurrence.names)
        }

    def row(self, name: str, direction: Integer, sample: Integer, column: Integer = 0) -> str:
        """The address of an element of an operand [directions, samples, size]."""
        f, a = self.f, self.a
        place = f.add(f.mul(direction, a[f"{name}.direction"]), f.mul(sample, a[f"{name}.sample"]))
        return f.at(a[name], f.mul(f.add(place, column), self.size))

    def state(self, direction: Integer, sample: Integer, step: Integer) -> str:
        """The state of a sample before a step; a later one takes the place of the one before the last."""
        f, a = self.f, self.a
        half = f.add(f.mul(direction, 2), f.let(f"and i64 {step}, 1"))
        row = f.add(f.mul(half, a["samples"]), sample)
        return f.at(a["states"], f.mul(row, f.mul(a["states.row"], self.size)))

    def reset(self, direction: Integer, sample: Integer) -> str:
        """The reset state of a sample."""
        f, a = self.f, self.a
        row = f.add(f.mul(direction, a["samples"]), sample)
        return f.at(a["resets"], f.mul(row, f.mul(a["states.row"], self.size)))

    def quantised(self, direction: Integer, sample: Integer) -> str:
        """The scale, zero point and sum of a sample's quantised state, which follows."""
        f, a = self.f, self.a
        row = f.add(f.mul(direction, a["samples"]), sample)
        return f.at(a["quantised"], f.mul(row, a["quantised.row"]))

    def mask(self, column: Integer) -> str | None:
        """The lanes of the vector at a column that exist; None where all do."""
        if self.r.whole:
            return None
        return self.f.lanes_below(self.f.sub(self.a["size"], column), self.shape.lanes)

    def copy_row(self, source: str | None, target: str) -> None:
        """Copy a row of `size` elements, or set it to zeros."""
        f, lanes = self.f, self.shape.lanes
        with f.count(0, self.a["size"], lanes) as j:
            offset, mask, value = f.mul(j, self.size), self.mask(j), "zeroinitializer"
            if source is not None:
                value = f.load(self.dtype, f.at(source, offset), lanes, mask)
            f.store(value, self.dtype, f.at(target, offset), lanes, mask)
