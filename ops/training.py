"""Steps of optimisers, on several tensors at once: all tensors, then all gradients, then all states."""

from __future__ import annotations

from collections.abc import Sequence

from jitrt.calls import cast_tensor
from jitrt.expr import Expr, cast, const, power, sqrt, where
from jitrt.opdef import operator
from jitrt.tensor import Tensor, map_tensors

DOMAIN = "ai.onnx.preview.training"


@operator("Adagrad", since=1, domain=DOMAIN)
def adagrad(
    R: Tensor,
    T: Tensor,
    *inputs: Tensor,
    decay_factor: float = 0.0,
    epsilon: float = 9.999999974752427e-07,
    norm_coefficient: float = 0.0,
) -> list[Tensor]:
    """Adaptive gradient descent. https://onnx.ai/onnx/operators/onnx_aionnxpreviewtraining_Adagrad.html"""

    def new_h(X: Expr, G: Expr, H: Expr) -> Expr:
        regularized = norm_coefficient * X + G
        return H + regularized * regularized

    def new_x(R: Expr, T: Expr, X: Expr, G: Expr, H_new: Expr) -> Expr:
        r = R / (1 + cast(T, R.dtype) * decay_factor)
        return X - cast(r, X.dtype) * (norm_coefficient * X + G) / (sqrt(H_new) + epsilon)

    X, G, H = _groups(inputs, 3)
    H_new = [map_tensors(new_h, *xgh) for xgh in zip(X, G, H, strict=True)]
    X_new = [map_tensors(new_x, R, T, *xgh) for xgh in zip(X, G, H_new, strict=True)]
    return [*X_new, *H_new]


@operator("Adam", since=1, domain=DOMAIN)
def adam(
    R: Tensor,
    T: Tensor,
    *inputs: Tensor,
    alpha: float = 0.8999999761581421,
    beta: float = 0.9990000128746033,
    epsilon: float = 9.999999974752427e-07,
    norm_coefficient: float = 0.0,
    norm_coefficient_post: float = 0.0,
) -> list[Tensor]:
    """Gradient descent by moments. https://onnx.ai/onnx/operators/onnx_aionnxpreviewtraining_Adam.html"""

    def rate(R: Expr, T: Expr) -> Expr:
        t = cast(T, R.dtype)
        adjusted = R * sqrt(1 - power(const(beta, t.dtype), t)) / (1 - power(const(alpha, t.dtype), t))
        return where(T > 0, adjusted, R)

    def new_v(X: Expr, G: Expr, V: Expr) -> Expr:
        return alpha * V + (1 - alpha) * (norm_coefficient * X + G)

    def new_h(X: Expr, G: Expr, H: Expr) -> Expr:
        regularized = norm_coefficient * X + G
        return beta * H + (1 - beta) * regularized * regularized

    def new_x(R: Expr, X: Expr, V_new: Expr, H_new: Expr) -> Expr:
        return (1 - norm_coefficient_post) * (X - R * V_new / (sqrt(H_new) + epsilon))

    X, G, V, H = _groups(inputs, 4)
    adjusted = map_tensors(rate, R, T)
    V_new = [map_tensors(new_v, *xgv) for xgv in zip(X, G, V, strict=True)]
    H_new = [map_tensors(new_h, *xgh) for xgh in zip(X, G, H, strict=True)]
    X_new = [
        map_tensors(new_x, cast_tensor(adjusted, x.dtype), x, v, h)
        for x, v, h in zip(X, V_new, H_new, strict=True)
    ]
    return [*X_new, *V_new, *H_new]


@operator("Momentum", since=1, domain=DOMAIN)
def momentum(
    R: Tensor, T: Tensor, *inputs: Tensor, alpha: float, beta: float, mode: str, norm_coefficient: float
) -> list[Tensor]:
    """Gradient descent with momentum, standard or Nesterov's.

    https://onnx.ai/onnx/operators/onnx_aionnxpreviewtraining_Momentum.html
    """
    if mode not in ("standard", "nesterov"):
        raise ValueError(f"mode is standard or nesterov, got {mode!r}")

    def new_v(T: Expr, X: Expr, G: Expr, V: Expr) -> Expr:
        return alpha * V + where(T > 0, const(beta, X.dtype), 1) * (norm_coefficient * X + G)

    def new_x(R: Expr, X: Expr, G: Expr, V_new: Expr) -> Expr:
        if mode == "nesterov":
            V_new = norm_coefficient * X + G + alpha * V_new
        return X - cast(R, X.dtype) * V_new

    X, G, V = _groups(inputs, 3)
    V_new = [map_tensors(new_v, T, *xgv) for xgv in zip(X, G, V, strict=True)]
    X_new = [map_tensors(new_x, R, *xgv) for xgv in zip(X, G, V_new, strict=True)]
    return [*X_new, *V_new]


def _groups(inputs: Sequence[Tensor], count: int) -> list[Sequence[Tensor]]:
    """The inputs cut into `count` groups of the same length."""
    if not inputs or len(inputs) % count:
        raise ValueError(f"expected {count} inputs for each tensor after R and T, got {len(inputs)} in all")
    size = len(inputs) // count
    return [inputs[i * size : (i + 1) * size] for i in range(count)]
