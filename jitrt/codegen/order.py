"""What the user has a say in: which of the ways that differ in the last bits results are computed in.

Low tiles of a product have few sums, and are quicker with several sets of them, each over some of the k. A
row's result then depends on its tile's height, which depends on how many rows there are: on the batch.
Winograd's convolutions have fewer multiplications and more roundings than the sum that they are. And where
float32 numbers are multiplied part by part, some parts can be left out; see `split`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import TypeVar

Value = TypeVar("Value")

_invariant: ContextVar[bool] = ContextVar("batch invariant", default=False)
_winograd: ContextVar[bool] = ContextVar("winograd", default=True)
_parts: ContextVar[int] = ContextVar("parts", default=3)


def batch_invariant(wanted: bool) -> AbstractContextManager[None]:
    """Where wanted, kernels made in the block sum a row up in one order, whatever the number of rows."""
    return _set(_invariant, wanted)


def is_batch_invariant() -> bool:
    """Whether kernels that are made now sum a row up in one order."""
    return _invariant.get()


def winograd(allowed: bool) -> AbstractContextManager[None]:
    """Whether convolutions made in the block may be computed so."""
    return _set(_winograd, allowed)


def is_winograd_allowed() -> bool:
    """Whether convolutions that are made now may be computed so."""
    return _winograd.get()


def parts_of_numbers(most: int) -> AbstractContextManager[None]:
    """At most so many bfloat16 parts stand for a float32 number in products made in the block."""
    return _set(_parts, most)


def most_parts() -> int:
    """How many parts may stand for a number in products that are made now."""
    return _parts.get()


@contextmanager
def _set(variable: ContextVar[Value], value: Value) -> Iterator[None]:
    token = variable.set(value)
    try:
        yield
    finally:
        variable.reset(token)
