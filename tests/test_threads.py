"""Threads that share a session, sessions side by side, several threads in a run: always the same bits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from models import model, node, random, session
from test_models import convolutional_network, recurrent_network, sizes_from_data, transformer_block

import jitrt

THREADS = 8
RUNS = 200

SMALL = model(
    [
        node("MatMul", ["x", "w"], ["m"]),
        node("Softmax", ["m"], ["s"], axis=-1),
        node("Add", ["s", "x"], ["y"]),
    ],
    {"x": ["n", 16]},
    ["y"],
    {"w": random(16, 16)},
)


def bits(results: list[Any]) -> list[bytes]:
    return [np.asarray(r).tobytes() for r in results]


def in_threads(work: Callable[[int], None]) -> None:
    """Call `work` in every thread at about the same time; raises what the first to fail raises."""
    start = threading.Barrier(THREADS)

    def run(number: int) -> None:
        start.wait()
        work(number)

    with ThreadPoolExecutor(THREADS) as pool:
        for future in [pool.submit(run, i) for i in range(THREADS)]:
            future.result()


@pytest.mark.parametrize("threads", [1, 2])
def test_one_session_from_many_threads(threads: int) -> None:
    """From the first call on, which all threads make at once, and with a shape that changes."""
    feeds = [{"x": random(1 + i % 5, 16, seed=i)} for i in range(THREADS)]
    alone = session(SMALL)
    wanted = [bits(alone.run(None, feed)) for feed in feeds]
    shared = session(SMALL, threads=threads)

    def work(number: int) -> None:
        for run in range(RUNS):
            i = (number + run) % THREADS
            assert bits(shared.run(None, feeds[i])) == wanted[i]

    in_threads(work)


@pytest.mark.parametrize(
    "build", [convolutional_network, transformer_block, recurrent_network, sizes_from_data]
)
def test_networks_from_many_threads(build: Callable[[], tuple[bytes, list[dict[str, Any]]]]) -> None:
    source, feeds = build()
    alone = session(source)
    wanted = [bits(alone.run(None, feed)) for feed in feeds]
    shared = session(source, threads=2)

    def work(number: int) -> None:
        for run in range(5):
            i = (number + run) % len(feeds)
            assert bits(shared.run(None, feeds[i])) == wanted[i]

    in_threads(work)


@pytest.mark.parametrize("build", [convolutional_network, transformer_block, recurrent_network])
def test_any_number_of_threads_gives_the_same_bits(
    build: Callable[[], tuple[bytes, list[dict[str, Any]]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every step is shared out, however little it has to do, and onto as many threads as there may be."""
    monkeypatch.setattr("jitrt.plan.PARALLEL_NS", 0)
    monkeypatch.setattr("jitrt.execute.cpus.allowed", lambda: (0, 1, 2, 3))
    source, feeds = build()
    one = session(source, threads=1)
    for threads in (2, 3, 4):
        several = session(source, threads=threads)
        assert several._context.threads == threads
        for feed in feeds:
            assert bits(several.run(None, feed)) == bits(one.run(None, feed))


def test_sessions_made_and_run_at_once() -> None:
    feed = {"x": random(3, 16)}
    wanted = bits(session(SMALL).run(None, feed))

    def work(number: int) -> None:
        for _ in range(5):
            assert bits(session(SMALL, threads=1 + number % 2).run(None, feed)) == wanted

    in_threads(work)


def test_different_models_at_once() -> None:
    built = [convolutional_network(), transformer_block(), recurrent_network(), sizes_from_data()]
    sessions = [session(source, threads=2) for source, _ in built]
    wanted = [bits(session(source).run(None, feeds[0])) for source, feeds in built]

    def work(number: int) -> None:
        for run in range(10):
            i = (number + run) % len(built)
            assert bits(sessions[i].run(None, built[i][1][0])) == wanted[i]

    in_threads(work)


PICKED = model([node("Gather", ["x", "i"], ["y"])], {"x": ["n"], "i": (7, ["m"])}, ["y"])


def fail_in_some_threads(s: Any) -> None:
    """Every other thread picks what is not there from ten numbers; the others get theirs."""
    x, good, bad = random(10), np.arange(10)[::-1].copy(), np.array([3, 10])

    def work(number: int) -> None:
        for _ in range(50):
            if number % 2:
                with pytest.raises(jitrt.errors.InvalidArgument, match="idx=10"):
                    s.run(None, {"x": x, "i": bad})
            else:
                np.testing.assert_array_equal(s.run(None, {"x": x, "i": good})[0], x[::-1])

    in_threads(work)


def test_errors_in_some_threads_leave_the_others_alone() -> None:
    fail_in_some_threads(session(PICKED, threads=2))


def test_memory_does_not_grow_with_shapes_and_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jitrt.plan.MOST_PLANS", 96)
    s = session(SMALL)

    def work(number: int) -> None:
        for size in range(1, 150):
            s.run(None, {"x": np.ones((size, 16), np.float32)})

    in_threads(work)
    (program,) = s._programs.values()
    assert len(program.plans) == 96
    assert len(s._context.arenas) <= THREADS
    assert all(len(arena.tables) <= 96 for arena in s._context.arenas)


def test_what_was_run_before_changes_no_bits() -> None:
    """Rows of a length that the model leaves open: short ones first, or long ones."""
    source = model([node("Softmax", ["x"], ["y"], axis=-1)], {"x": ["n", "length"]}, ["y"])
    short, long = {"x": random(100, 5)}, {"x": random(100, 300)}
    one, other = session(source), session(source)
    found = [bits(one.run(None, feed)) for feed in (short, long)]
    assert found == [bits(other.run(None, feed)) for feed in (long, short)][::-1]
