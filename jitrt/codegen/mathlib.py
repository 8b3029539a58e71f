"""Vector math: transcendental functions as expressions of primitive operations, which vectorise anywhere.

Each is a reduction of the argument to a small interval, a minimax polynomial there (Remez exchange on the
relative error, coefficients rounded to the type), and a reconstruction. Nothing is flushed to zero; NaN,
infinities and signed zeros come out as IEEE 754 recommends. float16 and bfloat16 are float32 by then.

The largest error in float32, in units in the last place over every 509th float: asinh, acosh, atanh 0.50,
exp 0.84, log 0.80, exp2 0.93, acos 1.2, cosh 1.3, expm1, log1p 1.4, tanh, sinh, sin, cos 1.6, erf, atan 1.7,
asin 2.3, tan 3.4; sin, cos and tan have it for every finite argument.

float64 has exp, exp2, expm1, log, log1p and tanh here; its other functions call the C library lane by lane.
"""

from __future__ import annotations

from importlib import import_module

from jitrt.expr import Expr
from jitrt.types import F32, F64

# where the functions are: the modules are imported as functions are met
_BOTH = {
    **dict.fromkeys(("exp", "exp2", "expm1", "tanh"), "math_exp"),
    **dict.fromkeys(("log", "log1p"), "math_log"),
}
_SINGLE = {
    **dict.fromkeys(("sinh", "cosh", "erf"), "math_exp"),
    **dict.fromkeys(("asinh", "acosh", "atanh"), "math_log"),
    **dict.fromkeys(("sin", "cos", "tan", "asin", "acos", "atan"), "math_trig"),
}


def expand(op: str, args: tuple[Expr, ...]) -> Expr | None:
    """The expression that computes a function on float32, float64 or integers; None for a primitive."""
    if op == "pow":
        from jitrt.codegen.math_power import power

        return power(*args)
    module = _BOTH.get(op) or (_SINGLE.get(op) if args and args[0].dtype == F32 else None)
    if module is None or args[0].dtype not in (F32, F64):
        return None
    expanded: Expr | None = getattr(import_module(f"jitrt.codegen.{module}"), op)(*args)
    return expanded
