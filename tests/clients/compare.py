"""Both runtimes' answers, and where they differ."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .registry import Client

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Outcome:
    """A client's answers on one runtime; the first call and the median of later ones, in seconds."""

    answers: Any
    first: float
    lap: float | None


def run(client: Client, runtime: str, folder: Path, seconds: float = 0) -> Outcome:
    """Run a client in a process of its own.

    Raises: RuntimeError with what the process printed if it fails.
    """
    file = folder / f"{client.name}-{runtime}"
    line = [sys.executable, "-m", "tests.clients.worker", client.name, runtime, str(file), str(seconds)]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{client.name} on {runtime}:\n{done.stdout}\n{done.stderr}")
    return Outcome(**pickle.loads(file.read_bytes()))


def differences(theirs: Any, ours: Any, tolerance: float, path: str = "") -> Iterator[str]:
    """Where strings, counts or shapes are not equal, or numbers differ by more than the tolerance."""
    if isinstance(theirs, dict):
        theirs, ours = list(theirs.items()), list(ours.items())
        theirs, ours = [list(pair) for pair in theirs], [list(pair) for pair in ours]
    if isinstance(theirs, list):
        if len(theirs) != len(ours):
            yield f"{path}: {len(theirs)} in onnxruntime, {len(ours)} in jitrt"
            return
        for number, pair in enumerate(zip(theirs, ours, strict=True)):
            yield from differences(*pair, tolerance, f"{path}[{number}]")
    elif isinstance(theirs, float | np.ndarray):
        if np.shape(theirs) != np.shape(ours):
            yield f"{path}: {np.shape(theirs)} in onnxruntime, {np.shape(ours)} in jitrt"
        elif not equal(np.asarray(theirs), np.asarray(ours), tolerance):
            yield f"{path}: {theirs!r} in onnxruntime, {ours!r} in jitrt"
    elif theirs != ours:
        yield f"{path}: {theirs!r} in onnxruntime, {ours!r} in jitrt"


def equal(theirs: np.ndarray, ours: np.ndarray, tolerance: float) -> bool:
    """Whether arrays of one shape agree; what are not floats must be the same."""
    if theirs.dtype != ours.dtype:
        return False
    if theirs.dtype.kind != "f":
        return bool(np.all(theirs == ours))
    return np.allclose(theirs, ours, rtol=tolerance, atol=tolerance, equal_nan=True)
