"""One operator on arrays, by the kernels of a model: `jitrt.call("Gelu", x, approximate="tanh")`."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from jitrt import opdef
from jitrt.errors import NotImplemented as NotImplementedHere
from jitrt.graph import Node
from jitrt.program import Context, Program
from jitrt.segment import InputSpec
from jitrt.types import STRING

LATEST = 10_000
_programs: dict[Any, Program] = {}


def call(
    name: str, *inputs: Any, domain: str = "", version: int = LATEST, outputs: int = 1, **attributes: Any
) -> Any:
    """Apply an operator to arrays (None for an absent optional input); a list where it has several outputs.

    A list of arrays or dictionaries is a sequence, a dictionary a map; everything else becomes an array.
    `version` is the opset version whose semantics apply, the newest known by default.
    Raises NotImplemented for an operator that is not there.
    """
    entry = opdef.lookup(domain, name, version)
    if entry is None:
        raise NotImplementedHere(f"Could not find an implementation for {name}({version})")
    arrays = [_as_value(x) for x in inputs]
    absent = tuple(a is None for a in arrays)
    specs = {f"x{i}": _spec(a) for i, a in enumerate(arrays) if a is not None}
    values = tuple((k, _as_key(v)) for k, v in sorted(attributes.items()))
    key = (entry, version, outputs, absent, tuple(specs.values()), values)
    program = _programs.get(key)
    if program is None:
        names = ["" if a is None else f"x{i}" for i, a in enumerate(arrays)]
        produced = [f"y{i}" for i in range(outputs)]
        node = Node(name, names, produced, attributes, domain, version, name)
        program = _programs[key] = Program([node], {}, specs, produced, _context())
    results = program.run([a for a in arrays if a is not None])
    return results[0] if outputs == 1 else results


def _as_value(x: Any) -> Any:
    if x is None or isinstance(x, dict):
        return x
    if isinstance(x, (list, tuple)) and x and all(isinstance(e, (np.ndarray, dict)) for e in x):
        return list(x)
    array = np.asarray(x)
    if array.dtype.kind in "UT":
        array = array.astype(object)
    return array if array.flags.c_contiguous else np.ascontiguousarray(array)


def _spec(value: Any) -> InputSpec:
    is_array = isinstance(value, np.ndarray)
    return InputSpec(value.dtype, (None,) * value.ndim) if is_array else InputSpec(STRING, None)


def _as_key(attribute: Any) -> Any:
    if isinstance(attribute, np.ndarray):
        return attribute.dtype, attribute.shape, repr(attribute.tolist())
    if isinstance(attribute, (list, tuple)):
        return tuple(map(_as_key, attribute))
    return type(attribute), attribute


@cache
def _context() -> Context:
    return Context()
