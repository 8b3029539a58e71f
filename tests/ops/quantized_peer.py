"""onnxruntime's answer for one quantised operator of com.microsoft."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

PACKED = ("int4", "uint4")  # types that onnxruntime's Python interface does not take or give


def onnxruntime_outputs(
    op: str, inputs: Sequence[Any], *, outputs: int = 1, constants: Sequence[int] = (), **attributes: Any
) -> list[np.ndarray[Any, Any]]:
    """The outputs; `constants` are the numbers of inputs that are initializers."""
    ort = pytest.importorskip("onnxruntime")
    names = ["" if x is None else f"x{i}" for i, x in enumerate(inputs)]
    while not names[-1]:
        names.pop()
    given = {n: np.asarray(x) for n, x in zip(names, inputs, strict=False) if n}
    fixed = {n: x for n, x in given.items() if x.dtype.name in PACKED or int(n[1:]) in constants}
    results = [f"y{i}" for i in range(outputs)]
    nodes = [helper.make_node(op, names, results, domain="com.microsoft", **attributes)]
    if op == "QuantizeLinear":
        nodes.append(helper.make_node("Cast", results, ["whole"], to=TensorProto.INT32))
        results = ["whole"]
    fed = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
        for n, x in given.items()
        if n not in fixed
    ]
    untyped = [onnx.ValueInfoProto(name=n) for n in results]
    initializers = [numpy_helper.from_array(x, n) for n, x in fixed.items()]
    graph = helper.make_graph(nodes, op, fed, untyped, initializers)
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {n: x for n, x in given.items() if n not in fixed})
