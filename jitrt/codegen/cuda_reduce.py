"""CUDA C++ kernels of loops with reductions: softmax, layer normalisation, sums along rows and columns.

The threads that share a kept position are a group. Where the innermost dimension is reduced they lie along
threadIdx.x and combine by warp shuffles; where it is kept they lie along threadIdx.y, so that neighbouring
threads read neighbouring columns, and combine through shared memory.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from jitrt.codegen.cuda import compute_type, identity, narrowed, storage_type, value, widened
from jitrt.codegen.cuda_map import (
    Names,
    coordinates,
    evaluated,
    indented,
    operand_names,
    pack_length,
    packable,
    parameters,
    prologue,
)
from jitrt.codegen.levels import levels
from jitrt.codegen.loop import Loop
from jitrt.expr import Expr, walk

_COMBINERS = {"sum": "Sum", "prod": "Product", "max": "Maximum", "min": "Minimum"}


@dataclass
class Sweep:
    """One pass of the group over its positions: what it loads, computes, keeps, combines and stores."""

    loads: list[int] = field(default_factory=list)  # input numbers
    nodes: list[Expr] = field(default_factory=list)  # in order, varying ones only
    kept: list[Expr] = field(default_factory=list)  # of `nodes`, those that later sweeps use
    reductions: list[Expr] = field(default_factory=list)
    stores: list[int] = field(default_factory=list)  # output numbers


def sweeps(loop: Loop, varying: Collection[Expr], resident: bool) -> list[Sweep]:
    """The passes of a loop. All outputs are stored in the last, so an output may be an input's memory.

    A resident loop loads and computes everything once and keeps it in registers; others start again from
    memory in every pass.
    """
    level = levels(loop.roots)
    reductions = [node for node in level if node.op == "reduce"]
    everywhere = _stored_everywhere(loop)
    depths = [level[r.args[0]] for r in reductions] + [level[loop.roots[i]] for i in everywhere]
    plan = [Sweep() for _ in range(max(depths, default=-1) + 1)]
    for node in reductions:
        plan[level[node.args[0]]].reductions.append(node)
    if plan:
        plan[-1].stores = everywhere
    made: dict[Expr, Sweep] = {}
    loaded: set[int] = set()
    for sweep in plan:
        roots = [*(r.args[0] for r in sweep.reductions), *(loop.roots[i] for i in sweep.stores)]
        wanted = [r for r in roots if r in varying]
        for node in walk(*wanted, known=made):
            if node not in varying:
                continue
            if node.op == "load":
                if node.value not in loaded and node.value not in sweep.loads:
                    sweep.loads.append(node.value)
            else:
                sweep.nodes.append(node)
        if resident:
            used = [*wanted, *(a for node in sweep.nodes for a in node.args)]
            for node in dict.fromkeys(n for n in used if n in made):
                if node not in made[node].kept:
                    made[node].kept.append(node)
            made.update((node, sweep) for node in sweep.nodes if node.op != "index")
            loaded.update(sweep.loads)
    return plan


def _stored_everywhere(loop: Loop) -> list[int]:
    along = [d for d in range(loop.ndim) if loop.reduced[d]]
    return [i for i, o in enumerate(loop.outputs) if any(o.strides[d] != 0 for d in along)]


def _varying(loop: Loop) -> set[Expr]:
    """The nodes whose value changes along the reduced dimensions."""
    along = [d for d in range(loop.ndim) if loop.reduced[d]]
    varying: set[Expr] = set()
    for node in walk(*loop.roots):
        if node.op == "load":
            moves = any(loop.inputs[node.value].strides[d] != 0 for d in along)
        elif node.op == "index":
            moves = node.value in along
        else:
            moves = node.op != "reduce" and any(a in varying for a in node.args)
        if moves:
            varying.add(node)
    return varying


def reduction_source(loop: Loop, name: str, items: int, resident: bool) -> str:
    """The kernel of a loop with reduced dimensions. For softmax along rows, resident with 8 items a thread,

    for (index start = blockIdx.x * groups; start < units; start += gridDim.x * groups) {
        const bool live = start + group < units;
        const index unit = live ? start + group : units - 1;
        const index i0 = unit;
        const f32* x0_base = x0 + (i0 * x0_s0);
        f32 x0_items[8];
        share.load<true>(x0_items, x0_base, x0_place);
        f32 r1 = bitcast<f32>(0xff800000u);
        for (i32 k = 0; k < 8; k++) {
            if (share.position(k) >= count) continue;
            r1 = Maximum::combine(r1, x0_items[k]);
        }
        const f32 t1 = combine_row<Maximum>(r1);
        f32 t2[8];
        f32 r3 = 0.0f;
        for (...) { ... t2[k] = expf(x0_items[k] - t1); r3 = Sum::combine(r3, t2[k]); }
        const f32 t3 = combine_row<Sum>(r3);
        for (...) { ... y0_items[k] = t2[k] / t3; }
        if (live) share.store<true>(y0_items, y0_base, y0_place);
    }
    """
    return _Reduction(loop, items, resident).source(name)


class _Reduction:
    def __init__(self, loop: Loop, items: int, resident: bool) -> None:
        self.loop, self.items, self.resident = loop, items, resident
        self.operands = operand_names(loop)
        self.kept_dims = [d for d in range(loop.ndim) if not loop.reduced[d]]
        self.reduced_dims = [d for d in range(loop.ndim) if loop.reduced[d]]
        self.varying = _varying(loop)
        self.levels = levels(loop.roots)
        self.length = min(pack_length(self.operands), items) if loop.row_reduced else 1
        self.names: dict[Expr, str] = {}

    def source(self, name: str) -> str:
        x, y = ("x", "y") if self.loop.row_reduced else ("y", "x")
        packed = "false"
        if self.length > 1:
            packed = packable(self.operands, self.length, [f"n{self.loop.ndim - 1}"])
        units = " * ".join(f"n{d}" for d in self.kept_dims) or "1"
        count = " * ".join(f"n{d}" for d in self.reduced_dims)
        lines = [
            *prologue(self.loop, self.operands),
            f"const index units = {units}, count = {count};",
            f"const i32 group = threadIdx.{y}, groups = blockDim.{y};",
            f"const bool packed = {packed};",
            f"Share<index, {self.length}> share(count, threadIdx.{x}, blockDim.{x}, packed);",
            *(self._place(o) for o in self.operands if self._moves(o)),
            "const index step = (index)gridDim.x * groups;",
            "for (index start = (index)blockIdx.x * groups; start < units; start += step) {",
            *("    " + line for line in self._unit()),
            "}",
        ]
        # Without a second bound, ptxas spills to fit two blocks.
        bounds = "__launch_bounds__(512, 1)"
        listed = parameters(self.loop, self.operands)
        head = f'extern "C" __global__ void {bounds} {name}({listed}) {{'
        return f"{head}\n{indented(lines)}\n}}\n"

    def _moves(self, o: Names) -> bool:
        return any(o.operand.strides[d] != 0 for d in self.reduced_dims)

    def _place(self, o: Names) -> str:
        """The offset of position j of a row."""
        body = " ".join([*coordinates(self.reduced_dims, "j"), f"return {o.offset(self.reduced_dims)};"])
        return f"const auto {o.name}_place = [&](index j) {{ {body} }};"

    def _unit(self) -> list[str]:
        """The work of a group at one kept position. A group beyond the last repeats it and stores nothing."""
        lines = [
            "const bool live = start + group < units;",
            "const index unit = live ? start + group : units - 1;",
            *coordinates(self.kept_dims, "unit"),
        ]
        for o in self.operands:
            pointer = f"{'' if o.written else 'const '}{storage_type(o.operand.dtype)}*"
            lines.append(f"{pointer} {o.name}_base = {o.name} + ({o.offset(self.kept_dims)});")
        lines += self._invariants(0)
        for number, sweep in enumerate(sweeps(self.loop, self.varying, self.resident)):
            lines += self._sweep(sweep)
            lines += self._combined(sweep)
            lines += self._invariants(number + 1)
        return lines + self._row_outputs()

    def _invariants(self, level: int) -> list[str]:
        """The values that are the same for the whole row and known after `level` reductions."""
        lines: list[str] = []
        for node in self.levels:
            if self.levels[node] != level or node in self.varying or node in self.names:
                continue
            if node.op == "load":
                name = self.names[node] = f"t{len(self.names)}"
                loaded = widened(f"x{node.value}_base[0]", node.dtype)
                lines.append(f"const {compute_type(node.dtype)} {name} = {loaded};")
            elif node.op == "index":
                self.names[node] = f"(i64)i{node.value}"
            else:
                lines += evaluated([node], self.names)
        return lines

    def _sweep(self, sweep: Sweep) -> list[str]:
        arrays = [self._array(node) for node in sweep.kept]
        accumulators = []
        for node in sweep.reductions:
            start = identity(node.value, node.dtype)
            accumulators.append(f"{compute_type(node.dtype)} {self._accumulator(node)} = {start};")
        body = [*self._loads(sweep), *self._computation(sweep), *self._stores(sweep)]
        if self.resident:
            return [*arrays, *accumulators, *body]
        step = f"(index)share.lanes * {self.items}"
        return [
            *accumulators,
            "#pragma unroll 1",
            f"for (share.first = 0; share.first < count; share.first += {step}) {{",
            *("    " + line for line in body),
            "}",
        ]

    def _array(self, node: Expr) -> str:
        name = f"t{len(self.names)}"
        self.names[node] = f"{name}[k]"
        return f"{compute_type(node.dtype)} {name}[{self.items}];"

    def _accumulator(self, node: Expr) -> str:
        return f"r{list(self.levels).index(node)}"

    def _loads(self, sweep: Sweep) -> list[str]:
        lines = []
        for number in sweep.loads:
            operand = self.operands[number]
            items = f"{operand.name}_items"
            lines.append(f"{storage_type(operand.operand.dtype)} {items}[{self.items}];")
            lines.append(
                f"share.load<{_contiguous(operand)}>({items}, {operand.name}_base, {operand.name}_place);"
            )
        return lines

    def _computation(self, sweep: Sweep) -> list[str]:
        """The loop over the thread's positions."""
        outer = dict(self.names)
        lines = []
        for node in self.varying:
            if node.op == "load":
                self.names[node] = widened(f"x{node.value}_items[k]", node.dtype)
        if any(node.op == "index" for node in sweep.nodes):
            lines.append("const index j = share.position(k);")
            lines += coordinates(self.reduced_dims, "j")
        for node in sweep.nodes:
            if node.op == "index":
                self.names[node] = f"(i64)i{node.value}"
            elif node in sweep.kept:
                lines.append(f"{self.names[node]} = {value(node, self.names)};")
            else:
                lines += evaluated([node], self.names)
        for node in sweep.reductions:
            r = self._accumulator(node)
            lines.append(f"{r} = {_COMBINERS[node.value]}::combine({r}, {self.names[node.args[0]]});")
        for number in sweep.stores:
            root = self.loop.roots[number]
            lines.append(f"y{number}_items[k] = {narrowed(self.names[root], root.dtype)};")
        self.names = outer
        arrays = [
            f"{storage_type(self.loop.outputs[i].dtype)} y{i}_items[{self.items}];" for i in sweep.stores
        ]
        return [
            *arrays,
            "#pragma unroll",
            f"for (i32 k = 0; k < {self.items}; k++) {{",
            "    if (share.position(k) >= count) continue;",
            *("    " + line for line in lines),
            "}",
        ]

    def _stores(self, sweep: Sweep) -> list[str]:
        outputs = self.operands[len(self.loop.inputs) :]
        return [
            f"if (live) share.store<{_contiguous(outputs[i])}>(y{i}_items, y{i}_base, y{i}_place);"
            for i in sweep.stores
        ]

    def _combined(self, sweep: Sweep) -> list[str]:
        across = "combine_row" if self.loop.row_reduced else "combine_column"
        lines = []
        for node in sweep.reductions:
            name = self.names[node] = f"t{len(self.names)}"
            call = f"{across}<{_COMBINERS[node.value]}>({self._accumulator(node)})"
            lines.append(f"const {compute_type(node.dtype)} {name} = {call};")
        return lines

    def _row_outputs(self) -> list[str]:
        """The outputs with one value a row, written by the group's first thread."""
        everywhere = _stored_everywhere(self.loop)
        stores = []
        for i, root in enumerate(self.loop.roots):
            if i not in everywhere:
                stores.append(f"y{i}_base[0] = {narrowed(self.names[root], root.dtype)};")
        return ["if (live && share.lane == 0) {", *("    " + s for s in stores), "}"] if stores else []


def _contiguous(operand: Names) -> str:
    return "true" if operand.operand.strides[-1] == 1 else "false"
