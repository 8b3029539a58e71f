"""Depthwise convolutions: a kernel of its own for each channel of a channels-last image."""

from __future__ import annotations

from collections.abc import Sequence

from jitrt.codegen.conv import Image, Window
from jitrt.codegen.epilogue import Epilogue, plain
from jitrt.codegen.gemm import Array, pack_matrix
from jitrt.codegen.kernel import Ref, Step
from jitrt.codegen.product import Matrix
from jitrt.codegen.target import Target, host
from jitrt.codegen.windows import windows_step
from jitrt.types import F32, F64, short_name


def pack_depthwise_weights(weights: Array, target: Target | None = None) -> Array:
    """`weights` f32[C, 1, *kernel] as a packed matrix of rows [*kernel]."""
    return pack_matrix(weights.reshape(weights.shape[0], -1).T, target)


def depthwise_step(
    x: Image,
    weights: Ref,
    out: Image,
    window: Window,
    *,
    bias: Ref | None = None,
    epilogue: Epilogue | None = None,
    operands: Sequence[Matrix] = (),
    label: str = "depthwise",
    target: Target | None = None,
) -> Step:
    """`out = epilogue(depthwise convolution of x + bias)`; both are channels-last and have the same channels.

    `x` is float32 or float64. `weights` are as `pack_depthwise_weights` lays them out, `bias` is
    f32[channels]. Operands of the epilogue are as those of `conv_step`. Raises NotImplementedError for an `x`
    of another type.
    """
    if x.dtype not in (F32, F64):
        raise NotImplementedError(f"depthwise convolution of {short_name(x.dtype)}: cast it to float32")
    target = target or host()
    epilogue = epilogue or plain(x.dtype, out.dtype)
    shared = (operands, label, target)
    return windows_step("fma", x, out, window, epilogue, *shared, weights=weights, bias=bias)
