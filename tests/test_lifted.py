"""Constants of quantised groups as operands of their kernels."""

from __future__ import annotations

import numpy as np
import pytest
from models import model, node, random, session

from jitrt import expr as ex
from jitrt.lifted import lift_constants
from jitrt.types import F32, I32, U8


def quantised(scale, zero):
    x = ex.load(0, F32)
    return ex.cast(ex.cast(ex.rint(x * scale), I32) + zero, U8)


def test_layers_differ_in_operands_alone():
    first, ours = lift_constants(quantised(0.3, 7), 1)
    second, theirs = lift_constants(quantised(0.4, 9), 1)
    assert first is second
    assert [a.ref.buffer.data.item() for a in ours] == pytest.approx([0.3, 7])
    assert [a.ref.buffer.data.item() for a in theirs] == pytest.approx([0.4, 9])
    assert all(a.shape == a.strides == () for a in ours)


def test_constants_of_formulas_and_of_groups_without_bytes_stay():
    x = ex.load(0, F32)
    plain = ex.cast(ex.maximum(x * 0.5, 0) + 1, U8)
    assert lift_constants(plain, 1) == (plain, [])
    floats = ex.exp(x * 0.3)
    assert lift_constants(floats, 1) == (floats, [])
    root = ex.cast(ex.power(x, 2.5) * 2.5, U8)
    assert lift_constants(root, 1) == (root, [])  # the exponent decides how the power is computed


def test_quantised_layers_share_kernels():
    """Layers of one kind; each result as from NumPy."""
    rng = np.random.default_rng(3)
    nodes, weights, x = [], {}, "x"
    for n in range(6):
        scale, zero = np.float32(0.01 + 0.003 * n), np.uint8(60 + n)
        weights |= {f"s{n}": scale, f"z{n}": zero, f"w{n}": random(16, 16) / 4}
        nodes += [
            node("QuantizeLinear", [x, f"s{n}", f"z{n}"], [f"q{n}"]),
            node("DequantizeLinear", [f"q{n}", f"s{n}", f"z{n}"], [f"d{n}"]),
            node("MatMul", [f"d{n}", f"w{n}"], [f"y{n}"]),
        ]
        x = f"y{n}"
    runner = session(model(nodes, {"x": ["n", 16]}, [x], weights))
    feed = rng.standard_normal((5, 16), np.float32)
    (got,) = runner.run(None, {"x": feed})
    want = feed.astype(np.float64)
    for n in range(6):
        scale, zero = float(weights[f"s{n}"]), int(weights[f"z{n}"])
        codes = np.clip(np.rint(want / scale) + zero, 0, 255)
        want = (codes - zero) * scale @ weights[f"w{n}"].astype(np.float64)
    np.testing.assert_allclose(got, want, atol=0.05 * np.abs(want).max())
    (program,) = runner._programs.values()
    steps = program.variants[0].recipe.steps
    assert len({step.kernel.key for step in steps}) <= 4 < len(steps)
