"""What a benchmark run found: a flat list of measurements, stored as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from math import exp, fsum, log
from pathlib import Path
from typing import Any

Key = tuple[str, int, str, str]


@dataclass(frozen=True)
class Metric:
    """How a measured quantity is titled, whether a ratio means anything, and whether peers have it."""

    title: str
    unit: str
    has_ratio: bool = True
    of_peers: bool = True


METRICS = {
    "hot": Metric("Runs back to back, median", "ms"),
    "paced": Metric("Paced runs (one per 20 ms), median", "ms"),
    "first": Metric("First run on an empty cache: session creation to first result", "s", of_peers=False),
    "first_with_import": Metric("First run on an empty cache: import to first result", "s", of_peers=False),
    "warm": Metric("Warm start: start of a fresh process to first result, cache filled", "s"),
    "new_shape": Metric("Extra time of the first run on a new input shape (#2, #3)", "ms", has_ratio=False),
    "memory": Metric("Peak memory: a process that runs once, less one that imports NumPy", "MB"),
    "error": Metric("Largest difference from the reference / largest output", "", has_ratio=False),
}

GROUPS = {
    "hot": ("hot",),
    "paced": ("paced",),
    "start": ("first", "first_with_import", "warm"),
    "shapes": ("new_shape",),
    "memory": ("memory",),
}


@dataclass(frozen=True)
class Measurement:
    """One quantity (a key of METRICS) of one engine on one model and its inputs number `inputs`, from 1.

    `value` is None where the engine failed; `error` then says how. `details` holds spreads and parts.
    """

    model: str
    inputs: int
    engine: str
    metric: str
    value: float | None = None
    details: dict[str, float] = field(default_factory=dict)
    error: str | None = None

    @property
    def key(self) -> Key:
        """What identifies the measurement within a run."""
        return self.model, self.inputs, self.engine, self.metric


@dataclass
class Results:
    """A run: `subject` is the engine that the peers are compared with, `context` the machine and settings."""

    subject: str
    peers: list[str]
    context: dict[str, Any]
    measurements: list[Measurement] = field(default_factory=list)

    def by_key(self) -> dict[Key, Measurement]:
        """The measurements by model, inputs, engine and metric."""
        return {m.key: m for m in self.measurements}

    def rows(self, metric: str) -> list[tuple[str, int]]:
        """The (model, inputs) pairs for which a metric was tried, in the order measured."""
        return list(dict.fromkeys((m.model, m.inputs) for m in self.measurements if m.metric == metric))

    def save(self, path: Path) -> None:
        """Write as JSON, the geometric means of the ratios included."""
        means = {
            metric: {peer: geomean(ratios(self, metric, peer).values()) for peer in self.peers}
            for metric in METRICS
            if METRICS[metric].has_ratio and self.rows(metric)
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({**asdict(self), "geomean_ratio": means}, indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> Results:
        """Read what `save` wrote."""
        content = json.loads(path.read_text())
        measurements = [Measurement(**m) for m in content["measurements"]]
        return cls(content["subject"], content["peers"], content["context"], measurements)


def ratio(subject: Measurement | None, peer: Measurement | None) -> float | None:
    """Peer over subject: more is better for the subject; None where either is missing or not positive."""
    if subject is None or peer is None or not subject.value or not peer.value:
        return None
    return peer.value / subject.value if subject.value > 0 and peer.value > 0 else None


def ratios(results: Results, metric: str, peer: str) -> dict[tuple[str, int], float]:
    """The ratio for every (model, inputs) where both engines have a value."""
    measured = results.by_key()
    found = {
        row: ratio(measured.get((*row, results.subject, metric)), measured.get((*row, peer, metric)))
        for row in results.rows(metric)
    }
    return {row: value for row, value in found.items() if value is not None}


def geomean(values: Iterable[float]) -> float | None:
    """The geometric mean of positive values, None for none."""
    logarithms = [log(value) for value in values]
    return exp(fsum(logarithms) / len(logarithms)) if logarithms else None
