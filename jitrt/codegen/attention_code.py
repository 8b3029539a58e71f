"""The driver of attention: it transposes queries, calls micro-kernels, and makes passes over the scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from jitrt.codegen.attention import SIZES, Attention
from jitrt.codegen.epilogue import TilePlace, plain, store_tile
from jitrt.codegen.function import Function, Integer, module
from jitrt.codegen.ir import Cell
from jitrt.codegen.levels import Pass
from jitrt.codegen.loop_reduce import COMBINE, PARTIAL
from jitrt.codegen.matrices import StridedPanels, transposed
from jitrt.codegen.vector import element, literal, memory_element, vector
from jitrt.codegen.walk import Walk
from jitrt.expr import Dtype, Expr, identity, walk
from jitrt.types import BOOL

TILES = 8  # of keys, whose scores the first pass finds in the first-level cache
FAR = 1024  # bytes from row to row of keys or values
AHEAD = 16  # rows of a panel, to fetch in advance
UNROLL = 4  # keys at a time: their operations do not wait for each other


def driver(attention: Attention, symbol: str) -> str:
    """The IR of an attention kernel, as the docstring of `attention` has it."""
    f = Function(symbol, "ptr %args, i64 %begin, i64 %end, ptr %scratch", "i64", attention.target)
    arguments = {
        name: f.get("i64" if "." in name or name in SIZES else "ptr", f.at("%args", 8 * i))
        for i, name in enumerate(attention.names)
    }
    _Driver(attention, HeadWalk(f, attention.shape, arguments)).emit()
    f.do("ret i64 0")
    return module(f)


@dataclass
class HeadWalk(Walk):
    """A walk over a batch of three dimensions."""

    middle: Integer = 0

    def batch_address(self, name: str, itemsize: int) -> str:
        """The address of an operand's part for this position of the batch."""
        f = self.f
        step = f.mul(f.mul(self.middle, self[f"{name}.middle"]), itemsize)
        return f.at(super().batch_address(name, itemsize), step)

    def renamed(self, names: Mapping[str, str]) -> HeadWalk:
        """The walk where an argument goes by another name; what is no argument is a number."""
        other = {name: self.arguments.get(source, source) for name, source in names.items()}
        arguments = {**self.arguments, **other}
        return HeadWalk(self.f, self.shape, arguments, self.outer, self.inner, self.middle)


def _as(name: str, source: str) -> dict[str, str]:
    """The names of a batch's place, for `renamed`."""
    return {name: source, **{f"{name}.{part}": f"{source}.{part}" for part in ("outer", "middle", "inner")}}


class _Driver:
    def __init__(self, attention: Attention, w: HeadWalk) -> None:
        self.attention, self.w, self.f = attention, w, w.f
        self.shape, self.dtype, self.size = attention.shape, attention.dtype, attention.dtype.itemsize
        self.loop = attention.loop
        self.row_bytes = self.shape.columns * self.size
        self.areas = self._areas()
        self.first: Integer = 0  # query of the block
        self.queries: Integer = 0  # in the block
        self.vectors: Integer = 0  # that hold them
        self.keys: tuple[str, Integer] = ("", 0)  # the first row, and the elements from row to row
        self.values: tuple[str, Integer] = ("", 0)

    def _areas(self) -> dict[Expr, str]:
        """Where the values kept between passes lie: over the scores, once no later pass reads those."""
        areas: dict[Expr, str] = {}
        free = True
        for number, current in enumerate(self.loop.passes):
            later = self.loop.passes[number + 1 :]
            for node in current.kept:
                over = free and not any(self._reads_scores(p) for p in later)
                areas[node] = "scores" if over else f"kept{len(areas)}"
                free = free and not over
        return areas

    def _reads_scores(self, current: Pass) -> bool:
        nodes = walk(
            *current.roots(self.loop.lowered), known=current.reloaded | set(self.attention.reductions)
        )
        return any(node.op == "load" and node.value == 0 for node in nodes)

    def emit(self) -> None:
        f, w = self.f, self.w
        for j in range(self.shape.vectors):
            zeros = f.at(self._scratch("zeros"), j * self.shape.lanes * self.size)
            f.store("zeroinitializer", self.dtype, zeros, self.shape.lanes)
        blocks = f.max(f.ceil_div(w["s"], self.shape.columns), 1)
        with f.count(f.div("%begin", blocks), f.ceil_div("%end", blocks)) as batch:
            rest, w.inner = f.div(batch, w["batch.inner"]), f.rem(batch, w["batch.inner"])
            w.outer, w.middle = f.div(rest, w["batch.middle"]), f.rem(rest, w["batch.middle"])
            self.keys = self._gathered("K", "d", "keys", "false")
            ragged = f.compare("ne", f.rem(w["e"], self.shape.lanes), 0)
            self.values = self._gathered("V", "e", "values", ragged)
            before = f.mul(batch, blocks)
            first, last = f.max(f.sub("%begin", before), 0), f.min(f.sub("%end", before), blocks)
            with f.count(first, last) as block:
                self._emit_block(block)

    def _emit_block(self, block: str) -> None:
        f, w = self.f, self.w
        self.first = f.mul(block, self.shape.columns)
        self.queries = f.min(f.sub(w["s"], self.first), self.shape.columns)
        self.vectors = f.ceil_div(self.queries, self.shape.lanes)
        self._emit_scores(block)
        with f.count(0, self.vectors) as v:
            for current in self.loop.passes[1:]:
                with f.count(0, w["t"], PARTIAL) as start:
                    self._emit_pass(current, v, start, f.min(f.add(start, PARTIAL), w["t"]))
        self._emit_result()

    def _gathered(self, name: str, length: str, part: str, always: str) -> tuple[str, str]:
        """The first row of keys or values, and the elements from row to row.

        Rows on a page each are copied next to each other, once for all blocks of queries of a head.
        """
        f, w, lanes = self.f, self.w, self.shape.lanes
        start, row = w.batch_address(name, self.size), w[f"{name}.row"]
        place, pitch = f.cell("ptr", start), f.cell("i64", row)
        far = f.compare("sge", f.mul(row, self.size), FAR)
        shared = f.compare("sgt", w["s"], self.shape.columns)
        with f.when(f.let(f"or i1 {always}, {f.let(f'and i1 {far}, {shared}')}")):
            own, width = self._scratch(part), f.mul(f.ceil_div(w[length], lanes), lanes)
            with f.count(0, w["t"]) as key, f.count(0, w[length], lanes) as j:
                mask = f.lanes_below(f.sub(w[length], j), lanes)
                source = f.at(start, f.mul(f.add(f.mul(key, row), j), self.size))
                copy = f.at(own, f.mul(f.add(f.mul(key, width), j), self.size))
                f.store(f.load(self.dtype, source, lanes, mask), self.dtype, copy, lanes)
            place.set(own)
            pitch.set(str(width))
        return place.get(), pitch.get()

    def _scratch(self, part: str) -> str:
        return self.f.at("%scratch", self.w[f"scratch.{part}"])

    def _rows(self, count: Integer) -> tuple[Integer, Integer, Integer]:
        """Tiles of rows: their number, the height of the lower ones, and how many are a row higher."""
        f = self.f
        tiles = f.ceil_div(count, self.shape.rows)
        some = f.max(tiles, 1)
        return tiles, f.div(count, some), f.rem(count, some)

    def _tile(self, tile: Integer, low: Integer, high: Integer) -> tuple[Integer, Integer]:
        """The first row and the height of a tile."""
        f = self.f
        row = f.add(f.mul(tile, low), f.min(tile, high))
        return row, f.add(low, f.let(f"zext i1 {f.compare('slt', tile, high)} to i64"))

    def _microkernel(self, product: str, vectors: Integer) -> str:
        chosen = self.w[f"{product}{self.shape.vectors}"]
        for v in range(self.shape.vectors - 1, 0, -1):
            chosen = self.f.select(self.f.compare("eq", vectors, v), self.w[f"{product}{v}"], chosen, "ptr")
        return chosen

    def _call(
        self, microkernel: str, height: Integer, k: str, b: tuple[str, Integer], out: tuple[str, Integer]
    ) -> None:
        """Call micro-kernels on the rows of the table."""
        addresses = (self._scratch("table"), b[0], self._scratch("zeros"), out[0])
        numbers = (height, 1, k, b[1], out[1], 0, 0)
        pitch = self.f.mul(b[1], self.size)
        fetch = f"ptr {self.f.at(b[0], self.f.mul(pitch, AHEAD))}"
        arguments = [*(f"ptr {a}" for a in addresses), *(f"i64 {n}" for n in numbers), fetch, f"i64 {pitch}"]
        self.f.do(f"call void {microkernel}({', '.join(arguments)})")

    # scores

    def _emit_scores(self, block: str) -> None:
        """Scores by tiles of keys, each with the first pass over it."""
        f, w = self.f, self.w
        for operand in self.attention.turned:
            self._emit_turned(operand)
        for i, node in enumerate(self.attention.reductions):
            start = literal(identity(node.value, node.dtype), node.dtype, self.shape.lanes)
            with f.count(0, self.vectors) as v:
                f.store(start, node.dtype, self._total(i, v), self.shape.lanes)
        names = {
            **_as("B", "Q"),
            "B.row": "1",
            "B.column": "Q.row",
            "k": "d",
            "scratch.panel": "scratch.queries",
        }
        width = f.mul(self.vectors, self.shape.lanes)
        panel = StridedPanels(self.dtype, self.dtype, "rows")
        queries = panel.panel(w.renamed(names), block, self.queries, width)
        pitch = f.mul(self.keys[1], self.size)
        microkernel = self._microkernel("scoring", self.vectors)
        tiles, low, high = self._rows(w["t"])
        with f.count(0, tiles, TILES) as first:
            end = f.min(f.add(first, TILES), tiles)
            with f.count(first, end) as tile:
                key, height = self._tile(tile, low, high)
                self._emit_table(height, f.at(self.keys[0], f.mul(key, pitch)), pitch)
                out = f.at(self._scratch("scores"), f.mul(key, self.row_bytes))
                self._call(microkernel, height, w["d"], queries, (out, self.shape.columns))
            begin, _ = self._tile(first, low, high)
            stop, _ = self._tile(end, low, high)
            with f.count(0, self.vectors) as v:
                self._emit_pass(self.loop.passes[0], v, begin, stop)

    def _emit_table(self, height: Integer, start: str, pitch: Integer) -> None:
        """The addresses of a tile's rows, so many bytes apart."""
        f = self.f
        with f.count(0, height) as i:
            f.put("ptr", f.at(start, f.mul(i, pitch)), f.at(self._scratch("table"), i, "ptr"))

    def _emit_turned(self, operand: int) -> None:
        """An operand's rows along keys as rows along queries, by squares."""
        f, w, lanes, name = self.f, self.w, self.shape.lanes, f"E{operand}"
        source, dtype = self.attention.operands[operand].dtype, self.attention.turned_dtype(operand)
        base = w.batch_address(name, source.itemsize)
        out = self._scratch(f"turned{operand}")
        last = f.sub(w["s"], 1)
        with f.count(0, self.vectors) as v:
            start = f.add(self.first, f.mul(v, lanes))
            pitch = f.mul(w[f"{name}.row"], source.itemsize)
            rows = [f.at(base, f.mul(f.min(f.add(start, n), last), pitch)) for n in range(lanes)]
            with f.count(0, w["t"], lanes) as key:
                mask = f.lanes_below(f.sub(w["t"], key), lanes)
                offset = f.mul(key, source.itemsize)
                square = [f.load(source, f.at(row, offset), lanes, mask) for row in rows]
                square = [f.cast(x, source, dtype, lanes) if source == BOOL else x for x in square]
                for n, line in enumerate(transposed(f, dtype, square)):
                    place = f.add(f.mul(f.add(key, n), self.shape.columns), f.mul(v, lanes))
                    f.store(line, dtype, f.at(out, f.mul(place, dtype.itemsize)), lanes)

    # passes

    def _total(self, reduction: int, v: Integer) -> str:
        f = self.f
        line = f.mul(f.add(reduction * self.shape.vectors, v), self.shape.lanes * 8)
        return f.at(self._scratch("totals"), line)

    def _emit_pass(self, current: Pass, v: str, begin: Integer, end: Integer) -> None:
        """A pass over keys begin..end for one vector of queries; what it reduces joins the totals."""
        f, lanes, lowered = self.f, self.shape.lanes, self.loop.lowered
        known = {
            node: f.load(node.dtype, self._total(i, v), lanes)
            for i, node in enumerate(self.attention.reductions)
            if node not in current.reductions
        }
        roots, varying = current.roots(lowered), self.loop.varying
        for node in walk(*roots, known=known):
            if node in varying:
                for argument in node.args:
                    if argument not in varying and argument not in known:
                        f.emit(argument, partial(self._leaf, v=v, key=0), lanes, known)
        sums = [{node: self._sum(node) for node in current.reductions} for _ in range(UNROLL)]
        unrolled = f.add(begin, f.let(f"and i64 {f.sub(end, begin)}, {-UNROLL}"))
        with f.count(begin, unrolled, UNROLL) as key:
            self._emit_keys(current, v, [f.add(key, n) for n in range(UNROLL)], known, sums)
        with f.count(unrolled, end) as key:
            self._emit_keys(current, v, [key], known, sums[:1])
        for i, node in enumerate(self.attention.reductions):
            if node in current.reductions:
                total = f.load(node.dtype, self._total(i, v), lanes)
                for cells in sums:
                    total = f.binary(COMBINE[node.value], node.dtype, cells[node].get(), total, lanes)
                f.store(total, node.dtype, self._total(i, v), lanes)

    def _sum(self, node: Expr) -> Cell:
        """An accumulator for one vector of queries."""
        lanes = self.shape.lanes
        start = literal(identity(node.value, node.dtype), node.dtype, lanes)
        return self.f.cell(vector(element(node.dtype), lanes), start)

    def _emit_keys(
        self,
        current: Pass,
        v: str,
        keys: Sequence[Integer],
        known: Mapping[Expr, str],
        sums: Sequence[Mapping[Expr, Cell]],
    ) -> None:
        """A pass at a few keys, operation by operation: none waits for the one before it."""
        f, lanes, lowered = self.f, self.shape.lanes, self.loop.lowered
        memos = [dict(known) for _ in keys]
        for node in current.reloaded:
            for key, memo in zip(keys, memos, strict=True):
                memo[node] = f.load(node.dtype, self._place(self.areas[node], node.dtype, v, key), lanes)
        for node in walk(*current.roots(lowered), known=memos[0]):
            for key, memo in zip(keys, memos, strict=True):
                f.emit(node, partial(self._leaf, v=v, key=key), lanes, memo)
        for key, memo, cells in zip(keys, memos, sums, strict=True):
            for node, cell in cells.items():
                cell.set(f.binary(COMBINE[node.value], node.dtype, memo[node.args[0]], cell.get(), lanes))
            for node in current.kept:
                f.store(memo[node], node.dtype, self._place(self.areas[node], node.dtype, v, key), lanes)
            for output in current.stores:
                f.store(memo[lowered[output]], self.dtype, self._place("scores", self.dtype, v, key), lanes)

    def _place(self, area: str, dtype: Dtype, v: str, key: Integer) -> str:
        """The address of a key's values for one vector of queries."""
        f = self.f
        place = f.add(f.mul(key, self.shape.columns), f.mul(v, self.shape.lanes))
        return f.at(self._scratch(area), f.mul(place, dtype.itemsize))

    def _leaf(self, node: Expr, v: str, key: Integer) -> str:
        """The value of an operand for one key and one vector of queries."""
        f, lanes = self.f, self.shape.lanes
        if node.value == 0:
            return f.load(self.dtype, self._place("scores", self.dtype, v, key), lanes)
        number = node.value - 1
        operand, name = self.attention.operands[number], f"E{number}"
        if number in self.attention.turned:
            dtype = self.attention.turned_dtype(number)
            value = f.load(dtype, self._place(f"turned{number}", dtype, v, key), lanes)
            return f.cast(value, dtype, BOOL, lanes) if operand.dtype == BOOL else value
        row, column = operand.strides
        size = operand.dtype.itemsize
        base = self.w.batch_address(name, size)
        if column != 0:
            base = f.at(base, f.mul(f.mul(key, self.w[f"{name}.column"]), size))
        if row == 0:
            kind = "i1" if operand.dtype == BOOL else element(operand.dtype)
            return f.splat(f.load(operand.dtype, base, 1), kind, lanes)
        start = f.mul(v, lanes)
        base = f.at(base, f.mul(f.mul(f.add(self.first, start), self.w[f"{name}.row"]), size))
        mask = f.lanes_below(f.sub(self.queries, start), lanes)
        if row == 1:
            return f.load(operand.dtype, base, lanes, mask)
        steps = ", ".join(f"i64 {n}" for n in range(lanes))
        stride = f.splat(self.w[f"{name}.row"], "i64", lanes)
        offsets = f.let(f"mul <{lanes} x i64> {stride}, <{steps}>")
        kind = memory_element(operand.dtype)
        pointers = f.let(f"getelementptr {kind}, ptr {base}, <{lanes} x i64> {offsets}")
        return f.gather(operand.dtype, pointers, lanes, mask)

    # result

    def _emit_result(self) -> None:
        """The weighted sums of values, by panels and tiles of queries."""
        f, w, shape = self.f, self.w, self.shape
        tiles, low, high = self._rows(self.queries)
        pitch = f.mul(w["Y.row"], self.size)
        output = f.at(w.batch_address("Y", self.size), f.mul(self.first, pitch))
        with f.count(0, f.ceil_div(w["e"], shape.columns)) as panel:
            column = f.mul(panel, shape.columns)
            columns = f.min(f.sub(w["e"], column), shape.columns)
            vectors = f.ceil_div(columns, shape.lanes)
            width = f.mul(vectors, shape.lanes)
            b = f.at(self.values[0], f.mul(column, self.size)), self.values[1]
            whole = f.compare("eq", columns, width)
            microkernel = self._microkernel("summing", vectors)
            with f.count(0, tiles) as tile:
                query, height = self._tile(tile, low, high)
                weights = f.at(self._scratch("scores"), f.mul(query, self.size))
                self._emit_table(height, weights, self.size)
                out = f.at(f.at(output, f.mul(query, pitch)), f.mul(column, self.size))
                aside = self._scratch("tile")
                target = f.select(whole, out, aside, "ptr"), f.select(whole, w["Y.row"], shape.columns)
                self._call(microkernel, height, w["t"], b, target)
                with f.when(f.let(f"xor i1 {whole}, true")):
                    place = TilePlace(aside, shape.columns, height, columns, out, pitch, (), ())
                    store_tile(f, plain(self.dtype, self.dtype), self.dtype, shape.lanes, place)
