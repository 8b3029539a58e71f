"""Products with constant matrices of 2-, 4- or 8-bit weights in blocks that have a scale each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from jitrt.codegen.kernel import Ref, Step
from jitrt.codegen.nbits import (
    BlockProduct,
    Rows,
    block_product_step,
    pack_scales,
    pack_weights,
    pack_zero_points,
    unpacked,
    zero_points,
)
from jitrt.codegen.target import host
from jitrt.constants import packed_constant
from jitrt.layout import Array
from jitrt.tensor import Call, Tensor, Value, outputs_of
from jitrt.types import F32, U8


class BlockQuantizedProduct(Call):
    """`Y[m, n] = bias[n] + A[m, k] W[k, n]` in float32, with W as numbers of `bits` bits.

    `weights` [n, bytes], `scales` [n, blocks] and `zeros` are constants, packed once. `zeros` are in bytes as
    the weights are, or floats [n, blocks]; None means the middle of the range. A is float32, or int8 with
    `factors` [m, blocks]; `sums` [m, blocks] are those of its elements in each block. Its columns make up
    whole blocks.
    """

    name = "MatMulNBits"

    def __init__(
        self,
        a: Tensor,
        sums: Tensor,
        factors: Tensor | None,
        weights: Value,
        scales: Value,
        zeros: Value | None,
        bias: Tensor | None,
        bits: int,
    ) -> None:
        target, (self.columns, blocks) = host(), scales.shape
        kind = None if zeros is None else "u8" if zeros.dtype == U8 else "f32"
        product = self.product = BlockProduct(bits, factors is not None, kind, bias is not None, target)
        form = f"nbits {bits} {blocks} {product.integer}"
        self.packed = [
            packed_constant(weights, f"{form} weights", partial(pack_weights, product=product)),
            packed_constant(scales, f"{form} scales", partial(pack_scales, target=target)),
        ]
        if zeros is not None:
            self.packed.append(
                packed_constant(
                    zeros, f"{form} zeros", partial(pack_zero_points, bits=bits, blocks=blocks, target=target)
                )
            )
        self.inputs = (a, sums, factors, bias)  # type: ignore[assignment]
        outputs_of(self, [(F32, (a.shape[0], self.columns))])

    def steps(self, inputs: Sequence[Array | None], outputs: Sequence[Array], epilogue: Any) -> list[Step]:
        """One step; a unit is a panel of columns."""
        a, sums, factors, bias = inputs
        (y,) = outputs
        assert a is not None
        assert sums is not None
        (m, k), blocks = a.shape, int(sums.shape[1])
        step = block_product_step(
            self.product,
            Rows(a.ref, sums.ref, None if factors is None else factors.ref),
            [Ref(p.buffer) for p in self.packed],
            None if bias is None else bias.ref,
            y.ref,
            (m, self.columns),
            (blocks, int(k) // blocks),
        )
        step.keeps = tuple(self.packed)
        return [step]

    def reference(self, inputs: Sequence[Value | None]) -> list[Value]:
        """NumPy's product in float64."""
        a, _, factors, bias = inputs
        assert a is not None
        weights, scales, *zeros = (p.source for p in self.packed)
        bits, blocks = self.product.bits, scales.shape[1]
        numbers = unpacked(weights, bits).reshape(self.columns, blocks, -1).astype(np.float64)
        middle = zero_points(zeros[0], bits, blocks) if zeros else np.full((1, 1), self.product.default)
        real = (numbers - middle.astype(np.float64)[..., None]) * scales.astype(np.float64)[..., None]
        rows = a.reshape(len(a), blocks, -1).astype(np.float64)
        rows = rows if factors is None else rows * factors[..., None]
        y = rows.reshape(a.shape) @ real.reshape(self.columns, -1).T
        return [y if bias is None else y + bias]
