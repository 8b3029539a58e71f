"""Depthwise convolutions of channels-last images: kernels of their own for each channel, or a few of them."""

from __future__ import annotations

from collections.abc import Sequence

from jitrt.codegen.conv import Image, Window
from jitrt.codegen.epilogue import Epilogue, plain
from jitrt.codegen.kernel import Ref, Step
from jitrt.codegen.product import Matrix
from jitrt.codegen.target import Target, host
from jitrt.codegen.windows import windows_step
from jitrt.expr import Dtype
from jitrt.types import F32, F64, short_name

NARROW = 8  # channels of a group at most: each is spread over the lanes of its group by a shuffle


def has_narrow_groups(
    channels: int, outputs: int, groups: int, dtype: Dtype, target: Target | None = None
) -> bool:
    """Whether `depthwise_step` computes such a convolution: vectors of lanes are whole groups."""
    if groups == 1 or 0 in (channels, outputs) or dtype not in (F32, F64):
        return False
    each, made = channels // groups, outputs // groups
    lanes = (target or host()).lanes(dtype.itemsize)
    return each <= NARROW and lanes % made == 0 and made % each == 0


def depthwise_step(
    x: Image,
    weights: Ref,
    out: Image,
    window: Window,
    *,
    groups: int | None = None,
    bias: Ref | None = None,
    epilogue: Epilogue | None = None,
    operands: Sequence[Matrix] = (),
    ring: int | None = None,
    label: str = "depthwise",
    target: Target | None = None,
) -> Step:
    """`out = epilogue(depthwise convolution of x + bias)`; both are channels-last.

    `x` is float32 or float64, and has a channel for each of out's, or `groups` as in `has_narrow_groups`.
    `weights` are as `pack_depthwise_weights` lays them out, `bias` is f32[channels of out]. Operands of the
    epilogue are as those of `conv_step`, and `ring` is as that of `windows_step`. Raises NotImplementedError
    for an `x` of another type.
    """
    if x.dtype not in (F32, F64):
        raise NotImplementedError(f"depthwise convolution of {short_name(x.dtype)}: cast it to float32")
    target = target or host()
    epilogue = epilogue or plain(x.dtype, out.dtype)
    each = (1, 1) if groups is None else (int(x.channels) // groups, int(out.channels) // groups)
    shared = (operands, label, target)
    return windows_step(
        "fma", x, out, window, epilogue, *shared, weights=weights, bias=bias, groups=each, ring=ring
    )
