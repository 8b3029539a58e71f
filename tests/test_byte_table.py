"""Tables of bytes against NumPy's indexing, with permutations and without."""

from __future__ import annotations

import numpy as np
import pytest
from steps import TARGETS, ref, run

from jitrt.codegen.byte_table import byte_table_kernel
from jitrt.codegen.kernel import Step


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: f"{t.vector_bytes * 8}bit")
@pytest.mark.parametrize("count", [0, 1, 63, 64, 1000])
def test_every_byte_is_looked_up(target, count):
    rng = np.random.default_rng(count)
    x, table = (rng.integers(0, 256, n, np.uint8) for n in (count, 256))
    y = np.zeros(count, np.uint8)
    args = (ref(x), ref(table), ref(y))
    run(Step(byte_table_kernel(target), args, count, "byte_table"), target, cuts=(5, 700))
    np.testing.assert_array_equal(y, table[x])
