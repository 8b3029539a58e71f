"""Einsum against NumPy's: every form of equation, all types, sizes drawn at random."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import FLOATS, SIGNED, UNSIGNED, Case, integers, normal, table

import jitrt


def einsum(*x, equation):
    return np.einsum(equation, *x)


def case(equation, *shapes, dtype=np.float32, tolerance=4):
    inputs = [normal(*shape, dtype=dtype, seed=i) for i, shape in enumerate(shapes)]
    return Case("Einsum", inputs, {"equation": equation}, einsum, tolerance=tolerance)


ONE = [
    case(equation, *shapes)
    for equation, *shapes in (
        ("ij->ji", (3, 4)),
        ("ij", (3, 4)),
        ("ba", (3, 4)),
        ("ij->", (3, 4)),
        ("ij->i", (3, 4)),
        ("ii", (5, 5)),
        ("ii->i", (5, 5)),
        ("iij->j", (4, 4, 3)),
        ("iji->ij", (4, 3, 4)),
        ("iii->i", (3, 3, 3)),
        ("jiji->ij", (2, 3, 2, 3)),
        ("...ii->...i", (2, 3, 4, 4)),
        ("...->...", (2, 3)),
        ("...j->j...", (2, 3, 4)),
        ("->", ()),
        ("aA->Aa", (2, 3)),
        ("bA", (2, 3)),
        ("ij->j", (0, 3)),
    )
]
SEVERAL = [
    case(equation, *shapes)
    for equation, *shapes in (
        ("ij,jk->ik", (3, 4), (4, 5)),
        ("ij,jk", (3, 4), (4, 5)),
        ("ij,kj->ki", (3, 4), (5, 4)),
        ("ji,jk->ik", (4, 3), (4, 5)),
        ("ji,kj->ik", (4, 3), (5, 4)),
        ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)),
        ("bhqd,bhkd->bhqk", (2, 3, 4, 5), (2, 3, 6, 5)),
        ("bqhd,bkhd->bhqk", (2, 4, 3, 5), (2, 6, 3, 5)),
        ("...ij,...jk->...ik", (2, 1, 3, 4), (6, 4, 5)),
        ("i...,i...->...", (3, 2, 4), (3, 2, 4)),
        ("ab...,...cb -> a...c", (2, 3, 4), (4, 5, 3)),
        ("i,i->", (7,), (7,)),
        ("i,j->ij", (3,), (4,)),
        ("i,j->ji", (3,), (4,)),
        ("ij,j->i", (3, 4), (4,)),
        ("j,ij->i", (4,), (3, 4)),
        ("ij,ij->ij", (3, 4), (3, 4)),
        ("ij,ji->", (3, 4), (4, 3)),
        ("ij,k->i", (3, 4), (5,)),
        (",ij->ij", (), (3, 4)),
        (",->", (), ()),
        ("ii,ij->j", (3, 3), (3, 4)),
        ("ij,jk,kl->il", (3, 4), (4, 5), (5, 6)),
        ("ij,jk,kl->il", (9, 4), (4, 5), (5, 2)),
        ("i,j,ij->", (3,), (4,), (3, 4)),
        ("abc,cd,def->abef", (2, 3, 4), (4, 5), (5, 6, 2)),
        ("ij,jk->ik", (3, 1), (4, 5)),
        ("ij,jk->ik", (3, 0), (0, 5)),
        ("ijkl,lk->ij", (2, 3, 4, 5), (5, 4)),
        ("bij,kj->bki", (2, 3, 4), (5, 4)),
    )
]
TYPES = [case("bij,bjk->bik", (2, 3, 4), (2, 4, 5), dtype=t, tolerance=4) for t in FLOATS] + [
    Case(
        "Einsum",
        [integers(*shape, dtype=t, low=-100, high=100) for shape in shapes],
        {"equation": equation},
        einsum,
    )
    for t in (*SIGNED, *UNSIGNED)
    for equation, *shapes in (("ij,jk->ik", (3, 4), (4, 5)), ("ii,i->", (4, 4), (4,)))
]


@table(ONE, SEVERAL, TYPES)
def test_einsum(case):
    case.check()


def test_a_constant_matrix_on_either_side():
    from onnx import TensorProto, helper, numpy_helper

    x, w = normal(3, 4), normal(5, 4, seed=1)
    for equation in ("ij,kj->ik", "kj,ij->ik"):
        names = ["x", "w"] if equation.startswith("ij") else ["w", "x"]
        nodes = [helper.make_node("Einsum", names, ["y"], equation=equation)]
        info = helper.make_tensor_value_info
        inputs, outputs = [info("x", TensorProto.FLOAT, [None, 4])], [info("y", TensorProto.FLOAT, None)]
        graph = helper.make_graph(nodes, "g", inputs, outputs, [numpy_helper.from_array(w, "w")])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
        (y,) = jitrt.InferenceSession(model.SerializeToString()).run(None, {"x": x})
        np.testing.assert_allclose(y, x @ w.T, rtol=1e-5, atol=1e-5)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 5), min_size=5, max_size=5))
def test_einsum_of_other_sizes(sizes):
    b, i, j, k, m = sizes
    x, y, z = normal(b, i, j), normal(b, j, k, seed=1), normal(m, k, seed=2)
    got = jitrt.call("Einsum", x, y, z, equation="bij,bjk,mk->bmi")
    np.testing.assert_allclose(got, np.einsum("bij,bjk,mk->bmi", x, y, z), rtol=1e-4, atol=1e-4)
    got = jitrt.call("Einsum", normal(i, i, j), equation="iij->ij")
    np.testing.assert_array_equal(got, np.einsum("iij->ij", normal(i, i, j)))


@pytest.mark.parametrize(
    ("equation", "shapes", "message"),
    [
        ("ij,jk->ik", [(3, 4)], "does not match number of input tensors"),
        (
            "ij,jk->ik",
            [(3, 4), (5, 6)],
            "could not be broadcast together: expected size 4 of label 'j', got 5",
        ),
        ("ij->ji", [(3, 4, 5)], "another rank for 'ij'"),
        ("ij->k", [(3, 4)], "label 'k' of the output"),
        ("ij->ii", [(3, 4)], "label 'i' of the output"),
        ("i1->i", [(3, 4)], "expected letters"),
    ],
)
def test_bad_equations(equation, shapes, message):
    with pytest.raises(jitrt.errors.Fail, match=message):
        jitrt.call("Einsum", *(normal(*shape) for shape in shapes), equation=equation)
    np.testing.assert_array_equal(jitrt.call("Einsum", normal(2, 3), equation="ij->ji"), normal(2, 3).T)
