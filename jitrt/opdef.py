"""What an operator is, and how a file in `ops/` defines one.

Elementwise operators are one scalar function:

    @elementwise("Relu", since=14)
    def relu(X):
        return maximum(X, 0)

Every other operator is a function over traced tensors that gives its outputs, built from elementwise
functions, reductions, views, other operators, or kernels:

    @operator("Gather", since=13)
    def gather(data, indices, *, axis=0): ...

Attributes are keyword arguments, their defaults the spec's. Absent optional inputs are None.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from types import FunctionType
from typing import Any

from jitrt.errors import NotImplemented as NotImplementedHere
from jitrt.operator_index import import_all, import_operator, note_definition
from jitrt.tensor import map_tensors


@dataclass(eq=False)
class Operator:
    """One operator from opset version `since` on. `definition` takes traced tensors and attributes.

    `scalar` is the function over `Expr` where the operator is elementwise. `numpy` computes the operator on
    NumPy arrays: the fold of constants, and what runs between native segments for inputs that no kernel reads
    (strings, complex numbers) or where the definition raises RunsOnHostError; `prepare` makes that function
    for given attributes, where it needs tables. `gpu` gives CUDA C++ source
    where the operator has a hand-written kernel; the generated kernels need none. A `host` operator runs on
    arrays between native segments; one that `inlines` gives a graph to run in its place. `traced` is the
    definition over tensors of an operator with bodies; it raises RunsOnHostError for what is not one kernel
    after the other. The outputs of an operator that `gives_strings` are strings: always where it is a `host`
    operator, else where an input is one, as for those that move elements.
    """

    domain: str
    name: str
    since: int
    definition: Callable[..., Any]
    scalar: Callable[..., Any] | None = None
    host: bool = False
    inlines: bool = False
    gives_strings: bool = False
    fold: Callable[..., Any] | None = None
    prepare: Callable[..., Callable[..., Any]] | None = None
    traced: Callable[..., Any] | None = None
    cuda: Callable[..., Any] | None = None
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def location(self) -> str:
        """`file:line` of the definition."""
        code = inspect.unwrap(self.scalar or self.definition).__code__
        return f"{code.co_filename}:{code.co_firstlineno}"

    def numpy(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Decorator: the operator on NumPy arrays."""
        self.fold = function
        return function

    def prepared(self, prepare: Callable[..., Callable[..., Any]]) -> Callable[..., Callable[..., Any]]:
        """Decorator: a function of the attributes that gives the operator on NumPy arrays."""
        self.prepare = prepare
        self.fold = lambda *values, **attributes: prepare(**attributes)(*values)
        return prepare

    def on_arrays(self, attributes: dict[str, Any]) -> Callable[..., Any]:
        """The operator on arrays and Python values, with these attributes."""
        if self.prepare is not None:
            return self.prepare(**attributes)
        function = self.definition if self.host else self.fold
        assert function is not None
        return partial(function, **attributes)

    def native(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Decorator: the operator on traced tensors, where its bodies are functions of such."""
        self.traced = function
        return function

    def gpu(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Decorator: the operator's CUDA C++ source."""
        self.cuda = function
        return function

    def checked(self, given: dict[str, Any], where: str) -> dict[str, Any]:
        """Given attributes, checked against the definition. Raises NotImplemented for one unknown here."""
        for name in given:
            if name not in self.attributes:
                raise NotImplementedHere(f"{where}: attribute {name!r} is not implemented ({self.location})")
        return given

    def __call__(self, *inputs: Any, **attributes: Any) -> Any:
        """Apply the operator to traced tensors."""
        return self.definition(*inputs, **attributes)


REQUIRED = inspect.Parameter.empty
_registry: dict[tuple[str, str], list[Operator]] = {}


def _register(entry: Operator) -> Operator:
    entry.attributes = _keywords(entry.scalar or entry.definition)
    versions = _registry.setdefault((entry.domain, entry.name), [])
    for other in versions:
        if other.since == entry.since:
            first, second = other.location, entry.location
            raise ValueError(
                f"{entry.name} since version {entry.since} is defined twice: {first} and {second}"
            )
    note_definition(entry.domain, entry.name)
    versions.append(entry)
    versions.sort(key=lambda o: o.since)
    return entry


def _keywords(function: Callable[..., Any]) -> dict[str, Any]:
    """The keyword-only parameters and their defaults; REQUIRED for none."""
    if hasattr(function, "__wrapped__") or not isinstance(function, FunctionType):
        parameters = inspect.signature(function).parameters.values()
        return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
    code, defaults = function.__code__, function.__kwdefaults__ or {}  # in a fiftieth of the time
    first = code.co_argcount
    names = code.co_varnames[first : first + code.co_kwonlyargcount]
    return {name: defaults.get(name, REQUIRED) for name in names}


def remove(domain: str, name: str, since: int) -> None:
    """Forget the operator's version, if it is there."""
    versions = _registry.get((domain, name), [])
    versions[:] = [o for o in versions if o.since != since]


def elementwise(name: str, *, since: int, domain: str = "") -> Callable[[Callable[..., Any]], Operator]:
    """Register a scalar function over `Expr` as an operator, with NumPy's broadcasting."""

    def register(scalar: Callable[..., Any]) -> Operator:
        def definition(*inputs: Any, **attributes: Any) -> Any:
            return map_tensors(lambda *x: scalar(*x, **attributes), *inputs)

        return _register(Operator(domain, name, since, definition, scalar))

    return register


def operator(name: str, *, since: int, domain: str = "") -> Callable[[Callable[..., Any]], Operator]:
    """Register a function over traced tensors as an operator."""
    return lambda definition: _register(Operator(domain, name, since, definition))


def host_operator(
    name: str, *, since: int, domain: str = "", gives_strings: bool = False
) -> Callable[[Callable[..., Any]], Operator]:
    """Register a function over NumPy arrays and Python values that runs between native segments.

    For strings, sequences, optionals and maps, and where shapes depend on data. The function may take
    `body` callables for its graph attributes.
    """
    return lambda definition: _register(
        Operator(domain, name, since, definition, host=True, gives_strings=gives_strings)
    )


def inlining_operator(name: str, *, since: int, domain: str = "") -> Callable[[Callable[..., Any]], Operator]:
    """Register a function that picks the body graph to run in the operator's place."""
    return lambda definition: _register(Operator(domain, name, since, definition, inlines=True))


def operators() -> list[Operator]:
    """Every registered operator and version."""
    import_all()
    return [entry for versions in _registry.values() for entry in versions]


def lookup(domain: str, name: str, version: int) -> Operator | None:
    """The operator that a model importing opset `version` of `domain` means, or None."""
    import_operator(domain, name)
    found = [o for o in _registry.get((domain, name), ()) if o.since <= version]
    return found[-1] if found else None
