"""Convolutions over few channels, whose tiles share the input's lines, against sums in float64."""

from __future__ import annotations

import numpy as np
import pytest
from steps import TARGETS, ref
from test_conv import check_conv, input_image, output_image, window

from jitrt.codegen.conv import strips_of
from jitrt.codegen.product import Matrix
from jitrt.types import BF16, F16, F32, F64

pytestmark = pytest.mark.parametrize("target", TARGETS, ids=lambda t: f"{t.vector_bytes * 8}bit")


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.mark.parametrize("layout", ["first", "last"])
@pytest.mark.parametrize(
    ("channels", "outputs", "spatial", "geometry", "after"),
    [
        (3, 24, (9, 40), window((3, 3), (2, 2), pads=(1, 1)), (1, 1)),
        (3, 64, (20, 33), window((7, 7), (2, 2), pads=(3, 3)), (3, 3)),
        (1, 16, (4, 5, 21), window((3, 3, 3), pads=(1, 1, 1)), (1, 1, 1)),
        (1, 5, (100,), window((9,), (4,), pads=(8,)), (0,)),
        (2, 33, (12, 16), window((3, 2), dilations=(2, 1), pads=(4, 0)), (0, 2)),
        (8, 17, (3, 30), window((1, 5), (1, 3)), (0, 0)),
        (3, 20, (14, 37), window((3, 3), dilations=(2, 3), pads=(2, 3)), (2, 3)),
        (2, 9, (5, 4, 19), window((2, 3, 3), (1, 2, 1), (2, 1, 4), pads=(1, 1, 4)), (1, 1, 4)),
        (5, 70, (60,), window((4,), dilations=(5,), pads=(2,)), (3,)),
    ],
)
def test_strips(channels, outputs, spatial, geometry, after, layout, target, rng):
    check_conv(rng, target, 2, channels, outputs, spatial, geometry, after, layout=layout)


@pytest.mark.parametrize("dtype", [F16, BF16, F64])
def test_float_types(dtype, target, rng):
    geometry = window((3, 3), pads=(1, 1))
    check_conv(rng, target, 1, 3, 10, (6, 19), geometry, (1, 1), layout="first", dtype=dtype)


def test_choice(target):
    """Short rows, many channels, wide steps and operands of pixels have kernels of their own."""

    def chosen(channels=3, width=20, groups=1, stride=1, row=0):
        x = input_image(np.zeros((1, channels, 20, width), F32), "first")
        out, _ = output_image(1, (20, width), 4)
        geometry = window((3, 3), (stride,) * 2, (1, 1), (1, 1))
        operand = Matrix(ref(np.zeros(4, F32)), F32, row)
        return strips_of(x, out, geometry, groups, [operand]) is not None

    assert chosen()
    assert not any([chosen(channels=9), chosen(width=7), chosen(groups=3), chosen(stride=4)])
    assert not chosen(row=4)
