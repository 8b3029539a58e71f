"""LSTM, GRU and RNN: the input's part of all steps is one matrix product, the rest one kernel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jitrt.calls import cast_tensor, launch
from jitrt.dims import Size
from jitrt.opdef import operator
from jitrt.tensor import Tensor, concatenate, constant, map_tensors
from jitrt.types import F64, I32

from ._recurrence import ACTIVATIONS, run_gru, run_lstm, run_rnn
from ._versions import older_version
from .matmul import matmul_tensors

DEFAULTS = {
    "LeakyRelu": (0.009999999776482582, 0.0),
    "ThresholdedRelu": (1.0, 0.0),
    "HardSigmoid": (0.20000000298023224, 0.5),
    "Elu": (1.0, 0.0),
    "Affine": (1.0, 0.0),
    "ScaledTanh": (1.0, 1.0),
}


@dataclass(frozen=True)
class Sequences:
    """The operands of a recurrence as its kernel takes them, and how its outputs leave."""

    XW: Tensor
    R: Tensor
    H0: Tensor
    lengths: Tensor
    kinds: Tensor
    alphas: Tensor
    betas: Tensor
    scalars: list[Size | float]
    layout: int

    @property
    def steps(self) -> Size:
        """Number of steps."""
        return self.XW.shape[0]

    @property
    def state(self) -> list[Size]:
        """The shape [directions, samples, size] of a state."""
        return list(self.H0.shape)

    def run(
        self, kernel: Any, gates: int, extra: Sequence[Tensor], scalars: Sequence[int], states: int
    ) -> list[Tensor]:
        """Launch the kernel; Y and the final states."""
        directions, samples, size = self.state
        outputs = [(self.H0.dtype, [self.steps, *self.state])]
        outputs += [(self.H0.dtype, self.state)] * states
        outputs += [(self.H0.dtype, [directions, samples, gates * size])]
        Y, *final, _ = launch(
            kernel,
            self.XW,
            self.R,
            self.H0,
            *extra,
            self.lengths,
            self.kinds,
            self.alphas,
            self.betas,
            outputs=outputs,
            scalars=[*self.scalars, *scalars],
            extent=directions * ((samples + 1) // 2),
            flops=2 * self.steps * directions * samples * size * size * gates,
        )
        if self.layout:
            return [Y.permute([2, 0, 1, 3]), *(t.permute([1, 0, 2]) for t in final)]
        return [Y, *final]


def _sequences(
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
) -> Sequences:
    """`bias` [directions, gates * size] goes with the input's part."""
    x = X.permute([1, 0, 2]) if layout else X
    steps, samples, inputs = x.shape
    directions, width, _ = R.shape
    rows = matmul_tensors(
        x.reshape([steps * samples, inputs]),
        W.reshape([directions * width, inputs]).permute([1, 0]),
        None if bias is None else bias.reshape([directions * width]),
    )
    return sequences(
        rows.reshape([steps, samples, directions, width]),
        dense(R.permute([0, 2, 1])),
        sequence_lens,
        initial_h,
        direction=direction,
        activations=activations,
        activation_alpha=activation_alpha,
        activation_beta=activation_beta,
        clip=clip,
        layout=layout,
    )


def sequences(
    XW: Tensor,
    R: Tensor,
    sequence_lens: Tensor | None,
    initial_h: Tensor | None,
    *,
    direction: str,
    activations: Sequence[str],
    activation_alpha: Sequence[float] | None,
    activation_beta: Sequence[float] | None,
    clip: float | None,
    layout: int,
) -> Sequences:
    """From recurrent weights R [directions, size, width] and XW [steps, samples, directions, width]."""
    _, samples, directions, _ = XW.shape
    names = [_canonical(name) for name in activations]
    per_direction = len(names) // int(directions)
    alphas, betas = list(activation_alpha or []), list(activation_beta or [])
    table = [(ACTIVATIONS.index(name), *_scaling(name, alphas, betas)) for name in names]
    columns = [np.zeros((int(directions), 3), dtype) for dtype in (np.int64, np.float64, np.float64)]
    for i, row in enumerate(table):
        for column, value in zip(columns, row, strict=True):
            column[i // per_direction, i % per_direction] = value
    kinds, alpha_table, beta_table = map(constant, columns)
    return Sequences(
        XW,
        R,
        initial_state(initial_h, [directions, samples, R.shape[1]], XW, layout),
        constant(np.zeros(1, np.int32)) if sequence_lens is None else cast_tensor(sequence_lens, I32),
        kinds,
        alpha_table,
        beta_table,
        [
            int(direction == "reverse"),
            int(sequence_lens is not None),
            float(clip or 0.0),
            int(XW.dtype == F64),
        ],
        layout,
    )


def _canonical(name: str) -> str:
    return next((known for known in ACTIVATIONS if known.lower() == name.lower()), name)


def _scaling(name: str, alphas: list[float], betas: list[float]) -> tuple[float, float]:
    """The next alpha and beta for the functions that take them, consumed in order, or their defaults."""
    if name not in DEFAULTS:
        return 0.0, 0.0
    alpha, beta = DEFAULTS[name]
    takes_beta = name in ("Affine", "ScaledTanh", "HardSigmoid")
    return (alphas.pop(0) if alphas else alpha), (betas.pop(0) if takes_beta and betas else beta)


def dense(t: Tensor) -> Tensor:
    """The tensor; a known value is laid out in row-major order now rather than in every run."""
    return t if t.value is None else constant(np.ascontiguousarray(t.value), t.dtype)


def initial_state(state: Tensor | None, shape: list[Size], X: Tensor, layout: int) -> Tensor:
    """The given initial state as [directions, samples, size], or zeros."""
    if state is None:
        return constant(np.zeros((), X.dtype)).expand(shape)
    return state.permute([1, 0, 2]) if layout else state


def total_bias(B: Tensor | None, width: Size) -> Tensor | None:
    """The input's and the recurrent bias in one."""
    if B is None:
        return None
    return map_tensors(lambda w, r: w + r, B.slice(1, 0, width), B.slice(1, width, width))


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
    s = _sequences(
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
    peepholes = constant(np.zeros((1, 1), X.dtype)) if P is None else P
    extra = [initial_state(initial_c, s.state, X, layout), peepholes]
    return s.run(run_lstm, 4, extra, [input_forget, int(P is not None)], states=2)


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
    directions, width, size = R.shape
    bias, recurrent = total_bias(B, width), constant(np.zeros((), X.dtype)).expand([directions, size])
    if B is not None and linear_before_reset:
        before, after = B.slice(1, 2 * size, size), B.slice(1, width + 2 * size, size)
        assert bias is not None
        bias, recurrent = concatenate([bias.slice(1, 0, 2 * size), before], 1), after
    s = _sequences(
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
    return s.run(run_gru, 4, [recurrent], [linear_before_reset], states=1)


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
    s = _sequences(
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
    return s.run(run_rnn, 1, [], [], states=1)


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
