"""What several families of operators need: wider floats, means, sizes as tensors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jitrt.calls import cast_tensor
from jitrt.dims import Dim, Size, prod
from jitrt.expr import cast
from jitrt.tensor import Dtype, Tensor, constant, map_tensors, reduce_tensor
from jitrt.types import BF16, F16, F32, F64, I64


def widen(x: Tensor) -> Tensor:
    """float16 and bfloat16 as float32, since a reduction accumulates in its operand's type."""
    return cast_tensor(x, F32) if x.dtype in (F16, BF16) else x


def smallest_normal(dtype: Dtype) -> float:
    """The smallest positive number of full precision; below are the subnormal numbers."""
    return 2.0**-1022 if dtype == F64 else 2.0**-126


def mean(x: Tensor, axes: Sequence[int]) -> Tensor:
    """The mean over axes, kept with size 1; integer means truncate."""
    if not axes:
        return x
    total = reduce_tensor(x, "sum", axes)
    count = prod(x.shape[a] for a in axes)
    if isinstance(count, Dim):
        return map_tensors(lambda t, n: t / cast(n, t.dtype), total, size_tensor(count))
    return map_tensors(lambda t: t / count, total)


def size_tensor(size: Size) -> Tensor:
    """A size as an int64 scalar, to compute with in a kernel."""
    return constant(np.array(size, object), I64)
