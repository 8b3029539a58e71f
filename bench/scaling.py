"""`python -m bench scaling [MODEL ...] --threads 1,2,4`: hot medians for each number of threads."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from bench import machine
from bench.catalog import find_cases
from bench.engines import ENGINES, is_installed
from bench.processes import ROOT
from bench.report import format_number, format_table, row_label
from bench.results import Results, geomean
from bench.run import comma_list, context, measure
from bench.run import parse as parse_run

LATEST = ROOT / "bench" / "results" / "scaling.json"


def main(arguments: list[str]) -> int:
    """Measure, print a table an engine, write JSON. Returns 1 if jitrt failed on a model."""
    options = _parse(arguments)
    try:
        cases, _ = find_cases(options.models, {})
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    if options.threads[-1] > machine.available_cpus():
        print(f"note: only {machine.available_cpus()} CPUs are available", file=sys.stderr)
    peers = [peer for peer in options.vs if is_installed(peer)]
    runs: dict[int, Results] = {}
    for threads in options.threads:
        quick = ["--quick"] if options.quick else []
        settings = parse_run(["--only", "hot", "--threads", str(threads), *quick])
        runs[threads] = Results("jitrt", peers, context(settings, arguments))
        for case in cases:
            print(f"{threads} threads: {case.name}", file=sys.stderr, flush=True)
            runs[threads].measurements += measure(case, runs[threads], settings)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps({n: asdict(run) for n, run in runs.items()}, indent=1) + "\n")
    print("\n\n".join(table(runs, engine) for engine in ("jitrt", *peers)))
    print(f"\n{machine.cpu_name()}; written to {options.json}")
    return int(any(m.error and m.engine == "jitrt" for run in runs.values() for m in run.measurements))


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench scaling", description=__doc__)
    parser.add_argument("models", nargs="*", metavar="MODEL", help="as for python -m bench; default all")
    parser.add_argument("--threads", type=_counts, default=[1, 2, 4, 8, 16], metavar="N,...")
    parser.add_argument("--vs", type=comma_list(ENGINES), default=["onnxruntime"], metavar="PEER,...")
    parser.add_argument("--quick", action="store_true", help="fewer, shorter blocks")
    parser.add_argument("--json", type=Path, default=LATEST)
    return parser.parse_args(arguments)


def _counts(text: str) -> list[int]:
    return sorted({int(part) for part in text.split(",")})


def table(runs: dict[int, Results], engine: str) -> str:
    """An engine's milliseconds for each number of threads, and how many times faster than with the fewest."""
    fewest, *more = runs
    found = {threads: run.by_key() for threads, run in runs.items()}
    rows, gains = [], {threads: list[float]() for threads in more}
    for row in runs[fewest].rows("hot"):
        values = {n: m.value for n in runs if (m := found[n].get((*row, engine, "hot"))) is not None}
        cells = [row_label(row), format_number(values.get(fewest))]
        for threads in more:
            before, after = values.get(fewest), values.get(threads)
            gain = before / after if before and after else None
            if gain is not None:
                gains[threads].append(gain)
            cells += [format_number(after), format_number(gain)]
        rows.append(cells)
    rows.append(["geomean", "", *(cell for n in more for cell in ("", format_number(geomean(gains[n]))))])
    header = [f"{engine}, ms", str(fewest), *(cell for n in more for cell in (str(n), "gain"))]
    return format_table(header, rows)
