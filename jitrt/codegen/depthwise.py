"""Depthwise convolutions: a kernel of its own for each channel of a channels-last image."""

from __future__ import annotations

from collections.abc import Sequence

from jitrt.codegen.conv import Image, OutputRows, Window, geometry, image_bytes
from jitrt.codegen.epilogue import Epilogue, plain
from jitrt.codegen.gemm import Array, pack_matrix
from jitrt.codegen.kernel import Argument, Ref, Step
from jitrt.codegen.matrices import PackedPanels
from jitrt.codegen.pixels import PixelsInPlace
from jitrt.codegen.product import Matrix, Product, extras, placed
from jitrt.codegen.target import Target, host
from jitrt.dims import prod
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
    dtype, channels, rows = x.dtype, x.channels, OutputRows.of(out)
    epilogue = epilogue or plain(dtype, out.dtype)
    source, panels = PixelsInPlace(dtype), PackedPanels(dtype)
    product = Product("depthwise", dtype, source, panels, epilogue, bias is not None, target, diagonal=True)
    values: dict[str, Argument] = {
        **{"m": rows.pixels, "n": channels, "k": 1, "taps": prod(window.kernel), "batch.inner": rows.count},
        **{"zeros.length": channels + product.shape.columns, "inner.rows": rows.pixels},
        **product.microkernels(channels),
        **geometry(x, out, window),
        **placed("X", x.ref, (x.batch_stride, 0)),
        **placed("B", weights, (0, 0)),
        **placed("Y", out.ref, (out.batch_stride, rows.stride), row=out.steps[-1]),
        **extras(operands, bias),
    }
    flops = 2 * x.batch * prod(out.spatial) * channels * prod(window.kernel)
    return product.step(values, x.batch * rows.count, label, flops, image_bytes(x) + image_bytes(out))
