"""The worker pool and its process: fork, signals, idleness, exit, CPUs that may be used."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable

import numpy as np
import pytest
from pool_kernels import Steps, check_two_threads, triples

from jitrt.execute import cpus, pool

pytestmark = pytest.mark.usefixtures("four_threads")
needs_workers = pytest.mark.skipif(not pool._has_workers(), reason="this system runs on one thread")
needs_two_cores = pytest.mark.skipif(len(cpus.cores(cpus.allowed())) < 2, reason="needs two cores")
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
ignores_fork_warning = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def in_child(check: Callable[[], None]) -> None:
    """Fork, and expect the check to pass in the child."""
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            check()
            os._exit(0)
        os._exit(1)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            assert status == 0
            return
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    pytest.fail("the child hangs")


@needs_fork
@ignores_fork_warning
def test_a_forked_child_has_its_own_pool() -> None:
    check_two_threads()

    def check() -> None:
        workers = pool.shared_runtime().pool
        assert workers is None or workers._size[0] == 1
        check_two_threads()

    in_child(check)
    check_two_threads()


@needs_fork
@ignores_fork_warning
def test_fork_while_another_thread_runs(kernels: dict[str, int]) -> None:
    values = np.arange(500)
    steps = triples(kernels, values, 2000)
    runner = pool.Runner(steps.table, threads=2)
    stop = threading.Event()

    def runs() -> None:
        while not stop.is_set():
            runner.run()

    thread = threading.Thread(target=runs)
    thread.start()
    try:
        for _ in range(20):
            in_child(check_two_threads)
    finally:
        stop.set()
        thread.join()
    check_two_threads()


def test_spawned_process() -> None:
    process = multiprocessing.get_context("spawn").Process(target=check_two_threads)
    process.start()
    process.join(60)
    assert process.exitcode == 0


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs interval timers")
def test_an_interrupted_run_completes(kernels: dict[str, int]) -> None:
    counts = np.zeros(4, np.int64)
    steps = Steps(*[(kernels["slow_count"], (counts,), 4, 1)] * 50)
    runner = pool.Runner(steps.table, threads=2)
    runner.run()
    counts[:] = 0
    previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        with pytest.raises(KeyboardInterrupt):  # noqa: PT012
            while True:
                runner.run()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert counts.min() == counts.max() > 0
    assert counts[0] % 50 == 0
    assert runner.run() == -1


@needs_workers
@needs_two_cores
def test_the_worker_keeps_off_the_callers_core(kernels: dict[str, int]) -> None:
    """In a process of its own, as the pool's size decides on the places."""
    run_python("""
        import os, time
        import numpy as np
        from jitrt.execute import cpus, pool
        from pool_kernels import Steps, load_kernels

        counts = np.zeros(100, np.int64)
        steps = Steps((load_kernels()["count"], (counts,), 100, 3))
        runner = pool.Runner(steps.table, threads=2)
        allowed = os.sched_getaffinity(0)
        runner.run()
        assert os.sched_getaffinity(0) == allowed
        workers = pool.shared_runtime().pool
        while not workers._asleep[1]:
            time.sleep(0.001)
        for cpu in [*cpus.allowed(), *cpus.allowed()]:
            os.sched_setaffinity(0, {cpu})
            runner.run()
            own = os.sched_getaffinity(workers._thread_id[1])
            assert own < allowed
            assert cpu not in own
            assert os.sched_getaffinity(0) == {cpu}
        """)


@needs_workers
def test_idle_workers_sleep(kernels: dict[str, int]) -> None:
    check_two_threads()
    workers = pool.shared_runtime().pool
    assert workers is not None
    deadline = time.monotonic() + 30
    while not all(workers._asleep[1 : workers._size[0]]):
        assert time.monotonic() < deadline, "a worker does not go to sleep"
        time.sleep(0.001)
    check_two_threads()


@pytest.mark.parametrize("idle", ["0", "0.05"])
def test_the_process_ends_cleanly(idle: str) -> None:
    run_python(f"""
        import time
        from pool_kernels import check_two_threads

        check_two_threads()
        time.sleep({idle})
        """)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs affinity masks")
def test_the_affinity_mask_bounds_the_threads() -> None:
    run_python("""
        import os

        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        from jitrt.execute import cpus, pool
        from pool_kernels import check_two_threads

        assert cpus.default_threads() == cpus.thread_count() == cpus.thread_count(8) == 1
        check_two_threads()
        assert pool.shared_runtime().pool is None or pool.shared_runtime().pool._size[0] == 1
        """)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs affinity masks")
def test_a_forked_child_has_a_mask_of_its_own() -> None:
    run_python("""
        import os
        from jitrt.execute import cpus, pool
        from pool_kernels import check_two_threads

        check_two_threads()
        if not (child := os.fork()):
            os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
            check_two_threads()
            os._exit(int(cpus.thread_count(8) != 1 or cpus.default_threads() != 1))
        assert os.waitpid(child, 0)[1] == 0
        """)


def run_python(source: str) -> None:
    """Run the source in a new interpreter and expect it to end well."""
    path = os.pathsep.join([os.path.dirname(__file__), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(source)],
        env={**os.environ, "PYTHONPATH": path},
        timeout=60,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
