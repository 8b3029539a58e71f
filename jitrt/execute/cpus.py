"""The CPUs this process may use: affinity mask, physical cores, cgroup quota."""

from __future__ import annotations

import itertools
import math
import os
from functools import cache
from pathlib import Path

ROOT = Path("/")


@cache
def allowed() -> tuple[int, ...]:
    """The CPUs in the affinity mask, as it is at the first call in the process."""
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


@cache
def default_threads() -> int:
    """The number of physical cores that the affinity mask and the cgroup's quota leave to this process."""
    return max(1, math.ceil(min(len(cores(allowed())), quota())))


def thread_count(requested: int = 0) -> int:
    """The threads a run gets: `requested`, but no more than CPUs in the mask; 0 asks for the default."""
    if requested < 1:
        return default_threads()
    return min(requested, len(allowed()))


def places(count: int) -> list[tuple[int, ...]]:
    """The allowed CPUs cut into `count` sets for as many threads: of whole cores, if there are enough."""
    units = cores(allowed())
    if count > len(units):
        units = [(cpu,) for cpu in allowed()]
    if count > len(units):
        return [units[i % len(units)] for i in range(count)]
    bounds = [i * len(units) // count for i in range(count + 1)]
    return [sum(units[a:b], ()) for a, b in itertools.pairwise(bounds)]


def cores(cpus: tuple[int, ...], root: Path = ROOT) -> list[tuple[int, ...]]:
    """The given CPUs grouped by physical core; a CPU whose topology is unknown is a core of its own."""
    by_core: dict[str, list[int]] = {}
    for cpu in cpus:
        topology = root / f"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list"
        by_core.setdefault(_read(topology) or f"cpu {cpu}", []).append(cpu)
    return [tuple(siblings) for siblings in by_core.values()]


def quota(root: Path = ROOT) -> float:
    """The CPUs' worth of time that the process's cgroups (v1 or v2) grant; infinite without a limit.

    https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files
    """
    least = math.inf
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        mounts = {"": "sys/fs/cgroup"} if not controllers else {}
        if "cpu" in controllers.split(","):
            mounts = {name: f"sys/fs/cgroup/{name}" for name in ("cpu", controllers)}
        for mount in mounts.values():
            # In a container the path may name a parent that is not mounted: what exists on the way counts.
            group = Path(path.lstrip("/"))
            for parent in (group, *group.parents):
                least = min(least, _quota_of(root / mount / parent))
    return least


def _quota_of(group: Path) -> float:
    allowance, _, period = _read(group / "cpu.max").partition(" ")
    if not allowance:
        allowance, period = _read(group / "cpu.cfs_quota_us"), _read(group / "cpu.cfs_period_us")
    if allowance in ("", "max", "-1") or not period:
        return math.inf
    return int(allowance) / int(period)


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


if hasattr(os, "register_at_fork"):  # servers give each child a mask of its own
    for _function in (allowed, default_threads):
        os.register_at_fork(after_in_child=_function.cache_clear)
