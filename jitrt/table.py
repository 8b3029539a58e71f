"""Plans in memory: arenas, and the native step tables that run in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import empty

from jitrt import config, show
from jitrt.execute import pool

if TYPE_CHECKING:
    from jitrt.plan import Plan
    from jitrt.trace_events import TraceEvents

ALIGNMENT = 64
BRIEF_NS = 20_000  # a run expected to take less keeps the GIL

Array = np.ndarray[Any, Any]


class Arena:
    """Memory that runs borrow one at a time, with the tables of the plans that ran in it.

    It holds `size` bytes and room to grow: a decoder's plans need a little more at each step.
    """

    def __init__(self, size: int, events: TraceEvents | None = None, flush_denormals: bool = False) -> None:
        self.events = events  # to add what runs here, where the session is profiled
        self.flush_denormals = flush_denormals
        self.size = size + size // 4
        self.memory = np.empty(self.size + ALIGNMENT, np.uint8)
        self.address = -(-self.memory.ctypes.data // ALIGNMENT) * ALIGNMENT
        self.tables: dict[int, Table] = {}  # by the plan's number
        self.is_retired = False  # a larger one has taken its place

    def table(self, plan: Plan) -> Table:
        """A new table for the plan; the oldest of too many gives way."""
        if len(self.tables) >= plan.kept:
            del self.tables[next(iter(self.tables))]
        made = self.tables[plan.number] = Table(plan, self)
        return made


@dataclass
class Failure:
    """The step a run stopped at, and the status its kernel returned."""

    step: int
    status: int


class Table:
    """The native step table of a plan in one arena: addresses filled in, but for inputs and outputs."""

    def __init__(self, plan: Plan, arena: Arena) -> None:
        recipe = plan.recipe
        self.plan = plan
        self.input_count = recipe.input_count
        self.shapes, self.dtypes = plan.output_shapes, recipe.output_dtypes
        self.words = plan.words.copy()
        self.bases = plan.bases.copy()
        self.bases[recipe.arena_numbers] = arena.address + plan.arena_starts
        places, numbers, offsets = recipe.pointers
        self.words[places] = self.bases[numbers] + plan.sizes[offsets]
        words = self.words.ctypes.data
        at, linked = recipe.links
        self.words[at] = words + 8 * linked
        self.patches = recipe.patches.copy()
        self.patches[:, 1] = words + 8 * recipe.patches[:, 1]
        self.patches[:, 2] = plan.sizes[recipe.patches[:, 2]]
        self.rows = np.empty((len(recipe.steps), pool.COLUMNS), np.int64)
        self.rows[:, pool.FUNCTION] = recipe.functions
        self.rows[:, pool.ARGS] = words + 8 * recipe.starts
        self.rows[:, pool.EXTENT] = plan.extents
        self.rows[:, pool.CHUNK] = plan.chunks
        self.scratch = arena.address + plan.scratch_offset
        self.runner = pool.Runner(
            self.rows,
            threads=plan.threads if plan.is_shared else 1,
            scratch=self.scratch,
            scratch_stride=plan.scratch_stride,
            brief=plan.cost_ns < BRIEF_NS and not recipe.has_jumps,
            patches=self.patches,
            flush_denormals=arena.flush_denormals,
        )
        self.run_on = self.runner.run_on
        self.events = arena.events
        if self.events is not None:
            self.run_on = self._run_timed
        if config.settings.check:
            self.run_on = self._run_checked
        elif config.settings.debug >= 2:
            self.run_on = self._run_shown

    def run(self, inputs: list[Any], targets: list[Any] | None = None) -> list[Array] | Failure:
        """Run on C-contiguous inputs; output arrays, or where it failed.

        An output is fresh, or where it fits its target, an array of the caller's, written there.
        """
        arrays = [*inputs, *map(empty, self.shapes, self.dtypes)]
        if targets is not None:
            outputs = zip(arrays[self.input_count :], targets, strict=True)
            arrays[self.input_count :] = [
                target if _takes_place(target, output, inputs) else output for output, target in outputs
            ]
        failed = self.run_on(arrays)
        return arrays[self.input_count :] if failed < 0 else Failure(failed, self.runner.status)

    def _run_timed(self, arrays: list[Any]) -> int:
        """Run, and keep when each step ran."""
        assert self.events is not None
        times = np.zeros((len(self.rows), 2), np.int64)
        self.runner.time_into(times)
        failed = self.runner.run_on(arrays)
        self.runner.time_into(None)
        self.events.kernels(self.plan, times)
        return failed

    def _run_shown(self, arrays: list[Any]) -> int:
        """Run, and print how long each step took."""
        times = np.zeros((len(self.rows), 2), np.int64)
        self.runner.time_into(times)
        failed = self.runner.run_on(arrays)
        self.runner.time_into(None)
        show.write(show.timing_lines(self.plan.recipe, self.plan, times))
        return failed

    def _run_checked(self, arrays: list[Any]) -> int:
        """Run a step at a time, comparing; where a step fails, the table as a whole fails as well."""
        from jitrt.check import run_checked

        for number, array in enumerate(arrays):
            if isinstance(array, np.ndarray):
                self.bases[number] = array.ctypes.data
        places, numbers, offsets = self.plan.recipe.pointers
        self.words[places] = self.bases[numbers] + self.plan.sizes[offsets]
        return -1 if run_checked(self, arrays[: self.input_count]) else self.runner.run_on(arrays)


def _takes_place(target: Any, output: Array, inputs: list[Any]) -> bool:
    """Whether a step table may write to the target for the output, while it reads the inputs."""
    return (
        isinstance(target, np.ndarray)
        and (target.dtype, target.shape) == (output.dtype, output.shape)
        and target.flags.carray
        and not any(isinstance(a, np.ndarray) and np.may_share_memory(a, target) for a in inputs)
    )
