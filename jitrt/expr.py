"""Scalar expressions: the one form of an elementwise operator that every backend reads.

An elementwise operator is a Python function over `Expr`. Calling it builds a DAG, which is interpreted
on NumPy (`evaluate`, the oracle), printed as LLVM IR vectors (`codegen/vector.py`) or as CUDA C++
(`codegen/cuda.py`). Python numbers take the type of the operand they meet, so `0.5 * x` stays in x's type.
float16 and bfloat16 values are computed in float32 and rounded where they are stored or cast.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from typing import Any, Union

import numpy as np

from jitrt.types import BF16, BOOL, F16, F32, I32, is_float, short_name

Dtype = np.dtype[Any]
Scalar = Union["Expr", int, float, bool]

_made: dict[Any, Expr] = {}

ARITHMETIC = ("add", "sub", "mul", "div", "rem", "min", "max", "pow")
BITWISE = ("and", "or", "xor", "shl", "shr")
COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")
UNARY = (
    *("neg", "abs", "sqrt", "exp", "log", "exp2", "log1p", "expm1", "erf"),
    *("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh"),
    *("floor", "ceil", "rint", "trunc"),
)
REDUCTIONS = ("sum", "prod", "max", "min")
MOST_KEPT = 1 << 16  # of these nodes; equal ones made after that are other objects, which only takes time


class Expr:
    """A node of a scalar expression. Nodes that are made alike are one object, whoever makes them.

    `op` is one of the names above, or
    `load` (operand number `value`), `const` (`value`), `cast` (to `dtype`), `bitcast` (same width),
    `narrow` (float32 to a 16-bit float, rounded where it is stored),
    `not`, `isnan`, `isinf`, `select` (condition, then, else), `fma` (a*b+c, rounded once),
    `ldexp` (float, int32), `index` (position along loop axis `value`, int64),
    `reduce` (`value` is one of REDUCTIONS; over the reduced axes of the loop that computes it).
    `div` truncates on integers; `rem` takes the dividend's sign (C's `fmod`); `min` and `max` propagate NaN.
    """

    __slots__ = ("_nodes", "args", "dtype", "op", "value")

    op: str
    args: tuple[Expr, ...]
    dtype: Dtype
    value: Any
    _nodes: tuple[Expr, ...] | None

    def __new__(cls, op: str, args: tuple[Expr, ...], dtype: Dtype, value: Any = None) -> Expr:
        key = op, args, dtype, value.tobytes() if isinstance(value, np.generic) else value
        found = _made.get(key)
        if found is None:
            found = object.__new__(cls)
            found.op, found.args, found.dtype, found.value, found._nodes = op, args, dtype, value, None
            if len(_made) >= MOST_KEPT:
                _made.clear()
            _made[key] = found
        return found

    @property
    def nodes(self) -> tuple[Expr, ...]:
        """The node and all it is computed from, once each, arguments before their users."""
        if self._nodes is None:
            self._nodes = tuple(_visit((self,), ()))
        return self._nodes

    def _binary(self, op: str, other: Scalar, swap: bool = False) -> Expr:
        other = lift(other, self.dtype)
        if other.dtype != self.dtype:
            raise TypeError(f"{op}: operands are {short_name(self.dtype)} and {short_name(other.dtype)}")
        args = (other, self) if swap else (self, other)
        return Expr(op, args, BOOL if op in COMPARISONS else self.dtype)

    def __add__(self, other: Scalar) -> Expr:
        return self._binary("add", other)

    def __radd__(self, other: Scalar) -> Expr:
        return self._binary("add", other, swap=True)

    def __sub__(self, other: Scalar) -> Expr:
        return self._binary("sub", other)

    def __rsub__(self, other: Scalar) -> Expr:
        return self._binary("sub", other, swap=True)

    def __mul__(self, other: Scalar) -> Expr:
        return self._binary("mul", other)

    def __rmul__(self, other: Scalar) -> Expr:
        return self._binary("mul", other, swap=True)

    def __truediv__(self, other: Scalar) -> Expr:
        return self._binary("div", other)

    def __rtruediv__(self, other: Scalar) -> Expr:
        return self._binary("div", other, swap=True)

    def __and__(self, other: Scalar) -> Expr:
        return self._binary("and", other)

    def __or__(self, other: Scalar) -> Expr:
        return self._binary("or", other)

    def __xor__(self, other: Scalar) -> Expr:
        return self._binary("xor", other)

    def __lshift__(self, other: Scalar) -> Expr:
        return self._binary("shl", other)

    def __rshift__(self, other: Scalar) -> Expr:
        return self._binary("shr", other)

    def __lt__(self, other: Scalar) -> Expr:
        return self._binary("lt", other)

    def __le__(self, other: Scalar) -> Expr:
        return self._binary("le", other)

    def __gt__(self, other: Scalar) -> Expr:
        return self._binary("gt", other)

    def __ge__(self, other: Scalar) -> Expr:
        return self._binary("ge", other)

    def __neg__(self) -> Expr:
        return Expr("neg", (self,), self.dtype)

    def __invert__(self) -> Expr:
        return Expr("not", (self,), self.dtype)

    def __bool__(self) -> bool:
        raise TypeError("a scalar expression has no truth value: use where(condition, a, b)")


def lift(x: Scalar, dtype: Dtype) -> Expr:
    """`x` itself, or the Python number `x` as a constant of type `dtype`."""
    return x if isinstance(x, Expr) else const(x, dtype)


def const(value: Any, dtype: Dtype) -> Expr:
    """A constant, rounded to `dtype` here; to float32 where it is computed in float32."""
    kept = F32 if dtype in (F16, BF16) else dtype
    return Expr("const", (), dtype, np.asarray(value).astype(kept)[()])


def load(operand: int, dtype: Dtype) -> Expr:
    """The element of operand number `operand` at the loop's position."""
    return Expr("load", (), dtype, operand)


def index(axis: int) -> Expr:
    """The loop's position along `axis`, int64."""
    return Expr("index", (), np.dtype(np.int64), axis)


def cast(x: Expr, dtype: Dtype) -> Expr:
    """Convert by value: float to integer truncates, number to bool is `x != 0`."""
    return x if x.dtype == dtype else Expr("cast", (x,), np.dtype(dtype))


def narrow(x: Expr, dtype: Dtype) -> Expr:
    """A float32 result as a 16-bit float: rounded where it is stored, not for what goes on in the kernel."""
    return x if x.dtype == dtype else Expr("narrow", (x,), np.dtype(dtype))


def bitcast(x: Expr, dtype: Dtype) -> Expr:
    """The same bits as another type of the same width."""
    return Expr("bitcast", (x,), np.dtype(dtype))


def where(condition: Expr, then: Scalar, otherwise: Scalar) -> Expr:
    """`then` where the condition holds, else `otherwise`; both are computed."""
    dtype = then.dtype if isinstance(then, Expr) else otherwise.dtype  # type: ignore[union-attr]
    return Expr("select", (condition, lift(then, dtype), lift(otherwise, dtype)), dtype)


def eq(x: Expr, y: Scalar) -> Expr:
    """x == y (the operator `==` is left to Python)."""
    return x._binary("eq", y)


def ne(x: Expr, y: Scalar) -> Expr:
    """x != y."""
    return x._binary("ne", y)


def fma(x: Expr, y: Scalar, z: Scalar) -> Expr:
    """x * y + z, rounded once."""
    return Expr("fma", (x, lift(y, x.dtype), lift(z, x.dtype)), x.dtype)


def ldexp(x: Expr, n: Expr) -> Expr:
    """x * 2**n for an int32 n."""
    return Expr("ldexp", (x, cast(n, I32)), x.dtype)


def reduce(x: Expr, kind: str) -> Expr:
    """`x` combined over the reduced axes of the loop it is computed in."""
    return Expr("reduce", (x,), x.dtype, kind)


def identity(kind: str, dtype: Dtype) -> Any:
    """What a reduction of nothing gives: 0, 1, or the type's lowest or highest value."""
    if kind in ("sum", "prod"):
        return int(kind == "prod")
    if is_float(dtype):
        return -np.inf if kind == "max" else np.inf
    if dtype.kind == "b":
        return kind == "min"
    return getattr(np.iinfo(dtype), "min" if kind == "max" else "max")


def isnan(x: Expr) -> Expr:
    """True where x is NaN."""
    return Expr("isnan", (x,), BOOL)


def isinf(x: Expr) -> Expr:
    """True where x is infinite."""
    return Expr("isinf", (x,), BOOL)


def maximum(x: Expr, y: Scalar) -> Expr:
    """The larger of the two; NaN if either is (IEEE 754-2019 maximum)."""
    return x._binary("max", y)


def minimum(x: Expr, y: Scalar) -> Expr:
    """The smaller of the two; NaN if either is (IEEE 754-2019 minimum)."""
    return x._binary("min", y)


def power(x: Expr, y: Scalar) -> Expr:
    """x ** y."""
    return x._binary("pow", y)


def remainder(x: Expr, y: Scalar) -> Expr:
    """The remainder with the divisor's sign, as Python's `%`."""
    r = x._binary("rem", y)
    y = lift(y, x.dtype)
    return where(ne(r, 0) & ((r < 0) ^ (y < 0)), r + y, r)


def fmod(x: Expr, y: Scalar) -> Expr:
    """The remainder with the dividend's sign, as C's `fmod`."""
    return x._binary("rem", y)


def _unary(op: str) -> Callable[[Expr], Expr]:
    def build(x: Expr) -> Expr:
        return Expr(op, (x,), x.dtype)

    build.__name__ = op
    build.__doc__ = f"{op}(x), in x's type."
    return build


absolute = _unary("abs")
sqrt, exp, log, exp2, log1p, expm1, erf = map(_unary, ("sqrt", "exp", "log", "exp2", "log1p", "expm1", "erf"))
sin, cos, tan, asin, acos, atan = map(_unary, ("sin", "cos", "tan", "asin", "acos", "atan"))
sinh, cosh, tanh, asinh, acosh, atanh = map(_unary, ("sinh", "cosh", "tanh", "asinh", "acosh", "atanh"))
floor, ceil, rint, trunc = map(_unary, ("floor", "ceil", "rint", "trunc"))


def walk(*roots: Expr, known: Container[Expr] | None = None) -> Iterable[Expr]:
    """Every node once, arguments before their users; `known` nodes, and what only they use, are left out."""
    if known is not None:
        return _visit(roots, known)
    return roots[0].nodes if len(roots) == 1 else dict.fromkeys(n for root in roots for n in root.nodes)


def _visit(roots: Sequence[Expr], known: Container[Expr]) -> Iterator[Expr]:
    seen: set[Expr] = set()
    stack = [(root, False) for root in reversed(roots)]
    while stack:
        node, expanded = stack.pop()
        if node in seen or node in known:
            continue
        if expanded:
            seen.add(node)
            yield node
        else:
            stack.append((node, True))
            stack.extend((arg, False) for arg in reversed(node.args))


def loads(*roots: Expr) -> list[int]:
    """The numbers of the operands that are read, in order."""
    return sorted({node.value for node in walk(*roots) if node.op == "load"})


def is_indexed(root: Expr) -> bool:
    """Whether the position in the loop is a part of the expression."""
    return any(node.op == "index" for node in root.nodes)


def substitute(root: Expr, replacement: Callable[[Expr], Expr | None]) -> Expr:
    """`root` with every node for which `replacement` gives another replaced, arguments first."""
    made: dict[Expr, Expr] = {}
    for node in root.nodes:
        args = tuple([made[a] for a in node.args])
        rebuilt = node if args == node.args else Expr(node.op, args, node.dtype, node.value)
        other = replacement(rebuilt)
        made[node] = rebuilt if other is None else other
    return made[root]


def structure(roots: Sequence[Expr]) -> str:
    """A text that two DAGs share exactly when they compute the same: the key of generated kernels."""
    number: dict[Expr, int] = {}
    known: dict[str, int] = {}
    for node in walk(*roots):
        value = node.value.tobytes().hex() if node.op == "const" else node.value
        args = ",".join([str(number[a]) for a in node.args])
        line = f"{node.op}({args}){'' if value is None else f'[{value}]'}:{short_name(node.dtype)}"
        number[node] = known.setdefault(line, len(known))
    return ";".join(known) + "->" + ",".join([str(number[r]) for r in roots])
