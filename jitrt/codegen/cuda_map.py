"""CUDA C++ kernels of elementwise loops, and the naming of operands that all generated kernels share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jitrt.codegen.cuda import literal, narrowed, statement, storage_type, widened
from jitrt.codegen.loop import Loop, Operand
from jitrt.expr import Expr, walk

THREADS = 256
PACK_BYTES = 16  # the widest load


@dataclass(frozen=True)
class Names:
    """An operand as generated code names it: `x0` with the strides `x0_s0`, `x0_s1`."""

    name: str
    operand: Operand
    written: bool

    @property
    def parameters(self) -> list[str]:
        """`const f32* x0`, `i64 x0_stride0`"""
        pointer = f"{'' if self.written else 'const '}{storage_type(self.operand.dtype)}* {self.name}"
        return [pointer, *(f"i64 {self.name}_stride{d}" for d in self.run_time_dims)]

    @property
    def run_time_dims(self) -> list[int]:
        """The dimensions whose stride is an argument."""
        return [d for d, stride in enumerate(self.operand.strides) if stride is None]

    def offset(self, dims: Iterable[int]) -> str:
        """The offset in elements that the coordinates along `dims` make: `i0 * x0_s0 + i1`."""
        terms = []
        for d in dims:
            stride = self.operand.strides[d]
            if stride != 0:
                terms.append(f"i{d}" if stride == 1 else f"i{d} * {self.name}_s{d}")
        return " + ".join(terms) or "0"


def operand_names(loop: Loop) -> list[Names]:
    """Inputs `x0`, `x1`..., then outputs `y0`, `y1`..."""
    inputs = [Names(f"x{i}", operand, False) for i, operand in enumerate(loop.inputs)]
    return inputs + [Names(f"y{i}", operand, True) for i, operand in enumerate(loop.outputs)]


def parameters(loop: Loop, operands: Sequence[Names]) -> str:
    """The kernel's parameter list."""
    sizes = [f"i64 size{d}" for d in range(loop.ndim)]
    return ", ".join([*sizes, *(p for operand in operands for p in operand.parameters)])


def prologue(loop: Loop, operands: Sequence[Names]) -> list[str]:
    """Sizes and strides as `index`: `const index n0 = size0, n1 = size1;`"""
    names = [f"n{d} = size{d}" for d in range(loop.ndim)]
    names += [f"{o.name}_s{d} = {o.name}_stride{d}" for o in operands for d in o.run_time_dims]
    return [f"const index {', '.join(names)};"]


def coordinates(dims: Sequence[int], position: str) -> list[str]:
    """The coordinates `i0`, `i1`... of a row-major position over `dims`."""
    lines, rest = [], position
    for d in reversed(dims[1:]):
        lines.append(f"const index i{d} = {rest} % n{d}, r{d} = {rest} / n{d};")
        rest = f"r{d}"
    return [*lines, *(f"const index i{d} = {rest};" for d in dims[:1])]


def pack_length(operands: Iterable[Names]) -> int:
    """How many neighbours a thread takes at a time, no load being wider than 16 bytes; 1 for no packs."""
    sizes = [o.operand.dtype.itemsize for o in operands if o.operand.strides[-1] == 1]
    return PACK_BYTES // max(sizes) if sizes else 1


def packable(operands: Sequence[Names], length: int, whole: Sequence[str]) -> str:
    """The condition that all packs are aligned and the sizes named `whole` are whole numbers of packs."""
    contiguous = [o for o in operands if o.operand.strides[-1] == 1]
    addresses = " | ".join(f"(u64){o.name}" for o in contiguous)
    steps = [*(f"{o.name}_s{d}" for o in contiguous for d in o.run_time_dims), *whole]
    strides = f" && (({' | '.join(steps)}) & {length - 1}) == 0" if steps else ""
    return f"(({addresses}) & {PACK_BYTES - 1}) == 0{strides}"


def evaluated(nodes: Iterable[Expr], names: dict[Expr, str]) -> list[str]:
    """The statements that compute `nodes`, given in order; names what they compute."""
    lines = []
    for node in nodes:
        if node.op == "const":
            names[node] = literal(node.value, node.dtype)
        elif node not in names:
            name = f"t{len(names)}"
            lines.append(statement(node, names, name))
            names[node] = name
    return lines


def indented(lines: Iterable[str], levels: int = 1) -> str:
    """The lines, indented by four spaces a level."""
    return "\n".join("    " * levels + line for line in lines)


def map_source(loop: Loop, name: str) -> str:
    """The kernel of a loop without reductions. For y = x + s with s broadcast along the inner dimension,

    inline __device__ void apply(f32 x0, f32 x1, f32& y0) { ... y0 = t2; }

    const bool packed = (((u64)x0 | (u64)y0) & 15) == 0 && ((x0_s0 | y0_s0 | n1) & 3) == 0;
    const index packs = packed ? total / 4 : 0;
    for (index p = first; p < packs; p += step) {
        const index at = p * 4;
        const index i1 = at % n1, r1 = at / n1;
        const index i0 = r1;
        const Pack<f32, 4> p0 = *(const Pack<f32, 4>*)(x0 + i0 * x0_s0 + i1);
        Pack<f32, 4> q0;
        for (i32 e = 0; e < 4; e++) apply(p0.at[e], x1[i0 * x1_s0], q0.at[e]);
        *(Pack<f32, 4>*)(y0 + i0 * y0_s0 + i1) = q0;
    }
    for (index at = packs * 4 + first; at < total; at += step) { ... apply(x0[...], x1[...], y0[...]); }
    """
    operands = operand_names(loop)
    dims = range(loop.ndim)
    length = pack_length(operands)
    total = " * ".join(f"n{d}" for d in dims)
    one_by_one = [f"{o.name}[{o.offset(dims)}]" for o in operands]
    body = prologue(loop, operands)
    body += [
        f"const index total = {total};",
        "const index first = (index)blockIdx.x * blockDim.x + threadIdx.x;",
        "const index step = (index)gridDim.x * blockDim.x;",
    ]
    if length > 1:
        whole = [f"n{loop.ndim - 1}"] if loop.ndim > 1 else []
        body += [
            f"const bool packed = {packable(operands, length, whole)};",
            f"const index packs = packed ? total / {length} : 0;",
            "for (index p = first; p < packs; p += step) {",
            *("    " + line for line in _packed(loop, operands, length)),
            "}",
        ]
    start = f"packs * {length} + first" if length > 1 else "first"
    body += [
        f"for (index at = {start}; at < total; at += step) {{",
        *("    " + line for line in coordinates(dims, "at")),
        f"    apply({', '.join([*one_by_one, *(f'i{d}' for d in _indexed(loop))])});",
        "}",
    ]
    head = f'extern "C" __global__ void __launch_bounds__({THREADS}) {name}({parameters(loop, operands)}) {{'
    return f"{_apply(loop)}\n\n{head}\n{indented(body)}\n}}\n"


def _indexed(loop: Loop) -> list[int]:
    """The dimensions whose coordinate the expressions use."""
    return sorted({node.value for node in walk(*loop.roots) if node.op == "index"})


def _apply(loop: Loop) -> str:
    """The scalar function that one position computes."""
    types = [f"{storage_type(o.dtype)} x{i}" for i, o in enumerate(loop.inputs)]
    types += [f"{storage_type(o.dtype)}& y{i}" for i, o in enumerate(loop.outputs)]
    types += [f"index i{d}" for d in _indexed(loop)]
    names: dict[Expr, str] = {}
    lines = []
    for node in walk(*loop.roots):
        if node.op == "load":
            names[node] = widened(f"x{node.value}", node.dtype)
        elif node.op == "index":
            names[node] = f"(i64)i{node.value}"
        else:
            lines += evaluated([node], names)
    for i, root in enumerate(loop.roots):
        lines.append(f"y{i} = {narrowed(names[root], root.dtype)};")
    return f"inline __device__ void apply({', '.join(types)}) {{\n{indented(lines)}\n}}"


def _packed(loop: Loop, operands: Sequence[Names], length: int) -> list[str]:
    """The body for one pack: contiguous operands move at once, others element by element."""
    dims, inner = range(loop.ndim), loop.ndim - 1
    lines = [f"const index at = p * {length};", *coordinates(dims, "at")]
    arguments, stores = [], []
    for o in operands:
        where = f"{o.name} + {o.offset(dims)}"
        kind = f"Pack<{storage_type(o.operand.dtype)}, {length}>"
        stride = o.operand.strides[inner]
        if stride == 1:
            pack = f"{o.name}_pack"
            lines.append(
                f"{kind} {pack};" if o.written else f"const {kind} {pack} = *(const {kind}*)({where});"
            )
            arguments.append(f"{pack}.at[e]")
            if o.written:
                stores.append(f"*({kind}*)({where}) = {pack};")
        else:
            step = "" if stride == 0 else f" + e * {o.name}_s{inner}"
            arguments.append(f"{o.name}[{o.offset(dims)}{step}]")
    arguments += [f"i{d} + e" if d == inner else f"i{d}" for d in _indexed(loop)]
    lines += ["#pragma unroll", f"for (i32 e = 0; e < {length}; e++) apply({', '.join(arguments)});"]
    return lines + stores
