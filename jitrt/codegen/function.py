"""One LLVM function under construction: vector expressions, i64 arithmetic, loops that carry values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from jitrt.codegen.target import Target
from jitrt.codegen.vector import Emitter

Integer = str | int  # an i64: the name of a value, or its number


class CarriedLoop:
    """A counted loop under construction: `values` are what the body, then the code after it, sees."""

    def __init__(self, index: str, values: Sequence[str]) -> None:
        self.index, self.values = index, list(values)
        self.next = list(values)

    def carry(self, values: Sequence[str]) -> None:
        """Set what the next iteration sees."""
        self.next = list(values)


class Function(Emitter):
    """Appends instructions to a function; arithmetic on known numbers is done at once.

    `f = Function("next", "i64 %x", "i64", target); f.do(f"ret i64 {f.add('%x', 1)}")` prints

        define i64 @next(i64 %x) {
        entry:
          %v1 = add i64 %x, 1
          ret i64 %v1
        }
    """

    def __init__(self, name: str, parameters: str, returns: str, target: Target) -> None:
        super().__init__(target)
        self.signature = f"{returns} @{name}({parameters})"

    def __str__(self) -> str:
        return f"define {self.signature} {{\n{self.body()}\n}}"

    # integers

    def add(self, a: Integer, b: Integer) -> Integer:
        """a + b."""
        if isinstance(a, int) and isinstance(b, int):
            return a + b
        return b if a == 0 else a if b == 0 else self.let(f"add i64 {a}, {b}")

    def sub(self, a: Integer, b: Integer) -> Integer:
        """a - b."""
        if isinstance(a, int) and isinstance(b, int):
            return a - b
        return a if b == 0 else self.let(f"sub i64 {a}, {b}")

    def mul(self, a: Integer, b: Integer) -> Integer:
        """a * b."""
        if isinstance(a, int) and isinstance(b, int):
            return a * b
        return 0 if 0 in (a, b) else b if a == 1 else a if b == 1 else self.let(f"mul i64 {a}, {b}")

    def div(self, a: Integer, b: Integer) -> Integer:
        """a / b of non-negative numbers, rounded down."""
        return a if b == 1 else self.let(f"udiv i64 {a}, {b}")

    def rem(self, a: Integer, b: Integer) -> Integer:
        """a % b of non-negative numbers."""
        return 0 if b == 1 else self.let(f"urem i64 {a}, {b}")

    def ceil_div(self, a: Integer, b: Integer) -> Integer:
        """a / b of non-negative numbers, rounded up."""
        return a if b == 1 else self.div(self.add(a, self.sub(b, 1)), b)

    def align(self, a: Integer, unit: int = 64) -> Integer:
        """a rounded up to a multiple of `unit`, a power of two."""
        return self.let(f"and i64 {self.add(a, unit - 1)}, {-unit}")

    def min(self, a: Integer, b: Integer) -> str:
        """The smaller, signed."""
        return self.call("llvm.smin.i64", "i64", ("i64", str(a)), ("i64", str(b)))

    def max(self, a: Integer, b: Integer) -> str:
        """The larger, signed."""
        return self.call("llvm.smax.i64", "i64", ("i64", str(a)), ("i64", str(b)))

    def compare(self, relation: str, a: Integer, b: Integer) -> str:
        """An i1: eq, ne, slt, sle, sgt or sge."""
        return self.let(f"icmp {relation} i64 {a}, {b}")

    def select(self, condition: str, then: Integer, otherwise: Integer, llvm_type: str = "i64") -> str:
        """`then` where the condition holds, else `otherwise`."""
        return self.let(f"select i1 {condition}, {llvm_type} {then}, {llvm_type} {otherwise}")

    # addresses

    def at(self, pointer: str, index: Integer, llvm_type: str = "i8") -> str:
        """The address of element `index`."""
        return pointer if index == 0 else self.let(f"getelementptr {llvm_type}, ptr {pointer}, i64 {index}")

    def get(self, llvm_type: str, pointer: str, align: int = 8) -> str:
        """The value at an address."""
        return self.let(f"load {llvm_type}, ptr {pointer}, align {align}")

    def put(self, llvm_type: str, value: Integer, pointer: str, align: int = 8) -> None:
        """Write the value at an address."""
        self.do(f"store {llvm_type} {value}, ptr {pointer}, align {align}")

    def prefetch(self, pointer: str, to_write: bool = False, near: bool = False) -> None:
        """Bring the line at an address, which need not be mapped, into the core's cache, or its nearest."""
        purpose, level, data = ("i32", str(int(to_write))), ("i32", str(2 + near)), ("i32", "1")
        self.call("llvm.prefetch.p0", "void", ("ptr", pointer), purpose, level, data)

    def lanes_below(self, limit: Integer, lanes: int) -> str:
        """A mask of the lanes whose number is below `limit`."""
        narrow = self.let(f"trunc i64 {limit} to i32")
        numbers = ", ".join(f"i32 {n}" for n in range(lanes))
        return self.let(f"icmp sgt <{lanes} x i32> {self.splat(narrow, 'i32', lanes)}, <{numbers}>")

    # control

    @contextmanager
    def count(self, begin: Integer, end: Integer, step: Integer = 1) -> Iterator[str]:
        """Emit the body as a loop over begin, begin + step, ... below end."""
        with self.loop("i", str(begin), str(end), str(step)) as index:
            yield index

    @contextmanager
    def carrying(
        self, begin: Integer, end: Integer, step: Integer, first: Sequence[tuple[str, str]]
    ) -> Iterator[CarriedLoop]:
        """The same, where iterations hand on values; `first` gives their types and first values."""
        head, body, done = self.fresh("head"), self.fresh("body"), self.fresh("done")
        index, entry = "%" + self.fresh("i"), self.block
        loop = CarriedLoop(index, ["%" + self.fresh("c") for _ in first])
        self.jump(head)
        self.start(head)
        phis = len(self.lines)
        self.do(f"br i1 {self.compare('slt', index, end)}, label %{body}, label %{done}")
        self.start(body)
        yield loop
        following = self.add(index, step)
        self.lines[phis:phis] = [
            f"  {value} = phi {kind} [ {start}, %{entry} ], [ {then}, %{self.block} ]"
            for value, (kind, start), then in zip(
                (index, *loop.values),
                (("i64", str(begin)), *first),
                (following, *loop.next),
                strict=True,
            )
        ]
        self.jump(head)
        self.start(done)


def module(*functions: Function) -> str:
    """The IR of a module: declarations, then definitions."""
    declarations = dict(item for f in functions for item in f.declarations.items())
    return "\n\n".join(["\n".join(sorted(declarations.values())), *map(str, functions)]) + "\n"
