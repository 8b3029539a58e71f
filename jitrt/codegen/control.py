"""Kernels of control flow: steps whose status is how many steps to go on from them, backwards if negative.

Each is a step of one unit (see `Step.jumps`); their arguments are described with the functions.
"""

from __future__ import annotations

from jitrt.codegen.kernel import Kernel


def jump_kernel() -> Kernel:
    """`jump(distance)`: a row of int64, the number of steps to go on."""
    return _kernel("jump", "  %distance = load i64, ptr %args\n  ret i64 %distance")


def branch_kernel() -> Kernel:
    """`branch(condition, distance)`: to the next step if the bool at an address holds, else as `jump`."""
    return _kernel(
        "branch",
        """\
  %condition.at = load ptr, ptr %args
  %condition = load i8, ptr %condition.at
  %holds = icmp ne i8 %condition, 0
  %distance.at = getelementptr i64, ptr %args, i64 1
  %distance = load i64, ptr %distance.at
  %result = select i1 %holds, i64 1, i64 %distance
  ret i64 %result""",
    )


def advance_kernel() -> Kernel:
    """`advance(counter, trips, going, distance, swaps, slices, ...)`: the head of a loop.

        i = ++*counter
        for word, even, odd in the swaps:     *word = i % 2 ? odd : even
        for word, first, stride in the slices: *word = first + i * stride
        return *going && i < *trips ? 1 : distance

    `counter` and `trips` are addresses of int64, `going` of a bool. The words are arguments of the loop's
    steps: addresses of what an iteration reads or writes elsewhere than the one before. They are right for
    the steps behind the loop as well, where i is the number of iterations.
    """
    return _kernel(
        "advance",
        """\
  %counter = load ptr, ptr %args
  %i.last = load i64, ptr %counter
  %i = add i64 %i.last, 1
  store i64 %i, ptr %counter
  %odd = trunc i64 %i to i1
  %swaps.at = getelementptr i64, ptr %args, i64 4
  %swaps = load i64, ptr %swaps.at
  %slices.at = getelementptr i64, ptr %args, i64 5
  %slices = load i64, ptr %slices.at
  %words = getelementptr i64, ptr %args, i64 6
  %all = add i64 %swaps, %slices
  br label %next
next:
  %n = phi i64 [ 0, %entry ], [ %n.next, %store ]
  %more = icmp slt i64 %n, %all
  br i1 %more, label %entry.of, label %done
entry.of:
  %place = mul i64 %n, 3
  %word.at = getelementptr i64, ptr %words, i64 %place
  %word = load ptr, ptr %word.at
  %a.at = getelementptr i64, ptr %word.at, i64 1
  %a = load i64, ptr %a.at
  %b.at = getelementptr i64, ptr %word.at, i64 2
  %b = load i64, ptr %b.at
  %is.swap = icmp slt i64 %n, %swaps
  br i1 %is.swap, label %swap, label %slice
swap:
  %side = select i1 %odd, i64 %b, i64 %a
  br label %store
slice:
  %offset = mul i64 %i, %b
  %element = add i64 %a, %offset
  br label %store
store:
  %address = phi i64 [ %side, %swap ], [ %element, %slice ]
  store i64 %address, ptr %word
  %n.next = add i64 %n, 1
  br label %next
done:
  %trips.at = getelementptr i64, ptr %args, i64 1
  %trips.from = load ptr, ptr %trips.at
  %trips = load i64, ptr %trips.from
  %going.at = getelementptr i64, ptr %args, i64 2
  %going.from = load ptr, ptr %going.at
  %going.byte = load i8, ptr %going.from
  %going = icmp ne i8 %going.byte, 0
  %left = icmp slt i64 %i, %trips
  %again = and i1 %going, %left
  %distance.at = getelementptr i64, ptr %args, i64 3
  %distance = load i64, ptr %distance.at
  %result = select i1 %again, i64 1, i64 %distance
  ret i64 %result""",
    )


def _kernel(name: str, body: str) -> Kernel:
    def build(symbol: str) -> str:
        parameters = "ptr %args, i64 %begin, i64 %end, ptr %scratch"
        return f"define i64 @{symbol}({parameters}) {{\nentry:\n{body}\n}}\n"

    return Kernel(f"control {name}", name, build, pipeline="none")
