"""Tables of a run and of the difference between two runs."""

from __future__ import annotations

from collections.abc import Sequence
from math import isinf
from textwrap import fill

from bench.results import METRICS, Measurement, Results, geomean, ratio, ratios

WIDTH = 110
SUSPICIOUS_ERROR = 1e-2
NOISY_SPREAD = 1.5
LEGEND = "~ the ninetieth percentile is 1.5 times the tenth or more; ! an error above 0.01"


def format_number(value: float | None) -> str:
    """Three significant digits, no exponent between 0.001 and a million; `-` for None."""
    if value is None:
        return "-"
    if isinf(value):
        return "inf"
    if value != 0 and not 1e-3 <= abs(value) < 1e6:
        return f"{value:.0e}"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    return f"{value:.{digits}f}"


def format_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell, the first flush left and the others flush right.

    The first is shortened to at least 20 characters where the line gets longer than 110.
    """
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    widths[0] = min(widths[0], max(20, WIDTH - sum(widths[1:]) - 2 * len(widths[1:])))

    def line(cells: Sequence[str]) -> str:
        first = cells[0] if len(cells[0]) <= widths[0] else cells[0][: widths[0] - 1] + "…"
        others = (cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))
        return "  ".join([first.ljust(widths[0]), *others]).rstrip()

    return "\n".join(line(cells) for cells in [header, *rows])


def row_label(row: tuple[str, int]) -> str:
    """`name`, or `name #2` for a model's second inputs."""
    model, inputs = row
    return model if inputs == 1 else f"{model} #{inputs}"


def metric_table(results: Results, metric: str) -> str:
    """One row a model and inputs: every engine's value, and each peer's ratio to the subject's."""
    measured = results.by_key()
    peers = results.peers if METRICS[metric].of_peers else []
    with_ratio = METRICS[metric].has_ratio
    checked = _checked_engines(results) if metric == "hot" else []

    def cell(row: tuple[str, int], engine: str) -> str:
        failed = any(
            (*row, engine, m) in measured and measured[(*row, engine, m)].error for m in (metric, "error")
        )
        found = measured.get((*row, engine, metric))
        if failed or found is None:
            return "failed" if failed else "-"
        return format_number(found.value) + ("~" if is_noisy(found) else "")

    header, rows = [METRICS[metric].unit, results.subject], []
    for peer in peers:
        header += [peer, "ratio"] if with_ratio else [peer]
    header += [f"err {engine}" for engine in checked]
    for row in results.rows(metric):
        cells = [row_label(row), cell(row, results.subject)]
        for peer in peers:
            cells.append(cell(row, peer))
            if with_ratio:
                pair = measured.get((*row, results.subject, metric)), measured.get((*row, peer, metric))
                cells.append(format_number(ratio(*pair)))
        cells += [_error_cell(measured.get((*row, engine, "error"))) for engine in checked]
        rows.append(cells)
    if with_ratio and peers:
        means = [geomean(ratios(results, metric, peer).values()) for peer in peers]
        rows.append(
            ["geomean", "", *(c for mean in means for c in ("", format_number(mean))), *[""] * len(checked)]
        )
    return f"{METRICS[metric].title} ({METRICS[metric].unit})\n{format_table(header, rows)}"


def is_noisy(measurement: Measurement) -> bool:
    """Whether single runs differ so much that the median means little."""
    spread = measurement.details
    return "p10" in spread and spread["p90"] >= NOISY_SPREAD * spread["p10"]


def _checked_engines(results: Results) -> list[str]:
    checked = {m.engine for m in results.measurements if m.metric == "error" and m.value is not None}
    return [engine for engine in [results.subject, *results.peers] if engine in checked]


def _error_cell(measurement: Measurement | None) -> str:
    if measurement is None or measurement.value is None:
        return "-"
    return format_number(measurement.value) + ("!" if measurement.value > SUSPICIOUS_ERROR else "")


def failures(results: Results) -> list[str]:
    """A paragraph for each distinct failure of an engine on a model."""
    failed = (m for m in results.measurements if m.error)
    lines = dict.fromkeys(f"{row_label((m.model, m.inputs))}: {m.engine}: {m.error}" for m in failed)
    return [fill(line, WIDTH, subsequent_indent="    ") for line in lines]


def report(results: Results) -> str:
    """All tables, then the failures."""
    parts = [
        metric_table(results, metric) for metric in METRICS if metric != "error" and results.rows(metric)
    ]
    text = "\n\n".join(parts)
    if "~" in text or "!" in text:
        text += f"\n\n{LEGEND}"
    if failed := failures(results):
        text += "\n\n" + "\n".join(["Failures", *failed])
    return text


def comparison(before: Results, after: Results) -> str:
    """For every metric in both runs: old value, new value and old/new (more is better) of the later subject.

    The peers' old/new beside it tells how much the machine itself changed.
    """
    parts = []
    for metric in (m for m in METRICS if m != "error"):
        old, new = before.by_key(), after.by_key()
        peers = [
            peer for peer in after.peers if any(k[2:] == (peer, metric) for k in old.keys() & new.keys())
        ]
        engines = [after.subject, *peers]
        rows, changes = [], {engine: list[float]() for engine in engines}
        for row in (r for r in before.rows(metric) if r in after.rows(metric)):
            cells = [row_label(row)]
            for engine in engines:
                a, b = old.get((*row, engine, metric)), new.get((*row, engine, metric))
                change = ratio(b, a)
                if change is not None:
                    changes[engine].append(change)
                if engine == after.subject:
                    cells += [format_number(m.value if m else None) for m in (a, b)]
                cells.append(format_number(change))
            rows.append(cells)
        if rows:
            header = [METRICS[metric].unit, "before", "after", *(f"{engine} gain" for engine in engines)]
            rows.append(["geomean", "", "", *(format_number(geomean(changes[engine])) for engine in engines)])
            parts.append(f"{METRICS[metric].title}\n{format_table(header, rows)}")
    return "\n\n".join(parts) or "the two runs have nothing in common"
