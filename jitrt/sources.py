"""Which sources run here, told from their names, sizes and times, as Python tells whether a .pyc is stale."""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module

from jitrt.digest import blake2b


@cache
def stamp(folder: str) -> str:
    """A hash that changes when a Python file in the folder, or in one under it, is written."""
    files = ((path, os.stat(path)) for path in _files(folder))
    listing = "\n".join(f"{path} {status.st_size} {status.st_mtime_ns}" for path, status in files)
    return blake2b(listing.encode(), digest_size=16).hexdigest()


@cache
def package_stamp() -> str:
    """A hash that changes with any source of this package, operators included."""
    folders = [os.path.dirname(__file__), *import_module("jitrt.ops").__path__]
    return blake2b("".join(map(stamp, folders)).encode(), digest_size=16).hexdigest()


def _files(folder: str) -> list[str]:
    found: list[str] = []
    for entry in os.scandir(folder):  # in a tenth of the time that Path.rglob takes
        if entry.name.endswith(".py"):
            found.append(entry.path)
        elif "." not in entry.name and entry.name != "__pycache__" and entry.is_dir():
            found += _files(entry.path)
    return sorted(found)
