"""What is made of constants once and shared by every schedule, such as packed weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from jitrt.codegen.kernel import Buffer
from jitrt.load_tensor import release

Value = np.ndarray[Any, Any]
ORDINARY = 1e-20  # with a weight of this size, sums round off what subnormal ones add
CHUNK = 1 << 16  # numbers looked at while they are in cache


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
        found = Packed(value, without_subnormals(pack(value)))
        release(value)
        _packed[key] = found
    return found


def without_subnormals(weights: Value) -> Value:
    """Floats with zeros for those below 2**-126, if the largest is of ordinary size; otherwise as they are.

    Weights that decayed in training are such numbers, a product of one can take a hundred times as long, and
    what it adds to a sum lies far below the rounding of its other products.
    """
    if weights.dtype != np.float32 or not weights.flags.c_contiguous:
        return weights
    flat = weights.reshape(-1)
    starts = [start for start in range(0, flat.size, CHUNK) if _subnormal(flat[start : start + CHUNK]).any()]
    if not starts or not max(flat.max(), -flat.min()) >= ORDINARY:
        return weights
    flat = flat.copy()
    for start in starts:
        part = flat[start : start + CHUNK]
        part[_subnormal(part)] = 0
    return flat.reshape(weights.shape)


def _subnormal(part: Value) -> Value:
    return (part.view(np.uint32) << 1) - np.uint32(1) < np.uint32((1 << 24) - 1)  # zero wraps around
