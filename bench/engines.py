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


def create_torch(path: Path, threads: int) -> Run:
    """The PyTorch module beside the model, run as it is."""
    return _run_module(path, threads, lambda module: module)


def create_torch_compile(path: Path, threads: int) -> Run:
    """The PyTorch module beside the model, compiled by torch.compile as it is set up by default."""
    import torch

    return _run_module(path, threads, torch.compile)


def _run_module(path: Path, threads: int, prepare: Callable[[Any], Any]) -> Run:
    import torch
    from torch.utils._pytree import tree_leaves

    torch.set_num_threads(threads)
    module = prepare(torch.load(path.with_suffix(".pt"), weights_only=False))

    def run(feeds: Feeds) -> list[Any]:
        with torch.inference_mode():
            return [y.numpy() for y in tree_leaves(module(*map(torch.from_numpy, feeds.values())))]

    return run


ENGINES: dict[str, Callable[[Path, int], Run]] = {
    "jitrt": create_jitrt,
    "onnxruntime": create_onnxruntime,
    "openvino": create_openvino,
    "torch": create_torch,
    "torch.compile": create_torch_compile,
}


def package(engine: str) -> str:
    """What to import for an engine."""
    return engine.partition(".")[0]


def is_installed(engine: str) -> bool:
    """Whether the engine's package can be found."""
    return importlib.util.find_spec(package(engine)) is not None


def can_run(engine: str, model: Path) -> bool:
    """Whether the engine reads a form of the model that is there: PyTorch needs a module beside it."""
    return package(engine) != "torch" or model.with_suffix(".pt").exists()


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
