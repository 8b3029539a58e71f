"""The example of digits: networks trained in Keras and in PyTorch give the same labels here."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "notebooks" / "digits_from_frameworks.py"
NEEDS = {"torch": ("torch", "onnxscript", "sklearn"), "keras": ("keras", "tensorflow", "tf2onnx", "sklearn")}


@pytest.mark.parametrize("name", NEEDS)
def test_digits(name):
    missing = [package for package in NEEDS[name] if importlib.util.find_spec(package) is None]
    if missing:
        pytest.skip(f"no {', '.join(missing)}: pip install -e '.[exchange]'")
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    line = [sys.executable, str(EXAMPLE), name]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    accuracy = re.search(
        rf"^{name}: ([\d.]+)% of 360 digits right, the same labels", done.stdout, re.MULTILINE
    )
    assert accuracy is not None, done.stdout
    assert float(accuracy[1]) > 95
