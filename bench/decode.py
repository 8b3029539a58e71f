"""`python -m bench decode [MODEL ...]`: tokens one by one, each with a longer cache of keys and values.

A model's inputs named past* are its cache, of shape [1, heads, length, size]; its outputs after the first are
the cache of the next step. Beside the growing cache, as many steps with a cache of the mean length show what
the new shapes cost. The engines take turns with pauses between, in one process.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from tempfile import TemporaryDirectory

import numpy as np
import onnx
from onnx import helper

from bench import machine
from bench.catalog import Case, find_cases
from bench.engines import ENGINES, Feeds, Run, describe, is_installed, version
from bench.inputs import Declared, declared_inputs
from bench.processes import ROOT
from bench.report import format_number, format_table
from bench.results import Measurement, Results, ratio
from bench.run import comma_list
from bench.steady import timed

LATEST = ROOT / "bench" / "results" / "decode.json"
ROWS = {
    "prompt": "the prompt at once",
    "first": "first growing cache",
    "growing": "growing cache",
    "fixed": "cache of one length",
}


def main(arguments: list[str]) -> int:
    """Measure, print the table, write JSON. Returns 1 if jitrt failed on a model."""
    options = _parse(arguments)
    try:
        cases, _ = find_cases(options.models, {})
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    engines = [name for name in dict.fromkeys(["jitrt", *options.vs]) if is_installed(name)]
    context = {
        **{"command": ["python", "-m", "bench", "decode", *arguments], "threads": options.threads},
        **{"cpu": machine.cpu_name(), "versions": {name: version(name) for name in engines}},
    }
    results = Results("jitrt", engines[1:], context)
    if warning := machine.busy_warning(machine.load()):
        print(f"note: {warning}", file=sys.stderr)
    begin = machine.usage()
    for case in cases:
        results.measurements += measure(case, engines, options)
        results.save(options.json)
    print(table(results))
    if warning := machine.usage().since(begin).warning():
        print(f"\n{warning}")
    failed = [m for m in results.measurements if m.error]
    print("".join(f"\n{m.model}: {m.engine}: {m.error}" for m in failed))
    shape = f"a prompt of {options.prompt} tokens, then {options.tokens} steps"
    print(f"{shape}; {context['cpu']}, {options.threads} threads; written to {options.json}")
    return int(any(m.engine == "jitrt" for m in failed))


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench decode", description=__doc__)
    parser.add_argument("models", nargs="*", default=["decoder"], metavar="MODEL", help="default: decoder")
    parser.add_argument("--vs", type=comma_list(ENGINES), default=["onnxruntime"], metavar="PEER,...")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--prompt", type=int, default=16, metavar="TOKENS")
    parser.add_argument("--tokens", type=int, default=128, help="steps after the prompt")
    parser.add_argument("--rounds", type=int, default=3, help="texts that each engine writes")
    parser.add_argument("--pause", type=float, default=0.15, metavar="S", help="seconds before each text")
    parser.add_argument("--json", type=Path, default=LATEST)
    return parser.parse_args(arguments)


@dataclass(frozen=True)
class Decoder:
    """A model as one engine runs it."""

    run: Run
    declared: Declared

    @property
    def past(self) -> list[str]:
        """The inputs that hold the cache, in the order of the outputs."""
        return [name for name in self.declared if name.startswith("past")]

    def feeds(self, new: int, cache: Feeds) -> Feeds:
        """Inputs for `new` tokens after those in the cache. Raises ValueError for an input without rule."""
        length = cache[self.past[0]].shape[2]
        arrays: Feeds = {}
        for name, (code, _) in self.declared.items():
            dtype = helper.tensor_dtype_to_np_dtype(code)
            if name in cache:
                arrays[name] = cache[name]
            elif "mask" in name:
                arrays[name] = np.ones((1, length + new), dtype)
            elif "position" in name:
                arrays[name] = np.arange(length, length + new, dtype=dtype)[None]
            elif "ids" in name:
                arrays[name] = np.arange(1, new + 1, dtype=dtype)[None]
            else:
                raise ValueError(f"no rule for the decoder's input {name}")
        return arrays

    def cache(self, length: int) -> Feeds:
        """A cache of random values."""
        random = np.random.default_rng(0)
        arrays: Feeds = {}
        for name in self.past:
            code, (_, heads, _, size) = self.declared[name]
            values = random.standard_normal((1, int(heads or 0), length, int(size or 0)))
            arrays[name] = values.astype(helper.tensor_dtype_to_np_dtype(code))
        return arrays

    def growing(self, prompt: int, tokens: int) -> Iterator[float]:
        """Seconds of the prompt, then of each step, the cache handed on."""
        cache = self.cache(0)
        for new in (prompt, *[1] * tokens):
            feeds = self.feeds(new, cache)
            begin = time.perf_counter()
            outputs = self.run(feeds)
            yield time.perf_counter() - begin
            cache = dict(zip(self.past, outputs[1:], strict=False))

    def fixed(self, length: int, tokens: int) -> Iterator[float]:
        """Seconds of steps that all have a cache of this length."""
        feeds = self.feeds(1, self.cache(length))
        self.run(feeds)
        return (timed(self.run, feeds) for _ in range(tokens))


def measure(case: Case, engines: list[str], options: argparse.Namespace) -> Iterator[Measurement]:
    """Milliseconds a token of each engine: the first text, further texts, and steps of one length."""
    prompt, tokens = options.prompt, options.tokens
    with TemporaryDirectory(prefix="jitrt-bench-") as folder:
        path = case.write(Path(folder)).model
        declared = declared_inputs(onnx.load(path, load_external_data=False))
        decoders: dict[str, Decoder] = {}
        for name in engines:
            try:
                decoders[name] = Decoder(ENGINES[name](path, options.threads), declared)
                # kernels are compiled before the first text: a prompt and a step of other lengths
                for _ in decoders[name].growing(prompt + 1, 1):
                    pass
            except Exception as error:
                decoders.pop(name, None)
                yield Measurement(case.name, 1, name, "growing", error=describe(error))
    seconds: dict[tuple[str, str], list[float]] = {}
    for number in range(options.rounds):
        for name in list(decoders)[:: 1 if number % 2 == 0 else -1]:
            decoder = decoders[name]
            _pause(options.pause)
            first, *steps = decoder.growing(prompt, tokens)
            _pause(options.pause)
            seconds.setdefault((name, "prompt"), []).append(first)
            seconds.setdefault((name, "growing" if number else "first"), []).append(mean(steps))
            seconds.setdefault((name, "fixed"), []).append(mean(decoder.fixed(prompt + tokens // 2, tokens)))
    for (name, metric), found in seconds.items():
        yield Measurement(case.name, 1, name, metric, median(found) * 1e3)


def _pause(seconds: float) -> None:
    gc.collect()
    time.sleep(seconds)


def table(results: Results) -> str:
    """Four rows a model: milliseconds of the prompt, then milliseconds a token."""
    found = results.by_key()
    header = ["ms", results.subject, *(cell for peer in results.peers for cell in (peer, "ratio"))]
    rows = []
    for model in dict.fromkeys(m.model for m in results.measurements):
        for metric, title in ROWS.items():
            own = found.get((model, 1, results.subject, metric))
            cells = [f"{model}: {title}", format_number(own.value if own else None)]
            for peer in results.peers:
                other = found.get((model, 1, peer, metric))
                cells += [format_number(other.value if other else None), format_number(ratio(own, other))]
            rows.append(cells)
    return format_table(header, rows)
