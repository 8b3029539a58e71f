"""What one process has traced, another runs without a trace: the same bits, errors and facts."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from control_flow_models import halves
from jitrt.ops import _generators
from models import INT64, model, node, random, session
from test_host_call import a_table_of_numbers_and_strings, rows
from test_models import NETWORKS
from test_threads import PICKED as TEN
from test_threads import fail_in_some_threads

import jitrt
from jitrt import config, kept_segments
from jitrt.explain import explain
from jitrt.identity import SETTLED_NS
from jitrt.program import Program, Variant

PICKED = model([node("Gather", ["x", "i"], ["y"])], {"x": [None, 4], "i": (INT64, [None])}, ["y"])
RESHAPED = model(
    [node("Reshape", ["x", "shape"], ["r"]), node("Exp", ["r"], ["y"])],
    {"x": [None, None], "shape": (INT64, [2])},
    ["y"],
)
NONZERO = model(
    [node("NonZero", ["x"], ["i"]), node("Transpose", ["i"], ["t"]), node("Mul", ["t", "t"], ["y"])],
    {"x": [None, None]},
    ["y"],
)


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Plans are kept, and none is there yet."""
    monkeypatch.setattr(config, "settings", config.settings._replace(keep_plans=True))
    monkeypatch.setattr(kept_segments, "_here", lambda: str(tmp_path))


def variants(s: jitrt.InferenceSession) -> list[Variant]:
    def below(program: Program) -> Iterator[Variant]:
        for variant in program.variants:
            yield variant
            if variant.rest is not None:
                yield from below(variant.rest)

    return [variant for program in s._programs.values() for variant in below(program)]


def are_kept(s: jitrt.InferenceSession) -> bool:
    return all(variant.is_kept for variant in variants(s))


def assert_same(got: Any, wanted: Any) -> None:
    for g, w in zip(got, wanted, strict=True):
        assert g.dtype == w.dtype
        np.testing.assert_array_equal(g, w)


def run_twice(source: bytes, *feeds: Any, **options: Any) -> jitrt.InferenceSession:
    """The second of two sessions, which has traced nothing."""
    first = session(source, **options)
    wanted = [first.run(None, feed) for feed in feeds]
    assert not any(variant.is_kept for variant in variants(first))
    second = session(source, **options)
    for feed, results in zip(feeds, wanted, strict=True):
        assert_same(second.run(None, feed), results)
    assert variants(second)
    assert are_kept(second)
    return second


@pytest.mark.parametrize("fused", [True, False], ids=["fused", "unfused"])
@pytest.mark.parametrize("name", NETWORKS)
def test_networks(name: str, fused: bool) -> None:
    source, feeds = NETWORKS[name]()
    run_twice(source, *feeds, threads=2, fused=fused)


def test_host_operators_and_what_follows() -> None:
    feeds = [dict(zip(("color", "number"), rows(count)[:2], strict=True)) for count in (1, 4, 100)]
    second = run_twice(a_table_of_numbers_and_strings(), *feeds)
    assert any(variant.hosts or variant.rest for variant in variants(second))


def test_loops_and_branches() -> None:
    feeds = [{"m": np.array(m), "x0": random(n), "added": random(n)} for m, n in ((0, 3), (1, 5), (6, 5))]
    run_twice(halves().SerializeToString(), *feeds)


def test_shapes_that_data_decide() -> None:
    run_twice(NONZERO, {"x": np.eye(3, dtype=np.float32)}, {"x": random(4, 5)})


def test_inputs_that_count_by_value() -> None:
    feeds = [{"x": random(4, 6), "shape": np.array(shape)} for shape in ([6, 4], [8, 3], [-1, 2], [24, 1])]
    run_twice(RESHAPED, *feeds)


def test_random_numbers_without_a_seed_are_new_in_each_run() -> None:
    source = model([node("RandomNormal", [], ["y"], shape=[100])], {}, ["y"])
    sessions = [session(source) for _ in range(3)]
    drawn = [s.run(None, {})[0] for s in sessions for _ in range(2)]
    assert [are_kept(s) for s in sessions] == [False, True, True]
    assert len(np.unique(drawn)) == np.size(drawn)
    kept = variants(sessions[1])[0].recipe
    assert any(constant is _generators._counter for constant in kept.constants.values())


def test_other_sizes_are_served_by_what_one_size_has_left() -> None:
    source, feeds = NETWORKS["transformer"]()
    session(source).run(None, feeds[0])
    second = session(source)
    for feed in feeds:
        assert_same(second.run(None, feed), session(source, fused=True).run(None, feed))
    assert variants(second)[0].is_kept


def test_errors_are_those_of_a_session_that_has_traced() -> None:
    x, good, bad = random(3, 4), np.array([2, 0]), np.array([2, 3])
    first, second = session(PICKED), session(PICKED)
    first.run(None, {"x": x, "i": good})
    second.run(None, {"x": x, "i": good})
    assert are_kept(second)
    with pytest.raises(jitrt.errors.InvalidArgument) as wanted:
        first.run(None, {"x": x, "i": bad})
    with pytest.raises(jitrt.errors.InvalidArgument) as got:
        second.run(None, {"x": x, "i": bad})
    assert str(got.value) == str(wanted.value)
    np.testing.assert_array_equal(second.run(None, {"x": x, "i": good})[0], x[good])


def test_errors_in_some_threads_leave_the_others_alone() -> None:
    session(TEN).run(None, {"x": random(10), "i": np.arange(10)[::-1].copy()})
    second = session(TEN, threads=2)
    fail_in_some_threads(second)
    assert not are_kept(second)


def test_a_session_that_traces_nothing_explains_itself() -> None:
    source, (feed, *_) = NETWORKS["convolutional"]()
    second = run_twice(source, feed)
    first = session(source)
    assert explain(second, feed) == explain(first, feed)
    assert explain(second, feed, "plan")
    nodes = [step.nodes for step in variants(second)[0].recipe.steps]
    assert nodes
    assert all(nodes)


def test_options_that_change_kernels_have_plans_of_their_own() -> None:
    source, (feed, *_) = NETWORKS["convolutional"]()
    session(source, fused=True).run(None, feed)
    for entry, value in (("jitrt.batch_invariant", "1"), ("jitrt.winograd", "0")):
        options = jitrt.SessionOptions()
        options.add_session_config_entry(entry, value)
        s = jitrt.InferenceSession(source, options)
        s.run(None, feed)
        assert not any(variant.is_kept for variant in variants(s))
    unfused = session(source, fused=False)
    unfused.run(None, feed)
    assert not any(variant.is_kept for variant in variants(unfused))


def scaled(factor: float) -> bytes:
    """y = exp(x w), where w is large."""
    weights = np.full((64, 64), factor, np.float32)
    nodes = [node("MatMul", ["x", "w"], ["m"]), node("Exp", ["m"], ["y"])]
    return model(nodes, {"x": [None, 64]}, ["y"], {"w": weights})


def test_weights_of_a_model_in_memory_are_told_apart() -> None:
    feed = {"x": np.ones((3, 64), np.float32) / 64}
    for factor in (0.5, 0.25):
        (got,) = session(scaled(factor)).run(None, feed)
        np.testing.assert_allclose(got, np.exp(factor), rtol=1e-6)


def test_a_file_that_was_written_again_is_another_model(tmp_path: Path) -> None:
    feed, path = {"x": np.ones((3, 64), np.float32) / 64}, tmp_path / "model.onnx"
    for factor in (0.5, 0.25, 0.5):
        path.unlink(missing_ok=True)
        path.write_bytes(scaled(factor))
        for since in (10**9, 0):  # read a second later, and at once
            s = jitrt.InferenceSession(path)
            s._identity.read_ns = path.stat().st_ctime_ns + since
            (got,) = s.run(None, feed)
            assert bool(s._identity.text) == bool(since)
            np.testing.assert_allclose(got, np.exp(factor), rtol=1e-6)
            assert not any(variant.is_kept for variant in variants(s))


def test_kernels_that_are_gone_are_built_again(monkeypatch: pytest.MonkeyPatch) -> None:
    source, (feed, *_) = NETWORKS["convolutional"]()
    wanted = session(source).run(None, feed)

    def gone(*arguments: Any) -> Any:
        raise LookupError("the machine code is not kept any more")

    with monkeypatch.context() as patch:
        patch.setattr(kept_segments._Reader, "load", gone)
        s = session(source)
        assert_same(s.run(None, feed), wanted)
        assert not any(variant.is_kept for variant in variants(s))


def test_a_kernel_of_another_process_has_no_source() -> None:
    source, (feed, *_) = NETWORKS["convolutional"]()
    second = run_twice(source, feed)
    kernel = pickle.loads(pickle.dumps(variants(second)[0].recipe.steps[0].kernel))
    with pytest.raises(LookupError, match="is not kept any more"):
        kernel.build("name")


def test_what_is_too_large_is_traced_in_each_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folded constants are written as they are."""
    w = random(64, 64)
    nodes = [node("Mul", ["w", "two"], ["doubled"]), node("MatMul", ["x", "doubled"], ["y"])]
    source = model(nodes, {"x": [None, 64]}, ["y"], {"w": w, "two": np.float32(2)})
    feed = {"x": random(3, 64)}
    monkeypatch.setattr(kept_segments, "LARGEST", 1000)
    said: list[str] = []
    options = jitrt.SessionOptions()
    options.log_severity_level = 1
    jitrt.set_default_logger_callback(lambda *message: said.append(message[-1]))
    try:
        for _ in range(2):
            s = jitrt.InferenceSession(source, options)
            s.run(None, feed)
            assert not any(variant.is_kept for variant in variants(s))
    finally:
        jitrt.set_default_logger_callback(None)
    reason = "constants computed from the model's take more than 1000 bytes"
    assert said.count(f"the plan is made anew in each process: {reason}") == 2


def test_only_the_newest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_segments, "MOST", 2)
    source = model([node("Expand", ["x", "shape"], ["y"])], {"x": [1, 1], "shape": (INT64, [None])}, ["y"])
    feeds = [{"x": random(1, 1), "shape": np.array([2] * rank)} for rank in (1, 2, 3, 4)]
    for feed in feeds:
        session(source).run(None, feed)
    s = session(source)
    for feed in feeds[::-1]:
        s.run(None, feed)
    _, *expanded = variants(s)  # the first asks for the shape
    assert [variant.is_kept for variant in expanded] == [True, True, False, False]


def test_operators_of_the_user_are_traced_in_each_process() -> None:
    """Their code may have changed."""
    jitrt.op("kept.segments", "Twice")(lambda x: x + x)
    twice = node("Twice", ["x"], ["y"], domain="kept.segments")
    source = model([twice], {"x": [2]}, ["y"], domains={"kept.segments": 1})
    for _ in range(2):
        s = session(source)
        s.run(None, {"x": random(2)})
        assert not any(variant.is_kept for variant in variants(s))


def test_nothing_is_kept_where_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    source, (feed, *_) = NETWORKS["convolutional"]()
    session(source).run(None, feed)
    for change in ({"keep_plans": False}, {"check": True}, {"debug": 1}):
        with monkeypatch.context() as patch:
            patch.setattr(config, "settings", config.settings._replace(**change))
            assert not session(source)._identity.text
    options = jitrt.SessionOptions()
    options.add_initializer("unused", jitrt.OrtValue.ortvalue_from_numpy(random(2)))
    assert not jitrt.InferenceSession(source, options)._identity.text


PROCESS = """
    import sys
    import numpy as np
    import jitrt
    session = jitrt.InferenceSession(sys.argv[1])
    (y,) = session.run(None, {"x": np.linspace(-1, 1, 192, dtype=np.float32).reshape(3, 64)})
    np.save(sys.argv[2], y)
    kept = all(v.is_kept for p in session._programs.values() for v in p.variants)
    print(kept, any(name in sys.modules for name in ("jitrt.trace", "jitrt.schedule", "jitrt.opdef")))
"""


def test_processes(tmp_path: Path) -> None:
    """The second process imports nothing of the tracer, the scheduler or the operators."""
    path = tmp_path / "model.onnx"
    path.write_bytes(scaled(0.01))
    time.sleep(2 * SETTLED_NS / 1e9)
    environment = {**os.environ, "JITRT_CACHE_DIR": str(tmp_path / "cache"), "JITRT_KEEP_PLANS": "1"}
    said = []
    for number in range(2):
        command = [sys.executable, "-c", textwrap.dedent(PROCESS), str(path), f"{tmp_path / str(number)}.npy"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        said.append(done.stdout.split())
    assert said == [["False", "True"], ["True", "False"]]
    np.testing.assert_array_equal(*(np.load(tmp_path / f"{number}.npy") for number in range(2)))
