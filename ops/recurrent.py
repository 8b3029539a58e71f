"""LSTM, GRU and RNN: the input's part of all steps is one matrix product, the rest one kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from jitrt.calls import cast_tensor
from jitrt.codegen.microkernel import accumulator
from jitrt.codegen.recurrence import Phase
from jitrt.dims import Size
from jitrt.opdef import operator
from jitrt.recurrences import RecurrenceCall, Sequences
from jitrt.tensor import Dtype, Tensor, concatenate, constant, map_tensors
from jitrt.types import I32

from ._recurrence import Function, functions, gru_cell, lstm_cell, plain_sum, rnn_cell
from ._versions import older_version
from .matmul import matmul_tensors


@dataclass(frozen=True)
class Layer:
    """A recurrence of one or two directions, and its attributes."""

    sequences: Sequences
    activations: Sequence[str]
    alphas: Sequence[float] | None
    betas: Sequence[float] | None
    clip: float | None

    @property
    def dtype(self) -> Dtype:
        """The type that states are computed in."""
        return self.sequences.XW.dtype

    def run(
        self,
        name: str,
        cell: Callable[[Sequence[Function]], Sequence[Phase]],
        vectors: Sequence[Tensor] = (),
        C0: Tensor | None = None,
        *,
        has_cell: bool = False,
    ) -> tuple[Tensor, ...]:
        """Y [steps, directions, samples, size] and the final states [directions, samples, size].

        Directions whose activation functions differ have a kernel each.
        """
        s = self.sequences
        directions = int(s.R.shape[0])
        each = len(self.activations) // directions
        every = functions(self.activations, self.alphas, self.betas, self.clip)
        chosen = [every[d * each : (d + 1) * each] for d in range(directions)]
        if all(f == chosen[0] for f in chosen):
            phases = cell(chosen[0])
            return RecurrenceCall(name, s, phases, vectors, C0, has_cell=has_cell).outputs
        parts = []
        for d, own in enumerate(chosen):
            H0, c0 = (None if t is None else t.slice(0, d, 1) for t in (s.H0, C0))
            one = Sequences(s.XW.slice(2, d, 1), s.R.slice(0, d, 1), s.lengths, H0, reverse=d == 1)
            mine = [v.slice(0, d, 1) for v in vectors]
            parts.append(RecurrenceCall(name, one, cell(own), mine, c0, has_cell=has_cell).outputs)
        return tuple(
            concatenate(list(both), 1 if i == 0 else 0) for i, both in enumerate(zip(*parts, strict=True))
        )


def make_layer(
    X: Tensor,
    W: Tensor,
    R: Tensor,
    bias: Tensor | None,
    sequence_lens: Tensor | None,
    initial_h: Tensor | None,
    *,
    direction: str,
    activations: Sequence[str],
    activation_alpha: Sequence[float] | None,
    activation_beta: Sequence[float] | None,
    clip: float | None,
    layout: int,
) -> Layer:
    """`bias` [directions, gates * size] goes with the input's part."""
    outer, inner, inputs = X.shape
    directions, width, size = R.shape
    rows = matmul_tensors(
        X.reshape([outer * inner, inputs]),
        W.reshape([directions * width, inputs]).permute([1, 0]),
        None if bias is None else bias.reshape([directions * width]),
    )
    XW = rows.reshape([outer, inner, directions, width])
    weights = R.reshape([directions, width // size, size, size]).permute([0, 1, 3, 2])
    sequences = Sequences(
        computed(XW.permute([1, 0, 2, 3]) if layout else XW),
        computed(weights),
        None if sequence_lens is None else cast_tensor(sequence_lens, I32),
        initial_state(initial_h, layout),
        direction == "reverse",
    )
    return Layer(sequences, activations, activation_alpha, activation_beta, clip)


def computed(t: Tensor) -> Tensor:
    """The tensor in the type that is computed in."""
    return cast_tensor(t, accumulator(t.dtype))


def initial_state(state: Tensor | None, layout: int) -> Tensor | None:
    """A given initial state as [directions, samples, size]."""
    if state is None:
        return None
    return computed(state.permute([1, 0, 2]) if layout else state)


def results(outputs: Sequence[Tensor], X: Tensor, layout: int) -> list[Tensor]:
    """Y and the final states as the operator gives them."""
    Y, *final = (cast_tensor(t, X.dtype) for t in outputs)
    if layout:
        return [Y.permute([2, 0, 1, 3]), *(t.permute([1, 0, 2]) for t in final)]
    return [Y, *final]


def total_bias(B: Tensor | None, width: Size) -> Tensor | None:
    """The input's and the recurrent bias in one."""
    if B is None:
        return None
    return map_tensors(lambda w, r: w + r, B.slice(1, 0, width), B.slice(1, width, width))


def peepholes(P: Tensor | None, size: Size) -> list[Tensor]:
    """Those of i, o and f [directions, size], if there are any."""
    return [] if P is None else [computed(P.slice(1, gate * size, size)) for gate in range(3)]


def _activations(given: list[str] | None, default: list[str], direction: str) -> list[str]:
    return given or default * (2 if direction == "bidirectional" else 1)


@operator("LSTM", since=7)
def lstm(
    X: Tensor,
    W: Tensor,
    R: Tensor,
    B: Tensor | None = None,
    sequence_lens: Tensor | None = None,
    initial_h: Tensor | None = None,
    initial_c: Tensor | None = None,
    P: Tensor | None = None,
    *,
    activation_alpha: list[float] | None = None,
    activation_beta: list[float] | None = None,
    activations: list[str] | None = None,
    clip: float | None = None,
    direction: str = "forward",
    hidden_size: int | None = None,
    input_forget: int = 0,
    layout: int = 0,
) -> list[Tensor]:
    """Long short-term memory. https://onnx.ai/onnx/operators/onnx__LSTM.html"""
    layer = make_layer(
        X,
        W,
        R,
        total_bias(B, R.shape[1]),
        sequence_lens,
        initial_h,
        direction=direction,
        activations=_activations(activations, ["Sigmoid", "Tanh", "Tanh"], direction),
        activation_alpha=activation_alpha,
        activation_beta=activation_beta,
        clip=clip,
        layout=layout,
    )
    sums = [plain_sum(gate, layer.dtype) for gate in range(4)]
    cell = partial(lstm_cell, sums, input_forget=input_forget, peepholes=P is not None)
    C0 = initial_state(initial_c, layout)
    return results(layer.run("LSTM", cell, peepholes(P, R.shape[2]), C0, has_cell=True), X, layout)


@operator("GRU", since=7)
def gru(
    X: Tensor,
    W: Tensor,
    R: Tensor,
    B: Tensor | None = None,
    sequence_lens: Tensor | None = None,
    initial_h: Tensor | None = None,
    *,
    activation_alpha: list[float] | None = None,
    activation_beta: list[float] | None = None,
    activations: list[str] | None = None,
    clip: float | None = None,
    direction: str = "forward",
    hidden_size: int | None = None,
    layout: int = 0,
    linear_before_reset: int = 0,
) -> list[Tensor]:
    """Gated recurrent unit. https://onnx.ai/onnx/operators/onnx__GRU.html"""
    _, width, size = R.shape
    bias, recurrent = total_bias(B, width), constant(np.zeros((1, 1), X.dtype))
    if B is not None and linear_before_reset:
        before, after = B.slice(1, 2 * size, size), B.slice(1, width + 2 * size, size)
        assert bias is not None
        bias, recurrent = concatenate([bias.slice(1, 0, 2 * size), before], 1), after
    layer = make_layer(
        X,
        W,
        R,
        bias,
        sequence_lens,
        initial_h,
        direction=direction,
        activations=_activations(activations, ["Sigmoid", "Tanh"], direction),
        activation_alpha=activation_alpha,
        activation_beta=activation_beta,
        clip=clip,
        layout=layout,
    )
    cell = partial(gru_cell, layer.dtype, linear_before_reset=linear_before_reset)
    vectors = [computed(recurrent)] if linear_before_reset else []
    return results(layer.run("GRU", cell, vectors), X, layout)


@operator("RNN", since=7)
def rnn(
    X: Tensor,
    W: Tensor,
    R: Tensor,
    B: Tensor | None = None,
    sequence_lens: Tensor | None = None,
    initial_h: Tensor | None = None,
    *,
    activation_alpha: list[float] | None = None,
    activation_beta: list[float] | None = None,
    activations: Sequence[str] = ("Tanh", "Tanh"),
    clip: float | None = None,
    direction: str = "forward",
    hidden_size: int | None = None,
    layout: int = 0,
) -> list[Tensor]:
    """Elman network. https://onnx.ai/onnx/operators/onnx__RNN.html"""
    layer = make_layer(
        X,
        W,
        R,
        total_bias(B, R.shape[1]),
        sequence_lens,
        initial_h,
        direction=direction,
        activations=activations[: int(R.shape[0])],
        activation_alpha=activation_alpha,
        activation_beta=activation_beta,
        clip=clip,
        layout=layout,
    )
    return results(layer.run("RNN", partial(rnn_cell, layer.dtype)), X, layout)


older_version(lstm, since=1, ignores={"output_sequence": 0}, lacks=["layout"])
older_version(rnn, since=1, ignores={"output_sequence": 0}, lacks=["layout"])
older_version(gru, since=3, ignores={"output_sequence": 0}, lacks=["layout"])
older_version(
    gru,
    since=1,
    ignores={"output_sequence": 0},
    lacks=["layout", "linear_before_reset"],
    direction="foward",  # spelt so in the specification
)
