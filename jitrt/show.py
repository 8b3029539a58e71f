"""How a program looks from inside: what `JITRT_DEBUG` and `python -m jitrt explain` print."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from jitrt.codegen.compile import assembly, ir
from jitrt.codegen.kernel import Ref
from jitrt.graph import Graph, Node
from jitrt.types import TensorType, format_type

if TYPE_CHECKING:
    from jitrt.plan import Plan, Recipe
    from jitrt.segment import Segment


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
    inputs, outputs = (", ".join(n or "-" for n in names) for names in (node.inputs, node.outputs))
    given = "; ".join(filter(None, (inputs, attributes)))
    return f"{outputs} = {node.domain}{'.' if node.domain else ''}{node.op_type}({given})"


def _brief(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return str(TensorType(value.dtype, value.shape)) if value.size > 8 else str(value.tolist())
    return repr(value)


def schedule_lines(names: Iterable[str], segment: Segment) -> Iterator[str]:
    """The inputs, a line a step with what it computes and of which nodes, then the guards that must hold.

    Sizes are in terms of the inputs' dynamic dimensions s0, s1...
    """
    recipe = segment.recipe
    for name, kind in zip(names, segment.types, strict=True):
        yield f"input {name}: {kind}"
    labels, extents = _padded(s.label for s in recipe.steps), _padded(str(s.extent) for s in recipe.steps)
    for number, step in enumerate(recipe.steps):
        yield f"{number:4} {labels[number]}  over {extents[number]}  <- {', '.join(step.nodes)}"
    if segment.stop is not None:
        yield f"     then {segment.stop} sees data, and the rest is scheduled for what it gives"
    for guard in segment.calls.guards:
        yield f"     guard {guard}"


def plan_lines(recipe: Recipe, plan: Plan) -> Iterator[str]:
    """A line a step: units, how many a thread takes at once, work, and where its buffers lie."""
    yield summary_line(recipe, plan)
    labels = _padded(["step", *(s.label for s in recipe.steps)])
    yield f"     {labels[0]}    units/at once     MFLOP        MB  buffers: @ is an address in the arena"
    for number, step in enumerate(recipe.steps):
        places = " ".join(_place(recipe, plan, a) for a in step.args if isinstance(a, Ref))
        chunk = int(plan.chunks[number])
        units = f"{int(plan.extents[number]):8}/{chunk or 'all':<8}"
        work = f"{plan.flops[number] / 1e6:9.3f} {plan.nbytes[number] / 1e6:9.3f}"
        yield f"{number:4} {labels[number + 1]} {units} {work}  {places}"


def _padded(texts: Iterable[str]) -> list[str]:
    """The texts, filled up to the same width."""
    kept = list(texts)
    width = max(map(len, kept), default=0)
    return [text.ljust(width) for text in kept]


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
    kernels = {step.kernel.key for step in recipe.steps}
    return (
        f"plan: {len(recipe.steps)} steps for {len(nodes)} nodes, {len(kernels)} kernels, "
        f"arena {plan.arena_nbytes / 1e6:.2f} MB, constants {recipe.constant_nbytes / 1e6:.2f} MB, "
        f"{plan.flops.sum() / 1e9:.3f} GFLOP, {plan.threads} threads"
    )


def source_lines(recipe: Recipe, machine: bool = False) -> Iterator[str]:
    """The LLVM IR of each kernel after optimisation, or its assembler text."""
    kernels = {step.kernel.key: step.kernel for step in recipe.steps}
    for kernel in kernels.values():
        yield f"; kernel {kernel.name}"
        yield assembly(kernel) if machine else ir(kernel)


def timing_lines(recipe: Recipe, plan: Plan, times_ns: np.ndarray[Any, Any]) -> Iterator[str]:
    """A line a step that ran: its time and rates. `times_ns` is int64 [steps, 2], start and end."""
    took = times_ns[:, 1] - times_ns[:, 0]
    total = max(int(took.sum()), 1)
    *labels, last = _padded([*(step.label for step in recipe.steps), "total"])
    for number, label in enumerate(labels):
        if not times_ns[number, 1]:  # in a branch that was not taken
            continue
        ns = max(int(took[number]), 1)
        rates = f"{plan.nbytes[number] / ns:8.2f} GB/s {plan.flops[number] / ns:8.2f} GFLOP/s"
        yield f"{number:4} {label} {ns / 1e3:10.2f} us {100 * ns / total:5.1f}% {rates}"
    yield f"     {last} {total / 1e3:10.2f} us"


def inputs_line(names: Iterable[str], arrays: Iterable[Any]) -> str:
    """The inputs of a call, as types."""
    pairs = zip(names, arrays, strict=True)
    return ", ".join(f"{n}: {value_type(a)}" for n, a in pairs)


def value_type(value: Any) -> str:
    """`f32[2,64]` for an array; a sequence, a map or None has the name of its Python type."""
    return format_type(value.dtype, value.shape) if isinstance(value, np.ndarray) else type(value).__name__
