"""The C library's functions in scalar loops, replaced by arithmetic that LLVM can vectorise."""

from __future__ import annotations

import re
from functools import cache

from jitrt.codegen.lower import lower
from jitrt.codegen.mathlib import expand
from jitrt.codegen.target import Target
from jitrt.codegen.vector import LIBM, Emitter, element
from jitrt.expr import Dtype, load
from jitrt.types import F32, F64

_BASELINE = Target("", "", "")  # only instructions that every target has
_DECLARATION = re.compile(r"^declare [^@\n]*@([\w.]+)\([^\n]*\n", re.MULTILINE)
_FUNCTIONS: dict[str, tuple[str, Dtype]] = {
    **{f"{op}f": (op, F32) for op in LIBM},
    **{f"llvm.{op}.f32": (op, F32) for op in LIBM},
    **{op: (op, F64) for op in LIBM},
    **{f"llvm.{op}.f64": (op, F64) for op in LIBM},
}


def define_math(text: str) -> str:
    """The module with `mathlib`'s functions for those of the C library that it declares.

    `declare float @llvm.exp.f32(float)` becomes

        define internal float @jitrt.llvm.exp.f32(float %x0) alwaysinline {
        entry:
          %v1 = fcmp olt float %x0, 0x4056400000000000
          ...
          ret float %v40
        }
    """
    declared = set(_DECLARATION.findall(text))
    defined = {symbol: definition for symbol in sorted(declared) if (definition := _definition(symbol))}
    for symbol, (body, needed) in defined.items():
        text = re.sub(rf"^declare [^@\n]*@{re.escape(symbol)}\([^\n]*\n", "", text, flags=re.MULTILINE)
        text = text.replace(f"@{symbol}(", f"@jitrt.{symbol}(") + body
        text += "".join(f"{line}\n" for name, line in needed.items() if name not in declared)
        declared |= needed.keys()
    return text


@cache
def _definition(symbol: str) -> tuple[str, dict[str, str]] | None:
    """The function to take a symbol's place, and the declarations it needs; None if the symbol stays."""
    op, dtype = _FUNCTIONS.get(symbol, ("", F32))
    operands = [load(i, dtype) for i in range(2 if op == "pow" else 1)]
    expanded = expand(op, tuple(operands))
    if expanded is None:
        return None
    emitter = Emitter(_BASELINE)
    [root] = lower([expanded])
    result = emitter.emit(root, lambda operand: f"%x{operand.value}", lanes=1, memo={})
    kind = element(dtype)
    parameters = ", ".join(f"{kind} %x{i}" for i in range(len(operands)))
    header = f"define internal {kind} @jitrt.{symbol}({parameters}) alwaysinline {{"
    return f"\n{header}\n{emitter.body()}\n  ret {kind} {result}\n}}\n", emitter.declarations
