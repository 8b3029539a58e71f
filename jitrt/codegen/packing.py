"""Constant matrices as panels of columns, by kernels that read numbers once and write results once."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise
from threading import Thread
from typing import Any

import numpy as np

from jitrt.codegen.aligned import aligned_empty
from jitrt.codegen.compile import compile_kernels
from jitrt.codegen.kernel import Kernel
from jitrt.codegen.packing_forms import BLOCK, Form
from jitrt.codegen.subnormals import is_ordinary
from jitrt.codegen.target import Target, host
from jitrt.execute.cpus import allowed
from jitrt.expr import Dtype
from jitrt.types import F32

Array = np.ndarray[Any, Any]

MOST_SUBNORMAL = 0x7FFFFF  # as an integer
SHARE = 1 << 23  # bytes that are worth a thread
BRIEF = 1 << 17  # bytes that are written at once: to wait for other Python threads takes longer
STRIDES = ("source.batch", "source.tap", "source.row", "source.column")  # in bytes


@dataclass(frozen=True)
class Packing:
    """What a kernel's code depends on: the form, the source's type, whether columns are adjacent, target."""

    form: Form
    source: Dtype
    adjacent: bool
    target: Target

    POINTERS = ("source", "factors", "packed")
    NAMES = (
        *(*POINTERS, *STRIDES, "packed.batch", "packed.panel"),
        *("columns", "rows", "taps", "groups", "results", "panels", "width", "unit", "most_subnormal"),
        *("rows.tap", "rows.block", "rows.result"),
    )

    @property
    def kernel(self) -> Kernel:
        """The kernel; NAMES are its arguments, its extent are the panels of all matrices of a batch."""
        name = f"pack {self.form}"[:60]
        return Kernel(f"{self}", name, partial(_build, self), pipeline="registers")

    def __str__(self) -> str:
        return f"pack {self.form} {self.source} adjacent={self.adjacent} {self.target}"


def pack(
    form: Form,
    source: Array,
    width: int,
    *,
    groups: int | None = None,
    factors: Array | None = None,
    even: bool = False,
    target: Target | None = None,
) -> Array:
    """`source` [batch, tap, row, column] as panels of `width` columns: [batch, elements].

    The last panel is as wide as its vectors are, or if they shall be `even`, as wide as the others.
    Each tap has so many `groups`, by default as many as there are rows for. `factors` are those that the form
    multiplies with. Subnormal results are zeros where there are ordinary numbers; see `subnormals`.
    """
    target = target or host()
    batch, taps, rows, columns = source.shape
    size, panels = form.dtype.itemsize, -(-columns // width)
    unit = width if even else target.lanes(size)
    groups = rows // form.rows if groups is None else groups
    results = form.results if factors is None else len(factors)
    depth, together = taps * groups * results, results if form.blocked else 1
    packed = aligned_empty((batch, -(-columns // unit) * unit * depth), form.dtype)
    values = {
        **{"source": _address(source), "packed": _address(packed)},
        **{"factors": 0 if factors is None else _address(factors)},
        **dict(zip(STRIDES, source.strides, strict=True)),
        **{"packed.batch": packed.strides[0], "packed.panel": width * depth * size},
        **{"columns": columns, "rows": rows, "taps": taps, "groups": groups, "results": results},
        **{"panels": panels, "width": width, "unit": unit},
        **{"most_subnormal": MOST_SUBNORMAL if form.dtype == F32 and is_ordinary(source) else 0},
        **{"rows.tap": groups * together, "rows.block": BLOCK * together},
        **{"rows.result": BLOCK if form.blocked else taps * groups},
    }
    own = Packing(form, source.dtype, source.strides[3] == source.itemsize, target)
    arguments = np.array([values[name] for name in Packing.NAMES], np.int64)
    native = partial(_native(own, packed.nbytes < BRIEF), _address(arguments))
    _run(native, batch * panels, min(len(allowed()), packed.nbytes // SHARE))
    return packed


def _run(native: Callable[..., int], units: int, threads: int) -> None:
    """Compute all units, in as many threads if there are several."""
    shares = max(min(threads, units), 1)
    first, *others = pairwise(units * i // shares for i in range(shares + 1))
    started = [Thread(target=native, args=(*share, None), name="jitrt pack") for share in others]
    for thread in started:
        thread.start()
    native(*first, None)
    for thread in started:
        thread.join()


@cache
def _native(packing: Packing, is_brief: bool) -> Callable[..., int]:
    (code,) = compile_kernels([packing.kernel], packing.target)
    function = ctypes.PYFUNCTYPE if is_brief else ctypes.CFUNCTYPE
    return function(ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)(code)


def _address(array: Array) -> int:
    address: int = array.__array_interface__["data"][0]
    return address


def _build(packing: Packing, symbol: str) -> str:
    from jitrt.codegen.packing_code import driver  # not needed where the kernel is on disk

    return driver(packing, symbol)
