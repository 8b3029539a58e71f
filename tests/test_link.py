"""Kernels are linked wherever the process has memory left: code may lie far from constants and libraries."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

# leaves one page free for code, and no other within the reach of a 32-bit displacement
CROWDED = """
    import ctypes
    import mmap

    import numpy as np

    import jitrt

    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    PRIVATE_ANONYMOUS_NORESERVE = 0x02 | 0x20 | 0x4000

    def reserve(size):
        address = libc.mmap(None, size, 0, PRIVATE_ANONYMOUS_NORESERVE, -1, 0)
        assert address not in (None, 2**64 - 1), ctypes.get_errno()
        return address

    jitrt.call("Neg", np.float32([1]))
    block = reserve(6 << 30)
    while reserve(mmap.PAGESIZE) > block:
        pass
    libc.munmap(block + (5 << 30), mmap.PAGESIZE)
    x = np.linspace(-3, 3, 1000, dtype=np.float32)
    print(np.abs(jitrt.call("Erf", x) + jitrt.call("Sin", x)).max())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="about Linux's address space")
def test_a_process_that_has_little_room_left_near_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JITRT_CACHE_DIR", str(tmp_path))
    line = [sys.executable, "-c", textwrap.dedent(CROWDED)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == pytest.approx(1.99, abs=0.02)
