"""Expressions interpreted on NumPy: the oracle that generated kernels are tested against."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import erf
from typing import Any

import numpy as np

from jitrt.expr import Dtype, Expr, identity, walk
from jitrt.types import BF16, F16, F32, F64, is_float

Array = np.ndarray[Any, Any]

BINARY: dict[str, Callable[..., Any]] = {
    **{"add": np.add, "sub": np.subtract, "mul": np.multiply, "pow": np.power},
    **{
        "min": np.minimum,
        "max": np.maximum,
        "and": np.bitwise_and,
        "or": np.bitwise_or,
        "xor": np.bitwise_xor,
    },
    **{"eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal},
    **{"gt": np.greater, "ge": np.greater_equal},
}
UNARY: dict[str, Callable[..., Any]] = {
    **{"neg": np.negative, "abs": np.abs, "sqrt": np.sqrt, "exp": np.exp, "log": np.log, "exp2": np.exp2},
    **{"log1p": np.log1p, "expm1": np.expm1, "sin": np.sin, "cos": np.cos, "tan": np.tan},
    **{"asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "sinh": np.sinh, "cosh": np.cosh},
    **{"tanh": np.tanh, "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh},
    **{"floor": np.floor, "ceil": np.ceil, "rint": np.rint, "trunc": np.trunc},
    **{"isnan": np.isnan, "isinf": np.isinf, "not": np.invert, "erf": np.vectorize(erf, otypes=[np.float64])},
}
REDUCE: dict[str, Any] = {"sum": np.add, "prod": np.multiply, "max": np.maximum, "min": np.minimum}


def evaluate(
    roots: Sequence[Expr],
    operands: Sequence[Array],
    reduced_axes: tuple[int, ...] = (),
    in_float64: bool = False,
) -> list[Array]:
    """The values of the roots over operands that broadcast together; reductions keep their axes as size 1.

    float16 and bfloat16 are computed in float32. With `in_float64`, every float is computed in float64
    and casts do not round: the result to compare a kernel's accuracy with.
    """
    shape = np.broadcast_shapes(*(np.shape(a) for a in operands))
    interpreter = _Interpreter(operands, shape, reduced_axes, in_float64)
    with np.errstate(all="ignore"):
        values = interpreter.run(roots)
        if in_float64:
            return values
        return [value.astype(root.dtype, copy=False) for value, root in zip(values, roots, strict=True)]


class _Interpreter:
    def __init__(
        self, operands: Sequence[Array], shape: tuple[int, ...], axes: tuple[int, ...], in_float64: bool
    ) -> None:
        self.operands, self.shape, self.axes, self.in_float64 = operands, shape, axes, in_float64

    def run(self, roots: Sequence[Expr]) -> list[Array]:
        values: dict[Expr, Array] = {}
        for node in walk(*roots):
            result = self.node(node, [values[a] for a in node.args])
            values[node] = np.asarray(result).astype(self.compute_type(node.dtype), copy=False)
        return [values[root] for root in roots]

    def compute_type(self, dtype: Dtype) -> Dtype:
        if is_float(dtype) and self.in_float64:
            return F64
        return F32 if dtype in (F16, BF16) else dtype

    def node(self, node: Expr, args: list[Array]) -> Any:
        op, dtype = node.op, node.dtype
        if op == "load":
            return self.operands[node.value]
        if op == "const":
            return node.value
        if op == "index":
            return np.arange(self.shape[node.value]).reshape(-1, *[1] * (len(self.shape) - 1 - node.value))
        if op == "cast":
            return self.cast(args[0], dtype)
        if op == "narrow":
            return args[0]
        if op == "bitcast":
            return args[0].astype(node.args[0].dtype).view(dtype)
        if op == "select":
            return np.where(*args)
        if op == "fma":
            return self.fma(args)
        if op == "ldexp":
            return np.ldexp(args[0], args[1])
        if op == "reduce":
            return self.reduce(node, args[0])
        if op in ("div", "rem"):
            return _divide(op, *args)
        if op in ("shl", "shr"):
            return _shift(op, *args)
        if not is_float(args[0].dtype) and op in ("floor", "ceil", "rint", "trunc"):
            return args[0]
        return (UNARY.get(op) or BINARY[op])(*args)

    def cast(self, x: Array, dtype: Dtype) -> Array:
        if is_float(dtype):
            return x if self.in_float64 else x.astype(dtype)
        if is_float(x.dtype) and dtype.kind in "iu" and dtype.itemsize < 8:
            wide = np.int64 if dtype == np.uint32 else np.int32
            return x.astype(wide).astype(dtype)
        return x.astype(dtype)

    def fma(self, args: list[Array]) -> Any:
        """In float64 for float32: rounded twice there, which differs from once in the last bit at most."""
        if args[0].dtype == F32:
            a, b, c = (x.astype(F64) for x in args)
            return a * b + c
        return args[0] * args[1] + args[2]

    def reduce(self, node: Expr, x: Array) -> Any:
        x = x.reshape([1] * (len(self.shape) - x.ndim) + list(x.shape))
        full = [size if a in self.axes else x.shape[a] for a, size in enumerate(self.shape)]
        x = np.broadcast_to(x, full)
        start = identity(node.value, x.dtype)
        ufunc = REDUCE[node.value]
        return ufunc.reduce(x, axis=self.axes, keepdims=True, initial=start, dtype=x.dtype)


def _divide(op: str, x: Array, y: Array) -> Any:
    """C's division and remainder; on integers 0 for a divisor of 0."""
    if is_float(x.dtype):
        return x / y if op == "div" else np.fmod(x, y)
    remainder = np.fmod(x, np.where(y == 0, 1, y))
    if op == "rem":
        return np.where(y == 0, 0, remainder)
    safe = np.where(y == 0, 1, y).astype(x.dtype)
    return np.where(y == 0, 0, (x - remainder.astype(x.dtype)) // safe)


def _shift(op: str, x: Array, n: Array) -> Any:
    """0 for a shift by the width or more; -1 for a negative number shifted right."""
    width = 8 * x.dtype.itemsize
    inside = (n >= 0) & (n < width)
    if op == "shl":
        return np.where(inside, np.left_shift(x, np.where(inside, n, 0).astype(x.dtype)), 0)
    shifted = np.right_shift(x, np.where(inside, n, width - 1).astype(x.dtype))
    return shifted if x.dtype.kind == "i" else np.where(inside, shifted, 0)
