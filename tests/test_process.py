"""Fork, spawn, interrupts, the end of the process."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models import model, node, random, session

import jitrt

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
CHILD_SECONDS = 60

SOURCE = model(
    [node("MatMul", ["x", "w"], ["m"]), node("Relu", ["m"], ["y"])],
    {"x": ["n", 64]},
    ["y"],
    {"w": random(64, 64)},
)
X = random(512, 64)
OTHER = model([node("Tanh", ["x"], ["t"]), node("Mul", ["t", "x"], ["y"])], {"x": ["n"]}, ["y"])


def expected() -> bytes:
    return session(SOURCE).run(None, {"x": X})[0].tobytes()


def in_fork(work: Callable[[], object]) -> int:
    """The exit status of a forked child that does the work; it is killed where that takes too long."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    deadline = time.monotonic() + CHILD_SECONDS
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return -signal.SIGKILL


def in_python(code: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own, next to the tests."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=CHILD_SECONDS,
        **options,
    )


@needs_fork
def test_a_forked_child_runs_and_compiles() -> None:
    s, wanted = session(SOURCE, threads=2), expected()
    assert s.run(None, {"x": X})[0].tobytes() == wanted

    def work() -> None:
        assert s.run(None, {"x": X})[0].tobytes() == wanted  # a plan of the parent
        assert s.run(None, {"x": X[:7]})[0].shape == (7, 64)  # a new one
        x = random(100)
        np.testing.assert_allclose(
            session(OTHER, threads=2).run(None, {"x": x})[0], np.tanh(x) * x, rtol=1e-5
        )

    for _ in range(3):
        assert in_fork(work) == 0
        assert s.run(None, {"x": X})[0].tobytes() == wanted


@needs_fork
def test_fork_while_other_threads_run() -> None:
    s, wanted = session(SOURCE, threads=2), expected()
    stop, failures = threading.Event(), []

    def runs() -> None:
        while not stop.is_set():
            if s.run(None, {"x": X})[0].tobytes() != wanted:
                failures.append("bits differ")

    threads = [threading.Thread(target=runs) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            assert in_fork(lambda: s.run(None, {"x": X})[0].tobytes() == wanted or os._exit(2)) == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures


@needs_fork
def test_fork_while_another_thread_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """The child finds no lock that is held for ever, in jitrt or in LLVM."""
    monkeypatch.setattr("jitrt.codegen.cache.get", lambda entry: None)  # every kernel is built
    monkeypatch.setattr("jitrt.codegen.cache.put", lambda entry, content: None)
    stop, made = threading.Event(), []

    def compiles() -> None:
        while not stop.is_set():
            number = len(made)
            source = model(
                [node("Elu", ["x"], ["a"], alpha=number + 2.0), node("Add", ["a", "x"], ["y"])],
                {"x": [4]},
                ["y"],
            )
            session(source).run(None, {"x": random(4)})
            made.append(number)

    def child() -> None:
        source = model([node("Selu", ["x"], ["y"], alpha=os.getpid() + 0.5)], {"x": [4]}, ["y"])
        session(source, threads=2).run(None, {"x": np.ones(4, np.float32)})

    thread = threading.Thread(target=compiles)
    thread.start()
    try:
        for _ in range(6):
            before = len(made)
            assert in_fork(child) == 0
            while len(made) == before and thread.is_alive():
                time.sleep(0.005)
    finally:
        stop.set()
        thread.join()
    assert made


def work_elsewhere(number: int) -> bytes:
    return jitrt.InferenceSession(SOURCE).run(None, {"x": X})[0].tobytes()


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_process_pools(method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system has no {method}")
    wanted = expected()
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map_async(work_elsewhere, range(4)).get(CHILD_SECONDS) == [wanted] * 4


INTERRUPTED = """
    import signal, sys, threading, time
    import numpy as np
    from models import model, node, random, session

    nodes = [node("MatMul", [f"x{i}", "w"], [f"x{i + 1}"]) for i in range(60)]
    source = model(nodes, {"x0": ["n", 512]}, ["x60"], {"w": random(512, 512) / 23})
    s, feed = session(source, threads=2), {"x0": random(1024, 512)}
    wanted = s.run(None, feed)[0].tobytes()
    started = time.perf_counter()
    s.run(None, feed)
    length = time.perf_counter() - started
    caught = 0
    for attempt in range(8):
        timer = threading.Timer(length * (0.1 + attempt / 10), signal.raise_signal, [signal.SIGINT])
        try:
            timer.start()
            for _ in range(20):
                s.run(None, feed)
        except KeyboardInterrupt:
            caught += 1
        timer.join()
        assert s.run(None, feed)[0].tobytes() == wanted
    # while it traces and compiles a new shape of another session
    for attempt in range(8):
        fresh = session(source)
        timer = threading.Timer(0.002 * attempt, signal.raise_signal, [signal.SIGINT])
        try:
            timer.start()
            for _ in range(100):
                fresh.run(None, feed)
        except KeyboardInterrupt:
            caught += 1
        timer.join()
        assert fresh.run(None, feed)[0].tobytes() == wanted
    assert caught == 16, caught
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_interrupts_leave_the_session_usable() -> None:
    done = in_python(INTERRUPTED)
    assert done.returncode == 0, done.stderr


def test_the_process_ends_while_a_thread_runs() -> None:
    done = in_python("""
        import threading, time
        from models import model, node, random, session

        source = model([node("MatMul", ["x", "w"], ["y"])], {"x": ["n", 256]}, ["y"], {"w": random(256, 256)})
        s, x = session(source, threads=2), random(2048, 256)

        def runs():
            while True:
                s.run(None, {"x": x})

        threading.Thread(target=runs, daemon=True).start()
        time.sleep(0.2)
        print("over", flush=True)
    """)
    assert (done.returncode, done.stdout) == (0, "over\n"), done.stderr


@needs_fork
def test_a_fork_waits_for_a_thread_that_logs_while_it_prepares() -> None:
    """Logging is imported after jitrt here, and its lock must still be the inner one of the two."""
    done = in_python(
        """
        import os, sys, threading
        from jitrt import forks
        assert "logging" not in sys.modules

        lock, taken, forking = threading.RLock(), threading.Event(), threading.Event()
        forks.hold(lock)
        logging = forks.import_logging()

        def prepare():
            with lock:
                taken.set()
                forking.wait(0.5)  # never set: the fork has time to come to this lock
                with logging._lock:
                    pass

        thread = threading.Thread(target=prepare)
        thread.start()
        taken.wait()
        child = os.fork()
        if child == 0:
            with lock, logging._lock:
                os._exit(0)
        thread.join()
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """
    )
    assert (done.returncode, done.stderr) == (0, "")
