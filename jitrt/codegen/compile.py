"""From kernels to addresses: kept in memory, kept on disk, or built; then linked into this process."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import threading
from collections.abc import Callable, Sequence
from concurrent.futures.thread import ThreadPoolExecutor
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding as llvm

from jitrt.codegen import cache as disk
from jitrt.codegen import emit
from jitrt.codegen.emit import CompileError
from jitrt.codegen.kernel import Kernel
from jitrt.codegen.target import Target, host
from jitrt.errors import NotImplemented as NotImplementedHere

__all__ = ["CompileError", "assembly", "cached_object", "compile_kernels", "ir", "link", "symbol"]

_lock = threading.RLock()
_addresses: dict[tuple[str, Target], int] = {}
_linked: list[Any] = []  # code stays mapped for as long as a reference to its library lives
_serial = itertools.count()  # the linker takes no library name twice, not even after a failure


def compile_kernels(kernels: Sequence[Kernel], target: Target | None = None) -> list[int]:
    """The address of each kernel's machine code, valid for the life of the process.

    Looks in memory, then on disk, then builds. Raises CompileError.
    """
    target = target or host()
    with contextlib.suppress(KeyError):  # what is known needs no lock, which a build may hold for long
        return [_addresses[k.key, target] for k in kernels]
    with _lock:
        missing = {k.key: k for k in kernels if (k.key, target) not in _addresses}
        if missing:
            objects = _objects(list(missing.values()), target)
            addresses = link(objects, [symbol(kernel) for kernel in missing.values()])
            _addresses.update({(key, target): a for key, a in zip(missing, addresses, strict=True)})
        return [_addresses[k.key, target] for k in kernels]


def symbol(kernel: Kernel) -> str:
    """The name of the kernel's function in its module: readable, and distinct for distinct keys."""
    readable = re.sub("[^A-Za-z0-9]+", "_", kernel.name)
    return f"{readable}_{blake2b(kernel.key.encode(), digest_size=8).hexdigest()}"


def cached_object(
    key: str, build: Callable[[], str], target: Target | None = None, *, name: str = ""
) -> bytes:
    """The object file of the LLVM module that `build` makes, from disk or built now, linkage as its IR says.

    `key` stands for what `build` makes; the target and the versions of the code generators are added to it.
    Raises CompileError, naming `name`.
    """
    target = target or host()
    entry = _entry(key, target, "vector", None)
    kept = disk.get(entry)
    if kept is None:
        kept = emit.emit_object(build(), target, name or key, "vector", None)
        disk.put(entry, kept)
    return kept


def link(objects: Sequence[bytes], symbols: Sequence[str]) -> list[int]:
    """The addresses of `symbols`, defined in `objects`, which may call what the process has (libm).

    Raises CompileError for a symbol that nothing defines.
    """
    with _lock:
        library = llvm.JITLibraryBuilder().add_current_process()
        for image in objects:
            library.add_object_img(image)
        for exported in symbols:
            library.export_symbol(exported)
        try:
            linked = library.link(_linker(), f"jitrt{next(_serial)}")
        except RuntimeError as error:
            raise CompileError(f"linking failed: {error}") from None
        _linked.append(linked)
        return [linked[exported] for exported in symbols]


def ir(kernel: Kernel, target: Target | None = None) -> str:
    """The kernel's LLVM IR after optimisation. Raises CompileError."""
    name = symbol(kernel)
    return emit.optimised_ir(kernel.build(name), target or host(), kernel.name, kernel.pipeline, name)


def assembly(kernel: Kernel, target: Target | None = None) -> str:
    """The kernel's machine code as assembler text. Raises CompileError."""
    name = symbol(kernel)
    return emit.emit_assembly(kernel.build(name), target or host(), kernel.name, kernel.pipeline, name)


@cache
def toolchain() -> str:
    """A hash that changes with the code generators' source and with llvmlite's version."""
    digest = blake2b(llvmlite.__version__.encode(), digest_size=16)
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()


def _objects(kernels: Sequence[Kernel], target: Target) -> list[bytes]:
    """Each kernel's object file; those that are not on disk are built on all CPUs this process may use."""
    names = [symbol(kernel) for kernel in kernels]
    entries = [_entry(k.key, target, k.pipeline, name) for k, name in zip(kernels, names, strict=True)]
    objects = {entry: kept for entry in entries if (kept := disk.get(entry)) is not None}
    if len(objects) < len(entries):
        with ThreadPoolExecutor(min(_cpus(), len(entries) - len(objects))) as pool:
            building = {
                entry: pool.submit(emit.emit_object, _source(k, name), target, k.name, k.pipeline, name)
                for entry, k, name in zip(entries, kernels, names, strict=True)
                if entry not in objects
            }
        for entry, future in building.items():
            objects[entry] = future.result()
            disk.put(entry, objects[entry])
    return [objects[entry] for entry in entries]


def _source(kernel: Kernel, name: str) -> str:
    try:
        return kernel.build(name)
    except NotImplementedError as error:  # an operation on a type that does not have it
        raise NotImplementedHere(f"{kernel.name}: {error}") from None


def _entry(key: str, target: Target, pipeline: str, export: str | None) -> str:
    """The disk cache's key of an object file."""
    machine = f"{target.triple}|{target.cpu}|{target.features}"
    return f"object|{key}|{export}|{pipeline}|{machine}|{toolchain()}"


def _cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _linker() -> Any:
    # LLVM's older linker ends the process where it finds room for code and constants only 2 GiB apart
    return llvm.create_lljit_compiler(host().machine, use_jit_link=True)


# No thread is inside LLVM while the process forks: the child would find its locks held for ever. The hooks of
# logging and concurrent.futures, imported above, are older than this one, and so take their locks after it.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)
