"""The examples of CONTRIBUTING.md, run as a reader would."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

import jitrt
from jitrt import opdef

TEXT = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text()


@pytest.fixture
def example(tmp_path, monkeypatch):
    """All Python of the page as one module, whose operators are forgotten afterwards."""
    blocks = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    opdef.operators()
    monkeypatch.setattr(opdef, "_registry", {key: list(entries) for key, entries in opdef._registry.items()})
    path = tmp_path / "example.py"
    path.write_text("\n\n".join(blocks))
    spec = importlib.util.spec_from_file_location("example", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_examples_define_operators_that_work(example):
    assert isinstance(example.softcap, opdef.Operator)
    assert isinstance(example.running_maximum, opdef.Operator)
    x = np.random.default_rng(1).standard_normal((4, 7)).astype(np.float16)
    got = jitrt.call("RunningMaximum", x, domain="com.example")
    np.testing.assert_array_equal(got, np.maximum.accumulate(x, axis=-1))
    got = jitrt.call("Softcap", x, domain="com.example", limit=2.0)
    np.testing.assert_allclose(got, 2 * np.tanh(x.astype(np.float64) / 2), rtol=2e-3, atol=1e-6)


def test_the_examples_fuse_and_serve_any_size(example):
    assert jitrt.call("RunningMaximum", np.zeros((0, 5), np.float32), domain="com.example").shape == (0, 5)
    for n in (1, 2, 1000):
        x = np.random.default_rng(n).standard_normal((2, n, 3))
        got = jitrt.call("RunningMaximum", x, domain="com.example")
        np.testing.assert_array_equal(got, np.maximum.accumulate(x, axis=-1))


def test_a_file_that_the_page_names_is_there():
    root = Path(__file__).parents[1]
    named = set(re.findall(r"`((?:jitrt|ops|tests)/[\w/.]*)`", TEXT))
    assert len(named) > 10
    assert not [name for name in named if not (root / name).exists()]
