"""`jitrt demo`: reads handwritten digits with the model in demo_data; says what ran and how long it took.

notebooks/train_digits.py made the model, and says where the digits come from.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from importlib.resources import files
from statistics import median
from typing import Any

import numpy as np

from jitrt import config
from jitrt.explain import fastest
from jitrt.session import InferenceSession

Array = np.ndarray[Any, Any]
REPEATS = 200
NEW_BATCH = 50
SHADES = (" ░▒▓█", " .:o#")  # from no ink to full ink; the second for terminals without the first


def main() -> None:
    """Print the demo."""
    folder = files("jitrt") / "demo_data"
    with (folder / "digits.npz").open("rb") as file:
        arrays = np.load(file)
        images, labels = arrays["images"], arrays["labels"]
    count, cached = len(images), _cached_files()
    session, load = _timed(lambda: InferenceSession((folder / "digits.onnx").read_bytes()))
    probabilities, first = _timed(lambda: _read(session, images))
    compiled = not cached or _cached_files() > cached
    _, resized = _timed(lambda: _read(session, images[:NEW_BATCH]))
    batch = _median(lambda: _read(session, images))
    single = _median(lambda: _read(session, images[:1]))

    print(f"{count} handwritten digits of 8 x 8 pixels, none of which the model was trained on:\n")
    print("\n".join(_pictures(images, labels, probabilities)))
    right = int((probabilities.argmax(1) == labels).sum())
    print(f"\n  {right} of {count} right: {right / count:.1%}\n")
    print("\n".join(_kernels(session, images)))
    how = "schedules, compiles and runs" if compiled else "schedules, loads compiled kernels and runs"
    print(f"""
  load the model                {1e3 * load:9.2f} ms
  first run, {count} digits         {1e3 * first:9.2f} ms   {how}
  another batch size, {NEW_BATCH} digits {1e3 * resized:9.2f} ms   the same kernels with new sizes
  repeated run, {count} digits      {1e3 * batch:9.3f} ms   {1e6 * batch / count:.2f} us a digit
  repeated run, one digit       {1e3 * single:9.3f} ms

Next, your own model:
  jitrt explain model.onnx                            which kernels it becomes
  jitrt run model.onnx --input name=x.npy --profile   its outputs, and the time of each step
  jitrt ops                                           the operators, and where each is written""")


def _read(session: InferenceSession, images: Array) -> Array:
    """The probabilities of the ten digits, f32[n,10], for images u8[n,8,8]."""
    return session.run(None, {"image": images})[0]  # type: ignore[no-any-return]


def _timed(function: Callable[[], Any]) -> tuple[Any, float]:
    """The function's result, and how many seconds it took."""
    start = time.perf_counter()
    result = function()
    return result, time.perf_counter() - start


def _median(function: Callable[[], Any]) -> float:
    return median(_timed(function)[1] for _ in range(REPEATS))


def _cached_files() -> set[str]:
    directory = config.settings.cache_dir
    return set(os.listdir(directory)) if directory is not None and directory.is_dir() else set()


def _pictures(images: Array, labels: Array, probabilities: Array) -> Iterator[str]:
    """Three digits and the surest mistake, side by side, with what the model takes them for."""
    answers, sure = probabilities.argmax(1), probabilities.max(1)
    mistake = int(np.where(answers != labels, sure, -1).argmax())
    chosen = [0, 1, 2, mistake]
    shades = _shades()
    for row in range(8):
        lines = ["".join(2 * shades[(int(pixel) + 3) // 4] for pixel in images[i, row]) for i in chosen]
        yield "  " + "   ".join(lines).rstrip()
    captions = [f"{answers[i]}, {sure[i]:.0%} sure" for i in chosen]
    captions[-1] += "" if answers[mistake] == labels[mistake] else f" (a {labels[mistake]})"
    yield "  " + "   ".join(caption.center(16) for caption in captions).rstrip()


def _shades() -> str:
    try:
        SHADES[0].encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return SHADES[1]
    return SHADES[0]


def _kernels(session: InferenceSession, images: Array) -> Iterator[str]:
    """A line a kernel: the operators fused into it, its time and rate."""
    ((segment, times),) = fastest(session, {"image": images}, REPEATS)
    plan, steps = segment.plan, segment.plan.recipe.steps
    yield f"  {len(session.graph.nodes)} nodes run as {len(steps)} kernels, in one native call:\n"
    for number, step in enumerate(steps):
        operators = " + ".join(node.partition(" ")[0] for node in step.nodes)
        ns = max(int(times[number, 1] - times[number, 0]), 1)
        rate = f"{plan.flops[number] / ns:7.0f} GFLOP/s"
        yield f"  {number:4}  {operators:34} {ns / 1e3:8.1f} us {rate}"
