"""Small models for the tests of bridges to other frameworks."""

from __future__ import annotations

import numpy as np
from models import model, node

BF16, F16 = 16, 10


def affine(dtype: int = 1) -> bytes:
    """y = 2 a + b, and whether a < b: a of any number of rows, b a row."""
    nodes = [
        node("Add", ["a", "a"], ["twice"]),
        node("Add", ["twice", "b"], ["y"]),
        node("Less", ["a", "b"], ["z"]),
    ]
    return model(nodes, {"a": (dtype, ["n", 3]), "b": (dtype, [3])}, ["y", "z"])


def doubled(dtype: int = 1) -> bytes:
    return model([node("Add", ["x", "x"], ["y"])], {"x": (dtype, ["n", 3])}, ["y"])


A, B = np.arange(6, dtype=np.float32).reshape(2, 3), np.float32([1, 3, 5])
