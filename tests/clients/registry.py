"""The clients by name."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Answer = Callable[[], Any]  # lists, dicts and tuples of arrays, numbers and strings


@dataclass(frozen=True)
class Client:
    """A library, and `prepare`, which loads its models and returns the call to compare and to time."""

    name: str
    modules: tuple[str, ...]
    prepare: Callable[[], Answer]
    tolerance: float

    def missing(self) -> list[str]:
        """The modules it needs that are not installed."""
        return [name for name in self.modules if not installed(name)]


def installed(module: str) -> bool:
    """Whether a module can be imported, which imports no more than the packages it is in."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # its package
        return False


CLIENTS: dict[str, Client] = {}


def client(*modules: str, tolerance: float = 1e-4) -> Callable[[Callable[[], Answer]], Callable[[], Answer]]:
    """Add a client that needs these modules; `tolerance` is of numbers, relative above 1."""

    def register(prepare: Callable[[], Answer]) -> Callable[[], Answer]:
        CLIENTS[prepare.__name__] = Client(prepare.__name__, modules, prepare, tolerance)
        return prepare

    return register
