"""Distinct elements or slices: sorted, equal ones are neighbours."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jitrt.calls import launch, launch_move
from jitrt.dims import Size, prod
from jitrt.opdef import operator
from jitrt.tensor import Tensor
from jitrt.types import BOOL, I64

from ._host_forms import host_form
from ._marks import BLOCK, block_starts, count_marks, marked_indices, pick_marked
from ._sort import comes_before, numbers_of_keys, sort_keys, sort_rows, sorted_keys, sorted_places
from .gather import gather, gather_rows, index_error

Array = np.ndarray[Any, Any]
Groups = tuple[Tensor, Tensor, Tensor]  # first places, inverse, counts: what Unique gives but for Y


@operator("Unique", since=11)
def unique(
    X: Tensor, *, axis: int | None = None, sorted: int = 1, output_count: int = 1
) -> tuple[Tensor, ...]:
    """Distinct elements or slices. https://onnx.ai/onnx/operators/onnx__Unique.html

    All NaN are one, the last, and -0 is 0, as in NumPy, which the specification refers to.
    """
    if axis is None and sorted and output_count == 1:
        return (_distinct_numbers(X),)
    if axis is None:
        rows = X.reshape([X.size, 1])
        keys, order = sorted_places(sort_keys(X.reshape([X.size])), X.dtype)
        (heads,) = launch(mark_keys, keys, outputs=[(BOOL, keys.shape)], extent=keys.size)
    else:
        axis %= X.ndim
        front = [axis, *(a for a in range(X.ndim) if a != axis)]
        moved = X.permute(front)
        n = X.shape[axis]
        rows = moved.reshape([n, prod(moved.shape[1:])])
        keys = sort_keys(rows)
        (order,) = launch(sort_rows, keys, outputs=[(I64, [n])], extent=1, scratch=8 * (n + 1))
        (heads,) = launch(mark_rows, keys, order, outputs=[(BOOL, [n])], extent=n)
    count, (heads, starts, order) = count_marks(heads, order)
    groups = _groups(heads, starts, order, count)
    if not sorted:
        groups = _in_order_of_places(*groups)
    Y = _take(rows, groups[0])
    if axis is None:
        return Y.reshape([count]), *groups
    back = [front.index(a) for a in range(X.ndim)]
    return Y.reshape([count, *moved.shape[1:]]).permute(back), *groups


@host_form(unique)
def unique_values(X: Any, *, axis: int | None = None, sorted: int = 1, output_count: int = 1) -> Any:
    """Unique of strings, and of complex numbers by their real, then their imaginary parts."""
    rows = X.reshape(-1, 1) if axis is None else np.moveaxis(X, axis, 0)
    rows = rows.reshape(len(rows), math.prod(rows.shape[1:]))
    parts = [rows.real, rows.imag] if X.dtype.kind == "c" else [rows]
    keys = [tuple(map(tuple, row)) for row in np.stack(parts, -1).tolist()]
    first = {key: i for i, key in reversed(list(enumerate(keys)))}
    distinct = _sorted(first) if sorted else _sorted(first, key=first.__getitem__)
    number = {key: k for k, key in enumerate(distinct)}
    places = np.array([first[key] for key in distinct], np.int64)
    inverse = np.array([number[key] for key in keys], np.int64)
    Y = np.take(X, places, axis)
    if output_count == 1:
        return Y
    return Y, places, inverse, np.bincount(inverse, minlength=len(distinct)).astype(np.int64)


_sorted = sorted  # the attribute of that name hides it


def _distinct_numbers(X: Tensor) -> Tensor:
    """The distinct elements alone, in order."""
    keys = sorted_keys(sort_keys(X.reshape([X.size])), X.dtype)
    (heads,) = launch(mark_keys, keys, outputs=[(BOOL, keys.shape)], extent=keys.size)
    count, (heads, starts, keys) = count_marks(heads, keys)
    (picked,) = launch_move(
        pick_marked,
        keys.reshape([1, keys.size]),
        heads,
        starts,
        outputs=[(keys.dtype, [1, count])],
        extent=starts.shape[0] - 1,
    )
    return numbers_of_keys(picked.reshape([count]), X.dtype)


def _groups(heads: Tensor, starts: Tensor, order: Tensor, count: Size) -> Groups:
    """`count` groups of equal elements, whose heads are marked in the sorted order."""
    (n,) = order.shape
    first, positions, inverse = launch(
        number_groups,
        heads,
        starts,
        order,
        outputs=[(I64, [count]), (I64, [count]), (I64, [n])],
        extent=starts.shape[0] - 1,
    )
    (counts,) = launch(measure_groups, positions, outputs=[(I64, [count])], scalars=[n], extent=count)
    return first, inverse, counts


def _in_order_of_places(first: Tensor, inverse: Tensor, counts: Tensor) -> Groups:
    """The groups in the order in which they come up."""
    (count,) = first.shape
    (seen,) = launch(mark_places, first, outputs=[(BOOL, inverse.shape)], extent=1)
    places = marked_indices(seen, block_starts(seen), count, inverse.shape).reshape([count])
    before = gather(inverse, places)
    (rank,) = launch(invert, before, outputs=[(I64, [count])], extent=count)
    return places, gather(rank, inverse), gather(counts, before)


def _take(rows: Tensor, places: Tensor) -> Tensor:
    """Rows [n, m] at places [count]: [count, m]."""
    (n, m), (count,) = rows.shape, places.shape
    (y,) = launch_move(
        gather_rows,
        rows.reshape([1, n, m]),
        places.reshape([1, count]),
        outputs=[(rows.dtype, [1, count, m])],
        extent=count,
        error=index_error,
    )
    return y


def mark_keys(heads, keys, begin, end):
    """Mark where a vector of sorted keys changes."""
    for i in range(begin, end):
        heads[i] = i == 0 or keys[i] != keys[i - 1]


def mark_rows(heads, keys, order, begin, end):
    """Mark where rows of keys in their order change."""
    for i in range(begin, end):
        heads[i] = i == 0 or comes_before(keys, order[i - 1], order[i])


def number_groups(first, positions, inverse, heads, starts, order, begin, end):
    """The group of each element, its first place, and its position in the order; a unit is a block."""
    for b in range(begin, end):
        k = starts[b] - 1
        for i in range(b * BLOCK, min((b + 1) * BLOCK, order.size)):
            if heads[i]:
                k += 1
                first[k] = order[i]
                positions[k] = i
            inverse[order[i]] = k


def measure_groups(counts, positions, n, begin, end):
    """The lengths of groups that begin at `positions` of n."""
    for k in range(begin, end):
        stop = positions[k + 1] if k + 1 < positions.size else n
        counts[k] = stop - positions[k]


def mark_places(seen, places, begin, end):
    """Mark the places."""
    for i in range(seen.size):
        seen[i] = False
    for k in range(places.size):
        seen[places[k]] = True


def invert(rank, order, begin, end):
    """The inverse of a permutation."""
    for k in range(begin, end):
        rank[order[k]] = k
