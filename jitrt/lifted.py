"""Constants of quantised groups as operands: layers that differ in scales and zero points share a kernel.

A quantised network has a scale and a zero point of its own for nearly every tensor. With those in its code,
each layer would have a kernel to compile; as operands that repeat along every dimension they cost a load.
"""

from __future__ import annotations

import numpy as np

from jitrt.expr import Expr, load, substitute
from jitrt.layout import Array, constant_array
from jitrt.types import F32, I8, I32, U8

_LIFTING = frozenset(("add", "sub", "mul", "div", "fma", "lt", "gt", "le", "ge", "min", "max", "select"))
_PLAIN = frozenset((-1, 0, 0.5, 1, 2))  # constants of formulas, the same in every layer


def lift_constants(root: Expr, first: int) -> tuple[Expr, list[Array]]:
    """The root with its layer's own constants as operands from number `first` on, and these, of shape ().

    Groups without bytes stay as they are.
    """
    if not any(node.dtype in (I8, U8) for node in root.nodes):
        return root, []
    users = [(node.op, argument) for node in root.nodes for argument in node.args]
    fixed = {argument for op, argument in users if op not in _LIFTING}
    found = dict.fromkeys(argument for _, argument in users if _is_own(argument) and argument not in fixed)
    numbers = {node: first + i for i, node in enumerate(found)}
    lifted = substitute(root, lambda node: load(numbers[node], node.dtype) if node in numbers else None)
    return lifted, [constant_array(np.array(node.value)) for node in found]


def _is_own(node: Expr) -> bool:
    """Whether it is a constant that other layers have otherwise."""
    return node.op == "const" and node.dtype in (F32, I32) and float(node.value) not in _PLAIN
