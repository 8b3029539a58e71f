"""Kernels written as plain Python functions, turned into LLVM IR by Numba once and kept on disk as text.

    def gather(Y, X, indices, begin, end):
        for i in range(begin, end):
            for j in range(X.shape[1]):
                Y[i, j] = X[indices[i], j]

Arrays come first (outputs, then inputs), then scalars (int64 or float64), then `begin, end`; a parameter
named `scratch` is the thread's scratch memory, a uint8 vector whose length is not known. A kernel returns
nothing, or an int64 status that is not 0 for an error. It may call Python functions, `math` and NumPy's
scalar functions; it allocates nothing and raises nothing. No array overlaps an output. Kernels have no
16-bit floats: they compute in float32, and their caller casts around them.

Numba is imported only where the text is not on disk yet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from jitrt import forks
from jitrt.codegen import cache as disk
from jitrt.codegen.fingerprint import fingerprint
from jitrt.codegen.kernel import Kernel
from jitrt.codegen.target import host
from jitrt.digest import blake2b
from jitrt.types import short_name

Function = TypeVar("Function", bound=Callable[..., Any])
_SCALARS = frozenset(map(np.dtype, ("int64", "float64")))
_ARRAYS = frozenset(
    np.dtype(f"{kind}{bits}")
    for kind, widths in (
        ("int", (8, 16, 32, 64)),
        ("uint", (8, 16, 32, 64)),
        ("float", (32, 64)),
        ("complex", (64, 128)),
    )
    for bits in widths
) | {np.dtype(bool)}
RAISED = -1  # the status of a kernel that raised after all
_SIZE = "range(i64 0, 9223372036854775807)"  # tells LLVM that sizes and positions are not negative


@dataclass(frozen=True)
class ArrayArg:
    """An array parameter: C-contiguous, or with a stride in bytes for each axis."""

    dtype: np.dtype[Any]
    ndim: int
    contiguous: bool = True

    def __str__(self) -> str:
        return f"{short_name(self.dtype)}{self.ndim}{'' if self.contiguous else 's'}"


Parameter = ArrayArg | np.dtype[Any]  # a scalar's type is int64 or float64


@dataclass(frozen=True)
class Lowered:
    """What Numba made of a function: `symbol`, defined in the LLVM IR `text`; whether it returns a status."""

    symbol: str
    returns_status: bool
    text: str


def fast_math(*flags: str) -> Callable[[Function], Function]:
    """Allow LLVM's `contract`, `reassoc`, `nsz` or `arcp` in a kernel, which else computes as written."""

    def mark(function: Function) -> Function:
        function.__dict__["fast_math"] = flags
        return function

    return mark


def independent(function: Function) -> Function:
    """Promise that no iteration of an innermost loop reads or writes what another one writes.

    LLVM cannot prove that of rows of one array at positions known at run time, and would check or give up.
    """
    function.__dict__["independent"] = True
    return function


def wraparound(function: Function) -> Function:
    """Let negative indices count from the end, as in NumPy. Without it there are none, for vectors' sake."""
    function.__dict__["wraparound"] = True
    return function


def written_as(make: Callable[[Sequence[Any]], Kernel]) -> Callable[[Function], Function]:
    """Have `make(parameters)` write the kernel on a CPU, where to import Numba takes longer than all else."""

    def mark(function: Function) -> Function:
        function.__dict__["written_as"] = make
        return function

    return mark


def numba_kernel(function: Callable[..., Any], parameters: Sequence[Parameter], *, name: str = "") -> Kernel:
    """The kernel that runs `function` on such arrays and scalars.

    Its row of arguments holds, in order, the address and the shape of an array, then its strides in bytes if
    it is not contiguous, and a scalar's 64 bits. Raises TypeError for a type that Numba does not have.
    """
    parameters = tuple(parameters)
    _check(function, parameters)
    make: Callable[[Sequence[Any]], Kernel] | None = getattr(function, "written_as", None)
    if make is not None:
        return make(parameters)

    def build(symbol: str) -> str:
        from jitrt.codegen.independent import mark_loops  # not needed where the kernel is on disk
        from jitrt.codegen.scalar_math import define_math

        text = step_abi(symbol, lower(function, parameters), parameters, has_scratch(function))
        return define_math(mark_loops(text) if _is_independent(function) else text)

    key = _key(function, parameters) + ("|independent" if _is_independent(function) else "")
    return Kernel(key, name or function.__name__, build, pipeline="loops")


def lower(function: Callable[..., Any], parameters: Sequence[Parameter]) -> Lowered:
    """The function in LLVM IR before optimisation, from disk or made by Numba now."""
    key = f"numba|{_key(function, parameters)}|{host().triple}"
    kept = disk.get(key)
    if kept is not None:
        header, text = kept.decode().split("\n", 1)
        symbol, returns_status = header.split(" ")
        return Lowered(symbol, returns_status == "True", text)
    forks.import_logging()
    from jitrt.codegen import numba_lowering

    lowered = numba_lowering.lower(function, parameters)
    disk.put(key, f"{lowered.symbol} {lowered.returns_status}\n{lowered.text}".encode())
    return lowered


def step_abi(symbol: str, lowered: Lowered, parameters: Sequence[Parameter], scratch: bool) -> str:
    """A module that calls the lowered function from the row of arguments.

    For an output `Y` f32[n] and an int64 scalar it adds to Numba's text

        define i64 @symbol(ptr %args, i64 %begin, i64 %end, ptr %scratch) {
          %s0 = getelementptr i64, ptr %args, i64 0
          %p0 = load ptr, ptr %s0
          ...
          %status = call i64 @body(ptr %p0, i64 %p1, i64 %p2, i64 %begin, i64 %end, ptr %scratch)
          ret i64 %status
        }
        define internal i64 @body(ptr noalias %p0, i64 range(...) %p1, i64 %p2, ...) noinline {
          %code = call i32 @lowered(ptr %returned, ptr %raised, ptr null, ptr null, i64 %count, ...)
          ...
        }

    where the arrays' addresses are known not to alias because they are parameters.
    """
    slots: list[str] = []  # the type of each slot of the row, with what the body may assume
    call: list[str] = []
    lines: list[str] = []
    for parameter in parameters:
        first = len(slots)
        if isinstance(parameter, ArrayArg):
            slots += ["ptr noalias"] + [f"i64 {_SIZE}"] * parameter.ndim
            shape = [f"%p{first + 1 + axis}" for axis in range(parameter.ndim)]
            if parameter.contiguous:
                strides = _contiguous_strides(first, shape, parameter.dtype.itemsize, lines)
            else:
                strides = [f"%p{len(slots) + axis}" for axis in range(parameter.ndim)]
                slots += ["i64"] * parameter.ndim
            call += _array(f"%p{first}", shape, strides, parameter.dtype.itemsize, lines)
        else:
            kind = "double" if parameter == np.float64 else "i64"
            slots.append(kind)
            call.append(f"{kind} %p{first}")
    call += ["i64 %begin", "i64 %end"]
    if scratch:
        call += _array("%scratch", [str(1 << 62)], ["1"], 1, lines)
    loads = "\n".join(
        f"  %s{i} = getelementptr i64, ptr %args, i64 {i}\n  %p{i} = load {kind.split()[0]}, ptr %s{i}"
        for i, kind in enumerate(slots)
    )
    passed = ", ".join(
        [f"{kind.split()[0]} %p{i}" for i, kind in enumerate(slots)] + ["i64 %begin, i64 %end, ptr %scratch"]
    )
    taken = ", ".join(
        [f"{kind} %p{i}" for i, kind in enumerate(slots)]
        + [f"i64 {_SIZE} %begin, i64 {_SIZE} %end, ptr noalias %scratch"]
    )
    body = "\n".join(lines)
    ok = "  %result = load i64, ptr %returned\n" if lowered.returns_status else ""
    return f"""{lowered.text}
define i64 @{symbol}(ptr %args, i64 %begin, i64 %end, ptr %scratch) {{
{loads}
  %status = call i64 @{symbol}.body({passed})
  ret i64 %status
}}

define internal i64 @{symbol}.body({taken}) noinline {{
  %returned = alloca i64
  %raised = alloca ptr
{body}
  %code = call i32 @{lowered.symbol}(ptr %returned, ptr %raised, {", ".join(call)})
  %failed = icmp sgt i32 %code, 0
{ok}  %status = select i1 %failed, i64 {RAISED}, i64 {"%result" if lowered.returns_status else "0"}
  ret i64 %status
}}
"""


def _contiguous_strides(first: int, shape: list[str], itemsize: int, lines: list[str]) -> list[str]:
    """Strides in bytes of a C-contiguous array; the multiplications go to `lines`."""
    strides = [str(itemsize)] if shape else []
    for axis in range(len(shape) - 1, 0, -1):
        name = f"%stride{first}.{axis - 1}"
        lines.append(f"  {name} = mul nsw i64 {strides[0]}, {shape[axis]}")
        strides.insert(0, name)
    return strides


def _array(data: str, shape: list[str], strides: list[str], itemsize: int, lines: list[str]) -> list[str]:
    """What Numba passes for an array: meminfo, parent, count, itemsize, data, shape, strides."""
    count = "1"
    for axis, extent in enumerate(shape):
        name = f"%count{data[1:]}.{axis}"
        lines.append(f"  {name} = mul nsw i64 {count}, {extent}")
        count = name
    numbers = [f"i64 {n}" for n in (*shape, *strides)]
    return ["ptr null", "ptr null", f"i64 {count}", f"i64 {itemsize}", f"ptr {data}", *numbers]


def fast_math_flags(function: Callable[..., Any]) -> tuple[str, ...]:
    """What `fast_math` allowed."""
    return getattr(function, "fast_math", ())


def _is_independent(function: Callable[..., Any]) -> bool:
    return getattr(function, "independent", False)


def has_wraparound(function: Callable[..., Any]) -> bool:
    """Whether `wraparound` allowed negative indices."""
    return getattr(function, "wraparound", False)


def has_scratch(function: Callable[..., Any]) -> bool:
    """Whether the kernel takes scratch memory."""
    return "scratch" in _parameter_names(function)


def _parameter_names(function: Callable[..., Any]) -> tuple[str, ...]:
    code = function.__code__
    return code.co_varnames[: code.co_argcount]


def _check(function: Callable[..., Any], parameters: Sequence[Parameter]) -> None:
    names = _parameter_names(function)
    last = ("begin", "end", "scratch") if has_scratch(function) else ("begin", "end")
    if names[len(parameters) :] != last:
        raise TypeError(
            f"kernel {function.__name__}: expected {len(parameters)} parameters and then "
            f"{', '.join(last)}, got {', '.join(names)}"
        )
    for name, parameter in zip(names, parameters, strict=False):
        dtype = parameter.dtype if isinstance(parameter, ArrayArg) else parameter
        if dtype not in (_ARRAYS if isinstance(parameter, ArrayArg) else _SCALARS):
            raise TypeError(
                f"kernel {function.__name__}: {name} cannot be {dtype.name}; cast it, or pass its bits"
            )


def _key(function: Callable[..., Any], parameters: Sequence[Parameter]) -> str:
    types = ",".join(str(p) if isinstance(p, ArrayArg) else p.name for p in parameters)
    flags = ",".join((*fast_math_flags(function), *(["wraparound"] if has_wraparound(function) else ())))
    return f"numba:{fingerprint(function)}({types})[{flags}]{_lowering_version()}"


@cache
def _lowering_version() -> str:
    """A hash of what turns a function into IR: this module, its neighbour, and the version Numba states."""
    spec = find_spec("numba")  # finds the package without importing it
    assert spec is not None
    assert spec.origin is not None
    sources = (
        Path(__file__),
        Path(__file__).with_name("numba_lowering.py"),
        Path(spec.origin).with_name("_version.py"),
    )
    return blake2b(b"".join(source.read_bytes() for source in sources), digest_size=8).hexdigest()
