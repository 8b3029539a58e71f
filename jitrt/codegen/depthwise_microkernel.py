"""Micro-kernels of depthwise convolutions of bytes in int32: each column of a tile has its own row of B.

tile[i, j] = init[j] + sum over tap t:  rows[t][i][column + j] * b[t, j]
"""

from __future__ import annotations

from jitrt.codegen.dot import multiply_bytes
from jitrt.codegen.function import Function, module
from jitrt.codegen.kernel import Kernel
from jitrt.codegen.microkernel import SIGNATURE, TileShape, dispatch, store_rows, tile_shape
from jitrt.codegen.target import Target
from jitrt.types import I32, U8


def depthwise_microkernels(vectors: int, target: Target, masked: bool) -> Kernel:
    """The micro-kernels of every height, called as `microkernels` are; `k` is not used.

    With `masked`, they read no further than `columns` columns.
    """
    shape = tile_shape(I32, target)
    name = f"depthwise u8 i32{' masked' * masked} {shape.rows}x{vectors}x{shape.lanes}"

    def build(symbol: str) -> str:
        heights = range(1, shape.rows + 1)
        tiles = [_tile(f"rows{h}", shape, h, vectors, masked, target) for h in heights]
        return module(dispatch(symbol, heights, target), *tiles)

    return Kernel(f"{name}/{shape.registers}", name, build, pipeline="none")


def _tile(name: str, shape: TileShape, height: int, vectors: int, masked: bool, target: Target) -> Function:
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
            row = f.at(f.get("ptr", f.at(table, i, "ptr")), "%column", "i8")
            for j in range(vectors):
                x = f.load(U8, f.at(row, offsets[j], "i8"), shape.lanes, masks[j])
                x = f.cast(x, U8, I32, shape.lanes)
                n = i * vectors + j
                sums[n] = multiply_bytes(f, shape, x, weights[j], sums[n])
        taps.carry([f.at(table, shape.table_rows, "ptr"), f.at(b, "%b_pitch", scalar), *sums])
    store_rows(f, shape, vectors, taps.values[2:])
    f.do("ret void")
    return f
