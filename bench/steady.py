"""One process that runs one model on every engine in turn: hot and paced medians, new shapes, result check.

`python -m bench.steady REQUEST`, where REQUEST is a `Request` as JSON. It writes a line
{"running": ENGINE} before an engine is called, so that a crash can be attributed, and a line a measurement.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from bench.accuracy import max_error
from bench.channel import Emit, open_channel
from bench.engines import ENGINES, Feeds, Run, describe, load_feeds
from bench.results import Measurement

PERIOD_S = 0.02


@dataclass(frozen=True)
class Request:
    """What to measure: `inputs` are run hot and paced, `shapes` once each as new shapes; times in seconds."""

    name: str
    model: str
    inputs: list[str]
    shapes: list[str]
    engines: list[str]
    reference: str
    groups: list[str]
    threads: int = 2
    rounds: int = 5
    block_s: float = 0.3
    block_runs: int = 5
    paced_runs: int = 30
    pause_s: float = 0.15


@dataclass
class Steady:
    """The sessions of one model, one an engine; an engine that cannot be created or run once is left out."""

    request: Request
    emit: Emit
    engines: dict[str, Run] = field(default_factory=dict)

    def measure(self) -> None:
        """Everything that the request asks for."""
        request, groups = self.request, self.request.groups
        feeds = [load_feeds(Path(path)) for path in request.inputs]
        self.create(feeds[0])
        if "shapes" in groups:
            self.measure_shapes(feeds[0], [load_feeds(Path(path)) for path in request.shapes])
        for number, one in enumerate(feeds, start=1):
            working = self.check(number, one)
            if "hot" in groups:
                self.take_turns(number, "hot", working, one, request.rounds, self.hot_block)
            if "paced" in groups:
                turns = min(3, request.rounds)
                self.take_turns(number, "paced", working, one, turns, self.paced_block)

    def create(self, feeds: Feeds) -> None:
        """Create the sessions and run each once."""
        for name in self.request.engines:
            self.announce(name)
            try:
                run = ENGINES[name](Path(self.request.model), self.request.threads)
                run(feeds)
                self.engines[name] = run
            except Exception as error:
                self.fail(1, name, "error", error)

    def measure_shapes(self, known: Feeds, shapes: list[Feeds]) -> None:
        """The first run on each new shape less the median of its repetitions."""
        for name, run in self.engines.items():
            for number, feeds in enumerate(shapes, start=2):
                self.announce(name)
                self.pause()
                try:
                    for _ in range(3):
                        run(known)
                    first, *again = (timed(run, feeds) for _ in range(6))
                except Exception as error:
                    self.fail(number, name, "new_shape", error)
                    continue
                repeated = median(again)
                parts = {"first_ms": first * 1e3, "repeated_ms": repeated * 1e3}
                self.report(
                    Measurement(*self.row(number, name), "new_shape", (first - repeated) * 1e3, parts)
                )

    def check(self, number: int, feeds: Feeds) -> list[str]:
        """Compare every engine's outputs with the reference's and return the engines that ran."""
        outputs: dict[str, list[Any]] = {}
        for name, run in self.engines.items():
            self.announce(name)
            try:
                outputs[name] = run(feeds)
            except Exception as error:
                self.fail(number, name, "error", error)
        expected = outputs.get(self.request.reference)
        if expected is not None:
            for name in outputs.keys() - {self.request.reference}:
                self.report(Measurement(*self.row(number, name), "error", max_error(outputs[name], expected)))
        return list(outputs)

    def take_turns(
        self,
        number: int,
        metric: str,
        names: list[str],
        feeds: Feeds,
        rounds: int,
        block: Callable[..., Iterator[float]],
    ) -> None:
        """Blocks of runs in turn, each after a pause in which the other engines' threads stop spinning."""
        times: dict[str, list[float]] = {name: [] for name in names}
        for turn in range(rounds):
            # every other round runs backwards, so that no engine always follows the same one
            for name in list(times) if turn % 2 == 0 else list(times)[::-1]:
                self.announce(name)
                self.pause()
                try:
                    times[name] += block(self.engines[name], feeds)
                except Exception as error:
                    self.fail(number, name, metric, error)
                    del times[name]
        for name in times:
            self.report(summary(*self.row(number, name), metric, times[name]))

    def hot_block(self, run: Run, feeds: Feeds) -> Iterator[float]:
        """Seconds of each run back to back, the first fifth dropped."""
        warm = time.perf_counter() + self.request.block_s / 5
        run(feeds)
        while time.perf_counter() < warm:
            run(feeds)
        end, runs = time.perf_counter() + self.request.block_s, 0
        while runs < self.request.block_runs or time.perf_counter() < end:
            yield timed(run, feeds)
            runs += 1

    def paced_block(self, run: Run, feeds: Feeds) -> Iterator[float]:
        """Seconds of each run, one begun every 20 ms or as soon as the last is done; the first dropped."""
        begin = time.perf_counter()
        run(feeds)
        for _ in range(-(-self.request.paced_runs // min(3, self.request.rounds))):
            begin = max(begin + PERIOD_S, time.perf_counter())
            time.sleep(max(0.0, begin - time.perf_counter()))
            yield timed(run, feeds)

    def pause(self) -> None:
        """Collect garbage, then sleep."""
        gc.collect()
        time.sleep(self.request.pause_s)

    def row(self, number: int, engine: str) -> tuple[str, int, str]:
        """The leading fields of a measurement."""
        return self.request.name, number, engine

    def announce(self, engine: str) -> None:
        """Say which engine runs next."""
        self.emit({"running": engine})

    def fail(self, number: int, engine: str, metric: str, error: Exception) -> None:
        """Report an engine's failure."""
        self.report(Measurement(*self.row(number, engine), metric, error=describe(error)))

    def report(self, measurement: Measurement) -> None:
        """Send a measurement."""
        self.emit({"measurement": vars(measurement)})


def timed(run: Run, feeds: Feeds) -> float:
    """Seconds of one run."""
    begin = time.perf_counter()
    run(feeds)
    return time.perf_counter() - begin


def summary(model: str, inputs: int, engine: str, metric: str, seconds: list[float]) -> Measurement:
    """The median in milliseconds, with the tenth and ninetieth percentile."""
    milliseconds = [s * 1e3 for s in seconds]
    deciles = quantiles(milliseconds, n=10, method="inclusive") if len(milliseconds) > 1 else milliseconds * 9
    spread = {"p10": deciles[0], "p90": deciles[-1], "runs": len(milliseconds)}
    return Measurement(model, inputs, engine, metric, median(milliseconds), spread)


if __name__ == "__main__":
    gc.disable()
    Steady(Request(**json.loads(sys.argv[1])), open_channel()).measure()
