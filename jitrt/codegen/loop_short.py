"""The code of reductions along rows that are short in some calls and long in others.

The function looks at the length n of this call's rows. Where they fill a vector or nearly so, `loop_reduce`
goes along each row; where they are shorter, it goes across many:

    if n > short:                              for row in begin..end: ...
    else:
        for rows in begin..end step 4 vectors:
            a0 = a1 = a2 = a3 = 0
            for j in 0..n:                     a0 += x[rows + 0.., j]; a1 += ...

Which way is taken, and so the order of a sum, depends on nothing but the length.
"""

from __future__ import annotations

from jitrt.codegen.loop import BLOCK, Loop
from jitrt.codegen.loop_reduce import ReduceCode
from jitrt.codegen.target import Target


class AcrossCode(ReduceCode):
    """Generates the function of a loop that reduces the innermost dimension, with lanes across its rows."""

    def __init__(self, loop: Loop, target: Target) -> None:
        super().__init__(loop, target, inner=loop.kept[-1])

    def units(self) -> None:
        """Rows: all those of the innermost kept dimension that lie in begin..end, then the next ones."""
        self.kept = self._kept_places()
        limits = [self.sizes[d] for d in self.nest.kept]
        with self._runs(limits, "%begin", "%end") as (position, start, stop):
            self._move_to(self.nest.kept[:-1], position)
            with self.loop("block", start, stop, str(BLOCK)) as block:
                self._block(block, stop)


def either_way(loop: Loop, symbol: str) -> str:
    """The function that calls `symbol.across` for short rows, `symbol.along` for others."""
    call = "i64 @{}(ptr %args, i64 %begin, i64 %end, ptr %scratch)"
    across, along = (call.format(f"{symbol}.{way}") for way in ("across", "along"))
    return f"""\
define {call.format(symbol)} {{
entry:
  %arg = getelementptr i64, ptr %args, i64 {loop.ndim - 1}
  %length = load i64, ptr %arg, align 8
  %short = icmp sle i64 %length, {loop.short}
  br i1 %short, label %across, label %along
across:
  %status.across = tail call {across}
  ret i64 %status.across
along:
  %status.along = tail call {along}
  ret i64 %status.along
}}
"""
