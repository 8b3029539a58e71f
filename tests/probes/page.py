"""The page of differences, DIFFERENCES.md, from the reasons that probes give."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from . import Probe, surface

HEAD = """\
# What differs from onnxruntime

jitrt has the interface of onnxruntime 1.32, with its results, types, shapes, exceptions and messages. Here is
what differs on purpose, and why. `python -m tests.probes [WORDS]` shows both outcomes of each call that is
compared, and `python -m tests.probes --page` prints this page; `pip install -e '.[peers]'` first.
"""
TITLES = {
    "loading": "Models that are loaded",
    "graphs": "Graphs that cannot be right",
    "feeds": "What is fed",
    "running": "Runs",
    "options": "Options and what a session tells of itself",
    "providers": "Execution providers and devices",
    "values": "OrtValues and bindings",
    "sequences": "Sequences, optionals and maps",
    "refused": "Arguments of other kinds",
}


def page(probes: Sequence[Probe]) -> str:
    """The page in Markdown."""
    return "\n".join([HEAD, *_sections(probes), *_not_provided()])


def _sections(probes: Sequence[Probe]) -> Iterator[str]:
    for module, title in TITLES.items():
        reasons: dict[str, list[str]] = {}
        for probe in probes:
            where, _, name = probe.name.partition(": ")
            reason = probe.differs or (probe.message and f"{probe.message} (the message alone)")
            if where == module and reason:
                reasons.setdefault(reason, []).append(name)
        yield f"## {title}\n"
        yield from (f"- *{', '.join(names)}*: {reason}" for reason, names in reasons.items())
        yield ""


def _not_provided() -> Iterator[str]:
    yield "## Not provided\n"
    yield "These are AttributeErrors: sparse tensors, LoRA adapters, compiled and packaged models, streams.\n"
    for kind, names in surface.NOT_PROVIDED.items():
        if names:
            yield f"- {f'`{kind}`' if kind else 'The module'}: {', '.join(f'`{n}`' for n in sorted(names))}"
    yield ""
