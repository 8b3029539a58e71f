"""Python dictionaries of arrays' elements, strings above all: natively, an array at a time."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import cache, partial
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
    found: Array = _methods()["find"](table, values, np.empty(values.size, np.int64))
    return found


def zipper(keys: Sequence[Any]) -> Callable[[Array], list[dict[Any, float]]]:
    """A function of rows, C-contiguous float32 [n, k], to n dictionaries, by the k keys."""
    return partial(_methods()["zip"], tuple(keys), dict.fromkeys(keys))


@cache
def _methods() -> dict[str, Callable[..., Any]]:
    data_offset = object.__basicsize__  # where an array object keeps its data's address: after the header
    template = Template(Path(__file__).with_name("dictionaries.ll").read_text())
    source = template.substitute(data_offset=data_offset, sizes_offset=data_offset + 16)
    key = blake2b(source.encode(), digest_size=16).hexdigest()
    image = cached_object(f"dictionaries {key}", lambda: source, name="dictionaries")
    new_method = ctypes.pythonapi.PyCFunction_NewEx
    new_method.argtypes = [ctypes.c_void_p, ctypes.py_object, ctypes.py_object]
    new_method.restype = ctypes.py_object
    find, zip_ = link([image], ["method_find", "method_zip"])
    return {"find": new_method(find, None, None), "zip": new_method(zip_, None, None)}
