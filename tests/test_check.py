"""JITRT_CHECK=1: passes on good models, finds a wrong kernel, names the step and the node."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from models import model, node, random, session
from test_models import CONTROL, NETWORKS

from jitrt import config
from jitrt.check import StepMismatchError
from jitrt.errors import InvalidArgument
from jitrt.expr import Expr
from jitrt.loop_step import loop_step


@pytest.fixture(autouse=True)
def checking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "settings", config.settings._replace(check=True))


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("name", [*NETWORKS, *CONTROL])
def test_good_models_pass(name: str, fused: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    source, feeds = {**NETWORKS, **CONTROL}[name]()
    s = session(source, threads=2, fused=fused)
    results = [s.run(None, feed) for feed in feeds]
    monkeypatch.setattr(config, "settings", config.settings._replace(check=False))
    unchecked = session(source)
    for feed, result in zip(feeds, results, strict=True):
        for mine, wanted in zip(result, unchecked.run(None, feed), strict=True):
            np.testing.assert_allclose(mine, wanted, rtol=1e-4, atol=1e-5)


def off_by_a_little(monkeypatch: pytest.MonkeyPatch, label: str) -> None:
    """Make the kernel of that step compute something slightly different."""

    def wrong(roots: Any, *args: Any) -> Any:
        if args[-1] == label:
            (root,) = roots
            roots = [Expr("mul", (root, Expr("const", (), root.dtype, root.dtype.type(1.001))), root.dtype)]
        return loop_step(roots, *args)

    monkeypatch.setattr("jitrt.schedule.loop_step", wrong)


CHAIN = model(
    [
        node("Exp", ["x"], ["e"], "first"),
        node("ReduceSum", ["e"], ["s"], "second", keepdims=0),
        node("Neg", ["e"], ["n"], "third"),
    ],
    {"x": ["n", 4]},
    ["e", "s", "n"],
)


@pytest.mark.parametrize(("label", "name"), [("Exp", "first"), ("ReduceSum", "second"), ("Neg", "third")])
def test_a_wrong_kernel_is_found(label: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    x = random(3, 4)
    assert len(session(CHAIN).run(None, {"x": x})) == 3
    off_by_a_little(monkeypatch, label)
    with pytest.raises(StepMismatchError, match=f'{label}, {label} "{name}": .* differs from NumPy by 0.001'):
        session(CHAIN).run(None, {"x": x})


def test_a_wrong_epilogue_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = [node("MatMul", ["x", "w"], ["m"]), node("Relu", ["m"], ["y"], "activation")]
    source = model(nodes, {"x": [3, 8]}, ["y"], {"w": random(8, 8)})
    x = random(3, 8)
    session(source).run(None, {"x": x})
    monkeypatch.setattr("jitrt.fuse.Group.expression", lambda self, leaves, first: load_negated())
    with pytest.raises(StepMismatchError, match=r'MatMul.*, Relu "activation"'):
        session(source).run(None, {"x": x})


def load_negated() -> Expr:
    dtype = np.dtype(np.float32)
    return Expr("neg", (Expr("load", (), dtype, 0),), dtype)


def test_failing_steps_raise_as_they_do_unchecked() -> None:
    source = model([node("Gather", ["x", "i"], ["y"], "ga")], {"x": [3], "i": (7, [1])}, ["y"])
    s = session(source)
    with pytest.raises(InvalidArgument, match=r"idx=7 must be within the inclusive range \[-3,2\]"):
        s.run(None, {"x": random(3), "i": np.array([7])})
    np.testing.assert_array_equal(s.run(None, {"x": random(3), "i": np.array([-1])})[0], random(3)[-1:])


def test_a_fused_kernel_may_round_less_often_than_numpy() -> None:
    half, float32 = np.float16, 1
    nodes = [
        node("MatMul", ["x", "w"], ["m"]),
        node("Mul", ["m", "m"], ["s"]),
        node("Sub", ["s", "m"], ["d"]),
        node("Cast", ["d"], ["y"], to=float32),
    ]
    source = model(nodes, {"x": (10, ["n", 64])}, ["y"], {"w": random(64, 64, dtype=half)})
    session(source).run(None, {"x": random(8, 64, dtype=half)})
