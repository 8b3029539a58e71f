"""What clients of onnxruntime answer on jitrt, against what they answer on onnxruntime."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from . import CLIENTS
from .compare import differences, run
from .libraries import LIBRARIES


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_answers_the_same_on_jitrt(name, tmp_path):
    client = CLIENTS[name]
    missing = client.missing()
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    pytest.importorskip("onnxruntime")
    theirs, ours = (run(client, runtime, tmp_path) for runtime in ("onnxruntime", "jitrt"))
    assert list(differences(theirs.answers, ours.answers, client.tolerance)) == []


def test_differences_are_found():
    theirs = {"text": ["a", 1], "scores": np.float32([0.5, 2])}
    assert list(differences(theirs, {"text": ["a", 1], "scores": np.float32([0.5, 2.00001])}, 1e-4)) == []
    for ours in (
        {"text": ["b", 1], "scores": np.float32([0.5, 2])},
        {"text": ["a"], "scores": np.float32([0.5, 2])},
        {"text": ["a", 1], "scores": np.float32([0.51, 2])},
        {"text": ["a", 1], "scores": np.float64([0.5, 2])},
        {"text": ["a", 1]},
    ):
        assert len(list(differences(theirs, ours, 1e-4))) == 1


def test_libraries_find_what_they_use_of_onnxruntime():
    """Each of 33, and those that are installed import, where onnxruntime is not."""
    code = "from tests.clients import libraries; raise SystemExit(libraries.main())"
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), *filter(None, sys.path)])}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], env=environment, capture_output=True, text=True
    )
    results = dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if line[:1].isalpha())
    assert done.returncode == 0, done.stdout + done.stderr
    assert results.keys() >= LIBRARIES.keys()
