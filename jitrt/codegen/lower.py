"""Expressions rewritten into the operations that vector code has instructions for."""

from __future__ import annotations

from collections.abc import Sequence

from jitrt.codegen.mathlib import expand
from jitrt.expr import Dtype, Expr, bitcast, cast, const, walk
from jitrt.types import BF16, F16, F32


def lower(roots: Sequence[Expr]) -> list[Expr]:
    """The same values, for float16 and bfloat16 roots as float32 yet to be rounded.

    Equal nodes become one; 16-bit floats appear only in loads, in rounding casts and under bitcasts;
    transcendental functions are expanded (`mathlib`). Lowering twice changes nothing.
    """
    lowering = _Lowering()
    return [lowering.visit(root) for root in roots]


def _widened(dtype: Dtype) -> Dtype:
    return F32 if dtype in (F16, BF16) else dtype


class _Lowering:
    def __init__(self) -> None:
        self._lowered: dict[Expr, Expr] = {}
        self._unique: dict[tuple[object, ...], Expr] = {}

    def visit(self, root: Expr) -> Expr:
        for node in walk(root, known=self._lowered):
            args = tuple(self._lowered[a] for a in node.args)
            self._lowered[node] = self._node(node, args)
        return self._lowered[root]

    def _node(self, node: Expr, args: tuple[Expr, ...]) -> Expr:
        wide = _widened(node.dtype)
        if node.op == "load":
            return self._interned(cast(self._interned(node), wide))
        if node.op == "const":
            return self._interned(const(node.value, wide))
        if node.op == "cast":
            rounded = cast(args[0], node.dtype) if node.args[0].dtype != node.dtype else args[0]
            return self._interned(cast(self._interned(rounded), wide))
        if node.op == "narrow":
            return args[0]
        if node.op == "bitcast":
            exact = self._interned(cast(args[0], node.args[0].dtype))
            return self._interned(cast(self._interned(bitcast(exact, node.dtype)), wide))
        expanded = expand(node.op, args)
        if expanded is not None:
            return self.visit(expanded)
        return self._interned(Expr(node.op, args, wide, node.value))

    def _interned(self, node: Expr) -> Expr:
        """The one node that stands for all equal to it; itself lowered."""
        value = node.value.tobytes() if node.op == "const" else node.value
        key = (node.op, *map(id, node.args), node.dtype, value)
        unique = self._unique.setdefault(key, node)
        self._lowered[unique] = unique
        return unique
