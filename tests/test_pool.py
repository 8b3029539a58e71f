"""Step tables on the worker pool: every unit once, failures, concurrency."""

from __future__ import annotations

import contextlib
import gc
import threading
import time

import llvmlite.binding as llvm
import numpy as np
import pytest
from pool_kernels import Steps, tripled, triples

from jitrt.codegen.compile import cached_object
from jitrt.codegen.target import Target, host
from jitrt.execute import pool

pytestmark = pytest.mark.usefixtures("four_threads")


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
    serial = pool._Runtime(cached_object(f"serial runtime {source}", lambda: source), threaded=False)
    monkeypatch.setattr(pool, "_runtime", serial)
    start = np.arange(100)
    values = start.copy()
    steps = triples(kernels, values, 8)
    assert pool.Runner(steps.table, threads=4).run() == -1
    np.testing.assert_array_equal(values, tripled(start, 8))
