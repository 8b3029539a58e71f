"""Resizing by interpolation."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import floor

import numpy as np

from jitrt.dims import Size
from jitrt.opdef import operator
from jitrt.tensor import Tensor, known, known_sizes

from ._interpolation import Axis, Mode, interpolate
from ._parts import host_form_by_parts


@operator("Resize", since=11)
def resize(
    X: Tensor,
    roi: Tensor | None = None,
    scales: Tensor | None = None,
    sizes: Tensor | None = None,
    *,
    antialias: int = 0,
    axes: list[int] | None = None,
    coordinate_transformation_mode: str = "half_pixel",
    cubic_coeff_a: float = -0.75,
    exclude_outside: int = 0,
    extrapolation_value: float = 0.0,
    keep_aspect_ratio_policy: str = "stretch",
    mode: str = "nearest",
    nearest_mode: str = "round_prefer_floor",
) -> Tensor:
    """Interpolate to another size. https://onnx.ai/onnx/operators/onnx__Resize.html"""
    along = [a % X.ndim for a in axes] if axes is not None else list(range(X.ndim))
    region = [0.0] * len(along) + [1.0] * len(along)
    if coordinate_transformation_mode == "tf_crop_and_resize" and roi is not None:
        region = [float(v) for v in known(roi).ravel()]
    if sizes is not None and sizes.shape[0] != 0:
        wanted = _keep_aspect_ratio(X, along, known_sizes(sizes), keep_aspect_ratio_policy)
    elif scales is not None:
        wanted = _scaled(X, along, [float(s) for s in known(scales).ravel()], region)
    else:
        raise ValueError("Either `sizes` or `scales` must be provided.")
    plan = [
        Axis(axis, X.shape[axis], size, scale, region[i], region[i + len(along)])
        for i, (axis, (size, scale)) in enumerate(zip(along, wanted, strict=True))
    ]
    how = Mode(
        mode,
        coordinate_transformation_mode,
        nearest_mode,
        cubic_coeff_a,
        exclude_outside,
        extrapolation_value,
        antialias,
    )
    return interpolate(X, plan, how)


@operator("Resize", since=10)
def resize_10(X: Tensor, scales: Tensor, *, mode: str = "nearest") -> Tensor:
    """Interpolate by factors. https://onnx.ai/onnx/operators/onnx__Resize.html"""
    return upsample_7(X, scales=known(scales).tolist(), mode=mode)


@operator("Upsample", since=9)
def upsample(X: Tensor, scales: Tensor, *, mode: str = "nearest") -> Tensor:
    """Interpolate by factors. https://onnx.ai/onnx/operators/onnx__Upsample.html"""
    return upsample_7(X, scales=known(scales).tolist(), mode=mode)


@operator("Upsample", since=7)
def upsample_7(X: Tensor, *, scales: list[float], mode: str = "nearest") -> Tensor:
    """Interpolate by factors. https://onnx.ai/onnx/operators/onnx__Upsample.html"""
    wanted = _scaled(X, range(X.ndim), scales, [0.0] * X.ndim + [1.0] * X.ndim)
    plan = [Axis(axis, X.shape[axis], size, scale) for axis, (size, scale) in enumerate(wanted)]
    return interpolate(X, plan, Mode(mode, "asymmetric", "floor"))


@operator("Upsample", since=1)
def upsample_1(X: Tensor, *, height_scale: float, width_scale: float, mode: str = "nearest") -> Tensor:
    """Interpolate images by factors. https://onnx.ai/onnx/operators/onnx__Upsample.html"""
    scales = [1.0, 1.0, height_scale, width_scale]
    return upsample_7(X, scales=scales, mode="linear" if mode == "bilinear" else mode)


host_form_by_parts(
    *(resize, resize_10, upsample, upsample_7, upsample_1), picks=lambda mode, **_: mode == "nearest"
)


def _scaled(
    X: Tensor, axes: Sequence[int], scales: Sequence[float], region: Sequence[float]
) -> list[tuple[Size, float | None]]:
    """Sizes and ratios from factors: floor(scale * (end - start) * size)."""
    result: list[tuple[Size, float | None]] = []
    for i, (axis, scale) in enumerate(zip(axes, scales, strict=True)):
        factor = np.float32(scale) * np.float32(region[i + len(axes)] - region[i])
        result.append((_scaled_size(X.shape[axis], factor), scale))
    return result


def _scaled_size(size: Size, factor: np.float32) -> Size:
    """floor(factor * size) in float32, as exporters reckon with: 7/12 of 12, rounded, is 7 and not 6.99.

    Symbols have no float32: of them it is the floor of the product with the simplest fraction that rounds to
    the factor.
    """
    if isinstance(size, int):
        return int(factor * np.float32(size))
    exact = Fraction(float(factor))
    simpler = (exact.limit_denominator(10**digits) for digits in range(8))
    ratio = next((r for r in simpler if np.float32(r.numerator / r.denominator) == factor), exact)
    return size * ratio.numerator // ratio.denominator


def _keep_aspect_ratio(
    X: Tensor, axes: Sequence[int], sizes: Sequence[Size], policy: str
) -> list[tuple[Size, float | None]]:
    """Sizes and ratios from sizes, made one ratio unless the policy is to stretch."""
    if policy == "stretch":
        return [(size, None) for size in sizes]
    ratios = [int(size) / int(X.shape[axis]) for axis, size in zip(axes, sizes, strict=True)]
    scale = min(ratios) if policy == "not_larger" else max(ratios)
    return [(floor(scale * int(X.shape[axis]) + 0.5), scale) for axis in axes]
