"""What tells a session's model from all others: what was made of it is kept for the next process."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property

from jitrt import config
from jitrt.digest import blake2b
from jitrt.graph import Model
from jitrt.load_operators import has_operators_of_users
from jitrt.options import SessionOptions

LARGEST_BYTES = 1 << 25  # of a model in memory that are worth a digest, which takes 1 ns a byte
SETTLED_NS = 100_000_000  # since the last change: clocks of files stand still for some milliseconds
COARSE_SETTLED_NS = 2_000_000_000  # where they count seconds


class Identity:
    """Of a model that was read from its files, or from `content`, at `read_ns` of the clock or later."""

    def __init__(self, model: Model, content: bytes | None, options: SessionOptions, read_ns: int) -> None:
        self.model, self.content, self.options, self.read_ns = model, content, options, read_ns

    @cached_property
    def text(self) -> str:
        """The same in each process; "" where nothing is kept, or nothing tells the model."""
        options, settings = self.options, config.settings
        if not settings.keep_plans or settings.check or settings.debug:
            return ""
        if options.initializers or options.files or has_operators_of_users(self.model.graph):
            return ""
        changes = f"{sorted(options.dimensions.items())} {sorted(options.denoted.items())}"
        if self.content is None:
            files = _files([self.model.path, *self.model.files], self.read_ns)
            return files and f"{files} {changes}"
        if len(self.content) > LARGEST_BYTES:
            return ""
        return f"{blake2b(self.content).hexdigest()} {changes}"


def _files(paths: Sequence[str], read_ns: int) -> str:
    """Each file's place and times; "" where one has changed since it was read, or shortly before.

    It may then have changed twice at what the clock of files takes for one time.
    """
    parts = []
    for path in paths:
        try:
            status = os.stat(path)
        except OSError:
            return ""
        times = status.st_mtime_ns, status.st_ctime_ns
        is_coarse = times[1] % 1_000_000_000 == 0
        if read_ns - max(times) < (COARSE_SETTLED_NS if is_coarse else SETTLED_NS):
            return ""
        parts.append(f"{status.st_dev} {status.st_ino} {status.st_size} {times}")
    return " ".join(parts)
