"""Convolutions that run band by band, against sums in float64; small images count as large ones here."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper, numpy_helper
from test_conv import oracle, window

import jitrt
import jitrt.bands
from jitrt.types import to_onnx


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(jitrt.bands, "LARGE_BYTES", 0)
    monkeypatch.setattr(jitrt.bands, "HANDED_BYTES", 0)
    monkeypatch.setattr(jitrt.bands, "BANDS", 1)
    monkeypatch.setattr(jitrt.bands, "BAND_BYTES", 1 << 14)
    monkeypatch.setattr(jitrt.bands, "_pays", lambda image, rows: True)
    monkeypatch.setattr(jitrt.bands, "SLOT_PIXELS", 1)


class Network:
    """Convolutions one after the other of x[n, c, h, w], and what float64 makes of it."""

    def __init__(self, x):
        self.x, self.value = x, x.astype(np.float64)
        self.rng = np.random.default_rng(5)
        self.nodes, self.kept, self.name = [], [], "x"

    def add(self, kind, *inputs, **attributes):
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, [self.name, *inputs], [name], **attributes))
        self.name = name

    def constant(self, values):
        self.kept.append(numpy_helper.from_array(values, f"c{len(self.kept)}"))
        return self.kept[-1].name

    def conv(self, outputs, size=1, *, groups=1, stride=1, dilation=1, pads=(0, 0, 0, 0)):
        channels, dtype = self.value.shape[1], self.x.dtype
        weights = self.rng.standard_normal((outputs, channels // groups, size, size)).astype(dtype)
        bias = self.rng.standard_normal(outputs).astype(dtype)
        spec = {"strides": [stride] * 2, "dilations": [dilation] * 2, "pads": pads, "group": groups}
        self.add("Conv", self.constant(weights), self.constant(bias), **spec)
        geometry = window((size, size), (stride, stride), (dilation, dilation), pads[:2])
        self.value = oracle(self.value, weights, geometry, groups, pads[2:]) + bias[:, None, None]
        return self

    def relu(self):
        self.add("Relu")
        self.value = np.maximum(self.value, 0)
        return self

    def scaled(self, shape):
        factors = self.rng.standard_normal(shape).astype(self.x.dtype)
        self.add("Mul", self.constant(factors))
        self.value = self.value * factors
        return self

    def plus(self, name, value):
        self.add("Add", name)
        self.value = self.value + value
        return self

    def run(self, threads=1, shape=None):
        """The result, and the labels of the steps."""
        kind = to_onnx(self.x.dtype)
        shape = list(self.x.shape) if shape is None else shape
        inputs = [helper.make_tensor_value_info("x", kind, shape)]
        outputs = [helper.make_tensor_value_info(self.name, kind, None)]
        graph = helper.make_graph(self.nodes, "g", inputs, outputs, self.kept)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
        options = jitrt.SessionOptions()
        options.intra_op_num_threads = threads
        session = jitrt.InferenceSession(model.SerializeToString(), options)
        (y,) = session.run(None, {"x": self.x})
        (program,) = session._programs.values()
        return y, [step.label for step in program.variants[0].recipe.steps]

    def check(self, *joined, **more):
        """The result is right, in any number of threads, and steps are so many convolutions each."""
        y, labels = self.run(**more)
        assert [label.count("Conv") for label in labels if "Conv" in label] == [*joined]
        scale = np.abs(self.value).max()
        assert np.abs(y - self.value).max() <= 3e-6 * scale
        for threads in (2, 3):
            np.testing.assert_array_equal(self.run(threads, **more)[0], y)


def network(*shape, dtype=np.float32):
    return Network(np.random.default_rng([7, *shape]).standard_normal(shape).astype(dtype))


@pytest.mark.parametrize(
    ("size", "stride", "dilation", "pads"),
    [
        (3, 1, 1, (1, 1, 1, 1)),
        (3, 2, 1, (0, 0, 1, 1)),
        (5, 1, 1, (2, 2, 2, 2)),
        (5, 2, 1, (2, 1, 1, 2)),
        (7, 1, 1, (3, 3, 3, 3)),
        (3, 1, 3, (3, 3, 3, 3)),
        (3, 1, 1, (0, 0, 0, 0)),
        (2, 3, 1, (5, 0, 1, 0)),
    ],
)
@pytest.mark.parametrize("slot", [1, 30])
def test_inverted_residual(size, stride, dilation, pads, slot, monkeypatch):
    """Windows of all kinds, over slots of a row and of a few."""
    monkeypatch.setattr(jitrt.bands, "SLOT_PIXELS", slot)
    net = network(2, 16, 24, 17).conv(40).relu()
    net.conv(40, size, groups=40, stride=stride, dilation=dilation, pads=pads).relu().conv(20).check(3)


@pytest.mark.parametrize("channels", [(8, 24, 8), (128, 256, 128)])
def test_residual_is_not_overwritten_where_it_is_read_again(channels):
    """The sum has the place of no operand whose rows other bands still need."""
    inner, wide, outer = channels
    net = network(1, 3, 14, 14).conv(inner).relu()
    name, value = net.name, net.value
    net.conv(wide).relu().conv(wide, 3, groups=wide, pads=(1,) * 4).relu().conv(outer).plus(name, value)
    net.conv(inner, 3, pads=(1,) * 4).check(1, 3, 1)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("shape", [None, ["n", 24, 12, 10]])
def test_batches(batch, shape):
    """The batch may be left open; operands differ from image to image, or from pixel to pixel."""
    net = network(batch, 24, 12, 10).conv(48).relu()
    wide = net.name, net.value
    net.conv(24).relu()
    narrow = net.name, net.value
    net.conv(48).plus(*wide).relu().scaled((48, 1, 1)).conv(48, 3, groups=48, pads=(1,) * 4).plus(*wide)
    net.scaled((48, 1, 1)).relu().conv(24).plus(*narrow).relu().scaled((24, 1, 1)).check(1, 1, 3, shape=shape)


def test_the_first_reads_strips():
    """Images of three channels, as they come, in planes."""
    net = network(2, 3, 33, 40).conv(24, 3, stride=2, pads=(1,) * 4).relu()
    net.conv(24, 3, groups=24, pads=(1,) * 4).relu().conv(16).check(3)


def test_pairs_come_before_what_follows():
    """Of products before and after depthwise convolutions, those before are joined with them."""
    net = network(1, 4, 16, 16)
    for _ in range(3):
        net.conv(32).relu().conv(32, 3, groups=32, pads=(1,) * 4).relu()
    net.conv(8).check(2, 2, 3)


def test_products_one_after_the_other():
    """The last adds what the first reads, and may write it there; a depthwise convolution begins anew."""
    net = network(2, 24, 9, 15).conv(32, 3)
    name, value = net.name, net.value
    net.conv(64).relu().conv(40).relu().conv(32).plus(name, value).conv(32, 3).check(1, 3, 1)
    net = network(1, 24, 12, 15).conv(24, 5, groups=24, pads=(2,) * 4).relu().conv(48).relu().conv(24)
    net.conv(64).relu().conv(64, 3, groups=64, pads=(1,) * 4).conv(16).relu().conv(48).check(3, 4)


def test_images_of_few_rows_stay_whole(monkeypatch):
    """Threads share what is in rows; one of a row is not cut."""
    monkeypatch.setattr(jitrt.bands, "BANDS", 2)
    network(1, 24, 1, 40).conv(64).relu().conv(64, 3, groups=64, pads=(1,) * 4).conv(24).check(1, 1, 1)
    network(1, 24, 1, 40).conv(64).relu().conv(24).check(1, 1)


def test_pooled_between():
    """Squeeze-and-excitation reads what the second step makes, which is an image of its own."""
    net = network(1, 8, 16, 16).conv(32).relu().conv(32, 3, groups=32, pads=(1,) * 4).relu()
    before, value = net.name, net.value
    net.add("GlobalAveragePool")
    net.value = value.mean((2, 3), keepdims=True)
    net.conv(32)
    net.add("Mul", before)
    net.value = net.value * value
    y, labels = net.conv(8).run()
    assert next(label.count("Conv") for label in labels if "Conv" in label) == 2
    assert np.abs(y - net.value).max() <= 3e-6 * np.abs(net.value).max()


def test_images_that_others_read_stay_whole():
    """The expanded image is a result of the model's, or is added later."""
    net = network(1, 8, 16, 16).conv(32).relu()
    name, value = net.name, net.value
    net.conv(32, 3, groups=32, pads=(1,) * 4).plus(name, value).check(1, 1)


def test_double_precision():
    net = network(1, 8, 10, 10, dtype=np.float64).conv(32).relu().conv(32, 3, groups=32, pads=(1,) * 4)
    net.conv(8).check(3)
