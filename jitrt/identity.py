"""What tells a model from all others, so that what was made of it can be kept for the next process."""

from __future__ import annotations

import os
from collections.abc import Sequence

from jitrt.digest import blake2b

LARGEST_BYTES = 1 << 26  # of a model in memory that are worth a digest, which takes 1 ns a byte
SETTLED_NS = 100_000_000  # since the last change: clocks of files stand still for some milliseconds
COARSE_SETTLED_NS = 2_000_000_000  # where they count seconds


def of_files(paths: Sequence[str], read_ns: int) -> str:
    """The files, which were read at `read_ns` of the clock or later.

    "" where one was changed then or shortly before: it may have changed again unnoticed.
    """
    parts = []
    for path in paths:
        status = os.stat(path)
        changed = status.st_ctime_ns
        is_coarse = changed % 1_000_000_000 == 0
        if read_ns - changed < (COARSE_SETTLED_NS if is_coarse else SETTLED_NS):
            return ""
        parts.append(f"{status.st_dev} {status.st_ino} {status.st_size} {status.st_mtime_ns} {changed}")
    return "\n".join(parts)


def of_bytes(content: bytes) -> str:
    """A digest; "" for a model so large that it takes longer than what it saves."""
    return blake2b(content).hexdigest() if len(content) <= LARGEST_BYTES else ""
