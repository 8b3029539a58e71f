"""`python -m bench ops [PATTERN ...]`: each operator alone, on about a million elements, worst first.

A model of one node runs on jitrt and onnxruntime, NumPy runs its nearest call; blocks of runs take turns with
pauses between, in one process. The ratios are the others' times over jitrt's.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from onnx import ValueInfoProto, defs, helper, numpy_helper

import jitrt
from bench import machine
from bench.engines import describe, is_installed, version
from bench.operator_cases import OperatorCase, elementary_cases
from bench.operator_images import image_cases
from bench.operator_layers import layer_cases
from bench.operator_searches import search_cases
from bench.operator_settings import setting_cases
from bench.operator_tables import ML, table_cases
from bench.processes import ROOT
from bench.report import format_number, format_table
from bench.results import Measurement, Results, geomean, ratio
from bench.steady import summary, timed

LATEST = ROOT / "bench" / "results" / "ops.json"
IR_VERSION = 10
FAMILIES = elementary_cases, setting_cases, search_cases, layer_cases, image_cases, table_cases
NEWEST_OPSET = 24  # that onnxruntime 1.32 has kernels for


def main(arguments: list[str]) -> int:
    """Measure, print the table, write JSON. Returns 1 if jitrt failed on a case."""
    options = _parse(arguments)
    every = [case for family in FAMILIES for case in family()]
    cases = [c for c in every if not options.patterns or _matches(c, options.patterns)]
    part, parts = map(int, options.part.split("/"))
    cases = cases[part - 1 :: parts]
    peers = [peer for peer in ("onnxruntime",) if is_installed(peer)]
    engines = ["jitrt", *peers, "numpy"]
    context = {
        **{"command": ["python", "-m", "bench", "ops", *arguments], "threads": options.threads},
        **{"cpu": machine.cpu_name(), "versions": {name: version(name) for name in engines}},
    }
    results = Results("jitrt", engines[1:], context)
    if part > 1 and options.json.exists():
        names = {case.name for case in cases}
        before = Results.load(options.json).measurements
        results.measurements = [m for m in before if m.model not in names]
    if warning := machine.busy_warning(machine.load()):
        print(f"note: {warning}", file=sys.stderr)
    for number, case in enumerate(cases, start=1):
        print(f"[{number}/{len(cases)}] {case.name}", file=sys.stderr, flush=True)
        results.measurements += _measure(case, engines, options)
        results.save(options.json)
    print(_report(results))
    print(f"\n{context['cpu']}, {options.threads} threads; written to {options.json}")
    return int(any(m.error and m.engine == "jitrt" for m in results.measurements))


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench ops", description=__doc__)
    parser.add_argument("patterns", nargs="*", metavar="PATTERN", help="only cases with this in their name")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5, help="blocks of each engine")
    parser.add_argument("--block", type=float, default=0.03, metavar="S", help="seconds of a block")
    parser.add_argument("--pause", type=float, default=0.03, metavar="S", help="seconds before each block")
    parser.add_argument("--json", type=Path, default=LATEST)
    more = "every Nth case from the Ith on, from 2/N on beside what the JSON has"
    parser.add_argument("--part", default="1/1", metavar="I/N", help=more)
    return parser.parse_args(arguments)


def _matches(case: OperatorCase, patterns: list[str]) -> bool:
    return any(pattern.lower() in case.name.lower() for pattern in patterns)


def _measure(case: OperatorCase, engines: list[str], options: argparse.Namespace) -> list[Measurement]:
    """A median for each engine, or how it failed."""
    arrays = case.inputs()
    calls: dict[str, Callable[[], Any]] = {}
    found = []
    for engine in engines:
        if engine == "numpy" and case.numpy is None:
            continue
        try:
            call = _call(engine, case, arrays, options.threads)
            call()
            calls[engine] = call
        except Exception as error:
            found.append(Measurement(case.name, 1, engine, "hot", error=describe(error)))
    times: dict[str, list[float]] = {engine: [] for engine in calls}
    for turn in range(options.rounds):
        # every other round runs backwards, so that no engine always follows the same one
        for engine in list(calls) if turn % 2 == 0 else list(calls)[::-1]:
            gc.collect()
            time.sleep(options.pause)
            times[engine] += _block(calls[engine], options.block)
    return [*found, *(summary(case.name, 1, e, "hot", seconds) for e, seconds in times.items())]


def _block(call: Callable[[], Any], seconds: float) -> list[float]:
    """Seconds of each call back to back, three at least, after one that is not counted."""
    call()
    end, times = time.perf_counter() + seconds, []
    while len(times) < 3 or time.perf_counter() < end:
        times.append(timed(lambda _: call(), None))
    return times


def _call(
    engine: str, case: OperatorCase, arrays: list[np.ndarray[Any, Any] | None], threads: int
) -> Callable[[], Any]:
    if engine == "numpy":
        function = case.numpy
        assert function is not None

        def compute() -> Any:
            with np.errstate(all="ignore"):
                return function(*arrays)

        return compute
    model = _model(case, arrays)
    given = ((i, array) for i, array in enumerate(arrays) if i not in case.constants)
    feeds = {f"x{i}": array for i, array in given if array is not None}
    session: Any
    if engine == "jitrt":
        options: Any = jitrt.SessionOptions()
        options.intra_op_num_threads = threads
        session = jitrt.InferenceSession(model, options)
    else:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, feeds)


def _model(case: OperatorCase, arrays: list[np.ndarray[Any, Any] | None]) -> bytes:
    """The node, with weights as initializers and the other inputs as the graph's, their dimensions open."""
    names = ["" if array is None else f"x{i}" for i, array in enumerate(arrays)]
    outputs = [f"y{i}" for i in range(case.outputs)]
    node = helper.make_node(case.op, names, outputs, domain=case.domain, **case.attributes)
    inputs = [
        helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(array.dtype), [f"{name}_{i}" for i in range(array.ndim)]
        )
        for i, (name, array) in enumerate(zip(names, arrays, strict=True))
        if array is not None and i not in case.constants
    ]
    weights = [numpy_helper.from_array(np.asarray(arrays[i]), names[i]) for i in case.constants]
    untyped = [ValueInfoProto(name=name) for name in outputs]
    graph = helper.make_graph([node], case.op, inputs, untyped, weights)
    newest = min(NEWEST_OPSET, defs.onnx_opset_version())
    opsets = [helper.make_opsetid("", case.version or newest)]
    if case.domain:
        opsets.append(helper.make_opsetid(case.domain, 3 if case.domain == ML else 1))
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
    return bytes(model.SerializeToString())


def _report(results: Results) -> str:
    """A row a case, the smallest ratio to onnxruntime first; failures below, then the geometric means."""
    measured = results.by_key()
    rows, failures = [], []
    for name, number in results.rows("hot"):
        found = {engine: measured.get((name, number, engine, "hot")) for engine in ("jitrt", *results.peers)}
        failures += [f"{name}: {engine}: {m.error}" for engine, m in found.items() if m and m.error]
        quotients = [ratio(found["jitrt"], found[peer]) for peer in results.peers]
        times = [m.value if m else None for m in found.values()]
        rows.append((quotients, name, times))
    rows.sort(key=lambda row: min((q for q in row[0] if q is not None), default=float("inf")))
    header = ["ms", "jitrt", *results.peers, *(f"{peer}/jitrt" for peer in results.peers)]
    table = format_table(
        header, [[name, *map(format_number, [*times, *quotients])] for quotients, name, times in rows]
    )
    means = [
        f"geomean {peer}/jitrt: {format_number(geomean(q[i] for q, *_ in rows if q[i] is not None))}"
        for i, peer in enumerate(results.peers)
    ]
    return "\n".join([table, "", *failures, "", *means])
