"""Fast Fourier transforms of float32 and float64 tensors, for any length, in n log n steps.

A length whose prime factors are small is transformed in tiles that fit the cache; a longer one, or one of
few signals, as a matrix: its columns, then its rows. Other lengths are convolutions with a chirp, by
transforms of a longer, convenient length. https://en.wikipedia.org/wiki/Chirp_Z-transform#Bluestein's_algorithm
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from jitrt.calls import launch, launch_move
from jitrt.dims import Size, hint, same
from jitrt.tensor import Dtype, Tensor, concatenate, constant, map_tensors

from ._fft_kernels import PACKED, UNPACKED, transform
from ._fft_rows import copy_frames, pack_rows, unpack_rows

MAX_PRIME = 100
RADICES = (4, 2, 3, 5, *range(7, MAX_PRIME + 1, 2))
TILE_BYTES = 1 << 20  # what a core's second cache holds
LANES = (16, 32, 64)  # signals of a tile
SHORT = 128  # a length that is one tile, however few the signals

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Place:
    """Where signals are in a flat tensor: `many` in a group.

    The other fields are distances in numbers, from one group, signal or element to the next.
    """

    many: Size
    group: Size
    signal: Size
    element: Size


def fft(x: Tensor, *, inverse: bool = False) -> Tensor:
    """Transforms of x [batch, n, inner, 1 or 2] along n, as [batch, n, inner, 2]."""
    batch, n, inner, parts = x.shape
    n = int(n)
    if factors(n) is None:
        return _along_last(x, lambda rows: _bluestein(rows, inverse))
    if not _fits(n, batch * inner, x.dtype):
        return _along_last(x, lambda rows: _matrix(rows, n, inverse))
    y = _tiles(
        x,
        Place(inner, n * inner * parts, parts, inner * parts),
        Place(inner, n * inner * 2, 2, inner * 2),
        n,
        batch * inner,
        swaps=(inverse, inverse),
        scale=1 / n if inverse else 1,
    )
    return y.reshape([batch, n, inner, 2])


def real_fft(x: Tensor) -> Tensor:
    """The first n // 2 + 1 bins of x [batch, n, inner, 1], complex."""
    batch, n, inner, _ = x.shape
    n = int(n)
    if n % 2 or not same(inner, 1):
        return fft(x).slice(1, 0, n // 2 + 1)
    half = n // 2
    if _packs(n, batch, x.dtype):
        source, target = Place(1, n, 0, 2), Place(1, n + 2, 0, 2)
        y = _tiles(x, source, target, half, batch, bins=half + 1, packing=UNPACKED, pairs=True)
    else:
        shape = [batch, half + 1, 2]
        (y,) = launch(
            unpack_rows,
            fft(x.reshape([batch, half, 1, 2])).squeeze(2),
            constant(roots_of_unity(n, x.dtype)),
            outputs=[(x.dtype, shape)],
            extent=batch * (half + 1),
        )
    return y.reshape([batch, half + 1, 1, 2])


def real_inverse_fft(x: Tensor, n: int) -> Tensor:
    """The real signals [batch, n, inner, 1] that have the bins x [batch, n // 2 + 1, inner, 2]."""
    batch, _, inner, _ = x.shape
    if n % 2 or not same(inner, 1):
        mirrored = (n - 1) // 2
        rest = x.slice(1, mirrored, mirrored, -1)
        conjugate = constant(np.array([1, -1], x.dtype))
        full = concatenate([x, map_tensors(lambda v, sign: v * sign, rest, conjugate)], 1)
        return fft(full, inverse=True).slice(3, 0, 1)
    if _packs(n, batch, x.dtype):
        source, target = Place(1, n + 2, 0, 2), Place(1, n, 0, 2)
        y = _tiles(x, source, target, n // 2, batch, swaps=(False, True), packing=PACKED, scale=1 / n)
    else:
        (z,) = launch(
            pack_rows,
            x.squeeze(2),
            constant(roots_of_unity(n, x.dtype)),
            outputs=[(x.dtype, [batch, n // 2, 2])],
            extent=batch * (n // 2),
        )
        y = fft(z.unsqueeze(2), inverse=True)
    return y.reshape([batch, n, 1, 1])


def framed_fft(x: Tensor, step: Size, n: int, window: Tensor | None, onesided: bool) -> Tensor:
    """Transforms of stretches of n elements, `step` apart, of x [batch, length, 1 or 2].

    Each is multiplied by `window` [n]. The result is [batch, frames, bins, 2].
    """
    batch, length, parts = x.shape
    count = (length - n) // step + 1
    total, bins = batch * count, n // 2 + 1 if onesided else n
    packs = onesided and _packs(n, total, x.dtype)
    if not packs and (factors(n) is None or not _fits(n, total, x.dtype)):
        return _copied_frames(x, step, n, count, window, onesided)
    if window is not None and not packs:
        window = window.unsqueeze(1).expand([n, 2])
    y = _tiles(
        x,
        Place(count, length * parts, step * parts, 2 if packs else parts),
        Place(1, bins * 2, 0, 2),
        n // 2 if packs else n,
        total,
        bins=bins,
        window=window,
        packing=UNPACKED if packs else 0,
        pairs=packs,
    )
    return y.reshape([batch, count, bins, 2])


def _copied_frames(
    x: Tensor, step: Size, n: int, count: Size, window: Tensor | None, onesided: bool
) -> Tensor:
    """As `framed_fft`, with the frames in memory."""
    batch, _, parts = x.shape
    shape = [batch, count, n, parts]
    (frames,) = launch_move(copy_frames, x, outputs=[(x.dtype, shape)], scalars=[step], extent=batch * count)
    if window is not None:
        frames = map_tensors(lambda v, w: v * w, frames, window.unsqueeze(1))
    rows = frames.reshape([batch * count, n, 1, parts])
    y = real_fft(rows) if onesided else fft(rows)
    return y.reshape([batch, count, y.shape[1], 2])


def factors(n: int, real: bool = False) -> list[int] | None:
    """The radices whose product is n, or None where n has a large prime factor.

    For real signals even ones are last: the middle bin is then a sum of products by 1 and -1, and real.
    """
    found: list[int] = []
    for radix in RADICES:
        while n % radix == 0:
            found.append(radix)
            n //= radix
    if n > 1:
        return None
    return sorted(found, key=lambda radix: radix % 2 == 0) if real else found


def _fits(n: int, signals: Size, dtype: Dtype) -> bool:
    """Whether signals of this length are transformed in tiles; their number decides where they are long."""
    return n <= SHORT or (_tile_bytes(n, LANES[0], dtype) <= TILE_BYTES and signals >= LANES[0])


def _packs(n: int, signals: Size, dtype: Dtype) -> bool:
    """Whether real signals are transformed as complex ones of half the length."""
    return n % 2 == 0 and factors(n // 2) is not None and _fits(n // 2, signals, dtype)


def _tile_bytes(n: int, lanes: int, dtype: Dtype) -> int:
    return 4 * (n + 1) * lanes * dtype.itemsize


def _tiles(
    x: Tensor,
    source: Place,
    target: Place,
    n: int,
    signals: Size,
    *,
    bins: int = 0,
    swaps: tuple[bool, bool] = (False, False),
    packing: int = 0,
    pairs: bool = False,
    window: Tensor | None = None,
    filled: Size | None = None,
    chirp: Array | None = None,
    twiddles: Array | None = None,
    scale: float = 1,
) -> Tensor:
    """One call of the kernel `transform`, whose output is flat; `bins` elements of each signal, or all n.

    With `pairs`, two numbers of real signals make a complex one. `swaps` is the kernel's `inverse_in` and
    `inverse_out`; the other arguments are what it calls so.
    """
    dtype, bins = x.dtype, bins or n
    fitting = [v for v in LANES if _tile_bytes(n, v, dtype) <= TILE_BYTES and hint(signals) >= 8 * v]
    lanes = max(fitting, default=LANES[0])
    real = not pairs and same(x.shape[-1], 1)
    radices = factors(n, real)
    assert radices is not None
    none = np.zeros((2, 0), dtype)
    (y,) = launch(
        transform,
        x.reshape([x.size]),
        constant(np.zeros(0, dtype)) if window is None else window.reshape([window.size]),
        constant(none if chirp is None else chirp),
        constant(roots_of_unity(n, dtype)),
        constant(np.array(radices, np.int64)),
        constant(roots_of_unity(2 * n, dtype) if packing else none),
        constant(none if twiddles is None else twiddles),
        constant(np.array([scale], dtype)),
        outputs=[(dtype, [signals * bins * 2])],
        scalars=[
            *(n, lanes, signals, bins, real, *swaps, packing),
            *(source.many, source.group, source.signal, source.element),
            n * source.many if filled is None else filled,
            *(target.many, target.group, target.element),
        ],
        extent=(signals + lanes - 1) // lanes,
        flops=signals * (5 * n * n.bit_length()),
        scratch=_tile_bytes(n, lanes, dtype),
    )
    return y


def _along_last(x: Tensor, transform_rows: Callable[[Tensor], Tensor]) -> Tensor:
    """`transform_rows`, which takes x [batch, n, 1 or 2], for x [batch, n, inner, 1 or 2]."""
    batch, n, inner, parts = x.shape
    if same(inner, 1):
        return transform_rows(x.squeeze(2)).unsqueeze(2)
    rows = x.permute([0, 2, 1, 3]).reshape([batch * inner, n, parts])
    return transform_rows(rows).reshape([batch, inner, n, 2]).permute([0, 2, 1, 3])


def _matrix(
    x: Tensor,
    n: int,
    inverse: bool,
    *,
    before: Array | None = None,
    after: Array | None = None,
    kept: int = 0,
    scale: float = 1,
) -> Tensor:
    """Transforms of x [batch, length, 1 or 2], continued by zeros to n, as a matrix [rows, columns].

    The columns are transformed, element [p, j] is turned by w**(p * j), and the rows are transformed: bin k
    is [p, q] with k = p + rows * q. Elements are multiplied by the complex numbers `before` and `after` [n];
    the first `kept` ones are the result, or all.
    """
    batch, length, parts = x.shape
    rows = max(d for d in range(1, int(n**0.5) + 1) if n % d == 0)
    columns, kept = n // rows, kept or n
    turned = _tiles(
        x,
        Place(columns, length * parts, parts, columns * parts),
        Place(columns, n * 2, 2, columns * 2),
        rows,
        batch * columns,
        swaps=(inverse, False),
        filled=length,
        chirp=before,
        twiddles=_twiddles(rows, columns, x.dtype),
    )
    bins = -(-kept // rows)
    if after is not None and inverse:  # they meet numbers whose parts are swapped
        after = after * np.array([[1], [-1]], after.dtype)
    y = _tiles(
        turned.reshape([batch, n, 2]),
        Place(1, columns * 2, 0, 2),
        Place(rows, bins * rows * 2, 2, rows * 2),
        columns,
        batch * rows,
        bins=bins,
        swaps=(False, inverse),
        twiddles=after,
        scale=scale / n if inverse else scale,
    )
    return y.reshape([batch, bins * rows, 2]).slice(1, 0, kept)


def _bluestein(x: Tensor, inverse: bool) -> Tensor:
    """Transforms of x [batch, n, 1 or 2] for any n: j * k is (j * j + k * k - (k - j)**2) / 2."""
    n = int(x.shape[1])
    m = next(size for size in range(-(-(2 * n - 1) // 16) * 16, 4 * n + 16, 16) if _is_round(size))
    chirp, response = _chirp(n, m, inverse, x.dtype)
    convolved = _matrix(x, m, False, before=chirp, after=response)
    return _matrix(convolved, m, True, after=chirp, kept=n, scale=1 / n if inverse else 1)


def _is_round(n: int) -> bool:
    """Whether n has no prime factor but 2, 3 and 5."""
    for prime in (2, 3, 5):
        while n % prime == 0:
            n //= prime
    return n == 1


@lru_cache(16)
def _chirp(n: int, m: int, inverse: bool, dtype: Dtype) -> tuple[Array, Array]:
    """The chirp w**(j * j / 2), then zeros; the transform of its conjugate, there and backwards; [2, m]."""
    j = np.arange(n)
    chirp = np.zeros(m, np.complex128)
    chirp[:n] = np.exp((1j if inverse else -1j) * np.pi / n * (j * j % (2 * n)))
    response = chirp.conj()
    response[m - n + 1 :] = response[n - 1 : 0 : -1]
    parts = (np.stack([z.real, z.imag]).astype(dtype) for z in (chirp, np.fft.fft(response)))
    return next(parts), next(parts)


@lru_cache(256)
def roots_of_unity(n: int, dtype: Dtype) -> Array:
    """exp(-2 pi i k / n) for k < n, real and imaginary parts [2, n]."""
    return _powers(np.arange(n), n).astype(dtype)


@lru_cache(16)
def _twiddles(rows: int, columns: int, dtype: Dtype) -> Array:
    """exp(-2 pi i p j / n) for row p and column j of a matrix of n elements, as [2, n]."""
    products = np.multiply.outer(np.arange(rows), np.arange(columns)).ravel()
    return _powers(products, rows * columns).astype(dtype)


def _powers(exponents: Array, n: int) -> Array:
    """Powers of exp(-2 pi i / n), from angles of at most pi / 4, where sine and cosine are most precise."""
    quarters, rest = np.divmod(8 * (exponents % n) + n, 2 * n)
    angle = (rest - n) * (np.pi / (4 * n))
    c, s = np.cos(angle), np.sin(angle)
    real = np.choose(quarters % 4, [c, -s, -c, s])
    imaginary = np.choose(quarters % 4, [s, c, -s, -c])
    return np.stack([real, -imaginary])
