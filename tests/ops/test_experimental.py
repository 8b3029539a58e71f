"""Operators that ONNX had on trial, against NumPy in float64."""

import numpy as np
import pytest
from oracle import Case, int64s, normal, table

import jitrt

OLD = {"version": 7}
X, FLAT = normal(2, 3, 6, 5), normal(7)


def normalized(x, across_channels=0, normalize_variance=1):
    axes = (0, 1, 2, 3) if across_channels else (0, 2, 3)
    centered = x - x.mean(axes, keepdims=True)
    return centered / x.std(axes, keepdims=True) if normalize_variance else centered


SCALARS = [
    Case("Affine", [FLAT], {"alpha": 2.0, "beta": -0.5}, lambda x, alpha, beta: alpha * x + beta, **OLD),
    Case("Scale", [FLAT], {"scale": 3.0}, lambda x, scale: scale * x, **OLD),
    Case("ThresholdedRelu", [FLAT], {"alpha": 0.5}, lambda x, alpha: np.where(x > alpha, x, 0), **OLD),
    Case(
        "ScaledTanh",
        [FLAT],
        {"alpha": 1.7, "beta": 0.6},
        lambda x, alpha, beta: alpha * np.tanh(beta * x),
        **OLD,
    ),
    Case(
        "ParametricSoftplus",
        [FLAT],
        {"alpha": 0.5, "beta": 2.0},
        lambda x, alpha, beta: alpha * np.log1p(np.exp(beta * x)),
        **OLD,
    ),
]
IMAGES = [
    Case(
        "ImageScaler",
        [X],
        {"scale": 0.5, "bias": [0.5, -1.0, 2.0]},
        lambda x, scale, bias: scale * x + np.reshape(bias, (3, 1, 1)),
        **OLD,
    ),
    Case("Crop", [X], {"border": [1, 2, 0, 1]}, lambda x, border: x[:, :, 2:-1, 1:], **OLD),
    Case(
        "Crop",
        [X],
        {"border": [1, 2, 0, 0], "scale": [3, 2]},
        lambda x, border, scale: x[:, :, 2:5, 1:3],
        **OLD,
    ),
] + [
    Case(
        "MeanVarianceNormalization",
        [X],
        {"across_channels": across, "normalize_variance": divided},
        normalized,
        tolerance=8,
        **OLD,
    )
    for across in (0, 1)
    for divided in (0, 1)
]
SHAPES = [
    Case(
        "DynamicSlice",
        [X, int64s(1, -3), int64s(3, 9), int64s(1, 2)],
        {},
        lambda x, *_: x[:, 1:3, -3:9],
        **OLD,
    ),
    Case("DynamicSlice", [X, int64s(1), int64s(2)], {}, lambda x, *_: x[1:2], **OLD),
]


@table(SCALARS, IMAGES, SHAPES)
def test_operators_on_trial(case):
    case.check()


@pytest.mark.parametrize(
    ("inputs", "attributes", "shape"),
    [
        ([], {"shape": [2, 3]}, (2, 3)),
        ([FLAT], {"extra_shape": [2]}, (7, 2)),
        ([int64s(4, 1)], {"input_as_shape": 1, "extra_shape": [3]}, (4, 1, 3)),
    ],
)
def test_shapes_of_filled_tensors(inputs, attributes, shape):
    filled = jitrt.call("ConstantFill", *inputs, value=3.0, dtype=7, version=1, **attributes)
    assert filled.dtype == np.int64
    np.testing.assert_array_equal(filled, np.full(shape, 3))
    values = list(map(float, range(np.prod(shape))))
    given = jitrt.call("GivenTensorFill", *inputs, values=values, version=1, **attributes)
    assert given.dtype == np.float32
    np.testing.assert_array_equal(given, np.reshape(values, shape))
