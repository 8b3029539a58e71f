"""Which modules define an operator, so that a model imports those alone and starts sooner.

The index is what importing all modules once has shown. It is kept on disk under a key of the modules' sizes
and times; where it is not there, all are imported.
"""

from __future__ import annotations

import importlib
import marshal
import sys
from collections.abc import Collection
from functools import cache

from jitrt.codegen import cache as disk
from jitrt.sources import stamp
from jitrt.version import __version__

PACKAGE = "jitrt.ops"
_defined_in: dict[str, list[str]] = {}  # operator -> modules, of those imported so far
_defined_outside: set[tuple[str, str]] = set()


def operators_of_users() -> Collection[tuple[str, str]]:
    """Domains and names of the operators that code outside of the package has defined in this process."""
    return _defined_outside


def note_definition(domain: str, name: str) -> None:
    """Note that the module being imported defines the operator."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_name != "<module>":
        frame = frame.f_back
    module = frame.f_globals.get("__name__", "")
    if module.startswith(f"{PACKAGE}."):
        modules = _defined_in.setdefault(f"{domain}:{name}", [])
        if module not in modules:
            modules.append(module)
    else:
        _defined_outside.add((domain, name))


@cache
def import_operator(domain: str, name: str) -> None:
    """Import the modules that define the operator."""
    index = _index()
    if index is None:
        import_all()
        return
    for module in index.get(f"{domain}:{name}", ()):
        importlib.import_module(module)


@cache
def import_all() -> None:
    """Import every module of operators."""
    import pkgutil

    package = importlib.import_module(PACKAGE)
    for module in pkgutil.walk_packages(package.__path__, f"{PACKAGE}."):
        if not module.name.rpartition(".")[2].startswith("_"):
            importlib.import_module(module.name)
    disk.put(_key(), marshal.dumps(_defined_in))


@cache
def _index() -> dict[str, list[str]] | None:
    payload = disk.get(_key())
    if payload is None:
        return None
    index: dict[str, list[str]] = marshal.loads(payload)
    return index


@cache
def _key() -> str:
    folder = importlib.import_module(PACKAGE).__path__[0]
    return f"operators {__version__} {sys.implementation.cache_tag} {stamp(folder)}"
