"""What is made of constants once and shared by every schedule, such as packed weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from threading import Thread
from types import FunctionType
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from jitrt.codegen.aligned import aligned_empty
from jitrt.codegen.kernel import Buffer, Ref
from jitrt.codegen.subnormals import without_subnormals
from jitrt.execute.cpus import allowed
from jitrt.layout import Array
from jitrt.load_tensor import release

Value = np.ndarray[Any, Any]
WORTH_A_THREAD = 1 << 18  # bytes
SMALL = 1 << 16  # bytes, which are copied in less time than it takes to import what packs them


class Packed:
    """A constant as a kernel wants it; `buffer` has its data once it is made."""

    def __init__(self, source: Value, form: str, pack: Callable[[Value], Value]) -> None:
        self.source = source  # alive as long as its address is a key
        self.form, self.pack = form, pack
        self.buffer = Buffer("constant", 0)

    def __reduce__(self) -> tuple[Any, ...]:
        if isinstance(self.pack, FunctionType | partial) and self.nbytes > SMALL:
            return packed_constant, (self.source, self.form, self.pack)
        return _packed_before, (self.buffer.data,)

    @property
    def nbytes(self) -> int:
        """Its size, once it is made."""
        return 0 if self.buffer.data is None else self.buffer.data.nbytes

    def make(self) -> None:
        """Pack, and give the source's pages in a file back to the system."""
        packed = self.pack(self.source)
        self.buffer.nbytes, self.buffer.data = packed.nbytes, packed
        release(self.source)


_packed: WeakValueDictionary[Any, Packed] = WeakValueDictionary()


def packed_constant(value: Value, form: str, pack: Callable[[Value], Value]) -> Packed:
    """`pack(value)`, to be made by `make_packed` once for each array and `form` while anybody keeps it."""
    key = (value.__array_interface__["data"][0], value.shape, value.strides, value.dtype.str, form)
    found = _packed.get(key)
    if found is None:
        found = _packed[key] = Packed(value, form, pack)
    return found


def _packed_before(data: Value) -> Packed:
    """What another process has packed: little, or by a function that is no data."""
    aligned = aligned_empty(data.shape, data.dtype)
    aligned[:] = data
    packed = Packed(aligned, "", np.asarray)
    packed.make()
    return packed


def make_packed(constants: Iterable[Packed]) -> None:
    """Make what is not made yet, on all CPUs that this process may use."""
    missing = [c for c in dict.fromkeys(constants) if c.buffer.data is None]
    left, failures = iter(missing), list[Exception]()

    def make() -> None:
        for constant in left:  # an iterator over a list gives each element to one thread
            try:
                constant.make()
            except Exception as error:
                failures.append(error)

    count = min(len(allowed()), len(missing), sum(c.source.nbytes for c in missing) // WORTH_A_THREAD)
    threads = [Thread(target=make, name="jitrt pack") for _ in range(count - 1)]
    for thread in threads:
        thread.start()
    make()
    for thread in threads:
        thread.join()
    for failure in failures:
        raise failure


def parameter(array: Array) -> Array:
    """The array itself, or if it is a constant with subnormal numbers among ordinary ones, one without.

    It is for what joins sums of products, such as a bias.
    """
    value = array.ref.buffer.data
    if array.ref.buffer.kind != "constant" or value is None:
        return array
    kept = without_subnormals(value)
    if kept is value:
        return array
    return array._replace(ref=Ref(Buffer("constant", kept.nbytes, kept), array.ref.offset))
