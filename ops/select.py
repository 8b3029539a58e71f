"""Selection by value: the largest elements, and operators whose output's size depends on the data."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitrt.calls import launch, launch_move
from jitrt.dims import Size, hint, prod, same
from jitrt.expr import ne
from jitrt.opdef import operator
from jitrt.tensor import Tensor, known_sizes, map_tensors
from jitrt.types import BOOL, I64

from ._host_forms import host_form
from ._marks import count_marks, marked_indices, pick_marked
from .gather import gather


@operator("TopK", since=10)
def top_k(X: Tensor, K: Tensor, *, axis: int = -1, largest: int = 1, sorted: int = 1) -> tuple[Tensor, ...]:
    """The largest or smallest along an axis, in order. https://onnx.ai/onnx/operators/onnx__TopK.html"""
    (k,) = known_sizes(K)
    return _top_k(X, k, axis, largest)


@operator("TopK", since=1)
def top_k_1(X: Tensor, *, k: int, axis: int = -1) -> tuple[Tensor, ...]:
    """The largest along an axis, in order. https://onnx.ai/onnx/operators/onnx__TopK.html"""
    return _top_k(X, k, axis, 1)


def _top_k(X: Tensor, k: Size, axis: int, largest: int) -> tuple[Tensor, ...]:
    axis %= X.ndim
    n = X.shape[axis]
    if k > n:
        raise ValueError(
            f"k argument [{hint(k)}] should not be greater than specified axis dim value [{hint(n)}]"
        )
    last = [a for a in range(X.ndim) if a != axis] + [axis]
    moved = X.permute(last)
    rows = prod(moved.shape[:-1])
    results = launch(
        best_of_rows,
        moved.reshape([rows, n]),
        outputs=[(X.dtype, [rows, k]), (I64, [rows, k])],
        scalars=[largest],
        extent=rows,
        flops=4 * X.size,
    )
    inverse = [last.index(a) for a in range(X.ndim)]
    return tuple(t.reshape([*moved.shape[:-1], k]).permute(inverse) for t in results)


def best_of_rows(values, places, X, largest, begin, end):
    """The best elements of each row of X, best first, and their places; the first of equal ones is better.

    values[i] is a heap with the worst at its root while the row is read, and is sorted in the end.
    """
    k, n = values.shape[1], X.shape[1]
    if k == 0:
        return
    for i in range(begin, end):
        for j in range(k):
            values[i, j] = X[i, j]
            places[i, j] = j
        for root in range(k // 2 - 1, -1, -1):
            sift_down(values, places, i, root, k, largest)
        for j in range(k, n):
            if is_better(X[i, j], j, values[i, 0], places[i, 0], largest):
                values[i, 0] = X[i, j]
                places[i, 0] = j
                sift_down(values, places, i, 0, k, largest)
        for last in range(k - 1, 0, -1):
            values[i, 0], values[i, last] = values[i, last], values[i, 0]
            places[i, 0], places[i, last] = places[i, last], places[i, 0]
            sift_down(values, places, i, 0, last, largest)


def sift_down(values, places, i, root, size, largest):
    """Restore the heap values[i, :size] below `root`."""
    while 2 * root + 1 < size:
        child = 2 * root + 1
        if child + 1 < size and is_better(
            values[i, child], places[i, child], values[i, child + 1], places[i, child + 1], largest
        ):
            child += 1
        if not is_better(values[i, root], places[i, root], values[i, child], places[i, child], largest):
            return
        values[i, root], values[i, child] = values[i, child], values[i, root]
        places[i, root], places[i, child] = places[i, child], places[i, root]
        root = child


def is_better(x, place, y, other, largest):
    """Whether x comes before y: larger (or smaller), NaN being the largest, or equal and earlier."""
    if x == y or (x != x and y != y):
        return place < other
    if largest:
        return x > y or x != x
    return x < y or y != y


@operator("Compress", since=9)
def compress(input: Tensor, condition: Tensor, *, axis: int | None = None) -> Tensor:
    """Slices where a condition holds. https://onnx.ai/onnx/operators/onnx__Compress.html"""
    data = input.reshape([input.size]) if axis is None else input
    axis = 0 if axis is None else axis % input.ndim
    n = data.shape[axis]
    mask = condition if condition.shape[0] <= n else condition.slice(0, 0, n)
    count, (mask, starts) = count_marks(mask)
    outer, inner = prod(data.shape[:axis]), prod(data.shape[axis + 1 :])
    if same(inner, 1):
        (y,) = launch_move(
            pick_marked,
            data.reshape([outer, n]),
            mask,
            starts,
            outputs=[(data.dtype, [outer, count])],
            extent=outer * (starts.shape[0] - 1),
        )
        return y.reshape([*data.shape[:axis], count, *data.shape[axis + 1 :]])
    return gather(data, marked_indices(mask, starts, count, mask.shape).reshape([count]), axis=axis)


@host_form(compress)
def compress_values(input: Any, condition: Any, *, axis: int | None = None) -> Any:
    """Compress of strings and complex numbers."""
    return np.compress(condition[: input.size if axis is None else input.shape[axis]], input, axis)


@operator("NonZero", since=9)
def non_zero(X: Tensor) -> Tensor:
    """The indices of elements that are not 0. https://onnx.ai/onnx/operators/onnx__NonZero.html"""
    shape = X.shape or (1,)
    mask = X if X.dtype == BOOL else map_tensors(lambda x: ne(x, 0), X)
    count, (mask, starts) = count_marks(mask.reshape([X.size]))
    return marked_indices(mask, starts, count, shape)


@host_form(non_zero)
def non_zero_values(X: Any) -> Any:
    """NonZero of complex numbers, and of strings, where the empty one counts as 0."""
    return np.array(np.nonzero(np.atleast_1d(X)), np.int64)
