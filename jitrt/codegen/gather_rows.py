"""The kernel of rows picked by indices, written as LLVM IR.

Nearly every model of text has one, and most of them no other kernel that Numba would have to be imported for:
that alone takes as long as all their other kernels take to compile.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from jitrt.codegen.kernel import Kernel

# of Y [batch, count, pitch], X [batch, n, inner], indices [lines, count]: their places among the arguments
ARGUMENTS = {
    **{"Y": (0, "ptr"), "count": (2, "i64"), "pitch": (3, "i64")},
    **{"X": (4, "ptr"), "n": (6, "i64"), "inner": (7, "i64")},
    **{"indices": (8, "ptr"), "lines": (9, "i64")},
}


def gather_rows_kernel(parameters: Sequence[Any]) -> Kernel:
    """`ops.gather.gather_rows` on contiguous arrays Y, X and indices, the last of them int32 or int64."""
    y, _, indices = parameters
    element, index = (f"i{8 * p.dtype.itemsize}" for p in (y, indices))
    name = "gather_rows"
    return Kernel(f"{name} {element} {index}", name, partial(_module, element, index), pipeline="loops")


def _module(element: str, index: str, symbol: str) -> str:
    """For each batch, units done..next of it, after a look at all indices:

        for i in 0..length:
            outside |= index[i] < -n or index[i] >= n
        if outside: return the status of the first such index
        for i in 0..length:
            Y[done + i, :] = X[batch, index[i] < 0 ? index[i] + n : index[i], :]

    Rows of one element have a loop of their own, for vectors' sake.
    """
    size = int(element[1:]) // 8
    loads = "\n".join(
        f"  %{name}.at = getelementptr i64, ptr %args, i64 {number}\n  %{name} = load {kind}, ptr %{name}.at"
        for name, (number, kind) in ARGUMENTS.items()
    )
    widen = "bitcast i64" if index == "i64" else f"sext {index}"
    return f"""
declare i64 @llvm.smin.i64(i64, i64)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)

define i64 @{symbol}(ptr %args, i64 %begin, i64 %end, ptr %scratch) {{
{loads}
  %status = call i64 @rows(ptr %Y, i64 %pitch, ptr %X, i64 %n, i64 %inner, ptr %indices, i64 %lines,
                           i64 %count, i64 %begin, i64 %end)
  ret i64 %status
}}

define internal i64 @rows(ptr noalias %Y, i64 %pitch, ptr noalias %X, i64 %n, i64 %inner,
                          ptr noalias %indices, i64 %lines, i64 %count, i64 %begin, i64 %end) noinline {{
entry:
  %twice = shl i64 %n, 1
  %row = mul i64 %inner, {size}
  br label %batch
batch:
  %done = phi i64 [ %begin, %entry ], [ %next, %elements ], [ %next, %slices ]
  %more = icmp slt i64 %done, %end
  br i1 %more, label %start, label %finish
start:
  %b = udiv i64 %done, %count
  %first = urem i64 %done, %count
  %left = sub i64 %count, %first
  %wanted = sub i64 %end, %done
  %length = call i64 @llvm.smin.i64(i64 %left, i64 %wanted)
  %next = add i64 %done, %length
  %shared = icmp eq i64 %lines, 1
  %line = select i1 %shared, i64 0, i64 %b
  %line.start = mul i64 %line, %count
  %place = add i64 %line.start, %first
  %I = getelementptr {index}, ptr %indices, i64 %place
  %slice = mul i64 %n, %inner
  %X.start = mul i64 %b, %slice
  %X.b = getelementptr {element}, ptr %X, i64 %X.start
  %Y.start = mul i64 %done, %pitch
  %Y.b = getelementptr {element}, ptr %Y, i64 %Y.start
  br label %check
check:
  %c = phi i64 [ 0, %start ], [ %c.next, %check ]
  %outside.before = phi i1 [ false, %start ], [ %outside, %check ]
  %c.at = getelementptr {index}, ptr %I, i64 %c
  %c.index = load {index}, ptr %c.at
  %c.wide = {widen} %c.index to i64
  %c.shifted = add i64 %c.wide, %n
  %c.outside = icmp uge i64 %c.shifted, %twice
  %outside = or i1 %outside.before, %c.outside
  %c.next = add nuw nsw i64 %c, 1
  %c.more = icmp slt i64 %c.next, %length
  br i1 %c.more, label %check, label %checked
checked:
  %single = icmp eq i64 %inner, 1
  br i1 %outside, label %find, label %move
move:
  br i1 %single, label %elements, label %slices
elements:
  %e = phi i64 [ 0, %move ], [ %e.next, %elements ]
  %e.at = getelementptr {index}, ptr %I, i64 %e
  %e.index = load {index}, ptr %e.at
  %e.wide = {widen} %e.index to i64
  %e.negative = icmp slt i64 %e.wide, 0
  %e.wrapped = add i64 %e.wide, %n
  %e.position = select i1 %e.negative, i64 %e.wrapped, i64 %e.wide
  %e.from = getelementptr {element}, ptr %X.b, i64 %e.position
  %e.value = load {element}, ptr %e.from
  %e.offset = mul i64 %e, %pitch
  %e.to = getelementptr {element}, ptr %Y.b, i64 %e.offset
  store {element} %e.value, ptr %e.to
  %e.next = add nuw nsw i64 %e, 1
  %e.more = icmp slt i64 %e.next, %length
  br i1 %e.more, label %elements, label %batch
slices:
  %s = phi i64 [ 0, %move ], [ %s.next, %slices ]
  %s.at = getelementptr {index}, ptr %I, i64 %s
  %s.index = load {index}, ptr %s.at
  %s.wide = {widen} %s.index to i64
  %s.negative = icmp slt i64 %s.wide, 0
  %s.wrapped = add i64 %s.wide, %n
  %s.position = select i1 %s.negative, i64 %s.wrapped, i64 %s.wide
  %s.start = mul i64 %s.position, %inner
  %s.from = getelementptr {element}, ptr %X.b, i64 %s.start
  %s.offset = mul i64 %s, %pitch
  %s.to = getelementptr {element}, ptr %Y.b, i64 %s.offset
  call void @llvm.memcpy.p0.p0.i64(ptr align {size} %s.to, ptr align {size} %s.from, i64 %row, i1 false)
  %s.next = add nuw nsw i64 %s, 1
  %s.more = icmp slt i64 %s.next, %length
  br i1 %s.more, label %slices, label %batch
find:
  %f = phi i64 [ 0, %checked ], [ %f.next, %find ]
  %f.at = getelementptr {index}, ptr %I, i64 %f
  %f.index = load {index}, ptr %f.at
  %f.wide = {widen} %f.index to i64
  %f.shifted = add i64 %f.wide, %n
  %f.outside = icmp uge i64 %f.shifted, %twice
  %f.next = add nuw nsw i64 %f, 1
  br i1 %f.outside, label %report, label %find
report:
  %extent = shl i64 %n, 32
  %reported = add i64 %f.wide, 2147483649
  %status = add i64 %extent, %reported
  ret i64 %status
finish:
  ret i64 0
}}
"""
