"""The runtimes under test behind one call: inputs by name in, list of outputs out."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Feeds = dict[str, np.ndarray[Any, Any]]
Run = Callable[[Feeds], list[Any]]


def create_jitrt(path: Path, threads: int) -> Run:
    """A jitrt session on the CPU."""
    import jitrt

    options = jitrt.SessionOptions()
    options.intra_op_num_threads = threads
    session = jitrt.InferenceSession(str(path), options)
    return lambda feeds: session.run(None, feeds)


def create_onnxruntime(path: Path, threads: int) -> Run:
    """An onnxruntime session on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda feeds: session.run(None, feeds)


def create_openvino(path: Path, threads: int) -> Run:
    """An OpenVINO model on the CPU, computing in float32, with its shapes left dynamic."""
    import openvino

    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
    }
    model = openvino.Core().compile_model(str(path), "CPU", settings)
    return lambda feeds: list(model(feeds).values())


ENGINES: dict[str, Callable[[Path, int], Run]] = {
    "jitrt": create_jitrt,
    "onnxruntime": create_onnxruntime,
    "openvino": create_openvino,
}


def is_installed(engine: str) -> bool:
    """Whether the engine's package can be found."""
    return importlib.util.find_spec(engine) is not None


def version(package: str) -> str | None:
    """The installed version of a package, None if it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def load_feeds(path: Path) -> Feeds:
    """The inputs in an .npz file; strings become object arrays, which every engine's API takes."""
    with np.load(path) as arrays:
        return {
            name: array.astype(object) if array.dtype.kind == "U" else array for name, array in arrays.items()
        }


def describe(error: BaseException) -> str:
    """The exception's type and message on one line of 300 characters, without OpenVINO's source positions."""
    lines = (line.strip() for line in str(error).splitlines())
    message = " ".join(line for line in lines if line and not line.startswith(("Exception from ", "Check '")))
    return f"{type(error).__name__}: {message}"[:300]
