"""What is shipped: every source file is in the sdist and the wheel; CI runs what the README says."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOT_SHIPPED = shutil.ignore_patterns("__pycache__", "*.pyc", "*.egg-info", ".*")


def build(kind: str, source: Path, target: Path) -> Path:
    """The sdist or wheel that setuptools makes of a source folder."""
    code = f"from setuptools.build_meta import build_{kind} as build; print(build({str(target)!r}))"
    line = [sys.executable, "-c", code]
    done = subprocess.run(line, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target / done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory) -> Path:
    """A wheel built from an sdist built from the source tree, unpacked."""
    folder = tmp_path_factory.mktemp("packaging")
    source = folder / "source"
    for name in ("jitrt", "ops"):
        shutil.copytree(ROOT / name, source / name, ignore=NOT_SHIPPED)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    with tarfile.open(build("sdist", source, folder)) as archive:
        archive.extractall(folder / "sdist", filter="data")
    (sdist,) = (folder / "sdist").iterdir()
    with zipfile.ZipFile(build("wheel", sdist, folder)) as archive:
        archive.extractall(folder / "wheel")
    return folder / "wheel"


def files(folder: Path, prefix: str) -> set[str]:
    found = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {f"{prefix}/{path.relative_to(folder).as_posix()}" for path in found}


def test_the_wheel_has_every_file_of_the_source_tree_and_no_other(unpacked):
    expected = files(ROOT / "jitrt", "jitrt") | files(ROOT / "ops", "jitrt/ops")
    assert files(unpacked / "jitrt", "jitrt") == expected
    assert {"jitrt/ops/ml/labels.py", "jitrt/execute/runtime.ll", "jitrt/py.typed"} <= expected
    (metadata,) = (path.name for path in unpacked.iterdir() if path.name != "jitrt")
    assert metadata.endswith(".dist-info")


def test_the_wheel_installs_the_command_and_the_licence(unpacked):
    (metadata,) = unpacked.glob("*.dist-info")
    assert "jitrt = jitrt.cli:main" in (metadata / "entry_points.txt").read_text()
    assert "Apache License" in (metadata / "licenses" / "LICENSE").read_text()


def test_the_wheel_finds_its_operators_and_runs(unpacked, tmp_path):
    program = (
        f"import sys; sys.path.insert(0, {str(unpacked)!r}); import jitrt.cli; jitrt.cli.main(sys.argv[1:])"
    )
    for arguments, expected in ((["ops", "Relu"], str(unpacked / "jitrt" / "ops")), (["demo"], "right")):
        line = [sys.executable, "-c", program, *arguments]
        done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert expected in done.stdout


def test_operators_are_not_imported_as_a_top_level_package():
    ruff = [sys.executable, "-m", "ruff", "check", "--stdin-filename", "jitrt/new.py", "-"]
    done = subprocess.run(ruff, cwd=ROOT, input="import ops\n", capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "TID251" in done.stdout


def test_ci_runs_the_readmes_second_command():
    first, second = re.findall(r"^    (python3 -m venv .*)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert first.endswith("jitrt demo")
    assert second in (ROOT / ".ci" / "run").read_text().splitlines()
    assert second in (ROOT / "CONTRIBUTING.md").read_text()
