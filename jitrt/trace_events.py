"""Profiles in the Trace Event Format, as onnxruntime writes them: one event a run and a kernel.

Load the file in chrome://tracing or https://ui.perfetto.dev.
https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jitrt.providers import CPU

if TYPE_CHECKING:
    from jitrt.plan import Plan

Event = dict[str, Any]


class TraceEvents:
    """The events of one session, from its creation until they are written. Threads may add at once."""

    def __init__(self) -> None:
        self.start_ns = time.monotonic_ns()
        self.events: list[Event] = []
        self.is_written = False

    @contextmanager
    def session(self, name: str) -> Iterator[None]:
        """An event of the session, such as `model_run`, that lasts as long as the block."""
        begin = time.monotonic_ns()
        try:
            yield
        finally:
            self._add("Session", name, begin, time.monotonic_ns(), {})

    @contextmanager
    def node(self, operator: str, name: str) -> Iterator[None]:
        """An operator in Python that runs in the block."""
        begin = time.monotonic_ns()
        try:
            yield
        finally:
            arguments = {"op_name": operator, "provider": CPU, "nodes": [name]}
            self._add("Node", f"{name}_kernel_time", begin, time.monotonic_ns(), arguments)

    def kernels(self, plan: Plan, times: np.ndarray[Any, Any]) -> None:
        """The steps of a plan; `times` is int64 [steps, 2], start and end in ns of the monotonic clock.

        A kernel is named by the nodes that are fused in it.
        """
        for number, step in enumerate(plan.recipe.steps):
            nodes = [node.partition(" ")[2].strip('"') for node in step.nodes]
            operators = "+".join(node.partition(" ")[0] for node in step.nodes) or step.label
            begin, end = times[number].tolist()
            arguments = {
                "op_name": operators,
                "provider": CPU,
                "node_index": str(number),
                "nodes": nodes,
                "kernel": step.label,
                "flops": int(plan.flops[number]),
                "bytes": int(plan.nbytes[number]),
            }
            self._add("Node", f"{'+'.join(nodes) or step.label}_kernel_time", begin, end, arguments)

    def write(self, prefix: str) -> str:
        """Write the events to a new file, and return its name; "" where they have been written before."""
        if self.is_written:
            return ""
        stamp, milliseconds = time.strftime("%Y-%m-%d_%H-%M-%S"), time.time_ns() // 1_000_000
        while (path := Path(f"{prefix}_{stamp}_{milliseconds % 1000:03}.json")).exists():
            milliseconds += 1
        import json  # not needed where nothing is profiled

        path.write_text(json.dumps(sorted(self.events, key=lambda event: event["ts"]), indent=0))
        self.is_written, self.events = True, []
        return str(path)

    def _add(self, category: str, name: str, begin_ns: int, end_ns: int, arguments: Event) -> None:
        if self.is_written:
            return
        event = {"cat": category, "pid": os.getpid(), "tid": threading.get_native_id(), "ph": "X"}
        times = {"ts": (begin_ns - self.start_ns) / 1e3, "dur": (end_ns - begin_ns) / 1e3}  # in us
        self.events.append({**event, **times, "name": name, "args": arguments})
