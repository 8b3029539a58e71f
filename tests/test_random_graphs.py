"""Random models against onnxruntime: what fusion, layouts, views and new sizes do to each other.

JITRT_GRAPHS=1000 compares so many.
"""

from __future__ import annotations

import os

import numpy as np
import pytest
import random_bodies  # noqa: F401  registers its moves, as the others do
import random_layouts  # noqa: F401
from random_graph import SIZES, random_graph

import jitrt

onnxruntime = pytest.importorskip("onnxruntime")
GRAPHS = int(os.environ.get("JITRT_GRAPHS", "48"))
TOLERANCE = 5e-4  # of the largest output: a graph may amplify what is rounded


@pytest.mark.parametrize("seed", range(GRAPHS))
def test_random_graph_agrees_with_onnxruntime_at_all_sizes(seed: int) -> None:
    graph = random_graph(seed)
    source = graph.model().SerializeToString()
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    peer = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    session = jitrt.InferenceSession(source)
    names = [output.name for output in peer.get_outputs()]
    for sizes in SIZES:
        feeds = graph.feeds(sizes)
        try:
            expected = peer.run(None, feeds)
        except Exception as error:
            pytest.skip(f"onnxruntime fails: {error}")
        for name, got, want in zip(names, session.run(None, feeds), expected, strict=True):
            assert got.shape == want.shape, (name, sizes)
            scale = np.abs(want).max(initial=1e-2)
            np.testing.assert_allclose(got, want, rtol=0, atol=TOLERANCE * scale, err_msg=f"{name} {sizes}")
