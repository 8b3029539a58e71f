"""From LLVM IR to addresses: optimise, emit, keep on disk, link into this process."""

from __future__ import annotations

import contextlib
import itertools
import re
import threading
from collections.abc import Callable, Sequence
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding as llvm

from jitrt.codegen import cache as disk
from jitrt.codegen.kernel import Kernel
from jitrt.codegen.target import Target, host

_lock = threading.RLock()
_addresses: dict[tuple[str, Target], int] = {}
_linked: list[Any] = []  # code stays mapped for as long as a reference to its library lives
_serial = itertools.count()  # the linker takes no library name twice, not even after a failure


class CompileError(RuntimeError):
    """A kernel's LLVM IR does not parse, verify or link."""


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
            objects = [object_code(kernel, target) for kernel in missing.values()]
            addresses = link(objects, [symbol(kernel) for kernel in missing.values()])
            _addresses.update({(key, target): a for key, a in zip(missing, addresses, strict=True)})
        return [_addresses[k.key, target] for k in kernels]


def symbol(kernel: Kernel) -> str:
    """The name of the kernel's function in its module: readable, and distinct for distinct keys."""
    readable = re.sub("[^A-Za-z0-9]+", "_", kernel.name)
    return f"{readable}_{blake2b(kernel.key.encode(), digest_size=8).hexdigest()}"


def object_code(kernel: Kernel, target: Target | None = None) -> bytes:
    """The kernel's object file, from disk or built. Raises CompileError."""
    name = symbol(kernel)

    def build() -> str:
        return kernel.build(name)

    return cached_object(kernel.key, build, target, name=kernel.name, pipeline=kernel.pipeline, export=name)


def cached_object(
    key: str,
    build: Callable[[], str],
    target: Target | None = None,
    *,
    name: str = "",
    pipeline: str = "vector",
    export: str | None = None,
) -> bytes:
    """The object file of the LLVM IR module that `build` makes, from disk or built now.

    `key` stands for what `build` makes; the target and the versions of the code generators are added to it.
    `export` is the one function that stays visible; with None, linkage is as the IR says.
    Raises CompileError, naming `name`.
    """
    target = target or host()
    entry = f"object|{key}|{export}|{pipeline}|{target.triple}|{target.cpu}|{target.features}|{toolchain()}"
    kept = disk.get(entry)
    if kept is not None:
        return kept
    with _lock:
        module = _optimised(build(), target, name or key, pipeline, export)
        emitted: bytes = target.machine.emit_object(module)
    disk.put(entry, emitted)
    return emitted


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
    with _lock:
        return str(_optimised_kernel(kernel, target or host()))


def assembly(kernel: Kernel, target: Target | None = None) -> str:
    """The kernel's machine code as assembler text. Raises CompileError."""
    target = target or host()
    with _lock:
        text: str = target.machine.emit_assembly(_optimised_kernel(kernel, target))
    return text


@cache
def toolchain() -> str:
    """A hash that changes with the code generators' source and with llvmlite's version."""
    digest = blake2b(llvmlite.__version__.encode(), digest_size=16)
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()


@cache
def _linker() -> Any:
    return llvm.create_lljit_compiler(host().machine)


def _optimised_kernel(kernel: Kernel, target: Target) -> Any:
    name = symbol(kernel)
    return _optimised(kernel.build(name), target, kernel.name, kernel.pipeline, name)


def _optimised(text: str, target: Target, name: str, pipeline: str, export: str | None) -> Any:
    try:
        module = llvm.parse_assembly(text, llvm.create_context())
        module.verify()
    except RuntimeError as error:
        raise CompileError(f"kernel {name}: {error}") from None
    module.triple = target.triple
    module.data_layout = str(target.machine.target_data)
    if export is not None:
        _internalise(module, export)
        if not any(function.name == export for function in module.functions):
            raise CompileError(f"kernel {name}: the IR defines no function {export}")
    if pipeline == "none":
        return module
    builder = llvm.create_pass_builder(target.machine, _tuning(pipeline))
    builder.getModulePassManager().run(module, builder)
    return module


def _internalise(module: Any, export: str) -> None:
    """Make all but `export` local: LLVM then inlines or drops it, and it clashes with no other module."""
    for definition in (*module.functions, *module.global_variables):
        if not definition.is_declaration and definition.name != export:
            definition.linkage = "internal"


def _tuning(pipeline: str) -> Any:
    """What the pipelines let LLVM do.

    `vector`: the IR is vectors already, unrolled as its generator wants: inline, simplify, share, hoist.
    `loops`: the IR is scalar loops as Numba lowers them: vectorise, interleave and unroll as well.
    """
    loops = {"vector": False, "loops": True}[pipeline]
    tuning = llvm.create_pipeline_tuning_options(speed_level=3 if loops else 2)
    tuning.loop_vectorization = loops
    tuning.loop_interleaving = loops
    tuning.loop_unrolling = loops
    tuning.slp_vectorization = loops
    return tuning
