"""Generated CUDA C++ kernels for the loops that the CPU runs: fused elementwise chains, and reductions.

    launch = cuda_launch(loop, sizes)                       # .variant, .grid, .block
    kernel = cuda_loop(loop, "softmax", launch.variant)     # text
    program = cuda_program([kernel, ...])                   # for NVRTC with NVRTC_OPTIONS

A kernel's arguments are those of the CPU's: the `ndim` sizes, then per operand (inputs, then outputs) its
address and its run-time strides in elements, in the order of the dimensions; all of them int64.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod

from jitrt.codegen.cuda_map import THREADS, map_source, operand_names, pack_length
from jitrt.codegen.cuda_prelude import PRELUDE
from jitrt.codegen.cuda_reduce import reduction_source
from jitrt.codegen.loop import Loop

MAX_THREADS = 512
COLUMNS = 32  # kept positions of a block that reduces along threadIdx.y


@dataclass(frozen=True)
class Variant:
    """What the code depends on besides the loop.

    `wide` means 64-bit positions. Of a reduction, each thread takes `items` positions at a time, and if
    `resident` it holds all its positions in registers from pass to pass.
    """

    wide: bool = False
    items: int = 8
    resident: bool = True


@dataclass(frozen=True)
class Launch:
    """A variant and the numbers of blocks and of threads in one, along x and y."""

    variant: Variant
    grid: tuple[int, int]
    block: tuple[int, int]


def cuda_loop(loop: Loop, name: str, variant: Variant) -> str:
    """The CUDA C++ of `extern "C" __global__ void name(...)`, to be joined by `cuda_program`.

    Raises TypeError for element types without arithmetic on the GPU.
    """
    index = "i64" if variant.wide else "i32"
    if any(loop.reduced):
        kernel = reduction_source(loop, name, variant.items, variant.resident)
    else:
        kernel = map_source(loop, name)
    return f"namespace {name}_kernel {{\ntypedef {index} index;\n\n{kernel}}}\n"


def cuda_program(kernels: Iterable[str]) -> str:
    """A translation unit for NVRTC, without includes, that holds all the kernels."""
    return "\n".join([PRELUDE, *kernels])


def cuda_launch(
    loop: Loop, sizes: Sequence[int], *, wide: bool | None = None, processors: int = 132
) -> Launch:
    """How to run a loop of these sizes on a GPU of so many multiprocessors.

    `wide` says whether some operand spans 2**30 elements or more; None means that the loop's positions
    tell, as they do for operands without gaps.
    """
    if wide is None:
        wide = prod(sizes) >= 2**30
    if not any(loop.reduced):
        threads = -(-prod(sizes) // pack_length(operand_names(loop)))
        blocks = min(-(-threads // THREADS), 32 * processors)
        return Launch(Variant(wide), (max(blocks, 1), 1), (THREADS, 1))
    units = prod(size for size, reduced in zip(sizes, loop.reduced, strict=True) if not reduced)
    count = prod(size for size, reduced in zip(sizes, loop.reduced, strict=True) if reduced)
    most = MAX_THREADS if loop.row_reduced else MAX_THREADS // COLUMNS
    items = next((n for n in (8, 16, 32) if count <= n * most), 8)
    lanes = min(_power_of_two(-(-count // items)), most)
    groups = max(THREADS // lanes, 1) if loop.row_reduced else COLUMNS
    block = (lanes, groups) if loop.row_reduced else (groups, lanes)
    blocks = min(-(-units // groups), 32 * processors)
    return Launch(Variant(wide, items, count <= items * most), (max(blocks, 1), 1), block)


def _power_of_two(n: int) -> int:
    """The smallest power of two that is at least n, and at least 1."""
    return 1 << max(n - 1, 0).bit_length()
