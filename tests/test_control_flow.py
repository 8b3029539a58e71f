"""Loops and branches as steps of one table, held against onnxruntime."""

import numpy as np
import pytest
from control_flow_models import BOOL, FLOAT, INT64, agree, body, halves, is_native, model_of, node, session_of


def test_loop_with_a_branch():
    rng = np.random.default_rng(0)
    feeds = [
        {
            "m": np.array(m),
            "x0": rng.standard_normal(n).astype(np.float32),
            "added": rng.standard_normal(n).astype(np.float32),
        }
        for m, n in [(1, 4), (2, 4), (7, 4), (8, 300), (0, 3), (5, 1)]
    ]
    assert is_native(agree(halves(), *feeds))


def until(limit, gathers):
    """x doubles while its sum is below a limit."""
    outputs = [("again", BOOL, []), ("next", FLOAT, [2])] + [("sum", FLOAT, [])] * gathers
    loop = body(
        [
            node("Add", ["x", "x"], ["next"]),
            node("ReduceSum", ["next"], ["sum"], keepdims=0),
            node("Less", ["sum", "limit"], ["again"]),
        ],
        [("i", INT64, []), ("going", BOOL, []), ("x", FLOAT, [2])],
        outputs,
        {"limit": np.float32(limit)},
    )
    results = [("last", FLOAT), *[("sums", FLOAT)] * gathers]
    return model_of(
        [node("Loop", ["m", "c", "x0"], [n for n, _ in results], body=loop)],
        [("m", INT64, [1]), ("c", BOOL, []), ("x0", FLOAT, [2])],
        results,
    )


@pytest.mark.parametrize("gathers", [False, True])
@pytest.mark.parametrize(("trips", "going"), [(100, True), (3, True), (0, True), (100, False), (1, True)])
def test_loop_that_ends_early(gathers, trips, going):
    x = np.array([1, 2], np.float32)
    feeds = [{"m": np.array([trips]), "c": np.array(going), "x0": x * f} for f in (1, 0.01, 1)]
    model = until(50.0, gathers)
    session = agree(model, *feeds)
    assert gathers or is_native(session)


def test_loop_without_trips_or_condition_input():
    loop = body(
        [
            node("Add", ["x", "step"], ["next"]),
            node("Less", ["next", "limit"], ["again"]),
        ],
        [("i", INT64, []), ("going", BOOL, []), ("x", FLOAT, [])],
        [("again", BOOL, []), ("next", FLOAT, [])],
        {"step": np.float32(1.5), "limit": np.float32(100)},
    )
    model = model_of(
        [node("Loop", ["", "", "x0"], ["last"], body=loop)], [("x0", FLOAT, [])], [("last", FLOAT)]
    )
    assert is_native(agree(model, *({"x0": np.array(x, np.float32)} for x in (0, 99))))


def test_states_that_change_places_and_one_that_stays():
    """Fibonacci: a, b = b, a + b; the increment is a state that nothing changes."""
    loop = body(
        [node("Add", ["a", "b"], ["sum"]), node("Add", ["sum", "c"], ["next"])],
        [(n, t, s) for n, t, s in [("i", INT64, []), ("going", BOOL, [])]]
        + [(n, INT64, [3]) for n in ("a", "b", "c")],
        [("going", BOOL, []), ("b", INT64, [3]), ("next", INT64, [3]), ("c", INT64, [3]), ("a", INT64, [3])],
    )
    model = model_of(
        [node("Loop", ["m", "", "a0", "b0", "c0"], ["A", "B", "C", "all"], body=loop)],
        [("m", INT64, []), *((n, INT64, [3]) for n in ("a0", "b0", "c0"))],
        [(n, INT64) for n in ("A", "B", "C", "all")],
    )
    feeds = [
        {"m": np.array(m), "a0": np.array([0, 1, 2]), "b0": np.array([1, 1, 1]), "c0": np.array([0, 0, 5])}
        for m in (10, 1, 2, 11)
    ]
    session = agree(model, *feeds)
    assert is_native(session)
    zero = session.run(None, {**feeds[0], "m": np.array(0)})
    np.testing.assert_array_equal(zero[:3], [feeds[0][n] for n in ("a0", "b0", "c0")])
    assert zero[3].shape == (0, 3)


def nested_loops(inner_trips):
    """The inner loop takes a step for each number up to the outer one's; both gather."""
    inner = body(
        [
            node("Cast", ["j"], ["jf"], to=FLOAT),
            node("Add", ["u", "jf"], ["u1"]),
            node("Mul", ["u1", "scale"], ["u2"]),
            node("Identity", ["inner_going"], ["inner_again"]),
        ],
        [("j", INT64, []), ("inner_going", BOOL, []), ("u", FLOAT, ["n"])],
        [("inner_again", BOOL, []), ("u2", FLOAT, ["n"]), ("u1", FLOAT, ["n"])],
    )
    outer = body(
        [
            node("Loop", [inner_trips, "", "x"], ["y", "steps"], body=inner),
            node("ReduceMax", ["steps"], ["top"], keepdims=0),
            node("Identity", ["going"], ["again"]),
        ],
        [("i", INT64, []), ("going", BOOL, []), ("x", FLOAT, ["n"])],
        [("again", BOOL, []), ("y", FLOAT, ["n"]), ("steps", FLOAT, [None, "n"]), ("top", FLOAT, [])],
    )
    return model_of(
        [node("Loop", ["m", "", "x0"], ["last", "all", "tops"], body=outer)],
        [("m", INT64, []), ("k", INT64, []), ("x0", FLOAT, ["n"]), ("scale", FLOAT, ["n"])],
        [("last", FLOAT), ("all", FLOAT), ("tops", FLOAT)],
    )


def test_nested_loops():
    rng = np.random.default_rng(1)
    feeds = [
        {
            "m": np.array(m),
            "k": np.array(k),
            "x0": rng.standard_normal(n).astype(np.float32),
            "scale": rng.uniform(0.5, 0.9, n).astype(np.float32),
        }
        for m, k, n in [(3, 4, 5), (1, 1, 5), (4, 3, 40), (2, 6, 1)]
    ]
    assert is_native(agree(nested_loops("k"), *feeds))


def test_scan_in_a_branch_in_a_loop():
    """A recurrence over rows, forwards or backwards by the iteration; the loop's state is its input."""

    def recurrence(backward):
        suffix = str(backward)
        cell = body(
            [node("MatMul", ["h" + suffix, "w"], ["hw" + suffix]),
             node("Add", ["hw" + suffix, "row" + suffix], ["sum" + suffix]),
             node("Tanh", ["sum" + suffix], ["hn" + suffix]),
             node("Identity", ["hn" + suffix], ["out" + suffix])],
            [("h" + suffix, FLOAT, [4]), ("row" + suffix, FLOAT, [4])],
            [("hn" + suffix, FLOAT, [4]), ("out" + suffix, FLOAT, [4])],
        )  # fmt: skip
        scan = node(
            "Scan", ["h0", "x"], ["end" + suffix, "rows" + suffix], body=cell, num_scan_inputs=1,
            scan_input_directions=[backward], scan_output_directions=[backward],
        )  # fmt: skip
        return body([scan], [], [("rows" + suffix, FLOAT, [None, 4])])

    loop = body(
        [
            node("Mod", ["i", "two"], ["odd"]),
            node("Cast", ["odd"], ["is_odd"], to=BOOL),
            node("If", ["is_odd"], ["y"], then_branch=recurrence(1), else_branch=recurrence(0)),
            node("Identity", ["going"], ["again"]),
        ],
        [("i", INT64, []), ("going", BOOL, []), ("x", FLOAT, ["t", 4])],
        [("again", BOOL, []), ("y", FLOAT, ["t", 4])],
        {"two": np.int64(2)},
    )
    model = model_of(
        [node("Loop", ["m", "", "x0"], ["last"], body=loop)],
        [("m", INT64, []), ("x0", FLOAT, ["t", 4]), ("w", FLOAT, [4, 4]), ("h0", FLOAT, [4])],
        [("last", FLOAT)],
    )
    rng = np.random.default_rng(2)
    w, h = rng.standard_normal((4, 4)).astype(np.float32), rng.standard_normal(4).astype(np.float32)
    session = session_of(model)
    for m, t in [(1, 5), (4, 5), (3, 2), (2, 9)]:
        x0 = rng.standard_normal((t, 4)).astype(np.float32)
        x = x0.astype(np.float64)
        for i in range(m):
            order = range(t)[::-1] if i % 2 else range(t)
            state, y = h.astype(np.float64), np.empty_like(x)
            for row in order:
                state = y[row] = np.tanh(state @ w + x[row])
            x = y
        (got,) = session.run(None, {"m": np.array(m), "x0": x0, "w": w, "h0": h})
        np.testing.assert_allclose(got, x, rtol=1e-4, atol=1e-5)
    assert is_native(session)


def test_branch_by_data_outside_of_loops():
    then = body([node("Mul", ["x", "x"], ["t"])], [], [("t", FLOAT, None)])
    other = body([node("Identity", ["x"], ["o"])], [], [("o", FLOAT, None)])
    model = model_of(
        [
            node("ReduceSum", ["x"], ["total"], keepdims=0),
            node("Greater", ["total", "zero"], ["positive"]),
            node("If", ["positive"], ["y"], then_branch=then, else_branch=other),
            node("Add", ["y", "total"], ["z"]),
        ],
        [("x", FLOAT, ["n"])],
        [("z", FLOAT), ("y", FLOAT)],
        {"zero": np.float32(0)},
    )
    x = np.arange(300, dtype=np.float32)
    assert is_native(agree(model, {"x": x}, {"x": -x}, {"x": x[:7]}))


def test_branches_of_different_shapes():
    then = body([node("Concat", ["x", "x"], ["t"], axis=0)], [], [("t", FLOAT, None)])
    other = body([node("Identity", ["x"], ["o"])], [], [("o", FLOAT, None)])
    model = model_of(
        [
            node("ReduceSum", ["x"], ["total"], keepdims=0),
            node("Greater", ["total", "zero"], ["positive"]),
            node("If", ["positive"], ["y"], then_branch=then, else_branch=other),
        ],
        [("x", FLOAT, ["n"])],
        [("y", FLOAT)],
        {"zero": np.float32(0)},
    )
    x = np.arange(1, 5, dtype=np.float32)
    agree(model, {"x": x}, {"x": -x})


def test_state_that_grows():
    loop = body(
        [node("Concat", ["x", "more"], ["next"], axis=0), node("Identity", ["going"], ["again"])],
        [("i", INT64, []), ("going", BOOL, []), ("x", FLOAT, [None])],
        [("again", BOOL, []), ("next", FLOAT, [None])],
    )
    model = model_of(
        [node("Loop", ["m", "", "x0"], ["last"], body=loop)],
        [("m", INT64, []), ("x0", FLOAT, [None]), ("more", FLOAT, [None])],
        [("last", FLOAT)],
    )
    more = np.array([1, 2], np.float32)
    agree(model, *({"m": np.array(m), "x0": more[:k], "more": more} for m in (1, 4) for k in (0, 1, 2)))


def test_shape_that_depends_on_the_iteration():
    """A slice up to the iteration's number runs in Python; the loop around it then does as well."""
    loop = body(
        [
            node("Add", ["i", "one"], ["end"]),
            node("Slice", ["data", "zero", "end"], ["part"]),
            node("ReduceSum", ["part"], ["sum"], keepdims=0),
            node("Add", ["x", "sum"], ["next"]),
            node("Identity", ["going"], ["again"]),
        ],
        [("i", INT64, []), ("going", BOOL, []), ("x", FLOAT, [])],
        [("again", BOOL, []), ("next", FLOAT, []), ("sum", FLOAT, [])],
        {"one": np.array([1]), "zero": np.array([0])},
    )
    model = model_of(
        [node("Loop", ["m", "", "x0"], ["last", "sums"], body=loop)],
        [("m", INT64, []), ("x0", FLOAT, []), ("data", FLOAT, [None])],
        [("last", FLOAT), ("sums", FLOAT)],
    )
    data = np.arange(6, dtype=np.float32)
    agree(model, *({"m": np.array(m), "x0": np.array(1, np.float32), "data": data} for m in (1, 6)))


@pytest.mark.parametrize("seed", range(6))
def test_random_bodies(seed):
    """Many buffers alive at once, in and around a loop: what shares memory must not be needed any more."""
    rng = np.random.default_rng(seed)
    names, nodes = ["x", "y", "outer"], []
    for i in range(12):
        op = rng.choice(["Add", "Sub", "Mul", "Max"])
        first, second = rng.choice(names[-5:]), rng.choice(names)
        nodes.append(node(op, [first, second], [f"v{i}"]))
        nodes.append(node("Softmax", [f"v{i}"], [f"w{i}"]))  # no chain of one kernel
        names += [f"w{i}"]
    nodes.append(node("Identity", ["going"], ["again"]))
    picked = [str(n) for n in rng.choice(names[3:], 3, replace=False)]
    loop = body(
        nodes,
        [("i", INT64, []), ("going", BOOL, []), ("x", FLOAT, [2, 33]), ("y", FLOAT, [2, 33])],
        [("again", BOOL, []), *((n, FLOAT, [2, 33]) for n in picked)],
    )
    model = model_of(
        [
            node("Exp", ["x0"], ["before"]),
            node("Softmax", ["before"], ["outer"]),
            node("Softmax", ["outer"], ["later"]),
            node("Loop", ["m", "", "before", "x0"], ["a", "b", "all"], body=loop),
            node("Mul", ["a", "later"], ["c"]),
        ],
        [("m", INT64, []), ("x0", FLOAT, [2, 33])],
        [("c", FLOAT), ("b", FLOAT), ("all", FLOAT)],
    )
    feeds = [{"m": np.array(m), "x0": rng.standard_normal((2, 33)).astype(np.float32)} for m in (1, 2, 5)]
    assert is_native(agree(model, *feeds))
