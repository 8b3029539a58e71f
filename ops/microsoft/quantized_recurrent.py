"""LSTM with 8-bit weights, whose input and states are quantised as they come."""

from __future__ import annotations

import numpy as np

from jitrt.calls import cast_tensor, launch
from jitrt.expr import cast, where
from jitrt.integer_products import integer_product
from jitrt.opdef import operator
from jitrt.tensor import Tensor, constant, map_indices, map_tensors, reduce_tensor
from jitrt.types import F32, I32, I64

from ..quantize import dynamic_quantize_linear
from ..recurrent import dense, initial_state, sequences, total_bias
from ._quantized import MICROSOFT
from ._quantized_lstm import run_quantized_lstm


@operator("DynamicQuantizeLSTM", since=1, domain=MICROSOFT)
def dynamic_quantize_lstm(
    X: Tensor,
    W: Tensor,
    R: Tensor,
    B: Tensor | None,
    sequence_lens: Tensor | None,
    initial_h: Tensor | None,
    initial_c: Tensor | None,
    P: Tensor | None,
    W_scale: Tensor,
    W_zero_point: Tensor,
    R_scale: Tensor,
    R_zero_point: Tensor,
    *,
    activation_alpha: list[float] | None = None,
    activation_beta: list[float] | None = None,
    activations: list[str] | None = None,
    clip: float | None = None,
    direction: str = "forward",
    hidden_size: int | None = None,
    input_forget: int = 0,
) -> list[Tensor]:
    """Long short-term memory; W is [directions, inputs, 4 * size], R [directions, size, 4 * size].

    X is quantised by the range of all of it, a state by that of its sample, which is onnxruntime's result
    where as many threads as samples take part.
    https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.DynamicQuantizeLSTM
    """
    (steps, samples, inputs), (directions, _, width) = X.shape, R.shape
    seen = X if sequence_lens is None else _without_padding(X, sequence_lens)
    whole, x_scale, x_zero = dynamic_quantize_linear(seen.reshape([1, steps * samples, inputs]))
    scale, zero = (_by_column(t).unsqueeze(1) for t in (W_scale, W_zero_point))
    sums = map_tensors(
        lambda y, x, w: cast(y, F32) * (x * w), integer_product(whole, W, x_zero, zero), x_scale, scale
    )
    bias = None if B is None else total_bias(B, width)
    if bias is not None:
        sums = map_tensors(lambda y, b: y + b, sums, bias.unsqueeze(1))
    rows = sums.reshape([directions, steps, samples, width]).permute([1, 2, 0, 3])
    names = activations or ["Sigmoid", "Tanh", "Tanh"] * (2 if direction == "bidirectional" else 1)
    s = sequences(
        rows,
        R,
        sequence_lens,
        initial_h,
        direction=direction,
        activations=names,
        activation_alpha=activation_alpha,
        activation_beta=activation_beta,
        clip=clip,
        layout=0,
    )
    table, size = [directions, width], R.shape[1]
    Y, *states, _, _ = launch(
        run_quantized_lstm,
        s.XW,
        dense(R.permute([0, 2, 1])),
        s.H0,
        initial_state(initial_c, s.state, X, 0),
        constant(np.zeros((1, 1), np.float32)) if P is None else P,
        _by_column(R_scale).expand(table),
        cast_tensor(_by_column(R_zero_point), I32).expand(table),
        *(s.lengths, s.kinds, s.alphas, s.betas),
        outputs=[
            (F32, [steps, *s.state]),
            *[(F32, s.state)] * 2,
            (F32, [directions, samples, width]),
            (np.dtype(np.int16), s.state),
        ],
        scalars=[*s.scalars, input_forget, int(P is not None)],
        extent=directions * samples,
        flops=2 * steps * directions * samples * size * width,
    )
    return [Y, *states]


def _without_padding(X: Tensor, lengths: Tensor) -> Tensor:
    """X [steps, samples, inputs] with zeros after the longest sequence, which do not widen the range."""
    longest = reduce_tensor(lengths, "max", [0])
    return map_indices(
        lambda t, n, i, x, last: where(t < cast(last, I64), x, 0), X.shape, X, longest.reshape([1, 1, 1])
    )


def _by_column(parameter: Tensor) -> Tensor:
    """One number a direction, or one a column of each, as [directions, 1 or columns]."""
    return parameter.unsqueeze(1) if parameter.ndim == 1 else parameter
