"""onnxruntime's outputs of one floating-point operator, to compare ours with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from onnx import ValueInfoProto, helper


def outputs_of_peer(
    op: str, inputs: Sequence[Any], *, domain: str = "com.microsoft", outputs: int = 1, **attributes: Any
) -> list[np.ndarray[Any, Any]]:
    """The outputs that onnxruntime computes on the CPU; skips the test where it is not installed."""
    ort = pytest.importorskip("onnxruntime")
    given = {f"x{i}": x for i, x in enumerate(inputs) if x is not None}
    names = ["" if x is None else f"x{i}" for i, x in enumerate(inputs)]
    results = [f"y{i}" for i in range(outputs)]
    node = helper.make_node(op, names, results, domain=domain, **attributes)
    kinds = [helper.np_dtype_to_tensor_dtype(x.dtype) for x in given.values()]
    graph = helper.make_graph(
        [node],
        op,
        [
            helper.make_tensor_value_info(n, k, x.shape)
            for (n, x), k in zip(given.items(), kinds, strict=True)
        ],
        [ValueInfoProto(name=n) for n in results],
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, given)
