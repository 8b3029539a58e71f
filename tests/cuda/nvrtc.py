"""Compiles CUDA C++ with NVRTC, which needs no GPU and no driver."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cuda.bindings import nvrtc

from jitrt.codegen.cuda import NVRTC_OPTIONS


@dataclass
class Compiled:
    """What the compiler says: machine code, PTX, and per kernel its registers and bytes spilled."""

    cubin: bytes
    ptx: str
    registers: dict[str, int]
    spilled: dict[str, int]

    def kernel_ptx(self, name: str) -> str:
        """The PTX of one kernel."""
        start = self.ptx.index(f".entry {name}(")
        return self.ptx[start : self.ptx.find("\n}\n", start)]


def compile_program(source: str, architecture: str) -> Compiled:
    """Compile to machine code for an architecture such as `sm_90`; fails with the compiler's log."""
    _, program = nvrtc.nvrtcCreateProgram(source.encode(), b"kernels.cu", 0, [], [])
    options = [o.encode() for o in (*NVRTC_OPTIONS, f"-arch={architecture}", "--ptxas-options=-v")]
    (result,) = nvrtc.nvrtcCompileProgram(program, len(options), options)
    log = _text(nvrtc.nvrtcGetProgramLogSize(program)[1], lambda b: nvrtc.nvrtcGetProgramLog(program, b))
    assert result == nvrtc.nvrtcResult.NVRTC_SUCCESS, log
    cubin = b" " * nvrtc.nvrtcGetCUBINSize(program)[1]
    nvrtc.nvrtcGetCUBIN(program, cubin)
    ptx = _text(nvrtc.nvrtcGetPTXSize(program)[1], lambda b: nvrtc.nvrtcGetPTX(program, b))
    nvrtc.nvrtcDestroyProgram(program)
    registers, spilled = {}, {}
    for part in log.split("Compiling entry function '")[1:]:
        name = part[: part.index("'")]
        registers[name] = int(re.search(r"Used (\d+) registers", part)[1])
        spilled[name] = int(re.search(r"(\d+) bytes spill stores", part)[1])
    return Compiled(cubin, ptx, registers, spilled)


def _text(size, fill) -> str:
    buffer = b" " * size
    fill(buffer)
    return buffer.decode().strip("\0 ")
