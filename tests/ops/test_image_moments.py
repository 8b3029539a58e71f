"""Normalisation of images whose channels lie innermost, against NumPy in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from models import model, node, random, session

SHAPES = [(2, 50, 44, 24), (1, 300, 24), (2, 12, 9, 20, 24), (3, 1, 90, 24)]  # channels last


def normalized(x: Any, groups: int) -> Any:
    """x[N, ..., C] in float64, normalised and with the channels second."""
    x = np.moveaxis(x.astype(np.float64), -1, 1)
    parts = x.reshape(x.shape[0], groups, -1)
    parts = (parts - parts.mean(2, keepdims=True)) / np.sqrt(parts.var(2, keepdims=True) + 1e-5)
    return parts.reshape(x.shape)


def run(nodes: list[Any], x: Any, open_sizes: bool, groups: int) -> tuple[Any, list[str]]:
    """The output y of nodes that read `images`, x with its channels second, and the labels of the steps."""
    rank = x.ndim
    shape = [f"d{i}" for i in range(rank - 1)] if open_sizes else list(x.shape[:-1])
    constants = {
        **{"ones": np.ones(groups, np.float32), "zeros": np.zeros(groups, np.float32)},
        **{"grouped": np.array([0, groups, -1]), "weight": factors(rank), "bias": -factors(rank)},
        **{"scale": factors(2).ravel(), "shift": -factors(2).ravel()},
    }
    used = {name for n in nodes for name in n.input}
    s = session(
        model(
            [node("Transpose", ["x"], ["images"], perm=[0, rank - 1, *range(1, rank - 1)]), *nodes],
            {"x": [*shape, x.shape[-1]]},
            ["y"],
            {name: value for name, value in constants.items() if name in used},
            opset=21,
        )
    )
    (y,) = s.run(None, {"x": x})
    (program,) = s._programs.values()
    return y, [step.label for step in program.variants[0].recipe.steps]


def factors(rank: int) -> Any:
    """One for each of 24 channels, [C, 1, ...]."""
    return np.linspace(0.5, 2, 24, dtype=np.float32).reshape(-1, *[1] * (rank - 2))


@pytest.mark.parametrize("open_sizes", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_instances(shape: tuple[int, ...], open_sizes: bool) -> None:
    x = random(*shape) * 3 + 100
    y, _ = run([node("InstanceNormalization", ["images", "scale", "shift"], ["y"])], x, open_sizes, 24)
    f = factors(x.ndim)
    np.testing.assert_allclose(y, normalized(x, 24) * f - f, atol=2e-5)


@pytest.mark.parametrize("open_sizes", [False, True])
@pytest.mark.parametrize("groups", [1, 4, 24])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_groups_as_exporters_write_them(shape: tuple[int, ...], groups: int, open_sizes: bool) -> None:
    x = random(*shape) * 3 + 100
    nodes = [
        node("Reshape", ["images", "grouped"], ["parts"]),
        node("InstanceNormalization", ["parts", "ones", "zeros"], ["even"]),
        node("Shape", ["images"], ["shape"]),
        node("Reshape", ["even", "shape"], ["whole"]),
        node("Mul", ["whole", "weight"], ["scaled"]),
        node("Add", ["scaled", "bias"], ["y"]),
    ]
    y, labels = run(nodes, x, open_sizes, groups)
    f = factors(x.ndim)
    np.testing.assert_allclose(y, normalized(x, groups) * f - f, atol=2e-5)
    assert "InstanceNormalization+Mul+Add" in labels


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_groups(shape: tuple[int, ...]) -> None:
    x = random(*shape) * 3 + 100
    y, _ = run([node("GroupNormalization", ["images", "scale", "shift"], ["y"], num_groups=3)], x, True, 3)
    f = factors(x.ndim)
    np.testing.assert_allclose(y, normalized(x, 3) * f - f, atol=2e-5)
