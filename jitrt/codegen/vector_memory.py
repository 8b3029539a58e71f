"""Vectors of elements between memory and registers, and from one element type to another."""

from __future__ import annotations

import numpy as np

from jitrt.codegen.ir import Text
from jitrt.codegen.vector_types import element, literal, memory_element, suffix, vector
from jitrt.expr import Dtype
from jitrt.types import BF16, BOOL, F16, F32, F64, I32, is_float


class Vectors(Text):
    """Appends loads, stores and conversions of any number of elements; one lane is a scalar."""

    def load(self, dtype: Dtype, pointer: str, lanes: int, mask: str | None = None) -> str:
        """Consecutive elements at `pointer` as a register value; lanes outside the mask are zero."""
        kind = vector(memory_element(dtype), lanes)
        if mask is None:
            raw = self.let(f"load {kind}, ptr {pointer}, align {dtype.itemsize}")
        else:
            name = f"llvm.masked.load.{suffix(memory_element(dtype), lanes)}.p0"
            align = ("i32", str(dtype.itemsize))
            zero = (kind, "zeroinitializer")
            raw = self.call(name, kind, ("ptr", pointer), align, (f"<{lanes} x i1>", mask), zero)
        return self._widen(raw, dtype, lanes)

    def gather(self, dtype: Dtype, pointers: str, lanes: int, mask: str | None = None) -> str:
        """The elements that a vector of addresses points to; lanes outside the mask are zero."""
        kind = vector(memory_element(dtype), lanes)
        name = f"llvm.masked.gather.{suffix(memory_element(dtype), lanes)}.v{lanes}p0"
        align = ("i32", str(dtype.itemsize))
        chosen = (f"<{lanes} x i1>", mask or "splat (i1 true)")
        raw = self.call(name, kind, (f"<{lanes} x ptr>", pointers), align, chosen, (kind, "zeroinitializer"))
        return self._widen(raw, dtype, lanes)

    def store(self, value: str, dtype: Dtype, pointer: str, lanes: int, mask: str | None = None) -> None:
        """Write a register value to consecutive elements."""
        raw, kind = self._narrow(value, dtype, lanes), vector(memory_element(dtype), lanes)
        if mask is None:
            self.do(f"store {kind} {raw}, ptr {pointer}, align {dtype.itemsize}")
        else:
            name = f"llvm.masked.store.{suffix(memory_element(dtype), lanes)}.p0"
            align = ("i32", str(dtype.itemsize))
            self.call(name, "void", (kind, raw), ("ptr", pointer), align, (f"<{lanes} x i1>", mask))

    def prefetch(self, pointer: str, write: bool) -> None:
        """Bring the line at `pointer`, which need not be mapped, into the cache, to be read or written."""
        near, data = ("i32", "3"), ("i32", "1")
        self.call("llvm.prefetch.p0", "void", ("ptr", pointer), ("i32", str(int(write))), near, data)

    def scatter(self, value: str, dtype: Dtype, pointers: str, lanes: int, mask: str | None = None) -> None:
        """Write each lane to its own address."""
        raw, kind = self._narrow(value, dtype, lanes), vector(memory_element(dtype), lanes)
        name = f"llvm.masked.scatter.{suffix(memory_element(dtype), lanes)}.v{lanes}p0"
        align = ("i32", str(dtype.itemsize))
        chosen = (f"<{lanes} x i1>", mask or "splat (i1 true)")
        self.call(name, "void", (kind, raw), (f"<{lanes} x ptr>", pointers), align, chosen)

    def splat(self, value: str, element_type: str, lanes: int) -> str:
        """A scalar in every lane."""
        if lanes == 1:
            return value
        kind = vector(element_type, lanes)
        first = self.let(f"insertelement {kind} poison, {element_type} {value}, i64 0")
        return self.let(f"shufflevector {kind} {first}, {kind} poison, <{lanes} x i32> zeroinitializer")

    def part(self, value: str, kind: str, lanes: int, first: int, count: int) -> str:
        """The lanes first..first + count of a vector."""
        whole = vector(kind, lanes)
        if count == 1:
            return self.let(f"extractelement {whole} {value}, i64 {first}")
        chosen = ", ".join(f"i32 {lane}" for lane in range(first, first + count))
        return self.let(f"shufflevector {whole} {value}, {whole} poison, <{count} x i32> <{chosen}>")

    def joined(self, low: str, high: str, kind: str, lanes: int) -> str:
        """Two vectors of so many lanes as one."""
        half = vector(kind, lanes)
        every = ", ".join(f"i32 {lane}" for lane in range(2 * lanes))
        return self.let(f"shufflevector {half} {low}, {half} {high}, <{2 * lanes} x i32> <{every}>")

    def bitcast(self, x: str, source: Dtype, dtype: Dtype, lanes: int) -> str:
        """The same bits as another type; a 16-bit float's are those it has in memory."""
        raw = self._narrow(x, source, lanes)
        kind, wanted = vector(memory_element(source), lanes), vector(memory_element(dtype), lanes)
        if kind != wanted:
            raw = self.let(f"bitcast {kind} {raw} to {wanted}")
        return self._widen(raw, dtype, lanes)

    def cast(self, x: str, source: Dtype, dtype: Dtype, lanes: int) -> str:
        """Convert by value, with the semantics that `vector` documents."""
        kind, wanted = vector(element(source), lanes), vector(element(dtype), lanes)
        if source == dtype:
            return x
        if dtype == BOOL:
            test = "fcmp une" if is_float(source) else "icmp ne"
            return self.let(f"{test} {kind} {x}, {literal(0, source, lanes)}")
        if source == BOOL:
            return self.choose(x, literal(1, dtype, lanes), literal(0, dtype, lanes), element(dtype), lanes)
        if is_float(source) and is_float(dtype):
            return self._cast_float(x, source, dtype, lanes)
        if is_float(dtype):
            opcode = "sitofp" if source.kind == "i" else "uitofp"
            y = self.let(f"{opcode} {kind} {x} to {wanted}")
            return self._cast_float(y, F32, dtype, lanes) if dtype in (F16, BF16) else y
        if is_float(source):
            return self._truncate(x, source, dtype, lanes)
        if source.itemsize == dtype.itemsize:
            return x
        widening = "sext" if source.kind == "i" else "zext"
        opcode = widening if dtype.itemsize > source.itemsize else "trunc"
        return self.let(f"{opcode} {kind} {x} to {wanted}")

    def _cast_float(self, x: str, source: Dtype, dtype: Dtype, lanes: int) -> str:
        if element(source) != element(dtype):
            opcode = "fpext" if dtype == F64 else "fptrunc"
            kinds = vector(element(source), lanes), vector(element(dtype), lanes)
            x = self.let(f"{opcode} {kinds[0]} {x} to {kinds[1]}")
        if dtype in (F16, BF16) and source != dtype:
            return self._widen(self._narrow(x, dtype, lanes), dtype, lanes)
        return x

    def _truncate(self, x: str, source: Dtype, dtype: Dtype, lanes: int) -> str:
        kind = vector(element(source), lanes)
        if dtype.itemsize == 8:
            opcode, through = "fptosi" if dtype.kind == "i" else "fptoui", "i64"
        else:
            opcode, through = "fptosi", "i64" if dtype == np.uint32 else "i32"
        whole = self.let(f"{opcode} {kind} {x} to {vector(through, lanes)}")
        whole = self.let(f"freeze {vector(through, lanes)} {whole}")
        if through == element(dtype):
            return whole
        return self.let(f"trunc {vector(through, lanes)} {whole} to {vector(element(dtype), lanes)}")

    def _widen(self, raw: str, dtype: Dtype, lanes: int) -> str:
        kind = vector(memory_element(dtype), lanes)
        if dtype == BOOL:
            return self.let(f"icmp ne {kind} {raw}, {literal(0, np.dtype(np.uint8), lanes)}")
        if dtype == F16:
            return self.let(f"fpext {kind} {raw} to {vector('float', lanes)}")
        if dtype == BF16:
            wide = self.let(f"zext {kind} {raw} to {vector('i32', lanes)}")
            bits = self.let(f"shl {vector('i32', lanes)} {wide}, {literal(16, I32, lanes)}")
            return self.let(f"bitcast {vector('i32', lanes)} {bits} to {vector('float', lanes)}")
        return raw

    def _narrow(self, value: str, dtype: Dtype, lanes: int) -> str:
        kind = vector(memory_element(dtype), lanes)
        if dtype == BOOL:
            return self.let(f"zext {vector('i1', lanes)} {value} to {kind}")
        if dtype == F16:
            return self.let(f"fptrunc {vector('float', lanes)} {value} to {kind}")
        if dtype == BF16:
            bits = self._bfloat_bits(value, lanes)
            return self.let(f"trunc {vector('i32', lanes)} {bits} to {kind}")
        return value

    def _bfloat_bits(self, value: str, lanes: int) -> str:
        """The float rounded to bfloat16, in the low half of an i32.

        The CPU's own conversion flushes denormals, so this adds half a unit (less one if that makes
        the result even) to the bits; a NaN becomes the quiet one.
        """
        i32, f32 = vector("i32", lanes), vector("float", lanes)
        bits = self.let(f"bitcast {f32} {value} to {i32}")
        high = self.let(f"lshr {i32} {bits}, {literal(16, I32, lanes)}")
        odd = self.let(f"and {i32} {high}, {literal(1, I32, lanes)}")
        bias = self.let(f"add {i32} {odd}, {literal(0x7FFF, I32, lanes)}")
        rounded = self.let(f"add {i32} {bits}, {bias}")
        short = self.let(f"lshr {i32} {rounded}, {literal(16, I32, lanes)}")
        nan = self.let(f"fcmp uno {f32} {value}, {value}")
        return self.choose(nan, literal(0x7FC0, I32, lanes), short, "i32", lanes)

    def choose(self, condition: str, then: str, otherwise: str, element_type: str, lanes: int) -> str:
        """`then` in the lanes where the condition holds."""
        kind = vector(element_type, lanes)
        return self.let(f"select {vector('i1', lanes)} {condition}, {kind} {then}, {kind} {otherwise}")
