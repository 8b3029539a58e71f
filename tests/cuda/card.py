"""Runs cases on a real GPU through CuPy."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from kernels import Array, Case


class Memory:
    """The device's copy of the memory that a case's arrays lie in; what is shared here is shared there."""

    def __init__(self, cupy: Any, arrays: list[Array]) -> None:
        self.cupy = cupy
        self.blocks: dict[tuple[int, int], Any] = {}
        for array in arrays:
            low, high = np.lib.array_utils.byte_bounds(array)
            self.blocks.setdefault((low, high), self._upload(low, high))

    def _upload(self, low: int, high: int) -> Any:
        # The same position within 16 bytes as on the host, so that unaligned cases stay unaligned.
        block = self.cupy.empty(high - low + 16, np.uint8)[low % 16 :][: high - low]
        block.set(np.frombuffer(ctypes.string_at(low, high - low), np.uint8))
        return block

    def address(self, array: Array) -> int:
        """Where the array's first element lies on the device."""
        low, high = np.lib.array_utils.byte_bounds(array)
        return self.blocks[low, high].data.ptr + array.__array_interface__["data"][0] - low

    def download(self, array: Array) -> None:
        """Copy the array's memory back to the host."""
        low, high = np.lib.array_utils.byte_bounds(array)
        ctypes.memmove(low, self.blocks[low, high].get().tobytes(), high - low)


def run(cupy: Any, module: Any, case: Case) -> None:
    """Launch a case; its outputs hold the result."""
    arrays = [a for a in case.arguments if not isinstance(a, int)]
    memory = Memory(cupy, arrays)
    values = [np.int64(a if isinstance(a, int) else memory.address(a)) for a in case.arguments]
    module.get_function(case.kernel)((*case.grid, 1)[:3], (*case.block, 1)[:3], tuple(values))
    for array in arrays:
        memory.download(array)
