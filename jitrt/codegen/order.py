"""What the user has a say in: which of the ways that differ in the last bits results are computed in.

Low tiles of a product have few sums, and are quicker with several sets of them, each over some of the k. A
row's result then depends on its tile's height, which depends on how many rows there are: on the batch.
Winograd's convolutions have fewer multiplications and more roundings than the sum that they are. And where
float32 numbers are multiplied part by part, some parts can be left out; see `split`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_invariant: ContextVar[bool] = ContextVar("batch invariant", default=False)
_winograd: ContextVar[bool] = ContextVar("winograd", default=True)
_parts: ContextVar[int] = ContextVar("parts", default=3)


@contextmanager
def batch_invariant(wanted: bool) -> Iterator[None]:
    """Where wanted, kernels made in the block sum a row up in one order, whatever the number of rows."""
    token = _invariant.set(wanted)
    try:
        yield
    finally:
        _invariant.reset(token)


def is_batch_invariant() -> bool:
    """Whether kernels that are made now sum a row up in one order."""
    return _invariant.get()


@contextmanager
def winograd(allowed: bool) -> Iterator[None]:
    """Whether convolutions made in the block may be computed so."""
    token = _winograd.set(allowed)
    try:
        yield
    finally:
        _winograd.reset(token)


def is_winograd_allowed() -> bool:
    """Whether convolutions that are made now may be computed so."""
    return _winograd.get()


@contextmanager
def parts_of_numbers(most: int) -> Iterator[None]:
    """At most so many bfloat16 parts stand for a float32 number in products made in the block."""
    token = _parts.set(most)
    try:
        yield
    finally:
        _parts.reset(token)


def most_parts() -> int:
    """How many parts may stand for a number in products that are made now."""
    return _parts.get()
