"""Trains the demo's model and writes jitrt/demo_data/digits.onnx and digits.npz, as they are shipped.

    pip install torch onnxscript scikit-learn && python notebooks/train_digits.py

The data are 1797 handwritten digits of 8 x 8 pixels from 0 to 16, which scikit-learn ships: E. Alpaydin and
C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998, CC BY 4.0.
https://doi.org/10.24432/C50P49
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, pad, silu

HELD_OUT = 360
EPOCHS = 40
DEMO_DATA = Path(__file__).parents[1] / "jitrt" / "demo_data"


class Block(nn.Module):
    """Two convolutions around which the image also passes unchanged."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.expand = nn.Conv2d(channels, channels, 3, padding=1)
        self.project = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return silu(x + self.project(silu(self.expand(x))))


class DigitClassifier(nn.Module):
    """Probabilities of the ten digits, f32[batch, 10], for images u8[batch, 8, 8]."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 16, 3, padding=1)
        self.fine = Block(16)
        self.shrink = nn.Conv2d(16, 32, 3, stride=2, padding=1)
        self.coarse = Block(32)
        self.head = nn.Linear(32, 10)

    def forward(self, image: Tensor) -> Tensor:
        return torch.softmax(self.logits(image), dim=1)

    def logits(self, image: Tensor) -> Tensor:
        x = image.unsqueeze(1).float() / 16
        x = self.fine(silu(self.stem(x)))
        x = self.coarse(silu(self.shrink(x)))
        return self.head(x.mean(dim=(2, 3)))


def shifted(images: Tensor) -> Tensor:
    """The images, each moved by up to one pixel."""
    padded = pad(images, (1, 1, 1, 1))
    rows, columns = torch.randint(0, 3, (2, len(images))).tolist()
    return torch.stack([p[r : r + 8, c : c + 8] for p, r, c in zip(padded, rows, columns, strict=True)])


def train(images: Tensor, labels: Tensor) -> DigitClassifier:
    """A classifier fitted to images [n, 8, 8] and labels [n]."""
    model = DigitClassifier()
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.01)
    batches = len(images) // 64
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.01, total_steps=EPOCHS * batches)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(images))[: batches * 64].reshape(batches, 64):
            loss = cross_entropy(model.logits(shifted(images[batch])), labels[batch], label_smoothing=0.02)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return model.eval()


def main() -> int:
    """Train on all but the last images, export, and keep those as the demo's input."""
    torch.manual_seed(0)
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.uint8)
    labels = torch.tensor(digits.target)
    model = train(images[:-HELD_OUT], labels[:-HELD_OUT])
    with torch.no_grad():
        right = (model(images[-HELD_OUT:]).argmax(1) == labels[-HELD_OUT:]).sum()
    print(f"{right} of {HELD_OUT} held-out digits right")

    batch = torch.export.Dim("batch")
    program = torch.onnx.export(
        model,
        (images[:2],),
        input_names=["image"],
        output_names=["probabilities"],
        dynamic_shapes=({0: batch},),
        opset_version=20,
        dynamo=True,
    )
    assert program is not None
    onnx.save(named(program.model_proto), DEMO_DATA / "digits.onnx")
    np.savez_compressed(
        DEMO_DATA / "digits.npz",
        images=images[-HELD_OUT:].numpy(),
        labels=labels[-HELD_OUT:].numpy().astype(np.uint8),
    )
    return 0


def named(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model without the exporter's notes."""
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer):
        del value.metadata_props[:]
    del model.graph.value_info[:], model.graph.metadata_props[:], model.metadata_props[:]
    model.graph.name = "digits"
    model.doc_string = "Digits, 8 x 8 pixels from 0 to 16: https://doi.org/10.24432/C50P49 (CC BY 4.0)"
    return model


if __name__ == "__main__":
    sys.exit(main())
