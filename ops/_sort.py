"""Sorting: unsigned keys in the order of the numbers, by their digits, and rows of keys by merging."""

from __future__ import annotations

import numpy as np

from jitrt.calls import cast_tensor, launch
from jitrt.expr import Expr, bitcast, cast, eq, isnan, where
from jitrt.tensor import Dtype, Tensor, map_indices, map_tensors
from jitrt.types import BF16, F16, F32, I32, I64, is_float

U32, U64 = np.dtype(np.uint32), np.dtype(np.uint64)
BLOCK = 16384
DIGITS = 256
TOP_BITS = 11
TOP_DIGITS = 1 << TOP_BITS
SHORT = 40  # rows that insertion sorts faster


def sort_keys(x: Tensor) -> Tensor:
    """Unsigned integers that compare as the elements do: NaN above all others, -0 as 0, all NaN alike."""
    if x.dtype in (F16, BF16):
        x = cast_tensor(x, F32)
    unsigned = U64 if x.dtype.itemsize == 8 else U32
    sign = 1 << (8 * unsigned.itemsize - 1)

    def float_key(v: Expr) -> Expr:
        bits = bitcast(where(eq(v, 0), 0, v), unsigned)
        return where(isnan(v), 2 * sign - 1, where(bits >= sign, ~bits, bits | sign))

    def integer_key(v: Expr) -> Expr:
        if v.dtype.kind != "i":
            return cast(v, unsigned)
        if v.dtype.itemsize < 4:
            return cast(cast(v, I32) + 2 ** (8 * v.dtype.itemsize - 1), unsigned)
        return bitcast(v, unsigned) ^ sign

    return map_tensors(float_key if is_float(x.dtype) else integer_key, x)


def numbers_of_keys(keys: Tensor, dtype: Dtype) -> Tensor:
    """The inverse of `sort_keys`: the numbers of type `dtype` that have these keys."""
    sign = 1 << (8 * keys.dtype.itemsize - 1)
    wide = F32 if dtype in (F16, BF16) else dtype

    def number(key: Expr) -> Expr:
        if is_float(wide):
            return bitcast(where(key >= sign, key ^ sign, ~key), wide)
        if dtype.kind != "i":
            return cast(key, dtype)
        if dtype.itemsize < 4:
            return cast(cast(key, I32) - 2 ** (8 * dtype.itemsize - 1), dtype)
        return bitcast(key ^ sign, dtype)

    return cast_tensor(map_tensors(number, keys), dtype)


def digit_count(dtype: Dtype) -> int:
    """How many digits the keys of elements of a type have."""
    return dtype.itemsize if dtype not in (F16, BF16) else 4


def sorted_places(keys: Tensor, dtype: Dtype) -> tuple[Tensor, Tensor]:
    """The keys [n] of elements of type `dtype` in order, and the place of each; equal ones stay in order.

    A pass sorts by one digit of 8 bits, the lowest first: blocks count their digits, learn from the sums
    where the first of each goes, and move their elements there.
    """
    (n,) = keys.shape
    kind = I32 if n < 2**31 else I64
    places = map_indices(lambda i: cast(i, kind), (n,))
    for shift in range(0, 8 * digit_count(dtype), 8):
        starts = _digit_starts(keys, shift)
        keys, places = launch(
            move_digits,
            keys,
            places,
            starts,
            outputs=[(keys.dtype, [n]), (kind, [n])],
            scalars=[shift],
            extent=starts.shape[0],
            scratch=8 * DIGITS,
        )
    return keys, places


def sorted_keys(keys: Tensor, dtype: Dtype) -> Tensor:
    """The keys alone, in order."""
    for shift in range(0, 8 * digit_count(dtype), 8):
        starts = _digit_starts(keys, shift)
        (keys,) = launch(
            move_keys,
            keys,
            starts,
            outputs=[(keys.dtype, keys.shape)],
            scalars=[shift],
            extent=starts.shape[0],
            scratch=8 * DIGITS,
        )
    return keys


def _digit_starts(keys: Tensor, shift: int) -> Tensor:
    """Where the first element of each block and digit goes, [blocks, DIGITS]."""
    blocks = (keys.size + BLOCK - 1) // BLOCK
    table = [(I64, [blocks, DIGITS])]
    (counts,) = launch(count_digits, keys, outputs=table, scalars=[shift], extent=blocks)
    (starts,) = launch(sum_digits, counts, outputs=table, extent=1)
    return starts


def count_digits(counts, keys, shift, begin, end):
    """How often each digit occurs in each block."""
    for b in range(begin, end):
        for d in range(DIGITS):
            counts[b, d] = 0
        first, stop = b * BLOCK, min((b + 1) * BLOCK, keys.size)
        if one_digit(keys[first:stop], shift):
            counts[b, (keys[first] >> np.uint64(shift)) & np.uint64(DIGITS - 1)] = stop - first
        else:
            for i in range(first, stop):
                counts[b, (keys[i] >> np.uint64(shift)) & np.uint64(DIGITS - 1)] += 1


def one_digit(keys, shift):
    """Whether all keys have the same digit, as the upper ones of small numbers; vectors find out."""
    differ = np.uint64(0)
    for key in keys:
        differ |= key ^ keys[0]
    return (differ >> np.uint64(shift)) & np.uint64(DIGITS - 1) == 0


def sum_digits(starts, counts, begin, end):
    """Where the first element of each digit and block goes: behind smaller digits and earlier blocks."""
    total = 0
    for d in range(DIGITS):
        for b in range(counts.shape[0]):
            starts[b, d] = total
            total += counts[b, d]


def move_digits(K, P, keys, places, starts, shift, begin, end, scratch):
    """Keys and places in the order of one digit; a unit is a block."""
    following = scratch[: 8 * DIGITS].view(np.int64)
    for b in range(begin, end):
        for d in range(DIGITS):
            following[d] = starts[b, d]
        first, stop = b * BLOCK, min((b + 1) * BLOCK, keys.size)
        if one_digit(keys[first:stop], shift):
            to = following[(keys[first] >> np.uint64(shift)) & np.uint64(DIGITS - 1)]
            for i in range(stop - first):
                K[to + i] = keys[first + i]
                P[to + i] = places[first + i]
        else:
            for i in range(first, stop):
                d = (keys[i] >> np.uint64(shift)) & np.uint64(DIGITS - 1)
                to = following[d]
                following[d] = to + 1
                K[to] = keys[i]
                P[to] = places[i]


def move_keys(K, keys, starts, shift, begin, end, scratch):
    """As `move_digits`, without places."""
    following = scratch[: 8 * DIGITS].view(np.int64)
    for b in range(begin, end):
        for d in range(DIGITS):
            following[d] = starts[b, d]
        first, stop = b * BLOCK, min((b + 1) * BLOCK, keys.size)
        if one_digit(keys[first:stop], shift):
            to = following[(keys[first] >> np.uint64(shift)) & np.uint64(DIGITS - 1)]
            for i in range(stop - first):
                K[to + i] = keys[first + i]
        else:
            for i in range(first, stop):
                d = (keys[i] >> np.uint64(shift)) & np.uint64(DIGITS - 1)
                to = following[d]
                following[d] = to + 1
                K[to] = keys[i]


def sort_rows(order, keys, begin, end, scratch):
    """The rows of keys [n, m] in lexicographic order; equal ones stay in order. Runs of rows are merged."""
    n = order.size
    other = scratch[: 8 * n].view(np.int64)
    for i in range(n):
        order[i] = i
    width = 1
    while width < n:
        for first in range(0, n, 2 * width):
            middle, stop = min(first + width, n), min(first + 2 * width, n)
            left, right = first, middle
            for k in range(first, stop):
                if right >= stop or (left < middle and not comes_before(keys, order[right], order[left])):
                    other[k] = order[left]
                    left += 1
                else:
                    other[k] = order[right]
                    right += 1
        for i in range(n):
            order[i] = other[i]
        width *= 2


def comes_before(keys, i, j):
    """Whether row i is smaller than row j."""
    for column in range(keys.shape[1]):
        if keys[i, column] != keys[j, column]:
            return keys[i, column] < keys[j, column]
    return False


def sort_row_places(places, keys, width, digits, begin, end, scratch):
    """The places of the k smallest keys of each row, in order; equal ones stay in order. A unit is a row.

    A key is `width` bytes; `digits` of them are sorted by, the lowest first, but for one that all share.
    """
    k, n = places.shape[1], keys.shape[1]
    size = n * width
    near = scratch[:size].view(keys.dtype)
    far = scratch[size : 2 * size].view(keys.dtype)
    near_places = scratch[2 * size : 2 * size + 8 * n].view(np.int64)
    far_places = scratch[2 * size + 8 * n : 2 * size + 16 * n].view(np.int64)
    counts = scratch[2 * size + 16 * n : 2 * size + 16 * n + 8 * TOP_DIGITS].view(np.int64)
    for i in range(begin, end):
        m = copy_smallest(near, near_places, keys, i, k, 8 * digits, counts)
        if m <= SHORT:
            insert_in_order(near[:m], near_places[:m])
        else:
            for shift in range(0, 8 * digits, 8):
                if sort_by_digit(far, far_places, near[:m], near_places[:m], counts, shift):
                    near, far = far, near
                    near_places, far_places = far_places, near_places
        for j in range(k):
            places[i, j] = near_places[j]


def copy_smallest(K, P, keys, i, k, bits, counts):
    """Copy keys of row i with their places, among them the k smallest: how many.

    From a long row only those go whose highest bits are no more than those of the k-th.
    """
    n = keys.shape[1]
    if n < 2 * TOP_DIGITS or 2 * k > n:
        for j in range(n):
            K[j] = keys[i, j]
            P[j] = j
        return n
    shift = np.uint64(max(bits - TOP_BITS, 0))
    for d in range(TOP_DIGITS):
        counts[d] = 0
    for j in range(n):
        counts[keys[i, j] >> shift] += 1
    last, total = np.uint64(0), counts[0]
    while total < k:
        last += np.uint64(1)
        total += counts[last]
    m = 0
    for j in range(n):
        if keys[i, j] >> shift <= last:
            K[m] = keys[i, j]
            P[m] = j
            m += 1
    return m


def insert_in_order(keys, places):
    """Sort a few keys and their places by insertion."""
    for j in range(1, keys.size):
        key, place = keys[j], places[j]
        to = j
        while to > 0 and keys[to - 1] > key:
            keys[to] = keys[to - 1]
            places[to] = places[to - 1]
            to -= 1
        keys[to] = key
        places[to] = place


def sort_by_digit(K, P, keys, places, counts, shift):
    """Keys and places in the order of one digit; False, and nothing done, where all have the same."""
    for d in range(DIGITS):
        counts[d] = 0
    for j in range(keys.size):
        counts[(keys[j] >> np.uint64(shift)) & np.uint64(DIGITS - 1)] += 1
    if counts[(keys[0] >> np.uint64(shift)) & np.uint64(DIGITS - 1)] == keys.size:
        return False
    total = 0
    for d in range(DIGITS):
        counts[d], total = total, total + counts[d]
    for j in range(keys.size):
        d = (keys[j] >> np.uint64(shift)) & np.uint64(DIGITS - 1)
        to = counts[d]
        counts[d] = to + 1
        K[to] = keys[j]
        P[to] = places[j]
    return True
