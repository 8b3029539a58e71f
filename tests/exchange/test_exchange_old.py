"""Files as old exporters wrote them: opsets 1 to 10, operators on trial, weights among the inputs."""

from __future__ import annotations

import numpy as np
import old_converters  # noqa: F401  adds to FILES
import old_exporters  # noqa: F401
import pytest
from models import random
from old_file import FILES

import jitrt


@pytest.mark.parametrize("fused", [True, False], ids=["fused", "as written"])
@pytest.mark.parametrize("make", FILES, ids=lambda make: make.__name__)
def test_old_files(make, fused):
    old = make()
    options = jitrt.SessionOptions()
    if not fused:
        options.graph_optimization_level = jitrt.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = jitrt.InferenceSession(old.model.SerializeToString(), options)
    (argument,) = session.get_inputs()  # weights are none, though they are listed
    for seed in (0, 1):
        x = random(*old.shape, seed=seed)
        got, wanted = session.run(None, {argument.name: x}), old.compute(x.astype(np.float64))
        assert len(got) == len(wanted)
        for g, w in zip(got, wanted, strict=True):
            assert (g.dtype, g.shape) == (np.float32, w.shape)
            np.testing.assert_allclose(g, w, rtol=0, atol=1e-5 * np.abs(w).max())


def test_weights_listed_as_inputs_may_be_fed_since_ir_4():
    old = next(make for make in FILES if make.__name__ == "keras2onnx")()
    session = jitrt.InferenceSession(old.model.SerializeToString())
    assert session.get_overridable_initializers() == []
    old.model.ir_version = 4
    session = jitrt.InferenceSession(old.model.SerializeToString())
    weights = session.get_overridable_initializers()
    assert {a.name for a in weights} == {"W", "R", "B"}
    zeros = {a.name: np.zeros(a.shape, np.float32) for a in weights}
    for y in session.run(None, {"lstm_input": random(*old.shape), **zeros}):
        assert not y.any()
