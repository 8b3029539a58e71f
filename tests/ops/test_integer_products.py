"""Products and convolutions of 8-bit integers against NumPy in int64."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper

import jitrt
from jitrt.types import to_onnx

U8, I8 = np.uint8, np.int8
SIGNS = [(U8, I8), (U8, U8), (I8, I8), (I8, U8)]
each_sign = pytest.mark.parametrize(("left", "right"), SIGNS, ids=lambda t: t.__name__)


def integers(dtype: Any, *shape: int, seed: int = 0) -> Any:
    limits = np.iinfo(dtype)
    return np.random.default_rng([seed, *shape]).integers(limits.min, limits.max, shape, dtype, endpoint=True)


def wrapped(values: Any) -> Any:
    return values.astype(np.int32)


def shifted(x: Any, zero: Any) -> Any:
    return x.astype(np.int64) - (0 if zero is None else np.asarray(zero).astype(np.int64))


def session(
    op: str, inputs: dict[str, Any], constants: dict[str, Any], output: Any, **attributes: Any
) -> tuple[bytes, Any]:
    """A model of one operator, some of whose inputs are initializers, and a session of it."""
    node = helper.make_node(op, [*inputs, *constants], ["y"], **attributes)
    code = {name: to_onnx(np.asarray(x).dtype) for name, x in inputs.items()}
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info(n, code[n], [None] * np.ndim(x)) for n, x in inputs.items()],
        [helper.make_tensor_value_info("y", to_onnx(np.dtype(output)), None)],
        [numpy_helper.from_array(np.asarray(x), n) for n, x in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    source = model.SerializeToString()
    return source, jitrt.InferenceSession(source)


SHAPES = [
    ((3, 4), (4, 5)),
    ((1, 1), (1, 1)),
    ((92, 33), (33, 70)),
    ((2, 3, 5, 7), (2, 3, 7, 4)),
    ((5, 1, 5, 7), (3, 7, 4)),
    ((2, 5, 8), (8, 40)),
    ((7,), (7, 3)),
    ((2, 5, 7), (7,)),
    ((7,), (7,)),
    ((0, 4), (4, 5)),
    ((3, 0), (0, 5)),
]


@each_sign
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_matmul_integer(shapes: Any, left: Any, right: Any) -> None:
    a, b = integers(left, *shapes[0]), integers(right, *shapes[1], seed=1)
    np.testing.assert_array_equal(jitrt.call("MatMulInteger", a, b), wrapped(shifted(a, 0) @ shifted(b, 0)))
    for zeros in ((3, None), (None, 7), (5, 2)):
        given = [None if z is None else np.array(z, t) for z, t in zip(zeros, (left, right), strict=True)]
        got = jitrt.call("MatMulInteger", a, b, *given)
        assert got.dtype == np.int32
        np.testing.assert_array_equal(got, wrapped(shifted(a, zeros[0]) @ shifted(b, zeros[1])))


@each_sign
@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("lead", [(), (2, 3)], ids=str)
def test_zero_points_of_rows_and_columns(lead: Any, constant: bool, left: Any, right: Any) -> None:
    m, k, n = 6, 9, 20
    a, b = integers(left, *lead, m, k), integers(right, k, n)
    rows = integers(left, *lead, m, 1) if lead else integers(left, m)
    columns = integers(right, n)
    wanted = wrapped(shifted(a, rows if lead else rows[:, None]) @ shifted(b, columns))
    values = {"B": b, "az": rows, "bz": columns}
    fed = {"A": a} if constant else {"A": a, **values}
    _, runs = session("MatMulInteger", fed, values if constant else {}, np.int32)
    np.testing.assert_array_equal(runs.run(None, fed)[0], wanted)


@pytest.mark.parametrize("constant", [False, True])
def test_sums_wrap_around(constant: bool) -> None:
    k = 2**17
    a, b = np.full((1, k), 255, U8), np.full((k, 1), 127, I8)
    fed, kept = ({"A": a}, {"B": b}) if constant else ({"A": a, "B": b}, {})
    _, runs = session("MatMulInteger", fed, kept, np.int32)
    assert runs.run(None, fed)[0].item() == k * 255 * 127 - 2**32


def test_inner_dimensions_that_differ_are_named() -> None:
    with pytest.raises(jitrt.errors.Fail, match=r"MatMulInteger.*inner dimensions differ"):
        jitrt.call("MatMulInteger", np.ones((2, 3), U8), np.ones((4, 5), I8))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.integers(0, 255))
def test_any_size_of_one_program(m: int, k: int, n: int, zero: int) -> None:
    a, b = integers(U8, m, k), integers(I8, k, n)
    got = jitrt.call("MatMulInteger", a, b, U8(zero))
    np.testing.assert_array_equal(got, wrapped(shifted(a, zero) @ shifted(b, 0)))


def requantized(sums: Any, scale: Any, zero: Any, dtype: Any) -> Any:
    limits = np.iinfo(dtype)
    whole = np.rint(sums.astype(np.float32) * scale.astype(np.float32)) + np.float32(zero)
    return np.clip(whole, limits.min, limits.max).astype(dtype)


@each_sign
@pytest.mark.parametrize("scale_type", [np.float32, np.float16, ml_dtypes.bfloat16], ids=lambda t: t.__name__)
@pytest.mark.parametrize("per", ["tensor", "row"])
def test_qlinear_matmul(per: str, scale_type: Any, left: Any, right: Any) -> None:
    m, k, n = 5, 24, 33
    a, b = integers(left, 2, m, k), integers(right, k, n)
    rows, columns = ((2, m, 1), (n,)) if per == "row" else ((), ())
    rng = np.random.default_rng(0)
    a_scale, b_scale = ((rng.random(s) + 0.5).astype(scale_type) for s in (rows, columns))
    a_zero, b_zero = np.broadcast_to(left(3), rows), np.broadcast_to(right(9), columns)
    y_scale, y_zero = np.asarray(700, scale_type), right(11)
    got = jitrt.call("QLinearMatMul", a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero)
    scale = np.float32(a_scale) * np.float32(b_scale) / np.float32(y_scale)
    wanted = requantized(shifted(a, a_zero) @ shifted(b, b_zero), scale, y_zero, right)
    assert got.dtype == right
    np.testing.assert_array_equal(got, wanted)


def test_halves_round_to_even_before_the_zero_point_is_added() -> None:
    """0.5, 1.5, 2.5 plus a zero point of 1."""
    a, one = np.array([[1], [3], [5]], U8), np.float32(1)
    got = jitrt.call("QLinearMatMul", a, np.float32(0.5), U8(0), np.ones((1, 1), I8), one, I8(0), one, U8(1))
    assert got.ravel().tolist() == [1, 3, 3]


@pytest.mark.parametrize("dtype", [ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2], ids=lambda t: t.__name__)
def test_qlinear_matmul_of_small_floats(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal(s).astype(dtype) for s in ((3, 4), (4, 5)))
    scale, zero = np.float32(0.5), np.zeros((), dtype)
    got = jitrt.call("QLinearMatMul", a, scale, zero, b, scale, zero, np.float32(0.25), zero)
    np.testing.assert_array_equal(got, (a.astype(np.float32) @ b.astype(np.float32)).astype(dtype))


# batch, channels, outputs, spatial, kernel, attributes
CONVOLUTIONS: list[tuple[int, int, int, tuple[int, ...], tuple[int, ...], dict[str, Any]]] = [
    (2, 6, 8, (9, 11), (3, 3), {"strides": [2, 1], "dilations": [1, 2], "pads": [1, 0, 2, 1]}),
    (1, 32, 8, (6, 5), (3, 3), {"group": 2, "pads": [1, 1, 1, 1]}),
    (1, 8, 8, (9, 11), (3, 3), {"group": 8, "pads": [1, 1, 1, 1]}),
    (1, 4, 12, (6, 5), (1, 1), {}),
    (3, 5, 7, (13,), (4,), {"strides": [2], "pads": [1, 2]}),
    (1, 3, 4, (5, 6, 7), (2, 3, 2), {"strides": [1, 2, 1], "pads": [1, 0, 1, 0, 1, 0]}),
    (1, 16, 20, (7, 7), (5, 5), {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
    (1, 3, 5, (8, 9), (3, 2), {"auto_pad": "SAME_LOWER"}),
    (1, 3, 5, (8, 9), (3, 2), {"auto_pad": "VALID"}),
]


def pads_of(x: Any, kernel: Any, attributes: dict[str, Any]) -> list[tuple[int, int]]:
    rank = len(kernel)
    strides, auto = attributes.get("strides", [1] * rank), attributes.get("auto_pad", "NOTSET")
    if not auto.startswith("SAME"):
        flat = attributes.get("pads", [0] * (2 * rank))
        return [*zip(flat[:rank], flat[rank:], strict=True)]
    pairs = []
    for size, k, stride in zip(x.shape[2:], kernel, strides, strict=True):
        need = max((-(-size // stride) - 1) * stride + k - size, 0)
        small = need // 2
        pairs.append((small, need - small) if auto == "SAME_UPPER" else (need - small, small))
    return pairs


def convolved(x: Any, w: Any, attributes: dict[str, Any]) -> Any:
    """A sum over kernel positions in int64, padded with zeros."""
    rank, groups = x.ndim - 2, attributes.get("group", 1)
    strides, dilations = (attributes.get(key, [1] * rank) for key in ("strides", "dilations"))
    kernel = w.shape[2:]
    padded = np.pad(x, [(0, 0), (0, 0), *pads_of(x, kernel, attributes)])
    sizes = [
        (n - d * (k - 1) - 1) // s + 1
        for n, k, s, d in zip(padded.shape[2:], kernel, strides, dilations, strict=True)
    ]
    y = np.zeros((x.shape[0], groups, w.shape[0] // groups, *sizes), np.int64)
    for tap in np.ndindex(*kernel):
        picks = tuple(
            slice(t * d, t * d + (n - 1) * s + 1, s)
            for t, d, n, s in zip(tap, dilations, sizes, strides, strict=True)
        )
        pixels = padded[(slice(None), slice(None), *picks)].reshape(x.shape[0], groups, -1, *sizes)
        y += np.einsum("ngc...,gmc->ngm...", pixels, w[(..., *tap)].reshape(groups, -1, w.shape[1]))
    return y.reshape(x.shape[0], -1, *sizes)


@each_sign
@pytest.mark.parametrize("constant", [True, False])
@pytest.mark.parametrize("case", CONVOLUTIONS, ids=str)
def test_conv_integer(case: Any, constant: bool, left: Any, right: Any) -> None:
    n, c, m, spatial, kernel, attributes = case
    x, w = integers(left, n, c, *spatial), integers(right, m, c // attributes.get("group", 1), *kernel)
    values = {"w": w, "xz": np.array(100, left), "wz": np.array(11, right)}
    fed, kept = ({"x": x}, values) if constant else ({"x": x, **values}, {})
    _, runs = session("ConvInteger", fed, kept, np.int32, **attributes)
    wanted = convolved(shifted(x, 100), shifted(w, 11), attributes)
    np.testing.assert_array_equal(runs.run(None, fed)[0], wrapped(wanted))
    wanted = convolved(shifted(x, 0), shifted(w, 0), attributes)
    np.testing.assert_array_equal(jitrt.call("ConvInteger", x, w, **attributes), wrapped(wanted))


def qlinear_conv(case: Any, left: Any, right: Any, per_channel: bool) -> tuple[Any, dict[str, Any], Any]:
    """An image, the other inputs of QLinearConv, and its result."""
    n, c, m, spatial, kernel, attributes = case
    x, w = integers(left, n, c, *spatial), integers(right, m, c // attributes.get("group", 1), *kernel)
    rng = np.random.default_rng(4)
    w_scale = (rng.random(m if per_channel else 1) + 0.5).astype(np.float32)
    w_zero = rng.integers(0, 20, m).astype(right) if per_channel else np.array([4], right)
    bias = rng.integers(-999, 999, m).astype(np.int32)
    inputs = {
        **{"x_scale": np.float32(0.5), "x_zero": left(90), "w": w, "w_scale": w_scale, "w_zero": w_zero},
        **{"y_scale": np.float32(40), "y_zero": left(17), "B": bias},
    }
    each = (-1, *[1] * (x.ndim - 1))
    sums = convolved(shifted(x, 90), shifted(w, w_zero.reshape(each)), attributes)
    each = (1, -1, *[1] * (x.ndim - 2))
    scale = (np.float32(0.5) * w_scale / np.float32(40)).reshape(each)
    return x, inputs, requantized(wrapped(sums + bias.reshape(each)), scale, 17, left)


@each_sign
@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("case", CONVOLUTIONS, ids=str)
def test_qlinear_conv(case: Any, per_channel: bool, left: Any, right: Any) -> None:
    x, inputs, wanted = qlinear_conv(case, left, right, per_channel)
    _, runs = session("QLinearConv", {"x": x}, inputs, left, **case[-1])
    np.testing.assert_array_equal(runs.run(None, {"x": x})[0], wanted)


def test_batches_and_sizes_of_one_session() -> None:
    case = CONVOLUTIONS[1]
    x, inputs, wanted = qlinear_conv(case, U8, I8, per_channel=True)
    _, runs = session("QLinearConv", {"x": x}, inputs, U8, **case[-1])
    np.testing.assert_array_equal(runs.run(None, {"x": x})[0], wanted)
    wide = np.concatenate([x, x[:, :, ::-1]]).repeat(2, 3)
    _, alone = session("QLinearConv", {"x": wide}, inputs, U8, **case[-1])
    np.testing.assert_array_equal(runs.run(None, {"x": wide})[0], alone.run(None, {"x": wide})[0])


@pytest.mark.parametrize("case", CONVOLUTIONS[:5], ids=str)
def test_qlinear_conv_like_onnxruntime(case: Any) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    x, inputs, _ = qlinear_conv(case, U8, I8, per_channel=False)
    source, runs = session("QLinearConv", {"x": x}, inputs, U8, **case[-1])
    peer = onnxruntime.InferenceSession(source, providers=["CPUExecutionProvider"])
    np.testing.assert_array_equal(runs.run(None, {"x": x})[0], peer.run(None, {"x": x})[0])


def test_a_requantised_product_is_one_step() -> None:
    """Zero points, scales and saturation ride on the product."""
    a, b = integers(U8, 30, 64), integers(I8, 64, 40)
    one = np.float32(0.01)
    constants = {
        **{"as": one, "az": U8(7), "b": b, "bs": one, "bz": I8(0)},
        **{"ys": np.float32(0.5), "yz": U8(3)},
    }
    source, runs = session("QLinearMatMul", {"a": a}, constants, U8)
    (got,) = runs.run(None, {"a": a})
    scale = one * one / np.float32(0.5)
    np.testing.assert_array_equal(got, requantized(shifted(a, 7) @ shifted(b, 0), scale, 3, U8))
    assert onnx.load_from_string(source).graph.node[0].op_type == "QLinearMatMul"
    (program,) = runs._programs.values()
    assert len(program.variants[0].recipe.steps) == 1
