"""`python -m tests.clients [CLIENT ...]`: compare and time the clients that are installed."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from . import CLIENTS
from .compare import differences, run

SECONDS = 3.0  # of timing on each runtime


def main(names: list[str]) -> int:
    """Print a line a client. Returns 1 where one fails or differs."""
    failures = 0
    print(f"{'client':20} {'first call, s':>20} {'later calls, ms':>20}  ratio\n{'':20}", end="")
    print(f" {'onnxruntime':>11} {'jitrt':>8}" * 2)
    for name in names or CLIENTS:
        client = CLIENTS[name]
        if client.missing():
            print(f"{name:20} not installed: {', '.join(client.missing())}")
            continue
        try:
            with tempfile.TemporaryDirectory() as folder:
                theirs, ours = (run(client, each, Path(folder), SECONDS) for each in ("onnxruntime", "jitrt"))
        except RuntimeError as error:
            print(f"{name:20} failed: {error}")
            failures += 1
            continue
        laps = theirs.lap / ours.lap
        print(f"{name:20} {theirs.first:11.2f} {ours.first:8.2f}", end=" ")
        print(f"{1000 * theirs.lap:11.2f} {1000 * ours.lap:8.2f} {laps:6.2f}", flush=True)
        for line in differences(theirs.answers, ours.answers, client.tolerance):
            print(f"    {line}")
            failures += 1
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
