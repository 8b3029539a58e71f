"""Plans: buffers that live at the same time lie apart, sizes are evaluated, nothing of a run stays behind."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import model, node, random, session
from test_fuse import graph_model, graphs
from test_models import NETWORKS

from jitrt.codegen.kernel import Buffer, Kernel, Ref, Step
from jitrt.dims import Dim, Guards
from jitrt.plan import READ_AHEAD, SHORT_NS, Plan, Recipe, units_per_chunk
from jitrt.schedule import Schedule
from jitrt.table import Arena, Table

NOTHING = Kernel(
    "test_plan nothing",
    "nothing",
    lambda symbol: (
        f"define i64 @{symbol}(ptr %args, i64 %begin, i64 %end, ptr %scratch) {{\n  ret i64 0\n}}\n"
    ),
)


def assert_apart(plan: Plan) -> None:
    """By brute force: arena buffers that some step needs at once share no byte, but for an in-place pair."""
    recipe = plan.recipe
    uses: dict[int, list[int]] = {}
    for index, step in enumerate(recipe.steps):
        for argument in step.args:
            if isinstance(argument, Ref) and argument.buffer.kind == "arena":
                uses.setdefault(recipe.buffer_numbers[id(argument.buffer)], []).append(index)
    starts = plan.arena_offsets
    ends = {n: starts[n] + int(plan.sizes[recipe.buffer_sizes[n]]) for n in uses}
    for a, b in itertools.combinations(sorted(uses), 2):
        if max(uses[a][0], uses[b][0]) > min(uses[a][-1], uses[b][-1]):
            continue  # one is done before the other begins
        if max(starts[a], starts[b]) >= min(ends[a], ends[b]):
            continue
        (donor, heir) = (a, b) if uses[a][-1] == uses[b][0] else (b, a)
        step = recipe.steps[uses[heir][0]]
        pairs = [(recipe.buffer_numbers[id(o)], recipe.buffer_numbers[id(i)]) for o, i in step.in_place]
        assert uses[donor][-1] == uses[heir][0]
        assert (heir, donor) in pairs
        assert starts[donor] == starts[heir]
    for number in uses:
        assert starts[number] % 64 == 0
        assert ends[number] <= plan.scratch_offset <= plan.arena_nbytes


@st.composite
def schedules(draw: st.DrawFn) -> tuple[Schedule, dict[str, int]]:
    """Steps that read and write random buffers, some of symbolic size, some in place of an input."""
    guards = Guards()
    symbols = {"n": draw(st.integers(2, 9)), "m": draw(st.integers(2, 9))}
    n, m = (Dim.symbol(name, value, guards) for name, value in symbols.items())
    sizes = [0, 1, 4, 64, 100, n * 4, n * m * 8, m + 3]
    buffers: list[Buffer] = []
    steps = []
    for _ in range(draw(st.integers(1, 14))):
        read = draw(st.lists(st.sampled_from(buffers), max_size=3, unique_by=id)) if buffers else []
        written = [Buffer("arena", draw(st.sampled_from(sizes))) for _ in range(draw(st.integers(1, 2)))]
        if read and draw(st.booleans()):
            written[0] = Buffer("arena", read[0].nbytes)
            in_place: tuple[Any, ...] = ((written[0], read[0]),)
        else:
            in_place = ()
        if draw(st.booleans()):
            written.append(draw(st.sampled_from([*buffers, written[0]])))  # another part of a concatenation
        args = tuple(Ref(b) for b in [*read, *written])
        steps.append(Step(NOTHING, args, 1, "step", in_place=in_place))
        buffers += [b for b in written if b not in buffers]
    return Schedule(steps, [], []), symbols


@settings(max_examples=300, deadline=None)
@given(schedules(), st.integers(1, 40), st.integers(1, 40))
def test_random_schedules(made: tuple[Schedule, dict[str, int]], n: int, m: int) -> None:
    schedule, symbols = made
    recipe = Recipe(schedule, list(symbols))
    assert_apart(recipe.bind(list(symbols.values()), 1))
    assert_apart(recipe.bind([n, m], 2))


@settings(max_examples=40, deadline=None)
@given(graphs())
def test_random_graphs(graph: Any) -> None:
    source, shapes = graph_model(graph), graph[0]
    for fused in (True, False):
        s = session(source, fused=fused)
        s.run(None, {f"v{i}": np.ones(shape, np.float32) for i, shape in enumerate(shapes)})
        for plan in plans(s):
            assert_apart(plan)


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("name", NETWORKS)
def test_networks(name: str, fused: bool) -> None:
    source, feeds = NETWORKS[name]()
    s = session(source, threads=2, fused=fused)
    for feed in feeds:
        s.run(None, feed)
    made = plans(s)
    assert len(made) == len(feeds)
    for plan in made:
        assert_apart(plan)


def plans(s: Any) -> list[Plan]:
    return [plan for program in s._programs.values() for _, plan in program.plans.values()]


def test_buffers_are_reused() -> None:
    """A chain of products needs two buffers, however long it is."""
    nodes = [node("MatMul", [f"x{i}", "w"], [f"x{i + 1}"]) for i in range(20)]
    s = session(model(nodes, {"x0": ["n", 32]}, ["x20"], {"w": random(32, 32) / 6}))
    s.run(None, {"x0": random(100, 32)})
    (plan,) = plans(s)
    assert plan.scratch_offset <= 2 * 100 * 32 * 4 + 64


def test_results_do_not_depend_on_what_memory_held() -> None:
    """Arena and outputs hold NaN before the run."""
    source, feeds = NETWORKS["convolutional"]()
    s = session(source)
    wanted = s.run(None, feeds[0])
    (arena,) = s._context.arenas
    arena.memory[:] = 0xFF
    for result, expected in zip(s.run(None, feeds[0]), wanted, strict=True):
        np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("name", NETWORKS)
def test_runs_stay_inside_the_arena(name: str) -> None:
    source, feeds = NETWORKS[name]()
    s = session(source)
    for feed in feeds:
        s.run(None, feed)
        (program,) = s._programs.values()
        _, plan = next(reversed(program.plans.values()))
        arena = Arena(plan.arena_nbytes)
        arena.memory[:] = 0xA5
        first = arena.address - arena.memory.ctypes.data
        assert isinstance(Table(plan, arena).run([feed[n] for n in program.specs]), list)
        assert (arena.memory[:first] == 0xA5).all()
        assert (arena.memory[first + plan.arena_nbytes :] == 0xA5).all()


def test_scratch_of_threads_is_apart() -> None:
    """What one thread reads ahead in its scratch memory does not reach that of the next."""
    nodes = [node("MaxPool", ["x"], ["y"], kernel_shape=[3, 3])]
    s = session(model(nodes, {"x": [1, 4, 9, 40]}, ["y"]), threads=2)
    s.run(None, {"x": random(1, 4, 9, 40)})
    (plan,) = plans(s)
    assert plan.scratch_stride >= 40 * 4 + READ_AHEAD
    assert plan.scratch_stride % 64 == 0
    assert plan.arena_nbytes == plan.scratch_offset + plan.threads * plan.scratch_stride


def test_sizes_in_data() -> None:
    """A constant made of dynamic sizes, in a plan for each."""
    nodes = [node("Shape", ["x"], ["s"]), node("Cast", ["s"], ["f"], to=1), node("Mul", ["f", "k"], ["y"])]
    s = session(model(nodes, {"x": ["a", "b", 3]}, ["y"], {"k": np.float32(0.5)}))
    for a, b in [(4, 2), (1, 7), (5, 5), (4, 2), (0, 3)]:
        np.testing.assert_array_equal(
            s.run(None, {"x": np.zeros((a, b, 3), np.float32)})[0], [a / 2, b / 2, 1.5]
        )


def test_units_that_share_work_stay_together() -> None:
    """Of 12 blocks of 8 units, chunks are whole blocks; a short step has one chunk a thread."""
    extents, sharing = np.array([96, 96, 96, 8]), np.array([1, 8, 8, 8])
    cost = np.array([8 * SHORT_NS, 8 * SHORT_NS, SHORT_NS // 2, 8 * SHORT_NS])
    assert units_per_chunk(extents, sharing, cost, 1).tolist() == [12, 8, 96, 4]
    assert units_per_chunk(extents, sharing, cost, 2).tolist() == [6, 8, 48, 2]
