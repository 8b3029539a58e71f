"""Networks of PyTorch to be exported: each with inputs for a batch of n, and the axes that may vary."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the name that PyTorch's users know

BATCH = {0: "batch"}


@dataclass(frozen=True)
class Network:
    """What to export: `make()` gives the module, `inputs(n)` its arguments for a batch of n."""

    name: str
    make: Callable[[], nn.Module]
    inputs: Callable[[int], tuple[Any, ...]]
    axes: tuple[dict[int, str], ...] = (BATCH,)
    exporters: tuple[str, ...] = ("dynamo", "script")
    tolerance: float = 1e-4
    batches: tuple[int, ...] = (1, 2, 5)
    since: int = 9  # the oldest opset that the older exporter can write this in


class Classifier(nn.Module):
    """Convolutions of every kind, with batch normalisation and pooling, for images f32[n, 3, 32, 32]."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 16, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU6(),
            nn.Conv2d(16, 16, 3, padding=1, groups=16),
            nn.Hardswish(),
            nn.Conv2d(16, 24, 5, padding=4, dilation=2, groups=2),
            nn.PReLU(24),
            nn.MaxPool2d(3, 2, padding=1, ceil_mode=True),
            nn.AvgPool2d(2, 2, count_include_pad=False),
            nn.Conv2d(24, 40, 1),
            nn.SiLU(),
        )
        self.head = nn.Linear(40, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.adaptive_avg_pool2d(self.features(x), 1)
        return F.log_softmax(self.head(torch.flatten(x, 1)), dim=-1)


class UNet(nn.Module):
    """Down and up again, by convolutions and transposed convolutions, with a skip connection."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv2d(1, 8, 3, stride=2, padding=1)
        self.inside = nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.up = nn.ConvTranspose2d(16, 8, 3, stride=2, padding=1, output_padding=1)
        self.out = nn.ConvTranspose2d(16, 2, 4, stride=2, padding=1)
        self.norm = nn.GroupNorm(2, 8)

    def forward(self, x: Tensor) -> Tensor:
        outer = F.leaky_relu(self.norm(self.down(x)))
        inner = F.elu(self.up(F.gelu(self.inside(outer))))
        return torch.sigmoid(self.out(torch.cat([outer, inner], dim=1)))


class Recurrent(nn.Module):
    """Sequences [n, time, 6] through a recurrent layer: all states, and the last."""

    def __init__(self, layer: type[nn.RNNBase], **options: Any) -> None:
        super().__init__()
        self.layer = layer(6, 10, batch_first=True, **options)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        y, state = self.layer(x)
        return (y, *state) if isinstance(state, tuple) else (y, state)


class Encoder(nn.Module):
    """A transformer's encoder over tokens i64[n, time], of which 0 is padding."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(50, 32), nn.Embedding(64, 32)
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.1, activation="gelu", batch_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, tokens: Tensor) -> Tensor:
        places = torch.arange(tokens.shape[1], device=tokens.device)
        x = self.tokens(tokens) + self.places(places)
        y = self.layers(x, src_key_padding_mask=tokens == 0)
        kept = (tokens != 0).unsqueeze(-1).to(y.dtype)
        return F.normalize((y * kept).sum(1) / kept.sum(1).clamp(min=1e-9), dim=-1)


class CachedAttention(nn.Module):
    """Grouped-query attention of new tokens over a cache: the result, and the cache that is longer."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key_value, self.out = nn.Linear(32, 32), nn.Linear(32, 32), nn.Linear(32, 32)

    def forward(self, x: Tensor, past_key: Tensor, past_value: Tensor) -> tuple[Tensor, ...]:
        n, time, _ = x.shape
        query = self.query(x).view(n, time, 4, 8).transpose(1, 2)
        new_key, new_value = self.key_value(x).view(n, time, 4, 8).transpose(1, 2).chunk(2, dim=1)
        key, value = torch.cat([past_key, new_key], dim=2), torch.cat([past_value, new_value], dim=2)
        total = key.shape[2]
        seen = torch.ones(time, total, dtype=torch.bool).tril(diagonal=total - time)
        wide_key, wide_value = key.repeat_interleave(2, dim=1), value.repeat_interleave(2, dim=1)
        y = F.scaled_dot_product_attention(query, wide_key, wide_value, attn_mask=seen)
        return self.out(y.transpose(1, 2).reshape(n, time, 32)), key, value


class Mixer(nn.Module):
    """Einsum, and a layer whose weight is computed."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 5, 6))
        self.normed = nn.utils.parametrizations.weight_norm(nn.Linear(6, 7))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        a = torch.einsum("bti,hij->bhtj", x, self.weight)
        b = torch.einsum("bhtj,bhsj->bhts", a, a).softmax(-1)
        return b, torch.einsum("bhts,bhsj->btj", b, a), self.normed(a)


class Norms(nn.Module):
    """Normalisation over groups, pixels, features, the batch and neighbours."""

    def __init__(self) -> None:
        super().__init__()
        self.group, self.instance = nn.GroupNorm(4, 8), nn.InstanceNorm2d(8, affine=True)
        self.layer, self.batch, self.local = nn.LayerNorm([6, 5]), nn.BatchNorm2d(8), nn.LocalResponseNorm(3)
        with torch.no_grad():
            self.batch.running_mean.normal_()  # type: ignore[union-attr]
            self.batch.running_var.uniform_(0.5, 2)  # type: ignore[union-attr]

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return self.group(x), self.instance(x), self.layer(x), self.batch(x), self.local(x)


class Branches(nn.Module):
    """One of two branches, by the values of the input."""

    def __init__(self) -> None:
        super().__init__()
        self.rising, self.falling = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cond(x.sum() > 0, lambda x: self.rising(x).relu(), lambda x: self.falling(x) - 1, (x,))


class Repeats(nn.Module):
    """A loop whose number of rounds is an input, and a branch inside it: scripted."""

    def forward(self, x: Tensor, rounds: int) -> Tensor:
        total = torch.zeros_like(x)
        for i in range(rounds):
            if bool((x.sum() + i) % 2 < 1):
                total = total + x * i
            else:
                total = total - torch.tanh(x)
        return total


class FakeQuantized(nn.Module):
    """A network as quantisation-aware training leaves it: QuantizeLinear and DequantizeLinear pairs."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 8, 3), nn.Linear(8, 4)
        self.register_buffer("scales", self.conv.weight.detach().abs().amax((1, 2, 3)) / 127)
        self.register_buffer("zeros", torch.zeros(8, dtype=torch.int32))

    def forward(self, x: Tensor) -> Tensor:
        x = torch.fake_quantize_per_tensor_affine(x, 0.03, 128, 0, 255)
        weight = torch.fake_quantize_per_channel_affine(
            self.conv.weight, self.scales, self.zeros, 0, -128, 127
        )
        x = F.conv2d(x, weight, self.conv.bias).relu()
        x = torch.fake_quantize_per_tensor_affine(x, 0.02, 0, 0, 255)
        return self.head(x.mean((2, 3)))


def images(*shape: int, dtype: torch.dtype = torch.float32) -> Callable[[int], tuple[Tensor, ...]]:
    """Inputs: a batch of normally distributed numbers."""
    return lambda n: (torch.randn(n, *shape).to(dtype),)


def tokens(n: int) -> tuple[Tensor, ...]:
    """Sequences of different lengths, padded with 0."""
    lengths = 3 + torch.arange(n) % 9
    ids = torch.randint(1, 50, (n, 11))
    return (ids * (torch.arange(11) < lengths[:, None]),)


def with_cache(n: int) -> tuple[Tensor, ...]:
    """New tokens, as many as there are sequences, after a cache of other lengths."""
    return torch.randn(n, n, 32), torch.randn(n, 2, n + 3, 8), torch.randn(n, 2, n + 3, 8)


def perceptron(dtype: torch.dtype) -> nn.Module:
    """Dense layers with weights of a type."""
    layers = [
        nn.Linear(20, 33),
        nn.GELU(),
        nn.LayerNorm(33),
        nn.Dropout(0.3),
        nn.Linear(33, 7),
        nn.Softmax(-1),
    ]
    return nn.Sequential(*layers).to(dtype)


NEW = ("dynamo",)
SEQUENCES = {0: "batch", 1: "time"}
LAYERS = [
    Network("classifier", Classifier, images(3, 32, 32), ({0: "batch", 2: "height", 3: "width"},), since=10),
    Network("unet", UNet, images(1, 24, 32)),
    Network("perceptron", lambda: perceptron(torch.float32), images(20)),
    Network(
        "perceptron_f64", lambda: perceptron(torch.float64), images(20, dtype=torch.float64), tolerance=1e-10
    ),
    Network(
        "perceptron_f16", lambda: perceptron(torch.float16), images(20, dtype=torch.float16), tolerance=2e-2
    ),
    Network(
        "perceptron_bf16",
        lambda: perceptron(torch.bfloat16),
        images(20, dtype=torch.bfloat16),
        tolerance=2e-2,
    ),
    Network(
        "classifier_f16", lambda: Classifier().half(), images(3, 32, 32, dtype=torch.float16), tolerance=2e-2
    ),
    Network("lstm", lambda: Recurrent(nn.LSTM, num_layers=2, bidirectional=True), images(7, 6)),
    Network("lstm_time", lambda: Recurrent(nn.LSTM), images(7, 6), (SEQUENCES,), ("script",)),
    Network("gru", lambda: Recurrent(nn.GRU, bidirectional=True), images(7, 6)),
    Network("rnn", lambda: Recurrent(nn.RNN, num_layers=2, nonlinearity="relu"), images(7, 6)),
    Network("encoder", Encoder, tokens, (SEQUENCES,), since=14),
    Network(
        "cached_attention",
        CachedAttention,
        with_cache,
        (SEQUENCES, {0: "batch", 2: "past"}, {0: "batch", 2: "past"}),
        since=14,
    ),
    Network("mixer", Mixer, images(7, 5), since=12),
    Network(
        "bilinear",
        lambda: nn.Bilinear(5, 6, 3),
        lambda n: (torch.randn(n, 5), torch.randn(n, 6)),
        (BATCH, BATCH),
        NEW,
    ),
    Network("rms_norm", lambda: nn.RMSNorm(5, eps=1e-6), images(6, 5), exporters=NEW),
    Network("norms", Norms, images(8, 6, 5)),
    Network("branches", Branches, images(4), ({},), NEW, batches=(3,)),
    Network("fake_quantized", FakeQuantized, images(3, 9, 9), exporters=("script",), since=13),
    Network("conv1d", lambda: nn.Conv1d(6, 8, 5, padding="same", padding_mode="circular"), images(6, 19)),
    Network("conv3d", lambda: nn.Conv3d(2, 4, 3, stride=(1, 2, 2), padding=1), images(2, 5, 6, 7)),
    Network(
        "embedding_bag",
        lambda: nn.EmbeddingBag(30, 8, mode="mean"),
        lambda n: (torch.randint(0, 30, (n, 5)),),
        since=11,
    ),
]
