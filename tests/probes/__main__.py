"""`python -m tests.probes [WORDS]`: a table of all probes, or those whose names have all the words.

With `--page`, the page of what differs from onnxruntime.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

from . import (
    PROBES,
    Outcome,
    Probe,
    feeds,
    graphs,
    loading,
    options,
    outcome,
    providers,
    refused,
    running,
    sequences,
    surface,
    values,
    verdict,
)
from .page import page

MODULES = loading, graphs, feeds, running, options, providers, values, sequences, refused  # which fill PROBES


def compared(words: list[str]) -> Iterator[tuple[Probe, Outcome, Outcome, str]]:
    """Each probe, its outcomes in onnxruntime and in jitrt, and how they compare."""
    import onnxruntime

    from jitrt.stand_in import modules

    ours: Any = modules()["onnxruntime"]
    onnxruntime.set_default_logger_severity(4)
    for probe in PROBES:
        if all(word in probe.name for word in words):
            theirs, mine = outcome(probe, onnxruntime), outcome(probe, ours)
            yield probe, theirs, mine, verdict(probe, theirs, mine)


def main(words: list[str]) -> int:
    """Print the table, or the page. Returns 1 where something differs and does not say why."""
    if words == ["--page"]:
        print(page(PROBES), end="")
        return 0
    counts: Counter[str] = Counter()
    for probe, theirs, ours, result in compared(words):
        counts[result] += 1
        print(f"{probe.name}\n    {result}{': ' if probe.differs or probe.message else ''}", end="")
        print(probe.differs or probe.message)
        print(f"    onnxruntime  {theirs}")
        if str(ours) != str(theirs):
            print(f"    jitrt        {ours}")
    for kind, names in surface.NOT_PROVIDED.items():
        if names:
            print(f"not provided: {kind or 'the module'}: {', '.join(sorted(names))}")
    print(", ".join(f"{count} {result}" for result, count in counts.most_common()))
    return int(any(result not in ("same", "differs by design") for result in counts))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
