"""Selection by value: the largest elements, and operators whose output's size depends on the data."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitrt.calls import cast_tensor, launch, launch_move
from jitrt.dims import Size, hint, prod, same
from jitrt.expr import ne
from jitrt.opdef import operator
from jitrt.tensor import Tensor, known_sizes, map_tensors
from jitrt.types import BOOL, I64

from ._host_forms import host_form
from ._marks import count_marks, marked_indices, pick_marked
from ._sort import TOP_DIGITS, digit_count, sort_keys, sort_row_places, sorted_places
from .gather import gather, gather_elements, gather_rows, index_error

FEW_ROWS, LONG_ROW = 4, 1 << 16  # rows that are split in parts
PARTS = 8
FEW = 16  # elements whose bar is worth another look at the row
GROUP = 32  # elements that are compared with the worst of the best at once


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
    matrix = moved.reshape([rows, n])
    # a heap of the best is faster than sorting as long as few elements of a row get into it
    takes_heap = k <= 4 or (k <= 64 and k * 32 <= n)
    if rows <= FEW_ROWS and n >= LONG_ROW and k <= LONG_ROW // 64:
        results = _by_parts(matrix, k, largest)
    else:
        results = _by_heap(matrix, k, largest) if takes_heap else _by_sorting(matrix, k, largest)
    inverse = [last.index(a) for a in range(X.ndim)]
    return tuple(t.reshape([*moved.shape[:-1], k]).permute(inverse) for t in results)


def _by_parts(X: Tensor, k: Size, largest: int) -> tuple[Tensor, ...]:
    """The best of few long rows: those among the best of each part, which threads look through."""
    rows, candidates = X.shape[0], PARTS * k
    values, places = (t.reshape([rows, candidates]) for t in _by_heap(X, k, largest, PARTS))
    best, chosen = _top_k(values, k, 1, largest)
    return best, gather_elements(places, chosen, axis=1)


def _by_heap(X: Tensor, k: Size, largest: int, parts: int = 1) -> tuple[Tensor, ...]:
    shape = [X.shape[0] * parts, k]
    return launch(
        best_of_rows,
        X,
        outputs=[(X.dtype, shape), (I64, shape)],
        scalars=[parts, largest],
        extent=X.shape[0] * parts,
        flops=4 * X.size,
        scratch=8 * GROUP,
    )


def _by_sorting(X: Tensor, k: Size, largest: int) -> tuple[Tensor, ...]:
    rows, n = X.shape
    keys = sort_keys(X)
    if largest:
        highest = (1 << (8 * digit_count(X.dtype))) - 1
        keys = map_tensors(lambda key: key ^ highest, keys)
    if same(rows, 1) and k * 2 > n:
        _, order = sorted_places(keys.reshape([n]), X.dtype)
        places = cast_tensor(order.slice(0, 0, k).reshape([1, k]), I64)
    else:
        width = keys.dtype.itemsize
        (places,) = launch(
            sort_row_places,
            keys,
            outputs=[(I64, [rows, k])],
            scalars=[width, digit_count(X.dtype)],
            extent=rows,
            flops=4 * X.size * width,
            scratch=2 * n * (width + 8) + 8 * TOP_DIGITS,
        )
    (values,) = launch_move(
        gather_rows,
        X.reshape([rows, n, 1]),
        places,
        outputs=[(X.dtype, [rows, k, 1])],
        extent=rows * k,
        error=index_error,
    )
    return values.reshape([rows, k]), places


def best_of_rows(values, places, X, parts, largest, begin, end, scratch):
    """The best elements of each part of each row of X, best first, and their places in the row.

    The first of equal ones is better. There are as many elements in a part as are looked for, or more.
    values[i] is a heap with the worst at its root while the row is read, and is sorted in the end.
    """
    k, n = values.shape[1], X.shape[1]
    if k == 0:
        return
    lanes = scratch[: GROUP * X.itemsize].view(X.dtype)
    for i in range(begin, end):
        row, part = i // parts, i % parts
        first, last = n * part // parts, n * (part + 1) // parts
        for j in range(k):
            values[i, j] = X[row, first + j]
            places[i, j] = first + j
        for root in range(k // 2 - 1, -1, -1):
            sift_down(values, places, i, root, k, largest)
        has_bar = k <= FEW and last - first >= 8 * GROUP
        bar = kth_best_lane(lanes, X, row, first, last, k, largest) if has_bar else values[i, 0]
        start = first + k
        while start < last:
            stop = min(start + GROUP, last)
            has_bar = has_bar and is_better(bar, 0, values[i, 0], 0, largest)
            if stop - start < GROUP:
                promising = True
            elif has_bar:
                promising = has_as_good(X, row, start, bar, largest)
            else:
                promising = has_better(X, row, start, values[i, 0], largest)
            if promising:
                for j in range(start, stop):
                    below = has_bar and is_better(bar, j, X[row, j], j, largest)
                    if not below and is_better(X[row, j], j, values[i, 0], places[i, 0], largest):
                        values[i, 0] = X[row, j]
                        places[i, 0] = j
                        sift_down(values, places, i, 0, k, largest)
            start = stop
        for worst in range(k - 1, 0, -1):
            values[i, 0], values[i, worst] = values[i, worst], values[i, 0]
            places[i, 0], places[i, worst] = places[i, worst], places[i, 0]
            sift_down(values, places, i, 0, worst, largest)


def kth_best_lane(lanes, X, i, first, last, k, largest):
    """The k-th best of the best elements of each lane, the elements GROUP apart: k elements are as good."""
    for lane in range(GROUP):
        lanes[lane] = X[i, first + lane]
    for start in range(first + GROUP, last - GROUP + 1, GROUP):
        if largest:
            for lane in range(GROUP):
                lanes[lane] = X[i, start + lane] if X[i, start + lane] > lanes[lane] else lanes[lane]
        else:
            for lane in range(GROUP):
                lanes[lane] = X[i, start + lane] if X[i, start + lane] < lanes[lane] else lanes[lane]
    for to in range(k):
        for lane in range(to + 1, GROUP):
            if is_better(lanes[lane], 0, lanes[to], 0, largest):
                lanes[lane], lanes[to] = lanes[to], lanes[lane]
    return lanes[k - 1]


def has_better(X, i, start, worst, largest):
    """Whether a group of elements may have one before `worst`; without branches, so that vectors do it."""
    hits = 0
    if largest:
        for j in range(start, start + GROUP):
            hits += not X[i, j] <= worst
    else:
        for j in range(start, start + GROUP):
            hits += not X[i, j] >= worst
    return hits > 0


def has_as_good(X, i, start, bar, largest):
    """As `has_better`, for elements equal to `bar` too."""
    hits = 0
    if largest:
        for j in range(start, start + GROUP):
            hits += not X[i, j] < bar
    else:
        for j in range(start, start + GROUP):
            hits += not X[i, j] > bar
    return hits > 0


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
