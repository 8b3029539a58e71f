"""Float tensors that are affine functions of integers, so that quantising them is one multiply-add a term.

Between DequantizeLinear and QuantizeLinear a residual block computes `relu((a - z) * s + (c * t + bias))`: a
sum of integers, each times a known factor, plus a known offset, within limits. Divided by the next scale
once, while the model is traced, it needs no other arithmetic at run time. https://arxiv.org/abs/1712.05877
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from jitrt.expr import Expr, cast, const, fma, rint, walk, where
from jitrt.tensor import Dtype, Map, Tensor, Value, constant, map_tensors
from jitrt.types import F32, I8, I32, U8

MAX_TERMS = 4
MAX_MAPS = 24  # that are looked through


@dataclass(frozen=True, eq=False)
class Affine:
    """`clip(sum of codes * factor + offset, low, high)`; factors and the offset are float64 and broadcast."""

    terms: tuple[tuple[Tensor, Value], ...]
    offset: Value
    low: float = -np.inf
    high: float = np.inf

    @property
    def limited(self) -> bool:
        """Whether there are limits."""
        return (self.low, self.high) != (-np.inf, np.inf)

    def plus(self, other: Affine) -> Affine | None:
        """The sum of the two."""
        if self.limited or other.limited or len(self.terms) + len(other.terms) > MAX_TERMS:
            return None
        return Affine(self.terms + other.terms, self.offset + other.offset)

    def times(self, factor: Value) -> Affine | None:
        """The product with a constant."""
        if self.limited and not (factor.size == 1 and factor.item() > 0):
            return None
        terms = tuple((codes, each * factor) for codes, each in self.terms)
        low, high = (bound * factor.item() if self.limited else bound for bound in (self.low, self.high))
        return Affine(terms, self.offset * factor, low, high)

    def within(self, op: str, bound: Value) -> Affine | None:
        """The maximum or minimum with a constant."""
        if bound.size != 1 or np.isnan(bound.item()):
            return None
        limit = max if op == "max" else min
        return replace(self, low=limit(self.low, bound.item()), high=limit(self.high, bound.item()))


def affine_form(x: Tensor) -> Affine | None:
    """How a float32 tensor follows from integers, if it does by known factors."""
    form = _Reader().tensor(x)
    return form if form is not None and form.terms else None


def quantize_affine(form: Affine, scale: float, zero: int, dtype: Dtype) -> Tensor:
    """`saturate(round(x / scale) + zero)` of what the form stands for, in int8 or uint8."""
    bounds = np.iinfo(dtype).min - zero, np.iinfo(dtype).max - zero
    low, high = (min(max(limit / scale, bounds[0]), bounds[1]) for limit in (form.low, form.high))
    parameters = [(factor / scale).astype(np.float32) for _, factor in form.terms]
    offset = (form.offset / scale).astype(np.float32)

    def code(*loads: Expr) -> Expr:
        count = len(parameters)
        q = loads[-1]
        for codes, factor in zip(loads[:count], loads[count:-1], strict=True):
            q = fma(cast(codes, F32), factor, q)
        above = where(q > low, q, const(low, F32))
        whole = cast(rint(where(above < high, above, const(high, F32))), I32)
        return cast(whole + zero if zero else whole, dtype)

    return map_tensors(code, *(t for t, _ in form.terms), *map(constant, parameters), constant(offset))


class _Reader:
    """Reads tensors as affine functions, through so many maps."""

    def __init__(self) -> None:
        self.maps = 0

    def tensor(self, x: Tensor) -> Affine | None:
        if x.value is not None:
            return None if x.symbolic else Affine((), x.value.astype(np.float64))
        if x.dtype != F32 or not isinstance(x.source, Map) or self.maps == MAX_MAPS:
            return None
        self.maps += 1
        read: dict[Expr, Affine | None] = {}
        for node in walk(x.source.root):
            read[node] = self._node(node, [read[a] for a in node.args], x.source.operands)
        return read[x.source.root]

    def _node(self, node: Expr, args: Sequence[Affine | None], operands: Sequence[Tensor]) -> Affine | None:
        if node.dtype != F32:
            return None
        if node.op == "load":
            return self.tensor(operands[node.value])
        if node.op == "const":
            return Affine((), np.asarray(node.value, np.float64))
        if node.op == "cast":
            return _integers(node.args[0], operands)
        if any(a is None for a in args):
            return None
        match node.op, args:
            case "add", (Affine() as a, Affine() as b):
                return a.plus(b)
            case "sub", (Affine() as a, Affine() as b):
                negative = b.times(np.asarray(-1.0))
                return None if negative is None else a.plus(negative)
            case "mul", (Affine() as a, Affine(terms=()) as b):
                return a.times(b.offset)
            case "mul", (Affine(terms=()) as a, Affine() as b):
                return b.times(a.offset)
            case "max" | "min", (Affine() as a, Affine(terms=()) as b):
                return a.within(node.op, b.offset)
        return None


def _integers(node: Expr, operands: Sequence[Tensor]) -> Affine | None:
    """Integers as floats: those of a tensor, or bytes less a known zero point."""
    if node.op != "load" or operands[node.value].dtype not in (I8, U8, I32):
        return None
    codes, shift = _bytes_behind(operands[node.value]) or (operands[node.value], 0)
    return Affine(((codes, np.asarray(1.0)),), np.asarray(float(shift)))


def _bytes_behind(x: Tensor) -> tuple[Tensor, int] | None:
    """The bytes, and the known integer, of which int32 x is the sum."""
    if not isinstance(x.source, Map):
        return None
    root, operands = x.source.root, x.source.operands
    leaf = root.args[0] if root.args else root
    if leaf.op != "load":
        return None
    if root.op == "cast" and leaf.dtype in (I8, U8):
        return operands[leaf.value], 0
    if root.op in ("add", "sub") and root.args[1].op == "const":
        found, shift = _bytes_behind(operands[leaf.value]), int(root.args[1].value)
        return found and (found[0], found[1] + (shift if root.op == "add" else -shift))
    return None
