"""The moves of random graphs that give elements other places, or leave some out."""

from __future__ import annotations

import numpy as np
from random_graph import RandomGraph, Shape, Size, move
from random_moves import bounded, changed, need, times

LONGEST = 200


@move(3)
def transposed(g: RandomGraph, x: str, shape: Shape) -> None:
    need(len(shape) > 1)
    order = [int(axis) for axis in g.rng.permutation(len(shape))]
    g.add("Transpose", [x], [shape[i] for i in order], perm=order)


@move(2)
def merged(g: RandomGraph, x: str, shape: Shape) -> None:
    need(len(shape) >= 2)
    axis = int(g.rng.integers(len(shape) - 1))
    rest = shape[axis + 2 :]
    joined = (*shape[:axis], times(shape[axis], shape[axis + 1]), *rest)
    if not rest and g.chance(0.5):
        (lead,) = g.raw("Slice", [*g.raw("Shape", [x]), g.integers(0), g.integers(axis)])
        (target,) = g.raw("Concat", [lead, g.integers(-1)], axis=0)
        g.add("Reshape", [x, target], joined)
        return
    need(all(isinstance(size, int) for size in rest))
    g.add("Reshape", [x, g.integers(*[0] * axis, -1, *map(int, rest))], joined)


@move(2)
def split_in_two(g: RandomGraph, x: str, shape: Shape) -> None:
    axis = g.axis(shape, known=True)
    size, rest = int(shape[axis]), shape[axis + 1 :]
    parts = [n for n in (2, 3, 4) if size > n and size % n == 0]
    need(bool(parts), sum(isinstance(n, str) for n in rest) < 2)
    n = g.pick(parts)
    target = [*[0] * axis, n, size // n, *(-1 if isinstance(s, str) else s for s in rest)]
    g.add("Reshape", [x, g.integers(*target)], changed(shape, axis, n, size // n))


@move()
def with_or_without_ones(g: RandomGraph, x: str, shape: Shape) -> None:
    ones = [axis for axis, size in enumerate(shape) if size == 1]
    if ones and g.chance(0.6):
        axis = g.pick(ones)
        g.add("Squeeze", [x, g.integers(axis)], changed(shape, axis))
    else:
        need(len(shape) < 5)
        axis = int(g.rng.integers(len(shape) + 1))
        g.add("Unsqueeze", [x, g.integers(axis)], (*shape[:axis], 1, *shape[axis:]))


@move(2)
def sliced(g: RandomGraph, x: str, shape: Shape) -> None:
    axis = g.axis(shape, known=True)
    size = int(shape[axis])
    need(size >= 2)
    first, step = int(g.rng.integers(size - 1)), g.pick([1, 1, 2])
    last = int(g.rng.integers(first + 1, size + 1))
    ends = [g.integers(first), g.integers(last), g.integers(axis), g.integers(step)]
    if g.chance(0.2):
        ends = [g.integers(-1), g.integers(-(2**31)), g.integers(axis), g.integers(-1)]
        first, last, step = 0, size, 1
    g.add("Slice", [x, *ends], changed(shape, axis, len(range(first, last, step))))


@move()
def sliced_by_its_size(g: RandomGraph, x: str, shape: Shape) -> None:
    axis = g.axis(shape)
    (size,) = g.raw("Gather", [*g.raw("Shape", [x]), g.integers(axis)])
    if g.chance(0.5):
        (before,) = g.raw("Sub", [size, g.integers(1)])
        g.add("Slice", [x, before, size, g.integers(axis)], changed(shape, axis, 1))
        return
    (half,) = g.raw("Div", [*g.raw("Add", [size, g.integers(1)]), g.integers(2)])
    n = shape[axis]
    ends = [g.integers(0), half, g.integers(axis)]
    g.add("Slice", [x, *ends], changed(shape, axis, (n + 1) // 2 if isinstance(n, int) else f"half.{n}"))


@move()
def parted(g: RandomGraph, x: str, shape: Shape) -> None:
    axis = g.axis(shape, known=True)
    size = int(shape[axis])
    need(size >= 2)
    first = int(g.rng.integers(1, size))
    shapes = [changed(shape, axis, n) for n in (first, size - first)]
    g.add("Split", [x, g.integers(first, size - first)], *shapes, axis=axis)


@move(2)
def joined(g: RandomGraph, x: str, shape: Shape) -> None:
    axis = g.axis(shape)
    alike = changed(shape, axis)
    others = [n for n, s in g.shapes.items() if len(s) == len(shape) and changed(s, axis) == alike]
    names = [x, *(g.pick(others) for _ in range(g.pick([1, 2])))]
    sizes = [g.shapes[name][axis] for name in names]
    whole: Size = "(" + "+".join(map(str, sizes)) + ")"
    if all(isinstance(size, int) for size in sizes):
        whole = sum(map(int, sizes))
        need(whole <= LONGEST)
    g.add("Concat", names, changed(shape, axis, whole), axis=axis)


@move()
def padded(g: RandomGraph, x: str, shape: Shape) -> None:
    axis, (before, after) = g.axis(shape), g.rng.integers(3, size=2).tolist()
    need(before + after > 0)
    pads = [0] * 2 * len(shape)
    pads[axis], pads[len(shape) + axis] = before, after
    n = shape[axis]
    size = n + before + after if isinstance(n, int) else f"({n}+{before + after})"
    g.add("Pad", [x, g.integers(*pads)], changed(shape, axis, size), mode=g.pick(["constant", "edge"]))


@move()
def repeated(g: RandomGraph, x: str, shape: Shape) -> None:
    axis = g.axis(shape, known=True)
    size = int(shape[axis])
    need(size <= 12)
    repeats = [1] * len(shape)
    repeats[axis] = 3 if size == 1 else 2
    g.add(
        *("Expand" if size == 1 else "Tile", [x, g.integers(*repeats)]),
        changed(shape, axis, size * repeats[axis]),
    )


@move()
def gathered(g: RandomGraph, x: str, shape: Shape) -> None:
    axis = g.axis(shape, known=True)
    indices = g.rng.integers(-int(shape[axis]), int(shape[axis]), size=g.pick([(), (2,), (3, 2)]))
    need(len(shape) + indices.ndim < 6)
    g.add("Gather", [x, g.constant(np.int64(indices))], changed(shape, axis, *indices.shape), axis=axis)


@move()
def scattered(g: RandomGraph, x: str, shape: Shape) -> None:
    need(len(shape) > 0)
    need(isinstance(shape[0], int))
    size = int(shape[0])
    count = int(g.rng.integers(1, size + 1))
    rows = g.constant(np.int64(g.rng.permutation(size)[:count, None]))
    updates = g.add("Slice", [x, g.integers(0), g.integers(count), g.integers(0)], changed(shape, 0, count))
    g.add("ScatterND", [x, rows, bounded(g, updates)], shape, reduction=g.pick(["none", "add", "max"]))
