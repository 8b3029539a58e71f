"""What every form of attention is made of: heads as views, grouped products, ranges of keys, softmax.

Queries are [batch, heads, s, d], keys [batch, kv heads, t, d], values [batch, kv heads, t, e]. Query heads
that share a key head are rows of one product, so keys and values are never repeated in memory. float16 and
bfloat16 are computed in float32 and rounded once, at the end. Numbers of heads and their sizes belong to a
model: a program is made for them, while batch and sequence lengths may change from call to call.
"""

from __future__ import annotations

from functools import reduce
from typing import NamedTuple

from jitrt.calls import cast_tensor
from jitrt.dims import Size
from jitrt.expr import Expr, cast, const, eq, exp, maximum, minimum, tanh, where
from jitrt.products import MatrixProduct
from jitrt.tensor import Dtype, Tensor, broadcast, concatenate, map_indices, map_tensors, reduce_tensor
from jitrt.types import BOOL, F32, F64, I32, I64

from ._shared import size_tensor

LOWEST = float("-inf")
MOST_KEYS = 2**31 - 1


class KeyRange(NamedTuple):
    """The first and the last key that a query attends to, int32 [batch or 1, 1, s, 1]; None is no bound."""

    first: Tensor | None = None
    last: Tensor | None = None


class Attended(NamedTuple):
    """The result [batch, heads, s, e] and the stages before it, [batch, heads, s, t], as computed."""

    y: Tensor
    scores: Tensor
    capped: Tensor
    masked: Tensor
    weights: Tensor


def split_heads(x: Tensor, heads: int) -> Tensor:
    """[batch, s, heads * d] as [batch, heads, s, d]; no data moves."""
    batch, s, hidden = x.shape[0], x.shape[1], int(x.shape[2])
    if heads < 1 or hidden % heads:
        raise ValueError(f"the hidden size {hidden} is not a multiple of {heads} heads")
    return x.reshape([batch, s, heads, hidden // heads]).permute((0, 2, 1, 3))


def four_dimensional(x: Tensor) -> Tensor:
    """[batch, heads, s, d] with heads and d as the numbers that they are."""
    return x.reshape([x.shape[0], int(x.shape[1]), x.shape[2], int(x.shape[3])])


def join_heads(x: Tensor) -> Tensor:
    """[batch, heads, s, d] as [batch, s, heads * d]."""
    batch, heads, s, d = x.shape
    return x.permute((0, 2, 1, 3)).reshape([batch, s, heads * d])


def append_keys(past: Tensor | None, new: Tensor) -> Tensor:
    """The keys or values of the past, and after them the new ones."""
    return new if past is None else concatenate([four_dimensional(past), new], 2)


def key_range(
    queries: Size,
    offset: Size | Tensor = 0,
    *,
    causal: bool = False,
    left: int | None = None,
    right: int | None = None,
    length: Tensor | None = None,
) -> KeyRange:
    """The keys of queries at the positions offset, offset + 1, ..., at most so many at the left and right.

    `length` int64 [batch] is the number of keys that count; an offset may differ within the batch as well.
    """
    start = _per_batch(offset if isinstance(offset, Tensor) else size_tensor(offset))
    count = [] if length is None else [_per_batch(length)]
    shape = (broadcast(start.shape, *(c.shape for c in count))[0], 1, queries, 1)
    ahead = [0] * causal + ([] if right is None else [right])
    behind = [] if left is None else [left]

    def first(b: Expr, h: Expr, i: Expr, j: Expr, start: Expr) -> Expr:
        return cast(maximum(start + i - min(behind[0], MOST_KEYS), 0), I32)

    def last(b: Expr, h: Expr, i: Expr, j: Expr, start: Expr, *count: Expr) -> Expr:
        bounds = [start + i + min(distance, MOST_KEYS) for distance in ahead] + [c - 1 for c in count]
        return cast(maximum(reduce(minimum, bounds, const(MOST_KEYS, I64)), -1), I32)

    return KeyRange(
        map_indices(first, shape, start) if behind else None,
        map_indices(last, shape, start, *count) if ahead or count else None,
    )


def _per_batch(x: Tensor) -> Tensor:
    """A number, or one for each element of the batch, as [batch or 1, 1, 1, 1]."""
    return x.reshape([x.size, 1, 1, 1])


def attend(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    *,
    scale: float | None = None,
    softcap: float = 0.0,
    mask: Tensor | None = None,
    keys: KeyRange | None = None,
    sink: Tensor | None = None,
    softmax_type: Dtype = F32,
) -> Attended:
    """Softmax of the scores q k' times v; a query without any key gives zeros.

    `mask` broadcasts to the scores: where bool, false excludes a key; else it is added. `sink` broadcasts to
    [batch, heads, s, 1] and is the score of one more key, of value zero.
    """
    check_sizes(q, k, v)
    kind = F64 if F64 in (q.dtype, k.dtype) else F32
    factor = float(q.shape[3]) ** -0.5 if scale is None else scale
    product = grouped_product(q, k.permute((0, 1, 3, 2)), kind)
    scores = map_tensors(lambda x: x * factor, product)
    capped = map_tensors(lambda x: tanh(x / softcap) * softcap, scores) if softcap else scores
    masked = within_range(add_mask(capped, mask), keys or KeyRange())
    weights = softmax_rows(cast_tensor(masked, F64 if softmax_type == F64 else kind), sink)
    kind = F64 if F64 in (kind, v.dtype) else F32
    y = grouped_product(cast_tensor(weights, kind), v, kind)
    return Attended(y, scores, capped, masked, weights)


def check_sizes(q: Tensor, k: Tensor, v: Tensor) -> None:
    """Raises ValueError where queries, keys and values do not fit together."""
    if q.shape[3] != k.shape[3]:
        raise ValueError(f"head sizes differ: queries {q}, keys {k}")
    if k.shape[1] != v.shape[1] or q.shape[1] % k.shape[1] != 0:
        raise ValueError(f"heads of queries {q} are no multiple of those of keys {k} and values {v}")
    if k.shape[2] != v.shape[2] or q.shape[0] != k.shape[0] or k.shape[0] != v.shape[0]:
        raise ValueError(f"batch or sequence lengths differ: queries {q}, keys {k}, values {v}")


def grouped_product(a: Tensor, b: Tensor, kind: Dtype) -> Tensor:
    """a [batch, heads, m, k] times b [batch, kv heads, k, n], each matrix of b for a group of heads."""
    batch, heads, m, k = a.shape
    groups, n = b.shape[1], b.shape[3]
    b = cast_tensor(b, kind) if kind == F64 else b
    a = cast_tensor(a, kind) if kind == F64 else a
    if heads == groups:
        return MatrixProduct(a, b, None, kind).outputs[0]
    rows = a.reshape([batch, groups, heads // groups * m, k])
    return MatrixProduct(rows, b, None, kind).outputs[0].reshape([batch, heads, m, n])


def add_mask(x: Tensor, mask: Tensor | None) -> Tensor:
    """The scores with the mask: -inf where it excludes a key, whatever the score was."""
    if mask is None:
        return x
    if mask.dtype == BOOL:
        return map_tensors(lambda x, m: where(m, x, LOWEST), x, mask)
    return map_tensors(lambda x, m: where(eq(m, LOWEST), m, x + m), x, cast_tensor(mask, x.dtype))


def within_range(x: Tensor, keys: KeyRange, excluded: float = LOWEST) -> Tensor:
    """The scores, `excluded` for keys that are outside of the range."""
    if keys.first is None and keys.last is None:
        return x
    positions = map_indices(lambda i: cast(i, I32), x.shape[3:])

    def choose(x: Expr, key: Expr, first: Expr | None, last: Expr | None) -> Expr:
        inside = const(True, BOOL) if first is None else key >= first
        return where(inside if last is None else inside & (key <= last), x, excluded)

    return map_tensors(choose, x, positions, keys.first, keys.last)


def softmax_rows(x: Tensor, sink: Tensor | None = None) -> Tensor:
    """Softmax along the last axis; zeros where all scores are -inf. `sink` is one more score a row.

    Weights of less than e**-75 (e**-650 in float64) are 0: processors take a hundred cycles for an operation
    on numbers that are nearly too small for the type, and masks of -100 would give many.
    """
    least = -650 if x.dtype == F64 else -75
    top = reduce_tensor(x, "max", [-1])
    if sink is not None:
        top = map_tensors(maximum, top, sink)
    top = map_tensors(lambda m: where(eq(m, LOWEST), 0, m), top)
    powers = map_tensors(lambda x, m: exp(where(x - m < least, LOWEST, x - m)), x, top)
    total = reduce_tensor(powers, "sum", [-1])
    if sink is not None:
        total = map_tensors(lambda t, s, m: t + exp(s - m), total, sink, top)
    inverse = map_tensors(lambda t: where(eq(t, 0), 0, 1 / t), total)
    return map_tensors(lambda p, r: p * r, powers, inverse)
