"""One session in many processes and threads, and copies of it."""

from __future__ import annotations

import copy
import multiprocessing
import os
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from models import model, node, random, session

import jitrt
from jitrt.errors import NoSuchFile

WIDTH = 48
SOURCE = model(
    [
        node("MatMul", ["x", "w"], ["m"]),
        node("Softmax", ["m"], ["s"], axis=-1),
        node("Add", ["s", "x"], ["y"]),
    ],
    {"x": ["n", WIDTH]},
    ["y"],
    {"w": random(WIDTH, WIDTH)},
)
LARGE = model([node("MatMul", ["x", "w"], ["y"])], {"x": ["n", 512]}, ["y"], {"w": random(512, 512)})
SECONDS = 60


def parts(count: int) -> list[np.ndarray]:
    return [random(3 + i % 2, WIDTH, seed=i) for i in range(count)]


def score(s: jitrt.InferenceSession, x: np.ndarray) -> bytes:
    return s.run(None, {"x": x})[0].tobytes()


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_four_processes_score_with_one_session(method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system has no {method}")
    s = session(SOURCE, threads=2)
    wanted = [score(s, x) for x in parts(16)]
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(4, mp_context=context) as pool:
        assert list(pool.map(score, [s] * 16, parts(16), timeout=SECONDS)) == wanted
    assert score(s, parts(1)[0]) == wanted[0]


def test_joblib() -> None:
    joblib = pytest.importorskip("joblib")
    s = session(SOURCE)
    found = joblib.Parallel(n_jobs=2)(joblib.delayed(score)(s, x) for x in parts(8))
    assert found == [score(s, x) for x in parts(8)]


def test_sixteen_threads_on_one_session() -> None:
    s, alone = session(SOURCE, threads=2), session(SOURCE)
    wanted = [score(alone, x) for x in parts(64)]
    with ThreadPoolExecutor(16) as pool:
        for _ in range(5):
            assert list(pool.map(score, [s] * 64, parts(64), timeout=SECONDS)) == wanted


def test_copies_are_cheap() -> None:
    """A copy has the original's model, plans and machine code, and takes no notice of its end."""
    s = session(LARGE)
    x = random(2, 512)
    wanted = s.run(None, {"x": x})[0]
    twins = [copy.copy(s), *copy.deepcopy([s] * 3)]
    assert all(t._model is s._model and t._programs is s._programs for t in twins)
    assert sum(map(sys.getsizeof, map(vars, twins))) < 16_000
    del s
    for twin in twins:
        np.testing.assert_array_equal(twin.run(None, {"x": x})[0], wanted)


def test_a_pickled_session_names_its_file(tmp_path: Path) -> None:
    """It is as small as the path; bytes are kept whole."""
    path = tmp_path / "m.onnx"
    path.write_bytes(LARGE)
    assert len(pickle.dumps(jitrt.InferenceSession(path))) < 2000 < len(LARGE)
    assert len(LARGE) < len(pickle.dumps(jitrt.InferenceSession(LARGE))) < len(LARGE) + 2000
    pickled = pickle.dumps(jitrt.InferenceSession(path))
    path.unlink()
    with pytest.raises(NoSuchFile, match=r"m\.onnx"):
        pickle.loads(pickled)


def test_options_pickle_with_the_session() -> None:
    options = jitrt.SessionOptions()
    options.logid, options.intra_op_num_threads = "mine", 1
    options.add_session_config_entry("jitrt.batch_invariant", "1")
    options.add_initializer("w", jitrt.OrtValue.ortvalue_from_numpy(np.zeros((WIDTH, WIDTH), np.float32)))
    options.add_free_dimension_override_by_name("n", 2)
    s = pickle.loads(pickle.dumps(jitrt.InferenceSession(SOURCE, options, ["CPUExecutionProvider"])))
    found = s.get_session_options()
    assert (found.logid, found.intra_op_num_threads) == ("mine", 1)
    assert found.get_session_config_entry("jitrt.batch_invariant") == "1"
    assert s.get_inputs()[0].shape == [2, WIDTH]
    x = random(2, WIDTH)
    np.testing.assert_allclose(s.run(None, {"x": x})[0], x + 1 / WIDTH, rtol=1e-5)


def test_values_errors_and_options_of_runs_pickle() -> None:
    value: Any = pickle.loads(pickle.dumps(jitrt.OrtValue.ortvalue_from_numpy(random(3))))
    np.testing.assert_array_equal(value.numpy(), random(3))
    options = jitrt.RunOptions()
    options.logid, options.terminate = "mine", True
    twin = pickle.loads(pickle.dumps(options))
    assert (twin.logid, twin.terminate) == ("mine", True)
    with pytest.raises(jitrt.errors.InvalidArgument) as caught:
        session(SOURCE).run(["nope"], {"x": random(1, WIDTH)})
    error = pickle.loads(pickle.dumps(caught.value))
    assert (type(error), str(error)) == (type(caught.value), str(caught.value))


def test_later_changes_to_options_leave_the_session_alone() -> None:
    options = jitrt.SessionOptions()
    options.logid = "first"
    s = jitrt.InferenceSession(SOURCE, options)
    options.logid = "second"
    options.add_free_dimension_override_by_name("n", 2)
    assert s.get_session_options().logid == "first"
    assert s.get_session_options().dimensions == {}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol(protocol: int) -> None:
    x = random(2, 8)
    s = jitrt.InferenceSession(SOURCE, jitrt.SessionOptions())
    value = jitrt.OrtValue.ortvalue_from_numpy(x)
    twin, other = pickle.loads(pickle.dumps((s, value), protocol))
    np.testing.assert_array_equal(other.numpy(), x)
    assert twin.get_session_options().intra_op_num_threads == 0


def test_operators_of_the_users_own_travel_by_their_module(tmp_path: Path) -> None:
    """A process that has not heard of them imports the module that a pickled session names."""
    (tmp_path / "own_operators.py").write_text(
        "import jitrt\n\n@jitrt.op('own.domain', 'Half')\ndef half(x):\n    return x * 0.5\n"
    )
    text = '<ir_version: 10, opset_import: ["": 18, "own.domain": 1]> g (float[n] x) => (float[n] y) '
    proto = onnx.parser.parse_model(text + "{ y = own.domain.Half(x) }")
    onnx.save(proto, tmp_path / "m.onnx")
    make = (
        "import own_operators, jitrt, pickle\npickle.dump(jitrt.InferenceSession('m.onnx'), open('s', 'wb'))"
    )
    use = "import numpy, pickle; print(pickle.load(open('s', 'rb')).run(None, {'x': numpy.float32([3])})[0])"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)])}
    done = [
        subprocess.run(
            [sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True
        )
        for code in (make, use)
    ]
    assert done[1].stdout == "[1.5]\n", [d.stderr for d in done]
