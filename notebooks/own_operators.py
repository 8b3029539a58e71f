"""Operators of your own: one elementwise, one a Numba kernel, in a model that is then saved, loaded and run.

python notebooks/own_operators.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import onnx

import jitrt
from jitrt.expr import exp


@jitrt.op("my.domain", "Swish")
def swish(x, *, beta=1.0):
    """x * sigmoid(beta * x): scalar code, which is fused with its neighbours."""
    return x / (1 + exp(-beta * x))


@jitrt.op(
    "my.domain",
    "RowNorm",
    outputs=lambda X, *, power=2.0: [(X.dtype, X.shape[:1])],
    extent=lambda X: X.shape[0],
)
def row_norm(Y, X, power, begin, end):
    """The norm of each row: loops over arrays, which Numba compiles; the rows are shared out to threads."""
    for i in range(begin, end):
        total = 0.0
        for j in range(X.shape[1]):
            total += abs(X[i, j]) ** power
        Y[i] = total ** (1 / power)


MODEL = """
<ir_version: 10, opset_import: ["": 18, "my.domain": 1]>
network (float[n, 64] x, float[64] bias) => (float[n] y) {
    biased = Add(x, bias)
    active = my.domain.Swish <beta = 1.5> (biased)
    half = Mul(active, active)
    y = my.domain.RowNorm <power = 3.0> (half)
}
"""


def main() -> None:
    """Save the model, run it, compare with NumPy, and show what it was compiled to."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "network.onnx")
        onnx.save(onnx.parser.parse_model(MODEL), path)
        session = jitrt.InferenceSession(path)
    rng = np.random.default_rng(0)
    x, bias = (rng.standard_normal(shape).astype(np.float32) for shape in ((1000, 64), (64,)))
    (y,) = session.run(None, {"x": x, "bias": bias})

    biased = (x + bias).astype(np.float64)
    active = biased / (1 + np.exp(-1.5 * biased))
    wanted = (np.abs(active * active) ** 3).sum(1) ** (1 / 3)
    print(f"largest relative error {np.abs(y / wanted - 1).max():.0e}")
    print("Swish alone:", jitrt.call("Swish", np.float32([-1, 0, 1]), domain="my.domain", beta=2.0))
    for step in session.prepare(None, {"x": x, "bias": bias})[0].variants[0].recipe.steps:
        print(f"kernel {step.label}, for {', '.join(step.nodes)}")


if __name__ == "__main__":
    main()
