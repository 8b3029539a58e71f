"""The code of products of one row."""

from __future__ import annotations

from collections.abc import Sequence

from jitrt.codegen.epilogue import TilePlace, store_tile
from jitrt.codegen.function import Function, Integer, module
from jitrt.codegen.matrix_vector import PIECE_VECTORS, MatrixVector
from jitrt.codegen.microkernel import multiply_add
from jitrt.codegen.product_code import is_address
from jitrt.codegen.walk import Walk

ROWS = 4  # of B at a time, where its rows are adjacent


def driver(product: MatrixVector, symbol: str) -> str:
    """The IR of a product of one row, as the docstring of `matrix_vector` has it:

    for batch, block of pieces, in begin..end:
        sums = the block's results
        for piece in block:
            store epilogue(sums)
    """
    f = Function(symbol, "ptr %args, i64 %begin, i64 %end, ptr %scratch", "i64", product.target)
    arguments = {
        name: f.get("ptr" if is_address(name) else "i64", f.at("%args", 8 * i))
        for i, name in enumerate(product.names)
    }
    kind = _RowsOfB if product.b_rows else _ColumnsOfB
    kind(product, Walk(f, product.shape, arguments)).emit()
    f.do("ret i64 0")
    return module(f)


class _Driver:
    def __init__(self, product: MatrixVector, w: Walk) -> None:
        self.product, self.w, self.f = product, w, w.f
        self.dtype, self.size = product.dtype, product.dtype.itemsize
        self.lanes, self.piece = product.shape.lanes, product.piece
        self.row = ""  # the address of A's row

    def emit(self) -> None:
        f, w, pieces_at_once = self.f, self.w, self.product.block_pieces
        pieces = f.max(f.ceil_div(w["n"], self.piece), 1)
        with f.count(f.div("%begin", pieces), f.ceil_div("%end", pieces)) as batch:
            w.outer, w.inner = f.div(batch, w["batch.inner"]), f.rem(batch, w["batch.inner"])
            before = f.mul(batch, pieces)
            first, last = f.max(f.sub("%begin", before), 0), f.min(f.sub("%end", before), pieces)
            self._start()
            with f.count(first, last, pieces_at_once) as piece:
                column = f.mul(piece, self.piece)
                count = f.min(f.sub(last, piece), pieces_at_once)
                self._emit_sums(column, count)
                with f.count(0, count) as number:
                    offset = f.mul(number, self.piece)
                    self._store(self._sum(offset), f.add(column, offset))

    def _start(self) -> None:
        """Emit what comes first for each position of the batch."""
        self.row = self.w.batch_address("A", self.product.a.itemsize)

    def _emit_sums(self, column: Integer, count: Integer) -> None:
        """Emit the results of `count` pieces from `column` on."""
        raise NotImplementedError

    def _element(self, k: Integer) -> str:
        """a[k]."""
        f, dtype = self.f, self.product.a
        return f.load(dtype, f.at(self.row, f.mul(f.mul(k, self.w["A.column"]), dtype.itemsize)), 1)

    def _sum(self, offset: Integer) -> str:
        """The place of a block's result."""
        return self.f.at("%scratch", self.f.mul(offset, self.size))

    def _bias(self, column: Integer) -> str:
        f, w = self.f, self.w
        if not self.product.has_bias:
            return "zeroinitializer"
        mask = f.lanes_below(f.sub(w["n"], column), self.lanes)
        return f.load(
            self.dtype, f.at(w.batch_address("bias", self.size), f.mul(column, self.size)), self.lanes, mask
        )

    def _multiply_add(self, a: str, b: str, c: str) -> str:
        return multiply_add(self.f, self.product.shape, a, b, c)

    def _add(self, a: str, b: str) -> str:
        return self.f.let(f"fadd {self.product.shape.vector} {a}, {b}")

    def _store(self, sums: str, column: Integer) -> None:
        f, w, epilogue = self.f, self.w, self.product.epilogue
        columns = f.min(f.sub(w["n"], column), self.piece)
        size = epilogue.root.dtype.itemsize
        output = f.at(w.batch_address("Y", size), f.mul(column, size))
        addresses = []
        for i, operand in enumerate(epilogue.operands):
            address = w.batch_address(f"E{i}", operand.dtype.itemsize)
            offset = f.mul(column, operand.dtype.itemsize) if operand.strides[2] else 0
            addresses.append(f.at(address, offset))
        place = TilePlace(sums, self.piece, 1, columns, output, 0, addresses, [0] * len(addresses))
        store_tile(f, epilogue, self.dtype, self.lanes, place)


class _RowsOfB(_Driver):
    """B's rows have adjacent elements."""

    def _emit_sums(self, column: Integer, count: Integer) -> None:
        f, w = self.f, self.w
        with f.count(0, f.mul(count, self.piece), self.lanes) as j:
            f.store(self._bias(f.add(column, j)), self.dtype, self._sum(j), self.lanes)
        several = f.let(f"and i64 {w['k']}, {-ROWS}")
        with f.count(0, several, ROWS) as k:
            self._add_rows(k, ROWS, column, count)
        with f.count(several, w["k"]) as k:
            self._add_rows(k, 1, column, count)

    def _add_rows(self, k: Integer, rows: int, column: Integer, count: Integer) -> None:
        """Add what rows k, k + 1 ... of B contribute to the block."""
        f, w, size = self.f, self.w, self.product.b.itemsize
        base = f.at(w.batch_address("B", size), f.mul(column, size))
        starts = [f.at(base, f.mul(f.mul(f.add(k, n), w["B.row"]), size)) for n in range(rows)]
        factors = [
            f.splat(self._element(f.add(k, n)), self.product.shape.scalar, self.lanes) for n in range(rows)
        ]
        with f.count(0, count) as piece:
            offset = f.mul(piece, self.piece)
            left = f.sub(f.sub(w["n"], column), offset)
            with f.branch(f.compare("sge", left, self.piece)) as branch:
                self._add_piece(factors, starts, offset, None)
                branch.otherwise()
                self._add_piece(factors, starts, offset, left)

    def _add_piece(
        self, factors: Sequence[str], starts: Sequence[str], offset: Integer, columns: Integer | None
    ) -> None:
        """Add what rows of B contribute to a piece, of which so many columns exist, or all."""
        f, lanes, size = self.f, self.lanes, self.product.b.itemsize
        for j in range(PIECE_VECTORS):
            mask = None if columns is None else f.lanes_below(f.sub(columns, j * lanes), lanes)
            place = f.add(offset, j * lanes)
            total = f.load(self.dtype, self._sum(place), lanes)
            part = "zeroinitializer"
            for factor, start in zip(factors, starts, strict=True):
                row = f.load(self.product.b, f.at(start, f.mul(place, size)), lanes, mask)
                part = self._multiply_add(factor, row, part)
            f.store(self._add(total, part), self.dtype, self._sum(place), lanes)


class _ColumnsOfB(_Driver):
    """B's columns have adjacent elements."""

    def _start(self) -> None:
        """The row of A as it is, or copied."""
        super()._start()
        if self.product.copies_row:
            f, own = self.f, self.f.at("%scratch", self.product.sums_bytes)
            with f.count(0, self.w["k"]) as k:
                f.store(self._element(k), self.dtype, f.at(own, f.mul(k, self.size)), 1)
            self.row = own

    def _emit_sums(self, column: Integer, count: Integer) -> None:
        f, w = self.f, self.w
        for j in range(PIECE_VECTORS):
            first = f.add(column, j * self.lanes)
            with f.when(f.compare("slt", first, w["n"])):
                total = self._sums_of_lanes(self._dots(first))
                f.store(
                    self._add(total, self._bias(first)), self.dtype, self._sum(j * self.lanes), self.lanes
                )

    def _dots(self, first: Integer) -> list[str]:
        """Dot products of the row with a vector of columns from `first` on, the last one repeated: as vectors
        whose lanes are to be added.
        """
        f, w, lanes, vector = self.f, self.w, self.lanes, self.product.shape.vector
        base, pitch = (
            w.batch_address("B", self.product.b.itemsize),
            f.mul(w["B.column"], self.product.b.itemsize),
        )
        last = f.sub(w["n"], 1)
        columns = [f.at(base, f.mul(f.min(f.add(first, n), last), pitch)) for n in range(lanes)]
        whole = f.let(f"and i64 {w['k']}, {-lanes}")
        with f.carrying(0, whole, lanes, [(vector, "zeroinitializer")] * lanes) as loop:
            loop.carry(self._add_dots(columns, loop.index, None, loop.values))
        mask = f.lanes_below(f.sub(w["k"], whole), lanes)
        return self._add_dots(columns, whole, mask, loop.values)

    def _add_dots(
        self, columns: Sequence[str], k: Integer, mask: str | None, sums: Sequence[str]
    ) -> list[str]:
        """The sums after a vector of k."""
        f, b = self.f, self.product.b
        factor = f.load(self.dtype, f.at(self.row, f.mul(k, self.size)), self.lanes, mask)
        values = [f.load(b, f.at(column, f.mul(k, b.itemsize)), self.lanes, mask) for column in columns]
        return [self._multiply_add(factor, value, total) for value, total in zip(values, sums, strict=True)]

    def _sums_of_lanes(self, vectors: Sequence[str]) -> str:
        """The sum of each vector's lanes, as a vector: neighbours are added until each is one."""
        f, vector, lanes = self.f, self.product.shape.vector, self.lanes

        def every_second(a: str, b: str, start: int) -> str:
            chosen = ", ".join(f"i32 {n}" for n in range(start, 2 * lanes, 2))
            return f.let(f"shufflevector {vector} {a}, {vector} {b}, <{lanes} x i32> <{chosen}>")

        while len(vectors) > 1:
            pairs = list(zip(vectors[::2], vectors[1::2], strict=True))
            vectors = [self._add(every_second(a, b, 0), every_second(a, b, 1)) for a, b in pairs]
        return vectors[0]
