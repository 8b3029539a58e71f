"""The machine that a run happened on, and whether it had time for it."""

from __future__ import annotations

import os
import platform
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_name() -> str:
    """The CPU's name as Linux gives it, else the platform module's."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def available_cpus() -> int:
    """The number of CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def stolen_s() -> float:
    """CPU seconds that the hypervisor gave to others since boot, 0 where it is not known."""
    stat = Path("/proc/stat")
    return int(stat.read_text().split()[8]) / TICKS_PER_S if stat.exists() else 0.0


def load() -> float:
    """The average number of runnable threads in the last minute."""
    return os.getloadavg()[0]


def busy_warning(average: float) -> str | None:
    """A sentence if other processes use this machine, judged by its load."""
    cpus = available_cpus()
    if average <= 0.5 * cpus:
        return None
    return f"the machine is busy (load {average:.1f} on {cpus} CPUs): timings will be off"


def stolen_warning(stolen: float, elapsed: float) -> str | None:
    """A sentence if the hypervisor took more than one per cent of a CPU during `elapsed` seconds."""
    if stolen <= 0.01 * elapsed:
        return None
    return f"the hypervisor took {stolen:.1f} CPU seconds of {elapsed:.0f} s: timings may be off"
