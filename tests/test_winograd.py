"""Winograd convolutions of every geometry against sums over kernel positions in float64."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper, numpy_helper
from steps import assert_close, ref, run_twice
from test_conv import input_image, oracle, output_image, window

import jitrt
from jitrt.codegen.conv import Image
from jitrt.codegen.epilogue import Epilogue
from jitrt.codegen.loop import Operand
from jitrt.codegen.order import winograd
from jitrt.codegen.product import Matrix
from jitrt.codegen.weights import pack_winograd_weights
from jitrt.codegen.winograd import can_use_winograd, choose_transform, winograd_step
from jitrt.codegen.winograd_transform import F2, F2_STRIDED, F4
from jitrt.convolutions import ConvAttributes, Convolution
from jitrt.expr import load, maximum
from jitrt.tensor import constant
from jitrt.types import F32, F64

TRANSFORMS = pytest.mark.parametrize("transform", [F2, F4, F2_STRIDED], ids=["F2", "F4", "F2 of stride 2"])


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@TRANSFORMS
@pytest.mark.parametrize(
    ("batch", "channels", "outputs", "spatial", "pads", "after"),
    [
        (1, 16, 32, (8, 8), (1, 1), (1, 1)),  # whole tiles
        (2, 20, 17, (7, 9), (1, 1), (1, 1)),  # ragged tiles, channels that fill no vector
        (1, 1, 1, (3, 3), (0, 0), (0, 0)),
        (1, 5, 33, (4, 11), (2, 2), (2, 2)),
        (3, 40, 70, (6, 5), (0, 2), (1, 0)),
        (1, 8, 8, (1, 1), (1, 1), (1, 1)),
        (2, 64, 96, (30, 18), (1, 0), (2, 1)),  # several blocks
        (1, 260, 260, (14, 13), (1, 1), (1, 1)),  # weights that exceed a cache
        (2, 20, 33, (5, 9, 10), (1, 1, 1), (1, 1, 1)),  # volumes
        (1, 7, 8, (2, 6, 5), (0, 1, 1), (1, 1, 1)),
        (1, 16, 40, (23, 18, 6), (2, 1, 1), (2, 0, 1)),
    ],
)
def test_geometries(batch, channels, outputs, spatial, pads, after, transform, target, rng):
    kernel = (3,) * len(spatial)
    x = rng.standard_normal((batch, channels, *spatial), np.float32)
    weights = rng.standard_normal((outputs, channels, *kernel), np.float32)
    bias = rng.standard_normal(outputs, np.float32)
    geometry = window(kernel, (1, transform.stride, transform.stride)[-len(kernel) :], pads=pads)
    expected = oracle(x, weights, geometry, 1, after) + bias.reshape(-1, *(1,) * len(spatial))
    out, y = output_image(batch, expected.shape[2:], outputs)
    image = input_image(x, "last", gap=3)
    assert can_use_winograd(image, out, geometry, 1)
    packed = ref(pack_winograd_weights(weights, transform, target))
    step = winograd_step(image, packed, out, geometry, transform, bias=ref(bias), target=target)
    run_twice(step, target, y)
    assert_close(np.moveaxis(y, -1, 1), expected, 5e-6)


@TRANSFORMS
def test_epilogue(transform, target, rng):
    """A residual, a gate for each image and channel, and an activation; into a slice of wider channels."""
    stride, weights = transform.stride, rng.standard_normal((40, 12, 3, 3), np.float32)
    x = rng.standard_normal((2, 12, 9 * stride, 6 * stride), np.float32)
    gate, residual = rng.standard_normal((2, 40), np.float32), rng.standard_normal((2, 9, 6, 40), np.float32)
    memory = np.full((2, 9, 6, 60), 7, np.float32)
    out = Image.channels_last(ref(memory[..., 10:]), F32, 2, (9, 6), 40, 60)
    epilogue = Epilogue(
        maximum(load(0, F32) * load(1, F32) + load(2, F32), 0),
        (Operand(F32, (None, 0, 1)), Operand(F32, (None, None, 1))),
    )
    operands = [Matrix(ref(gate), F32, 0, 1, (40, 0)), Matrix(ref(residual), F32, 40, 1, (9 * 6 * 40, 0))]
    geometry, after = window((3, 3), (stride, stride), pads=(1, 1)), (2 - stride, 2 - stride)
    packed = ref(pack_winograd_weights(weights, transform, target))
    step = winograd_step(
        input_image(x, "last"),
        packed,
        out,
        geometry,
        transform,
        epilogue=epilogue,
        operands=operands,
        target=target,
    )
    run_twice(step, target, memory[..., 10:50])
    expected = oracle(x, weights, geometry, 1, after) * gate[:, :, None, None] + np.moveaxis(residual, -1, 1)
    assert_close(np.moveaxis(memory[..., 10:50], -1, 1), np.maximum(expected, 0), 5e-6)
    assert (memory[..., :10] == 7).all()
    assert (memory[..., 50:] == 7).all()


@TRANSFORMS
def test_float64(transform, target, rng):
    stride, weights = transform.stride, rng.standard_normal((10, 9, 3, 3))
    x, (out, y) = rng.standard_normal((1, 9, 6 * stride, 7 * stride)), output_image(1, (6, 7), 10, F64)
    geometry, after = window((3, 3), (stride, stride), pads=(1, 1)), (2 - stride, 2 - stride)
    packed = ref(pack_winograd_weights(weights, transform, target))
    run_twice(
        winograd_step(input_image(x, "last"), packed, out, geometry, transform, target=target), target, y
    )
    assert_close(np.moveaxis(y, -1, 1), oracle(x, weights, geometry, 1, after), 1e-13)


def test_error_of_long_sums(target, rng):
    """As many channels as networks have: within 1e-5 of the largest output, of relu's inputs too."""
    x = np.maximum(rng.standard_normal((1, 512, 8, 8), np.float32), 0)
    weights = rng.standard_normal((48, 512, 3, 3), np.float32)
    for transform in (F2, F4, F2_STRIDED):
        geometry = window((3, 3), (transform.stride, transform.stride), pads=(1, 1))
        expected = oracle(x, weights, geometry, 1, (1, 1))
        out, y = output_image(1, expected.shape[2:], 48)
        packed = ref(pack_winograd_weights(weights, transform, target))
        run_twice(
            winograd_step(input_image(x, "last"), packed, out, geometry, transform, target=target), target, y
        )
        assert_close(np.moveaxis(y, -1, 1), expected, 1e-5)


def image(channels, spatial, batch=1):
    memory = np.zeros((batch, *spatial, channels), np.float32)
    return Image.channels_last(ref(memory), F32, batch, spatial, channels)


@pytest.mark.parametrize(
    ("inputs", "outputs", "size", "stride", "chosen"),
    [
        (64, 64, 56, 1, F4),
        (256, 256, 14, 1, F2),
        (3, 32, 224, 1, None),
        (256, 256, 7, 1, None),
        (1024, 1024, 2, 1, None),
        (128, 128, 56, 2, F2_STRIDED),
        (512, 512, 14, 2, None),
        (16, 32, 112, 2, None),
    ],
)
def test_choice(inputs, outputs, size, stride, chosen):
    """Many pixels: fewest products. Few pixels: weights that need not be read. Few channels: a direct sum."""
    geometry = window((3, 3), (stride, stride), pads=(1, 1))
    x, out = image(inputs, (size, size)), image(outputs, (size // stride, size // stride))
    assert choose_transform(x, out, geometry, 1) == chosen
    with winograd(False):
        assert choose_transform(x, out, geometry, 1) is None


def test_option_turns_it_off(rng):
    """The session's entry: results differ in rounding, both are close."""
    x = rng.standard_normal((1, 64, 56, 56), np.float32)
    w = rng.standard_normal((64, 64, 3, 3), np.float32)
    node = helper.make_node("Conv", ["x", "w"], ["y"], pads=[1] * 4)
    infos = [helper.make_tensor_value_info("x", 1, x.shape), helper.make_tensor_value_info("y", 1, None)]
    graph = helper.make_graph([node], "g", infos[:1], infos[1:], [numpy_helper.from_array(w, "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    results = {}
    for value in ("0", "1"):
        options = jitrt.SessionOptions()
        options.add_session_config_entry("jitrt.winograd", value)
        (results[value],) = jitrt.InferenceSession(model.SerializeToString(), options).run(None, {"x": x})
    expected = oracle(x, w, window((3, 3), pads=(1, 1)), 1, (1, 1))
    assert_close(results["0"], expected)
    assert_close(results["1"], expected, 5e-6)
    assert (results["0"] != results["1"]).any()
    (default,) = jitrt.InferenceSession(model.SerializeToString()).run(None, {"x": x})
    np.testing.assert_array_equal(default, results["1"])


@pytest.mark.parametrize(
    "geometry",
    [
        window((3, 3), (2, 1)),
        window((3, 3), (3, 3)),
        window((3, 3), dilations=(2, 2)),
        window((5, 5)),
        window((3, 3), pads=(-1, 0)),
    ],
)
def test_other_windows_are_summed_directly(geometry):
    assert not can_use_winograd(image(64, (40, 40)), image(64, (36, 36)), geometry, 1)
    assert choose_transform(image(64, (40, 40)), image(64, (36, 36)), geometry, 1) is None


def test_packed_weights_are_those_of_the_choice(rng):
    """A convolution takes the transform that the choice says, and the direct sum where it is turned off."""
    weights = rng.standard_normal((64, 64, 3, 3), np.float32)
    attributes = ConvAttributes((3, 3), (1, 1), (1, 1), (1, 1, 1, 1), 1)
    call = Convolution(constant(np.zeros((1, 56, 56, 64), np.float32)), weights, None, attributes)
    both, more = (image(64, (56, 56)), image(64, (56, 56))), {"bias": None, "operands": [], "label": "Conv"}
    (fast,) = call.kernel_steps(*both, more)
    with winograd(False):
        (direct,) = call.kernel_steps(*both, more)
    expected = pack_winograd_weights(weights, F4)
    fast.keeps[0].make()
    np.testing.assert_array_equal(fast.keeps[0].buffer.data.ravel(), expected.ravel())
    assert "winograd" in fast.kernel.name
    assert "winograd" not in direct.kernel.name
