"""The code of kernels that pack matrices.

The panels are as wide as each other, but the last is as wide as its vectors are. A group of the source's rows
becomes as many rows of a panel as the form has results:

    for unit in begin..end:
        batch, panel = unit / panels, unit % panels
        for tap, block of BLOCK groups, group in block, vector of columns:
            values = [source[batch, tap, row, columns] for row in group], zeros past the last row and column
            for i, result in form(values):
                row = tap * rows.tap + block * rows.block + group % BLOCK + i * rows.result
                packed[batch, panel, row, columns] = result
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jitrt.codegen.function import Function, Integer, module
from jitrt.codegen.packing import Packing
from jitrt.codegen.packing_forms import BLOCK
from jitrt.codegen.vector import element, vector


def driver(packing: Packing, symbol: str) -> str:
    """The module of a kernel."""
    f = Function(symbol, "ptr %args, i64 %begin, i64 %end, ptr %scratch", "i64", packing.target)
    args = {
        name: f.get("ptr" if name in packing.POINTERS else "i64", f.at("%args", i, "i64"))
        for i, name in enumerate(packing.NAMES)
    }
    with f.count("%begin", "%end") as unit:
        batch, panel = f.div(unit, args["panels"]), f.rem(unit, args["panels"])
        first = f.mul(panel, args["width"])
        source = f.at(args["source"], f.mul(batch, args["source.batch"]))
        packed = f.at(args["packed"], f.mul(batch, args["packed.batch"]))
        Panel(
            *(packing, f, args),
            source=f.at(source, f.mul(first, args["source.column"])),
            packed=f.at(packed, f.mul(panel, args["packed.panel"])),
            columns=f.min(f.sub(args["columns"], first), args["width"]),
            lanes=packing.target.lanes(packing.form.dtype.itemsize),
        ).fill()
    f.do("ret i64 0")
    return module(f)


@dataclass
class Panel:
    """The function under construction, its arguments by name, and where a panel and its columns are."""

    packing: Packing
    f: Function
    args: Mapping[str, str]
    source: str
    packed: str
    columns: Integer
    lanes: int

    def fill(self) -> None:
        """Emit all rows."""
        f, args, form, lanes = self.f, self.args, self.packing.form, self.lanes
        size = form.dtype.itemsize
        width = f.mul(f.ceil_div(self.columns, args["unit"]), args["unit"])
        pitch = f.mul(width, size)
        blocks = f.ceil_div(args["groups"], BLOCK)
        with f.count(0, args["taps"]) as tap, f.count(0, blocks) as block:
            start = f.at(self.source, f.mul(tap, args["source.tap"]))
            first = f.add(f.mul(tap, args["rows.tap"]), f.mul(block, args["rows.block"]))
            begin = f.mul(block, BLOCK)
            end = f.min(f.add(begin, BLOCK), args["groups"])
            with f.count(begin, end) as group, f.count(0, width, lanes) as column:
                row = f.mul(f.add(first, f.sub(group, begin)), pitch)
                place = f.at(f.at(self.packed, row), f.mul(column, size))

                def store(result: Integer, value: str) -> None:
                    moved = f.mul(f.mul(result, args["rows.result"]), pitch)
                    f.store(value, form.dtype, f.at(place, moved), lanes)

                numbers = [f.add(f.mul(group, form.rows), i) for i in range(form.rows)]
                values = [self._row(start, number, column) for number in numbers]
                form.emit(f, values, lanes, args, store)

    def _row(self, start: str, row: Integer, column: Integer) -> str:
        """A vector of a row from `column` on, with zeros for what there is not."""
        f = self.f
        left = f.select(f.compare("slt", row, self.args["rows"]), f.sub(self.columns, column), 0)
        present = f.lanes_below(left, self.lanes)
        if not self.packing.adjacent:
            return self._gathered(start, row, column, present)
        at = f.at(
            start, f.add(f.mul(row, self.args["source.row"]), f.mul(column, self.packing.source.itemsize))
        )
        return f.load(self.packing.source, at, self.lanes, present)

    def _gathered(self, start: str, row: Integer, column: Integer, present: str) -> str:
        """The same number by number: those that there are not are read from the last row and column."""
        f, lanes, kind = self.f, self.lanes, vector("i64", self.lanes)
        at = f.at(start, f.mul(f.min(row, f.sub(self.args["rows"], 1)), self.args["source.row"]))
        steps = ", ".join(f"i64 {lane}" for lane in range(lanes))
        columns = f.let(f"add {kind} {f.splat(f'{column}', 'i64', lanes)}, <{steps}>")
        last = f.splat(f"{f.sub(self.columns, 1)}", "i64", lanes)
        columns = f.call(f"llvm.smin.v{lanes}i64", kind, (kind, columns), (kind, last))
        moved = f.let(f"mul {kind} {columns}, {f.splat(self.args['source.column'], 'i64', lanes)}")
        places = f.let(f"getelementptr i8, ptr {at}, {kind} {moved}")
        found = f.gather(self.packing.source, places, lanes)
        return f.choose(present, found, "zeroinitializer", element(self.packing.source), lanes)
