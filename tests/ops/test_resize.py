"""Resizing against a direct transcription of the spec, one element at a time, in float64."""

import numpy as np
import pytest
from onnx import helper, numpy_helper
from onnx_models import FLOAT, info, model, node, tensor
from oracle import BF16, Case, int64s, integers, normal, table

import jitrt


def coordinate(mode, o, n, m, scale, start, end):
    """x_original of position o, by the spec's formulas."""
    length = n * scale
    if mode == "half_pixel":
        return (o + 0.5) / scale - 0.5
    if mode == "half_pixel_symmetric":
        return n / 2 * (1 - m / length) + (o + 0.5) / scale - 0.5
    if mode == "pytorch_half_pixel":
        return (o + 0.5) / scale - 0.5 if m > 1 else 0.0
    if mode == "align_corners":
        return 0.0 if length == 1 else o * (n - 1) / (length - 1)
    if mode == "asymmetric":
        return o / scale
    if mode == "tf_half_pixel_for_nn":
        return (o + 0.5) / scale
    if m > 1:
        return start * (n - 1) + o * (end - start) * (n - 1) / (m - 1)
    return 0.5 * (start + end) * (n - 1)


def rounded(x, mode):
    return {
        "round_prefer_floor": np.ceil(x - 0.5),
        "round_prefer_ceil": np.floor(x + 0.5),
        "floor": np.floor(x),
        "ceil": np.ceil(x),
    }[mode]


def weight(d, mode, a):
    d = abs(d)
    if mode == "linear":
        return max(1 - d, 0)
    if d <= 1:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1
    return a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a if d < 2 else 0.0


def matrix(n, m, scale, region, mode, coordinates, nearest, a, exclude, antialias):
    """The weights [m, n] along an axis, and which positions lie outside the original."""
    table, outside = np.zeros((m, n)), np.zeros(m, bool)
    for o in range(m):
        x = coordinate(coordinates, o, n, m, scale, *region)
        outside[o] = coordinates == "tf_crop_and_resize" and not 0 <= x <= n - 1
        if mode == "nearest":
            table[o, int(np.clip(rounded(x, nearest), 0, n - 1))] = 1
            continue
        shrink = min(scale, 1) if antialias else 1
        reach = int(np.ceil((1 if mode == "linear" else 2) / shrink)) + 1
        taps = range(int(np.floor(x)) - reach, int(np.floor(x)) + reach + 1)
        weights = [weight((i - x) * shrink, mode, a) if not exclude or 0 <= i < n else 0.0 for i in taps]
        total = sum(weights) if exclude or antialias else 1.0
        for i, w in zip(taps, weights, strict=True):
            table[o, min(max(i, 0), n - 1)] += w / total
    return table, outside


def resize(
    x,
    roi=None,
    scales=None,
    sizes=None,
    axes=None,
    mode="nearest",
    coordinate_transformation_mode="half_pixel",
    nearest_mode="round_prefer_floor",
    cubic_coeff_a=-0.75,
    exclude_outside=0,
    extrapolation_value=0.0,
    antialias=0,
    keep_aspect_ratio_policy="stretch",
):
    axes = [a % x.ndim for a in axes] if axes else range(x.ndim)
    roi = [0.0] * len(axes) + [1.0] * len(axes) if roi is None or not len(roi) else roi
    regions = [(float(roi[i]), float(roi[i + len(axes)])) for i in range(len(axes))]
    if sizes is not None:
        ratios = [size / x.shape[a] for a, size in zip(axes, sizes, strict=True)]
        if keep_aspect_ratio_policy != "stretch":
            ratio = min(ratios) if keep_aspect_ratio_policy == "not_larger" else max(ratios)
            ratios = [ratio] * len(axes)
            sizes = [int(ratio * x.shape[a] + 0.5) for a in axes]
    else:
        ratios = [float(s) for s in scales]
        crops = regions if coordinate_transformation_mode == "tf_crop_and_resize" else [(0, 1)] * len(axes)
        sizes = [
            int(np.float32(x.shape[a]) * (np.float32(s) * np.float32(end - start)))
            for a, (start, end), s in zip(axes, crops, ratios, strict=True)
        ]
    y, masks = x.astype(np.float64), []
    for a, m, scale, region in zip(axes, sizes, ratios, regions, strict=True):
        table, outside = matrix(
            x.shape[a],
            int(m),
            scale,
            region,
            mode,
            coordinate_transformation_mode,
            nearest_mode,
            cubic_coeff_a,
            exclude_outside,
            antialias,
        )
        y = np.moveaxis(np.tensordot(table, y, (1, a)), 0, a)
        masks.append(outside.reshape([-1 if b == a else 1 for b in range(x.ndim)]))
    for mask in masks:
        y = np.where(mask, extrapolation_value, y)
    return y


def scales(*values):
    return np.array(values, np.float32)


IMAGE = normal(2, 3, 5, 6)
COORDINATES = ("half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric")
FACTORS = ((2.0, 2.0), (1.0, 3.0), (0.6, 0.8), (2.5, 0.5), (0.2, 1.7))
BY_SCALES = [
    Case(
        "Resize",
        [IMAGE, None, scales(1, 1, *factor)],
        {"mode": mode, "coordinate_transformation_mode": c},
        resize,
        tolerance=8,
    )
    for factor in FACTORS
    for mode in ("nearest", "linear", "cubic")
    for c in COORDINATES
]
NEAREST = [
    Case(
        "Resize",
        [IMAGE, None, scales(1, 1, h, w)],
        {"nearest_mode": n, "coordinate_transformation_mode": c},
        resize,
    )
    for n in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
    for c in ("half_pixel", "asymmetric")
    for h, w in ((2, 3), (4, 2.5))
]
BY_SIZES = [
    Case(
        "Resize",
        [IMAGE, None, None, int64s(*sizes)],
        {"mode": mode, "axes": [2, 3], "keep_aspect_ratio_policy": policy},
        resize,
        tolerance=8,
    )
    for sizes in ((7, 8), (3, 11), (1, 1))
    for mode in ("nearest", "linear")
    for policy in ("stretch", "not_larger", "not_smaller")
]
OPTIONS = [
    Case("Resize", [IMAGE, None, scales(1, 1, h, w)], {"mode": mode, **more}, resize, tolerance=16)
    for mode in ("linear", "cubic")
    for h, w in ((0.6, 0.4), (1.5, 0.7))
    for more in (
        {"antialias": 1},
        {"exclude_outside": 1},
        {"antialias": 1, "exclude_outside": 1},
        {"cubic_coeff_a": -0.5},
    )
]
CROPS = [
    Case(
        "Resize",
        [normal(1, 1, 6, 7), np.array(roi, np.float32), None, int64s(4, 5)],
        {
            "mode": mode,
            "axes": [2, 3],
            "coordinate_transformation_mode": "tf_crop_and_resize",
            "extrapolation_value": 9.0,
        },
        resize,
        tolerance=8,
    )
    for roi in ((0.25, 0.2, 0.75, 1.0), (0.5, 0.6, 1.5, 1.25))
    for mode in ("nearest", "linear")
]
SHAPES = [
    Case("Resize", [normal(*shape), None, scales(*factor)], {"mode": mode}, resize, tolerance=8)
    for shape, factor in (
        ((7,), (1.5,)),
        ((4, 5), (2, 0.5)),
        ((1, 2, 6), (1, 1, 2)),
        ((1, 2, 3, 4, 3), (1, 1, 2, 1.5, 2)),
        ((3, 4, 2, 2), (2, 1, 1, 3)),
    )
    for mode in ("nearest", "linear", "cubic")
]
TYPES = [
    Case(
        "Resize", [normal(1, 2, 4, 4, dtype=t), None, scales(1, 1, 2, 2)], {"mode": mode}, resize, tolerance=4
    )
    for t in (np.float64, np.float16, BF16)
    for mode in ("nearest", "linear")
] + [
    Case(
        "Resize",
        [integers(1, 2, 4, 4, dtype=t, low=0, high=99), None, scales(1, 1, 2, 1.5)],
        {"mode": mode},
        lambda x, *a, **o: np.trunc(resize(x, *a, **o)),
    )
    for t in (np.uint8, np.int32)
    for mode in ("nearest", "linear")
]


def upsample(x, scales, mode="nearest"):
    return resize(
        x, None, scales, mode=mode, coordinate_transformation_mode="asymmetric", nearest_mode="floor"
    )


OLD = (
    [
        Case(op, [IMAGE, scales(1, 1, 2, 2.5)], {"mode": mode}, upsample, version=version, tolerance=8)
        for op, version in (("Upsample", 9), ("Resize", 10))
        for mode in ("nearest", "linear")
    ]
    + [
        Case(
            "Upsample",
            [IMAGE],
            {"scales": [1.0, 1.0, 2.0, 3.0]},
            lambda x, scales: upsample(x, scales),
            version=7,
        )
    ]
    + [
        Case(
            "Upsample",
            [IMAGE],
            {"height_scale": 1.5, "width_scale": 2.0, "mode": mode},
            lambda x, height_scale, width_scale, mode: upsample(
                x, [1, 1, height_scale, width_scale], mode="linear" if mode == "bilinear" else mode
            ),
            version=1,
            tolerance=8,
        )
        for mode in ("nearest", "bilinear")
    ]
    + [
        Case(
            "Resize",
            [IMAGE, None, scales(1, 1, 2, 1.5)],
            {"coordinate_transformation_mode": "tf_half_pixel_for_nn", "nearest_mode": "floor"},
            resize,
            version=11,
        )
    ]
)
CHANNELS = [
    Case(
        "Resize",
        [normal(2, 9, *shape), None, scales(1, 1, *factor)],
        {"mode": mode, "antialias": a},
        resize,
        tolerance=16,
    )
    for shape, factor in (((5, 6), (1.5, 0.6)), ((3, 4, 5), (2, 1.4, 0.6)), ((3, 4, 5), (1, 1.5, 1)))
    for mode, a in (("nearest", 0), ("linear", 0), ("linear", 1), ("cubic", 0))
]
CHANNELS_LAST = [
    Case(
        "Resize",
        [normal(2, 5, 6, channels), None, scales(1, h, w, 1)],
        {"mode": mode, "antialias": a},
        resize,
        tolerance=16,
    )
    for channels in (1, 3, 9)
    for h, w in ((1.5, 0.6), (0.4, 3), (2, 1))
    for mode, a in (("nearest", 0), ("linear", 0), ("linear", 1), ("cubic", 0))
]


@table(BY_SCALES, NEAREST, BY_SIZES, OPTIONS, CROPS, SHAPES, TYPES, OLD, CHANNELS, CHANNELS_LAST)
def test_resize(case):
    case.check()


@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_one_schedule_serves_other_sizes(mode):
    for height, width in ((4, 5), (6, 9), (3, 2)):
        x = normal(1, 2, height, width)
        got = jitrt.call("Resize", x, None, scales(1, 1, 1.5, 2), mode=mode)
        np.testing.assert_allclose(
            got, resize(x, None, scales(1, 1, 1.5, 2), mode=mode), rtol=1e-5, atol=1e-6
        )


def test_strings_and_complex_numbers():
    words = np.array(["a", "b", "c"], object)
    assert jitrt.call("Resize", words, None, scales(2)).tolist() == list("aabbcc")
    assert jitrt.call("Upsample", words, scales(4 / 3), version=9).tolist() == ["a", "a", "b", "c"]
    with pytest.raises(jitrt.errors.Fail, match="holds strings"):
        jitrt.call("Resize", words, None, scales(2), mode="linear")
    z = (normal(1, 1, 4, 5) + 1j * normal(1, 1, 4, 5, seed=1)).astype(np.complex64)
    crop = {
        "mode": "linear",
        "coordinate_transformation_mode": "tf_crop_and_resize",
        "axes": [2, 3],
        "extrapolation_value": 5.0,
    }
    region = np.array([-0.2, 0.1, 0.9, 1.3], np.float32)
    got = jitrt.call("Resize", z, region, None, int64s(3, 6), **crop)
    real = resize(z.real, region, None, [3, 6], **crop)
    imaginary = resize(z.imag, region, None, [3, 6], **{**crop, "extrapolation_value": 0.0})
    np.testing.assert_allclose(got, real + 1j * imaginary, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("given", ["number", "symbol"])
def test_sizes_from_factors_that_are_ratios_of_sizes(given):
    """A ratio of sizes, rounded to float32, gives the size that it was made for."""
    info, rows, opsets = helper.make_tensor_value_info, 12, [helper.make_opsetid("", 18)]
    for wanted in range(1, 3 * rows):
        factor = numpy_helper.from_array(np.float32([1, 1, wanted / rows, 1]), "factor")
        graph = helper.make_graph(
            [helper.make_node("Resize", ["x", "", "factor"], ["y"])],
            "g",
            [info("x", 1, [1, 1, rows if given == "number" else "rows", 2])],
            [info("y", 1, None)],
            [factor],
        )
        source = helper.make_model(graph, ir_version=10, opset_imports=opsets).SerializeToString()
        (y,) = jitrt.InferenceSession(source).run(None, {"x": np.zeros((1, 1, rows, 2), np.float32)})
        assert y.shape == (1, 1, wanted, 2)


@pytest.mark.parametrize(
    "scales", [(1, 1, 2, 3), (1, 1, 2, 2), (1, 1, 1.5, 0.6), (1, 1, 1, 3), (1, 1, 3, 1), (1, 2, 2, 1.4)]
)
@pytest.mark.parametrize("channels", [3, 16])
@pytest.mark.parametrize("channels_last", [False, True])
def test_nearest_where_channels_lie_first_and_last(scales, channels, channels_last):
    x = normal(2, channels, 7, 9)
    fed = x.transpose(0, 2, 3, 1) if channels_last else x
    nodes = [node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2])] if channels_last else []
    resize = node(
        "Resize",
        ["t" if channels_last else "x", "", "scales"],
        ["y"],
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )
    factors = tensor("scales", np.array(scales, np.float32))
    proto = model([*nodes, resize], [info("x", FLOAT, fed.shape)], initializers=[factors])
    (got,) = jitrt.InferenceSession(proto.SerializeToString()).run(None, {"x": fed})
    for axis, scale in enumerate(np.array(scales, np.float32)):
        size = int(np.float32(x.shape[axis]) * scale)
        x = x.take(np.floor(np.arange(size) / np.float64(scale)).astype(np.int64), axis)
    np.testing.assert_array_equal(got, x)
