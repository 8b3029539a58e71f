"""The machine that a run happened on, and whether it had time for it."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import astuple, dataclass
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


@dataclass(frozen=True)
class Usage:
    """Seconds on the clock, CPU seconds that other processes used, and that the hypervisor gave to others."""

    elapsed_s: float
    others_s: float
    stolen_s: float

    def since(self, earlier: Usage) -> Usage:
        """The difference between two readings."""
        return Usage(*(a - b for a, b in zip(astuple(self), astuple(earlier), strict=True)))

    def warning(self) -> str | None:
        """A sentence if others took more than a twentieth of a CPU."""
        if self.others_s + self.stolen_s <= 0.05 * self.elapsed_s:
            return None
        return (
            f"disturbed: other processes used {self.others_s:.1f} and the hypervisor {self.stolen_s:.1f} "
            f"CPU seconds in {self.elapsed_s:.0f} s"
        )


def usage() -> Usage:
    """A reading of Linux's counters; those of other systems show no disturbance."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return Usage(time.monotonic(), 0.0, 0.0)
    ticks = [int(field) for field in stat.read_text().split()[1:9]]
    user, nice, system, _idle, _iowait, irq, softirq, steal = (tick / TICKS_PER_S for tick in ticks)
    own = sum(os.times()[:4])
    return Usage(time.monotonic(), user + nice + system + irq + softirq - own, steal)


def load() -> float:
    """The average number of runnable threads in the last minute."""
    return os.getloadavg()[0]


def busy_warning(average: float) -> str | None:
    """A sentence if other processes use this machine, judged by its load."""
    cpus = available_cpus()
    if average <= 0.5 * cpus:
        return None
    return f"the machine is busy (load {average:.1f} on {cpus} CPUs): timings will be off"
