"""From the text of an LLVM module to its object file, in as many threads as call."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite.binding import ffi

from jitrt.codegen.kernel import CompileError
from jitrt.codegen.target import Target, native_llvm

llvm = native_llvm()
_thread = threading.local()


def emit_object(text: str, target: Target, name: str, pipeline: str, export: str | None) -> bytes:
    """The object file of a module after one of the pipelines of `Kernel.pipeline`.

    `export` is the one function that stays visible; with None, linkage is as the IR says.
    Raises CompileError, naming `name` and with the offending line.
    """
    with _optimised(text, target, name, pipeline, export) as module:
        return _emit(module, target, as_object=True)


def emit_assembly(text: str, target: Target, name: str, pipeline: str, export: str) -> str:
    """As `emit_object`, in assembler text."""
    with _optimised(text, target, name, pipeline, export) as module:
        return _emit(module, target, as_object=False).decode()


def optimised_ir(text: str, target: Target, name: str, pipeline: str, export: str) -> str:
    """As `emit_object`, but the IR that code would be emitted from."""
    with _optimised(text, target, name, pipeline, export) as module:
        return str(module)


@contextmanager
def _optimised(text: str, target: Target, name: str, pipeline: str, export: str | None) -> Iterator[Any]:
    """LLVM's module, closed at the end: the garbage collector could free its context first, and crash."""
    context = llvm.create_context()
    try:
        module = llvm.parse_assembly(text, context)
    except RuntimeError as error:
        raise CompileError(f"kernel {name}: {error}") from None
    try:
        _optimise(module, target, name, pipeline, export)
        yield module
    finally:
        module.close()
        context.close()


def _optimise(module: Any, target: Target, name: str, pipeline: str, export: str | None) -> None:
    try:
        module.verify()
    except RuntimeError as error:
        raise CompileError(f"kernel {name}: {error}") from None
    machine = _machine(target)
    module.triple = target.triple
    module.data_layout = str(machine.target_data)
    if export is not None:
        _internalise(module, export)
        if not any(function.name == export for function in module.functions):
            raise CompileError(f"kernel {name}: the IR defines no function {export}")
    if pipeline == "registers":
        _promote_variables(module, machine)
    elif pipeline != "none":
        builder = llvm.create_pass_builder(machine, _tuning(pipeline))
        _unlocked("LLVMPY_RunNewModulePassManager")(builder.getModulePassManager(), module, builder)


def _promote_variables(module: Any, machine: Any) -> None:
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=1))
    passes = llvm.create_new_function_pass_manager()
    passes.add_sroa_pass()
    passes.add_simplify_cfg_pass()
    for function in module.functions:
        if not function.is_declaration:
            passes.run(function, builder)


def _emit(module: Any, target: Target, as_object: bool) -> bytes:
    with ffi.OutputString() as error:
        emit = _unlocked("LLVMPY_TargetMachineEmitToMemory")
        memory = emit(_machine(target), module, int(as_object), error)
        if not memory:
            raise CompileError(str(error))
    try:
        return ctypes.string_at(ffi.lib.LLVMPY_GetBufferStart(memory), ffi.lib.LLVMPY_GetBufferSize(memory))
    finally:
        ffi.lib.LLVMPY_DisposeMemoryBuffer(memory)


def _unlocked(function: str) -> Any:
    """A function of llvmlite's library without the lock that llvmlite takes around every call.

    LLVM works on separate contexts in parallel: here each module has its own context, each thread its own
    target machine.
    """
    return getattr(ffi.lib, function)._cfn


def _machine(target: Target) -> Any:
    machines: dict[Target, Any] = _thread.__dict__.setdefault("machines", {})
    if target not in machines:
        description = llvm.Target.from_triple(target.triple)
        # constants near the code: LLVM keeps them in registers or folds them into instructions, where every
        # far one would need its address in a register first
        machines[target] = description.create_target_machine(
            cpu=target.cpu, features=target.features, opt=3, reloc="pic", codemodel="small", jit=True
        )
    return machines[target]


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
