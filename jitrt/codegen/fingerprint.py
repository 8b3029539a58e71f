"""A hash of what a Python function computes: its code, and what it reads from its module and its closure."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from jitrt.digest import blake2b

LIBRARIES = frozenset(
    ("cmath", "math", "numba", "numpy")
)  # what kernels take from these is known by its name
_known: WeakKeyDictionary[Callable[..., Any], str] = WeakKeyDictionary()


def fingerprint(function: Callable[..., Any]) -> str:
    """A text that changes with the function's code, the functions it calls and the constants it reads."""
    known = _known.get(function)
    if known is not None:
        return known
    digest = blake2b(repr(sys.version_info[:2]).encode(), digest_size=16)
    for part in _function(function, set()):
        digest.update(part.encode() + b"\x00")
    if function.__module__ != "__main__":  # in a notebook, the names that it reads may be bound anew
        _known[function] = digest.hexdigest()
    return digest.hexdigest()


def referenced(function: Callable[..., Any]) -> dict[str, Any]:
    """What the names in a function's code mean in its module."""
    names = set(attribute_names(function))
    return {name: value for name, value in function.__globals__.items() if name in names}


def attribute_names(function: Callable[..., Any]) -> list[str]:
    """The names of globals and attributes in a function's code, sorted."""

    def names(code: CodeType) -> set[str]:
        return set(code.co_names).union(*(names(c) for c in code.co_consts if isinstance(c, CodeType)))

    return sorted(names(function.__code__))


def plain_function(value: Any) -> FunctionType | None:
    """The Python function that `value` is, or that it wraps as Numba's dispatchers do."""
    value = getattr(value, "py_func", value)
    return value if isinstance(value, FunctionType) else None


def is_library(module: ModuleType) -> bool:
    """Whether kernels may use the module's functions without their source being read."""
    return module.__name__.split(".")[0] in LIBRARIES


def _function(function: Any, seen: set[int]) -> Iterator[str]:
    if id(function) in seen:
        yield "recursion"
        return
    seen.add(id(function))
    yield from _code(function.__code__)
    for cell in function.__closure__ or ():
        yield from _value(cell.cell_contents, function, seen)
    yield from _value(function.__defaults__, function, seen)
    for name, value in sorted(referenced(function).items()):
        yield name
        yield from _value(value, function, seen)


def _code(code: CodeType) -> Iterator[str]:
    yield code.co_code.hex()
    yield repr((code.co_names, code.co_varnames, code.co_freevars, code.co_argcount))
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _code(constant)
        else:
            yield repr(sorted(constant, key=repr) if isinstance(constant, frozenset) else constant)


def _value(value: Any, user: Any, seen: set[int]) -> Iterator[str]:
    function = plain_function(value)
    if function is not None:
        yield from _function(function, seen)
    elif isinstance(value, ModuleType):
        yield value.__name__
        if not is_library(value):
            for name in attribute_names(user):
                if name in vars(value):
                    yield name
                    yield from _value(vars(value)[name], user, seen)
    elif isinstance(value, np.ndarray):
        yield f"{value.dtype}{value.shape}{value.tobytes().hex()}"
    elif isinstance(value, tuple):
        yield str(len(value))
        for item in value:
            yield from _value(item, user, seen)
    else:
        yield repr(value)
