"""The models that can be measured: built here, shipped by installed packages, or in files."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import partial
from pathlib import Path

import numpy as np
import onnx

from bench.engines import Feeds, load_feeds
from bench.inputs import Shapes, draw, other_shapes
from bench.models import BUILDERS, Built

# package -> model names, each with its file inside the package and the shapes to draw inputs for
PACKAGED: dict[str, dict[str, tuple[str, Shapes]]] = {
    "silero_vad": {
        "silero-vad-16k": ("data/silero_vad_16k_op15.onnx", {"input": (1, 576), "state": (2, 1, 128)}),
        "silero-vad-ifless": ("data/silero_vad_op18_ifless.onnx", {"input": (1, 576), "state": (2, 1, 128)}),
    },
    "rapidocr": {
        "rapidocr-det": ("models/*_det_*.onnx", {"x": (1, 3, 320, 320)}),
        "rapidocr-rec": ("models/*_rec_*.onnx", {"x": (1, 3, 48, 320)}),
        "rapidocr-cls": ("models/*_cls_*.onnx", {"x": (1, 3, 48, 192)}),
    },
    "magika": {"magika": ("models/*/model.onnx", {"bytes": (1, 2048)})},
}

# the keys of bench.torch_models.MODULES, known without importing PyTorch
EXCHANGED = ("torch-resnet50", "torch-mobilenetv2", "torch-encoder", "torch-lstm")


@dataclass(frozen=True)
class Files:
    """A model and .npz files of inputs; `shapes` holds inputs of a second and a third shape."""

    model: Path
    inputs: list[Path]
    shapes: list[Path]


@dataclass(frozen=True)
class Case:
    """A model by name; `source` is built, package, folder or file; `write` makes its files in a folder.

    `kind` is the module of bench/models that builds it.
    """

    name: str
    source: str
    write: Callable[[Path], Files]
    kind: str | None = None


def built_cases() -> Iterator[Case]:
    """The models of bench/models."""
    for name, build in BUILDERS.items():
        kind = build.__module__.rpartition(".")[2]
        yield Case(name, "built", partial(_write, build), kind)


def _write(build: Callable[[], Built], folder: Path) -> Files:
    return write_built(build(), folder)


def exchanged_cases(missing: list[str]) -> Iterator[Case]:
    """The networks of bench/torch_models.py, with their modules; `missing` is told where PyTorch is."""
    if importlib.util.find_spec("torch") is None:
        missing.append("torch")
        return
    for name in EXCHANGED:
        yield Case(name, "exchange", partial(_write_exchanged, name))


def _write_exchanged(name: str, folder: Path) -> Files:
    from bench import torch_models

    return write_inputs(torch_models.write(name, folder), folder)


def packaged_cases(missing: list[str]) -> Iterator[Case]:
    """The models that installed PyPI packages ship; the names of absent packages go into `missing`."""
    for package, models in PACKAGED.items():
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            missing.append(package)
            continue
        root = Path(spec.submodule_search_locations[0])
        for name, (pattern, shapes) in models.items():
            for path in sorted(root.glob(pattern))[:1]:
                yield file_case(name, "package", path, shapes)


def folder_cases(folder: Path) -> Iterator[Case]:
    """Every NAME/model.onnx below a folder, with its inputs*.npz if there are any."""
    for path in sorted(folder.rglob("model.onnx")):
        name = path.parent.relative_to(folder).as_posix()
        inputs = sorted(path.parent.glob("inputs*.npz"))
        yield file_case(name, "folder", path, {}, inputs)


def file_case(name: str, source: str, path: Path, shapes: Shapes, inputs: list[Path] | None = None) -> Case:
    """A model in a file, with its inputs or else inputs drawn from the declared shapes and `shapes`."""

    def write(folder: Path) -> Files:
        model = onnx.load(path, load_external_data=False)
        given = inputs or [save(folder / "inputs.npz", draw(model, shapes))]
        others = given[1:3]
        known = [load_feeds(p) for p in given]
        for number, feeds in enumerate(other_shapes(model, known, 2 - len(others)), start=1):
            others.append(save(folder / f"shape_{number}.npz", feeds))
        return Files(path, given, others)

    return Case(name, source, write)


def write_built(built: Built, folder: Path) -> Files:
    """Save a built model and its inputs."""
    onnx.save(built.model, folder / "model.onnx")
    return write_inputs(built.inputs, folder)


def write_inputs(inputs: list[Feeds], folder: Path) -> Files:
    """Save the inputs of model.onnx in the folder; the first two are timed."""
    paths = [save(folder / f"inputs_{number}.npz", feeds) for number, feeds in enumerate(inputs, start=1)]
    return Files(folder / "model.onnx", paths[:2], paths[1:3])


def save(path: Path, feeds: Feeds) -> Path:
    """Write inputs as .npz; strings become fixed-width arrays, so that no pickle is needed."""
    arrays = {name: a.astype(str) if a.dtype.kind == "O" else a for name, a in feeds.items()}
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


def known_cases() -> tuple[list[Case], list[str]]:
    """Every model with a name, and a remark on each source of models that is not there."""
    absent: list[str] = []
    cases = [*built_cases(), *exchanged_cases(absent), *packaged_cases(absent)]
    remarks = [f"package {name} is not installed: its models are skipped" for name in absent]
    if folder := os.environ.get("JITRT_MODELS"):
        cases += folder_cases(Path(folder))
    else:
        remarks.append("JITRT_MODELS names no folder of models: built and packaged models only")
    return cases, remarks


def find_cases(patterns: list[str], shapes: Shapes) -> tuple[list[Case], list[str]]:
    """The cases for names, sources, kinds, patterns (`mlp*`) or .onnx files; for none, all and remarks.

    Raises ValueError for a pattern that matches nothing.
    """
    known, remarks = known_cases()
    if not patterns:
        return known, remarks
    chosen: dict[str, Case] = {}
    for pattern in patterns:
        if pattern.endswith(".onnx"):
            path = Path(pattern).resolve(strict=True)
            found = [file_case(path.stem if path.stem != "model" else path.parent.name, "file", path, shapes)]
        else:
            found = [c for c in known if fnmatch(c.name, pattern) or pattern in (c.source, c.kind)]
        if not found:
            raise ValueError(f"no model named {pattern}; known: {', '.join(case.name for case in known)}")
        chosen |= {case.name: case for case in found}
    return list(chosen.values()), []
