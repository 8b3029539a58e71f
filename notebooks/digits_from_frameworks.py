"""The first network of every course: trained in Keras and in PyTorch, exported by each, run here.

    pip install -e '.[exchange]' && python notebooks/digits_from_frameworks.py [torch] [keras]

Convolution of 32 filters, pooling, two dense layers: on 28 x 28 images of handwritten digits, which are those
of scikit-learn, 8 x 8, enlarged. It prints how many held-back images are read right, checks that the labels
are the framework's, and times both. KERAS_BACKEND says what Keras runs on.

Data: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository,
1998, CC BY 4.0. https://doi.org/10.24432/C50P49
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

import jitrt

HELD_OUT = slice(0, None, 5)
EPOCHS = 8
BATCH = 32
Array = np.ndarray[Any, Any]
Predict = Callable[[Array], Array]  # images f32[n, 28, 28, 1] to probabilities f32[n, 10]


def digits() -> tuple[Array, Array]:
    """Images f32[1797, 28, 28, 1] from 0 to 1, and what they show."""
    data = load_digits()
    enlarged = np.kron(data.images / 16, np.ones((3, 3)))
    return np.pad(enlarged, ((0, 0), (2, 2), (2, 2)))[..., np.newaxis].astype(np.float32), data.target


def train_keras(images: Array, labels: Array, path: Path) -> Predict:
    """Train in Keras and export to a path."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(images, labels, BATCH, EPOCHS, verbose=0)
    model.export(path, format="onnx", verbose=False)
    return lambda x: keras.ops.convert_to_numpy(model(x, training=False))


def train_torch(images: Array, labels: Array, path: Path) -> Predict:
    """Train in PyTorch and export to a path; there, images are [n, 1, 28, 28] inside the network."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    logits = nn.Sequential(
        nn.Unflatten(1, (1, 28)),
        nn.Flatten(3),
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 13 * 13, 128),
        nn.ReLU(),
        nn.Linear(128, 10),
    )
    x, y = torch.from_numpy(images), torch.from_numpy(labels)
    optimizer = torch.optim.Adam(logits.parameters())
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(x)).split(BATCH):
            loss = nn.functional.cross_entropy(logits(x[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    model = nn.Sequential(logits, nn.Softmax(1)).eval()
    batch_size = ({0: torch.export.Dim("batch")},)
    torch.onnx.export(model, (x[:2],), path, dynamo=True, dynamic_shapes=batch_size, verbose=False)
    return torch.no_grad()(lambda x: model(torch.from_numpy(x)).numpy())


FRAMEWORKS = {"keras": train_keras, "torch": train_torch}


def compare(name: str, path: Path) -> float:
    """Train, export to a path, run here; the share of held-back digits that are read right.

    Raises AssertionError where a label is not the framework's.
    """
    images, labels = digits()
    start = time.perf_counter()
    kept = np.delete(np.arange(len(images)), HELD_OUT)
    predict = FRAMEWORKS[name](images[kept], labels[kept], path)
    print(f"{name}: trained and exported in {time.perf_counter() - start:.0f} s")
    session = jitrt.InferenceSession(path)
    (argument,) = session.get_inputs()
    held_out = images[HELD_OUT]
    (probabilities,) = session.run(None, {argument.name: held_out})
    wanted = predict(held_out)
    np.testing.assert_allclose(probabilities, wanted, atol=1e-5)
    np.testing.assert_array_equal(probabilities.argmax(1), wanted.argmax(1))
    accuracy = float(np.mean(probabilities.argmax(1) == labels[HELD_OUT]))
    theirs, ours = (fastest(f, held_out) for f in (predict, lambda x: session.run(None, {argument.name: x})))
    print(f"{name}: {accuracy:.1%} of {len(held_out)} digits right, the same labels in both")
    print(f"{name}: {theirs:.1f} ms there, {ours:.1f} ms here")
    return accuracy


def fastest(function: Callable[[Array], Any], x: Array) -> float:
    """Milliseconds of the fastest of 20 calls."""
    times = []
    for _ in range(20):
        start = time.perf_counter()
        function(x)
        times.append(time.perf_counter() - start)
    return 1e3 * min(times)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for chosen in sys.argv[1:] or ["torch"]:
            compare(chosen, Path(folder) / f"{chosen}.onnx")
