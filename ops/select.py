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
GROUP = 64  # elements that are compared with the worst of the best at once
LANES = 4  # for each element that is looked for, at least: few elements are as good as the k-th best lane


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
    takes_heap = k <= 8 or k * 4 * LANES <= n
    if rows <= FEW_ROWS and n >= LONG_ROW and k * PARTS * 64 <= n:
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
    lanes = (k * LANES + GROUP - 1) // GROUP * GROUP
    return launch(
        best_of_rows,
        X,
        outputs=[(X.dtype, shape), (I64, shape)],
        scalars=[parts, largest, lanes],
        extent=X.shape[0] * parts,
        flops=4 * X.size,
        scratch=8 * (lanes + GROUP),
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


def best_of_rows(values, places, X, parts, largest, lanes, begin, end, scratch):
    """The best elements of each part of each row of X, best first, and their places in the row.

    The first of equal ones is better. There are as many elements in a part as are looked for, or more.
    values[i] is a heap with the worst at its root while the row is read, and is sorted in the end. A first
    look finds a bar that at least k elements reach: the k-th best of `lanes` sets of elements.
    """
    k, n = values.shape[1], X.shape[1]
    if k == 0:
        return
    found = scratch[: 8 * GROUP].view(np.int64)
    best = scratch[8 * GROUP : 8 * GROUP + lanes * X.itemsize].view(X.dtype)
    for i in range(begin, end):
        row, part = i // parts, i % parts
        first, last = n * part // parts, n * (part + 1) // parts
        for j in range(k):
            values[i, j] = X[row, first + j]
            places[i, j] = first + j
        for root in range(k // 2 - 1, -1, -1):
            sift_down(values, places, i, root, k, largest)
        has_bar = last - first >= 4 * lanes and best_of_lanes(best, X[row, first:last], largest)
        bar = select_kth(best, k - 1, largest) if has_bar else values[i, 0]
        start = first + k
        while start < last:
            stop = min(start + GROUP, last)
            has_bar = has_bar and is_better(bar, 0, values[i, 0], 0, largest)
            if not has_bar:
                bar = values[i, 0]
            if stop - start == GROUP and not has_as_good(X[row], start, bar, largest):
                start = stop
                continue
            count = 0
            for j in range(start, stop):
                found[count] = j
                count += not (X[row, j] < bar if largest else X[row, j] > bar)
            for j in found[:count]:
                if is_better(X[row, j], j, values[i, 0], places[i, 0], largest):
                    values[i, 0] = X[row, j]
                    places[i, 0] = j
                    sift_down(values, places, i, 0, k, largest)
            start = stop
        for worst in range(k - 1, 0, -1):
            values[i, 0], values[i, worst] = values[i, worst], values[i, 0]
            places[i, 0], places[i, worst] = places[i, worst], places[i, 0]
            sift_down(values, places, i, 0, worst, largest)


def best_of_lanes(best, x, largest):
    """best[lane] is the best of the elements `best.size` apart; whether all are numbers."""
    lanes = best.size
    for lane in range(lanes):
        best[lane] = x[lane]
    for start in range(lanes, x.size - lanes + 1, lanes):
        if largest:
            for lane in range(lanes):
                best[lane] = x[start + lane] if x[start + lane] > best[lane] else best[lane]
        else:
            for lane in range(lanes):
                best[lane] = x[start + lane] if x[start + lane] < best[lane] else best[lane]
    missing = 0
    for lane in range(lanes):
        missing += best[lane] != best[lane]
    return missing == 0


def select_kth(x, k, largest):
    """The element of x, in which there are no NaN, that k others come before; x changes its order."""
    low, high = 0, x.size - 1
    while low < high:
        pivot, i, j = x[(low + high) // 2], low, high
        while i <= j:
            while x[i] > pivot if largest else x[i] < pivot:
                i += 1
            while x[j] < pivot if largest else x[j] > pivot:
                j -= 1
            if i <= j:
                x[i], x[j] = x[j], x[i]
                i += 1
                j -= 1
        if k <= j:
            high = j
        elif k >= i:
            low = i
        else:
            break
    return x[k]


def has_as_good(x, start, bar, largest):
    """Whether a group of elements has one as good as `bar`; without branches, so that vectors do it."""
    hits = 0
    if largest:
        for j in range(start, start + GROUP):
            hits += not x[j] < bar
    else:
        for j in range(start, start + GROUP):
            hits += not x[j] > bar
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
