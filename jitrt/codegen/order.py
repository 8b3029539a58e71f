"""What the user has a say in: which of the ways that differ in the last bits results are computed in.

Low tiles of a product have few sums, and are quicker with several sets of them, each over some of the k. A
row's result then depends on its tile's height, which depends on how many rows there are: on the batch. And
Winograd's convolutions have fewer multiplications and more roundings than the sum that they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_invariant: ContextVar[bool] = ContextVar("batch invariant", default=False)
_winograd: ContextVar[bool] = ContextVar("winograd", default=True)


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
