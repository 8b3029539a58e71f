"""Reductions along axes. 16-bit floats accumulate in float32."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from jitrt.calls import cast_tensor
from jitrt.dims import Dim
from jitrt.expr import Expr, absolute, cast, eq, exp, isinf, isnan, log, sqrt, where
from jitrt.opdef import operator
from jitrt.tensor import Tensor, constant, known_sizes, map_indices, map_tensors, reduce_tensor
from jitrt.types import BOOL, F64, I32, I64, U8, is_float

from ._shared import mean, widen

Reduction = Callable[[Tensor, Sequence[int]], Tensor]


def reduction(name: str, *, axes_input: int) -> Callable[[Reduction], Reduction]:
    """Register a reduction that keeps its axes with size 1; they are an input from version `axes_input`."""

    def register(function: Reduction) -> Reduction:
        def reduce_axes(data: Tensor, axes: Sequence[int], keepdims: int) -> Tensor:
            result = cast_tensor(function(widen(data), axes), data.dtype)
            return result if keepdims else result.squeeze(*axes)

        def with_attribute(data: Tensor, *, axes: list[int] | None = None, keepdims: int = 1) -> Tensor:
            chosen = range(data.ndim) if axes is None else axes
            return reduce_axes(data, _positive(chosen, data.ndim), keepdims)

        def with_input(
            data: Tensor, axes: Tensor | None = None, *, keepdims: int = 1, noop_with_empty_axes: int = 0
        ) -> Tensor:
            chosen = [] if axes is None else [int(a) for a in known_sizes(axes)]
            if not chosen and not noop_with_empty_axes:
                chosen = list(range(data.ndim))
            return reduce_axes(data, _positive(chosen, data.ndim), keepdims)

        for since, definition in ((1, with_attribute), (axes_input, with_input)):
            definition.__doc__ = function.__doc__
            operator(name, since=since)(definition)
        return function

    return register


def _positive(axes: Sequence[int], rank: int) -> list[int]:
    for axis in axes:
        if not -rank <= axis < rank:
            raise ValueError(f"axis {axis} is not in [-{rank}, {rank - 1}]")
    return sorted({axis % rank for axis in axes})


def _reduce(x: Tensor, kind: str, axes: Sequence[int]) -> Tensor:
    return reduce_tensor(x, kind, axes) if axes else x


@reduction("ReduceSum", axes_input=13)
def reduce_sum(x: Tensor, axes: Sequence[int]) -> Tensor:
    """The sum, 0 of nothing. https://onnx.ai/onnx/operators/onnx__ReduceSum.html"""
    return _reduce(x, "sum", axes)


@reduction("ReduceProd", axes_input=18)
def reduce_prod(x: Tensor, axes: Sequence[int]) -> Tensor:
    """The product, 1 of nothing. https://onnx.ai/onnx/operators/onnx__ReduceProd.html"""
    return _reduce(x, "prod", axes)


@reduction("ReduceMax", axes_input=18)
def reduce_max(x: Tensor, axes: Sequence[int]) -> Tensor:
    """The maximum, NaN if one is. https://onnx.ai/onnx/operators/onnx__ReduceMax.html"""
    return _reduce(cast_tensor(x, U8) if x.dtype == BOOL else x, "max", axes)


@reduction("ReduceMin", axes_input=18)
def reduce_min(x: Tensor, axes: Sequence[int]) -> Tensor:
    """The minimum, NaN if one is. https://onnx.ai/onnx/operators/onnx__ReduceMin.html"""
    return _reduce(cast_tensor(x, U8) if x.dtype == BOOL else x, "min", axes)


@reduction("ReduceMean", axes_input=18)
def reduce_mean(x: Tensor, axes: Sequence[int]) -> Tensor:
    """The mean, truncated for integers. https://onnx.ai/onnx/operators/onnx__ReduceMean.html"""
    return mean(x if is_float(x.dtype) else cast_tensor(x, I64), axes)


@reduction("ReduceL1", axes_input=18)
def reduce_l1(x: Tensor, axes: Sequence[int]) -> Tensor:
    """The sum of magnitudes. https://onnx.ai/onnx/operators/onnx__ReduceL1.html"""
    return _reduce(map_tensors(absolute, x), "sum", axes)


@reduction("ReduceL2", axes_input=18)
def reduce_l2(x: Tensor, axes: Sequence[int]) -> Tensor:
    """The square root of the sum of squares. https://onnx.ai/onnx/operators/onnx__ReduceL2.html"""
    return map_tensors(sqrt, reduce_sum_square(_in_float(x), axes))


@reduction("ReduceSumSquare", axes_input=18)
def reduce_sum_square(x: Tensor, axes: Sequence[int]) -> Tensor:
    """The sum of squares. https://onnx.ai/onnx/operators/onnx__ReduceSumSquare.html"""
    return _reduce(map_tensors(lambda x: x * x, x), "sum", axes)


@reduction("ReduceLogSum", axes_input=18)
def reduce_log_sum(x: Tensor, axes: Sequence[int]) -> Tensor:
    """The logarithm of the sum. https://onnx.ai/onnx/operators/onnx__ReduceLogSum.html"""
    return map_tensors(log, _reduce(_in_float(x), "sum", axes))


@reduction("ReduceLogSumExp", axes_input=18)
def reduce_log_sum_exp(x: Tensor, axes: Sequence[int]) -> Tensor:
    """The logarithm of the sum of exponentials. https://onnx.ai/onnx/operators/onnx__ReduceLogSumExp.html"""
    x = _in_float(x)
    highest = _reduce(x, "max", axes)
    shift = map_tensors(lambda m: where(isinf(m), 0, m), highest)
    total = _reduce(map_tensors(lambda x, m: exp(x - m), x, shift), "sum", axes)
    return map_tensors(lambda t, m: log(t) + m, total, shift)


def _in_float(x: Tensor) -> Tensor:
    return x if is_float(x.dtype) else cast_tensor(x, F64)


@operator("ArgMax", since=1)
def arg_max(data: Tensor, *, axis: int = 0, keepdims: int = 1, select_last_index: int = 0) -> Tensor:
    """The index of the maximum; a NaN counts as one. https://onnx.ai/onnx/operators/onnx__ArgMax.html"""
    return _arg_extremum(data, axis, keepdims, select_last_index, "max")


@operator("ArgMin", since=1)
def arg_min(data: Tensor, *, axis: int = 0, keepdims: int = 1, select_last_index: int = 0) -> Tensor:
    """The index of the minimum; a NaN counts as one. https://onnx.ai/onnx/operators/onnx__ArgMin.html"""
    return _arg_extremum(data, axis, keepdims, select_last_index, "min")


def _arg_extremum(x: Tensor, axis: int, keepdims: int, last: int, kind: str) -> Tensor:
    """Two reductions, which fuse: the extremum, then the first or last position that has it, or is NaN."""
    axis %= x.ndim
    n = x.shape[axis]
    positions = (
        map_indices(lambda i: cast(i, I32), (n,))
        if isinstance(n, Dim)
        else constant(np.arange(n, dtype=np.int32))
    )
    positions = positions.reshape([n, *[1] * (x.ndim - 1 - axis)])
    nowhere = -1 if last else 2**31 - 1

    def place(x: Expr, best: Expr, i: Expr) -> Expr:
        found = eq(x, best) | isnan(x) if is_float(x.dtype) else eq(x, best)
        return where(found, i, nowhere)

    x = widen(x)
    places = map_tensors(place, x, reduce_tensor(x, kind, [axis]), positions)
    index = cast_tensor(reduce_tensor(places, "max" if last else "min", [axis]), I64)
    return index if keepdims else index.squeeze(axis)
