"""Looks up Python objects, strings above all, in a dictionary: natively, an array at a time."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from jitrt.codegen.compile import cached_object, link
from jitrt.digest import blake2b

Array = np.ndarray[Any, Any]


def find(values: Array, table: dict[Any, int]) -> Array:
    """The number of each element, int64 [values.size]; -1 for one that the table does not have.

    Raises TypeError for an element that has no hash.
    """
    if values.dtype.kind != "O" or not values.flags.c_contiguous:
        values = np.ascontiguousarray(values, object)
    return _method()(table, values, np.empty(values.size, np.int64))


@cache
def _method() -> Callable[[dict[Any, int], Array, Array], Array]:
    data_offset = object.__basicsize__  # where an array object keeps its data's address: after the header
    template = Template(Path(__file__).with_name("lookup.ll").read_text())
    source = template.substitute(data_offset=data_offset, sizes_offset=data_offset + 16)
    key = blake2b(source.encode(), digest_size=16).hexdigest()
    (address,) = link([cached_object(f"lookup {key}", lambda: source, name="lookup")], ["method"])
    new_method = ctypes.pythonapi.PyCFunction_NewEx
    new_method.argtypes = [ctypes.c_void_p, ctypes.py_object, ctypes.py_object]
    new_method.restype = ctypes.py_object
    method: Callable[[dict[Any, int], Array, Array], Array] = new_method(address, None, None)
    return method
