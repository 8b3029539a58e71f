"""The value of elementwise functions of known tensors: what shape arithmetic folds to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jitrt import expr as ex
from jitrt.dims import Dim, Size, hint, prod
from jitrt.evaluate import evaluate

Value = np.ndarray[Any, Any]


def fold_map(root: ex.Expr, values: Sequence[Value | None], shape: Sequence[Size]) -> Value | None:
    """The map's value; None where an operand is not known, or the result would be larger than any of them."""
    known = [v for v in values if v is not None]
    if not known or len(known) < len(values):
        return None
    if any(v.dtype == object for v in known):
        return _fold_sizes(root, known)
    if prod(int(s) for s in shape) > max(v.size for v in known):
        return None
    return np.asarray(evaluate([root], known)[0])


_SIZE_OPERATIONS: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a // b,
    "rem": lambda a, b: a % b,
    "neg": lambda a: -a,
    "max": lambda a, b: a if a >= b else b,
    "min": lambda a, b: a if a <= b else b,
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "not": lambda a: not a,
    "abs": lambda a: a if a >= 0 else -a,
    "select": lambda c, a, b: a if c else b,
}


def _fold_sizes(root: ex.Expr, values: Sequence[Value]) -> Value | None:
    """The map over arrays that hold symbolic sizes; None where it leaves the integers."""
    made: dict[int, Any] = {}
    for node in ex.walk(root):
        args = [made[id(a)] for a in node.args]
        if node.op == "load":
            made[id(node)] = values[node.value]
        elif node.op == "const":
            made[id(node)] = np.asarray(node.value.item(), object)
        elif node.op == "cast" and node.dtype.kind in "iu" and node.args[0].dtype.kind in "iub":
            made[id(node)] = args[0]
        elif node.op in ("div", "rem") and any(hint(v) < 0 for a in args for v in np.asarray(a, object).flat):
            return None
        elif node.op in _SIZE_OPERATIONS and node.dtype.kind in "iub":
            made[id(node)] = np.frompyfunc(_SIZE_OPERATIONS[node.op], len(args), 1)(*args)
        else:
            return None
    result = np.asarray(made[id(root)], object)
    return result if any(isinstance(v, Dim) for v in result.flat) else result.astype(root.dtype)
