"""`python -m jitrt.patch script.py ARGS`: run a script, or `-m module`, with jitrt as its onnxruntime.

It holds for the processes that the script starts by `multiprocessing`, too.
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable, Sequence
from multiprocessing import spawn
from pathlib import Path
from types import ModuleType
from typing import Any

from jitrt.stand_in import as_onnxruntime

USAGE = "usage: python -m jitrt.patch script.py [ARGS], or python -m jitrt.patch -m module [ARGS]"


class _Standing:
    """What stands in for onnxruntime where it is unpickled."""

    def __reduce__(self) -> tuple[Callable[[], ModuleType], tuple[()]]:
        return as_onnxruntime, ()


def _stand_in_children() -> None:
    """Have processes that `multiprocessing` starts anew call `as_onnxruntime` before they import anything."""
    prepare = spawn.get_preparation_data

    def get_preparation_data(name: str) -> dict[str, Any]:
        return {**prepare(name), "jitrt": _Standing()}

    spawn.get_preparation_data = get_preparation_data


def main(arguments: Sequence[str]) -> int:
    """Run what is named. Returns 2 where nothing is."""
    is_module = bool(arguments) and arguments[0] == "-m"
    rest = list(arguments[1:] if is_module else arguments)
    if not rest or rest[0] in ("-h", "--help"):
        print(USAGE, file=sys.stderr)
        return 0 if rest else 2
    as_onnxruntime()
    _stand_in_children()
    sys.argv = rest
    if is_module:
        sys.path[0] = ""
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
        return 0
    if not Path(rest[0]).is_file():
        print(f"jitrt.patch: there is no file {rest[0]}", file=sys.stderr)
        return 2
    sys.path[0] = str(Path(rest[0]).resolve().parent)
    runpy.run_path(rest[0], run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
