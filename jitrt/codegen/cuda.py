"""Scalar expressions as CUDA C++ statements, one temporary a node."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from jitrt import expr as ex
from jitrt.expr import BITWISE, COMPARISONS, UNARY, Expr
from jitrt.types import BF16, BOOL, F16, F32, F64, is_float, short_name

Dtype = np.dtype[Any]

# Contraction of a * b + c is off: expressions that want it say `fma`, and error-compensated ones rely on it.
NVRTC_OPTIONS = ("-std=c++17", "--fmad=false")

_C_TYPES = {"f16", "bf16", "f32", "f64", "bool", "i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64"}
_SYMBOLS = {
    "eq": "==",
    "ne": "!=",
    "lt": "<",
    "le": "<=",
    "gt": ">",
    "ge": ">=",
    "and": "&",
    "or": "|",
    "xor": "^",
}
_FLOAT_SYMBOLS = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
_FLOAT_CALLS = {"rem": "fmod", "pow": "pow", "ldexp": "ldexp", "fma": "fma", "abs": "fabs"}
_INTEGER_CALLS = {
    **{"add": "wrap_add", "sub": "wrap_sub", "mul": "wrap_mul", "div": "quotient", "rem": "remainder_of"},
    **{
        "shl": "shift_left",
        "shr": "shift_right",
        "pow": "integer_power",
        "neg": "wrap_neg",
        "abs": "wrap_abs",
    },
}
_EXTREMA = {"max": "maximum", "min": "minimum"}
_ROUNDING = ("floor", "ceil", "rint", "trunc")


def storage_type(dtype: Dtype) -> str:
    """The C++ type of an element in memory: `f16`. Raises TypeError for a type that has none on the GPU."""
    name = short_name(dtype)
    if name not in _C_TYPES:
        raise TypeError(f"{name} has no arithmetic on the GPU: cast it to another type before")
    return name


def compute_type(dtype: Dtype) -> str:
    """The C++ type that values are computed in: `f32` for f16 and bf16, else the type in memory."""
    return "f32" if dtype in (F16, BF16) else storage_type(dtype)


def widened(value: str, dtype: Dtype) -> str:
    """An element as it lies in memory, as a value to compute with: `widen(x0[i])` for f16."""
    return f"widen({value})" if dtype in (F16, BF16) else value


def narrowed(value: str, dtype: Dtype) -> str:
    """A computed value as an element for memory, rounded to nearest even: `to_f16(t3)`."""
    return f"to_{short_name(dtype)}({value})" if dtype in (F16, BF16) else value


def literal(value: Any, dtype: Dtype) -> str:
    """A constant with its type spelled out: `0.5f`, `-1ll`, `INFINITY` as its bits."""
    if dtype == BOOL:
        return "true" if value else "false"
    if is_float(dtype):
        number = float(value)
        if math.isfinite(number):
            text = f"{np.float32(number)!s}f" if compute_type(dtype) == "f32" else repr(number)
            return f"({text})" if text.startswith("-") else text
        if compute_type(dtype) == "f32":
            return f"bitcast<f32>({int(np.float32(number).view(np.uint32)):#x}u)"
        return f"bitcast<f64>({int(np.float64(number).view(np.uint64)):#x}ull)"
    number = int(value)
    suffix = ("u" if dtype.kind == "u" else "") + ("ll" if dtype.itemsize == 8 else "")
    if dtype.kind == "i" and number == np.iinfo(dtype).min:
        return f"({storage_type(dtype)})({number + 1}{suffix} - 1)"
    if dtype.itemsize < 4 or number < 0:
        return f"({storage_type(dtype)})({number}{suffix})"
    return f"{number}{suffix}"


def statement(node: Expr, names: Mapping[Expr, str], name: str) -> str:
    """The statement that computes a node from its arguments' names.

    `const f32 t3 = expf(t2);`, `const bool t4 = t3 > 0.0f;`, `const i8 t5 = wrap_add<i8>(t0, t1);`
    """
    return f"const {compute_type(node.dtype)} {name} = {value(node, names)};"


def value(node: Expr, names: Mapping[Expr, str]) -> str:
    """The right-hand side of `statement`. Raises TypeError for an operation that the type does not have."""
    op, dtype = node.op, node.dtype
    args = [names[a] for a in node.args]
    source = node.args[0].dtype if node.args else dtype
    listed = ", ".join(args)
    if op in COMPARISONS or op in BITWISE[:3]:
        text = f"{args[0]} {_SYMBOLS[op]} {args[1]}"
        return f"({compute_type(dtype)})({text})" if dtype.itemsize < 4 and dtype != BOOL else text
    if op == "select":
        return f"{args[0]} ? {args[1]} : {args[2]}"
    if op == "not":
        return f"!{args[0]}" if dtype == BOOL else f"({compute_type(dtype)})~{args[0]}"
    if op == "isnan":
        return f"{args[0]} != {args[0]}" if is_float(source) else "false"
    if op == "isinf":
        return f"isinf({args[0]})" if is_float(source) else "false"
    if op == "cast":
        return converted(args[0], source, dtype)
    if op == "narrow":
        return args[0]
    if op == "bitcast":
        raw = narrowed(args[0], source)
        return widened(f"bitcast<{storage_type(dtype)}>({raw})", dtype)
    if op in _EXTREMA:
        return f"{_EXTREMA[op]}<{compute_type(dtype)}>({listed})"
    if not is_float(dtype):
        return _integer(op, compute_type(dtype), listed)
    if op in _FLOAT_SYMBOLS:
        return f"{args[0]} {_FLOAT_SYMBOLS[op]} {args[1]}"
    if op == "neg":
        return f"-{args[0]}"
    if op in _FLOAT_CALLS or op in UNARY:
        suffix = "f" if compute_type(dtype) == "f32" else ""
        return f"{_FLOAT_CALLS.get(op, op)}{suffix}({listed})"
    raise TypeError(f"{op} of {short_name(dtype)} has no CUDA C++")


def _integer(op: str, ctype: str, listed: str) -> str:
    if op in _INTEGER_CALLS:
        return f"{_INTEGER_CALLS[op]}<{ctype}>({listed})"
    if op == "fma":
        a, b, c = listed.split(", ")
        return f"wrap_add<{ctype}>(wrap_mul<{ctype}>({a}, {b}), {c})"
    if op in _ROUNDING:
        return listed
    raise TypeError(f"{op} of {ctype} has no CUDA C++")


def converted(x: str, source: Dtype, target: Dtype) -> str:
    """A value of type `source` converted by value to `target`, both as they are computed with."""
    if target == BOOL:
        return f"{x} != {literal(0, source)}"
    if target in (F16, BF16):
        # float64 rounds to float16 in one step; through float32 it could round twice.
        raw = x if source in (F32, F16, BF16) or (source == F64 and target == F16) else f"(f32){x}"
        return widened(narrowed(raw, target), target)
    name = compute_type(target)
    if not is_float(source) or is_float(target):
        return f"({name}){x}"
    if name in ("i32", "i64", "u64"):
        return f"to_{name}({x})"
    return f"({name})to_{'i64' if name == 'u32' else 'i32'}({x})"


def identity(kind: str, dtype: Dtype) -> str:
    """The value that a reduction starts from."""
    return literal(ex.identity(kind, dtype), dtype)
