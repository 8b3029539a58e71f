"""Which passes over its data a loop with reductions makes, and what it keeps between them.

    softmax = e / reduce(e, "sum"),  e = exp(x - reduce(x, "max"))

    pass 0: max of x
    pass 1: sum of e, and e kept in the thread's scratch
    pass 2: the output, from the kept e

A value that is cheap to compute again is computed again instead of kept.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from jitrt.codegen.vector import LIBM
from jitrt.expr import Expr, walk

COSTLY = {**dict.fromkeys(LIBM, 100), "div": 8, "rem": 8, "sqrt": 8}
WORTH_KEEPING = 12


@dataclass
class Pass:
    """One sweep over the reduced positions.

    `reductions` are combined in it, the outputs in `stores` written, `kept` values go to scratch for later
    passes, and `reloaded` values come from there.
    """

    reductions: list[Expr] = field(default_factory=list)
    stores: list[int] = field(default_factory=list)
    kept: list[Expr] = field(default_factory=list)
    reloaded: set[Expr] = field(default_factory=set)

    def roots(self, outputs: Sequence[Expr]) -> list[Expr]:
        """What the sweep computes."""
        return [*(r.args[0] for r in self.reductions), *(outputs[i] for i in self.stores), *self.kept]


def levels(roots: Sequence[Expr]) -> dict[Expr, int]:
    """For each node the first pass that can compute it: a reduction is known after its argument's pass."""
    level: dict[Expr, int] = {}
    for node in walk(*roots):
        level[node] = max((level[a] for a in node.args), default=0) + (node.op == "reduce")
    return level


def passes(roots: Sequence[Expr], stored: Collection[int], varying: Collection[Expr]) -> list[Pass]:
    """The passes for `roots`, of which those numbered in `stored` are written at every position.

    `varying` are the nodes whose value changes along the reduced axes. Outputs are stored in the last pass,
    when no input is needed any more: one of them may lie in an input's memory.
    """
    level = levels(roots)
    reductions = [node for node in level if node.op == "reduce"]
    last = max([level[r.args[0]] for r in reductions] + [level[roots[i]] for i in stored], default=-1)
    plan = [Pass() for _ in range(last + 1)]
    for node in reductions:
        plan[level[node.args[0]]].reductions.append(node)
    if plan:
        plan[-1].stores.extend(stored)
    computed: dict[Expr, int] = {}
    for number, current in enumerate(plan):
        fresh, earlier = _needs(current.roots(roots), computed, varying)
        for node in earlier:
            if node not in plan[computed[node]].kept:
                plan[computed[node]].kept.append(node)
        current.reloaded.update(earlier)
        computed.update((node, number) for node in fresh if node not in computed)
    return plan


def _needs(
    roots: Sequence[Expr], computed: Collection[Expr], varying: Collection[Expr]
) -> tuple[list[Expr], list[Expr]]:
    """The varying nodes that a pass computes, and those worth taking from an earlier pass."""
    fresh: dict[Expr, None] = {}
    earlier: dict[Expr, None] = {}
    stack = list(reversed(roots))
    while stack:
        node = stack.pop()
        if node in fresh or node not in varying or node.op in ("load", "index"):
            continue
        if node in computed and cost([node], varying) >= WORTH_KEEPING:
            earlier[node] = None
        else:
            fresh[node] = None
            stack.extend(reversed(node.args))
    return list(fresh), list(earlier)


def cost(roots: Sequence[Expr], varying: Collection[Expr]) -> int:
    """Roughly the number of instructions that compute the varying nodes, loads not counted."""
    fresh, _ = _needs(roots, (), varying)
    return sum(COSTLY.get(node.op, 1) for node in fresh if node.op != "cast")
