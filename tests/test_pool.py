"""Step tables on the worker pool: every unit once, failures, concurrency, fork, signals, exit."""

from __future__ import annotations

import contextlib
import gc
import math
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import llvmlite.binding as llvm
import numpy as np
import pytest

from jitrt.codegen.compile import cached_object, link
from jitrt.codegen.target import Target, host
from jitrt.execute import cpus, pool

KERNELS = """
; counts[i] += 1, per unit.  args: counts
define i64 @count(ptr %args, i64 %begin, i64 %end, ptr %scratch) {
entry:
  %counts = load ptr, ptr %args
  br label %loop
loop:
  %i = phi i64 [ %begin, %entry ], [ %i.next, %loop ]
  %at = getelementptr i64, ptr %counts, i64 %i
  %old = atomicrmw add ptr %at, i64 1 monotonic
  %i.next = add i64 %i, 1
  %more = icmp slt i64 %i.next, %end
  br i1 %more, label %loop, label %return
return:
  ret i64 0
}

; y[i] = 3 y[i] + i, wrapping.  args: y
define i64 @triple(ptr %args, i64 %begin, i64 %end, ptr %scratch) {
entry:
  %y = load ptr, ptr %args
  br label %loop
loop:
  %i = phi i64 [ %begin, %entry ], [ %i.next, %loop ]
  %at = getelementptr i64, ptr %y, i64 %i
  %old = load i64, ptr %at
  %tripled = mul i64 %old, 3
  %new = add i64 %tripled, %i
  store i64 %new, ptr %at
  %i.next = add i64 %i, 1
  %more = icmp slt i64 %i.next, %end
  br i1 %more, label %loop, label %return
return:
  ret i64 0
}

; Adds the number of units to the thread's own word, without an atomic.
define i64 @tally(ptr %args, i64 %begin, i64 %end, ptr %scratch) {
  %old = load volatile i64, ptr %scratch
  %units = sub i64 %end, %begin
  %new = add i64 %old, %units
  store volatile i64 %new, ptr %scratch
  ret i64 0
}

; Returns args[1] where unit args[0] is in the range, else 0.
define i64 @fail(ptr %args, i64 %begin, i64 %end, ptr %scratch) {
  %unit = load i64, ptr %args
  %status.at = getelementptr i64, ptr %args, i64 1
  %status = load i64, ptr %status.at
  %after = icmp sge i64 %unit, %begin
  %before = icmp slt i64 %unit, %end
  %hit = and i1 %after, %before
  %result = select i1 %hit, i64 %status, i64 0
  ret i64 %result
}

declare i32 @usleep(i32)

; Sleeps a millisecond per call, then counts.  args: counts
define i64 @slow_count(ptr %args, i64 %begin, i64 %end, ptr %scratch) {
  %ignored = call i32 @usleep(i32 1000)
  %status = call i64 @count(ptr %args, i64 %begin, i64 %end, ptr %scratch)
  ret i64 %status
}
"""
NAMES = ["count", "triple", "tally", "fail", "slow_count"]

needs_workers = pytest.mark.skipif(not pool._has_workers(), reason="this system runs on one thread")
needs_two_cores = pytest.mark.skipif(len(cpus.cores(cpus.allowed())) < 2, reason="needs two cores")


@pytest.fixture(scope="module")
def kernels() -> dict[str, int]:
    return load_kernels()


def load_kernels() -> dict[str, int]:
    return dict(zip(NAMES, link([cached_object("test_pool", lambda: KERNELS)], NAMES), strict=True))


@pytest.fixture(autouse=True)
def four_threads() -> Iterator[None]:
    """Up to four threads, whatever the machine has."""
    workers = pool._shared_runtime().pool
    if workers is None:
        yield
        return
    limit = workers._limit[0]
    workers._limit[0] = max(limit, 4)
    yield
    workers._limit[0] = limit


class Steps:
    """A step table under construction; keeps the args alive."""

    def __init__(self, *steps: tuple[int, tuple[int | np.ndarray, ...], int, int]) -> None:
        self.args = [np.array([a if isinstance(a, int) else a.ctypes.data for a in s[1]]) for s in steps]
        self.table = np.zeros((len(steps), pool.COLUMNS), np.int64)
        for row, (function, _, extent, chunk), args in zip(self.table, steps, self.args, strict=True):
            row[[pool.FUNCTION, pool.ARGS, pool.EXTENT, pool.CHUNK]] = (
                function,
                args.ctypes.data,
                extent,
                chunk,
            )


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize(
    ("extent", "chunk"),
    [(1, 1), (2, 1), (5, 2), (97, 8), (1000, 7), (1001, 1000), (64, 64), (13, 99), (10, 0), (0, 0), (0, 3)],
)
def test_each_unit_runs_once(kernels: dict[str, int], threads: int, extent: int, chunk: int) -> None:
    counts = np.zeros(extent + 1, np.int64)
    steps = Steps(*[(kernels["count"], (counts,), extent, chunk)] * 3)
    runner = pool.Runner(steps.table, threads=threads)
    for _ in range(50):
        assert runner.run() == -1
    assert runner.status == 0
    assert counts.tolist() == [150] * extent + [0]


def test_more_chunks_than_fit_the_claim(kernels: dict[str, int]) -> None:
    scratch = np.zeros((2, 8), np.int64)
    extent = (1 << 27) + 5
    steps = Steps((kernels["tally"], (), extent, 1))
    table = steps.table
    assert pool.Runner(table, threads=2, scratch=scratch.ctypes.data, scratch_stride=64).run() == -1
    assert scratch[:, 0].sum() == extent


def triples(kernels: dict[str, int], values: np.ndarray, steps: int) -> Steps:
    chunks = [0, 3, 64, 7, 1, 0, 0, 129]
    return Steps(
        *[(kernels["triple"], (values,), len(values), chunks[k % len(chunks)]) for k in range(steps)]
    )


def tripled(values: np.ndarray, steps: int) -> np.ndarray:
    for _ in range(steps):
        values = 3 * values + np.arange(len(values))
    return values


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("brief", [False, True])
def test_steps_follow_one_another(kernels: dict[str, int], threads: int, brief: bool) -> None:
    start = np.arange(300)
    values = start.copy()
    steps = triples(kernels, values, 40)
    assert pool.Runner(steps.table, threads=threads, brief=brief).run() == -1
    np.testing.assert_array_equal(values, tripled(start, 40))


def test_each_thread_has_its_scratch(kernels: dict[str, int]) -> None:
    scratch = np.zeros((4, 8), np.int64)
    steps = Steps(*[(kernels["tally"], (), 501, 2), (kernels["tally"], (), 9, 0)] * 20)
    runner = pool.Runner(steps.table, threads=4, scratch=scratch.ctypes.data, scratch_stride=64)
    assert runner.run() == -1
    assert scratch[:, 0].sum() == 20 * 510
    assert not scratch[:, 1:].any()


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("chunk", [0, 1, 10])
def test_a_failing_step_ends_the_run(kernels: dict[str, int], threads: int, chunk: int) -> None:
    before, after = np.zeros(100, np.int64), np.zeros(100, np.int64)
    steps = Steps(
        (kernels["count"], (before,), 100, 3),
        (kernels["fail"], (42, 7), 100, chunk),
        (kernels["count"], (after,), 100, 3),
    )
    runner = pool.Runner(steps.table, threads=threads)
    assert (runner.run(), runner.status) == (1, 7)
    assert (runner.run(), runner.status) == (1, 7)
    assert before.tolist() == [2] * 100
    assert not after.any()
    steps.args[1][0] = -1  # no unit fails any more
    assert (runner.run(), runner.status) == (-1, 0)
    assert after.tolist() == [1] * 100


def test_the_table_may_change_between_runs(kernels: dict[str, int]) -> None:
    counts = np.zeros(100, np.int64)
    steps = Steps((kernels["count"], (counts,), 100, 3))
    runner = pool.Runner(steps.table, threads=2)
    runner.run()
    steps.table[0, pool.EXTENT] = 30
    runner.run()
    assert counts.tolist() == [2] * 30 + [1] * 70


def test_timing(kernels: dict[str, int]) -> None:
    counts = np.zeros(100, np.int64)
    steps = Steps(*[(kernels["count"], (counts,), extent, 10) for extent in (100, 0, 5, 100)])
    timing = np.zeros((4, 2), np.int64)
    runner = pool.Runner(steps.table, threads=2, timing=timing)
    earliest = time.monotonic_ns()
    runner.run()
    times = [earliest, *timing.ravel().tolist(), time.monotonic_ns()]
    assert times == sorted(times)
    runner.time_into(None)
    timing[:] = 0
    runner.run()
    assert not timing.any()


def test_the_addresses_of_arrays_are_put_into_the_arguments(kernels: dict[str, int]) -> None:
    args = np.zeros(2, np.int64)
    table = np.array([[kernels["count"], args.ctypes.data + 8 * i, 4, 0] for i in range(2)])
    # the second step counts in the first array, from its element 3 on
    patches = np.array([[1, args.ctypes.data, 0], [0, args.ctypes.data + 8, 24]])
    run_on = pool.Runner(table, patches=patches).run_on
    for _ in range(3):
        arrays = [np.zeros(8, np.int64), np.zeros(8, np.int64)]
        assert run_on(arrays) == -1
        assert [a.tolist() for a in arrays] == [[0, 0, 0, 1, 1, 1, 1, 0], [1, 1, 1, 1, 0, 0, 0, 0]]
    with pytest.raises(IndexError):
        run_on(arrays[:1])
    with pytest.raises(SystemError):
        run_on(tuple(arrays))  # type: ignore[arg-type]


def test_arrays_of_another_layout_are_refused() -> None:
    with pytest.raises(ValueError, match="table: expected a C-contiguous int64 array"):
        pool.Runner(np.zeros((2, 3), np.int64))
    with pytest.raises(ValueError, match="table: expected a C-contiguous int64 array"):
        pool.Runner(np.zeros((4, 4), np.int64)[::2])
    with pytest.raises(ValueError, match="timing: expected 2 rows, got 1"):
        pool.Runner(np.zeros((2, 4), np.int64), timing=np.zeros((1, 2), np.int64))


def test_the_method_outlives_the_runner(kernels: dict[str, int]) -> None:
    counts = np.zeros(10, np.int64)
    args = np.array([counts.ctypes.data])
    run = pool.Runner(np.array([[kernels["count"], args.ctypes.data, 10, 1]]), threads=2).run
    gc.collect()
    rubbish = [np.full((1, 4), -1) for _ in range(1000)]
    assert run() == -1
    assert counts.tolist() == [1] * 10
    assert rubbish


def test_python_threads_share_the_pool(kernels: dict[str, int]) -> None:
    failures: list[str] = []

    def runs(seed: int) -> None:
        start = np.arange(200) * seed
        values = start.copy()
        steps = triples(kernels, values, 24)
        runner = pool.Runner(steps.table, threads=1 + seed % 4)
        expected = tripled(start, 24)
        for _ in range(200):
            values[:] = start
            if runner.run() != -1 or not np.array_equal(values, expected):
                failures.append(f"thread {seed}")

    threads = [threading.Thread(target=runs, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def check_two_threads() -> None:
    """A run on two threads is right, and has its worker where the system has workers."""
    start = np.arange(500)
    values = start.copy()
    steps = triples(load_kernels(), values, 40)
    assert pool.Runner(steps.table, threads=2).run() == -1
    np.testing.assert_array_equal(values, tripled(start, 40))
    workers = pool._shared_runtime().pool
    if workers is not None:
        assert workers._size[0] >= min(2, workers._limit[0])


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


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
ignores_fork_warning = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


@needs_fork
@ignores_fork_warning
def test_a_forked_child_has_its_own_pool() -> None:
    check_two_threads()

    def check() -> None:
        workers = pool._shared_runtime().pool
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
        from test_pool import Steps, load_kernels

        counts = np.zeros(100, np.int64)
        steps = Steps((load_kernels()["count"], (counts,), 100, 3))
        runner = pool.Runner(steps.table, threads=2)
        allowed = os.sched_getaffinity(0)
        runner.run()
        assert os.sched_getaffinity(0) == allowed
        workers = pool._shared_runtime().pool
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
    workers = pool._shared_runtime().pool
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
        from test_pool import check_two_threads

        check_two_threads()
        time.sleep({idle})
        """)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs affinity masks")
def test_the_affinity_mask_bounds_the_threads() -> None:
    run_python("""
        import os

        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        from jitrt.execute import cpus, pool
        from test_pool import check_two_threads

        assert cpus.default_threads() == cpus.thread_count() == cpus.thread_count(8) == 1
        check_two_threads()
        assert pool._shared_runtime().pool is None or pool._shared_runtime().pool._size[0] == 1
        """)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs affinity masks")
def test_a_forked_child_has_a_mask_of_its_own() -> None:
    run_python("""
        import os
        from jitrt.execute import cpus, pool
        from test_pool import check_two_threads

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


def test_cores_group_the_siblings(tmp_path: Path) -> None:
    for cpu, siblings in {0: "0,4", 1: "1,5", 4: "0,4", 5: "1,5"}.items():
        topology = tmp_path / f"sys/devices/system/cpu/cpu{cpu}/topology"
        topology.mkdir(parents=True)
        (topology / "thread_siblings_list").write_text(siblings + "\n")
    assert cpus.cores((0, 1, 4, 5, 9), tmp_path) == [(0, 4), (1, 5), (9,)]
    assert cpus.cores((1, 4), tmp_path) == [(1,), (4,)]


def test_places_share_out_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpus, "allowed", lambda: (0, 1, 2, 3, 4, 5))
    monkeypatch.setattr(cpus, "cores", lambda mask: [(0, 3), (1, 4), (2, 5)])
    assert cpus.places(2) == [(0, 3), (1, 4, 2, 5)]
    assert cpus.places(3) == [(0, 3), (1, 4), (2, 5)]
    assert cpus.places(4) == [(0,), (1, 2), (3,), (4, 5)]
    assert cpus.places(7) == [(0,), (1,), (2,), (3,), (4,), (5,), (0,)]


@pytest.mark.parametrize(
    ("membership", "files", "expected"),
    [
        ("0::/a/b", {"a/cpu.max": "250000 100000", "a/b/cpu.max": "max 100000"}, 2.5),
        ("0::/not/mounted", {"cpu.max": "50000 100000"}, 0.5),
        ("0::/", {}, math.inf),
        (
            "4:cpu,cpuacct:/job",
            {"cpu/job/cpu.cfs_quota_us": "300000", "cpu/job/cpu.cfs_period_us": "100000"},
            3,
        ),
        ("4:cpu:/job", {"cpu/job/cpu.cfs_quota_us": "-1", "cpu/job/cpu.cfs_period_us": "100000"}, math.inf),
        ("4:cpuset:/job", {"cpuset/job/cpu.max": "100000 100000"}, math.inf),
    ],
)
def test_quota(tmp_path: Path, membership: str, files: dict[str, str], expected: float) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(membership + "\n")
    for name, content in files.items():
        path = tmp_path / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n")
    assert cpus.quota(tmp_path) == expected


@pytest.mark.parametrize(
    ("system", "machine"), [("linux", "aarch64"), ("linux", "x86_64"), ("darwin", "arm64")]
)
def test_the_runtime_compiles_for_other_machines(system: str, machine: str) -> None:
    host()
    with contextlib.suppress(RuntimeError):
        llvm.initialize_all_targets()
        llvm.initialize_all_asmprinters()
    triple = f"{'x86_64' if machine == 'x86_64' else 'aarch64'}-unknown-linux-gnu"
    try:
        machine_code = Target(triple, "generic", "").machine
    except RuntimeError:
        pytest.skip(f"this llvmlite does not generate code for {triple}")
    module = llvm.parse_assembly(pool.runtime_ir(system, machine), llvm.create_context())
    module.triple = triple
    module.verify()
    assembly = machine_code.emit_assembly(module)
    assert ("sched_setaffinity" in assembly) == (system == "linux")


def test_a_system_without_workers(kernels: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    source = pool.runtime_ir("other", "other")
    serial = pool._Runtime(cached_object("serial runtime", lambda: source), threaded=False)
    monkeypatch.setattr(pool, "_runtime", serial)
    start = np.arange(100)
    values = start.copy()
    steps = triples(kernels, values, 8)
    assert pool.Runner(steps.table, threads=4).run() == -1
    np.testing.assert_array_equal(values, tripled(start, 8))
