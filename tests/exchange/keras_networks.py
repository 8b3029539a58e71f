"""Networks of Keras, exported by Keras: `python keras_networks.py FOLDER`.

Writes NAME.onnx, and NAME.npz with inputs and outputs for batches of several sizes: `in_BATCH_INDEX` and
`out_BATCH_INDEX`. Keras takes its backend from the environment, so a process has one: KERAS_BACKEND.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

BATCHES = (1, 2, 5)


def chain(shape: tuple[int, ...], *parts: Any) -> Any:
    """Layers one after the other."""
    return keras.Sequential([keras.Input(shape), *parts])


def classifier() -> Any:
    return chain(
        (28, 28, 1),
        layers.Conv2D(8, 3, activation="relu"),
        layers.BatchNormalization(),
        layers.MaxPooling2D(),
        layers.DepthwiseConv2D(3, padding="same"),
        layers.SeparableConv2D(8, 3, strides=2, padding="same"),
        layers.ReLU(6.0),
        layers.GlobalAveragePooling2D(),
        layers.Dropout(0.3),
        layers.Dense(10, activation="softmax"),
    )


def lstm() -> Any:
    return chain((7, 6), layers.LSTM(10, return_sequences=True), layers.LSTM(5), layers.Dense(3))


def gru() -> Any:
    both = layers.Bidirectional(layers.GRU(10, return_sequences=True))
    return chain((7, 6), both, layers.GRU(5, reset_after=False))


def rnn() -> Any:
    return chain((7, 6), layers.SimpleRNN(10))


def convolutional_lstm() -> Any:
    return chain((3, 6, 6, 2), layers.ConvLSTM2D(4, 3, padding="same"))


def tokens() -> Any:
    return chain(
        (9,), layers.Embedding(30, 8), layers.Conv1D(8, 3, padding="causal"), layers.GlobalMaxPooling1D()
    )


def unet() -> Any:
    return chain(
        (16, 16, 2),
        layers.Conv2D(8, 3, strides=2, padding="same"),
        layers.Conv2DTranspose(4, 3, strides=2, padding="same"),
        layers.UpSampling2D(2, interpolation="bilinear"),
        layers.ZeroPadding2D(1),
        layers.Cropping2D(2),
    )


def activations() -> Any:
    names = ("elu", "gelu", "hard_sigmoid", "mish", "selu", "softplus", "softsign", "swish", "tanh")
    kept = [name for name in names if (name, keras.backend.backend()) != ("gelu", "tensorflow")]  # Erfc
    return chain((8,), layers.PReLU(), layers.LeakyReLU(), *map(layers.Activation, kept))


def shapes() -> Any:
    return chain(
        (10, 4),
        layers.TimeDistributed(layers.Dense(3)),
        layers.Flatten(),
        layers.RepeatVector(2),
        layers.Reshape((5, -1)),
        layers.Permute((2, 1)),
    )


def pixels() -> Any:
    return chain((12, 12, 3), layers.Rescaling(1 / 255), layers.Resizing(8, 9), layers.CenterCrop(6, 6))


def norms() -> Any:
    return chain(
        (6, 6, 8), layers.GroupNormalization(4), layers.UnitNormalization(), layers.LayerNormalization()
    )


def volumes() -> Any:
    return chain((5, 6, 6, 2), layers.Conv3D(4, 3, padding="same"), layers.MaxPooling3D(2))


def attention() -> Any:
    x = keras.Input((6, 16))
    y = layers.Add()([x, layers.MultiHeadAttention(2, 8)(x, x, use_causal_mask=True)])
    y = layers.LayerNormalization()(y)
    z = layers.Dense(16, activation="relu")(y)
    return keras.Model(x, [layers.Concatenate()([y, z]), layers.GlobalAveragePooling1D()(z)])


def two_inputs() -> Any:
    a, b = keras.Input((4,), name="a"), keras.Input((3,), name="b")
    return keras.Model([a, b], [layers.Dense(2)(layers.Concatenate()([a, b])), layers.Dot(1)([a, a])])


EVERYWHERE: list[Callable[[], Any]] = [
    *(classifier, lstm, gru, rnn, convolutional_lstm, tokens, unet, activations, shapes, pixels, two_inputs),
]
NETWORKS = {
    "tensorflow": [*EVERYWHERE, norms, volumes, attention],
    "torch": EVERYWHERE,  # its exporter knows neither LayerNormalization over a computed shape nor Conv3D
}


def example(model: Any, batch: int, *, whole: bool) -> list[Any]:
    """Inputs of a batch, whole numbers if so wanted."""
    rng = np.random.default_rng(batch)
    arrays = [rng.normal(0, 1, (batch, *x.shape[1:])) for x in model.inputs]
    return [(np.floor(9 + 5 * x).clip(0, 29) if whole else x).astype(np.float32) for x in arrays]


def write(make: Callable[[], Any], folder: Path) -> None:
    """Export a network, with what it gives for each batch."""
    keras.utils.set_random_seed(0)
    model, arrays = make(), {}
    for batch in BATCHES:
        inputs = example(model, batch, whole=make is tokens)
        outputs = keras.tree.flatten(model(inputs if len(inputs) > 1 else inputs[0], training=False))
        arrays |= {f"in_{batch}_{i}": x for i, x in enumerate(inputs)}
        arrays |= {f"out_{batch}_{i}": keras.ops.convert_to_numpy(y) for i, y in enumerate(outputs)}
    model.export(folder / f"{make.__name__}.onnx", format="onnx", verbose=False)
    np.savez(folder / f"{make.__name__}.npz", **arrays)


if __name__ == "__main__":
    for make in NETWORKS[keras.backend.backend()]:
        write(make, Path(sys.argv[1]))
