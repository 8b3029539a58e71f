"""Vector math: transcendental functions as expressions of primitive operations, which vectorise anywhere."""

from __future__ import annotations

from collections.abc import Callable

from jitrt.expr import Expr, const, sqrt
from jitrt.types import is_float


def power(x: Expr, y: Expr) -> Expr | None:
    """x ** y for the constant exponents that need no logarithm; None for the others."""
    if y.op != "const":
        return None
    exponent = float(y.value)
    if exponent == int(exponent) and 1 <= exponent <= 4:
        square = x * x
        return {1: x, 2: square, 3: square * x, 4: square * square}[int(exponent)]
    if not is_float(x.dtype):
        return None
    special = {0.0: lambda: const(1, x.dtype), 0.5: lambda: sqrt(x), -1.0: lambda: 1 / x}
    special |= {-0.5: lambda: 1 / sqrt(x), -2.0: lambda: 1 / (x * x)}
    return special[exponent]() if exponent in special else None


EXPANSIONS: dict[str, Callable[..., Expr | None]] = {"pow": power}
