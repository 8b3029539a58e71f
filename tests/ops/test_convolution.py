"""Convolutions in every type against float64, with constant weights and with weights fed at run time."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

import jitrt
from jitrt.codegen.weights import pack_matrix
from jitrt.convolutions import packed_panels
from jitrt.tensor import constant

# batch, channels, outputs, spatial, kernel, attributes
CASES: list[tuple[int, int, int, tuple[int, ...], tuple[int, ...], dict[str, Any]]] = [
    (2, 6, 8, (9, 11), (3, 3), {"strides": [2, 1], "dilations": [1, 2], "pads": [1, 0, 2, 1]}),
    (2, 6, 8, (9, 11), (3, 3), {"group": 2, "pads": [1, 1, 1, 1]}),
    (1, 8, 8, (9, 11), (3, 3), {"group": 8, "pads": [1, 1, 1, 1]}),
    (2, 6, 12, (9, 11), (3, 3), {"group": 6, "pads": [1, 1, 1, 1]}),
    (1, 20, 20, (9, 11), (3, 3), {"group": 5, "strides": [2, 2]}),
    (2, 20, 3, (9, 23), (3, 5), {"pads": [1, 2, 1, 2], "strides": [2, 1], "dilations": [2, 1]}),
    (1, 20, 1, (50,), (7,), {"pads": [3, 1]}),
    (1, 2, 2, (3, 4, 18), (3, 3, 3), {"pads": [1, 1, 0, 1, 1, 0]}),
    (1, 4, 12, (6, 5), (1, 1), {}),
    (3, 5, 7, (13,), (4,), {"strides": [2], "pads": [1, 2]}),
    (1, 3, 4, (5, 6, 7), (2, 3, 2), {"strides": [1, 2, 1], "pads": [1, 0, 1, 0, 1, 0]}),
    (1, 3, 40, (17, 17), (5, 5), {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
    (1, 3, 5, (8, 9), (3, 2), {"auto_pad": "SAME_LOWER"}),
    (1, 3, 5, (8, 9), (3, 2), {"auto_pad": "VALID"}),
    (2, 7, 40, (4, 5), (4, 5), {"strides": [2, 1]}),  # kernels that cover images
    (1, 6, 3, (5,), (5,), {}),
    (1, 6, 4, (2, 3), (2, 3), {"group": 2}),
]
# batch, channels, outputs, spatial, kernel, attributes, pads before, output sizes
TRANSPOSED: list[
    tuple[int, int, int, tuple[int, ...], tuple[int, ...], dict[str, Any], list[int], tuple[int, ...]]
]
TRANSPOSED = [
    (
        *(2, 6, 8, (5, 4), (3, 3)),
        {"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1]},
        *([1, 1], (10, 8)),
    ),
    (1, 6, 8, (5, 4), (2, 2), {"strides": [2, 2], "group": 2}, [0, 0], (10, 8)),
    (1, 4, 4, (5, 4), (3, 3), {"group": 4}, [0, 0], (7, 6)),
    (1, 12, 12, (5, 4), (3, 3), {"group": 12, "strides": [2, 1]}, [0, 0], (11, 6)),
    (1, 8, 8, (5, 4), (1, 1), {"group": 8, "strides": [2, 2]}, [0, 0], (9, 7)),
    (2, 3, 4, (5, 12), (3, 3), {"pads": [1, 1, 1, 1]}, [1, 1], (5, 12)),
    (2, 2, 3, (4, 20), (4, 5), {"strides": [2, 2]}, [0, 0], (10, 43)),
    (1, 8, 6, (5, 4), (1, 2), {"group": 2, "strides": [2, 3]}, [0, 0], (9, 11)),
    (1, 3, 5, (7,), (3,), {"strides": [3], "dilations": [2]}, [0], (23,)),
    (1, 3, 5, (4, 4), (3, 3), {"strides": [2, 2], "auto_pad": "SAME_UPPER"}, [0, 0], (8, 8)),
    (1, 3, 5, (4, 4), (3, 3), {"strides": [2, 2], "output_shape": [8, 8]}, [1, 1], (8, 8)),
]
LIMITS = {np.float32: 2e-6, np.float64: 1e-13, np.float16: 2e-3, ml_dtypes.bfloat16: 2e-2}


def arrays(rng: np.random.Generator, *shapes: tuple[int, ...]) -> list[Any]:
    return [rng.standard_normal(shape) for shape in shapes]


def transposed(
    x: Any, w: Any, b: Any, pads: list[int], shape: tuple[int, ...], attributes: dict[str, Any]
) -> Any:
    """A transposed convolution by its definition: every input pixel adds the kernel to the output."""
    rank, groups = x.ndim - 2, attributes.get("group", 1)
    strides, dilations = (attributes.get(key, [1] * rank) for key in ("strides", "dilations"))
    y = np.zeros((x.shape[0], w.shape[1] * groups, *shape))
    inputs, outputs = x.shape[1] // groups, w.shape[1]
    for pixel in np.ndindex(*x.shape[2:]):
        for tap in np.ndindex(*w.shape[2:]):
            place = tuple(
                i * s + k * d - p for i, s, k, d, p in zip(pixel, strides, tap, dilations, pads, strict=False)
            )
            if all(0 <= i < n for i, n in zip(place, shape, strict=True)):
                for g in range(groups):
                    part = x[(slice(None), slice(g * inputs, (g + 1) * inputs), *pixel)]
                    kernel = w[(slice(g * inputs, (g + 1) * inputs), slice(None), *tap)]
                    y[(slice(None), slice(g * outputs, (g + 1) * outputs), *place)] += part @ kernel
    return y + b.reshape(-1, *[1] * rank)


def run(
    name: str, values: list[Any], dtype: Any, runtime: bool, **attributes: Any
) -> tuple[Any, onnx.ModelProto]:
    """The operator's result on `values` of a type, and its model in float64."""
    values = [v.astype(dtype) for v in values]
    names = ["x", "w", "b"]
    node = helper.make_node(name, names, ["y"], **attributes)

    def model(kind: Any, fed: int) -> onnx.ModelProto:
        code = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
        infos = [
            helper.make_tensor_value_info(n, code, [None] * v.ndim)
            for n, v in zip(names, values, strict=True)
        ]
        weights = [
            numpy_helper.from_array(v.astype(kind), n) for n, v in zip(names[fed:], values[fed:], strict=True)
        ]
        output = helper.make_tensor_value_info("y", code, None)
        graph = helper.make_graph([node], "g", infos[:fed], [output], weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)

    fed = 3 if runtime else 1
    session = jitrt.InferenceSession(model(dtype, fed).SerializeToString())
    (got,) = session.run(None, dict(zip(names[:fed], values, strict=False)))
    return got, model(np.float64, 3)


def close(got: Any, want: Any, dtype: Any) -> None:
    assert got.dtype == dtype
    assert got.shape == want.shape
    assert np.abs(got.astype(np.float64) - want).max() <= LIMITS[dtype] * np.abs(want).max()


def check(name: str, values: list[Any], dtype: Any, runtime: bool, **attributes: Any) -> None:
    """Compare with onnx's reference in float64 on the same numbers."""
    got, exact = run(name, values, dtype, runtime, **attributes)
    feeds = {n: v.astype(dtype).astype(np.float64) for n, v in zip("xwb", values, strict=True)}
    (want,) = ReferenceEvaluator(exact).run(None, feeds)
    close(got, want, dtype)


@pytest.mark.parametrize("dtype", list(LIMITS))
@pytest.mark.parametrize("case", CASES, ids=str)
def test_conv(case: Any, dtype: Any) -> None:
    n, c, m, spatial, kernel, attributes = case
    rng = np.random.default_rng(0)
    values = arrays(rng, (n, c, *spatial), (m, c // attributes.get("group", 1), *kernel), (m,))
    check("Conv", values, dtype, runtime=False, **attributes)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_conv_with_weights_known_at_run_time(case: Any, dtype: Any) -> None:
    n, c, m, spatial, kernel, attributes = case
    rng = np.random.default_rng(1)
    values = arrays(rng, (n, c, *spatial), (m, c // attributes.get("group", 1), *kernel), (m,))
    check("Conv", values, dtype, runtime=True, **attributes)


@pytest.mark.parametrize("dtype", list(LIMITS))
@pytest.mark.parametrize("runtime", [False, True])
@pytest.mark.parametrize("case", TRANSPOSED, ids=str)
def test_conv_transpose(case: Any, runtime: bool, dtype: Any) -> None:
    n, c, m, spatial, kernel, attributes, pads, shape = case
    rng = np.random.default_rng(2)
    values = arrays(rng, (n, c, *spatial), (c, m // attributes.get("group", 1), *kernel), (m,))
    got, _ = run("ConvTranspose", values, dtype, runtime, **attributes)
    exact = [v.astype(dtype).astype(np.float64) for v in values]
    close(got, transposed(*exact, pads, shape, attributes), dtype)


def test_zero_padding_is_read_by_the_convolution() -> None:
    """A Pad before a Conv costs no step: the convolution's own pads do it."""
    rng = np.random.default_rng(3)
    x, w = rng.standard_normal((1, 3, 6, 6)), rng.standard_normal((4, 3, 3, 3)).astype(np.float32)
    nodes = [
        helper.make_node("Pad", ["x", "pads"], ["p"]),
        helper.make_node("Conv", ["p", "w"], ["y"]),
    ]
    pads = np.array([0, 0, 1, 2, 0, 0, 0, 1])
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", 1, [1, 3, 6, 6])],
        [helper.make_tensor_value_info("y", 1, None)],
        [numpy_helper.from_array(pads, "pads"), numpy_helper.from_array(w, "w")],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    session = jitrt.InferenceSession(proto.SerializeToString())
    (got,) = session.run(None, {"x": x.astype(np.float32)})
    (want,) = ReferenceEvaluator(proto).run(None, {"x": x.astype(np.float32)})
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)
    (program,) = session._programs.values()
    assert [step.label for step in program.variants[0].recipe.steps] == ["Conv", "copy"]  # to channels first


@pytest.mark.parametrize("outputs", [1, 15, 32, 33, 70])
@pytest.mark.parametrize("groups", [1, 2])
def test_weights_are_packed_alike_at_run_time(outputs: int, groups: int) -> None:
    """Panels made of tensors are those that constants are packed into."""
    rng = np.random.default_rng(3)
    rows = rng.standard_normal((groups, 9, outputs)).astype(np.float32)
    packed = packed_panels(constant(rows)).value
    assert packed is not None
    np.testing.assert_array_equal(packed.reshape(groups, -1), pack_matrix(rows))
