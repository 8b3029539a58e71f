"""Normalisation: compositions of reductions and elementwise functions, which fuse into one kernel each."""

from __future__ import annotations

from collections.abc import Sequence

from jitrt.calls import cast_tensor, launch
from jitrt.dims import prod, same
from jitrt.expr import absolute, eq, power, sqrt, where
from jitrt.opdef import REQUIRED, operator
from jitrt.tensor import Dtype, Tensor, map_tensors, reduce_tensor
from jitrt.types import F32, from_onnx

from ._image_moments import before_grouping, is_by_lines, normalize_by_lines
from ._shared import mean, widen
from ._versions import consuming_version, older_version

EPSILON = 9.999999747378752e-06
MOMENTUM = 0.8999999761581421


@operator("BatchNormalization", since=14)
def batch_normalization(
    X: Tensor,
    scale: Tensor,
    B: Tensor,
    input_mean: Tensor,
    input_var: Tensor,
    *,
    epsilon: float = EPSILON,
    momentum: float = MOMENTUM,
    training_mode: int = 0,
) -> tuple[Tensor, ...]:
    """Normalise each channel. https://onnx.ai/onnx/operators/onnx__BatchNormalization.html"""
    if not training_mode:
        return (_batch_norm(X, scale, B, input_mean, input_var, epsilon),)
    return _trained_batch_norm(X, scale, B, input_mean, input_var, epsilon, momentum)[:3]


@operator("BatchNormalization", since=9)
def batch_normalization_9(
    X: Tensor,
    scale: Tensor,
    B: Tensor,
    mean: Tensor,
    var: Tensor,
    *,
    epsilon: float = EPSILON,
    momentum: float = MOMENTUM,
    output_count: int = 1,
) -> tuple[Tensor, ...]:
    """Normalise each channel; statistics are those of the batch where they are outputs.

    https://onnx.ai/onnx/operators/onnx__BatchNormalization.html
    """
    if output_count == 1:
        return (_batch_norm(X, scale, B, mean, var, epsilon),)
    return _trained_batch_norm(X, scale, B, mean, var, epsilon, momentum)


def _trained_batch_norm(
    X: Tensor,
    scale: Tensor,
    B: Tensor,
    mean: Tensor,
    var: Tensor,
    epsilon: float,
    momentum: float,
    spatial: int = 1,
) -> tuple[Tensor, ...]:
    """The result by the statistics of the batch, the running statistics, and those of the batch."""
    x = widen(X)
    axes = [a for a in range(X.ndim) if a != 1] if spatial else [0]
    center, spread = (t.reshape(mean.shape) for t in _moments(x, axes))
    Y = _batch_norm(X, scale, B, center, spread, epsilon)
    running = _running(mean, center, momentum), _running(var, spread, momentum)
    return Y, *running, cast_tensor(center, mean.dtype), cast_tensor(spread, var.dtype)


def _running(old: Tensor, new: Tensor, momentum: float) -> Tensor:
    """The statistic to carry on: `momentum` of the old one, and of the batch's the rest."""
    kept = cast_tensor(old, new.dtype)
    return cast_tensor(map_tensors(lambda k, n: k * momentum + n * (1 - momentum), kept, new), old.dtype)


@operator("BatchNormalization", since=7)
def batch_normalization_7(
    X: Tensor,
    scale: Tensor,
    B: Tensor,
    mean: Tensor,
    var: Tensor,
    *,
    epsilon: float = EPSILON,
    momentum: float = MOMENTUM,
    spatial: int = 1,
    output_count: int = 1,
) -> tuple[Tensor, ...]:
    """Normalise each channel, or each element unless `spatial`; else as version 9.

    https://onnx.ai/onnx/operators/onnx__BatchNormalization.html
    """
    if output_count == 1:
        return (_batch_norm(X, scale, B, mean, var, epsilon),)
    return _trained_batch_norm(X, scale, B, mean, var, epsilon, momentum, spatial)


@operator("BatchNormalization", since=6)
def batch_normalization_6(
    X: Tensor,
    scale: Tensor,
    B: Tensor,
    mean: Tensor,
    var: Tensor,
    *,
    epsilon: float = EPSILON,
    is_test: int = 0,
    momentum: float = MOMENTUM,
    spatial: int = 1,
) -> tuple[Tensor, ...]:
    """As version 7, by the statistics of the batch unless in a test.

    https://onnx.ai/onnx/operators/onnx__BatchNormalization.html
    """
    if is_test:
        return (_batch_norm(X, scale, B, mean, var, epsilon),)
    return _trained_batch_norm(X, scale, B, mean, var, epsilon, momentum, spatial)


def _batch_norm(X: Tensor, scale: Tensor, B: Tensor, mean: Tensor, var: Tensor, epsilon: float) -> Tensor:
    """X * factor + shift, where the factor and the shift of constant statistics are constants."""
    scale, B, mean, var = (cast_tensor(t, widen(X).dtype) for t in (scale, B, mean, var))
    factor = map_tensors(lambda s, v: s / sqrt(v + epsilon), scale, var)
    shift = map_tensors(lambda b, m, f: b - m * f, B, mean, factor)
    factor, shift = (_per_channel(t, X.ndim) if t.ndim == 1 else t for t in (factor, shift))
    return cast_tensor(map_tensors(lambda x, f, s: x * f + s, widen(X), factor, shift), X.dtype)


def _per_channel(t: Tensor, rank: int) -> Tensor:
    """A vector [C] as [C, 1, ...], to broadcast along dimension 1 of a tensor of that rank."""
    return t.reshape([t.shape[0], *[1] * (rank - 2)]) if rank > 1 else t


@operator("LayerNormalization", since=17)
def layer_normalization(
    X: Tensor,
    Scale: Tensor,
    B: Tensor | None = None,
    *,
    axis: int = -1,
    epsilon: float = EPSILON,
    stash_type: int = 1,
) -> tuple[Tensor, Tensor, Tensor]:
    """Normalise over the dimensions from the axis on; the mean and the inverse deviation too.

    https://onnx.ai/onnx/operators/onnx__LayerNormalization.html
    """
    x = cast_tensor(X, _stage_one(X.dtype, stash_type))
    axes = range(axis % X.ndim, X.ndim)
    center, spread = _moments(x, axes)
    inverse = map_tensors(lambda v: 1 / sqrt(v + epsilon), spread)
    normalized = map_tensors(lambda x, m, d: (x - m) * d, x, center, inverse)
    Y = _scale_and_shift(cast_tensor(normalized, X.dtype), Scale, B)
    stash = from_onnx(stash_type)
    return Y, cast_tensor(center, stash), cast_tensor(inverse, stash)


@operator("RMSNormalization", since=23)
def rms_normalization(
    X: Tensor, scale: Tensor, *, axis: int = -1, epsilon: float = EPSILON, stash_type: int = 1
) -> Tensor:
    """Divide by the root of the mean square. https://onnx.ai/onnx/operators/onnx__RMSNormalization.html"""
    x = cast_tensor(X, _stage_one(X.dtype, stash_type))
    square = mean(map_tensors(lambda x: x * x, x), range(axis % X.ndim, X.ndim))
    inverse = map_tensors(lambda s: 1 / sqrt(s + epsilon), square)
    normalized = map_tensors(lambda x, d: x * d, x, inverse)
    return _scale_and_shift(cast_tensor(cast_tensor(normalized, X.dtype), scale.dtype), scale, None)


def _stage_one(dtype: Dtype, stash_type: int) -> Dtype:
    """The type that statistics are computed in: the stash's, never less than float32 or the input's own."""
    stash = from_onnx(stash_type)
    return max(dtype, stash, F32, key=lambda t: t.itemsize)


def _scale_and_shift(x: Tensor, scale: Tensor, shift: Tensor | None) -> Tensor:
    if shift is None:
        return map_tensors(lambda x, s: x * s, x, scale)
    return map_tensors(lambda x, s, b: x * s + b, x, scale, shift)


@operator("InstanceNormalization", since=6)
def instance_normalization(input: Tensor, scale: Tensor, B: Tensor, *, epsilon: float = EPSILON) -> Tensor:
    """Normalise each channel of each sample. https://onnx.ai/onnx/operators/onnx__InstanceNormalization.html"""
    images, groups = before_grouping(input), input.shape[1]
    x = widen(images if same(groups, images.shape[1]) or is_by_lines(images, groups) else input)
    if is_by_lines(x, groups):
        normalized = normalize_by_lines(x, groups, epsilon)
    else:
        normalized = _normalize(x, range(2, x.ndim), epsilon)
    channels = [groups, x.shape[1] // groups]
    scale, B = (cast_tensor(t, x.dtype).unsqueeze(1).expand(channels) for t in (scale, B))
    scale, B = (_per_channel(t.reshape([x.shape[1]]), x.ndim) for t in (scale, B))
    return cast_tensor(_scale_and_shift(normalized, scale, B), input.dtype).reshape(input.shape)


@operator("GroupNormalization", since=21)
def group_normalization(
    X: Tensor, scale: Tensor, bias: Tensor, *, num_groups: int, epsilon: float = EPSILON, stash_type: int = 1
) -> Tensor:
    """Normalise each group of channels. https://onnx.ai/onnx/operators/onnx__GroupNormalization.html"""
    x = cast_tensor(X, _stage_one(X.dtype, stash_type))
    normalized = cast_tensor(_normalize_groups(x, num_groups, epsilon), X.dtype)
    return _scale_and_shift(normalized, _per_channel(scale, X.ndim), _per_channel(bias, X.ndim))


@operator("GroupNormalization", since=18)
def group_normalization_18(
    X: Tensor, scale: Tensor, bias: Tensor, *, num_groups: int, epsilon: float = EPSILON
) -> Tensor:
    """Normalise, scale and shift each group. https://onnx.ai/onnx/operators/onnx__GroupNormalization.html"""
    groups = [X.shape[0], num_groups, prod(X.shape[1:]) // num_groups]
    normalized = cast_tensor(_normalize_groups(widen(X), num_groups, epsilon), X.dtype).reshape(groups)
    scale, bias = (_per_channel(t, 3) for t in (scale, bias))
    return _scale_and_shift(normalized, scale, bias).reshape(X.shape)


def _normalize_groups(x: Tensor, groups: int, epsilon: float) -> Tensor:
    """The tensor with each group of channels normalised."""
    if is_by_lines(x, groups):
        return normalize_by_lines(x, groups, epsilon)
    size = prod(x.shape[1:]) // groups
    return _normalize(x.reshape([x.shape[0], groups, size]), [2], epsilon).reshape(x.shape)


@operator("MeanVarianceNormalization", since=9)
def mean_variance_normalization(X: Tensor, *, axes: Sequence[int] = (0, 2, 3)) -> Tensor:
    """Zero mean and unit variance. https://onnx.ai/onnx/operators/onnx__MeanVarianceNormalization.html"""
    x = widen(X)
    center, spread = _moments(x, [a % x.ndim for a in axes])
    return cast_tensor(map_tensors(lambda x, m, v: (x - m) / (sqrt(v) + 1e-9), x, center, spread), X.dtype)


@operator("LpNormalization", since=1)
def lp_normalization(input: Tensor, *, axis: int = -1, p: int = 2) -> Tensor:
    """Divide by the norm along the axis, zero where it is zero.

    https://onnx.ai/onnx/operators/onnx__LpNormalization.html
    """
    x = widen(input)
    if p == 1:
        norm = reduce_tensor(map_tensors(absolute, x), "sum", [axis])
    else:
        norm = map_tensors(sqrt, reduce_tensor(map_tensors(lambda x: x * x, x), "sum", [axis]))
    return cast_tensor(map_tensors(lambda x, n: where(eq(n, 0), 0, x / n), x, norm), input.dtype)


@operator("LRN", since=1)
def lrn(
    X: Tensor, *, size: int, alpha: float = 9.999999747378752e-05, beta: float = 0.75, bias: float = 1.0
) -> Tensor:
    """Normalise by the squares of near channels. https://onnx.ai/onnx/operators/onnx__LRN.html"""
    x = widen(X)
    last = [0, *range(2, x.ndim), 1]
    channels_last = x.permute(last)
    rows, channels = prod(channels_last.shape[:-1]), x.shape[1]
    squares = map_tensors(lambda x: x * x, channels_last).reshape([rows, channels])
    (total,) = launch(
        sum_window,
        squares,
        outputs=[(x.dtype, [rows, channels])],
        scalars=[(size - 1) // 2, size // 2],
        extent=rows,
        flops=x.size * size,
    )
    total = total.reshape(channels_last.shape).permute([last.index(a) for a in range(x.ndim)])
    Y = map_tensors(lambda x, s: x / power(bias + (alpha / size) * s, beta), x, total)
    return cast_tensor(Y, X.dtype)


def sum_window(total, squares, before, after, begin, end):
    """total[i, c] sums squares[i, c - before] to squares[i, c + after]."""
    channels = squares.shape[1]
    for i in range(begin, end):
        for c in range(channels):
            total[i, c] = squares[i, c]
        for shift in range(-before, after + 1):
            if shift != 0:
                for c in range(max(0, -shift), min(channels, channels - shift)):
                    total[i, c] += squares[i, c + shift]


def _moments(x: Tensor, axes: Sequence[int]) -> tuple[Tensor, Tensor]:
    """The mean and the variance over axes, kept with size 1."""
    center = mean(x, axes)
    deviation = map_tensors(lambda x, m: x - m, x, center)
    return center, mean(map_tensors(lambda d: d * d, deviation), axes)


def _normalize(x: Tensor, axes: Sequence[int], epsilon: float) -> Tensor:
    center, spread = _moments(x, axes)
    return map_tensors(lambda x, m, v: (x - m) / sqrt(v + epsilon), x, center, spread)


older_version(batch_normalization_6, since=1, ignores={"consumed_inputs": REQUIRED})
consuming_version(instance_normalization)
