"""The command line: `jitrt demo | run | explain | ops`, or `python -m jitrt ...`."""

from __future__ import annotations

import argparse
import os
import sys
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np

from jitrt import show
from jitrt.errors import JitrtError
from jitrt.example import example_inputs
from jitrt.explain import STAGES, explain, profile
from jitrt.operator_table import as_markdown, as_text, operator_rows
from jitrt.options import SessionOptions
from jitrt.session import InferenceSession
from jitrt.types import ort_name
from jitrt.version import __version__

Arrays = dict[str, np.ndarray[Any, Any]]


class UsageError(Exception):
    """What the user asked for cannot be done; the message is for them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code is 2 after a mistake of the user's, told in one line."""
    options = _parser().parse_args(arguments)
    try:
        options.command(options)
        sys.stdout.flush()
    except JitrtError as error:
        return _refuse(error.message)
    except UsageError as error:
        return _refuse(str(error))
    except BrokenPipeError:  # the reader has seen enough; what Python still flushes at exit goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return 130
    return 0


def _refuse(message: str) -> int:
    print(f"jitrt: {' '.join(message.split())}", file=sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="jitrt", description="Runs ONNX models with kernels compiled on the spot."
    )
    parser.add_argument("--version", action="version", version=f"jitrt {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="read handwritten digits with a model that comes with jitrt")
    demo.set_defaults(command=_demo)

    runs = commands.add_parser("run", help="run a model on arrays in .npy and .npz files")
    _add_model(runs)
    _add_inputs(runs)
    runs.add_argument("--output", metavar="FILE", help="write the outputs to this .npz file")
    runs.add_argument("--profile", action="store_true", help="run 50 times and print the time of each step")
    runs.set_defaults(command=_run)

    explains = commands.add_parser(
        "explain",
        help="show what becomes of a model",
        description="Shows what becomes of a model. Inputs that no file gives are zeros (empty strings), "
        "in the shapes that the model declares, with 1 for dimensions that may vary.",
    )
    _add_model(explains)
    _add_inputs(explains)
    explains.add_argument(
        *("--shape", "-s"),
        action="append",
        default=[],
        metavar="NAME=1x3x224",
        help="the shape of an input, or the size of a dimension (batch=8)",
    )
    explains.add_argument("--stage", choices=STAGES, default="schedule", help="what to show: %(default)s")
    explains.set_defaults(command=_explain)

    ops = commands.add_parser("ops", help="list the operators, and where each is written")
    ops.add_argument("pattern", nargs="?", default="", help="only those with this in their name")
    ops.add_argument("--markdown", action="store_true", help="as in ops/README.md")
    ops.set_defaults(command=_ops)
    return parser


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="an .onnx file")
    parser.add_argument("--threads", type=_positive, default=0, help="threads of a run; the physical cores")


def _add_inputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        *("--input", "-i"),
        action="append",
        default=[],
        metavar="[NAME=]FILE",
        help="an input from a .npy file, or all arrays of an .npz file by their names; may be repeated",
    )


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a number of 1 or more, got {value}")
    return value


def _demo(options: argparse.Namespace) -> None:
    from jitrt import demo

    demo.main()


def _run(options: argparse.Namespace) -> None:
    session = _session(options)
    feed = _read_inputs(session, options.input)
    missing = [a.name for a in session.get_inputs() if a.name not in feed]
    if missing:
        raise UsageError(f"no --input for {', '.join(missing)}; the model takes {_signature(session)}")
    names = [a.name for a in session.get_outputs()]
    outputs = dict(zip(names, session.run(None, feed), strict=True))
    if options.output:
        _write_outputs(options.output, outputs)
    with np.printoptions(threshold=64, precision=4, suppress=True, linewidth=100):
        for name, value in outputs.items():
            print(f"{name}: {show.value_type(value)}\n{value}")
    if options.profile:
        print(profile(session, feed))


def _explain(options: argparse.Namespace) -> None:
    session = _session(options)
    feed = None
    if options.stage != "graph":
        given = _read_inputs(session, options.input)
        try:
            feed = {**example_inputs(session, dict(map(_shape, options.shape))), **given}
        except (MemoryError, ValueError) as error:  # NumPy's, of an array that is too big
            raise UsageError(f"--shape: {error}") from None
    print(explain(session, feed, options.stage))


def _ops(options: argparse.Namespace) -> None:
    rows = operator_rows(options.pattern)
    if not rows:
        raise UsageError(f"no operator has {options.pattern!r} in its name")
    print(as_markdown(rows) if options.markdown else as_text(rows))


def _session(options: argparse.Namespace) -> InferenceSession:
    settings = SessionOptions()
    settings.intra_op_num_threads = options.threads
    return InferenceSession(options.model, settings)


def _signature(session: InferenceSession) -> str:
    return ", ".join(f"{a.name}: {a.type}{a.shape}" for a in session.get_inputs()) or "no inputs"


def _shape(text: str) -> tuple[str, tuple[int, ...]]:
    """`("x", (1, 3))` from "x=1x3"; "x=" is a scalar."""
    name, _, sizes = text.rpartition("=")
    try:
        shape = tuple(int(size) for size in sizes.split("x") if sizes)
    except ValueError:
        shape = (-1,)
    if not name or any(size < 0 for size in shape):
        raise UsageError(f"--shape {text}: expected NAME=SIZExSIZE..., as in image=1x3x224x224")
    return name, shape


def _read_inputs(session: InferenceSession, given: Sequence[str]) -> Arrays:
    """The arrays of all `--input` options."""
    inputs = [a.name for a in session.get_inputs()]
    feed: Arrays = {}
    for text in given:
        name, _, path = text.rpartition("=")
        loaded = _load(path)
        if isinstance(loaded, dict):
            if name:
                raise UsageError(f"--input {text}: an .npz file names its arrays itself")
            feed.update(loaded)
        elif name or len(inputs) == 1:
            feed[name or inputs[0]] = loaded
        else:
            raise UsageError(f"--input {text}: which input is it? the model takes {_signature(session)}")
    return feed


def _load(path: str) -> np.ndarray[Any, Any] | Arrays:
    arrays: Arrays
    try:
        loaded = np.load(path, allow_pickle=False)
        arrays = dict(loaded) if isinstance(loaded, np.lib.npyio.NpzFile) else {"": loaded}
    except OSError as error:
        raise UsageError(f"--input {path}: {error.strerror or error}") from None
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UsageError(f"--input {path}: not an array that NumPy can read: {error}") from None
    for name, array in arrays.items():
        try:
            ort_name(np.dtype(object) if array.dtype.kind == "U" else array.dtype)
        except KeyError:
            where = f"{path} {name}".strip()
            raise UsageError(f"--input {where}: no tensor has elements of type {array.dtype}") from None
    return arrays.get("", arrays)


def _write_outputs(path: str, outputs: dict[str, Any]) -> None:
    """Write an .npz file: strings as NumPy's fixed-width ones, types that NumPy has not as their bits."""
    try:
        with zipfile.ZipFile(path, "w") as archive:
            for name, value in outputs.items():
                if not isinstance(value, np.ndarray):
                    print(f"{name} is no tensor: not written", file=sys.stderr)
                    continue
                if value.dtype.kind in "OV":
                    value = value.astype(str) if value.dtype.kind == "O" else value.view(f"u{value.itemsize}")
                with archive.open(f"{name}.npy", "w") as file:
                    np.lib.format.write_array(file, value, allow_pickle=False)
    except OSError as error:
        raise UsageError(f"--output {path}: {error.strerror}") from None
