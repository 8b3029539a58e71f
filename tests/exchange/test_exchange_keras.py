"""Networks exported by Keras, on TensorFlow and on PyTorch, give what Keras gives."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import jitrt

NEEDS = {"tensorflow": ("keras", "tensorflow", "tf2onnx"), "torch": ("keras", "torch", "onnxscript")}


@pytest.fixture(scope="module", params=list(NEEDS))
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with all networks that a backend exports."""
    missing = [name for name in NEEDS[request.param] if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"no {', '.join(missing)}: pip install -e '.[exchange]'")
    folder = tmp_path_factory.mktemp(request.param)
    script = Path(__file__).with_name("keras_networks.py")
    environment = {**os.environ, "KERAS_BACKEND": request.param, "TF_CPP_MIN_LOG_LEVEL": "3"}
    line = [sys.executable, str(script), str(folder)]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def test_every_network_gives_what_keras_gives(exported):
    paths = sorted(exported.glob("*.onnx"))
    assert len(paths) >= 11
    wrong = {path.stem: error for path in paths if (error := relative_error(path)) > 1e-5}
    assert not wrong


def relative_error(path: Path) -> float:
    """The largest difference to the outputs beside a model, over the largest output."""
    session, arrays, error = jitrt.InferenceSession(path), np.load(path.with_suffix(".npz")), 0.0
    names = [argument.name for argument in session.get_inputs()]
    for batch in sorted({int(key.split("_")[1]) for key in arrays}):
        feeds = {name: arrays[f"in_{batch}_{i}"] for i, name in enumerate(names)}
        for i, got in enumerate(session.run(None, feeds)):
            wanted = arrays[f"out_{batch}_{i}"]
            assert got.shape == wanted.shape, f"{path.stem}, output {i} of {batch}"
            error = max(error, float(np.abs(got - wanted).max() / np.abs(wanted).max()))
    return error
