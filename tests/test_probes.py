"""What users' code may do gives here what it gives with onnxruntime, or a probe says why not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from probes import (
    PROBES,
    Probe,
    feeds,
    graphs,
    loading,
    options,
    outcome,
    providers,
    refused,
    running,
    sequences,
    surface,
    values,
    verdict,
)
from probes.page import TITLES, page

from jitrt.stand_in import modules

onnxruntime = pytest.importorskip("onnxruntime")

JITRT: Any = modules()["onnxruntime"]
MODULES = feeds, graphs, loading, options, providers, refused, running, sequences, values


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    onnxruntime.set_default_logger_severity(4)
    yield
    JITRT.set_default_logger_severity(2)


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
def test_probe(probe: Probe, capfd: pytest.CaptureFixture[str]) -> None:
    theirs, ours = outcome(probe, onnxruntime), outcome(probe, JITRT)
    result = verdict(probe, theirs, ours)
    assert result in ("same", "differs by design"), f"\nonnxruntime: {theirs}\njitrt: {ours}"


def test_probes_cover_every_module() -> None:
    covered = {probe.function.__module__ for probe in PROBES}
    assert covered == {module.__name__ for module in MODULES}
    assert len(PROBES) > 350
    assert TITLES.keys() == {module.__name__.rpartition(".")[2] for module in MODULES}


def test_names_that_only_onnxruntime_has() -> None:
    assert surface.missing(onnxruntime, JITRT) == surface.NOT_PROVIDED
    for name in surface.NOT_PROVIDED[""]:
        with pytest.raises(AttributeError, match="jitrt stands in for it"):
            getattr(JITRT, name)


def test_the_page_of_differences() -> None:
    """`python -m tests.probes --page > DIFFERENCES.md` renews it."""
    path = Path(__file__).parents[1] / "DIFFERENCES.md"
    assert path.read_text() == page(PROBES)
