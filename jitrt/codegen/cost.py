"""What products are expected to cost, in femtoseconds of one thread; it decides how they are computed.

Sizes that a model leaves open count as typical ones, so that results never depend on earlier calls. The costs
were measured on a CPU with 512-bit vectors and tile registers; their ratios are what decides.
"""

from __future__ import annotations

from collections.abc import Iterable

from jitrt.dims import Size
from jitrt.types import F32

DIRECT = 5300  # a floating-point operation of a direct sum
PRODUCT = 5600  # and of a product between Winograd's transforms
TRANSFORM = 120_000  # an element on either side of them
STREAM = 40_000  # a byte of weights, brought into the cache meanwhile
TILE = 450  # an operation of tile registers on bfloat16
SPLIT = 80_000  # a part of an element that is split
WAIT = 90_000  # a byte of weights that is waited for


TYPICAL = 32  # pixels along an axis of unknown size


def typical(spatial: Iterable[Size]) -> tuple[int, ...]:
    """The sizes of an image, or what counts as them."""
    return tuple(s if isinstance(s, int) else TYPICAL for s in spatial)


def direct_cost(rows: int, n: int, k: int) -> float:
    """Of a direct sum of float32."""
    return 2 * rows * n * k * DIRECT + n * k * F32.itemsize * STREAM
