"""Segments on disk, so that the next process runs a model that this one has traced without tracing it.

A program has an index of those that were built for it last. Constants of the model are written as where
they lie in it, packed ones as how they are packed; others, such as folded ones, as they are, unless they are
large: the model is then traced in each process.
"""

from __future__ import annotations

import bisect
import io
import pickle
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

import llvmlite
import numpy as np

from jitrt.codegen import cache as disk
from jitrt.codegen.target import has_tile_registers, host
from jitrt.digest import blake2b
from jitrt.graph import Node
from jitrt.segment import Calls, Segment
from jitrt.sources import package_stamp
from jitrt.version import __version__

if TYPE_CHECKING:
    from jitrt.program import Program

MOST = 8  # segments of a program
LARGEST = 1 << 25  # bytes of the constants of one

Index = list[tuple[Calls, list[str]]]  # the inputs that count by value


def find(program: Program, arrays: Sequence[Any]) -> Segment | None:
    """A segment that serves a call of the program, or None."""
    key = _key(program)
    for calls, by_value in reversed(_index(key)):
        if calls.takes(arrays) and calls.fits(arrays):
            written = disk.get(key_after(key, calls))
            with suppress(LookupError):  # of a kernel, which is not on disk any more
                if written is not None:
                    segment: Segment = _Reader(io.BytesIO(written), program).load()
                    program.take_by_value(by_value)
                    return segment
    return None


def keep(program: Program, segment: Segment) -> str:
    """Write the segment, or tell why it cannot be."""
    key, written, calls = _key(program), io.BytesIO(), segment.calls
    try:
        _Writer(written, program).dump(segment)
    except (pickle.PicklingError, AttributeError, TypeError, _TooLargeError) as error:
        return str(error)
    disk.put(key_after(key, calls), written.getvalue())
    others = [known for known in _index(key) if str(known[0]) != str(calls)]
    by_value = [name for name, spec in program.specs.items() if spec.by_value]
    disk.put(key, pickle.dumps([*others[1 - MOST :], (calls, by_value)]))
    return ""


def key_after(key: str, calls: Calls) -> str:
    """What tells the segment for some calls of a program with this key, and the program after it."""
    return blake2b(f"{key}|{calls}".encode()).hexdigest()


def _index(key: str) -> Index:
    payload = disk.get(key)
    return [] if payload is None else pickle.loads(payload)


def _key(program: Program) -> str:
    own = program.context
    options = own.fused, own.batch_invariant, own.winograd, own.parts_of_numbers
    return f"segments|{program.key}|{[*program.specs]}|{program.outputs}|{options}|{_here()}"


@cache
def _here() -> str:
    """What a segment depends on besides the model: sources, versions, machine."""
    target = host()
    machine = f"{target.triple}|{target.cpu}|{target.features}|{has_tile_registers()}"
    versions = __version__, np.__version__, llvmlite.__version__, sys.implementation.cache_tag
    return f"{versions}|{package_stamp()}|{machine}"


class _TooLargeError(Exception):
    pass


class _Places:
    """Where the constants of a program lie in memory."""

    def __init__(self, constants: Mapping[str, Any]) -> None:
        arrays = [(n, a) for n, a in constants.items() if isinstance(a, np.ndarray) and a.nbytes]
        placed = sorted((a.ctypes.data, a.nbytes, n) for n, a in arrays if a.flags.c_contiguous)
        self.starts = [start for start, _, _ in placed]
        self.ends = [start + nbytes for start, nbytes, _ in placed]
        self.names = [name for _, _, name in placed]

    def find(self, array: np.ndarray[Any, Any]) -> tuple[str, int] | None:
        """The constant that holds all of the array, and the offset in it in bytes."""
        low, high = np.lib.array_utils.byte_bounds(array)
        number = bisect.bisect_right(self.starts, low) - 1
        if number < 0 or high > self.ends[number]:
            return None
        return self.names[number], array.ctypes.data - self.starts[number]


class _Writer(pickle.Pickler):
    def __init__(self, file: io.BytesIO, program: Program) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self.places = _Places(program.constants)
        self.nodes = {id(node): number for number, node in enumerate(program.nodes)}
        self.nbytes = 0

    def persistent_id(self, value: Any) -> Any:
        """Nodes of the program by their number, views of its constants by their place."""
        if isinstance(value, Node) and id(value) in self.nodes:
            return self.nodes[id(value)]
        if not isinstance(value, np.ndarray) or not value.nbytes:
            return None
        place = self.places.find(value) if value.dtype != object else None
        if place is None:
            self.nbytes += value.nbytes
            if self.nbytes > LARGEST:
                raise _TooLargeError(f"constants computed from the model's take more than {LARGEST} bytes")
            return None
        return *place, value.dtype, value.shape, value.strides


class _Reader(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, program: Program) -> None:
        super().__init__(file)
        self.program = program

    def persistent_load(self, known: Any) -> Any:
        """What `persistent_id` stands for."""
        if isinstance(known, int):
            return self.program.nodes[known]
        name, offset, dtype, shape, strides = known
        whole = self.program.constants[name]
        if (dtype, shape, strides) == (whole.dtype, whole.shape, whole.strides):
            return whole
        return np.ndarray(shape, dtype, whole.reshape(-1).view(np.uint8), offset, strides)
