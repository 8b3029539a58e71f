"""Products and convolutions with what follows them, as onnxruntime's optimiser writes them."""

from __future__ import annotations

from collections.abc import Sequence

from jitrt.opdef import lookup, operator
from jitrt.tensor import Tensor, map_tensors

from ..conv import conv
from ..matmul import gemm, matmul_tensors

DOMAIN = "com.microsoft"
ACTIVATION_OPSET = 10  # Clip has its limits as attributes then
ACTIVATIONS = {
    "Relu": (),
    "Tanh": (),
    "Sigmoid": (),
    "Softplus": (),
    "Softsign": (),
    "Elu": ("alpha",),
    "LeakyRelu": ("alpha",),
    "ThresholdedRelu": ("alpha",),
    "Clip": ("min", "max"),
    "HardSigmoid": ("alpha", "beta"),
    "Selu": ("alpha", "gamma"),
}


@operator("FusedMatMul", since=1, domain=DOMAIN)
def fused_matmul(
    A: Tensor,
    B: Tensor,
    *,
    alpha: float = 1.0,
    transA: int = 0,
    transB: int = 0,
    transBatchA: int = 0,
    transBatchB: int = 0,
) -> Tensor:
    """alpha A B, where either may come with transposed rows and columns, or with rows before the batch.

    https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.FusedMatMul
    """
    y = matmul_tensors(_as_matrix(A, transA, transBatchA), _as_matrix(B, transB, transBatchB))
    return y if alpha == 1 else map_tensors(lambda v: v * alpha, y)


@operator("TransposeMatMul", since=1, domain=DOMAIN)
def transpose_matmul(A: Tensor, B: Tensor, *, alpha: float = 1.0, transA: int = 0, transB: int = 0) -> Tensor:
    """alpha A B, where either may come transposed.

    https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.TransposeMatMul
    """
    return fused_matmul(A, B, alpha=alpha, transA=transA, transB=transB)


def _as_matrix(x: Tensor, transposed: int, rows_first: int) -> Tensor:
    """The operand as [..., rows, columns]; a vector stays one."""
    rank = x.ndim
    if rank < 2:
        return x
    order = [*range(1, rank - 1), 0, rank - 1] if rows_first else list(range(rank))
    return x.permute([*order[:-2], order[-1], order[-2]] if transposed else order)


@operator("FusedGemm", since=1, domain=DOMAIN)
def fused_gemm(
    A: Tensor,
    B: Tensor,
    C: Tensor | None = None,
    *,
    activation: str = "",
    activation_alpha: float | None = None,
    activation_beta: float | None = None,
    activation_gamma: float | None = None,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,
    transB: int = 0,
) -> Tensor:
    """An activation function of alpha A B + beta C.

    https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.FusedGemm
    """
    given = {"alpha": activation_alpha, "beta": activation_beta, "gamma": activation_gamma}
    parameters = [given[name] for name in _parameters_of(activation)]
    return _activate(
        gemm(A, B, C, alpha=alpha, beta=beta, transA=transA, transB=transB), activation, parameters
    )


@operator("FusedConv", since=1, domain=DOMAIN)
def fused_conv(
    X: Tensor,
    W: Tensor,
    B: Tensor | None = None,
    Z: Tensor | None = None,
    *,
    activation: str = "",
    activation_params: list[float] | None = None,
    auto_pad: str = "NOTSET",
    dilations: list[int] | None = None,
    group: int = 1,
    kernel_shape: list[int] | None = None,
    pads: list[int] | None = None,
    strides: list[int] | None = None,
) -> Tensor:
    """An activation function of a convolution plus Z.

    https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.FusedConv
    """
    y = conv(
        *(X, W, B),
        auto_pad=auto_pad,
        dilations=dilations,
        group=group,
        kernel_shape=kernel_shape,
        pads=pads,
        strides=strides,
    )
    if Z is not None:
        y = map_tensors(lambda y, z: y + z, y, Z)
    return _activate(y, activation, activation_params or ())


def _parameters_of(activation: str) -> tuple[str, ...]:
    if not activation:
        return ()
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation is one of {', '.join(ACTIVATIONS)}, got {activation!r}")
    return ACTIVATIONS[activation]


def _activate(x: Tensor, activation: str, parameters: Sequence[float | None]) -> Tensor:
    """The activation function, with defaults for parameters that are missing."""
    names = _parameters_of(activation)
    if not activation:
        return x
    if len(parameters) > len(names):
        raise ValueError(f"{activation} takes {len(names)} parameters, got {len(parameters)}")
    scalar = lookup("", activation, ACTIVATION_OPSET).scalar  # type: ignore[union-attr]
    given = {name: p for name, p in zip(names, parameters, strict=False) if p is not None}
    return map_tensors(lambda v: scalar(v, **given), x)  # type: ignore[misc]
