"""Generated kernels for fused elementwise chains and reductions over strided operands.

    x, row = load(0, F32), Operand(F32, (None, 1))
    e = exp(x - reduce(x, "max"))
    softmax = Loop(2, (False, True), inputs=(row,), outputs=(row,), roots=(e / reduce(e, "sum"),))
    kernel = loop_kernel(softmax, host())

The arguments are a row of int64: the `ndim` sizes, then per operand (inputs, then outputs) its address and
its run-time strides (those given as None, in elements) in the order of the dimensions.

The innermost dimension is vectorised. The units that `begin..end` counts are

- elementwise, one dimension: the elements;
- elementwise: the positions of the outer dimensions, row-major, each a row of the innermost one, or `COLUMNS`
  of it: all rows of one block of columns, then those of the next; if an input is contiguous along an outer
  dimension instead of the innermost, tiles of `TILE` along that one and the innermost;
- innermost dimension reduced: the kept positions, row-major;
- innermost dimension kept, others reduced: the kept positions of the outer dimensions, row-major, times
  blocks of `BLOCK` along the innermost.

Sums have a fixed order that depends on the sizes and the target only. An output may be the same memory
as an input if both are read and written at the same positions.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from jitrt.codegen.kernel import Kernel
from jitrt.codegen.loop import BLOCK, Loop, Operand, extent, scratch_bytes
from jitrt.codegen.target import Target
from jitrt.digest import blake2b
from jitrt.expr import walk

if TYPE_CHECKING:
    from jitrt.codegen.loop_code import LoopCode

__all__ = ["BLOCK", "Loop", "Operand", "extent", "loop_kernel", "scratch_bytes"]


@lru_cache(maxsize=1 << 12)
def loop_kernel(loop: Loop, target: Target) -> Kernel:
    """The kernel of a loop. Raises NotImplementedError for element types without vector code."""
    text = f"{loop}|{target}"
    digest = blake2b(text.encode(), digest_size=16).hexdigest()
    kinds = "reduce" if any(loop.reduced) else "map"
    ops = "_".join(dict.fromkeys(n.op for n in walk(*loop.roots) if n.args))
    name = f"{kinds}_{ops}"[:60]
    return Kernel(f"loop:{digest}", name, lambda symbol: _module(loop, target, symbol), pipeline="registers")


def _module(loop: Loop, target: Target, symbol: str) -> str:
    from jitrt.codegen.loop_map import MapCode  # not needed where the kernel is on disk
    from jitrt.codegen.loop_reduce import ReduceCode
    from jitrt.codegen.loop_short import AcrossCode, either_way

    functions: list[str] = []
    declarations: dict[str, str] = {}

    def define(code: LoopCode, linkage: str, symbol: str) -> None:
        code.function()
        header = f"define {linkage}i64 @{symbol}(ptr %args, i64 %begin, i64 %end, ptr %scratch) {{"
        functions.append(f"{header}\n{code.body()}\n}}\n")
        declarations.update(code.declarations)

    if loop.short:
        functions.append(either_way(loop, symbol))
        define(AcrossCode(loop, target), "internal ", f"{symbol}.across")
        define(ReduceCode(loop, target), "internal ", f"{symbol}.along")
    else:
        define(ReduceCode(loop, target) if any(loop.reduced) else MapCode(loop, target), "", symbol)
    return "\n".join([*functions, *sorted(declarations.values()), ""])
