"""Non-maximum suppression against the definition, box by box."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import Case, int64s, table

import jitrt

F = np.float32


def edges(box, center):
    if center:
        x, y, w, h = box
        return y - h / 2, x - w / 2, y + h / 2, x + w / 2
    a, b, c, d = box
    return min(a, c), min(b, d), max(a, c), max(b, d)


def overlap(p, q, center):
    """Intersection over union, in float32 as onnxruntime."""
    (a, b, c, d), (e, f, g, h) = edges(p, center), edges(q, center)
    high, wide = min(c, g) - max(a, e), min(d, h) - max(b, f)
    if high <= 0 or wide <= 0:
        return F(0)
    shared = high * wide
    return shared / ((c - a) * (d - b) + (g - e) * (h - f) - shared)


def suppress(boxes, scores, limit=None, iou=None, lowest=None, center_point_box=0):
    boxes, scores = boxes.astype(F), scores.astype(F)
    limit = 0 if limit is None else int(np.ravel(limit)[0])
    iou = F(0) if iou is None else F(np.ravel(iou)[0])
    rows = []
    for b, c in np.ndindex(*scores.shape[:2]):
        kept = []
        for i in np.argsort(-scores[b, c], kind="stable"):
            if len(kept) >= limit or (lowest is not None and not scores[b, c, i] > F(np.ravel(lowest)[0])):
                break
            if all(overlap(boxes[b, i], boxes[b, k], center_point_box) <= iou for k in kept):
                kept.append(i)
        rows += [(b, c, i) for i in kept]
    return np.array(rows, np.int64).reshape(-1, 3)


def boxes(batch, n, seed=0, size=20.0):
    r = np.random.default_rng(seed)
    first = r.uniform(0, size, (batch, n, 2))
    return np.concatenate([first, first + r.uniform(-6, 6, (batch, n, 2))], 2).astype(F)


def scores(batch, classes, n, seed=0):
    return np.random.default_rng(seed).integers(-40, 40, (batch, classes, n)).astype(F) / 40


def values(limit, iou, lowest):
    return [int64s(limit), np.array([iou], F), np.array([lowest], F)]


CASES = [
    Case(
        "NonMaxSuppression",
        [boxes(b, n), scores(b, c, n), *values(*numbers)],
        {"center_point_box": center},
        suppress,
    )
    for b, c, n in ((1, 1, 1), (1, 1, 200), (2, 3, 70))
    for numbers in ((1000, 0.3, 0.1), (7, 0.5, -2), (0, 0.5, 0), (50, 0.0, -0.5), (50, 1.0, 0.9))
    for center in (0, 1)
]
ABSENT = [
    Case("NonMaxSuppression", [boxes(1, 30), scores(1, 2, 30), *rest], {}, suppress)
    for rest in ([], [int64s(5)], [int64s(9), None, np.array([0.2], F)], [np.array(4), np.array(0.4, F)])
]
OLD = [
    Case("NonMaxSuppression", [boxes(1, 30), scores(1, 2, 30), *values(9, 0.4, 0)], {}, suppress, version=10),
    Case("NonMaxSuppression", [boxes(1, 0), scores(1, 2, 0), *values(9, 0.4, 0)], {}, suppress),
]


@table(CASES, ABSENT, OLD)
def test_suppression(case):
    case.check()


def test_scores_of_either_sign_and_none_at_all_come_in_order():
    line = np.arange(7, dtype=F)
    apart = np.stack([line, line, line + 0.5, line + 0.5], -1)[None]
    marks = np.array([[[0.0, -0.0, np.nan, -1, 2, np.inf, -np.inf]]], F)
    got = jitrt.call("NonMaxSuppression", apart, marks, int64s(9))
    assert got[:, 2].tolist() == [5, 4, 0, 1, 3, 6, 2]


def test_thresholds_outside_of_0_to_1():
    with pytest.raises(jitrt.errors.InvalidArgument, match=r"iou_threshold must be in range \[0, 1\]"):
        jitrt.call("NonMaxSuppression", boxes(1, 3), scores(1, 1, 3), *values(3, 1.5, 0))


def test_shapes_that_do_not_fit():
    with pytest.raises(jitrt.errors.Fail, match=r"expected boxes \[batch, n, 4\]"):
        jitrt.call("NonMaxSuppression", boxes(1, 3), scores(1, 1, 4), int64s(3))


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 3), st.integers(1, 3), st.integers(1, 90), st.integers(0, 99), st.sampled_from([0.1, 0.45])
)
def test_any_number_of_boxes(batch, classes, n, seed, iou):
    operands = [boxes(batch, n, seed), scores(batch, classes, n, seed), *values(20, iou, 0)]
    np.testing.assert_array_equal(jitrt.call("NonMaxSuppression", *operands), suppress(*operands))


@pytest.mark.parametrize("spread", ["even", "alike", "outlier"])
@pytest.mark.parametrize("limit", [5, 10_000])
def test_many_candidates_in_order(spread, limit):
    """Boxes that do not overlap: all are kept, best first, the first of equals before the others."""
    n = 3000
    corner = 10.0 * np.arange(n)[:, None]
    apart = np.concatenate([corner, corner, corner + 1, corner + 1], 1)[None].astype(F)
    found = np.random.default_rng(0).random((1, 2, n)).astype(F)
    if spread == "alike":
        found = np.round(found * 3) / 4
    elif spread == "outlier":
        found = found * F(1e-4)
        found[:, :, 17] = F(1e30)
    rows = jitrt.call("NonMaxSuppression", apart, found, *values(limit, 0.5, 0.00001))
    for c in range(2):
        order = np.argsort(-found[0, c], kind="stable")
        wanted = order[found[0, c, order] > F(0.00001)][:limit]
        np.testing.assert_array_equal(rows[rows[:, 1] == c, 2], wanted)
