"""`python -m bench [MODEL ...]`: measure models on jitrt and its peers."""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import machine
from bench.catalog import Case, find_cases
from bench.engines import ENGINES, can_run, describe, is_installed, version
from bench.processes import ROOT, measure_starts, measure_steady
from bench.report import report
from bench.results import GROUPS, Measurement, Results
from bench.steady import Request

LATEST = ROOT / "bench" / "results" / "latest.json"
EPILOG = "python -m bench compare BEFORE.json AFTER.json prints what changed between two runs."
QUICK: dict[str, Any] = {"rounds": 2, "block_s": 0.05, "block_runs": 3, "paced_runs": 6, "pause_s": 0.05}
QUICK_GROUPS = ["hot", "paced", "shapes"]


def main(arguments: list[str]) -> int:
    """Measure, print the tables, write JSON and the plot. Returns 1 if the subject failed on a model."""
    options = parse(arguments)
    try:
        cases, remarks = find_cases(options.models, dict(options.shape))
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    if options.list:
        print("\n".join(f"{case.name}  ({case.kind or case.source})" for case in cases))
        return 0
    peers = [peer for peer in options.vs if peer != options.subject]
    remarks += [f"{peer} is not installed: left out" for peer in peers if not is_installed(peer)]
    if warning := machine.busy_warning(machine.load()):
        remarks.append(warning)
    for remark in remarks:
        print(f"note: {remark}", file=sys.stderr)

    results = Results(
        options.subject, [peer for peer in peers if is_installed(peer)], context(options, arguments)
    )
    disturbed: list[str] = []
    for number, case in enumerate(cases, start=1):
        print(f"[{number}/{len(cases)}] {case.name}", file=sys.stderr, flush=True)
        before = machine.usage()
        results.measurements += measure(case, results, options)
        usage = machine.usage().since(before)
        results.context["usage"][case.name] = vars(usage)
        if warning := usage.warning():
            disturbed.append(f"{case.name}: {warning}")
        results.save(options.json)

    print(report(results))
    if disturbed:
        print("", *disturbed, sep="\n")
    print(f"\n{results.context['machine']['cpu']}, {options.threads} threads; written to {options.json}")
    if options.plot:
        from bench.plot import plot_ratios

        plot_ratios(results, options.plot)
    return int(any(m.error and m.engine == results.subject for m in results.measurements))


def measure(case: Case, results: Results, options: argparse.Namespace) -> Iterator[Measurement]:
    """All wanted measurements of one model, with a kernel cache of its own that starts empty."""
    with TemporaryDirectory(prefix="jitrt-bench-") as folder:
        cache = Path(folder) / "cache"
        cache.mkdir(mode=0o700)
        try:
            files = case.write(Path(folder))
        except Exception as error:
            yield Measurement(case.name, 1, results.subject, "error", error=describe(error))
            return
        engines = [name for name in (results.subject, *results.peers) if can_run(name, files.model)]
        if results.subject not in engines:
            return
        request = Request(
            name=case.name,
            model=str(files.model),
            inputs=[str(path) for path in files.inputs],
            shapes=[str(path) for path in files.shapes],
            engines=engines,
            reference="onnxruntime" if "onnxruntime" in engines else engines[-1],
            groups=options.only,
            threads=options.threads,
            **(QUICK if options.quick else {}),
        )
        if {"start", "memory"} & set(options.only):
            wanted = {metric for group in options.only for metric in GROUPS[group]}
            starts = measure_starts(request, cache, options.timeout, repeats=3)
            yield from (m for m in starts if m.metric in wanted)
        if {"hot", "paced", "shapes"} & set(options.only):
            yield from measure_steady(request, cache, options.timeout)


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line's options."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__, epilog=EPILOG)
    parser.add_argument(
        "models", nargs="*", metavar="MODEL", help="name, pattern, kind or .onnx file; default all"
    )
    parser.add_argument(
        "--vs", type=comma_list(ENGINES), default=["onnxruntime", "openvino"], metavar="PEER,..."
    )
    parser.add_argument(
        "--subject", choices=ENGINES, default="jitrt", help="the engine to compare the peers with"
    )
    parser.add_argument("--threads", type=int, default=2, help="for every engine")
    parser.add_argument("--only", type=comma_list(GROUPS), metavar=",".join(GROUPS), help="what to measure")
    parser.add_argument("--quick", action="store_true", help="fewer, shorter blocks; no process starts")
    parser.add_argument(
        "--shape",
        type=named_shape,
        action="append",
        default=[],
        metavar="NAME=1x3x224",
        help="for MODEL files",
    )
    parser.add_argument("--json", type=Path, default=LATEST, metavar="PATH")
    parser.add_argument("--plot", type=Path, metavar="PATH", help="save the ratios as PNG")
    parser.add_argument("--timeout", type=float, default=600, metavar="SECONDS", help="for one process")
    parser.add_argument("--list", action="store_true", help="list the models and stop")
    options = parser.parse_args(arguments)
    options.only = options.only or (QUICK_GROUPS if options.quick else list(GROUPS))
    return options


def comma_list(known: Any) -> Any:
    """A parser of comma-separated names out of `known`."""

    def parse_names(text: str) -> list[str]:
        names = [name for name in text.split(",") if name]
        if unknown := [name for name in names if name not in known]:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: choose from {', '.join(known)}")
        return names

    return parse_names


def named_shape(text: str) -> tuple[str, tuple[int, ...]]:
    """`name=1x3x224x224` as a pair."""
    name, _, dims = text.rpartition("=")
    try:
        return name, tuple(int(dim) for dim in dims.split("x") if dim)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text}: expected NAME=1x3x224x224") from None


def context(options: argparse.Namespace, arguments: list[str]) -> dict[str, Any]:
    """What somebody needs to know to repeat the run."""
    packages = ("jitrt", "onnxruntime", "openvino", "torch", "numpy", "numba", "llvmlite", "onnx")
    return {
        "command": ["python", "-m", "bench", *arguments],
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cpu": machine.cpu_name(),
            "cpus": machine.available_cpus(),
            "system": platform.platform(),
            "python": platform.python_version(),
            "load": machine.load(),
        },
        "versions": {package: version(package) for package in packages},
        "threads": options.threads,
        "quick": options.quick,
        "usage": {},
    }
