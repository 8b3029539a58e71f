"""Whether results may depend, in their last bits, on how many rows are computed at once.

Low tiles of a product have few sums, and are quicker with several sets of them, each over some of the k. A
row's result then depends on its tile's height, which depends on how many rows there are: on the batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_invariant: ContextVar[bool] = ContextVar("batch invariant", default=False)


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
