"""Symbolic sizes against plain integers, and their guards."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jitrt.dims import Dim, Guards, hint, prod, same, settled, source

SYMBOLS = ("s0", "s1", "s2")
VALUES = st.tuples(*[st.integers(2, 50)] * len(SYMBOLS))
OTHER_VALUES = st.tuples(*[st.integers(1, 50)] * len(SYMBOLS))

OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "%": operator.mod,
}
COMPARISONS = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]

# a tree of operations over the symbols' positions and constants
EXPRESSIONS = st.recursive(
    st.one_of(
        st.integers(0, len(SYMBOLS) - 1).map(lambda i: ("symbol", i)),
        st.integers(-3, 9).map(lambda c: ("c", c)),
    ),
    lambda inner: st.tuples(st.sampled_from(sorted(OPERATIONS)), inner, inner),
    max_leaves=12,
)


def evaluate(tree: Any, values: Any) -> Any:
    """The expression over ints or Dims. Raises ZeroDivisionError as ints do."""
    kind = tree[0]
    if kind == "symbol":
        return values[tree[1]]
    if kind == "c":
        return tree[1]
    return OPERATIONS[kind](evaluate(tree[1], values), evaluate(tree[2], values))


def symbols(values: Any, guards: Guards) -> list[Dim]:
    return [Dim.symbol(name, value, guards) for name, value in zip(SYMBOLS, values, strict=True)]


def compute(size: Any, values: Any) -> int:
    """The size as plans evaluate it."""
    return int(eval(source(size), dict(zip(SYMBOLS, values, strict=True))))


@settings(max_examples=400, deadline=None)
@given(EXPRESSIONS, VALUES, OTHER_VALUES)
def test_expressions(tree: Any, traced: Any, other: Any) -> None:
    """The hint is the value in the traced call; the source gives the value in every call."""
    try:
        wanted, wanted_other = evaluate(tree, traced), evaluate(tree, other)
    except ZeroDivisionError:
        return
    guards = Guards()
    try:
        size = evaluate(tree, symbols(traced, guards))
    except ZeroDivisionError:
        return
    assert hint(size) == wanted
    assert compute(size, traced) == wanted
    if guards.compile(SYMBOLS)(*other):
        assert compute(size, other) == wanted_other


@settings(max_examples=300, deadline=None)
@given(EXPRESSIONS, EXPRESSIONS, st.sampled_from(COMPARISONS), VALUES, OTHER_VALUES)
def test_comparisons_and_their_guards(
    left: Any, right: Any, compare: Callable[[Any, Any], bool], traced: Any, other: Any
) -> None:
    """The answer is the traced call's; a call for which the guards hold has the same answer."""
    try:
        wanted = compare(evaluate(left, traced), evaluate(right, traced))
        elsewhere = compare(evaluate(left, other), evaluate(right, other))
    except ZeroDivisionError:
        return
    guards = Guards()
    sizes = symbols(traced, guards)
    try:
        answer = compare(evaluate(left, sizes), evaluate(right, sizes))
    except ZeroDivisionError:
        return
    assert bool(answer) == wanted
    fits = guards.compile(SYMBOLS)
    assert fits(*traced)
    if fits(*other):
        assert elsewhere == wanted


def test_sums_and_products_cancel() -> None:
    guards = Guards()
    a, b, _ = symbols((4, 6, 2), guards)
    assert a - a == 0
    assert same((a + b) * 2 - b * 2, a * 2)
    assert same(a * b // b, a)
    assert same((a * 6 + 9) // 3, a * 2 + 3)
    assert same(prod([a, 3, b]), b * a * 3)
    assert hash(a + b) == hash(b + a)
    assert not guards.conditions


def test_what_is_always_so_needs_no_guard() -> None:
    guards = Guards()
    a, b, _ = symbols((4, 6, 2), guards)
    assert a > 0
    assert a * b + 1 != 0
    assert not a < 0
    assert a == a + 0
    assert same(a, a)
    assert not same(a, b)
    assert not guards.conditions


def test_guards_hold_for_the_decision_that_was_made() -> None:
    guards = Guards()
    a, b, _ = symbols((4, 6, 2), guards)
    assert a != b
    fits = guards.compile(SYMBOLS)
    assert fits(4, 6, 2)
    assert fits(9, 8, 2)
    assert not fits(5, 5, 2)


def test_use_as_a_number_fixes_it() -> None:
    guards = Guards()
    a, b, _ = symbols((4, 6, 2), guards)
    assert list(range(8))[a] == 4
    assert int(a + b) == 10
    fits = guards.compile(SYMBOLS)
    assert fits(4, 6, 9)
    assert not fits(5, 6, 9)
    assert not fits(4, 7, 9)


def test_ones_and_zeros_are_settled() -> None:
    guards = Guards()
    a, b, _ = symbols((4, 5, 2), guards)
    assert settled(a) is a
    assert settled(b - a) == 1
    assert type(settled(b - a)) is int
    assert not guards.compile(SYMBOLS)(4, 7, 2)


@pytest.mark.parametrize("other", [1.5, None, {}])
def test_only_ints(other: Any) -> None:
    a = Dim.symbol("s0", 4, Guards())
    assert (a == other) is False
    for operation in (*OPERATIONS.values(), operator.lt, operator.ge):
        with pytest.raises(TypeError):
            operation(a, other)
