"""A picture of a run: how many times faster the subject is than each peer."""

from __future__ import annotations

from pathlib import Path

from bench.report import row_label
from bench.results import METRICS, Results, ratios

PLOTTED = ("hot", "paced", "warm", "memory")


def plot_ratios(results: Results, path: Path) -> None:
    """Save a PNG: a panel a metric, a dot a model and peer, logarithmic axes. Needs matplotlib."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

    plotted = {metric: {peer: ratios(results, metric, peer) for peer in results.peers} for metric in PLOTTED}
    rows_of = {
        metric: [
            row for row in results.rows(metric) if any(row in found for found in plotted[metric].values())
        ]
        for metric in PLOTTED
    }
    metrics = [metric for metric in PLOTTED if rows_of[metric]]
    if not metrics:
        raise ValueError("nothing to plot: no metric has a value for both the subject and a peer")
    tallest = max(len(rows_of[metric]) for metric in metrics)
    figure = Figure(figsize=(4.2 * len(metrics) + 1, 0.24 * tallest + 1.6), layout="constrained")
    for axes, metric in zip(figure.subplots(1, len(metrics), squeeze=False)[0], metrics, strict=True):
        rows = rows_of[metric]
        axes.axvline(1, color="0.3", linewidth=1)
        for (peer, found), marker in zip(plotted[metric].items(), "os^D", strict=False):
            heights = [rows.index(row) for row in found]
            axes.plot(list(found.values()), heights, marker, label=peer, markersize=5, alpha=0.85)
        axes.set_yticks(range(len(rows)), [row_label(row) for row in rows], fontsize=8)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(ScalarFormatter())
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.grid(axis="x", color="0.9")
        axes.set_title(METRICS[metric].title.partition(":")[0], fontsize=9)
        axes.set_xlabel(f"peer / {results.subject}")
    figure.axes[0].legend(fontsize=8)
    figure.savefig(path, dpi=130)
