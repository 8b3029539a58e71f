"""Which CPUs threads may use, from files as the kernel has them."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from jitrt.execute import cpus


def test_cores_group_the_siblings(tmp_path: Path) -> None:
    for cpu, siblings in {0: "0,4", 1: "1,5", 4: "0,4", 5: "1,5"}.items():
        topology = tmp_path / f"sys/devices/system/cpu/cpu{cpu}/topology"
        topology.mkdir(parents=True)
        (topology / "thread_siblings_list").write_text(siblings + "\n")
    assert cpus.cores((0, 1, 4, 5, 9), tmp_path) == [(0, 4), (1, 5), (9,)]
    assert cpus.cores((1, 4), tmp_path) == [(1,), (4,)]


def test_places_share_out_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpus, "allowed", lambda: (0, 1, 2, 3, 4, 5))
    monkeypatch.setattr(cpus, "cores", lambda mask: [(0, 3), (1, 4), (2, 5)])
    assert cpus.places(2) == [(0, 3), (1, 4, 2, 5)]
    assert cpus.places(3) == [(0, 3), (1, 4), (2, 5)]
    assert cpus.places(4) == [(0,), (1, 2), (3,), (4, 5)]
    assert cpus.places(7) == [(0,), (1,), (2,), (3,), (4,), (5,), (0,)]


@pytest.mark.parametrize(
    ("membership", "files", "expected"),
    [
        ("0::/a/b", {"a/cpu.max": "250000 100000", "a/b/cpu.max": "max 100000"}, 2.5),
        ("0::/not/mounted", {"cpu.max": "50000 100000"}, 0.5),
        ("0::/", {}, math.inf),
        (
            "4:cpu,cpuacct:/job",
            {"cpu/job/cpu.cfs_quota_us": "300000", "cpu/job/cpu.cfs_period_us": "100000"},
            3,
        ),
        ("4:cpu:/job", {"cpu/job/cpu.cfs_quota_us": "-1", "cpu/job/cpu.cfs_period_us": "100000"}, math.inf),
        ("4:cpuset:/job", {"cpuset/job/cpu.max": "100000 100000"}, math.inf),
    ],
)
def test_quota(tmp_path: Path, membership: str, files: dict[str, str], expected: float) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(membership + "\n")
    for name, content in files.items():
        path = tmp_path / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n")
    assert cpus.quota(tmp_path) == expected
