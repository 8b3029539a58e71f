"""The machine that code is generated for: triple, CPU, features, and what micro-kernels derive from them."""

from __future__ import annotations

import ctypes
import functools
import platform
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import llvmlite

from jitrt import config
from jitrt.codegen import cache

ARCH_PRCTL, REQUEST_PERMISSION, TILE_DATA = 158, 0x1023, 18


@dataclass(frozen=True)
class Target:
    """An instruction set. `features` is LLVM's comma-separated list, each name with its + or -."""

    triple: str
    cpu: str
    features: str

    def has(self, feature: str) -> bool:
        """Whether the feature is on."""
        return f"+{feature}" in self.features.split(",")

    def __reduce__(self) -> tuple[Any, ...]:
        return Target, (self.triple, self.cpu, self.features)

    @cached_property
    def vector_bytes(self) -> int:
        """Width of a vector register in bytes."""
        if self.has("avx512f") and self.has("avx512vl"):
            return 64
        return 32 if self.has("avx2") else 16

    @cached_property
    def vector_registers(self) -> int:
        """Number of vector registers."""
        return 32 if self.vector_bytes == 64 or self.triple.startswith("aarch64") else 16

    def lanes(self, itemsize: int) -> int:
        """Elements of `itemsize` bytes in a vector register."""
        return self.vector_bytes // itemsize

    @cached_property
    def machine(self) -> Any:
        """LLVM's target machine for this target, shared: llvmlite serialises access to it."""
        llvm = native_llvm()
        target = llvm.Target.from_triple(self.triple)
        return target.create_target_machine(cpu=self.cpu, features=self.features, opt=3, jit=True)

    def without_avx512(self) -> Target:
        """The same machine with every AVX-512 (and AMX, AVX10) feature off: the AVX2 code path."""
        cpu = "haswell" if self.triple.startswith("x86_64") else self.cpu
        return Target(self.triple, cpu, self._without("avx512", "avx10", "amx", "evex512"))

    def without_tiles(self) -> Target:
        """The same machine with every AMX feature off."""
        return Target(self.triple, self.cpu, self._without("amx"))

    def _without(self, *prefixes: str) -> str:
        """The features, with those off whose names start so."""
        return ",".join(f"-{f[1:]}" if f[1:].startswith(prefixes) else f for f in self.features.split(","))


@functools.cache
def host() -> Target:
    """The machine this process runs on, or for tests what JITRT_TARGET makes of it."""
    target = _described()
    if config.settings.target == "avx512":
        return target.without_tiles()
    return target.without_avx512() if config.settings.target == "avx2" else target


@functools.cache
def has_tile_registers() -> bool:
    """Whether Linux lets this process use AMX, which it must be asked for in each.

    https://docs.kernel.org/arch/x86/xstate.html
    """
    try:
        return bool(ctypes.CDLL(None).syscall(ARCH_PRCTL, REQUEST_PERMISSION, TILE_DATA) == 0)
    except (AttributeError, OSError):
        return False


@functools.cache
def native_llvm() -> Any:
    """llvmlite's binding, ready for this machine. It is large: what is on disk can do without."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm


def _described() -> Target:
    """This machine as LLVM sees it, which is asked once for a processor as the kernel describes it."""
    processor = _processor()
    key = f"target|{llvmlite.__version__}|{processor}"
    known = cache.get(key) if processor else None
    if known is not None:
        return Target(*known.decode().split("\n"))
    llvm = native_llvm()
    features = dict(llvm.get_host_cpu_features())
    listed = [f"{'+' if on else '-'}{name}" for name, on in sorted(features.items())]
    if platform.machine() == "x86_64":
        listed.append("-prefer-256-bit")
    target = Target(llvm.get_process_triple(), llvm.get_host_cpu_name(), ",".join(listed))
    if processor:
        cache.put(key, "\n".join((target.triple, target.cpu, target.features)).encode())
    return target


def _processor() -> str:
    """What the kernel says of the first processor, but its clock; empty where it says nothing."""
    try:
        with open("/proc/cpuinfo", "rb") as file:
            first = file.read(8192).partition(b"\n\n")[0]
    except OSError:
        return ""
    facts = (b"vendor_id", b"cpu family", b"model", b"stepping", b"flags", b"CPU ", b"Features")
    return b"\n".join(line for line in first.splitlines() if line.startswith(facts)).decode()
