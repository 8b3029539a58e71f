"""Derivatives of scalar expressions: one rule for each of their operations.

https://arxiv.org/abs/1502.05767 (reverse accumulation)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import log as natural_log
from math import pi, sqrt
from typing import Any

from jitrt import expr as ex
from jitrt.expr import Expr, eq, where
from jitrt.types import is_float

Contribution = Expr | None


def derivatives(root: Expr, seed: Expr) -> dict[int, Expr]:
    """`seed` times the derivative of `root` by each operand that it loads, by the operand's number.

    Operands that are not there have the derivative 0. Raises NotImplementedError for a bitcast.
    """
    adjoints: dict[Expr, Expr] = {root: seed}
    result: dict[int, Expr] = {}
    for node in reversed(list(ex.walk(root))):
        g = adjoints.get(node)
        if g is None or not is_float(node.dtype):
            continue
        if node.op == "load":
            result[node.value] = g if node.value not in result else result[node.value] + g
            continue
        for arg, part in zip(node.args, _contributions(node, g), strict=True):
            if part is not None and is_float(arg.dtype):
                adjoints[arg] = part if arg not in adjoints else adjoints[arg] + part
    return result


def _contributions(node: Expr, g: Expr) -> tuple[Contribution, ...]:
    """What each argument gets of the adjoint `g` of the node."""
    if node.op in UNARY:
        return (g * UNARY[node.op](node.args[0], node),)
    if node.op in _RULES:
        return _RULES[node.op](g, node, *node.args)
    if node.op in _FLAT:
        return (None,) * len(node.args)
    raise NotImplementedError(f"the derivative of {node.op}")


# x and f(x) -> f'(x)
UNARY: Mapping[str, Callable[[Expr, Expr], Any]] = {
    "neg": lambda x, y: -1,
    "abs": lambda x, y: where(x < 0, ex.const(-1, x.dtype), where(x > 0, ex.const(1, x.dtype), 0)),
    "sqrt": lambda x, y: 0.5 / y,
    "exp": lambda x, y: y,
    "exp2": lambda x, y: natural_log(2) * y,
    "expm1": lambda x, y: y + 1,
    "log": lambda x, y: 1 / x,
    "log1p": lambda x, y: 1 / (1 + x),
    "erf": lambda x, y: 2 / sqrt(pi) * ex.exp(-x * x),
    "sin": lambda x, y: ex.cos(x),
    "cos": lambda x, y: -ex.sin(x),
    "tan": lambda x, y: 1 + y * y,
    "asin": lambda x, y: 1 / ex.sqrt(1 - x * x),
    "acos": lambda x, y: -1 / ex.sqrt(1 - x * x),
    "atan": lambda x, y: 1 / (1 + x * x),
    "sinh": lambda x, y: ex.cosh(x),
    "cosh": lambda x, y: ex.sinh(x),
    "tanh": lambda x, y: 1 - y * y,
    "asinh": lambda x, y: 1 / ex.sqrt(x * x + 1),
    "acosh": lambda x, y: 1 / ex.sqrt(x * x - 1),
    "atanh": lambda x, y: 1 / (1 - x * x),
}


def _pow(g: Expr, y: Expr, a: Expr, b: Expr) -> tuple[Contribution, ...]:
    base = where(eq(b, 0), 0, b * ex.power(a, b - 1))
    exponent = None if b.op == "const" else g * where(a > 0, y * ex.log(a), 0)
    return g * base, exponent


# Where two values are equal, the second is taken: Relu, max(x, 0), has the derivative 0 at 0.
_RULES: Mapping[str, Callable[..., tuple[Contribution, ...]]] = {
    "add": lambda g, y, a, b: (g, g),
    "sub": lambda g, y, a, b: (g, -g),
    "mul": lambda g, y, a, b: (g * b, g * a),
    "div": lambda g, y, a, b: (g / b, -g * y / b),
    "rem": lambda g, y, a, b: (g, -g * ex.trunc(a / b)),
    "max": lambda g, y, a, b: (where(a > b, g, 0), where(a > b, ex.const(0, g.dtype), g)),
    "min": lambda g, y, a, b: (where(a < b, g, 0), where(a < b, ex.const(0, g.dtype), g)),
    "pow": _pow,
    "fma": lambda g, y, a, b, c: (g * b, g * a, g),
    "select": lambda g, y, c, a, b: (None, where(c, g, 0), where(c, ex.const(0, g.dtype), g)),
    "cast": lambda g, y, x: (ex.cast(g, x.dtype) if is_float(x.dtype) else None,),
    "ldexp": lambda g, y, x, n: (ex.ldexp(g, n), None),
}
_FLAT = ("const", "index", "floor", "ceil", "rint", "trunc", "isnan", "isinf")
