"""What surrounds a run with loops: outputs by name, errors, profiles, and its end."""

import json
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from control_flow_models import BOOL, FLOAT, INT64, body, halves, is_native, model_of, node, session_of

import jitrt


def test_outputs_by_name_and_errors_of_a_body():
    loop = body(
        [
            node("Gather", ["table", "x"], ["row"]),
            node("Add", ["x", "one"], ["next"]),
            node("Identity", ["going"], ["again"]),
        ],
        [("i", INT64, []), ("going", BOOL, []), ("x", INT64, [])],
        [("again", BOOL, []), ("next", INT64, []), ("row", FLOAT, [2])],
        {"one": np.int64(1)},
    )
    model = model_of(
        [
            node("Add", ["x0", "x0"], ["start"]),
            node("Loop", ["m", "", "start"], ["last", "rows"], body=loop),
            node("Neg", ["rows"], ["negative"]),
        ],
        [("m", INT64, []), ("x0", INT64, []), ("table", FLOAT, [5, 2])],
        [("negative", FLOAT)],
    )
    session = session_of(model)
    table = np.arange(10, dtype=np.float32).reshape(5, 2)
    feed = {"m": np.array(3), "x0": np.array(1), "table": table}
    last, start, rows = session.run(["last", "start", "rows"], feed)
    assert (int(last), int(start)) == (5, 2)
    np.testing.assert_array_equal(rows, table[2:])
    assert is_native(session)
    with pytest.raises(jitrt.errors.InvalidArgument, match="Gather"):
        session.run(None, {**feed, "m": np.array(4)})
    np.testing.assert_array_equal(session.run(None, feed)[0], -table[2:])


def test_profile_has_the_steps_of_bodies(tmp_path):
    options = jitrt.SessionOptions()
    options.enable_profiling = True
    options.profile_file_prefix = str(tmp_path / "profile")
    session = jitrt.InferenceSession(halves().SerializeToString(), options)
    x = np.ones(4, np.float32)
    session.run(None, {"m": np.array(5), "x0": x, "added": x})
    events = json.loads(Path(session.end_profiling()).read_text())
    kernels = {e["args"]["kernel"]: e for e in events if "kernel" in e["args"]}
    assert {"advance", "branch", "jump", "Mul+Add", "Mul"} <= kernels.keys()
    assert all(e["dur"] >= 0 for e in kernels.values())


def test_terminate_ends_a_loop():
    loop = body(
        [node("Add", ["x", "one"], ["next"]), node("GreaterOrEqual", ["next", "x"], ["again"])],
        [("i", INT64, []), ("going", BOOL, []), ("x", INT64, [])],
        [("again", BOOL, []), ("next", INT64, [])],
        {"one": np.int64(0)},
    )
    model = model_of(
        [node("Loop", ["", "", "x0"], ["last"], body=loop)], [("x0", INT64, [])], [("last", INT64)]
    )
    session, options = session_of(model), jitrt.RunOptions()
    timer = threading.Timer(0.2, lambda: setattr(options, "terminate", True))
    timer.start()
    began = time.monotonic()
    with pytest.raises(jitrt.errors.Fail, match="terminate"):
        session.run(None, {"x0": np.array(3)}, options)
    assert time.monotonic() - began < 60
