"""LSTM with 8-bit weights, whose input and states are quantised as they come."""

from __future__ import annotations

from functools import partial

from jitrt.calls import cast_tensor
from jitrt.codegen.recurrence import INPUTS, PRODUCTS, SCALE, SUM, VECTORS, ZERO
from jitrt.expr import Expr, cast, fma, load, where
from jitrt.integer_products import as_signed, integer_product, moved_zero, sum_wide
from jitrt.opdef import operator
from jitrt.recurrences import Sequences
from jitrt.tensor import Tensor, map_indices, map_tensors, reduce_tensor
from jitrt.types import F32, I8, I32, I64

from .._recurrence import lstm_cell
from ..quantize import dynamic_quantize_linear
from ..recurrent import Layer, peepholes, total_bias
from ._quantized import MICROSOFT


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
    names = activations or ["Sigmoid", "Tanh", "Tanh"] * (2 if direction == "bidirectional" else 1)
    size = R.shape[1]
    weights = as_signed(R).reshape([directions, size, 4, size]).permute([0, 2, 1, 3])
    sequences = Sequences(
        sums.reshape([directions, steps, samples, width]).permute([1, 2, 0, 3]),
        weights,
        None if sequence_lens is None else cast_tensor(sequence_lens, I32),
        initial_h,
        direction == "reverse",
    )
    layer = Layer(sequences, names, activation_alpha, activation_beta, clip)
    table = [directions, width]
    zeros = moved_zero(_by_column(R_zero_point), R.dtype, I8)
    columns = sum_wide(weights, 2)
    parameters = (_by_column(R_scale).expand(table), zeros.expand(table), columns.reshape(table))
    vectors = peepholes(P, size)
    first = VECTORS + len(vectors)
    vectors += [t.slice(1, gate * size, size) for gate in range(4) for t in parameters]
    gates = [quantised_sum(gate, first + 3 * gate) for gate in range(4)]
    cell = partial(lstm_cell, gates, input_forget=input_forget, peepholes=P is not None)
    return list(layer.run("DynamicQuantizeLSTM", cell, vectors, initial_c, has_cell=True))


def quantised_sum(gate: int, first: int) -> Expr:
    """The input's part of a gate plus that of a state quantised as (q - zero) scale.

    The vectors from number `first` on are the weights' scale and zero point, and their sum over the state.
    """
    scale, zero, columns = load(first, F32), load(first + 1, I32), load(first + 2, I32)
    product = load(PRODUCTS + gate, I32) - load(ZERO, I32) * columns - load(SUM, I32) * zero
    return fma(cast(product, F32), load(SCALE, F32) * scale, load(INPUTS + gate, F32))


def _without_padding(X: Tensor, lengths: Tensor) -> Tensor:
    """X [steps, samples, inputs] with zeros after the longest sequence, which do not widen the range."""
    longest = reduce_tensor(lengths, "max", [0])
    return map_indices(
        lambda t, n, i, x, last: where(t < cast(last, I64), x, 0), X.shape, X, longest.reshape([1, 1, 1])
    )


def _by_column(parameter: Tensor) -> Tensor:
    """One number a direction, or one a column of each, as [directions, 1 or columns]."""
    return parameter.unsqueeze(1) if parameter.ndim == 1 else parameter
