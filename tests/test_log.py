"""What sessions and runs log, by severity and by name."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from models import model, node, random

import jitrt
from jitrt.log import INFO, WARNING

RELU = model([node("Relu", ["x"], ["y"])], {"x": ["n"]}, ["y"])


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    yield
    jitrt.set_default_logger_severity(WARNING)
    jitrt.set_default_logger_callback(None)


def run(severity: int = -1, logid: str = "", run_options: Any = None) -> None:
    options = jitrt.SessionOptions()
    options.log_severity_level, options.logid = severity, logid
    jitrt.InferenceSession(RELU, options).run(None, {"x": random(3)}, run_options)


def test_sessions_and_plans_are_information_and_runs_are_verbose(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "jitrt")
    run(2)
    assert caplog.messages == []
    run(1, "mine")
    session_line, plan_line = caplog.messages
    assert session_line.startswith("[mine] session of a model in memory: 1 nodes on CPUExecutionProvider, ")
    assert plan_line.startswith("[mine] x: f32[3]: plan: 1 steps for 1 nodes, ")
    caplog.clear()
    run(0)
    assert [record.levelno for record in caplog.records] == [logging.INFO, logging.INFO, logging.DEBUG]
    assert caplog.messages[-1].startswith("y computed in ")


def test_the_options_of_a_run_go_before_the_session(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "jitrt")
    options = jitrt.RunOptions()
    options.log_severity_level, options.logid = 0, "run 7"
    run(2, "mine", options)
    (line,) = caplog.messages
    assert line.startswith("[mine:run 7] y computed in ")


def test_the_default_holds_for_later_sessions(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "jitrt")
    s = jitrt.InferenceSession(RELU)
    jitrt.set_default_logger_severity(0)
    s.run(None, {"x": random(3)})
    assert caplog.messages == []
    run()
    assert len(caplog.messages) == 3


def test_a_callback() -> None:
    got: list[tuple[Any, ...]] = []
    jitrt.set_default_logger_callback(lambda *message: got.append(message), INFO)
    run(logid="mine")
    assert [(severity, category, logid) for severity, category, logid, _, _ in got] == [
        (1, "jitrt", "mine")
    ] * 2
    jitrt.set_default_logger_callback(None)
    run(0)
    assert len(got) == 2


def test_a_callback_that_fails_fails_no_run(capsys: pytest.CaptureFixture[str]) -> None:
    jitrt.set_default_logger_callback(lambda *message: 1 / 0, INFO)
    run()
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_messages_reach_the_terminal_of_who_set_up_no_logging() -> None:
    code = f"""
import jitrt
options = jitrt.SessionOptions()
options.log_severity_level, options.logid = 1, "mine"
jitrt.InferenceSession({RELU!r}, options)
jitrt.InferenceSession({RELU!r})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr.startswith("[mine] session of a model in memory")
    assert done.stderr.count("\n") == 1


def test_the_name_of_a_file(caplog: pytest.LogCaptureFixture, tmp_path: Any) -> None:
    caplog.set_level(logging.DEBUG, "jitrt")
    path = tmp_path / "m.onnx"
    path.write_bytes(RELU)
    jitrt.set_default_logger_severity(INFO)
    jitrt.InferenceSession(path)
    assert f"session of {path}: 1 nodes" in caplog.messages[0]
