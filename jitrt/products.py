"""Matrix products as kernel calls: which dimensions become the batch, the rows and the columns."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from jitrt.codegen.cost import direct_cost
from jitrt.codegen.epilogue import Epilogue
from jitrt.codegen.gemm import PackedMatrix, matmul_step
from jitrt.codegen.kernel import Buffer, Ref, Step
from jitrt.codegen.loops import Operand
from jitrt.codegen.order import is_batch_invariant
from jitrt.codegen.product import Matrix
from jitrt.codegen.split import can_split, parts_of, split_cost, split_matmul_step
from jitrt.codegen.weights import pack_matrix, pack_split_matrix
from jitrt.constants import Packed, packed_constant
from jitrt.dims import Size, is_below, prod, same
from jitrt.layout import Array, dense_strides, is_dense, nbytes
from jitrt.loop_step import copy_step, in_place
from jitrt.tensor import Call, Dtype, Shape, Tensor, broadcast, outputs_of
from jitrt.vector_products import vector_product

FEW_ROWS, MANY_ROWS = 32, 128


class MatrixProduct(Call):
    """`Y[..., m, n] = A[..., m, k] B[..., k, n] + bias[n]`; a constant B is packed once."""

    name = "MatMul"
    takes_epilogue = True
    strided_output = True

    def __init__(self, a: Tensor, b: Tensor, bias: Tensor | None, dtype: Dtype) -> None:
        lead = broadcast(a.shape[:-2], b.shape[:-2])
        self.shape: Shape = (*lead, a.shape[-2], b.shape[-1])
        self.b_shape = b.shape
        self.packed: Packed | None = None
        self.parts = 0  # of each number, where they are multiplied part by part
        if b.value is not None and not b.symbolic and b.ndim == 2 and not same(b.shape[-1], 1):
            self.parts = parts_to_multiply(a, b.value) if a.dtype == dtype else 0
            self.packed = self.pack(b.value)
        self.inputs = (a, b, bias) if self.packed is None else (a, bias)  # type: ignore[assignment]
        outputs_of(self, [(dtype, self.shape)])

    def pack(self, b: np.ndarray[Any, Any]) -> Packed:
        """A constant B as the kernel wants it."""
        if self.parts:
            return packed_constant(b, f"{self.parts} parts", partial(pack_split_matrix, parts=self.parts))
        return packed_constant(b, "matrix", pack_matrix)

    def accepts(self, index: int, strides: Sequence[Size], shape: Shape) -> bool:
        """Rows may lie anywhere; a B that is packed on the way may have any strides."""
        if index == 1 and self.packed is None:
            return True
        return index < 1 and (same(strides[-1], 1) or same(shape[-1], 1))

    def reference(self, inputs: Sequence[np.ndarray[Any, Any] | None]) -> list[np.ndarray[Any, Any]]:
        """NumPy's product in float64."""
        a, bias = inputs[0], inputs[-1]
        b = inputs[1] if self.packed is None else self.packed.source
        assert a is not None
        assert b is not None
        y = a.astype(np.float64) @ b.astype(np.float64)
        return [y if bias is None else y + bias]

    def steps(self, inputs: Sequence[Array | None], outputs: Sequence[Array], epilogue: Any) -> list[Step]:
        """One step, after copies of epilogue operands that no even stride reaches."""
        a, bias = inputs[0], inputs[-1]
        assert a is not None
        (out,) = outputs
        b = inputs[1] if self.packed is None else None
        rows_shape, k, n = self.shape[:-1], self.b_shape[-2], self.shape[-1]
        copies: list[Step] = []
        extra = [
            e if has_adjacent_columns(e) else copied(e, self.shape, copies)
            for e in ([] if epilogue is None else epilogue.arrays)
        ]
        split = self._split(rows_shape, a, b, out, extra)
        if split is None:
            extra = [_materialise(e, self.shape, copies) for e in extra]
            split = self._split(rows_shape, a, b, out, extra)
        if split is not None and (b is None or len(self.b_shape) == 2) and not is_dense(a.shape, a.strides):
            joined = self._split(rows_shape, a._replace(strides=dense_strides(a.shape)), b, out, extra)
            if joined is not None and joined.batch == (1, 1) and _has_few_rows(split, n):
                a, split = _densify(a, copies), joined
        if split is None:
            a = _densify(a, copies)
            split = self._split(rows_shape, a, b, out, extra)
        y = out
        if split is None:
            a = _repeated(a, (*rows_shape, k), copies)
            b = None if b is None else _repeated(b, (*rows_shape[:-1], *self.b_shape[-2:]), copies)
            y = _dense_array(out.dtype, self.shape)
            split = self._split(rows_shape, a, b, y, extra)
        assert split is not None
        batch, m, strides = split
        numbers = iter(strides)

        def matrix(array: Array, row: Size, pair: tuple[Size, Size]) -> Matrix:
            return Matrix(array.ref, array.dtype, row, array.strides[-1], pair)

        a_matrix = matrix(a, *next(numbers))
        y_matrix = matrix(y, *next(numbers))
        operands = [matrix(e, *next(numbers)) for e in extra]
        if b is None:
            assert self.packed is not None
            b_matrix: Matrix | PackedMatrix = PackedMatrix(Ref(self.packed.buffer))
        else:
            _, pair = next(numbers)
            b_matrix = Matrix(b.ref, b.dtype, b.strides[-2], b.strides[-1], pair)
        patterns = tuple(
            Operand(o.dtype, (_moves(o.batch), _moves((o.row,)), 0 if same(o.column, 0) else 1))
            for o in operands
        )
        more: dict[str, Any] = {
            **{"m": m, "n": n, "k": k, "batch": batch, "operands": operands, "label": self.name},
            "epilogue": None if epilogue is None else Epilogue(epilogue.root, patterns),
        }
        step = self.kernel_step(a_matrix, b_matrix, y_matrix, None if bias is None else bias.ref, more)
        step.keeps = (self.packed,)
        if epilogue is not None:
            step.in_place = in_place(epilogue.arrays, [y], inputs)
        return [*copies, step] if y is out else [*copies, step, copy_step(y, out)]

    def kernel_step(
        self, a: Matrix, b: Matrix | PackedMatrix, y: Matrix, bias: Ref | None, more: dict[str, Any]
    ) -> Step:
        """The step, given the matrices and what all kernels take."""
        if self.parts:
            assert isinstance(b, PackedMatrix)
            return split_matmul_step(a, b, y, bias=bias, **more)
        step = vector_product(a, b, y, bias, more) if isinstance(b, Matrix) else None
        return step or matmul_step(a, b, y, bias=bias, **more)

    def _split(
        self, rows_shape: Shape, a: Array, b: Array | None, out: Array, extra: Sequence[Array]
    ) -> Split | None:
        """The dimensions as batches and rows, as many rows as can be.

        Dimensions that B repeats along can be rows: they come after those it moves along, the longest last.
        """
        along = [_strides_over(x, rows_shape) for x in (a, out, *extra)]
        lead = [] if b is None else [[*_batch_strides(b, rows_shape[:-1]), 0]]
        moved = [i for i in range(len(rows_shape)) if not all(same(s[i], 0) for s in lead)]
        free = [i for i in range(len(rows_shape)) if i not in moved]
        shared = merge([rows_shape[i] for i in free], [[s[i] for i in free] for s in along])
        rows, steps = _longest_last(*shared)
        rows_shape = (*(rows_shape[i] for i in moved), *rows)
        along = [[*(s[i] for i in moved), *own] for s, own in zip(along, steps, strict=True)]
        lead = [[*(s[i] for i in moved), *(0 for _ in rows)] for s in lead]
        for cut in range(len(moved), len(rows_shape) + 1):
            last = merge(rows_shape[cut:], [s[cut:] for s in along])
            pairs = merge(rows_shape[:cut], [s[:cut] for s in [*along, *lead]])
            if len(last[0]) <= 1 and len(pairs[0]) <= 2:
                own_rows = [*(s[0] if s else 0 for s in last[1]), *(0 for _ in lead)]
                strides = [(row, _pair(pair, 0)) for row, pair in zip(own_rows, pairs[1], strict=True)]
                return Split(_pair(pairs[0], 1), last[0][0] if last[0] else 1, strides)
        return None


class Split(NamedTuple):
    """Batch sizes, rows, and each array's (row stride, batch strides)."""

    batch: tuple[Size, Size]
    rows: Size
    strides: list[tuple[Size, tuple[Size, Size]]]


def parts_to_multiply(a: Tensor, b: np.ndarray[Any, Any]) -> int:
    """The parts of each number if a product with a constant is best a sum of products of parts, else 0.

    Few rows take longer to read the parts than the numbers. Which it is must not depend on the number of rows
    where results must not.
    """
    if a.dtype != b.dtype or is_batch_invariant() or not can_split(b):
        return 0
    (k, n), parts = b.shape, parts_of(a.dtype)
    if split_cost(MANY_ROWS, n, k, parts=parts) >= direct_cost(MANY_ROWS, n, k):
        return 0
    return 0 if is_below(prod(a.shape[:-1]), FEW_ROWS) else parts


def merge(sizes: Sequence[Size], strides: Sequence[Sequence[Size]]) -> tuple[list[Size], list[list[Size]]]:
    """Drop dimensions of size 1 and join neighbours that every array steps through as through one."""
    kept: list[Size] = []
    result: list[list[Size]] = [[] for _ in strides]
    for axis in reversed(range(len(sizes))):
        if same(sizes[axis], 1):
            continue
        if kept and all(same(s[axis], r[0] * kept[0]) for s, r in zip(strides, result, strict=True)):
            kept[0] = kept[0] * sizes[axis]
            continue
        kept.insert(0, sizes[axis])
        for s, r in zip(strides, result, strict=True):
            r.insert(0, s[axis])
    return kept, result


def _has_few_rows(split: Split, columns: Size) -> bool:
    """Whether to read B again for each product costs more than a copy of A that makes them one."""
    return not is_below(prod(split.batch), 2) and is_below(4 * split.rows - columns, 0)


def _longest_last(
    sizes: Sequence[Size], strides: Sequence[Sequence[Size]]
) -> tuple[Sequence[Size], Sequence[Sequence[Size]]]:
    """Dimensions in an order where the last is the longest: B is read again for each of the others."""
    last = len(sizes) - 1
    for axis in range(last):
        if is_below(sizes[last] - sizes[axis], 0):
            last = axis
    order = sorted(range(len(sizes)), key=lambda axis: axis == last)
    return [sizes[axis] for axis in order], [[s[axis] for axis in order] for s in strides]


def _strides_over(array: Array, rows_shape: Shape) -> list[Size]:
    """The strides of an array [..., m, n] along batch and row dimensions, 0 where it repeats."""
    lead = len(rows_shape) + 1 - len(array.shape)
    own = [0 if same(s, 1) else t for s, t in zip(array.shape[:-1], array.strides[:-1], strict=True)]
    return [0] * lead + own


def _batch_strides(b: Array, lead_shape: Shape) -> list[Size]:
    lead = len(lead_shape) - (len(b.shape) - 2)
    own = [0 if same(s, 1) else t for s, t in zip(b.shape[:-2], b.strides[:-2], strict=True)]
    return [0] * lead + own


def _pair(values: Sequence[Size], missing: Size) -> tuple[Size, Size]:
    """At most two values, preceded by `missing` where there are fewer."""
    outer, inner = [missing] * (2 - len(values)) + list(values)
    return outer, inner


def _moves(strides: Sequence[Size]) -> int | None:
    return 0 if all(same(s, 0) for s in strides) else None


def _densify(array: Array, copies: list[Step]) -> Array:
    return array if is_dense(array.shape, array.strides) else copied(array, array.shape, copies)


def _materialise(array: Array, shape: Shape, copies: list[Step]) -> Array:
    """A dense array of the full shape for an operand that repeats along some of it."""
    if all(same(s, 0) or same(n, 1) for s, n in zip(array.strides[:-1], shape[:-1], strict=True)):
        return array
    return copied(array, shape, copies)


def has_adjacent_columns(array: Array) -> bool:
    """Whether a kernel can read rows of the array by vectors, or one number for each row."""
    return same(array.strides[-1], 0) or same(array.strides[-1], 1) or same(array.shape[-1], 1)


def copied(array: Array, shape: Shape, copies: list[Step]) -> Array:
    """A dense array of `shape` with the elements of `array`, made by a step added to `copies`."""
    target = _dense_array(array.dtype, shape)
    copies.append(copy_step(array._replace(shape=shape), target))
    return target


def _repeated(array: Array, shape: Shape, copies: list[Step]) -> Array:
    """A dense array of `shape` that `array` is broadcast to."""
    wide = array.view("expand", None, shape)
    assert wide is not None
    return copied(wide, shape, copies)


def _dense_array(dtype: Dtype, shape: Shape) -> Array:
    """A dense array of its own in the arena."""
    return Array(dtype, shape, dense_strides(shape), Ref(Buffer("arena", nbytes(dtype, shape))))
