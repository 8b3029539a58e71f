"""`python -m tests.clients.worker CLIENT onnxruntime|jitrt FILE [SECONDS]`: one client on one runtime.

Writes to the file, pickled: the answers and, in seconds, the first call with the loading of models and the
median of later calls.
"""

from __future__ import annotations

import gc
import pickle
import statistics
import sys
import time
from pathlib import Path
from typing import Any


def main(name: str, runtime: str, file: str, seconds: str = "0") -> None:
    """Run the client, for at least so many seconds."""
    if runtime == "jitrt":
        import jitrt

        jitrt.as_onnxruntime()
    from . import CLIENTS

    start = time.perf_counter()
    answer = CLIENTS[name].prepare()
    answers = answer()
    first = time.perf_counter() - start
    assert sessions(runtime), f"{name} holds no session of {runtime}"
    laps: list[float] = []
    while sum(laps) < float(seconds):
        start = time.perf_counter()
        answer()
        laps.append(time.perf_counter() - start)
    lap = statistics.median(laps) if laps else None
    Path(file).write_bytes(pickle.dumps({"answers": plain(answers), "first": first, "lap": lap}))


def sessions(runtime: str) -> int:
    """How many sessions there are of the runtime, asserted to be the only one."""
    import onnxruntime

    kind = onnxruntime.InferenceSession
    assert kind.__module__.split(".")[0] == runtime
    return sum(issubclass(type(thing), kind) for thing in gc.get_objects())


def plain(answers: Any) -> Any:
    """Answers as lists, dicts, arrays, numbers and strings, which unpickle without the client."""
    import numpy as np

    if isinstance(answers, dict):
        return {str(key): plain(value) for key, value in answers.items()}
    if isinstance(answers, list | tuple):
        return [plain(value) for value in answers]
    if isinstance(answers, np.generic):
        return answers.item()
    if isinstance(answers, str | int | float | np.ndarray | None):
        return str(answers) if isinstance(answers, str) else answers
    raise TypeError(f"answers hold a {type(answers)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
