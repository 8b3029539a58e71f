"""What the code generators hand to the planner: kernels, and steps that call them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from jitrt.dims import Size

if TYPE_CHECKING:
    from jitrt.codegen.bands import ImageStep


class CompileError(RuntimeError):
    """A kernel's LLVM IR does not parse, verify or link."""


@dataclass(frozen=True)
class Kernel:
    """A native function `i64 symbol(ptr args, i64 begin, i64 end, ptr scratch)`; it returns 0 on success.

    `args` points to a row of int64: sizes, strides and addresses, as the kernel's generator lays them
    out. `begin, end` is a range of the step's parallel extent. `scratch` is the thread's own, 64-byte
    aligned memory. `key` names the machine code: it changes whenever `build` would give other IR.
    """

    key: str
    name: str
    build: Callable[[str], str] = field(compare=False, repr=False)  # symbol -> LLVM IR of a module
    pipeline: str = "vector"  # "loops": scalar loops, for LLVM to vectorise; "none": emitted as it is

    def __reduce__(self) -> tuple[Any, ...]:
        return Kernel, (self.key, self.name, _unbuilt, self.pipeline)


def _unbuilt(symbol: str) -> str:
    """In the place of `build` in another process, which finds the machine code by its key."""
    raise LookupError(f"the machine code of {symbol} is not kept any more")


@dataclass(eq=False)
class Buffer:
    """A block of memory that steps address.

    `kind` is arena, input, output, constant, or sized (a constant made of sizes when a plan is bound).
    """

    kind: str
    nbytes: Size
    data: np.ndarray[Any, Any] | None = None  # of a constant; the sizes of a sized one
    dtype: np.dtype[Any] | None = None  # of a sized constant
    index: int = -1  # of an input or output, in the plan's order


class Ref(NamedTuple):
    """An address: `offset` bytes into a buffer."""

    buffer: Buffer
    offset: Size = 0


class Word(NamedTuple):
    """The address of argument `number` of another step, which a step of control flow writes."""

    step: Step
    number: int


Argument: TypeAlias = "Size | Ref | Kernel"  # a kernel stands for the address of its machine code


@dataclass(eq=False)
class Step:
    """One kernel call of a plan. `extent` is its number of independent units; `scratch` is bytes a thread.

    `flops` and `nbytes` (moved) are what the scheduler and the debug output judge the step by.
    """

    kernel: Kernel
    args: tuple[Argument | Word, ...]
    extent: Size
    label: str
    flops: Size = 0
    nbytes: Size = 0
    scratch: Size = 0
    nodes: tuple[str, ...] = ()
    in_place: tuple[tuple[Buffer, Buffer], ...] = ()  # an output and an input that may share memory
    sharing: Size = 1  # neighbouring units that share work where one call computes them
    keeps: tuple[object, ...] = ()  # what must live as long as the step
    error: Callable[[int], Exception] | None = None  # what a status other than 0 means
    jumps: bool = False  # the status is how many steps to go on, in a step of control flow
    span: int = 1  # steps that end with this one and may run again: what any of them uses stays in memory
    repeats: Size = 1  # how often the step runs, where that is known
    image: ImageStep | None = None  # of a convolution

    @property
    def node(self) -> tuple[str, str]:
        """The operator and the name of the first node that the step computes."""
        operator, _, name = (*self.nodes, self.label)[0].partition(" ")
        return operator, name.strip('"')
