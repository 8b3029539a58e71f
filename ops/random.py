"""Random tensors. With a `seed` they are the same in every run, on any number of threads; else never."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jitrt.calls import cast_tensor, launch
from jitrt.dims import Size
from jitrt.expr import exp, where
from jitrt.opdef import operator
from jitrt.tensor import Dtype, Tensor, constant, known, map_tensors, reduce_tensor
from jitrt.types import BOOL, F32, F64, from_onnx, is_float

from ._generators import key_of, mersenne_uniform, normal, uniform


@operator("RandomNormal", since=1)
def random_normal(
    *, shape: list[int], dtype: int = 1, mean: float = 0.0, scale: float = 1.0, seed: float | None = None
) -> Tensor:
    """Normally distributed numbers. https://onnx.ai/onnx/operators/onnx__RandomNormal.html"""
    return _normal(shape, from_onnx(dtype), mean, scale, seed)


@operator("RandomNormalLike", since=1)
def random_normal_like(
    input: Tensor,
    *,
    dtype: int | None = None,
    mean: float = 0.0,
    scale: float = 1.0,
    seed: float | None = None,
) -> Tensor:
    """Normally distributed numbers. https://onnx.ai/onnx/operators/onnx__RandomNormalLike.html"""
    return _normal(input.shape, _result_type(input, dtype), mean, scale, seed)


@operator("RandomUniform", since=1)
def random_uniform(
    *, shape: list[int], dtype: int = 1, high: float = 1.0, low: float = 0.0, seed: float | None = None
) -> Tensor:
    """Uniformly distributed numbers. https://onnx.ai/onnx/operators/onnx__RandomUniform.html"""
    return _uniform(shape, from_onnx(dtype), low, high, seed)


@operator("RandomUniformLike", since=1)
def random_uniform_like(
    input: Tensor,
    *,
    dtype: int | None = None,
    high: float = 1.0,
    low: float = 0.0,
    seed: float | None = None,
) -> Tensor:
    """Uniformly distributed numbers. https://onnx.ai/onnx/operators/onnx__RandomUniformLike.html"""
    return _uniform(input.shape, _result_type(input, dtype), low, high, seed)


@operator("Bernoulli", since=15)
def bernoulli(input: Tensor, *, dtype: int | None = None, seed: float | None = None) -> Tensor:
    """1 with the probability given, else 0. https://onnx.ai/onnx/operators/onnx__Bernoulli.html"""
    numbers = uniform(input.shape, _computed(input.dtype), key_of(seed))
    drawn = map_tensors(lambda u, p: u < p, numbers, cast_tensor(input, numbers.dtype))
    return cast_tensor(drawn, input.dtype if dtype is None else from_onnx(dtype))


@operator("Multinomial", since=7)
def multinomial(input: Tensor, *, dtype: int = 6, sample_size: int = 1, seed: float | None = None) -> Tensor:
    """Classes drawn by their log-probabilities. https://onnx.ai/onnx/operators/onnx__Multinomial.html"""
    batch, classes = input.shape
    x = cast_tensor(input, F64)
    weights = map_tensors(lambda v, top: exp(v - top), x, reduce_tensor(x, "max", [1]))
    (totals,) = launch(add_up, weights, outputs=[(F64, [batch, classes])], extent=batch)
    numbers = uniform([batch, sample_size], F64, key_of(seed))
    (y,) = launch(
        pick_classes,
        totals,
        numbers,
        outputs=[(from_onnx(dtype), [batch, sample_size])],
        extent=batch * sample_size,
    )
    return y


def add_up(Y, X, begin, end):
    """Running sums of the rows of X; a unit is a row."""
    for b in range(begin, end):
        total = 0.0
        for j in range(X.shape[1]):
            total += X[b, j]
            Y[b, j] = total


def pick_classes(Y, totals, numbers, begin, end):
    """The first class whose running total [b, class] is above the number's share of all; a unit is [b, i]."""
    samples, classes = Y.shape[1], totals.shape[1]
    for unit in range(begin, end):
        b, i = unit // samples, unit % samples
        share = numbers[b, i] * totals[b, classes - 1]
        low, high = 0, classes - 1
        while low < high:
            middle = (low + high) // 2
            if totals[b, middle] > share:
                high = middle
            else:
                low = middle + 1
        Y[b, i] = low


@operator("Dropout", since=12)
def dropout(
    data: Tensor, ratio: Tensor | None = None, training_mode: Tensor | None = None, *, seed: int | None = None
) -> tuple[Tensor, Tensor]:
    """Zeros at random, in training. https://onnx.ai/onnx/operators/onnx__Dropout.html"""
    if training_mode is None or not known(training_mode).ravel()[0]:
        return _kept(data, BOOL)
    return _dropped(data, constant(np.float32(0.5)) if ratio is None else ratio, seed)


@operator("Dropout", since=10)
def dropout_10(data: Tensor, *, ratio: float = 0.5) -> tuple[Tensor, Tensor]:
    """The input; this version is for inference only. https://onnx.ai/onnx/operators/onnx__Dropout.html"""
    return _kept(data, BOOL)


@operator("Dropout", since=7)
def dropout_7(data: Tensor, *, ratio: float = 0.5) -> tuple[Tensor, Tensor]:
    """The input; this version is for inference only. https://onnx.ai/onnx/operators/onnx__Dropout.html"""
    return _kept(data, data.dtype)


@operator("Dropout", since=6)
def dropout_6(data: Tensor, *, is_test: int = 0, ratio: float = 0.5) -> tuple[Tensor, Tensor]:
    """Zeros at random, unless in a test. https://onnx.ai/onnx/operators/onnx__Dropout.html"""
    if is_test:
        return _kept(data, data.dtype)
    y, mask = _dropped(data, constant(np.float32(ratio)), None)
    return y, cast_tensor(mask, data.dtype)


@operator("Dropout", since=1)
def dropout_1(
    data: Tensor, *, consumed_inputs: list[int] | None = None, is_test: int = 0, ratio: float = 0.5
) -> tuple[Tensor, Tensor]:
    """Zeros at random, unless in a test. https://onnx.ai/onnx/operators/onnx__Dropout.html"""
    return dropout_6(data, is_test=is_test, ratio=ratio)


def _kept(data: Tensor, mask: Dtype) -> tuple[Tensor, Tensor]:
    return data, constant(np.ones((), mask)).expand(data.shape)


def _dropped(data: Tensor, ratio: Tensor, seed: int | None) -> tuple[Tensor, Tensor]:
    """The data where the mask is true, scaled so that the mean stays, and the mask.

    A seed gives the numbers that onnx's reference implementation draws.
    """
    rate = cast_tensor(ratio.reshape([]), F64)
    if seed is None:
        numbers = cast_tensor(uniform(data.shape, F32, key_of(None)), F64)
    else:
        numbers = mersenne_uniform(data.size, seed).reshape(data.shape)
    mask = map_tensors(lambda u, r: u >= r, numbers, rate)
    kind = _computed(data.dtype)
    scale = cast_tensor(map_tensors(lambda r: 1 / (1 - r), rate), kind)
    y = map_tensors(lambda x, m, s: where(m, x * s, 0), cast_tensor(data, kind), mask, scale)
    return cast_tensor(y, data.dtype), mask


def _normal(shape: Sequence[Size], dtype: Dtype, mean: float, scale: float, seed: float | None) -> Tensor:
    numbers = normal(shape, _computed(dtype), key_of(seed))
    return cast_tensor(map_tensors(lambda z: z * scale + mean, numbers), dtype)


def _uniform(shape: Sequence[Size], dtype: Dtype, low: float, high: float, seed: float | None) -> Tensor:
    numbers = uniform(shape, _computed(dtype), key_of(seed))
    return cast_tensor(map_tensors(lambda u: u * (high - low) + low, numbers), dtype)


def _computed(dtype: Dtype) -> Dtype:
    """The type to draw in: float64, or float32 for the narrower ones. Raises ValueError for other types."""
    if not is_float(dtype):
        raise ValueError(f"random numbers must be of a floating-point type, got {dtype.name}")
    return F64 if dtype == F64 else F32


def _result_type(input: Tensor, dtype: int | None) -> Dtype:
    return input.dtype if dtype is None else from_onnx(dtype)
