"""Memory is given back: by sessions that end, by arenas that are told to, by runs of any number."""

from __future__ import annotations

import gc
import subprocess
import sys
import textwrap
import weakref
from pathlib import Path

import numpy as np
import pytest
from models import model, node, random, session

import jitrt

MATMUL = model([node("MatMul", ["x", "w"], ["y"])], {"x": ["n", 256]}, ["y"], {"w": random(256, 256)})
CHAIN = model(
    [node("MatMul", ["x", "w"], ["a"]), node("MatMul", ["a", "w"], ["b"]), node("MatMul", ["b", "w"], ["y"])],
    {"x": ["n", 256]},
    ["y"],
    {"w": random(256, 256) / 16},
)
# VmRSS in MiB, after the C library has given back what it could
MEASURE = """
    import ctypes, gc, sys
    import numpy as np
    from models import model, node, random, session

    def megabytes():
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)
        with open("/proc/self/status") as status:
            (line,) = [line for line in status if line.startswith("VmRSS")]
        return int(line.split()[1]) / 1024
"""
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def measured(code: str) -> list[float]:
    """The numbers that a script prints, run in a process of its own."""
    script = textwrap.dedent(MEASURE) + textwrap.dedent(code)
    path = [str(Path(__file__).parent), *filter(None, sys.path)]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {path!r}\n{script}"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return [float(word) for word in done.stdout.split()]


def test_a_session_that_goes_takes_everything_along() -> None:
    s = session(MATMUL)
    s.run(None, {"x": random(3, 256)})
    s.run(["y"], {"x": random(3, 256)}, jitrt.RunOptions())
    binding = s.io_binding()
    (program,) = s._programs.values()
    parts = [s._context, s._context.arenas[0], program, program.variants[0], s._model, binding]
    gone = [weakref.ref(part) for part in parts]
    del s, program, parts, binding
    gc.collect()
    assert [ref() for ref in gone] == [None] * len(gone)


@on_linux
def test_sessions_made_and_dropped_leave_nothing() -> None:
    """Each has 16 MiB of weights, and an arena of as much."""
    before, after = measured("""
        def use(seed):
            w = random(2048, 2048, seed=seed)
            s = session(model([node("MatMul", ["x", "w"], ["m"]), node("MatMul", ["m", "w"], ["y"])],
                              {"x": ["n", 2048]}, ["y"], {"w": w}))
            s.run(None, {"x": np.ones((2048, 2048), np.float32)[:512]})

        for seed in range(2):
            use(seed)
        before = megabytes()
        for seed in range(4):
            use(seed)
        print(before, megabytes())
    """)
    assert after - before < 16


@on_linux
def test_a_hundred_thousand_runs_take_no_more_memory() -> None:
    before, after = measured("""
        s = session(model([node("Relu", ["x"], ["y"])], {"x": ["n"]}, ["y"]))
        feeds = [{"x": np.ones(n, np.float32)} for n in range(1, 9)]

        def run(count):
            for i in range(count):
                s.run(None, feeds[i % 8])

        run(10_000)
        before = megabytes()
        run(100_000)
        print(before, megabytes())
    """)
    assert after - before < 4


@on_linux
def test_shapes_that_never_return_take_no_more_memory() -> None:
    before, after = measured("""
        s = session(model([node("MatMul", ["x", "w"], ["m"]), node("Softmax", ["m"], ["y"])],
                          {"x": ["n", 64]}, ["y"], {"w": random(64, 64)}))

        def run(first, last):
            for n in range(first, last):
                s.run(None, {"x": np.ones((n % 3000 + 1, 64), np.float32)})

        run(0, 3000)
        before = megabytes()
        run(1000, 4000)
        print(before, megabytes())
    """)
    assert after - before < 8


@on_linux
def test_what_is_shrunk_goes_back_to_the_system() -> None:
    """Arenas that malloc would keep, being smaller than what it takes from the system one by one."""
    kept, shrunk = measured("""
        import jitrt
        from pathlib import Path

        def resident():
            (line,) = [n for n in Path("/proc/self/status").read_text().splitlines() if n.startswith("VmRSS")]
            return int(line.split()[1]) / 1024

        w = np.eye(256, dtype=np.float32)
        nodes = [node("MatMul", ["x", "w"], ["a"]), node("MatMul", ["a", "w"], ["b"])]
        source = model([*nodes, node("MatMul", ["b", "w"], ["y"])], {"x": ["n", 256]}, ["y"], {"w": w})
        s, shrinking = jitrt.InferenceSession(source), jitrt.RunOptions()
        shrinking.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        x = random(9000, 256)
        np.empty(30 << 20, np.uint8)  # from here on malloc keeps blocks of up to that size
        for _ in range(3):
            out = s.run(None, {"x": x})
        print(resident())
        out = s.run(None, {"x": x}, shrinking)
        print(resident())
    """)
    assert shrunk < kept - 5


def held(s: jitrt.InferenceSession) -> int:
    """Bytes of the arenas that a session keeps."""
    return sum(arena.memory.nbytes for arena in s._context.arenas)


def test_arenas_are_kept_unless_told_otherwise() -> None:
    x = random(500, 256)
    wanted = session(CHAIN).run(None, {"x": x})[0]
    kept = session(CHAIN)
    np.testing.assert_array_equal(kept.run(None, {"x": x})[0], wanted)
    assert held(kept) > 500_000
    shrinking = jitrt.RunOptions()
    shrinking.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    np.testing.assert_array_equal(kept.run(None, {"x": x}, shrinking)[0], wanted)
    assert held(kept) == 0
    np.testing.assert_array_equal(kept.run(None, {"x": x})[0], wanted)
    assert held(kept) > 500_000


@pytest.mark.parametrize("how", ["enable_cpu_mem_arena", "jitrt.shrink_arena"])
def test_sessions_without_an_arena(how: str) -> None:
    options = jitrt.SessionOptions()
    if how == "enable_cpu_mem_arena":
        options.enable_cpu_mem_arena = False
    else:
        options.add_session_config_entry(how, "1")
    s, x = jitrt.InferenceSession(CHAIN, options), random(500, 256)
    for _ in range(3):
        np.testing.assert_array_equal(s.run(None, {"x": x})[0], session(CHAIN).run(None, {"x": x})[0])
        assert held(s) == 0
