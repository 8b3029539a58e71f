"""Compiles CUDA C++ with g++ and runs it on the CPU (see emulation.h)."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from kernels import SIGNATURE, Case

from jitrt.codegen.cuda_loop import cuda_program

OPTIONS = ["-std=c++17", "-O1", "-shared", "-fPIC", "-ffp-contract=off", "-fno-strict-aliasing", "-w"]


def build(cases: Sequence[Case], folder: Path) -> ctypes.CDLL:
    """One library with a function `run_NAME(grid, block, arguments)` for every case."""
    parts = ['#include "emulation.h"', cuda_program(dict.fromkeys(c.source for c in cases))]
    for name, parameters in dict.fromkeys(SIGNATURE.findall(parts[1])):
        types = [p.strip().rsplit(" ", 1)[0] for p in parameters.split(",")]
        values = ", ".join(f"({t})a[{i}]" for i, t in enumerate(types))
        parts.append(
            f'extern "C" void {name}({parameters});\n'
            f'extern "C" void run_{name}(const unsigned* grid, const unsigned* block, const int64_t* a) {{\n'
            f"    emulation::launch({{grid[0], grid[1], grid[2]}}, {{block[0], block[1], block[2]}},\n"
            f"                      [=] {{ {name}({values}); }});\n}}"
        )
    (folder / "kernels.cpp").write_text("\n".join(parts))
    command = ["g++", *OPTIONS, f"-I{Path(__file__).parent}", "kernels.cpp", "-o", "kernels.so"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[:8000]
    return ctypes.CDLL(str(folder / "kernels.so"))


def run(library: ctypes.CDLL, case: Case) -> None:
    """Launch a case; its outputs hold the result."""
    arguments = [a if isinstance(a, int) else a.__array_interface__["data"][0] for a in case.arguments]
    row = np.array(arguments, np.int64)
    grid, block = (np.array([*dims, 1, 1][:3], np.uint32) for dims in (case.grid, case.block))
    getattr(library, f"run_{case.kernel}")(
        *(ctypes.c_void_p(a.ctypes.data) for a in (grid, block, row)),
    )
