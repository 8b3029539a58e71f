"""Rows of float32 as unsigned bytes, each by its own range, as DynamicQuantizeLinear has it."""

from __future__ import annotations

from collections.abc import Callable

from jitrt.codegen.dot import Dot
from jitrt.codegen.function import Function, Integer
from jitrt.codegen.vector import literal, suffix, vector
from jitrt.types import F32, I32

HIGHEST = 255


def quantise_row(
    f: Function,
    dot: Dot,
    source: str,
    target: str,
    header: int,
    size: Integer,
    lanes: int,
    mask: Callable[[Integer], str | None],
) -> None:
    """Emit the quantisation of a row of `size` numbers to elements of `dot`, `header` bytes after `target`.

    low, high = min(0, row), max(0, row)
    scale = (high - low) / 255, or 1 if that is 0
    zero = rint(-low / scale)
    q = clamp(rint(row / scale) + zero, 0, 255)
    target = scale f32, zero i32, sum(q - zero) i32, ..., q
    """
    kind, whole = vector("float", lanes), vector("i32", lanes)

    def row(j: Integer) -> tuple[str, str | None]:
        lasting = mask(j)
        return f.load(F32, f.at(source, f.mul(j, 4)), lanes, lasting), lasting

    def combined(name: str, llvm_type: str, v: str) -> str:
        full = f"llvm.vector.reduce.{name}.{suffix(llvm_type, lanes)}"
        return f.call(full, llvm_type, (vector(llvm_type, lanes), v))

    low, high = (f.cell(kind, "zeroinitializer") for _ in range(2))
    with f.count(0, size, lanes) as j:
        x, _ = row(j)
        low.set(f.binary("min", F32, low.get(), x, lanes))
        high.set(f.binary("max", F32, high.get(), x, lanes))
    least, most = combined("fmin", "float", low.get()), combined("fmax", "float", high.get())
    scale = f.let(f"fdiv float {f.let(f'fsub float {most}, {least}')}, {_number(HIGHEST)}")
    flat = f.let(f"fcmp oeq float {scale}, {_number(0)}")
    scale = f.let(f"select i1 {flat}, float {_number(1)}, float {scale}")
    quotient = f.let(f"fdiv float {f.let(f'fneg float {least}')}, {scale}")
    zero = f.call("llvm.rint.f32", "float", ("float", quotient))
    scales, zeros = f.splat(scale, "float", lanes), f.splat(zero, "float", lanes)
    total = f.cell(whole, "zeroinitializer")
    with f.count(0, size, lanes) as j:
        x, lasting = row(j)
        q = f.call(f"llvm.rint.{suffix('float', lanes)}", kind, (kind, f.let(f"fdiv {kind} {x}, {scales}")))
        q = f.let(f"fadd {kind} {q}, {zeros}")
        q = f.binary("min", F32, q, literal(HIGHEST, F32, lanes), lanes)
        q = f.cast(f.binary("max", F32, q, literal(0, F32, lanes), lanes), F32, I32, lanes)
        if lasting is not None:
            q = f.choose(lasting, q, "zeroinitializer", "i32", lanes)
        total.set(f.let(f"add {whole} {total.get()}, {q}"))
        elements = f.cast(q, I32, dot.row, lanes)
        place = f.at(target, f.add(header, f.mul(j, dot.row.itemsize)))
        f.store(elements, dot.row, place, lanes)
    f.store(scale, F32, target, 1)
    whole_zero = f.cast(zero, F32, I32, 1)
    zeros_sum = f.let(f"mul i32 {f.let(f'trunc i64 {size} to i32')}, {whole_zero}")
    f.store(whole_zero, I32, f.at(target, 4), 1)
    centred = f.let(f"sub i32 {combined('add', 'i32', total.get())}, {zeros_sum}")
    f.store(centred, I32, f.at(target, 8), 1)


def _number(value: float) -> str:
    return literal(value, F32, 1)
