"""Locks that are free whenever the process forks: a child finds nothing half made, and no lock held for ever.

A fork takes them in the opposite order to `hold`: the last one held is the outermost. The standard library's
logging has a hook of its own, which must take its lock after these, as threads do that log while they hold
one. Hooks run the newest first, so whoever brings logging into a thread with such a lock calls
`import_logging`.
"""

from __future__ import annotations

import os
import threading
from functools import cache
from types import ModuleType
from typing import Protocol


class Lock(Protocol):
    """A lock that a thread may take again while it has it."""

    def acquire(self) -> bool:
        """Wait for it."""

    def release(self) -> None:
        """Give it back."""


importing = threading.RLock()  # held to import on demand: a child would find a module half imported for ever
_locks: list[Lock] = [importing]


def hold(lock: Lock) -> None:
    """Take the lock in every fork, before those that were held earlier."""
    _locks.append(lock)


@cache
def import_logging() -> ModuleType:
    """The module `logging`, whose lock is taken after these from then on."""
    import logging

    _add_hook()
    return logging


def _add_hook() -> None:
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_take, after_in_parent=_give_back, after_in_child=_give_back)


def _take() -> None:
    for lock in reversed(_locks):
        lock.acquire()


def _give_back() -> None:
    for lock in _locks:
        lock.release()


_add_hook()
