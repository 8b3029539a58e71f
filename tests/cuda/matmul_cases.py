"""Matrix products of ragged sizes, in every element type, from strided and broadcast operands."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jitrt.ops.matmul_cuda import matmul_kernel
from kernels import Array, Case, Guarded

from jitrt.types import BF16, F16, F32, F64, short_name

TOLERANCE = {F16: 4e-3, BF16: 3e-2, F32: 1e-5, F64: 1e-12}


def matmul_case(name: str, a: Array, b: Array, processors: int = 132) -> Case:
    """The product of a[batch,m,k] and b[batch,k,n], by the kernel for a GPU of so many processors."""
    (batch, m, k), n = a.shape, b.shape[2]
    kernel = matmul_kernel(short_name(a.dtype), m, n, batch, processors)
    result = np.dtype(np.int32) if a.dtype.itemsize == 1 else a.dtype
    c = Guarded((batch, m, n), result)
    exact = np.float64 if a.dtype in TOLERANCE else result
    arguments = [a, b, c, m, n, k, batch]
    for array in (a, b, c):
        arguments += [stride // array.itemsize for stride in array.strides]
    return Case(
        name,
        kernel.name,
        kernel.source,
        kernel.grid(m, n, batch),
        (256, 1),
        arguments,
        [c],
        [np.matmul(a.astype(exact), b.astype(exact)).astype(result)],
        TOLERANCE.get(a.dtype, 0.0),
        doubles=a.dtype == F64,
    )


def matmul_cases() -> list[Case]:
    """Products smaller than a tile, just beyond it, long and thin ones."""
    random = np.random.default_rng(4)

    def normal(*shape: int) -> Array:
        return random.standard_normal(shape) / 4

    def whole(*shape: int) -> Array:
        return random.integers(0, 100, shape)

    def both(name: str, dtype: np.dtype, draw: Callable[..., Array], m: int, k: int, n: int) -> list[Case]:
        a, b = draw(1, m, k).astype(dtype), draw(1, k, n).astype(dtype)
        return [matmul_case(f"{name}_small", a, b), matmul_case(f"{name}_large", a, b, processors=1)]

    cases = []
    for dtype in (F32, F64, F16, BF16):
        for m, k, n in ((1, 1, 1), (65, 33, 70), (130, 9, 129), (3, 100, 64)):
            cases += both(f"matmul_{short_name(dtype)}_{m}x{k}x{n}", dtype, normal, m, k, n)
    for code in ("i4", "i8", "u4", "u8", "i1", "u1"):
        cases += both(f"matmul_{code}", np.dtype(code), whole, 17, 40, 67)
    for dtype in (F32, F16):
        name = short_name(dtype)
        a, b = normal(3, 40, 20).astype(dtype), normal(3, 20, 30).astype(dtype)
        cases.append(matmul_case(f"matmul_batch_{name}", a, b))
        cases.append(matmul_case(f"matmul_shared_{name}", a, np.broadcast_to(b[:1], (3, 20, 30))))
        at, bt = (np.ascontiguousarray(x.swapaxes(1, 2)).swapaxes(1, 2) for x in (a, b))
        cases.append(matmul_case(f"matmul_transposed_{name}", at, bt))
        cases.append(matmul_case(f"matmul_sliced_{name}", a[:, ::2, 2:], b[:, 2:, ::3]))
    empty = np.zeros((1, 4, 0), np.float32)
    cases.append(matmul_case("matmul_empty", empty, np.zeros((1, 0, 5), np.float32)))
    return cases
