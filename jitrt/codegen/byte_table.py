"""Functions of one byte: `y[i] = table[x[i]]` with a table of 256 bytes that is known when the kernel runs.

With AVX-512's permutations of bytes the whole table lies in four registers:

    t0, t1, t2, t3 = table
    for i in begin..end step 64:
        codes = x[i..]
        low = vpermi2var(t0, codes, t1)              # what codes below 128 stand for
        high = vpermi2var(t2, codes, t3)
        y[i..] = codes < 0 ? high : low              # as signed numbers

Elsewhere, and for the bytes after the last 64, it is a load a byte.
"""

from __future__ import annotations

from jitrt.codegen.ir import Text
from jitrt.codegen.kernel import Kernel, Ref, Step
from jitrt.codegen.target import Target, host
from jitrt.dims import Size

REGISTER = 64


def byte_table_step(x: Ref, table: Ref, y: Ref, count: Size) -> Step:
    """The step that looks `count` bytes up. `y` may be the memory of `x`."""
    return Step(byte_table_kernel(host()), (x, table, y), count, "byte_table", nbytes=2 * count)


def byte_table_kernel(target: Target) -> Kernel:
    """The kernel with arguments x, table and y; a unit is a byte."""
    permutes = target.has("avx512vbmi")
    return Kernel(
        f"byte_table:{permutes}", "byte_table", lambda symbol: _module(symbol, permutes), "registers"
    )


def _module(symbol: str, permutes: bool) -> str:
    f = Text()
    x, table, y = (
        f.let(f"load ptr, ptr {f.let(f'getelementptr ptr, ptr %args, i64 {i}')}, align 8") for i in range(3)
    )
    start = "%begin"
    if permutes:
        whole = f.let(f"and i64 {f.let('sub nsw i64 %end, %begin')}, {-REGISTER}")
        start = f.let(f"add nsw i64 %begin, {whole}")
        quarters = [_load(f, table, str(REGISTER * k)) for k in range(4)]
        with f.loop("i", "%begin", start, str(REGISTER)) as i:
            codes = _load(f, x, i)
            low, high = (_permuted(f, quarters[k], codes, quarters[k + 1]) for k in (0, 2))
            upper = f.let(f"icmp slt <64 x i8> {codes}, zeroinitializer")
            found = f.let(f"select <64 x i1> {upper}, <64 x i8> {high}, <64 x i8> {low}")
            to = f.let(f"getelementptr i8, ptr {y}, i64 {i}")
            f.do(f"store <64 x i8> {found}, ptr {to}, align 1")
    with f.loop("i", start, "%end") as i:
        code = f.let(f"load i8, ptr {f.let(f'getelementptr i8, ptr {x}, i64 {i}')}")
        at = f.let(f"getelementptr i8, ptr {table}, i64 {f.let(f'zext i8 {code} to i64')}")
        found = f.let(f"load i8, ptr {at}")
        f.do(f"store i8 {found}, ptr {f.let(f'getelementptr i8, ptr {y}, i64 {i}')}")
    f.do("ret i64 0")
    header = f"define i64 @{symbol}(ptr %args, i64 %begin, i64 %end, ptr %scratch) {{"
    return "\n".join([header, f.body(), "}", "", *f.declarations.values(), ""])


def _load(f: Text, pointer: str, offset: str) -> str:
    at = f.let(f"getelementptr i8, ptr {pointer}, i64 {offset}")
    return f.let(f"load <64 x i8>, ptr {at}, align 1")


def _permuted(f: Text, first: str, codes: str, second: str) -> str:
    """The bytes of two registers at the lowest seven bits of the codes."""
    kind = "<64 x i8>"
    return f.call("llvm.x86.avx512.vpermi2var.qi.512", kind, (kind, first), (kind, codes), (kind, second))
