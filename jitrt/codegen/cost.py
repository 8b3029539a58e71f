"""What products are expected to cost, in femtoseconds of one thread; it decides how they are computed.

Costs of sizes that a model leaves open are such sizes themselves: to compare them records a guard, so that
results never depend on earlier calls. They were measured on a CPU with 512-bit vectors and tile registers;
their ratios are what decides.
"""

from __future__ import annotations

from jitrt.dims import Size
from jitrt.types import F32

DIRECT = 5300  # a floating-point operation of a direct sum
PRODUCT = 5600  # and of a product between Winograd's transforms
TRANSFORM = 80_000  # an element on either side of them, in whole vectors
TRANSFORMED = 60_000  # a byte of transformed weights: their products, being fewer, hide less of the time
STREAM = 40_000  # a byte of weights, brought into the cache meanwhile
TILE = 450  # an operation of tile registers on bfloat16
SPLIT = 80_000  # a part of an element that is split
WAIT = 90_000  # a byte of weights that is waited for


def direct_cost(rows: Size, n: int, k: int) -> Size:
    """Of a direct sum of float32."""
    return 2 * rows * n * k * DIRECT + n * k * F32.itemsize * STREAM
