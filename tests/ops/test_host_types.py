"""Strings and complex numbers, which no kernel reads, in every operator whose schema lists them."""

import numpy as np
import onnx.defs
import pytest
from onnx import TensorProto, helper
from oracle import Case, int64s, table

import jitrt
from jitrt import opdef
from jitrt.types import to_onnx

# which run on a tensor whatever its type
WITHOUT_DATA = {"Identity", "Shape", "Size", "RandomNormalLike", "RandomUniformLike"}


def newest_schemas():
    latest = {}
    for schema in onnx.defs.get_all_schemas_with_history():
        name = schema.domain, schema.name
        if name not in latest or latest[name].since_version < schema.since_version:
            latest[name] = schema
    return latest


@pytest.mark.parametrize("kind", ["tensor(string)", "tensor(complex64)"])
def test_every_operator_that_lists_the_type_has_a_numpy_form(kind):
    missing = []
    for (domain, name), schema in newest_schemas().items():
        entry = opdef.lookup(domain, name, 10_000)
        if entry is None or entry.host or entry.inlines or name in WITHOUT_DATA or "training" in domain:
            continue
        if any(kind in i.types for i in schema.inputs) and entry.fold is None:
            missing.append(name)
    assert not missing


WORDS = np.array([*"abcdefgh", "the", "quick", "brown", "fox"], object)


def strings(*shape, seed=0):
    return WORDS[np.random.default_rng(seed).integers(0, len(WORDS), shape)]


def complexes(*shape, seed=0):
    parts = np.random.default_rng(seed).standard_normal((*shape, 2)).astype(np.float32)
    return parts.view(np.complex64).reshape(shape)


def zero(x):
    return "" if x.dtype == object else 0


def take_elements(x, i, axis):
    return np.take_along_axis(x, i, axis)


def scattered(x, i, u, axis):
    y = x.copy()
    for place in np.ndindex(*i.shape):
        target = list(place)
        target[axis] = i[place]
        y[tuple(target)] = u[place]
    return y


def scattered_tuples(x, i, u):
    y = x.copy()
    for place in np.ndindex(*i.shape[:-1]):
        y[tuple(i[place])] = u[place]
    return y


def padded(x, pads, mode, fill=None):
    before, after = np.split(pads, 2)
    widths = list(zip(before.tolist(), after.tolist(), strict=True))
    if mode != "constant":
        return np.pad(x, widths, mode={"wrap": "wrap", "edge": "edge", "reflect": "reflect"}[mode])
    y = np.full(
        [n + a + b for n, (a, b) in zip(x.shape, widths, strict=True)], zero(x) if fill is None else fill
    )
    y = y.astype(x.dtype)
    y[tuple(slice(b, b + n) for n, (b, _) in zip(x.shape, widths, strict=True))] = x
    return y


def hot(i, depth, values, axis):
    assert axis == 0
    return np.array([[values[int(v % depth == k)] for v in i] for k in range(int(depth))], values.dtype)


def blocks(x, b):
    n, c, h, w = x.shape
    return x.reshape(n, b, b, c // b**2, h, w).transpose(0, 3, 4, 1, 5, 2).reshape(n, c // b**2, h * b, w * b)


def pixels(x, b):
    n, c, h, w = x.shape
    return (
        x.reshape(n, c, h // b, b, w // b, b).transpose(0, 3, 5, 1, 2, 4).reshape(n, c * b**2, h // b, w // b)
    )


def cases(make):
    x, cube = make(3, 4), make(2, 3, 4, seed=1)
    rows = int64s(2, -1, 0)
    grid = np.array([[0, -1, 1, 2], [2, 0, 0, 1]])
    new = make(2, 4, seed=2)
    yes = np.array([True, False, True])
    fill = make(seed=3)
    values = make(2, seed=4)
    image = make(1, 4, 2, 2, seed=5)
    return [
        Case("Gather", [x, rows], {}, lambda x, i: x[i]),
        Case("Gather", [x, rows], {"axis": 1}, lambda x, i, axis: x[:, i]),
        Case("GatherElements", [x, grid], {"axis": 0}, take_elements),
        Case("GatherND", [cube, np.array([[0, 2], [1, -1]])], {}, lambda x, i: x[[0, 1], [2, -1]]),
        Case(
            "GatherND",
            [cube, np.array([[1], [2]])],
            {"batch_dims": 1},
            lambda x, i, batch_dims: x[[0, 1], [1, 2]],
        ),
        Case("OneHot", [int64s(0, 2, -1), np.array(3), values], {"axis": 0}, hot),
        Case("ScatterElements", [x, np.array([[0, 1, 1, 2], [2, 0, 0, -3]]), new], {"axis": 0}, scattered),
        Case("Scatter", [x, np.array([[0, 1, 1, 2], [2, 0, 0, 1]]), new], {"axis": 0}, scattered, version=9),
        Case("ScatterND", [x, np.array([[0, 3], [-1, 1]]), make(2, seed=6)], {}, scattered_tuples),
        Case("Reshape", [x, int64s(2, -1)], {}, lambda x, s: x.reshape(2, 6)),
        Case("Reshape", [x, int64s(0, 2, 2)], {}, lambda x, s: x.reshape(3, 2, 2)),
        Case("Flatten", [cube], {"axis": 2}, lambda x, axis: x.reshape(6, 4)),
        Case("Squeeze", [cube[:1], int64s(0)], {}, lambda x, a: x[0]),
        Case("Squeeze", [cube[:1]], {"axes": [0]}, lambda x, axes: x[0], version=11),
        Case("Unsqueeze", [x, int64s(0, -1)], {}, lambda x, a: x[None, ..., None]),
        Case("Unsqueeze", [x], {"axes": [1]}, lambda x, axes: x[:, None], version=11),
        Case("Transpose", [cube], {"perm": [2, 0, 1]}, lambda x, perm: x.transpose(perm)),
        Case("Expand", [x[:1], int64s(2, 3, 1)], {}, lambda x, s: np.broadcast_to(x, (2, 3, 4))),
        Case("Tile", [x, int64s(2, 3)], {}, lambda x, r: np.tile(x, (2, 3))),
        Case("Concat", [x, x[:1], x[:0]], {"axis": 0}, lambda *x, axis: np.concatenate(x)),
        Case("Split", [x, int64s(1, 3)], {"axis": 1}, lambda x, s, axis: np.split(x, [1], 1), outputs=2),
        Case("Split", [x, int64s(4)], {"axis": 1}, lambda x, s, axis: x),
        Case("Split", [x], {"axis": 1}, lambda x, axis: np.split(x, 2, 1), outputs=2, version=11),
        Case("Slice", [x, int64s(-1), int64s(-9), int64s(1), int64s(-2)], {}, lambda x, *a: x[:, ::-2]),
        Case("Slice", [x], {"starts": [1], "ends": [3]}, lambda x, starts, ends: x[1:3], version=9),
        *(
            Case("Pad", [x, int64s(1, 2, 0, 1)], {"mode": m}, padded)
            for m in ("constant", "edge", "wrap", "reflect")
        ),
        Case(
            "Pad",
            [x, int64s(1, 0, 0, 2), fill],
            {"mode": "constant"},
            lambda x, p, f, mode: padded(x, p, mode, f),
        ),
        Case("DepthToSpace", [image], {"blocksize": 2}, lambda x, blocksize: blocks(x, 2)),
        Case("SpaceToDepth", [image], {"blocksize": 2}, lambda x, blocksize: pixels(x, 2)),
        Case(
            "Trilu", [x, np.array(1)], {}, lambda x, k: np.where(np.triu(np.ones(x.shape), 1) > 0, x, zero(x))
        ),
        Case("Trilu", [cube], {"upper": 0}, lambda x, upper: np.where(np.tri(3, 4) > 0, x, zero(x))),
        Case("Where", [yes[:, None], x, x[:1]], {}, np.where),
        Case("Compress", [x, yes], {"axis": 0}, lambda x, c, axis: x[c]),
        Case("Compress", [x, yes], {}, lambda x, c: x.ravel()[:3][c]),
        Case("NonZero", [np.where(yes[:, None], x, zero(x))], {}, lambda x: np.array(np.nonzero(x))),
        Case("Identity", [x], {}, lambda x: x),
        Case("Shape", [cube], {"start": 1}, lambda x, start: np.array(x.shape[1:])),
        Case("Size", [cube], {}, lambda x: np.array(x.size)),
    ]


def check(case):
    got = jitrt.call(case.op, *case.inputs, version=case.version, outputs=case.outputs, **case.attributes)
    wanted = case.expected(*case.inputs, **case.attributes)
    for mine, theirs in zip(*([got], [wanted]) if case.outputs == 1 else (got, wanted), strict=True):
        assert mine.dtype == np.asarray(theirs).dtype
        np.testing.assert_array_equal(mine, theirs)


@table(cases(strings))
def test_strings(case):
    check(case)


@table(cases(complexes))
def test_complex_numbers(case):
    check(case)


def test_features_of_strings():
    x = strings(3, 4)
    ml = {"domain": "ai.onnx.ml"}
    np.testing.assert_array_equal(jitrt.call("ArrayFeatureExtractor", x, int64s(3, 0), **ml), x[:, [3, 0]])
    np.testing.assert_array_equal(jitrt.call("ArrayFeatureExtractor", x[0], int64s(2), **ml), x[:1, [2]])


@pytest.mark.parametrize("op", ["RandomNormalLike", "RandomUniformLike"])
def test_random_numbers_in_the_shape_of_strings(op):
    y = jitrt.call(op, strings(3, 4), dtype=TensorProto.FLOAT)
    assert (y.shape, y.dtype) == ((3, 4), np.float32)


def test_equal_strings():
    x, y = np.array([["a", "b"], ["ab", ""]], object), np.array(["a", ""], object)
    assert jitrt.call("Equal", x, y).tolist() == [[True, False], [False, True]]
    assert jitrt.call("Equal", x, y).dtype == np.bool_


def test_scatter_adds_complex_numbers():
    x, u = complexes(4), complexes(3, seed=1)
    got = jitrt.call("ScatterElements", x, int64s(1, 1, 3), u, reduction="add")
    np.testing.assert_allclose(got, x + np.array([0, u[0] + u[1], 0, u[2]]), rtol=1e-6)


def test_bits_of_complex_numbers():
    x = complexes(5)
    y = jitrt.call("BitCast", x, to=TensorProto.INT64)
    np.testing.assert_array_equal(y, x.view(np.int64))
    np.testing.assert_array_equal(jitrt.call("BitCast", y, to=TensorProto.COMPLEX64), x)


@pytest.mark.parametrize(
    ("op", "where"),
    [("Gather", int64s(0, 3)), ("GatherElements", int64s(0, 3)[None]), ("GatherND", int64s(3)[None])],
)
def test_index_outside(op, where):
    with pytest.raises(jitrt.errors.InvalidArgument, match=r"out of data bounds, idx=3|invalid index"):
        jitrt.call(op, strings(3, 2), where)


def test_scatter_outside():
    with pytest.raises(jitrt.errors.InvalidArgument, match="invalid index"):
        jitrt.call("ScatterND", strings(3), int64s(3)[None], strings(1))


TEXTS = [
    (
        np.float32,
        [1, 0.5, 1e-7, 1e30, -0.0, 123456.7, 0.1, 16777216],
        "1 0.5 1e-07 1e+30 -0 123456.7 0.1 16777216",
    ),
    (np.float64, [1 / 3, 123456789, 0.1, 1e9], "0.3333333333333333 123456789 0.1 1e+09"),
    (np.float16, [0.1, 100, 65504], "0.099975586 100 65504"),
    (np.float32, [np.inf, -np.inf, np.nan], "INF -INF NaN"),
    (np.int8, [-128, 0, 7], "-128 0 7"),
    (np.uint64, [2**64 - 1], "18446744073709551615"),
    (np.bool_, [True, False], "1 0"),
]


@pytest.mark.parametrize(("dtype", "values", "text"), TEXTS)
def test_numbers_as_text(dtype, values, text):
    x = np.array(values, dtype)
    y = jitrt.call("Cast", x, to=TensorProto.STRING)
    assert y.tolist() == text.split()
    assert jitrt.call("CastLike", x, strings(1)).tolist() == y.tolist()
    np.testing.assert_array_equal(jitrt.call("Cast", y, to=to_onnx(x.dtype)), x)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_every_float_is_read_back(dtype):
    bits = np.random.default_rng(0).integers(0, 256, (500, np.dtype(dtype).itemsize), np.uint8)
    x = bits.view(dtype).ravel()
    text = jitrt.call("Cast", x, to=TensorProto.STRING)
    np.testing.assert_array_equal(jitrt.call("Cast", text, to=to_onnx(np.dtype(dtype))), x)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (np.int8, [44, -1, 2, 12, -128]),
        (np.uint8, [44, 255, 2, 12, 128]),
        (np.int64, [300, -1, 2, 12, 128]),
        (np.float32, [300, -1, 2.75, 12, 128]),
        (np.bool_, [True] * 5),
    ],
)
def test_text_as_numbers(dtype, expected):
    x = np.array(["300", "-1", "2.75", " 12 ", "1.28E2"], object)
    y = jitrt.call("Cast", x, to=to_onnx(np.dtype(dtype)))
    assert y.dtype == dtype
    assert y.tolist() == expected


def test_names_of_special_floats():
    x = np.array(["INF", "+inf", "-INF", "nan"], object)
    np.testing.assert_array_equal(
        jitrt.call("Cast", x, to=TensorProto.FLOAT), [np.inf, np.inf, -np.inf, np.nan]
    )


def test_text_as_small_floats_saturates():
    x = np.array(["1e6", "0.3"], object)
    for saturate, first in ((1, 448), (0, np.nan)):
        y = jitrt.call("Cast", x, to=TensorProto.FLOAT8E4M3FN, saturate=saturate).astype(np.float32)
        np.testing.assert_array_equal(y, np.array([first, 0.3125], np.float32))


def test_text_that_is_no_number():
    with pytest.raises(jitrt.errors.Fail, match=r"Cast.*could not convert string to float: 'abc'"):
        jitrt.call("Cast", np.array(["1", "abc"], object), to=TensorProto.FLOAT)


def test_strings_through_a_model_with_symbolic_sizes():
    """Sizes that the native part computes decide on the shape of strings, and change from call to call."""
    nodes = [
        helper.make_node("Shape", ["n"], ["s"]),
        helper.make_node("Expand", ["x", "s"], ["e"]),
        helper.make_node("Concat", ["e", "x2"], ["y"], axis=0),
        helper.make_node("Size", ["y"], ["size"]),
        helper.make_node("Cast", ["size"], ["t"], to=TensorProto.STRING),
    ]
    text, number = TensorProto.STRING, TensorProto.FLOAT
    inputs = [
        helper.make_tensor_value_info("n", number, ["a", "b"]),
        helper.make_tensor_value_info("x", text, [1]),
        helper.make_tensor_value_info("x2", text, ["c", "b"]),
    ]
    outputs = [helper.make_tensor_value_info("y", text, None), helper.make_tensor_value_info("t", text, [])]
    graph = helper.make_graph(nodes, "g", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    session = jitrt.InferenceSession(model.SerializeToString())
    for a, b, c in ((2, 3, 1), (1, 1, 4), (5, 2, 0)):
        x2 = strings(c, b)
        y, t = session.run(None, {"n": np.zeros((a, b), np.float32), "x": strings(1), "x2": x2})
        np.testing.assert_array_equal(y, np.concatenate([np.broadcast_to(strings(1), (a, b)), x2]))
        assert t.tolist() == str((a + c) * b)
