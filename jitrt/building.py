"""From nodes to a segment: one walk over them for a kind of call, scheduled, its kernels linked.

It is imported where no segment is at hand yet, neither in the process nor on disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from jitrt import config, show
from jitrt.codegen.order import batch_invariant, parts_of_numbers, winograd
from jitrt.errors import JitrtError
from jitrt.invariants import compute_invariants
from jitrt.plan import Recipe
from jitrt.schedule import Scheduler
from jitrt.segment import Calls, InputSpec, Segment
from jitrt.table import Arena, Failure
from jitrt.tensor import Input, Tensor
from jitrt.trace import RestartError, Tracer
from jitrt.traced import Trace
from jitrt.types import HOST_TYPES, STRING, format_type

if TYPE_CHECKING:
    from jitrt.program import Context, Program


def build(program: Program, arrays: Sequence[Any]) -> Segment:
    """What serves a call with these inputs: any size where that fits them, or else sizes like theirs.

    Raises what the operators raise.
    """
    own = program.context
    with batch_invariant(own.batch_invariant), winograd(own.winograd), parts_of_numbers(own.parts_of_numbers):
        return _generic(program, arrays) or _segment(program, trace(program, arrays, generic=False))


def _generic(program: Program, arrays: Sequence[Any]) -> Segment | None:
    """Traced for any size, if the guards then hold for these."""
    if not config.settings.check and any(1 in getattr(a, "shape", ()) for a in arrays):
        with suppress(JitrtError, ArithmeticError):
            traced = trace(program, arrays, generic=True)
            if _calls(traced).fits(arrays):
                segment = _segment(program, traced)
                if segment.calls.fits(arrays):  # scheduling has decided on sizes as well
                    return segment
    return None


def trace(program: Program, arrays: Sequence[Any], generic: bool) -> Trace:
    """The nodes' tensors. Inputs whose values decide on shapes join the program's signature."""
    while True:
        try:
            tracer = Tracer(program.specs, arrays, generic)
            return tracer.run(program.nodes, program.constants, program.outputs)
        except RestartError as restart:
            program.take_by_value(restart.names)


def _calls(traced: Trace) -> Calls:
    inputs = tuple((tensor.dtype, tensor.ndim) for tensor in traced.inputs)
    return Calls(inputs, traced.symbols, tuple(traced.guards.conditions))


def _segment(program: Program, traced: Trace) -> Segment:
    context = program.context
    passed: dict[str, int] = {}
    computed: dict[str, Tensor] = {}
    known: dict[str, Any] = {}
    compute_invariants(traced.outputs.values(), lambda tensors: _computed(tensors, context))
    for name, tensor in traced.outputs.items():
        if isinstance(tensor.source, Input):
            passed[name] = tensor.source.index
        elif _is_known(tensor) and (traced.stop is not None or tensor.dtype in HOST_TYPES):
            known[name] = tensor.value
        else:
            computed[name] = tensor
    schedule = Scheduler(traced.inputs, computed.values(), context.fused).run()
    recipe = Recipe(schedule, list(traced.symbols))
    types = [format_type(t.dtype, t.shape) for t in traced.inputs]
    segment = Segment(_calls(traced), recipe, types, list(computed), passed, known)
    if traced.stop is not None:
        segment.hosts, segment.rest = traced.hosts, traced.rest
        segment.specs = _specs_of_rest(traced, list(program.specs.values()))
    if config.settings.debug >= 3:
        show.write(show.schedule_lines(program.specs, segment))
    if config.settings.debug >= 4:
        show.write(show.source_lines(recipe))
    return segment


def _computed(tensors: Iterable[Tensor], context: Context) -> list[Any] | None:
    """The values of tensors that follow from no input; None where a kernel fails."""
    recipe = Recipe(Scheduler([], tensors, context.fused).run(), [])
    plan = recipe.bind([], context.threads)
    arena = Arena(plan.arena_nbytes)
    results = arena.table(plan).run([])
    return None if isinstance(results, Failure) else results


def _specs_of_rest(traced: Trace, own: Sequence[InputSpec]) -> dict[str, InputSpec]:
    """What the nodes after the segment read, and what is fixed about it."""
    specs: dict[str, InputSpec] = {}
    sizes: tuple[int | None, ...] | None
    for name, tensor in traced.outputs.items():
        if name not in traced.read_later or (_is_known(tensor) and not isinstance(tensor.source, Input)):
            continue
        sizes = tuple(s if isinstance(s, int) else None for s in tensor.shape)
        if isinstance(tensor.source, Input) and own[tensor.source.index].sizes is None:
            sizes = None  # it may be a sequence, or None
        by_value = tensor.value is not None or any(tensor is t for t in traced.wanted)
        specs[name] = InputSpec(tensor.dtype, sizes, by_value)
    for node in traced.hosts:
        specs.update((n, InputSpec(STRING, None)) for n in node.outputs if n in traced.read_later)
    return specs


def _is_known(tensor: Tensor) -> bool:
    return tensor.value is not None and not tensor.symbolic
