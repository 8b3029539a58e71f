"""@jitrt.op: operators of the user's own, elementwise and as Numba kernels."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from models import assert_close, random

import jitrt
from jitrt import errors, opdef, user_operator
from jitrt.expr import exp, maximum

DOMAIN = "my.domain"
HEADER = f'<ir_version: 10, opset_import: ["": 18, "{DOMAIN}": 1]>'


def source(graph: str, functions: str = "") -> bytes:
    """A model, from the text of its graph and of its functions."""
    return onnx.parser.parse_model(f"{HEADER} {graph} {functions}").SerializeToString()


def run(graph: str, **feed: Any) -> Any:
    return jitrt.InferenceSession(source(graph)).run(None, feed)[0]


def steps(session: jitrt.InferenceSession) -> list[list[str]]:
    """The names of each kernel's nodes, after a first run."""
    (program,) = session._programs.values()
    return [[node.split('"')[1] for node in step.nodes] for step in program.variants[0].recipe.steps]


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    known = list(user_operator._defined)
    yield
    for entry in user_operator._defined:
        if entry not in known:
            opdef.remove(entry.domain, entry.name, entry.since)
    user_operator._defined[:] = known


@pytest.fixture
def swish() -> opdef.Operator:
    @jitrt.op(DOMAIN, "Swish")
    def swish(x, *, beta=1.0):
        return x / (1 + exp(-beta * x))

    return swish


@pytest.fixture
def row_norm() -> opdef.Operator:
    @jitrt.op(
        DOMAIN,
        "RowNorm",
        outputs=lambda X, *, power=2.0: [(X.dtype, X.shape[:1])],
        extent=lambda X: X.shape[0],
    )
    def row_norm(Y, X, power, begin, end):
        for i in range(begin, end):
            total = 0.0
            for j in range(X.shape[1]):
                total += abs(X[i, j]) ** power
            Y[i] = total ** (1 / power)

    return row_norm


def swish_of(x: np.ndarray, beta: float) -> np.ndarray:
    wide = x.astype(np.float64)
    return (wide / (1 + np.exp(-beta * wide))).astype(x.dtype)


def test_an_elementwise_one_fuses_with_its_neighbours(swish: opdef.Operator) -> None:
    nodes = f"a = Add(x, b) s = {DOMAIN}.Swish <beta = 1.5> (a) y = Mul(s, x)"
    graph = f"g (float[n, 8] x, float[8] b) => (float[n, 8] y) {{ {nodes} }}"
    session, x, b = jitrt.InferenceSession(source(graph)), random(5, 8), random(8)
    assert_close(session.run(None, {"x": x, "b": b})[0], swish_of(x + b, 1.5) * x)
    assert steps(session) == [["a", "s", "y"]]


def test_it_rides_on_a_product(swish: opdef.Operator) -> None:
    graph = (
        f"g (float[n, 8] x, float[8, 4] w) => (float[n, 4] y) {{ m = MatMul(x, w) y = {DOMAIN}.Swish(m) }}"
    )
    session, x, w = jitrt.InferenceSession(source(graph)), random(5, 8), random(8, 4)
    assert_close(session.run(None, {"x": x, "w": w})[0], swish_of(x @ w, 1))
    assert steps(session) == [["m", "y"]]


@pytest.mark.parametrize(
    ("name", "dtype"), [("float", np.float32), ("double", np.float64), ("float16", np.float16)]
)
def test_types_of_an_elementwise_one(swish: opdef.Operator, name: str, dtype: Any) -> None:
    x = random(50, dtype=dtype)
    y = run(f"g ({name}[n] x) => ({name}[n] y) {{ y = {DOMAIN}.Swish(x) }}", x=x)
    assert_close(y, swish_of(x, 1), 1e-3 if dtype == np.float16 else 1e-6)


def test_two_inputs_broadcast() -> None:
    @jitrt.op(DOMAIN, "Excess")
    def excess(x, limit):
        return maximum(x - limit, 0)

    x, limit = random(4, 1, 3), random(5, 1)
    y = run(
        f"g (float[a, 1, c] x, float[b, 1] l) => (float[a, b, c] y) {{ y = {DOMAIN}.Excess(x, l) }}",
        x=x,
        l=limit,
    )
    np.testing.assert_array_equal(y, np.maximum(x - limit, 0))


def test_a_numba_kernel_with_a_shape_rule(row_norm: opdef.Operator) -> None:
    graph = f"g (float[n, m] x) => (float[n] y) {{ y = {DOMAIN}.RowNorm <power = 3.0> (x) }}"
    session = jitrt.InferenceSession(source(graph))
    for shape in ((4, 5), (9, 3), (1000, 7), (1, 1), (0, 5), (3, 0)):
        x = random(*shape)
        wanted = (np.abs(x.astype(np.float64)) ** 3).sum(1) ** (1 / 3)
        assert_close(session.run(None, {"x": x})[0], wanted.astype(np.float32))
        (program,) = session._programs.values()
        assert len(program.variants) == 1 or shape[0] * shape[1] <= 1  # the kernel is compiled for any size


def test_defaults_are_the_rules(row_norm: opdef.Operator) -> None:
    x = random(4, 5)
    y = run(f"g (float[n, m] x) => (float[n] y) {{ y = {DOMAIN}.RowNorm(x) }}", x=x)
    assert_close(y, np.linalg.norm(x, axis=1))


def test_sixteen_bits_pass_through_float32(row_norm: opdef.Operator) -> None:
    x = random(4, 5, dtype=np.float16)
    y = run(f"g (float16[n, m] x) => (float16[n] y) {{ y = {DOMAIN}.RowNorm(x) }}", x=x)
    assert_close(y, np.linalg.norm(x.astype(np.float32), axis=1).astype(np.float16), 1e-3)


def test_several_outputs_of_other_types() -> None:
    @jitrt.op(
        DOMAIN,
        "Largest",
        outputs=lambda X: [(X.dtype, X.shape[:1]), (np.dtype(np.int64), X.shape[:1])],
        extent=lambda X: X.shape[0],
    )
    def largest(Y, where, X, begin, end):
        for i in range(begin, end):
            where[i] = 0
            for j in range(1, X.shape[1]):
                if X[i, j] > X[i, where[i]]:
                    where[i] = j
            Y[i] = X[i, where[i]]

    graph = f"g (float[n, m] x) => (float[n] y, int64[n] i) {{ y, i = {DOMAIN}.Largest(x) }}"
    x = random(6, 9)
    values, indices = jitrt.InferenceSession(source(graph)).run(None, {"x": x})
    np.testing.assert_array_equal(values, x.max(1))
    np.testing.assert_array_equal(indices, x.argmax(1))
    one = f"g (float[n, m] x) => (int64[n] i) {{ , i = {DOMAIN}.Largest(x) }}"
    np.testing.assert_array_equal(run(one, x=x), x.argmax(1))


def test_negative_indices_count_from_the_end() -> None:
    @jitrt.op(DOMAIN, "Last", outputs=lambda X: [(X.dtype, X.shape[:1])], extent=lambda X: X.shape[0])
    def last(Y, X, begin, end):
        for i in range(begin, end):
            Y[i] = second(X, i) + 10 * X[i, -1]

    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.testing.assert_array_equal(jitrt.call("Last", x, domain=DOMAIN), [21, 54])


def second(X: Any, i: int) -> Any:
    """A function that kernels call."""
    return X[i, -2]


def test_one_unit_unless_told_otherwise() -> None:
    @jitrt.op(DOMAIN, "Total", outputs=lambda X: [(X.dtype, ())])
    def total(Y, X, begin, end):
        Y[()] = X.sum()

    assert jitrt.call("Total", np.arange(10.0), domain=DOMAIN) == 45


def test_defining_again_replaces() -> None:
    graph = f"g (float[n] x) => (float[n] y) {{ y = {DOMAIN}.Changed(x) }}"
    results = []
    for factor in (2.0, 3.0):

        @jitrt.op(DOMAIN, "Changed")
        def changed(x, factor=factor):
            return x * factor

        results.append(run(graph, x=np.float32([1]))[0])

    @jitrt.op(DOMAIN, "Changed", outputs=lambda X: [(X.dtype, X.shape)])
    def kernel(Y, X, begin, end):
        for i in range(X.shape[0]):
            Y[i] = 4 * X[i]

    results.append(run(graph, x=np.float32([1]))[0])
    assert results == [2, 3, 4]


def test_versions(swish: opdef.Operator) -> None:
    @jitrt.op(DOMAIN, "Swish", since=2)
    def second_version(x, *, beta=1.0):
        return -x

    x, graph = random(3), f"g (float[n] x) => (float[n] y) {{ y = {DOMAIN}.Swish(x) }}"
    assert_close(run(graph, x=x), swish_of(x, 1))
    newer = onnx.load_from_string(source(graph))
    newer.opset_import[1].version = 3
    (y,) = jitrt.InferenceSession(newer.SerializeToString()).run(None, {"x": x})
    np.testing.assert_array_equal(y, -x)


LOCAL = f"""<opset_import: ["": 18], domain: "{DOMAIN}"> {{name}} (a) => (b) {{{{ b = Neg(a) }}}}"""


@pytest.mark.parametrize("version", [None, 1])
def test_it_goes_before_a_function_of_the_model(swish: opdef.Operator, version: int | None) -> None:
    """Of the same name; others are inlined."""
    graph = f"g (float[n] x) => (float[n] y, float[n] z) {{ y = {DOMAIN}.Swish(x) z = {DOMAIN}.Other(x) }}"
    functions = LOCAL.format(name="Swish") + LOCAL.format(name="Other")
    x = random(5)
    y, z = jitrt.InferenceSession(source(graph, functions)).run(None, {"x": x})
    assert_close(y, swish_of(x, 1))
    np.testing.assert_array_equal(z, -x)


def test_functions_of_the_model_stay_without_it() -> None:
    graph = f"g (float[n] x) => (float[n] y) {{ y = {DOMAIN}.Swish(x) }}"
    x = random(5)
    session = jitrt.InferenceSession(source(graph, LOCAL.format(name="Swish")))
    np.testing.assert_array_equal(session.run(None, {"x": x})[0], -x)


def test_a_model_in_a_file(swish: opdef.Operator, row_norm: opdef.Operator, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(
        source(f"g (float[n, m] x) => (float[n] y) {{ s = {DOMAIN}.Swish(x) y = {DOMAIN}.RowNorm(s) }}")
    )
    x = random(3, 4)
    (y,) = jitrt.InferenceSession(path).run(None, {"x": x})
    assert_close(y, np.linalg.norm(swish_of(x, 1), axis=1))


def test_inside_a_body(swish: opdef.Operator) -> None:
    graph = f"""g (float[n] x, bool c) => (float[n] y) {{
        y = If (c) <then_branch = a () => (float[n] t) {{ t = {DOMAIN}.Swish(x) }},
                    else_branch = b () => (float[n] e) {{ e = Neg(x) }}>
    }}"""
    x = random(5)
    for condition, wanted in ((True, swish_of(x, 1)), (False, -x)):
        assert_close(run(graph, x=x, c=np.array(condition)), wanted)


# errors


def test_operators_of_jitrts_own_cannot_be_replaced() -> None:
    for domain in ("", "ai.onnx", "com.microsoft"):
        with pytest.raises(
            ValueError, match=r"Gelu of [\w.]+ is there: .*activation.py:\d+; take another domain"
        ):
            jitrt.op(domain, "Gelu")


def test_a_model_that_needs_one_that_is_not_there() -> None:
    with pytest.raises(errors.Fail, match=r"my.domain:Nothing\(-1\) is not a registered function/op"):
        jitrt.InferenceSession(source(f"g (float[n] x) => (float[n] y) {{ y = {DOMAIN}.Nothing(x) }}"))


def test_attributes_that_do_not_exist(swish: opdef.Operator) -> None:
    with pytest.raises(errors.InvalidGraph, match="Unrecognized attribute: gamma for operator Swish"):
        jitrt.InferenceSession(
            source(f"g (float[n] x) => (float[n] y) {{ y = {DOMAIN}.Swish <gamma = 1.0> (x) }}")
        )


def test_attributes_without_a_default() -> None:
    @jitrt.op(DOMAIN, "Scale")
    def scale(x, *, by):
        return x * by

    graph = f"g (float[n] x) => (float[n] y) {{ y = {DOMAIN}.Scale%s(x) }}"
    np.testing.assert_array_equal(run(graph % " <by = 3.0> ", x=np.float32([2])), [6])
    with pytest.raises(errors.InvalidGraph, match="Required attribute 'by' is missing"):
        jitrt.InferenceSession(source(graph % ""))


@pytest.mark.parametrize("arguments", ["x, x", ""])
def test_a_wrong_number_of_inputs(swish: opdef.Operator, arguments: str) -> None:
    with pytest.raises(
        errors.Fail, match=r"while running Swish node. Name:'' Status Message: .*positional arg"
    ):
        run(f"g (float[n] x) => (float[n] y) {{ y = {DOMAIN}.Swish({arguments}) }}", x=random(2))


def test_a_type_that_an_operation_does_not_have(swish: opdef.Operator) -> None:
    with pytest.raises(errors.NotImplemented, match="exp of i64"):
        run(f"g (int64[n] x) => (int64[n] y) {{ y = {DOMAIN}.Swish(x) }}", x=np.arange(3))
    with pytest.raises(errors.NotImplemented, match="Swish"):
        run(f"g (string[n] x) => (string[n] y) {{ y = {DOMAIN}.Swish(x) }}", x=np.array(["a"], object))


def test_code_that_numba_does_not_compile() -> None:
    @jitrt.op(DOMAIN, "Wrong", outputs=lambda X: [(X.dtype, X.shape)])
    def wrong(Y, X, begin, end):
        Y[0] = X.nothing

    with pytest.raises(
        errors.Fail, match=r"(?s)kernel wrong does not compile: .*nothing.*test_user_operator.py"
    ):
        jitrt.call("Wrong", random(2), domain=DOMAIN)


def test_a_rule_that_fails_names_the_node() -> None:
    @jitrt.op(DOMAIN, "Ruled", outputs=lambda X: X.nothing)
    def ruled(Y, X, begin, end):
        pass

    with pytest.raises(errors.Fail, match=r"while running Ruled node. .*has no attribute 'nothing'"):
        run(f"g (float[n] x) => (float[n] y) {{ y = {DOMAIN}.Ruled(x) }}", x=random(2))


def test_attributes_of_kernels_are_numbers() -> None:
    @jitrt.op(DOMAIN, "Listed", outputs=lambda X, *, values=(1, 2): [(X.dtype, X.shape)])
    def listed(Y, X, values, begin, end):
        Y[0] = X[0]

    with pytest.raises(errors.Fail, match=r"attribute values is \[3, 4\], and kernels take numbers"):
        run(f"g (float[n] x) => (float[n] y) {{ y = {DOMAIN}.Listed <values = [3, 4]> (x) }}", x=random(2))


def test_a_status_is_an_error_and_names_the_node() -> None:
    @jitrt.op(DOMAIN, "Root", outputs=lambda X: [(X.dtype, X.shape)], extent=lambda X: X.shape[0])
    def root(Y, X, begin, end):
        for i in range(begin, end):
            if X[i] < 0:
                return 7
            Y[i] = X[i] ** 0.5
        return 0

    graph = f"g (float[n] x) => (float[n] the_root) {{ the_root = {DOMAIN}.Root(x) }}"
    np.testing.assert_array_equal(run(graph, x=np.float32([4, 9])), [2, 3])
    with pytest.raises(errors.Fail, match=r'root \(Root "the_root"\) failed with status 7'):
        run(graph, x=np.float32([4, -9]))


def test_the_example() -> None:
    example = Path(__file__).parents[1] / "notebooks" / "own_operators.py"
    done = subprocess.run([sys.executable, example], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    error, alone, *kernels = done.stdout.splitlines()
    assert float(error.removeprefix("largest relative error ")) < 1e-5
    assert alone == "Swish alone: [-0.11920292  0.          0.880797  ]"
    assert kernels == [
        'kernel Add+Swish+Mul, for Add "biased", Swish "active", Mul "half"',
        'kernel row_norm, for RowNorm "y"',
    ]
