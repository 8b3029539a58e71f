"""Functions of PyTorch to be exported, a family each: what users write between layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the name that PyTorch's users know
from torch_networks import BATCH, NEW, Network, images


def indexing(x: Tensor, i: Tensor) -> tuple[Tensor, ...]:
    """x f32[n, 6, 5], i i64[n, 3]."""
    y = x.clone()
    y[:, 1:4, ::2] = 0
    y[:, -1] = x[:, 0] * 2
    rows, wide = torch.arange(x.shape[0]), i.unsqueeze(-1).expand(-1, -1, 5)
    return (
        *(y, x[rows, i[:, 0]], x[..., None, 1:-1], x[:, [3, 1]], x.index_select(2, i[0]), x.gather(1, wide)),
        *(torch.zeros_like(x).scatter(1, wide, 1.0), torch.zeros_like(x).scatter_add(1, wide, x[:, :3])),
        x.index_put((rows, i[:, 1]), torch.full((x.shape[0], 5), 7.0)),
    )


def selected(x: Tensor) -> tuple[Tensor, ...]:
    """Results whose sizes depend on the values of x f32[n, 4]."""
    positive = x > 0
    return x[positive], torch.nonzero(positive), x[positive.any(1)] * 2, torch.where(positive)[0] + 1


def masked(x: Tensor) -> tuple[Tensor, ...]:
    """What a mask selects, in place."""
    y = x.clone()
    y[x < 0] = -1
    return x.masked_fill(x > 1, 0), y, torch.where(x > 0, x, -x), (x > 0) & (x < 1) | ~(x > -1)


def ordering(x: Tensor) -> tuple[Tensor, ...]:
    """Sorted, and selected."""
    values, indices = x.topk(3, dim=1)
    ordered = x.sort(dim=-1, descending=True)
    return (
        values,
        indices,
        ordered.values,
        ordered.indices,
        x.argmax(1),
        x.argmin(-1, keepdim=True),
        x.argsort(),
    )


def reductions(x: Tensor) -> tuple[Tensor, ...]:
    """Statistics of x f32[n, 5, 6]."""
    largest = x.max(dim=2)
    return (
        *(x.mean(), x.sum(1), x.std(2), x.var(1, correction=0), x.amax((1, 2)), x.prod(2), x.norm(dim=-1)),
        *(x.logsumexp(2), x.cumsum(1), x.abs().norm(p=1, dim=1), (x > 0).any(2), (x > -9).all(), x.min()),
        *(largest.values, largest.indices, x.clamp(-1.0, 0.5), x.log_softmax(1), x.norm(dim=(1, 2))),
    )


def arithmetic(x: Tensor, i: Tensor) -> tuple[Tensor, ...]:
    """x f32[n, 7], i i64[n, 7]."""
    return (
        *(x % 0.7, torch.fmod(x, 0.7), x.round(), x.floor(), x.sign(), x**3, torch.erf(x), x.half(), x.int()),
        *(i % 3, i / 4, torch.div(i, 3, rounding_mode="trunc"), i.double(), i.bool()),
        i.abs().float().sqrt(),
        *(torch.log1p(x.abs()), torch.rsqrt(x.abs() + 1), torch.maximum(x, -x), torch.addcmul(x, x, x)),
        x.atan(),
        *(torch.isnan(x / 0), torch.isinf(x / 0), torch.lerp(x, 2 * x, 0.3), torch.atan2(x, x + 1)),
        x.exp() + i,
    )


def arithmetic_of_bits(x: Tensor, i: Tensor) -> tuple[Tensor, ...]:
    """What the older exporter does not know: x f32[n, 7], i i64[n, 7]."""
    return (
        *(x // 0.3, x.trunc(), x.frac(), torch.expm1(x), torch.logaddexp(x, 2 * x), x.diff(dim=1)),
        x.signbit(),
        *(i // 3, i & 6, i | 1, i ^ 5, i << 2, i >> 1, ~i),
        torch.bucketize(x, torch.tensor([-1.0, 0.0, 2.0])),
    )


def activations(x: Tensor) -> tuple[Tensor, ...]:
    """Every activation with a name."""
    names = "celu elu gelu hardshrink hardsigmoid hardswish hardtanh leaky_relu logsigmoid mish relu relu6"
    names += " selu silu softplus softshrink softsign tanhshrink"
    y = [getattr(F, name)(x) for name in names.split()]
    return (*y, F.gelu(x, approximate="tanh"), F.glu(x, 1), F.softmin(x, 1))


def shapes(x: Tensor) -> tuple[Tensor, ...]:
    """x f32[n, 4, 6] taken apart and put together."""
    a, b, c = x.split([1, 2, 1], dim=1)
    return (
        *(x.permute(2, 0, 1), x.flatten(1), x.view(x.shape[0], -1, 3), x.unflatten(2, (2, 3)), x.reshape(-1)),
        *(torch.cat([c, a, b], 1), torch.stack(x.unbind(1), -1), x.roll(2, 1), x.flip(1, 2)),
        x.repeat(1, 2, 1),
        *(x.expand(2, *x.shape), x.unfold(2, 4, 2), x.tile(2), x.repeat_interleave(2, 2)),
        x[:, :1].squeeze(1),
        *(x.tril(), x.triu(1), x.diagonal(0, 1, 2), torch.full(x.shape, 3.0), x.size(0) * x),
        x.chunk(3, 2)[2],
        *(torch.meshgrid(x[0, :, 0], x[0, 0], indexing="ij")[1], x.movedim(0, -1)),
        torch.arange(x.shape[0] * 2),
        F.one_hot(x[:, :, 0].abs().long(), 12),
    )


def pooling(x: Tensor) -> tuple[Tensor, ...]:
    """x f32[n, 3, 9, 12]."""
    largest, at = F.max_pool2d(x, 3, 2, 1, return_indices=True)
    return (
        *(largest, at, F.avg_pool2d(x, 3, 2, 1, ceil_mode=True), F.max_pool2d(x, 2, 1, dilation=2)),
        *(F.adaptive_avg_pool2d(x, (3, 4)), F.adaptive_max_pool2d(x, 1), F.lp_pool2d(x, 2, 3)),
        *(F.avg_pool2d(x, (2, 3), count_include_pad=False), F.unfold(x, 3, padding=1)),
        F.max_pool1d(x[:, :, 0], 4),
    )


def padding(x: Tensor) -> tuple[Tensor, ...]:
    """Every mode, and negative amounts."""
    modes = [F.pad(x, (1, 2, 3, 0), mode=mode) for mode in ("constant", "reflect", "replicate", "circular")]
    return (*modes, F.pad(x, (-1, 2), value=7.5), F.pad(x, (0, x.shape[0])))


def resizing(x: Tensor) -> tuple[Tensor, ...]:
    """Interpolation up, down and to a size, of x f32[n, 3, 8, 10]."""
    h, w = x.shape[2:]
    up: dict[str, Any] = {"scale_factor": (2, 1.5)}
    sizes = [(mode, corners) for mode in ("bilinear", "bicubic") for corners in (False, True)]
    return (
        *(F.interpolate(x, **up), F.interpolate(x, **up, mode="bilinear"), F.pixel_unshuffle(x, 2)),
        *(F.interpolate(x, size=(5, 7), mode=mode, align_corners=corners) for mode, corners in sizes),
        F.interpolate(x, size=(h * 2, w + 3), mode="bilinear"),
        F.interpolate(x[:, :, 0], size=25, mode="linear"),
        F.interpolate(x, size=(4, 5), mode="area"),
        F.interpolate(x[:, :, None], scale_factor=2, mode="trilinear"),
        F.pixel_shuffle(x.repeat(1, 4, 1, 1), 2),
    )


def resizing_as_images(x: Tensor) -> tuple[Tensor, ...]:
    """Interpolation as image libraries do it, of x f32[n, 3, 11, 13]."""
    return (
        *(F.interpolate(x, size=(5, 4), mode=mode, antialias=True) for mode in ("bilinear", "bicubic")),
        F.interpolate(x, scale_factor=(2, 1.5), mode="nearest-exact"),
        F.channel_shuffle(x.repeat(1, 2, 1, 1), 2),
    )


def sampling(x: Tensor, grid: Tensor) -> tuple[Tensor, ...]:
    """x f32[n, 2, 6, 7] at the places of grid f32[n, 4, 5, 2]."""
    paddings = [
        (padding, corners) for padding in ("zeros", "border", "reflection") for corners in (False, True)
    ]
    return tuple(
        F.grid_sample(x, grid, mode, padding, align_corners=corners)
        for mode in ("bilinear", "nearest", "bicubic")
        for padding, corners in paddings
    )


def affine(x: Tensor, theta: Tensor) -> Tensor:
    """A spatial transformer: x f32[n, 2, 6, 7], theta f32[n, 2, 3]."""
    grid = F.affine_grid(theta, x.shape, align_corners=False)
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)


def attention(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, ...]:
    """Scaled dot-product attention: plain, causal, with a bias, and with another scale."""
    bias = -(torch.arange(k.shape[2]) - torch.arange(q.shape[2])[:, None]).abs().float()
    f = F.scaled_dot_product_attention
    return f(q, k, v), f(q, k, v, is_causal=True), f(q, k, v, attn_mask=bias), f(q, k, v, scale=0.3)


def algebra(x: Tensor) -> tuple[Tensor, ...]:
    """Products and angles, of x f32[n, 4, 4]."""
    y = x @ x.transpose(1, 2)
    return (
        *(y, torch.bmm(x, y), torch.baddbmm(y, x, x, alpha=0.5), torch.linalg.det(x)),
        x.diagonal(0, 1, 2).sum(1),
        *(torch.cross(x[:, 0, :3], x[:, 1, :3], dim=-1), x[0, 0].outer(x[0, 1])),
        F.cosine_similarity(x, y, 1),
    )


def spectrum(x: Tensor) -> tuple[Tensor, ...]:
    """Spectra of x f32[n, 400]."""
    window = torch.hann_window(64)
    short = torch.stft(x, 64, 16, window=window, return_complex=True, center=True)
    return torch.view_as_real(short), short.abs(), torch.fft.rfft(x).real


def losses(x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
    """x f32[n, 7], y i64[n]."""
    target = F.one_hot(y, 7).float()
    return (
        *(F.cross_entropy(x, y), F.nll_loss(x.log_softmax(1), y, reduction="none"), F.mse_loss(x, target)),
        *(F.binary_cross_entropy_with_logits(x, target), F.kl_div(x.log_softmax(1), target)),
    )


def counted(x: Tensor) -> Tensor:
    """A loop that the values end."""

    def more(i: Tensor, y: Tensor) -> Tensor:
        return (i < 5) & (y.abs().sum() < 100)

    def double(i: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        return i + 1, y * 2

    return torch.while_loop(more, double, (torch.tensor(0), x))[1]  # type: ignore[attr-defined]


def scalars(x: Tensor, scale: Tensor) -> tuple[Tensor, ...]:
    """0-d tensors in and out."""
    return x.sum() * scale, scale + 1, x * scale, torch.tensor(3.5) + scale


def module_of(function: Callable[..., Any]) -> nn.Module:
    """A module whose `forward` is the function."""
    made: nn.Module = type(function.__name__, (nn.Module,), {"forward": staticmethod(function)})()
    return made


def family(
    what: Callable[..., Any], inputs: Callable[[int], tuple[Any, ...]], *axes: Any, **more: Any
) -> Network:
    """The network that is a function."""
    return Network(what.__name__, lambda: module_of(what), inputs, axes or (BATCH,), **more)


def with_indices(n: int) -> tuple[Tensor, ...]:
    """Numbers, and for each of the batch three places among five."""
    return torch.randn(n, 6, 5), torch.stack([torch.randperm(5)[:3] for _ in range(n)])


def floats_and_integers(n: int) -> tuple[Tensor, ...]:
    """Numbers of either kind, of both signs."""
    return torch.randn(n, 7) * 3, torch.randint(-20, 20, (n, 7))


def queries(n: int) -> tuple[Tensor, ...]:
    """Queries, keys and values of two heads, more of them in a larger batch."""
    return tuple(torch.randn(n, 2, 6 + n, 16) for _ in range(3))


def image_and_grid(n: int) -> tuple[Tensor, ...]:
    """Images, and places of which some lie outside."""
    return torch.randn(n, 2, 6, 7), 2.6 * torch.rand(n, 4, 5, 2) - 1.3


HEADS = {0: "batch", 2: "time"}
FUNCTIONS = [
    family(indexing, with_indices, BATCH, BATCH, since=11),
    family(selected, images(4), since=11),
    family(masked, images(4, 5)),
    family(ordering, images(9), since=11),
    family(reductions, images(5, 6), since=11),
    family(arithmetic, floats_and_integers, BATCH, BATCH, since=11),
    family(arithmetic_of_bits, floats_and_integers, BATCH, BATCH, exporters=NEW),
    family(activations, images(8), since=12),
    family(shapes, images(4, 6), since=14),
    family(pooling, images(3, 9, 12), since=11),
    family(padding, images(2, 5, 6), since=11),
    family(resizing, images(3, 8, 10), since=11),
    family(resizing_as_images, images(3, 11, 13), exporters=NEW),
    family(sampling, image_and_grid, BATCH, BATCH, since=16),
    family(affine, lambda n: (torch.randn(n, 2, 6, 7), torch.randn(n, 2, 3)), BATCH, BATCH, since=20),
    family(attention, queries, HEADS, HEADS, HEADS, since=14),
    family(algebra, images(4, 4), since=13),
    family(spectrum, images(400), exporters=NEW),
    family(losses, lambda n: (torch.randn(n, 7), torch.randint(0, 7, (n,))), BATCH, BATCH, since=12),
    family(counted, images(4), exporters=NEW),
    family(scalars, lambda n: (torch.randn(n, 4), torch.tensor(0.5 * n)), BATCH, {}),
]
