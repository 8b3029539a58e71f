"""One operator on arrays, by the kernels of a model: `jitrt.call("Gelu", x, approximate="tanh")`."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from jitrt import opdef
from jitrt.errors import NotImplemented as NotImplementedHere
from jitrt.graph import Node
from jitrt.program import Context, Program
from jitrt.trace import InputSpec

LATEST = 10_000
_programs: dict[Any, Program] = {}


def call(
    name: str, *inputs: Any, domain: str = "", version: int = LATEST, outputs: int = 1, **attributes: Any
) -> Any:
    """Apply an operator to arrays (None for an absent optional input); a list where it has several outputs.

    `version` is the opset version whose semantics apply, the newest known by default.
    Raises NotImplemented for an operator that is not there.
    """
    if opdef.lookup(domain, name, version) is None:
        raise NotImplementedHere(f"Could not find an implementation for {name}({version})")
    arrays = [None if x is None else np.asarray(x) for x in inputs]
    arrays = [a if a is None or a.flags.c_contiguous else np.ascontiguousarray(a) for a in arrays]
    absent = tuple(a is None for a in arrays)
    types = tuple((a.dtype, a.ndim) for a in arrays if a is not None)
    key = (domain, name, version, outputs, absent, types, repr(sorted(attributes.items())))
    program = _programs.get(key)
    if program is None:
        program = _programs[key] = _program(domain, name, version, outputs, arrays, attributes)
    results = program.run([a for a in arrays if a is not None])
    return results[0] if outputs == 1 else results


def _program(
    domain: str, name: str, version: int, outputs: int, arrays: list[Any], attributes: dict[str, Any]
) -> Program:
    names = ["" if a is None else f"x{i}" for i, a in enumerate(arrays)]
    produced = [f"y{i}" for i in range(outputs)]
    node = Node(name, names, produced, attributes, domain, version, name)
    specs = {
        n: InputSpec(a.dtype, (None,) * a.ndim) for n, a in zip(names, arrays, strict=True) if a is not None
    }
    return Program([node], {}, specs, produced, _context())


@cache
def _context() -> Context:
    return Context()
