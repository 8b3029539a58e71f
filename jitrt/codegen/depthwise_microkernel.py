"""Micro-kernels of depthwise convolutions: each column of a tile has its own row of B.

tile[i, j] = init[j] + sum over tap t:  rows[t][i][column + j] * b[t, j]
"""

from __future__ import annotations

from collections.abc import Callable

from jitrt.codegen.function import Function, module
from jitrt.codegen.kernel import Kernel
from jitrt.codegen.microkernel import SIGNATURE, TileShape, dispatch, multiply_add, store_rows, tile_shape
from jitrt.codegen.target import Target
from jitrt.codegen.vector import memory_element
from jitrt.expr import Dtype
from jitrt.types import short_name

MultiplyAdd = Callable[[Function, TileShape, str, str, str], str]


def depthwise_microkernels(
    dtype: Dtype,
    vectors: int,
    target: Target,
    masked: bool,
    source: Dtype | None = None,
    multiply: MultiplyAdd = multiply_add,
) -> Kernel:
    """The micro-kernels of every height, called as `microkernels` are; `k` is not used.

    With `masked`, they read no further than `columns` columns. Rows are of type `source`, by default the type
    that is computed in; `multiply` emits a * b + c.
    """
    shape, source = tile_shape(dtype, target), source or dtype
    kinds = f"{short_name(source)} {short_name(dtype)}{' masked' * masked}"
    name = f"depthwise {kinds} {shape.rows}x{vectors}x{shape.lanes}"

    def build(symbol: str) -> str:
        heights = range(1, shape.rows + 1)
        tiles = [_tile(f"rows{h}", shape, h, vectors, masked, target, source, multiply) for h in heights]
        return module(dispatch(symbol, heights, target), *tiles)

    return Kernel(f"{name}/{shape.registers}", name, build, pipeline="none")


def _tile(
    name: str,
    shape: TileShape,
    height: int,
    vectors: int,
    masked: bool,
    target: Target,
    source: Dtype,
    multiply: MultiplyAdd,
) -> Function:
    """The micro-kernel of one height; of two rows and one vector it is

    acc0 = acc1 = init
    for t in taps:
        v = load b
        acc0 = fma(load rows[t][0] + column, v, acc0)
        acc1 = fma(load rows[t][1] + column, v, acc1)
        b += b_pitch
    out[0] = acc0, out[out_pitch] = acc1
    """
    f, scalar, size = Function(name, SIGNATURE, "void", target), shape.scalar, shape.dtype.itemsize
    offsets = [n * shape.lanes for n in range(vectors)]
    masks = [f.lanes_below(f.sub("%columns", n), shape.lanes) if masked else None for n in offsets]
    sums = [f.get(shape.vector, f.at("%init", n, scalar), size) for n in offsets] * height
    first = [("ptr", "%rows"), ("ptr", "%b"), *((shape.vector, s) for s in sums)]
    with f.carrying(0, "%taps", 1, first) as taps:
        table, b, *sums = taps.values
        weights = [f.get(shape.vector, f.at(b, n, scalar), size) for n in offsets]
        for i in range(height):
            row = f.at(f.get("ptr", f.at(table, i, "ptr")), "%column", memory_element(source))
            for j in range(vectors):
                x = f.load(source, f.at(row, offsets[j], memory_element(source)), shape.lanes, masks[j])
                x = f.cast(x, source, shape.dtype, shape.lanes)
                n = i * vectors + j
                sums[n] = multiply(f, shape, x, weights[j], sums[n])
        taps.carry([f.at(table, shape.table_rows, "ptr"), f.at(b, "%b_pitch", scalar), *sums])
    store_rows(f, shape, vectors, taps.values[2:])
    f.do("ret void")
    return f
