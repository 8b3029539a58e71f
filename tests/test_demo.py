"""What a new user's first command prints, and the notebook."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from jitrt import demo

ROOT = Path(__file__).parents[1]


def test_demo_reads_digits_and_tells_what_ran(capsys):
    demo.main()
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert len(lines) < 60
    assert max(map(len, lines)) <= 100
    right, count = map(int, re.search(r"(\d+) of (\d+) right", out).groups())
    assert count == 360
    assert right >= 0.97 * count
    assert re.search(r"26 nodes run as \d+ kernels", out)
    assert re.search(r"Conv \+ .*Sigmoid \+ Mul +\d+\.\d us +\d+ GFLOP/s", out)
    for what in ("load the model", "first run", "another batch size", "repeated run"):
        assert re.search(rf"{what}.* +\d+\.\d+ ms", out), what


def test_digits_are_drawn_where_the_terminal_has_only_ascii(monkeypatch, capsys):
    class Ascii:
        encoding = "ascii"

    monkeypatch.setattr(demo.sys, "stdout", Ascii())
    image = np.zeros((4, 8, 8), np.uint8)
    image[:, 2:6, 4] = 16
    probabilities = np.eye(10)[[1, 1, 1, 7]]
    picture = "\n".join(demo._pictures(image, np.array([1, 1, 1, 1]), probabilities))
    assert picture.isascii()
    assert picture.count("##") == 16
    assert "7, 100% sure (a 1)" in picture


@pytest.mark.parametrize("path", sorted(ROOT.glob("notebooks/*.ipynb")), ids=lambda path: path.name)
def test_notebook_runs_from_top_to_bottom(path, monkeypatch, capsys):
    notebook = json.loads(path.read_text())
    assert notebook["nbformat"] == 4
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    monkeypatch.chdir(path.parent)
    scope: dict[str, object] = {"__name__": "__main__"}
    for number, cell in enumerate(cells):
        exec(compile(cell, f"{path.name} cell {number}", "exec"), scope)
    assert capsys.readouterr().out
