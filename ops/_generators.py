"""Random numbers: a counter-based generator, the keys it takes, and the Mersenne Twister.

An element's number is a function of its index and a key, so that it is the same on any number of threads,
and it fuses with what reads it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from math import factorial
from typing import Any

import numpy as np

from jitrt.calls import launch
from jitrt.codegen.kernel import Buffer, Kernel, Ref, Step
from jitrt.dims import Size, prod
from jitrt.expr import Expr, absolute, cast, lift, log, sqrt
from jitrt.layout import Array
from jitrt.tensor import Call, Dtype, Tensor, constant, map_indices, outputs_of
from jitrt.types import F32, F64, I32

U32 = np.dtype(np.uint32)
ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)
PARITY = 0x1BD11BDA
GOLDEN = 0x9E3779B97F4A7C15 - 2**64  # 2**64 / golden ratio, odd: its multiples meet every number once
STATE_WORDS, STATE_LAG = 624, 397

Word = Any  # Expr, or an array of uint32


def threefry(counter: tuple[Word, Word], key: tuple[Word, Word]) -> tuple[Word, Word]:
    """Two random words of 32 bits from a counter and a key: Threefry-2x32 of 20 rounds.

    https://doi.org/10.1145/2063384.2063405 (Salmon et al., Parallel random numbers: as easy as 1, 2, 3)
    """
    keys = (*key, key[0] ^ key[1] ^ PARITY)
    x, y = counter[0] + keys[0], counter[1] + keys[1]
    for turn in range(1, 6):
        for rotation in ROTATIONS[:4] if turn % 2 else ROTATIONS[4:]:
            x = x + y
            y = ((y << rotation) | (y >> (32 - rotation))) ^ x
        x, y = x + keys[turn % 3], y + keys[(turn + 1) % 3] + turn
    return x, y


def uniform(shape: Sequence[Size], dtype: Dtype, key: Tensor) -> Tensor:
    """Uniform in [0, 1), in float32 or float64 with all the bits of their significands."""
    return _draw(shape, key, lambda words: _unit(*words(0), dtype))


def normal(shape: Sequence[Size], dtype: Dtype, key: Tensor) -> Tensor:
    """Normally distributed, in float32 or float64.

    https://en.wikipedia.org/wiki/Box%E2%80%93Muller_transform
    """

    def box_muller(words: Callable[[int], tuple[Expr, Expr]]) -> Expr:
        x, y = words(0)
        if dtype == F64:
            radius, angle = 1 - _unit(x, y, F64), _unit(*words(1), F64)
        else:
            radius, angle = cast(x, F32) * 2.0**-32 + 2.0**-33, _unit(y, y, F32)
        return sqrt(-2 * log(radius)) * _cosine(angle)

    return _draw(shape, key, box_muller)


def _cosine(turns: Expr) -> Expr:
    """cos(2 pi u) for u in [0, 1]: the sine of an angle of at most pi / 2, by its series to 1e-16."""
    angle = (2 * np.pi) * (absolute(turns - 0.5) - 0.25)
    square, total = angle * angle, lift(0, turns.dtype)
    for power in range(19, 0, -2):
        total = total * square + (-1) ** (power // 2) / factorial(power)
    return total * angle


def _draw(
    shape: Sequence[Size], key: Tensor, number: Callable[[Callable[[int], tuple[Expr, Expr]]], Expr]
) -> Tensor:
    """A number for each element, made of words: `words(stream)` are two of the element's."""

    def element(position: Expr, low: Expr, high: Expr) -> Expr:
        def words(stream: int) -> tuple[Expr, Expr]:
            return threefry((cast(position, U32), cast(position >> 32, U32) ^ (stream << 31)), (low, high))

        return number(words)

    return map_indices(element, (prod(shape),), key.slice(0, 0, 1), key.slice(0, 1, 1)).reshape(shape)


def _unit(x: Expr, y: Expr, dtype: Dtype) -> Expr:
    """A number in [0, 1) of the upper 24 bits of a word, or of 27 and 26 bits of two."""
    if dtype == F32:
        return cast(cast(x >> 8, I32), F32) * 2.0**-24
    return (cast(cast(x >> 5, I32), F64) * 2.0**26 + cast(cast(y >> 6, I32), F64)) * 2.0**-53


def key_of(seed: float | None) -> Tensor:
    """The key of an attribute `seed`, its bits as float32; without it, another in every run."""
    if seed is None:
        (key,) = outputs_of(NextKey(), [(U32, [2])])
        return key
    return constant(np.array([np.float32(seed).view(np.uint32), 0], U32))


class NextKey(Call):
    """A key that no other run of this process gets: a multiple of GOLDEN from a random start on."""

    name = "next_key"
    inputs = ()

    def steps(self, inputs: Sequence[Array | None], outputs: Sequence[Array], epilogue: Any) -> list[Step]:
        """One step."""
        kernel = Kernel("next_key", self.name, _next_key_ir)
        counter = Ref(Buffer("constant", _counter.nbytes, _counter))
        return [Step(kernel, (outputs[0].ref, counter), 1, self.name)]


def _next_key_ir(symbol: str) -> str:
    """Adds to the counter, which other threads may do as well."""
    return f"""
define i64 @{symbol}(ptr %args, i64 %begin, i64 %end, ptr %scratch) {{
  %key = load ptr, ptr %args
  %slot = getelementptr i64, ptr %args, i64 1
  %counter = load ptr, ptr %slot
  %value = atomicrmw add ptr %counter, i64 {GOLDEN} monotonic
  store i64 %value, ptr %key, align 4
  ret i64 0
}}
"""


class _Counter(np.ndarray[Any, Any]):
    """The process's: another one reads its own for it."""

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return _own_counter, ()


def _own_counter() -> _Counter:
    return _counter


_counter = np.zeros(1, np.int64).view(_Counter)


def _start_counter() -> None:
    """Start anywhere; a forked process starts anew."""
    _counter[0] = int.from_bytes(os.urandom(8), "little", signed=True)


_start_counter()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_counter)


def mersenne_uniform(size: Size, seed: int) -> Tensor:
    """What `numpy.random.RandomState(seed).uniform` gives: float64 [size], one after the other."""
    (numbers,) = launch(
        mersenne_twister,
        outputs=[(F64, [size])],
        scalars=[seed % 2**32],
        extent=1,
        flops=size * 64,
        scratch=STATE_WORDS * 4,
    )
    return numbers


def mersenne_twister(Y, seed, begin, end, scratch):
    """Fill Y with numbers of 53 bits from pairs of words of MT19937. https://doi.org/10.1145/272991.272995"""
    state = scratch[: STATE_WORDS * 4].view(np.uint32)
    word = seed
    for i in range(STATE_WORDS):
        state[i] = word
        word = (1812433253 * (word ^ (word >> 30)) + i + 1) & 0xFFFFFFFF
    used = STATE_WORDS
    for i in range(Y.shape[0]):
        if used == STATE_WORDS:
            renew(state)
            used = 0
        high, low = tempered(state[used]) >> 5, tempered(state[used + 1]) >> 6
        Y[i] = (high * 67108864.0 + low) / 9007199254740992.0
        used += 2


def renew(state):
    """The next words of the generator."""
    for i in range(STATE_WORDS):
        following, lagged = (i + 1) % STATE_WORDS, (i + STATE_LAG) % STATE_WORDS
        word = (state[i] & np.uint32(0x80000000)) | (state[following] & np.uint32(0x7FFFFFFF))
        twist = np.uint32(0x9908B0DF) if word & np.uint32(1) else np.uint32(0)
        state[i] = state[lagged] ^ (word >> np.uint32(1)) ^ twist


def tempered(word):
    """A word of the state as a number of the stream."""
    word ^= word >> np.uint32(11)
    word ^= (word << np.uint32(7)) & np.uint32(0x9D2C5680)
    word ^= (word << np.uint32(15)) & np.uint32(0xEFC60000)
    return np.int64(word ^ (word >> np.uint32(18)))
