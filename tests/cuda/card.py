"""Runs cases on a real GPU through CuPy."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from kernels import Array, Case


def bounds(array: Array) -> tuple[int, int]:
    """The addresses of the array's first byte and past its last; an empty dimension counts as one element."""
    low = high = array.__array_interface__["data"][0]
    for size, stride in zip(array.shape, array.strides, strict=True):
        span = max(size - 1, 0) * stride
        low, high = low + min(span, 0), high + max(span, 0)
    return low, high + array.itemsize


class Memory:
    """The device's copy of the memory that a case's arrays lie in; what is shared here is shared there."""

    def __init__(self, cupy: Any, arrays: list[Array]) -> None:
        self.blocks: dict[tuple[int, int], Any] = {}
        for low, high in {bounds(array) for array in arrays}:
            # The same position within 16 bytes as on the host, so that unaligned cases stay unaligned.
            block = cupy.empty(high - low + 16, np.uint8)[low % 16 :][: high - low]
            block.set(np.frombuffer(ctypes.string_at(low, high - low), np.uint8))
            self.blocks[low, high] = block

    def address(self, array: Array) -> int:
        """Where the array's first element lies on the device."""
        start = array.__array_interface__["data"][0]
        return int(self.blocks[bounds(array)].data.ptr + start - bounds(array)[0])

    def download(self, array: Array) -> None:
        """Copy the array's memory back to the host."""
        low, high = bounds(array)
        ctypes.memmove(low, self.blocks[low, high].get().tobytes(), high - low)


def run(cupy: Any, module: Any, case: Case) -> None:
    """Launch a case; its outputs hold the result."""
    arrays = [a for a in case.arguments if not isinstance(a, int)]
    memory = Memory(cupy, arrays)
    values = [np.int64(a if isinstance(a, int) else memory.address(a)) for a in case.arguments]
    module.get_function(case.kernel)((*case.grid, 1)[:3], (*case.block, 1)[:3], tuple(values))
    for output in case.outputs:
        memory.download(output)
