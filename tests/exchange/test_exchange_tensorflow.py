"""Functions of TensorFlow converted by tf2onnx, and sessions as such functions: in processes of their own.

A process that loads both TensorFlow and Triton, which PyTorch's exporter does, is ended by LLVM.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

FILES = {"tensorflow_functions.py": ("tensorflow", "tf2onnx"), "tensorflow_bridge.py": ("tensorflow",)}


@pytest.mark.parametrize("name", FILES)
def test_file(name):
    missing = [package for package in FILES[name] if importlib.util.find_spec(package) is None]
    if missing:
        pytest.skip(f"no {', '.join(missing)}: pip install -e '.[exchange]'")
    line = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(Path(__file__).with_name(name))]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:]
