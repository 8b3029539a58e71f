"""Networks written in PyTorch, each with its ONNX export: jitrt runs one, the engines `torch*` the other."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the name that PyTorch's users know

from bench.engines import Feeds

OPSET = 17
Inputs = tuple[Tensor, ...]


def conv(inner: int, outer: int, size: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """A convolution that keeps the size where the stride is 1, and batch normalisation."""
    layer = nn.Conv2d(inner, outer, size, stride, size // 2, groups=groups, bias=False)
    nn.init.kaiming_normal_(layer.weight)
    return [layer, nn.BatchNorm2d(outer)]


class Bottleneck(nn.Module):
    """A residual block of 1 x 1, 3 x 3 and 1 x 1 convolutions."""

    def __init__(self, inner: int, middle: int, stride: int) -> None:
        super().__init__()
        first = [*conv(inner, middle, 1), nn.ReLU(), *conv(middle, middle, 3, stride), nn.ReLU()]
        self.residual = nn.Sequential(*first, *conv(middle, 4 * middle, 1))
        changes = inner != 4 * middle
        self.skip = nn.Sequential(*conv(inner, 4 * middle, 1, stride)) if changes else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """x[n, inner, h, w] to [n, 4 * middle, h / stride, w / stride]."""
        return F.relu(self.residual(x) + self.skip(x))


def resnet50() -> nn.Module:
    """https://arxiv.org/abs/1512.03385"""
    layers: list[nn.Module] = [*conv(3, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    inner = 64
    for middle, blocks in ((64, 3), (128, 4), (256, 6), (512, 3)):
        for number in range(blocks):
            layers.append(Bottleneck(inner, middle, 2 if number == 0 and middle != 64 else 1))
            inner = 4 * middle
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inner, 1000))


class InvertedResidual(nn.Module):
    """1 x 1, depthwise 3 x 3 and 1 x 1 convolutions, around them a skip where the sizes agree."""

    def __init__(self, inner: int, outer: int, stride: int, factor: int) -> None:
        super().__init__()
        wide = inner * factor
        expand = [*conv(inner, wide, 1), nn.ReLU6()] if factor != 1 else []
        depthwise = [*conv(wide, wide, 3, stride, groups=wide), nn.ReLU6()]
        self.residual = nn.Sequential(*expand, *depthwise, *conv(wide, outer, 1))
        self.adds = stride == 1 and inner == outer

    def forward(self, x: Tensor) -> Tensor:
        """x[n, inner, h, w] to [n, outer, h / stride, w / stride]."""
        y: Tensor = self.residual(x)
        return x + y if self.adds else y


def mobilenetv2() -> nn.Module:
    """https://arxiv.org/abs/1801.04381"""
    layers: list[nn.Module] = [*conv(3, 32, 3, 2), nn.ReLU6(), InvertedResidual(32, 16, 1, 1)]
    inner = 16
    stages = ((24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1))
    for outer, blocks, stride in stages:
        for number in range(blocks):
            layers.append(InvertedResidual(inner, outer, stride if number == 0 else 1, 6))
            inner = outer
    head = [*conv(inner, 1280, 1), nn.ReLU6(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, *head, nn.Linear(1280, 1000))


class EncoderLayer(nn.Module):
    """Post-norm self-attention and a dense block with GELU."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.dense = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x[n, length, width]; mask bool[n, 1, 1, length] is true for tokens that count."""
        n, length, width = x.shape
        parts = self.qkv(x).reshape(n, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(parts[0], parts[1], parts[2], mask)
        x = self.first(x + self.out(mixed.transpose(1, 2).reshape(n, length, width)))
        return self.second(x + self.dense(x))


class Encoder(nn.Module):
    """BERT's base size. https://arxiv.org/abs/1810.04805"""

    def __init__(self, width: int = 768, heads: int = 12, layers: int = 12, words: int = 8000) -> None:
        super().__init__()
        self.words, self.positions = nn.Embedding(words, width), nn.Embedding(512, width)
        self.norm = nn.LayerNorm(width)
        self.layers = nn.ModuleList(EncoderLayer(width, heads) for _ in range(layers))
        self.pool = nn.Linear(width, width)

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens int64[n, length] and their mask to a vector a token and one a sequence."""
        x = self.norm(self.words(ids) + self.positions(torch.arange(ids.shape[1])))
        counts = mask[:, None, None, :] != 0
        for layer in self.layers:
            x = layer(x, counts)
        return x, torch.tanh(self.pool(x[:, 0]))


class Recurrent(nn.Module):
    """Two bidirectional LSTM layers with a dense layer after each step."""

    def __init__(self, inner: int = 80, hidden: int = 256, classes: int = 64) -> None:
        super().__init__()
        self.lstm = nn.LSTM(inner, hidden, 2, batch_first=True, bidirectional=True)
        self.dense = nn.Linear(2 * hidden, classes)

    def forward(self, x: Tensor) -> Tensor:
        """x[n, length, inner] to logarithms of probabilities [n, length, classes]."""
        return F.log_softmax(self.dense(self.lstm(x)[0]), -1)


def images(*sizes: int) -> list[Inputs]:
    """Batches of 224 x 224 pixels."""
    return [(torch.randn(n, 3, 224, 224),) for n in sizes]


def tokens(*shapes: tuple[int, int]) -> list[Inputs]:
    """Tokens and a mask without padding."""
    return [(torch.randint(8000, shape), torch.ones(shape, dtype=torch.int64)) for shape in shapes]


def frames(*shapes: tuple[int, int]) -> list[Inputs]:
    """Sequences of 80 features."""
    return [(torch.randn(*shape, 80),) for shape in shapes]


# the module, inputs as in bench.models.Built, and the input axes that may vary
MODULES: dict[str, tuple[Callable[[], nn.Module], Callable[[], list[Inputs]], dict[int, str]]] = {
    "torch-resnet50": (resnet50, lambda: images(1, 4, 2), {0: "batch"}),
    "torch-mobilenetv2": (mobilenetv2, lambda: images(1, 4, 2), {0: "batch"}),
    "torch-encoder": (Encoder, lambda: tokens((1, 128), (4, 37), (1, 9)), {0: "batch", 1: "length"}),
    "torch-lstm": (Recurrent, lambda: frames((1, 100), (8, 50), (2, 7)), {0: "batch", 1: "length"}),
}


def write(name: str, folder: Path) -> list[Feeds]:
    """Save a module as model.pt and its export as model.onnx, and return inputs of three shapes.

    The inputs x0, x1... are in the order of the module's arguments.
    """
    make, make_inputs, axes = MODULES[name]
    torch.manual_seed(0)
    module, inputs = make().eval(), make_inputs()
    torch.save(module, folder / "model.pt")
    feeds = [{f"x{i}": x.numpy() for i, x in enumerate(one)} for one in inputs]
    names = list(feeds[0])
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            inputs[1],
            folder / "model.onnx",
            dynamo=False,  # the newer exporter needs one more package
            input_names=names,
            dynamic_axes=dict.fromkeys(names, axes),
            opset_version=OPSET,
        )
    return feeds
