"""Old versions of operators, as what they add to and take from a newer one.

ONNX 1.0 gave many operators the attribute `consumed_inputs`, the numbers of inputs that may be overwritten:
a hint that changes no result. Until opset 7, binary operators broadcast only where an attribute says so, and
operators of many inputs not at all.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection
from functools import wraps
from typing import Any

from jitrt.dims import same
from jitrt.opdef import Operator, operator
from jitrt.tensor import Tensor


def older_version(
    entry: Operator,
    since: int,
    *,
    ignores: dict[str, Any] | None = None,
    lacks: Collection[str] = (),
    **defaults: Any,
) -> Operator:
    """Register `entry` under a version that has other attributes, but does the same.

    It has the attributes `ignores`, given with their defaults, lacks some of the entry's, and has other
    `defaults`.
    """
    ignores = ignores or {}

    def definition(*inputs: Any, **attributes: Any) -> Any:
        kept = {name: value for name, value in attributes.items() if name not in ignores}
        return entry.definition(*inputs, **{**defaults, **kept})

    return _register(entry, since, definition, lacks, {**ignores, **defaults})


def consuming_version(entry: Operator, since: int = 1, **defaults: Any) -> Operator:
    """Register a version with the attribute `consumed_inputs`."""
    return older_version(entry, since, ignores={"consumed_inputs": None}, **defaults)


def version_of_equal_shapes(entry: Operator, since: int) -> Operator:
    """Register a version that does not broadcast."""

    def definition(*inputs: Tensor) -> Any:
        for other in inputs[1:]:
            _check_equal(inputs[0], other, "this version does not broadcast")
        return entry.definition(*inputs)

    return _register(entry, since, definition)


def version_of_limited_broadcast(entry: Operator, since: int) -> Operator:
    """Register a version of a binary operator whose attributes say how B broadcasts to A."""

    def definition(A: Tensor, B: Tensor, *, axis: int | None = None, broadcast: int = 0) -> Any:
        if broadcast:
            B = aligned(B, A, axis)
        else:
            _check_equal(A, B, "broadcast is 0")
        return entry.definition(A, B)

    return _register(entry, since, definition, (), {"axis": None, "broadcast": 0})


def aligned(b: Tensor, a: Tensor, axis: int | None) -> Tensor:
    """`b` with dimensions of size 1 after its own, so that it broadcasts to dimensions of `a` from `axis` on.

    Without an axis, the last dimensions match. Raises ValueError where the result would not have a's shape.
    """
    if same(b.size, 1):
        return b.reshape([])
    start = a.ndim - b.ndim if axis is None else axis % a.ndim
    matched = a.shape[start : start + b.ndim]
    fits = start >= 0 and len(matched) == b.ndim
    if not fits or any(n not in (1, m) for m, n in zip(matched, b.shape, strict=True)):
        raise ValueError(f"B {b} does not match dimensions of A {a} from {start} on")
    return b.reshape([*b.shape, *[1] * (a.ndim - start - b.ndim)])


def _check_equal(a: Tensor, b: Tensor, why: str) -> None:
    if a.ndim != b.ndim or any(m != n for m, n in zip(a.shape, b.shape, strict=True)):
        raise ValueError(f"the shapes differ, and {why}: {a}, {b}")


def _register(
    entry: Operator,
    since: int,
    definition: Any,
    lacks: Collection[str] = (),
    attributes: dict[str, Any] | None = None,
) -> Operator:
    """Register a definition with the entry's documentation, and its signature changed."""
    function = entry.scalar or entry.definition
    parameters = {p.name: p for p in inspect.signature(function).parameters.values() if p.name not in lacks}
    for name, default in (attributes or {}).items():
        parameters[name] = inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
    wrapped: Any = wraps(function)(definition)
    wrapped.__signature__ = inspect.Signature(list(parameters.values()))
    return operator(entry.name, since=since, domain=entry.domain)(wrapped)
