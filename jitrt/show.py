"""How a program looks from inside: what `JITRT_DEBUG` and `python -m jitrt explain` print."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from jitrt.codegen.compile import assembly, ir
from jitrt.codegen.kernel import Ref
from jitrt.graph import Graph, Node
from jitrt.types import TensorType, short_name

if TYPE_CHECKING:
    from jitrt.plan import Plan, Recipe
    from jitrt.program import Variant


def write(lines: Iterable[str]) -> None:
    """Print to standard error, where debug output goes."""
    for line in lines:
        print(line, file=sys.stderr)


def graph_lines(graph: Graph, indent: str = "") -> Iterator[str]:
    """The graph as loaded: declared inputs, a line a node, outputs."""
    for name in graph.inputs:
        yield f"{indent}input {name}: {graph.types.get(name, '?')}"
    for node in graph.nodes:
        yield indent + _node_line(node)
        for key, value in node.attributes.items():
            if isinstance(value, Graph):
                yield f"{indent}  {key}:"
                yield from graph_lines(value, indent + "    ")
    for name in graph.outputs:
        yield f"{indent}output {name}: {graph.types.get(name, '?')}"


def _node_line(node: Node) -> str:
    attributes = ", ".join(f"{k}={_brief(v)}" for k, v in node.attributes.items() if not isinstance(v, Graph))
    domain = f"{node.domain}." if node.domain else ""
    call = f"{domain}{node.op_type}({', '.join(n or '-' for n in node.inputs)}{'; ' + attributes if attributes else ''})"
    return f"{', '.join(n or '-' for n in node.outputs)} = {call}"


def _brief(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return str(TensorType(value.dtype, value.shape)) if value.size > 8 else str(value.tolist())
    return repr(value)


def schedule_lines(variant: Variant) -> Iterator[str]:
    """A line a step: what it computes, of which nodes; then the guards the schedule rests on."""
    for number, step in enumerate(variant.recipe.steps):
        yield f"{number:4} {step.label:40} extent {step.extent}  <- {', '.join(step.nodes)}"
    if variant.trace.stop is not None:
        yield f"     then {variant.trace.stop} sees data, and the rest is scheduled for what it gives"
    for guard in variant.trace.guards.conditions:
        yield f"     guard {guard}"


def plan_lines(recipe: Recipe, plan: Plan) -> Iterator[str]:
    """A line a step with its numbers: units, units a thread takes at once, work, and where its buffers lie."""
    yield summary_line(recipe, plan)
    for number, step in enumerate(recipe.steps):
        places = " ".join(_place(recipe, plan, a) for a in step.args if isinstance(a, Ref))
        chunk = int(plan.chunks[number])
        split = f"/{chunk}" if chunk else ""
        work = f"{plan.flops[number] / 1e6:9.3f} MFLOP {plan.nbytes[number] / 1e6:8.3f} MB"
        yield f"{number:4} {step.label:40} {int(plan.extents[number]):8}{split:6} {work}  {places}"


def _place(recipe: Recipe, plan: Plan, ref: Ref) -> str:
    number = recipe.buffer_numbers[id(ref.buffer)]
    offset = f"+{ref.offset}" if ref.offset else ""
    if ref.buffer.kind == "arena":
        return f"@{plan.arena_offsets[number]}{offset}"
    index = ref.buffer.index if ref.buffer.index >= 0 else ""
    return f"{ref.buffer.kind}{index}{offset}"


def summary_line(recipe: Recipe, plan: Plan) -> str:
    """Steps, nodes, memory, work: a plan in one line."""
    nodes = {node for step in recipe.steps for node in step.nodes}
    constants = sum(b.nbytes for b in recipe.buffers if b.kind == "constant" and isinstance(b.nbytes, int))
    return (
        f"plan: {len(recipe.steps)} steps for {len(nodes)} nodes, {len({s.kernel.key for s in recipe.steps})} kernels, "
        f"arena {plan.arena_nbytes / 1e6:.2f} MB, constants {constants / 1e6:.2f} MB, "
        f"{plan.flops.sum() / 1e9:.3f} GFLOP, {plan.threads} threads"
    )


def source_lines(recipe: Recipe, machine: bool = False) -> Iterator[str]:
    """The LLVM IR of each kernel after optimisation, or its assembler text."""
    kernels = {step.kernel.key: step.kernel for step in recipe.steps}
    for kernel in kernels.values():
        yield f"; kernel {kernel.name}"
        yield assembly(kernel) if machine else ir(kernel)


def timing_lines(recipe: Recipe, plan: Plan, times_ns: np.ndarray[Any, Any]) -> Iterator[str]:
    """A line a step: how long it took, and the rates it reached. `times_ns` is int64 [steps, 2], start and end."""
    total = max(int(times_ns[-1, 1] - times_ns[0, 0]), 1) if len(times_ns) else 1
    for number, step in enumerate(recipe.steps):
        ns = max(int(times_ns[number, 1] - times_ns[number, 0]), 1)
        rates = f"{plan.nbytes[number] / ns:8.2f} GB/s {plan.flops[number] / ns:8.2f} GFLOP/s"
        yield f"{number:4} {step.label:40} {ns / 1e3:10.2f} us {100 * ns / total:5.1f}% {rates}"
    yield f"     {'total':40} {total / 1e3:10.2f} us"


def inputs_line(names: Iterable[str], arrays: Iterable[Any]) -> str:
    """The inputs of a call, as types."""
    pairs = zip(names, arrays, strict=True)
    return ", ".join(f"{n}: {short_name(a.dtype)}{list(a.shape)}" for n, a in pairs)
