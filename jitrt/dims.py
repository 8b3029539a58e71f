"""Symbolic sizes: integers that remember how they were computed from the dimensions of the inputs.

The tracer binds every dynamic dimension to a `Dim`: a polynomial over symbols together with its value in
the traced call (the hint). Shape rules compute with it as with an int. Whoever decides on a size (`==`,
`<`, `bool`, use as an index) gets the hint's answer, and the decision is recorded as a guard; another
call whose sizes satisfy every guard can use the same schedule with new numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from math import prod as _prod
from typing import Any, Union

Size = Union[int, "Dim"]
Monomial = tuple[str, ...]
Terms = dict[Monomial, int]


class Guards:
    """The decisions of one trace, each an expression in Python syntax that must be true again.

    `traced` are the symbols' values in the traced call, where hints may stand for others.
    """

    def __init__(self) -> None:
        self.conditions: dict[str, None] = {}
        self.traced: dict[str, int] = {}

    def record(self, condition: str) -> None:
        """Add a condition, once."""
        self.conditions[condition] = None

    def compile(self, symbols: Iterable[str]) -> Callable[..., bool]:
        """A function of the symbols' values that tells whether all conditions hold."""
        return compile_guards(self.conditions, symbols)


def compile_guards(conditions: Iterable[str], symbols: Iterable[str]) -> Callable[..., bool]:
    """A function of the symbols' values that tells whether all conditions hold."""
    body = " and ".join(conditions) or "True"
    return eval(f"lambda {', '.join(symbols)}: {body}", {"max": max, "min": min})  # type: ignore[no-any-return]


class Dim:
    """A symbolic size. Supports the arithmetic of a non-negative int; comparisons record guards."""

    __slots__ = ("guards", "hint", "terms")

    def __init__(self, terms: Terms, hint: int, guards: Guards) -> None:
        self.terms, self.hint, self.guards = terms, hint, guards

    @classmethod
    def symbol(cls, name: str, hint: int, guards: Guards) -> Dim:
        """A fresh symbol with its value in the traced call."""
        return cls({(name,): 1}, hint, guards)

    def __str__(self) -> str:
        return source(self)

    def __repr__(self) -> str:
        return f"Dim({source(self)}={self.hint})"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    # arithmetic

    def _make(self, terms: Terms, hint: int) -> Size:
        terms = {m: c for m, c in terms.items() if c}
        if not terms:
            return 0
        if len(terms) == 1 and () in terms:
            return terms[()]
        return Dim(terms, hint, self.guards)

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, (int, Dim)):
            return NotImplemented
        terms = dict(self.terms)
        for monomial, factor in terms_of(other).items():
            terms[monomial] = terms.get(monomial, 0) + factor
        return self._make(terms, self.hint + hint(other))

    __radd__ = __add__

    def __mul__(self, other: Any) -> Any:
        if not isinstance(other, (int, Dim)):
            return NotImplemented
        terms: Terms = {}
        for m, c in self.terms.items():
            for n, d in terms_of(other).items():
                key = tuple(sorted(m + n))
                terms[key] = terms.get(key, 0) + c * d
        return self._make(terms, self.hint * hint(other))

    __rmul__ = __mul__

    def __neg__(self) -> Any:
        return self * -1

    def __sub__(self, other: Any) -> Any:
        return NotImplemented if not isinstance(other, (int, Dim)) else self + other * -1

    def __rsub__(self, other: Any) -> Any:
        return NotImplemented if not isinstance(other, (int, Dim)) else self * -1 + other

    def __floordiv__(self, other: Any) -> Any:
        return NotImplemented if not isinstance(other, (int, Dim)) else _divide(self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return NotImplemented if not isinstance(other, (int, Dim)) else _divide(other, self)

    def __mod__(self, other: Any) -> Any:
        return NotImplemented if not isinstance(other, (int, Dim)) else self - _divide(self, other) * other

    def __rmod__(self, other: Any) -> Any:
        return NotImplemented if not isinstance(other, (int, Dim)) else other - _divide(other, self) * self

    # decisions

    def _decide(self, operator: str, other: Any, answer: bool) -> bool:
        difference = self - other
        if isinstance(difference, int):
            return bool(eval(f"{difference} {operator} 0"))
        if operator in (">=", ">", "<", "<=", "==", "!=") and _is_positive(difference):
            return operator in (">=", ">", "!=")
        negated = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}[operator]
        self.guards.record(f"{source(difference)} {operator if answer else negated} 0")
        return answer

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (int, Dim)):
            return NotImplemented
        return self._decide("==", other, self.hint == hint(other))

    def __ne__(self, other: object) -> bool:
        if not isinstance(other, (int, Dim)):
            return NotImplemented
        return self._decide("!=", other, self.hint != hint(other))

    def __lt__(self, other: Size) -> bool:
        return self._decide("<", other, self.hint < hint(other))

    def __le__(self, other: Size) -> bool:
        return self._decide("<=", other, self.hint <= hint(other))

    def __gt__(self, other: Size) -> bool:
        return self._decide(">", other, self.hint > hint(other))

    def __ge__(self, other: Size) -> bool:
        return self._decide(">=", other, self.hint >= hint(other))

    def __bool__(self) -> bool:
        return self != 0

    def __hash__(self) -> int:
        return hash(frozenset(self.terms.items()))

    def __index__(self) -> int:
        self.guards.record(f"{source(self)} == {self.hint}")
        return self.hint

    __int__ = __index__


def hint(size: Size) -> int:
    """The value of a size in the traced call, without recording a guard."""
    return size.hint if isinstance(size, Dim) else int(size)


def traced(size: Size) -> int:
    """The value of a size in the traced call itself, even where its hint stands for another; no guard."""
    if not isinstance(size, Dim):
        return size
    return int(eval(source(size), {"max": max, "min": min}, size.guards.traced))


def is_below(size: Size, limit: int) -> bool:
    """Whether a size is below a limit in the traced call itself."""
    answer = traced(size) < limit
    if isinstance(size, Dim):
        size.guards.record(f"{source(size)} {'<' if answer else '>='} {limit}")
    return answer


def prod(sizes: Iterable[Size]) -> Size:
    """The product, 1 for none."""
    return reduce(lambda a, b: a * b, sizes, 1)


def same(a: Size, b: Size) -> bool:
    """Whether two sizes are equal for every value of the symbols; decides nothing, records nothing."""
    if isinstance(a, Dim):
        return isinstance(b, Dim) and a.terms == b.terms
    return not isinstance(b, Dim) and a == b


def settled(size: Size) -> Size:
    """The size, or the number it is where that is 0 or 1, which decides what broadcasts and what is empty."""
    return int(size) if isinstance(size, Dim) and size.hint < 2 else size


def terms_of(size: Size) -> Terms:
    """The size as a sum: factors of monomials, a number's of the empty one."""
    return size.terms if isinstance(size, Dim) else {(): int(size)}


def _is_positive(size: Dim) -> bool:
    """Symbols stand for dimensions of one and more, so positive terms alone make a positive size."""
    return all(c > 0 for c in size.terms.values()) and all("//" not in s for m in size.terms for s in m)


def _divide(a: Size, b: Size) -> Size:
    if isinstance(b, int) and isinstance(a, Dim) and b and all(c % b == 0 for c in a.terms.values()):
        return a._make({m: c // b for m, c in a.terms.items()}, a.hint // b)
    exact = _divide_exactly(a, b)
    if exact is not None:
        return exact
    guards = a.guards if isinstance(a, Dim) else b.guards  # type: ignore[union-attr]
    return Dim({(f"(({source(a)})//({source(b)}))",): 1}, hint(a) // hint(b), guards)


def _divide_exactly(a: Size, b: Size) -> Size | None:
    """a / b where b is a single monomial that divides every term of a."""
    divisor = terms_of(b)
    if not isinstance(a, Dim) or len(divisor) != 1 or not hint(b):
        return None
    (monomial, factor), terms = next(iter(divisor.items())), {}
    for m, c in a.terms.items():
        rest = list(m)
        for symbol in monomial:
            if symbol not in rest:
                return None
            rest.remove(symbol)
        if c % factor:
            return None
        terms[tuple(rest)] = c // factor
    return a._make(terms, a.hint // hint(b))


def source(size: Size) -> str:
    """The size as a Python expression over its symbols."""
    if not isinstance(size, Dim):
        return str(int(size))
    parts = []
    for monomial, factor in sorted(size.terms.items()):
        factors = list(monomial) if factor == 1 and monomial else [str(factor), *monomial]
        parts.append("*".join(factors))
    return " + ".join(parts) if len(parts) < 2 else f"({' + '.join(parts)})"


def concrete(sizes: Iterable[Size]) -> tuple[int, ...]:
    """The hints of several sizes."""
    return tuple(hint(s) for s in sizes)


def count(shape: Iterable[int]) -> int:
    """The number of elements of a concrete shape."""
    return _prod(shape)
