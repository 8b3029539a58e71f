"""Winograd's minimal filtering, F(m x m, 3 x 3): its transforms, where they come from, and what they cost.

A 3 x 3 convolution computes m x m neighbouring outputs from (m + 2) x (m + 2) inputs with 9 m^2 products.
Toom and Cook's way needs one product an input, (m + 2)^2: 16 instead of 36 for m = 2, 36 instead of 144 for
m = 4. https://arxiv.org/abs/1509.09308

One dimension. Filtering, y[j] = sum over i: d[j + i] g[i], is the transpose of multiplying polynomials,
s(x) = g(x) h(x) with deg g = 2 and deg h = m - 1. As deg s = m + 1, s follows from its values at m + 1 points
and its leading coefficient, "the value at infinity": m + 2 products g(p) h(p). Transposed, with the points
p[0] ... p[m] and N[i] = product over j != i of (p[i] - p[j]), this is

    y = A^T ((G g) * (B^T d))

    G    row i:   1, p[i], p[i]^2, divided by N[i]              last row: 0, 0, 1
    A^T  row j:   p[0]^j ... p[m]^j, 0                          last row: p[0]^(m-1) ... p[m]^(m-1), 1
    B^T  row i:   coefficients of product over j != i of (x - p[j]), lowest first
         last row: coefficients of product over all j of (x - p[j])

Two dimensions nest: Y = A^T ((G g G^T) * (B^T d B)) A. Products of many channels are summed before A^T is
applied, which makes the middle a matrix product [tiles, channels] x [channels, outputs] for each of the
(m + 2)^2 positions. G g G^T is computed once, in float64.

Points come as 0 and pairs +a, -a. Rows of B^T of a pair differ in the signs of their odd part, as columns of
A^T do, so each is two short sums, e + o and e - o. For m = 2 with the points 0, 1, -1:

    B^T = -1  0  1  0      G =   -1    0    0      A^T = 1  1  1  0
           0  1  1  0          1/2  1/2  1/2             0  1 -1  1
           0 -1  1  0          1/2 -1/2  1/2
           0 -1  0  1            0    0    1

For m = 4 with the points 0, a, -a, b, -b, where s = a^2 + b^2 and q = a^2 b^2:

    B^T = q     0   -s    0  1  0       A^T = 1   1    1   1    1  0
          0  -a b^2 -b^2  a  1  0             0   a   -a   b   -b  0
          0   a b^2 -b^2 -a  1  0             0  a^2  a^2 b^2  b^2 0
          0  -b a^2 -a^2  b  1  0             0  a^3 -a^3 b^3 -b^3 1
          0   b a^2 -a^2 -b  1  0
          0     q    0   -s  0  1

Rounding. Each of the three stages rounds relative to its own values, and the sums of A^T cancel. To first
order the error of Y is at most

    (K + c) eps |A^T| ((|G| |g| |G^T|) * (|B^T| |d| |B|)) |A|

for sums over K channels and c operations in the transforms: entries count, not their signs. The points decide
how large that is, and a = 5/8, b = 3/2 are near the best; every constant above is then exact in float32, so
that only data are rounded. On normal data against float64, the largest error over the largest output, for
64 to 512 channels:

    direct sum  m = 2 (0, 1, -1)  m = 4 (0, 5/8, -5/8, 3/2, -3/2)  m = 4 (0, 1, -1, 2, -2)  m = 6 (best)
    2e-7..8e-7  3e-7..1e-6        1e-6..3e-6                       5e-6..1e-5               1e-5..2e-5

m = 6 is not offered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from jitrt.codegen.function import Function
from jitrt.codegen.vector import element, literal, suffix, vector
from jitrt.expr import Dtype

Values = list[str]  # register values
Terms = Sequence[tuple[float, str]]


@dataclass(frozen=True)
class Transform:
    """F(m x m, 3 x 3) with the points 0, +-pairs and infinity."""

    pairs: tuple[float, ...]

    @property
    def outputs(self) -> int:
        """m: outputs of a tile, along each axis."""
        return 2 * len(self.pairs)

    @property
    def inputs(self) -> int:
        """m + 2: inputs of a tile, along each axis."""
        return self.outputs + 2

    @property
    def positions(self) -> int:
        """Products of a tile."""
        return self.inputs**2

    @cached_property
    def factors(self) -> np.ndarray[Any, Any]:
        """f64[positions, 9] for `G g G^T` of a kernel g[9]."""
        points = [0.0, *(sign * p for p in self.pairs for sign in (1, -1))]
        norms = [prod(p - q for q in points if q != p) for p in points]
        rows = [[1 / n, p / n, p * p / n] for p, n in zip(points, norms, strict=True)]
        one = np.array([*rows, [0, 0, 1]])
        return np.kron(one, one)

    def along_inputs(self, f: Function, dtype: Dtype, lanes: int, d: Values) -> Values:
        """Emit `B^T d` on vectors: row 0, the rows of each pair, the last row."""
        emit = _Sums(f, dtype, lanes)
        every = self._product(self.pairs)
        rows = [emit.sum([(c, d[2 * i]) for i, c in enumerate(every)])]
        for p in self.pairs:
            others = self._product([q for q in self.pairs if q != p])
            even = emit.sum([(c, d[2 * i + 2]) for i, c in enumerate(others)])
            odd = emit.sum([(c, d[2 * i + 1]) for i, c in enumerate(others)])
            rows += [emit.sum([(p, odd), (1, even)]), emit.sum([(-p, odd), (1, even)])]
        return [*rows, emit.sum([(c, d[2 * i + 1]) for i, c in enumerate(every)])]

    def along_outputs(self, f: Function, dtype: Dtype, lanes: int, products: Values) -> Values:
        """Emit `A^T products` on vectors."""
        emit = _Sums(f, dtype, lanes)
        first, *middle, last = products
        ups, downs = middle[::2], middle[1::2]
        sums = [emit.sum([(1, up), (1, down)]) for up, down in zip(ups, downs, strict=True)]
        differences = [emit.sum([(1, up), (-1, down)]) for up, down in zip(ups, downs, strict=True)]
        rows = []
        for j in range(self.outputs):
            parts = differences if j % 2 else sums
            terms = [(p**j, part) for p, part in zip(self.pairs, parts, strict=True)]
            terms += [(1.0, first)] * (j == 0) + [(1.0, last)] * (j == self.outputs - 1)
            rows.append(emit.sum(terms))
        return rows

    @staticmethod
    def _product(pairs: Sequence[float]) -> list[float]:
        """The coefficients of x^0, x^2, ... in the product of x^2 - p^2 over the pairs."""
        result = np.array([1.0])
        for p in pairs:
            result = np.convolve(result, [-p * p, 1])
        return [float(c) for c in result]


F2, F4 = Transform((1.0,)), Transform((5 / 8, 3 / 2))


class _Sums:
    """Emits weighted sums of vectors."""

    def __init__(self, f: Function, dtype: Dtype, lanes: int) -> None:
        self.f, self.dtype, self.lanes, self.kind = f, dtype, lanes, vector(element(dtype), lanes)
        self.fma = f"llvm.fma.{suffix(element(dtype), lanes)}"

    def sum(self, terms: Terms) -> str:
        """The sum, begun with a term of factor 1 where there is one."""
        ordered = sorted(terms, key=lambda term: abs(term[0]) != 1 or term[0] < 0)
        (factor, total), *rest = ordered
        if factor != 1:
            total = self.f.let(f"fmul {self.kind} {self._constant(factor)}, {total}")
        for factor, value in rest:
            if abs(factor) == 1:
                total = self.f.let(f"{'fadd' if factor > 0 else 'fsub'} {self.kind} {total}, {value}")
            else:
                pairs = ((self.kind, v) for v in (self._constant(factor), value, total))
                total = self.f.call(self.fma, self.kind, *pairs)
        return total

    def _constant(self, factor: float) -> str:
        return literal(factor, self.dtype, self.lanes)
