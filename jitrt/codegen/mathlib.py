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

from collections.abc import Callable

import jitrt.codegen.math_exp as math_exp
import jitrt.codegen.math_log as math_log
import jitrt.codegen.math_trig as math_trig
from jitrt.codegen.math_power import power
from jitrt.expr import Expr
from jitrt.types import F32, F64

Function = Callable[..., Expr | None]

BOTH: dict[str, Function] = {
    "exp": math_exp.exp,
    "exp2": math_exp.exp2,
    "expm1": math_exp.expm1,
    "tanh": math_exp.tanh,
    "log": math_log.log,
    "log1p": math_log.log1p,
}
SINGLE: dict[str, Function] = {
    "sinh": math_exp.sinh,
    "cosh": math_exp.cosh,
    "erf": math_exp.erf,
    "asinh": math_log.asinh,
    "acosh": math_log.acosh,
    "atanh": math_log.atanh,
    "sin": math_trig.sin,
    "cos": math_trig.cos,
    "tan": math_trig.tan,
    "asin": math_trig.asin,
    "acos": math_trig.acos,
    "atan": math_trig.atan,
}


def expand(op: str, args: tuple[Expr, ...]) -> Expr | None:
    """The expression that computes a function on float32, float64 or integers; None for a primitive."""
    if op == "pow":
        return power(*args)
    function = BOTH.get(op) or (SINGLE.get(op) if args and args[0].dtype == F32 else None)
    return function(*args) if function and args[0].dtype in (F32, F64) else None
