"""The one place that uses Numba's insides: from a Python function to LLVM IR that Numba did not optimise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from types import CellType, FunctionType, ModuleType
from typing import Any

import numba
from numba import types
from numba.core import codegen, compiler, ir
from numba.core.compiler_lock import global_compiler_lock
from numba.core.compiler_machinery import FunctionPass, register_pass
from numba.core.cpu_options import FastMathOptions
from numba.core.errors import NumbaError
from numba.core.registry import cpu_target
from numba.core.typed_passes import NopythonTypeInference
from numba.np.numpy_support import from_dtype

from jitrt.codegen.fingerprint import attribute_names, is_library, plain_function, referenced
from jitrt.codegen.numba_ir import (
    ArrayArg,
    Lowered,
    Parameter,
    fast_math_flags,
    has_scratch,
    has_wraparound,
)
from jitrt.errors import Fail


class _UnoptimisedLibrary(codegen.JITCodeLibrary):  # type: ignore[misc]
    def _optimize_functions(self, ll_module: Any) -> None:
        pass

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_specific(self) -> None:
        pass


class _UnoptimisedCodegen(codegen.JITCPUCodegen):  # type: ignore[misc]
    _library_class = _UnoptimisedLibrary


@register_pass(mutates_CFG=False, analysis_only=False)
class _NonNegativeIndices(FunctionPass):  # type: ignore[misc]
    """Index arrays with unsigned integers.

    Numba adds the axis's size to a negative index, and unless LLVM can prove that no index is negative, that
    choice keeps it from seeing consecutive addresses: a loop over `X[i * stride + k]` would become gathers.
    """

    _name = "jitrt_non_negative_indices"

    def __init__(self) -> None:
        FunctionPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        changed = {}
        for use, signature in state.calltypes.items():
            is_index = isinstance(use, ir.SetItem) or (isinstance(use, ir.Expr) and use.op == "getitem")
            if is_index and isinstance(signature.args[0], types.Array):
                array, index, *value = signature.args
                changed[use] = signature.replace(args=(array, _unsigned(index), *value))
        state.calltypes.update(changed)
        return True


class _KernelCompiler(compiler.CompilerBase):  # type: ignore[misc]
    def define_pipelines(self) -> list[Any]:
        passes = compiler.DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.add_pass_after(_NonNegativeIndices, NopythonTypeInference)
        passes.finalize()
        return [passes]


def _unsigned(index: Any) -> Any:
    if isinstance(index, types.BaseTuple):
        return types.BaseTuple.from_types([_unsigned(i) for i in index])
    return types.uint64 if isinstance(index, types.Integer) else index


def lower(function: Callable[..., Any], parameters: Sequence[Parameter]) -> Lowered:
    """The function in LLVM IR, linked with all that it calls.

    Raises TypeError if it returns anything but an int64 or nothing, and Fail for code that Numba does not
    compile.
    """
    try:
        return _lower(function, parameters)
    except NumbaError as error:
        raise Fail(f"kernel {function.__name__} does not compile: {error}") from None


def _lower(function: Callable[..., Any], parameters: Sequence[Parameter]) -> Lowered:
    fast_math = set(fast_math_flags(function))
    pipeline = compiler.Compiler if has_wraparound(function) else _KernelCompiler
    kinds = [*map(_numba_type, parameters), types.int64, types.int64]
    if has_scratch(function):
        kinds.append(types.Array(types.uint8, 1, "C"))
    flags = compiler.Flags()
    flags.nrt = False
    flags.error_model = "numpy"
    flags.no_cpython_wrapper = True
    flags.no_cfunc_wrapper = True
    flags.no_compile = True
    flags.forceinline = True
    flags.fastmath = FastMathOptions(fast_math)
    with global_compiler_lock, _own_libraries():
        cpu_target.target_context.refresh()
        library = _codegen().create_library(function.__name__)
        compiled = compiler.compile_extra(
            cpu_target.typing_context,
            cpu_target.target_context,
            _Callees(fast_math, pipeline).copy(function),
            tuple(kinds),
            None,
            flags,
            {},
            library=library,
            pipeline_class=pipeline,
        )
        library.finalize()
        text = library.get_llvm_str()
    returned = compiled.signature.return_type
    is_status = isinstance(returned, types.Integer) and returned.signed and returned.bitwidth == 64
    if returned != types.none and not is_status:
        raise TypeError(f"kernel {function.__name__}: expected to return an int64 or nothing, got {returned}")
    return Lowered(compiled.fndesc.llvm_func_name, is_status, text)


@cache
def _codegen() -> Any:
    return _UnoptimisedCodegen("jitrt")


@contextmanager
def _own_libraries() -> Iterator[None]:
    """What the kernel calls is not optimised by Numba either: it vectorises for narrower registers."""
    context = cpu_target.target_context
    theirs, context._internal_codegen = context._internal_codegen, _codegen()
    try:
        yield
    finally:
        context._internal_codegen = theirs


def _numba_type(parameter: Parameter) -> Any:
    if isinstance(parameter, ArrayArg):
        return types.Array(from_dtype(parameter.dtype), parameter.ndim, "C" if parameter.contiguous else "A")
    return from_dtype(parameter)


class _Callees:
    """The Python functions that a kernel calls, as functions that Numba compiles on demand.

    Nothing is decorated where it is written, because importing an operator must not import Numba.
    """

    def __init__(self, fast_math: set[str], pipeline: Any) -> None:
        self._options = {
            "fastmath": fast_math,
            "error_model": "numpy",
            "no_cpython_wrapper": True,
            "no_cfunc_wrapper": True,
            "forceinline": True,
            "_nrt": False,
            "pipeline_class": pipeline,
        }
        self._compiled: dict[int, Any] = {}

    def copy(self, function: Any) -> FunctionType:
        """`function` with every Python function that it names replaced by the compiled one."""
        scope = dict(function.__globals__)
        cells = tuple(CellType() for _ in function.__closure__ or ())
        copy = FunctionType(function.__code__, scope, function.__name__, function.__defaults__, cells)
        copy.__module__ = function.__module__
        self._compiled[id(function)] = numba.njit(**self._options)(copy)  # before its own name is looked up
        for name, value in referenced(function).items():
            scope[name] = self._replacement(value, function)
        for cell, original in zip(cells, function.__closure__ or (), strict=True):
            cell.cell_contents = self._replacement(original.cell_contents, function)
        return copy

    def _replacement(self, value: Any, user: Any) -> Any:
        function = plain_function(value)
        if function is not None:
            if id(function) not in self._compiled:
                self.copy(function)
            return self._compiled[id(function)]
        if isinstance(value, ModuleType) and not is_library(value):
            module = ModuleType(value.__name__)
            for name in attribute_names(user):
                if name in vars(value):
                    setattr(module, name, self._replacement(vars(value)[name], user))
            return module
        return value
