"""What users' code may do with onnxruntime, done with onnxruntime and with jitrt, and compared.

A probe is a function of the module under test, `ort`; its outcome is the value it returns or the exception
it raises, and its warnings. `python -m tests.probes` prints the outcomes side by side, and `test_probes.py`
checks that those which differ say why. Places in C++ sources and addresses are left out of messages, and of
arguments that pybind11 refuses only the exception's class is compared: it goes on to list C++ signatures.
"""

from __future__ import annotations

import re
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

REFUSED = "incompatible function arguments"


@dataclass(frozen=True)
class Probe:
    """A function, and why its outcome here is not onnxruntime's: in all, or in messages alone."""

    function: Callable[[Any], Any]
    differs: str = ""
    message: str = ""

    @property
    def name(self) -> str:
        """The function's, in words, after its module's."""
        return f"{self.function.__module__.rpartition('.')[2]}: {self.function.__name__.replace('_', ' ')}"


@dataclass(frozen=True)
class Outcome:
    """The class of what was raised or "" for none; its message or the value returned; and warnings."""

    raised: str
    text: str
    warned: tuple[str, ...] = ()

    def __str__(self) -> str:
        shown = f"{self.raised}: {self.text}" if self.raised else self.text
        return " ".join([shown, *(f"[{w}]" for w in self.warned)])


PROBES: list[Probe] = []


def probe(function: Any = None, *, differs: str = "", message: str = "") -> Any:
    """Decorator: the function is a probe. The keywords say why jitrt differs, where it does so on purpose."""

    def register(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        PROBES.append(Probe(function, differs, message))
        return function

    return register if function is None else register(function)


def outcome(probe: Probe, ort: Any) -> Outcome:
    """What the probe gives with a module."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            raised, text = "", describe(probe.function(ort))
        except Exception as error:
            raised, text = type(error).__name__, plain(str(error))
    warned = [plain(f"{w.category.__name__}: {w.message}") for w in caught]
    return Outcome(raised, text, tuple(w for w in warned if not w.startswith("ResourceWarning")))


def verdict(probe: Probe, theirs: Outcome, ours: Outcome) -> str:
    """ "same", "differs by design", or what is wrong."""
    same = theirs == ours
    if theirs.raised == ours.raised and REFUSED in theirs.text:
        same = True
    if probe.differs or probe.message:
        if same:
            return "is the same, and is said to differ"
        if probe.message and (theirs.raised, theirs.warned) != (ours.raised, ours.warned):
            return "differs in more than the message"
        return "differs by design"
    return "same" if same else "differs"


def plain(message: str) -> str:
    """A message without what depends on where and how the library was built."""
    message = re.sub(r"__init__\(\): incompatible constructor arguments", REFUSED, message)
    location = r"/onnxruntime_src/\S+:\d+ .*?\)(?:::<lambda\([^)]*\)>)?(?: const)?(?: \[with .*?\])? "
    message = re.sub(location + r"(?:\S[^.]* was false\. )?", "", message)
    message = re.sub(r"\b\w+\.(?:cc|h):\d+ (?:\w+ )?", "", message)
    message = re.sub(r"\b(?:onnxruntime|jitrt)(?:\.\w+)+\.(\w+)", r"\1", message)
    message = re.sub(rf"{re.escape(tempfile.gettempdir())}/\w+", "FOLDER", message)
    message = re.sub(r" at 0x[0-9a-f]+", "", message)
    message = re.sub(r"onnx ?runtime|jitrt", "jitrt", message, flags=re.IGNORECASE)
    return " ".join(message.replace("\n", " ").split())


def describe(value: Any) -> str:
    """A value in words: its type, and what it holds."""
    if isinstance(value, np.ndarray):
        items = "" if value.dtype.kind == "V" else " " + " ".join(np.array2string(value, precision=4).split())
        return f"{value.dtype}{list(value.shape)}{items}"
    if isinstance(value, (list, tuple)):
        kind = type(value).__name__
        return f"{kind}({', '.join(map(describe, value))})"
    if isinstance(value, dict):
        return f"dict({', '.join(f'{k!r}: {describe(v)}' for k, v in value.items())})"
    if isinstance(value, Enum) or hasattr(type(value), "__members__"):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, type):
        return value.__name__
    if isinstance(value, (str, bytes, int, float, np.generic)) or value is None:
        return f"{type(value).__name__} {plain(str(value))}" if not isinstance(value, str) else plain(value)
    return type(value).__name__
