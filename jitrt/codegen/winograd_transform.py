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

Points come as 0, pairs +a, -a, and single ones. Rows of B^T of a pair differ in the signs of their odd part,
as columns of A^T do, so each is two short sums, e + o and e - o. For m = 2 with the points 0, 1, -1:

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

Stride 2. y[j] = sum over i: d[2 j + i] g[i] filters the even inputs with g[0] and g[2], which is F(m, 2), and
adds the odd ones times g[1]: 2 m + 1 products instead of 3 m. For m = 2 with the points 0, 1, where products
of the odd inputs follow those of the even ones, 25 products in two dimensions instead of 36:

    B^T = -1  0  1  0  0      G = -1  0  0      A^T = 1  1  0  1  0
           0  0  1  0  0           1  0  1            0  1  1  0  1
           0  0 -1  0  1           0  0  1
           0  1  0  0  0           0  1  0
           0  0  0  1  0           0  1  0

Rows of G that are equal are kept once. Larger m save less than they transform.

Rounding. Each of the three stages rounds relative to its own values, and the sums of A^T cancel. To first
order the error of Y is at most

    (K + c) eps |A^T| ((|G| |g| |G^T|) * (|B^T| |d| |B|)) |A|

for sums over K channels and c operations in the transforms: entries count, not their signs. The points decide
how large that is, and a = 5/8, b = 3/2 are near the best; every constant above is then exact in float32, so
that only data are rounded. On normal data against float64, the largest error over the largest output, for
64 to 512 channels:

    direct sum  m = 2 (0, 1, -1)  m = 4 (0, 5/8, -5/8, 3/2, -3/2)  m = 4 (0, 1, -1, 2, -2)  m = 6 (best)
    2e-7..8e-7  3e-7..1e-6        1e-6..3e-6                       5e-6..1e-5               1e-5..2e-5

m = 6 is not offered. Stride 2 rounds as m = 2 does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, ClassVar

import numpy as np

from jitrt.codegen.function import Function
from jitrt.codegen.vector import element, literal, suffix, vector
from jitrt.expr import Dtype

Values = list[str]  # register values
Terms = Sequence[tuple[float, str]]


@dataclass(frozen=True)
class Transform:
    """F(m x m, 3 x 3) with the points 0, +-pairs, singles and infinity."""

    pairs: tuple[float, ...]
    singles: tuple[float, ...] = ()
    taps: ClassVar[int] = 3  # of a kernel, along each axis
    stride: ClassVar[int] = 1

    @cached_property
    def points(self) -> tuple[float, ...]:
        """All but infinity."""
        return 0.0, *(sign * p for p in self.pairs for sign in (1, -1)), *self.singles

    @property
    def outputs(self) -> int:
        """m: outputs of a tile, along each axis."""
        return len(self.points) + 2 - self.taps

    @property
    def inputs(self) -> int:
        """Inputs of a tile, along each axis."""
        return len(self.points) + 1

    @property
    def kernels(self) -> int:
        """Along each axis the positions with kernels of their own; any further have that of the last."""
        return self.inputs

    @property
    def positions(self) -> int:
        """Products of a tile."""
        return self.inputs**2

    @cached_property
    def factors(self) -> np.ndarray[Any, Any]:
        """f64[kernels^2, 9] for `G g G^T` of a kernel g[9]."""
        return np.kron(self.matrix, self.matrix)

    @property
    def matrix(self) -> np.ndarray[Any, Any]:
        """G."""
        norms = [prod(p - q for q in self.points if q != p) for p in self.points]
        rows = [[p**i / n for i in range(self.taps)] for p, n in zip(self.points, norms, strict=True)]
        return np.array([*rows, [0.0] * (self.taps - 1) + [1.0]])

    def along_inputs(self, f: Function, dtype: Dtype, lanes: int, d: Values) -> Values:
        """Emit `B^T d` on vectors: row 0, the rows of each pair, those of single points, the last row."""
        emit = _Sums(f, dtype, lanes)
        rows = [emit.product(self._vanishing(0.0), d)]
        for p in self.pairs:
            others = self._vanishing(p, -p)
            even, odd = emit.product(others, d[1:]), emit.product(others, d)
            rows += [emit.sum([(p, odd), (1, even)]), emit.sum([(-p, odd), (1, even)])]
        rows += [emit.product(self._vanishing(p), d) for p in self.singles]
        return [*rows, emit.product(self._vanishing(), d)]

    def along_outputs(self, f: Function, dtype: Dtype, lanes: int, products: Values) -> Values:
        """Emit `A^T products` on vectors."""
        emit, count = _Sums(f, dtype, lanes), 2 * len(self.pairs)
        first, *middle, last = products
        ups, downs, alone = middle[:count:2], middle[1:count:2], middle[count:]
        sums = [emit.sum([(1, up), (1, down)]) for up, down in zip(ups, downs, strict=True)]
        differences = [emit.sum([(1, up), (-1, down)]) for up, down in zip(ups, downs, strict=True)]
        rows = []
        for j in range(self.outputs):
            parts = [*(differences if j % 2 else sums), *alone]
            terms = [(p**j, part) for p, part in zip((*self.pairs, *self.singles), parts, strict=True)]
            terms += [(1.0, first)] * (j == 0) + [(1.0, last)] * (j == self.outputs - 1)
            rows.append(emit.sum(terms))
        return rows

    def _vanishing(self, *but: float) -> list[float]:
        """The coefficients, lowest first, of the product of x - p over the points p but some."""
        result = np.array([1.0])
        for p in self.points:
            result = result if p in but else np.convolve(result, [-p, 1])
        return [float(c) for c in result]


class _TwoTaps(Transform):
    """F(m, 2)."""

    taps = 2


@dataclass(frozen=True)
class StridedTransform(Transform):
    """F(m x m, 3 x 3) of stride 2."""

    stride: ClassVar[int] = 2

    @cached_property
    def evens(self) -> Transform:
        """What becomes of inputs 0, 2, 4 ..."""
        return _TwoTaps(self.pairs, self.singles)

    @property
    def outputs(self) -> int:
        """m: outputs of a tile, along each axis."""
        return self.evens.outputs

    @property
    def inputs(self) -> int:
        """Inputs of a tile, along each axis."""
        return self.evens.inputs + self.outputs

    @property
    def kernels(self) -> int:
        """Along each axis the positions with kernels of their own; any further have that of the last."""
        return self.evens.inputs + 1

    @property
    def matrix(self) -> np.ndarray[Any, Any]:
        """G, without the repetitions of its last row."""
        return np.vstack([self.evens.matrix @ [[1, 0, 0], [0, 0, 1]], [[0, 1, 0]]])

    def along_inputs(self, f: Function, dtype: Dtype, lanes: int, d: Values) -> Values:
        """Emit `B^T d` on vectors: the rows of even inputs, then odd inputs as they are."""
        return [*self.evens.along_inputs(f, dtype, lanes, d[::2]), *d[1::2]]

    def along_outputs(self, f: Function, dtype: Dtype, lanes: int, products: Values) -> Values:
        """Emit `A^T products` on vectors."""
        emit, count = _Sums(f, dtype, lanes), self.evens.inputs
        sums = self.evens.along_outputs(f, dtype, lanes, products[:count])
        return [emit.sum([(1, a), (1, b)]) for a, b in zip(sums, products[count:], strict=True)]


F2, F4 = Transform((1.0,)), Transform((5 / 8, 3 / 2))
F2_STRIDED = StridedTransform((), (1.0,))
TRANSFORMS = (F4, F2, F2_STRIDED)


class _Sums:
    """Emits weighted sums of vectors."""

    def __init__(self, f: Function, dtype: Dtype, lanes: int) -> None:
        self.f, self.dtype, self.lanes, self.kind = f, dtype, lanes, vector(element(dtype), lanes)
        self.fma = f"llvm.fma.{suffix(element(dtype), lanes)}"

    def product(self, factors: Sequence[float], values: Values) -> str:
        """The sum of each value times its factor; values left over have none."""
        return self.sum([(c, value) for c, value in zip(factors, values, strict=False) if c])

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
