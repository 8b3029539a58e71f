"""Selection of boxes among overlapping ones."""

from __future__ import annotations

from math import inf

import numpy as np

from jitrt.calls import bits_of, launch
from jitrt.errors import InvalidArgument
from jitrt.expr import Expr, maximum, minimum
from jitrt.opdef import operator
from jitrt.tensor import Tensor, concatenate, constant, known_sizes, map_tensors, reduce_tensor
from jitrt.types import I64

BLOCK = 64  # kept boxes that a candidate is compared with before it is dropped
DIGITS = 256
SHORT = 24  # candidates that insertion sorts faster


@operator("NonMaxSuppression", since=10)
def non_max_suppression(
    boxes: Tensor,
    scores: Tensor,
    max_output_boxes_per_class: Tensor | None = None,
    iou_threshold: Tensor | None = None,
    score_threshold: Tensor | None = None,
    *,
    center_point_box: int = 0,
) -> Tensor:
    """The best of overlapping boxes. https://onnx.ai/onnx/operators/onnx__NonMaxSuppression.html

    A first kernel selects per batch and class, in parallel; what it counts is the size of the result.
    """
    if boxes.ndim != 3 or boxes.shape[2] != 4 or scores.ndim != 3 or scores.shape[2] != boxes.shape[1]:
        raise ValueError(
            f"expected boxes [batch, n, 4] and scores [batch, classes, n], got {boxes}, {scores}"
        )
    batch, classes, n = scores.shape
    limit = (
        constant(np.zeros(1, np.int64)) if max_output_boxes_per_class is None else max_output_boxes_per_class
    )
    overlap = constant(np.zeros(1, np.float32)) if iou_threshold is None else iou_threshold
    lowest = constant(np.full(1, -inf, np.float32)) if score_threshold is None else score_threshold
    selected, counts = launch(
        select_boxes,
        _corners(boxes, center_point_box),
        bits_of(scores),
        scores,
        limit.reshape([limit.size]),
        overlap.reshape([overlap.size]),
        lowest.reshape([lowest.size]),
        outputs=[(I64, [batch, classes, n]), (I64, [batch, classes])],
        scalars=[int(score_threshold is None)],
        extent=batch * classes,
        error=lambda _: InvalidArgument("iou_threshold must be in range [0, 1]."),
        flops=scores.size * 32,
        scratch=36 * n + 8 * DIGITS,
    )
    (total,) = known_sizes(reduce_tensor(counts, "sum", [0, 1]))
    (rows,) = launch(list_boxes, selected, counts, outputs=[(I64, [total, 3])], extent=batch * classes)
    return rows


def _corners(boxes: Tensor, center_point_box: int) -> Tensor:
    """Lower and upper y, lower and upper x, and the area of each box: float32[batch, 5, n]."""
    a, b, c, d = (boxes.slice(2, i, 1).permute([0, 2, 1]) for i in range(4))
    if center_point_box:
        x, y, width, height = a, b, c, d
        edges = [
            map_tensors(lambda x, w: x + sign * (w / 2), x, w)  # noqa: B023 - called at once
            for x, w in ((y, height), (x, width))
            for sign in (-1, 1)
        ]
    else:
        edges = [map_tensors(f, p, q) for p, q in ((a, c), (b, d)) for f in (minimum, maximum)]

    def area(top: Expr, bottom: Expr, left: Expr, right: Expr) -> Expr:
        return (bottom - top) * (right - left)

    return concatenate([*edges, map_tensors(area, *edges)], 1)


def select_boxes(
    selected, counts, boxes, bits, scores, limit, overlap, lowest, takes_all, begin, end, scratch
):
    """selected[b, c, :counts[b, c]] are the boxes kept for class c of b, best first; a unit is such a class.

    A box is kept unless it overlaps one kept before it. `bits` are the scores' bits. Candidates are put into
    buckets by score, which are sorted one by one as long as more boxes are wanted.
    """
    n = boxes.shape[2]
    kept = scratch[: 20 * n].view(np.float32)
    keys = scratch[20 * n : 28 * n].view(np.uint32)
    places = scratch[28 * n : 36 * n].view(np.int32)
    ends = scratch[36 * n : 36 * n + 4 * DIGITS].view(np.int32)
    starts = scratch[36 * n + 4 * DIGITS :].view(np.int32)
    if not 0 <= overlap[0] <= 1:
        return 1
    for unit in range(begin, end):
        b, c = unit // scores.shape[1], unit % scores.shape[1]
        candidates, count = 0, 0
        for i in range(n if limit[0] > 0 else 0):
            keys[candidates], places[candidates] = descending(bits[b, c, i]), i
            candidates += takes_all or scores[b, c, i] > lowest[0]
        fill_buckets(keys, places, ends, candidates)
        bucket, stop = -1, 0
        for k in range(candidates):
            while k == stop:
                bucket += 1
                stop = ends[bucket]
                sort_pairs(keys, places, starts, k, stop)
            i = places[n + k]
            if is_free(boxes, b, i, kept, count, overlap[0]):
                for side in range(5):
                    kept[side * n + count] = boxes[b, side, i]
                selected[b, c, count] = i
                count += 1
                if count >= limit[0]:
                    break
        counts[b, c] = count
    return 0


def descending(bits):
    """An unsigned number that is the smaller the larger the float of these bits is; the largest for NaN."""
    if (bits & 0x7FFFFFFF) > 0x7F800000:
        return 0xFFFFFFFF
    if bits == 0x80000000:
        return 0x7FFFFFFF  # -0.0 as 0.0
    return bits if bits > 0x80000000 else 0x7FFFFFFF - bits


def fill_buckets(keys, places, ends, count):
    """Move the first set of keys and places to the second, by the upper digit of what the keys differ in.

    Both arrays have room for two sets; equal digits keep their order. ends[digit] is where a bucket ends.
    """
    second = keys.shape[0] // 2
    low, high = np.uint32(0xFFFFFFFF), np.uint32(0)
    for key in keys[:count]:
        low, high = min(low, key), max(high, key)
    shift = 0
    while count > 0 and (high - low) >> shift >= DIGITS:
        shift += 1
    for digit in range(DIGITS):
        ends[digit] = 0
    for key in keys[:count]:
        ends[(key - low) >> shift] += 1
    start = 0
    for digit in range(DIGITS):
        ends[digit], start = start, start + ends[digit]
    for k in range(count):
        digit = (keys[k] - low) >> shift
        to = second + ends[digit]
        keys[to], places[to] = keys[k], places[k]
        ends[digit] += 1


def sort_pairs(keys, places, starts, first, stop):
    """Sort elements `first` to `stop` of the second set of keys and places by key, equal ones in order.

    Many are sorted a byte a pass, with the same part of the first set for every other pass.
    """
    second = keys.shape[0] // 2
    if stop - first <= SHORT:
        for k in range(second + first + 1, second + stop):
            key, place, to = keys[k], places[k], k
            while to > second + first and keys[to - 1] > key:
                keys[to], places[to] = keys[to - 1], places[to - 1]
                to -= 1
            keys[to], places[to] = key, place
        return
    source, target = second + first, first
    for shift in (0, 8, 16, 24):
        for digit in range(DIGITS):
            starts[digit] = 0
        for k in range(source, source + stop - first):
            starts[(keys[k] >> shift) & (DIGITS - 1)] += 1
        start = target
        for digit in range(DIGITS):
            starts[digit], start = start, start + starts[digit]
        for k in range(source, source + stop - first):
            digit = (keys[k] >> shift) & (DIGITS - 1)
            keys[starts[digit]], places[starts[digit]] = keys[k], places[k]
            starts[digit] += 1
        source, target = target, source


def is_free(boxes, b, i, kept, count, overlap):
    """Whether the intersection of box i with each kept one is at most `overlap` of their union."""
    n = boxes.shape[2]
    top, bottom, left, right, area = (
        boxes[b, 0, i],
        boxes[b, 1, i],
        boxes[b, 2, i],
        boxes[b, 3, i],
        boxes[b, 4, i],
    )
    for start in range(0, count, BLOCK):
        hits = 0
        for m in range(start, min(start + BLOCK, count)):
            height = min(bottom, kept[n + m]) - max(top, kept[m])
            width = min(right, kept[3 * n + m]) - max(left, kept[2 * n + m])
            shared = height * width
            union = area + kept[4 * n + m] - shared
            hits += (height > 0) & (width > 0) & (shared / union > overlap)
        if hits > 0:
            return False
    return True


def list_boxes(rows, selected, counts, begin, end):
    """Batch, class and box of each selected box; a unit is a class of a batch."""
    classes, at = counts.shape[1], 0
    for unit in range(end):
        b, c = unit // classes, unit % classes
        for k in range(counts[b, c] if unit >= begin else 0):
            rows[at + k, 0], rows[at + k, 1], rows[at + k, 2] = b, c, selected[b, c, k]
        at += counts[b, c]
