"""Matrix products with a row or a column, which memory bounds."""

from __future__ import annotations

from typing import Any

from jitrt.codegen.epilogue import Epilogue, plain
from jitrt.codegen.kernel import Ref, Step
from jitrt.codegen.loop import Operand
from jitrt.codegen.matrix_vector import matrix_vector_step
from jitrt.codegen.microkernel import accumulator
from jitrt.codegen.product import Matrix
from jitrt.dims import same
from jitrt.expr import Dtype, Expr, load, substitute


def vector_product(a: Matrix, b: Matrix, y: Matrix, bias: Ref | None, more: dict[str, Any]) -> Step | None:
    """The product where A has one row or B one column, or None. `more` is what `matmul_step` takes."""
    sizes = {key: value for key, value in more.items() if key != "m"}
    if same(more["n"], 1):
        return _with_column(a, b, y, bias, more["m"], sizes)
    if same(more["m"], 1) and _adjacent(b):
        return matrix_vector_step(a, b, y, bias=bias, **sizes)
    return None


def _with_column(
    a: Matrix, b: Matrix, y: Matrix, bias: Ref | None, m: Any, more: dict[str, Any]
) -> Step | None:
    """Y'[1, m] = B'[1, k] A'[k, m]; the bias, one number for all columns, is an operand of the epilogue."""
    operands: list[Matrix] = more["operands"]
    rows = [x.row for x in (y, *operands)]
    if not _adjacent(a) or not all(same(row, 1) or same(row, 0) for row in rows[1:]):
        return None
    if not same(y.row, 1) and not same(m, 1):
        return None
    dtype = accumulator(a.dtype)
    epilogue: Epilogue = more["epilogue"] or plain(dtype, y.dtype)
    root = epilogue.root
    patterns = tuple(
        Operand(pattern.dtype, (pattern.strides[0], 0, 0 if same(row, 0) else 1))
        for pattern, row in zip(epilogue.operands, rows[1:], strict=True)
    )
    operands = [_transposed(x) for x in operands]
    if bias is not None:
        operands.append(Matrix(bias, dtype, 0, 0))
        patterns = (*patterns, Operand(dtype, (0, 0, 0)))
        root = _plus_operand(root, len(operands), dtype)
    changed = {"n": m, "epilogue": Epilogue(root, patterns), "operands": operands}
    return matrix_vector_step(_transposed(b), _transposed(a), _transposed(y), **(more | changed))


def _plus_operand(root: Expr, operand: int, dtype: Dtype) -> Expr:
    """The expression over the result plus an operand."""

    def replacement(node: Expr) -> Expr | None:
        is_result = node.op == "load" and node.value == 0
        return load(0, dtype) + load(operand, dtype) if is_result else None

    return substitute(root, replacement)


def _transposed(x: Matrix) -> Matrix:
    return x._replace(row=x.column, column=x.row)


def _adjacent(x: Matrix) -> bool:
    return same(x.column, 1) or same(x.row, 1)
