"""One fresh process that loads a model with one engine and runs it once: start-up seconds and peak memory.

`python -m bench.start ENGINE MODEL INPUTS THREADS SPAWNED` writes one JSON line. SPAWNED is the parent's
monotonic clock in ns just before the process was started; the engine `numpy` loads the inputs only, as the
baseline of the memory measurement. An exception is written as {"failure": MESSAGE}.
"""

from __future__ import annotations

import resource
import sys
import time
from importlib import import_module
from pathlib import Path

from bench.channel import open_channel
from bench.engines import ENGINES, describe, load_feeds, package


def peak_bytes() -> int:
    """The process's largest resident set.

    After a fork from a larger process, getrusage starts at the parent's size; Linux's VmHWM does not.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def start(engine: str, model: str, inputs: str, threads: str, spawned: str) -> dict[str, float]:
    """Import, create, run once; the inputs are read before the import is timed."""
    feeds = load_feeds(Path(inputs))
    begin = time.monotonic_ns()
    import_module(package(engine))
    imported = created = done = time.monotonic_ns()
    if engine != "numpy":
        run = ENGINES[engine](Path(model), int(threads))
        created = time.monotonic_ns()
        run(feeds)
        done = time.monotonic_ns()
    return {
        "process_s": (done - int(spawned)) / 1e9,
        "import_s": (imported - begin) / 1e9,
        "create_s": (created - imported) / 1e9,
        "run_s": (done - created) / 1e9,
        "peak_bytes": peak_bytes(),
    }


if __name__ == "__main__":
    emit = open_channel()
    try:
        emit({**start(*sys.argv[1:])})
    except Exception as error:
        emit({"failure": describe(error)})
