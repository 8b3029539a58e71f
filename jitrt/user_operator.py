"""`@jitrt.op`: operators of the user's own, in the user's own file.

An elementwise one is a function of scalar expressions; it fuses with its neighbours:

    from jitrt.expr import exp

    @jitrt.op("my.domain", "Swish")
    def swish(x, *, beta=1.0):
        return x / (1 + exp(-beta * x))

Any other is a Numba kernel: outputs, whose elements it must all set, inputs, attributes that are numbers, and
the range of independent units to compute. Its rule gives each output's type and shape, its defaults are the
attributes':

    @jitrt.op("my.domain", "RowNorm", outputs=lambda X, *, power=2.0: [(X.dtype, X.shape[:1])],
              extent=lambda X: X.shape[0])
    def row_norm(Y, X, power, begin, end):
        for i in range(begin, end):
            total = 0.0
            for j in range(X.shape[1]):
                total += abs(X[i, j]) ** power
            Y[i] = total ** (1 / power)

A model that imports `my.domain` then loads. Where the operators are in a module, and not in a script, a
session also loads in every process that it is pickled to. `jitrt.call("Swish", x, domain="my.domain")` tries
one. Both are in notebooks/own_operators.py, with a model.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from jitrt import opdef
from jitrt.calls import launch
from jitrt.dims import Size
from jitrt.eager import LATEST
from jitrt.graph import Graph
from jitrt.load_operators import walk
from jitrt.tensor import Dtype, Tensor

Rule = Callable[..., Sequence[tuple[Dtype, Sequence[Size]]]]

_defined: list[opdef.Operator] = []


def op(
    domain: str,
    name: str,
    *,
    since: int = 1,
    outputs: Rule | None = None,
    extent: Callable[..., Size] | None = None,
) -> Callable[[Callable[..., Any]], opdef.Operator]:
    """Define the operator `name` of `domain`, from opset version `since` on.

    Without `outputs`, the function is elementwise: from scalar expressions (`jitrt.expr`) and attributes as
    keywords to an expression. With it, it is a Numba kernel `f(*outputs, *inputs, *attributes, begin, end)`.
    `outputs` takes the inputs, which have a `dtype` and a `shape`, and the attributes, and gives the type and
    shape of each output; `extent` takes the inputs and gives the number of units, 1 by default, which run on
    all threads in any order. A status other than 0 that the kernel returns is an error. Defining an operator
    again replaces it, for sessions that are made from then on. Raises ValueError for one of jitrt's own.
    """
    domain = "" if domain == "ai.onnx" else domain
    present = opdef.lookup(domain, name, LATEST)
    if present is not None and present not in _defined:
        raise ValueError(f"{name} of {domain or 'ai.onnx'} is there: {present.location}; take another domain")

    def define(function: Callable[..., Any]) -> opdef.Operator:
        opdef.remove(domain, name, since)
        if outputs is None:
            entry = opdef.elementwise(name, since=since, domain=domain)(function)
        else:
            from jitrt.codegen.numba_ir import wraparound

            made = _definition(wraparound(function), outputs, extent)
            entry = opdef.operator(name, since=since, domain=domain)(made)
        _defined.append(entry)
        return entry

    return define


def modules_of(graph: Graph) -> list[str]:
    """The modules that define the user's operators in a graph, for another process to import; not scripts."""
    names: dict[str, None] = {}
    for node, _, _ in walk(graph):
        entry = opdef.lookup(node.domain, node.op_type, node.version)
        if entry is not None and entry in _defined:
            names[inspect.unwrap(entry.scalar or entry.definition).__module__] = None
    return [name for name in names if name not in ("__main__", "__mp_main__")]


def _definition(
    kernel: Callable[..., Any], rule: Rule, extent: Callable[..., Size] | None
) -> Callable[..., Any]:
    parameters = inspect.signature(rule).parameters.values()
    defaults = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}

    def definition(*inputs: Tensor, **attributes: Any) -> tuple[Tensor, ...]:
        values = {**defaults, **attributes}
        for name, value in values.items():
            if not isinstance(value, (int, float)):
                raise TypeError(f"attribute {name} is {value!r}, and kernels take numbers")
        return launch(
            kernel,
            *inputs,
            outputs=rule(*inputs, **attributes),
            scalars=list(values.values()),
            extent=1 if extent is None else extent(*inputs),
        )

    definition.__wrapped__ = kernel  # type: ignore[attr-defined]  # where it is written
    definition.__signature__ = inspect.signature(rule)  # type: ignore[attr-defined]
    return definition
