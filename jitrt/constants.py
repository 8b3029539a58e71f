"""What is made of constants once and shared by every schedule, such as packed weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from jitrt.codegen.kernel import Buffer
from jitrt.load_tensor import release

Value = np.ndarray[Any, Any]


class Packed:
    """A constant as a kernel wants it."""

    def __init__(self, source: Value, packed: Value) -> None:
        self.source = source  # alive as long as its address is a key
        self.buffer = Buffer("constant", packed.nbytes, packed)


_packed: WeakValueDictionary[Any, Packed] = WeakValueDictionary()


def packed_constant(value: Value, form: str, pack: Callable[[Value], Value]) -> Packed:
    """`pack(value)`, made once for each array and `form` while anybody keeps it.

    The file pages of `value` are given back to the system.
    """
    key = (value.__array_interface__["data"][0], value.shape, value.strides, value.dtype.str, form)
    found = _packed.get(key)
    if found is None:
        found = Packed(value, pack(value))
        release(value)
        _packed[key] = found
    return found
