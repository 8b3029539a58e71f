"""From kernels to addresses: kept in memory, kept on disk, or built; then linked into this process."""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from threading import Thread
from typing import Any

import llvmlite

from jitrt import forks
from jitrt.codegen import cache as disk
from jitrt.codegen import elf
from jitrt.codegen.kernel import CompileError, Kernel
from jitrt.codegen.target import Target, host, native_llvm
from jitrt.digest import blake2b
from jitrt.errors import NotImplemented as NotImplementedHere
from jitrt.execute.cpus import allowed
from jitrt.sources import stamp

__all__ = ["CompileError", "assembly", "cached_object", "compile_kernels", "ir", "link", "symbol"]

_lock = threading.RLock()
forks.hold(_lock)  # no thread is inside LLVM, whose locks a child would find held for ever
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
    readable = "".join([c if c.isascii() and c.isalnum() else "_" for c in kernel.name])
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
        kept = _emitter().emit_object(build(), target, name or key, "vector", None)
        disk.put(entry, kept)
    return kept


def link(objects: Sequence[bytes], symbols: Sequence[str]) -> list[int]:
    """The addresses of `symbols`, defined in `objects`, which may call what the process has (libm).

    Raises CompileError for a symbol that nothing defines.
    """
    with _lock, contextlib.suppress(elf.UnknownObjectError):
        if elf.is_supported:
            return elf.load(objects, symbols)
    with _lock:
        library = native_llvm().JITLibraryBuilder().add_current_process()
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
    text: str = _emitter().optimised_ir(
        kernel.build(name), target or host(), kernel.name, kernel.pipeline, name
    )
    return text


def assembly(kernel: Kernel, target: Target | None = None) -> str:
    """The kernel's machine code as assembler text. Raises CompileError."""
    name = symbol(kernel)
    text: str = _emitter().emit_assembly(
        kernel.build(name), target or host(), kernel.name, kernel.pipeline, name
    )
    return text


@cache
def toolchain() -> str:
    """A hash that changes with the code generators' source and with llvmlite's version."""
    folder = os.path.dirname(__file__)
    entry = f"toolchain|{llvmlite.__version__}|{stamp(folder)}"
    kept = disk.get(entry)
    if kept is not None:
        return kept.decode()
    digest = blake2b(llvmlite.__version__.encode(), digest_size=16)
    for source in sorted(Path(folder).glob("*.py")):
        digest.update(source.read_bytes())
    disk.put(entry, digest.hexdigest().encode())
    return digest.hexdigest()


def _objects(kernels: Sequence[Kernel], target: Target) -> list[bytes]:
    """Each kernel's object file; those that are not on disk are built on all CPUs this process may use."""
    names = [symbol(kernel) for kernel in kernels]
    entries = [_entry(k.key, target, k.pipeline, name) for k, name in zip(kernels, names, strict=True)]
    objects = {entry: kept for entry in entries if (kept := disk.get(entry)) is not None}
    missing = {e: (k, n) for e, k, n in zip(entries, kernels, names, strict=True) if e not in objects}
    if missing:
        objects.update(zip(missing, _built(list(missing.values()), target), strict=True))
        for entry in missing:
            disk.put(entry, objects[entry])
    return [objects[entry] for entry in entries]


def _built(kernels: Sequence[tuple[Kernel, str]], target: Target) -> list[bytes]:
    """Object files of kernels under names: this thread writes the IR, others make machine code of it."""
    from queue import SimpleQueue

    emit_object = _emitter().emit_object
    written: SimpleQueue[tuple[int, str] | None] = SimpleQueue()
    made: list[bytes | Exception] = [b""] * len(kernels)

    def emit() -> None:
        while (item := written.get()) is not None:
            number, text = item
            kernel, name = kernels[number]
            try:
                made[number] = emit_object(text, target, kernel.name, kernel.pipeline, name)
            except Exception as error:
                made[number] = error

    threads = [Thread(target=emit, name="jitrt compile") for _ in range(min(len(allowed()), len(kernels)))]
    for thread in threads:
        thread.start()
    try:
        for number, (kernel, name) in enumerate(kernels):
            written.put((number, _source(kernel, name)))
    finally:
        for _ in threads:
            written.put(None)
        for thread in threads:
            thread.join()
    objects = [o for o in made if isinstance(o, bytes)]
    for failure in (o for o in made if isinstance(o, Exception)):
        raise failure
    return objects


def _source(kernel: Kernel, name: str) -> str:
    try:
        return kernel.build(name)
    except NotImplementedError as error:  # an operation on a type that does not have it
        raise NotImplementedHere(f"{kernel.name}: {error}") from None


def _entry(key: str, target: Target, pipeline: str, export: str | None) -> str:
    """The disk cache's key of an object file."""
    machine = f"{target.triple}|{target.cpu}|{target.features}"
    return f"object|{key}|{export}|{pipeline}|{machine}|{toolchain()}"


def _emitter() -> Any:
    """The module that makes code, and imports LLVM."""
    from jitrt.codegen import emit

    return emit


@cache
def _linker() -> Any:
    # LLVM's older linker ends the process where it finds room for code and constants only 2 GiB apart
    return native_llvm().create_lljit_compiler(host().machine, use_jit_link=True)
