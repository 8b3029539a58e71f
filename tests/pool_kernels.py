"""Kernels in LLVM IR for tests of the worker pool, and step tables of them."""

from __future__ import annotations

import numpy as np

from jitrt.codegen.compile import cached_object, link
from jitrt.execute import pool

KERNELS = """
; counts[i] += 1, per unit.  args: counts
define i64 @count(ptr %args, i64 %begin, i64 %end, ptr %scratch) {
entry:
  %counts = load ptr, ptr %args
  br label %loop
loop:
  %i = phi i64 [ %begin, %entry ], [ %i.next, %loop ]
  %at = getelementptr i64, ptr %counts, i64 %i
  %old = atomicrmw add ptr %at, i64 1 monotonic
  %i.next = add i64 %i, 1
  %more = icmp slt i64 %i.next, %end
  br i1 %more, label %loop, label %return
return:
  ret i64 0
}

; y[i] = 3 y[i] + i, wrapping.  args: y
define i64 @triple(ptr %args, i64 %begin, i64 %end, ptr %scratch) {
entry:
  %y = load ptr, ptr %args
  br label %loop
loop:
  %i = phi i64 [ %begin, %entry ], [ %i.next, %loop ]
  %at = getelementptr i64, ptr %y, i64 %i
  %old = load i64, ptr %at
  %tripled = mul i64 %old, 3
  %new = add i64 %tripled, %i
  store i64 %new, ptr %at
  %i.next = add i64 %i, 1
  %more = icmp slt i64 %i.next, %end
  br i1 %more, label %loop, label %return
return:
  ret i64 0
}

; Adds the number of units to the thread's own word, without an atomic.
define i64 @tally(ptr %args, i64 %begin, i64 %end, ptr %scratch) {
  %old = load volatile i64, ptr %scratch
  %units = sub i64 %end, %begin
  %new = add i64 %old, %units
  store volatile i64 %new, ptr %scratch
  ret i64 0
}

; Returns args[1] where unit args[0] is in the range, else 0.
define i64 @fail(ptr %args, i64 %begin, i64 %end, ptr %scratch) {
  %unit = load i64, ptr %args
  %status.at = getelementptr i64, ptr %args, i64 1
  %status = load i64, ptr %status.at
  %after = icmp sge i64 %unit, %begin
  %before = icmp slt i64 %unit, %end
  %hit = and i1 %after, %before
  %result = select i1 %hit, i64 %status, i64 0
  ret i64 %result
}

declare i32 @usleep(i32)

; Sleeps a millisecond per call, then counts.  args: counts
define i64 @slow_count(ptr %args, i64 %begin, i64 %end, ptr %scratch) {
  %ignored = call i32 @usleep(i32 1000)
  %status = call i64 @count(ptr %args, i64 %begin, i64 %end, ptr %scratch)
  ret i64 %status
}
"""
NAMES = ["count", "triple", "tally", "fail", "slow_count"]


def load_kernels() -> dict[str, int]:
    return dict(zip(NAMES, link([cached_object("test_pool", lambda: KERNELS)], NAMES), strict=True))


class Steps:
    """A step table under construction; keeps the args alive."""

    def __init__(self, *steps: tuple[int, tuple[int | np.ndarray, ...], int, int]) -> None:
        self.args = [np.array([a if isinstance(a, int) else a.ctypes.data for a in s[1]]) for s in steps]
        self.table = np.zeros((len(steps), pool.COLUMNS), np.int64)
        for row, (function, _, extent, chunk), args in zip(self.table, steps, self.args, strict=True):
            row[[pool.FUNCTION, pool.ARGS, pool.EXTENT, pool.CHUNK]] = (
                function,
                args.ctypes.data,
                extent,
                chunk,
            )


def triples(kernels: dict[str, int], values: np.ndarray, steps: int) -> Steps:
    chunks = [0, 3, 64, 7, 1, 0, 0, 129]
    return Steps(
        *[(kernels["triple"], (values,), len(values), chunks[k % len(chunks)]) for k in range(steps)]
    )


def tripled(values: np.ndarray, steps: int) -> np.ndarray:
    for _ in range(steps):
        values = 3 * values + np.arange(len(values))
    return values


def check_two_threads() -> None:
    """A run on two threads is right, and has its worker where the system has workers."""
    start = np.arange(500)
    values = start.copy()
    steps = triples(load_kernels(), values, 40)
    assert pool.Runner(steps.table, threads=2).run() == -1
    np.testing.assert_array_equal(values, tripled(start, 40))
    workers = pool.shared_runtime().pool
    if workers is not None:
        assert workers._size[0] >= min(2, workers._limit[0])
