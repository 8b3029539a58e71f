"""Unpooling: values put back where MaxPool found them; cropping and padding to a size."""

from __future__ import annotations

import numpy as np

from jitrt.calls import launch_move
from jitrt.dims import Size, prod, same
from jitrt.errors import InvalidArgument
from jitrt.expr import Expr, cast, where
from jitrt.opdef import operator
from jitrt.tensor import Tensor, constant, known_sizes, map_indices, map_tensors, reduce_tensor, sizes
from jitrt.types import I64

from ._parts import host_form_by_parts
from ._shared import size_tensor
from .pad import pad


@operator("MaxUnpool", since=9)
def max_unpool(
    X: Tensor,
    I: Tensor,  # noqa: E741 - the spec's name
    output_shape: Tensor | None = None,
    *,
    kernel_shape: list[int],
    pads: list[int] | None = None,
    strides: list[int] | None = None,
) -> Tensor:
    """Values where their indices say, 0 elsewhere. https://onnx.ai/onnx/operators/onnx__MaxUnpool.html

    Indices count in the shape that the attributes give. A larger `output_shape` has that in its first corner.
    """
    rank = len(kernel_shape)
    strides, pads = strides or [1] * rank, pads or [0] * 2 * rank
    spatial = [
        (X.shape[a + 2] - 1) * strides[a] - pads[a] - pads[a + rank] + kernel_shape[a] for a in range(rank)
    ]
    planes, pooled = X.shape[0] * X.shape[1], prod(X.shape[2:])
    places, output = I, spatial
    if output_shape is not None:
        output = known_sizes(output_shape)[2:]
        if not all(map(same, spatial, output)):
            places = _moved(I, spatial, output)
    places = places.reshape([planes, pooled])
    size = prod(output)

    def is_stray(plane: Expr, _: Expr, place: Expr, size: Expr) -> Expr:
        return cast((place < plane * size) | (place >= (plane + 1) * size), I64)

    strays = map_indices(is_stray, places.shape, places, size_tensor(size))
    (y,) = launch_move(
        put_back,
        X.reshape([planes, pooled]),
        places,
        reduce_tensor(strays, "max", [0, 1]),
        outputs=[(X.dtype, [planes, size])],
        extent=planes,
        error=lambda _: InvalidArgument("an index of MaxUnpool is not in its output"),
    )
    return y.reshape([*X.shape[:2], *output])


def _moved(places: Tensor, spatial: list[Size], output: list[Size]) -> Tensor:
    """Flat places in [N, C, *spatial] as flat places in [N, C, *output], -1 for one outside."""
    rank = len(spatial)

    def move(place: Expr, *extents: Expr) -> Expr:
        coordinates = []
        inside = place >= 0
        for old, new in reversed(list(zip(extents[:rank], extents[rank:], strict=True))):
            coordinates.append(place - place / old * old)
            inside = inside & (coordinates[-1] < new)
            place = place / old
        for coordinate, new in zip(reversed(coordinates), extents[rank:], strict=True):
            place = place * new + coordinate
        return where(inside, place, -1)

    return map_tensors(move, places, *map(size_tensor, (*spatial, *output)))


def put_back(Y, X, places, strays, begin, end):
    """Row p of Y [planes, size] has X[q, i] at places[q, i] - p * size, or is 0.

    Places of row q are in row p = q, except where there are `strays`.
    """
    size, planes = Y.shape[1], X.shape[0]
    for p in range(begin, end):
        for j in range(size):
            Y[p, j] = 0
        first, stop = (0, planes) if strays[0, 0] else (p, p + 1)
        for q in range(first, stop):
            for i in range(X.shape[1]):
                place = places[q, i]
                if place < 0 or place >= planes * size:
                    return 1
                if p * size <= place < (p + 1) * size:
                    Y[p, place - p * size] = X[q, i]
    return 0


@operator("CenterCropPad", since=18)
def center_crop_pad(input_data: Tensor, shape: Tensor, *, axes: list[int] | None = None) -> Tensor:
    """The middle of a tensor, or zeros around it. https://onnx.ai/onnx/operators/onnx__CenterCropPad.html"""
    along = [a % input_data.ndim for a in axes] if axes is not None else list(range(input_data.ndim))
    before: list[Size] = []
    after: list[Size] = []
    for axis, wanted in zip(along, known_sizes(shape), strict=True):
        size = input_data.shape[axis]
        before.append((wanted - size) // 2 if wanted >= size else -((size - wanted) // 2))
        after.append(wanted - size - before[-1])
    return pad(input_data, sizes([*before, *after]), None, constant(np.array(along)))


host_form_by_parts(center_crop_pad, picks=lambda **_: True)
