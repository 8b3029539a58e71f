"""Measurements in processes of their own: one for a model's steady runs, one for each start."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from bench.results import GROUPS, Measurement
from bench.steady import Request

ROOT = Path(__file__).parent.parent
Parts = dict[str, float]


class StartError(Exception):
    """A fresh process did not get to its first result."""


@dataclass(frozen=True)
class Outcome:
    """The messages that a process wrote, and why it ended early if it did."""

    messages: list[dict[str, Any]]
    failure: str | None


def run_module(module: str, arguments: list[str], cache: Path, timeout: float) -> Outcome:
    """Run `python -m MODULE ARGUMENTS` with jitrt's cache in `cache`, for at most `timeout` seconds."""
    command = [sys.executable, "-m", module, *arguments]
    environment = {**os.environ, "JITRT_CACHE_DIR": str(cache)}
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=timeout
        )
    except subprocess.TimeoutExpired as expired:
        return Outcome(_messages((expired.stdout or b"").decode()), f"no result within {timeout:.0f} s")
    return Outcome(_messages(done.stdout), _failure(done.returncode, done.stderr))


def _messages(text: str) -> list[dict[str, Any]]:
    # a killed process may leave half a line, which has no line end
    return [json.loads(line) for line in text.split("\n")[:-1]]


def _failure(status: int, stderr: str) -> str | None:
    if status == 0:
        return None
    if status < 0:
        return f"killed by {signal.Signals(-status).name}"
    lines = stderr.strip().splitlines()
    return lines[-1] if lines else f"exit status {status}"


def measure_steady(request: Request, cache: Path, timeout: float) -> Iterator[Measurement]:
    """Hot, paced and new-shape runs; if an engine kills the process, the others run again without it."""
    while request.engines:
        outcome = run_module("bench.steady", [json.dumps(asdict(request))], cache, timeout)
        if outcome.failure is None:
            yield from (Measurement(**m["measurement"]) for m in outcome.messages if "measurement" in m)
            return
        running = [m["running"] for m in outcome.messages if "running" in m]
        guilty = running[-1] if running else request.engines[0]
        for metric in (m for group in request.groups for m in GROUPS[group]):
            yield Measurement(request.name, 1, guilty, metric, error=outcome.failure)
        request = replace(request, engines=[name for name in request.engines if name != guilty])


def measure_starts(request: Request, cache: Path, timeout: float, repeats: int) -> Iterator[Measurement]:
    """The first engine's first run on the empty `cache`, then warm starts and peak memory of all in turn."""
    baseline = start("numpy", request, cache, timeout)
    yield from _first_start(request, cache, timeout)

    starts: dict[str, list[Parts]] = {engine: [] for engine in request.engines}
    failures: dict[str, str] = {}
    for _ in range(repeats):
        for engine in [name for name in starts if name not in failures]:
            try:
                starts[engine].append(start(engine, request, cache, timeout))
            except StartError as error:
                failures[engine] = str(error)

    for engine, runs in starts.items():
        if engine in failures:
            yield Measurement(request.name, 1, engine, "warm", error=failures[engine])
            yield Measurement(request.name, 1, engine, "memory", error=failures[engine])
            continue
        middle = sorted(runs, key=lambda parts: parts["process_s"])[repeats // 2]
        yield Measurement(request.name, 1, engine, "warm", middle["process_s"], middle)
        peak = median(parts["peak_bytes"] for parts in runs)
        net_mb = (peak - baseline["peak_bytes"]) / 1e6
        yield Measurement(request.name, 1, engine, "memory", net_mb, {"peak_mb": peak / 1e6})


def _first_start(request: Request, cache: Path, timeout: float) -> Iterator[Measurement]:
    subject = request.engines[0]
    try:
        parts = start(subject, request, cache, timeout)
    except StartError as error:
        yield Measurement(request.name, 1, subject, "first", error=str(error))
        return
    seconds = parts["create_s"] + parts["run_s"]
    yield Measurement(request.name, 1, subject, "first", seconds, parts)
    yield Measurement(request.name, 1, subject, "first_with_import", seconds + parts["import_s"])


def start(engine: str, request: Request, cache: Path, timeout: float) -> Parts:
    """Times and peak memory of one fresh process; see `bench.start`. Raises StartError."""
    spawned = str(time.monotonic_ns())
    arguments = [engine, request.model, request.inputs[0], str(request.threads), spawned]
    outcome = run_module("bench.start", arguments, cache, timeout)
    failure = outcome.failure or outcome.messages[-1].get("failure")
    if failure:
        raise StartError(failure)
    return outcome.messages[-1]
