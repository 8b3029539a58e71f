"""The cells of the recurrent operators, as the specification has them, and what they have in common.

A cell is a scalar function of one column: of each gate's sum, and of the states of the step before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jitrt.codegen.recurrence import CELL, INPUTS, PRODUCTS, STATE, VECTORS, Phase
from jitrt.expr import (
    Dtype,
    Expr,
    absolute,
    const,
    exp,
    expm1,
    fma,
    load,
    log1p,
    maximum,
    minimum,
    tanh,
    where,
)
from jitrt.types import F32, F64

DEFAULTS = {
    "LeakyRelu": (0.009999999776482582, 0.0),
    "ThresholdedRelu": (1.0, 0.0),
    "HardSigmoid": (0.20000000298023224, 0.5),
    "Elu": (1.0, 0.0),
    "Affine": (1.0, 0.0),
    "ScaledTanh": (1.0, 1.0),
}
BENDS = {F32: 9.2, F64: 20.0}  # beyond, tanh rounds to 1
TAKE_BETA = ("Affine", "ScaledTanh", "HardSigmoid")
ACTIVATIONS: dict[str, Callable[[Expr, float, float], Expr]] = {
    "Sigmoid": lambda x, a, b: 1 / (1 + exp(-x)),
    "Tanh": lambda x, a, b: tanh(x),
    "Relu": lambda x, a, b: maximum(x, 0),
    "Affine": lambda x, a, b: a * x + b,
    "LeakyRelu": lambda x, a, b: where(x < 0, a * x, x),
    "ThresholdedRelu": lambda x, a, b: where(x > a, x, 0),
    "ScaledTanh": lambda x, a, b: a * tanh(b * x),
    "HardSigmoid": lambda x, a, b: minimum(maximum(a * x + b, 0), 1),
    "Elu": lambda x, a, b: where(x < 0, a * expm1(x), x),
    "Softsign": lambda x, a, b: x / (1 + absolute(x)),
    "Softplus": lambda x, a, b: maximum(x, 0) + log1p(exp(-absolute(x))),
}


@dataclass(frozen=True)
class Function:
    """An activation function of a bounded sum."""

    name: str
    alpha: float
    beta: float
    clip: float | None

    def __call__(self, x: Expr) -> Expr:
        return ACTIVATIONS[self.name](self._bounded(x), self.alpha, self.beta)

    def quotient(self, x: Expr) -> tuple[Expr, Expr]:
        """A numerator and a denominator whose quotient is the function."""
        x = self._bounded(x)
        if self.name == "Sigmoid":
            return const(1, x.dtype), 1 + exp(-x)
        if self.name == "Tanh":
            largest = BENDS[x.dtype]
            power = expm1(2 * minimum(maximum(x, -largest), largest))
            return power, power + 2
        return ACTIVATIONS[self.name](x, self.alpha, self.beta), const(1, x.dtype)

    def _bounded(self, x: Expr) -> Expr:
        return minimum(maximum(x, -self.clip), self.clip) if self.clip else x


def gated(f: Function, x: Expr, g: Function, y: Expr) -> Expr:
    """f(x) g(y); divisions take longest in a cell, and this is one."""
    (a, b), (c, d) = f.quotient(x), g.quotient(y)
    return a * c / (b * d)


def functions(
    names: Sequence[str], alphas: Sequence[float] | None, betas: Sequence[float] | None, clip: float | None
) -> list[Function]:
    """Functions by name in any case; alphas and betas go to those that take them, in order."""
    known = {name.lower(): name for name in ACTIVATIONS}
    given_alphas, given_betas = list(alphas or []), list(betas or [])
    chosen = []
    for name in (known[name.lower()] for name in names):
        alpha, beta = DEFAULTS.get(name, (0.0, 0.0))
        if name in DEFAULTS and given_alphas:
            alpha = given_alphas.pop(0)
        if name in TAKE_BETA and given_betas:
            beta = given_betas.pop(0)
        chosen.append(Function(name, alpha, beta, clip))
    return chosen


def plain_sum(gate: int, dtype: Dtype) -> Expr:
    """The input's part of a gate plus the state's."""
    return load(INPUTS + gate, dtype) + load(PRODUCTS + gate, dtype)


def lstm_cell(
    sums: Sequence[Expr], functions: Sequence[Function], *, input_forget: int, peepholes: bool
) -> list[Phase]:
    """Long short-term memory of the gates i, o, f, c. https://onnx.ai/onnx/operators/onnx__LSTM.html"""
    f, g, h = functions
    i, o, forget, c = sums
    dtype = i.dtype
    C = load(CELL, dtype)
    pi, po, pf = (load(VECTORS + k, dtype) for k in range(3))
    i = fma(pi, C, i) if peepholes else i
    forget = 1 - f(i) if input_forget else f(fma(pf, C, forget) if peepholes else forget)
    C = fma(forget, C, gated(f, i, g, c))
    o = fma(po, C, o) if peepholes else o
    products = tuple((gate, "state") for gate in range(4))
    return [Phase(products, (("cell", C), ("state", gated(f, o, h, C))))]


def gru_cell(dtype: Dtype, functions: Sequence[Function], *, linear_before_reset: int) -> list[Phase]:
    """Gated recurrent unit of the gates z, r, h. https://onnx.ai/onnx/operators/onnx__GRU.html

    The reset is of the state, whose product with the weights is another phase, or with `linear_before_reset`
    of the product, which has a bias of its own.
    """
    f, g = functions
    H = load(STATE, dtype)
    z, r = (f(plain_sum(gate, dtype)) for gate in range(2))
    if linear_before_reset:
        product = load(PRODUCTS + 2, dtype) + load(VECTORS, dtype)
        h = g(fma(r, product, load(INPUTS + 2, dtype)))
        every = tuple((gate, "state") for gate in range(3))
        return [Phase(every, (("state", fma(z, H - h, h)),))]
    h = g(plain_sum(2, dtype))
    return [
        Phase(((1, "state"),), (("reset", r * H),)),
        Phase(((0, "state"), (2, "reset")), (("state", fma(z, H - h, h)),)),
    ]


def rnn_cell(dtype: Dtype, functions: Sequence[Function]) -> list[Phase]:
    """Elman network. https://onnx.ai/onnx/operators/onnx__RNN.html"""
    (f,) = functions
    return [Phase(((0, "state"),), (("state", f(plain_sum(0, dtype))),))]
